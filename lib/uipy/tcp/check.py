"""The first four steps of a segment on a synchronized connection (RFC 9293 3.10.7.4): sequence
number, RST, security (not there), SYN; with the challenge ACKs of RFC 5961."""

from ..kern import ahead, bump, pair, set_pair, tadd, tdiff
from ..net.datagram import AT, DATA, FLAGS, NOW, P_TS, PLAIN, REL, TEXT
from ..stat import N_TCP_CHALLENGE, N_TCP_MUTED, N_TCP_OLD, N_TCP_PAWS, N_TCP_RST_IN
from .end import end
from .header import ACK, FIN, RST, SYN
from .options import read
from .row import (
    ADV,
    CHAL_AT,
    HEARD_AT,
    KPROBE,
    OPT_TS,
    OPTS,
    OWES,
    OWES_ACK,
    RCV_NXT,
    S_SYN_RECEIVED,
    STATE,
)


def check(conn):
    """First to fourth: sequence number, RST, SYN; and that there is an ACK. True when the segment
    goes on. One that is `PLAIN` has passed (whose.py), but for its timestamp."""
    row = conn.row
    tcp = conn.tcp
    seg = tcp.seg
    stamped = row[OPTS] & OPT_TS
    if seg[PLAIN]:
        if not stamped:
            return True
        if tcp.ts.check(row) > 0:
            tcp.ts.update(row)
            set_pair(row, HEARD_AT, tcp.env[NOW])
            row[KPROBE] = 0
            return True
        seg[PLAIN] = 0
    seg[REL] = ahead(tcp.buf, seg[AT] + 4, row, RCV_NXT)
    if seg[DATA] - seg[AT] > 20:
        read(tcp.buf, seg)
    if stamped and tcp.ts.check(row) <= 0:
        # RFC 7323 5.3 R1: an old duplicate is acknowledged; 3.2: a segment without the option is
        # dropped. A SYN is challenged in any case (RFC 5961 4.2): who started again knows no
        # better.
        bump(tcp.stat, N_TCP_PAWS)
        return _unacceptable(conn) if seg[P_TS] or seg[FLAGS] & SYN else False
    if seg[FLAGS] & (RST | SYN):
        return _rst_or_syn(conn, seg[REL])
    if not acceptable(seg, pair(row, ADV)):
        bump(tcp.stat, N_TCP_OLD)
        return _unacceptable(conn)
    if stamped:
        tcp.ts.update(row)
    set_pair(row, HEARD_AT, tcp.env[NOW])
    row[KPROBE] = 0
    return seg[FLAGS] & ACK  # Fifth: without ACK it is dropped


def acceptable(seg, wnd):
    """3.10.7.4, the table of four cases, with wnd = RCV.WND. With a closed window, an ACK in place
    is heard all the same (MUST-66); so is one at the window's right edge: it is of a peer that has
    filled the window, some of it in vain."""
    rel = seg[REL]
    n = seg[TEXT] + (seg[FLAGS] & FIN)
    if 0 <= rel < wnd or (rel == wnd and not (n and wnd)):  # MUST-66
        return True
    return n > 0 and rel < 0 < rel + n and wnd > 0


def _unacceptable(conn):
    """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, unless it is a RST. One without data is not answered
    faster than a challenge."""
    seg = conn.tcp.seg
    if seg[FLAGS] & RST:
        return False
    if seg[TEXT] or seg[FLAGS] & FIN:
        conn.row[OWES] |= OWES_ACK
        return False
    return challenge(conn)


def challenge(conn):
    """A challenge ACK (RFC 5961 3.2, 4.2, 5.2). The limit is one connection's own, and jittered
    (RFC 5961 7): a limit that connections share tells an attacker on one of them what happens on
    the others. Returns False, for the segment goes no further."""
    row = conn.row
    tcp = conn.tcp
    now = tcp.env[NOW]
    if tdiff(now, pair(row, CHAL_AT)) < 0:
        bump(tcp.stat, N_TCP_MUTED)
        return False
    set_pair(row, CHAL_AT, tadd(now, 250 + tcp.stack.random8()))
    bump(tcp.stat, N_TCP_CHALLENGE)
    row[OWES] |= OWES_ACK
    return False


def _rst_or_syn(conn, rel):
    """Second and fourth: RST and SYN on a synchronized connection (RFC 5961 3.2, 4.2)."""
    tcp = conn.tcp
    row = conn.row
    if tcp.seg[FLAGS] & RST:
        if rel == 0:  # exactly RCV.NXT: reset
            bump(tcp.stat, N_TCP_RST_IN)
            end(conn, "refused" if row[STATE] == S_SYN_RECEIVED else "reset")  # MUST-11
            return False
        # in the window: the peer, if it is one, will repeat it at the right place
        if 0 < rel < pair(row, ADV):
            return challenge(conn)
        bump(tcp.stat, N_TCP_OLD)
        return False
    # a SYN, wherever it lies: a peer that has restarted answers with the RST
    return challenge(conn)
