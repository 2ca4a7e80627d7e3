"""The answer to an HTTP request: a source of a head, written into a buffer that is idle by then,
and a page.
"""

from micropython import const

from ..kern import copy
from ..kern.ptr import kernel, ptr8

# fmt: off
REASONS = (
    200, b"200 OK\n",
    400, b"400 Bad Request\n",
    404, b"404 Not Found\n",
    405, b"405 Method Not Allowed\n",
    408, b"408 Request Timeout\n",
    414, b"414 URI Too Long\n",
    431, b"431 Request Header Fields Too Large\n",
    500, b"500 Internal Server Error\n",
    501, b"501 Not Implemented\n",
    503, b"503 Service Unavailable\n",
    505, b"505 HTTP Version Not Supported\n",
)
# fmt: on
HEAD_ROOM = const(127)  # octets of a head, without the fields of its page
_VERSION = const(b"HTTP/1.1 \n")
_CONTENT_LENGTH = const(b"\r\nContent-Length: \0")
_CONTENT_TYPE = const(b"\r\nContent-Type: \0")
_CONNECTION = const(b"Connection: \0")


@kernel
def write_head(head: ptr8, reason: ptr8, size: int, fields: ptr8, last: ptr8) -> int:
    """Write the head of an answer; return its length, a multiple of four, so that a body that is
    aligned in memory is so in the packet. `reason` ends in LF; in NUL end `fields` (the value of
    Content-Type, and more of them) and `last` (the value of Connection, and the end of the head).
    """
    # No Date: the board has no clock to rely on (RFC 9110 6.6.1).
    n = 0
    stop = 10
    for part in range(7):
        text = last
        if part == 0:
            text = ptr8(_VERSION)
        elif part == 1:
            text = reason
        elif part == 2:
            text = ptr8(_CONTENT_LENGTH)
            stop = 0
        elif part == 3:
            text = ptr8(_CONTENT_TYPE)
        elif part == 4:
            text = fields
        elif part == 5:
            text = ptr8(_CONNECTION)
        k = 0
        if part == 6:
            while text[k] != 0:
                k += 1
            while (n + k) & 3:  # blanks before a value are no part of it (RFC 9110 5.5)
                head[n] = 32
                n += 1
            k = 0
        c = text[0]
        while c > stop:
            head[n] = c
            n += 1
            k += 1
            c = text[k]
        if part == 2:
            k = 1  # the highest power of ten in `size`, which is under 2**30
            while k <= size // 10:
                k *= 10
            while k > 0:
                head[n] = 48 + size // k
                n += 1
                size = size % k
                k = k // 10
    return n


class Reply:
    """A source: the same octets come as often as they are asked for. Http._answer makes it ready:

    head_n  octets of the head                 at      of the first octet not acknowledged, counted
    size    what it says of the body's length          from the begin of the body: in the head it
    left    octets not acknowledged                    is negative
    body    what follows the head: octets in memory; or, if `page` is there, what it reads from

    The head lies in a buffer of the site, which all its connections share: whoever is asked for a
    piece of his and finds another's there writes it again.
    """

    def __init__(self, site):
        self.ended = True
        self.site = site
        self.page = None
        self.body = b""
        self.fields = self.reason = self.last = b""  # pieces of the head
        self.head_n = self.size = self.at = self.left = 0
        self.k = 0  # octets of the head in the fill() under way

    def start(self, silent):
        """Write the head; `silent`: nothing follows it (RFC 9110 9.3.2: it is that of GET)."""
        n = write_head(self.site.head, self.reason, self.left, self.fields, self.last)
        self.site.head_of = self
        self.size = self.left
        if silent:
            self.left = 0
        self.left += n
        self.head_n = n
        self.at = -n

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        if n > self.left - rel:
            n = self.left - rel
        if n <= 0:
            return 0
        rel += self.at
        self.k = 0
        if rel < 0:
            if self.site.head_of is not self:
                write_head(self.site.head, self.reason, self.size, self.fields, self.last)
                self.site.head_of = self
            self.k = n if n < -rel else -rel
            copy(buf, pos, self.site.head, self.head_n + rel, self.k)
            rel = 0
            pos += self.k
            n -= self.k
        if self.page is None:
            copy(buf, pos, self.body, rel, n)
        elif n > 0:
            self.site.out.aim(buf, pos, rel, n)
            self.page.write(self.site.out, self.body)
            n -= self.site.out.room
        return self.k + n

    def acked(self, n):
        """The first n octets have arrived."""
        self.at += n
        self.left -= n
