"""Exchanges of the parts in host/ and net/: names, addresses, the time, a log (base.py)."""

from proof import hotpath
from uipy.kern import copy, csum, put16, sadd, u16, zero

from exchanges.base import OURS, THEIRS, Case, frame, name, record, udp

MDNS = b"\xe0\x00\x00\xfb"
BODY = 44  # of a datagram of UDP in the stack's buffer


class Mdnses(Case):
    """What is said to the group."""

    def make(self):
        from uipy.host import Mdns

        self.mdns = Mdns(self.stack, "board")
        self.mdns.add("_http._tcp", 80, {"path": "/"})
        self.wait(12_000)  # its group is reported twice
        self.f = udp(5353, 5353, self.said(), MDNS, 255)

    def said(self):
        """The message."""
        raise NotImplementedError

    def before(self):
        self.now += 2000  # no record goes twice within a second

    def count(self):
        heard = dict(self.mdns.counters())
        bad = heard["mdns_bad"] + heard["mdns_clashes"]
        return heard["mdns_in"] - bad if self.mdns.established else 0


class Question(Mdnses):
    def said(self):
        return b"\0\0\0\0\0\x01" + bytes(6) + name(b"printer-7.local") + b"\0\x01\0\x01"


class OurName(Mdnses):
    frames, answers = 1, True

    def said(self):
        return b"\0\0\0\0\0\x01" + bytes(6) + name(b"board.local") + b"\0\x01\0\x01"


class Announced(Mdnses):
    """Another host's service: PTR, SRV, TXT and A."""

    def said(self):
        kind = name(b"_ipp._tcp.local")
        who = b"\x09printer-7"
        host = name(b"printer-7.local")
        out = b"\0\0\x84\0\0\0\0\x04" + bytes(4) + record(kind, 12, 1, who + b"\xc0\x0c")
        out += record(who + kind, 33, 0x8001, b"\0\0\0\0\x02\x77" + host)
        out += record(who + kind, 16, 0x8001, b"\x09txtvers=1\x0brp=printers")
        return out + record(host, 1, 0x8001, THEIRS)


class Browsed(Announced):
    """The same, and somebody looks for such services and knows this one already."""

    def make(self):
        from uipy.host import Browser

        Announced.make(self)
        self.browser = Browser(self.mdns, "_ipp._tcp", self.found)
        self.there = 0
        self.hear(self.f)
        self.wait(100)
        self.known = self.heard()

    def found(self, service, there):
        self.there = service.port == 631 and service.address == "192.168.1.9"

    def heard(self):
        return dict(self.browser.counters())["mdns_browse_heard"]

    def count(self):
        return (self.heard() - self.known) // 4 if self.there else 0


class Neighbour(Mdnses):
    """Another host's address is asked for, and told."""

    frames, asks, answers = 1, True, True

    def make(self):
        from uipy.host import LocalResolver

        Mdnses.make(self)
        self.local = LocalResolver(self.mdns)
        self.told = 0

    def said(self):
        head = b"\0\0\x84\0\0\0\0\x01" + bytes(4)
        return head + record(name(b"printer-7.local"), 1, 0x8001, THEIRS)

    def ask(self):
        self.local.resolve("printer-7.local", "A", self.heard)
        self.now += 120  # its question is as late as that
        self.out()

    def heard(self, answer):
        if answer.octets() == THEIRS:
            self.told += 1

    def count(self):
        return self.told


def message(dhcp, kind, xid=None, mac=hotpath.BOARD, to=b"\xff" * 4):
    """What a server says."""
    body = b"\x02\x01\x06\0" + (xid or bytes(dhcp.me[:4])) + bytes(8) + OURS + bytes(8)
    body += mac + bytes(10 + 192) + b"\x63\x82\x53\x63\x35\x01" + bytes((kind,))
    body += b"\x36\x04" + THEIRS + b"\x33\x04\0\0\x0e\x10\x01\x04\xff\xff\xff\0"
    body += b"\x03\x04" + THEIRS + b"\x06\x04" + THEIRS + b"\x0f\x04home\xff"
    return udp(67, 68, body, to)


def lend(case):
    """A server lends the board its address; returns the Dhcp."""
    from uipy.host import Dhcp

    dhcp = Dhcp(case.stack, fallback=False)
    while not dhcp.bound:
        case.wait(100)
        state = dhcp.state
        if state == "SELECTING" or state == "REQUESTING":
            case.hear(message(dhcp, 2 if state == "SELECTING" else 5))
    return dhcp


class Lease(Case):
    """A lease is renewed."""

    ip = None
    frames, asks, answers = 1, True, True

    def make(self):
        self.dhcp = lend(self)

    def ask(self):
        self.dhcp.renew()
        self.out()

    def between(self):
        self.f = message(self.dhcp, 5, to=OURS)
        copy(self.buf, 2, self.f, 0, len(self.f))

    def count(self):
        return dict(self.dhcp.counters())["dhcp_renewed"] if self.dhcp.state == "BOUND" else 0


class Strange(Case):
    """An offer to another host."""

    ip = None

    def make(self):
        self.dhcp = lend(self)
        self.f = message(self.dhcp, 2, b"none", hotpath.PEER)
        self.heard = dict(self.stack.counters())["udp_in"]

    def count(self):
        renewed = dict(self.dhcp.counters())["dhcp_renewed"]
        return dict(self.stack.counters())["udp_in"] - self.heard - renewed


class Name(Case):
    """An address is asked for, and what came is read in the callback."""

    frames, asks, answers = 1, True, True

    def make(self):
        from uipy.host import Resolver

        self.resolver = Resolver(self.stack, ["192.168.1.9"])
        self.told = 0
        self.octets = len(name(b"www.example.org")) + 4

    def before(self):
        self.resolver.flush()

    def ask(self):
        self.resolver.resolve("www.example.org", "A", self.heard)
        self.out()

    def heard(self, answer):
        if answer.octets() == b"\x01\x02\x03\x04":
            self.told += 1

    def between(self):
        b = self.buf
        asked = bytes(b[BODY : BODY + 12 + self.octets])
        data = asked[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0" + asked[12:]
        data += record(b"\xc0\x0c", 1, 1, b"\x01\x02\x03\x04")
        self.f = udp(53, u16(b, BODY - 8), data)
        copy(b, 2, self.f, 0, len(self.f))

    def count(self):
        return self.told


class Time(Case):
    """The time is asked for; it is told a second apart for each that has gone by."""

    frames, asks, answers = 1, True, True

    def make(self):
        from uipy.host import Sntp

        self.sntp = Sntp(self.stack, ["192.168.1.9"])
        self.said = bytearray(b"\x24\x02" + bytes(46))
        self.since = self.now

    def before(self):
        self.now = self.sntp.at
        self.hear(hotpath.arp())

    def ask(self):
        self.out()

    def between(self):
        f = self.said
        copy(f, 24, self.sntp.nonce, 0, 8)
        f[32:36] = b"\xee\0\0\0"
        sadd(f, 32, (self.now - self.since) // 1000)
        copy(f, 40, f, 32, 8)
        self.f = udp(123, self.sntp.port.num, bytes(f))
        copy(self.buf, 2, self.f, 0, len(self.f))

    def count(self):
        return dict(self.sntp.counters())["sntp_in"]


class Noon:
    """A clock for the log."""

    def into(self, buf, i, now=None):
        copy(buf, i, b"\x07\xea\x0b\x15\x0c\0\0\0\x07", 0, 9)
        return 1


class Logged(Case):
    frames, asks = 1, True

    def make(self):
        from uipy.host import Syslog

        self.log = Syslog(self.stack, "192.168.1.9", "board", "heating", clock=Noon())

    def ask(self):
        self.log.log(30, b"the tank is at 80 degrees, and the pump runs")
        self.out()

    def between(self):
        pass

    def give(self):
        pass

    def count(self):
        return dict(self.log.counters())["syslog_out"]


class Query(Case):
    """A router wants to know our groups; one is reported within 10 s."""

    frames, answers = 1, True

    def make(self):
        from uipy import Groups

        self.groups = Groups(self.stack)
        self.groups.join("224.0.0.251")
        self.wait(20_000)
        body = bytearray(b"\x11\x64\0\0\0\0\0\0")
        put16(body, 2, csum(body, 0, 8, 0) ^ 0xFFFF)
        self.f = frame(2, bytes(body), b"\xe0\0\0\x01", 1, b"\x94\x04\0\0")

    def before(self):
        self.now += 1000

    def give(self):
        self.input(len(self.f), self.now)
        self.now += 11_000
        self.out()

    def count(self):
        return dict(self.groups.counters())["igmp_queries"]


class Pieces(Case):
    """A ping of 56 octets in two fragments."""

    frames, asks, answers = 1, True, True

    def make(self):
        from uipy import Reassembly

        self.parts = Reassembly(self.stack)
        text = bytes(hotpath.ping()[hotpath.TCP :])
        self.first = frame(1, text[:32], fragment=0x2000)
        self.f = frame(1, text[32:], fragment=4)
        self.ident = 0

    def before(self):
        self.ident += 1
        for f in (self.first, self.f):
            put16(f, 18, self.ident)
            put16(f, 24, 0)
            put16(f, 24, csum(f, 14, 20, 0) ^ 0xFFFF)
        copy(self.buf, 2, self.first, 0, len(self.first))

    def ask(self):
        self.input(len(self.first), self.now)

    def count(self):
        return dict(self.parts.counters())["frag_reassembled"]


class Defended(Case):
    """Another station uses our address; so it is told that it is ours."""

    ip = None
    frames, answers = 1, True

    def make(self):
        from uipy import Acd

        self.acd = Acd(self.stack)
        self.acd.use("192.168.1.7/24", "192.168.1.9")
        self.wait(12_000)
        f = self.f = hotpath.arp()
        f[11] = f[27] = 0x0B  # its MAC
        f[28:32] = OURS

    def before(self):
        self.now += 11_000  # at most once in ten seconds
        self.wait(50)

    def count(self):
        return self.acd.conflicts


class Redirected(Case):
    def make(self):
        from uipy import Redirects

        self.redirects = Redirects(self.stack)
        quoted = bytearray(frame(17, b"\x13\x88\0\x09\0\x09\0\0", b"\x08\x08\x08\x08")[14:])
        copy(quoted, 12, OURS, 0, 4)
        body = bytearray(b"\x05\x01\0\0\xc0\xa8\x01\x02" + quoted)
        put16(body, 2, csum(body, 0, len(body), 0) ^ 0xFFFF)
        self.f = frame(1, bytes(body))

    def before(self):
        zero(self.redirects.tab, 0, len(self.redirects.tab))

    def count(self):
        return dict(self.redirects.counters())["redirect_taken"]


CASES = (
    ("mdns-other", Question),
    ("mdns-ours", OurName),
    ("mdns-told", Announced),
    ("mdns-browse", Browsed),
    ("mdns-local", Neighbour),
    ("dhcp-other", Strange),
    ("dhcp-renew", Lease),
    ("dns", Name),
    ("sntp", Time),
    ("syslog", Logged),
    ("igmp", Query),
    ("fragments", Pieces),
    ("acd", Defended),
    ("redirect", Redirected),
)
