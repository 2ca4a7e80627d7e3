"""uIP's UDP connections for uip.py.

    conn = uip_udp_new('192.168.1.9', 53, resolv_appcall)
    uip_udp_bind(conn, 1053)

The appcall runs with uip_newdata() for each datagram of the peer; uip_udp_periodic_conn(conn) runs
it with uip_poll().
"""

from ..kern import same
from ..net.udp import UdpApp
from ..source import Bytes
from .uip import _NEWDATA, _POLL, _now


class UipUdp(UdpApp):
    """A UDP connection to one peer: what anybody else sends to its port is dropped, as in uIP."""

    def __init__(self, stack, ripaddr, rport, appcall):
        self.stack = stack
        self.ripaddr = ripaddr
        self.rport = rport
        self.appcall = appcall
        self.appstate = None
        self.raddr = stack.ip_of(ripaddr)
        self.port = stack.bind(0, self)

    @property
    def lport(self):
        """Our port."""
        return self.port.num

    def bind(self, lport):
        """uip_udp_bind"""
        self.port.close()
        self.port = self.stack.bind(lport, self)

    def received(self, port, buf, start, n):
        if port.sport != self.rport or not same(buf, self.stack.src_at, self.raddr, 0, 4):
            return
        _now.buf = buf
        _now.start = start
        self._run(_NEWDATA, n)

    def poll(self, port=None):
        """uip_udp_periodic_conn"""
        self._run(_POLL, 0)

    def remove(self):
        """uip_udp_remove"""
        self.port.close()

    def send(self, data, n):
        """uip_udp_send in its appcall, or whenever else. Copies the data."""
        self.port.send(self.ripaddr, self.rport, Bytes(bytes(data[:n])))

    def _run(self, flags, n):
        was = _now.conn, _now.flags, _now.len
        _now.conn = self
        _now.flags = flags
        _now.len = n
        try:
            self.appcall()
        finally:
            _now.conn, _now.flags, _now.len = was


def uip_udp_new(ripaddr, rport, appcall):
    """A UDP connection on the stack of the Uip at hand, on a port that is chosen."""
    return UipUdp(_now.uip.stack, ripaddr, rport, appcall)


def uip_udp_bind(conn, lport):
    """Gives it a port of its own."""
    conn.bind(lport)


def uip_udp_remove(conn):
    """Ends it."""
    conn.remove()


def uip_udp_periodic_conn(conn):
    """Runs its appcall with uip_poll()."""
    conn.poll()


def uip_udp_send(data, n=None):
    """Sends a datagram to the peer of the UDP connection at hand."""
    _now.conn.send(data, len(data) if n is None else n)
