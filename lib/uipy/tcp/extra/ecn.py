"""Explicit Congestion Notification for TCP (RFC 3168 6.1), and what RFC 3360 3.1 does about hosts
that refuse it.

A connection that agreed marks its new data ECT(0), echoes CE as ECE until CWR comes, and halves
CWND once a window when it is told of congestion. With `fallback` a SYN that is refused or lost
goes again without ECN.
"""

from micropython import const

from .. import congestion as cc
from ...kern import bump, put16, u16

_STATE = const(0)
_F = const(2)
_H = const(4)
_MAX = const(22)
_SND_WND = const(24)
_CWND = const(30)
_SSTHRESH = const(32)

_F_ACK = const(0x01)
_H_ECN = const(0x08)
_H_ECE = const(0x10)
_H_CWR = const(0x20)
_S_SYN_SENT = const(2)

_ACK = const(0x10)
_ECE = const(0x40)
_CWR = const(0x80)
_ECT_0 = const(2)
_CE = const(3)

_N_TCP_ECN = const(50)


class Ecn:
    SIZE = 2  # octets in the row: what was in flight at the last halving, less SND.UNA

    def __init__(self, tcp, row_at, fallback):
        self.t = tcp
        self.at = row_at
        self.fallback = fallback

    def agreed(self):
        """Whether the SYN at hand is an ECN-setup SYN (ECE, CWR) or SYN-ACK (ECE alone)
        (6.1.1)."""
        f = self.t.flags & (_ECE | _CWR)
        return f == (_ECE if self.t.flags & _ACK else _ECE | _CWR)

    def stamp_syn(self, r):
        """Our SYN asks with both bits, our SYN-ACK agrees with one."""
        self.t.o_flags |= _ECE | _CWR if r[_STATE] == _S_SYN_SENT else _ECE

    def fall_back(self, r):
        """A RST has answered our ECN-setup SYN. True if it goes again without (RFC 3360 3.1: the
        user's choice)."""
        if self.fallback:
            r[_H] &= ~_H_ECN
        return self.fallback

    def syn_lost(self, r):
        """6.1.1.1: no reply to an ECN-setup SYN."""
        if self.fallback:
            r[_H] &= ~_H_ECN

    def input(self, r):
        """6.1.3: CE is echoed in every ACK until the sender says CWR."""
        t = self.t
        if t.flags & _CWR:
            r[_H] &= ~_H_ECE
        if t.len and t.buf[t.stack.ip_at + 1] & _CE == _CE:
            r[_H] |= _H_ECE
            r[_F] |= _F_ACK

    def echo(self, r, a):
        """6.1.2: an ACK of a octets; with ECE, CWND is halved, once for what is in flight."""
        i = self.at
        cut = u16(r, i)
        if cut:
            put16(r, i, cut - a if cut > a > 0 else 0 if a > 0 else cut)
        if not self.t.flags & _ECE or u16(r, i) or not u16(r, _MAX):
            return
        cc.halve(r)
        put16(r, _CWND, u16(r, _SSTHRESH))
        put16(r, i, u16(r, _MAX))
        r[_H] |= _H_CWR
        bump(self.t.stat, _N_TCP_ECN)

    def stamp(self, r, n):
        """ECT(0) on new data only (6.1.5: not on what is sent again; 6.1.6: not on window probes),
        CWR on the first of it after a halving."""
        t = self.t
        if r[_H] & _H_ECE:
            t.o_flags |= _ECE
        if n and not t.o_again and u16(r, _SND_WND):
            t.ip.ecn = _ECT_0
            if r[_H] & _H_CWR:
                r[_H] &= ~_H_CWR
                t.o_flags |= _CWR
