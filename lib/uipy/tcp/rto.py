"""The retransmission timer and its timeout (RFC 6298), in ms; the persist timer shares its place
in the row (RFC 9293 3.8.6.1). SRTT is kept times 8 and RTTVAR times 4, so that shifts do the
divisions."""

from ..kern import set_pair, tadd
from ..kern.ptr import kernel, ptr16, ptr32
from ..net.datagram import (
    NEXT_AT,
    NOW,
    O_AGAIN,
    O_FLAGS,
    O_REL,
    O_TEXT,
    RTO_MAX,
    RTO_MIN,
    STILL_AT,
    TCP_AT,
)
from .header import FIN, SYN
from .row import (
    MAX,
    NREX,
    NXT,
    REXMT_AT,
    RTO,
    RTTVAR,
    RUNS_PERSIST,
    RUNS_REXMT,
    SENT_AT,
    SINCE_AT,
    SRTT,
    TIMED,
    TIMED_AT,
    TIMERS,
)


@kernel
def sample(r: ptr16, m: int, env: ptr32):
    """A segment took m ms to be acknowledged; it was not sent twice (Karn, RFC 6298 3)."""
    if m < 1:
        m = 1  # the clock's granularity G
    if m > 0xFFFF:
        m = 0xFFFF  # longer than any RTO; a peer's TSecr may say anything, and m << 3 stays small
    srtt = (r[SRTT] << 16) | r[SRTT + 1]
    var = (r[RTTVAR] << 16) | r[RTTVAR + 1]
    if srtt == 0:  # (2.2)
        srtt = m << 3
        var = m << 1
    else:  # (2.3) with alpha = 1/8, beta = 1/4
        m -= srtt >> 3
        srtt += m
        if m < 0:
            m = 0 - m
        var += m - (var >> 2)
    r[SRTT] = srtt >> 16
    r[SRTT + 1] = srtt & 0xFFFF
    r[RTTVAR] = var >> 16
    r[RTTVAR + 1] = var & 0xFFFF
    if var < 1:
        var = 1
    m = (srtt >> 3) + var
    if m < env[RTO_MIN]:  # (2.4)
        m = env[RTO_MIN]
    if m > env[RTO_MAX]:  # (2.5)
        m = env[RTO_MAX]
    r[RTO] = m


@kernel
def arm(env: ptr32, at: int):
    """A timer of TCP's runs out at `at`: no deadline may be later."""
    d = at - env[TCP_AT]
    if d < 0:
        d += 0x20000000
        d += 0x20000000
    if d >= 0x20000000:
        env[TCP_AT] = at
    d = at - env[NEXT_AT]
    if d < 0:
        d += 0x20000000
        d += 0x20000000
    if d >= 0x20000000:
        env[NEXT_AT] = at
        env[STILL_AT] = 0 - 1


@kernel
def restart(row, env):
    """RFC 6298 (5.2), (5.3): the timer starts again for what is still out, and stops when nothing
    is."""
    r = ptr16(row)
    e = ptr32(env)
    r[TIMERS] = r[TIMERS] & (0xFFFF ^ (RUNS_REXMT | RUNS_PERSIST))
    if r[MAX]:
        r[TIMERS] = r[TIMERS] | RUNS_REXMT
        at = e[NOW] - 0x20000000 + r[RTO]
        if at >= 0x20000000:
            at -= 0x20000000
        else:
            at += 0x20000000
        r[REXMT_AT] = at >> 16
        r[REXMT_AT + 1] = at & 0xFFFF
        arm(env, at)


@kernel
def account(row, out: ptr32, env):
    """The segment being built will leave: SND.NXT moves over its text, and over SYN or FIN; the
    retransmission timer and the measurement of the round trip begin (RFC 6298 5.1, 3)."""
    r = ptr16(row)
    e = ptr32(env)
    rel = out[O_REL]
    upto = rel + out[O_TEXT]
    if out[O_FLAGS] & (SYN | FIN):
        upto += 1
    now = e[NOW]
    hi = now >> 16
    lo = now & 0xFFFF
    top = r[MAX]
    if top == 0:
        r[SINCE_AT] = hi
        r[SINCE_AT + 1] = lo
    if upto > top:
        r[MAX] = upto
    out[O_AGAIN] = 0
    if rel < top:
        out[O_AGAIN] = 1
        r[TIMED] = 0  # MUST-18: what was sent twice is not timed (Karn, RFC 6298 3)
    elif r[TIMED] == 0:
        r[TIMED] = upto
        r[TIMED_AT] = hi
        r[TIMED_AT + 1] = lo
    if upto > r[NXT] and rel <= r[NXT]:
        r[NXT] = upto
    r[SENT_AT] = hi
    r[SENT_AT + 1] = lo
    if (r[TIMERS] & (RUNS_REXMT | RUNS_PERSIST)) == 0:  # RFC 6298 5.1: unless it runs already
        restart(row, env)


def start(row, env):
    """The timer starts unless it runs: a segment is about to leave that wants an answer."""
    if not row[TIMERS] & (RUNS_REXMT | RUNS_PERSIST):
        at = tadd(env[NOW], row[RTO])
        set_pair(row, REXMT_AT, at)
        row[TIMERS] |= RUNS_REXMT
        arm(env, at)


def persist(row, env):
    """The persist timer: the first probe after an RTO (RFC 9293 3.8.6.1, SHLD-29)."""
    row[TIMERS] |= RUNS_PERSIST
    row[NREX] = 0
    at = tadd(env[NOW], row[RTO])
    set_pair(row, REXMT_AT, at)
    set_pair(row, SINCE_AT, env[NOW])
    arm(env, at)


def back_off(row, env):
    """(5.5): doubled, within the bounds."""
    row[RTO] = min(max(row[RTO] << 1, env[RTO_MIN]), env[RTO_MAX])


def start_rto(row, env, lost):
    """The RTO with which data begins: 3 s when the SYN had to be sent again (5.7); what was
    measured otherwise."""
    if lost:
        row[RTO] = min(3000, env[RTO_MAX])
