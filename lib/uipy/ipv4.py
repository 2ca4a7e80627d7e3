"""IPv4 (RFC 791; RFC 1122 3.2.1): which datagrams are ours, and the 20 octets in front of a segment.

    0 version, IHL   1 TOS   2 total length   4 identification   6 flags, fragment offset
    8 TTL            9 protocol   10 header checksum   12 source   16 destination   20 options

Each datagram that we send is one that routers must not fragment (DF), so its identification says nothing and is 0
(RFC 6864 4.1). Fragments that arrive are dropped and counted. Options are skipped. An address is ours only on the interface
that has it (the strong model of RFC 1122 3.3.4.2).

`handlers` maps a protocol number to an object with

    input(iface, at, n, psum) -> length of the reply written at iface.tx, 0 for none
    unreach(iface, type, code, at, n)     an ICMP error quotes n octets of a segment of ours at `at`

and is filled in by the stack.
"""

from micropython import const

from .kern import bump, copy, csum, put16, same, u16

_TOS = const(1)
_TOTAL = const(2)
_FRAG = const(6)
_TTL = const(8)
_PROTO = const(9)
_SUM = const(10)
_SRC = const(12)
_DST = const(16)
_HEAD = const(20)

_DF = const(0x4000)
_MF_OFFSET = const(0x3FFF)
_DEFAULT_TTL = const(64)  # RFC 1122 3.2.1.7

_N_IP_IN = const(7)
_N_IP_OUT = const(8)
_N_IP_BAD = const(9)
_N_IP_FRAG = const(10)
_N_IP_IGNORED = const(11)
_N_IP_PROTO = const(12)

_ALL = b"\xff\xff\xff\xff"


class IPv4:
    """The layer between the interfaces and the transports.

    `ttl`, `tos` (the upper six bits) and `ecn` (the lower two) are what the next header carries; each frame puts them back.
    """

    def __init__(self, stack):
        self.stack = stack
        self.buf = stack.buf
        self.stat = stack.stat
        self.handlers = {}
        self.icmp = None  # answers for the datagrams that nobody takes; the stack fills it in
        self.proto = 0  # of the datagram at hand, and of the reply to it
        self.ttl = _DEFAULT_TTL
        self.tos = 0
        self.ecn = 0

    def input(self, iface, n, cast):
        """A datagram in n octets at iface.ip_at, by a link broadcast or not; returns the length of the reply's frame, or 0."""
        bump(self.stat, _N_IP_IN)
        n = self._check(iface.ip_at, n)
        if not n:
            bump(self.stat, _N_IP_BAD)
        elif not self._ours(iface, iface.ip_at, cast):
            bump(self.stat, _N_IP_IGNORED)
        elif u16(self.buf, iface.ip_at + _FRAG) & _MF_OFFSET:
            bump(self.stat, _N_IP_FRAG)
        else:
            return self._deliver(iface, iface.ip_at, n)
        return 0

    def _check(self, h, n):
        """The total length of the datagram in n octets at h (the link may have padded it); 0 if the header is not sound."""
        b = self.buf
        hl = (b[h] & 15) << 2
        # RFC 1122 3.2.1.1, 3.2.1.2: version and checksum; TTL is not looked at (3.2.1.7)
        if n < _HEAD or b[h] >> 4 != 4 or hl < _HEAD or hl > n or csum(b, h, hl, 0) != 0xFFFF:
            return 0
        hl = u16(b, h + _TOTAL) - hl
        if hl < 0 or u16(b, h + _TOTAL) > n:
            return 0
        return u16(b, h + _TOTAL)

    def _ours(self, iface, h, cast):
        """True for a source that somebody can have, and a destination that we are; notes where they lie."""
        b = self.buf
        s = self.stack
        s.ip_at = h
        s.src_at = h + _SRC
        s.dst_at = h + _DST
        # RFC 1122 3.2.1.3: not a source: 0/8, 127/8, multicast, class E, broadcast; and not ourselves
        if b[h + _SRC] >= 224 or b[h + _SRC] == 127 or not b[h + _SRC]:
            return False
        if same(b, h + _SRC, iface.bcast, 0, 4) or same(b, h + _SRC, iface.ip, 0, 4):
            return False
        s.cast = cast or not same(b, h + _DST, iface.ip, 0, 4)
        if not s.cast:
            return True
        # RFC 1122 3.3.6: a link broadcast for one host only is dropped; 255.255.255.255 and the subnet's broadcast are ours
        return same(b, h + _DST, _ALL, 0, 4) or same(b, h + _DST, iface.bcast, 0, 4)

    def _deliver(self, iface, h, n):
        """Hands the datagram at h to its protocol, and puts a header before what comes back."""
        b = self.buf
        self.proto = b[h + _PROTO]
        h += (b[h] & 15) << 2
        n -= h - iface.ip_at
        n = self._hand(iface, h, n, csum(b, iface.ip_at + _SRC, 8, self.proto + n))
        if n:
            h = iface.ip_at
            n = iface.reply(self._header(iface, self.proto, b, h + _SRC, n))
        return n

    def _hand(self, iface, at, n, psum):
        if self.proto in self.handlers:
            return self.handlers[self.proto].input(iface, at, n, psum)
        bump(self.stat, _N_IP_PROTO)
        return self.icmp.refuse(iface, 2)  # RFC 1122 3.2.2.1: protocol unreachable

    def psum(self, iface, proto, row, off, n):
        """The pseudo-header's sum for n octets of ours to the address at row[off:off+4] (RFC 9293 3.1, RFC 768)."""
        return csum(row, off, 4, iface.sum + proto + n)

    def send(self, iface, proto, row, off, n):
        """The frame for n octets at iface.tx to row[off:off+4], after iface.reach() == 1; returns its length."""
        return iface.frame(self._header(iface, proto, row, off, n))

    def _header(self, iface, proto, row, off, n):
        b = self.buf
        copy(b, iface.ip_at + _DST, row, off, 4)  # first: a reply's destination is the source beside it
        off = iface.ip_at
        copy(b, off + _SRC, iface.ip, 0, 4)
        n += _HEAD
        b[off] = 0x45
        b[off + _TOS] = self.tos | self.ecn
        put16(b, off + _TOTAL, n)
        put16(b, off + 4, 0)
        put16(b, off + _FRAG, _DF)
        b[off + _TTL] = self.ttl
        b[off + _PROTO] = proto
        put16(b, off + _SUM, 0)
        put16(b, off + _SUM, 0xFFFF ^ csum(b, off, _HEAD, 0))
        self.ttl = _DEFAULT_TTL
        self.tos = self.ecn = 0
        bump(self.stat, _N_IP_OUT)
        return n
