"""The header of a segment, and the window that it offers (RFC 9293 3.1, 3.8.6.2.2)."""

from micropython import const

from ..kern import bump, copy, csum, put16, put32, u32

_ADV = const(84)
_ROOM = const(88)
_RSHIFT = const(105)
_BUFF = const(114)


_RST = const(0x04)

_N_TCP_OUT = const(22)
_N_TCP_RST_OUT = const(32)


def opens(t, r):
    """The right edge that we could offer, less RCV.NXT, if moving there is worth it; else the
    present one.

    RFC 9293 3.8.6.2.2 (MUST-39): it moves by a segment or by half of the buffer at the least, and
    never left (SHLD-14).
    """
    room = u32(r, _ROOM)
    adv = u32(r, _ADV)
    step = u32(r, _BUFF) >> 1
    if step > t.mss:
        step = t.mss
    return room if room >= adv + step else adv  # MUST-39


def window(t, r):
    """SEG.WND; what it promises is kept in ADV."""
    adv = opens(t, r)
    sh = r[_RSHIFT]
    w = adv >> sh
    if w << sh < u32(r, _ADV):
        w += 1  # rounding must not move the right edge to the left (RFC 7323 2.4)
    if w > 0xFFFF:
        w = 0xFFFF
    put32(r, _ADV, w << sh)
    return w


def bare(t, iface, keys, k, flags, n=20):
    """A segment that no connection's row stands behind, with num as its numbers and n - 20 octets
    of options."""
    t.o_if = iface
    t.o_keys = keys
    t.o_k = k
    t.o_flags = flags
    t.o_hl = n
    t.o_up = 0
    if flags & _RST:
        t.o_wnd = 0
        bump(t.stat, _N_TCP_RST_OUT)
    t.reply = emit(t, n)
    return t.reply


def emit(t, n):
    """Writes the header in front of what stands at iface.tx + o_hl, and the checksum (RFC 9293
    3.1, MUST-2)."""
    b = t.buf
    h = t.o_if.tx
    copy(b, h, t.o_keys, t.o_k + 2, 4)
    copy(b, h + 4, t.num, 0, 8)
    b[h + 12] = t.o_hl << 2  # the reserved bits are zero (RFC 9293 3.1)
    b[h + 13] = t.o_flags
    put16(b, h + 14, t.o_wnd)
    put16(b, h + 16, 0)
    put16(b, h + 18, t.o_up)
    s = _psum(t, n)
    s = csum(b, h, n, s)
    put16(b, h + 16, s ^ 0xFFFF)  # MUST-2
    bump(t.stat, _N_TCP_OUT)
    return n


def _psum(t, n):
    return t.ip.psum(t.o_if, 6, t.o_keys, t.o_k + 6, n)
