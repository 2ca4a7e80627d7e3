"""A board with multicast DNS on a wire with a virtual clock, and the others on its link. Messages
are built and taken apart with struct; shares nothing with lib/uipy.

    lab = Lab()                                 uipy.local, 192.168.1.7, nothing sent yet
    lab.up()                                    probed and announced
    lab.say(ask("uipy.local", "A"))             a query to the group
    lab.run(0).answers                          [Rec("uipy.local", "A", FLUSH, 120, "192.168.1.7")]
"""

import struct
from typing import Any, NamedTuple

from uipy.host.mdns import Mdns

from lab import packets
from lab.net import BOARD, Wire
from lab.packets import addr

GROUP = "224.0.0.251"
GROUP_MAC = bytes.fromhex("01005e0000fb")
PORT = 5353
IN, FLUSH, QU = 1, 0x8001, 0x8001
TYPES = {"A": 1, "PTR": 12, "TXT": 16, "AAAA": 28, "SRV": 33, "NSEC": 47, "ANY": 255}
NAMES = {v: k for k, v in TYPES.items()}
META = "_services._dns-sd._udp.local"


class Rec(NamedTuple):
    name: str
    kind: str
    cls: int
    ttl: int
    data: Any


class Msg(NamedTuple):
    """A message that was sent: when, and to whom."""

    ms: int
    dst: str
    dport: int
    ident: int
    flags: int
    questions: list
    answers: list
    authorities: list
    additionals: list
    octets: bytes


# Building


def wire_name(name: str) -> bytes:
    out = b""
    for label in name.split("."):
        out += bytes([len(label.encode())]) + label.encode()
    return out + b"\0"


def data_of(kind: str, data) -> bytes:
    if isinstance(data, bytes):
        return data
    if kind == "A":
        return addr(data)
    if kind == "PTR":
        return wire_name(data)
    if kind == "SRV":
        return struct.pack("!HHH", 0, 0, data[0]) + wire_name(data[1])
    raise ValueError(kind)


def packed(rec: Rec) -> bytes:
    data = data_of(rec.kind, rec.data)
    head = struct.pack("!HHIH", TYPES[rec.kind], rec.cls, rec.ttl, len(data))
    return wire_name(rec.name) + head + data


def message(questions=(), answers=(), authorities=(), additionals=(), flags=0, ident=0) -> bytes:
    """Questions are (name, type, class); the others `Rec`."""
    out = struct.pack(
        "!6H", ident, flags, *map(len, (questions, answers, authorities, additionals))
    )
    for name, kind, cls in questions:
        out += wire_name(name) + struct.pack("!HH", TYPES[kind], cls)
    for rec in [*answers, *authorities, *additionals]:
        out += packed(rec)
    return out


def ask(name, kind, cls=IN, known=(), **more) -> bytes:
    return message([(name, kind, cls)], known, **more)


def tell(*records: Rec, **more) -> bytes:
    return message(answers=records, flags=0x8400, **more)


def probe(name, *records: Rec, qtype="ANY") -> bytes:
    return message([(name, qtype, QU)], authorities=records)


# Taking apart


class Reader:
    def __init__(self, octets: bytes):
        self.b = octets
        self.at = 0

    def take(self, form: str):
        out = struct.unpack_from("!" + form, self.b, self.at)
        self.at += struct.calcsize("!" + form)
        return out

    def name(self) -> str:
        labels, self.at = self._name(self.at, self.at)
        return ".".join(labels)

    def _name(self, at: int, least: int):
        labels = []
        while True:
            n = self.b[at]
            if n >= 0xC0:
                to = (n & 63) << 8 | self.b[at + 1]
                assert to < least, "a pointer leads ahead"
                return labels + self._name(to, to)[0], at + 2
            at += 1
            if not n:
                return labels, at
            assert n < 64
            labels.append(self.b[at : at + n].decode())
            at += n

    def question(self):
        name = self.name()
        kind, cls = self.take("HH")
        return name, NAMES[kind], cls

    def record(self) -> Rec:
        name = self.name()
        kind, cls, ttl, n = self.take("HHIH")
        end = self.at + n
        kind = NAMES[kind]
        data: Any = self.b[self.at : end]
        if kind == "A":
            assert n == 4
            data, self.at = ".".join(map(str, data)), end
        elif kind == "PTR":
            data = self.name()
        elif kind == "SRV":
            first = self.take("HHH")
            assert first[:2] == (0, 0)
            data = (first[2], self.name())
        elif kind == "NSEC":
            data = (self.name(), self.b[self.at : end])
            self.at = end
        else:
            self.at = end
        assert self.at == end, "the length of the data"
        return Rec(name, kind, cls, ttl, data)


def decode(f: packets.Frame) -> Msg:
    """A datagram of the board's, judged."""
    assert f.udp.sport == PORT
    assert f.ttl == 255, "RFC 6762 11"
    if f.udp.dport == PORT and f.ip_dst == addr(GROUP):
        assert f.dst == GROUP_MAC
    r = Reader(f.udp.data)
    ident, flags, *counts = r.take("6H")
    questions = [r.question() for _ in range(counts[0])]
    answers, authorities, more = ([r.record() for _ in range(n)] for n in counts[1:])
    assert r.at == len(f.udp.data)
    dst = ".".join(map(str, f.ip_dst))
    parts = questions, answers, authorities, more, f.udp.data
    return Msg(f.at, dst, f.udp.dport, ident, flags, *parts)


class Lab:
    """A board and its Mdns. `says` has what people are told; `lab.services` is added."""

    def __init__(self, name="uipy", services=(), wire=None, ip=BOARD + "/24", **options):
        self.wire = wire or Wire()
        options.setdefault("udp", 2)
        options.setdefault("groups", 3)
        rows = options.pop("rows", 4)
        self.ip = ip
        self.stack = self.wire.board(ip=ip, **options)
        self.says: list[str] = []
        self.mdns = Mdns(self.stack, name, say=self.says.append, services=rows)
        for service in services:
            self.mdns.add(*service)

    def run(self, ms: int = 0) -> list[Msg]:
        """What is sent to port 5353, or from it, while ms go by."""
        out = [decode(f) for f in self.wire.run(ms) if f.udp and f.udp.sport == PORT]
        assert not self.wire.errors, self.wire.errors
        return out

    def up(self) -> list[Msg]:
        """Until all has been announced, and the rate limit is over."""
        out = self.run(5000)
        assert self.mdns.established
        return out

    def say(self, octets: bytes, **where) -> list[Msg]:
        """A message arrives; what is sent at once."""
        return [decode(f) for f in self.shoot(octets, **where)]

    def shoot(self, octets: bytes, src="192.168.1.9", sport=PORT, dst=GROUP, ttl=255):
        """The same, as frames."""
        body = packets.udp(src, dst, sport, PORT, octets)
        mac = GROUP_MAC if dst == GROUP else self.wire.mac
        ip = packets.ip4(src, dst, 17, body, ttl=ttl)
        frame = packets.eth(mac, b"\2\0\0\0\0\x09", 0x0800, ip, pad=60)
        frames = self.wire.give(frame)
        assert not self.wire.errors, self.wire.errors
        return [f for f in frames if f.udp and f.udp.sport == PORT]

    def count(self, name: str) -> int:
        return dict(self.mdns.counters())[name]
