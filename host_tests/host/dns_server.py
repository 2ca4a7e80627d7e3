"""A name server on the wire, and answers made octet by octet, which share nothing with lib/; and a
board with a resolver that asks it.
"""

from lab.net import Station
from lab.packets import mac
from uipy.host import Resolver

SERVERS = ["192.168.1.53", "192.168.1.54", "192.168.1.55"]
NAME = "www.Example.org"

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
TYPES["SRV"] = 33
SOA_NAMES = b"\2ns\0\4root\0"


def wire(name):
    out = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".") if x)
    return out + b"\0"


def ip(text):
    return bytes(int(x) for x in text.split("."))


def rdata(kind, value):
    if kind == "A":
        return ip(value)
    if kind in ("CNAME", "PTR", "NS"):
        return wire(value)
    if kind == "SRV":
        return b"".join(n.to_bytes(2, "big") for n in value[:3]) + wire(value[3])
    if kind == "SOA":
        return SOA_NAMES + bytes(16) + value.to_bytes(4, "big")
    if kind == "TXT":
        return b"".join(bytes([len(x)]) + x for x in value)
    return value


def rr(name, kind, value, ttl=300, cls=1):
    data = rdata(kind, value)
    owner = wire(name) if isinstance(name, str) else name
    return (
        owner
        + TYPES[kind].to_bytes(2, "big")
        + cls.to_bytes(2, "big")
        + ttl.to_bytes(4, "big")
        + len(data).to_bytes(2, "big")
        + data
    )


def message(number, question, answers=(), authority=(), rcode=0, flags=0x8180, count=None):
    counts = (1, len(answers) if count is None else count, len(authority), 0)
    return (
        number.to_bytes(2, "big")
        + (flags | rcode).to_bytes(2, "big")
        + b"".join(n.to_bytes(2, "big") for n in counts)
        + question
        + b"".join(answers)
        + b"".join(authority)
    )


def lower(q):
    """The answer of a server that changes letters."""
    return message(q.number, q.section.lower(), [rr(q.name, "A", "192.0.2.1")])


def name_of(question):
    """'www.example.org', as it was asked."""
    labels, at = [], 0
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("latin-1"))
        at += 1 + question[at]
    return ".".join(labels)


class Question:
    """One that the board has asked."""

    def __init__(self, frame, data):
        self.frame = frame
        self.at = frame.at
        self.sport = frame.udp.sport if frame.udp else None
        self.data = data
        self.number = int.from_bytes(data[:2], "big")
        self.flags = int.from_bytes(data[2:4], "big")
        self.section = data[12:]
        self.asked = name_of(self.section)
        self.name = self.asked.lower()
        self.kind = int.from_bytes(self.section[-4:-2], "big")


class Server(Station):
    """A name server: `asked()` gives the questions that came to it, `reply` answers one."""

    def asked(self):
        out = [f for f in self.heard if f.udp and f.udp.dport == 53]
        self.heard = [f for f in self.heard if f not in out]
        for f in out:
            assert f.udp.data[4:12] == b"\0\1" + bytes(6) and f.udp.data[2:4] == b"\1\0"
        return [Question(f, f.udp.data) for f in out]

    def one(self):
        (question,) = self.asked()
        return question

    def reply(self, q, *answers, sport=53, number=None, section=None, **more):
        data = message(
            q.number if number is None else number,
            q.section if section is None else section,
            answers,
            **more,
        )
        return self.say(q, data, sport)

    def say(self, q, data, sport=53, **more):
        return self.udp(data, dport=q.sport, sport=sport, **more)


class Told:
    """`done`, and what it was told."""

    def __init__(self):
        self.errors, self.records, self.ttls, self.cached = [], [], [], []
        self.then = None

    def __call__(self, answer):
        self.errors.append(answer.error)
        self.records.append(answer.records())
        self.ttls.append(answer.ttl)
        self.cached.append(answer.cached)
        if self.then:
            self.then(answer)


class Lab:
    """A board with a resolver, and its servers."""

    def __init__(self, wire, servers=1, **options):
        self.wire = wire
        stack_options = options.pop("stack", {})
        self.stack = wire.board(**stack_options)
        wire.run()
        self.servers = [
            Server(wire, SERVERS[k], mac("02:00:00:00:00:%02x" % (0x53 + k)))
            for k in range(servers)
        ]
        self.server = self.servers[0] if servers else None
        self.lines = []
        self.r = Resolver(self.stack, SERVERS[:servers], say=self.lines.append, **options)
        self.told = Told()

    def ask(self, name=NAME, kind="A", told=None):
        """Asks, and lets what is due at once happen; returns the ticket."""
        ticket = self.r.resolve(name, kind, told or self.told)
        self.wire.settle()
        return ticket

    def question(self, *args, **options):
        """Asks; the question at the server."""
        self.ask(*args, **options)
        return self.server.one()

    def count(self, name):
        return dict(self.r.counters())["dns_" + name]

    def settled(self):
        """Every port and row is free again."""
        assert not any(self.stack.udp.nums)
        return all(q.state == 0 for q in self.r.rows)
