"""A segment that is not plain meets its connection, or whoever else it is for; and what is due
goes back with it."""

from ..guard import guarded
from ..kern import pair, seq_in, u16
from ..net.datagram import (
    AT,
    DUE,
    IFACE,
    ROW,
    ROWS,
    SRC_AT,
)
from .closed import reset_back
from .end import end
from .row import (
    ACK_AT,
    DUP,
    LPORT,
    MAX,
    OWES,
    OWES_RST,
    RADDR,
    REASONS,
    RPORT,
    RUNS_ACK,
    RUNS_REXMT,
    S_SYN_SENT,
    STATE,
    TIMERS,
    USED,
    WAITS,
)
from .rto import arm
from .states import INPUT


def strangers(tcp, seg):
    """No connection: half-open, TIME-WAIT, a listener, or nobody. The length of the reply; below
    0 it has made a connection, ~n is its row, and the rest of the segment is for that."""
    key = tcp.key
    key[USED] = seg[IFACE] + 1
    key[LPORT] = u16(tcp.buf, seg[AT] + 2)
    key[RPORT] = u16(tcp.buf, seg[AT])
    seq_in(key, RADDR, tcp.buf, seg[SRC_AT])
    i = tcp.half.find(key)
    if i >= 0:
        return tcp.half.input(i)
    i = tcp.wait.find(key)
    if i >= 0:
        i = tcp.wait.input(i)
        if i >= 0:
            return i
    li = tcp.listener(key[LPORT], seg[IFACE])  # MUST-42
    if not li:
        return reset_back(tcp)
    i = tcp.half.listen(li)
    tcp.isn.moved = False
    return i


def meet(conn):
    """The segment at hand is for this connection: its state answers, and what is due goes out as
    the reply. Returns its length."""
    tcp = conn.tcp
    row = conn.row
    n = 0
    if not row[OWES] & OWES_RST:
        n = guarded(INPUT[row[STATE]], conn)
    if not n:
        n = guarded(answer, conn)
        if n is None:  # a callback raised: the RST goes back
            n = guarded(answer, conn) or 0
    if row[TIMERS] & RUNS_ACK:
        arm(tcp.env, pair(row, ACK_AT))
    if row[OWES] & ~WAITS:
        tcp.env[DUE] = 1
    tcp.seg[ROW] = tcp.env[ROWS]  # nobody's
    return n


def answer(conn):
    """What is due goes back with the frame at hand: a reply needs no neighbour. In SYN-SENT it
    would be an open made in a callback, to somebody else."""
    row = conn.row
    if not row[OWES] & ~WAITS or row[STATE] <= S_SYN_SENT:
        return 0
    return segment(conn)


def segment(conn):
    """The next segment, to a destination that is in place. What waited for the neighbour waits no
    more: with nothing in flight the timer was that of `_no_way`, and a segment that wants an
    answer starts its own. When the RST has gone, the row is free; not earlier, for `closed` may
    open another connection there."""
    row = conn.row
    owes = row[OWES]
    if owes & WAITS:
        row[OWES] = owes & ~WAITS
        if not row[MAX]:
            row[TIMERS] &= ~RUNS_REXMT
    n = conn.tcp.build(conn)
    if owes & OWES_RST and n:
        end(conn, REASONS[row[DUP]])
    return n
