"""Frames, built and taken apart with struct. Shares nothing with lib/uipy, so that each checks the
other.

Builders take addresses as text ('192.168.1.9', '02:00:00:00:00:09') or as octets and return bytes;
what a test wants to be wrong is given by name (`total=`, `csum=`, ...). `decode` checks every
length and checksum and fails on a wrong one.
"""

import struct
from dataclasses import dataclass, field

BROADCAST = b"\xff" * 6
FLAGS = "FSRPAUEC"  # from bit 0 up


def addr(text) -> bytes:
    """4 octets of an IPv4 address."""
    return bytes(map(int, text.split("."))) if isinstance(text, str) else bytes(text)


def mac(text) -> bytes:
    """6 octets of a MAC address."""
    return bytes.fromhex(text.replace(":", "")) if isinstance(text, str) else bytes(text)


def checksum(data: bytes) -> int:
    """RFC 1071, complemented: 0 over data that contains its own right checksum."""
    data += b"\0" * (len(data) & 1)
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s ^ 0xFFFF


def pseudo(src, dst, proto: int, n: int) -> bytes:
    return addr(src) + addr(dst) + struct.pack("!BBH", 0, proto, n)


# Builders


def eth(dst, src, kind: int, body: bytes, pad: int = 0) -> bytes:
    """An Ethernet II frame, padded with something that is not zero up to `pad` octets."""
    frame = mac(dst) + mac(src) + struct.pack("!H", kind) + body
    return frame + b"\xa5" * (pad - len(frame))


def arp(op: int, sha, spa, tha, tpa, htype=1, ptype=0x0800, hlen=6, plen=4) -> bytes:
    head = struct.pack("!HHBBH", htype, ptype, hlen, plen, op)
    return head + mac(sha) + addr(spa) + mac(tha) + addr(tpa)


def ip4(
    src,
    dst,
    proto,
    body,
    *,
    version=4,
    ihl=None,
    tos=0,
    total=None,
    ident=0x1234,
    frag=0x4000,
    ttl=64,
    csum=None,
    opts=b"",
):
    """An IPv4 datagram; the header's checksum is right unless given."""
    hl = 5 + len(opts) // 4
    ihl = hl if ihl is None else ihl
    total = 4 * hl + len(body) if total is None else total
    head = (
        struct.pack("!BBHHHBBH", version << 4 | ihl, tos, total, ident, frag, ttl, proto, 0)
        + addr(src)
        + addr(dst)
        + opts
    )
    head = head[:10] + struct.pack("!H", checksum(head) if csum is None else csum) + head[12:]
    return head + body


def icmp(kind: int, code: int, rest: bytes, csum=None) -> bytes:
    """`rest` is everything behind the checksum."""
    head = struct.pack("!BBH", kind, code, 0) + rest
    return head[:2] + struct.pack("!H", checksum(head) if csum is None else csum) + head[4:]


def udp(src, dst, sport: int, dport: int, data: bytes, length=None, csum=None) -> bytes:
    length = 8 + len(data) if length is None else length
    head = struct.pack("!HHHH", sport, dport, length, 0) + data
    c = checksum(pseudo(src, dst, 17, length) + head[:length]) if csum is None else csum
    return head[:6] + struct.pack("!H", c or 0xFFFF if csum is None else c) + head[8:]


def igmp(kind: int, group, tenths: int = 0, rest: bytes = b"", csum=None) -> bytes:
    """`rest` is what a version beyond 2 has besides."""
    msg = struct.pack("!BBH", kind, tenths, 0) + addr(group) + rest
    return msg[:2] + struct.pack("!H", checksum(msg) if csum is None else csum) + msg[4:]


def tcp(
    src,
    dst,
    sport,
    dport,
    seq,
    ack,
    flags: str,
    wnd=8192,
    data=b"",
    opts=b"",
    up=0,
    doff=None,
    bits=0,
    csum=None,
):
    """A segment. `opts` are octets, or a dict as `decode` gives; `flags` are letters of
    FSRPAUEC."""
    opts = pack_options(opts) if isinstance(opts, dict) else opts
    opts += b"\0" * (-len(opts) % 4)
    doff = 5 + len(opts) // 4 if doff is None else doff
    bit = sum(1 << FLAGS.index(c) for c in flags)
    seg = (
        struct.pack(
            "!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, doff << 4 | bits, bit, wnd, 0, up
        )
        + opts
        + data
    )
    c = checksum(pseudo(src, dst, 6, len(seg)) + seg) if csum is None else csum
    return seg[:16] + struct.pack("!H", c) + seg[18:]


def pack_options(opts: dict) -> bytes:
    """{'mss': 1460, 'ws': 2, 'sack_ok': True, 'sack': [(a, b)], 'ts': (val, ecr), 254: b'..'} ->
    octets."""
    out = b""
    for kind, v in opts.items():
        if kind == "mss":
            out += struct.pack("!BBH", 2, 4, v)
        elif kind == "ws":
            out += struct.pack("!BBB", 3, 3, v)
        elif kind == "sack_ok":
            out += bytes((4, 2))
        elif kind == "sack":
            out += bytes((5, 2 + 8 * len(v))) + b"".join(struct.pack("!II", *b) for b in v)
        elif kind == "ts":
            out += struct.pack("!BBII", 8, 10, *v)
        else:
            out += bytes((kind, 2 + len(v))) + v
    return out


# Decoding


@dataclass
class Arp:
    op: int
    sha: bytes
    spa: bytes
    tha: bytes
    tpa: bytes


@dataclass
class Icmp:
    type: int
    code: int
    rest: bytes  # the four octets behind the checksum
    data: bytes


@dataclass
class Igmp:
    type: int
    tenths: int
    group: bytes


@dataclass
class Udp:
    sport: int
    dport: int
    data: bytes
    csum: int


@dataclass
class Tcp:
    sport: int
    dport: int
    seq: int
    ack: int
    flags: str
    wnd: int
    up: int
    opts: dict
    data: bytes

    @property
    def len(self) -> int:
        """SEG.LEN: octets of sequence space, SYN and FIN counted (RFC 9293 3.4)."""
        return len(self.data) + ("S" in self.flags) + ("F" in self.flags)

    @property
    def end(self) -> int:
        return (self.seq + self.len) % 2**32


@dataclass
class Frame:
    """One frame that the stack sent. Of arp, icmp, udp and tcp one is not None; `at` is the
    time."""

    raw: bytes
    at: int = 0
    dst: bytes = b""
    src: bytes = b""
    kind: int = 0x0800
    ip_src: bytes = b""
    ip_dst: bytes = b""
    ttl: int = 0
    tos: int = 0
    ident: int = 0
    df: bool = False
    proto: int = 0
    body: bytes = field(default=b"", repr=False)
    arp: Arp | None = None
    icmp: Icmp | None = None
    igmp: Igmp | None = None
    udp: Udp | None = None
    tcp: Tcp | None = None


def decode(raw: bytes, l2: int = 14, at: int = 0) -> Frame:
    """Takes a frame of ours apart; AssertionError for anything that a stack must not send."""
    f = Frame(raw, at)
    if not l2:
        _ip(f, raw)
        return f
    f.dst, f.src, f.kind = raw[:6], raw[6:12], struct.unpack_from("!H", raw, 12)[0]
    assert not f.src[0] & 1, "a group address as source"
    if f.kind == 0x0800:
        _ip(f, raw[14:])
    elif f.kind == 0x0806:
        _arp(f, raw[14:])
    else:
        raise AssertionError("EtherType %04x was sent" % f.kind)
    return f


def _arp(f: Frame, b: bytes):
    assert len(b) == 28 and b[:6] == bytes.fromhex("000108000604"), b.hex()
    f.arp = Arp(struct.unpack_from("!H", b, 6)[0], b[8:14], b[14:18], b[18:24], b[24:28])
    assert f.arp.op in (1, 2) and f.arp.sha == f.src


def _ip(f: Frame, b: bytes):
    hl = (b[0] & 15) * 4
    total, f.ident, frag = struct.unpack_from("!HHH", b, 2)
    # IGMP alone has an option, Router Alert (RFC 2236 2, RFC 2113)
    alert = b[0] == 0x46 and b[9] == 2 and b[20:24] == b"\x94\x04\0\0"
    assert (b[0] == 0x45 or alert) and total == len(b), "IP lengths: %s" % b[:20].hex()
    assert checksum(b[:hl]) == 0, "IP checksum: %s" % b[:20].hex()
    assert frag in (0, 0x4000), "a fragment was sent"
    f.df = frag == 0x4000
    f.tos, f.ttl, f.proto, f.ip_src, f.ip_dst, f.body = (
        b[1],
        b[8],
        b[9],
        b[12:16],
        b[16:20],
        b[hl:],
    )
    assert f.ttl > 0
    {1: _icmp, 2: _igmp, 17: _udp, 6: _tcp}[f.proto](f, f.body)


def _icmp(f: Frame, b: bytes):
    assert len(b) >= 8 and checksum(b) == 0, "ICMP checksum: %s" % b.hex()
    f.icmp = Icmp(b[0], b[1], b[4:8], b[8:])


def _igmp(f: Frame, b: bytes):
    assert len(b) == 8 and checksum(b) == 0, "IGMP checksum: %s" % b.hex()
    assert f.ttl == 1 and f.raw[-12:-8] == b"\x94\x04\0\0"
    f.igmp = Igmp(b[0], b[1], b[4:8])


def _udp(f: Frame, b: bytes):
    sport, dport, n, c = struct.unpack_from("!HHHH", b)
    assert n == len(b) and c, "UDP length or no checksum: %s" % b[:8].hex()
    assert checksum(pseudo(f.ip_src, f.ip_dst, 17, n) + b) == 0, "UDP checksum: %s" % b[:8].hex()
    f.udp = Udp(sport, dport, b[8:], c)


def _tcp(f: Frame, b: bytes):
    sport, dport, seq, ack, off, bits, wnd, _, up = struct.unpack_from("!HHIIBBHHH", b)
    hl = off >> 4 << 2
    assert 20 <= hl <= len(b) and not off & 15, (
        "TCP data offset or reserved bits: %s" % b[:20].hex()
    )
    assert checksum(pseudo(f.ip_src, f.ip_dst, 6, len(b)) + b) == 0, (
        "TCP checksum: %s" % b[:20].hex()
    )
    flags = "".join(c for i, c in enumerate(FLAGS) if bits >> i & 1)
    assert ack == 0 or "A" in flags, "an acknowledgment number without ACK"  # RFC 9293 3.10.7.1
    f.tcp = Tcp(sport, dport, seq, ack, flags, wnd, up, unpack_options(b[20:hl]), b[hl:])


def unpack_options(b: bytes) -> dict:
    """The reverse of pack_options; padding must be of zeros or no-operations (RFC 9293 3.1)."""
    names = {2: "mss", 3: "ws", 4: "sack_ok", 5: "sack", 8: "ts"}
    out: dict = {}
    i = 0
    while i < len(b) and b[i]:
        if b[i] == 1:
            i += 1
            continue
        v = b[i + 2 : i + b[i + 1]]
        assert b[i + 1] == len(v) + 2, "a malformed option: %s" % b.hex()
        out[names.get(b[i], b[i])] = _option(b[i], v)
        i += b[i + 1]
    assert not any(b[i:]), "padding of options: %s" % b.hex()
    return out


def _option(kind: int, v: bytes):
    if kind in (2, 3):
        return int.from_bytes(v, "big")
    if kind == 4:
        return True
    if kind == 5:
        return [struct.unpack_from("!II", v, k) for k in range(0, len(v), 8)]
    if kind == 8:
        return struct.unpack("!II", v)
    return v
