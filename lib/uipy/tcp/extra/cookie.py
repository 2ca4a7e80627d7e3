"""SYN cookies (RFC 4987 3.6): what a full table of half-open connections answers a SYN with.

The ISS of such a SYN-ACK is all that is remembered of the SYN:

    31-27   a clock of 65.5 s, modulo 32
    26-24   an index of MSSES
    23-0    HalfSipHash of the addresses, the ports, the clock, the index and the peer's ISS

Other options are off. An ACK is looked at as a cookie within two minutes of an overflow only, and
a cookie is at most two units of its clock old. A right one takes a half-open row that is free by
then, and waits for a connection in line with the others (halfopen.py). Without one it is dropped,
not reset, while no connection is free or others wait: the peer's data comes again, and who has
been idle for too long makes room. Who would have to wait is offered no window; then the peer's
probes of it (RFC 9293 3.8.6.1) carry the cookie again, one octet before the place of its data.
"""

from micropython import const

from ...kern import bump, copy, mac, move, sadd, same, seq_add, seq_in, seq_out, tadd, tdiff
from ...net.datagram import (
    ACKS,
    AT,
    CLOCK,
    FIRST_ROOM,
    IFACE,
    NOW,
    O_HEAD,
    O_WND,
    TEXT,
    WND,
)
from ...stat import N_TCP_ACK_DROPPED, N_TCP_COOKIE_BAD, N_TCP_COOKIE_IN, N_TCP_COOKIE_OUT
from ..closed import reset_back
from ..emit import bare
from ..halfopen import (
    H_ISS,
    H_LISTENER,
    H_MSS,
    H_OPTS,
    H_RCV,
    H_SHUT,
    H_SSHIFT,
    H_STATE,
    H_TRIES,
    H_WND,
)
from ..header import ACK, SYN
from ..listen import accept, begin, evict
from ..options import send_mss, write_syn
from ..row import LPORT, MSS, NKEY, OWES, OWES_ACK, RADDR, RCV_NXT, SND_UNA, USED
from ..states import connected

MSSES = (48, 256, 536, 1024, 1300, 1400, 1440, 1460)

_KEY = const(9)  # octets of the addresses and ports in what is hashed
_LIFE_MS = const(120000)


class Cookies:
    def __init__(self, tcp):
        self.tcp = tcp
        self.open = False  # within two minutes of an overflow
        self.until = 0
        # what is hashed: interface, ports and address; the clock, the index, the peer's ISS.
        # The hash, and so the cookie, goes to its beginning.
        self.msg = bytearray(_KEY + 6)
        self.num = bytearray(4)

    def answer(self, shut):
        """A SYN found the table full: a SYN-ACK that carries everything; its length. `shut`: it
        offers no window."""
        tcp = self.tcp
        seg = tcp.seg
        buf = tcp.buf
        iface = tcp.stack.ifaces[seg[IFACE]]
        self.open = True
        self.until = tadd(tcp.env[NOW], _LIFE_MS)
        m = send_mss(seg, iface)
        i = 0
        while i < 7 and MSSES[i + 1] <= m:
            i += 1
        copy(self.msg, _KEY + 2, buf, seg[AT] + 4, 4)
        self._make(tcp.env[CLOCK] & 31, i)
        copy(buf, iface.tx + 4, self.msg, 0, 4)
        copy(buf, iface.tx + 8, self.msg, _KEY + 2, 4)
        sadd(buf, iface.tx + 8, 1)
        write_syn(tcp, iface, 0)
        tcp.out[O_WND] = 0 if shut else min(tcp.env[FIRST_ROOM], 0xFFFF)
        bump(tcp.stat, N_TCP_COOKIE_OUT)
        return bare(tcp, iface, tcp.key, 0, SYN | ACK, tcp.out[O_HEAD])

    def _make(self, clock, i):
        """The cookie of the key at hand and the peer's ISS in msg, to msg[0:4]."""
        key = self.tcp.key
        msg = self.msg
        msg[0] = key[USED]
        seq_out(msg, 1, key, LPORT, 0)  # both ports
        seq_out(msg, 5, key, RADDR, 0)
        msg[_KEY] = clock
        msg[_KEY + 1] = i
        mac(self.tcp.stack.key, msg, 0, _KEY + 6, 0)
        msg[0] = clock << 3 | i

    def input(self, li):
        """An ACK that nobody waits for. What `strangers` returns."""
        tcp = self.tcp
        seg = tcp.seg
        ahead = self._right()
        if ahead < 0:
            return reset_back(tcp)
        number = tcp.listeners.index(li)
        mss = MSSES[self.num[0] & 7]  # no more than this interface takes: it is in the hash
        conn = None
        half = tcp.half
        i = half.free()
        if i >= 0:  # there is a place again: it stands in line like any other
            bump(tcp.stat, N_TCP_COOKIE_IN)
            self._place(half.tab, i * half.size, number, mss, ahead)
            conn = half.complete(i * half.size)
        elif not half.waiting and (conn := accept(tcp, tcp.key, 0, number)):
            bump(tcp.stat, N_TCP_COOKIE_IN)
            row = conn.row
            seq_in(row, RCV_NXT, tcp.buf, seg[AT] + 4)
            seq_add(row, RCV_NXT, ahead)
            row[OWES] |= OWES_ACK  # it may have been offered no window
            seq_in(row, SND_UNA, tcp.buf, seg[AT] + 8)
            row[MSS] = mss
            begin(conn, seg[WND], 0)
            tcp.call(connected, conn)
        else:  # it comes again; who has been idle makes room until then
            bump(tcp.stat, N_TCP_ACK_DROPPED)
            evict(tcp, number)
        if not conn:
            return 0
        seg[ACKS] = 0
        return tcp.to(conn)

    def _place(self, tab, o, number, mss, ahead):
        """The half-open row at tab[o:] becomes that of the segment at hand, whose number is
        `ahead` octets before RCV.NXT."""
        tcp = self.tcp
        at = tcp.seg[AT]
        move(tab, o, tcp.key, 0, NKEY)
        tab[o + H_OPTS] = tab[o + H_SSHIFT] = tab[o + H_TRIES] = tab[o + H_STATE] = 0
        if not tcp.seg[TEXT]:  # it waits for a window, or for us to speak
            tab[o + H_STATE] = H_SHUT
        tab[o + H_LISTENER] = number
        tab[o + H_MSS] = mss
        tab[o + H_WND] = tcp.seg[WND]
        seq_in(tab, o + H_RCV, tcp.buf, at + 4)
        seq_add(tab, o + H_RCV, ahead)
        seq_in(tab, o + H_ISS, tcp.buf, at + 8)
        seq_add(tab, o + H_ISS, -1)

    def _right(self):
        """Whether SEG.ACK - 1 is a cookie that we made: 0, for SEG.SEQ - 1; 1, for SEG.SEQ, of a
        probe; -1: neither."""
        tcp = self.tcp
        at = tcp.seg[AT]
        num = self.num
        if not self.open:
            return -1
        if tdiff(tcp.env[NOW], self.until) >= 0:
            self.open = False
            return -1
        copy(self.msg, _KEY + 2, tcp.buf, at + 4, 4)
        copy(num, 0, tcp.buf, at + 8, 4)
        sadd(num, 0, -1)
        clock = num[0] >> 3
        if (tcp.env[CLOCK] - clock) & 31 < 2:
            for ahead in range(2):
                sadd(self.msg, _KEY + 2, ahead - 1)
                self._make(clock, num[0] & 7)
                if same(self.msg, 0, num, 0, 4):
                    return ahead
                sadd(self.msg, _KEY + 2, 1)
        bump(tcp.stat, N_TCP_COOKIE_BAD)
        return -1
