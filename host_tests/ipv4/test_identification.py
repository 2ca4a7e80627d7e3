"""Which of our datagrams a router may fragment, and how they are told apart then (RFC 791, RFC
6864, RFC 7739).

TCP follows the path MTU: its segments have DF. A datagram of UDP or ICMP is as long as its
application or its question made it, so that
DF would be the end of it on a path with a smaller MTU.
"""

import itertools

import pytest
from lab.net import PEER, Inbox, Station, Wire
from lab.tcp import Lab, Peer
from uipy import Bytes


def replies(wire, peer, n=60, size=600):
    """The echo replies to n pings."""
    return [peer.ping(bytes(size))[0] for _ in range(n)]


def answers(wire, stack, peer, n=60, size=600):
    """The answers to n datagrams."""
    stack.bind(7, Inbox(True))
    return [peer.udp(bytes(size))[0] for _ in range(n)]


def own(wire, stack, peer, n=60, size=600):
    """n datagrams of our own."""
    port = stack.bind(9, Inbox())
    out = []
    for _ in range(n):
        port.send(PEER, 9, Bytes(bytes(size)))
        wire.run()
        out.append(peer.heard.pop())
    return out


@pytest.fixture(params=["echo reply", "udp answer", "udp"])
def sent(request, wire, stack, peer):
    """A function that makes the board send n datagrams with so much data."""

    def send(n=60, size=600):
        if request.param == "echo reply":
            return replies(wire, peer, n, size)
        return (answers if request.param == "udp answer" else own)(wire, stack, peer, n, size)

    return send


@pytest.mark.parametrize("size", [41, 300, 548, 549, 1472])
def test_datagram_of_udp_or_icmp_may_be_fragmented_on_its_way(sent, size):
    assert not any(f.df for f in sent(3, size))


@pytest.mark.parametrize("size", [0, 1, 40])
def test_datagram_that_every_router_passes_whole_is_atomic(sent, size):
    """68 octets (RFC 791 3.2); then the identification says nothing (RFC 6864 4.1)."""
    assert {(f.df, f.ident) for f in sent(3, size)} == {(True, 0)}


def test_identification_is_another_one_each_time_and_follows_no_rule(sent):
    """RFC 6864 4.3 asks for uniqueness, RFC 7739 for numbers that nobody foresees."""
    ids = [f.ident for f in sent()]
    steps = {(b - a) % 65536 for a, b in itertools.pairwise(ids)}
    assert len(set(ids)) >= 58 and len(steps) >= 57
    assert len({i >> 12 for i in ids}) >= 12  # all over their range
    assert len({i & 15 for i in ids}) >= 12


def test_identifications_of_two_boards_have_nothing_in_common():
    seen = []
    for key in (b"a secret", b"another!"):
        wire = Wire()
        wire.board(key=key)
        wire.run()
        seen.append({f.ident for f in replies(wire, Station(wire))})
    assert len(seen[0] & seen[1]) < 3


def test_identification_is_not_the_one_of_the_question(peer):
    assert peer.ping(bytes(600), ident=1)[0].ident != 0x1234


def test_icmp_error_that_is_longer_than_68_octets_may_be_fragmented_too(peer):
    (f,) = peer.udp(bytes(8), dport=9999, opts=bytes(40))
    assert f.icmp.type == 3 and not f.df
    (f,) = peer.udp(bytes(8), dport=9999)
    assert f.icmp.type == 3 and f.df


def test_segments_of_tcp_are_never_fragmented_whatever_was_sent_before_them():
    lab = Lab()
    lab.stack.bind(7, Inbox(True))
    other = Station(lab.wire, "10.0.0.9")
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(20_000)))
    for _ in range(5):
        other.udp(bytes(500), dst="10.0.0.1", sport=0)  # whose answer is not sent
        assert not other.udp(bytes(500), dst="10.0.0.1")[0].df
        assert not other.ping(bytes(500), dst="10.0.0.1")[0].df
        out = p.run(0) + p.acks()
        assert out and all(s.frame[4:8] == b"\0\0\x40\0" for s in out)


def test_echo_to_a_path_that_is_narrow_arrives_in_the_end(gateway, wire):
    """A router that says "fragmentation needed" is not asked to fragment what has DF; without DF
    it does it by itself."""
    (f,) = gateway.ping(bytes(1400), src="8.8.8.8")
    for mtu in (600, 296, 68):
        gateway.icmp_error(3, 4, f, rest=mtu.to_bytes(4, "big"))
        (f,) = gateway.ping(bytes(1400), src="8.8.8.8")
        assert not f.df and len(f.icmp.data) == 1400
