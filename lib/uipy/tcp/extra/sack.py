"""Selective acknowledgments, as a sender (RFC 2018; RFC 6675 reduced to what a regenerable source
needs).

The row keeps up to four ranges that the peer has, in order, less SND.UNA. In recovery each ACK
lets one segment out: the next hole below the highest range that was not sent again in this
recovery, and new data when there is none left.
"""

from micropython import const

from ...kern import bump, copy, put16, sdiff, u16, zero

_F = const(2)
_G = const(3)
_SND_UNA = const(8)
_MAX = const(22)

_F_REXMT = const(0x04)
_G_RECOVERY = const(0x40)
_RANGES = const(16)  # octets: 4 * (start u16, end u16); end 0 = unused

_N_TCP_SACK = const(49)


class Sack:
    SIZE = 20  # octets in the row: the ranges, where the next hole is looked for, spare

    def __init__(self, tcp, row_at):
        self.t = tcp
        self.at = row_at
        self.news = 0  # octets that the ACK at hand selects and none before it did

    def restart(self, r):
        """A recovery begins: from SND.UNA."""
        put16(r, self.at + _RANGES, 0)

    def forget(self, r):
        """After a timeout the receiver may have discarded what it had selected (RFC 2018 8)."""
        zero(r, self.at, _RANGES + 2)

    def input(self, r, a):
        """An ACK of a octets (already taken off MAX), with or without blocks."""
        t = self.t
        if a:
            self._shift(r, a)
        self.news = -self._total(r)
        for k in range(t.p_nsack):
            i = t.p_sack + 8 * k
            lo = sdiff(t.buf, i, r, _SND_UNA)
            hi = sdiff(t.buf, i + 4, r, _SND_UNA)
            if 0 < lo < hi <= u16(r, _MAX):  # anything else is old, or nonsense
                self._add(r, lo, hi)
        self.news += self._total(r)
        if r[_G] & _G_RECOVERY and self._peek(r) >= 0:
            r[_F] |= _F_REXMT

    def _total(self, r):
        n = 0
        for i in range(self.at, self.at + _RANGES, 4):
            n += u16(r, i + 2) - u16(r, i)
        return n

    def _shift(self, r, a):
        """SND.UNA has moved by a: ranges below it go."""
        i = self.at
        end = i + _RANGES
        while i < end:
            lo = u16(r, i)
            hi = u16(r, i + 2)
            if hi and hi <= a:
                self._drop(r, i)
                continue
            if hi:
                put16(r, i, lo - a if lo > a else 0)
                put16(r, i + 2, hi - a)
            i += 4
        n = u16(r, end)
        put16(r, end, n - a if n > a else 0)

    def _drop(self, r, i):
        """Closes the gap of the range at i."""
        end = self.at + _RANGES
        copy(r, i, r, i + 4, end - i - 4)
        zero(r, end - 4, 4)

    def _add(self, r, lo, hi):
        """Takes in [lo, hi): what touches it becomes one range; with all four in use the highest
        is forgotten."""
        i = self.at
        end = i + _RANGES
        while i < end and u16(r, i + 2):
            if u16(r, i) <= hi and u16(r, i + 2) >= lo:
                lo = min(lo, u16(r, i))
                hi = max(hi, u16(r, i + 2))
                self._drop(r, i)
            else:
                i += 4
        i = self.at
        while i < end and u16(r, i + 2) and u16(r, i) < lo:
            i += 4
        if i < end:
            copy(r, i + 4, r, i, end - i - 4)
            put16(r, i, lo)
            put16(r, i + 2, hi)

    def _peek(self, r):
        """Where the next hole starts, less SND.UNA; -1 if there is none."""
        p = u16(r, self.at + _RANGES)
        for i in range(self.at, self.at + _RANGES, 4):
            if not u16(r, i + 2):
                return -1
            if p < u16(r, i):
                return p
            if p < u16(r, i + 2):
                p = u16(r, i + 2)
        return -1

    def hole(self, r):
        """What to send again first: a hole; SND.UNA if nothing was selected or this is not a
        recovery; -1 = nothing."""
        if not r[_G] & _G_RECOVERY:
            return 0
        p = self._peek(r)
        if p < 0 and not u16(r, self.at + _RANGES):
            return 0
        if p > 0:
            bump(self.t.stat, _N_TCP_SACK)
        return p

    def until(self, r, rel, most):
        """How much of `most` octets at `rel` the peer lacks; the next hole is looked for behind
        it."""
        for i in range(self.at, self.at + _RANGES, 4):
            if u16(r, i) > rel and u16(r, i) - rel < most:
                most = u16(r, i) - rel
        if r[_G] & _G_RECOVERY:
            put16(r, self.at + _RANGES, rel + most)
        return most
