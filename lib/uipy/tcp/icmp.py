"""ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927, RFC 1191)."""

from micropython import const

from ..guard import guarded
from ..kern import ahead, find_row, seq_in, u16
from ..net.datagram import (
    DST_AT,
    ICMP_AT,
    ROW_SPAN,
    ROWS,
    SRC_AT,
)
from ..net.icmp import TOO_BIG
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
    TIMERS,
    USED,
    WIDE,
)
from .timers import refresh, tell

_UNREACH = const(3)
_PLATEAUS = (1492, 1006, 508, 296, 68)  # RFC 1191 7.1, as far as our datagrams reach
_AGAIN_MS = const(600_000)


def unreach(tcp, iface, at, n):
    """An error message quotes n octets of one of our segments at `at`, 8 or more.

    It counts only if the quoted sequence number is in flight (RFC 5927 4.1). Hard errors end a
    connection that is being opened; elsewhere they are soft, unlike SHLD-26 asks (RFC 5461 4.1).
    """
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
    buf = tcp.buf
    at = tcp.seg[ICMP_AT]
    if buf[at] == _UNREACH and buf[at + 1] == TOO_BIG:
        # RFC 1191 6.4: smaller segments from now on, and the one that was too big at once. An old
        # router says 0 for the size (5, 7.1); none passes less than 68 octets (3); of what it
        # passes it has no reason to complain (RFC 5927 7.2).
        n = u16(buf, tcp.seg[SRC_AT] - 10)  # octets of the datagram quoted
        mtu = u16(buf, at + 6)
        for plateau in _PLATEAUS:
            if not mtu and plateau < n:
                mtu = plateau
        mss = max(mtu, 68) - 40
        if mtu < n and mss < row[MSS] and row[STATE] > S_SYN_RECEIVED:
            if not row[TIMERS] >> WIDE:
                row[TIMERS] |= min(row[MSS], 2047) << WIDE
            row[MSS] = mss
            row[NXT] = 0
            row[OWES] |= OWES_DATA | OWES_REXMT
            # 6.3: larger ones are tried again. No arm(): what is in flight has a timer, and that
            # looks for the next one.
            refresh(tcp, _AGAIN_MS)
            tcp.stack.wake_up()
            tell(conn, "too big")
    elif row[STATE] <= S_SYN_RECEIVED and _hard(tcp):  # MUST-56
        end(conn, "unreachable")
    else:
        tell(conn, "unreachable")  # soft errors never end it
