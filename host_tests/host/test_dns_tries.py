"""What is not believed, silence, and whom to ask next."""

import random
from itertools import pairwise

import pytest
from host.dns_server import NAME, SERVERS, Lab, Server, Told, ip, lower, message, rr, wire
from lab.packets import mac
from uipy.host import Resolver

rfc = pytest.mark.rfc

MIN_WAIT, LONGEST = 2000, 60_000


@pytest.fixture
def lab(wire):
    return Lab(wire)


@pytest.fixture
def three(wire):
    return Lab(wire, servers=3)


def good(q):
    return message(q.number, q.section, [rr(q.asked, "A", "192.0.2.1")])


# What is not believed (RFC 5452)


def other_number(q):
    return message(q.number ^ 1, q.section, [rr(q.asked, "A", "192.0.2.66")])


def other_name(q):
    section = wire("www.example.com") + q.section[-4:]
    return message(q.number, section, [rr("www.example.com", "A", "192.0.2.66")])


def other_kind(q):
    return message(q.number, q.section[:-3] + b"\x1c\0\1", [rr(q.asked, "A", "192.0.2.66")])


def other_class(q):
    return message(q.number, q.section[:-1] + b"\3", [rr(q.asked, "A", "192.0.2.66")])


def no_reply(q):
    return message(q.number, q.section, [rr(q.asked, "A", "192.0.2.66")], flags=0x0100)


def an_update(q):
    return message(q.number, q.section, [rr(q.asked, "A", "192.0.2.66")], flags=0xA980)


def no_question(q):
    data = message(q.number, b"", [rr(q.asked, "A", "192.0.2.66")])
    return data[:4] + b"\0\0" + data[6:]


def two_questions(q):
    data = message(q.number, q.section * 2, [rr(q.asked, "A", "192.0.2.66")])
    return data[:4] + b"\0\2" + data[6:]


def short(q):
    return good(q)[:11]


def empty(q):
    return b""


def half_a_question(q):
    return good(q)[: 12 + len(q.section) - 1]


STRAYS = [
    other_number,
    other_name,
    other_kind,
    other_class,
    no_reply,
    an_update,
    no_question,
    two_questions,
    short,
    empty,
    half_a_question,
]


@rfc("1035 4.1.1-1", "1035 7.3-1", "1035 7.3-4")
@pytest.mark.parametrize("make", STRAYS)
def test_a_reply_to_nothing_that_was_asked_changes_nothing(lab, make):
    q = lab.question()
    lab.server.say(q, make(q))
    assert lab.told.errors == [] and lab.count("stray") == 1
    lab.server.say(q, good(q))
    assert lab.told.records == [["192.0.2.1"]] and lab.count("stray") == 1


def half_a_record(q):
    return good(q)[:-1]


def too_few_records(q):
    return message(q.number, q.section, [rr("x", "A", "192.0.2.1")], count=2)


def rdata_too_long(q):
    data = bytearray(good(q))
    data[-5] = 200
    return bytes(data)


def name_without_end(q):
    return message(q.number, q.section, [b"\x3fabc"], count=1)


def name_in_a_ring(q):
    at = 12 + len(q.section)
    record = bytes([0xC0, at]) + rr(q.asked, "A", "192.0.2.1")[len(wire(q.asked)) :]
    return message(q.number, q.section, [b"\1a" + record])


def alias_in_a_ring(q):
    at = 12 + len(q.section) + len(wire(q.asked)) + 10
    record = wire(q.asked) + b"\0\5\0\1\0\0\0\5\0\2" + bytes([0xC0, at])
    return message(q.number, q.section, [record])


def soa_too_long(q):
    soa = bytearray(rr("org", "SOA", 60))
    soa[14] += 1
    return message(q.number, q.section, [], [bytes(soa) + b"\0"])


def soa_without_names(q):
    return message(q.number, q.section, [], [rr("org", "TXT", [])[:5] + SOA_OF_NOTHING])


SOA_OF_NOTHING = b"\0\6\0\1\0\0\0\5\0\x14" + b"\x3f" * 20


@rfc("1035 7.3-2")
@pytest.mark.parametrize(
    "make",
    [
        half_a_record,
        too_few_records,
        rdata_too_long,
        name_without_end,
        alias_in_a_ring,
        soa_too_long,
        soa_without_names,
    ],
)
def test_what_is_no_message_changes_nothing(lab, make):
    q = lab.question()
    lab.server.say(q, make(q))
    assert lab.told.errors == [] and lab.count("bad") == 1
    lab.server.say(q, good(q))
    assert lab.told.records == [["192.0.2.1"]]


def test_a_name_in_a_ring_is_nobodys(lab):
    q = lab.question()
    lab.server.say(q, name_in_a_ring(q))
    assert lab.told.errors == ["no such data"]


def test_a_reply_from_another_address_or_port_is_not_believed(wire):
    lab = Lab(wire)
    other = Server(wire, "192.168.1.66", mac("02:00:00:00:00:66"))
    q = lab.question()
    other.say(q, good(q))
    lab.server.say(q, good(q), sport=5353)
    assert lab.told.errors == [] and lab.count("stray") == 2
    lab.server.say(q, good(q))
    assert lab.told.errors == [None]


@rfc("1035 7.4-2")
def test_records_of_other_names_classes_and_sizes_are_not_taken(lab):
    q = lab.question()
    lab.server.reply(
        q,
        rr("evil.example.org", "A", "192.0.2.66"),
        rr(q.asked, "A", "192.0.2.66", cls=3),
        rr(q.asked, "AAAA", bytes(16)),
        rr(q.asked, "A", "192.0.2"),
        rr(q.asked, "A", "192.0.2.1"),
    )
    assert lab.told.records == [["192.0.2.1"]]


@rfc("1035 7.4-2")
def test_what_came_besides_is_not_kept(lab):
    q = lab.question()
    besides = rr("other.example.org", "A", "192.0.2.66")
    lab.server.reply(q, rr(q.asked, "A", "192.0.2.1"), besides, authority=[besides])
    assert lab.question("other.example.org").name == "other.example.org"


@rfc("1035 4.2.1-3", "7766 7-1")
def test_replies_may_come_in_another_order(lab):
    first, second = lab.question("a.b"), lab.question("c.b")
    lab.server.reply(second, rr(second.asked, "A", "192.0.2.2"))
    lab.server.reply(first, rr(first.asked, "A", "192.0.2.1"))
    assert lab.told.records == [["192.0.2.2"], ["192.0.2.1"]] and lab.settled()


@pytest.mark.parametrize("text", [b"\5abc", b"\3abc\1"])
def test_strings_that_are_longer_than_their_record_are_no_text(lab, text):
    q = lab.question(kind="TXT")
    record = bytearray(rr(q.asked, "TXT", [b"x" * (len(text) - 1)]))
    record[-len(text) :] = text
    lab.server.reply(q, bytes(record))
    assert lab.told.errors == ["no such data"]


def test_each_question_has_a_number_a_port_and_letters_by_chance(lab):
    seen = []
    for k in range(60):
        lab.r.flush()
        q = lab.question()
        seen.append((q.number, q.sport, q.asked))
        lab.server.say(q, good(q))
    numbers, ports, letters = (set(x) for x in zip(*seen, strict=True))
    assert len(numbers) > 58 and len(ports) > 55 and len(letters) > 55
    assert all(port >= 49152 for port in ports)
    # Each letter is found in both cases, more or less as often.
    for k, c in enumerate("www.example.org"):
        upper = sum(name[k].isupper() for name in letters)
        assert 10 < upper < 50 if c != "." else not upper


# Silence, refusals, and whom to ask next


@rfc("1035 4.2.1-2", "1035 7.1-1")
def test_a_silent_server_is_asked_three_times_and_then_it_is_said(lab):
    lab.ask()
    lab.wire.run(LONGEST)
    times = [q.at for q in lab.server.asked()]
    assert [b - a for a, b in pairwise(times)] == [2000, 4000]
    assert lab.told.errors == ["timeout"] and lab.settled()
    assert lab.count("timeout") == 3
    assert lab.lines == ["dns: www.example.org: timeout (asked: 192.168.1.53)"]
    lab.server.say(lab.question("a.b"), b"")
    lab.wire.run(LONGEST)
    lab.server.asked()
    q = lab.question()
    lab.server.say(q, good(q))
    assert lab.lines[2:] == ["dns: 192.168.1.53 answers"]


def test_the_same_complaint_is_made_once(lab):
    for _ in range(3):
        lab.ask()
        lab.wire.run(LONGEST)
    assert len(lab.lines) == 1 and lab.count("failed") == 3


@rfc("1035 4.2.1-1")
def test_three_servers_are_asked_twice_each(three):
    three.ask()
    three.wire.run(LONGEST)
    assert [len(s.asked()) for s in three.servers] == [2, 2, 2]
    assert three.told.errors == ["timeout"]


def test_the_server_that_answered_is_asked_first_from_then_on(three):
    three.ask()
    three.wire.run(MIN_WAIT)
    q = three.servers[1].one()
    three.servers[1].say(q, good(q))
    assert three.told.errors == [None]
    three.servers[0].asked()
    three.ask("other.example.org")
    assert len(three.servers[1].asked()) == 1 and not three.servers[0].asked()


def test_a_late_reply_of_the_server_before_is_not_believed(three):
    three.ask()
    first = three.servers[0].one()
    three.wire.run(MIN_WAIT)
    second = three.servers[1].one()
    assert (first.number, first.sport) != (second.number, second.sport)
    three.servers[0].say(first, good(first))
    assert three.told.errors == []


@rfc("1035 7.2-1")
@pytest.mark.parametrize(
    ("rcode", "error"), [(5, "refused"), (2, "server failure"), (4, "server failure")]
)
def test_who_cannot_answer_is_passed_over_at_once(three, rcode, error):
    three.ask()
    for k in range(6):
        server = three.servers[k % 3]
        server.reply(server.one(), rcode=rcode)
    assert three.told.errors == [error] and three.settled()
    assert three.lines == ["dns: www.example.org: %s (asked: %s)" % (error, ", ".join(SERVERS))]


def test_a_server_that_only_knows_whom_to_ask_is_passed_over(three):
    three.ask()
    server = three.servers[0]
    server.reply(server.one(), authority=[rr("org", "NS", "ns.org")], flags=0x8000)
    q = three.servers[1].one()
    three.servers[1].say(q, good(q))
    assert three.told.errors == [None]


def test_a_host_without_a_name_server_is_passed_over_at_once(three):
    q_frame = None
    three.ask()
    q_frame = three.servers[0].one().frame
    three.servers[0].icmp_error(3, 3, q_frame)
    q = three.servers[1].one()
    three.servers[1].say(q, good(q))
    assert three.told.errors == [None]


def test_a_server_that_is_not_there_is_passed_over(wire):
    lab = Lab(wire, servers=2)
    lab.servers[0].answers_arp = False
    lab.ask()
    lab.wire.run(MIN_WAIT + 500)
    q = lab.servers[1].one()
    lab.servers[1].say(q, good(q))
    assert lab.told.errors == [None]


def test_without_a_server_it_is_said_at_once(wire):
    lab = Lab(wire, servers=0)
    lab.ask()
    assert lab.told.errors == ["no server"]
    assert lab.lines == [
        "dns: www.example.org: no server; give it a name server, by hand or by DHCP"
    ]


def test_without_a_way_it_is_said_at_once(wire):
    stack = wire.board(gateway=None)
    told = Told()
    Resolver(stack, ["10.1.1.1"]).resolve("a.b", "A", told)
    wire.run(10)
    assert told.errors == ["unreachable"]


def test_without_a_free_port_it_is_said(wire):
    lab = Lab(wire, stack={"udp": 1})
    lab.stack.bind(9, None)
    lab.ask()
    assert lab.told.errors == ["no free port"]


def test_servers_are_read_when_they_are_needed_and_others_know_other_names(wire):
    servers = bytearray(12)
    stack = wire.board()
    told = Told()
    r = Resolver(stack, servers)
    one, two = (Server(wire, SERVERS[k], mac("02:00:00:00:00:9%d" % k)) for k in range(2))
    servers[4:8] = ip(SERVERS[0])
    r.resolve(NAME, "A", told)
    wire.settle()
    q = one.one()
    one.say(q, good(q))
    assert told.errors == [None]
    servers[:8] = ip(SERVERS[1]) + bytes(4)
    r.resolve(NAME, "A", told)
    wire.settle()
    q = two.one()
    two.reply(q, rr(q.asked, "A", "10.0.0.1"))
    assert told.records[1] == ["10.0.0.1"]


# Months


def later(lab, ms):
    """So much time goes by, in steps of a board that has nothing to do."""
    while ms > 0:
        step = min(ms, 86_000_000)
        lab.wire.clock.ms += step
        lab.wire.settle()
        ms -= step


@rfc("1035 7.3-3")
def test_times_to_live_are_counted_down_for_months(lab):
    day = 86_400_000
    lab.server.reply(lab.question(), rr(NAME, "A", "192.0.2.1", ttl=2**31 + 5))
    assert lab.told.ttls == [86_400]  # RFC 8767 4: a large one, and a day at the most
    later(lab, day - 1000)
    lab.ask()
    assert lab.told.ttls == [86_400, 1] and not lab.server.asked()
    later(lab, 60 * day)  # the clock wraps after twelve
    lab.ask("192.0.2.1")  # whoever asks has the clock moved on
    assert abs(lab.r.seconds - 61 * 86_400) <= 1
    for _ in range(5):
        q = lab.question()
        lab.server.reply(q, rr(NAME, "A", "192.0.2.1", ttl=86_400))
        later(lab, 13 * day)
    assert lab.count("asked") == 6 and lab.count("cached") == 1


@rfc("1035 3.2.1-1")
def test_a_time_to_live_of_0_is_not_kept(lab):
    lab.server.reply(lab.question(), rr(NAME, "A", "192.0.2.1", ttl=0))
    assert lab.question() and lab.told.errors == [None]


def test_a_time_to_live_of_1_is_kept_for_a_second(lab):
    lab.server.reply(lab.question(), rr(NAME, "A", "192.0.2.1", ttl=1))
    lab.ask()
    assert lab.told.ttls == [1, 1] and not lab.server.asked()
    lab.wire.run(1000)
    assert lab.question()


def test_every_answer_is_kept_with_its_own_data(lab):
    names = {"a.b": ["192.0.2.1"], "b.b": ["192.0.2.2", "192.0.2.3"], "c.b": ["192.0.2.4"]}
    for name, addresses in names.items():
        q = lab.question(name)
        lab.server.reply(q, *[rr(q.asked, "A", ip) for ip in addresses])
    for _ in range(2):
        for name in names:
            lab.ask(name)
    assert lab.told.records == list(names.values()) * 3 and not lab.server.asked()


def test_a_longer_answer_than_68_octets_is_not_kept(lab):
    for n, kept in ((11, True), (12, False)):
        q = lab.question("n%d.b" % n)
        lab.server.reply(q, *[rr(q.asked, "A", "192.0.2.%d" % k) for k in range(n)])
        lab.ask("n%d.b" % n)
        assert bool(lab.server.asked()) != kept


def test_the_answer_that_goes_first_makes_room(wire):
    lab = Lab(wire, cache=2)
    for name, ttl in (("a.b", 100), ("b.b", 50), ("c.b", 70)):
        q = lab.question(name)
        lab.server.reply(q, rr(q.asked, "A", "192.0.2.1", ttl=ttl))
    for name, known in (("a.b", True), ("c.b", True), ("b.b", False)):
        lab.ask(name)
        assert bool(lab.server.asked()) != known


def test_a_board_that_has_no_address_yet_says_so(wire):
    stack = wire.board(ip=None, gateway=None)
    told = Told()
    Resolver(stack, SERVERS).resolve("a.b", "A", told)
    wire.run(10)
    assert told.errors == ["unreachable"]


def test_a_resolver_with_nothing_to_ask_sleeps_for_days(wire):
    lab = Lab(wire)
    lab.wire.run(1000)
    assert lab.r.deadline(lab.wire.clock.now) > 2**27


# Letters


def test_a_server_that_changes_letters_and_has_no_tcp_is_asked_plainly(lab):
    q = lab.question("WWWWWWWWWWWWWWWWWWW.example.org")
    lab.server.say(q, lower(q))
    assert lab.told.errors == [] and lab.count("case") == 1
    q = lab.server.one()
    assert q.asked == q.name
    lab.server.say(q, lower(q))
    assert lab.told.errors == [None] and lab.count("failed") == 0


# Garbage


def test_ten_thousand_replies_of_garbage_are_taken_in(lab, wire):
    rnd = random.Random(5)
    q = lab.question()
    told = 0
    kinds = ["A", "CNAME", "SOA", "TXT", "SRV"]
    for k in range(10_000):
        if lab.told.errors:
            lab.told.errors.clear()
            lab.r.flush()
            told += 1
            lab.ask(kind=rnd.choice(["A", "TXT", "SRV", "PTR"]))
        asked = lab.server.asked()
        if not asked and not any(lab.stack.udp.nums):
            wire.run(10)
        q = asked[-1] if asked else q
        owner = rnd.choice([q.asked, b"\xc0\x0c", "x.y"])
        values = {"A": "1.2.3.4", "CNAME": "a.b", "SOA": 5, "TXT": [b"abc"]}
        values["SRV"] = (1, 2, 3, "h.org")
        kind = rnd.choice(kinds)
        answers = [rr(owner, kind, values[kind]) for _ in range(rnd.randrange(4))]
        data = bytearray(message(q.number, q.section, answers, answers, rnd.choice((0, 0, 3))))
        for _ in range(rnd.choice([0, 1, 1, 2, 9])):
            at = rnd.randrange(2 if rnd.random() < 0.9 else 0, len(data))
            data[at] = rnd.choice([0, 255, 0xC0, 12, rnd.randrange(256)])
        data = data[: rnd.choice([len(data), rnd.randrange(len(data))])]
        lab.server.say(q, bytes(data))
        if k % 500 == 0:
            wire.run(LONGEST)
    wire.run(LONGEST)
    assert lab.settled() and not wire.errors
    assert told > 100 and lab.count("bad") > 100 and lab.count("stray") > 1000
    lab.r.flush()
    lab.server.asked()
    q = lab.question()
    lab.server.say(q, good(q))
    assert lab.told.errors[-1] is None
