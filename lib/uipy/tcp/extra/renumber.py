"""The address of an interface is given up, and with it every connection that was made from it.

A row knows the interface and not our address, so a connection that stayed would go on from the new
one, and its peer would not know it. First `reset`, while the old address can still be used: each
peer is told with a RST (RFC 5227 2.4), and `closed('aborted')` is heard. Then, or at once when the
address must not be used any more (RFC 2131 4.4.5), `forget`: what is left ends in silence,
`closed('unreachable')`, the handshakes and TIME-WAIT on that interface among it.
"""

from ..end import end
from ..row import ABORTED, OWES, OWES_RST, REASONS, S_SYN_SENT, STATE, USED, abort


def reset(tcp, idx):
    """Every connection on interface number `idx` is to be reset."""
    for conn in tcp.conns:
        row = conn.row
        if row[USED] == idx + 1:
            if row[STATE] == S_SYN_SENT:  # RFC 9293 3.10.5: nobody to be reset
                end(conn, REASONS[ABORTED])
            elif not row[OWES] & OWES_RST:
                abort(conn, ABORTED)


def leaving(tcp, idx):
    """True while a RST of theirs has not left: its neighbour is asked for."""
    for conn in tcp.conns:
        if conn.row[USED] == idx + 1 and conn.row[OWES] & OWES_RST:
            return True
    return False


def forget(tcp, idx):
    """Whatever is left on interface number `idx` ends without a word."""
    for conn in tcp.conns:  # once round: what `closed` opens again begins from the new address
        if conn.row[USED] == idx + 1:
            end(conn, "unreachable")
    _free(tcp.half, idx)
    _free(tcp.wait, idx)


def _free(table, idx):
    tab = table.tab
    for o in range(0, table.rows * table.size, table.size):
        if tab[o] == idx + 1:
            tab[o] = 0
