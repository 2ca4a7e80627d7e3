"""Timestamps: the round trip of every ACK, and PAWS (RFC 7323 3, 4, 5). TSval is the stack's clock
of 1 ms."""

from micropython import const

from ...kern import copy, sdiff, tadd, tdiff, u32
from ..options import write_ts
from ..rto import sample

_NREX = const(6)
_RCV_NXT = const(12)
_SENT_AT = const(106)

_RST = const(0x04)
_NOP = const(1)
_FAR = const(0x10000000)


class Timestamps:
    SIZE = 8  # octets in the row: TS.Recent, Last.ACK.sent

    def __init__(self, tcp, row_at):
        self.t = tcp
        self.at = row_at
        self.echo = bytearray(4)  # TSecr of the segment being built

    def hold(self, r):
        """TSecr is TS.Recent, 0 before there is one (3.2)."""
        copy(self.echo, 0, r, self.at, 4)

    def remember(self, r):
        """The peer's SYN: its TSval is the first TS.Recent."""
        copy(r, self.at, self.t.buf, self.t.p_ts, 4)
        copy(r, self.at + 4, r, _RCV_NXT, 4)

    def recall(self, r, w, o):
        """TS.Recent as the half-open row kept it."""
        copy(r, self.at, w, o, 4)
        copy(r, self.at + 4, r, _RCV_NXT, 4)

    def recent_into(self, r, w, o):
        copy(w, o, r, self.at, 4)

    def write(self, c):
        """The option, behind two NOPs so that what follows stays aligned (Appendix A)."""
        t = self.t
        self.hold(c.r)
        copy(c.r, self.at + 4, c.r, _RCV_NXT, 4)  # Last.ACK.sent
        t.o_hl = self.option(t.o_if)

    def option(self, iface):
        """The option with `echo` as the first one of a header at iface.tx; returns the header's
        length, 32."""
        b = self.t.buf
        i = iface.tx + 20
        b[i] = b[i + 1] = _NOP
        write_ts(self.t, b, i + 2)
        return 32

    def check(self, r):
        """5.3 R1: 1 in order, 0 too old (acknowledge and drop), -1 without the option (drop
        silently, 3.2)."""
        t = self.t
        if t.flags & _RST:
            return 1
        if not t.p_ts:
            return -1
        return sdiff(t.buf, t.p_ts, r, self.at) >= 0

    def update(self, r):
        """4.3: TS.Recent follows the segment that the last ACK was waiting for."""
        t = self.t
        if t.p_ts and sdiff(t.buf, t.at + 4, r, self.at + 4) <= 0:
            copy(r, self.at, t.buf, t.p_ts, 4)

    def sample(self, r):
        """RTTM: our clock less TSecr (4.1).

        After a retransmission an older TSecr names the first copy, whose ACK was lost: its age is
        that of the timeouts, and taken for a round trip it would make the next one as long.
        """
        t = self.t
        d = sdiff(t.stack.clock, 0, t.buf, t.p_ts + 4)
        if r[_NREX] and d > tdiff(t.stack.now, u32(r, _SENT_AT)):
            return
        if 0 <= d < _FAR:
            sample(t, r, tadd(t.stack.now, -d))
