"""What becomes of a frame, by every counter that it moves; and addresses that differ from ours in
one octet."""

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, GATEWAY, PEER, PEER_MAC, Inbox, Station, Wire
from lab.packets import BROADCAST, addr, icmp
from uipy.net.datagram import CAST, GROUP, GROUPS, OUR_IP
from uipy.stat import NAMES

MDNS = "224.0.0.251"
ECHO = icmp(8, 0, b"\0\1\0\1" + b"data of an echo request, longer than any padding")
REPLY = {"ip_out": 1, "frames_out": 1}
DATAGRAM = {"frames_in": 1, "ip_in": 1}


def one_off(ip):
    """The addresses that differ from this one in an octet by one."""
    octets = addr(ip)
    others = [bytes(x ^ (k == at) for k, x in enumerate(octets)) for at in range(4)]
    return ["%d.%d.%d.%d" % tuple(other) for other in others]


def eth(body, dst=BOARD_MAC, src=PEER_MAC, kind=0x0800):
    return packets.eth(dst, src, kind, body)


def ip4(src=PEER, dst=BOARD, proto=1, body=ECHO, **header):
    return packets.ip4(src, dst, proto, body, **header)


def udp(dport=7, src=PEER, dst=BOARD, sport=5000, **wrong):
    return ip4(src, dst, 17, packets.udp(src, dst, sport, dport, b"x", **wrong))


def arp(op=1, sha=PEER_MAC, spa=PEER, tpa=BOARD):
    return eth(packets.arp(op, sha, spa, bytes(6), tpa), BROADCAST, sha, 0x0806)


OURS = bytes(4) + udp(9, BOARD, PEER, 8)  # as an ICMP error quotes it


@pytest.fixture
def moved(wire, stack):
    """A function: by how much the counters move when this frame arrives. There was a ping before,
    of which seg and the buffer still speak."""
    stack.bind(7, Inbox(True))
    stack.bind(8, Inbox())

    def move(frame):
        wire.give(eth(ip4()))
        before = [wire.count(name) for name in NAMES]
        wire.give(frame)
        after = [wire.count(name) for name in NAMES]
        return {n: b - a for n, a, b in zip(NAMES, before, after, strict=True) if b != a}

    return move


@pytest.mark.parametrize(
    "frame, counters",
    [
        (eth(ip4()), {"icmp_in": 1, "icmp_out": 1} | REPLY),
        (eth(ip4(dst="192.168.1.255"), BROADCAST), {"icmp_in": 1}),
        (eth(ip4(body=ECHO[:-1])), {"icmp_in": 1, "icmp_bad": 1}),
        (eth(ip4(body=icmp(0, 0, bytes(8)))), {"icmp_in": 1}),
        (eth(ip4(body=icmp(3, 3, OURS))), {"icmp_in": 1, "icmp_error": 1}),
        (eth(ip4(body=icmp(3, 3, bytes(4) + udp(9)))), {"icmp_in": 1, "icmp_bad": 1}),
        (eth(udp(7)), {"udp_in": 1, "udp_out": 1} | REPLY),
        (eth(udp(7, sport=0)), {"udp_in": 1}),
        (eth(udp(8)), {"udp_in": 1}),
        (eth(udp(9)), {"udp_in": 1, "udp_no_port": 1, "icmp_out": 1} | REPLY),
        (eth(udp(9, dst="255.255.255.255"), BROADCAST), {"udp_in": 1, "udp_no_port": 1}),
        (eth(udp(7, csum=1)), {"udp_in": 1, "udp_bad": 1}),
        (eth(udp(7, length=7)), {"udp_in": 1, "udp_bad": 1}),
        (eth(ip4(proto=99)), {"ip_proto": 1, "icmp_out": 1} | REPLY),
        (eth(ip4(proto=0)), {"ip_proto": 1, "icmp_out": 1} | REPLY),
        (eth(ip4(proto=99, dst="255.255.255.255"), BROADCAST), {"ip_proto": 1}),
        (eth(ip4(frag=0x2000)), {"ip_frag": 1}),
        (eth(ip4(csum=1)), {"ip_bad": 1}),
        (eth(ip4(version=6)), {"ip_bad": 1}),
        (eth(ip4())[:-1], {"ip_bad": 1}),
        (eth(ip4())[:15], {"ip_bad": 1}),
        (eth(ip4(dst="192.168.1.8")), {"ip_ignored": 1}),
        (eth(ip4(src=BOARD)), {"ip_ignored": 1}),
        (eth(ip4(src="127.0.0.1")), {"ip_ignored": 1}),
        (eth(ip4(opts=b"\x83\x07\x04\0\0\0\0\0")), {"ip_ignored": 1}),
        (eth(ip4(), BROADCAST), {"ip_ignored": 1}),
    ],
)
def test_counters_that_a_datagram_moves(moved, frame, counters):
    assert moved(frame) == DATAGRAM | counters


@pytest.mark.parametrize(
    "frame, counters",
    [
        (arp(), {"arp_in": 1, "arp_out": 1, "frames_out": 1}),
        (arp(2), {"arp_in": 1}),
        (arp(tpa="192.168.1.8"), {"arp_in": 1}),
        (arp(spa=BOARD), {"arp_in": 1, "arp_conflict": 1}),
        (arp(sha=BOARD_MAC), {"arp_in": 1, "arp_bad": 1}),
        (arp(3), {"arp_in": 1, "arp_bad": 1}),
        (arp()[:41], {"arp_in": 1, "arp_bad": 1}),
        (eth(ip4(), kind=0x86DD), {"eth_ignored": 1}),
        (eth(ip4(), b"\2\0\0\0\0\x08"), {"eth_ignored": 1}),
        (eth(ip4(), src=b"\3\0\0\0\0\x09"), {"eth_ignored": 1}),
        (eth(ip4())[:13], {"eth_ignored": 1}),
    ],
)
def test_counters_that_another_frame_moves(moved, frame, counters):
    assert moved(frame) == {"frames_in": 1} | counters


@pytest.mark.parametrize("k", range(6))
def test_frame_whose_destination_differs_in_one_octet_is_another_station_s(wire, stack, k):
    dst = bytearray(BOARD_MAC)
    dst[k] ^= 4
    assert not wire.give(eth(ip4(), bytes(dst)))
    assert wire.count("eth_ignored") == 1


@pytest.mark.parametrize("ip", one_off(BOARD))
def test_address_that_differs_from_ours_in_one_octet_is_another_host_s(wire, stack, ip):
    assert not wire.give(eth(ip4(dst=ip)))
    assert wire.count("ip_ignored") == 1
    (f,) = wire.give(eth(ip4(src=ip)))
    assert f.ip_dst == addr(ip)


@pytest.mark.parametrize("ip", [*one_off("255.255.255.255"), *one_off("192.168.1.255")])
def test_address_that_differs_from_a_broadcast_in_one_octet_is_none(wire, stack, ip):
    stack.bind(7, Inbox(True))
    assert not wire.give(eth(udp(dst=ip)))
    assert wire.count("ip_ignored") == 1
    if addr(ip)[0] < 224:
        assert wire.give(eth(udp(src=ip)))[0].ip_dst == addr(ip)


@pytest.mark.parametrize("ip", one_off(MDNS))
def test_group_that_differs_from_ours_in_one_octet_is_another(wire, ip):
    stack = wire.board(groups=2)
    stack.bind(7, Inbox(True))
    wire.run()
    face = stack.ifaces[0].face
    face[GROUP : GROUP + 8] = addr(MDNS) + addr("239.1.2.3")
    face[GROUPS] = GROUP + 8
    assert not wire.give(eth(udp(dst=ip)))
    for ours in (MDNS, "239.1.2.3"):
        assert wire.give(eth(udp(dst=ours)))


@pytest.mark.parametrize(
    "dst, cast", [(BOARD, 0), ("255.255.255.255", 1), ("192.168.1.255", 1), (MDNS, 1)]
)
def test_a_port_is_told_1_for_what_came_to_more_than_one(wire, dst, cast):
    stack = wire.board(groups=1)
    face = stack.ifaces[0].face
    face[GROUP : GROUP + 4] = addr(MDNS)
    face[GROUPS] = GROUP + 4
    port = stack.bind(7, Inbox())
    wire.give(eth(udp(dst=dst)))
    assert (port.cast, stack.seg[CAST], port.sport) == (cast, cast, 5000)


@pytest.mark.parametrize("kind", [b"\x83", b"\x89"])
@pytest.mark.parametrize("n, at", [(3, 3), (7, 7), (7, 4), (11, 4)])
def test_source_route_that_ends_with_the_header_is_looked_at_too(wire, stack, kind, n, at):
    """Its type, length and pointer are the last three octets of the options."""
    assert not wire.give(eth(ip4(opts=b"\x01" + kind + bytes((n, at)))))
    assert wire.count("ip_ignored") == 1


def test_address_in_network_0_is_nobody_s_though_we_had_it(wire, stack):
    """0.0.0.0 while there is no address, and nothing else of network 0 either."""
    for ip in ("0.0.0.0", "0.0.0.7"):
        stack.ifaces[0].face[OUR_IP : OUR_IP + 4] = addr(ip)
        assert not wire.give(eth(ip4(dst=ip)))
    assert wire.count("ip_ignored") == 2


@pytest.mark.parametrize("before", [2**30 - 2, 2**30 - 1, 2**29 - 2, 2**29 - 1, 0])
@pytest.mark.parametrize(
    "name", ["frames_in", "frames_out", "ip_in", "ip_out", "udp_in", "udp_out", "icmp_in"]
)
def test_kernels_count_modulo_2_to_the_30(wire, stack, name, before):
    """They have the counting in place (kern/octets.py bump)."""
    stack.bind(7, Inbox(True))
    wire.counts_from(name, before)
    assert wire.give(eth(ip4() if name == "icmp_in" else udp()))
    assert stack.stat[NAMES.index(name)] == (before + 1) % 2**30
    wire.give(eth(ip4() if name == "icmp_in" else udp()))
    assert stack.stat[NAMES.index(name)] == (before + 2) % 2**30


@pytest.mark.parametrize("before", [2**30 - 1, 2**29 - 1])
def test_bare_datagrams_are_counted_alike(before):
    wire = Wire(l2=0)
    stack = wire.board()
    wire.counts_from("frames_in", before)
    Station(wire, GATEWAY).ping(b"x")
    assert stack.stat[NAMES.index("frames_in")] == (before + 1) % 2**30
