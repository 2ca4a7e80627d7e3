"""Services that others have, as they come and go (RFC 6762 5.2, 10; RFC 6763)."""

import itertools
import random

import pytest
from lab.mdns import FLUSH, IN, Lab, Rec, ask, message, tell
from lab.net import Wire, join, run_all
from uipy import Error
from uipy.host.mdns_browse import Browser

rfc = pytest.mark.rfc

HTTP = "_http._tcp.local"
NAME = "lamp." + HTTP
PTR = Rec(HTTP, "PTR", IN, 4500, NAME)
SRV = Rec(NAME, "SRV", FLUSH, 120, (8080, "lamp.local"))
TXT = Rec(NAME, "TXT", FLUSH, 4500, b"\6path=/\4l=\xe9\0\1x\0\2=a\2\xe9=\4path")
A = Rec("lamp.local", "A", FLUSH, 120, "192.168.1.9")
ALL = (PTR, SRV, TXT, A)


class Watcher(Lab):
    """A board that browses; `got` has what its function was called with."""

    def __init__(self, **options):
        super().__init__(**options)
        self.up()
        self.got: list = []
        self.sent: list = []
        self.browser = Browser(self.mdns, "_http._tcp", self.found, rows=2, room=40)

    def found(self, service, there):
        self.got.append((service.name, service.host, service.address, service.port, there))

    def tell(self, *records, **where):
        self.sent = self.say(tell(*records), **where) + self.run(0)

    def asked(self, ms):
        """(ms, name, kind) of each question at the last `tell`, and while ms go by."""
        sent, self.sent = self.sent + self.run(ms), []
        return [(m.ms, *q[:2]) for m in sent for q in m.questions]


@pytest.fixture
def lab():
    return Watcher()


LAMP = ("lamp", "lamp.local", "192.168.1.9", 8080)


@rfc("6762 5.2-1", "6762 5.2-2")
def test_it_asks_who_there_is_less_and_less_often(lab):
    """RFC 6762 5.2"""
    before = lab.wire.clock.ms
    asked = lab.asked(4 * 3_600_000)
    assert 20 <= asked[0][0] - before <= 120
    assert {q[1:] for q in asked} == {(HTTP, "PTR")}
    gaps = [b[0] - a[0] for a, b in itertools.pairwise(asked)]
    assert gaps[:4] == [1000, 2000, 4000, 8000] and gaps[-2:] == [3_600_000] * 2


@rfc("6763 6.4-2", "6763 6.4-4")
def test_what_is_told_at_once_is_found_at_once(lab):
    lab.run(200)
    lab.tell(*ALL)
    assert lab.got == [(*LAMP, True)]
    (s,) = lab.browser.services()
    assert s.text == {"path": b"/", "l": b"\xe9\0", "x": True}
    assert not lab.asked(800)


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_and_any_section(lab, seed):
    some = list(ALL)
    random.Random(seed).shuffle(some)
    lab.say(message([], some[:1], some[1:2], some[2:], flags=0x8400))
    lab.run(0)
    assert lab.got == [(*LAMP, True)]


@rfc("6763 12-1")
def test_what_is_missing_is_asked_for(lab):
    lab.run(200)
    lab.tell(PTR)
    assert {q[1:] for q in lab.asked(100)} == {(NAME, "SRV"), (NAME, "TXT")}
    lab.tell(SRV)
    assert {q[1:] for q in lab.asked(100)} == {("lamp.local", "A")}
    lab.tell(TXT)
    assert not lab.got
    lab.tell(A)
    assert lab.got == [(*LAMP, True)]


def test_what_nobody_tells_is_asked_for_three_times_and_then_once_an_hour(lab):
    lab.run(200)
    lab.tell(PTR)
    asked = [q for q in lab.asked(3_000_000) if q[2] == "SRV"]
    assert [q[0] - asked[0][0] for q in asked] == [0, 1000, 3000]
    assert not lab.got


def test_a_service_without_text_is_found(lab):
    lab.run(200)
    lab.tell(PTR, SRV, A)
    assert not lab.got
    lab.run(8000)
    assert lab.got == [(*LAMP, True)] and lab.browser.services()[0].text == {}


@rfc("6762 5.2-1", "6762 10.2-3")
def test_known_services_are_said(lab):
    """RFC 6762 7.1: while half of their time is left, and how much is"""
    lab.run(200)
    lab.tell(*ALL)
    lab.run(10_000)
    (m,) = [m for m in lab.run(10_000) if m.answers]
    assert m.questions == [(HTTP, "PTR", IN)]
    (known,) = m.answers
    assert known[:3] == PTR[:3] and known.data == NAME and 4480 <= known.ttl < 4500


@rfc("6762 7.1-3")
def test_what_is_known_for_less_than_half_its_time_is_not_said(lab):
    """RFC 6762 7.1"""
    lab.run(200)
    lab.tell(PTR._replace(ttl=20), SRV, TXT, A)
    half = lab.wire.clock.ms + 10_000
    asked = [m for m in lab.run(19_900) if (HTTP, "PTR", IN) in m.questions]
    assert [bool(m.answers) for m in asked] == [m.ms <= half for m in asked]
    assert asked[0].answers and asked[-4].ms <= half < asked[-3].ms


@rfc("6762 5.2-3", "6762 5.2-4")
def test_what_ends_is_asked_for_again(lab):
    """RFC 6762 5.2: at 80, 85, 90 and 95 % of the time to live, and up to 2 % later"""
    lab.run(200)
    lab.tell(*ALL)
    before = lab.wire.clock.ms
    asked = lab.asked(119_900)
    for kind, name in (("SRV", NAME), ("A", "lamp.local")):
        times = [(ms - before) / 1200 for ms, n, k in asked if (n, k) == (name, kind)]
        assert len(times) == 4
        for t, want in zip(times, (80, 85, 90, 95), strict=True):
            assert want <= t <= want + 2
    assert len(lab.got) == 1
    lab.run(200)
    assert lab.got[1:] == [(*LAMP, False)]
    lab.tell(SRV, A)
    assert lab.got[2:] == [(*LAMP, True)]


def test_an_answer_keeps_it(lab):
    lab.run(200)
    lab.tell(*ALL)
    for _ in range(60):
        for name, kind in {q[1:] for q in lab.asked(100_000)}:
            lab.tell(*[r for r in ALL if (r.name, r.kind) == (name, kind)])
    assert lab.got == [(*LAMP, True)]


@rfc("6762 5.2-3", "6762 5.2-5")
def test_a_service_that_nobody_tells_again_is_gone(lab):
    lab.run(200)
    lab.tell(*ALL)
    for _ in range(50):
        lab.run(90_000)
        lab.tell(SRV, A)
    asked = lab.asked(1000)
    assert lab.got == [(*LAMP, True), (*LAMP, False)] and not lab.browser.services()
    assert not [q for q in asked if q[1] == NAME]


@rfc("6762 10.1-2")
def test_goodbye(lab):
    """RFC 6762 10.1: a second later"""
    lab.run(200)
    lab.tell(*ALL)
    lab.tell(PTR._replace(ttl=0))
    lab.run(900)
    assert len(lab.got) == 1
    lab.run(200)
    assert lab.got[1:] == [(*LAMP, False)]
    lab.tell(*ALL)
    assert lab.got[2:] == [(*LAMP, True)]
    lab.tell(PTR._replace(ttl=0))
    lab.tell(PTR)  # somebody else has it as well (6.6)
    lab.run(2000)
    assert len(lab.got) == 3
    lab.tell(SRV._replace(ttl=0))
    lab.run(2000)
    assert lab.got[3:] == [(*LAMP, False)]


def test_a_change_is_told(lab):
    lab.run(200)
    lab.tell(*ALL)
    lab.tell(*ALL)
    assert len(lab.got) == 1
    lab.tell(SRV._replace(data=(81, "lamp.local")))
    assert lab.got[1:] == [("lamp", "lamp.local", "192.168.1.9", 81, True)]
    lab.tell(TXT._replace(data=b"\1a"))
    assert len(lab.got) == 3 and lab.browser.services()[0].text == {"a": True}
    lab.tell(SRV._replace(data=(81, "b.local")))
    assert lab.got[3][4] is False
    assert ("b.local", "A") in {q[1:] for q in lab.asked(100)}
    lab.tell(A._replace(name="b.local", data="192.168.1.8"))
    assert lab.got[4] == ("lamp", "b.local", "192.168.1.8", 81, True)


def test_of_several_addresses_the_near_one_is_taken(lab):
    far = A._replace(data="169.254.1.1")
    other = A._replace(data="192.168.1.10")
    lab.run(200)
    lab.tell(PTR, SRV, TXT, far, A, other)
    assert lab.got == [(*LAMP, True)]
    lab.run(1000)
    lab.tell(other)
    assert lab.got[1:] == [("lamp", "lamp.local", "192.168.1.10", 8080, True)]


def test_a_row_that_is_used_again_knows_nothing_of_before(lab):
    lab.run(200)
    lab.tell(*ALL)
    lab.tell(PTR._replace(ttl=0))
    lab.run(1100)
    lab.tell(PTR._replace(data="other." + HTTP))
    assert {q[1:] for q in lab.asked(0)} >= {("other." + HTTP, "SRV"), ("other." + HTTP, "TXT")}
    assert lab.got[1:] == [(*LAMP, False)]
    lab.tell(A)  # of nobody's now
    assert len(lab.got) == 2


@rfc("6762 C-1")
def test_a_full_table_and_long_names_are_counted(lab):
    lab.run(200)
    for n in range(3):
        lab.tell(PTR._replace(data="n%d." % n + HTTP))
    lab.tell(PTR._replace(data="x" * 63 + "." + "y" * 63 + "." + HTTP))
    assert dict(lab.browser.counters())["mdns_browse_full"] == 1
    lab.tell(PTR._replace(data="n0." + HTTP, ttl=0))
    lab.run(2000)
    lab.tell(PTR._replace(data="n3." + HTTP))
    lab.tell(Rec("n3." + HTTP, "SRV", FLUSH, 120, (80, "x" * 60 + "." + "y" * 60 + ".local")))
    assert dict(lab.browser.counters())["mdns_browse_full"] == 2


@pytest.mark.parametrize(
    "rec",
    [
        PTR._replace(name="_ipp._tcp.local"),
        PTR._replace(data="lamp._ipp._tcp.local"),
        PTR._replace(data="local"),
        PTR._replace(data=b"\0"),
        PTR._replace(data=b"\xc0\x0c"),
        PTR._replace(ttl=0),
        PTR._replace(cls=3),
    ],
)
def test_what_is_no_service_of_that_type(lab, rec):
    lab.run(200)
    lab.tell(rec)
    assert not any(s.full[0] for s in lab.browser.rows)


@rfc("6762 7.1-4")
def test_what_others_know_is_no_service(lab):
    """RFC 6762 7.1"""
    lab.run(200)
    lab.say(ask(HTTP, "PTR", known=[PTR, SRV, TXT, A]))
    lab.run(1000)
    assert not lab.got and not any(s.full[0] for s in lab.browser.rows)


@rfc("6762 18.14-2")
def test_a_name_that_points_back_is_found(lab):
    """PTR behind SRV, and its data are a pointer alone."""
    srv = Rec(NAME, "SRV", FLUSH, 120, (8080, "lamp.local"))
    octets = message([], [srv, PTR._replace(data=b"\xc0\x0c")], flags=0x8400)
    lab.say(octets)
    lab.tell(TXT, A)
    assert lab.got == [(*LAMP, True)]


def test_long_text_is_cut_off(lab):
    lab.tell(PTR, SRV, A, TXT._replace(data=b"\3a=b" + b"\x31" + b"long=" + b"x" * 44))
    (s,) = lab.browser.services()
    assert s.text == {"a": b"b", "long": b"x" * 30}


def test_a_function_that_raises(lab):
    lab.browser.found = lambda service, there: 1 // 0
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        lab.say(tell(*ALL))
    assert len(lab.wire.errors) == 1
    lab.wire.errors.clear()
    assert lab.browser.services()


@rfc("6762 5.2-5")
def test_closed_it_asks_nothing(lab):
    lab.browser.close()
    lab.browser.close()
    assert not lab.run(10_000)


def test_what_cannot_be_browsed(lab):
    with pytest.raises(Error, match="_http"):
        Browser(lab.mdns, "http", print)
    with pytest.raises(Error, match="found"):
        Browser(lab.mdns, "_http._tcp", None)


def test_without_a_link_nothing_is_asked(lab):
    lab.wire.up = False
    lab.run(2000)
    assert not lab.run(100_000)
    lab.wire.up = True
    assert [q for q in lab.asked(100_000) if q[2] == "PTR"]


def test_two_boards_find_each_others_pages():
    a, b = Wire(), Wire(mac=b"\2\0\0\0\0\x08")
    b.clock = a.clock
    join(a, b)
    one = Lab(wire=a)
    two = Lab("lamp", wire=b, ip="192.168.1.9/24", services=[("_http._tcp", 8080, {"a": "b"})])
    got = []
    Browser(one.mdns, "_http._tcp", lambda s, there: got.append((s.name, s.text, there)))
    run_all([a, b], 3_600_000)
    assert got == [("lamp", {"a": b"b"}, True)]
    two.mdns.close()
    run_all([a, b], 5000)
    assert got[1:] == [("lamp", {"a": b"b"}, False)]
    sent = [f for f in a.sent if f.udp and f.ip_dst == bytes([224, 0, 0, 251])]
    assert len(sent) < 350


@pytest.mark.parametrize("seed", range(2))
def test_nonsense(seed):
    """10,000 messages: nothing raises, and what is told afterwards is found."""
    rng = random.Random(seed)
    lab = Watcher()
    some = [tell(*ALL), tell(PTR, PTR._replace(data="b." + HTTP)), tell(SRV, A), tell(TXT)]
    for k in range(5_000):
        b = bytearray(rng.choice(some))
        for _ in range(rng.randrange(3)):
            b[rng.randrange(4, len(b))] = rng.choice((0, 0xC0, 12, rng.randrange(256)))
        lab.shoot(bytes(b[: rng.randrange(12, len(b) + 1)]))
        if k % 4 == 0:
            lab.wire.run(rng.choice((0, 200, 1000)))
    for _ in range(30):
        lab.wire.polls = 0
        lab.wire.run(3_600_000)
    lab.got.clear()
    lab.wire.run(200)
    lab.tell(*ALL)
    assert (*LAMP, True) in lab.got
