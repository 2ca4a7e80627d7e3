"""Ethernet: which frames are ours, and the header in front of what we send."""

import pytest
from lab import packets
from lab.net import BOARD_MAC, GATEWAY_MAC, PEER, PEER_MAC, Inbox, Station, Wire
from lab.packets import BROADCAST, addr, mac
from uipy import Bytes


def test_reply_goes_back_to_the_mac_that_the_frame_came_from(wire, peer):
    peer.ping(b"x")
    f = peer.expect(type=0)
    assert f.dst == PEER_MAC and f.src == BOARD_MAC and f.kind == 0x0800


def test_reply_needs_no_arp_and_teaches_the_cache_nothing(wire, stack, peer):
    stack.bind(7, Inbox(True))
    peer.answers_arp = False
    assert [f.kind for f in peer.udp(b"hello")] == [0x0800]
    stack.bind(8, Inbox()).send(PEER, 9, Bytes(b"who are you?"))
    assert [f.arp.op for f in wire.run()] == [1]


@pytest.mark.parametrize("dst", ["02:00:00:00:00:08", "00:00:00:00:00:00", "02:00:00:00:00:06"])
def test_frame_for_another_station_is_ignored(wire, peer, dst):
    assert not peer.ping(b"x", mac_dst=mac(dst))
    assert wire.count("eth_ignored") == 1


def test_frame_with_a_group_address_as_source_is_ignored(wire, stack):
    assert not Station(wire, mac=mac("03:00:00:00:00:09")).ping(b"x")
    assert not Station(wire, mac=BROADCAST).ping(b"x")
    assert wire.count("eth_ignored") == 2


@pytest.mark.parametrize("kind", [0x86DD, 0x8100, 0x0801, 0x002E, 0xFFFF])
def test_ethertype_that_we_do_not_speak_is_ignored(wire, peer, kind):
    assert not wire.give(peer.frame(bytes(46), kind=kind))
    assert wire.count("eth_ignored") == 1


@pytest.mark.parametrize("n", range(1, 14))
def test_frame_shorter_than_a_header_is_ignored(wire, peer, n):
    """Even when the octets that the last frame left behind would make a whole one of it."""
    whole = peer.datagram(1, packets.icmp(8, 0, bytes(8)))
    assert wire.give(whole)
    assert not wire.give(whole[:n])
    assert wire.count("eth_ignored") == 1


def test_padding_of_a_short_frame_is_not_part_of_the_datagram(wire, peer):
    frame = peer.datagram(1, packets.icmp(8, 0, b"\0\1\0\1"))
    assert len(frame) == 60 and frame[-1] == 0xA5
    assert wire.give(frame)[0].icmp.data == b""


def test_short_frame_is_sent_unpadded(wire, peer):
    """The device pads: a chip does it by itself."""
    assert len(peer.ping(b"")[0].raw) == 14 + 20 + 8


@pytest.mark.parametrize(
    "ip, dst",
    [
        ("255.255.255.255", BROADCAST),
        ("192.168.1.255", BROADCAST),
        ("224.0.0.251", mac("01:00:5e:00:00:fb")),
        ("239.255.255.250", mac("01:00:5e:7f:ff:fa")),  # RFC 1112 6.4: the upper nine bits go
    ],
)
def test_broadcast_and_multicast_need_no_arp(wire, stack, ip, dst):
    stack.bind(9, Inbox()).send(ip, 9, Bytes(b"all"))
    (f,) = wire.run()
    assert f.dst == dst and f.ip_dst == addr(ip)


def test_destination_off_the_subnet_goes_to_the_gateway(wire, stack, gateway):
    stack.bind(9, Inbox()).send("8.8.8.8", 53, Bytes(b"far"))
    ask, f = wire.run()
    assert ask.arp.tpa == addr(gateway.ip)
    assert f.dst == GATEWAY_MAC and f.ip_dst == addr("8.8.8.8")


def test_without_a_gateway_what_is_off_the_subnet_has_no_route():
    from uipy import BadAddress

    wire = Wire()
    port = wire.board(gateway=None).bind(9, Inbox())
    with pytest.raises(BadAddress):
        port.send("8.8.8.8", 53, Bytes(b"far"))


def test_class_e_cannot_be_reached(wire, stack):
    app = Inbox()
    stack.bind(9, app).send("240.0.0.1", 53, Bytes(b"?"))
    assert not wire.run()
    assert app.errors == ["unreachable"]


def test_link_without_addresses_carries_bare_datagrams():
    wire = Wire(l2=0)
    wire.board()
    assert wire.run() == []  # nothing to announce
    assert Station(wire).ping(b"bare")[0].raw[0] == 0x45


def test_link_without_addresses_reaches_everyone_at_once():
    wire = Wire(l2=0)
    wire.board(gateway=None).bind(9, Inbox()).send("8.8.8.8", 53, Bytes(b"far"))
    assert wire.run()[0].ip_dst == addr("8.8.8.8")
