"""ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927, RFC 1191)."""

from micropython import const

from ..kern import copy, find, put16, sdiff, u16
from .callbacks import end, tell
from .row import KEY

_STATE = const(0)
_F = const(2)
_SND_UNA = const(8)
_NXT = const(20)
_MAX = const(22)
_MSS = const(28)
_K_IFACE = const(1)
_K_LPORT = const(2)
_K_RADDR = const(6)
_F_REXMT = const(0x04)
_F_SEND = const(0x08)
_S_SYN_RECEIVED = const(3)
_UNREACH = const(3)
_TOO_BIG = const(4)


def unreach(t, iface, kind, code, at, n):
    """An error message quotes n octets of one of our segments at `at`.

    It counts only if the quoted sequence number is in flight (RFC 5927 4.1). Hard errors end a
    connection that is being opened; elsewhere they are soft, unlike SHLD-26 asks (RFC 5461 4.1).
    """
    if n < 8:
        return
    k = t.mine
    b = t.buf
    k[0] = 1
    k[_K_IFACE] = iface.idx
    copy(k, _K_LPORT, b, at, 4)
    copy(k, _K_RADDR, b, t.stack.dst_at, 4)
    i = find(t.keys, KEY, t.rows, k, KEY)
    if i < 0:
        if kind == _UNREACH and 2 <= code <= 3:
            t.half.unreach(k, at)
        return
    c = t.conns[i]
    if 0 <= sdiff(b, at + 4, c.r, _SND_UNA) < u16(c.r, _MAX):
        t.c = c
        _error(t, c, kind, code)  # MUST-54


def _error(t, c, kind, code):
    r = c.r
    if kind == _UNREACH and code == _TOO_BIG:
        return _too_big(t, c, u16(t.buf, t.stack.icmp_at + 6))
    if r[_STATE] <= _S_SYN_RECEIVED and kind == _UNREACH and 2 <= code <= 3:  # MUST-56
        end(t, c, "unreachable")  # protocol or port: hard (RFC 1122 4.2.3.9)
    else:
        tell(t, c, "unreachable")  # soft errors never end it


def _too_big(t, c, mtu):
    """RFC 1191 6.4: smaller segments from now on, and the one that was too big at once; never
    below 536 + 40."""
    r = c.r
    mss = (mtu if mtu > 576 else 576) - 40
    if mss < u16(r, _MSS) and r[_STATE] > _S_SYN_RECEIVED:
        put16(r, _MSS, mss)
        put16(r, _NXT, 0)
        r[_F] |= _F_SEND | _F_REXMT
        t.touch()
        tell(t, c, "too big")
