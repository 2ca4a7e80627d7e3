"""ICMP errors about datagrams of ours: who is told, and what is no error of ours (RFC 1122
3.2.2)."""

import pytest
from lab import packets
from lab.net import BOARD, PEER, Inbox
from lab.packets import addr, icmp
from uipy import Bytes
from uipy.net.datagram import DST_AT, ICMP_AT, SRC_AT

rfc = pytest.mark.rfc


@pytest.fixture
def sent(wire, stack, peer):
    """A datagram that left us; its port's application is at sent.app."""
    app = Inbox()
    stack.bind(4000, app).send(PEER, 9, Bytes(b"hello, is this there?"))
    wire.run()
    f = peer.expect(data=b"hello, is this there?")
    f.app = app
    return f


@rfc("1122 3.2.2.1-2", "1122 3.2.2.4-1", "1122 3.2.2.5-1")
@pytest.mark.parametrize(
    "kind, code, reason",
    [
        (3, 0, "unreachable"),
        (3, 1, "unreachable"),
        (3, 2, "unreachable"),
        (3, 3, "refused"),
        (3, 4, "too big"),
        (3, 13, "unreachable"),
        (3, 255, "unreachable"),
        (11, 0, "unreachable"),
        (11, 3, "unreachable"),
        (12, 0, "unreachable"),
    ],
)
def test_error_is_told_to_the_port_that_sent(wire, peer, sent, kind, code, reason):
    assert not peer.icmp_error(kind, code, sent)
    assert sent.app.errors == [reason]
    assert wire.count("icmp_error") == 1


@pytest.mark.parametrize("octets", [28, 29, 36, 49])
def test_quotation_may_be_longer_than_it_must(peer, sent, octets):
    peer.icmp_error(3, 3, sent, octets=octets)
    assert sent.app.errors == ["refused"]


@pytest.mark.parametrize("octets", [0, 1, 19, 20, 27])
def test_quotation_that_is_too_short_is_dropped(wire, peer, sent, octets):
    peer.icmp_error(3, 3, sent, octets=octets)
    assert not sent.app.errors
    assert wire.count("icmp_bad") == 1


def test_error_from_a_router_on_the_way_counts_too(gateway, sent):
    gateway.icmp_error(11, 0, sent, src="10.9.8.7")
    assert sent.app.errors == ["unreachable"]


@pytest.mark.parametrize("kind", [4, 5])
def test_source_quench_and_redirect_are_ignored(peer, sent, kind):
    """RFC 6633; one gateway."""
    assert not peer.icmp_error(kind, 1, sent)
    assert not sent.app.errors


def quote(wire, peer, datagram):
    return wire.give(peer.datagram(1, icmp(3, 3, bytes(4) + datagram)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"src": "192.168.1.8"},  # somebody else's
        {"version": 6},
        {"ihl": 4},
        {"ihl": 15},
        {"frag": 0x2000},  # we send no fragments
        {"frag": 0x0001},
    ],
)
def test_quotation_of_what_we_cannot_have_sent_is_dropped(wire, peer, sent, wrong):
    src = wrong.pop("src", BOARD)
    body = packets.udp(src, PEER, 4000, 9, b"hello")
    assert not quote(wire, peer, packets.ip4(src, PEER, 17, body, **wrong))
    assert not sent.app.errors
    assert wire.count("icmp_bad") == 1


def test_quotation_with_options_is_understood(wire, peer, sent):
    d = packets.ip4(BOARD, PEER, 17, packets.udp(BOARD, PEER, 4000, 9, b""), opts=b"\x01" * 8)
    assert not quote(wire, peer, d)
    assert sent.app.errors == ["refused"]


@pytest.mark.parametrize("sport", [4001, 0])
def test_error_for_a_port_that_is_not_bound_is_dropped(wire, peer, sent, sport):
    assert not quote(
        wire, peer, packets.ip4(BOARD, PEER, 17, packets.udp(BOARD, PEER, sport, 9, b""))
    )
    assert not sent.app.errors


@pytest.mark.parametrize("proto", [1, 6, 99])
def test_error_about_a_protocol_without_a_handler_is_dropped(wire, peer, sent, proto):
    assert not quote(wire, peer, packets.ip4(BOARD, PEER, proto, bytes(20)))


def test_error_to_everyone_is_dropped(peer, sent):
    peer.icmp_error(3, 3, sent, dst="255.255.255.255")
    assert not sent.app.errors


def test_transport_is_told_where_the_quotation_lies(wire, stack, peer, sent):
    seen: list = []

    class Handler:
        def unreach(self, iface, at, n):
            b, seg = stack.buf, stack.seg
            what = seg[ICMP_AT]
            seen.append((b[what], b[what + 1], bytes(b[at : at + n])))
            for where in (seg[SRC_AT], seg[DST_AT], what + 4):
                seen.append(bytes(b[where : where + 4]))

    stack.add_protocol(99, Handler())
    d = packets.ip4(BOARD, PEER, 99, b"segment of ours")
    error = icmp(3, 4, b"\0\0\x02\x40" + d)
    wire.give(peer.datagram(1, error, src="10.9.8.7", opts=b"\x01" * 8))
    assert seen == [(3, 4, b"segment of ours"), addr(BOARD), addr(PEER), b"\0\0\x02\x40"]


def test_callback_that_raises_on_an_error_is_counted(wire, peer, sent):
    def bad(port, reason):
        raise RuntimeError(reason)

    sent.app.error = bad
    peer.icmp_error(3, 3, sent)
    assert wire.count("app_error") == 1
    assert [str(e) for e in wire.errors] == ["refused"]
    wire.errors.clear()
