"""What a board answers to questions about its name and its services (RFC 6762 5.4, 6, 7)."""

import pytest
from lab.mdns import FLUSH, GROUP, IN, META, PORT, QU, Lab, Rec, ask, message, probe, tell
from lab.net import BOARD

rfc = pytest.mark.rfc

HTTP = "_http._tcp.local"
NAME = "uipy." + HTTP
PAGE = ("_http._tcp", 80, {"path": "/"})
A = Rec("uipy.local", "A", FLUSH, 120, BOARD)
NSEC = Rec("uipy.local", "NSEC", FLUSH, 120, ("uipy.local", b"\0\1\x40"))
PTR = Rec(HTTP, "PTR", IN, 4500, NAME)
SRV = Rec(NAME, "SRV", FLUSH, 120, (80, "uipy.local"))
TXT = Rec(NAME, "TXT", FLUSH, 4500, b"\x06path=/")
NO_MORE = Rec(NAME, "NSEC", FLUSH, 120, (NAME, b"\0\5\0\0\x80\0\x40"))
TYPE = Rec(META, "PTR", IN, 4500, HTTP)
BACK = Rec("7.1.168.192.in-addr.arpa", "PTR", FLUSH, 120, "uipy.local")
PEER = "192.168.1.9"


@pytest.fixture
def lab():
    made = Lab(services=[PAGE])
    made.up()
    return made


def one(msgs):
    assert len(msgs) == 1, msgs
    return msgs[0]


def later(lab, low=20, high=120):
    """The only message, and it is sent within these ms."""
    before = lab.wire.clock.ms
    m = one(lab.run(1000))
    assert low <= m.ms - before <= high
    lab.run(1000)  # of the rate limit
    return m


# Who answers what


@rfc(
    "6762 6-4",
    "6762 6-6",
    "6762 6-8",
    "6762 6-10",
    "6762 6.2-1",
    "6762 6.2-2",
    "6762 10.2-1",
    "6762 11-1",
    "6762 18.1-1",
    "6762 18.4-1",
    "6762 18.5-1",
)
@pytest.mark.parametrize("name", ["uipy.local", "UIPY.Local"])
def test_what_is_ours_alone_is_told_to_all_at_once(lab, name):
    """RFC 6762 6; 18.1, 18.2: the header; 6.1: what there is not, in addition"""
    m = one(lab.say(ask(name, "A", ident=77)))
    assert (m.dst, m.dport, m.ident, m.flags) == (GROUP, PORT, 0, 0x8400)
    assert (m.questions, m.answers, m.additionals) == ([], [A], [NSEC])


@rfc("6762 6-2", "6762 6.1-1", "6762 6.1-2", "6762 6.1-4")
def test_what_there_is_not_is_denied(lab):
    """RFC 6762 6.1, 6.2"""
    m = one(lab.say(ask("uipy.local", "AAAA")))
    assert (m.answers, m.additionals) == ([NSEC], [A])
    m = one(lab.say(ask(NAME, "A")))
    assert m.answers == [NO_MORE]


@rfc("6762 6.5-1", "6763 12.2-1")
def test_all_that_a_name_has(lab):
    """RFC 6762 6.5"""
    m = one(lab.say(ask(NAME, "ANY")))
    assert (m.answers, m.additionals) == ([SRV, TXT], [A])
    lab.run(1000)
    assert one(lab.say(ask("uipy.local", "ANY"))).answers == [A]


@rfc("6762 6-7", "6762 10.2-4", "6763 12.1-1")
def test_a_service_comes_with_all_that_is_asked_for_next(lab):
    """RFC 6763 12.1; RFC 6762 6: others may answer too, so it waits 20 to 120 ms"""
    assert not lab.say(ask(HTTP, "PTR"))
    m = later(lab)
    assert m.answers == [PTR] and set(m.additionals) == {SRV, TXT, A}


@rfc("6762 6-7")
def test_the_wait_is_random():
    waits = set()
    for k in range(8):
        lab = Lab(services=[PAGE], key=b"secret %d" % k)
        lab.up()
        before = lab.wire.clock.ms
        lab.say(ask(HTTP, "PTR"))
        waits.add(later(lab).ms - before)
    assert len(waits) > 4


@rfc("6763 9-1")
def test_the_types_that_there_are(lab):
    """RFC 6763 9"""
    lab.mdns.add("_ipp._tcp", 631)
    lab.up()
    lab.say(ask(META, "PTR"))
    assert later(lab).answers == [TYPE, TYPE._replace(data="_ipp._tcp.local")]


def test_the_name_of_our_address(lab):
    m = one(lab.say(ask(BACK.name, "PTR")))
    assert (m.answers, m.additionals) == ([BACK], [A])


@rfc("6762 6.3-1", "6762 6.4-1", "6762 6.3-2")
def test_several_questions_have_one_answer(lab):
    """RFC 6762 6.3"""
    lab.say(message([("uipy.local", "A", IN), (HTTP, "PTR", IN), (META, "PTR", IN)]))
    m = later(lab)
    assert set(m.answers) == {A, PTR, TYPE}


@rfc("6762 6-1", "6762 6-3")
@pytest.mark.parametrize(
    ("name", "kind", "cls"),
    [
        ("uipy-2.local", "A", IN),
        ("uip.local", "A", IN),
        ("uipy.local.local", "A", IN),
        ("local", "A", IN),
        ("8.1.168.192.in-addr.arpa", "PTR", IN),
        ("_https._tcp.local", "PTR", IN),
        (HTTP, "A", IN),
        (META, "TXT", IN),
        ("uipy.local", "A", 3),
    ],
)
def test_what_is_not_asked_of_us(lab, name, kind, cls):
    assert not lab.say(ask(name, kind, cls)) and not lab.run(2000)


def test_a_class_of_any_is_ours_too(lab):
    assert one(lab.say(ask("uipy.local", "A", 255))).answers == [A]


# One second between, and what is known


@rfc("6762 6-12")
def test_a_record_is_told_to_all_once_a_second(lab):
    """RFC 6762 6"""
    first = one(lab.say(ask("uipy.local", "A"))).ms
    for _ in range(5):
        assert not lab.say(ask("uipy.local", "A"))
    m = one(lab.run(5000))
    assert m.ms - first == 1000 and m.answers == [A] and not m.additionals[1:]


@rfc("6762 6-13")
def test_who_probes_for_our_name_hears_it_at_once(lab):
    """RFC 6762 6: 250 ms in that case; 8.1"""
    first = one(lab.say(ask("uipy.local", "A"))).ms
    lab.run(250)
    m = one(lab.say(probe("uipy.local", A._replace(data=PEER, cls=IN))))
    assert m.ms - first == 250 and m.answers == [A]
    lab.say(probe("uipy.local", A._replace(data=PEER, cls=IN)))
    lab.run(3000)
    assert lab.mdns.name == "uipy"


@rfc("6762 7.1-1", "6762 7.1-2")
def test_what_is_known_is_not_told(lab):
    """RFC 6762 7.1: while half of its TTL is left"""
    for known in (PTR, PTR._replace(ttl=2250)):
        lab.say(ask(HTTP, "PTR", known=[known]))
        assert not lab.run(2000)
    assert lab.count("mdns_known") == 2
    for known in (
        PTR._replace(ttl=2249),
        PTR._replace(data="other." + HTTP),
        PTR._replace(name="_ftp._tcp.local"),
    ):
        lab.say(ask(HTTP, "PTR", known=[known]))
        assert later(lab).answers == [PTR]
    assert not lab.say(ask("uipy.local", "A", known=[A._replace(cls=IN, ttl=60)]))
    assert one(lab.say(ask("uipy.local", "A", known=[A._replace(data=PEER)]))).answers == [A]
    known = [SRV, SRV._replace(data=(81, "uipy.local")), TXT._replace(data=b"\x01a")]
    assert one(lab.say(ask(NAME, "ANY", known=known))).answers == [TXT]


@rfc("6762 7.2-1", "6762 6-14")
def test_known_answers_that_follow_are_waited_for(lab):
    """RFC 6762 7.2: 400 to 500 ms when TC says so"""
    lab.say(ask(HTTP, "PTR", flags=0x0200))
    assert later(lab, 400, 500).answers == [PTR]
    lab.say(ask(HTTP, "PTR", flags=0x0200))
    lab.run(100)
    lab.say(message(answers=[PTR]))
    assert not lab.run(2000)


@rfc("6762 7.2-1")
def test_known_answers_of_another_host_silence_nobody(lab):
    lab.say(ask(HTTP, "PTR", flags=0x0200))
    lab.say(message(answers=[PTR]), src="192.168.1.20")
    assert later(lab, 400, 500).answers == [PTR]
    lab.say(ask(HTTP, "PTR", flags=0x0200))
    lab.say(ask(HTTP, "PTR"), src="192.168.1.20")
    lab.say(message(answers=[PTR]))
    assert later(lab).answers == [PTR]
    lab.say(ask(HTTP, "PTR", flags=0x0200))
    lab.say(ask(HTTP, "PTR", flags=0x0200), src="192.168.1.20")
    lab.say(message(answers=[PTR]), src="192.168.1.20")
    assert later(lab, 400, 500).answers == [PTR]


@rfc("6762 7.4-1")
def test_what_another_host_has_just_told_is_not_repeated(lab):
    """RFC 6762 7.4"""
    lab.say(ask(META, "PTR"))
    lab.say(tell(TYPE), src="192.168.1.20")
    assert not lab.run(2000)
    lab.say(ask(META, "PTR"))
    lab.say(tell(TYPE._replace(ttl=4499)), src="192.168.1.20")
    assert later(lab).answers == [TYPE]


def test_what_nobody_asked_for_is_no_answer_of_ours(lab):
    lab.say(tell(TYPE), src="192.168.1.20")
    assert not lab.count("mdns_known")
    lab.say(ask(META, "PTR"))
    assert later(lab).answers == [TYPE]


@rfc("6762 6.6-1")
def test_what_another_host_says_to_end_is_told_again(lab):
    """RFC 6762 6.6"""
    lab.say(tell(TYPE._replace(ttl=0)), src="192.168.1.20")
    assert later(lab).answers == [TYPE]
    lab.say(tell(TYPE._replace(ttl=2250)), src="192.168.1.20")
    assert not lab.run(2000)


# To one host


@rfc("6762 5.4-2", "6762 6-4", "6762 6-8", "6762 11-1")
def test_who_wants_the_answer_alone_gets_it_alone(lab):
    """RFC 6762 5.4; 18.1: with the number of its query"""
    m = one(lab.say(ask("uipy.local", "A", QU, ident=99)))
    assert (m.dst, m.dport, m.ident, m.flags) == (PEER, PORT, 99, 0x8400)
    assert (m.questions, m.answers, m.additionals) == ([], [A], [NSEC])
    assert not lab.run(2000)


@rfc("6762 5.4-3")
def test_after_a_quarter_of_its_ttl_all_are_told(lab):
    """RFC 6762 5.4"""
    lab.run(25_000)
    assert one(lab.say(ask("uipy.local", "A", QU))).dst == PEER
    lab.run(5_000)
    assert one(lab.say(ask("uipy.local", "A", QU))).dst == GROUP
    assert one(lab.say(ask("uipy.local", "A", QU))).dst == PEER
    assert one(lab.say(ask(NAME, "TXT", QU))).dst == PEER
    lab.run(1_125_000)
    assert one(lab.say(ask(NAME, "TXT", QU))).dst == GROUP


def test_one_and_all_in_one_query(lab):
    m = one(lab.say(message([("uipy.local", "A", QU), (HTTP, "PTR", IN)])))
    assert m.dst == PEER and m.answers == [A]
    m = later(lab)
    assert m.dst == GROUP and m.answers == [PTR]


@rfc(
    "6762 6.7-1",
    "6762 6.7-2",
    "6762 6.7-3",
    "6762 6.7-4",
    "6762 10.2-2",
    "6762 18.1-2",
    "6762 18.14-3",
)
def test_who_speaks_ordinary_dns_gets_an_ordinary_answer(lab):
    """RFC 6762 6.7: its number, its question, 10 s, no cache-flush bit; 18.14: SRV is not
    shortened"""
    m = one(lab.say(ask("uipy.local", "A", ident=99), sport=40000))
    assert (m.dst, m.dport, m.ident, m.flags) == (PEER, 40000, 99, 0x8400)
    assert m.questions == [("uipy.local", "A", IN)]
    assert (m.answers, m.additionals) == ([A._replace(cls=IN, ttl=10)], [])
    m = one(lab.say(ask(NAME, "SRV"), sport=40000))
    assert m.answers == [SRV._replace(cls=IN, ttl=10)]
    assert m.octets.endswith(b"\x04uipy\x05local\0")
    two = message([("uipy.local", "A", IN), ("b.local", "A", IN), (HTTP, "PTR", IN)])
    m = one(lab.say(two, sport=40000))
    assert len(m.questions) == 3 and [r.kind for r in m.answers] == ["A", "PTR"]
    assert not lab.run(2000)


def test_a_query_for_us_alone_is_answered_alone_or_to_all(lab):
    """RFC 6762 5.5: it comes from our subnet"""
    assert one(lab.say(ask("uipy.local", "A", QU), dst=BOARD)).dst == PEER
    m = one(lab.say(ask("uipy.local", "A"), dst=BOARD, sport=4000))
    assert (m.dst, m.dport) == (PEER, 4000)


# What is not heard


@rfc("6762 5.5-1")
def test_what_comes_from_another_link_is_not_heard(lab):
    """RFC 6762 11"""
    assert not lab.say(ask("uipy.local", "A"), src="10.1.1.1", dst=BOARD)
    assert not lab.say(ask("uipy.local", "A"), src="10.1.1.1", dst=BOARD, sport=4000)
    assert lab.count("mdns_far") == 2
    assert one(lab.say(ask("uipy.local", "A"), src="10.1.1.1")).dst == GROUP
    lab.run(1000)
    assert one(lab.say(ask("uipy.local", "A"), src="169.254.1.1", ttl=1)).dst == GROUP


@rfc("6762 6-9")
def test_answers_from_another_port_are_not_heard(lab):
    """RFC 6762 6"""
    lab.say(tell(A._replace(data=PEER)), sport=53)
    assert lab.mdns.established and lab.count("mdns_far") == 1


@rfc("6762 18.3-1", "6762 18.11-1")
@pytest.mark.parametrize("flags", [0x2800, 0x0800, 0x0003, 0x8403, 0xF800])
def test_other_codes_are_not_heard(lab, flags):
    """RFC 6762 18.3, 18.11"""
    assert not lab.say(ask("uipy.local", "A", known=[A._replace(data=PEER)], flags=flags))
    assert lab.mdns.established and lab.count("mdns_bad") == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0" * 11,
        message([("uipy.local", "A", IN)])[:-1],
        message([("uipy.local", "A", IN)] * 65),
        ask("uipy.local", "A", known=[A])[:-3],
        b"\0\0\x84\0\0\1\0\0\0\0\0\0\xff",
        tell(A)[:-1],
    ],
)
def test_what_is_malformed_is_counted(lab, octets):
    lab.say(octets)
    assert lab.count("mdns_bad") == 1 and lab.count("mdns_in") == 1


@rfc("6762 6-5")
def test_a_question_in_an_answer_is_not_heard(lab):
    """RFC 6762 6"""
    assert not lab.say(ask("uipy.local", "A", flags=0x8400)) and not lab.run(2000)


@rfc("6762 18.6-1", "6762 18.7-1", "6762 18.8-1", "6762 18.9-1", "6762 18.10-1")
def test_other_flags_mean_nothing(lab):
    """RFC 6762 18: AA, RD, RA, Z, AD, CD"""
    assert one(lab.say(ask("uipy.local", "A", flags=0x05F0))).answers == [A]


# How much a packet has


def test_small_packets_have_several_messages():
    lab = Lab(services=[PAGE, ("_b._tcp", 2)])
    lab.stack.ifaces[0].mtu = 160
    lab.up()
    more = [("uipy._b._tcp.local", "ANY", IN), ("_b._tcp.local", "PTR", IN)]
    lab.say(message([(META, "PTR", IN), (HTTP, "PTR", IN), (NAME, "ANY", IN), *more]))
    msgs = lab.run(1000)
    assert all(len(m.octets) <= 132 for m in msgs)
    got = [r for m in msgs for r in m.answers]
    assert len(got) == len({r[:2] + r[4:] for r in got}) == 8 and len(msgs) > 1


@rfc("6762 6.4-1")
def test_a_big_table_is_told_in_few_messages():
    many = [("_s%d._tcp" % k, 100 + k, {"number": k}) for k in range(8)]
    lab = Lab(services=many, rows=8)
    lab.up()
    lab.say(ask(META, "PTR"))
    m = later(lab)
    assert len(m.answers) == 8
    for k in range(8):
        m = one(lab.say(ask("uipy._s%d._tcp.local" % k, "SRV", QU)))
        assert m.answers[0].data == (100 + k, "uipy.local")


def test_months_later_it_answers_as_at_first(lab):
    for _ in range(40):
        lab.wire.clock.ms += 86_400_000 * 3
        lab.run(1000)
        m = one(lab.say(ask("uipy.local", "A", QU)))
        assert m.dst == GROUP and m.answers == [A]
        assert one(lab.say(ask("uipy.local", "A", QU))).dst == PEER
