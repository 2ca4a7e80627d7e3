"""The answer to an HTTP request: a source of a head, written into a buffer that is idle by then,
and a page.
"""

from ..kern import copy
from ..source import Source
from ..writer import Writer

# fmt: off
_REASONS = (
    200, b"200 OK",
    400, b"400 Bad Request",
    404, b"404 Not Found",
    405, b"405 Method Not Allowed",
    408, b"408 Request Timeout",
    414, b"414 URI Too Long",
    431, b"431 Request Header Fields Too Large",
    500, b"500 Internal Server Error",
    501, b"501 Not Implemented",
    503, b"503 Service Unavailable",
    505, b"505 HTTP Version Not Supported",
)
# fmt: on


class Reply(Source):
    """`start` makes it ready; then it is a source, and the same octets come as often as they are
    asked for.
    """

    def __init__(self, head):
        self.head = head
        self.out = Writer()
        self.reason = b""
        self.head_n = 0  # octets of the head
        self.size = 0  # octets of the page that follow it
        self.at = 0  # of the first octet not acknowledged
        self.k = 0  # what fill() has written so far
        self.stop()

    def stop(self):
        """Forget the page."""
        self.page = None
        self.snap = None
        self.left = 0

    def start(self, status, page, snap, size, keep, with_body):
        """An answer with `page` of `size` octets; page None: the reason is the page."""
        self.page = page
        self.snap = snap
        self.reason = _REASONS[_REASONS.index(status) + 1]
        self.size = size if page else len(self.reason) + 1
        self._write_head(status, keep)
        if not with_body:
            self.size = 0  # RFC 9110 9.3.2: the head is that of GET
        self.at = 0
        self.left = self.head_n + self.size

    def _write_head(self, status, keep):
        # No Date: the board has no clock to rely on (RFC 9110 6.6.1).
        out = self.out
        out.aim(self.head, 0, 0, len(self.head))
        out.put(b"HTTP/1.1 ")
        out.put(self.reason)
        out.put(b"\r\nContent-Length: ")
        out.num(self.size)
        out.put(b"\r\nContent-Type: ")
        out.put(self.page.kind if self.page else b"text/plain")
        out.put(b"\r\n")
        if self.page:
            out.put(self.page.more)
        elif status == 405:
            out.put(b"Allow: GET, HEAD\r\n")  # RFC 9110 15.5.6
        elif status == 503:
            out.put(b"Retry-After: 1\r\n")
        out.put(b"Connection: keep-alive\r\n\r\n" if keep else b"Connection: close\r\n\r\n")
        self.head_n = out.count

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        if n > self.left - rel:
            n = self.left - rel
        rel += self.at
        self.k = 0
        if rel < self.head_n and n > 0:
            self.k = min(n, self.head_n - rel)
            copy(buf, pos, self.head, rel, self.k)
            pos += self.k
            n -= self.k
            rel = self.head_n
        if n > 0:
            self.k += self._body(rel - self.head_n, buf, pos, n)
        return self.k

    def _body(self, rel, buf, pos, n):
        if self.page:
            return self.page.read(self.snap, rel, buf, pos, n)
        out = self.out
        out.aim(buf, pos, rel, n)
        out.put(self.reason)
        out.put(b"\n")
        return n - out.room

    def acked(self, n):
        """The first n octets have arrived."""
        self.at += n
        self.left -= n
