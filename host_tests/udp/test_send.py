"""UDP datagrams of our own, and the table of ports."""

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER, PEER_MAC, Inbox, Station, Wire, join, run_all
from lab.packets import addr, mac
from uipy import BadAddress, Busy, Bytes, Ring, Source, TableFull


@pytest.mark.parametrize("n", [0, 1, 2, 100, 1472])
def test_datagram_is_what_the_source_gives(wire, stack, peer, n):
    data = bytes(i & 0xFF for i in range(n))
    stack.bind(4000, Inbox()).send(PEER, 53, Bytes(data))
    wire.run()
    peer.expect(data=data, sport=4000, dport=53)


def test_datagram_is_cut_at_the_mtu(wire, stack, peer):
    src = Bytes(b"a" * 2000)
    stack.bind(4000, Inbox()).send(PEER, 53, src)
    wire.run()
    peer.expect(data=b"a" * 1472)
    assert src.left == 2000 - 1472


def test_source_is_told_when_its_datagram_has_left(wire, stack, peer):
    src = Bytes(b"hello")
    port = stack.bind(4000, Inbox())
    port.send(PEER, 53, src)
    assert src.left == 5
    wire.run()
    assert src.left == 0 and port.src is None


def test_ring_is_a_source_too(wire, stack, peer):
    ring = Ring(100)
    ring.write(b"from the ring", 0, 13)
    stack.bind(4000, Inbox()).send(PEER, 53, ring)
    wire.run()
    peer.expect(data=b"from the ring")
    assert ring.left == 0


def test_send_in_a_callback_marks_and_output_builds(wire, stack, peer):
    class Late(Inbox):
        def received(self, port, buf, start, n):
            port.send(PEER, 6000, Bytes(b"on its own"))
            return n

    stack.bind(7, Late())
    peer.udp(b"question")
    peer.expect(data=b"question", dport=5000)
    peer.expect(data=b"on its own", dport=6000)


def test_next_datagram_may_be_sent_when_the_source_hears_of_the_last(wire, stack, peer):
    port = stack.bind(4000, Inbox())

    class Counter(Source):
        k = 3

        def fill(self, rel, buf, pos, n):
            buf[pos] = self.k
            return 1

        def acked(self, n):
            self.k -= 1
            if self.k:
                port.send("192.168.1.%d" % (100 + self.k), 9, self)

    peers = [
        Station(wire, "192.168.1.%d" % (100 + k), mac("02:00:00:00:02:%02x" % k)) for k in range(3)
    ]
    port.send(PEER, 9, Counter())
    wire.run()
    peer.expect(data=b"\3")
    peers[2].expect(data=b"\2")
    peers[1].expect(data=b"\1")


def test_port_is_busy_until_its_datagram_has_left(stack):
    port = stack.bind(4000, Inbox())
    port.send(PEER, 9, Bytes(b"1"))
    with pytest.raises(Busy):
        port.send(PEER, 9, Bytes(b"2"))


def test_source_that_raises_loses_its_datagram_only(wire, stack, peer):
    class Broken(Source):
        def fill(self, rel, buf, pos, n):
            raise OSError("card removed")

    port = stack.bind(4000, Inbox())
    port.send(PEER, 9, Broken())
    assert not [f for f in wire.run() if f.udp]
    assert wire.count("app_error") == 1
    wire.errors.clear()
    port.send(PEER, 9, Bytes(b"goes on"))
    wire.run()
    peer.expect(data=b"goes on")


def test_source_may_close_the_port(wire, stack, peer):
    port = stack.bind(4000, Inbox())

    class Closes(Source):
        def fill(self, rel, buf, pos, n):
            port.close()
            return 1

    port.send(PEER, 9, Closes())
    assert not [f for f in wire.run() if f.udp]
    assert stack.udp.pending == 0


def test_closing_a_port_drops_what_is_pending(wire, stack, peer):
    port = stack.bind(4000, Inbox())
    port.send(PEER, 9, Bytes(b"never mind"))
    port.close()
    assert not wire.run()
    with pytest.raises(BadAddress):
        port.send(PEER, 9, Bytes(b"too late"))


@pytest.mark.parametrize(
    "ip", ["1.2.3", "1.2.3.4.5", "1.2.3.256", "", "a.b.c.d", "1.2.3.-4", "1.2.3. 4", b"123"]
)
def test_address_that_is_none_is_refused(stack, ip):
    with pytest.raises(BadAddress):
        stack.bind(4000, Inbox()).send(ip, 9, Bytes(b"x"))


@pytest.mark.parametrize("num", [0, -1, 65536])
def test_port_number_that_is_none_is_refused(stack, num):
    with pytest.raises(BadAddress):
        stack.bind(4000, Inbox()).send(PEER, num, Bytes(b"x"))
    if num:
        with pytest.raises(BadAddress):
            stack.bind(num, Inbox())


def test_address_may_be_octets(wire, stack, peer):
    stack.bind(4000, Inbox()).send(addr(PEER), 9, Bytes(b"x"))
    wire.run()
    peer.expect(data=b"x")


def test_table_of_ports_has_an_end(stack):
    for k in range(8):
        stack.bind(1 + k, Inbox())
    with pytest.raises(TableFull):
        stack.bind(9, Inbox())


def test_port_is_bound_once(stack):
    stack.bind(7, Inbox())
    with pytest.raises(Busy):
        stack.bind(7, Inbox())


def test_ephemeral_ports_are_random_different_and_in_their_range(wire):
    seen = []
    for k in range(40):
        stack = Wire().board(key=bytes([k] * 8))
        nums = [stack.bind(0, Inbox()).num for _ in range(8)]
        assert len(set(nums)) == 8 and all(49152 <= n <= 65535 for n in nums)
        seen += nums
    assert len(set(seen)) > 300  # of 320 in 16384
    assert max(seen) - min(seen) > 15000


def test_ephemeral_ports_differ_when_chance_does_not(stack, monkeypatch):
    monkeypatch.setattr(stack, "random8", lambda: 0xFF)
    assert [stack.bind(0, Inbox()).num for _ in range(3)] == [65535, 49152, 49153]


def test_ephemeral_port_gets_its_answer(wire, stack, peer):
    app = Inbox()
    num = stack.bind(0, app).num
    peer.udp(b"answer", dport=num, sport=53)
    assert app.got == [b"answer"]


def test_two_boards_talk():
    a, b = Wire(), Wire(mac=mac("02:00:00:00:00:08"))
    join(a, b)
    inbox = Inbox()
    b.board("192.168.1.8/24").bind(7, Inbox(True))
    port = a.board(BOARD + "/24").bind(4000, inbox)
    for k in range(20):
        port.send("192.168.1.8", 7, Bytes(b"message %d" % k))
        run_all((a, b), 10)
    assert inbox.got == [b"message %d" % k for k in range(20)]


@pytest.mark.parametrize("n", [-1, -8, -100_000])
def test_source_that_gives_less_than_nothing_loses_its_datagram_only(wire, stack, peer, n):
    class Minus(Source):
        told = None

        def fill(self, rel, buf, pos, most):
            return n

        def acked(self, n):
            self.told = n

    src = Minus()
    port = stack.bind(4000, Inbox())
    port.send(PEER, 9, src)
    wire.run()
    peer.nothing()
    (exc,) = wire.errors
    assert isinstance(exc, ValueError) and "fill" in str(exc) and src.told is None
    wire.errors.clear()
    port.send(PEER, 9, Bytes(b"goes on"))
    wire.run()
    peer.expect(data=b"goes on")


def test_ports_that_always_have_something_to_send_take_turns(wire, stack, peer):
    """Each gets its datagram out before any has a second one."""
    sent = []

    class Endless(Source):
        def __init__(self, num):
            self.port = stack.bind(num, Inbox())
            self.num = num

        def fill(self, rel, buf, pos, n):
            buf[pos] = self.num
            return 1

        def acked(self, n):
            sent.append(self.num)
            if len(sent) < 30:
                self.port.send(PEER, 9, self)

    sources = [Endless(num) for num in (1, 2, 3)]
    for src in sources:
        src.port.send(PEER, 9, src)
    wire.run()
    assert len(sent) >= 30
    rounds = [sorted(sent[k : k + 3]) for k in range(0, 30, 3)]
    assert rounds == [[1, 2, 3]] * 10


def test_port_whose_neighbour_is_silent_holds_back_no_other(wire, stack, peer):
    stack.bind(1, Inbox()).send("192.168.1.200", 9, Bytes(b"nobody there"))
    for num in (2, 3):
        stack.bind(num, Inbox()).send(PEER, 9, Bytes(b"%d" % num))
    wire.run()
    assert sorted(f.udp.sport for f in peer.heard) == [2, 3]


@pytest.mark.parametrize("dport", [1, 65535])
def test_every_port_but_0_can_be_sent_to(stack, wire, peer, dport):
    stack.bind(7, Inbox()).send(PEER, dport, Bytes(b"x"))
    wire.run()
    peer.expect(dport=dport, data=b"x")


@pytest.mark.parametrize("dport", [-1, 0, 65536])
def test_no_other_port_can(stack, dport):
    with pytest.raises(BadAddress):
        stack.bind(7, Inbox()).send(PEER, dport, Bytes(b"x"))


@pytest.mark.parametrize("n", [0, 1, 513])
def test_every_octet_of_a_datagram_and_of_an_answer(wire, stack, peer, n):
    """Behind whatever lay in the buffer before."""

    def frame(sport, dport, data):
        body = packets.udp(BOARD, PEER, sport, dport, data)
        whole = packets.ip4(BOARD, PEER, 17, body, ident=0)
        return packets.eth(PEER_MAC, BOARD_MAC, 0x0800, whole)

    data = bytes(range(1, 256)) * 2 + b"end"
    stack.bind(0x1234, Inbox()).send(PEER, 0xFEDC, Bytes(data[:n]))
    wire.run()
    assert [f.raw for f in peer.heard] == [frame(0x1234, 0xFEDC, data[:n])]
    stack.bind(0x4321, Inbox(data[:n]))
    (f,) = peer.udp(b"question", sport=0xABCD, dport=0x4321, opts=b"\x01" * 4, tos=0xFC, ttl=3)
    assert f.raw == frame(0x4321, 0xABCD, data[:n])


def test_port_that_nothing_came_to_and_nothing_was_sent_from(stack):
    port = stack.bind(4000, Inbox())
    assert (port.num, port.sport, port.cast, port.max, port.src) == (4000, 0, 0, 0, None)
    assert (port.iface, port.dport, bytes(port.to)) == (0, 0, bytes(4))


@pytest.mark.parametrize(
    "ip, ttl",
    [
        ("223.255.255.255", 64),
        ("224.0.0.0", 1),
        ("239.255.255.255", 1),
        ("240.0.0.1", 64),
        ("255.255.255.255", 64),
        ("10.230.230.230", 64),
    ],
)
def test_only_a_group_has_ttl_1(ip, ttl):
    """RFC 1112 6.1. On a line every address can be sent to."""
    wire = Wire(l2=0)
    port = wire.board().bind(4000, Inbox())
    for _ in range(2):
        port.send(ip, 9, Bytes(b"x"))
        assert [(f.ttl, f.ip_dst) for f in wire.run()] == [(ttl, addr(ip))]


def test_datagram_that_has_no_source_any_more_is_no_frame(wire, stack, peer):
    """For who calls output() without a device."""
    peer.ping(b"the neighbour is asked for")
    stack.ifaces[0].reach(addr(PEER), 0)
    wire.run()

    class Broken(Source):
        def fill(self, rel, buf, pos, n):
            raise OSError("card removed")

    port = stack.bind(4000, Inbox())
    port.send(PEER, 9, Broken())
    assert stack.udp.output(stack.now) == 0 and stack.udp.pending == 0
    assert stack.udp.output(stack.now) == 0 and wire.count("udp_out") == 0
    wire.errors.clear()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_no_error_of_a_callback_goes_through_it(wire, stack, peer, kind):
    """Ctrl-C in `error`."""

    class Pressed(Inbox):
        def error(self, port, reason):
            raise kind

    port = stack.bind(4000, Pressed())
    port.send(PEER, 9, Bytes(b"x"))
    wire.run()
    about = peer.expect(data=b"x")
    with pytest.raises(kind):
        peer.icmp_error(3, 3, about)
    assert wire.count("app_error") == 0
    peer.wire.run()
    assert peer.ping(b"goes on")


def test_unreachable_is_told_once_and_the_port_sends_again(wire, stack, peer):
    app = Inbox()
    port = stack.bind(4000, app)
    port.send("240.0.0.1", 9, Bytes(b"x"))
    wire.run(5000)
    assert app.errors == ["unreachable"] and stack.udp.pending == 0
    port.send(PEER, 9, Bytes(b"goes on"))
    wire.run()
    peer.expect(data=b"goes on")
