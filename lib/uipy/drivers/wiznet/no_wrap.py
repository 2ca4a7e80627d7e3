"""Frames at the end of memories that do not wrap by themselves (W5100S).

Near the end a frame takes up to four transactions, still without slices: the packet buffer is seen
in chunks of 64 octets, and the chunk in which the memory ends goes through a buffer of its own,
octet by octet. One frame in five (of 1514 octets, in 8 kB) costs about 1 ms more.

A write must not run over the end (behind TX memory lies RX memory), so the octets before the end
are written as the 64 that end there; those too many are the frame's own, or belong to one that has
left.
"""

from micropython import const

from .engine import Wiznet
from .state import RD, WR, length

_CHUNK = const(64)
_READ = const(0x0F)  # opcodes of the W5100S, the one chip that needs this
_WRITE = const(0xF0)
_FAR = const(1664)  # octets from the end at which a transfer can run over it: 2 + 1518 + 127


class NoWrap(Wiznet):
    """What the engine calls for a packet that lies behind `EDGE`."""

    EDGE = 8192 - _FAR
    _chunked = None  # the packet buffer that `_chunks` are of

    def _make_chunks(self, buf):
        """Makes the chunks of a buffer that was not the last one; allocates."""
        whole = memoryview(buf)
        self._chunks = [whole[i : i + _CHUNK] for i in range(2, len(buf), _CHUNK)]
        self._part = bytearray(_CHUNK)
        self._octet = memoryview(self._part)[:1]
        self._head = bytearray(3)
        self._chunked = buf

    def _fetch(self, room, views):
        """As the engine's, wherever the packet lies."""
        at = self._st[RD] & self.MASK
        if at <= self.EDGE:
            return super()._fetch(room, views)
        return self._fetch_over(at, room)

    def _fetch_over(self, at, room):
        """The packet at this address, into the buffer that was cut."""
        self._a[3] = self._read_octet(at)
        at = (at + 1) & self.MASK
        self._a[4] = self._read_octet(at)
        n = length(self._st, self._a, self._h_rx, self.stat, room)
        if n > 0:
            self._read_rest((at + 1) & self.MASK, n & 0xFFF)
        return n

    def _load(self, n):
        """The n octets at buf[2:] of the buffer that was cut, to TX memory at WR."""
        at = self._st[WR] & self.MASK
        k = min(n, self.SIZE - at)
        self._write_before(at, k)
        if n > k:
            self._write_after(k, n)

    def _read_rest(self, at, n):
        if at < _CHUNK:  # the end lay before the frame
            self._read_chunks(at, 0, (n + _CHUNK - 1) // _CHUNK)
            return
        k = min(n, self.SIZE - at)  # octets before the end
        self._read_before(at, k)
        if n > k:
            self._read_after(k, n)

    # One transaction each; `at` counts from the beginning of the memory

    def _begin(self, opcode, base, at):
        h = self._head
        h[0] = opcode
        h[1] = base | at >> 8
        h[2] = at & 0xFF
        self._cs(0)
        self._write(h)

    def _read_octet(self, at):
        self._begin(_READ, self.RX_AT, at)
        self._readinto(self._octet)
        self._cs(1)
        return self._part[0]

    def _read_part(self, at):
        self._begin(_READ, self.RX_AT, at)
        self._readinto(self._part)
        self._cs(1)

    def _read_chunks(self, at, first, last):
        self._begin(_READ, self.RX_AT, at)
        for j in range(first, last):
            self._readinto(self._chunks[j])
        self._cs(1)

    def _write_part(self, at):
        self._begin(_WRITE, self.TX_AT, at)
        self._write(self._part)
        self._cs(1)

    def _write_chunks(self, at, first, last):
        self._begin(_WRITE, self.TX_AT, at)
        for j in range(first, last):
            self._write(self._chunks[j])
        self._cs(1)

    # The frame's first k octets end at or before the end of the memory, the rest begin at its
    # beginning. r octets lie in the chunk that the edge cuts.

    def _read_before(self, at, k):
        r = k % _CHUNK
        if k >= _CHUNK:
            self._read_chunks(at, 0, k // _CHUNK)
        if r:
            self._read_part(at + k - _CHUNK)
            for i in range(_CHUNK - r, _CHUNK):
                self._chunked[2 + k - _CHUNK + i] = self._part[i]

    def _read_after(self, k, n):
        f = -k % _CHUNK  # octets up to the next chunk
        if f:
            self._read_part(0)
            for i in range(min(f, n - k)):
                self._chunked[2 + k + i] = self._part[i]
        if n > k + f:
            self._read_chunks(f, (k + f) // _CHUNK, (n + _CHUNK - 1) // _CHUNK)

    def _write_before(self, at, k):
        if k >= _CHUNK:
            self._write_chunks(at, 0, k // _CHUNK)
        if k % _CHUNK:
            for i in range(_CHUNK - min(k, _CHUNK), _CHUNK):
                self._part[i] = self._chunked[2 + k - _CHUNK + i]
            self._write_part(at + k - _CHUNK)

    def _write_after(self, k, n):
        f = -k % _CHUNK
        if f:
            for i in range(min(f, n - k)):
                self._part[i] = self._chunked[2 + k + i]
            self._write_part(0)
        if n > k + f:
            self._write_chunks(f, (k + f) // _CHUNK, (n + _CHUNK - 1) // _CHUNK)
