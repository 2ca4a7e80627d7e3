"""TCP options (RFC 9293 3.1, 3.2): read from any segment at any alignment, written in ours.

A length that is too small or that runs over the header ends the reading; the segment itself is not
dropped (MUST-7, RFC 3360: an illegal option length is survived).
"""

from micropython import const

from ..kern import copy, put16, u16

_H = const(4)
_SSHIFT = const(104)
_RSHIFT = const(105)

_H_TS = const(0x01)
_H_WS = const(0x02)
_H_SACK = const(0x04)
_H_ECN = const(0x08)

_EOL = const(0)
_NOP = const(1)
_OPT_MSS = const(2)
_OPT_WS = const(3)
_OPT_SACK_OK = const(4)
_OPT_SACK = const(5)
_OPT_TS = const(8)


def read(t):
    """Notes what the options of the segment at hand say: p_mss, p_shift, p_sack_ok, p_ts and
    p_sack (offsets), p_nsack."""
    b = t.buf
    i = t.at + 20
    end = t.data
    t.p_mss = t.p_ts = t.p_nsack = 0
    t.p_shift = -1
    t.p_sack_ok = False
    while i < end and b[i] != _EOL:
        if b[i] == _NOP:  # MUST-4
            i += 1
            continue
        if i + 1 >= end or b[i + 1] < 2 or i + b[i + 1] > end:  # MUST-7
            return
        _one(t, b, i, b[i + 1])  # MUST-6: what it does not know is skipped by its length
        i += b[i + 1]


def _one(t, b, i, n):
    kind = b[i]
    if kind == _OPT_MSS and n == 4:
        t.p_mss = u16(b, i + 2)  # MUST-14, MUST-64
    elif kind == _OPT_WS and n == 3:
        t.p_shift = b[i + 2] if b[i + 2] < 14 else 14  # RFC 7323 2.3
    elif kind == _OPT_SACK_OK and n == 2:
        t.p_sack_ok = True
    elif kind == _OPT_SACK and n >= 10 and n & 7 == 2:
        t.p_sack = i + 2
        t.p_nsack = n >> 3
    elif kind == _OPT_TS and n == 10:
        t.p_ts = i + 2


def send_mss(t, iface):
    """Eff.snd.MSS without options (RFC 9293 3.7.1, MUST-16): the peer's MSS, 536 if it named none
    (MUST-15), and what the link takes.

    An MSS under 48 is taken for 48: it would have us send mostly headers.
    """
    m = t.p_mss or 536  # MUST-15
    m = m if m > 48 else 48
    return m if m < iface.mtu - 40 else iface.mtu - 40  # MUST-16


def settle(t, r):
    """H of row r, which says what we offered, is reduced to what the peer's SYN offers too (RFC
    7323 2.2, 3.2; RFC 2018 2)."""
    h = r[_H]
    if t.p_shift < 0 or not h & _H_WS:
        h &= ~_H_WS
        r[_SSHIFT] = r[_RSHIFT] = 0
    else:
        r[_SSHIFT] = t.p_shift
        r[_RSHIFT] = t.window_scale
    if not t.p_ts:
        h &= ~_H_TS
    if not t.p_sack_ok:
        h &= ~_H_SACK
    if h & _H_ECN and not t.ecn.agreed():
        h &= ~_H_ECN
    r[_H] = h


def write_syn(t, iface, has):
    """Writes the options of a SYN or SYN-ACK: the MSS (MUST-14), and those of `has` (H_*); sets
    t.o_hl."""
    b = t.buf
    i = iface.tx + 20
    b[i] = _OPT_MSS  # MUST-14
    b[i + 1] = 4  # MUST-68
    put16(b, i + 2, iface.mtu - 40)  # MUST-67, SHLD-5: what we can reassemble, less 40
    i += 4
    if has & _H_SACK:
        i = _pad(b, i, 2)
        b[i] = _OPT_SACK_OK
        b[i + 1] = 2
        i += 2
    if has & _H_TS:
        i = _pad(b, i, 2)
        i = write_ts(t, b, i)
    if has & _H_WS:
        i = _pad(b, i, 1)
        b[i] = _OPT_WS
        b[i + 1] = 3
        b[i + 2] = t.window_scale
        i += 3
    t.o_hl = i - iface.tx


def _pad(b, i, n):
    for _ in range(n):
        b[i] = _NOP  # MUST-69
        i += 1
    return i


def write_ts(t, b, i):
    """Timestamps: TSval is our clock of 1 ms, TSecr what t.ts holds ready (RFC 7323 3.2)."""
    b[i] = _OPT_TS
    b[i + 1] = 10
    copy(b, i + 2, t.stack.clock, 0, 4)
    copy(b, i + 6, t.ts.echo, 0, 4)
    return i + 10


def write(t, c):
    """Writes the options of a segment on connection c; sets t.o_hl."""
    r = c.r
    t.o_hl = 20  # MUST-65
    if r[_H] & _H_TS:
        t.ts.write(c)
    if r[_H] & _H_SACK and t.pool:
        t.pool.write_sack(c)
