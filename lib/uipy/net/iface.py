"""An interface: one device and the address that we have on it.

`Iface` itself serves a link that carries IP datagrams and nothing else (`l2` = 0: SLIP, TUN): no
link addresses, so every neighbour is reached without asking. `eth.Ethernet` adds the 14 octets and
ARP.

An interface without an address (0.0.0.0) receives broadcasts only, and sends from 0.0.0.0: enough
for DHCP (RFC 1122 3.2.1.3 (a)).
"""

from ..errors import BadAddress
from ..kern import copy, csum, same


def ip_of(text):
    """'192.168.1.7' -> 4 octets; 4 octets stay as they are. Raises `BadAddress` otherwise."""
    if not isinstance(text, str):
        if len(text) != 4:
            raise BadAddress("an IPv4 address has 4 octets")
        return bytes(text)
    try:
        octets = [int(x) for x in text.split(".") if x.isdigit()]
        # Not every MicroPython's bytes() looks at the range.
        if len(octets) == 4 == text.count(".") + 1 and max(octets) < 256:
            return bytes(octets)
    except ValueError:
        pass
    raise BadAddress("%r is not an IPv4 address such as '192.168.1.7'" % text)


class Iface:
    """A device without link addresses, and our address on it; made by `Stack.add_iface`.

    `mtu` is in octets of IP. Nobody above `input`, `reply` and `frame` knows the link's header.
    """

    def __init__(self, stack, dev, idx):
        self.stack = stack
        self.dev = dev
        self.still = getattr(dev, "still", None)  # a driver that allows cheap idle polls
        self.idx = idx
        self.buf = stack.buf
        self.ip_at = 2 + dev.l2  # where an IP header lies, received or sent
        self.tx = self.ip_at + 20  # where a transport writes
        self.mtu = min(dev.mtu, len(self.buf) - self.ip_at)
        self.net = None  # the IPv4 layer; the stack fills it in
        self.arp = None
        self.up = False  # the link, as `watch` saw it last
        self.ip = bytearray(4)
        self.gateway = bytearray(4)
        self.bcast = bytearray(4)
        self.sum = 0  # of our address, for checksums

    def configure(self, ip=None, gateway=None):
        """Sets our address: '192.168.1.7/24' (or without a length: /24), None = none yet. Keeps
        nothing of the old one.

        Raises `BadAddress`, and changes nothing then. The two ends of a subnet, loopback and
        multicast addresses cannot be a host's (RFC 1122 3.2.1.3).
        """
        addr, _, length = (ip or "0.0.0.0/32").partition("/")
        length = length or "24"
        if not length.isdigit() or int(length) > 32:
            raise BadAddress("%r has no prefix length from 0 to 32" % ip)
        addr = ip_of(addr)
        gate = ip_of(gateway or "0.0.0.0")
        bits = int(length)
        bcast = _broadcast(addr, bits)
        if ip and (bcast is None or addr[0] in (0, 127) or addr[0] >= 224):
            raise BadAddress("%r cannot be a host's address (RFC 1122 3.2.1.3)" % ip)
        copy(self.ip, 0, addr, 0, 4)
        copy(self.gateway, 0, gate, 0, 4)
        copy(self.bcast, 0, bcast, 0, 4)
        # A prefix is `whole` octets that must be equal, and the bits `part` of the next.
        self.whole = min(bits >> 3, 3)
        self.part = (0xFF00 >> (bits - 8 * self.whole)) & 0xFF
        self.sum = csum(self.ip, 0, 4, 0)
        self.renew()

    def local(self, row, off):
        """True when the address at row[off:off+4] is on this interface's subnet."""
        w = self.whole
        return same(row, off, self.ip, 0, w) and not (row[off + w] ^ self.ip[w]) & self.part

    # What another kind of link does otherwise

    def input(self, n):
        """A frame of n octets was received; returns the length of the reply, or 0."""
        return self.net.input(self, n, False)

    def reply(self, n):
        """Puts the link's header before an IP datagram of n octets that goes back where the
        received one came from."""
        return n

    def frame(self, n):
        """Puts the link's header before an IP datagram of n octets of our own, to the neighbour
        that `reach` found."""
        self.stack.out_iface = self.idx
        return n

    def reach(self, row, off):
        """Finds the neighbour for the address at row[off:off+4]: 1 found, 0 asked for, -1 does
        not answer."""
        return 1

    def doubt(self, row, off):
        """Advice from a transport: the way to row[off:off+4] may be dead (RFC 1122 3.3.1.4)."""

    def renew(self):
        """Our address has changed."""

    def watch(self):
        """Looks at the link; called about once a second by `Stack.poll`."""
        self.up = self.dev.link_up()


def _broadcast(addr, bits):
    """The directed broadcast address of the subnet (RFC 1122 3.2.1.3), None when addr is one of
    its two ends. A subnet of one or two hosts has neither ends nor broadcast (RFC 3021)."""
    if bits > 30:
        return b"\xff\xff\xff\xff"
    value = int.from_bytes(addr, "big")
    host = (1 << (32 - bits)) - 1
    if value & host in (0, host):
        return None
    return (value | host).to_bytes(4, "big")
