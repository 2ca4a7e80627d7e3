"""What TCP sends: `segment` builds the next segment that is due for a connection.

Theory of operation. Nothing is sent because something happened; what happened leaves a mark in the
row (OWES_*), and whoever holds the buffer next asks `segment` until it answers 0: `input` for its
reply, `output` for the rest. There is no send buffer: the source writes its octets straight behind
the header, as often as they are needed.

The segment being built is described in `tcp.out` (net/datagram.py); whoever calls has written its
destination.
"""

from ..kern import bump, pair, put32, seq_out, set_pair, tadd
from ..net.datagram import (
    MAX_FLIGHT,
    NOW,
    O_AGAIN,
    O_END,
    O_FLAGS,
    O_FULL,
    O_HEAD,
    O_MORE,
    O_REL,
    O_ROOM,
    O_TEXT,
    O_UP,
    O_WND,
    OUT_TOS,
    OUT_TTL,
)
from ..stat import N_TCP_KEEP, N_TCP_OUT, N_TCP_PROBE, N_TCP_REXMT
from .congestion import usable
from .emit import bare, emit, seal
from .header import ACK, FIN, PSH, RST, SYN
from .options import write, write_syn
from .row import (
    ADV,
    DEAF,
    FIN_QUEUED,
    FIN_SENT,
    MAX,
    MAX_WND,
    MSS,
    NODELAY,
    NXT,
    OPT_ECN,
    OPT_SACK,
    OPT_TS,
    OPTS,
    OURS,
    OWES,
    OWES_ACK,
    OWES_DATA,
    OWES_KEEP,
    OWES_PROBE,
    OWES_REXMT,
    OWES_RST,
    RCV_NXT,
    ROOM,
    ROW_TOS,
    ROW_TTL,
    RUNS_LINGER,
    RUNS_PERSIST,
    RUNS_REXMT,
    S_CLOSE_WAIT,
    S_ESTABLISHED,
    S_FIN_WAIT_1,
    S_FIN_WAIT_2,
    S_LAST_ACK,
    S_SYN_RECEIVED,
    SINCE_AT,
    SND_UNA,
    SND_WND,
    SRC_ENDED,
    STATE,
    TIMED,
    TIMERS,
    URGENT_OUT,
    USED,
    set_state,
)
from .rto import account, arm, persist, start


def segment(conn):
    """Builds the next segment due for a connection behind the place of its IP header; returns its
    length, 0 when nothing more is due. Old data first, then a probe of a closed window, then new
    data, then an ACK alone."""
    row = conn.row
    owes = row[OWES]
    iface = conn.tcp.stack.ifaces[row[USED] - 1]
    if owes & OWES_RST or row[STATE] <= S_SYN_RECEIVED:
        return _rst(conn, iface) if owes & OWES_RST else _syn(conn, iface)
    n = 0
    if owes & (OWES_REXMT | OWES_PROBE):
        n = _old(conn, iface, owes)
    if not n and row[OWES] & OWES_DATA:
        n = _fresh(conn, iface, row) if row[STATE] != S_FIN_WAIT_2 else _linger(conn, row)
    if not n and row[OWES] & (OWES_ACK | OWES_KEEP):
        n = _ack(conn, iface)
    return n


def _old(conn, iface, owes):
    row = conn.row
    n = 0
    if owes & OWES_REXMT:
        row[OWES] = owes & ~OWES_REXMT
        n = _resend(conn, iface)
    if not n and row[OWES] & OWES_PROBE:
        row[OWES] &= ~OWES_PROBE
        n = _probe(conn, iface)
    return n


def _linger(conn, row):
    """FIN-WAIT-2: everything has been sent. It ends by itself only when the application no longer
    reads."""
    tcp = conn.tcp
    row[OWES] &= ~OWES_DATA
    if row[OURS] & DEAF and not row[TIMERS] & RUNS_LINGER:
        row[TIMERS] |= RUNS_LINGER
        set_pair(row, SINCE_AT, tcp.env[NOW])
        arm(tcp.env, tadd(tcp.env[NOW], tcp.linger))
    return 0


def _full(conn, iface):
    """Writes the options; octets of data in a full segment with them (Eff.snd.MSS). One segment in
    flight goes as two halves: a lone one would wait for a delayed ACK each time."""
    tcp = conn.tcp
    n = conn.row[MSS]
    tcp.out[O_HEAD] = 20  # MUST-65
    if conn.row[OPTS] & (OPT_TS | OPT_SACK):
        write(conn, iface)
        n -= tcp.out[O_HEAD] - 20
    return n if tcp.env[MAX_FLIGHT] != 1 else n >> 1


def _resend(conn, iface):
    """The segment at SND.UNA again (RFC 6298 5.4), or the first hole that SACK shows."""
    row = conn.row
    tcp = conn.tcp
    rel = tcp.sack.hole(row) if row[OPTS] & OPT_SACK else 0
    n = row[MAX] - rel
    if rel < 0 or n <= 0:
        return 0
    full = _full(conn, iface)
    room = max(row[SND_WND] - rel, 1)
    full = min(full, room)  # a window that shrank (MUST-34)
    if row[OPTS] & OPT_SACK:
        full = tcp.sack.until(row, rel, full)
    tcp.out[O_REL] = rel
    tcp.out[O_ROOM] = room
    tcp.out[O_FULL] = 0
    return _build(conn, iface, min(n, full))


def _probe(conn, iface):
    """The override timer: what the window takes, and one octet if it takes none (RFC 9293 3.8.6.1,
    MUST-35)."""
    row = conn.row
    tcp = conn.tcp
    n = min(row[SND_WND], _full(conn, iface))
    nxt = row[NXT]
    bump(tcp.stat, N_TCP_PROBE)
    tcp.out[O_REL] = tcp.out[O_FULL] = 0
    tcp.out[O_ROOM] = row[SND_WND] or 1
    size = _build(conn, iface, n or 1)
    if not n:
        # the octet will hardly be taken: it is sent again when the window opens
        row[NXT] = nxt
    return size


def _fresh(conn, iface, row):
    """New data as far as the peer's window and CWND allow."""
    n = usable(row, conn.tcp.env)
    if n <= 0:
        return _blocked(conn, iface, row)
    full = _full(conn, iface)
    out = conn.tcp.out
    out[O_ROOM] = n
    out[O_FULL] = full
    out[O_REL] = row[NXT]
    return _build(conn, iface, n if n < full else full)


def _blocked(conn, iface, row):
    """No window: the mark goes, an ACK brings it back. With nothing in flight no ACK will come:
    the persist timer probes, if there is anything to be sent."""
    row[OWES] &= ~OWES_DATA
    if not row[NXT] and not row[TIMERS] & (RUNS_REXMT | RUNS_PERSIST):
        src = conn.src
        n = 0
        if src is not None:
            n = _ask(conn, 0, iface.tx + 20, 1)
        if n or (row[OURS] & FIN_QUEUED and (src is None or src.ended)):
            persist(row, conn.tcp.env)
    return 0


def _ask(conn, rel, at, n):
    """The source writes up to n octets at buf[at:]; how many. A function of its own, for the frame
    of `_build` has 11 words."""
    return conn.src.fill(rel, conn.tcp.buf, at, n)


def _build(conn, iface, n):
    """A segment with up to n octets from O_REL on, the source permitting; of new data (where
    O_FULL octets make a full segment), the rules for small segments too."""
    row = conn.row
    out = conn.tcp.out
    if row[OURS] & FIN_SENT and n >= row[MAX] - out[O_REL]:
        n = row[MAX] - out[O_REL] - 1  # none in the place of a FIN that was sent
        if n < 0:  # nor behind it
            row[OWES] &= ~OWES_DATA
            return 0
    out[O_MORE] = 0
    out[O_END] = 1
    out[O_TEXT] = n
    if conn.src is None:
        n = out[O_TEXT] = 0
    else:
        # one octet more than is sent, to learn whether these are the last
        n = _ask(conn, out[O_REL], iface.tx + out[O_HEAD], n + 1)
        if n > out[O_TEXT]:
            n = out[O_TEXT]
            out[O_MORE] = 1
            out[O_END] = 0
        else:
            out[O_TEXT] = n
            if not conn.src.ended:
                out[O_END] = 0
    # The FIN goes with this segment: in the place that it had, or behind the last octet if the
    # window has one for it.
    out[O_FLAGS] = ACK
    if row[OURS] & FIN_SENT:
        if out[O_REL] + n + 1 == row[MAX]:
            out[O_FLAGS] = ACK | FIN
    elif row[OURS] & FIN_QUEUED and out[O_END] and n < out[O_ROOM]:
        out[O_FLAGS] = ACK | FIN
    if 0 < n < out[O_FULL] and _waits(row, out, conn.tcp.env):
        row[OWES] &= ~OWES_DATA
        return 0
    if out[O_END]:
        row[OURS] |= SRC_ENDED  # only now: the source is needed until its last octets were sent
    if n or out[O_FLAGS] & FIN:
        return _send(conn, iface, row)
    # The source has nothing now. If it has ended and all of it was ACKed, it is done.
    row[OWES] &= ~(OWES_DATA | OWES_PROBE)
    if row[OURS] & SRC_ENDED and not row[MAX]:
        conn.src = None
    return 0


def _waits(row, out, env):
    """Whether a segment shorter than the MSS is to wait.

    With nothing behind it: Nagle (RFC 9293 3.7.4, SHLD-7), while anything is unacknowledged; a FIN
    does not wait. With more behind it, the window cut it short (RFC 9293 3.8.6.2.1, MUST-38): it
    goes if it is half of the largest window.
    """
    if not out[O_MORE]:
        # MUST-60
        return row[NXT] and not (out[O_FLAGS] & FIN or row[OURS] & NODELAY)
    if 2 * out[O_TEXT] >= row[MAX_WND]:
        return False
    if not row[NXT] and not row[TIMERS] & (RUNS_REXMT | RUNS_PERSIST):
        persist(row, env)  # nothing in flight, so no ACK comes: the override timeout
    return True  # MUST-38


def _send(conn, iface, row):
    """The segment stands: its number, the timers that it starts, and the state that a FIN
    enters."""
    out = conn.tcp.out
    if not out[O_MORE]:
        row[OWES] &= ~OWES_DATA  # whatever gives the source more, and every ACK, sets it again
        if out[O_TEXT]:
            out[O_FLAGS] |= PSH  # RFC 9293 3.9.1.2, MUST-61
    if out[O_FLAGS] & FIN and not row[OURS] & FIN_SENT:
        row[OURS] |= FIN_SENT
        # from ESTABLISHED to FIN-WAIT-1, from CLOSE-WAIT to LAST-ACK (RFC 9293 3.10.4)
        if row[STATE] == S_ESTABLISHED:
            set_state(conn, S_FIN_WAIT_1)
        elif row[STATE] == S_CLOSE_WAIT:
            set_state(conn, S_LAST_ACK)
    account(row, out, conn.tcp.env)
    if out[O_AGAIN]:
        bump(conn.tcp.stat, N_TCP_REXMT)
    return _stamp(conn, iface, row)


def _ack(conn, iface):
    """A segment without data: the ACK that is owed, or a keep-alive that asks for one."""
    row = conn.row
    out = conn.tcp.out
    _full(conn, iface)
    out[O_FLAGS] = ACK
    out[O_TEXT] = 0
    out[O_REL] = row[MAX]
    if row[OWES] & OWES_KEEP:
        row[OWES] &= ~OWES_KEEP
        out[O_REL] = -1  # RFC 9293 3.8.4: SEG.SEQ = SND.NXT - 1
        bump(conn.tcp.stat, N_TCP_KEEP)
    return _stamp(conn, iface, row)


def _stamp(conn, iface, row):
    """What all segments of a synchronized connection share."""
    tcp = conn.tcp
    tcp.out[O_UP] = 0
    if row[OPTS] & (URGENT_OUT | OPT_ECN):
        if row[OPTS] & URGENT_OUT:
            tcp.urg.point(row)
        if row[OPTS] & OPT_ECN:
            tcp.ecn.stamp(row)
    bump(tcp.stat, N_TCP_OUT)
    return emit(tcp.buf, row, tcp.out, iface.face, tcp.env)


def _syn(conn, iface):
    """SYN-SENT: our SYN. SYN-RECEIVED by simultaneous open: SYN and ACK (RFC 9293 3.5, figure
    7)."""
    tcp = conn.tcp
    row = conn.row
    out = tcp.out
    if not row[OWES] & (OWES_REXMT | OWES_DATA | OWES_ACK):
        return 0
    again = row[MAX]
    if again and not row[OWES] & OWES_REXMT:
        row[OWES] &= ~OWES_DATA  # data and FIN wait for the answer
        if row[STATE] == S_SYN_RECEIVED and row[OWES] & OWES_ACK:
            return _ack(conn, iface)  # of what was out of place (RFC 9293 3.10.7.4, first)
        row[OWES] &= ~OWES_ACK
        return 0
    row[OWES] &= ~(OWES_REXMT | OWES_DATA | OWES_ACK)
    at = iface.tx
    seq_out(tcp.buf, at + 4, row, SND_UNA, 0)
    put32(tcp.buf, at + 8, 0)
    out[O_FLAGS] = SYN
    out[O_REL] = out[O_TEXT] = 0
    if row[STATE] == S_SYN_RECEIVED:
        out[O_FLAGS] = SYN | ACK
        seq_out(tcp.buf, at + 8, row, RCV_NXT, 0)
    if tcp.ts:
        tcp.ts.hold(row)
    write_syn(tcp, iface, row[OPTS])
    if row[OPTS] & OPT_ECN:
        tcp.ecn.stamp_syn(row)
    row[NXT] = 0
    if again:
        bump(tcp.stat, N_TCP_REXMT)
        row[TIMED] = 0
        start(row, tcp.env)
    else:
        account(row, out, tcp.env)
    w = min(pair(row, ROOM), 0xFFFF)  # never scaled in a SYN (RFC 7323 2.2)
    if w > pair(row, ADV):  # an edge once offered stays (SHLD-14)
        set_pair(row, ADV, w)
    out[O_WND] = w
    out[OUT_TTL] = row[ROW_TTL]
    out[OUT_TOS] = row[ROW_TOS]
    out[O_UP] = 0
    bump(tcp.stat, N_TCP_OUT)
    return seal(tcp.buf, row, 0, out, iface.face)


def _rst(conn, iface):
    """ABORT: <SEQ=SND.NXT><CTL=RST> (RFC 9293 3.10.5); who sends it frees the row."""
    tcp = conn.tcp
    row = conn.row
    seq_out(tcp.buf, iface.tx + 4, row, SND_UNA, row[MAX])
    put32(tcp.buf, iface.tx + 8, 0)
    tcp.out[OUT_TTL] = row[ROW_TTL]
    return bare(tcp, iface, row, 0, RST)
