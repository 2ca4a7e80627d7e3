"""IPv4 datagrams that arrive: which are sound, which are ours (RFC 791, RFC 1122 3.2.1, 3.3.6)."""

import pytest
from lab import packets
from lab.net import BOARD, Inbox, Station, Wire
from lab.packets import BROADCAST, addr, icmp
from uipy.net.datagram import AT, DST_AT, IP_AT, LEN, PSUM

rfc = pytest.mark.rfc
ECHO = icmp(8, 0, b"\0\1\0\1data")


def test_sound_datagram_is_taken(wire, peer):
    assert peer.ping(b"data")
    assert wire.count("ip_in") == wire.count("ip_out") == 1


@rfc("1122 3.2.1.1-1")
@pytest.mark.parametrize("version", [0, 5, 6, 15])
def test_another_version_is_dropped(wire, peer, version):
    assert not peer.ping(version=version)
    assert wire.count("ip_bad") == 1


@rfc("1122 3.2.1.2-1")
@pytest.mark.parametrize("bit", range(0, 160, 7))
def test_header_with_a_flipped_bit_is_dropped(wire, peer, bit):
    d = bytearray(packets.ip4(peer.ip, BOARD, 1, ECHO))
    d[bit >> 3] ^= 0x80 >> (bit & 7)
    assert not wire.give(peer.frame(bytes(d)))
    assert wire.count("ip_bad") == 1


@pytest.mark.parametrize("ihl", [0, 1, 4])
def test_header_length_under_20_is_dropped(wire, peer, ihl):
    """Also when the checksum over so many octets is right."""
    assert not peer.ping(ihl=ihl)
    d = bytearray(packets.ip4(peer.ip, BOARD, 1, ECHO, ihl=ihl, csum=0))
    d[10:12] = packets.checksum(bytes(d[: 4 * ihl])).to_bytes(2, "big")
    assert not wire.give(peer.frame(bytes(d)))
    assert wire.count("ip_bad") == 2


@pytest.mark.parametrize("n", [14, 20, 27])
def test_total_length_may_not_end_in_the_options(wire, peer, n):
    assert not wire.give(peer.datagram(1, b"", opts=bytes(8), total=n))
    assert wire.count("ip_bad") == 1


def test_header_longer_than_the_datagram_is_dropped(wire, peer):
    d = packets.ip4(peer.ip, BOARD, 1, b"", ihl=15, total=20)
    assert not wire.give(packets.eth(wire.mac, peer.mac, 0x0800, d))
    assert wire.count("ip_bad") == 1


@pytest.mark.parametrize("total", [0, 19, 24, 1501, 65535])
def test_total_length_below_the_header_or_above_the_frame_is_dropped(wire, peer, total):
    """24 is below a header of 28."""
    assert not peer.ping(total=total, opts=bytes(8))
    assert wire.count("ip_bad") == 1


@pytest.mark.parametrize("n", range(20))
def test_frame_that_ends_in_the_header_is_dropped(wire, peer, n):
    whole = packets.eth(wire.mac, peer.mac, 0x0800, packets.ip4(peer.ip, BOARD, 1, ECHO))
    assert wire.give(whole)
    assert not wire.give(whole[: 14 + n])
    assert wire.count("ip_bad") == 1


def test_frame_may_be_longer_than_the_datagram(wire, peer):
    d = packets.ip4(peer.ip, BOARD, 1, ECHO)
    (f,) = wire.give(peer.frame(d) + b"trailer" * 10)
    assert f.icmp.data == b"data"


@rfc("1122 3.2.1.8-1")
@pytest.mark.parametrize(
    "opts",
    [
        b"\x01\x01\x01\x00",
        b"\x07\x07\x04\0\0\0\0\x00",  # record route
        b"\x44\x08\x05\0\0\0\0\0",  # timestamp
        b"\x83\x07\x08\x0a\x00\x00\x01\x00",  # loose source route, at its end
        b"\x01\x89\x0b\x0c\x0a\x00\x00\x01\x0a\x00\x00\x02",  # strict, at its end
        b"\x89\x03\x04\x00",  # of no address at all
        b"\x00\x83\x07\x04",  # behind the end of the options
        b"\x01\x01\x01\x83",  # of which only the type is there
        b"\x01\x01\x83\x0b",
        b"\x94\x06\x83\x07\x04\x00\x00\x00",  # within another option
        b"\x94\x04\x00\x00",  # router alert
        b"\xff\xff\xff\xff" * 10,  # lengths that lead out of the header
        b"\x07\x00\x00\x00",  # a length of zero
        b"\x07\x01\x00\x00",
        b"\x9e\x28" + bytes(38),
    ],
)
def test_options_are_skipped_whatever_they_say(wire, peer, opts):
    (f,) = peer.ping(b"behind options", opts=opts)
    assert f.icmp.data == b"behind options"


@pytest.mark.parametrize("kind", [b"\x83", b"\x89"])
@pytest.mark.parametrize("before", [b"", b"\x01", b"\x94\x04\x00\x00", b"\x07\x03\x04\x01\x01"])
@pytest.mark.parametrize("at", [4, 8, 11])
def test_datagram_whose_source_route_is_not_at_its_end_is_on_its_way(wire, peer, kind, before, at):
    """RFC 1122 3.2.1.8 (c): it has not arrived, though it is addressed to us; and we pass on
    nothing. No echo, no segment and no port sees it."""
    opts = before + kind + b"\x0b" + bytes([at]) + b"\x0a\x00\x00\x01\x0a\x00\x00\x02"
    opts += bytes(-len(opts) % 4)
    assert not peer.ping(b"on its way", opts=opts)
    assert not peer.udp(b"on its way", opts=opts)
    assert wire.count("ip_ignored") == 2 and wire.count("icmp_in") == 0


@pytest.mark.parametrize("frag", [0x2000, 0x0001, 0x2001, 0x1FFF, 0x3FFF, 0x6000])
def test_fragment_is_dropped_and_counted(wire, peer, frag):
    assert not peer.ping(b"part", frag=frag)
    assert wire.count("ip_frag") == 1


@pytest.mark.parametrize("frag", [0x0000, 0x4000, 0x8000])
def test_datagram_with_or_without_df_is_no_fragment(peer, frag):
    assert peer.ping(b"whole", frag=frag)


@rfc("1122 3.2.1.7-2")
@pytest.mark.parametrize("ttl", [0, 1, 2, 255])
def test_datagram_is_taken_whatever_its_ttl(peer, ttl):
    assert peer.ping(b"x", ttl=ttl)


def test_handler_is_told_where_everything_lies(wire, stack, peer):
    seen: list = []

    class Handler:
        def input(self, iface):
            b, seg = stack.buf, stack.seg
            seen.append(bytes(b[seg[AT] : seg[AT] + seg[LEN]]))
            seen.append((seg[IP_AT], b[seg[IP_AT]], stack.cast))
            seen.extend(bytes(b[k : k + 4]) for k in (stack.src_at, seg[DST_AT]))
            seen.append(seg[PSUM] ^ 0xFFFF)
            return 0

    stack.add_protocol(99, Handler())
    for dst, cast in ((BOARD, False), ("255.255.255.255", True)):
        assert not wire.give(peer.datagram(99, b"segment", opts=bytes(4), dst=dst))
        pseudo = packets.checksum(packets.pseudo(peer.ip, dst, 99, 7))
        assert seen == [b"segment", (16, 0x46, cast), addr(peer.ip), addr(dst), pseudo]
        seen.clear()


# Whose?


@rfc("1122 3.2.1.3-2", "1122 3.2.2.2-1")
@pytest.mark.parametrize(
    "dst",
    [
        "192.168.1.8",
        "192.168.2.7",
        "8.8.8.8",
        "127.0.0.1",
        "0.0.0.0",
        "192.168.1.0",
        "240.0.0.1",
        "224.0.0.1",
    ],
)
def test_datagram_for_another_is_dropped(wire, stack, peer, dst):
    app = Inbox(True)
    stack.bind(7, app)
    assert not peer.udp(b"x", dst=dst)
    assert not app.got
    assert wire.count("ip_ignored") == 1


@rfc("1122 3.2.1.3-3", "1112 7.2-4")
@pytest.mark.parametrize(
    "src",
    [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.255.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "192.168.1.255",
        BOARD,
    ],
)
def test_source_that_nobody_can_have_is_dropped(wire, stack, peer, src):
    app = Inbox(True)
    stack.bind(7, app)
    assert not peer.udp(b"x", src=src)
    assert not peer.udp(b"x", src=src, dport=8)
    assert not app.got
    assert wire.count("ip_ignored") == 2


@pytest.mark.parametrize("dst", ["255.255.255.255", "192.168.1.255"])
def test_broadcast_of_both_kinds_is_ours(wire, stack, peer, dst):
    app = Inbox()
    stack.bind(7, app)
    peer.udp(b"to all", dst=dst, mac_dst=BROADCAST)
    assert app.got == [b"to all"] and app.casts == [True]
    peer.udp(b"to me")
    assert app.casts == [True, False]


@pytest.mark.parametrize("dst", ["255.255.255.255", "192.168.1.255"])
def test_broadcast_in_a_frame_for_us_alone_is_still_a_broadcast(stack, peer, dst):
    app = Inbox()
    stack.bind(7, app)
    peer.udp(b"to all", dst=dst)
    assert app.casts == [True]


@rfc("1122 3.3.6-1")
@pytest.mark.parametrize("mac_dst", [BROADCAST, b"\x01\x00\x5e\x00\x00\x01"])
def test_datagram_for_us_alone_in_a_broadcast_frame_is_dropped(wire, stack, peer, mac_dst):
    app = Inbox(True)
    stack.bind(7, app)
    assert not peer.udp(b"x", mac_dst=mac_dst)
    assert not app.got and wire.count("ip_ignored") == 1


@pytest.mark.parametrize(
    "ip, bcast, other",
    [
        ("10.0.0.1/8", "10.255.255.255", "10.0.255.255"),
        ("172.16.5.5/20", "172.16.15.255", "172.16.5.255"),
        ("192.168.1.130/25", "192.168.1.255", "192.168.1.127"),
        ("192.168.1.9/30", "192.168.1.11", "192.168.1.255"),
    ],
)
def test_directed_broadcast_follows_the_prefix(ip, bcast, other):
    wire = Wire()
    stack = wire.board(ip, gateway=None)
    app = Inbox()
    stack.bind(7, app)
    peer = Station(wire, "9.9.9.9")
    peer.udp(b"all", dst=bcast)
    peer.udp(b"all", dst=other)
    assert len(app.got) == 1


@pytest.mark.parametrize("bits", [31, 32])
def test_subnet_of_one_or_two_hosts_has_no_broadcast(bits):
    """RFC 3021: 192.168.1.8/31 and 192.168.1.9/31 are both hosts."""
    wire = Wire()
    stack = wire.board("192.168.1.8/%d" % bits, gateway=None)
    app = Inbox()
    stack.bind(7, app)
    peer = Station(wire, "192.168.1.9")
    peer.udp(b"all", dst="192.168.1.9")
    peer.udp(b"all", dst="255.255.255.255")
    assert len(app.got) == 1
    assert peer.ping(b"x", dst="192.168.1.8")


def test_board_without_an_address_takes_broadcasts_only():
    wire = Wire()
    app = Inbox()
    wire.board(ip=None).bind(68, app)
    peer = Station(wire)
    for dst in ("255.255.255.255", "0.0.0.0", BOARD):
        peer.udp(b"offer", dport=68, dst=dst)
    assert app.got == [b"offer"]


def test_board_without_an_address_sends_from_0_0_0_0():
    from uipy import Bytes

    wire = Wire()
    wire.board(ip=None).bind(68, Inbox()).send("255.255.255.255", 67, Bytes(b"discover"))
    (f,) = wire.run()
    assert f.ip_src == bytes(4) and f.ip_dst == addr("255.255.255.255") and f.dst == BROADCAST
