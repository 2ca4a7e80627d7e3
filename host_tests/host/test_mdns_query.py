"""Names in .local, asked of others (RFC 6762 5)."""

import random

import pytest
from lab.mdns import FLUSH, GROUP, IN, PORT, QU, Lab, Rec, message, tell, wire_name
from lab.net import BOARD, Wire, join, run_all
from lab.packets import addr
from uipy import Error, TableFull
from uipy.host.dns import Resolver
from uipy.host.mdns_query import LocalResolver

rfc = pytest.mark.rfc

PRINTER = Rec("printer.local", "A", FLUSH, 120, "192.168.1.9")


class Asker(Lab):
    """A board that asks; `got` has (name, error, records) of what it was told."""

    def __init__(self, **options):
        super().__init__(**options)
        self.got: list = []
        self.told: list[str] = []
        self.local = LocalResolver(self.mdns, rows=2, say=self.told.append)
        self.up()

    def ask(self, name="printer.local", kind="A"):
        return self.local.resolve(name, kind, self.done)

    def done(self, answer):
        self.got.append((answer.name, answer.error, answer.records()))

    def tell(self, *records, **where):
        self.say(tell(*records), **where)
        self.run(0)


@pytest.fixture
def lab():
    return Asker()


@rfc("6762 3-2", "6762 5.2-2", "6762 5.2-6")
def test_a_question_and_its_answer(lab):
    before = lab.wire.clock.ms
    assert lab.ask() > 0
    (m,) = lab.run(200)
    assert 20 <= m.ms - before <= 120
    assert (m.dst, m.dport, m.ident, m.flags) == (GROUP, PORT, 0, 0)
    assert m.questions == [("printer.local", "A", QU)] and not m.answers
    assert lab.got == []
    lab.tell(PRINTER)
    assert lab.got == [("printer.local", None, ["192.168.1.9"])]
    assert not lab.run(10_000) and len(lab.got) == 1
    assert dict(lab.local.counters()) == {"mdns_asked": 1, "mdns_found": 1, "mdns_silent": 0}


@rfc("6762 6-11", "6762 11-2")
def test_an_answer_for_us_alone(lab):
    """RFC 6762 11: from our subnet"""
    lab.ask()
    lab.run(200)
    lab.tell(PRINTER, dst=BOARD, src="10.0.0.9")
    assert not lab.got
    lab.tell(PRINTER, dst=BOARD)
    assert lab.got


def test_several_addresses_and_sections(lab):
    lab.ask()
    lab.run(200)
    other = PRINTER._replace(data="169.254.1.1", name="PRINTER.local")
    lab.say(message([], [PRINTER, PRINTER], [], [other], flags=0x8400))
    lab.run(0)
    assert lab.got == [("printer.local", None, ["192.168.1.9", "169.254.1.1"])]


@rfc("6762 5.2-1", "6762 5.4-1", "6762 5.4-4")
def test_it_asks_three_times_and_gives_up():
    """RFC 6762 5.2: a second, then twice as long"""
    lab = Asker()
    lab.ask()
    msgs = lab.run(10_000)
    times = [m.ms - msgs[0].ms for m in msgs]
    assert times == [0, 1000, 3000]
    assert [m.questions[0][2] for m in msgs] == [QU, IN, IN]
    assert lab.got == [("printer.local", "not found", [])]
    assert lab.told == ["mDNS: printer.local: not found"]


@pytest.mark.parametrize(
    "rec",
    [
        PRINTER._replace(name="printer2.local"),
        PRINTER._replace(name="printer.local.local"),
        PRINTER._replace(kind="AAAA", data=bytes(16)),
        PRINTER._replace(ttl=0),
        PRINTER._replace(cls=3),
        PRINTER._replace(data=bytes(5)),
    ],
)
def test_what_is_no_answer(lab, rec):
    lab.ask()
    lab.run(200)
    lab.tell(rec)
    assert not lab.got


@rfc("6762 6.1-2")
def test_a_host_that_has_no_such_record_is_believed(lab):
    """RFC 6762 6.1"""
    nsec = Rec(
        "printer.local", "NSEC", FLUSH, 120, wire_name("printer.local") + b"\0\4\x40\0\0\x08"
    )
    for kind, error in (("AAAA", None), ("TXT", "no such data"), ("SRV", "no such data")):
        lab.got.clear()
        lab.ask(kind=kind)
        lab.run(200)
        lab.tell(nsec)
        assert [g[1] for g in lab.got] == [error] if error else not lab.got
        lab.run(10_000)


@pytest.mark.parametrize("octets", [b"", b"\xc0", b"\0", b"\0\0", b"\0\0\4\x40", b"\0\1\1\x40"])
def test_an_nsec_that_is_none(lab, octets):
    lab.ask(kind="AAAA")
    lab.run(200)
    lab.tell(Rec("printer.local", "NSEC", FLUSH, 120, octets))
    assert not lab.got


@rfc("6762 6.1-3")
def test_a_bad_nsec_does_not_spoil_the_answer_beside_it(lab):
    """RFC 6762 6.1"""
    lab.ask()
    lab.run(200)
    lab.tell(Rec("printer.local", "NSEC", FLUSH, 120, b"\xc0"), PRINTER)
    assert lab.got == [("printer.local", None, ["192.168.1.9"])]


@rfc("6763 4.3-1")
def test_other_kinds(lab):
    lab.local.resolve(("a b.c", "_http", "_tcp", "local"), "SRV", lab.done)
    lab.ask("_http._tcp.local", "PTR")
    assert lab.run(200)
    srv = b"\0\1\0\2\0\x50" + wire_name("printer.local")
    labels = b"\5a b.c" + wire_name("_http._tcp.local")
    octets = message([], [PRINTER], flags=0x8400)
    head = octets[:7] + b"\1" + octets[8:12]
    body = labels + b"\0\x21\x80\1\0\0\0\x78" + len(srv).to_bytes(2, "big") + srv
    lab.say(head + body)
    lab.run(0)
    assert lab.got[0][1:] == (None, [(1, 2, 80, "printer.local")])
    lab.tell(Rec("_http._tcp.local", "PTR", IN, 4500, "x._http._tcp.local"))
    lab.run(100)
    lab.tell(Rec("_http._tcp.local", "PTR", IN, 4500, "y._http._tcp.local"))
    assert len(lab.got) == 1
    lab.run(250)
    assert lab.got[1][2] == ["x._http._tcp.local", "y._http._tcp.local"]
    lab.ask("x._http._tcp.local", "TXT")
    lab.run(200)
    lab.tell(Rec("x._http._tcp.local", "TXT", FLUSH, 4500, b"\1a\2bc"))
    assert lab.got[2][2] == [[b"a", b"bc"]]


def test_our_own_name(lab):
    lab.ask("uipy.local")
    assert not lab.got
    lab.run(0)
    assert lab.got == [("uipy.local", None, [BOARD])]


def test_questions_at_one_time_are_one_message(lab):
    lab.ask("a.local")
    lab.ask("b.local")
    with pytest.raises(TableFull, match="rows="):
        lab.ask("c.local")
    assert sum(len(m.questions) for m in lab.run(10_000)) == 6
    lab.ask("c.local")


def test_what_is_cancelled_is_not_called(lab):
    first = lab.ask()
    lab.local.cancel(first)
    second = lab.ask()
    lab.local.cancel(first)
    assert second != first
    lab.run(200)
    lab.tell(PRINTER)
    assert len(lab.got) == 1
    lab.local.cancel(second)


def test_a_callback_that_raises_frees_its_row(lab):
    for _ in range(3):
        lab.local.resolve("printer.local", "A", lambda answer: 1 // 0)
        lab.wire.run(10_000)
        assert len(lab.wire.errors) == 1
        lab.wire.errors.clear()


def test_a_callback_may_ask_again(lab):
    lab.local.resolve("a.local", "A", lambda answer: lab.ask())
    lab.run(6000)
    lab.tell(PRINTER)
    assert lab.got == [("printer.local", None, ["192.168.1.9"])]


def test_without_a_link_it_says_so(lab):
    lab.wire.up = False
    lab.run(2000)
    lab.ask()
    assert not lab.run(10_000)
    assert lab.got == [("printer.local", "unreachable", [])]


def test_what_cannot_be_asked(lab):
    with pytest.raises(Error):
        lab.ask("a..local")
    with pytest.raises(Error, match="kind"):
        lab.ask("a.local", "MX")


@rfc("6762 3-2", "6762 22.1-1")
def test_a_resolver_hands_names_in_local_over(lab):
    resolver = Resolver(lab.stack, ["192.168.1.1"], domain="example.org")
    resolver.local = lab.local
    ticket = resolver.resolve("Printer.LOCAL.", "A", lab.done)
    assert ticket < 0
    (m,) = lab.run(200)
    assert m.dst == GROUP
    lab.tell(PRINTER)
    assert lab.got == [("Printer.LOCAL.", None, ["192.168.1.9"])]
    resolver.cancel(resolver.resolve("printer.local", "A", lab.done))
    assert not lab.run(10_000) and len(lab.got) == 1


@rfc("6762 4-1")
def test_the_name_of_a_link_local_address_is_asked_of_the_link(lab):
    resolver = Resolver(lab.stack, ["192.168.1.1"])
    resolver.local = lab.local
    resolver.resolve("169.254.7.9", "PTR", lab.done)
    sent = [f for f in lab.wire.run(200) if f.udp]
    assert [(f.udp.dport, f.ip_dst) for f in sent] == [(PORT, addr(GROUP))]
    back = "9.7.254.169.in-addr.arpa"
    lab.tell(Rec(back, "PTR", FLUSH, 120, "printer.local"))
    lab.run(500)
    assert lab.got == [(back, None, ["printer.local"])]


def test_two_boards_find_each_other():
    a, b = Wire(), Wire(mac=b"\2\0\0\0\0\x08")
    b.clock = a.clock
    join(a, b)
    one = Lab(wire=a)
    two = Lab("other", wire=b, ip="192.168.1.8/24")
    local = LocalResolver(one.mdns)
    run_all([a, b], 5000)
    got = []
    local.resolve("other.local", "A", lambda answer: got.extend(answer.records()))
    local.resolve("8.1.168.192.in-addr.arpa", "PTR", lambda answer: got.extend(answer.records()))
    run_all([a, b], 1000)
    assert sorted(got) == ["192.168.1.8", "other.local"] and two.mdns.established


def test_nonsense():
    """10,000 messages while it asks: nothing raises, and every question ends."""
    rng = random.Random(1)
    lab = Asker()
    some = [
        tell(PRINTER),
        tell(Rec("printer.local", "SRV", FLUSH, 120, (80, "a.local"))),
        tell(Rec("printer.local", "NSEC", FLUSH, 120, b"\xc0\x0c\0\4\x40\0\0\x08")),
        tell(Rec("printer.local", "PTR", IN, 120, b"\xc0\x0c")),
        tell(Rec("printer.local", "TXT", IN, 120, b"\1a" * 100)),
    ]
    asked = 0
    for k in range(10_000):
        while asked - len(lab.got) < 2:
            lab.ask(kind=rng.choice(("A", "AAAA", "PTR", "SRV", "TXT")))
            asked += 1
        b = bytearray(rng.choice(some))
        for _ in range(rng.randrange(3)):
            b[rng.randrange(len(b))] = rng.choice((0, 0xC0, 12, rng.randrange(256)))
        lab.shoot(bytes(b[: rng.randrange(12, len(b) + 1)]))
        if k % 4 == 0:
            lab.wire.run(rng.choice((0, 200, 1000)))
    lab.wire.run(10_000)
    assert len(lab.got) == asked and not lab.wire.errors
