"""The segment text (RFC 9293 3.10.7.4, seventh): handed to the application where it lies,
acknowledged as far as it was taken."""

from ..kern import bump, pair
from ..kern.ptr import kernel, ptr16, ptr32
from ..net.datagram import DATA, DELAYED_ACK, FLAGS, NOW, PLAIN, REL, TEXT
from ..stat import N_TCP_NO_READER, N_TCP_OOO, N_TCP_PARTIAL
from .header import FIN
from .row import (
    ACK_AT,
    ADV,
    BUSY_AT,
    DEAF,
    GAP,
    OPTS,
    OURS,
    OWES,
    OWES_ACK,
    OWES_DATA,
    OWES_RST,
    RCV_NXT,
    RMSS,
    RUNS_ACK,
    TIMERS,
    UNACKED,
    UNREAD,
    URGENT_IN,
    abort,
)


@kernel
def taken(r: ptr16, n: int, offered: int, env: ptr32):
    """The application took n of the octets that it was offered: RCV.NXT moves; the right edge does
    not. An ACK for every second full-sized segment at the latest (SHLD-19), and within half a
    second in any case: the timer is armed once no reply carries the ACK (RFC 9293 3.8.6.3)."""
    full = r[RMSS]
    if offered > full:
        full = offered
        r[RMSS] = full
    if n < offered:
        r[OWES] = r[OWES] | OWES_ACK
    if n <= 0:
        return
    now = env[NOW]
    lo = r[RCV_NXT + 1] + n  # n < 2**16
    r[RCV_NXT] = (r[RCV_NXT] + (lo >> 16)) & 0xFFFF
    r[RCV_NXT + 1] = lo & 0xFFFF
    lo = ((r[ADV] << 16) | r[ADV + 1]) - n
    if lo < 0:
        lo = 0
    r[ADV] = lo >> 16
    r[ADV + 1] = lo & 0xFFFF
    r[BUSY_AT] = now >> 16
    r[BUSY_AT + 1] = now & 0xFFFF
    lo = r[GAP]
    if lo:  # a part of a gap is filled: at once (RFC 5681 4.2)
        lo -= n
        if lo < 0:
            lo = 0
        r[GAP] = lo
        r[OWES] = r[OWES] | OWES_ACK
    n += r[UNACKED]
    if n > 0xFFFF:
        n = 0xFFFF
    r[UNACKED] = n
    if n >= 2 * full:
        r[OWES] = r[OWES] | OWES_ACK
    elif (r[TIMERS] & RUNS_ACK) == 0:
        now = now - 0x20000000 + env[DELAYED_ACK]  # under 0.5 s
        if now >= 0x20000000:
            now -= 0x20000000
        else:
            now += 0x20000000
        r[ACK_AT] = now >> 16
        r[ACK_AT + 1] = now & 0xFFFF
        r[TIMERS] = r[TIMERS] | RUNS_ACK  # MUST-40


def text(conn):
    """seg[TEXT] octets at seg[DATA], seg[REL] from RCV.NXT. Afterwards seg[REL] is where the octet
    behind the text lies, of what was taken and cut off."""
    tcp = conn.tcp
    seg = tcp.seg
    n = seg[TEXT]
    rel = seg[REL]
    if conn.row[OURS] & DEAF or not seg[PLAIN]:
        if rel > 0:
            return _early(conn, rel)
        if conn.row[OURS] & DEAF:
            return _unread(conn, rel)
        n = _trim(conn, seg, rel)
        if n <= 0:  # nothing new, or the window is closed
            conn.row[OWES] |= OWES_ACK
            return
    else:
        seg[REL] = n
    n = take(conn, tcp.buf, seg[DATA], n)
    seg[REL] -= n
    if tcp.pool and not seg[REL] and not seg[FLAGS] & FIN:  # behind a FIN there is nothing
        tcp.pool.drain(conn)  # MUST-59


def _trim(conn, seg, rel):
    """What lies before RCV.NXT is known, what lies beyond the window is cut off: how many octets
    are left at seg[DATA]."""
    n = seg[TEXT] + rel
    seg[DATA] -= rel
    seg[REL] = n
    rel = pair(conn.row, ADV)
    if n > rel:
        n = rel
        seg[FLAGS] &= ~FIN  # it lies beyond the edge
    return n


def take(conn, buf, start, n):
    """Offers the n octets at buf[start:], which are those at RCV.NXT, to the application; returns
    how many it took. `conn.row` is not kept in a local: the frame has 11 words."""
    if conn.row[OWES] & OWES_RST:  # it has called abort: `closed` is all that follows
        return 0
    if conn.src is not None:
        conn.row[OWES] |= OWES_DATA  # what it is given may be what its source waits for
    k = conn.app.received(conn, buf, start, n)
    if k is None or k > n:
        k = n
    elif k < n:
        bump(conn.tcp.stat, N_TCP_PARTIAL)
    taken(conn.row, k, n, conn.tcp.env)
    if k > 0 and conn.row[OPTS] & URGENT_IN:
        conn.tcp.urg.taken(conn)
    return k


def _early(conn, rel):
    """Out of order: kept if there is a pool, and acknowledged at once so that the peer counts
    duplicates (RFC 5681 4.2). How far the gap reaches is noted: what fills it is acknowledged at
    once too, or a peer that sends it again piece by piece waits for a delayed ACK each time."""
    tcp = conn.tcp
    row = conn.row
    bump(tcp.stat, N_TCP_OOO)
    if tcp.pool and not row[OURS] & DEAF:
        tcp.pool.keep(conn)
    rel += tcp.seg[TEXT]
    tcp.seg[REL] = rel
    if rel > row[GAP]:
        row[GAP] = min(rel, 0xFFFF)
    row[OWES] |= OWES_ACK


def _unread(conn, rel):
    """Data when nobody can read it any more: a RST, so that the peer learns of the loss (RFC 9293
    3.6.1, SHLD-3)."""
    seg = conn.tcp.seg
    rel += seg[TEXT]
    if rel > 0:
        bump(conn.tcp.stat, N_TCP_NO_READER)
        abort(conn, UNREAD)
    seg[REL] = rel
