"""The console's USB CDC (or UART) as a serial line for SLIP: for a board with one USB cable and
nothing else.

    stack = Stack(Slip(Console(), 1500), ip="192.168.7.2/24", gateway="192.168.7.1")

The prompt shares the line, so what runs meanwhile must not print: what lands in a packet spoils
it. Ctrl-C in a packet is an octet like any other. Ctrl-C between two packets gives the prompt
back: what begins with it cannot be an IPv4 packet, which begins with 0x45 or a little more. So do
the "\\r" and Ctrl-C with which mpremote takes hold of a board.
"""

import select
import sys

import micropython
from micropython import const

_CTRL_C = const(3)
_IPV4 = const(0x45)  # a packet's first octet, version and words of its header, at least
_IPV4_MOST = const(0x4F)

_ROOM = const(64)  # octets that are taken off the line at once

_BETWEEN = const(0)  # packets
_PACKET = const(1)  # in one
_NOISE = const(2)  # in what is none


class Console:
    """A stream with `any`, `readinto` and `write`, none of which waits for input. `any` raises
    KeyboardInterrupt for a Ctrl-C between two packets, after `close`.

    MicroPython tells whether there is an octet, not how many there are. So `any` takes off the
    line what is there, an octet at a time, and `readinto` gives it away.
    """

    def __init__(self):
        micropython.kbd_intr(-1)
        self._in = sys.stdin.buffer
        self._put = sys.stdout.buffer.write
        self._poll = select.poll()
        self._poll.register(self._in, select.POLLIN)
        self._ready = self._poll.ipoll
        self._read = self._in.readinto  # type: ignore[union-attr]  # in no stub
        self._one = bytearray(1)
        self._kept = bytearray(_ROOM)
        self._at = self._end = 0  # of what is kept
        self._where = _BETWEEN

    def any(self):
        """-> octets that can be read, 64 at most."""
        if self._at < self._end:
            return self._end - self._at
        for _ in self._ready(0):
            return self._take()
        return 0

    def _take(self):
        """Takes what is there off the line; there is an octet."""
        ready, read, one, kept = (self._ready, self._read, self._one, self._kept)
        where = self._where
        n = last = 0
        while not last and n < _ROOM:
            read(one)
            b = kept[n] = one[0]
            n += 1
            if b == 0o300:  # END
                where = _BETWEEN
            elif where == _BETWEEN:
                where = _PACKET if _IPV4 <= b <= _IPV4_MOST else _NOISE
            if b == _CTRL_C and where == _NOISE:
                self.close()
                raise KeyboardInterrupt
            last = 1
            for _ in ready(0):
                last = 0
        self._where = where
        self._at = 0
        self._end = n
        return n

    def readinto(self, buf):
        """-> octets read into `buf`, of those that `any` has found."""
        at = self._at
        n = min(len(buf), self._end - at)
        for i in range(n):
            buf[i] = self._kept[at + i]
        self._at = at + n
        return n

    def write(self, buf):
        """-> octets written; None when it is closed."""
        return self._put(buf) if self._put else None

    def close(self):
        """Gives the line and Ctrl-C back: nothing comes in any more, and nothing goes out."""
        if self._put:
            self._put = None
            self._poll.unregister(self._in)
            micropython.kbd_intr(_CTRL_C)
