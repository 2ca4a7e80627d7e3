"""The way of a segment: whose is it, and what does it do there (RFC 9293 3.10.7).

Most segments are plain: in place, of an ESTABLISHED connection, with an ACK, text or both, and
nothing else (`whose`). They take their way here, in one function. All others meet the state
machine of states.py, which does the same to a plain segment, step by step; a test compares the
two.
"""

from ..kern import bump, pair
from ..net.datagram import (
    ACKS,
    CAST,
    DATA,
    DUE,
    PLAIN,
    ROW,
    ROWS,
    TEXT,
)
from ..stat import N_TCP_BAD, N_TCP_PARTIAL
from .ack import moves, window
from .congestion import usable
from .meet import answer, meet, strangers
from .row import (
    ACK_AT,
    DEAF,
    MAX,
    NXT,
    OURS,
    OWES,
    OWES_DATA,
    OWES_RST,
    RUNS_ACK,
    SRC_COUNTED,
    SRC_ENDED,
    TIMERS,
)
from .rto import arm
from .text import taken, text
from .whose import whose


def arrivals(tcp):
    """Takes segments, one a turn: `send(iface)` gives the length of the reply to the one that is
    described in `seg`, written behind the place of its IP header; 0 for none.

    A generator: its locals last from one segment to the next, and need no frame. What a callback
    raises ends here, its connection is reset.
    """
    buf, seg, tab, env, stat = tcp.buf, tcp.seg, tcp.tab, tcp.env, tcp.stat
    conns, rows, build = tcp.conns, tcp.env[ROWS], tcp.build
    plain = 2 if tcp.pool is None else 3  # with a pool, what was early may follow: never
    n = 0
    while True:
        yield n  # of the interface `seg` has the number
        n = 0
        if seg[CAST]:  # RFC 9293 3.9.2.3, MUST-57: not to a broadcast or multicast address
            continue
        i = whose(buf, seg, tab, env, stat)
        if i < 0:
            bump(stat, N_TCP_BAD)
            continue
        if i == rows:
            n = strangers(tcp, seg)
            if n < 0:
                n = meet(conns[~n])
            continue
        conn = conns[i]
        if seg[PLAIN] != plain:
            n = meet(conn)
            continue
        row = conn.row
        try:
            k = seg[ACKS]
            if k:
                moves(row, k, env)
                src = conn.src
                if src is not None:
                    src.acked(k)
                    if not row[MAX] and row[OURS] & SRC_ENDED:
                        conn.src = None
                conn.app.acked(conn, k)
            window(buf, seg, row, env)
            k = seg[TEXT]
            if k:
                if row[OWES] & OWES_RST:
                    pass  # `acked` has ended it
                elif row[OURS] & DEAF:  # or closed it
                    text(conn)
                else:
                    if conn.src is not None:
                        row[OWES] |= OWES_DATA  # what it is given may be what its source waits for
                    n = conn.app.received(conn, buf, seg[DATA], k)
                    if n is None or n > k:
                        n = k
                    elif n < k:
                        bump(stat, N_TCP_PARTIAL)
                    taken(row, n, k, env)
                    n = 0
            if row[OURS] & SRC_COUNTED and row[OWES] == OWES_DATA and row[NXT] == row[MAX]:
                src = conn.src
                if src is not None and src.left <= row[MAX] and not src.ended:
                    row[OWES] = 0  # nothing is to be sent again, and the source has nothing new
                    usable(row, env)  # CWND after a silence, as `segments` would have it
        except Exception as exc:
            n = 0
            conn.failed(exc)
        owes = row[OWES]
        if owes:
            n = answer(conn) if owes & OWES_RST else build(conn)
            if row[OWES]:
                env[DUE] = 1
        if row[TIMERS] & RUNS_ACK:
            arm(env, pair(row, ACK_AT))
        seg[ROW] = rows  # nobody's
