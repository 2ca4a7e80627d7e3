"""The ACK field of a synchronized connection (RFC 9293 3.10.7.4, fifth): SND.UNA moves, the window
is updated."""

from micropython import const

from . import congestion as cc
from ..kern import copy, put16, put32, sadd, sdiff, tadd, u16, u32
from .callbacks import acked as tell_acked
from .rto import sample

_F = const(2)
_G = const(3)
_H = const(4)
_T = const(5)
_NREX = const(6)
_SND_UNA = const(8)
_SND_WL1 = const(16)
_NXT = const(20)
_MAX = const(22)
_SND_WND = const(24)
_MAX_WND = const(26)
_RTO = const(38)
_TIMED = const(48)
_TIMED_AT = const(52)
_REXMT_AT = const(56)
_SINCE_AT = const(68)
_BUSY_AT = const(72)
_SSHIFT = const(104)

_F_REXMT = const(0x04)
_F_SEND = const(0x08)
_G_FIN_SENT = const(0x02)
_G_TOLD = const(0x80)
_H_TS = const(0x01)
_H_SACK = const(0x04)
_H_URG_OUT = const(0x80)
_T_REXMT = const(0x01)
_T_PERSIST = const(0x02)

_FIN = const(0x01)
_WND_MAX = const(61440)


def acked(t, c, a):
    """a octets of sequence space were acknowledged for the first time."""
    r = c.r
    _measure(t, r, a)
    _move(r, a)
    if r[_H] & _H_URG_OUT:
        t.urg.moved(r, a)
    if r[_H] & _H_SACK:
        t.sack.input(r, a)
    cc.on_ack(t, r, a)
    r[_NREX] = 0
    r[_G] &= ~_G_TOLD
    r[_F] |= _F_SEND
    put32(r, _SINCE_AT, t.stack.now)
    put32(r, _BUSY_AT, t.stack.now)
    _restart(t, r)
    if r[_G] & _G_FIN_SENT and not u16(r, _MAX):
        a -= 1  # the FIN is not the application's
    if a:
        tell_acked(t, c, a)


def _measure(t, r, a):
    timed = u16(r, _TIMED)
    if r[_H] & _H_TS and t.p_ts:
        t.ts.sample(r)
    elif timed and a >= timed:
        sample(t, r, u32(r, _TIMED_AT))
    put16(r, _TIMED, timed - a if timed > a else 0)


def _move(r, a):
    """SND.UNA = SEG.ACK; what is counted from it comes nearer."""
    sadd(r, _SND_UNA, a)
    put16(r, _MAX, u16(r, _MAX) - a)
    n = u16(r, _NXT)
    put16(r, _NXT, n - a if n > a else 0)
    n = u16(r, _SND_WND)
    put16(r, _SND_WND, n - a if n > a else 0)  # until update_window says otherwise


def _restart(t, r):
    """RFC 6298 (5.2), (5.3): the timer starts again for what is still out, and stops when nothing
    is."""
    r[_T] &= ~(_T_REXMT | _T_PERSIST)
    if u16(r, _MAX):
        at = tadd(t.stack.now, u16(r, _RTO))
        put32(r, _REXMT_AT, at)
        r[_T] |= _T_REXMT
        t.arm(at)


def duplicate(t, c):
    """SEG.ACK = SND.UNA. It is a duplicate in the sense of RFC 5681 2 only if nothing else is new
    in the segment."""
    r = c.r
    if not u16(r, _MAX):
        return
    # a closed window may stay closed for ever (RFC 9293 3.8.6.1, MUST-37)
    if not u16(r, _SND_WND):
        put32(r, _SINCE_AT, t.stack.now)
        return
    if t.len or t.flags & _FIN or not _same_window(t, r):
        return
    if r[_H] & _H_SACK:
        t.sack.input(r, 0)
    cc.on_duplicate(t, r)


def _same_window(t, r):
    return _scaled(t, r) == u16(r, _SND_WND)


def _scaled(t, r):
    w = t.wnd << r[_SSHIFT]
    return w if w < _WND_MAX else _WND_MAX


def update_window(t, r):
    """SND.WND = SEG.WND if the segment is not older than the one that set it last.

    The test of SND.WL2 is not needed: a segment with SEG.ACK < SND.UNA =< SND.WL2 does not come
    here.
    """
    if sdiff(t.buf, t.at + 4, r, _SND_WL1) < 0:
        return
    w = _scaled(t, r)
    old = u16(r, _SND_WND)
    copy(r, _SND_WL1, t.buf, t.at + 4, 4)
    if w == old:
        return
    put16(r, _SND_WND, w)
    if w > u16(r, _MAX_WND):
        put16(r, _MAX_WND, w)
    _reopened(t, r, old)


def _reopened(t, r, old):
    """A larger window: the persist timer stops, and what waits may go. What was sent before a
    window shrank to nothing has been waiting for it too."""
    r[_F] |= _F_SEND
    if r[_T] & _T_PERSIST and u16(r, _SND_WND):
        r[_T] &= ~_T_PERSIST
        r[_NREX] = 0
        _restart(t, r)
    elif r[_NREX] and not old:
        r[_F] |= _F_REXMT
