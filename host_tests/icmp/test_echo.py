"""ICMP echo (RFC 792, RFC 1122 3.2.2.6)."""

import random

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER_MAC, Station, Wire
from lab.packets import BROADCAST, addr, icmp
from uipy.stat import NAMES

rfc = pytest.mark.rfc


@rfc("1122 3.2.2.6-1", "1122 3.2.2.6-3")
@pytest.mark.parametrize("n", [0, 1, 2, 3, 8, 55, 56, 255, 1471, 1472])
def test_echo_comes_back_with_all_its_data(peer, n):
    data = random.Random(n).randbytes(n)
    peer.ping(data, ident=0xBEEF, seq=n)
    f = peer.expect(type=0, code=0, data=data)
    assert f.icmp.rest == b"\xbe\xef" + n.to_bytes(2, "big")


@pytest.mark.parametrize("opts", [b"", b"\x01" * 4, b"\x01" * 40])
@pytest.mark.parametrize("n", [0, 1, 301])
def test_every_octet_of_a_reply(peer, n, opts):
    data = bytes(range(1, 200)) * 2
    (f,) = peer.ping(data[:n], ident=0xBEEF, seq=0xFACE, opts=opts, tos=0xFF, ttl=3)
    body = packets.icmp(0, 0, b"\xbe\xef\xfa\xce" + data[:n])
    whole = packets.ip4(BOARD, peer.ip, 1, body, ident=0, tos=0xFC)
    assert f.raw == packets.eth(PEER_MAC, BOARD_MAC, 0x0800, whole)


@rfc("1122 3.2.2.6-2")
def test_echo_reply_comes_from_the_address_that_was_asked(peer):
    peer.ping(b"x")
    f = peer.expect(type=0)
    assert f.ip_src == addr(BOARD) and f.ip_dst == addr(peer.ip)


def test_checksum_of_the_reply_is_right_whatever_the_sum(peer):
    """It is not computed anew: the old one grows by 0x0800. decode() judges."""
    for s in list(range(0, 0x10000, 251)) + [0xF7FF, 0xF800, 0xF7FE, 0xFFFF]:
        peer.ping(b"", ident=s, seq=0)
        peer.expect(type=0)


def test_echo_that_fills_the_mtu_behind_options_keeps_its_place(peer):
    peer.ping(b"z" * 1432, opts=b"\x01" * 40)
    peer.expect(type=0, data=b"z" * 1432)


@pytest.mark.parametrize("flip", [1, 0x100, 0x8000])
def test_bad_checksum_is_not_answered(wire, peer, flip):
    good = icmp(8, 0, b"\0\1\0\1")
    bad = icmp(8, 0, b"\0\1\0\1", csum=int.from_bytes(good[2:4], "big") ^ flip)
    assert not wire.give(peer.datagram(1, bad))
    assert wire.count("icmp_bad") == 1


@pytest.mark.parametrize("n", range(8))
def test_message_shorter_than_a_header_is_not_answered(wire, peer, n):
    body = icmp(8, 0, bytes(4))[:n]
    assert not wire.give(peer.datagram(1, body))
    assert wire.count("icmp_bad") == 1


@rfc("1122 3.2.2.6-4")
@pytest.mark.parametrize("dst", ["255.255.255.255", "192.168.1.255"])
@pytest.mark.parametrize("mac_dst", [BROADCAST, None])
def test_echo_to_everyone_is_not_answered(peer, dst, mac_dst):
    assert not peer.ping(b"smurf", dst=dst, mac_dst=mac_dst)


@rfc("1122 3.2.2-1")
@pytest.mark.parametrize("kind", [0, 1, 2, 4, 5, 6, 7, 9, 10, 13, 15, 17, 30, 42, 255])
def test_other_types_are_not_answered(wire, peer, kind):
    assert not wire.give(peer.datagram(1, icmp(kind, 0, bytes(40))))
    assert wire.count("icmp_bad") == 0


def test_small_mtu_is_respected():
    wire = Wire(mtu=576)
    wire.board()
    peer = Station(wire)
    peer.ping(b"a" * 548)
    peer.expect(type=0, data=b"a" * 548)


def test_echo_over_a_link_without_addresses():
    wire = Wire(l2=0)
    wire.board()
    peer = Station(wire)
    peer.ping(b"slip")
    assert len(peer.expect(type=0, data=b"slip").raw) == 32


def test_messages_are_counted(wire, peer):
    peer.ping()
    wire.give(peer.datagram(1, icmp(0, 0, bytes(4))))
    peer.udp(b"x", dport=9999)
    assert (wire.count("icmp_in"), wire.count("icmp_out")) == (2, 2)


def test_reply_has_the_requests_tos_but_not_its_ecn_mark(peer):
    peer.ping(tos=0xB9)
    assert peer.expect(type=0).tos == 0xB8


def test_echo_whose_data_looks_like_a_padded_frame_is_cut_at_its_length(wire, peer):
    (f,) = wire.give(peer.datagram(1, packets.icmp(8, 0, b"\0\1\0\2odd")))
    assert f.icmp.data == b"odd"


@pytest.mark.parametrize("name", ["icmp_in", "icmp_out"])
def test_echo_counts_modulo_2_to_the_30(wire, stack, peer, name):
    """The kernel has the counting in place (kern/octets.py bump)."""
    k = NAMES.index(name)
    for before in (2**30 - 2, 2**30 - 1, 2**29 - 1, 0):
        wire.counts_from(name, before)
        peer.ping(b"x")
        peer.expect(type=0)
        assert stack.stat[k] == (before + 1) % 2**30
