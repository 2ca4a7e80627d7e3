"""The timers of TCP: what happens when one runs out (`run`), and when the next one does
(`deadline`)."""

from micropython import const

from ..guard import guarded
from ..kern import bump, pair, seq_out, set_pair, tadd, tdiff
from ..kern.ptr import kernel, ptr16
from ..net.datagram import (
    DUE,
    FAR,
    FRESH_AT,
    LINGER,
    NOW,
    ROWS,
    RTO_MAX,
)
from ..stat import N_TCP_RTO, N_TCP_TIMEOUT
from .congestion import on_timeout
from .end import end
from .row import (
    ACK_AT,
    BUSY_AT,
    CHAL_AT,
    HEARD_AT,
    IDLE,
    KEEP,
    KPROBE,
    LISTENER,
    MAX,
    MSS,
    NO_LISTENER,
    NREX,
    NXT,
    OPT_ECN,
    OPTS,
    OWES,
    OWES_ACK,
    OWES_DATA,
    OWES_KEEP,
    OWES_PROBE,
    OWES_REXMT,
    OWES_RST,
    POLL_AT,
    RADDR,
    REXMT_AT,
    RTO,
    RUNS_ACK,
    RUNS_LINGER,
    RUNS_PERSIST,
    RUNS_POLL,
    RUNS_REXMT,
    S_SYN_RECEIVED,
    SENT_AT,
    SINCE_AT,
    SND_WND,
    STATE,
    STATE_AT,
    TIMERS,
    USED,
    USER,
    WAITS,
    WIDE,
    abort,
)
from .rto import back_off

_R1 = const(3)  # RFC 9293 3.8.3: at least 3 retransmissions, SHLD-10
_KEEP_PROBES = const(8)
_KEEP_EVERY = const(75000)  # ms between keep-alives that go unanswered

_PAST = (HEARD_AT, BUSY_AT, STATE_AT, SENT_AT, CHAL_AT)


def run(tcp):
    """Everything that has run out by now."""
    if tdiff(tcp.env[NOW], tcp.env[FRESH_AT]) >= 0:
        for conn in tcp.conns:  # RFC 1191 6.3: perhaps the path takes more now
            row = conn.row
            if row[TIMERS] >> WIDE:
                row[MSS] = row[TIMERS] >> WIDE
        refresh(tcp, FAR >> 1)
    for conn in tcp.conns:
        if conn.row[STATE]:
            guarded(_expire, conn)
            if conn.row[OWES]:
                tcp.env[DUE] = 1
    tcp.half.run()
    tcp.wait.run()


def refresh(tcp, ms):
    """Times long past are moved up, to 2**28 ms ago: one 2**29 ms old would look like one to come.
    In so many ms it is done again, and what routers have lowered is raised."""
    now = tcp.env[NOW]
    tcp.env[FRESH_AT] = tadd(now, ms)
    for conn in tcp.conns:
        for at in _PAST:
            if tdiff(now, pair(conn.row, at)) > FAR:
                set_pair(conn.row, at, tadd(now, -FAR))


def deadline(tcp):
    """When the nearest timer runs out."""
    now = tcp.env[NOW]
    left = tdiff(tcp.env[FRESH_AT], now)
    i = tcp.env[ROWS]
    while i:  # not `for`: it takes four words of the frame
        i -= 1
        ms = _in_ms(tcp.conns[i], now)
        if ms < left:
            left = ms
    ms = tcp.half.nearest(now)
    if ms < left:
        left = ms
    ms = tcp.wait.nearest(now)
    if ms < left:
        left = ms
    return tadd(now, left if left > 0 else 0)


@kernel
def _row_in_ms(r: ptr16, now: int) -> int:
    """The ms until the delayed ACK, the retransmission or the application's poll of this row."""
    least = 0x10000000
    k = 0
    while k < 3:
        at = ACK_AT
        runs = RUNS_ACK
        if k == 1:
            at = REXMT_AT
            runs = RUNS_REXMT | RUNS_PERSIST
        elif k == 2:
            at = POLL_AT
            runs = RUNS_POLL
        if r[TIMERS] & runs:
            d = ((r[at] << 16) | r[at + 1]) - now
            if d >= 0x20000000:
                d = d - 0x20000000 - 0x20000000
            elif d + 0x20000000 < 0:
                d = d + 0x20000000 + 0x20000000
            if d < least:
                least = d
        k += 1
    return least


def _expire(conn):
    row = conn.row
    now = conn.tcp.env[NOW]
    if row[TIMERS] & RUNS_ACK and tdiff(now, pair(row, ACK_AT)) >= 0:
        row[TIMERS] &= ~RUNS_ACK
        row[OWES] |= OWES_ACK
    if row[TIMERS] & (RUNS_REXMT | RUNS_PERSIST) and tdiff(now, pair(row, REXMT_AT)) >= 0:
        _unanswered(conn, row, now)
    if row[STATE] and row[TIMERS] & RUNS_POLL and tdiff(now, pair(row, POLL_AT)) >= 0:
        set_pair(row, POLL_AT, tadd(now, conn.app.poll_ms))
        conn.app.poll(conn)
        if conn.src is not None:
            row[OWES] |= OWES_DATA
    if row[STATE] and not row[OWES] & OWES_RST:
        _silence(conn, row, now)


def _in_ms(conn, now):
    """The ms until something happens on this connection; 2**28 when nothing will."""
    row = conn.row
    if not row[STATE]:
        return FAR
    left = _row_in_ms(row, now)
    if row[OWES] & OWES_RST:
        return left
    if row[TIMERS] & RUNS_LINGER:
        ms = tdiff(now, pair(row, SINCE_AT))
        left = min(left, conn.tcp.env[LINGER] - ms)
    if row[KEEP] and not row[MAX] and row[STATE] > S_SYN_RECEIVED:
        # an answer starts the count anew, and may come at once
        left = min(left, _keep_in(row, now), 1000 * row[KEEP])
    ms = _idle_ms(conn.tcp, row)
    if ms:
        ms -= tdiff(now, pair(row, BUSY_AT))
        left = min(left, ms)
    return left


def _unanswered(conn, row, now):
    """RFC 6298 5.4 to 5.6; RFC 9293 3.8.3 (R1, R2) and 3.8.6.1 (a closed window)."""
    tcp = conn.tcp
    # R2, and the user timeout (MUST-20)
    if tdiff(now, pair(row, SINCE_AT)) >= 1000 * row[USER]:
        bump(tcp.stat, N_TCP_TIMEOUT)
        return end(conn, "timeout")
    wait = row[RTO]
    if row[OWES] & WAITS:  # it never left: no backing off (RFC 1122 2.3.2.2)
        pass
    elif row[TIMERS] & RUNS_PERSIST:
        # The interval grows exponentially (RFC 9293 3.8.6.1, SHLD-30), and the connection stays
        # (MUST-37).
        row[OWES] |= OWES_PROBE  # MUST-35, MUST-36
        if row[SND_WND]:  # the override timeout of a small window: ordinary data goes out now
            row[TIMERS] = row[TIMERS] & ~RUNS_PERSIST | RUNS_REXMT
        else:
            wait = min(wait << min(row[NREX], 6), tcp.env[RTO_MAX])
            row[NREX] = min(row[NREX] + 1, 255)
    else:
        _resend(conn, row)
        wait = row[RTO]
    set_pair(row, REXMT_AT, tadd(now, wait))


def _resend(conn, row):
    tcp = conn.tcp
    bump(tcp.stat, N_TCP_RTO)
    if row[STATE] > S_SYN_RECEIVED:
        on_timeout(row)
        if tcp.sack:
            tcp.sack.forget(row)  # RFC 2018 8: the receiver may have discarded them
    elif row[OPTS] & OPT_ECN:
        tcp.ecn.syn_lost(row)
    row[NXT] = 0
    row[OWES] |= OWES_REXMT | OWES_DATA
    row[NREX] = min(row[NREX] + 1, 255)
    back_off(row, tcp.env)  # MUST-19
    if row[NREX] == _R1:
        # Negative advice to IP: the way to the peer may be dead (RFC 9293 3.8.3 (b)).
        iface = tcp.stack.ifaces[row[USED] - 1]
        seq_out(tcp.buf, iface.tx - 8, row, RADDR, 0)  # where the address of a segment stands
        iface.doubt(tcp.buf, iface.tx - 8)  # MUST-20
        tell(conn, "retrying")  # RFC 9293 3.8.3, MUST-22


def tell(conn, reason):
    """The application learns of a soft error."""
    if not conn.row[OWES] & OWES_RST:
        conn.app.error(conn, reason)  # MUST-47


# Silence: keep-alive, FIN-WAIT-2 without a reader, the listener's idle limit


def _silence(conn, row, now):
    tcp = conn.tcp
    if row[TIMERS] & RUNS_LINGER and tdiff(now, pair(row, SINCE_AT)) >= tcp.env[LINGER]:
        return end(conn, "done")
    # a handshake has timers of its own, and MAX is 0 until its SYN has left
    keeps = row[KEEP] and not row[MAX] and row[STATE] > S_SYN_RECEIVED
    if keeps and _keep_in(row, now) <= 0:
        # One unanswered probe does not end it (MUST-29); eight do.
        if row[KPROBE] >= _KEEP_PROBES:  # MUST-29
            bump(tcp.stat, N_TCP_TIMEOUT)
            return end(conn, "timeout")
        row[KPROBE] += 1
        row[OWES] |= OWES_KEEP
        return
    idle = _idle_ms(tcp, row)
    if idle and tdiff(now, pair(row, BUSY_AT)) >= idle:
        bump(tcp.stat, N_TCP_TIMEOUT)
        abort(conn, IDLE)


def _idle_ms(tcp, row):
    return tcp.listeners[row[LISTENER]].idle_ms if row[LISTENER] != NO_LISTENER else 0


def _keep_in(row, now):
    """ms until the next keep-alive (RFC 9293 3.8.4)."""
    # MUST-26
    return 1000 * row[KEEP] + row[KPROBE] * _KEEP_EVERY - tdiff(now, pair(row, HEARD_AT))
