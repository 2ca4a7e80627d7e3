"""What sending starts: SND.NXT moves, a round trip is timed, the retransmission or the persist
timer runs (RFC 6298 3, 5.1; RFC 9293 3.8.6.1)."""

from micropython import const

from ..kern import bump, put16, put32, tadd, u16

_T = const(5)
_NREX = const(6)
_NXT = const(20)
_MAX = const(22)
_RTO = const(38)
_TIMED = const(48)
_TIMED_AT = const(52)
_REXMT_AT = const(56)
_SINCE_AT = const(68)
_SENT_AT = const(106)
_T_REXMT = const(0x01)
_T_PERSIST = const(0x02)
_N_TCP_REXMT = const(26)


def account(t, r, rel, upto):
    """SND.NXT moves; the retransmission timer and the measurement of the round trip begin (RFC
    6298 5.1, 3)."""
    now = t.stack.now
    top = u16(r, _MAX)
    t.o_again = rel < top
    if not top:
        put32(r, _SINCE_AT, now)
    if upto > top:
        put16(r, _MAX, upto)
    if t.o_again:  # not to be timed (Karn, RFC 6298 3)
        put16(r, _TIMED, 0)  # MUST-18
        bump(t.stat, _N_TCP_REXMT)
    elif not u16(r, _TIMED):
        put16(r, _TIMED, upto)
        put32(r, _TIMED_AT, now)
    if upto > u16(r, _NXT) and rel <= u16(r, _NXT):
        put16(r, _NXT, upto)
    put32(r, _SENT_AT, now)
    start_timer(t, r)


def start_timer(t, r):
    """RFC 6298 5.1: unless it runs already."""
    if not r[_T] & (_T_REXMT | _T_PERSIST):
        at = tadd(t.stack.now, u16(r, _RTO))
        put32(r, _REXMT_AT, at)
        r[_T] |= _T_REXMT
        t.arm(at)


def persist(t, r):
    """The persist timer: the first probe after an RTO (RFC 9293 3.8.6.1, SHLD-29)."""
    r[_T] |= _T_PERSIST
    r[_NREX] = 0
    at = tadd(t.stack.now, u16(r, _RTO))
    put32(r, _REXMT_AT, at)
    put32(r, _SINCE_AT, t.stack.now)
    t.arm(at)
