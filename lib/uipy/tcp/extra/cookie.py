"""SYN cookies (RFC 4987 3.6): what a full table of half-open connections answers a SYN with.

The ISS of such a SYN-ACK is all that is remembered of the SYN:

    31-27 a clock of 65.5 s, modulo 32     26-24 an index of MSSES     23-0 HalfSipHash of the
                                           addresses, the ports, the
                                                                        clock, the index and the
                                                                        peer's ISS

Other options are off. An ACK is looked at as a cookie within two minutes of an overflow only, and
a cookie is at most two units of its clock old. A right one with no free row is dropped, not reset:
the peer's data comes again.
"""

from micropython import const

from ...kern import bump, copy, mac, put16, sadd, same, tadd, tdiff
from ..callbacks import connected
from ..states import ignored_by_stranger
from ..open import accept, begin
from ..options import send_mss, write_syn
from ..window import bare

MSSES = (48, 256, 536, 1024, 1300, 1400, 1440, 1460)

_KEY = const(10)
_SND_UNA = const(8)
_RCV_NXT = const(12)
_MSS = const(28)
_SYN_ACK = const(0x12)
_LIFE_MS = const(120000)

_N_TCP_ACK_DROPPED = const(41)
_N_TCP_COOKIE_OUT = const(45)
_N_TCP_COOKIE_IN = const(46)
_N_TCP_COOKIE_BAD = const(47)


class Cookies:
    def __init__(self, tcp):
        self.t = tcp
        self.open = False  # within two minutes of an overflow
        self.until = 0
        # what is hashed: the key, the clock, the index, the peer's ISS
        self.msg = bytearray(_KEY + 6)
        self.out = bytearray(8)

    def answer(self):
        """A SYN found the table full: a SYN-ACK that carries everything."""
        t = self.t
        self.open = True
        self.until = tadd(t.stack.now, _LIFE_MS)
        m = send_mss(t, t.iface)
        i = 0
        while i < 7 and MSSES[i + 1] <= m:
            i += 1
        copy(self.msg, _KEY + 2, t.buf, t.at + 4, 4)
        self._make(t.stack.clock[1] & 31, i)
        copy(t.num, 0, self.out, 0, 4)
        copy(t.num, 4, t.buf, t.at + 4, 4)
        sadd(t.num, 4, 1)
        write_syn(t, t.iface, 0)
        t.o_wnd = t.default_room if t.default_room < 0xFFFF else 0xFFFF
        bump(t.stat, _N_TCP_COOKIE_OUT)
        bare(t, t.iface, t.key, 0, _SYN_ACK, t.o_hl)

    def _make(self, clock, i):
        """The cookie of the key at hand and the peer's ISS in msg, to out[0:4]."""
        m = self.msg
        copy(m, 0, self.t.key, 0, _KEY)
        m[_KEY] = clock
        m[_KEY + 1] = i
        mac(self.t.stack.key, m, 0, _KEY + 6, self.out)
        self.out[0] = clock << 3 | i

    def input(self, li):
        """An ACK that nobody waits for. Returns the connection that it opens, or None."""
        t = self.t
        if not self._right():
            ignored_by_stranger(t)
            return None
        c = accept(t, t.key, 0, t.listeners.index(li))
        if c is None:
            bump(t.stat, _N_TCP_ACK_DROPPED)
            return None
        bump(t.stat, _N_TCP_COOKIE_IN)
        r = c.r
        copy(r, _RCV_NXT, t.buf, t.at + 4, 4)
        copy(r, _SND_UNA, t.buf, t.at + 8, 4)
        put16(r, _MSS, min(MSSES[t.num[0] & 7], t.iface.mtu - 40))
        begin(t, c, t.wnd, 0)
        t.c = c
        connected(t, c)
        return c

    def _right(self):
        """Whether SEG.ACK - 1 is a cookie that we made for SEG.SEQ - 1."""
        t = self.t
        if not self.open:
            return False
        if tdiff(t.stack.now, self.until) >= 0:
            self.open = False
            return False
        copy(self.msg, _KEY + 2, t.buf, t.at + 4, 4)
        sadd(self.msg, _KEY + 2, -1)
        copy(t.num, 0, t.buf, t.at + 8, 4)
        sadd(t.num, 0, -1)
        clock = t.num[0] >> 3
        if (t.stack.clock[1] - clock) & 31 < 2:
            self._make(clock, t.num[0] & 7)
            if same(self.out, 0, t.num, 0, 4):
                return True
        bump(t.stat, _N_TCP_COOKIE_BAD)
        return False
