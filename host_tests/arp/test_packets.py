"""ARP packets: what is answered, learnt and sent (RFC 826, RFC 5227, RFC 1122 2.3.2)."""

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER, PEER_MAC, Inbox, Station, Wire
from lab.packets import BROADCAST, addr, mac
from uipy import Bytes

rfc = pytest.mark.rfc
OTHER_MAC = mac("02:00:00:00:00:aa")


def knows(wire, stack, ip, at=None):
    """Whether a datagram to `ip` leaves at once, and to which MAC."""
    port = stack.bind(0, Inbox())
    port.send(ip, 9, Bytes(b"?"))
    sent = wire.run()
    port.close()
    return [f.dst for f in sent if f.udp] == [at or PEER_MAC]


def test_our_address_is_announced_at_the_start():
    wire = Wire()
    wire.board()
    (f,) = wire.run()
    assert f.dst == BROADCAST and f.arp.op == 1
    assert f.arp.spa == f.arp.tpa == addr(BOARD) and f.arp.sha == BOARD_MAC and not any(f.arp.tha)


def test_every_octet_of_announcement_request_reply_and_poll():
    """Behind whatever lay in the buffer before."""

    def frame(dst, op, tha, tpa):
        return packets.eth(dst, BOARD_MAC, 0x0806, packets.arp(op, BOARD_MAC, BOARD, tha, tpa))

    wire = Wire()
    stack = wire.board()
    assert [f.raw for f in wire.run()] == [frame(BROADCAST, 1, bytes(6), BOARD)]
    peer = Station(wire)
    reply = frame(PEER_MAC, 2, PEER_MAC, PEER)
    assert [f.raw for f in wire.give(peer.arp_request())] == [reply]
    port = stack.bind(0, Inbox())
    port.send("192.168.1.10", 9, Bytes(b"?"))
    request = frame(BROADCAST, 1, bytes(6), "192.168.1.10")
    assert [f.raw for f in wire.run()] == [request]
    wire.run(50_000)
    port.send(PEER, 9, Bytes(b"?"))
    polls = [f.raw for f in wire.run(10_000) if f.arp]
    assert polls == [frame(PEER_MAC, 1, bytes(6), PEER)]


def test_our_address_is_announced_when_the_link_comes_back(wire, stack):
    wire.up = False
    assert not wire.run(3000)
    wire.up = True
    assert [f.arp.tpa for f in wire.run(3000)] == [addr(BOARD)]
    assert not wire.run(10_000)


def test_our_address_is_announced_when_it_changes(wire, stack):
    stack.ifaces[0].configure("192.168.1.77/24")
    assert [f.arp.spa for f in wire.run()] == [addr("192.168.1.77")]


def test_no_address_no_announcement():
    wire = Wire()
    stack = wire.board(ip=None)
    assert not wire.run(5000)
    stack.ifaces[0].configure(BOARD)
    stack.ifaces[0].configure(None)
    assert not wire.run(5000)


@rfc("826 rx-3")
@pytest.mark.parametrize("dst", [BROADCAST, BOARD_MAC])
def test_request_for_us_is_answered_to_its_sender(wire, peer, dst):
    (f,) = wire.give(peer.arp_request(dst=dst))
    assert f.dst == PEER_MAC and f.arp.op == 2
    assert (f.arp.sha, f.arp.spa) == (BOARD_MAC, addr(BOARD))
    assert (f.arp.tha, f.arp.tpa) == (PEER_MAC, addr(PEER))
    assert wire.count("arp_in") == 1 and wire.count("arp_out") == 2  # with the announcement


@rfc("826 rx-2")
def test_request_for_us_teaches_us_its_sender(wire, stack, peer):
    peer.answers_arp = False
    wire.give(peer.arp_request())
    assert knows(wire, stack, PEER)


def test_request_for_another_is_neither_answered_nor_learnt(wire, stack, peer):
    peer.answers_arp = False
    assert not wire.give(peer.arp_request(tpa="192.168.1.8"))
    assert not knows(wire, stack, PEER)


@rfc("826 rx-1")
def test_known_senders_new_mac_is_taken_from_any_packet(wire, stack, peer):
    wire.give(peer.arp_request())
    peer.mac = OTHER_MAC
    wire.give(peer.arp_request(tpa="192.168.1.8"))
    assert knows(wire, stack, PEER, OTHER_MAC)


def test_gratuitous_arp_of_a_known_neighbour_is_believed_of_a_stranger_ignored(wire, stack, peer):
    peer.answers_arp = False
    wire.give(peer.arp_request(tpa=PEER))
    assert not knows(wire, stack, PEER)
    wire.give(peer.arp_request())
    peer.mac = OTHER_MAC
    wire.give(peer.arp_request(tpa=PEER))
    assert knows(wire, stack, PEER, OTHER_MAC)


def test_reply_to_us_that_nobody_asked_for_is_taken_as_rfc_826_says(wire, stack, peer):
    assert not wire.give(peer.arp_reply())
    peer.answers_arp = False
    assert knows(wire, stack, PEER)


def test_probe_is_answered_and_teaches_nothing(wire, stack, peer):
    """RFC 5227 2.1.1: somebody asks whether our address is free."""
    (f,) = wire.give(peer.arp_request(spa="0.0.0.0"))
    assert f.arp.op == 2 and f.arp.tpa == bytes(4) and f.dst == PEER_MAC
    assert wire.count("arp_conflict") == 0


def test_another_station_with_our_address_is_counted_and_not_learnt(wire, stack, peer):
    peer.answers_arp = False
    assert not wire.give(peer.arp_request(spa=BOARD))
    assert not wire.give(peer.arp_request(spa=BOARD, tpa="192.168.1.8"))
    assert wire.count("arp_conflict") == 2


def test_our_own_announcement_coming_back_is_no_conflict(wire, stack, peer):
    assert not wire.give(peer.arp_request(spa=BOARD, sha=BOARD_MAC))
    assert wire.count("arp_conflict") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"htype": 6},
        {"ptype": 0x86DD},
        {"hlen": 8},
        {"plen": 16},
        {"sha": "00:00:00:00:00:00"},
        {"sha": "ff:ff:ff:ff:ff:ff"},
        {"sha": "01:00:5e:00:00:01"},
        {"spa": "255.255.255.255"},
        {"spa": "192.168.1.255"},
        {"spa": "224.0.0.1"},
        {"spa": "127.0.0.1"},
    ],
)
def test_malformed_or_impossible_packet_is_counted_and_dropped(wire, stack, peer, wrong):
    peer.answers_arp = False
    assert not wire.give(peer.arp_request(**wrong))
    assert wire.count("arp_bad") == 1
    assert not knows(wire, stack, wrong.get("spa", PEER)) or wrong.get("spa", "").startswith("2")


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("op", [1, 2])
def test_nobody_else_has_our_mac(wire, stack, peer, known, op):
    """A packet that gives our own MAC for another's address: what we send there would come back to
    us, or be lost."""
    if known:
        wire.give(peer.arp_request())
    body = packets.arp(op, BOARD_MAC, PEER, bytes(6), BOARD)
    assert not wire.give(peer.frame(body, BROADCAST, 0x0806))
    assert wire.count("arp_bad") == 1
    assert knows(wire, stack, PEER)


def test_new_entry_is_made_only_for_a_host_of_the_subnet_that_speaks_to_us(wire, stack, peer):
    tab = stack.ifaces[0].arp.tab
    wire.give(peer.arp_request(spa="192.168.2.9"), peer.arp_request(tpa="192.168.1.8"))
    wire.give(peer.frame(packets.arp(2, PEER_MAC, "8.8.8.8", BOARD_MAC, BOARD), None, 0x0806))
    wire.give(peer.frame(packets.arp(2, PEER_MAC, PEER, BROADCAST, PEER), BROADCAST, 0x0806))
    peer.ping(b"no datagram teaches anything")
    peer.udp(b"nor this", dport=9999)
    assert not any(tab)


@pytest.mark.parametrize("op", [0, 3, 4, 8, 9, 0x0101, 0x0102])
def test_operation_that_is_neither_request_nor_reply_is_dropped(wire, peer, op):
    body = packets.arp(op, PEER_MAC, PEER, bytes(6), BOARD)
    assert not wire.give(peer.frame(body, BROADCAST, 0x0806))
    assert wire.count("arp_bad") == 1


@pytest.mark.parametrize("n", [0, 1, 27])
def test_truncated_packet_is_dropped(wire, peer, n):
    whole = packets.eth(
        BROADCAST, PEER_MAC, 0x0806, packets.arp(1, PEER_MAC, PEER, bytes(6), BOARD)
    )
    assert wire.give(whole)
    assert not wire.give(whole[: 14 + n])
    assert wire.count("arp_bad") == 1


def test_sender_off_the_subnet_is_answered_but_takes_no_row(wire, stack, peer):
    assert wire.give(peer.arp_request(spa="10.1.1.1"))
    assert not any(stack.ifaces[0].arp.tab)


@rfc("826 tx-1")
def test_request_is_broadcast_and_names_us(wire, stack, peer):
    peer.answers_arp = False
    wire.give(peer.frame(b"\xee" * 100))  # what lay in the buffer does not matter
    stack.bind(9, Inbox()).send(PEER, 9, Bytes(b"?"))
    (f,) = wire.run()
    assert f.dst == BROADCAST and f.arp.op == 1 and f.arp.tpa == addr(PEER) and not any(f.arp.tha)
    assert (f.arp.sha, f.arp.spa) == (BOARD_MAC, addr(BOARD))


def test_board_without_an_address_answers_nobody():
    wire = Wire()
    wire.board(ip=None)
    peer = Station(wire)
    assert not wire.give(peer.arp_request())
    assert not wire.give(peer.arp_request(tpa="0.0.0.0"))
    assert not wire.give(peer.arp_request(tpa="0.0.0.0", spa="0.0.0.0"))
    assert wire.count("arp_conflict") == 0
