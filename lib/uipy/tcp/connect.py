"""Our own opens: the port, and SYN-SENT (RFC 9293 3.10.1, RFC 6056). Loaded on use."""

from ..errors import BadAddress, Busy, TableFull
from ..kern import bump, find_row, same, seq_in
from ..net.datagram import (
    BCAST,
    GATEWAY,
    OFFER,
    ROW_SPAN,
    ROWS,
)
from ..stat import N_TCP_ACTIVE
from .listen import claim, free_row, iface_of
from .row import (
    LPORT,
    NO_LISTENER,
    OPTS,
    OWES,
    OWES_DATA,
    RADDR,
    RPORT,
    S_SYN_SENT,
    SND_UNA,
    STATE,
    USED,
    set_state,
)


def connect(tcp, app, ip, port, lport=0, local=None):
    """Opens a connection to ip ('192.168.1.9' or 4 octets) and port (RFC 9293 3.10.1); returns the
    `Conn` in SYN-SENT.

    `send` and `finish` may be called at once: the query, and the FIN, leave with the ACK of the
    handshake. lport: our port, 0 = a random one (RFC 6056). local: our address, otherwise that of
    the interface that leads there. A host that never answers ends it with closed('timeout') after
    `user_timeout_s` (300 s unless it is set) and one retransmission more, 6 minutes at the most.
    Raises `BadAddress`, `TableFull`, `Busy` when lport is in use to there.
    """
    addr = tcp.stack.ip_of(ip)
    idx = tcp.stack.route(addr, 0) if local is None else iface_of(tcp, local)  # MUST-44
    if not 0 < port < 65536 or _no_host(tcp, addr):
        raise BadAddress("no host to connect to: %r port %r" % (ip, port))  # MUST-46
    if idx < 0 or _no_way(tcp.stack.ifaces[idx], addr):
        raise BadAddress("no way to %r: not in our subnet, and no gateway is set" % ip)
    conn = free_row(tcp)
    if conn is None:
        raise TableFull("no free connection: Stack(tcp=...)")
    key = tcp.key
    key[USED] = idx + 1
    key[RPORT] = port
    seq_in(key, RADDR, addr, 0)
    key[LPORT] = lport or _random_port(tcp)
    if lport:
        if find_row(tcp.tab, tcp.env[ROW_SPAN], tcp.env[ROWS], key) >= 0:
            raise Busy("port %d is connected there" % lport)
        tcp.wait.drop(key)
    claim(conn, app, key, 0, NO_LISTENER)
    row = conn.row
    tcp.isn.into(key, row, SND_UNA)
    row[OPTS] = tcp.env[OFFER]
    bump(tcp.stat, N_TCP_ACTIVE)
    set_state(conn, S_SYN_SENT)
    row[OWES] |= OWES_DATA
    return conn


def _no_host(tcp, addr):
    """A multicast, a broadcast, or an address that never is on a wire (RFC 1122 3.2.1.3)."""
    if addr[0] >= 224 or addr[0] in (0, 127):
        return True
    for iface in tcp.stack.ifaces:
        if same(addr, 0, iface.face, BCAST, 4):
            return True
    return False


def _no_way(iface, addr):
    """An address beyond the subnet, where nobody passes anything on."""
    return iface.arp and not iface.local(addr, 0) and not iface.face[GATEWAY]


def _random_port(tcp):
    """A random port from 49152 on that no row has (RFC 6056 3.3.1)."""
    p = 49152 + ((tcp.stack.random8() << 8 | tcp.stack.random8()) & 0x3FFF)
    for _ in range(0x4000):
        used = tcp.listener(p) is not None or tcp.wait.holds(p)
        for conn in tcp.conns:
            if conn.row[STATE] and conn.row[LPORT] == p:
                used = True
        if not used:
            return p
        p = p + 1 if p < 0xFFFF else 49152
    raise TableFull("every ephemeral port is in use")
