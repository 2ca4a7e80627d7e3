"""TCP segments as the test tools see them: an independent parser and builder of IPv4/TCP frames.

Nothing of lib/uipy is imported, so that a mistake in the stack cannot hide behind the same mistake
here. `parse` is strict: it is meant for frames that a correct host sends, and raises `Illegal` for
whatever no host may send. `build` is lenient: it writes what it is told to, including what is
forbidden.
"""

import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
END, NOP, MSS, WSCALE, SACK_OK, SACK, STAMP = 0, 1, 2, 3, 4, 5, 8
ETHERTYPE = b"\x08\x00"
M32 = 0xFFFFFFFF

_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
# Kind -> legal lengths (None: 8n + 2). RFC 9293 3.1, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3.
_LENGTHS = {MSS: (4,), WSCALE: (3,), SACK_OK: (2,), SACK: (10, 18, 26, 34), STAMP: (10,)}


class Illegal(AssertionError):
    """A frame that a correct host does not send."""


def seq_diff(a, b):
    """a - b on the 32-bit sequence circle, signed (RFC 9293 3.4)."""
    return ((a - b + 0x80000000) & M32) - 0x80000000


def csum16(data):
    """The folded ones' complement sum (RFC 1071), not complemented: 0xFFFF is a good checksum."""
    if len(data) & 1:
        data += b"\0"
    total = int.from_bytes(data, "big")
    return (total % 0xFFFF or 0xFFFF) if total else 0


def flag_names(flags):
    names = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
    return "+".join(name for bit, name in enumerate(names) if flags >> bit & 1) or "-"


class Seg:
    """One parsed TCP segment. `opts` is a list of (kind, value); `length` is SEG.LEN (RFC 9293
    3.3.1).
    """

    src: bytes
    dst: bytes
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    wnd: int
    urp: int
    reserved: int
    opts: list[tuple[int, bytes]]
    optlen: int
    data: bytes
    ecn: int
    ttl: int
    length: int

    def option(self, kind):
        for k, value in self.opts:
            if k == kind:
                return value
        return None

    @property
    def mss(self):
        value = self.option(MSS)
        return None if value is None else int.from_bytes(value, "big")

    @property
    def wscale(self):
        value = self.option(WSCALE)
        return None if value is None else value[0]

    @property
    def stamp(self):
        """(TSval, TSecr), or None."""
        value = self.option(STAMP)
        return None if value is None else struct.unpack("!II", value)

    @property
    def sack(self):
        value = self.option(SACK) or b""
        return [struct.unpack_from("!II", value, i) for i in range(0, len(value), 8)]

    def __str__(self):
        opts = " ".join("%d:%s" % (k, v.hex()) for k, v in self.opts)
        text = "%s:%d>%s:%d %s seq=%d ack=%d wnd=%d len=%d" % (
            ".".join(map(str, self.src)), self.sport, ".".join(map(str, self.dst)), self.dport,
            flag_names(self.flags), self.seq, self.ack, self.wnd, len(self.data))  # fmt: skip
        if self.flags & URG:
            text += " urp=%d" % self.urp
        return text + (" <%s>" % opts if opts else "") + (" ecn=%d" % self.ecn if self.ecn else "")


def is_tcp(frame, l2=14):
    """Is this an IPv4 frame that carries TCP? (Nothing else about it is checked.)"""
    if l2 and frame[12:14] != ETHERTYPE:
        return False
    return len(frame) >= l2 + 20 and frame[l2] >> 4 == 4 and frame[l2 + 9] == 6


def parse_options(raw):
    """[(kind, value)] of an option list that a correct host sends; `Illegal` otherwise."""
    opts = []
    i = 0
    while i < len(raw):
        kind = raw[i]
        if kind == END:
            # RFC 9293 3.2: what follows the end of the list is padding of zeros.
            if any(raw[i:]):
                raise Illegal("padding behind the end of the options is not zero (MUST-69)")
            break
        if kind == NOP:
            i += 1
            continue
        size = raw[i + 1] if i + 1 < len(raw) else 0
        if size < 2 or i + size > len(raw) or size not in _LENGTHS.get(kind, (size,)):
            raise Illegal("option %d has the illegal length %d" % (kind, size))
        opts.append((kind, bytes(raw[i + 2 : i + size])))
        i += size
    return opts


def parse(frame, l2=14):
    """The segment in a frame, checked as strictly as RFC 791 and RFC 9293 3.1 allow."""
    at = l2
    ver, tos, total, _ident, frag, ttl, proto, _, src, dst = _IP.unpack_from(frame, at)
    ihl = (ver & 15) * 4
    if ver >> 4 != 4 or ihl < 20 or total < ihl + 20 or at + total > len(frame):
        raise Illegal("IP version or length")
    if proto != 6 or frag & 0x3FFF or not ttl:
        raise Illegal("not TCP, a fragment, or TTL 0")
    if csum16(frame[at : at + ihl]) != 0xFFFF:
        raise Illegal("IP header checksum")
    body = bytes(frame[at + ihl : at + total])
    if csum16(src + dst + struct.pack("!HH", 6, len(body)) + body) != 0xFFFF:
        raise Illegal("TCP checksum (MUST-2)")
    seg = Seg()
    seg.src, seg.dst, seg.ttl, seg.ecn = src, dst, ttl, tos & 3
    seg.sport, seg.dport, seg.seq, seg.ack, off, seg.flags, seg.wnd, _, seg.urp = _TCP.unpack_from(
        body
    )
    hlen = (off >> 4) * 4
    if hlen < 20 or hlen > len(body):
        raise Illegal("data offset")
    seg.reserved = off & 15
    seg.optlen = hlen - 20
    seg.opts = parse_options(body[20:hlen]) if hlen > 20 else []
    seg.data = body[hlen:]
    seg.length = len(seg.data) + (seg.flags & 1) + (seg.flags >> 1 & 1)
    return seg


def ipv4(src, dst, body, proto=6, ttl=64, tos=0, ident=0, frag=0, opts=b""):
    """An IPv4 datagram with a good header checksum."""
    head = _IP.pack(
        0x45 + len(opts) // 4,
        tos,
        20 + len(opts) + len(body),
        ident,
        frag,
        ttl,
        proto,
        0,
        src,
        dst,
    )
    head += opts
    return head[:10] + struct.pack("!H", 0xFFFF ^ csum16(head)) + head[12:] + body


def tcp(
    src,
    dst,
    sport,
    dport,
    seq,
    ack,
    flags,
    wnd=8192,
    data=b"",
    opts=b"",
    urp=0,
    reserved=0,
    off=None,
):
    """A TCP segment with a good checksum; `off` overrides the data offset (in words)."""
    opts += b"\0" * (-len(opts) % 4)
    words = 5 + len(opts) // 4 if off is None else off
    body = _TCP.pack(
        sport, dport, seq & M32, ack & M32, (words & 15) << 4 | reserved & 15, flags, wnd, 0, urp
    )
    body += opts + data
    total = csum16(src + dst + struct.pack("!HH", 6, len(body)) + body)
    return body[:16] + struct.pack("!H", 0xFFFF ^ total) + body[18:]


def option(kind, value=b""):
    """One option in wire form."""
    return bytes((kind, len(value) + 2)) + value
