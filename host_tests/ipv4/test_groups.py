"""Multicast groups and fragments, as far as the core goes: who is in a group hears it (RFC 1112),
and what somebody has taken is handed over. Who joins and who puts fragments together are parts of
their own."""

import pytest
from lab import packets
from lab.net import BOARD, Inbox
from lab.packets import addr
from uipy.net.datagram import GROUP, GROUPS, LEN
from uipy.net.front import FRAGMENT
from uipy.net.icmp import OTHER

rfc = pytest.mark.rfc

MDNS = "224.0.0.251"


class Taker:
    def __init__(self, stack):
        self.stack = stack
        self.got = []

    def input(self, iface):
        self.got.append((iface.idx, self.stack.seg[LEN]))
        return 0


def in_groups(stack, *groups):
    face = stack.ifaces[0].face
    for k, group in enumerate(groups):
        face[GROUP + 4 * k : GROUP + 4 * k + 4] = addr(group)
    face[GROUPS] = GROUP + 4 * len(groups)


@pytest.fixture
def stack(wire):
    s = wire.board(groups=2)
    wire.run()
    return s


@rfc("1112 7.2-1")
@pytest.mark.parametrize("group", [MDNS, "239.1.2.3"])
def test_datagram_for_a_group_of_ours_reaches_its_port(stack, peer, group):
    app = Inbox(True)
    stack.bind(5353, app)
    in_groups(stack, MDNS, "239.1.2.3")
    mac = b"\x01\x00\x5e" + addr(group)[1:]
    answer = peer.udp(b"who?", dst=group, mac_dst=mac, dport=5353)
    assert app.got == [b"who?"] and app.casts == [True]
    assert answer[0].ip_src == addr(BOARD)


@rfc("1112 7.2-2")
@pytest.mark.parametrize("group", ["224.0.0.252", "239.1.2.3", "0.0.0.0"])
def test_datagram_for_another_group_is_dropped(wire, stack, peer, group):
    app = Inbox(True)
    stack.bind(5353, app)
    in_groups(stack, MDNS)
    assert not peer.udp(b"who?", dst=group, dport=5353)
    assert not app.got and wire.count("ip_ignored") == 1


def test_group_that_was_left_is_dropped(wire, stack, peer):
    app = Inbox(True)
    stack.bind(5353, app)
    in_groups(stack, MDNS)
    stack.ifaces[0].face[GROUPS] = 0
    assert not peer.udp(b"who?", dst=MDNS, dport=5353)
    assert wire.count("ip_ignored") == 1


@rfc("1112 7.2-5")
def test_nothing_is_refused_that_came_to_a_group(wire, stack, peer):
    """RFC 1122 3.2.2: no error about a multicast; nor is a ping to a group answered."""
    in_groups(stack, MDNS)
    assert not peer.udp(b"who?", dst=MDNS, dport=9999)
    assert not peer.ping(b"who?", dst=MDNS)
    assert not wire.give(peer.datagram(99, b"x", dst=MDNS))


def test_fragments_go_to_who_has_taken_them(wire, stack, peer):
    taker = Taker(stack)
    stack.add_protocol(FRAGMENT, taker)
    assert not peer.ping(b"part", frag=0x2000)
    assert not peer.ping(b"part", frag=0x0001)
    assert peer.ping(b"whole")
    assert taker.got == [(0, 12), (0, 12)] and wire.count("ip_frag") == 0


def test_fragment_that_is_not_sound_goes_to_nobody(wire, stack, peer):
    taker = Taker(stack)
    stack.add_protocol(FRAGMENT, taker)
    assert not peer.ping(b"part", frag=0x2000, csum=1)
    assert not peer.ping(b"part", frag=0x2000, dst="192.168.1.9")
    assert not taker.got and wire.count("ip_bad") == wire.count("ip_ignored") == 1


def test_a_type_of_icmp_goes_to_who_has_taken_it(wire, stack, peer):
    taker = Taker(stack)
    stack.add_protocol(OTHER | 5, taker)
    redirect = packets.icmp(5, 1, addr("192.168.1.2") + bytes(28))
    assert not wire.give(peer.datagram(1, redirect))
    assert not wire.give(peer.datagram(1, packets.icmp(5, 1, bytes(32), csum=1)))
    assert not wire.give(peer.datagram(1, redirect, dst="255.255.255.255"))
    assert not wire.give(peer.datagram(1, packets.icmp(4, 0, bytes(32))))
    assert taker.got == [(0, 36)]
