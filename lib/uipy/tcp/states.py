"""RFC 9293 3.10.7: what a segment does, state by state.

Theory of operation. `INPUT[state](conn)` is called with the segment at hand described in `tcp.seg`
(net/datagram.py); its numbers stay where they lie, at seg[AT] + 4 and seg[AT] + 8. Each state
takes the steps in the order of 3.10.7.4: sequence number, RST, SYN, ACK, URG, text, FIN. A step
that ends the processing returns a false value. Nothing is sent from here: a step leaves a mark
(OWES_ACK, OWES_DATA, ...) and send.py builds what is due. Two ends have no row behind them, and
are answered at once: a segment that nobody can have sent (closed.py), and the last one before
TIME-WAIT. Then the length of the reply is what the state returns.

    CLOSED       -> SYN-SENT by connect (connect.py)
    LISTEN       -> SYN-RECEIVED -> ESTABLISHED              halfopen.py
    SYN-SENT     -> ESTABLISHED, SYN-RECEIVED                here
    SYN-RECEIVED -> ESTABLISHED (simultaneous open)          here
    ESTABLISHED  -> CLOSE-WAIT by the peer's FIN             here
                 -> FIN-WAIT-1 by ours                       send.py
    FIN-WAIT-1   -> FIN-WAIT-2, CLOSING, TIME-WAIT           here
    FIN-WAIT-2   -> TIME-WAIT                                here
    CLOSE-WAIT   -> LAST-ACK by our FIN                      send.py
    CLOSING      -> TIME-WAIT                                here
    LAST-ACK     -> CLOSED                                   here
    TIME-WAIT    -> CLOSED                                   timewait.py
"""

from ..kern import ahead, bump, pair, seq_add, seq_in, set_pair, tdiff
from ..net.datagram import (
    ACKS,
    AT,
    FLAGS,
    NOW,
    OUR_SHIFT,
    P_SHIFT,
    REL,
    TEXT,
    WND,
)
from ..stat import N_TCP_RST_IN
from . import congestion
from .ack import ack, window
from .check import check
from .closed import reset_back
from .end import end
from .header import ACK, FIN, RST, SYN, URG
from .options import agreed, read, send_mss
from .row import (
    ADV,
    BUFF,
    DEAF,
    FIN_SENT,
    MAX,
    MAX_WND,
    MSS,
    NREX,
    NXT,
    OPT_ECN,
    OPT_TS,
    OPT_WS,
    OPTS,
    OURS,
    OWES,
    OWES_ACK,
    OWES_DATA,
    OWES_REXMT,
    OWES_RST,
    RCV_NXT,
    ROOM,
    RUNS_REXMT,
    S_CLOSE_WAIT,
    S_CLOSING,
    S_ESTABLISHED,
    S_FIN_WAIT_2,
    S_SYN_RECEIVED,
    SHIFTS,
    SND_UNA,
    SND_WL1,
    SND_WND,
    STATE,
    TIMED,
    TIMED_AT,
    TIMERS,
    USED,
    WND_MAX,
    set_state,
)
from .rto import sample, start_rto
from .text import text


def _nowhere(conn):
    """A row in CLOSED or LISTEN is never found by a segment."""
    return 0


def syn_sent(conn):
    """SYN-SENT (3.10.7.3)."""
    row = conn.row
    tcp = conn.tcp
    seg = tcp.seg
    flags = seg[FLAGS]
    read(tcp.buf, seg)
    good = False
    if flags & ACK:  # First: an ACK that is not of our SYN is answered with a RST
        good = seg[ACKS] == 1 and row[MAX]
        if not good:  # SEG.ACK =< ISS or SEG.ACK > SND.NXT
            return reset_back(tcp)
    if flags & RST:  # Second: a RST counts only with the ACK of our SYN (RFC 5961 3.2)
        if good:
            # Where ECN asked for it and the user wants it so, the SYN goes again without (RFC 3360
            # 3.1)
            bump(tcp.stat, N_TCP_RST_IN)
            if row[OPTS] & OPT_ECN and tcp.ecn.fall_back(row):
                row[OWES] |= OWES_REXMT
            else:
                end(conn, "refused")
        return 0
    if not flags & SYN:  # Fifth: neither SYN nor RST
        return 0
    _agree(conn)  # Fourth: their SYN
    if good:
        return _open(conn)
    # Simultaneous open (3.5, figure 7): SYN-RECEIVED, our SYN again with the ACK
    set_state(conn, S_SYN_RECEIVED)
    row[OWES] |= OWES_REXMT  # MUST-10
    return 0


def _agree(conn):
    """The peer's SYN: IRS, its MSS and what options both sides want."""
    row = conn.row
    tcp = conn.tcp
    seg = tcp.seg
    seq_in(row, RCV_NXT, tcp.buf, seg[AT] + 4)
    seq_in(row, SND_WL1, tcp.buf, seg[AT] + 4)
    seq_add(row, RCV_NXT, 1)
    opts = row[OPTS] = agreed(tcp, row[OPTS])
    if opts & OPT_WS:
        row[SHIFTS] = seg[P_SHIFT] << 8 | tcp.env[OUR_SHIFT]
    row[MSS] = send_mss(seg, tcp.stack.ifaces[row[USED] - 1])
    row[SND_WND] = row[MAX_WND] = min(seg[WND], WND_MAX)  # never scaled in a SYN (RFC 7323 2.2)
    if opts & OPT_TS:
        tcp.ts.remember(row)


def _open(conn):
    """SYN-SENT to ESTABLISHED: their SYN,ACK. The ACK, the query and a FIN may leave in one
    segment."""
    seg = conn.tcp.seg
    _syn_acked(conn)
    set_state(conn, S_ESTABLISHED)
    conn.row[OWES] |= OWES_ACK | OWES_DATA
    connected(conn)
    if seg[TEXT] or seg[FLAGS] & (FIN | URG):
        seg[REL] = 0  # data behind a SYN is legal; the SYN's own octet has been counted
        return _rest(conn)
    return 0


def _syn_acked(conn):
    """Our SYN has arrived: SND.UNA = ISS + 1."""
    row = conn.row
    env = conn.tcp.env
    lost = row[NREX]
    seq_add(row, SND_UNA, 1)
    if row[TIMED]:
        sample(row, tdiff(env[NOW], pair(row, TIMED_AT)), env)
    row[TIMED] = row[NXT] = row[MAX] = row[NREX] = 0
    row[TIMERS] &= ~RUNS_REXMT
    congestion.start(row, env, lost)
    start_rto(row, env, lost)


def connected(conn):
    """The application begins. The room that it begins with is its buffer: half of it is worth an
    update of the window (RFC 9293 3.8.6.2.2), however small it is."""
    conn.app.connected(conn)
    row = conn.row
    n = pair(row, ROOM)
    if 0 < n < pair(row, BUFF):
        set_pair(row, BUFF, n)


def syn_received(conn):
    """SYN-RECEIVED after a simultaneous open."""
    row = conn.row
    tcp = conn.tcp
    seg = tcp.seg
    seg[REL] = ahead(tcp.buf, seg[AT] + 4, row, RCV_NXT)
    if seg[FLAGS] & SYN and seg[REL] == -1 and not seg[FLAGS] & RST:
        if not seg[FLAGS] & ACK:  # their SYN again: ours, with the ACK
            row[OWES] |= OWES_REXMT
            return 0
        seg[REL] = 0  # SYN,ACK: the SYN is known, the ACK is what we wait for
    elif not check(conn):
        return 0
    if seg[ACKS] != 1:  # SND.UNA < SEG.ACK =< SND.NXT, or a RST
        return reset_back(tcp)
    _syn_acked(conn)
    set_state(conn, S_ESTABLISHED)
    row[OWES] |= OWES_DATA
    if seg[FLAGS] & SYN:
        row[OWES] |= OWES_ACK
    else:
        window(tcp.buf, seg, row, tcp.env)
    connected(conn)
    return _rest(conn)


def _rest(conn):
    """Sixth to eighth: URG, text and FIN."""
    row = conn.row
    tcp = conn.tcp
    seg = tcp.seg
    if row[OWES] & OWES_RST:  # the callback before called abort
        return 0
    if seg[FLAGS] & URG and tcp.urg:  # MUST-30
        tcp.urg.input(conn)
    if row[OPTS] & OPT_ECN:
        tcp.ecn.input(row)
    if seg[TEXT]:
        text(conn)
    if seg[FLAGS] & FIN and not row[OWES] & OWES_RST:
        return fin(conn)
    return 0


def established(conn):
    """ESTABLISHED: everything."""
    if check(conn) and ack(conn):
        return _rest(conn)
    return 0


def fin_wait_1(conn):
    """FIN-WAIT-1: the ACK of our FIN leads to FIN-WAIT-2; text and the peer's FIN are taken as
    before."""
    if check(conn) and ack(conn):
        if _fin_acked(conn.row):
            set_state(conn, S_FIN_WAIT_2)
            conn.row[OWES] |= OWES_DATA  # send.py looks whether anybody reads
        return _rest(conn)
    return 0


def close_wait(conn):
    """CLOSE-WAIT: we may send on; URG, text and FIN are ignored, the peer has said that it was
    all."""
    if check(conn):
        ack(conn)
        _again(conn)
    return 0


def closing(conn):
    """CLOSING: both FINs have been sent; the ACK of ours leads to TIME-WAIT."""
    if check(conn) and ack(conn):
        if _fin_acked(conn.row):
            return time_wait(conn)
        _again(conn)
    return 0


def last_ack(conn):
    """LAST-ACK: the ACK of our FIN is the end."""
    if check(conn) and ack(conn):
        if _fin_acked(conn.row):
            end(conn, "done")
        else:
            _again(conn)
    return 0


def _again(conn):
    """Text or FIN behind the peer's FIN: our ACK must have been lost."""
    seg = conn.tcp.seg
    if seg[TEXT] or seg[FLAGS] & FIN:
        conn.row[OWES] |= OWES_ACK


def _fin_acked(row):
    return row[OURS] & FIN_SENT and not row[MAX]


def fin(conn):
    """Eighth: the peer's FIN, once everything before it was taken (the text step moves seg[REL] to
    its end)."""
    row = conn.row
    tcp = conn.tcp
    row[OWES] |= OWES_ACK
    adv = pair(row, ADV)
    if tcp.seg[REL] != 0 or not adv:
        return 0
    seq_add(row, RCV_NXT, 1)
    set_pair(row, ADV, adv - 1)
    if tcp.pool:
        tcp.pool.forget(conn)
    # RCV.NXT has moved over the FIN: the state, and the application, learn of it.
    state = row[STATE]
    if state == S_ESTABLISHED:
        set_state(conn, S_CLOSE_WAIT)
        peer_closed(conn)
    elif state == S_FIN_WAIT_2:
        if not row[OURS] & DEAF:
            peer_closed(conn)
        return time_wait(conn)
    else:  # FIN-WAIT-1, our FIN not acknowledged: simultaneous close (3.6, figure 13)
        set_state(conn, S_CLOSING)
        if not row[OURS] & DEAF:
            peer_closed(conn)
    return 0


def peer_closed(conn):
    """The application learns of the peer's FIN."""
    conn.app.peer_closed(conn)
    if conn.src is not None:
        conn.row[OWES] |= OWES_DATA  # it may have ended


def time_wait(conn):
    """TIME-WAIT: the row shrinks to what answers a FIN again; the ACK of this one goes out from
    there."""
    tcp = conn.tcp
    owed = conn.row[OWES] & OWES_ACK
    i = tcp.wait.add(conn)
    n = tcp.build(conn) if owed and i < 0 else 0  # a table without rows: the ACK goes from here
    end(conn, "done")
    return tcp.wait.ack(i) if owed and i >= 0 else n


INPUT = (
    _nowhere,
    _nowhere,
    syn_sent,
    syn_received,
    established,
    fin_wait_1,
    established,  # FIN-WAIT-2 receives for as long as the application reads (RFC 9293 3.6)
    close_wait,
    closing,
    last_ack,
)
