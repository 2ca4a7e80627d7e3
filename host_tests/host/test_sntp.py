"""SNTP: what the time is, who is asked, and what is not believed."""

import random

import pytest
from host.ntp import START, Bench, since_1900
from lab import packets
from lab.net import BOARD, Wire
from uipy import BadAddress, Error
from uipy.host import Sntp

rfc = pytest.mark.rfc

DAY = 86400


def gaps(server):
    """Seconds between the requests."""
    return [(b[0] - a[0]) / 1000 for a, b in zip(server.asked, server.asked[1:], strict=False)]


def test_the_time_is_that_of_the_server():
    b = Bench()
    assert b.sntp.utc() is None and b.sntp.server is None and b.sntp.age is None
    assert b.sntp.unix() is None and b.sntp.stratum == 0
    b.run(10)
    assert b.off == 0
    assert b.sntp.server == b.servers[0].ip and b.sntp.stratum == 2
    assert b.said[0].startswith("It is 2026-11-21 21:10:3") and "192.168.1.20" in b.said[0]
    assert b.sntp.unix() == b.servers[0].ms // 1000 - 2208988800
    assert b.sntp.age in range(7, 11)
    assert len(b.said) == 1


def test_the_time_goes_into_nine_octets():
    b = Bench()
    t = bytearray(11)
    assert b.sntp.into(t, 1) == 0
    b.run(10)
    assert b.sntp.into(t, 1) == 1
    year, month, day, hour, minute, second, ms = b.sntp.utc()
    assert t == bytes([0, year >> 8, year & 255, month, day, hour, minute, second]) + bytes(
        [ms >> 8, ms & 255, 0]
    )


def test_a_request_says_nothing_of_us():
    b = Bench()
    b.run(600)
    marks = [request[40:48] for _, request in b.servers[0].asked]
    assert len(set(marks)) == len(marks) > 3
    for _, request in b.servers[0].asked:
        assert request[:40] == b"\x23" + bytes(39) and len(request) == 48


@rfc("5905 14-1")
def test_half_of_the_round_trip_is_added():
    b = Bench()
    server = b.servers[0]
    server.lie = None
    b.run(3)
    server.wire.clock.ms += 80  # the way back; the one there took 0
    frame = server.answer(server.asked[0][1][40:48], receive=server.ms - 50, transmit=server.ms)
    way = server.wire.clock.ms - server.asked[0][0] - 50
    b.wire.give(frame)
    assert b.off == way // 2


def test_the_interval_grows_from_64_s_to_1024_s_and_is_never_the_same():
    b = Bench()
    b.run(DAY)
    steps = gaps(b.servers[0])
    for step, s in zip(steps, (64, 128, 256, 512, 1024, 1024, 1024), strict=False):
        assert s <= step <= s * 9 / 8 + 1
    assert len(set(steps)) > 40
    assert b.count("in") == len(steps) + 1 and b.off == 0


def test_the_first_request_waits_for_a_random_moment():
    first = set()
    for _ in range(5):
        b = Bench()
        b.stack.key[0] = len(first)
        b.sntp.at = b.stack.now
        first.add(8 * b.stack.random8())
    assert len(first) > 3 and max(first) < 2048


def test_a_silent_server_is_asked_less_and_less():
    b = Bench()
    b.servers[0].lie = None
    b.run(DAY)
    steps = gaps(b.servers[0])
    for step, s in zip(steps, (16, 32, 64, 128, 256, 512, 1024, 1024), strict=False):
        assert s <= step <= s * 9 / 8 + 6
    assert len(b.said) == 1 and "192.168.1.20" in b.said[0] and "123" in b.said[0]
    b.servers[0].lie = {}
    b.run(1200)
    assert b.off == 0 and len(b.said) == 2


def test_the_next_server_is_asked_when_one_is_silent():
    b = Bench(3)
    b.servers[0].lie = b.servers[1].lie = None
    b.run(20)
    assert b.sntp.server == b.servers[2].ip
    assert [len(s.asked) for s in b.servers] == [1, 1, 1]
    b.run(DAY)
    assert [len(s.asked) for s in b.servers[:2]] == [1, 1]  # who answers is stayed with
    b.servers[2].lie = None
    b.servers[1].lie = {}
    b.run(1200)
    assert b.sntp.server == b.servers[1].ip


def test_a_server_that_is_no_host_is_passed_over():
    b = Bench(1, servers=["192.168.1.99", "192.168.1.20"])
    b.run(20)
    assert b.sntp.server == "192.168.1.20"


def test_a_refused_port_is_passed_over_at_once():
    b = Bench(2)
    server = b.servers[0]
    server.lie = None
    while not server.asked:
        b.run(0.1)
    at = server.asked[0][0]
    raw = packets.ip4(BOARD, server.ip, 17, packets.udp(BOARD, server.ip, server.sport, 123, b""))
    b.wire.give(server.datagram(1, packets.icmp(3, 3, bytes(4) + raw[:28])))
    b.run(0.5)
    assert b.sntp.server == b.servers[1].ip and b.wire.clock.ms - at < 1000


def test_servers_may_come_and_go_in_a_table_that_is_shared():
    table = bytearray(12)
    b = Bench(2, servers=table)
    b.run(60)
    assert len(b.said) == 1 and "No time server is known" in b.said[0]
    table[4:8] = bytes([192, 168, 1, 21])
    b.run(5)
    assert b.sntp.server == "192.168.1.21"
    table[4:8] = bytes([192, 168, 1, 20])
    b.run(70)
    assert b.sntp.server == "192.168.1.20"
    told = len(b.said)
    table[:] = bytes(12)
    b.run(DAY)
    assert b.off == 0 and b.sntp.age > DAY - 200
    assert len(b.said) == told + 1 and "No time server is known" in b.said[-1]


def test_nothing_is_sent_before_we_have_an_address():
    b = Bench()
    b.stack.ifaces[0].configure()
    b.run(100)
    assert not b.servers[0].asked and not b.wire.errors
    b.stack.ifaces[0].configure(BOARD + "/24")
    b.run(6)
    assert b.off == 0


def test_without_ethernet_nothing_is_sent_before_we_have_an_address_either():
    b = Bench(wire=Wire(l2=0), ip=None)
    b.run(100)
    assert not b.servers[0].asked
    b.stack.ifaces[0].configure(BOARD + "/24")
    b.run(6)
    assert b.off == 0


def test_a_request_that_cannot_leave_is_given_up():
    b = Bench(2)
    iface = b.stack.ifaces[0]
    reach, iface.reach = iface.reach, lambda row, off: 0  # the neighbour is still being asked for
    b.run(30)
    assert b.count("out") > 2 and not b.servers[0].asked
    iface.reach = reach
    b.run(60)
    assert b.off == 0 and not b.wire.errors


# What is not believed


def wrong(b, seconds=3600, **lie):
    """The server answers so for a while."""
    b.servers[0].lie = lie
    b.run(seconds)


@rfc("5905 14-1")
@pytest.mark.parametrize(
    ("lie", "counter"),
    [
        ({"mode": 3}, "bad"),
        ({"mode": 5}, "bad"),
        ({"version": 0}, "bad"),
        ({"version": 5}, "bad"),
        ({"origin": bytes(8)}, "bogus"),
        ({"origin": b"whatever"}, "bogus"),
        ({"sport": 124}, "stray"),
        ({"src": "192.168.1.66"}, "stray"),
        ({"leap": 3}, "unsync"),
        ({"stratum": 16}, "unsync"),
        ({"stratum": 0, "refid": bytes(4)}, "unsync"),
        ({"stratum": 255}, "unsync"),
        ({"dispersion": 16 << 16}, "unsync"),
        ({"delay": 32 << 16}, "unsync"),
        ({"delay": 0x200, "dispersion": (16 << 16) - 256}, "unsync"),
        ({"transmit": since_1900(1970, 1, 1), "receive": since_1900(1970, 1, 1)}, "bad"),
        ({"transmit": since_1900(2024, 12, 31)}, "bad"),
        ({"transmit": 0, "receive": 0}, "bad"),
        ({"receive": since_1900(2027, 1, 1)}, "bad"),
        ({"transmit": since_1900(2027, 1, 1)}, "bad"),
        ({"reference": since_1900(2026, 12, 1)}, "bad"),
    ],
)
def test_a_wrong_answer_is_dropped_and_counted(lie, counter):
    b = Bench(2)
    b.servers[1].lie = None
    wrong(b, **lie)
    assert b.sntp.utc() is None and b.count(counter) and not b.count("in")
    b.servers[1].lie = {}
    b.run(1200)
    assert b.off == 0 and b.sntp.server == b.servers[1].ip


@pytest.mark.parametrize(
    "lie",
    [
        {"version": 1},
        {"version": 3},
        {"leap": 1},
        {"leap": 2},
        {"stratum": 1},
        {"stratum": 15},
        {"delay": 31 << 16},
        {"dispersion": 15 << 16},
        {"delay": 0x100, "dispersion": (16 << 16) - 256},
        {"reference": 0},
    ],
)
def test_an_odd_answer_is_right_all_the_same(lie):
    b = Bench()
    wrong(b, 10, **lie)
    assert b.off == 0


def test_a_short_packet_is_dropped_and_a_long_one_is_taken():
    b = Bench()
    server = b.servers[0]
    server.lie = None
    b.run(3)
    full = server.answer(server.asked[0][1][40:48])[14 + 28 :][:48]
    b.wire.give(server.carry(full[:47]), server.carry(b""))
    assert b.count("bad") == 2 and b.sntp.utc() is None
    b.wire.give(server.carry(full + bytes(20)))
    assert b.count("in") == 1


@rfc("5905 14-1")
def test_a_request_has_one_answer():
    b = Bench()
    server = b.servers[0]
    b.run(3)
    mark = server.asked[0][1][40:48]
    b.wire.give(server.answer(mark, off=500_000))
    assert b.count("stray") == 1 and b.off == 0


def test_an_answer_that_comes_too_late_is_dropped():
    b = Bench()
    server = b.servers[0]
    server.lie = None
    b.run(3)
    b.run(6)
    b.wire.give(server.answer(server.asked[0][1][40:48]))
    assert b.count("stray") == 1 and b.sntp.utc() is None


def test_who_shows_a_wrong_origin_does_not_keep_the_right_answer_away():
    b = Bench()
    server = b.servers[0]
    server.lie = None
    b.run(3)
    b.wire.give(*[server.answer(bytes([k] * 8), off=999_000) for k in range(100)])
    b.wire.give(server.answer(server.asked[0][1][40:48]))
    assert b.count("in") == 1 and b.count("bogus") == 100 and b.off < 1000


def test_a_server_that_says_it_took_longer_than_we_waited_is_not_believed():
    b = Bench()
    server = b.servers[0]
    server.lie = None
    b.run(2.5)
    b.wire.give(server.answer(server.asked[0][1][40:48], receive=server.ms - 60_000))
    assert b.sntp.utc() is None and b.count("bad") == 1


# Kiss-o'-death


@rfc("5905 7.4-1")
@pytest.mark.parametrize("code", [b"DENY", b"RSTR"])
def test_who_denies_is_never_asked_again(code):
    b = Bench(2)
    wrong(b, 10, stratum=0, leap=3, refid=code)
    assert b.sntp.server == b.servers[1].ip and "refuses" in b.said[0]
    b.servers[1].lie = None
    b.run(2 * DAY)
    assert len(b.servers[0].asked) == 1 and len(b.servers[1].asked) > 100


def test_a_denial_with_a_wrong_origin_denies_nothing():
    b = Bench()
    wrong(b, 10, stratum=0, leap=3, refid=b"DENY", origin=b"whatever")
    b.servers[0].lie = {}
    b.run(60)
    assert b.off == 0


@rfc("5905 7.4-2")
def test_rate_is_answered_by_silence_that_grows():
    b = Bench()
    wrong(b, 4 * DAY, stratum=0, leap=3, refid=b"RATE")
    steps = gaps(b.servers[0])
    for step, s in zip(steps, (128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768), strict=False):
        assert s <= step <= s + 1100
    assert max(steps) < 34000
    b.servers[0].lie = {}
    b.run(DAY)
    assert b.off == 0
    assert min(gaps(b.servers[0])[-2:]) >= 32768  # what it wanted is remembered


def test_rate_that_names_an_interval_is_obeyed():
    b = Bench()
    wrong(b, 8, stratum=0, leap=3, refid=b"RATE", poll=10)
    b.servers[0].lie = {}
    b.run(4000)
    assert gaps(b.servers[0])[0] >= 1024 and b.off == 0


def test_others_are_asked_while_one_wants_to_be_left_alone():
    b = Bench(2)
    b.run(10)
    wrong(b, 80, stratum=0, leap=3, refid=b"RATE")
    assert b.sntp.server == b.servers[1].ip and b.off == 0


@rfc("5905 7.4-3", "5905 7.4-4")
def test_unknown_kisses_deny_nothing():
    b = Bench()
    wrong(b, 10, stratum=0, leap=3, refid=b"INIT")
    wrong(b, 30, stratum=0, leap=3, refid=b"XYZW")
    assert b.sntp.utc() is None  # nor is its time one
    b.servers[0].lie = {}
    b.run(80)
    assert b.off == 0 and b.count("kiss") > 1


def test_another_address_in_the_place_of_one_that_denied_is_asked():
    table = bytearray([192, 168, 1, 20])
    b = Bench(2, servers=table)
    wrong(b, 60, stratum=0, leap=3, refid=b"DENY")
    assert any("left to ask" in line for line in b.said)
    table[3] = 21
    b.run(10)
    assert b.sntp.server == "192.168.1.21"


# The clock


def test_a_clock_that_was_behind_is_put_right_at_once():
    b = Bench()
    b.run(10)
    wrong(b, 80, off=700)
    assert b.off == 700 and b.sntp.offset == 700


@pytest.mark.parametrize("ahead", [1, 700, 20_000, 900_000])
def test_a_clock_that_was_ahead_never_goes_back(ahead):
    b = Bench()
    b.run(10)
    b.servers[0].lie = {"off": -ahead}
    last = b.sntp.utc()
    while b.sntp.offset is None:
        b.run(0.25)
        assert last <= b.sntp.utc()
        last = b.sntp.utc()
    assert b.sntp.offset == -ahead
    begin = b.off
    assert begin >= -ahead
    for _ in range(400):
        b.run(ahead / 150000)
        assert last <= b.sntp.utc()
        last = b.sntp.utc()
    assert b.off == -ahead and not b.count("step")


def test_two_looks_at_different_clocks_do_not_go_back():
    b = Bench()
    b.run(10)
    now = b.wire.clock.now
    later = b.sntp.utc((now + 50) % (1 << 30))
    assert b.sntp.utc(now) == later


def test_a_leap_of_an_hour_wants_two_that_agree():
    b = Bench(2)
    b.run(10)
    assert b.sntp.server == b.servers[0].ip
    wrong(b, 80, off=3_600_000)
    assert b.off == 0 and b.sntp.server == b.servers[1].ip and b.count("doubt") == 1
    b.servers[1].lie = {"off": 3_600_000}
    b.run(300)
    assert b.off == 3_600_000 and b.count("step") == 1 and b.count("doubt") == 2


def test_one_server_alone_is_believed_the_second_time_it_says_so():
    b = Bench()
    b.run(10)
    wrong(b, 100, off=-7_200_000)
    assert b.off == -7_200_000 and b.count("step") == 1 and b.count("doubt") == 1


def test_two_that_differ_by_years_from_us_and_from_one_another_are_not_believed():
    b = Bench(2)
    b.run(10)
    year = 365 * 86_400_000
    b.servers[0].lie = {"off": year}
    b.servers[1].lie = {"off": 3 * year}
    b.run(100)
    assert b.off == 0 and b.count("doubt") >= 2 and not b.count("step")


def test_months_go_by_with_a_server_that_drifts_and_is_away_for_days():
    b = Bench(began=(2027, 1, 1))
    last = (0,)
    for day in range(60):
        b.servers[0].began += 900 if day % 3 else -1700
        b.servers[0].lie = {} if day % 20 < 10 else None
        for _ in range(4):
            b.run(DAY / 4)
            now = b.sntp.utc()
            assert last < now
            last = now
        if b.servers[0].lie is not None:
            assert b.off == 0
        else:
            assert abs(b.off) < 30_000
    assert not b.wire.errors


def test_a_silence_of_a_month_loses_nothing_of_the_time():
    b = Bench()
    b.run(10)
    b.servers[0].lie = None
    b.run(31 * DAY)
    assert b.off == 0 and b.sntp.age in range(31 * DAY, 31 * DAY + 11)


@pytest.mark.parametrize(
    "began",
    [
        (2036, 2, 7, 6, 27, 0),  # 75 s before the era ends
        (2036, 2, 7, 6, 28, 16),  # its first second
        (2038, 1, 19, 3, 13, 0),
        (2028, 2, 29, 23, 59, 0),
        (2100, 2, 28, 23, 59, 0),
        (2104, 2, 26, 9, 30, 0),
        (2026, 12, 31, 23, 59, 50),
    ],
)
def test_eras_and_calendars_are_crossed(began):
    b = Bench(began=began)
    for _ in range(100):
        b.run(4)
        assert b.off == 0
    assert b.count("in") > 2 and not b.count("bad") and not b.count("doubt")
    assert b.sntp.offset == 0


def test_the_rtc_is_set_when_a_second_begins():
    got = []
    b: Bench
    b = Bench(rtc=lambda t: got.append((t, b.servers[0].ms)))
    b.servers[0].began += 345
    b.run(230)
    assert len(got) == 3  # after each answer
    for t, ms in got:
        assert t[6] == 0 and since_1900(*t[:6]) == ms


def test_what_the_hooks_raise_is_told_and_does_no_harm():
    def bad(what):
        raise ValueError("no such clock")

    b = Bench(rtc=bad)
    b.sntp.say = bad
    b.run(230)
    assert b.off == 0
    assert [str(e) for e in b.wire.errors] == ["no such clock"] * 4
    b.wire.errors.clear()


# What a caller can do wrong, and what it can read


def test_counters_have_names_and_sentences():
    b = Bench()
    b.run(10)
    assert dict(b.sntp.counters())["sntp_in"] == 1
    assert len(Sntp.NAMES) == len(Sntp.HELP) == len(set(Sntp.NAMES)) == len(b.sntp.stat)


@pytest.mark.parametrize("servers", [["1.2.3"], ["1.2.3.400"], [""], [], bytearray(3), [b"abc"]])
def test_what_is_no_server_is_told_at_once(servers):
    with pytest.raises(BadAddress):
        Bench(servers=servers)


def test_a_name_wants_a_resolver():
    with pytest.raises(Error, match="resolver"):
        Bench(servers=["pool.ntp.org"])


class Answer:
    """What a resolver hands over."""

    def __init__(self, *addresses, error=None):
        self.error = error
        self.count = len(addresses)
        self.data = b"".join(b"\0\4" + bytes(a) for a in addresses)

    def at(self, i):
        return 6 * i + 2


class Resolver:
    def __init__(self):
        self.asked = []

    def resolve(self, name, kind, done):
        self.asked.append((name, kind, done))


def test_a_name_is_resolved_and_again_when_nobody_answers():
    r = Resolver()
    b = Bench(2, servers="ntp.example", resolver=r)
    b.run(40)
    ((name, kind, done),) = r.asked
    assert (name, kind) == ("ntp.example", "A") and "not resolved" in b.said[0]
    done(Answer([192, 168, 1, 20]))
    b.run(3)
    assert b.sntp.server == "192.168.1.20"
    b.run(DAY)
    assert len(r.asked) == 1
    b.servers[0].lie = None
    b.run(2000)
    assert len(r.asked) == 2
    r.asked[1][2](Answer([192, 168, 1, 21]))
    b.run(1)
    assert b.sntp.server == "192.168.1.21"


def test_a_name_that_is_not_found_is_asked_for_less_and_less():
    r = Resolver()
    b = Bench(servers=["ntp.example", "192.168.1.20"], resolver=r)
    b.run(10)
    assert b.off == 0
    for _ in range(100):
        r.asked[-1][2](Answer(error="not found"))
        b.run(DAY / 24)
    assert 20 < len(r.asked) <= 101 and b.off == 0


def test_any_of_the_addresses_of_a_name_is_taken():
    chosen = set()
    for k in range(20):
        r = Resolver()
        b = Bench(2, servers=["ntp.example"], resolver=r)
        b.stack.key[0] = k
        b.run(3)
        r.asked[0][2](Answer([192, 168, 1, 20], [192, 168, 1, 21]))
        b.run(3)
        chosen.add(b.sntp.server)
    assert len(chosen) == 2


def test_a_resolver_that_raises_is_asked_again_later():
    class Bad(Resolver):
        def resolve(self, name, kind, done):
            super().resolve(name, kind, done)
            raise Error("the table is full")

    r = Bad()
    b = Bench(servers=["ntp.example"], resolver=r)
    b.run(200)
    assert 2 < len(r.asked) < 10 and len(b.wire.errors) == len(r.asked)


def test_ten_thousand_wrong_answers_change_nothing():
    b = Bench()
    server = b.servers[0]
    b.run(10)
    server.lie = None
    rng = random.Random(5905)
    n = 0
    while n < 10_000:
        server.asked.clear()
        while not server.asked:
            b.run(max(1, b.sntp.deadline(b.wire.clock.now)) / 1000)
        mark = server.asked[-1][1][40:48]
        good = server.answer(mark)[42 : 42 + 48]
        for _ in range(100):
            kind = rng.randrange(3)
            if kind == 0:
                data = bytearray(rng.randbytes(rng.randrange(80)))
            elif kind == 1:
                data = bytearray(good[: rng.randrange(48)])
            else:
                data = bytearray(good)
                data[rng.randrange(24, 32)] ^= 1 << rng.randrange(8)
                for _ in range(rng.randrange(4)):
                    data[rng.randrange(24)] = rng.randrange(256)
            b.wire.give(server.carry(bytes(data)))
            n += 1
    assert b.off == 0 and not b.wire.errors
    assert b.count("in") == 1 and b.count("bad") + b.count("bogus") > 9000


def test_three_weeks_of_servers_that_say_anything_never_stop_it():
    """With the right origin: whatever they say, the client goes on, and its clock counts."""
    b = Bench(3)
    rng = random.Random(4330)
    last = (0,)
    for _ in range(42):
        for server in b.servers:
            lie = {"poll": rng.randrange(256), "stratum": rng.choice([0, 1, 2, 16, 200])}
            lie["leap"] = rng.randrange(4)
            lie["refid"] = rng.choice([b"RATE", b"XXXX", rng.randbytes(4)])
            lie["delay"] = rng.getrandbits(32)
            lie["dispersion"] = rng.getrandbits(rng.randrange(1, 33))
            for name in ("receive", "transmit", "reference"):
                if rng.randrange(3):
                    lie[name] = rng.getrandbits(42)
            server.lie = {k: v for k, v in lie.items() if not rng.randrange(6)}
            server.lie["off"] = rng.choice([0, 1, 3_600_000, -(10**10)])
        b.run(DAY / 2)
        now = b.sntp.utc() or (0,)
        assert last <= now or b.count("step")
        last = now
    for name in ("in", "bad", "kiss", "unsync", "doubt"):
        assert b.count(name) > 3, name
    for server in b.servers:
        server.lie = {}
    b.run(DAY)
    assert b.off == 0 and not b.wire.errors


def test_a_closed_client_asks_nobody_and_has_no_port():
    b = Bench()
    b.run(10)
    b.sntp.close()
    b.sntp.close()
    b.run(DAY)
    assert len(b.servers[0].asked) == 1 and not any(b.stack.udp.nums)
    assert b.off == 0


def test_two_clients_live_on_one_stack():
    b = Bench(2)
    other = Sntp(b.stack, ["192.168.1.21"], ticks=lambda: b.wire.clock.now)
    b.run(10)
    assert b.sntp.utc() == other.utc() != START
