"""The segment text (RFC 9293 3.10.7.4, seventh): handed to the application where it lies,
acknowledged as far as it was taken."""

from micropython import const

from ..kern import bump, put16, put32, sadd, tadd, u16, u32
from .callbacks import received
from .row import abort

_F = const(2)
_G = const(3)
_H = const(4)
_T = const(5)
_RCV_NXT = const(12)
_RMSS = const(50)
_ACK_AT = const(60)
_BUSY_AT = const(72)
_ADV = const(84)
_UNACKED = const(92)
_GAP = const(118)

_F_ACK = const(0x01)
_G_DEAF = const(0x08)
_H_URG_IN = const(0x40)
_T_ACK = const(0x04)
_UNREAD = const(3)

_FIN = const(0x01)

_N_TCP_OOO = const(36)
_N_TCP_PARTIAL = const(38)
_N_TCP_NO_READER = const(39)


def text(t, c):
    """t.len octets at t.data, t.rel from RCV.NXT. Afterwards t.rel is where the octet behind the
    text lies."""
    r = c.r
    if t.rel > 0:
        return _early(t, c)
    if r[_G] & _G_DEAF:
        return _unread(t, c)
    _trim(t, r)
    n = t.len
    if n <= 0:  # nothing new, or the window is closed
        r[_F] |= _F_ACK
        return
    t.d_buf = t.buf
    t.d_start = t.data
    t.d_len = n
    t.rel -= take(t, c)
    if t.pool and not t.rel and not t.flags & _FIN:  # behind a FIN there is nothing
        t.pool.drain(t, c)  # MUST-59


def _trim(t, r):
    """Cuts off what lies before RCV.NXT and beyond the window; t.rel becomes the end of the
    rest."""
    old = -t.rel
    n = t.len - old
    t.data += old
    t.rel = n
    wnd = u32(r, _ADV)
    if n > wnd:
        n = wnd
        t.flags &= ~_FIN  # it lies beyond the edge
    t.len = n


def take(t, c):
    """Offers the d_len octets at RCV.NXT to the application; returns how many it took."""
    r = c.r
    n = received(t, c)
    full = u16(r, _RMSS)
    if t.d_len > full:
        put16(r, _RMSS, t.d_len)
        full = t.d_len
    if n < t.d_len:
        bump(t.stat, _N_TCP_PARTIAL)
        r[_F] |= _F_ACK
    if n > 0:
        _advance(t, r, n, full)
    return n


def _advance(t, r, n, full):
    """RCV.NXT moves; the right edge does not. An ACK for every second full-sized segment at the
    latest (SHLD-19)."""
    sadd(r, _RCV_NXT, n)
    left = u32(r, _ADV) - n
    put32(r, _ADV, left if left > 0 else 0)
    put32(r, _BUSY_AT, t.stack.now)
    left = u16(r, _GAP)
    if left:  # a part of a gap is filled: at once (RFC 5681 4.2)
        put16(r, _GAP, left - n if left > n else 0)
        r[_F] |= _F_ACK
    n += u16(r, _UNACKED)
    put16(r, _UNACKED, n if n < 0xFFFF else 0xFFFF)
    if n >= 2 * full:
        r[_F] |= _F_ACK
    elif not r[_T] & _T_ACK:
        delay_ack(t, r)
    if r[_H] & _H_URG_IN:
        t.urg.taken(t.c)


def delay_ack(t, r):
    """RFC 9293 3.8.6.3: under 0.5 s (MUST-40)."""
    at = tadd(t.stack.now, t.delayed_ack)
    put32(r, _ACK_AT, at)
    r[_T] |= _T_ACK  # MUST-40; armed once it is clear that no reply carries the ACK (Tcp._to)


def _early(t, c):
    """Out of order: kept if there is a pool, and acknowledged at once so that the peer counts
    duplicates (RFC 5681 4.2). How far the gap reaches is noted: what fills it is acknowledged at
    once too, or a peer that sends it again piece by piece waits for a delayed ACK each time."""
    r = c.r
    bump(t.stat, _N_TCP_OOO)
    if t.pool and not r[_G] & _G_DEAF:
        t.pool.keep(t, c)
    t.rel += t.len
    if t.rel > u16(r, _GAP):
        put16(r, _GAP, t.rel if t.rel < 0xFFFF else 0xFFFF)
    r[_F] |= _F_ACK


def _unread(t, c):
    """Data when nobody can read it any more: a RST, so that the peer learns of the loss (RFC 9293
    3.6.1, SHLD-3)."""
    if t.rel + t.len > 0:
        bump(t.stat, _N_TCP_NO_READER)
        abort(c, _UNREAD)
    t.rel += t.len
