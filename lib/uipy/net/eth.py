"""Ethernet II (RFC 894): which frames are ours, and the 14 octets in front of an IP datagram.

    2..7 destination   8..13 source   14..15 EtherType   16.. payload

The payload may be padded: IPv4 and ARP know their own lengths. To pad a short frame that we send
to 60 octets is the device's business.
"""

from micropython import const

from .arp import Arp
from .iface import Iface
from ..kern import bump, copy, put16, same, u16

_DST = const(2)
_SRC = const(8)
_TYPE = const(14)
_HEAD = const(14)
_IP4 = const(0x0800)
_ARP = const(0x0806)
_N_ETH_IGNORED = const(2)

_ALL = b"\xff\xff\xff\xff\xff\xff"


class Ethernet(Iface):
    """An interface with link addresses: `mac` is ours, `hop` where the next frame goes."""

    def __init__(self, stack, dev, idx, rows):
        Iface.__init__(self, stack, dev, idx)
        self.mac = bytes(dev.mac)
        self.hop = bytearray(6)
        self.arp = Arp(self, rows)

    def input(self, n):
        """A frame of n octets was received; returns the length of the reply, or 0."""
        b = self.buf
        cast = b[_DST] & 1  # the group bit: broadcast and multicast; no source has it
        if n >= _HEAD and not b[_SRC] & 1 and (cast or same(b, _DST, self.mac, 0, 6)):
            n -= _HEAD
            kind = u16(b, _TYPE)
            if kind == _IP4:
                return self.net.input(self, n, cast)
            if kind == _ARP:
                return self.arp.input(n)
        bump(self.stack.stat, _N_ETH_IGNORED)
        return 0

    def reply(self, n):
        """The header for n octets that go back to the MAC they came from; the type stays."""
        b = self.buf
        copy(b, _DST, b, _SRC, 6)
        copy(b, _SRC, self.mac, 0, 6)
        return _HEAD + n

    def frame(self, n):
        """The header for an IP datagram of n octets to `hop`."""
        b = self.buf
        copy(b, _DST, self.hop, 0, 6)
        put16(b, _TYPE, _IP4)
        return self.leave(n)

    def leave(self, n):
        """Completes a frame of our own: who sends it, and by which interface."""
        copy(self.buf, _SRC, self.mac, 0, 6)
        self.stack.out_iface = self.idx
        return _HEAD + n

    def reach(self, row, off):
        """Finds the neighbour for the address at row[off:off+4] (RFC 1122 3.3.1.1): 1 found, its
        MAC is in `hop`; 0 asked for; -1 does not answer, or cannot be reached from here."""
        if row[off] >= 224 or same(row, off, self.bcast, 0, 4):
            return self._group(row, off)
        if self.local(row, off):
            return self.arp.reach(row, off)
        if self.gateway[0]:
            return self.arp.reach(self.gateway, 0)
        return -1

    def doubt(self, row, off):
        """The neighbour is asked whether it is still there: that host, or the gateway to it."""
        if self.local(row, off):
            self.arp.doubt(row, off)
        else:
            self.arp.doubt(self.gateway, 0)

    def _group(self, row, off):
        # A multicast goes to the 23 low bits of its group (RFC 1112 6.4), a broadcast to everyone.
        if 224 <= row[off] < 240:
            copy(self.hop, 0, b"\x01\x00\x5e", 0, 3)
            copy(self.hop, 3, row, off + 1, 3)
            self.hop[3] &= 0x7F
            return 1
        copy(self.hop, 0, _ALL, 0, 6)
        if same(row, off, _ALL, 0, 4) or same(row, off, self.bcast, 0, 4):
            return 1
        return -1  # class E

    def renew(self):
        """Our address has changed: what it asked for is void; the neighbours are told."""
        self.arp.clear()
        self.arp.announce()

    def watch(self):
        """Looks at the link; when it has come (back), the neighbours are told where we are."""
        up = self.dev.link_up()
        if up and not self.up:
            self.arp.announce()
        self.up = up
