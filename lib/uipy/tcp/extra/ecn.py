"""Explicit Congestion Notification for TCP (RFC 3168 6.1), and what RFC 3360 3.1 does about hosts
that refuse it.

A connection that agreed marks its new data ECT(0), echoes CE as ECE until CWR comes, and halves
CWND once a window when it is told of congestion. With `fallback` a SYN that is refused or lost
goes again without ECN.
"""

from micropython import const

from ...kern import bump
from ...net.datagram import FLAGS, IP_AT, O_AGAIN, O_FLAGS, O_TEXT, OUT_TOS, TEXT
from ...stat import N_TCP_ECN
from ..congestion import halve
from ..header import ACK, CWR, ECE
from ..row import (
    CWND,
    MAX,
    OPT_ECN,
    OPTS,
    OWES,
    OWES_ACK,
    OWES_CWR,
    OWES_ECE,
    S_SYN_SENT,
    SND_WND,
    SSTHRESH,
    STATE,
)

_ECT_0 = const(2)
_CE = const(3)


class Ecn:
    SIZE = 1  # halves in the row: what was in flight at the last halving, less SND.UNA

    def __init__(self, tcp, row_at, fallback):
        self.tcp = tcp
        self.at = row_at
        self.fallback = fallback

    def agreed(self):
        """Whether the SYN at hand is an ECN-setup SYN (ECE, CWR) or SYN-ACK (ECE alone)
        (6.1.1)."""
        flags = self.tcp.seg[FLAGS]
        return flags & (ECE | CWR) == (ECE if flags & ACK else ECE | CWR)

    def stamp_syn(self, row):
        """Our SYN asks with both bits, our SYN-ACK agrees with one."""
        self.tcp.out[O_FLAGS] |= ECE | CWR if row[STATE] == S_SYN_SENT else ECE

    def fall_back(self, row):
        """A RST has answered our ECN-setup SYN. True if it goes again without (RFC 3360 3.1: the
        user's choice)."""
        self.syn_lost(row)
        return self.fallback

    def syn_lost(self, row):
        """6.1.1.1: no reply to an ECN-setup SYN."""
        if self.fallback:
            row[OPTS] &= ~OPT_ECN

    def input(self, row):
        """6.1.3: CE is echoed in every ACK until the sender says CWR."""
        tcp = self.tcp
        seg = tcp.seg
        if seg[FLAGS] & CWR:
            row[OPTS] &= ~OWES_ECE
        if seg[TEXT] and tcp.buf[seg[IP_AT] + 1] & _CE == _CE:
            row[OPTS] |= OWES_ECE
            row[OWES] |= OWES_ACK

    def echo(self, row, a):
        """6.1.2: an ACK of a octets; with ECE, CWND is halved, once for what is in flight."""
        tcp = self.tcp
        i = self.at
        row[i] = max(row[i] - a, 0)
        if not tcp.seg[FLAGS] & ECE or row[i] or not row[MAX]:
            return
        halve(row)
        row[CWND] = row[SSTHRESH]
        row[i] = row[MAX]
        row[OPTS] |= OWES_CWR
        bump(tcp.stat, N_TCP_ECN)

    def stamp(self, row):
        """ECT(0) on new data only (6.1.5: not on what is sent again; 6.1.6: not on window probes),
        CWR on the first of it after a halving."""
        out = self.tcp.out
        if row[OPTS] & OWES_ECE:
            out[O_FLAGS] |= ECE
        if out[O_TEXT] and not out[O_AGAIN] and row[SND_WND]:
            out[OUT_TOS] |= _ECT_0
            if row[OPTS] & OWES_CWR:
                row[OPTS] &= ~OWES_CWR
                out[O_FLAGS] |= CWR
