"""The timers of a connection: what happens when one runs out (`run`), and when the next one does
(`deadline`)."""

from micropython import const

from . import congestion as cc
from ..kern import bump, put16, put32, tadd, tdiff, u16, u32
from .callbacks import end, poll, tell
from .row import KEY, abort
from .rto import back_off

_STATE = const(0)
_IDX = const(1)
_F = const(2)
_H = const(4)
_T = const(5)
_NREX = const(6)
_NXT = const(20)
_MAX = const(22)
_SND_WND = const(24)
_RTO = const(38)
_REXMT_AT = const(56)
_ACK_AT = const(60)
_HEARD_AT = const(64)
_SINCE_AT = const(68)
_BUSY_AT = const(72)
_STATE_AT = const(76)
_POLL_AT = const(80)
_USER = const(96)
_KEEP = const(98)
_SENT_AT = const(106)
_CHAL_AT = const(110)
_KPROBE = const(100)
_LST = const(103)

_F_ACK = const(0x01)
_F_RST = const(0x02)
_F_REXMT = const(0x04)
_F_SEND = const(0x08)
_F_PROBE = const(0x10)
_F_KEEP = const(0x20)
_F_WAIT = const(0x40)
_H_ECN = const(0x08)
_T_REXMT = const(0x01)
_T_PERSIST = const(0x02)
_T_ACK = const(0x04)
_T_POLL = const(0x08)
_T_LINGER = const(0x10)

_S_SYN_RECEIVED = const(3)

_IDLE = const(2)
_NO_LISTENER = const(255)
_R1 = const(3)  # RFC 9293 3.8.3: at least 3 retransmissions, SHLD-10
_KEEP_PROBES = const(8)
_KEEP_EVERY = const(75000)  # ms between keep-alives that go unanswered
_FAR = const(0x10000000)  # 2**28 ms: no deadline lies further ahead

_PAST = (_HEARD_AT, _BUSY_AT, _STATE_AT, _SENT_AT, _CHAL_AT)

_N_TCP_RTO = const(27)
_N_TCP_TIMEOUT = const(43)


def run(t):
    """Everything that has run out by now."""
    if tdiff(t.stack.now, t.fresh_at) >= 0:
        _refresh(t)
    for c in t.conns:
        if c.r[_STATE]:
            t.c = c
            _expire(t, c, t.stack.now)
    t.half.run()
    t.wait.run()


def deadline(t):
    """When the nearest timer runs out."""
    now = t.stack.now
    t.left = tdiff(t.fresh_at, now)
    for c in t.conns:
        if c.r[_STATE]:
            _nearest(t, c, now)
    t.half.nearest(now)
    t.wait.nearest(now)
    return tadd(now, t.left)


def _refresh(t):
    """Times long past are moved up, to 2**28 ms ago: one 2**29 ms old would look like one to
    come."""
    now = t.stack.now
    t.fresh_at = tadd(now, _FAR >> 1)
    for c in t.conns:
        for at in _PAST:
            if tdiff(now, u32(c.r, at)) > _FAR:
                put32(c.r, at, tadd(now, -_FAR))


def _expire(t, c, now):
    r = c.r
    if r[_T] & _T_ACK and tdiff(now, u32(r, _ACK_AT)) >= 0:
        r[_T] &= ~_T_ACK
        r[_F] |= _F_ACK
    if r[_T] & (_T_REXMT | _T_PERSIST) and tdiff(now, u32(r, _REXMT_AT)) >= 0:
        _unanswered(t, c, now)
    if r[_STATE] and r[_T] & _T_POLL and tdiff(now, u32(r, _POLL_AT)) >= 0:
        put32(r, _POLL_AT, tadd(now, c.app.poll_ms))
        poll(t, c)
    if r[_STATE] and not r[_F] & _F_RST:
        _silence(t, c, now)


def _nearest(t, c, now):
    r = c.r
    if r[_T] & _T_ACK:
        near_at(t, r, _ACK_AT, now)
    if r[_T] & (_T_REXMT | _T_PERSIST):
        near_at(t, r, _REXMT_AT, now)
    if r[_T] & _T_POLL:
        near_at(t, r, _POLL_AT, now)
    if not r[_F] & _F_RST:
        _nearest_silence(t, r, now)


def near(t, ms):
    """Notes that something happens in so many ms."""
    if ms < t.left:
        t.left = ms if ms > 0 else 0


def near_at(t, r, o, now):
    """The same for a time at r[o:o+4]."""
    near(t, tdiff(u32(r, o), now))


# Retransmission, and the persist timer


def hold(t, r):
    """The first segment could not leave for want of a neighbour: R2 runs all the same."""
    if not r[_T] & (_T_REXMT | _T_PERSIST):
        at = tadd(t.stack.now, u16(r, _RTO))
        put32(r, _REXMT_AT, at)
        put32(r, _SINCE_AT, t.stack.now)
        r[_T] |= _T_REXMT
        t.arm(at)


def release(r):
    """The neighbour is known, what waited leaves. With nothing in flight the timer was that of
    `hold`: a segment that wants an answer starts its own."""
    r[_F] &= ~_F_WAIT
    if not u16(r, _MAX):
        r[_T] &= ~_T_REXMT


def _unanswered(t, c, now):
    """RFC 6298 5.4 to 5.6; RFC 9293 3.8.3 (R1, R2) and 3.8.6.1 (a closed window)."""
    r = c.r
    if tdiff(now, u32(r, _SINCE_AT)) >= 1000 * u16(r, _USER):  # R2, and the user timeout (MUST-20)
        bump(t.stat, _N_TCP_TIMEOUT)
        return end(t, c, "timeout")
    if r[_F] & _F_WAIT:  # it never left: no backing off (RFC 1122 2.3.2.2)
        wait = u16(r, _RTO)
    elif r[_T] & _T_PERSIST:
        wait = _probe(t, r)
    else:
        wait = _resend(t, c)
    at = tadd(now, wait)
    put32(r, _REXMT_AT, at)


def _probe(t, r):
    """The interval grows exponentially (RFC 9293 3.8.6.1, SHLD-30), and the connection stays
    (MUST-37)."""
    r[_F] |= _F_PROBE  # MUST-35, MUST-36
    # the override timeout of a small window: what goes out now is ordinary data
    if u16(r, _SND_WND):
        r[_T] = r[_T] & ~_T_PERSIST | _T_REXMT
        return u16(r, _RTO)
    wait = u16(r, _RTO) << (r[_NREX] if r[_NREX] < 6 else 6)
    _count(r)
    return wait if wait < t.rto_max else t.rto_max


def _resend(t, c):
    r = c.r
    bump(t.stat, _N_TCP_RTO)
    if r[_STATE] > _S_SYN_RECEIVED:
        cc.on_timeout(t, r)
        if t.sack:
            t.sack.forget(r)  # RFC 2018 8: the receiver may have discarded them
    elif r[_H] & _H_ECN:
        t.ecn.syn_lost(r)
    put16(r, _NXT, 0)
    r[_F] |= _F_REXMT | _F_SEND
    _count(r)
    back_off(t, r)  # MUST-19
    if r[_NREX] == _R1:
        _advise(t, r)  # MUST-20
        tell(t, c, "retrying")  # RFC 9293 3.8.3, MUST-22
    return u16(r, _RTO)


def _advise(t, r):
    """Negative advice to IP: the way to the peer may be dead (RFC 9293 3.8.3 (b))."""
    k = KEY * r[_IDX]
    t.stack.ifaces[t.keys[k + 1]].doubt(t.keys, k + 6)


def _count(r):
    if r[_NREX] < 255:
        r[_NREX] += 1


# Silence: keep-alive, FIN-WAIT-2 without a reader, the listener's idle limit


def _silence(t, c, now):
    r = c.r
    if r[_T] & _T_LINGER and tdiff(now, u32(r, _SINCE_AT)) >= t.linger:
        return end(t, c, "done")
    if u16(r, _KEEP) and not u16(r, _MAX) and _keep_in(r, now) <= 0:
        return _keep(t, c, now)
    idle = _idle_ms(t, r)
    if idle and tdiff(now, u32(r, _BUSY_AT)) >= idle:
        bump(t.stat, _N_TCP_TIMEOUT)
        abort(c, _IDLE)


def _nearest_silence(t, r, now):
    if r[_T] & _T_LINGER:
        near(t, t.linger - _since(r, _SINCE_AT, now))
    if u16(r, _KEEP) and not u16(r, _MAX):
        near(t, _keep_in(r, now))
    idle = _idle_ms(t, r)
    if idle:
        near(t, idle - _since(r, _BUSY_AT, now))


def _since(r, o, now):
    """ms since the time at r[o:o+4]."""
    return tdiff(now, u32(r, o))


def _idle_ms(t, r):
    return t.listeners[r[_LST]].idle_ms if r[_LST] != _NO_LISTENER else 0


def _keep_in(r, now):
    """ms until the next keep-alive (RFC 9293 3.8.4)."""
    # MUST-26
    return 1000 * u16(r, _KEEP) + r[_KPROBE] * _KEEP_EVERY - tdiff(now, u32(r, _HEARD_AT))


def _keep(t, c, now):
    """One unanswered probe does not end it (MUST-29); eight do."""
    r = c.r
    if r[_KPROBE] >= _KEEP_PROBES:  # MUST-29
        bump(t.stat, _N_TCP_TIMEOUT)
        return end(t, c, "timeout")
    r[_KPROBE] += 1
    r[_F] |= _F_KEEP
