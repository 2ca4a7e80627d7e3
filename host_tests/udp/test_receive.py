"""UDP datagrams that arrive, and the answers that an application writes over them (RFC 768, RFC
1122 4.1)."""

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, Inbox, Station, Wire
from lab.packets import addr

rfc = pytest.mark.rfc


@pytest.fixture
def echo(stack):
    app = Inbox(True)
    app.port = stack.bind(7, app)
    return app


@pytest.mark.parametrize("n", [0, 1, 2, 3, 18, 511, 1471, 1472])
def test_datagram_is_handed_over_and_answered(peer, echo, n):
    data = bytes(i * 7 & 0xFF for i in range(n))
    peer.udp(data)
    assert echo.got == [data]
    peer.expect(data=data, sport=7, dport=5000, ip_src=addr(BOARD))
    assert (peer.wire.count("udp_in"), peer.wire.count("udp_out")) == (1, 1)
    peer.nothing()


@pytest.mark.parametrize("data", [b"", b"x"])
def test_no_answer_is_sent_unless_there_is_one(wire, stack, peer, data):
    app = Inbox(None)
    stack.bind(7, app)
    assert not peer.udp(data)
    assert app.got == [data] and wire.count("udp_out") == 0


@pytest.mark.parametrize("opts", [b"", bytes(40)])
def test_empty_answer_is_a_datagram(stack, peer, opts):
    """None is no answer, 0 an empty one (RFC 768: the least length is 8)."""
    stack.bind(7, Inbox(b""))
    peer.udp(b"are you there?", opts=opts)
    peer.expect(data=b"", sport=7, dport=5000)
    peer.nothing()


def test_answer_may_be_longer_than_the_question(stack, peer):
    stack.bind(7, Inbox(b"a" * 1472))
    peer.udp(b"?")
    peer.expect(data=b"a" * 1472)


def test_answer_may_be_shorter_than_the_question(stack, peer):
    stack.bind(7, Inbox(b"ok"))
    peer.udp(b"?" * 1000)
    assert len(peer.expect(data=b"ok").raw) == 14 + 28 + 2


def test_answer_behind_ip_options_keeps_its_octets(echo, peer):
    peer.udp(b"hello options", opts=b"\x01" * 40)
    peer.expect(data=b"hello options")


def test_answer_longer_than_max_is_an_error_of_the_application(wire, stack, peer):
    stack.bind(7, Inbox(b"a" * 1473))
    assert not peer.udp(b"?")
    assert wire.count("app_error") == 1
    wire.errors.clear()


def test_max_is_what_the_buffer_holds_behind_options(stack, peer):
    app = Inbox()
    port = stack.bind(7, app)
    for opts, most in ((b"", 1472), (bytes(40), len(stack.buf) - 2 - 14 - 60 - 8)):
        peer.udp(b"?", opts=opts)
        assert port.max == most


@rfc("1122 4.1.3.4-1")
@pytest.mark.parametrize("n", [0, 1, 100, 1471])
@pytest.mark.parametrize("flip", [1, 0x8000])
def test_bad_checksum_is_dropped(wire, echo, peer, n, flip):
    good = packets.udp(peer.ip, BOARD, 5000, 7, bytes(n))
    assert not peer.udp(bytes(n), csum=int.from_bytes(good[6:8], "big") ^ flip)
    assert not echo.got and wire.count("udp_bad") == 1


@pytest.mark.parametrize("csum", [0x0001, 0x0100, 0x00FF, 0xFF00, 0xFFFF, 0x8000, 0x0080])
def test_only_two_zeros_say_that_there_is_no_checksum(wire, echo, peer, csum):
    assert not peer.udp(b"text", csum=csum)
    assert not echo.got and wire.count("udp_bad") == 1


@rfc("1122 4.1.3.4-1")
def test_checksum_covers_the_addresses(wire, echo, peer):
    body = packets.udp("192.168.1.10", BOARD, 5000, 7, b"x")
    assert not wire.give(peer.datagram(17, body))
    assert wire.count("udp_bad") == 1


def test_checksum_is_optional(echo, peer):
    peer.udp(b"no sum", csum=0)
    assert echo.got == [b"no sum"]


def test_checksum_of_zero_goes_out_as_ffff(echo, peer):
    """One of these sums is zero; decode() fails on a checksum field of 0."""
    seen = set()
    for k in range(0x10000):
        if packets.checksum(
            packets.pseudo(BOARD, peer.ip, 17, 10)
            + bytes([0, 7, 0x13, 0x88, 0, 10, 0, 0])
            + k.to_bytes(2, "big")
        ) in (0, 1):
            peer.udp(k.to_bytes(2, "big"))
            seen.add(peer.expect(data=k.to_bytes(2, "big")).udp.csum)
    assert seen == {0xFFFF, 1}


@pytest.mark.parametrize("length", [0, 1, 7, 13, 14, 65535])
def test_length_field_below_the_header_or_above_the_datagram_is_dropped(wire, echo, peer, length):
    body = bytearray(packets.udp(peer.ip, BOARD, 5000, 7, b"data", csum=0))
    body[4:6] = length.to_bytes(2, "big")
    assert not wire.give(peer.datagram(17, bytes(body)))
    assert not echo.got and wire.count("udp_bad") == 1


@pytest.mark.parametrize("n", range(8))
def test_datagram_shorter_than_a_header_is_dropped(wire, echo, peer, n):
    peer.udp(b"leaves a good header in the buffer")
    body = packets.udp(peer.ip, BOARD, 5000, 7, b"")[:n]
    assert not wire.give(peer.datagram(17, body))
    assert len(echo.got) == 1 and wire.count("udp_bad") == 1


@pytest.mark.parametrize("n", [0, 1, 4])
def test_what_lies_behind_the_length_is_no_part_of_the_datagram(wire, echo, peer, n):
    """The checksum covers the shorter length, in the pseudo-header too."""
    body = packets.udp(peer.ip, BOARD, 5000, 7, b"data"[:n]) + b"more behind it"
    wire.give(peer.datagram(17, body))
    assert echo.got == [b"data"[:n]]


def test_ports_are_kept_apart(stack, peer):
    apps = {num: Inbox(b"%d" % num) for num in (1, 7, 0x0700, 0x0107, 65535)}
    for num, app in apps.items():
        stack.bind(num, app)
    for num in apps:
        peer.udp(b"to %d" % num, dport=num)
        peer.expect(data=b"%d" % num, sport=num)
    assert [a.got for a in apps.values()] == [[b"to %d" % num] for num in apps]


def test_port_0_is_nobodys(wire, stack, peer):
    peer.udp(b"x", dport=0)
    peer.expect(type=3, code=3)


def test_sender_with_port_0_gets_no_answer(echo, peer):
    assert not peer.udp(b"x", sport=0)
    assert echo.got == [b"x"]


def test_application_knows_where_from(wire, stack, peer):
    seen = []

    class Where(Inbox):
        def received(self, port, buf, start, n):
            seen.append((port.sport, bytes(buf[port.stack.src_at :][:4])))

    stack.bind(7, Where())
    peer.udp(b"x", sport=1234)
    assert seen == [(1234, addr(peer.ip))]


def test_closed_port_is_unreachable_and_its_row_free(wire, stack, peer):
    ports = [stack.bind(1 + k, Inbox()) for k in range(8)]
    ports[3].close()
    ports[3].close()
    peer.udp(b"x", dport=4)
    peer.expect(type=3, code=3)
    app = Inbox(True)
    stack.bind(4, app)
    peer.udp(b"x", dport=4)
    peer.expect(data=b"x")


def test_callback_may_close_its_port_and_bind_another(stack, peer):
    class Moves(Inbox):
        def received(self, port, buf, start, n):
            port.close()
            port.stack.bind(8, Inbox(True))
            return n

    stack.bind(7, Moves())
    assert not peer.udp(b"x")
    peer.udp(b"y", dport=8)
    peer.expect(data=b"y")


def test_callback_that_raises_is_counted_and_its_port_goes_on(wire, stack, peer):
    class Fragile(Inbox):
        def received(self, port, buf, start, n):
            if n == 3:
                raise KeyError("three")
            return n

    stack.bind(7, Fragile())
    assert not peer.udp(b"abc")
    assert [type(e) for e in wire.errors] == [KeyError] and wire.count("app_error") == 1
    wire.errors.clear()
    peer.udp(b"abcd")
    peer.expect(data=b"abcd")


@pytest.mark.parametrize("nonsense", [-1, "text", [1], 2.5e9])
def test_callback_that_returns_nonsense_is_counted(wire, stack, peer, nonsense):
    class Odd(Inbox):
        def received(self, port, buf, start, n):
            return nonsense

    stack.bind(7, Odd())
    assert not peer.udp(b"abc")
    assert wire.count("app_error") == 1
    wire.errors.clear()


def test_echo_over_a_link_without_addresses():
    wire = Wire(l2=0)
    wire.board().bind(7, Inbox(True))
    peer = Station(wire)
    peer.udp(b"slip", opts=b"\x01" * 4)
    peer.expect(data=b"slip")


def test_small_mtu_bounds_the_answer():
    wire = Wire(mtu=576)
    wire.board().bind(7, Inbox(b"a" * 548))
    peer = Station(wire)
    peer.udp(b"?")
    peer.expect(data=b"a" * 548)
    assert wire.mac == BOARD_MAC
