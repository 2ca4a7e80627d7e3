"""A name in .local: how it becomes ours, and how it is given up (RFC 6762 8, 9, 10.1)."""

import itertools
import random

import pytest
from lab.mdns import FLUSH, GROUP, IN, META, PORT, QU, Lab, Rec, ask, message, probe, tell
from lab.net import BOARD, BOARD_MAC, Clock, Wire, join, run_all
from uipy import BadAddress, Busy, Error, TableFull
from uipy.host.mdns import Mdns

rfc = pytest.mark.rfc

HTTP = "_http._tcp.local"
PAGE = ("_http._tcp", 80, {"path": "/"})
OURS = Rec("uipy.local", "A", IN, 120, BOARD)
THEIRS = Rec("uipy.local", "A", FLUSH, 120, "192.168.1.9")


def probes(msgs):
    return [m for m in msgs if m.questions]


@rfc("6762 2-1")
def test_three_probes_250_ms_apart_from_a_random_start():
    """RFC 6762 8.1"""
    starts = set()
    for k in range(8):
        lab = Lab(key=b"secret %d" % k)
        times = [m.ms for m in probes(lab.run(2000))]
        assert [t - times[0] for t in times] == [0, 250, 500] and times[0] < 250
        starts.add(times[0])
    assert len(starts) > 4


@rfc("6762 8.1-1", "6762 8.1-2", "6762 18.2-1")
def test_a_probe_asks_for_all_and_says_what_is_to_be_ours():
    """RFC 6762 8.1: ANY, by unicast at first; 8.2: the proposed records, not the shared ones;
    10.2: no cache-flush bit among them."""
    m = Lab(services=[PAGE]).run(400)[0]
    assert m.dst == GROUP and m.dport == PORT and (m.ident, m.flags) == (0, 0)
    assert m.questions == [("uipy.local", "ANY", QU), ("uipy." + HTTP, "ANY", QU)]
    assert m.authorities == [
        OURS,
        Rec("uipy." + HTTP, "SRV", IN, 120, (80, "uipy.local")),
        Rec("uipy." + HTTP, "TXT", IN, 4500, b"\x06path=/"),
    ]
    assert not m.answers and not m.additionals


@rfc(
    "6762 6-10",
    "6762 8-1",
    "6762 8.3-1",
    "6762 8.3-2",
    "6762 8.3-3",
    "6762 10-1",
    "6762 10.2-1",
    "6762 10.2-4",
    "6762 18.2-1",
    "6763 5-1",
    "6762 18.14-1",
)
def test_all_is_told_twice_a_second_apart():
    """RFC 6762 8.3, 10.2; the TTLs are those of 10"""
    lab = Lab(services=[PAGE])
    msgs = lab.run(5000)
    asked, (a, b) = probes(msgs), [m for m in msgs if not m.questions]
    assert a.ms == asked[-1].ms + 250 and b.ms == a.ms + 1000 and a.octets == b.octets
    assert (a.ident, a.flags, a.dst) == (0, 0x8400, GROUP)
    name = "uipy." + HTTP
    assert set(a.answers) == {
        Rec("uipy.local", "A", FLUSH, 120, BOARD),
        Rec("uipy.local", "NSEC", FLUSH, 120, ("uipy.local", b"\0\1\x40")),
        Rec("7.1.168.192.in-addr.arpa", "PTR", FLUSH, 120, "uipy.local"),
        Rec(HTTP, "PTR", IN, 4500, name),
        Rec(name, "SRV", FLUSH, 120, (80, "uipy.local")),
        Rec(name, "TXT", FLUSH, 4500, b"\x06path=/"),
        Rec(name, "NSEC", FLUSH, 120, (name, b"\0\5\0\0\x80\0\x40")),
        Rec(META, "PTR", IN, 4500, HTTP),
    }
    assert a.octets.count(b"\5local") == a.octets.count(b"\5_http") == 1  # 18.14
    assert lab.says == ["mDNS: uipy.local is 192.168.1.7"]
    assert not lab.run(3_600_000)
    # RFC 6762 18.14: each name is there once, also in the data of SRV
    assert [a.octets.count(x) for x in (b"uipy", b"local", b"_http", b"_tcp")] == [2, 1, 1, 1]


def test_while_it_probes_it_answers_nothing():
    lab = Lab()
    lab.run(400)
    assert not lab.mdns.established
    assert not lab.say(ask("uipy.local", "A"))


@rfc("6762 3-1", "6762 8.1-3")
def test_a_name_that_is_taken_becomes_the_next_one():
    """RFC 6762 8.1, 9"""
    lab = Lab()
    lab.run(400)
    lab.say(tell(THEIRS))
    assert lab.mdns.name == "uipy-2"
    msgs = lab.run(5000)
    assert probes(msgs)[0].questions == [("uipy-2.local", "ANY", QU)]
    assert msgs[-1].answers[0].name == "uipy-2.local"
    assert lab.says == ["mDNS: uipy-2.local is 192.168.1.7; uipy.local is another host's"]
    assert lab.count("mdns_clashes") == 1


@rfc("6762 8.1-5")
@pytest.mark.parametrize("kind", ["AAAA", "TXT"])
def test_any_record_takes_the_name_from_who_probes(kind):
    lab = Lab()
    lab.run(400)
    lab.say(tell(Rec("UIPY.local", kind, FLUSH, 120, bytes(16))))
    assert lab.mdns.name == "uipy-2"


@rfc("6762 8.1-3")
def test_a_name_in_the_additional_section_is_taken_too():
    lab = Lab()
    lab.run(400)
    lab.say(tell(Rec("a.local", "A", FLUSH, 120, "192.168.1.9"), additionals=[THEIRS]))
    assert lab.mdns.name == "uipy-2"


@pytest.mark.parametrize(
    "rec",
    [
        THEIRS._replace(ttl=0),  # a goodbye
        THEIRS._replace(cls=3),
        OURS,  # what we said ourselves, before a reset or through a repeater
        THEIRS._replace(name="uipy-2.local"),
        THEIRS._replace(name="uipy.local.local"),
        Rec("7.1.168.192.in-addr.arpa", "PTR", FLUSH, 120, "b.local"),
        Rec(META, "PTR", IN, 120, "_ftp._tcp.local"),
    ],
)
def test_what_is_no_conflict(rec):
    lab = Lab(services=[PAGE])
    lab.run(400)
    lab.say(tell(rec))
    lab.up()
    lab.say(tell(rec))
    lab.run(5000)
    assert lab.mdns.name == "uipy" and lab.mdns.established and not lab.count("mdns_clashes")


@rfc("6762 8.1-4")
def test_what_is_heard_before_the_first_probe_is_no_conflict():
    """RFC 6762 8.1"""
    lab = Lab()
    assert not lab.run(0) and not lab.say(tell(THEIRS))
    assert probes(lab.up())[0].questions == [("uipy.local", "ANY", QU)]
    assert lab.mdns.name == "uipy" and not lab.count("mdns_clashes")


@rfc("6762 16-1")
def test_a_name_is_utf_8():
    lab = Lab("k\u00fcche")
    assert lab.up()[-1].answers[0].name == "k\u00fcche.local"
    assert lab.say(ask("k\u00fcche.local", "A"))


def test_names_count_up_and_their_services_with_them():
    lab = Lab(services=[PAGE])
    for n in range(2, 13):
        lab.run(500)
        lab.say(tell(THEIRS._replace(name=lab.mdns.name + ".local")))
        assert lab.mdns.name == "uipy-%d" % n
    answers = lab.up()[-1].answers
    assert Rec(HTTP, "PTR", IN, 4500, "uipy-12." + HTTP) in answers
    assert Rec("uipy-12." + HTTP, "SRV", FLUSH, 120, (80, "uipy-12.local")) in answers


def test_behind_9999_comes_2():
    lab = Lab("n" * 58)
    lab.mdns.number = 9998
    for want in ("-9999", "-2"):
        lab.run(500)
        lab.say(tell(THEIRS._replace(name=lab.mdns.name + ".local")))
        assert lab.mdns.name == "n" * 58 + want
    assert lab.up()[-1].answers[0].name == "n" * 58 + "-2.local"


@rfc("6762 8.1-6")
def test_fifteen_conflicts_in_ten_seconds_make_it_slow():
    """RFC 6762 8.1"""
    lab = Lab()
    lab.run(300)
    for _ in range(14):
        lab.say(tell(THEIRS._replace(name=lab.mdns.name + ".local")))
        assert len(lab.run(300)) >= 1
    lab.say(tell(THEIRS._replace(name=lab.mdns.name + ".local")))
    assert not lab.run(4999)
    assert len(lab.run(200)) == 1
    lab.say(tell(THEIRS._replace(name=lab.mdns.name + ".local")))
    assert not lab.run(4999)
    lab.up()
    lab.run(10_000)
    lab.say(tell(THEIRS._replace(name=lab.mdns.name + ".local")))
    assert lab.run(300)  # it had a name meanwhile


def test_conflicts_far_apart_do_not():
    lab = Lab()
    for _ in range(30):
        lab.run(1000)
        lab.say(tell(THEIRS._replace(name=lab.mdns.name + ".local")))
    assert lab.run(300)


# Two who probe for one name (RFC 6762 8.2)


def test_the_greater_data_win():
    lab = Lab()
    lab.run(300)
    lab.say(probe("uipy.local", OURS._replace(data="192.168.1.6")))
    lab.up()
    assert lab.mdns.name == "uipy"


def test_who_has_lost_probes_again_a_second_later():
    lab = Lab()
    lab.run(300)
    lab.say(probe("uipy.local", OURS._replace(data="192.168.1.8")))
    assert not lab.run(999)
    assert len(probes(lab.run(1000))) == 3
    assert lab.run(3000) and lab.mdns.name == "uipy"


def test_who_has_lost_takes_the_next_name_when_the_other_one_has_it():
    lab = Lab()
    lab.run(300)
    lab.say(probe("uipy.local", OURS._replace(data="192.168.1.8")))
    lab.run(600)
    lab.say(tell(THEIRS))
    assert lab.mdns.name == "uipy"  # it will be told again, to our next probe
    lab.run(700)
    lab.say(tell(THEIRS))
    lab.up()
    assert lab.mdns.name == "uipy-2"


@rfc("6762 8.2-1")
def test_the_same_data_are_no_rival():
    lab = Lab(services=[PAGE])
    first = lab.run(300)[0]
    lab.say(first.octets)
    msgs = lab.run(1000)
    assert [m.ms - first.ms for m in msgs] == [250, 500, 750]


@rfc("6762 8.2-1")
def test_sets_of_records_are_compared_in_order():
    """RFC 6762 8.2.1, against a sorted list; classes, types and data of every kind."""
    rng = random.Random(6762)
    name = "uipy." + HTTP
    srv = Rec(name, "SRV", IN, 120, (80, "uipy.local"))
    txt = Rec(name, "TXT", IN, 4500, b"\x06path=/")
    some = [
        srv,
        txt,
        srv._replace(data=(80, "uipz.local")),
        srv._replace(data=(80, "uipy.loca")),
        srv._replace(data=(79, "z.local")),
        srv._replace(data=(81, "a.local")),
        srv._replace(cls=FLUSH + 2),
        txt._replace(data=b"\x06path="),
        txt._replace(data=b"\x06path=/\x01a"),
        txt._replace(data=b"\x06patg=/"),
        Rec(name, "AAAA", IN, 120, bytes(16)),
        Rec(name, "A", IN, 120, "1.2.3.4"),
    ]

    def key(r):
        from lab.mdns import TYPES, data_of

        return r.cls & 0x7FFF, TYPES[r.kind], data_of(r.kind, r.data)

    ours = sorted(map(key, [srv, txt]))
    cases = [c for n in (1, 2, 3) for c in itertools.combinations(some, n)]
    for chosen in cases:
        case = rng.sample(chosen, len(chosen))
        lab = Lab(services=[PAGE])
        lab.run(251)
        before = lab.mdns.step
        assert 0 < before < 3
        lab.say(probe(name, *case))
        lost = lab.mdns.step == 0
        assert lost == (sorted(map(key, case)) > ours), case


def test_names_that_point_back_are_compared_as_they_are_meant():
    """RFC 6762 8.2: the data of SRV without compression"""
    name = "uipy." + HTTP
    both = [Rec(name, "TXT", IN, 4500, b"\0"), Rec(name, "SRV", IN, 120, b"")]
    head = message([(name, "ANY", QU)], authorities=both)
    local = 12 + 5 + 6 + 5  # where the question has `local`
    for label, lost in ((b"\4uipz", True), (b"\4uipx", False), (b"\4uipy", False)):
        lab = Lab(services=[("_http._tcp", 80)])
        lab.run(251)
        assert lab.mdns.step
        data = b"\0\0\0\0\0\x50" + label + bytes([0xC0, local])
        octets = head[:-2] + bytes([0, len(data)]) + data
        lab.say(octets)
        assert bool(lab.mdns.step) != lost


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\xff", b"\xff" * 6, b"\0\0\0\0\0\x50\xc0\xff", b"\0\0\0\0\0\x50\x7f"]
)
def test_a_rivals_nonsense_is_no_rival(data):
    lab = Lab(services=[PAGE])
    lab.run(251)
    lab.say(probe("uipy." + HTTP, Rec("uipy." + HTTP, "SRV", IN, 120, data)))
    assert lab.mdns.step


def test_two_boards_with_one_name_settle_it():
    for k in range(6):
        a, b = Wire(clock=Clock()), Wire(mac=b"\2\0\0\0\0\x08")
        join(a, b)
        boards = [
            Lab(wire=a, services=[PAGE], key=b"secret %d" % k),
            Lab(wire=b, services=[PAGE], ip="192.168.1.8/24", key=b"SECRET %d" % k),
        ]
        run_all([a, b], 10_000)
        assert {lab.mdns.name for lab in boards} == {"uipy", "uipy-2"}
        assert all(lab.mdns.established for lab in boards)
        a.take()
        run_all([a, b], 3_600_000)
        assert not a.take()


@rfc("6762 3-1", "6762 9-2")
def test_two_networks_with_a_board_of_that_name_each_are_joined():
    """RFC 6762 9: who has announced a name goes back to probing."""
    a, b = Wire(), Wire(mac=b"\2\0\0\0\0\x08")
    b.clock = a.clock
    one = Lab(wire=a)
    two = Lab(wire=b, ip="192.168.1.8/24")
    run_all([a, b], 10_000)
    assert one.mdns.name == two.mdns.name == "uipy"
    join(a, b)
    one.mdns.add("_http._tcp", 80)  # it announces
    run_all([a, b], 20_000)
    assert {one.mdns.name, two.mdns.name} == {"uipy", "uipy-2"}
    assert one.mdns.established and two.mdns.established


@rfc("6762 9-1")
def test_a_name_that_is_claimed_later_is_defended_by_probing():
    """RFC 6762 9: the one that claimed it wrongly does not answer the probe."""
    lab = Lab()
    lab.up()
    lab.say(tell(THEIRS))
    assert not lab.mdns.established
    assert len(probes(lab.run(1000))) == 3
    lab.run(3000)
    assert lab.mdns.name == "uipy" and lab.mdns.established


@pytest.mark.parametrize(
    ("rec", "clash"),
    [
        (Rec("uipy." + HTTP, "SRV", FLUSH, 120, (81, "uipy.local")), True),
        (Rec("uipy." + HTTP, "SRV", FLUSH, 120, (80, "b.local")), True),
        (Rec("uipy." + HTTP, "SRV", FLUSH, 120, b"\0\1\0\0\0\x50\4uipy\5local\0"), True),
        (Rec("uipy." + HTTP, "SRV", FLUSH, 120, b"\0\0\0\0\0\x50"), True),
        (Rec("uipy." + HTTP, "SRV", FLUSH, 120, (80, "UIPY.local")), False),
        (Rec("uipy." + HTTP, "TXT", FLUSH, 4500, b"\x06path=/"), False),
        (Rec("uipy." + HTTP, "TXT", FLUSH, 4500, b"\x06path=?"), True),
        (Rec("uipy." + HTTP, "A", FLUSH, 4500, "1.2.3.4"), False),
        (Rec("uipy.local", "AAAA", FLUSH, 120, bytes(16)), False),
    ],
)
def test_who_has_a_name_is_at_odds_with_other_data_of_its_records(rec, clash):
    """RFC 6762 9"""
    lab = Lab(services=[PAGE])
    lab.up()
    lab.say(tell(rec))
    assert lab.mdns.established != clash


@rfc("6762 8.4-2")
def test_services_of_a_name_that_is_lost_are_withdrawn():
    lab = Lab(services=[PAGE])
    lab.up()
    lab.say(tell(THEIRS))
    lab.run(300)
    msgs = lab.say(tell(THEIRS))
    assert [m.answers for m in msgs] == [[Rec(HTTP, "PTR", IN, 0, "uipy." + HTTP)]]
    answers = lab.up()[-1].answers
    assert Rec(HTTP, "PTR", IN, 4500, "uipy-2." + HTTP) in answers


# The address, the cable


def test_without_an_address_it_is_silent():
    lab = Lab(ip=None, gateway=None)
    assert not lab.run(60_000)
    lab.stack.ifaces[0].configure(BOARD + "/24")
    assert len(lab.run(5000)) == 5
    lab.stack.ifaces[0].configure(None)
    assert not lab.run(60_000)
    assert not lab.say(ask("uipy.local", "A"))
    assert not lab.run(1000)


@rfc("6762 6.2-1", "6762 8.4-1")
def test_another_address_is_told():
    """RFC 6762 8.4"""
    lab = Lab(services=[PAGE])
    lab.up()
    lab.stack.ifaces[0].configure("192.168.1.77/24")
    msgs = lab.run(5000)
    assert len(msgs) == 2 and not probes(msgs)
    assert Rec("uipy.local", "A", FLUSH, 120, "192.168.1.77") in msgs[0].answers
    assert Rec("77.1.168.192.in-addr.arpa", "PTR", FLUSH, 120, "uipy.local") in msgs[1].answers
    assert lab.says[-1] == "mDNS: uipy.local is 192.168.1.77"


def test_another_address_while_it_probes_is_probed_with():
    lab = Lab()
    lab.run(400)
    lab.stack.ifaces[0].configure("192.168.1.77/24")
    msgs = probes(lab.run(2000))
    assert [m.authorities[0].data for m in msgs] == ["192.168.1.77"] * 3


@rfc("1035 3.5-1")
@pytest.mark.parametrize("ip", ["10.0.0.1", "1.2.30.255", "200.100.10.9", "99.109.0.201"])
def test_the_name_of_an_address(ip):
    """RFC 1035 3.5"""
    lab = Lab(ip=ip + "/16", gateway=None)
    back = ".".join(reversed(ip.split("."))) + ".in-addr.arpa"
    assert Rec(back, "PTR", FLUSH, 120, "uipy.local") in lab.up()[-1].answers


@rfc("6762 8-1")
def test_when_the_cable_comes_back_it_probes_again():
    lab = Lab()
    lab.up()
    lab.wire.up = False
    lab.run(2000)
    assert not lab.mdns.established and not lab.run(60_000)
    lab.wire.up = True
    assert len(probes(lab.run(5000))) == 3 and lab.mdns.established
    assert len(lab.says) == 1


def test_a_say_that_raises_ends_nothing():
    lab = Lab()
    lab.mdns.say = lambda text: 1 // 0
    lab.wire.run(5000)
    assert [type(exc) for exc in lab.wire.errors] == [ZeroDivisionError]
    lab.wire.errors.clear()
    assert lab.say(ask("uipy.local", "A"))


# The end


@rfc("6762 10.1-1")
def test_goodbye():
    """RFC 6762 10.1; that there are services of a type is not ours to deny"""
    lab = Lab(services=[PAGE])
    lab.up()
    lab.mdns.close()
    lab.mdns.close()
    (m,) = lab.run(0)
    assert m.flags == 0x8400 and {r.ttl for r in m.answers} == {0}
    kinds = sorted((r.name, r.kind) for r in m.answers)
    name = "uipy." + HTTP
    assert kinds == sorted(
        [
            ("uipy.local", "A"),
            ("7.1.168.192.in-addr.arpa", "PTR"),
            (HTTP, "PTR"),
            (name, "SRV"),
            (name, "TXT"),
        ]
    )
    assert not m.additionals
    lab.run(1000)
    lab.mdns.close()
    assert not lab.say(ask("uipy.local", "A"))
    assert lab.stack.bind(5353, object()) and lab.mdns not in lab.stack.layers


def test_who_never_announced_says_no_goodbye():
    lab = Lab()
    lab.mdns.close()
    assert not lab.run(1000)
    Mdns(lab.stack, "again")
    assert lab.run(1000)


def test_closed_without_an_address_the_port_is_free():
    lab = Lab()
    lab.up()
    lab.stack.ifaces[0].configure(None)
    lab.mdns.close()
    assert not lab.run(1000)
    lab.stack.bind(5353, object())


# What a caller does wrong


@pytest.mark.parametrize("name", ["", "n" * 59, "é" * 30, None])
def test_names_that_cannot_be(name):
    with pytest.raises(Error, match="1 to 58"):
        Lab(name)


@rfc("6763 4.1.1-1")
@pytest.mark.parametrize("name", ["a\nb", "\0", "kitchen\x7f"])
def test_control_characters_in_a_name_are_refused(name):
    with pytest.raises(Error, match="control"):
        Lab(name)


@rfc("6763 6.4-1", "6763 6.4-3")
@pytest.mark.parametrize(
    ("service", "exc", "says"),
    [
        (("http", 80), Error, "_http._tcp"),
        (("_http", 80), Error, "_http._tcp"),
        (("_http._sctp", 80), Error, "_http._tcp"),
        (("_abcdefghijklmnop._tcp", 80), Error, "_http._tcp"),
        (("http._tcp", 80), Error, "begins with _"),
        (("_http._tcp", 0), BadAddress, "port"),
        (("_http._tcp", 80, {"a": "x" * 254}), Error, "255"),
        (("_http._tcp", 80, {"a=": "x"}), Error, "no ="),
        (("_http._tcp", 80, {"": "x"}), Error, "no ="),
        (("_http._tcp", 80, {"k\u00fcche": "x"}), Error, "ASCII"),
        (("_http._tcp", 80, {"a\n": "x"}), Error, "ASCII"),
    ],
)
def test_services_that_cannot_be(service, exc, says):
    with pytest.raises(exc, match=says):
        Lab(services=[service])


def test_a_table_of_services_has_its_size():
    with pytest.raises(TableFull, match="services="):
        Lab(services=[("_a._tcp", 1), ("_b._tcp", 2)], rows=1)
    with pytest.raises(Busy):
        Lab(services=[("_a._tcp", 1), ("_a._tcp.local", 2)])


@rfc("6763 6-1", "6763 6.1-1")
def test_what_does_not_fit_into_a_packet_is_refused_and_forgotten():
    lab = Lab(services=[PAGE], rows=2)
    big = {"key%d" % k: "x" * 240 for k in range(6)}
    with pytest.raises(Error, match="too much"):
        lab.mdns.add("_big._tcp", 1, big)
    lab.mdns.add("_small._tcp", 1)
    answers = lab.up()[-1].answers
    assert Rec("uipy._small._tcp.local", "TXT", FLUSH, 4500, b"\0") in answers
    assert len(answers) == 13


def test_one_board_has_one_of_it():
    lab = Lab()
    with pytest.raises(Busy):
        Mdns(lab.stack, "two")
    assert lab.up() and BOARD_MAC
