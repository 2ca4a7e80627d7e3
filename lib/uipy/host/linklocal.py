"""An address that nobody has given (RFC 3927): 169.254.x.y, chosen at random and asked for as RFC
5227 says. It reaches the stations on the same cable, and only them.

    local = LinkLocal(stack, say=print)        of a Stack(dev, ip=None), without a DHCP server

The choice follows from our MAC, so that a board has the same address each time (2.1). When another
station insists on it, the next one is tried; from the tenth conflict on once a minute (2.2.1).
"""

from micropython import const

from ..net.acd import Acd

_MAX_CONFLICTS = const(10)
_RATE_LIMIT = const(60_000)  # ms
_COUNT = const(65024)  # of addresses: 169.254.1.0 to 169.254.254.255


class LinkLocal:
    """Gives interface number `iface` such an address. With another's `acd` it is that owner
    (dhcp.py) who says when: `start`, `pause`, `stop`."""

    def __init__(self, stack, iface=0, acd=None, say=None):
        self.stack = stack
        self.active = False  # the address is in use
        self.asking = False  # and will be, if nobody objects
        self.leaving = False  # connections are being reset
        self.conflicts = 0
        self.acd = acd or Acd(stack, iface, self, say)
        self.seed = 0
        for octet in stack.ifaces[iface].dev.mac:
            self.seed = (self.seed * 12869 + 6925 + octet) & 0xFFFF
        stack.layers.append(self)
        if acd is None:
            self.start()

    def start(self):
        """Asks for the address, unless it is in use."""
        if not self.active and not self.asking:
            self.asking = True
            late = self.conflicts >= _MAX_CONFLICTS
            self.acd.probe(bytes(self.ip()), self, _RATE_LIMIT if late else 0)

    def cancel(self):
        """It is not wanted any more, unless it is in use."""
        if self.asking:
            self.asking = False
            self.acd.cancel()

    def pause(self):
        """The interface has no address for now; `start` asks for the same one."""
        self.cancel()
        self.active = self.leaving = False

    def stop(self):
        """It is given up at once."""
        self.cancel()
        if self.active:
            self.active = self.leaving = False
            self.acd.drop()

    def ip(self):
        """The address that is tried now, or used."""
        k = 256 + self.seed % _COUNT
        return bytearray((169, 254, k >> 8, k & 255))

    # As a layer of the stack

    def output(self, now):
        """Sends nothing itself: connections have been reset, another address is tried."""
        if self.leaving and not self.acd.part(now):
            self.stop()
            self._next()
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        return 0x8000000

    def _next(self):
        # All 65536 values come, in an order of no pattern.
        self.conflicts += 1
        self.seed = (self.seed * 12869 + 6925) & 0xFFFF
        self.start()

    # What Acd tells

    def free(self):
        """Nobody else has it."""
        self.asking = False
        self.active = True
        ip = "%d.%d.%d.%d/16" % tuple(self.ip())
        self.acd.take(ip)  # without a gateway: RFC 3927 2.6.2, 2.7
        self.acd.tell(ip + " is our address on this cable (link-local)")

    def taken(self):
        """Somebody has it."""
        self.asking = False
        self._next()

    def lost(self):
        """Another station insists on it."""
        if self.active:
            self.leaving = True
            self.stack.wake_up()

    def plug(self, up):
        """The cable went in or out (without DHCP)."""
        if up:
            self.start()
        else:
            self.pause()
            self.acd.hold()
