"""Reassembly: buffers of one segment each for data that comes out of order (RFC 9293 3.10.7.4,
SHLD-31), shared by all connections.

A buffer is handed to the application as it is, when the gap before it has closed. With none free
one goes (see `_free`): the peer sends it again. Nothing is kept beyond the window that was
offered.
"""

from array import array

from micropython import const

from ...kern import ahead, between, bump, copy, pair, seq_in, seq_out, set_pair, tdiff
from ...net.datagram import AT, DATA, FLAGS, O_HEAD, REL, TEXT
from ...stat import N_TCP_OOO_LOST
from ..header import FIN, KIND_NOP, KIND_SACKS
from ..row import ADV, MSS, NUMBER, OWES, OWES_ACK, RCV_NXT
from ..text import take

_Q_OWNER = const(0)  # the connection's number plus 1; 0: free
_Q_FIN = const(1)  # 1: a FIN lies behind it
_Q_LEN = const(2)
_Q_SEQ = const(3)  # pair
_Q_AGE = const(5)  # pair: the count of arrivals
_Q_SAID = const(7)  # already in a SACK block of this segment
_SIZE = const(8)


class Pool:
    def __init__(self, tcp, rows):
        self.tcp = tcp
        self.rows = rows
        self.tab = array("H", bytearray(2 * rows * _SIZE))
        self.bufs = [bytearray(tcp.stack.ifaces[0].mtu - 40) for _ in range(rows)]
        self.age = 0
        self.lo = self.hi = 0  # of the SACK block being put together

    def keep(self, conn):
        """Keeps the text at seg[DATA], seg[REL] octets beyond RCV.NXT, as far as it lies in the
        window."""
        seg = self.tcp.seg
        n = seg[TEXT]
        fin = seg[FLAGS] & FIN
        wnd = pair(conn.row, ADV)
        if seg[REL] + n > wnd:
            n = wnd - seg[REL]
            fin = 0
        i = self._same(conn) if n > 0 else -1
        if n <= 0 or n > len(self.bufs[0]):
            return
        if i >= 0 and self.tab[i * _SIZE + _Q_LEN] >= n:
            return self._newest(i)  # its block is the first of the ACK's (RFC 2018 4)
        if i < 0:
            i = self._free(conn)
        if i >= 0:
            self._store(conn, i, n, fin)

    def _store(self, conn, i, n, fin):
        tcp = self.tcp
        w = self.tab
        o = i * _SIZE
        w[o] = conn.row[NUMBER] + 1
        w[o + _Q_FIN] = fin
        w[o + _Q_LEN] = n
        seq_in(w, o + _Q_SEQ, tcp.buf, tcp.seg[AT] + 4)
        self._newest(i)
        copy(self.bufs[i], 0, tcp.buf, tcp.seg[DATA], n)

    def _newest(self, i):
        self.age = self.age + 1 if self.age < 0x3FFFFFFF else 0
        set_pair(self.tab, i * _SIZE + _Q_AGE, self.age)

    def _same(self, conn):
        """The buffer of the connection that begins at SEG.SEQ, or -1."""
        w = self.tab
        at = self.tcp.seg[AT] + 4
        for i in range(self.rows):
            o = i * _SIZE
            if w[o] == conn.row[NUMBER] + 1 and not ahead(self.tcp.buf, at, w, o + _Q_SEQ):
                return i
        return -1

    def _free(self, conn):
        """A free buffer, or the oldest one if that is another connection's; else the one furthest
        from RCV.NXT goes, since what lies next to a gap is wanted first. -1: that is the segment
        at hand."""
        w = self.tab
        i = self._oldest()
        if not w[i * _SIZE]:
            return i
        tcp = self.tcp
        bump(tcp.stat, N_TCP_OOO_LOST)
        if w[i * _SIZE] != conn.row[NUMBER] + 1:
            return i
        i = self._furthest(conn)
        return i if ahead(tcp.buf, tcp.seg[AT] + 4, w, i * _SIZE + _Q_SEQ) < 0 else -1

    def _oldest(self):
        """A free buffer, or the one that was filled first."""
        w = self.tab
        best = 0
        for i in range(self.rows):
            if not w[i * _SIZE]:
                return i
            if tdiff(pair(w, i * _SIZE + _Q_AGE), pair(w, best * _SIZE + _Q_AGE)) < 0:
                best = i
        return best

    def _furthest(self, conn):
        """Of the connection's buffers the one with the highest number."""
        w = self.tab
        best = -1
        for i in range(self.rows):
            o = i * _SIZE
            if w[o] == conn.row[NUMBER] + 1:
                if best < 0 or between(w, o + _Q_SEQ, w, best * _SIZE + _Q_SEQ) > 0:
                    best = i
        return best

    def drain(self, conn):
        """RCV.NXT has moved: whatever now is in order goes to the application."""
        i = self._next(conn)
        while i >= 0:
            conn.row[OWES] |= OWES_ACK  # RFC 5681 4.2: at once, when a gap is filled
            self.tab[i * _SIZE] = 0
            if not self._give(conn, i) or self.tcp.seg[FLAGS] & FIN:
                return
            i = self._next(conn)

    def _next(self, conn):
        """A buffer of the connection that begins at RCV.NXT or before, or -1."""
        w = self.tab
        for i in range(self.rows):
            o = i * _SIZE
            if w[o] == conn.row[NUMBER] + 1 and between(w, o + _Q_SEQ, conn.row, RCV_NXT) <= 0:
                return i
        return -1

    def _give(self, conn, i):
        """Hands over what of buffer i is new; false when the application left some of it."""
        seg = self.tcp.seg
        o = i * _SIZE
        old = between(conn.row, RCV_NXT, self.tab, o + _Q_SEQ)
        n = self.tab[o + _Q_LEN] - old
        if n > 0:
            n -= take(conn, self.bufs[i], old, n)
        if n == 0 and self.tab[o + _Q_FIN]:
            seg[FLAGS] |= FIN
            seg[REL] = 0
        return n <= 0

    def forget(self, conn):
        """The connection has ended."""
        w = self.tab
        for o in range(0, self.rows * _SIZE, _SIZE):
            if w[o] == conn.row[NUMBER] + 1:
                w[o] = 0

    # SACK blocks of our ACKs (RFC 2018 4)

    def write_sack(self, conn, iface):
        """The option behind the O_HEAD octets of header that there are: the block with the newest
        segment first, three at the most, and so many that a narrow path leaves room for text."""
        out = self.tcp.out
        row = conn.row
        w = self.tab
        for o in range(0, self.rows * _SIZE, _SIZE):
            # what the application left at RCV.NXT is no block: the octet before it did arrive
            w[o + _Q_SAID] = between(w, o + _Q_SEQ, row, RCV_NXT) <= 0
        b = self.tcp.buf
        i = iface.tx + out[O_HEAD]
        n = 0
        most = min(row[MSS] - out[O_HEAD] + 12 >> 3, 3)  # 4 octets of option, 4 of text
        while n < most and self._block(conn):
            seq_out(b, i + 4 + 8 * n, row, RCV_NXT, self.lo)
            seq_out(b, i + 8 + 8 * n, row, RCV_NXT, self.hi)
            n += 1
        if n:
            b[i] = b[i + 1] = KIND_NOP
            b[i + 2] = KIND_SACKS
            b[i + 3] = 2 + 8 * n
            out[O_HEAD] += 4 + 8 * n

    def _block(self, conn):
        """Finds the newest buffer not said yet and all that it touches: [lo, hi) less RCV.NXT."""
        w = self.tab
        best = -1
        for o in range(0, self.rows * _SIZE, _SIZE):
            if w[o] == conn.row[NUMBER] + 1 and not w[o + _Q_SAID]:
                if best < 0 or tdiff(pair(w, o + _Q_AGE), pair(w, best + _Q_AGE)) > 0:
                    best = o
        if best < 0:
            return False
        self.lo = between(w, best + _Q_SEQ, conn.row, RCV_NXT)
        self.hi = self.lo + w[best + _Q_LEN]
        w[best + _Q_SAID] = 1
        while self._widen(conn):
            pass
        return True

    def _widen(self, conn):
        """Takes in one more buffer that touches the block; bounded by the number of buffers."""
        w = self.tab
        for o in range(0, self.rows * _SIZE, _SIZE):
            if w[o] == conn.row[NUMBER] + 1 and not w[o + _Q_SAID]:
                lo = between(w, o + _Q_SEQ, conn.row, RCV_NXT)
                hi = lo + w[o + _Q_LEN]
                if lo <= self.hi and hi >= self.lo:
                    self.lo = min(lo, self.lo)
                    self.hi = max(hi, self.hi)
                    w[o + _Q_SAID] = 1
                    return True
        return False
