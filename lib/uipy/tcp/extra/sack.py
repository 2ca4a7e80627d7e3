"""Selective acknowledgments, as a sender (RFC 2018; RFC 6675 reduced to what a regenerable source
needs).

The row keeps up to four ranges that the peer has, in order, less SND.UNA. In recovery each ACK
lets one segment out: the next hole below the highest range that was not sent again in this
recovery, and new data when there is none left.
"""

from micropython import const

from ...kern import ahead, bump
from ...net.datagram import P_NSACK, P_SACK
from ...stat import N_TCP_SACK
from ..row import MAX, OURS, OWES, OWES_REXMT, RECOVERY, SND_UNA

_RANGES = const(8)  # halves: 4 * (start, end); end 0 = unused


class Sack:
    SIZE = 9  # halves in the row: the ranges, and where the next hole is looked for

    def __init__(self, tcp, row_at):
        self.tcp = tcp
        self.at = row_at
        self.news = 0  # octets that the ACK at hand selects and none before it did

    def restart(self, r):
        """A recovery begins: from SND.UNA."""
        r[self.at + _RANGES] = 0

    def forget(self, r):
        """After a timeout the receiver may have discarded what it had selected (RFC 2018 8)."""
        for i in range(self.at, self.at + _RANGES + 1):
            r[i] = 0

    def input(self, r, a):
        """An ACK of a octets (already taken off MAX), with or without blocks."""
        tcp = self.tcp
        seg = tcp.seg
        if a:
            self._shift(r, a)
        self.news = -self._total(r)
        for k in range(seg[P_NSACK]):
            i = seg[P_SACK] + 8 * k
            lo = ahead(tcp.buf, i, r, SND_UNA)
            hi = ahead(tcp.buf, i + 4, r, SND_UNA)
            if 0 < lo < hi <= r[MAX]:  # anything else is old, or nonsense
                self._add(r, lo, hi)
        self.news += self._total(r)
        if r[OURS] & RECOVERY and self._peek(r) >= 0:
            r[OWES] |= OWES_REXMT

    def _total(self, r):
        n = 0
        for i in range(self.at, self.at + _RANGES, 2):
            n += r[i + 1] - r[i]
        return n

    def _shift(self, r, a):
        """SND.UNA has moved by a: ranges below it go."""
        i = self.at
        end = i + _RANGES
        while i < end:
            lo = r[i]
            hi = r[i + 1]
            if hi and hi <= a:
                self._drop(r, i)
                continue
            if hi:
                r[i] = lo - a if lo > a else 0
                r[i + 1] = hi - a
            i += 2
        n = r[end]
        r[end] = n - a if n > a else 0

    def _drop(self, r, i):
        """Closes the gap of the range at i."""
        end = self.at + _RANGES
        while i < end - 2:
            r[i] = r[i + 2]
            i += 1
        r[end - 2] = r[end - 1] = 0

    def _add(self, r, lo, hi):
        """Takes in [lo, hi): what touches it becomes one range; with all four in use the highest
        is forgotten."""
        i = self.at
        end = i + _RANGES
        while i < end and r[i + 1]:
            if r[i] <= hi and r[i + 1] >= lo:
                lo = min(lo, r[i])
                hi = max(hi, r[i + 1])
                self._drop(r, i)
            else:
                i += 2
        i = self.at
        while i < end and r[i + 1] and r[i] < lo:
            i += 2
        if i < end:
            for k in range(end - 1, i + 1, -1):
                r[k] = r[k - 2]
            r[i] = lo
            r[i + 1] = hi

    def _peek(self, r):
        """Where the next hole starts, less SND.UNA; -1 if there is none."""
        p = r[self.at + _RANGES]
        for i in range(self.at, self.at + _RANGES, 2):
            if not r[i + 1]:
                return -1
            if p < r[i]:
                return p
            if p < r[i + 1]:
                p = r[i + 1]
        return -1

    def hole(self, r):
        """What to send again first: a hole; SND.UNA if nothing was selected or this is not a
        recovery; -1 = nothing."""
        if not r[OURS] & RECOVERY:
            return 0
        p = self._peek(r)
        if p < 0 and not r[self.at + _RANGES]:
            return 0
        if p > 0:
            bump(self.tcp.stat, N_TCP_SACK)
        return p

    def until(self, r, rel, most):
        """How much of `most` octets at `rel` the peer lacks; the next hole is looked for behind
        it."""
        for i in range(self.at, self.at + _RANGES, 2):
            if r[i] > rel and r[i] - rel < most:
                most = r[i] - rel
        if r[OURS] & RECOVERY:
            r[self.at + _RANGES] = rel + most
        return most
