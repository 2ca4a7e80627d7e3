"""A board with `network` on a wire where a DHCP server may be, on the virtual clock.

board = Board()                       no address yet; board.net is `network`
lan = board.net.LAN(); lan.active(True)
board.run(9000)                       as `time.sleep` with a background that polls
"""

from host.dhcp_lab import Server
from lab.looped import Nap
from lab.net import Station, Wire
from uipy import loop
from uipy.sock import lan as ours
from uipy.sock import nic


class Board:
    """`server`: whether there is a DHCP server; `home` is called with the stack, and gives what
    stands for firmware's place.py."""

    def __init__(self, server=True, ip=None, gateway=None, home=None, tcp=4, name="uipy", **more):
        self.wire = Wire()
        self.server = Server(self.wire) if server else None
        self.peer = Station(self.wire)
        self.said = []
        self.stack = self.wire.board(ip=ip, gateway=gateway, udp=8, tcp=tcp, groups=2, **more)
        self.nap = Nap(self.wire)
        poll, clock = self.stack.poll, self.wire.clock
        self.stack.poll = lambda now=None: poll(clock.now if now is None else now)
        self.home = home(self.stack, self.said.append) if home else None
        self.lan = ours.attach(self.stack, self.home, self.nap, name=name, say=self.said.append)
        self.net = nic

    @property
    def ip(self):
        return "%d.%d.%d.%d" % tuple(self.stack.ifaces[0].ip)

    def run(self, ms):
        """The background polls for so long; what was sent meanwhile."""
        return self.wire.run(ms)

    def wait(self, ms):
        """The same, by a wait of the program's."""
        loop.current().until(lambda: False, ms)

    def until(self, cond, seconds=30):
        """Time goes by, at most so much; the ms that it took."""
        began = self.wire.clock.ms
        assert loop.current().until(cond, 1000 * seconds), self.said
        return self.wire.clock.ms - began
