"""IPv4 (RFC 791; RFC 1122 3.2.1): which datagrams are ours, and the 20 octets in front of a
segment.

    0 version, IHL   1 TOS   2 total length   4 identification   6 flags, fragment offset
    8 TTL            9 protocol   10 header checksum   12 source   16 destination   20 options

Each datagram that we send is one that routers must not fragment (DF), so its identification says
nothing and is 0 (RFC 6864 4.1). Fragments that arrive are dropped and counted. Options are
skipped. An address is ours only on the interface that has it (the strong model of RFC 1122
3.3.4.2).

`handlers` maps a protocol number to an object with

    input(iface, at, n, psum) -> length of the reply written at iface.tx, 0 for none
    unreach(iface, type, code, at, n)     an ICMP error quotes n octets of our segment at `at`

and is filled in by the stack.
"""

from micropython import const

from ..kern import bump, copy, csum, put16, same, u16

_TOS = const(1)
_TOTAL = const(2)
_IDENT = const(4)
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

    `ttl`, `tos` (the upper six bits) and `ecn` (the lower two) are what the next header carries;
    each frame puts them back.
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
        """A datagram in n octets at iface.ip_at, by a link broadcast or not; returns the length of
        the reply's frame, or 0."""
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
        """The total length of the datagram in n octets at h (the link may have padded it); 0 if
        the header is not sound."""
        b = self.buf
        hl = (b[h] & 15) << 2
        # RFC 1122 3.2.1.1, 3.2.1.2: version and checksum; TTL is not looked at (3.2.1.7)
        if b[h] >> 4 != 4 or not _HEAD <= hl <= u16(b, h + _TOTAL) <= n:
            return 0
        return u16(b, h + _TOTAL) if csum(b, h, hl, 0) == 0xFFFF else 0

    def _ours(self, iface, h, cast):
        """True for a source that somebody can have, and a destination that we are; notes where
        they lie."""
        self.stack.ip_at = h
        self.stack.src_at = h + _SRC
        self.stack.dst_at = h = h + _DST
        if self._nobody(iface, h - 4):  # MUST-63
            return False
        b = self.buf
        if same(b, h, iface.ip, 0, 4):
            self.stack.cast = False
            return not cast and b[h]  # RFC 1122 3.3.6: not for one host by a link broadcast
        # 255.255.255.255 and the subnet's broadcast (RFC 1122 3.3.6); of multicasts we want none
        self.stack.cast = True
        return same(b, h, _ALL, 0, 4) or same(b, h, iface.bcast, 0, 4)

    def _nobody(self, iface, at):
        """RFC 1122 3.2.1.3: no source is in 0/8, 127/8, multicast or class E, or is a broadcast;
        and ourselves we know."""
        b = self.buf
        if b[at] >= 224 or b[at] == 127 or not b[at]:
            return True
        return same(b, at, iface.bcast, 0, 4) or same(b, at, iface.ip, 0, 4)

    def _deliver(self, iface, at, n):
        """Hands the datagram at `at` to its protocol, and puts a header before what comes back."""
        self.proto = self.buf[at + _PROTO]
        n -= (self.buf[at] & 15) << 2
        psum = csum(self.buf, at + _SRC, 8, self.proto + n)
        at += (self.buf[at] & 15) << 2  # MUST-50
        n = self._hand(iface, at, n, psum)
        return self._back(iface, n) if n else 0

    def _hand(self, iface, at, n, psum):
        if self.proto in self.handlers:
            return self.handlers[self.proto].input(iface, at, n, psum)
        bump(self.stat, _N_IP_PROTO)
        return self.icmp.refuse(iface, 2)  # RFC 1122 3.2.2.1: protocol unreachable

    def _back(self, iface, n):
        # The reply goes to the address that the datagram came from.
        self._to(iface, self.buf, iface.ip_at + _SRC)
        n = self._header(iface, n)
        return iface.reply(n)

    def psum(self, iface, proto, row, off, n):
        """The pseudo-header's sum for n octets of ours to the address at row[off:off+4] (RFC 9293
        3.1, RFC 768)."""
        n += iface.sum + proto
        return csum(row, off, 4, n)

    def send(self, iface, proto, row, off, n):
        """The frame for n octets at iface.tx to row[off:off+4], after iface.reach() == 1; returns
        its length."""
        self.proto = proto
        self._to(iface, row, off)
        n = self._header(iface, n)
        return iface.frame(n)

    def _to(self, iface, row, off):
        # The destination first: a reply's lies beside it, where ours will be written.
        copy(self.buf, iface.ip_at + _DST, row, off, 4)

    def _header(self, iface, n):
        """The header before n octets of `proto`, but for the destination; returns the datagram's
        length."""
        b = self.buf
        at = iface.ip_at
        n += _HEAD
        b[at] = 0x45
        b[at + _TOS] = self.tos | self.ecn
        put16(b, at + _TOTAL, n)
        put16(b, at + _IDENT, 0)
        put16(b, at + _FRAG, _DF)
        b[at + _TTL] = self.ttl
        b[at + _PROTO] = self.proto
        put16(b, at + _SUM, 0)
        copy(b, at + _SRC, iface.ip, 0, 4)
        at = csum(b, at, _HEAD, 0)
        put16(b, iface.ip_at + _SUM, 0xFFFF ^ at)
        self.ttl = _DEFAULT_TTL
        self.tos = self.ecn = 0
        bump(self.stat, _N_IP_OUT)
        return n
