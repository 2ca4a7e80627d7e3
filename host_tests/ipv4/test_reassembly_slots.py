"""The slots of reassembly at their limits: sizes, times to the millisecond, who gives way, and
each octet of what comes of fragments."""

import pytest
from ipv4.frag_lab import MF, NOP, TOLD, Net
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER, PEER_MAC, WRAP, Clock, Station, Wire
from lab.packets import addr
from uipy import Error, Reassembly
from uipy.net.datagram import NEXT_AT


@pytest.fixture
def net():
    n = Net()
    yield n
    assert not n.wire.errors, n.wire.errors


def counts(net):
    """Those that are not 0, without the fragments received."""
    return {k[5:]: v for k, v in net.parts.counters() if v and k != "frag_in"}


def text(n):
    return bytes(k * 7 & 0xFF for k in range(n))


# Sizes


@pytest.mark.parametrize("size", [8, 9, 16, 31, 32, 33, 64, 1479, 1480])
def test_slot_takes_its_size_in_whole_blocks_and_no_more(size):
    net = Net(slots=1, size=size)
    most = (size + 7) & ~7
    assert net.parts.size == most and len(net.parts.text) == most
    data = text(most)
    cuts = range(8, most, 8)
    if most > 8:
        net.parts_of(data, cuts, order=[*reversed(range(len(cuts) + 1))])
        assert net.raw.got == [(addr(PEER), data)]
    net.part(0, data[:8], ident=9)
    net.part(most, b"x", False, ident=9)
    assert counts(net).get("too_long") == 1 and len(net.raw.got) == (most > 8)


@pytest.mark.parametrize("size", [4, 7, 1481])
def test_slot_of_another_size_is_refused(wire, size):
    with pytest.raises(Error, match="8 to 1480"):
        Reassembly(wire.board(), 1, size)


@pytest.mark.parametrize(
    "at, n, name", [(65512, 3, "too_long"), (65512, 4, "bad"), (65504, 8, "too_long")]
)
def test_last_octet_of_a_datagram_is_number_65514(net, at, n, name):
    """The header of 20 octets counts as well."""
    net.part(at, bytes(n), False)
    assert counts(net) == {name: 1}


@pytest.mark.parametrize("n", [1, 7, 8])
def test_only_the_last_fragment_is_no_whole_blocks(net, n):
    net.part(0, text(8))
    net.part(8, text(n), False)
    assert [d for _, d in net.raw.got] == [text(8) + text(n)]
    assert counts(net) == {"reassembled": 1}


# What comes of it


@pytest.mark.parametrize("opts", [b"", NOP, NOP * 10])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_every_octet_of_what_is_handed_over(net, opts, order):
    """The headers of the first fragment, whole; lengths, flags and checksum as of one datagram."""
    seen = []
    net.raw.look = lambda b: seen.append(bytes(b[2 : 2 + 14 + 20 + len(opts) + 100]))
    for k in order:
        data = text(100)[40 * k : 40 * k + 40]
        own = {"opts": opts, "tos": 0xB8, "ttl": 9} if k == 0 else {"tos": 0x10, "ttl": 77}
        net.part(40 * k, data, k < 2, **own)
    whole = packets.ip4(PEER, BOARD, 99, text(100), ident=7, frag=0, opts=opts, tos=0xB8, ttl=9)
    assert seen == [packets.eth(BOARD_MAC, PEER_MAC, 0x0800, whole)]


@pytest.mark.parametrize("opts", [b"", NOP * 10])
@pytest.mark.parametrize("n", [8, 96])
def test_every_octet_of_what_the_sender_is_told(net, opts, n):
    net.part(0, text(n), opts=opts, ident=0x0102, tos=0xB8, ttl=3)
    net.peer.ping(bytes(200))  # what lay in the buffer does not matter
    net.wire.run(TOLD - 1)
    quoted = packets.ip4(
        PEER, BOARD, 99, text(n), ident=0x0102, frag=MF, opts=opts, tos=0xB8, ttl=3
    )[: 28 + len(opts)]
    error = packets.icmp(11, 1, bytes(4) + quoted)
    whole = packets.ip4(BOARD, PEER, 1, error, ident=0)
    told = [f.raw for f in net.wire.run(1)]
    assert told == [packets.eth(PEER_MAC, BOARD_MAC, 0x0800, whole)]


def test_sender_of_a_ping_is_told_though_not_of_an_error(net):
    net.part(0, packets.icmp(8, 0, bytes(20)), proto=1)
    assert [f.icmp.type for f in net.wire.run(TOLD)] == [11]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_error_leaves_by_the_interface_that_the_fragment_came_from(order):
    net = Net(slots=2)
    other = Wire(mac=b"\2\0\0\0\0\x20", clock=net.wire.clock)
    net.stack.add_iface(other, "10.0.0.1/24")
    there = Station(other, "10.0.0.9", b"\2\0\0\0\0\x29")
    net.wire.run(2000)
    for k in order:
        if k:
            other.rx.append(there.datagram(99, text(8), dst="10.0.0.1", frag=MF, ident=7))
            net.wire.run(10)
        else:
            net.part(0, text(8))
            net.wire.run(10)
    net.wire.run(TOLD)
    net.peer.expect(type=11, code=1)
    there.expect(type=11, code=1)
    net.peer.nothing()
    there.nothing()


# Time


@pytest.mark.parametrize("start", [0, WRAP - TOLD // 2, WRAP // 2 - 30_000])
def test_deadline_is_that_of_the_oldest(start):
    net = Net(slots=3)
    net.wire = Wire(clock=Clock(start))
    stack = net.wire.board()
    parts = Reassembly(stack, 3)
    peer = Station(net.wire)
    net.wire.run()
    now = stack.now
    assert parts.deadline(now) == 2**28
    for k in range(3):
        net.wire.give(peer.datagram(99, text(8), frag=1, ident=k))
        net.wire.run(1000)
    assert parts.deadline((now + 3000) % WRAP) == TOLD - 3000
    assert parts.deadline((now + TOLD) % WRAP) == parts.deadline((now + TOLD + 1) % WRAP) == 0
    for k, left in ((0, 1000), (1, 1000), (2, 2**28)):
        assert parts.output((now + TOLD + 1000 * k) % WRAP) == 0
        assert parts.deadline((now + TOLD + 1000 * k) % WRAP) == left


def test_first_fragment_arms_the_stack(net):
    stack = net.stack
    stack.env[NEXT_AT] = (stack.now + 1_000_000) % WRAP
    frame = net.peer.datagram(99, text(8), frag=MF)
    stack.buf[2 : 2 + len(frame)] = frame
    assert stack.input(len(frame), stack.now) == 0 and not stack.due
    assert (stack.env[NEXT_AT] - stack.now) % WRAP == TOLD
    frame = net.peer.datagram(99, text(8), frag=1)
    stack.buf[2 : 2 + len(frame)] = frame
    assert stack.input(len(frame), stack.now) == 0 and stack.due


def test_what_is_refused_is_remembered_for_a_minute(net):
    net.part(0, b"x" * 8)
    net.part(0, b"y" * 8)
    net.wire.run(TOLD - 1)
    net.parts_of(text(16), (8,))
    assert not net.raw.got
    assert not net.wire.run(1) and net.idle
    net.parts_of(text(16), (8,))
    assert len(net.raw.got) == 1
    assert counts(net) == {"overlap": 1, "reassembled": 1}


# Who gives way


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_those_that_only_remember_give_way_uncounted(slots):
    net = Net(slots=slots)
    for k in range(slots):
        net.part(0, b"x" * 8, ident=k)
        net.part(0, b"y" * 8, ident=k)
    net.parts_of(text(16), (8,), ident=99)
    assert len(net.raw.got) == 1
    assert counts(net) == {"overlap": slots, "reassembled": 1}


@pytest.mark.parametrize("slots", [1, 2, 3, 5])
@pytest.mark.parametrize("start", [0, WRAP - 25])
def test_oldest_gives_way_wherever_its_slot_is(slots, start):
    wire = Wire(clock=Clock(start))
    net = Net(slots=slots)
    net.wire, net.stack = wire, wire.board()
    net.parts = Reassembly(net.stack, slots)
    net.peer = Station(wire)
    for k in range(3 * slots):
        net.part(0, bytes((k,)) * 8, ident=k)
        wire.run(10)
        gathers = {
            net.parts.tab[o + 4] << 8 | net.parts.tab[o + 5]
            for o in range(0, len(net.parts.tab), net.parts.row)
            if net.parts.tab[o]
        }
        assert gathers == set(range(max(0, k + 1 - slots), k + 1))
        assert counts(net) == ({"evicted": k + 1 - slots} if k >= slots else {})


def test_what_is_whole_gives_way_to_nobody():
    """It is given up only by the next output."""
    net = Net(slots=1)
    stack = net.stack
    for data, frag, ident in ((b"x" * 8, MF, 1), (b"x", 1, 1), (b"y" * 8, MF, 2)):
        frame = net.peer.datagram(99, data, frag=frag, ident=ident)
        stack.buf[2 : 2 + len(frame)] = frame
        assert stack.input(len(frame), stack.now) == 0
    assert counts(net) == {"evicted": 1}
    assert stack.output(stack.now) == 0
    assert [d for _, d in net.raw.got] == [b"x" * 9]


# Repeated and overlapping blocks


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("n", range(1, 6))
def test_fragment_of_any_blocks_that_comes_again_is_repeated(net, first, n):
    data = text(120)
    for _ in range(2):
        net.part(8 * first, data[8 * first : 8 * (first + n)])
    assert counts(net) == {"repeated": 1}
    net.part(8 * (first + n), data[8 * (first + n) :], False)
    net.part(8 * first, data[8 * first : 8 * (first + n)])
    if first:
        net.part(0, data[: 8 * first])
    assert [d for _, d in net.raw.got] == [data]


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("n", [2, 3, 5])
def test_part_of_a_fragment_or_two_in_one_are_an_overlap(first, n):
    a, b = 8 * first, 8 * (first + n)
    data = text(120)
    for parts in (
        [(a, b), (a, b - 8)],
        [(a, b), (a + 8, b)],
        [(a, b), (a, b + 8)],
        [(a, a + 8), (a + 8, b), (a, b)],
        [(a + 8, b), (a, b)],
        [(b - 8, b), (a, b)],
    ):
        net = Net()
        for begin, end in parts:
            net.part(begin, data[begin:end])
        assert counts(net) == {"overlap": 1}, parts


@pytest.mark.parametrize(
    "n, first, last, name",
    [
        (1480, {"opts": NOP}, {}, "too_long"),
        (100, {"tos": 0}, {"tos": 3}, "overlap"),
        (100, {"tos": 3}, {"tos": 0}, "overlap"),
    ],
)
def test_whole_that_cannot_be_handed_over_is_counted_and_no_frame(net, n, first, last, name):
    stack = net.stack
    for at, end, how in ((0, 48, first), (48, n, last)):
        frag = (MF if not at else 0) | at >> 3
        frame = net.peer.datagram(99, text(n)[at:end], frag=frag, **how)
        stack.buf[2 : 2 + len(frame)] = frame
        assert stack.input(len(frame), stack.now) == 0
    assert net.parts.output(stack.now) == 0 and net.idle
    assert counts(net) == {name: 1} and not net.raw.got


def test_error_is_sent_whatever_came_last_and_from_where():
    """A broadcast, on an interface with another header."""
    net = Net(l2=0)
    other = Wire(mac=b"\2\0\0\0\0\x20", clock=net.wire.clock)
    net.stack.add_iface(other, "10.0.0.1/24")
    there = Station(other, "10.0.0.9", b"\2\0\0\0\0\x29")
    net.part(0, text(8))
    net.wire.run(TOLD - 1)
    frame = there.datagram(17, b"", dst="255.255.255.255", mac_dst=packets.BROADCAST)
    other.rx.append(frame)
    net.wire.settle()
    net.wire.take()
    net.wire.run(1)
    quoted = packets.ip4(PEER, BOARD, 99, text(8), ident=7, frag=MF)
    f = net.peer.expect(type=11, code=1)
    assert f.icmp.data == quoted and f.ttl == 64
    there.nothing()


@pytest.mark.parametrize("name, before", [("frames_in", 2**30 - 2), ("ip_in", 2**30 - 2)])
@pytest.mark.parametrize("more", [0, 1, 2])
def test_whole_is_no_frame_more_to_the_stack_s_counters(net, name, before, more):
    net.wire.counts_from(name, (before + more) % 2**30)
    net.parts_of(text(100), (48,))
    assert net.wire.count(name) == 2


@pytest.mark.parametrize(
    "at, how",
    [
        (8, {}),
        (0, {"dst": "255.255.255.255"}),
        (0, {"proto": 1, "data": packets.icmp(11, 0, bytes(28))[:32]}),
        (0, {"proto": 1, "data": packets.icmp(0, 0, bytes(28))[:32]}),
    ],
)
def test_turn_that_tells_nobody_has_no_frame(net, at, how):
    net.part(at, how.pop("data", text(32)), **how)
    assert net.parts.output((net.stack.now + TOLD) % WRAP) == 0
    assert net.idle and counts(net) == {"timeout": 1}
