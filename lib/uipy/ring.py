"""The one buffer that uipy supplies: a ring of octets, sink and source at once.

Written at one end, read at the other. As a source (source.py) it keeps its octets until they are
acknowledged, so an echo server is one ring, and a proxy, a socket or an asyncio stream is a ring
each way.
"""

from .kern import copy


class Ring:
    """A ring of n octets: `write` and `end` on one side, `fill`/`acked` or `readinto` on the
    other.

    `room` is how many octets can be written, `left` how many are in it, `ended` whether `end` was
    called.
    """

    def __init__(self, n):
        self.mem = bytearray(n)
        self.size = n
        self.cut = 0  # octets of the piece before the wrap, in the call under way
        self.clear()

    def clear(self):
        """Empty it and open it again, for the next connection."""
        self.at = 0  # of the oldest octet
        self.left = 0
        self.room = self.size
        self.ended = False

    def write(self, buf, start, n):
        """Append up to n octets of buf[start:]; return how many found room (none after `end`)."""
        if n > self.room:
            n = self.room
        if n <= 0 or self.ended:
            return 0
        self._put(self.at + self.left, buf, start, n)
        self.left += n
        self.room -= n
        return n

    def _put(self, at, buf, start, n):
        if at >= self.size:
            at -= self.size
        if at + n > self.size:
            self.cut = self.size - at
            copy(self.mem, at, buf, start, self.cut)
            start += self.cut
            n -= self.cut
            at = 0
        copy(self.mem, at, buf, start, n)

    def end(self):
        """Nothing more will be written: the reader finds the end behind what is in it."""
        self.ended = True

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many. They stay in the
        ring.
        """
        if n > self.left - rel:
            n = self.left - rel
        if n <= 0:
            return 0
        self._get(self.at + rel, buf, pos, n)
        return n

    def _get(self, at, buf, pos, n):
        if at >= self.size:
            at -= self.size
        if at + n > self.size:
            self.cut = self.size - at
            copy(buf, pos, self.mem, at, self.cut)
            pos += self.cut
            n -= self.cut
            at = 0
        copy(buf, pos, self.mem, at, n)

    def acked(self, n):
        """The oldest n octets have arrived, or were read: their place is free."""
        self.at += n
        if self.at >= self.size:
            self.at -= self.size
        self.left -= n
        self.room += n

    def readinto(self, buf, start, n):
        """Move up to n octets out of the ring to buf[start:]; return how many (0: empty; see
        `ended`).
        """
        n = self.fill(0, buf, start, n)
        self.acked(n)
        return n
