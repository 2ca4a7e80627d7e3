"""An interface: one device, the address that we have on it, and the neighbours behind it.

A device with `l2` = 14 is an Ethernet: it has a MAC address, and ARP finds the neighbours. One
with `l2` = 0 (SLIP, TUN) carries IP datagrams and nothing else, so every neighbour is reached
without asking.

An interface without an address (0.0.0.0) receives broadcasts only, and sends from 0.0.0.0: enough
for DHCP (RFC 1122 3.2.1.3 (a)).
"""

from micropython import const

from ..errors import BadAddress, Error
from ..kern import copy, same
from .datagram import BCAST, FACE_SIZE, GATEWAY, HOP, IDX, L2, OUR_IP, OUR_MAC, PART, WHOLE

SPARE = const(4)  # the buffer's octets behind the longest frame
MTU_MIN = const(128)  # IP's header, 60 octets of TCP's with all options, and some text
MTU_MAX = const(32_763)  # octets of a checksum: it is added up in a small int (kern)

_ALL = b"\xff\xff\xff\xff\xff\xff"


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
    """A device and our address on it; made by `Stack.add_iface`.

    `mtu` is in octets of IP: the device's, or what the shared buffer has room for; `Error` below
    128 and above 32,763. `face` is what the kernels know of it (datagram.py), `ip` is a view of
    our address in it. `tx` is where a transport writes its part in the buffer: behind an IP header
    without options.
    """

    def __init__(self, stack, dev, idx, arp_rows, groups):
        self.stack = stack
        self.dev = dev
        self.idx = idx
        self.face = bytearray(FACE_SIZE + 4 * groups)
        self.face[L2] = dev.l2
        self.face[IDX] = idx
        self.ip = memoryview(self.face)[OUR_IP : OUR_IP + 4]
        self.tx = 2 + dev.l2 + 20
        self.mtu = min(dev.mtu, len(stack.buf) - 2 - dev.l2 - SPARE)
        if not MTU_MIN <= self.mtu <= MTU_MAX:
            what = "an interface needs an mtu of %d to %d, and so much of the buffer"
            raise Error(what % (MTU_MIN, MTU_MAX))
        self.up = False  # the link, as `watch` saw it last
        self.move = None  # the device's generator of frames, see poll.py
        self.take = None  # the stack's, see frames.py
        self.arp = None
        if dev.l2:
            from .arp import Arp

            copy(self.face, OUR_MAC, dev.mac, 0, 6)
            self.arp = Arp(self, arp_rows)

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
        copy(self.face, OUR_IP, addr, 0, 4)
        copy(self.face, BCAST, bcast, 0, 4)
        copy(self.face, GATEWAY, gate, 0, 4)
        self.face[WHOLE] = whole = min(bits >> 3, 3)
        self.face[PART] = (0xFF00 >> (bits - 8 * whole)) & 0xFF
        if self.arp:  # what it asked for is void, and the neighbours are told
            self.arp.clear()
            self.arp.announce()

    def local(self, row, off):
        """True when the address at row[off:off+4] is on this interface's subnet; and an address of
        169.254/16 on an Ethernet, whatever ours is (RFC 3927 2.6.2)."""
        face = self.face
        w = face[WHOLE]
        if same(row, off, face, OUR_IP, w) and not (row[off + w] ^ face[OUR_IP + w]) & face[PART]:
            return True
        if row[off] != 169 or row[off + 1] != 254:
            return False
        return face[L2] != 0 and face[OUR_IP] != 0

    def reach(self, row, off):
        """Finds the neighbour for the address at row[off:off+4] (RFC 1122 3.3.1.1): 1 found, its
        MAC is in HOP; 0 asked for; -1 does not answer, or cannot be reached from here."""
        arp = self.arp
        if arp is None:
            return 1
        first = row[off]
        if first >= 224 or same(row, off, self.face, BCAST, 4):
            return self._group(row, off)
        if self.local(row, off):
            return arp.reach(row, off)
        if self.face[GATEWAY]:
            return arp.reach(self.face, GATEWAY)
        return -1

    def doubt(self, row, off):
        """Advice from a transport: the way to row[off:off+4] may be dead (RFC 1122 3.3.1.4). The
        neighbour is asked whether it is still there: that host, or the gateway to it."""
        if self.arp:
            if self.local(row, off):
                self.arp.doubt(row, off)
            else:
                self.arp.doubt(self.face, GATEWAY)

    def _group(self, row, off):
        # A multicast goes to the 23 low bits of its group (RFC 1112 6.4), a broadcast to everyone.
        # A function of its own: `reach` is on the hot path, whose frames have 11 words.
        face = self.face
        if 224 <= row[off] < 240:
            copy(face, HOP, b"\x01\x00\x5e", 0, 3)
            copy(face, HOP + 3, row, off + 1, 3)
            face[HOP + 3] &= 0x7F
            return 1
        copy(face, HOP, _ALL, 0, 6)
        if same(row, off, _ALL, 0, 4) or same(row, off, face, BCAST, 4):
            return 1
        return -1  # class E

    def watch(self):
        """Looks at the link, about once a second; when it has come (back), the neighbours are told
        where we are."""
        up = self.dev.link_up()
        if up and not self.up and self.arp:
            self.arp.announce()
        self.up = up


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
