"""Timestamps: the round trip of every ACK, and PAWS (RFC 7323 3, 4, 5). TSval is the stack's clock
of 1 ms."""

from array import array

from ...kern import ahead, move, pair, put16, seq_in, seq_out, tdiff
from ...net.datagram import AT, CLOCK, CLOCK_LOW, FAR, FLAGS, NOW, O_HEAD, P_TS
from ..header import KIND_NOP, KIND_STAMP, RST
from ..row import NREX, RCV_NXT, SENT_AT
from ..rto import sample


class Timestamps:
    SIZE = 4  # halves in the row: TS.Recent, Last.ACK.sent

    def __init__(self, tcp, row_at):
        self.tcp = tcp
        self.at = row_at
        # TSecr of the segment being built; our clock, when an echo is compared with it
        self.echo = array("H", bytearray(8))

    def hold(self, row):
        """TSecr is TS.Recent, 0 before there is one (3.2)."""
        move(self.echo, 0, row, self.at, 2)

    def echo_of(self, table, k):
        """TSecr is the number at table[k]."""
        move(self.echo, 0, table, k, 2)

    def remember(self, row):
        """The peer's SYN: its TSval is the first TS.Recent."""
        seq_in(row, self.at, self.tcp.buf, self.tcp.seg[P_TS])
        move(row, self.at + 2, row, RCV_NXT, 2)

    def recall(self, row, table, k):
        """TS.Recent as the half-open row kept it."""
        move(row, self.at, table, k, 2)
        move(row, self.at + 2, row, RCV_NXT, 2)

    def write(self, row, iface):
        """The option in an ordinary segment, behind two NOPs so that what follows stays aligned
        (Appendix A)."""
        move(self.echo, 0, row, self.at, 2)
        move(row, self.at + 2, row, RCV_NXT, 2)  # Last.ACK.sent
        self.option(iface)

    def option(self, iface):
        """The option with `echo` as the first one of a header at iface.tx; returns the header's
        length, 32."""
        b = self.tcp.buf
        i = iface.tx + 20
        b[i] = b[i + 1] = KIND_NOP
        self.stamp(i + 2)
        self.tcp.out[O_HEAD] = 32
        return 32

    def stamp(self, i):
        """The option's ten octets at buf[i:]: TSval is our clock of 1 ms, TSecr is `echo` (RFC
        7323 3.2). Returns where the next option goes."""
        b = self.tcp.buf
        b[i] = KIND_STAMP
        b[i + 1] = 10
        put16(b, i + 2, self.tcp.env[CLOCK])
        put16(b, i + 4, self.tcp.env[CLOCK_LOW])
        seq_out(b, i + 6, self.echo, 0, 0)
        return i + 10

    def check(self, row):
        """5.3 R1: 1 in order, 0 too old (acknowledge and drop), -1 without the option (drop
        silently, 3.2)."""
        tcp = self.tcp
        if tcp.seg[FLAGS] & RST:
            return 1
        at = tcp.seg[P_TS]
        if not at:
            return -1
        return 1 if ahead(tcp.buf, at, row, self.at) >= 0 else 0

    def update(self, row):
        """4.3: TS.Recent follows the segment that the last ACK was waiting for."""
        tcp = self.tcp
        at = tcp.seg[P_TS]
        if at and ahead(tcp.buf, tcp.seg[AT] + 4, row, self.at + 2) <= 0:
            seq_in(row, self.at, tcp.buf, at)

    def sample(self, row):
        """RTTM: our clock less TSecr (4.1).

        After a retransmission an older TSecr names the first copy, whose ACK was lost: its age is
        that of the timeouts, and taken for a round trip it would make the next one as long.
        """
        tcp = self.tcp
        env = tcp.env
        now = self.echo
        now[2] = env[CLOCK]
        now[3] = env[CLOCK_LOW]
        d = -ahead(tcp.buf, tcp.seg[P_TS] + 4, now, 2)
        if row[NREX] and d > tdiff(env[NOW], pair(row, SENT_AT)):
            return
        if 0 <= d < FAR:
            sample(row, d, env)
