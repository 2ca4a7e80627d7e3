"""Echo Protocol (RFC 862), on TCP and on UDP."""

from ..net.udp import UdpApp
from ..ring import Ring
from ..stream import Stream


class Echo(Stream):
    """What arrives goes back, and a client that closes its side first still gets everything.

    `size` octets of RAM for each connection. Best is the room that the stack offers before it
    knows the application (4 segments; `tcp_options={'room': ...}`): of a smaller ring the client
    learns only when its first flight did not fit.
    """

    keepalive_s = 300  # a client that has vanished does not stay for ever

    def __init__(self, size=5840):
        ring = Ring(size)
        Stream.__init__(self, ring, ring)

    def connected(self, conn):
        Stream.connected(self, conn)
        conn.keepalive_s = self.keepalive_s


class UdpEcho(UdpApp):
    """Each datagram goes back as it is, an empty one too, unless it comes from a port that would
    answer the answer, for ever.
    """

    def received(self, port, buf, start, n):
        if port.cast:
            return None
        # echo, discard, daytime, qotd, chargen, time; 37 is the highest: most need one comparison
        return None if port.sport < 38 and port.sport in (7, 9, 13, 17, 19, 37) else n
