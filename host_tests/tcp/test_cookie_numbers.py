"""SYN cookies (RFC 4987 3.6): what is in the number, for how long it counts, and what becomes of
the handshake that it ends."""

import pytest
from lab.net import KEY
from lab.tcp import SACK_OK, HalfCloser, Lab, Peer, addr, is_reset, mss, one, stamps
from proof import oracle
from uipy import Bytes

rfc = pytest.mark.rfc

UNIT = 1 << 16  # ms: a step of the cookies' clock
LIFE = 120_000
DAY = 86_400_000


def baked(half_open=1, **stack):
    options = {"cookies": True, "timestamps": True, "window_scale": True, "sack": True}
    options |= stack.pop("tcp_options", {})
    return Lab(half_open=half_open, listeners=8, tcp_options=options, **stack)


def later(lab, ms):
    """Nobody polls meanwhile."""
    lab.wait(ms)
    lab.run(0)


def flood(lab, n=1):
    """The table of half-open connections is full; the peers that filled it."""
    out = [
        Peer(lab, ip="10.0.0.%d" % (100 + k), port=lab.ms // 1000 % 60000 + 1) for k in range(n)
    ]
    for q in out:
        q.iss = one(q.send("S"), "SA").seq
    return out


def cookie(p, opts=None):
    """The SYN-ACK that a full table answers with."""
    s = one(p.send("S", opts=mss(1024) if opts is None else opts), "SA")
    p.iss = s.seq
    return s


def hash_of(**peer):
    """The lower 24 bits of a cookie."""
    lab = baked()
    lab.stack.listen(9, HalfCloser)
    flood(lab)
    return cookie(Peer(lab, **peer)).seq & 0xFFFFFF


# The number


@pytest.mark.parametrize("unit", [0, 9])
@pytest.mark.parametrize("size, index", [(48, 0), (1460, 7)])
def test_a_cookie_is_the_hash_of_the_handshake(unit, size, index):
    lab = baked()
    later(lab, unit * UNIT)
    flood(lab)
    p = Peer(lab, port=0x1234, isn=0x89ABCDEF)
    ports = (7 << 16 | 0x1234).to_bytes(4, "big")
    said = b"\1" + ports + addr(p.ip) + bytes([unit, index]) + p.isn.to_bytes(4, "big")
    number = bytearray(said)
    oracle.mac(KEY, number, 0, len(said), 0)
    number[0] = unit << 3 | index
    assert cookie(p, mss(size)).seq.to_bytes(4, "big") == number[:4]


@pytest.mark.parametrize("unit", [0, 1, 5, 31, 32, 33])
def test_a_cookie_bears_the_clock_and_the_index_of_the_mss(unit):
    lab = baked()
    later(lab, unit * UNIT)
    flood(lab)
    for k, n in enumerate((48, 256, 536, 1024, 1300, 1400, 1440, 1460)):
        s = cookie(Peer(lab, port=2000 + k), mss(n))
        assert s.seq >> 24 == (unit & 31) << 3 | k


@pytest.mark.parametrize("isn", [0, 1000, 2**31 - 1, 2**32 - 1])
def test_a_syn_ack_with_a_cookie_octet_by_octet(isn):
    lab = baked(tcp_options={"room": 5000})
    flood(lab)
    one(Peer(lab, to=99).send("A"), "R")  # its window was 0
    p = Peer(lab, isn=isn)
    s = cookie(p, mss(1024) + SACK_OK + stamps(1))
    assert (s.ack, s.wnd, s.up, s.doff, s.opts) == ((isn + 1) % 2**32, 5000, 0, 24, {"mss": 1460})
    count = lab.wire.count
    assert (count("tcp_cookie_out"), count("tcp_syn_dropped"), count("tcp_passive")) == (1, 1, 0)
    p.send("A")
    assert p.state == "ESTABLISHED" and count("tcp_cookie_in") == 1 == count("tcp_passive")


@pytest.mark.parametrize("room, offered", [(65_535, 65_535), (65_536, 65_535), (200_000, 65_535)])
def test_the_window_of_a_syn_ack_is_never_scaled(room, offered):
    lab = baked(tcp_options={"room": room})
    flood(lab)
    assert cookie(Peer(lab)).wnd == offered


def test_the_hash_is_of_all_that_tells_one_handshake_from_another():
    own = hash_of()
    assert own == hash_of()
    others: list[dict] = [{"ip": "10.0.0.3"}, {"port": 40001}, {"port": 40256}, {"to": 9}]
    others += [{"isn": 1000 ^ 1 << bit} for bit in (0, 8, 16, 24, 31)]
    found = [hash_of(**other) for other in others]
    assert len({own, *found}) == 1 + len(others)


def test_the_hash_is_of_the_clock_and_of_the_mss():
    lab = baked()
    found = set()
    for _ in range(3):
        flood(lab)
        for n in (48, 1460):
            found.add(cookie(Peer(lab), mss(n)).seq & 0xFFFFFF)
        later(lab, UNIT)
    assert len(found) == 6


# For how long


@rfc("4987 3.6-2")
@pytest.mark.parametrize(
    "made, age, good",
    [
        (0, LIFE - 1, True),
        (0, LIFE, False),
        (UNIT - 1, UNIT, True),
        (UNIT - 1, UNIT + 1, False),
        (UNIT, 2 * UNIT - 20_000, True),
        (2 * UNIT - 1, UNIT, True),
        (2 * UNIT - 1, UNIT + 1, False),
        (32 * UNIT - 1, UNIT, True),
        (32 * UNIT - 1, UNIT + 1, False),
        (40 * UNIT, UNIT, True),
    ],
)
def test_a_cookie_counts_for_two_units_of_its_clock_and_two_minutes(made, age, good):
    lab = baked()
    later(lab, made)
    flood(lab)
    p = Peer(lab)
    cookie(p)
    later(lab, age)
    out = p.send("A")
    if good:
        assert p.state == "ESTABLISHED" and lab.wire.count("tcp_cookie_in") == 1
    else:
        is_reset(one(out), p.ack)
        assert lab.wire.count("tcp_cookie_in") == 0
        # nobody looks at it two minutes after the overflow
        assert lab.wire.count("tcp_cookie_bad") == (age < LIFE)


@rfc("4987 3.6-2")
@pytest.mark.parametrize("more", [0, 1, 29])
def test_a_flood_that_goes_on_makes_no_old_cookie_good(more):
    lab = baked(half_open=1)
    later(lab, 3 * UNIT)
    flood(lab)
    p = Peer(lab)
    cookie(p)
    later(lab, (2 + more) * UNIT)
    for k in range(3):
        Peer(lab, ip="10.0.0.200", port=1000 + k).send("S")
    assert lab.wire.count("tcp_cookie_out") > 1
    is_reset(one(p.send("A")), p.ack)
    assert lab.wire.count("tcp_cookie_bad") == 1


@rfc("4987 3.6-4")
@pytest.mark.parametrize("days", range(0, 14, 3))
def test_without_an_overflow_no_ack_is_looked_at(days):
    """Nor the right cookie of a board with the same key, whatever the time is."""
    other, lab = baked(), baked()
    for board in (other, lab):
        for _ in range(days):
            later(board, DAY)
    flood(other)
    s = cookie(Peer(other))
    for ack in (s.seq + 1, 5):
        is_reset(one(Peer(lab, isn=1001).send("A", ack=ack)), ack)
    assert lab.wire.count("tcp_cookie_bad") == 0 == lab.wire.count("tcp_cookie_in")


@rfc("4987 3.6-4")
def test_an_overflow_is_not_remembered_when_the_clock_has_gone_round():
    lab = baked()
    flood(lab)
    p = Peer(lab)
    cookie(p)
    later(lab, LIFE)
    is_reset(one(p.send("A")), p.ack)
    for _ in range(12):
        later(lab, DAY)
        is_reset(one(p.send("A")), p.ack)
    assert lab.wire.count("tcp_cookie_bad") == 0


# What becomes of it


class Named(HalfCloser):
    """The application of another port."""


def listening_twice(**stack):
    """Two listeners; the second one's port is 9."""
    lab = baked(**stack)
    lab.stack.listen(9, lab._make(Named), 4)
    return lab


@pytest.mark.parametrize("to, app", [(7, HalfCloser), (9, Named)])
@pytest.mark.parametrize("place", [False, True])
def test_the_listener_of_the_port_gets_the_connection(place, to, app):
    lab = listening_twice()
    (early,) = flood(lab)
    p = Peer(lab, to=to)
    cookie(p)
    if place:
        early.send("R", seq=early.isn + 1)
    p.send("PA", b"hello")
    assert type(p.conn.app) is app and lab.app.data == b"hello"


@pytest.mark.parametrize("place", [False, True])
@pytest.mark.parametrize("isn", [1000, 2**32 - 1, 2**32 - 2])
def test_both_directions_go_on_where_the_cookie_says(place, isn):
    lab = baked()
    (early,) = flood(lab)
    p = Peer(lab, isn=isn, wnd=2500)
    cookie(p)
    if place:
        early.send("R", seq=early.isn + 1)
    s = one(p.send("A"), "A")  # now it has a window
    assert (s.seq, s.ack, s.wnd) == ((p.iss + 1) % 2**32, (isn + 1) % 2**32, 5840)
    p.send("PA", b"hello")
    p.conn.send(Bytes(bytes(9000)))
    out = p.run(0)
    assert lab.app.data == b"hello"
    assert [((s.seq - p.iss) % 2**32, len(s.data)) for s in out] == [
        (1, 1024),
        (1025, 1024),
    ]


@pytest.mark.parametrize("place", [False, True])
def test_text_on_the_last_segment_is_in_place(place):
    lab = baked()
    (early,) = flood(lab)
    p = Peer(lab)
    cookie(p)
    if place:
        early.send("R", seq=early.isn + 1)
    out = p.send("PA", b"hello")
    assert lab.app.data == b"hello" and lab.wire.count("tcp_cookie_in") == 1
    # who was offered a window when the place was free again need not be told of it
    assert [s.ack - p.isn for s in out] == ([] if place else [6])


@pytest.mark.parametrize("wnd, segments", [(3000, 2), (30_000, 10)])  # or RFC 6928 2
def test_a_cookie_takes_nothing_over_from_whom_it_displaces(wnd, segments):
    """A SYN that offered every option, and whose SYN-ACK went three times, gives its row up."""
    lab = baked()
    Peer(lab, ip="10.0.0.100").send("S", opts=mss(700) + SACK_OK + stamps(1) + b"\1\3\3\7", wnd=9)
    p = Peer(lab, wnd=wnd)
    cookie(p)
    lab.run(7000)
    p.send("A")
    p.app = lab.app
    p.conn.send(Bytes(bytes(90_000)))
    out = p.run(0)
    assert {len(s.data) for s in out} == {1024} and not any(s.opts for s in out)
    assert len(out) == segments
    p.run(1000)
    assert lab.wire.count("tcp_rto") == 1  # and its RTO, 1 s


def test_who_waits_in_line_has_the_window_that_came_with_its_cookie():
    lab = baked(tcp=1)
    busy = Peer(lab, port=39999)
    busy.open()
    (early,) = flood(lab)
    p = Peer(lab, wnd=2500)
    cookie(p)
    early.send("R", seq=early.isn + 1)
    assert p.send("A") == [] and lab.wire.count("tcp_cookie_in") == 1
    p.hear(lab.give(busy.segment("R")) + lab.run(0))
    p.app = lab.app
    p.conn.send(Bytes(bytes(9000)))
    assert [len(s.data) for s in p.run(0)] == [1024, 1024]


@pytest.mark.parametrize("off", [-4, -3, -2, 1, 2, 2**31])
def test_a_number_beside_the_place_of_data_or_of_a_probe_is_none(off):
    lab = baked()
    flood(lab)
    p = Peer(lab)
    cookie(p)
    is_reset(one(p.send("A", seq=p.seq + off)), p.ack)
    assert lab.wire.count("tcp_cookie_bad") == 1


def test_a_cookie_leaves_the_row_beside_it_alone():
    lab = baked(half_open=2)
    first = Peer(lab, ip="10.0.0.100", port=1)
    first.iss = one(first.send("S", opts=mss(600)), "SA").seq
    second = Peer(lab, ip="10.0.0.101", port=1)
    one(second.send("S"), "SA")
    p = Peer(lab)
    cookie(p)
    second.send("R", seq=second.isn + 1)
    p.send("A")
    first.send("PA", b"hello")
    first.app = lab.app
    assert first.app.data == b"hello"
    first.conn.send(Bytes(bytes(700)))
    s = first.run(0)[0]
    assert (s.seq, len(s.data)) == ((first.iss + 1) % 2**32, 600)


def test_a_row_that_offered_no_window_says_nothing_of_the_next_one():
    """Who sends text with the cookie knows of a window: its ACK is a delayed one."""
    lab = baked(tcp=1)
    busy = Peer(lab, port=39999)
    busy.open()
    assert one(Peer(lab, ip="10.0.0.100").send("S"), "SA").wnd == 0
    p = Peer(lab)
    cookie(p)
    busy.send("R")
    lab.run(7000)
    assert p.send("PA", b"hello") == [] and lab.app.data == b"hello"


@pytest.mark.parametrize("idle, evicted", [(4999, 0), (5000, 1)])
def test_who_has_been_idle_makes_room_for_a_cookie(idle, evicted):
    lab = baked(tcp=1)
    busy = Peer(lab, port=39999)
    busy.open()
    lab.run(idle)
    flood(lab)
    p = Peer(lab)
    cookie(p)
    lab.give(p.segment("A"))
    count = lab.wire.count
    assert (count("tcp_ack_dropped"), count("tcp_evicted"), count("tcp_cookie_in")) == (
        1,
        evicted,
        0,
    )
    if evicted:
        p.send("PA", b"hello")
        assert lab.app.data == b"hello" and count("tcp_cookie_in") == 1
