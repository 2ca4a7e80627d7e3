"""Conflict detection by itself, for an address that a person gave (RFC 5227)."""

import itertools

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER_MAC, Station, Wire, join, run_all
from lab.packets import BROADCAST, addr
from uipy import Acd, BadAddress, Error

rfc = pytest.mark.rfc
OTHER_MAC = b"\2\0\0\0\0\xaa"


def arp(wire, op=1, sha=OTHER_MAC, spa=BOARD, tpa=BOARD, dst=BROADCAST):
    body = packets.arp(op, sha, spa, bytes(6), tpa)
    return wire.give(packets.eth(dst, sha, 0x0806, body, pad=60))


def careful(wire, ip=BOARD + "/24", gateway=None):
    """A board that asks before it uses its address."""
    said = []
    stack = wire.board(ip=None, gateway=None)
    acd = Acd(stack, say=said.append)
    acd.use(ip, gateway)
    return stack, acd, said


def ip(stack):
    return "%d.%d.%d.%d" % tuple(stack.ifaces[0].ip)


@rfc(
    "5227 1.1-1",
    "5227 2.1-1",
    "5227 2.1.1-1",
    "5227 2.1.1-2",
    "5227 2.1.1-3",
    "5227 2.1.1-4",
    "5227 2.1.1-5",
    "5227 2.3-1",
    "3927 2.2.1-1",
    "3927 2.2.1-2",
)
def test_three_probes_two_announcements(wire):
    stack, _acd, said = careful(wire)
    sent = wire.run(20_000)
    probes, told = sent[:3], sent[3:]
    for f in probes:
        assert f.dst == BROADCAST and f.arp.op == 1 and f.arp.sha == BOARD_MAC
        assert f.arp.spa == bytes(4) and f.arp.tpa == addr(BOARD) and f.arp.tha == bytes(6)
    assert probes[0].at < 1000
    for a, b in itertools.pairwise(probes):
        assert 1000 <= b.at - a.at < 2000
    assert [f.arp.spa for f in told] == [addr(BOARD)] * 2
    assert told[0].at - probes[2].at == 2000 and told[1].at - told[0].at == 2000
    assert ip(stack) == BOARD and not said


@rfc("5227 2.1-3")
def test_once_it_is_ours_it_is_not_asked_for_again(wire):
    careful(wire)
    wire.run(10_000)
    assert not wire.run(3_600_000)


@rfc("5227 2.5-1", "5227 2.6-1")
def test_requests_and_probes_for_ours_are_answered(wire):
    careful(wire)
    wire.run(10_000)
    peer = Station(wire)
    for spa in (peer.ip, "0.0.0.0"):
        (f,) = wire.give(peer.arp_request(spa=spa))
        assert (f.arp.op, f.arp.spa, f.arp.sha, f.dst) == (2, addr(BOARD), BOARD_MAC, PEER_MAC)


@rfc("5227 2.1-1")
def test_until_it_is_ours_nobody_hears_of_it(wire):
    stack, _acd, _said = careful(wire)
    peer = Station(wire)
    wire.run(3000)
    assert ip(stack) == "0.0.0.0"
    assert not wire.give(peer.arp_request())
    assert not peer.ping(b"?")


@rfc("5227 2.1.1-6", "5227 2.1.1-7")
@pytest.mark.parametrize(
    "claim",
    [
        {"op": 2, "dst": BOARD_MAC},  # an answer to the probe
        {"op": 1, "tpa": "192.168.1.200"},  # it asks for somebody, from our address
        {"op": 1},  # an announcement
        {"op": 1, "spa": "0.0.0.0"},  # a probe of its own
    ],
)
def test_whoever_has_it_keeps_it(wire, claim):
    stack, _acd, said = careful(wire)
    wire.run(2500)
    arp(wire, **claim)
    wire.run(30_000)
    assert ip(stack) == "0.0.0.0"
    assert said == [
        "192.168.1.7 is not ours: 02:00:00:00:00:aa has it; "
        "give this board or that station another address"
    ]


@rfc("5227 2.1.1-7")
@pytest.mark.parametrize(
    "other",
    [
        {"op": 1, "spa": "192.168.1.9"},  # somebody looks for us: no conflict
        {"op": 2, "spa": "0.0.0.0"},
        {"op": 1, "spa": "0.0.0.0", "tpa": "192.168.1.8"},
        {"sha": BOARD_MAC},  # our own come back
        {"op": 1, "spa": "0.0.0.0", "sha": BOARD_MAC},
        {"sha": b"\3\0\0\0\0\1"},  # no station has such a MAC
    ],
)
def test_what_is_no_conflict(wire, other):
    stack, _acd, said = careful(wire)
    wire.run(2500)
    arp(wire, **other)
    wire.run(10_000)
    assert ip(stack) == BOARD and not said


@rfc("5227 2.1.1-8")
def test_it_is_asked_for_again_each_minute_and_said_once(wire):
    owner = Station(wire, BOARD, OTHER_MAC)
    stack, _acd, said = careful(wire)
    sent = [f for f in wire.run(200_000) if f.arp.op == 1]
    assert 3 <= len(sent) <= 4 and sent[1].at - sent[0].at > 59_000 and len(said) == 1
    wire.peers.remove(owner)
    sent = wire.run(70_000)
    assert [f.arp.spa for f in sent] == [bytes(4)] * 3 + [addr(BOARD)] * 2 and ip(stack) == BOARD


@rfc("5227 2.4-1", "5227 2.4-3", "5227 2.4-4")
def test_a_claim_is_answered_at_most_once_in_ten_seconds(wire):
    stack, acd, said = careful(wire)
    wire.run(10_000)
    (f,) = arp(wire)
    assert f.arp.spa == f.arp.tpa == addr(BOARD) and f.dst == BROADCAST
    assert not arp(wire)
    wire.run(9000)
    assert not arp(wire)
    wire.run(1000)
    assert arp(wire)
    assert ip(stack) == BOARD and "192.168.1.7 is ours" in said[0]
    assert acd.conflicts == 2 and wire.count("arp_conflict") == 4


@rfc("5227 2.4-4")
def test_ten_seconds_are_over_whether_or_not_output_was_called(wire):
    stack, acd, _said = careful(wire)
    wire.run(10_000)
    arp(wire)
    now = stack.now + 10_000
    frame = packets.eth(
        BROADCAST, OTHER_MAC, 0x0806, packets.arp(1, OTHER_MAC, BOARD, bytes(6), BOARD)
    )
    stack.buf[2 : 2 + len(frame)] = frame
    stack.input(len(frame), now)
    assert stack.output(now) and not stack.output(now) and acd.conflicts == 2


@rfc("5227 2.1-2")
def test_when_the_cable_is_back_it_is_asked_for_anew(wire):
    stack, _acd, _said = careful(wire)
    wire.run(10_000)
    wire.up = False
    wire.run(3000)
    assert ip(stack) == "0.0.0.0"
    wire.up = True
    sent = wire.run(10_000)
    assert [f.arp.spa for f in sent] == [bytes(4)] * 3 + [addr(BOARD)] * 2
    assert ip(stack) == BOARD


def test_the_gateway_comes_with_the_address(wire):
    stack, _acd, _said = careful(wire, gateway="192.168.1.1")
    assert stack.route(addr("10.0.0.1"), 0) == -1
    wire.run(10_000)
    assert stack.route(addr("10.0.0.1"), 0) == 0


def test_two_boards_with_one_address_one_gets_it():
    for k in range(6):
        a, b = Wire(), Wire(mac=OTHER_MAC)
        join(a, b)
        one = a.board(ip=None, key=b"key %04d" % k)
        two = b.board(ip=None, key=b"KEY %04d" % k)
        for stack in (one, two):
            Acd(stack).use(BOARD + "/24")
        run_all((a, b), 100_000)
        assert [ip(one), ip(two)].count(BOARD) <= 1
        run_all((a, b), 400_000)
        assert sorted([ip(one), ip(two)]) == ["0.0.0.0", BOARD], k


def test_what_cannot_be_an_address_is_refused():
    wire = Wire()
    stack = wire.board(ip=None, gateway=None)
    acd = Acd(stack)
    for bad in ("192.168.1.255/24", "224.0.0.1", "hello", "", None):
        with pytest.raises(BadAddress):
            acd.use(bad)
    with pytest.raises(Error):
        Acd(Wire(l2=0).board())


def test_a_claim_to_what_was_asked_for_before_is_none_to_what_is_asked_for_now(wire):
    stack, acd, said = careful(wire)
    wire.run(2500)
    frame = packets.eth(
        BROADCAST, OTHER_MAC, 0x0806, packets.arp(1, OTHER_MAC, BOARD, bytes(6), BOARD), pad=60
    )
    stack.buf[2 : 2 + len(frame)] = frame
    stack.input(len(frame), wire.clock.now)
    acd.use("192.168.1.8/24")
    wire.run(10_000)
    assert ip(stack) == "192.168.1.8" and not said


def test_it_hears_arp_before_it_was_told_which_address_to_use(wire):
    stack = wire.board(None)
    acd = Acd(stack)
    wire.give(arp(wire, spa="169.254.7.7", tpa="169.254.7.7"))
    assert not acd.link_local and not wire.errors


# Octet by octet, and to the millisecond


def asks(spa):
    return packets.eth(
        BROADCAST, BOARD_MAC, 0x0806, packets.arp(1, BOARD_MAC, spa, bytes(6), BOARD)
    )


PROBE, TELL = asks("0.0.0.0"), asks(BOARD)


def test_each_probe_and_announcement_in_its_time(wire):
    stack = wire.board(ip=None, gateway=None)
    stack.random8 = lambda: 0x80  # 501 of 1000 ms
    wire.run(1000)
    acd = Acd(stack)
    acd.use(BOARD + "/24")
    begin = wire.clock.ms
    sent = [(f.at - begin, f.raw) for f in wire.run(20_000)]
    assert sent == [(501, PROBE), (2002, PROBE), (3503, PROBE), (5503, TELL), (7503, TELL)]
    assert [f.raw for f in arp(wire)] == [TELL]


def test_each_round_of_probes_is_a_minute_after_the_last_conflict(wire):
    stack = wire.board(ip=None, gateway=None)
    stack.random8 = lambda: 0x80
    wire.run(1000)
    Acd(stack).use(BOARD + "/24")
    wire.run(2500)
    assert not arp(wire)
    begin = wire.clock.ms
    sent = [(f.at - begin, f.raw) for f in wire.run(66_000)]
    assert sent == [
        (60_501, PROBE),
        (62_002, PROBE),
        (63_503, PROBE),
        (65_503, TELL),
    ]


def test_nothing_is_asked_while_the_cable_is_out(wire):
    stack, _acd, said = careful(wire)
    wire.run(1500)
    wire.up = False
    wire.run(1000)
    assert not wire.run(60_000)
    wire.up = True
    sent = wire.run(10_000)
    assert [f.raw for f in sent] == [PROBE] * 3 + [TELL] * 2 and not said
    assert ip(stack) == BOARD


def test_what_say_raises_is_an_error_of_the_application(wire):
    def say(line):
        raise RuntimeError(line)

    stack = wire.board(ip=None, gateway=None)
    Acd(stack, say=say).use(BOARD + "/24")
    wire.run(10_000)
    assert [f.raw for f in arp(wire)] == [TELL]
    (exc,) = wire.errors
    assert "is ours" in str(exc) and wire.count("app_error") == 1
    wire.errors.clear()
    assert ip(stack) == BOARD


def test_each_time_that_it_is_lost_is_said_once(wire):
    owner = Station(wire, BOARD, OTHER_MAC)
    _stack, _acd, said = careful(wire)
    wire.run(200_000)
    assert len(said) == 1
    wire.peers.remove(owner)
    wire.run(70_000)
    wire.up = False
    wire.run(2000)
    wire.peers.append(owner)
    wire.up = True
    wire.run(200_000)
    assert len(said) == 2
