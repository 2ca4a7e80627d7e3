"""The urgent pointer, octet by octet, and when urgent mode ends (RFC 9293 3.8.5, RFC 6093)."""

import pytest
from lab.tcp import Lab, Peer, one
from uipy import Bytes

rfc = pytest.mark.rfc


@pytest.fixture
def p():
    p = Peer(Lab(), wnd=60_000)
    p.open()
    return p


def told(p):
    return p.lab.app.said("urgent")


# Ours


def pointers(p, segs):
    """Where each pointer points to, from the first octet on; None without URG."""
    first = p.iss + 1
    assert all(("U" in s.flags) == bool(s.up) for s in segs)
    return [(s.seq + s.up - first) % 2**32 if s.up else None for s in segs]


@pytest.mark.parametrize(
    "end, want",
    [
        (1, [1, None, None]),
        (535, [535, None, None]),
        (536, [536, None, None]),
        (537, [537, 537, None]),
        (1072, [1072, 1072, None]),
        (1073, [1073] * 3),
        (65_535, [65_535] * 3),
        (65_536, [65_535, 65_536, 65_536]),
        (200_000, [65_535, 65_535 + 536, 65_535 + 1072]),
    ],
)
def test_each_segment_that_is_not_behind_urgent_data_points_to_its_end(end, want):
    p = Peer(Lab(), wnd=60_000)
    p.open(opts=b"")
    p.conn.send(Bytes(bytes(1500)))
    p.conn.push_urgent(end)
    out = p.run(0) + p.acks()
    assert [len(s.data) for s in out] == [536, 536, 428] and pointers(p, out) == want


@pytest.mark.parametrize("pushes", [(400,), (100, 400), (400, 100), (400, 400), (399, 400, 1)])
def test_the_furthest_end_counts(p, pushes):
    p.conn.send(Bytes(bytes(900)))
    for n in pushes:
        p.conn.push_urgent(n)
    assert pointers(p, p.run(0)) == [400]


def test_after_an_acknowledgment_the_end_is_where_it_was(p):
    p.conn.send(Bytes(bytes(3000)))
    p.conn.push_urgent(2500)
    p.run(0)
    p.send("A", ack=p.iss + 1 + 700)
    assert set(pointers(p, p.run(1000))) == {2500}


@pytest.mark.parametrize("acked", [399, 400, 401, 900])
def test_urgent_mode_ends_with_the_acknowledgment_of_its_last_octet(p, acked):
    """What is pushed then counts from there."""
    p.conn.send(Bytes(bytes(900)))
    p.conn.push_urgent(400)
    p.run(0)
    p.send("A", ack=p.iss + 1 + acked)
    again = p.run(1000)
    assert pointers(p, again) == ([400] if acked < 400 else [None] * (acked < 900))
    p.conn.send(Bytes(bytes(900))) if acked == 900 else None
    p.conn.push_urgent(10)
    out = p.run(3000)[:1]
    assert pointers(p, out) == [max(400 if acked < 400 else 0, acked + 10)]


def test_a_keep_alive_behind_urgent_data_that_arrived_is_not_urgent(p):
    """It begins one octet before."""
    p.conn.send(Bytes(b"urgent"))
    p.conn.push_urgent(6)
    assert pointers(p, p.run(0)) == [6]
    p.send("A")
    p.conn.keepalive_s = 60
    probe = p.run(60_000)[-1]
    assert probe.seq == p.iss + 6 and probe.flags == "A" and probe.up == 0


def test_a_connection_begins_without_urgent_data():
    """Its row served another one whose urgent data was never acknowledged."""
    lab = Lab(tcp=1)
    old = Peer(lab, port=39999)
    old.open()
    old.send("UA", up=9)
    old.conn.send(Bytes(bytes(900)))
    old.conn.push_urgent(400)
    old.run(0)
    old.send("R")
    p = Peer(lab)
    p.open()
    assert p.conn.urgent_left == 0
    p.conn.send(Bytes(bytes(900)))
    assert pointers(p, p.run(0)) == [None]


# The peer's


@rfc("9293 MUST-32")
@pytest.mark.parametrize(
    "off, data, up, want, left",
    [
        (0, b"", 0, [], 0),
        (0, b"", 1, [1], 1),
        (0, b"", 65_535, [65_535], 65_535),
        (-5, b"hello!", 5, [], 0),
        (-5, b"hello!", 6, [1, 0], 0),
        (-5, b"hello!", 9, [4], 3),
        (100, b"early", 0, [100], 100),
        (100, b"early", 3, [103], 103),
    ],
)
def test_the_pointer_counts_from_its_segment(p, off, data, up, want, left):
    """The number told is less RCV.NXT, wherever the segment lies."""
    p.send("PA", b"hello")
    p.send("UA", data, seq=p.seq + off, up=up)
    assert told(p) == want and p.conn.urgent_left == left


@rfc("9293 MUST-32")
@pytest.mark.parametrize("second, want", [(19, [20]), (20, [20]), (21, [20, 21])])
@pytest.mark.parametrize("isn", [1000, 2**32 - 10, 2**31 - 10, 2**16 - 12])
def test_only_what_advances_the_pointer_is_told(second, want, isn):
    p = Peer(Lab(), isn=isn)
    p.open()
    p.send("UA", up=20)
    p.send("UA", up=second)
    assert told(p) == want and p.conn.urgent_left == want[-1]


@rfc("9293 MUST-32", "9293 MUST-33")
@pytest.mark.parametrize("isn", [1000, 2**32 - 10, 2**31 - 10, 2**16 - 12])
def test_the_octets_that_are_left_are_counted_down_to_none(isn):
    p = Peer(Lab(), isn=isn)
    p.open()
    p.send("UA", up=20)
    left = []
    for n in (1, 9, 9):
        p.send("A", bytes(n))
        left.append(p.conn.urgent_left)
    assert left == [19, 10, 1] and told(p) == [20]
    p.send("A", bytes(1))
    assert p.conn.urgent_left == 0 and told(p) == [20, 0]
    p.send("A", bytes(1))
    assert told(p) == [20, 0]
    p.send("UA", up=3)
    assert told(p) == [20, 0, 3]


@rfc("9293 MUST-32")
def test_urgent_mode_ends_once_though_more_comes_with_its_last_octet(p):
    p.send("UA", up=20)
    p.send("A", bytes(50))
    assert told(p) == [20, 0] and p.conn.urgent_left == 0
    s = one(p.send("A", bytes(50)))
    assert s.flags == "A" and s.up == 0
