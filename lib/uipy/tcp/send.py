"""What TCP sends: `segments` builds the next segment that is due for a connection.

Theory of operation. Nothing is sent because something happened; what happened leaves a mark in the
row (OWES_*), and whoever holds the buffer next asks `tcp.build` until it answers 0: `input` for
its reply, `output` for the rest. There is no send buffer: the source writes its octets straight
behind the header, as often as they are needed.

The segment being built is described in `tcp.out` (net/datagram.py); whoever calls has written its
destination.
"""

from ..kern import bump, pair, put32, seq_out, set_pair, tadd
from ..net.datagram import (
    LINGER,
    MAX_FLIGHT,
    NOW,
    O_AGAIN,
    O_FLAGS,
    O_HEAD,
    O_REL,
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
    TTL_TOS,
    URGENT_OUT,
    USED,
    set_state,
)
from .rto import account, arm, persist, start


def segments(tcp):
    """Builds segments, one a turn: `send(conn)` gives the length of the next one that is due for
    the connection, behind the place of its IP header; 0 when nothing more is due. Old data first,
    then a probe of a closed window, then new data, then an ACK alone.

    A generator: its locals last from one segment to the next, and need no frame. What a source
    raises ends here, its connection is reset.
    """
    buf, out, env, stat, ifaces = tcp.buf, tcp.out, tcp.env, tcp.stat, tcp.stack.ifaces
    n = 0
    while True:
        conn = yield n
        row = conn.row
        iface = ifaces[row[USED] - 1]
        n = 0
        if row[OWES] & OWES_RST or row[STATE] <= S_SYN_RECEIVED:
            n = _rst(conn, iface) if row[OWES] & OWES_RST else _syn(conn, iface)
            continue
        out[O_HEAD] = 20  # MUST-65
        out[O_UP] = 0
        full = row[MSS]  # octets of text in a full segment (Eff.snd.MSS)
        if row[OPTS] & (OPT_TS | OPT_SACK):
            write(conn, iface)
            full -= out[O_HEAD] - 20
        if env[MAX_FLIGHT] == 1:
            full >>= 1  # in two halves: a lone segment would wait for a delayed ACK each time
        try:
            # Each turn takes a mark away, or builds a segment.
            while not n and row[OWES] & (OWES_REXMT | OWES_PROBE | OWES_DATA):
                new = not row[OWES] & (OWES_REXMT | OWES_PROBE)
                closed = False
                if not new:
                    closed = not row[OWES] & OWES_REXMT and not row[SND_WND]
                    n = _old(tcp, row, full)
                    rel = out[O_REL]
                    room = max(row[SND_WND] - rel, 1)
                elif row[STATE] == S_FIN_WAIT_2:
                    _linger(tcp, row)
                else:
                    rel = row[NXT]
                    room = n = usable(row, env)
                    if n > full:
                        n = full
                    elif n <= 0:
                        n = 0
                        _blocked(conn, iface, row)
                if not n:
                    continue
                if row[OURS] & FIN_SENT and n >= row[MAX] - rel:
                    n = row[MAX] - rel - 1  # none in the place of a FIN that was sent
                    if n < 0:  # nor behind it
                        n = 0
                        row[OWES] &= ~OWES_DATA
                        continue
                # The source writes the text, and is asked for one octet more, to learn whether
                # these are the last.
                src = conn.src
                more = end = False
                if src is None:
                    n = 0
                    end = True
                else:
                    k = src.fill(rel, buf, iface.tx + out[O_HEAD], n + 1)
                    more = k > n
                    if not more:
                        if k < 0:
                            raise ValueError("fill() gives a count of octets, 0 or more")
                        n = k
                        end = src.ended
                # The FIN goes with this segment: in the place that it had, or behind the last
                # octet if the window has one for it.
                flags = ACK
                if row[OURS] & FIN_SENT:
                    if rel + n + 1 == row[MAX]:
                        flags = ACK | FIN
                        more = False  # whatever the source has got since
                elif row[OURS] & FIN_QUEUED and end and n < room:
                    flags = ACK | FIN
                if new and 0 < n < full:
                    # Shorter than a full segment. With nothing behind it: Nagle (RFC 9293 3.7.4,
                    # SHLD-7), while anything is unacknowledged; a FIN does not wait. With more
                    # behind it, the window cut it short (RFC 9293 3.8.6.2.1, MUST-38): it goes if
                    # it is half of the largest window.
                    if more:
                        waits = 2 * n < row[MAX_WND]  # MUST-38
                        idle = not row[NXT] and not row[TIMERS] & (RUNS_REXMT | RUNS_PERSIST)
                        if waits and idle:
                            persist(row, env)  # no ACK comes: the override timeout
                    else:
                        # MUST-60
                        waits = row[NXT] and not (flags & FIN or row[OURS] & NODELAY)
                    if waits:
                        n = 0
                        row[OWES] &= ~OWES_DATA
                        continue
                if end:
                    row[OURS] |= SRC_ENDED  # only now: until then the source was needed
                if not n and flags == ACK:
                    # The source has nothing now. If it has ended and all was ACKed, it is done.
                    row[OWES] &= ~(OWES_DATA | OWES_PROBE)
                    if row[OURS] & SRC_ENDED and not row[MAX]:
                        conn.src = None
                    continue
                if not more:
                    row[OWES] &= ~OWES_DATA  # set again by what gives the source more, and by ACKs
                    if n:
                        flags |= PSH  # RFC 9293 3.9.1.2, MUST-61
                if flags & FIN and not row[OURS] & FIN_SENT:
                    _fin_leaves(conn, row)
                k = row[NXT]
                out[O_FLAGS] = flags
                out[O_REL] = rel
                out[O_TEXT] = n
                account(row, out, env)
                if closed:  # the octet will hardly be taken: it goes again when the window opens
                    row[NXT] = k
                if out[O_AGAIN]:
                    bump(stat, N_TCP_REXMT)
                if row[OPTS] & (URGENT_OUT | OPT_ECN):
                    _mark(tcp, row)
                bump(stat, N_TCP_OUT)
                n = emit(buf, row, out, iface.face, env)
            if not n and row[OWES] & (OWES_ACK | OWES_KEEP):
                # A segment without text: the ACK that is owed, or a keep-alive that asks for one.
                out[O_FLAGS] = ACK
                out[O_TEXT] = 0
                out[O_REL] = row[MAX]
                if row[OWES] & OWES_KEEP:
                    row[OWES] &= ~OWES_KEEP
                    out[O_REL] = -1  # RFC 9293 3.8.4: SEG.SEQ = SND.NXT - 1
                    bump(stat, N_TCP_KEEP)
                if row[OPTS] & (URGENT_OUT | OPT_ECN):
                    _mark(tcp, row)
                bump(stat, N_TCP_OUT)
                n = emit(buf, row, out, iface.face, env)
        except Exception as exc:
            n = 0
            conn.failed(exc)


def _old(tcp, row, full):
    """What is to be sent again, or the probe of a closed window; the mark goes. Sets O_REL, and
    returns how many octets, 0 if there is nothing."""
    out = tcp.out
    owes = row[OWES]
    wnd = row[SND_WND]
    out[O_REL] = 0
    if not owes & OWES_REXMT:
        # The override timer: what the window takes, and one octet if it takes none (RFC 9293
        # 3.8.6.1, MUST-35)
        row[OWES] = owes & ~OWES_PROBE
        bump(tcp.stat, N_TCP_PROBE)
        return min(wnd, full) or 1
    # The segment at SND.UNA (RFC 6298 5.4), or the first hole that SACK shows
    row[OWES] = owes & ~OWES_REXMT
    rel = tcp.sack.hole(row) if row[OPTS] & OPT_SACK else 0
    n = row[MAX] - rel
    if rel < 0 or n <= 0:
        return 0
    out[O_REL] = rel
    full = min(full, max(wnd - rel, 1))  # a window that shrank (MUST-34)
    if row[OPTS] & OPT_SACK:
        full = tcp.sack.until(row, rel, full)
    return min(n, full)


def _linger(tcp, row):
    """FIN-WAIT-2: everything has been sent. It ends by itself only when the application no longer
    reads."""
    row[OWES] &= ~OWES_DATA
    if row[OURS] & DEAF and not row[TIMERS] & RUNS_LINGER:
        row[TIMERS] |= RUNS_LINGER
        set_pair(row, SINCE_AT, tcp.env[NOW])
        arm(tcp.env, tadd(tcp.env[NOW], tcp.env[LINGER]))


def _blocked(conn, iface, row):
    """No window: the mark goes, an ACK brings it back. With nothing in flight no ACK will come:
    the persist timer probes, if there is anything to be sent."""
    row[OWES] &= ~OWES_DATA
    if not row[NXT] and not row[TIMERS] & (RUNS_REXMT | RUNS_PERSIST):
        src = conn.src
        tcp = conn.tcp
        n = src.fill(0, tcp.buf, iface.tx + tcp.out[O_HEAD], 1) if src is not None else 0
        if n or (row[OURS] & FIN_QUEUED and (src is None or src.ended)):
            persist(row, tcp.env)


def _fin_leaves(conn, row):
    """Our FIN: from ESTABLISHED to FIN-WAIT-1, from CLOSE-WAIT to LAST-ACK (RFC 9293 3.10.4)."""
    row[OURS] |= FIN_SENT
    if row[STATE] == S_ESTABLISHED:
        set_state(conn, S_FIN_WAIT_1)
    elif row[STATE] == S_CLOSE_WAIT:
        set_state(conn, S_LAST_ACK)


def _mark(tcp, row):
    """The urgent pointer, and the bits of ECN."""
    if row[OPTS] & URGENT_OUT:
        tcp.urg.point(row)
    if row[OPTS] & OPT_ECN:
        tcp.ecn.stamp(row)


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
            # of what was out of place (RFC 9293 3.10.7.4, first)
            return _syn_received_ack(conn, iface)
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
    out[OUT_TTL] = row[TTL_TOS] >> 8
    out[OUT_TOS] = row[TTL_TOS] & 0xFF
    out[O_UP] = 0
    bump(tcp.stat, N_TCP_OUT)
    return seal(tcp.buf, row, 0, out, iface.face)


def _syn_received_ack(conn, iface):
    tcp = conn.tcp
    out = tcp.out
    out[O_HEAD] = 20
    if conn.row[OPTS] & (OPT_TS | OPT_SACK):
        write(conn, iface)
    out[O_FLAGS] = ACK
    out[O_UP] = out[O_TEXT] = 0
    out[O_REL] = conn.row[MAX]
    bump(tcp.stat, N_TCP_OUT)
    return emit(tcp.buf, conn.row, out, iface.face, tcp.env)


def _rst(conn, iface):
    """ABORT: <SEQ=SND.NXT><CTL=RST> (RFC 9293 3.10.5); who sends it frees the row."""
    tcp = conn.tcp
    row = conn.row
    seq_out(tcp.buf, iface.tx + 4, row, SND_UNA, row[MAX])
    put32(tcp.buf, iface.tx + 8, 0)
    tcp.out[OUT_TTL] = row[TTL_TOS] >> 8
    tcp.out[OUT_TOS] = row[TTL_TOS] & 0xFF  # MUST-48
    return bare(tcp, iface, row, 0, RST)
