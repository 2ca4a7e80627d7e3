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

    counted = True  # `left` is exact, see source.py

    def __init__(self, n):
        self.mem = bytearray(n)
        self.size = n
        self.cut = 0  # how many go before the wrap, in the call under way
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
        at = self.at + self.left
        if at >= self.size:
            at -= self.size
        self.left += n
        self.room -= n
        if at + n <= self.size:
            copy(self.mem, at, buf, start, n)
            return n
        self.cut = self.size - at
        copy(self.mem, at, buf, start, self.cut)
        n -= self.cut
        copy(self.mem, 0, buf, start + self.cut, n)
        return self.cut + n

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
        rel += self.at
        if rel >= self.size:
            rel -= self.size
        if rel + n <= self.size:
            copy(buf, pos, self.mem, rel, n)
            return n
        self.cut = self.size - rel
        copy(buf, pos, self.mem, rel, self.cut)
        n -= self.cut
        copy(buf, pos + self.cut, self.mem, 0, n)
        return self.cut + n

    def acked(self, n):
        """The oldest n octets have arrived, or were read: their place is free."""
        self.room += n
        self.left -= n
        if self.left == 0:
            self.at = 0  # so that the next octets lie in one piece, and aligned
        else:
            self.at += n
            if self.at >= self.size:
                self.at -= self.size

    def readinto(self, buf, start, n):
        """Move up to n octets out of the ring to buf[start:]; return how many (0: empty; see
        `ended`).
        """
        n = self.fill(0, buf, start, n)
        self.acked(n)
        return n
