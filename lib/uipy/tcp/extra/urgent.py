"""Urgent data in line (RFC 9293 3.8.5, RFC 6093): the pointer is that of the octet behind it;
nothing is taken out of the stream."""

from micropython import const

from ...kern import copy, put32, sadd, sdiff, u16, u32
from ..callbacks import urgent

_H = const(4)
_SND_UNA = const(8)
_RCV_NXT = const(12)

_H_URG_IN = const(0x40)
_H_URG_OUT = const(0x80)
_URG = const(0x20)


class Urgent:
    SIZE = 8  # octets in the row: the end of our urgent data less SND.UNA; RCV.UP

    def __init__(self, tcp, row_at):
        self.t = tcp
        self.at = row_at

    def push(self, r, n):
        """n octets from SND.UNA on are urgent; indications merge, the furthest counts (RFC 6093
        2.2)."""
        if r[_H] & _H_URG_OUT and u32(r, self.at) >= n:
            return
        put32(r, self.at, n)
        r[_H] |= _H_URG_OUT

    def moved(self, r, a):
        """a octets were acknowledged."""
        n = u32(r, self.at) - a
        put32(r, self.at, n if n > 0 else 0)
        if n <= 0:
            r[_H] &= ~_H_URG_OUT

    def point(self, r):
        """URG and the pointer, while our urgent data is not behind this segment; it says so with a
        closed window too."""
        t = self.t
        up = u32(r, self.at) - sdiff(t.num, 0, r, _SND_UNA)  # MUST-62
        if up > 0:
            t.o_up = up if up < 0xFFFF else 0xFFFF  # MUST-31
            t.o_flags |= _URG

    def input(self, c):
        """Sixth: RCV.UP = max(RCV.UP, SEG.UP); the application hears of each advance (MUST-32)."""
        t = self.t
        r = c.r
        up = t.rel + u16(t.buf, t.at + 18)  # less RCV.NXT
        if up <= 0 or (r[_H] & _H_URG_IN and up <= self.left(r)):
            return
        copy(r, self.at + 4, r, _RCV_NXT, 4)
        sadd(r, self.at + 4, up)
        r[_H] |= _H_URG_IN
        urgent(t, c, up)  # MUST-32

    def taken(self, c):
        """RCV.NXT has moved; at the pointer, urgent mode ends."""
        r = c.r
        if self.left(r) <= 0:
            r[_H] &= ~_H_URG_IN
            urgent(self.t, c, 0)

    def left(self, r):
        """Octets to come up to the pointer."""
        return sdiff(r, self.at + 4, r, _RCV_NXT) if r[_H] & _H_URG_IN else 0
