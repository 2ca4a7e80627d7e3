"""Which of our datagrams a router may fragment, and how they are told apart then (RFC 791, RFC
6864, RFC 7739).

TCP follows the path MTU, its segments always have DF. A datagram of UDP or ICMP is as long as its
application or its question made it: with DF it never arrives where a router has complained of it.
"""

import itertools

import pytest
from lab import packets
from lab.net import BOARD, GATEWAY, GATEWAY_MAC, PEER, Inbox, Station, Wire
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


def told(wire, mtu, about=None):
    """A router says that it passes `mtu` octets; which datagram of ours it quotes is all one."""
    quoted = about or packets.ip4(BOARD, "8.8.8.8", 1, packets.icmp(0, 0, bytes(600)))[:28]
    body = packets.icmp(3, 4, mtu.to_bytes(4, "big") + quoted)
    return wire.give(Station(wire, GATEWAY, GATEWAY_MAC).datagram(1, body))


@pytest.fixture(params=["echo reply", "udp answer", "udp"])
def sent(request, wire, stack, peer):
    """A function that makes the board send n datagrams with so much data."""

    def send(n=60, size=600):
        if request.param == "echo reply":
            return replies(wire, peer, n, size)
        return (answers if request.param == "udp answer" else own)(wire, stack, peer, n, size)

    return send


@pytest.mark.parametrize("size", [0, 41, 548, 549, 1472])
def test_datagram_is_atomic_until_a_router_complains(sent, size):
    """Then the identification says nothing (RFC 6864 4.1)."""
    assert {(f.df, f.ident) for f in sent(3, size)} == {(True, 0)}


@pytest.mark.parametrize("mtu", [1499, 1000, 600, 576, 575, 296, 69, 68])
@pytest.mark.parametrize("more", [0, 1])
def test_what_is_longer_than_a_router_passes_may_be_fragmented(wire, sent, mtu, more):
    told(wire, mtu)
    for f in sent(3, mtu - 28 + more):
        assert f.df == (not more) and len(f.raw) == 14 + mtu + more


@pytest.mark.parametrize("mtu", [0, 1, 67])
def test_every_router_passes_68_octets_whole(wire, sent, mtu):
    """RFC 791 3.2, RFC 1191 3; 0 is a router that does not say how much it passes (5)."""
    told(wire, mtu)
    assert all(f.df for f in sent(3, 40))


@pytest.mark.parametrize("mtu", [0, 67])
def test_and_nothing_more_if_the_router_does_not_say_so(wire, sent, mtu):
    told(wire, mtu)
    assert not any(f.df for f in sent(3, 41))


def test_narrowest_of_several_ways_counts(wire, peer):
    for mtu in (900, 600, 1400):
        told(wire, mtu)
    assert [peer.ping(bytes(n))[0].df for n in (572, 573)] == [True, False]


@pytest.mark.parametrize("kind, code", [(3, 0), (3, 3), (3, 13), (11, 0), (4, 4), (12, 4)])
def test_no_other_error_says_anything_of_it(wire, peer, kind, code):
    quoted = packets.ip4(BOARD, "8.8.8.8", 1, packets.icmp(0, 0, bytes(600)))[:28]
    wire.give(peer.datagram(1, packets.icmp(kind, code, b"\0\0\1\0" + quoted)))
    assert peer.ping(bytes(1400))[0].df


def test_router_that_quotes_what_is_not_ours_is_not_heard(wire, peer):
    told(wire, 600, packets.ip4("192.168.1.8", "8.8.8.8", 1, bytes(100))[:28])
    assert peer.ping(bytes(1400))[0].df


@pytest.fixture
def narrow(wire, sent):
    """The same, behind a router that passes nothing of that size."""
    told(wire, 68)
    return sent


def test_identification_is_another_one_each_time_and_follows_no_rule(narrow):
    """RFC 6864 4.3 asks for uniqueness, RFC 7739 for numbers that nobody foresees."""
    ids = [f.ident for f in narrow()]
    steps = {(b - a) % 65536 for a, b in itertools.pairwise(ids)}
    assert len(set(ids)) >= 58 and len(steps) >= 57
    assert len({i >> 12 for i in ids}) >= 12  # all over their range
    assert len({i & 15 for i in ids}) >= 12


def test_every_bit_of_the_identification_is_drawn(narrow):
    ids = [f.ident for f in narrow()]
    for bit in range(16):
        assert 10 < sum(i >> bit & 1 for i in ids) < 50


def test_answer_that_is_not_sent_leaves_the_next_datagram_as_it_is(wire, stack, peer):
    """Port 0 gets none (RFC 768)."""
    stack.bind(7, Inbox(True))
    assert not peer.udp(b"x", sport=0)
    (f,) = peer.ping(b"x")
    assert f.df and f.ident == 0


def test_identifications_of_two_boards_have_nothing_in_common():
    seen = []
    for key in (b"a secret", b"another!"):
        wire = Wire()
        wire.board(key=key)
        wire.run()
        told(wire, 68)
        seen.append({f.ident for f in replies(wire, Station(wire))})
    assert len(seen[0] & seen[1]) < 3


def test_identification_is_not_the_one_of_the_question(wire, peer):
    told(wire, 68)
    assert peer.ping(bytes(600), ident=1)[0].ident != 0x1234


def test_icmp_error_may_be_fragmented_too(wire, peer):
    told(wire, 68)
    (f,) = peer.udp(bytes(8), dport=9999, opts=bytes(40))
    assert f.icmp.type == 3 and not f.df
    (f,) = peer.udp(bytes(8), dport=9999)
    assert f.icmp.type == 3 and f.df
    (f,) = peer.udp(bytes(8), dport=9999, opts=bytes(12))
    assert len(f.raw) - 14 == 68 and f.df


def test_segments_of_tcp_are_never_fragmented_whatever_was_sent_before_them():
    lab = Lab()
    lab.stack.bind(7, Inbox(True))
    other = Station(lab.wire, "10.0.0.9")
    (f,) = other.ping(bytes(500), dst="10.0.0.1")
    lab.icmp(3, 4, f.raw, rest=400)
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(20_000)))
    for _ in range(5):
        other.udp(bytes(500), dst="10.0.0.1", sport=0)  # whose answer is not sent
        assert not other.udp(bytes(500), dst="10.0.0.1")[0].df
        assert not other.ping(bytes(500), dst="10.0.0.1")[0].df
        out = p.run(0) + p.acks()
        assert out and all(s.frame[4:8] == b"\0\0\x40\0" for s in out)


def test_echo_to_a_path_that_is_narrow_arrives_in_the_end(gateway):
    """A router that says "fragmentation needed" is not asked to fragment what has DF; without DF
    it does it by itself."""
    (f,) = gateway.ping(bytes(1400), src="8.8.8.8")
    gateway.icmp_error(3, 4, f, rest=(600).to_bytes(4, "big"))
    for _ in range(3):
        (f,) = gateway.ping(bytes(1400), src="8.8.8.8")
        assert not f.df and len(f.icmp.data) == 1400
