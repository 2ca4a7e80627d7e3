"""A ping of the board's own (RFC 792)."""

import pytest
from lab import packets
from lab.net import GATEWAY, GATEWAY_MAC, Station, Wire
from uipy import BadAddress, Error, TableFull
from uipy.host import Ping


@pytest.fixture
def ping(stack):
    return Ping(stack)


@pytest.fixture
def told():
    return []


def answer(peer, request, kind=0, ident=None, seq=None, data=None, **header):
    """The echo reply to a request; what is given is wrong."""
    rest = request.icmp.rest
    rest = (ident or rest[:2]) + (seq or rest[2:]) + (request.icmp.data if data is None else data)
    return peer.wire.give(peer.datagram(1, packets.icmp(kind, 0, rest), **header))


def test_an_answer_tells_how_long_it_took(wire, peer, ping, told):
    ping.send(peer.ip, told.append)
    assert not told
    wire.run(0)
    request = peer.expect(type=8, code=0)
    assert len(request.icmp.data) == 56
    wire.run(7)
    answer(peer, request)
    assert told == [7]
    peer.nothing()
    wire.run(5000)
    assert told == [7]


@pytest.mark.parametrize("n", [0, 1, 56, 1472])
def test_as_many_octets_as_are_asked_for(wire, peer, ping, told, n):
    ping.send(peer.ip, told.append, n=n)
    wire.run(0)
    request = peer.expect(type=8)
    assert len(request.icmp.data) == n
    answer(peer, request)
    assert told == [0]


def test_a_size_that_does_not_fit_is_refused(peer, ping, told):
    for n in (-1, 1473):
        with pytest.raises(ValueError, match="1472"):
            ping.send(peer.ip, told.append, n=n)


def test_no_answer_in_time_is_none(wire, peer, ping, told):
    ping.send(peer.ip, told.append, timeout_ms=300)
    wire.run(299)
    assert not told
    wire.run(1)
    assert told == [None]
    answer(peer, peer.expect(type=8))  # too late
    assert told == [None]


def test_a_host_that_is_not_there_is_none_when_the_time_is_over(wire, stack, ping, told):
    ping.send("192.168.1.77", told.append, timeout_ms=500)  # nobody answers ARP
    wire.run(499)
    assert not told
    wire.run(1)
    assert told == [None]


def test_arp_that_gives_up_is_told_at_once(wire, stack, ping, told):
    ping.send("192.168.1.77", told.append, timeout_ms=60_000)
    wire.run(10_000)
    assert told == [None]


def test_no_way_is_told_with_the_next_poll(told):
    wire = Wire()
    stack = wire.board(gateway=None)
    Ping(stack).send("10.1.1.1", told.append, timeout_ms=60_000)
    assert not told
    wire.run(1)
    assert told == [None]


def test_an_error_of_a_router_is_told_at_once(wire, stack, ping, told):
    router = Station(wire, GATEWAY, GATEWAY_MAC)
    ping.send("10.1.1.1", told.append, timeout_ms=60_000)
    sent = [f for f in wire.run(0) if f.icmp]
    assert sent[0].dst == GATEWAY_MAC
    router.icmp_error(3, 1, sent[0])
    assert told == [None]


def test_an_error_about_another_packet_is_nobodys(wire, stack, ping, told):
    router = Station(wire, GATEWAY, GATEWAY_MAC)
    ping.send("10.1.1.1", told.append, timeout_ms=60_000)
    (sent,) = [f for f in wire.run(0) if f.icmp]
    raw = bytearray(sent.raw)
    raw[14 + 20 + 7] ^= 1  # the number of the request
    quoted = bytes(raw[14:42])
    wire.give(router.datagram(1, packets.icmp(3, 1, bytes(4) + quoted)))
    assert not told


@pytest.mark.parametrize(
    "wrong",
    [
        {"ident": b"\0\0"},
        {"seq": b"\0\0"},
        {"data": b"short"},
        {"kind": 14},
        {"src": "192.168.1.10"},
        {"dst": "192.168.1.255", "mac_dst": packets.BROADCAST},
    ],
)
def test_what_is_not_the_answer_is_not_taken_for_it(wire, peer, ping, told, wrong):
    ping.ident, ping.seq = 0x1234, 0x5678
    ping.send(peer.ip, told.append)
    wire.run(0)
    request = peer.expect(type=8)
    answer(peer, request, **wrong)
    assert not told
    answer(peer, request)
    assert told == [0]


def test_a_second_answer_is_nobodys(wire, peer, ping, told):
    ping.send(peer.ip, told.append)
    wire.run(0)
    request = peer.expect(type=8)
    answer(peer, request)
    answer(peer, request)
    assert told == [0]


def test_several_at_a_time_are_told_apart(wire, peer, ping, told):
    for k in range(4):
        ping.send(peer.ip, lambda ms, k=k: told.append((k, ms)))
    with pytest.raises(TableFull, match="rows"):
        ping.send(peer.ip, told.append)
    wire.run(0)
    requests = [peer.expect(type=8) for _ in range(4)]
    for k in (2, 0, 3, 1):
        wire.run(1)
        answer(peer, requests[k])
    assert told == [(2, 1), (0, 2), (3, 3), (1, 4)]
    ping.send(peer.ip, told.append)


def test_the_next_can_be_sent_when_one_is_told(wire, peer, ping, told):
    def again(ms):
        told.append(ms)
        if len(told) < 3:
            ping.send(peer.ip, again)

    ping.send(peer.ip, again)
    for _ in range(3):
        wire.run(0)
        answer(peer, peer.expect(type=8))
    assert told == [0, 0, 0]


def test_what_is_called_may_raise(wire, peer, ping):
    def fails(ms):
        raise ValueError("oh")

    ping.send(peer.ip, fails)
    wire.run(0)
    answer(peer, peer.expect(type=8))
    assert [str(exc) for exc in wire.errors] == ["oh"]
    wire.errors.clear()


@pytest.mark.parametrize("ip", ["255.255.255.255", "224.0.0.1", "0.0.0.0", "127.0.0.1", "x"])
def test_what_is_no_host_is_refused(ping, told, ip):
    with pytest.raises(BadAddress):
        ping.send(ip, told.append)


def test_what_cannot_be_called_is_refused(ping, peer):
    with pytest.raises(Error):
        ping.send(peer.ip, None)
    with pytest.raises(ValueError):
        ping.send(peer.ip, print, timeout_ms=0)


def test_a_stack_has_one(stack, ping):
    with pytest.raises(Error, match="that one"):
        Ping(stack)


def test_we_still_answer_pings(peer, ping):
    peer.ping(b"abc")
    peer.expect(type=0, data=b"abc")


def test_an_interface_without_ethernet_has_pings_too(told):
    wire = Wire(l2=0)
    stack = wire.board()
    peer = Station(wire)
    Ping(stack).send(peer.ip, told.append)
    wire.run(0)
    answer(peer, peer.expect(type=8))
    assert told == [0]
