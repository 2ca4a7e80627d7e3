"""Character Generator Protocol (RFC 864), on TCP: lines of 72 printing characters, without end."""

from micropython import const

from ..app import App
from ..kern import copy
from ..source import Source

_LINE = const(74)  # 72 characters, CR, LF
_ROUND = const(7030)  # 95 lines; then the pattern begins again
_TEXT = bytes(range(32, 127)) + bytes(range(32, 103))  # line k is the 72 characters from k on
_CRLF = b"\r\n"


class Pattern(Source):
    """The endless text, computed from its offset. `stop` ends it behind the last octet that was
    asked for.
    """

    def __init__(self):
        self.start()

    def start(self):
        """Begin at the first line."""
        self.ended = False
        self.at = 0  # of the first octet not acknowledged, within the round
        self.left = 0  # octets asked for and not acknowledged: they must stay
        self.asked = self.got = 0  # in the fill() under way

    def stop(self):
        """Nothing new from now on; what was asked for before is still given."""
        self.ended = True

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        if self.ended and n > self.left - rel:
            n = self.left - rel
        if n <= 0:
            return 0
        if rel + n > self.left:
            self.left = rel + n
        self.asked = n
        rel += self.at
        while n > 0:
            self.got = self._piece(rel % _ROUND, buf, pos, n)
            rel += self.got
            pos += self.got
            n -= self.got
        return self.asked

    def _piece(self, at, buf, pos, n):
        # The rest of a line's characters, or of its CR LF.
        line = at // _LINE
        at %= _LINE
        if at < 72:
            n = min(n, 72 - at)
            copy(buf, pos, _TEXT, line + at, n)
        else:
            n = min(n, _LINE - at)
            copy(buf, pos, _CRLF, at - 72, n)
        return n

    def acked(self, n):
        """The first n octets have arrived."""
        self.at = (self.at + n) % _ROUND
        self.left -= n


class Chargen(App):
    """Sends from the beginning until the client closes or resets; what the client sends is thrown
    away.
    """

    def __init__(self):
        self.source = Pattern()

    def connected(self, conn):
        self.source.start()
        conn.finish(self.source)

    def peer_closed(self, conn):
        self.source.stop()
        conn.close()
