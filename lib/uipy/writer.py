"""Text without the heap: a Writer puts octets and small numbers into a window of a buffer.

A page is a function that writes the whole text each time it is called. The window decides which
part of it is kept: `aim(buf, pos, skip, n)` keeps the octets from `skip` to `skip + n`, and
`count` says afterwards how long the whole text is. So a page of any length is sent, and sent
again, without ever lying in RAM as a whole.
"""

from .kern import copy

_HEX = b"0123456789abcdef"


class Writer:
    """Writes through a window. Numbers are small ints (|x| < 2**30); nothing here allocates."""

    def __init__(self):
        self.tmp = bytearray(12)
        self.aim(self.tmp, 0, 0, 0)

    def aim(self, buf, pos, skip, n):
        """Keep the octets skip to skip + n of what is written from now on, at buf[pos:]."""
        self.buf = buf
        self.pos = pos
        self.skip = skip
        self.room = n
        self.count = 0

    def put(self, data):
        """Write bytes."""
        self.part(data, 0, len(data))

    def part(self, data, i, n):
        """Write n octets of data[i:]."""
        self.count += n
        if n <= self.skip:
            self.skip -= n
            return
        if self.room == 0:
            return
        i += self.skip
        n -= self.skip
        self.skip = 0
        if n > self.room:
            n = self.room
        copy(self.buf, self.pos, data, i, n)
        self.pos += n
        self.room -= n

    def num(self, v):
        """Write an int in decimal."""
        if v < 0:
            self.put(b"-")
            v = -v
        i = 12
        while i == 12 or v:
            i -= 1
            self.tmp[i] = 48 + v % 10
            v //= 10
        self.part(self.tmp, i, 12 - i)

    def two(self, v):
        """Write an int from 0 to 99 with two digits."""
        if v < 10:
            self.put(b"0")
        self.num(v)

    def ip(self, b, i):
        """Write the IPv4 address at b[i:i+4], dotted."""
        self.num(b[i])
        for k in range(i + 1, i + 4):
            self.put(b".")
            self.num(b[k])

    def mac(self, b, i):
        """Write the MAC address at b[i:i+6], with colons."""
        for k in range(i, i + 6):
            if k > i:
                self.put(b":")
            self.tmp[0] = _HEX[b[k] >> 4]
            self.tmp[1] = _HEX[b[k] & 15]
            self.part(self.tmp, 0, 2)
