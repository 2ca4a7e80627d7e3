"""ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927, RFC 1191)."""

from micropython import const

from ..guard import guarded
from ..kern import ahead, find_row, seq_in, u16
from ..net.datagram import (
    DST_AT,
    ICMP_AT,
    ROW_SPAN,
    ROWS,
)
from .end import end
from .row import (
    LPORT,
    MAX,
    MSS,
    NXT,
    OWES,
    OWES_DATA,
    OWES_REXMT,
    RADDR,
    RPORT,
    S_SYN_RECEIVED,
    SND_UNA,
    STATE,
    USED,
)
from .timers import tell

_UNREACH = const(3)
_TOO_BIG = const(4)


def unreach(tcp, iface, at, n):
    """An error message quotes n octets of one of our segments at `at`.

    It counts only if the quoted sequence number is in flight (RFC 5927 4.1). Hard errors end a
    connection that is being opened; elsewhere they are soft, unlike SHLD-26 asks (RFC 5461 4.1).
    """
    if n < 8:
        return
    buf = tcp.buf
    key = tcp.key
    key[USED] = iface.idx + 1
    key[LPORT] = u16(buf, at)
    key[RPORT] = u16(buf, at + 2)
    seq_in(key, RADDR, buf, tcp.seg[DST_AT])
    i = find_row(tcp.tab, tcp.env[ROW_SPAN], tcp.env[ROWS], key)
    if i < 0:
        if _hard(tcp):
            tcp.half.unreach(key, at)
        return
    conn = tcp.conns[i]
    if 0 <= ahead(buf, at + 4, conn.row, SND_UNA) < conn.row[MAX]:
        guarded(_error, conn)  # MUST-54


def _hard(tcp):
    """Protocol or port unreachable (RFC 1122 4.2.3.9)."""
    at = tcp.seg[ICMP_AT]
    return tcp.buf[at] == _UNREACH and 2 <= tcp.buf[at + 1] <= 3


def _error(conn):
    tcp = conn.tcp
    row = conn.row
    at = tcp.seg[ICMP_AT]
    if tcp.buf[at] == _UNREACH and tcp.buf[at + 1] == _TOO_BIG:
        # RFC 1191 6.4: smaller segments from now on, and the one that was too big at once; never
        # below 536 + 40.
        mss = max(u16(tcp.buf, at + 6), 576) - 40
        if mss < row[MSS] and row[STATE] > S_SYN_RECEIVED:
            row[MSS] = mss
            row[NXT] = 0
            row[OWES] |= OWES_DATA | OWES_REXMT
            tcp.stack.wake_up()
            tell(conn, "too big")
    elif row[STATE] <= S_SYN_RECEIVED and _hard(tcp):  # MUST-56
        end(conn, "unreachable")
    else:
        tell(conn, "unreachable")  # soft errors never end it
