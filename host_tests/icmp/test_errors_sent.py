"""The ICMP errors that we send, and when we must not (RFC 1122 3.2.2, 3.2.2.1)."""

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER_MAC, WRAP, Clock, Inbox, Station, Wire
from lab.packets import BROADCAST, icmp

rfc = pytest.mark.rfc


@rfc("1122 4.1.3.1-1", "1122 3.2.2.1-1")
def test_datagram_to_a_port_that_nobody_has_bound_earns_port_unreachable(wire, peer):
    peer.udp(b"anyone?", dport=9999)
    peer.expect(type=3, code=3)
    assert wire.count("udp_no_port") == 1


@rfc("1122 3.2.2.1-1")
@pytest.mark.parametrize("proto", [0, 2, 6, 41, 47, 132, 255])
def test_protocol_that_we_do_not_speak_earns_protocol_unreachable(wire, peer, proto):
    """6 among them: the board was made without TCP."""
    wire.give(peer.datagram(proto, b"12345678"))
    peer.expect(type=3, code=2)
    assert wire.count("ip_proto") == 1


@rfc("1122 3.2.2-2", "1122 3.2.2-4")
@pytest.mark.parametrize("opts", [b"", b"\x01\x01\x01\x00", bytes(40)])
@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 500])
def test_error_quotes_the_header_and_8_octets_unchanged(wire, peer, opts, n):
    body = packets.udp(peer.ip, BOARD, 5000, 9999, bytes(range(1, n % 200 + 1)))
    d = packets.ip4(peer.ip, BOARD, 17, body, opts=opts, tos=0xB8, ttl=9)
    wire.give(peer.frame(d))
    f = peer.expect(type=3, code=3, tos=0, ttl=64)
    assert f.icmp.rest == bytes(4)
    assert f.icmp.data == d[: 28 + len(opts)]


def test_error_quotes_no_more_than_there_was(wire, peer):
    d = packets.ip4(peer.ip, BOARD, 99, b"abc")
    wire.give(peer.frame(d))
    assert peer.expect(type=3, code=2).icmp.data == d


def test_error_is_no_longer_than_the_mtu():
    """The least mtu that a stack takes has a place for the longest error: a header with options,
    whole, behind our own two."""
    wire = Wire(mtu=128)
    wire.board()
    wire.run()
    peer = Station(wire)
    d = packets.ip4(peer.ip, BOARD, 99, bytes(8), opts=bytes(40))
    assert len(d) == 68
    wire.give(peer.frame(d))
    f = peer.expect(type=3, code=2)
    assert f.icmp.data == d and len(f.raw) <= 14 + 128


@rfc("1122 3.2.2-3")
@pytest.mark.parametrize("kind", [3, 4, 5, 11, 12, 0, 8, 77])
def test_no_error_about_an_icmp_message(wire, peer, kind):
    quoted = packets.ip4(BOARD, peer.ip, 99, bytes(8))
    assert not [
        f for f in wire.give(peer.datagram(1, icmp(kind, 0, bytes(4) + quoted))) if f.icmp.type
    ]


@rfc("1122 3.2.2-3")
@pytest.mark.parametrize("dst", ["255.255.255.255", "192.168.1.255"])
@pytest.mark.parametrize("mac_dst", [BROADCAST, None])
def test_no_error_about_a_broadcast(wire, peer, dst, mac_dst):
    assert not peer.udp(b"x", dport=9999, dst=dst, mac_dst=mac_dst)
    assert not wire.give(peer.datagram(99, bytes(8), dst=dst, mac_dst=mac_dst))


@rfc("1122 3.2.2-3")
def test_no_error_about_a_datagram_in_a_broadcast_frame(peer):
    assert not peer.udp(b"x", dport=9999, mac_dst=BROADCAST)


@rfc("1122 3.2.2-3")
@pytest.mark.parametrize("frag", [0x2000, 1, 0x2001])
def test_no_error_about_a_fragment(peer, frag):
    assert not peer.udp(b"x", dport=9999, frag=frag)


@rfc("1122 3.2.2-3")
@pytest.mark.parametrize(
    "src", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "240.1.1.1", "255.255.255.255", "192.168.1.255"]
)
def test_no_error_to_a_source_that_is_not_one_host(peer, src):
    assert not peer.udp(b"x", dport=9999, src=src)


def test_no_error_about_a_datagram_whose_own_checksum_is_wrong(wire, peer):
    assert not peer.udp(b"x", dport=9999, csum=0x1111)
    assert wire.count("udp_bad") == 1


def test_error_goes_to_whom_a_distant_source_came_through(wire, gateway):
    """By the MAC that the frame came from, and the address that it names."""
    gateway.udp(b"x", dport=9999, src="8.8.8.8")
    (f,) = [wire.give(gateway.datagram(99, b"12345678", src="8.8.8.8"))[0]]
    assert f.dst == gateway.mac and f.ip_dst == packets.addr("8.8.8.8")


def burst(peer, n):
    """How many of n probes are answered."""
    return sum(len(peer.udp(b"scan", dport=9999)) for _ in range(n))


def test_errors_are_limited_to_ten_at_once_and_ten_a_second(wire, peer):
    at_once = burst(peer, 50)
    assert 5 <= at_once <= 10
    assert wire.count("icmp_muted") == 50 - at_once
    wire.run(99)
    assert burst(peer, 1) == 0
    wire.run(1)
    assert burst(peer, 5) <= 1
    wire.run(500)
    assert 2 <= burst(peer, 50) <= 5
    wire.run(60_000)
    assert 5 <= burst(peer, 50) <= 10


def test_errors_go_on_at_five_to_ten_a_second_under_a_steady_scan(wire, peer):
    burst(peer, 50)
    sent = 0
    for _ in range(1000):
        sent += burst(peer, 1)
        wire.run(10)
    assert 50 <= sent <= 100


def bursts(key):
    """How many errors the bucket of a board with this key gives when it is full, 40 times."""
    wire = Wire()
    wire.board(key=key)
    wire.run()
    peer = Station(wire)
    found = []
    for _ in range(40):
        found.append(burst(peer, 12))
        wire.run(2000)
    return found


def test_nobody_can_count_the_errors_that_others_were_sent():
    """The limit is one for all, so what is left of it tells how many probes of others were
    answered: with a fixed number that is a scan of UDP ports in another's name (SAD DNS,
    CVE-2020-25705). A full bucket has another number of errors each time, on each board."""
    first, second = bursts(b"a secret"), bursts(b"another!")
    for found in (first, second):
        assert len(set(found)) >= 3
        assert max(found.count(n) for n in set(found)) < 30
    assert first != second


def test_limit_on_errors_does_not_hold_back_echoes(wire, peer):
    for _ in range(50):
        peer.udp(b"scan", dport=9999)
    for _ in range(50):
        assert peer.ping(b"x")


def test_limit_survives_a_week_of_silence(wire, stack, peer):
    for _ in range(20):
        peer.udp(b"scan", dport=9999)
    for _ in range(10):  # 7.7 days: the ticks are half-way round and look like the past
        wire.clock.ms += 2**26
        wire.poll()
    assert len(peer.udp(b"scan", dport=9999)) == 1


def test_error_on_a_link_without_addresses():
    wire = Wire(l2=0)
    wire.board().bind(7, Inbox())
    peer = Station(wire)
    peer.udp(b"x", dport=8)
    peer.expect(type=3, code=3)


def test_every_octet_of_an_error(wire, peer):
    """Behind whatever lay in the buffer before."""
    for proto, code, body in ((17, 3, packets.udp(peer.ip, BOARD, 5, 9, b"x" * 40)), (99, 2, b"")):
        d = packets.ip4(peer.ip, BOARD, proto, body, tos=0xFF, ident=0xABCD, opts=b"\x01" * 8)
        whole = packets.ip4(BOARD, peer.ip, 1, icmp(3, code, bytes(4) + d[:36]), ident=0)
        (f,) = wire.give(peer.frame(d))
        assert f.raw == packets.eth(PEER_MAC, BOARD_MAC, 0x0800, whole)


def fixed(chance, start=0):
    """A board whose chance is always the same, and its peer."""
    wire = Wire(clock=Clock(start))
    wire.board().random8 = lambda: chance
    wire.run()
    return wire, Station(wire)


@pytest.mark.parametrize("chance, cost", [(0, 1), (1, 2), (254, 1), (255, 2)])
@pytest.mark.parametrize("start", [0, WRAP - 500])
def test_bucket_fills_by_one_every_100_ms_up_to_ten(chance, cost, start):
    """An error takes one or two; what was taken too much is owed."""
    wire, peer = fixed(chance, start)
    assert burst(peer, 20) == 10 // cost and wire.count("icmp_muted") == 20 - 10 // cost
    wire.run(99)
    assert burst(peer, 5) == 0
    wire.run(1)
    assert burst(peer, 5) == 1
    wire.run(99)
    assert burst(peer, 5) == 0
    wire.run(1)
    assert burst(peer, 5) == (cost == 1)
    wire.run(900)
    assert burst(peer, 50) == 9 // cost + 9 % cost
    wire.run(100_000)
    assert burst(peer, 50) == 10 // cost


@pytest.mark.parametrize(
    "ms, errors, later", [(499, 9, 1), (500, 10, 0), (1000, 10, 0), (1001, 10, 0)]
)
def test_bucket_that_was_half_empty_is_full_after_half_a_second(ms, errors, later):
    wire, peer = fixed(0)
    assert burst(peer, 5) == 5
    wire.run(ms)
    assert burst(peer, 50) == errors
    wire.run(99)
    assert burst(peer, 50) == later


@pytest.mark.parametrize("ms, errors", [(100, 10), (899, 10), (999, 10), (1000, 10)])
def test_full_bucket_keeps_nothing_for_later(ms, errors):
    wire, peer = fixed(0)
    assert burst(peer, 1) == 1
    wire.run(ms)
    assert burst(peer, 50) == errors
    assert burst(peer, 50) == 0


def test_message_of_the_least_length_is_sound(wire, stack, peer):
    wire.give(peer.datagram(1, icmp(0, 0, bytes(4))))
    assert wire.count("icmp_in") == 1 and wire.count("icmp_bad") == 0
    wire.give(peer.datagram(1, icmp(0, 0, bytes(3))))
    assert wire.count("icmp_in") == 2 and wire.count("icmp_bad") == 1
