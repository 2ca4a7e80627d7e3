"""The header in front of what we send (RFC 791, RFC 1122 3.2.1, RFC 6864)."""

import struct

import pytest
from lab import packets
from lab.net import BOARD, GATEWAY, GATEWAY_MAC, PEER, Inbox, Station, Wire
from lab.packets import addr
from uipy import BadAddress, Bytes
from uipy.net.datagram import OUT_TOS, OUT_TTL

rfc = pytest.mark.rfc


@rfc("1122 3.2.1.3-1", "1122 3.2.1.6-1", "1122 3.2.1.7-1")
def test_header_of_a_datagram_of_ours(stack, peer, wire):
    stack.bind(9, Inbox()).send(PEER, 9, Bytes(b"hello"))
    wire.run()
    f = peer.expect(data=b"hello")
    assert (f.ip_src, f.ip_dst, f.proto) == (addr(BOARD), addr(PEER), 17)
    assert (f.ttl, f.tos, f.df, f.ident) == (64, 0, True, 0)


@rfc("1122 3.2.1.6-1", "1122 3.2.1.7-3")
def test_ttl_tos_and_ecn_hold_for_one_datagram(stack, peer, wire):
    port = stack.bind(9, Inbox())
    stack.out[OUT_TTL], stack.out[OUT_TOS] = 3, 0xB8 | 2
    for want in ((3, 0xBA), (64, 0)):
        port.send(PEER, 9, Bytes(b"hello"))
        wire.run()
        f = peer.expect(data=b"hello")
        assert (f.ttl, f.tos) == want


@rfc("3927 2.6.2-1", "3927 2.6.2-2", "3927 2.7-1")
@pytest.mark.parametrize("ours", [BOARD, "169.254.9.9"])
def test_link_local_addresses_are_on_the_link_whatever_ours_is(wire, ours):
    """Also with a gateway, which must not get what is for them."""
    Station(wire, GATEWAY, GATEWAY_MAC)
    near = Station(wire, "169.254.7.7", b"\2\0\0\0\0\x77")
    stack = wire.board(ours + ("/16" if ours[:3] == "169" else "/24"))
    stack.bind(9, Inbox()).send("169.254.7.7", 9, Bytes(b"hello"))
    wire.run(2000)
    f = near.expect(data=b"hello")
    assert (f.dst, f.ip_src) == (near.mac, addr(ours))


def test_without_an_address_nothing_is_on_the_link(wire):
    stack = wire.board(None, None)
    with pytest.raises(BadAddress):
        stack.bind(9, Inbox()).send("169.254.7.7", 9, Bytes(b"hello"))


def test_a_serial_line_has_no_link_local_neighbours():
    stack = Wire(l2=0).board(BOARD + "/24")
    assert not stack.ifaces[0].local(addr("169.254.7.7"), 0)


def test_settings_of_a_reply_do_not_leak_into_the_next(peer):
    peer.ping(tos=0x28)
    assert peer.expect(type=0).tos == 0x28
    peer.ping()
    assert peer.expect(type=0).tos == 0


def test_reply_to_a_broadcast_comes_from_our_address(stack, peer):
    stack.bind(7, Inbox(True))
    peer.udp(b"x", dst="255.255.255.255")
    assert peer.expect(data=b"x").ip_src == addr(BOARD)


@pytest.mark.parametrize("last", range(0, 256, 5))
def test_header_checksum_is_right_for_every_sum(last):
    """decode() judges it; the addresses walk the sum through its folds."""
    wire = Wire()
    wire.board("223.255.255.%d/32" % last, gateway=None)
    peer = Station(wire, "1.0.%d.%d" % (last, 255 - last))
    assert peer.ping(b"x" * last, dst="223.255.255.%d" % last)


@pytest.mark.parametrize("carries", [0, 1])
@pytest.mark.parametrize("total", [0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x10001])
def test_header_checksum_is_right_where_a_fold_carries_again(total, carries):
    """The halves of the reply's header add up to this, and more of its carries."""
    wire = Wire()
    wire.board("223.255.255.9/32", gateway=None)
    there = "200.%d." % (carries * 255)
    reply = packets.ip4("223.255.255.9", there + "0.0", 1, bytes(8), ident=0, csum=0)
    missing = (total - sum(struct.unpack("!10H", reply[:20]))) & 0xFFFF
    peer = Station(wire, there + "%d.%d" % divmod(missing, 256))
    assert peer.ping(dst="223.255.255.9")


@pytest.mark.parametrize(
    "ip, near, far",
    [
        ("192.168.1.7/24", "192.168.1.200", "192.168.0.200"),
        ("10.1.2.3/8", "10.200.1.1", "11.1.2.3"),
        ("172.16.5.5/20", "172.16.15.1", "172.16.16.1"),
        ("192.168.1.130/25", "192.168.1.200", "192.168.1.100"),
        ("192.168.1.9/31", "192.168.1.8", "192.168.1.10"),
        ("192.168.1.9/32", None, "192.168.1.8"),
        ("192.168.1.9/0", "1.2.3.4", None),
        ("192.168.1.9/1", "129.2.3.4", "1.2.3.4"),
        ("192.168.1.9", "192.168.1.200", "192.168.2.200"),
    ],
)
def test_what_the_prefix_covers_is_asked_for_and_the_rest_goes_to_the_gateway(ip, near, far):
    wire = Wire()
    stack = wire.board(ip, gateway="192.168.77.1")
    wire.run()
    for dst, hop in ((near, near), (far, "192.168.77.1")):
        if dst:
            stack.bind(0, Inbox()).send(dst, 9, Bytes(b"?"))
            assert [f.arp.tpa for f in wire.run()] == [addr(hop)]
