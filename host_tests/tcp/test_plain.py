"""Which way a segment takes: plain ones go straight to the application, all others meet the state
machine (tcp/whose.py)."""

import pytest
from lab import packets
from lab.net import INDEX, WRAP
from lab.tcp import (
    BOARD,
    PEER,
    SACK_OK,
    Lab,
    Peer,
    active,
    datagram,
    mss,
    one,
    sack,
    stamps,
    wscale,
)
from uipy import Bytes
from uipy.net.datagram import ACKS, AT, P_NSACK, P_TS, PLAIN, REL

MACHINE, IN_PLACE, STRAIGHT = 0, 1, 2  # of seg[PLAIN]


def way(p, flags="A", data=b"", **k):
    """The way that this segment takes."""
    p.send(flags, data, **k)
    return seg(p)[PLAIN]


def seg(p):
    """What the segment has left behind."""
    return p.lab.stack.tcp.seg.tolist()


@pytest.fixture(params=["in the first row", "in the third row"])
def p(request):
    """A connection in a row with others around it; five octets are in flight on those."""
    lab = Lab()
    others = [Peer(lab, port=41000 + k) for k in range(3)]
    p = Peer(lab, isn=0x89ABCDEF)
    for q in [p, *others] if "first" in request.param else [*others[:2], p, others[2]]:
        q.open()
        if q is not p:
            q.conn.send(Bytes(b"12345"))
            q.run(0)
    return p


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 1000], ids=len)
@pytest.mark.parametrize("flags", ["A", "PA", "AE", "AC"])
@pytest.mark.parametrize("bits", [0, 15])
def test_an_ack_and_text_in_place_are_plain(p, flags, data, bits):
    assert way(p, flags, data, bits=bits) == STRAIGHT


@pytest.mark.parametrize("off", [1, -1, 255, -256, 0x10000, 0x1000000, 2**31])
def test_what_is_not_in_place_is_not_plain(p, off):
    assert way(p) == STRAIGHT
    assert way(p, seq=p.seq + off) == MACHINE
    assert way(p, data=b"x", seq=p.seq + off) == MACHINE


@pytest.mark.parametrize(
    "flags, want",
    [("", 0), ("P", 0), ("F", 0), ("S", 0), ("SA", 0), ("RA", 0), ("R", 0), ("FA", 1), ("UA", 1)],
)
def test_control_bits_are_for_the_state_machine(p, flags, want):
    assert way(p, flags, b"x" if flags == "P" else b"") == want


def test_a_header_with_options_is_not_plain(p):
    assert way(p, data=b"x", opts=b"\1\1\1\1") == MACHINE
    assert p.app.data == b"x"


@pytest.mark.parametrize("before", [5, -5])
def test_a_plain_fin_and_a_plain_urgent_pointer_are_counted_from_where_they_are(p, before):
    """Not from where the segment before them was."""
    p.send("A", b"x", seq=p.seq + before)
    assert way(p, "UA", up=7) == IN_PLACE and p.app.said("urgent") == [7]
    p.send("A", b"x", seq=p.seq + before)
    assert way(p, "FA") == IN_PLACE and p.app.said("peer_closed") == [None]


@pytest.mark.parametrize("room", [500, 255, 256, 1])
def test_text_is_plain_up_to_the_edge_of_the_window(room):
    for more, want in ((0, STRAIGHT), (1, MACHINE)):
        p = Peer(Lab(tcp_options={"room": room}))
        p.open()
        assert way(p, data=b"x" * (room + more)) == want


def test_text_is_plain_in_a_window_of_more_than_16_bits():
    room = 0x20000 + 100
    p = Peer(Lab(tcp_options={"room": room, "window_scale": True}))
    p.open(opts=mss(1000) + wscale(0))
    p.send("A", bytes(100))
    assert one(p.run(500)).wnd << 2 == room  # the SYN-ACK could not say so
    assert way(p, data=bytes(1000)) == IN_PLACE


@pytest.fixture
def flight(p):
    """Five octets are in flight."""
    p.conn.send(Bytes(b"12345"))
    p.run(0)
    return p


@pytest.mark.parametrize("acks", range(-2, 8))
@pytest.mark.parametrize("data", [b"", b"x", b"xy"])
def test_an_ack_of_something_that_is_in_flight_is_plain(flight, acks, data):
    """One of nothing new may be a duplicate, unless there is text with it."""
    at = flight.iss + 1 + acks
    want = STRAIGHT if 1 <= acks <= 5 or (acks == 0 and data) else IN_PLACE
    assert way(flight, data=data, ack=at) == want
    assert seg(flight)[ACKS] == acks


@pytest.mark.parametrize("wnd, want", [(0, IN_PLACE), (1, STRAIGHT), (2, STRAIGHT)])
def test_text_with_an_ack_of_nothing_new_is_plain_unless_the_window_is_closed(flight, wnd, want):
    flight.send("A", b"x", wnd=wnd, ack=flight.iss + 1)
    assert way(flight, data=b"x", ack=flight.iss + 1) == want


@pytest.mark.parametrize(
    "off", [0x3FFE1234, 0x3FFF0000, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 2**31]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_an_acks_distance_is_a_small_int_of_its_sign(p, off, sign):
    """2**30 would be an object on a heap of 32 bits."""
    p.send("A", ack=p.iss + 1 + sign * off)
    acks = seg(p)[ACKS]
    if off < 0x3FFF0000:
        assert acks == sign * off
    else:
        assert 0x3FFE0000 <= abs(acks) < 2**30
        assert (acks < 0) == (sign < 0 or off == 2**31)


def test_where_nobody_reads_text_is_for_the_state_machine(p):
    p.conn.close()
    assert way(p, data=b"") == IN_PLACE


def test_where_a_reset_is_due_nothing_is_told(p):
    app = p.app
    p.conn.abort()
    assert way(p, data=b"x") == IN_PLACE
    assert app.said("received") == [] and app.said("closed") == ["aborted"]


@pytest.mark.parametrize(
    "state", ["fin_wait_1", "fin_wait_2", "close_wait", "closing", "last_ack"]
)
def test_every_state_but_established_is_for_the_state_machine(request, state):
    p = request.getfixturevalue(state)
    assert way(p, ack=p.iss + 1) == IN_PLACE


@pytest.mark.parametrize("others", [0, 1, 3])
def test_syn_sent_and_syn_received_are_for_the_state_machine(others):
    lab = Lab()
    for k in range(others):
        Peer(lab, port=41000 + k).open()
    _app, p, syn = active(lab)
    p.app = _app
    assert way(p, seq=0, ack=syn.seq) == MACHINE  # it has no RCV.NXT yet; that is 0
    p.ack = 0
    p.send("S")
    p.ack = syn.end
    assert way(p, ack=syn.seq) == IN_PLACE
    assert way(p) == IN_PLACE and p.state == "ESTABLISHED"
    assert way(p) == STRAIGHT


# Timestamps.

STAMP = b"\x08\x0a\x08\x0a\x08\x0a\0\0\0\0"


@pytest.fixture
def stamped():
    """A connection with timestamps, in the second row."""
    p = Peer(Lab(tcp_options={"timestamps": True}))
    Peer(p.lab, port=41000).open()
    p.open(opts=mss(1000) + stamps(0x080A0800), opts3=stamps(0x080A0800))
    return p


def test_with_timestamps_the_option_alone_is_plain(stamped):
    assert way(stamped, data=b"x", opts=stamps(0x080A080A)) == IN_PLACE
    s = seg(stamped)
    assert (s[P_TS] - s[AT], s[REL]) == (24, 0)
    assert stamped.app.data == b"x"


@pytest.mark.parametrize("before", [5, -5])
def test_a_fin_with_timestamps_is_where_it_is(stamped, before):
    opts = stamps(0x080A080A)
    stamped.send("A", b"x", seq=stamped.seq + before, opts=opts)
    assert way(stamped, "FA", opts=opts) == IN_PLACE
    assert stamped.app.said("peer_closed") == [None]


@pytest.mark.parametrize("before", [False, True])
def test_timestamps_of_the_segment_before_do_not_count_for_one_without(stamped, before):
    if before:
        stamped.send("A", opts=stamps(0x080A080A))
    assert not stamped.send("A", b"x") and seg(stamped)[PLAIN] == MACHINE
    assert stamped.app.data == b"" and stamped.lab.wire.count("tcp_paws") == 1


@pytest.mark.parametrize(
    "opts",
    [
        STAMP + b"\1\1",
        b"\1" + STAMP + b"\1",
        b"\1\1" + STAMP + b"\1\1\1\1",
        STAMP + b"\0\0",
        b"\0\1" + STAMP,
    ],
    ids=["first", "second", "longer", "before the end", "behind the end"],
)
def test_timestamps_in_another_place_are_read_by_the_state_machine(stamped, opts):
    assert way(stamped, data=b"x", opts=opts) == MACHINE
    assert stamped.app.data == (b"" if opts[0] == 0 else b"x")


@pytest.mark.parametrize(
    "opts",
    [
        b"\1\1\x05\x0a" + b"\x08\x0a\x08\x0b" * 2,
        b"\1\1\x08\x06\x08\x0a\x08\x0b\1\1\1\1",
        b"\1\1\xfd\x0a" + b"\x08\x0a\x08\x0b" * 2,
        b"\1\xfd\x0b\x0a" + b"\x08\x0a\x08\x0b" * 2,
        b"\xfd\x0c\x08\x0a" + b"\x08\x0a\x08\x0b" * 2,
        b"\xfd\x04\1\1" + b"\x08\x0a\x08\x0b" * 2,
        b"\1\xfd\x08\x0a" + b"\x08\x0a\x08\x0b" * 2,
    ],
)
def test_what_looks_like_timestamps_is_none(stamped, opts):
    """RFC 7323 3.2: a segment without the option is dropped."""
    assert way(stamped, data=b"x", opts=opts) == MACHINE
    assert stamped.app.data == b"" and stamped.lab.wire.count("tcp_paws") == 1


# What is left of a segment.


def test_when_the_answer_goes_with_the_segment_nothing_is_due_any_more():
    lab = Lab()
    p = Peer(lab)
    p.open()
    app = p.app
    app.received = lambda conn, buf, start, n: conn.send(b"answer")
    lab.run(0)
    frame = p.segment("PA", b"question")
    lab.stack.buf[2 : 2 + len(frame)] = frame
    assert lab.stack.input(len(frame), lab.wire.clock.now) == 20 + 20 + len(b"answer")
    assert not lab.stack.due


def test_blocks_of_the_segment_before_are_not_read_again():
    """The text lies where the option lay, and looks like a block of all that is in flight."""
    p = Peer(Lab(tcp_options={"sack": True}), wnd=60_000)
    p.open(opts=mss(1000) + SACK_OK)
    p.conn.send(Bytes(bytes(30_000)))
    base = p.run(0)[0].seq
    p.send("A", ack=base, opts=sack((base + 9000, base + 10_000)))
    assert seg(p)[P_NSACK] == 1
    lie = bytes(4) + b"".join(n.to_bytes(4, "big") for n in (base + 2000, base + 10_000))
    p.send("A", lie, ack=base + 1000)
    assert seg(p)[P_NSACK] == 0
    for k in range(4):
        p.send("A", ack=base + 1000, opts=sack((base + 9000, base + 10_000 + 1000 * (k > 0))))
    out = p.send("A", ack=base + 2000) + p.send("A", ack=base + 3000)
    assert base + 3000 in [s.seq for s in out]


# Whose it is.

OTHERS = [
    {"ip": "11.0.0.2"},
    {"ip": "10.1.0.2"},
    {"ip": "10.0.1.2"},
    {"ip": "10.0.0.3"},
    {"port": 40001},
    {"port": 40256},
    {"to": 8},
    {"to": 263},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_each_octet_of_the_addresses_tells_connections_apart(other):
    lab = Lab()
    for to in (8, 263):
        lab.stack.listen(to, lab._make(type(lab.apps[0])), 1)
    p, q = Peer(lab), Peer(lab, **other)
    p.open()
    one(q.send("A", b"x", seq=p.seq, ack=p.ack), "R")
    q.seq = q.isn
    q.open()
    for k in range(3):
        p.send("A", b"p")
        q.send("A", b"q")
        assert (p.app.data, q.app.data) == (b"p" * (k + 1), b"q" * (k + 1))


# Is it sound?


def raw(lab, cut=None, **k):
    """A SYN as octets, of `cut` octets."""
    t = packets.tcp(PEER, BOARD, 40000, 7, 1000, 0, "S", **k)[:cut]
    if cut:
        t = t[:16] + b"\0\0" + t[18:]
        sum_ = packets.checksum(packets.pseudo(PEER, BOARD, 6, len(t)) + t)
        t = t[:16] + sum_.to_bytes(2, "big") + t[18:]
    return lab.give(datagram(PEER, BOARD, 6, t))


@pytest.mark.parametrize(
    "how",
    [
        {"cut": 19},
        {"cut": 18},
        {"doff": 4},
        {"doff": 0},
        {"doff": 6},
        {"doff": 15},
        {"doff": 15, "data": bytes(39)},
        {"opts": bytes(4), "doff": 7},
        {"csum": 0},
        {"csum": 0x1234},
    ],
    ids=str,
)
def test_a_segment_that_is_not_sound_is_counted_and_dropped(lab, how):
    assert not raw(lab, **how)
    assert [lab.wire.count("tcp_" + k) for k in ("in", "bad", "out")] == [1, 1, 0]


@pytest.mark.parametrize(
    "how", [{}, {"doff": 15, "data": bytes(40)}, {"opts": bytes(40)}], ids=str
)
def test_a_header_may_be_all_that_there_is(lab, how):
    one(raw(lab, **how), "SA")
    assert [lab.wire.count("tcp_" + k) for k in ("in", "bad", "out")] == [1, 0, 1]


def test_every_segment_is_counted(lab):
    p = Peer(lab)
    p.open()
    p.send("PA", b"x")
    p.send("A", seq=p.seq - 1)
    p.send("R", seq=p.seq)
    assert lab.wire.count("tcp_in") == 5


def test_the_count_of_segments_wraps_to_nothing(lab):
    lab.wire.counts_from("tcp_in", WRAP - 2)
    raw(lab)
    assert lab.stack.stat[INDEX["tcp_in"]] == WRAP - 1
    raw(lab)
    assert lab.stack.stat[INDEX["tcp_in"]] == 0


# It was heard.


@pytest.mark.parametrize("opts", [b"", stamps(1)], ids=["plain", "stamped"])
def test_keep_alives_count_from_the_last_segment(opts):
    lab = Lab(tcp_options={"timestamps": bool(opts)})
    p = Peer(lab)
    p.open(opts=mss(1000) + opts, opts3=opts)
    p.conn.keepalive_s = 100
    p.run(99_000)
    p.send("A", opts=opts)
    for _ in range(2):
        at = lab.ms
        assert [s.at - at for s in p.run(400_000)] == [100_000, 175_000, 250_000, 325_000, 400_000]
        p.send("A", opts=opts)
    assert not p.app.said("closed")
