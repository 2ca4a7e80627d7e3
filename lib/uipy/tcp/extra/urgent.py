"""Urgent data in line (RFC 9293 3.8.5, RFC 6093): the pointer is that of the octet behind it;
nothing is taken out of the stream."""

from ...kern import between, move, pair, seq_add, set_pair, u16
from ...net.datagram import AT, O_FLAGS, O_REL, O_UP, REL
from ..header import URG
from ..row import OPTS, RCV_NXT, URGENT_IN, URGENT_OUT


class Urgent:
    SIZE = 4  # halves in the row: the end of our urgent data less SND.UNA; RCV.UP

    def __init__(self, tcp, row_at):
        self.tcp = tcp
        self.at = row_at

    def push(self, row, n):
        """n octets from SND.UNA on are urgent; indications merge, the furthest counts (RFC 6093
        2.2)."""
        if row[OPTS] & URGENT_OUT and pair(row, self.at) >= n:
            return
        set_pair(row, self.at, n)
        row[OPTS] |= URGENT_OUT

    def moved(self, row, a):
        """a octets were acknowledged."""
        n = pair(row, self.at) - a
        set_pair(row, self.at, max(n, 0))
        if n <= 0:
            row[OPTS] &= ~URGENT_OUT

    def point(self, row):
        """URG and the pointer, while our urgent data is not behind this segment; it says so with a
        closed window too."""
        out = self.tcp.out
        up = pair(row, self.at) - out[O_REL]  # MUST-62
        if up > 0:
            out[O_UP] = min(up, 0xFFFF)  # MUST-31
            out[O_FLAGS] |= URG

    def input(self, conn):
        """Sixth: RCV.UP = max(RCV.UP, SEG.UP); the application hears of each advance (MUST-32)."""
        tcp = self.tcp
        row = conn.row
        up = tcp.seg[REL] + u16(tcp.buf, tcp.seg[AT] + 18)  # less RCV.NXT
        if up <= 0 or (row[OPTS] & URGENT_IN and up <= self.left(row)):
            return
        move(row, self.at + 2, row, RCV_NXT, 2)
        seq_add(row, self.at + 2, up)
        row[OPTS] |= URGENT_IN
        conn.app.urgent(conn, up)  # MUST-32

    def taken(self, conn):
        """RCV.NXT has moved; at the pointer, urgent mode ends."""
        row = conn.row
        if self.left(row) <= 0:
            row[OPTS] &= ~URGENT_IN
            conn.app.urgent(conn, 0)

    def left(self, row):
        """Octets to come up to the pointer."""
        return between(row, self.at + 2, row, RCV_NXT) if row[OPTS] & URGENT_IN else 0
