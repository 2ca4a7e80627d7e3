"""Which neighbour a datagram goes to, as an interface says it to its transports (RFC 1122 3.3.1),
and what an interface knows of itself."""

import pytest
from lab.net import BOARD, BOARD_MAC, GATEWAY, PEER, Station, Wire
from lab.packets import BROADCAST, addr, mac
from uipy.net.datagram import BCAST, FACE_SIZE, HOP, OUR_IP, OUR_MAC


def asked(wire):
    return [f.arp.tpa for f in wire.run() if f.arp]


@pytest.mark.parametrize("ip", [PEER, "8.8.8.8", "255.255.255.255", "224.0.0.1", "240.0.0.1"])
def test_on_a_line_without_addresses_everyone_is_reached(ip):
    iface = Wire(l2=0).board(gateway=None).ifaces[0]
    assert iface.reach(addr(ip), 0) == 1
    iface.doubt(addr(ip), 0)  # there is nobody to be asked


@pytest.mark.parametrize(
    "ip, hop",
    [
        ("255.255.255.255", BROADCAST),
        ("192.168.1.255", BROADCAST),
        ("224.0.0.1", mac("01:00:5e:00:00:01")),
        ("224.128.255.254", mac("01:00:5e:00:ff:fe")),
        ("239.255.0.251", mac("01:00:5e:7f:00:fb")),
    ],
)
def test_groups_and_broadcasts_are_reached_at_once(wire, stack, ip, hop):
    face = stack.ifaces[0].face
    behind = bytes(face[HOP + 6 :])
    assert stack.ifaces[0].reach(b"??" + addr(ip), 2) == 1
    assert face[HOP : HOP + 6] == hop and face[HOP + 6 :] == behind
    assert not asked(wire)


@pytest.mark.parametrize("ip", ["240.0.0.0", "240.0.0.1", "255.255.255.254", "254.255.255.255"])
def test_class_e_is_reached_by_nobody(wire, stack, ip):
    assert stack.ifaces[0].reach(addr(ip), 0) == -1
    assert not asked(wire)


@pytest.mark.parametrize("ip", ["8.8.8.8", "223.255.255.255", "192.168.2.9"])
def test_what_is_elsewhere_needs_a_gateway(wire, ip):
    iface = wire.board(gateway=None).ifaces[0]
    wire.run()
    assert iface.reach(addr(ip), 0) == -1 and not asked(wire)
    iface.configure(BOARD + "/24", GATEWAY)
    wire.run()
    assert iface.reach(addr(ip), 0) == 0 and asked(wire) == [addr(GATEWAY)]


@pytest.mark.parametrize(
    "ip, near",
    [
        ("169.254.0.1", True),
        ("169.254.255.254", True),
        ("169.253.255.254", False),
        ("169.255.0.1", False),
        ("168.254.0.1", False),
        ("170.254.0.1", False),
    ],
)
def test_link_local_addresses_are_those_of_169_254(wire, stack, ip, near):
    """RFC 3927 2.6.2: no gateway gets what is for them."""
    assert stack.ifaces[0].local(b"?" + addr(ip), 1) == near
    assert stack.ifaces[0].reach(addr(ip), 0) == 0
    assert asked(wire) == [addr(ip if near else GATEWAY)]


@pytest.mark.parametrize(
    "ip, asks", [(PEER, PEER), ("8.8.8.8", GATEWAY), ("192.168.2.9", GATEWAY)]
)
def test_doubt_asks_the_neighbour_that_is_on_the_way(wire, stack, gateway, ip, asks):
    Station(wire)
    for known in (PEER, "8.8.8.8"):
        stack.ifaces[0].reach(addr(known), 0)
    wire.run(2000)
    stack.ifaces[0].doubt(b"?" + addr(ip), 1)
    assert asked(wire) == [addr(asks)]


@pytest.mark.parametrize("groups", [0, 1, 4, 8])
def test_an_interface_knows_its_address_in_29_octets_and_4_for_each_group(groups):
    iface = Wire().board(groups=groups).ifaces[0]
    assert len(iface.face) == FACE_SIZE + 4 * groups == 29 + 4 * groups
    assert bytes(iface.ip) == iface.face[OUR_IP : OUR_IP + 4] == addr(BOARD)
    assert iface.face[BCAST : BCAST + 4] == addr("192.168.1.255")
    assert iface.face[OUR_MAC : OUR_MAC + 6] == BOARD_MAC and not any(iface.face[HOP : HOP + 6])
    assert (iface.tx, iface.mtu, iface.up) == (2 + 14 + 20, 1500, False)
    iface.configure("10.1.2.3/8")
    assert bytes(iface.ip) == addr("10.1.2.3")
    assert iface.face[BCAST : BCAST + 4] == addr("10.255.255.255")


def test_the_link_is_seen_up_when_it_is_looked_at():
    wire = Wire()
    iface = wire.board().ifaces[0]
    wire.run()
    assert iface.up is True
    wire.up = False
    wire.run(1000)
    assert iface.up is False
