"""The answer of a route: a source of a head, and of the octets that follow it.

The head is written once into a buffer of the connection. Fields that a handler adds come first;
the status line, whose length is known last, is put in front of them, into room that was left.

    HTTP/1.1 201 Created
    Location: /led/7                        what the handler adds
    Content-Length: 0
    Content-Type: text/plain; charset=utf-8
    Connection: keep-alive
"""

from micropython import const

from ..kern import copy
from ..writer import Writer

LINE = const(48)  # room for the longest status line
KIND = const(72)  # octets of a Content-Type
_TAIL = const(144)  # and for the fields that are always there, with it
# fmt: off
_REASONS = (
    101, b"Switching Protocols", 200, b"OK", 201, b"Created", 202, b"Accepted",
    204, b"No Content", 206, b"Partial Content", 301, b"Moved Permanently", 302, b"Found",
    303, b"See Other", 304, b"Not Modified", 307, b"Temporary Redirect",
    308, b"Permanent Redirect", 400, b"Bad Request", 401, b"Unauthorized", 403, b"Forbidden",
    404, b"Not Found", 405, b"Method Not Allowed", 406, b"Not Acceptable",
    408, b"Request Timeout", 409, b"Conflict", 411, b"Length Required",
    412, b"Precondition Failed", 413, b"Content Too Large", 415, b"Unsupported Media Type",
    416, b"Range Not Satisfiable", 417, b"Expectation Failed", 422, b"Unprocessable Content",
    426, b"Upgrade Required", 428, b"Precondition Required", 429, b"Too Many Requests",
    431, b"Request Header Fields Too Large", 500, b"Internal Server Error",
    501, b"Not Implemented", 503, b"Service Unavailable", 507, b"Insufficient Storage",
)
# fmt: on
UNTIL_END = const(-1)  # as `size`: the body ends with the connection


def reason(status):
    """The words of a status; b"" for one that is not known here (RFC 9112 4: they may be left
    out)."""
    i = 0
    while i < len(_REASONS):
        if _REASONS[i] == status:
            return _REASONS[i + 1]
        i += 2
    return b""


class Answer:
    """A source, and what it is made from. `room` octets of fields can be added.

    status  the number
    kind    the value of Content-Type, bytes; b"": none
    size    octets of the body; UNTIL_END: nobody knows, the connection is closed behind them
    body    where they lie in memory; or
    source  what gives them: a source (source.py), whose last octet ends them if `size` is
            UNTIL_END. One that has a size must give as much
    page    a Page whose `write` gives them
    """

    def __init__(self, site, room):
        self.site = site
        self.head = bytearray(LINE + room + _TAIL)
        self.room = room
        self.more = Writer()  # of the fields that are added
        self.at = self.left = self.end = self.k = 0
        self.clear()

    def clear(self):
        """Begin a new answer."""
        self.status = 0
        self.kind = b"text/plain; charset=utf-8"
        self.size = 0
        self.body = b""
        self.source = self.page = None
        self.more.aim(self.head, LINE, 0, self.room)

    @property
    def ended(self):
        """True when what `fill` did not give will never come."""
        return self.source is None or self.size >= 0 or self.source.ended

    def start(self, stays, silent):
        """Write the head. `stays`: the connection goes on; `silent`: no body follows, it is the
        answer to HEAD."""
        out = self.more
        n = LINE + out.count
        status = self.status
        self.k = LINE
        out.aim(self.head, n, 0, _TAIL)
        # RFC 9110 8.6, 15.3.5, 15.4.5: no length where there is no content
        bare = status < 200 or status == 204 or status == 304
        if not bare and self.size >= 0:
            out.put(b"Content-Length: ")
            out.num(self.size)
            out.put(b"\r\n")
        if self.kind and not bare and self.size:
            out.put(b"Content-Type: ")
            out.put(self.kind)
            out.put(b"\r\n")
        if status != 101:
            out.put(b"Connection: keep-alive\r\n" if stays else b"Connection: close\r\n")
        out.put(b"\r\n")
        self.end = n + out.count
        self.line(status)
        if silent or bare:
            self.body = b""
            self.page = None
            if status != 101:
                self.source = None
                self.size = 0
        self.at = self.k - self.end
        self.left = -self.at + (self.size if self.size >= 0 else 1)

    def line(self, status):
        """The status line, in front of what is there."""
        words = reason(status)
        self.k -= 15 + len(words)
        out = self.more
        out.aim(self.head, self.k, 0, LINE)
        out.put(b"HTTP/1.1 ")
        out.num(status)
        out.put(b" ")
        out.put(words)
        out.put(b"\r\n")

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        rel += self.at
        k = 0
        if rel < 0:
            k = n if n < -rel else -rel
            copy(buf, pos, self.head, self.end + rel, k)
            rel = 0
            pos += k
            n -= k
        self.k = k
        if self.size >= 0 and n > self.size - rel:
            n = self.size - rel
        if n <= 0 or (self.size < 0 and self.source is None):
            return k
        if self.source is not None:
            if self.at > 0:
                rel -= self.at  # it counts from what it was told has arrived
            return self.k + self.source.fill(rel, buf, pos, n)
        if self.page is not None:
            out = self.site.out
            out.aim(buf, pos, rel, n)
            self.page.write(out, self.body)
            return self.k + n - out.room
        copy(buf, pos, self.body, rel, n)
        return self.k + n

    def acked(self, n):
        """The first n octets have arrived."""
        at = self.at
        self.at = at + n
        if self.size >= 0:
            self.left -= n
        elif self.source is None:
            self.left = 0
        if at < 0:
            n += at
        if n > 0 and self.source is not None:
            self.source.acked(n)
