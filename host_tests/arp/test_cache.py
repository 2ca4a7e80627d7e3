"""The ARP cache in time: asking, giving up, ageing, and what happens when it is full."""

import pytest
from lab.net import PEER, WRAP, Clock, Inbox, Station, Wire
from lab.packets import BROADCAST, addr, mac
from uipy import Busy, Bytes
from uipy.net.datagram import NEXT_AT

rfc = pytest.mark.rfc


def neighbour(wire, k):
    """Station 192.168.1.(100 + k)."""
    return Station(wire, "192.168.1.%d" % (100 + k), mac("02:00:00:00:01:%02x" % k))


@pytest.fixture
def port(stack):
    p = stack.bind(9, Inbox())
    p.errors = p.app.errors
    return p


def say(port, ip=PEER):
    port.send(ip, 9, Bytes(b"hello"))


def asked(frames):
    return [(f.at, f.arp.tpa) for f in frames if f.arp]


def test_datagram_leaves_when_the_neighbour_has_answered(wire, port, peer):
    say(port)
    assert [bool(f.arp) for f in wire.run()] == [True, False]
    peer.expect(data=b"hello")


@rfc("1122 2.4-1")
def test_datagram_waits_for_a_late_answer(wire, port, peer):
    peer.answers_arp = False
    say(port)
    wire.run(1500)
    assert not port.errors
    (f,) = wire.give(peer.arp_reply())
    assert f.udp.data == b"hello"


def test_port_is_busy_while_its_datagram_waits(wire, port):
    say(port)
    wire.run(500)
    with pytest.raises(Busy):
        say(port)


@rfc("1122 2.3.2.1-2")
def test_request_is_repeated_once_a_second_three_times_and_then_slowly(wire, stack, port):
    say(port)
    frames = wire.run(2999)
    assert [at for at, _ in asked(frames)] == [0, 1000, 2000]
    assert not port.errors
    wire.run(1)
    assert port.errors == ["unreachable"]


def test_datagram_to_a_neighbour_that_does_not_answer_fails_at_once_for_a_while(wire, port):
    say(port)
    wire.run(3000)
    say(port)
    assert not wire.run()
    assert port.errors == ["unreachable"] * 2


def test_wanted_neighbour_is_asked_for_every_ten_seconds(wire, port):
    say(port)
    wire.run(3000)
    asks = []
    for _ in range(60):
        say(port)
        asks += asked(wire.run(500))
    assert [at for at, _ in asks] == [13000, 23000, 33000]


def test_neighbour_that_nobody_wants_any_more_is_forgotten(wire, stack, port):
    say(port)
    wire.run(3000 + 10_000)
    assert not wire.run(60_000)
    assert not any(stack.ifaces[0].arp.tab)


def test_neighbour_that_comes_back_is_reached_again(wire, port, peer):
    peer.answers_arp = False
    say(port)
    wire.run(3000)
    peer.answers_arp = True
    say(port)
    wire.run(10_000)
    say(port)
    wire.run()
    peer.expect(data=b"hello")


@rfc("1122 2.3.2.1-1")
def test_entry_that_is_not_used_is_gone_after_a_minute(wire, stack, port, peer):
    wire.give(peer.arp_request())
    peer.answers_arp = False
    assert not wire.run(59_999)
    assert any(stack.ifaces[0].arp.tab)
    wire.run(1)
    assert not any(stack.ifaces[0].arp.tab)


@rfc("1122 2.3.2.1-1")
def test_entry_in_use_is_polled_point_to_point_and_serves_meanwhile(wire, port, peer):
    """RFC 1122 2.3.2.1 (2). The neighbour is gone: after three polls so is the entry."""
    say(port)
    wire.run(30_000)
    say(port)
    wire.run(0)
    peer.answers_arp = False
    polls = []
    for _ in range(80):
        if port.src is None:
            say(port)
        polls += [f for f in wire.run(500) if f.arp]
    assert [(f.at, f.dst) for f in polls[:3]] == [(t, peer.mac) for t in (60_000, 61_000, 62_000)]
    assert polls[3].dst == BROADCAST and polls[3].at == 63_000
    assert 60 <= len(peer.heard) <= 70  # one each half second, from 30 s to 63 s


def test_entry_in_use_whose_neighbour_answers_the_poll_never_stalls(wire, port, peer):
    for _ in range(400):
        say(port)
        wire.run(500)
    assert len(peer.heard) == 400
    assert wire.count("arp_out") == 1 + 1 + 3  # announcement, request, a poll each minute


def test_word_from_the_neighbour_makes_the_entry_young(wire, stack, port, peer):
    wire.give(peer.arp_request())
    wire.run(59_000)
    wire.give(peer.arp_request(tpa="192.168.1.8"))
    peer.answers_arp = False
    wire.run(59_000)
    say(port)
    assert [f.udp.data for f in wire.run()] == [b"hello"]


def test_entry_that_is_refreshed_for_weeks_and_never_used_does_not_confuse_time(wire, stack, peer):
    wire.give(peer.arp_request())
    for _ in range(200):
        wire.clock.ms += 2**23  # 200 * 2.3 h: the ticks wrap in between
        wire.give(peer.arp_request())
    wire.run(59_999)
    assert any(stack.ifaces[0].arp.tab)
    wire.run(1)
    assert not any(stack.ifaces[0].arp.tab)


def test_failed_neighbour_may_be_asked_for_all_day(wire, port):
    say(port)
    for _ in range(800):
        wire.run(5000)
        say(port)
    assert len(port.errors) == 800


def test_new_address_forgets_the_neighbours_of_the_old(wire, stack, port, peer):
    say(port)
    wire.run()
    stack.ifaces[0].configure("192.168.1.77/24")
    say(port)
    assert [f.arp.tpa for f in wire.run() if f.arp] == [addr("192.168.1.77"), addr(PEER)]


# Doubt: a transport gets no answer from a neighbour that we know (RFC 9293 3.8.3, R1)


@pytest.fixture
def known(wire, stack, port, peer):
    """The neighbour was reached a second ago."""
    say(port)
    wire.run(1000)
    return addr(PEER)


def test_neighbour_in_doubt_is_polled_at_once_and_serves_meanwhile(wire, stack, port, peer, known):
    peer.answers_arp = False
    stack.ifaces[0].doubt(known, 0)
    say(port)
    assert [(f.dst, f.arp is not None) for f in wire.run()] == [
        (peer.mac, False),
        (peer.mac, True),
    ]


def test_neighbour_in_doubt_that_does_not_answer_is_forgotten(wire, stack, port, peer, known):
    peer.answers_arp = False
    stack.ifaces[0].doubt(known, 0)
    assert len(wire.run(2999)) == 3
    assert not wire.run(60_000)
    assert not any(stack.ifaces[0].arp.tab)


def test_neighbour_that_has_just_answered_is_not_polled_again(wire, stack, known):
    for _ in range(5):
        stack.ifaces[0].doubt(known, 0)
        wire.run(100)
    assert wire.count("arp_out") == 3  # announcement, request, one poll


@pytest.mark.parametrize("ip", ["192.168.1.99", "8.8.8.8"])
def test_doubt_about_a_neighbour_that_we_do_not_know_asks_nobody(wire, stack, known, ip):
    stack.ifaces[0].doubt(addr(ip), 0)
    assert not wire.run(500)


def test_doubt_about_a_distant_host_is_doubt_about_the_gateway(wire, stack, port, gateway):
    say(port, "8.8.8.8")
    wire.run(1000)
    stack.ifaces[0].doubt(addr("8.8.4.4"), 0)
    assert [(f.dst, f.arp.tpa) for f in wire.run()] == [(gateway.mac, addr(gateway.ip))]


# Deadlines, as who calls output() without poll() sees them


def outputs(stack, now):
    """What output() sends at `now`."""
    n = 0
    while stack.output(now):
        n += 1
    return n


def test_deadline_is_the_nearest_of_all_rows():
    stack = Wire(clock=Clock(0)).board()
    outputs(stack, 0)
    assert stack.env[NEXT_AT] == 2**28
    iface = stack.ifaces[0]
    assert iface.reach(addr(PEER), 0) == 0 and stack.due  # also when nobody is in output()
    assert outputs(stack, 0) == 1 and stack.env[NEXT_AT] == 1000
    assert iface.reach(addr("192.168.1.10"), 0) == 0
    assert outputs(stack, 400) == 1 and stack.env[NEXT_AT] == 1000
    assert outputs(stack, 1000) == 1 and stack.env[NEXT_AT] == 1400


def test_what_arrives_arms_its_timer(stack, wire, peer):
    outputs(stack, wire.clock.now)
    frame = peer.arp_request()
    stack.buf[2 : 2 + len(frame)] = frame
    assert stack.input(len(frame), wire.clock.now)
    assert (stack.env[NEXT_AT] - wire.clock.now) % WRAP <= 60_000


def test_who_found_no_row_is_called_again_in_a_second_and_no_longer():
    stack = Wire(clock=Clock(0)).board(arp=1)
    iface = stack.ifaces[0]
    iface.reach(addr(PEER), 0)
    outputs(stack, 0)
    stack.env[NEXT_AT] = 2**20
    assert iface.reach(addr("192.168.1.10"), 0) == 0
    assert iface.arp.deadline(0) <= 1000
    assert iface.arp.starved is False


# A full table


def test_least_recently_wanted_row_makes_room():
    wire = Wire()
    stack = wire.board(arp=3)
    port = stack.bind(9, Inbox())
    peers = [neighbour(wire, k) for k in range(4)]
    for k in (0, 1, 2, 0):
        say(port, peers[k].ip)
        wire.run(1000)
    say(port, peers[3].ip)
    wire.run(1000)
    assert wire.count("arp_evicted") == 1
    for k in (0, 2, 3):
        say(port, peers[k].ip)
        assert not asked(wire.run(1000))
    say(port, peers[1].ip)
    assert asked(wire.run())


@rfc("1122 2.3.2.1-2")
@pytest.mark.parametrize("answer", [True, False])
def test_limit_of_one_request_a_second_holds_with_more_neighbours_than_rows(answer):
    """Eight ports, eight neighbours, one row; everyone sends as fast as it can."""
    wire = Wire()
    stack = wire.board(arp=1)
    ports = [stack.bind(0, Inbox()) for _ in range(8)]
    peers = [neighbour(wire, k) for k in range(8)]
    frames = []
    for p in peers:
        p.answers_arp = answer
    for _ in range(400):
        for port, p in zip(ports, peers, strict=True):
            if port.src is None:
                say(port, p.ip)
        frames += wire.run(100)
    last: dict = {}
    for at, ip in asked(frames):
        assert at - last.get(ip, -1000) >= 1000, "asked again after %d ms" % (at - last[ip])
        last[ip] = at
    if answer:
        assert all(len(p.heard) >= 3 for p in peers), "somebody starves"


def test_datagram_waits_for_a_row_and_is_sent_soon():
    wire = Wire()
    stack = wire.board(arp=1)
    a, b = neighbour(wire, 0), neighbour(wire, 1)
    say(stack.bind(1, Inbox()), a.ip)
    say(stack.bind(2, Inbox()), b.ip)
    wire.run(2500)
    assert a.heard and b.heard


def test_strangers_do_not_push_out_a_neighbour_in_use(wire, stack, port, peer):
    say(port)
    wire.run()
    peer.answers_arp = False
    for k in range(100):
        wire.give(neighbour(wire, k).arp_request())
    say(port)
    assert [bool(f.udp) for f in wire.run()] == [True]


def test_strangers_do_not_push_out_a_question(wire, stack, port, peer):
    peer.answers_arp = False
    say(port)
    wire.run()
    for k in range(100):
        wire.give(neighbour(wire, k).arp_request())
        wire.run(5)
    (f,) = wire.give(peer.arp_reply())
    assert f.udp.data == b"hello"


@pytest.mark.parametrize("start", [0, WRAP // 2 + 5000])
def test_strangers_do_not_keep_us_from_asking(start):
    """They may fill the table, but only until we want a row ourselves."""
    wire = Wire(clock=Clock(start))
    stack = wire.board()
    for k in range(20):
        wire.give(neighbour(wire, k).arp_request())
    peer = Station(wire)
    say(stack.bind(9, Inbox()))
    wire.run()
    peer.expect(data=b"hello")


def test_row_that_was_used_just_now_goes_when_there_is_no_other():
    wire = Wire()
    stack = wire.board(arp=1)
    a = neighbour(wire, 0)
    say(stack.bind(1, Inbox()), a.ip)
    wire.run(5000)
    assert stack.ifaces[0].reach(addr(a.ip), 0) == 1
    assert stack.ifaces[0].reach(addr(PEER), 0) == 0
    assert asked(wire.run()) == [(5000, addr(PEER))]


def test_question_about_to_be_asked_is_not_pushed_out_by_another():
    wire = Wire()
    stack = wire.board(arp=1)
    wire.run()
    for ip in (PEER, "192.168.1.10"):
        assert stack.ifaces[0].reach(addr(ip), 0) == 0
    assert asked(wire.run()) == [(0, addr(PEER))]


def test_own_address_is_never_asked_for(wire, stack, port):
    say(port, "192.168.1.7")
    assert not asked(wire.run())
    assert port.errors == ["unreachable"]


def test_two_that_want_one_neighbour_share_one_question(wire, stack, peer):
    say(stack.bind(1, Inbox()))
    say(stack.bind(2, Inbox()))
    frames = wire.run()
    assert asked(frames) == [(0, addr(PEER))]
    assert len(peer.heard) == 2
