"""Reassembly: buffers of one segment each for data that comes out of order (RFC 9293 3.10.7.4,
SHLD-31), shared by all connections.

A buffer is handed to the application as it is, when the gap before it has closed. With none free
one goes (see `_free`): the peer sends it again. Nothing is kept beyond the window that was
offered.
"""

from micropython import const

from ...kern import bump, copy, put16, put32, sadd, sdiff, tdiff, u16, u32
from ..text import take

_SIZE = const(16)
_Q_FIN = const(1)  # 1: a FIN lies behind it
_Q_LEN = const(2)
_Q_SEQ = const(4)  # 4 octets
_Q_AGE = const(8)  # the count of arrivals
_Q_SAID = const(12)  # already in a SACK block of this segment

_IDX = const(1)
_F = const(2)
_RCV_NXT = const(12)
_ADV = const(84)

_F_ACK = const(0x01)
_FIN = const(0x01)
_NOP = const(1)
_OPT_SACK = const(5)

_N_TCP_OOO_LOST = const(37)


class Pool:
    def __init__(self, tcp, rows):
        self.t = tcp
        self.rows = rows
        self.tab = bytearray(rows * _SIZE)
        self.bufs = [bytearray(tcp.stack.ifaces[0].mtu - 40) for _ in range(rows)]
        self.age = 0
        self.lo = self.hi = 0  # of the SACK block being put together

    def keep(self, t, c):
        """Keeps the text at t.data, t.rel octets beyond RCV.NXT, as far as it lies in the
        window."""
        r = c.r
        n = t.len
        fin = t.flags & _FIN
        if t.rel + n > u32(r, _ADV):
            n = u32(r, _ADV) - t.rel
            fin = 0
        i = self._same(c, t) if n > 0 else -1
        if n <= 0 or n > len(self.bufs[0]) or (i >= 0 and u16(self.tab, i * _SIZE + _Q_LEN) >= n):
            return
        if i < 0:
            i = self._free(t, c)
        if i >= 0:
            self._store(t, c, i, n, fin)

    def _store(self, t, c, i, n, fin):
        w = self.tab
        o = i * _SIZE
        w[o] = c.r[_IDX] + 1
        w[o + _Q_FIN] = fin
        put16(w, o + _Q_LEN, n)
        copy(w, o + _Q_SEQ, t.buf, t.at + 4, 4)
        self.age = (self.age + 1) & 0x3FFFFFFF if self.age < 0x3FFFFFFF else 0
        put32(w, o + _Q_AGE, self.age)
        copy(self.bufs[i], 0, t.buf, t.data, n)

    def _same(self, c, t):
        """The buffer of c that begins at SEG.SEQ, or -1."""
        w = self.tab
        for i in range(self.rows):
            o = i * _SIZE
            if w[o] == c.r[_IDX] + 1 and not sdiff(w, o + _Q_SEQ, t.buf, t.at + 4):
                return i
        return -1

    def _free(self, t, c):
        """A free buffer, or the oldest one if that is another connection's; else the one furthest
        from RCV.NXT goes, since what lies next to a gap is wanted first. -1: that is the segment
        at hand."""
        w = self.tab
        i = self._oldest()
        if not w[i * _SIZE]:
            return i
        bump(t.stat, _N_TCP_OOO_LOST)
        if w[i * _SIZE] != c.r[_IDX] + 1:
            return i
        i = self._furthest(c)
        return i if sdiff(w, i * _SIZE + _Q_SEQ, t.buf, t.at + 4) > 0 else -1

    def _oldest(self):
        """A free buffer, or the one that was filled first."""
        w = self.tab
        best = 0
        for i in range(self.rows):
            if not w[i * _SIZE]:
                return i
            if tdiff(u32(w, i * _SIZE + _Q_AGE), u32(w, best * _SIZE + _Q_AGE)) < 0:
                best = i
        return best

    def _furthest(self, c):
        """Of the buffers of c the one with the highest number."""
        w = self.tab
        best = -1
        for i in range(self.rows):
            o = i * _SIZE
            if w[o] == c.r[_IDX] + 1:
                if best < 0 or sdiff(w, o + _Q_SEQ, w, best * _SIZE + _Q_SEQ) > 0:
                    best = i
        return best

    def drain(self, t, c):
        """RCV.NXT has moved: whatever now is in order goes to the application."""
        i = self._next(c)
        while i >= 0:
            c.r[_F] |= _F_ACK  # RFC 5681 4.2: at once, when a gap is filled
            self.tab[i * _SIZE] = 0
            if not self._give(t, c, i) or t.flags & _FIN:
                return
            i = self._next(c)

    def _next(self, c):
        """A buffer of c that begins at RCV.NXT or before, or -1."""
        w = self.tab
        for i in range(self.rows):
            o = i * _SIZE
            if w[o] == c.r[_IDX] + 1 and sdiff(w, o + _Q_SEQ, c.r, _RCV_NXT) <= 0:
                return i
        return -1

    def _give(self, t, c, i):
        """Hands over what of buffer i is new; false when the application left some of it."""
        o = i * _SIZE
        old = sdiff(c.r, _RCV_NXT, self.tab, o + _Q_SEQ)
        n = u16(self.tab, o + _Q_LEN) - old
        if n > 0:
            t.d_buf = self.bufs[i]
            t.d_start = old
            t.d_len = n
            n -= take(t, c)
        if n == 0 and self.tab[o + _Q_FIN]:
            t.flags |= _FIN
            t.rel = 0
        return n <= 0

    def forget(self, c):
        """Connection c has ended."""
        w = self.tab
        for o in range(0, self.rows * _SIZE, _SIZE):
            if w[o] == c.r[_IDX] + 1:
                w[o] = 0

    # SACK blocks of our ACKs (RFC 2018 4)

    def write_sack(self, c):
        """The option at iface.tx + o_hl: the block with the newest segment first, three at the
        most."""
        t = self.t
        w = self.tab
        for o in range(0, self.rows * _SIZE, _SIZE):
            # what the application left at RCV.NXT is no block: the octet before it did arrive
            w[o + _Q_SAID] = sdiff(w, o + _Q_SEQ, c.r, _RCV_NXT) <= 0
        i = t.o_if.tx + t.o_hl
        n = 0
        while n < 3 and self._block(c):
            self._edge(t, c, i + 4 + 8 * n, self.lo)
            self._edge(t, c, i + 8 + 8 * n, self.hi)
            n += 1
        if n:
            b = t.buf
            b[i] = b[i + 1] = _NOP
            b[i + 2] = _OPT_SACK
            b[i + 3] = 2 + 8 * n
            t.o_hl += 4 + 8 * n

    def _edge(self, t, c, i, rel):
        copy(t.buf, i, c.r, _RCV_NXT, 4)
        sadd(t.buf, i, rel)

    def _block(self, c):
        """Finds the newest buffer not said yet and all that it touches: [lo, hi) less RCV.NXT."""
        w = self.tab
        best = -1
        for o in range(0, self.rows * _SIZE, _SIZE):
            if w[o] == c.r[_IDX] + 1 and not w[o + _Q_SAID]:
                if best < 0 or tdiff(u32(w, o + _Q_AGE), u32(w, best + _Q_AGE)) > 0:
                    best = o
        if best < 0:
            return False
        self.lo = sdiff(w, best + _Q_SEQ, c.r, _RCV_NXT)
        self.hi = self.lo + u16(w, best + _Q_LEN)
        w[best + _Q_SAID] = 1
        while self._widen(c):
            pass
        return True

    def _widen(self, c):
        """Takes in one more buffer that touches the block; bounded by the number of buffers."""
        w = self.tab
        for o in range(0, self.rows * _SIZE, _SIZE):
            if w[o] == c.r[_IDX] + 1 and not w[o + _Q_SAID]:
                lo = sdiff(w, o + _Q_SEQ, c.r, _RCV_NXT)
                hi = lo + u16(w, o + _Q_LEN)
                if lo <= self.hi and hi >= self.lo:
                    self.lo = min(lo, self.lo)
                    self.hi = max(hi, self.hi)
                    w[o + _Q_SAID] = 1
                    return True
        return False
