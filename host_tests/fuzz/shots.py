"""Segments to fire at a connection, each field drawn near the places where a mistake shows."""

import struct

# fmt: off
from judge.segment import (
    ACK,
    ETHERTYPE,
    FIN,
    M32,
    PSH,
    RST,
    STAMP,
    SYN,
    URG,
    Illegal,
    Seg,
    flag_names,
    ipv4,
    option,
    parse_options,
    tcp,
)

# fmt: on

PEER, BOARD = bytes((10, 0, 0, 9)), bytes((10, 0, 0, 1))
MAC_PEER, MAC_BOARD = bytes((2, 0, 0, 0, 0, 9)), bytes((2, 0, 0, 0, 0, 1))

_FLAGS = (
    ACK, ACK, ACK, ACK | PSH, ACK | FIN, ACK | FIN, RST, RST | ACK, RST | ACK, SYN, SYN, SYN | ACK,
    SYN | ACK, 0, FIN, PSH,
    SYN | FIN, SYN | RST, ACK | URG, ACK | FIN | URG | PSH, 0xFF, SYN | FIN | RST | ACK,
)  # fmt: skip
_BROKEN = (
    "checksum",
    "offset",
    "offset-long",
    "short",
    "ip-checksum",
    "ip-length",
    "to-broadcast",
    "from-multicast",
)
_PATTERN = bytes((i * 7 + (i >> 8) * 13 + 5) & 255 for i in range(1 << 17))
_POISON = bytes(b ^ 0xFF for b in _PATTERN)


def pattern(pos, n):
    """The octets that the peer really sends from offset `pos` on: what the application may be
    given."""
    pos %= 1 << 16
    return _PATTERN[pos : pos + n]


def poison(pos, n):
    """Octets that must never reach the application."""
    pos %= 1 << 16
    return _POISON[pos : pos + n]


class Shot:
    """One segment, described; `frame` builds it."""

    def __init__(self, sport, dport, seq, ack, flags):
        self.sport, self.dport = sport, dport
        self.seq, self.ack, self.flags = seq & M32, ack & M32, flags
        self.wnd = 8192
        self.size = 0
        self.data = b""
        self.opts = b""
        self.urp = self.reserved = self.tos = 0
        self.broken = None
        self.options_bad = False  # None: well framed, but of a length that is not the kind's
        self.stamp = None

    def seg(self):
        """The same as a tcpcheck would parse it."""
        s = Seg()
        s.src, s.dst, s.sport, s.dport = PEER, BOARD, self.sport, self.dport
        s.seq, s.ack, s.flags, s.wnd, s.urp = self.seq, self.ack, self.flags, self.wnd, self.urp
        s.reserved, s.ecn, s.ttl = self.reserved, self.tos & 3, 64
        s.opts, s.optlen = read_options(self.opts, self.stamp), len(self.opts)
        s.data = self.data
        s.length = self.size + bin(self.flags & (SYN | FIN)).count("1")
        return s

    def frame(self, l2):
        """The octets on the wire, broken in the way that `broken` says."""
        src, dst, how = PEER, BOARD, self.broken
        if how == "to-broadcast":
            dst = bytes((255, 255, 255, 255))
        elif how == "from-multicast":
            src = bytes((224, 0, 0, 9))
        off = {"offset": 3, "offset-long": 15}.get(how)
        body = tcp(
            src, dst, self.sport, self.dport, self.seq, self.ack, self.flags, self.wnd, self.data,
            self.opts,
            self.urp, self.reserved, off,
        )  # fmt: skip
        if how == "offset-long":
            body = body[:56]
            body = body[:16] + b"\0\0" + body[18:]
        if how == "checksum":
            body = body[:16] + bytes((body[16] ^ 0x40,)) + body[17:]
        if how == "short":
            body = body[:19]
        packet = ipv4(src, dst, body, tos=self.tos)
        if how == "ip-checksum":
            packet = packet[:10] + bytes((packet[10] ^ 1,)) + packet[11:]
        if how == "ip-length":
            packet = packet[:-1]
        return MAC_BOARD + MAC_PEER + ETHERTYPE + packet if l2 else packet

    def __str__(self):
        text = "%s seq=%d ack=%d wnd=%d len=%d" % (
            flag_names(self.flags),
            self.seq,
            self.ack,
            self.wnd,
            self.size,
        )
        if self.opts:
            text += " opts=" + self.opts.hex()
        if self.urp or self.reserved or self.tos:
            text += " urp=%d reserved=%d tos=%d" % (self.urp, self.reserved, self.tos)
        return text + (" broken=" + self.broken if self.broken else "")


def read_options(raw, stamp):
    """The options; if their framing is broken, the timestamps in front of it."""
    try:
        return parse_options(raw)
    except Illegal:
        return [] if stamp is None else parse_options(raw[:12])


def draw(rng, tcb, sport, dport, stamps):
    """A shot at the connection that `tcb` describes. `stamps`: (TSval, TSecr) when timestamps are
    in use."""
    flags = rng.choice(_FLAGS) if rng.random() < 0.93 else rng.randrange(256)
    shot = Shot(sport, dport, tcb.irs + _seq(rng, tcb), tcb.iss + _ack(rng, tcb), flags)
    if rng.random() < 0.05:
        shot.ack = rng.randrange(1 << 32)
    shot.size = _size(rng)
    _aim(rng, tcb, shot)
    shot.wnd = rng.choice((0, 1, 500, 8192, 8192, 8192, 65535, rng.randrange(65536)))
    if flags & URG or rng.random() < 0.05:
        shot.urp = rng.choice((0, 1, shot.size, 65535, rng.randrange(65536)))
    if rng.random() < 0.1:
        shot.reserved = rng.randrange(16)
    if rng.random() < 0.1:
        shot.tos = rng.randrange(256)
    _options(rng, shot, stamps)
    if rng.random() < 0.04:
        shot.broken = rng.choice(_BROKEN)
        if shot.broken == "offset-long":
            shot.size = 0
    return shot


def _seq(rng, tcb):
    # Relative to IRS: left of the window, at its edges, inside, beyond, anywhere.
    nxt, edge = tcb.rcv_nxt, tcb.edge
    near = (
        nxt,
        nxt,
        nxt,
        nxt,
        nxt - 1,
        nxt + 1,
        edge - 1,
        edge,
        edge + 1,
        0,
        1,
        nxt - rng.randint(1, 3000),
    )
    if rng.random() < 0.75:
        return rng.choice(near)
    if rng.random() < 0.5 and edge > nxt:
        return rng.randrange(nxt, edge)
    return rng.choice(
        (edge + rng.randint(1, 70000), nxt - rng.randint(1, 1 << 30), rng.randrange(1 << 32))
    )


def _ack(rng, tcb):
    # Relative to ISS: too old (RFC 5961), old, SND.UNA, in flight, SND.NXT, of the future.
    una, nxt = tcb.una, tcb.nxt
    wnd = tcb.side.max_wnd if tcb.side else 8192
    if rng.random() < 0.6:
        return rng.choice((nxt, nxt, una))
    if rng.random() < 0.3 and nxt > una:
        return rng.randint(una, nxt)
    return rng.choice(
        (
            una - 1,
            nxt + 1,
            una - wnd,
            una - wnd - 1,
            nxt + rng.randint(1, 1 << 30),
            una - rng.randint(1, 1 << 30),
            0,
        )
    )


def _size(rng):
    return rng.choice((0, 0, 0, 0, 1, 1, 2, rng.randint(1, 100), rng.randint(1, 1400)))


def _aim(rng, tcb, shot):
    # Now and then the end of the segment, not its beginning, lies at an edge.
    if shot.size and rng.random() < 0.15:
        end = rng.choice((tcb.rcv_nxt - 1, tcb.rcv_nxt, tcb.rcv_nxt + 1, tcb.edge, tcb.edge + 1))
        shot.seq = (tcb.irs + end - shot.size) & M32


def _options(rng, shot, stamps):
    if stamps and rng.random() < 0.9:
        shot.stamp = (stamps[0] + rng.choice((0, 0, 0, 1, 5, 100, -1, -50, -(1 << 30)))) & M32
        shot.opts = b"\1\1" + option(STAMP, struct.pack("!II", shot.stamp, stamps[1] & M32))
    x = rng.random()
    if x < 0.8:
        return
    if x < 0.9:
        good = (
            option(2, b"\x05\xb4"),
            b"\1",
            option(3, b"\7"),
            option(4),
            option(253, b"abc"),
            option(30, b"12"),
            b"\1\1\1",
        )
        shot.opts += rng.choice(good) + rng.choice(good)
    elif x < 0.95:
        shot.opts += rng.choice(
            (b"\2\0", b"\2\1", b"\3\0\1\1", b"\x08\xff\0\0", b"\5\x40", b"\xfd\1", b"\2")
        )
        shot.options_bad = True
    else:
        odd = (
            b"\2\3\7",
            b"\2\6\5\xb4\0\0",
            b"\3\2",
            b"\3\4\1\1",
            b"\4\5abc",
            option(5, b"12345"),
            b"\x08\2",
            b"\0\7\7\7",
        )
        shot.opts += rng.choice(odd) if rng.random() < 0.7 else rng.randbytes(rng.randint(1, 12))
        shot.options_bad = None
    shot.opts = shot.opts[:40] + b"\0" * (-len(shot.opts[:40]) % 4)
