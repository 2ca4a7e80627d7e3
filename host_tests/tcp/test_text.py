"""The text of a segment: what is cut off, taken, acknowledged and counted (RFC 9293 3.10.7.4,
seventh)."""

import pytest
from lab.net import WRAP
from lab.tcp import HalfCloser, Lab, Peer, is_ack, is_reset, mss, one, stamps, wscale
from uipy import Bytes, Source
from uipy.tcp.row import ACK_AT

rfc = pytest.mark.rfc
OPTIONS = {"plain": {}, "stamped": {"timestamps": True}}


@pytest.fixture(params=list(OPTIONS))
def p(request):
    """A connection, on which text takes the one way or the other. What is sent has the option."""
    p = Peer(Lab(tcp_options=OPTIONS[request.param]))
    opts = stamps(1) if request.param == "stamped" else b""
    p.open(opts=mss(1000) + opts, opts3=opts)
    send = p.send
    p.send = lambda flags, data=b"", **k: send(flags, data, **{"opts": opts, **k})
    p.said = p.app.said
    return p


def counts(p, *names):
    return [p.lab.wire.count("tcp_" + name) for name in names]


# How much the application takes.


@pytest.mark.parametrize(
    "takes, n, partial",
    [(None, 5, 0), (5, 5, 0), (6, 5, 0), (4, 4, 1), (1, 1, 1), (0, 0, 1)],
)
def test_what_the_application_says_that_it_took_is_acknowledged(p, takes, n, partial):
    """None is all; what is left is asked for at once."""
    start = p.seq
    p.app.received = lambda conn, buf, at, k: takes
    out = p.send("PA", b"hello")
    assert counts(p, "partial", "ooo", "old") == [partial, 0, 0]
    if not partial:
        assert not out
        out = p.run(100)
    s = one(out, "A")
    assert (s.ack, s.seq) == (start + n, p.iss + 1)
    assert s.ack + s.wnd == start + 5840  # the edge stays
    assert not p.run(1000)


def test_all_that_is_in_the_window_can_be_taken_octet_by_octet(p):
    start = p.seq
    p.app.take = 1
    for k in range(5):
        out = p.send("PA", b"hello"[k:], seq=start + k) or p.run(100)
        assert one(out).ack == start + k + 1
    assert p.app.data == b"hello" and counts(p, "partial") == [4]


@pytest.mark.parametrize("start", [0xFFFB, 0xFFFF, 0x1FFFB, 0xFFFFFFFB])
def test_numbers_carry(start):
    """Into the high half, and beyond it."""
    p = Peer(Lab(), isn=start - 1)
    p.open()
    for k in range(10):
        s = p.send("A", b"x") or p.run(100)
        assert one(s).ack == (start + 1 + k) % 2**32


@pytest.mark.parametrize("off", range(-6, 1))
@pytest.mark.parametrize("fin", ["", "F"])
def test_what_was_taken_before_is_cut_off(p, off, fin):
    """What lies wholly below RCV.NXT is old, unless a FIN at its end is new."""
    p.send("A", b"abcdef")
    p.run(100)
    base = p.seq
    out = p.send("PA" + fin, (b"abcdef"[6 + off :] + b"XYZ")[:6], seq=base + off)
    new = max(min(6 + off, 3), 0)
    assert p.app.data == b"abcdef" + b"XYZ"[:new]
    taken = fin if off + len((b"abcdef"[6 + off :] + b"XYZ")[:6]) >= 0 else ""
    assert p.said("peer_closed") == [None] * len(taken)
    out = out or p.run(100)
    assert one(out).ack == base + new + len(taken)


# The window's edge.


@pytest.mark.parametrize("room", [1, 2, 5, 6])
@pytest.mark.parametrize("fin", ["", "F"])
@pytest.mark.parametrize("opts", [b"", b"\1\1\1\1"])
def test_what_lies_beyond_the_window_is_cut_off(room, fin, opts):
    """And the FIN, when it lies there; at the edge it has a number too."""
    p = Peer(Lab(tcp_options={"room": room}))
    p.open()
    p.conn.room = 0
    start = p.seq
    out = p.send("PA" + fin, b"hello", seq=start, opts=opts)
    s = one(out or p.run(100))
    n = min(room, 5)
    whole = bool(fin) and room == 6
    assert bool(out) == bool(fin and room >= 5)  # a FIN is answered at once, also at the edge
    assert p.app.data == b"hello"[:n] and p.app.said("peer_closed") == [None] * whole
    assert (s.ack, s.wnd) == (start + n + whole, room - n - whole)


def test_while_the_window_is_closed_text_and_fin_are_answered_and_left():
    p = Peer(Lab(tcp_options={"room": 3}))
    p.open()
    p.conn.room = 0
    p.send("A", b"abc")
    p.run(100)
    for flags, data in (("PA", b"d"), ("FA", b""), ("FPA", b"d")):
        s = one(p.send(flags, data, seq=p.seq))
        assert (s.ack, s.wnd) == (p.seq, 0)
    assert p.app.data == b"abc" and p.state == "ESTABLISHED" and counts(p, "partial") == [0]
    p.conn.offer(3)
    assert one(p.run(0)).wnd == 3
    one(p.send("FPA", b"de"))
    assert p.app.data == b"abcde" and p.state == "CLOSE-WAIT"


@pytest.mark.parametrize("data", [b"", b"x", b"hello"])
def test_a_fin_leaves_the_windows_edge_where_it_was(p, data):
    """SHLD-14: it takes an octet of the window."""
    edge = p.seq + 5840
    s = one(p.send("FPA", data), "A")
    assert s.ack == p.seq and s.ack + s.wnd == edge


# When it is acknowledged.


@rfc("9293 MUST-40", "9293 SHLD-18")
@pytest.mark.parametrize("ms", [1, 100, 499])
@pytest.mark.parametrize("later", [0, 70_000, 200_000])
def test_an_ack_is_delayed_by_delayed_ack_ms_from_the_first_octet_on(ms, later):
    p = Peer(Lab(tcp_options={"delayed_ack": ms}))
    p.open()
    p.lab.run(later)
    for _ in range(2):
        at = p.lab.ms
        assert not p.send("A", b"x" * 10)
        p.lab.wait(ms // 2)
        assert not p.send("A", b"y" * (ms > 1))
        assert one(p.run(1000)).at - at == ms


@rfc("9293 MUST-40")
@pytest.mark.parametrize("before", [200, 101, 100, 99, 1])
def test_an_ack_is_not_late_when_the_clock_wraps(p, before):
    lab = p.lab
    while lab.wire.clock.now != WRAP - before:
        lab.wait(min(2**26, (WRAP - before - lab.wire.clock.now) % WRAP))
        lab.poll()
        lab.wire.polls = 0
    at = lab.ms
    assert not p.send("A", b"x")
    assert p.conn.row[ACK_AT] < 1 << 14, "a time has 30 bits"
    assert one(p.run(1000)).at - at == 100


@rfc("9293 SHLD-19")
@pytest.mark.parametrize("sizes", [(1000, 1000), (1000, 600, 400), (1000, 1, 998, 1), (1, 1)])
def test_two_of_the_largest_segment_are_acknowledged_at_once(p, sizes):
    for n in sizes[:-1]:
        assert not p.send("A", b"x" * n)
    assert is_ack(one(p.send("A", b"x" * sizes[-1])), p)
    assert not p.send("A", b"x") and one(p.run(100))


def test_a_larger_segment_is_what_the_next_are_measured_by(p):
    assert not p.send("A", b"x" * 10)
    assert not p.send("A", b"x" * 900)
    assert not p.send("A", b"x" * 889)
    assert is_ack(one(p.send("A", b"x")), p)


@pytest.mark.parametrize("third", [5615, 5616, 5617, 5618, 29_960])
def test_of_segments_that_are_long_the_second_is_acknowledged_too(third):
    """Three are more than 65535 octets."""
    lab = Lab(mtu=30_000, tcp_options={"window_scale": True, "room": 200_000})
    p = Peer(lab)
    p.open(opts=mss(1000) + wscale(0))
    p.send("A", bytes(29_960))
    p.run(100)
    for n in (29_960, 29_959):
        assert not p.send("A", bytes(n))
    assert is_ack(one(p.send("A", bytes(third))), p)
    assert not p.send("A", b"x") and p.state == "ESTABLISHED"


# Out of order.


@pytest.mark.parametrize("fill", [1, 9, 10, 11, 20])
@rfc("5681 4.2-1")
def test_what_fills_a_gap_is_acknowledged_at_once_up_to_its_end(p, fill):
    start = p.seq
    assert is_ack(one(p.send("A", b"56789", seq=start + 5)), p)
    assert is_ack(one(p.send("A", b"67", seq=start + 6)), p)  # the gap is no shorter for it
    assert counts(p, "ooo", "old") == [2, 0]
    assert is_ack(one(p.send("A", b"x" * fill)), p)
    while p.seq < start + 10:
        assert is_ack(one(p.send("A", b"y")), p)
    assert not p.send("A", b"z") and is_ack(one(p.run(100)), p)
    assert p.state == "ESTABLISHED"


@pytest.mark.parametrize("off", [1, 2, 255, 5839])
def test_text_is_early_by_one_octet_already(p, off):
    assert is_ack(one(p.send("A", b"x", seq=p.seq + off)), p)
    assert p.app.data == b"" and counts(p, "ooo", "old", "partial") == [1, 0, 0]


def test_a_gap_may_be_longer_than_16_bits():
    """What is noted of it is 65535 octets."""
    lab = Lab(tcp_options={"window_scale": True, "room": 300_000})
    p = Peer(lab)
    p.open(opts=mss(1000) + wscale(0))
    p.send("A", b"x")
    p.run(500)
    for off in (65_000, 65_534, 65_535, 65_536, 200_000):
        assert is_ack(one(p.send("A", b"late", seq=p.seq + off)), p)
        assert is_ack(one(p.send("A", b"x")), p)
    assert p.state == "ESTABLISHED" and counts(p, "ooo") == [5]
    for _ in range(65):
        assert is_ack(one(p.send("A", b"x" * 1000)), p)


def test_behind_text_that_is_early_a_fin_waits(p):
    start = p.seq
    is_ack(one(p.send("FPA", b"de", seq=start + 3)), p)
    is_ack(one(p.send("FA", seq=start + 5)), p)
    p.send("A", b"abc")
    assert p.app.data == b"abc" and p.state == "ESTABLISHED"


@pytest.mark.parametrize("flags", ["A", "FA"])
def test_what_a_fin_has_ended_gives_its_buffers_back(flags):
    """The one kept segment was in the text that came again; another connection's takes its
    place."""
    lab = Lab(tcp_options={"reassembly": 1})
    p, q = Peer(lab), Peer(lab, port=41000)
    p.open()
    q.open()
    start = p.seq
    p.send("A", b"56789", seq=start + 5)
    p.send(flags, b"0123456789")
    assert p.app.data == b"0123456789"
    q.send("A", b"late", seq=q.seq + 4)
    assert counts(p, "ooo", "ooo_lost") == [2, 0]
    q.send("A", b"more")
    assert q.app.data == b"morelate"


# Nobody reads.


@pytest.fixture
def deaf(p):
    """The application has called close(); the FIN is out, and not acknowledged."""
    p.send("A", b"abc")
    p.run(100)
    p.conn.close()
    one(p.run(0), "FA")
    return p


@rfc("9293 SHLD-3")
@pytest.mark.parametrize("off, data", [(0, b"x"), (0, b"hello"), (-3, b"abcd"), (-1, b"cd")])
def test_new_text_that_nobody_reads_is_reset(deaf, off, data):
    out = deaf.send("PA", data, seq=deaf.seq + off, ack=deaf.iss + 1)
    is_reset(one(out), deaf.iss + 2)
    assert counts(deaf, "no_reader", "ooo", "rst_out") == [1, 0, 1]
    assert deaf.said("closed") == ["unread"] and deaf.app.data == b"abc"


def test_text_that_was_read_does_not_matter_where_nobody_reads(deaf):
    """Nor does what is early; the FIN behind the old text is taken, and not told."""
    assert one(deaf.send("PA", b"abc", seq=deaf.seq - 3, ack=deaf.iss + 1)).ack == deaf.seq
    assert one(deaf.send("PA", b"fgh", seq=deaf.seq + 3, ack=deaf.iss + 1)).ack == deaf.seq
    assert counts(deaf, "no_reader", "old", "ooo") == [0, 1, 1]
    assert one(deaf.send("FPA", b"abc", seq=deaf.seq - 3)).ack == deaf.seq + 1
    assert deaf.said("closed") == ["done"] and not deaf.said("peer_closed")
    assert counts(deaf, "no_reader", "rst_out") == [0, 0]


@pytest.mark.parametrize("close", ["close", "shutdown"])
@pytest.mark.parametrize("acked", [False, True])
def test_a_fin_is_told_to_who_still_reads(p, close, acked):
    """In FIN-WAIT-1 and FIN-WAIT-2."""
    getattr(p.conn, close)()
    fin = one(p.run(0), "FA")
    out = p.send("FA", ack=fin.seq + acked)
    assert is_ack(one(out), p) and out[0].seq == fin.seq + 1
    assert p.said("peer_closed") == [None] * (close == "shutdown")
    assert p.said("closed") == ["done"] * acked
    if not acked:
        assert p.state == "CLOSING" and not p.send("A", ack=fin.seq + 1)
        assert p.said("closed") == ["done"]


# Urgent data.


@rfc("9293 MUST-32")
@pytest.mark.parametrize("up", [1, 2, 5])
def test_urgent_mode_ends_with_the_octet_before_the_pointer(p, up):
    p.send("UA", up=up)
    for k in range(5):
        p.send("A", b"hello"[k : k + 1])
        assert p.said("urgent") == [up] + [0] * (k + 1 >= up)
        assert p.conn.urgent_left == max(up - k - 1, 0)


def test_urgent_mode_does_not_end_with_what_is_not_taken(p):
    p.app.take = 0
    p.send("UPA", b"x", up=1)
    assert p.said("urgent") == [1] and p.conn.urgent_left == 1


def test_without_urg_the_pointer_means_nothing_on_any_way(p):
    p.send("FPA", b"hello", up=3)
    assert not p.said("urgent") and p.app.data == b"hello"


def test_urgent_data_is_ordinary_data_where_it_was_left_out():
    p = Peer(Lab(tcp_options={"urgent": False}))
    p.open()
    p.send("UPA", b"hello", up=3)
    assert p.app.data == b"hello" and not p.app.said("urgent") and p.state == "ESTABLISHED"


# What the source waits for.


class Waiting(Source):
    """Has what somebody has put in."""

    ended = False
    text = b""

    def fill(self, rel, buf, pos, n):
        part = self.text[rel : rel + n]
        buf[pos : pos + len(part)] = part
        return len(part)


@pytest.mark.parametrize("flags, data", [("A", b"x"), ("FA", b"x"), ("FA", b""), ("UA", b"x")])
def test_source_that_has_more_for_what_came_is_asked_at_once(p, flags, data):
    """No `resume` is needed."""
    src = Waiting()
    p.conn.send(src)
    assert not p.run(0)

    def more(*_):
        src.text = b"answer"

    p.app.received = more
    p.app.peer_closed = more
    s = one(p.send(flags, data))
    assert s.data == b"answer" and s.ack == p.seq


def test_source_that_ends_with_the_peers_fin_takes_ours_along(p):
    src = Waiting()
    p.conn.finish(src)
    assert not p.run(0)
    p.app.peer_closed = lambda conn: setattr(src, "ended", True)
    assert one(p.send("FA"), "FA").ack == p.seq and p.state == "LAST-ACK"


# Silence.


@pytest.mark.parametrize("at", [1000, 100_000, 300_000])
@pytest.mark.parametrize("takes, busy", [(None, True), (1, True), (0, False)])
def test_the_idle_limit_counts_from_the_last_text_that_was_taken(at, takes, busy):
    lab = Lab(listen={"idle_ms": 400_000})
    p = Peer(lab)
    p.open()
    start = lab.ms
    p.app.take = takes
    p.run(at)
    p.send("A", b"xy")
    p.run(1000)
    p.send("A", seq=p.seq)  # nothing moves
    s = one(p.run(500_000), "R")
    assert s.at - start == 400_000 + at * busy


# With an ACK.


@pytest.mark.parametrize("flags", ["PA", "FA"])
def test_text_and_fin_of_a_segment_with_a_wrong_ack_are_left(p, flags):
    data = b"x" if flags == "PA" else b""
    s = one(p.send(flags, data, ack=p.iss + 2, seq=p.seq))
    assert s.ack == p.seq and p.app.data == b"" and p.state == "ESTABLISHED"


class Stops(HalfCloser):
    """Aborts when it is acknowledged."""

    def acked(self, conn, n):
        super().acked(conn, n)
        conn.abort()


def test_abort_in_acked_ends_the_segment_there(p):
    p.app.__class__ = Stops
    p.conn.send(Bytes(b"12345"))
    p.run(0)
    out = p.send("FUPA", b"x", up=1)
    is_reset(one(out), p.ack)
    assert p.app.events[-2:] == [("acked", 5), ("closed", "aborted")]
