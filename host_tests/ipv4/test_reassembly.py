"""Fragments are put together (RFC 791 3.2, RFC 1122 3.3.2, RFC 5722), by claims, and by comparison
with a reassembler that shares nothing with it but the rules."""

import random

import pytest
from ipv4.frag_lab import MF, NOP, TOLD, Net
from lab import packets
from lab.net import BOARD, PEER, Inbox, Station, Wire
from lab.packets import addr
from uipy import Error, Reassembly

rfc = pytest.mark.rfc


@pytest.fixture
def net():
    n = Net()
    yield n
    assert not n.wire.errors, n.wire.errors


def text(n, seed=1):
    return random.Random(seed).randbytes(n)


def echo(data):
    return packets.icmp(8, 0, b"\0\1\0\2" + data)


# Whole again


@rfc("1122 3.3.2-1")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_fragments_in_any_order_make_the_datagram(net, order):
    data = text(1003)
    assert not net.parts_of(data, (400, 800), order=order)
    assert net.raw.got == [(addr(PEER), data)] and net.idle
    assert net.count("in") == 3 and net.count("reassembled") == 1


@rfc("1122 3.3.2-2")
def test_fragmented_ping_is_answered_at_once(net):
    data = text(1472)
    net.parts_of(echo(data), (552, 1104), proto=1)
    net.peer.expect(type=0, data=data, df=True)
    net.peer.nothing()


def test_fragmented_datagram_is_answered_at_once(net):
    app = Inbox(True)
    net.stack.bind(7, app)
    data = text(1400)
    net.parts_of(packets.udp(PEER, BOARD, 5000, 7, data), (8, 808), proto=17, order=(2, 0, 1))
    assert app.got == [data]
    net.peer.expect(sport=7, dport=5000, data=data)


@rfc("1122 3.3.2-1")
def test_fragmented_segment_is_a_segment():
    from uipy import Ring
    from uipy.stream import Stream

    class Echo(Stream):
        def __init__(self):
            self.rx = self.tx = Ring(2000)

    wire = Wire()
    stack = wire.board(tcp=2)
    Reassembly(stack)
    stack.listen(7, Echo, 1)
    wire.run()
    peer = Station(wire)
    peer.establish()
    peer.heard.clear()
    data = text(600)
    body = packets.tcp(PEER, BOARD, peer.port, 7, peer.seq, peer.ack, "PA", data=data)
    wire.give(peer.datagram(6, body[320:], frag=40, ident=5))
    wire.give(peer.datagram(6, body[:320], frag=MF, ident=5))
    assert peer.expect().tcp.data == data


def test_checksum_of_the_whole_is_looked_at(net):
    app = Inbox()
    net.stack.bind(7, app)
    body = packets.udp(PEER, BOARD, 5000, 7, text(800), csum=0x1234)
    net.parts_of(body, (400,), proto=17)
    assert not app.got and net.wire.count("udp_bad") == 1


def test_unknown_protocol_is_refused_with_the_first_header(net):
    (f,) = net.parts_of(text(100), (48,), proto=77)
    assert (f.icmp.type, f.icmp.code) == (3, 2)
    assert f.icmp.data[20:] == text(100)[:8]


def test_options_of_the_first_fragment_are_kept(net):
    net.part(16, b"z" * 5, False)
    seen = []
    net.raw.look = lambda b: seen.append(bytes(b[16:60]))
    net.part(0, b"y" * 16, opts=NOP)
    ((frame),) = seen
    assert frame[0] == 0x46 and frame[20:24] == NOP and frame[24:44] == b"y" * 16 + b"z" * 4
    assert frame[2:4] == (24 + 21).to_bytes(2, "big") and frame[6:8] == b"\0\0"
    assert packets.checksum(frame[:24]) == 0


def test_serial_line_and_broadcasts_have_fragments_too():
    net = Net(l2=0)
    data = text(1200)
    net.parts_of(data, (600,))
    net.parts_of(data, (600,), dst="255.255.255.255")
    assert net.raw.got == [(addr(PEER), data)] * 2


@rfc("1122 3.3.2-2")
def test_longest_datagram_fills_the_buffer_to_the_end(net):
    data = text(1480)
    net.parts_of(data, (1472,))
    assert net.raw.got == [(addr(PEER), data)]
    net.parts_of(data, (1472,), opts=NOP)  # with options it is too long
    assert len(net.raw.got) == 1 and net.count("too_long") == 1 and net.idle


def test_datagrams_are_told_apart(net):
    a, b = text(100, 1), text(100, 2)
    for other in ({"ident": 8}, {"src": "192.168.1.20"}, {"dst": "255.255.255.255"}):
        net.part(0, a[:48])
        net.part(48, b[48:], False, **other)
        net.part(0, b[:48], **other)
        net.part(48, a[48:], False)
    assert [d for _, d in net.raw.got] == [b, a] * 3
    net.part(0, a[:48], proto=98)
    net.part(48, a[48:], False)
    assert len(net.raw.got) == 6


def test_interfaces_are_told_apart():
    net = Net()
    other = Wire(mac=b"\2\0\0\0\0\x20")
    net.stack.add_iface(other, "192.168.1.8/24")
    net.part(0, b"x" * 8)
    b = packets.ip4(PEER, BOARD, 99, b"x", frag=1, ident=7)
    other.rx.append(packets.eth(other.mac, net.peer.mac, 0x0800, b, 60))
    net.wire.settle()
    assert not net.raw.got


def test_answer_leaves_by_the_interface_that_the_fragments_came_from():
    net = Net()
    other = Wire(mac=b"\2\0\0\0\0\x20", clock=net.wire.clock)
    net.stack.add_iface(other, "10.0.0.1/24")
    there = Station(other, "10.0.0.9", b"\2\0\0\0\0\x29")
    data = echo(text(100))
    other.rx.extend(
        there.datagram(1, data[a:b], dst="10.0.0.1", frag=frag, ident=7)
        for a, b, frag in ((0, 56, MF), (56, 108, 7))
    )
    net.wire.settle()
    there.expect(type=0, data=text(100))
    net.peer.nothing()


def test_slots_take_the_memory_that_is_said():
    net = Net(slots=3)
    assert len(net.parts.tab) + len(net.parts.text) <= 3 * (1480 + 1480 // 32 + 102)


def test_whole_datagrams_pass_while_fragments_wait(net):
    for k in range(40):
        net.part(0, b"x" * 8, ident=k)
        net.peer.ping(b"whole")
        net.peer.expect(type=0, data=b"whole")


def test_counters_of_the_stack_see_the_fragments_alone(net):
    for _ in range(5):
        net.parts_of(echo(text(100)), (48,), proto=1)
    for name, want in (("frames_in", 10), ("ip_in", 10), ("icmp_in", 5), ("ip_frag", 0)):
        assert net.wire.count(name) == want, name
    assert net.wire.count("frames_out") == 1 + 5  # with the announcement


# Overlaps and lies


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((0, 24), (16, 40)),
        ((16, 40), (0, 24)),
        ((0, 40), (8, 16)),
        ((8, 16), (0, 40)),
        ((0, 16), (0, 24)),
        ((0, 24), (0, 16)),
        ((0, 24), (8, 24)),
        ((8, 24), (0, 24)),
    ],
)
def test_overlap_drops_the_datagram_and_what_is_still_to_come(net, a, b):
    data = text(64)
    net.part(a[0], data[slice(*a)])
    net.part(b[0], data[slice(*b)])
    assert net.count("overlap") == 1
    net.parts_of(data, (40,))
    assert not net.raw.got and not net.wire.run(TOLD + 1000)
    net.parts_of(data, (40,))
    assert len(net.raw.got) == 1


def test_fragment_that_comes_again_is_ignored(net):
    data = text(100)
    for _ in range(3):
        net.part(48, data[48:], False)
        net.part(16, data[16:48])
    net.part(0, data[:16])
    assert net.raw.got == [(addr(PEER), data)]
    assert net.count("repeated") == 4 and not net.count("overlap")


def test_fragment_that_comes_again_with_other_text_is_an_overlap(net):
    net.part(0, b"x" * 16)
    net.part(0, b"x" * 15 + b"y")
    assert net.count("overlap") == 1


@pytest.mark.parametrize(
    "parts",
    [
        [(16, 8, False), (24, 8, False)],  # two ends
        [(24, 8, False), (16, 8, False)],
        [(16, 8, False), (24, 8, True)],  # more behind the end
        [(24, 8, True), (16, 8, False)],
        [(16, 8, False), (16, 8, True)],
        [(16, 8, True), (16, 8, False)],
        [(16, 8, True), (16, 5, False)],
        [(16, 5, False), (16, 8, True)],
        [(16, 5, False), (16, 6, False)],
    ],
)
def test_lengths_that_contradict_each_other_drop_the_datagram(net, parts):
    for at, n, more in parts:
        net.part(at, bytes(n), more)
    net.part(0, bytes(16))
    assert not net.raw.got and net.count("overlap") == 1


@pytest.mark.parametrize(
    ("at", "n", "more"),
    [(0, 0, True), (8, 0, True), (8, 0, False), (0, 7, True), (8, 12, True)],
)
def test_fragment_that_is_empty_or_no_whole_blocks_is_dropped(net, at, n, more):
    net.part(at, bytes(n), more)
    assert net.count("bad") == 1 and net.idle


@pytest.mark.parametrize(("at", "n"), [(65528, 1400), (65528, 8), (65512, 8), (65512, 4)])
def test_ping_of_death_is_dropped(net, at, n):
    """It would end behind octet 65535."""
    net.part(at, bytes(n), False)
    assert net.count("bad") == 1 and net.idle


@pytest.mark.parametrize("at", [1480, 1472, 60_000, 65504])
def test_datagram_longer_than_a_slot_is_dropped(net, at):
    net.part(0, bytes(8))
    net.part(at, bytes(9), False)
    net.part(8, bytes(8))
    assert net.count("too_long") == 1 and not net.raw.got
    assert not net.wire.run(TOLD + 1000)


def test_small_slots_take_what_fits_them():
    net = Net(slots=1, size=60)
    net.parts_of(text(64), (32,))
    net.parts_of(text(65), (32,), ident=8)
    assert [d for _, d in net.raw.got] == [text(64)] and net.count("too_long") == 1


@pytest.mark.parametrize(("slots", "size"), [(0, None), (1, 4), (1, 1481), (2, 65536)])
def test_pool_that_cannot_be_is_refused(wire, slots, size):
    with pytest.raises(Error, match="8 to 1480"):
        Reassembly(wire.board(), slots, size)


# Time, and room


@rfc("1122 3.3.2-3", "1122 3.3.2-5")
def test_sender_is_told_when_the_first_fragment_came(net):
    net.part(0, text(96), opts=NOP, ident=0x0102)
    net.peer.ping(bytes(200))
    assert not net.wire.run(TOLD - 1)
    (f,) = [f for f in net.wire.run(1) if f.icmp]
    assert (f.icmp.type, f.icmp.code, f.ip_dst) == (11, 1, addr(PEER))
    assert f.icmp.data[4:6] == b"\1\2" and f.icmp.data[20:24] == NOP
    assert f.icmp.data[24:] == text(96)[:8] and f.icmp.rest == bytes(4)
    assert net.idle and net.count("timeout") == 1


@rfc("1122 3.3.2-5")
@pytest.mark.parametrize(
    "how",
    [
        {"at": 8},  # without the first one
        {"dst": "255.255.255.255"},
        {"proto": 1, "data": packets.icmp(3, 1, bytes(28))[:32]},  # no error about an error
        {"proto": 1, "data": packets.icmp(0, 0, bytes(28))},
    ],
)
def test_nobody_is_told_otherwise(net, how):
    net.part(how.pop("at", 0), how.pop("data", bytes(32)), **how)
    assert not net.wire.run(2 * TOLD) and net.idle and net.count("timeout") == 1


@rfc("1122 3.3.2-4")
def test_time_counts_from_the_first_fragment_that_came(net):
    net.part(8, bytes(8))
    net.wire.run(TOLD - 1000)
    net.part(0, bytes(8))
    assert [f for f in net.wire.run(1000) if f.icmp]


def test_errors_about_time_are_limited_like_all_others():
    net = Net(slots=30, size=64)
    for k in range(30):
        net.part(0, bytes(8), ident=k)
    told = [f for f in net.wire.run(TOLD) if f.icmp]
    assert 5 <= len(told) <= 10 and net.wire.count("icmp_muted") == 30 - len(told)


def test_oldest_gives_way_and_those_refused_before_it(net):
    net.part(0, b"a" * 8, ident=1)
    net.wire.run(10)
    net.part(0, b"b" * 8, ident=2)
    net.wire.run(10)
    net.part(0, b"c" * 8, ident=3)
    assert net.count("evicted") == 1
    net.part(8, b"b", False, ident=2)
    assert [d for _, d in net.raw.got] == [b"b" * 9]
    net.part(0, b"d" * 8, ident=4)
    net.part(0, b"D" * 8, ident=4)  # refused from now on
    net.part(0, b"e" * 8, ident=5)
    assert net.count("evicted") == 1
    net.part(8, b"c", False, ident=3)
    net.part(8, b"e", False, ident=5)
    assert [d for _, d in net.raw.got[1:]] == [b"c" * 9, b"e" * 9]


def test_datagram_that_is_whole_keeps_its_slot_until_it_is_given():
    net = Net(slots=1)
    frames = [
        net.peer.datagram(99, b"x" * 8, frag=MF, ident=1),
        net.peer.datagram(99, b"x", frag=1, ident=1),
        net.peer.datagram(99, b"y" * 8, frag=MF, ident=2),
        net.peer.datagram(99, b"x", frag=1, ident=1),  # again
    ]
    net.wire.give(*frames)
    assert [d for _, d in net.raw.got] == [b"x" * 9] and net.count("evicted") == 1
    assert net.idle


def test_two_that_get_whole_in_one_poll_are_both_answered(net):
    a, b = echo(text(100, 1)), echo(text(100, 2))
    net.wire.rx.extend(
        net.peer.datagram(1, d[at : at + 56], frag=(MF if at == 0 else 0) | at >> 3, ident=k)
        for k, d in ((1, a), (2, b))
        for at in (0, 56)
    )
    net.wire.settle()
    net.peer.expect(type=0, data=text(100, 1))
    net.peer.expect(type=0, data=text(100, 2))


@pytest.mark.parametrize(
    ("marks", "tos"), [((2, 2), 2), ((2, 3), 3), ((3, 1), 3), ((0, 3), None), ((0, 0), 0)]
)
def test_mark_of_congestion_is_handed_on(net, marks, tos):
    """RFC 3168 5.3."""
    seen = []
    net.raw.look = lambda b: seen.append(b[17])
    net.part(0, bytes(8), tos=marks[0])
    net.part(8, bytes(8), False, tos=marks[1])
    assert seen == ([] if tos is None else [tos])


# Against another reassembler


class Oracle:
    """Keeps what came as a list of pieces, and looks at all of it each time."""

    def __init__(self, slots, size):
        self.slots, self.size = slots, size
        self.all = []  # {'key', 'born', 'pieces', 'refused'}, the oldest first
        self.out, self.told = [], 0

    def passes(self, now):
        for d in [d for d in self.all if now - d["born"] >= TOLD]:
            self.all.remove(d)
            first = any(a == 0 for a, _, _, _ in d["pieces"])
            self.told += first and not d["refused"]

    def take(self, now, key, at, data, more):
        if not at and not more:  # no fragment at all
            self.out.append((key, data))
            return
        if not data or (more and len(data) % 8) or at + len(data) > 65515:
            return
        d = next((d for d in self.all if d["key"] == key), None)
        if d is None:
            if len(self.all) == self.slots:
                worst = [x for x in self.all if x["refused"]] or self.all
                self.all.remove(worst[0])
            d = {"key": key, "born": now, "pieces": [], "refused": False}
            self.all.append(d)
        piece = (at, at + len(data), more, data)
        if d["refused"] or piece in d["pieces"]:
            return
        if not self.fits(d["pieces"], piece):
            d["refused"] = True
            return
        d["pieces"].append(piece)
        self.finish(d)

    def fits(self, pieces, new):
        octets = [k for a, b, _, _ in [*pieces, new] for k in range(a, b)]
        last = {b for _, b, more, _ in [*pieces, new] if not more}
        inner = max([b for _, b, more, _ in [*pieces, new] if more], default=-1)
        alone = len(octets) == len(set(octets))
        ends = len(last) < 2 and (not last or inner < min(last))
        return new[1] <= self.size and alone and ends

    def finish(self, d):
        data, at = b"", 0
        for a, b, more, octets in sorted(d["pieces"]):
            if a != at:
                return
            data, at = data + octets, b
            if not more:
                self.all.remove(d)
                self.out.append((d["key"], data))


def shots(rng):
    """Fragments of a few datagrams, in disorder, and some of them wrong."""
    out = []
    for _ in range(rng.randint(1, 3)):
        key = (rng.choice(("192.168.1.9", "192.168.1.20")), rng.randrange(4))
        data = rng.randbytes(rng.choice((9, 16, 40, 63, 64, 65, 100)))
        at = 0
        while at < len(data):
            n = 8 * rng.randint(1, 5)
            out.append([key, at, data[at : at + n], at + n < len(data)])
            at += n
    for _ in range(rng.choice((0, 0, 1, 2))):
        shot = list(rng.choice(out))
        how = rng.randrange(7)
        if how == 1:
            shot[1] = 8 * rng.choice((0, 1, 2, 8, 12, 13, 8188, 8191))
        elif how == 2:
            shot[2] = shot[2][: rng.randrange(len(shot[2]) + 1)]
        elif how == 3:
            shot[3] = not shot[3]
        elif how == 4:
            shot[2] += rng.randbytes(8)
        elif how == 5:
            shot[2] = rng.randbytes(len(shot[2]))
        elif how == 6:
            out.remove(rng.choice(out))
        out.append(shot)
    rng.shuffle(out)
    return out


def test_ten_thousand_sequences_come_to_the_same_as_with_another_reassembler():
    rng = random.Random(815)
    net = Net(slots=3, size=96)
    oracle = Oracle(3, 96)
    stack, now = net.stack, net.wire.clock.now
    ms = whole = 0
    net.stack.icmp._token = lambda: True

    def due():
        told = 0
        while n := stack.output((now + ms) % (1 << 30)):
            f = packets.decode(bytes(stack.buf[2 : 2 + n]))
            told += f.icmp is not None and f.icmp.type == 11
        return told

    for _ in range(10_000):
        for (src, ident), at, data, more in shots(rng):
            if rng.random() < 0.02:
                ms += rng.choice((1, 1000, TOLD - 1, TOLD))
                oracle.passes(ms)
                oracle.told -= due()
            frame = net.peer.datagram(
                99, data, src=src, ident=ident, frag=(MF if more else 0) | at >> 3
            )
            stack.buf[2 : 2 + len(frame)] = frame
            assert stack.input(len(frame), (now + ms) % (1 << 30)) == 0
            oracle.take(ms, (src, ident), at, data, more)
            ms += 1
            oracle.passes(ms)
            oracle.told -= due()
            want = [(addr(key[0]), data) for key, data in oracle.out]
            assert net.raw.got == want
            whole += bool(at or more) and len(want)
            net.raw.got.clear()
            oracle.out.clear()
        assert oracle.told == 0
    assert whole > 3000 and net.count("reassembled") == whole
    for name in ("bad", "repeated", "overlap", "too_long", "evicted", "timeout"):
        assert net.count(name) > 100, name
