"""Character Generator Protocol (RFC 864), on TCP: lines of 72 printing characters, without end."""

from micropython import const

from ..app import App
from ..kern.ptr import kernel, ptr8

_LINE = const(74)  # 72 characters, CR, LF
_LINES = const(95)  # then the pattern begins again: line k begins with printing character k
_ROUND = const(7030)


@kernel
def write_pattern(buf: ptr8, pos: int, at: int, n: int):
    """Octets at to at + n of the pattern to buf[pos:]."""
    line = (at // _LINE) % _LINES
    column = at % _LINE
    end = pos + n
    while pos < end:
        c = line + column
        if c >= _LINES:
            c -= _LINES
        c += 32
        if column == 72:
            c = 13
        elif column == 73:
            c = 10
        buf[pos] = c
        pos += 1
        column += 1
        if column == _LINE:
            column = 0
            line += 1
            if line == _LINES:
                line = 0


class Pattern:
    """A source: the endless text, computed from its offset. `ended` set from outside ends it
    behind the last octet that was asked for.
    """

    def __init__(self):
        self.start()

    def start(self):
        """Begin at the first line."""
        self.ended = False
        self.at = 0  # of the first octet not acknowledged, within the round
        self.left = 0  # octets asked for and not acknowledged: they must stay

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        if self.ended and n > self.left - rel:
            n = self.left - rel
        if n <= 0:
            return 0
        if rel + n > self.left:
            self.left = rel + n
        write_pattern(buf, pos, self.at + rel, n)
        return n

    def acked(self, n):
        """The first n octets have arrived."""
        self.at = (self.at + n) % _ROUND
        self.left -= n


class Chargen(App):
    """Sends from the beginning until the client closes or resets; what the client sends is thrown
    away.
    """

    keepalive_s = 300  # a client that has vanished does not stay for ever

    def __init__(self):
        self.source = Pattern()

    def connected(self, conn):
        self.source.start()
        conn.keepalive_s = self.keepalive_s
        conn.finish(self.source)

    def peer_closed(self, conn):
        self.source.ended = True  # what was asked for before is still given
        conn.close()
