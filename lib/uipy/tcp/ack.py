"""The ACK field of a synchronized connection (RFC 9293 3.10.7.4, fifth): SND.UNA moves, the window
is updated."""

from ..kern import set_pair
from ..kern.ptr import kernel, ptr8, ptr16, ptr32
from ..net.datagram import ACKS, AT, FLAGS, NOW, P_TS, TEXT, WND
from .check import challenge
from .congestion import grow, on_duplicate
from .header import FIN
from .row import (
    BUSY_AT,
    FIN_SENT,
    MAX,
    MAX_WND,
    NREX,
    NXT,
    OPT_ECN,
    OPT_SACK,
    OPT_TS,
    OPTS,
    OURS,
    OWES,
    OWES_DATA,
    OWES_REXMT,
    OWES_RST,
    RUNS_PERSIST,
    SHIFTS,
    SINCE_AT,
    SND_UNA,
    SND_WL1,
    SND_WND,
    SRC_ENDED,
    TIMED,
    TIMED_AT,
    TIMERS,
    TOLD,
    URGENT_OUT,
    WND_MAX,
)
from .rto import restart, sample


@kernel
def moves(row, a: int, env):
    """a octets of sequence space were acknowledged for the first time: SND.UNA = SEG.ACK, what is
    counted from it comes nearer, the round trip was measured, CWND grows, the timer restarts."""
    r = ptr16(row)
    e = ptr32(env)
    now = e[NOW]
    timed = r[TIMED]
    if timed:
        r[TIMED] = 0
        if a < timed:
            r[TIMED] = timed - a
        else:
            d = now - ((r[TIMED_AT] << 16) | r[TIMED_AT + 1])
            if d < 0:
                d += 0x20000000
                d += 0x20000000
            sample(row, d, env)
    lo = r[SND_UNA + 1] + a  # a < 2**16
    r[SND_UNA] = (r[SND_UNA] + (lo >> 16)) & 0xFFFF
    r[SND_UNA + 1] = lo & 0xFFFF
    r[MAX] = r[MAX] - a
    n = r[NXT] - a
    if n < 0:
        n = 0
    r[NXT] = n
    n = r[SND_WND] - a  # until `window` says otherwise
    if n < 0:
        n = 0
    r[SND_WND] = n
    grow(row, a, env)
    r[NREX] = 0
    r[OURS] = r[OURS] & (0xFFFF ^ TOLD)
    r[OWES] = r[OWES] | OWES_DATA
    lo = now & 0xFFFF
    now = now >> 16
    r[SINCE_AT] = now
    r[SINCE_AT + 1] = lo
    r[BUSY_AT] = now
    r[BUSY_AT + 1] = lo
    restart(row, env)


@kernel
def window(b: ptr8, seg: ptr32, row, env):
    """SND.WND = SEG.WND if the segment is not older than the one that set it last.

    The test of SND.WL2 is not needed: a segment with SEG.ACK < SND.UNA =< SND.WL2 does not come
    here. A larger window: the persist timer stops, and what waits may go. What was sent before a
    window shrank to nothing has been waiting for it too.
    """
    r = ptr16(row)
    at = seg[AT]
    hi = (b[at + 4] << 8) | b[at + 5]
    lo = (b[at + 6] << 8) | b[at + 7]
    k = lo - r[SND_WL1 + 1]
    k = (hi - r[SND_WL1] + (k >> 16)) & 0xFFFF
    if k & 0x8000:
        return
    r[SND_WL1] = hi
    r[SND_WL1 + 1] = lo
    w = seg[WND] << (r[SHIFTS] >> 8)  # < 2**30
    if w > WND_MAX:
        w = WND_MAX
    k = r[SND_WND]
    if w == k:
        return
    r[SND_WND] = w
    if w > r[MAX_WND]:
        r[MAX_WND] = w
    r[OWES] = r[OWES] | OWES_DATA
    if r[TIMERS] & RUNS_PERSIST and w:
        r[NREX] = 0
        restart(row, env)
    elif r[NREX] and k == 0:
        r[OWES] = r[OWES] | OWES_REXMT


def ack(conn):
    """Fifth, in ESTABLISHED and beyond: SND.UNA < SEG.ACK =< SND.NXT moves on (3.10.7.4). False
    ends the processing."""
    row = conn.row
    tcp = conn.tcp
    seg = tcp.seg
    a = seg[ACKS]
    # never sent, or older than any window (RFC 5961 5.2)
    if a > row[MAX] or a < -row[MAX_WND]:
        return challenge(conn)
    if a < 0:
        return True
    if row[OPTS] & OPT_ECN:
        tcp.ecn.echo(row, a)
    if a:
        _acked(conn, a)
    elif row[MAX]:
        _duplicate(tcp, row)
    window(tcp.buf, seg, row, tcp.env)
    return not row[OWES] & OWES_RST  # `acked` may have called abort


def _acked(conn, a):
    """a octets were acknowledged. A function of its own: the frame of `ack` has 11 words."""
    row = conn.row
    tcp = conn.tcp
    if row[OPTS] & OPT_TS and tcp.seg[P_TS]:
        row[TIMED] = 0  # the timestamp measures better
        tcp.ts.sample(row)
    moves(row, a, tcp.env)
    if row[OPTS] & (URGENT_OUT | OPT_SACK):
        if row[OPTS] & URGENT_OUT:
            tcp.urg.moved(row, a)
        if row[OPTS] & OPT_SACK:
            tcp.sack.input(row, a)
    if row[OURS] & FIN_SENT and not row[MAX]:
        a -= 1  # the FIN is not the application's
    if a:
        src = conn.src
        if src is not None:
            src.acked(a)
            if row[OURS] & SRC_ENDED and row[MAX] <= (row[OURS] & FIN_SENT) >> 1:
                conn.src = None  # all of it has arrived; a FIN may still be on its way
        conn.app.acked(conn, a)


def _duplicate(tcp, row):
    """SEG.ACK = SND.UNA, with data in flight. It is a duplicate in the sense of RFC 5681 2 only if
    nothing else is new in the segment."""
    seg = tcp.seg
    # a closed window may stay closed for ever (RFC 9293 3.8.6.1, MUST-37)
    if not row[SND_WND]:
        set_pair(row, SINCE_AT, tcp.env[NOW])
        return
    w = min(seg[WND] << (row[SHIFTS] >> 8), WND_MAX)
    if seg[TEXT] or seg[FLAGS] & FIN or w != row[SND_WND]:
        return
    if row[OPTS] & OPT_SACK:
        tcp.sack.input(row, 0)
    on_duplicate(tcp, row)
