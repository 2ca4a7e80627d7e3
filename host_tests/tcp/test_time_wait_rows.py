"""The rows of TIME-WAIT: what each kind of segment earns, how long a row and a silence last, which
row goes, and whose face an answer bears."""

import pytest
from lab.tcp import (
    HalfCloser,
    Lab,
    Peer,
    Second,
    closed_first,
    is_ack,
    mss,
    one,
    stamps,
)

rfc = pytest.mark.rfc
MSL = 30_000
COUNTED = ("tcp_challenge", "tcp_muted", "tcp_tw_evicted", "tcp_rst_out", "tcp_passive")


@pytest.fixture
def over(lab):
    """The last octet of randomness, `lab.more`, is 0: silences last 250 ms."""
    p = closed_first(lab)
    lab.more = 0
    lab.stack.random8 = lambda: lab.more
    return p


def used(lab):
    return lab.stack.tcp.wait.used()


def counts(lab):
    return {name: n for name in COUNTED if (n := lab.wire.count(name))}


# What a segment earns

OUT = {"tcp_challenge": 1}


@rfc("9293 MUST-58", "1337 3-1")
@pytest.mark.parametrize(
    "flags, off, data, counted",
    [
        ("A", 0, b"", None),  # in place: two sides in TIME-WAIT would talk for ever
        ("PA", 0, b"x", OUT),
        ("A", -1, b"", OUT),
        ("A", 1, b"", OUT),
        ("F", 0, b"", OUT),
        ("FA", 0, b"", OUT),
        ("FA", 1, b"", OUT),
        ("FA", -2, b"", OUT),
        ("FA", -1, b"", {}),
        ("F", -1, b"", {}),
        ("FPA", -4, b"abc", {}),
        ("FPA", -3, b"abc", OUT),
        ("FPA", 2, b"abc", OUT),
        ("SA", 0, b"", OUT),
        ("SA", 1, b"", OUT),
        ("S", -2, b"", OUT),
        ("R", 0, b"", None),
        ("R", -1, b"", None),
        ("R", 5, b"", None),
        ("RA", -1, b"", None),
        ("SR", 7, b"", None),
        ("SR", -7, b"", None),
        ("FRA", -1, b"", None),
    ],
)
def test_what_each_segment_earns(over, lab, flags, off, data, counted):
    """The last FIN again is acknowledged, and so is what is out of place, as a challenge; what is
    in place, and any RST, earns nothing. The row stays."""
    out = over.send(flags, data, seq=over.seq + off)
    assert (used(lab), counts(lab)) == (1, {"tcp_passive": 1} | (counted or {}))
    if counted is None:
        assert out == []
    else:
        s = one(out)
        assert is_ack(s, over) and (s.seq, s.wnd, s.opts) == (over.fin.end, 0, {})


@rfc("9293 MAY-2")
@pytest.mark.parametrize("off, flags", [(-1, "A"), (0, "SA"), (1, "SA"), (2**30, "SA")])
def test_a_syn_is_newer_from_the_octet_behind_the_last_one_on(over, lab, off, flags):
    s = one(over.send("S", seq=over.seq + off))
    assert s.flags == flags and used(lab) == 1


def test_a_newer_syn_that_nobody_listens_for_is_out_of_place(lab):
    p = closed_first(lab)
    lab.stack.tcp.listeners[0].port = 8
    assert is_ack(one(p.send("S", seq=p.seq + 9)), p)
    assert counts(lab) == {"tcp_passive": 1, "tcp_challenge": 1}


# With timestamps


def stamped(recent=5000, agreed=True, rows=8):
    """In TIME-WAIT on a board with timestamps; TS.Recent is `recent`, if they were agreed on."""
    lab = Lab(tcp_options={"timestamps": True}, time_wait=rows)
    p = Peer(lab, isn=0x12345678)
    ts = stamps(recent) if agreed else b""
    p.open(opts=mss(1000) + ts, opts3=ts)
    p.conn.shutdown()
    p.fin = p.run(0)[-1]
    one(p.send("FA", opts=ts), "A")
    return lab, p


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_with_a_timestamp_takes_no_more_than_its_own_place(rows):
    lab, p = stamped(rows=rows)
    assert used(lab) == 1
    s = one(p.send("FA", seq=p.seq - 1, opts=stamps(6000)))
    assert is_ack(s, p) and s.opts["ts"][1] == 5000


@rfc("9293 SHLD-4")
@pytest.mark.parametrize("off, flags", [(-1, "A"), (0, "A"), (1, "SA"), (2, "SA"), (2**31, "A")])
def test_an_older_number_with_a_newer_timestamp_opens(off, flags):
    """RFC 6191 2: greater than the last one seen, on the circle."""
    _lab, p = stamped()
    s = one(p.send("S", seq=p.seq - 100_000, opts=mss(1000) + stamps(5000 + off)))
    assert s.flags == flags


@pytest.mark.parametrize("recent", [5, 2**29, 2**30, 2**31, 3 * 2**30])
def test_an_older_syn_without_a_timestamp_does_not_open(recent):
    _lab, p = stamped(recent)
    s = one(p.send("S", seq=p.seq - 100_000, opts=mss(1000)))
    assert s.flags == "A" and s.opts["ts"][1] == recent


@pytest.mark.parametrize("recent", [5, 2**29, 2**30, 2**31, 3 * 2**30])
def test_a_timestamp_that_was_not_agreed_on_does_not_open(recent):
    _lab, p = stamped(agreed=False)
    s = one(p.send("S", seq=p.seq - 100_000, opts=mss(1000) + stamps(recent)))
    assert s.flags == "A" and s.opts == {}


@pytest.mark.parametrize("recent", [5, 2**29, 2**30, 2**31, 3 * 2**30])
def test_a_timestamp_means_nothing_to_a_board_without_them(lab, recent):
    """Also in the last row of the table."""
    first = closed_first(lab)
    for k in range(1, lab.stack.tcp.wait.rows):
        closed_first(lab, 40000 + k)
        lab.run(1)
    for p in (first, Peer(lab, port=40000 + k, isn=first.isn)):
        assert one(p.send("S", seq=first.seq - 9, opts=mss(9) + stamps(recent))).flags == "A"


# How long


@rfc("9293 MUST-13")
@pytest.mark.parametrize("msl", [1, 100, MSL, 120_000])
def test_a_row_ends_2_msl_after_its_last_fin_and_not_a_millisecond_sooner(msl):
    lab = Lab(tcp_options={"msl": msl})
    p = closed_first(lab)
    lab.run(2 * msl - 1)
    assert used(lab) == 1
    is_ack(one(p.send("FA", seq=p.seq - 1)), p)
    lab.run(2 * msl - 1)
    assert used(lab) == 1
    lab.run(1)
    assert used(lab) == 0


def test_each_row_ends_by_itself(lab):
    for k in range(3):
        closed_first(lab, 40000 + k)
        lab.run(1000)
    lab.run(2 * MSL - 3001)
    left = [used(lab)]
    for ms in (1, 999, 1, 999, 1):
        lab.run(ms)
        left.append(used(lab))
    assert left == [3, 2, 2, 1, 1, 0]


@pytest.mark.parametrize("more", [0, 7, 255])
def test_answers_are_held_back_for_a_quarter_of_a_second_and_up_to_255_ms_more(over, lab, more):
    lab.more = more
    said = []
    for ms in (0, 0, 1, 248 + more, 1, 0):
        lab.run(ms)
        said.append(len(over.send("PA", b"old", seq=over.seq - 3)))
    assert said == [1, 0, 0, 0, 1, 0]
    assert counts(lab) == {"tcp_passive": 1, "tcp_challenge": 2, "tcp_muted": 4}


@pytest.mark.parametrize("before, answers", [(1, 0), (250, 0), (506, 1), (700, 1), (40_000, 1)])
def test_a_silence_is_forgotten_when_the_16_bits_come_round(over, lab, before, answers):
    """The wait started anew in the middle; what is left of 65,536 ms is longer than any
    silence."""
    one(over.send("A", seq=over.seq - 1))
    for ms in (30_000, 250 + 65_536 - before - 30_000):
        one(over.send("FA", seq=over.seq - 1))
        lab.run(ms)
    assert len(over.send("A", seq=over.seq - 1)) == answers


# Which row


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_no_row_goes_while_there_is_a_free_one(rows):
    lab = Lab(time_wait=rows, listeners=8)
    for k in range(rows):
        closed_first(lab, 40000 + k)
        lab.run(10)
    assert used(lab) == rows and "tcp_tw_evicted" not in counts(lab)
    closed_first(lab, 40000 + rows)
    assert used(lab) == rows and counts(lab)["tcp_tw_evicted"] == 1
    held = [lab.stack.tcp.wait.holds(7), lab.stack.tcp.wait.holds(8)]
    assert held == [True, False]


def test_of_rows_that_are_as_old_the_first_one_goes():
    lab = Lab(time_wait=3, listeners=8)
    peers = [closed_first(lab, 40000 + k) for k in range(4)]
    heard = [[s.flags for s in p.send("FA", seq=p.seq - 1)] for p in peers]
    assert heard == [["R"], ["A"], ["A"], ["A"]]


def test_a_newcomer_that_had_to_wait_ends_the_row_of_its_own_sockets():
    """When at last it has a place: whoever left is not the one whose row ends."""
    lab = Lab(tcp=1, listeners=2)
    old = closed_first(lab)
    other = closed_first(lab, 40001)
    live = Peer(lab, port=40002)
    live.open()
    live.send("PA", b"busy")
    new = Peer(lab, isn=old.seq + 5000)
    one(new.send("S"), "SA")
    assert not new.send("A") and used(lab) == 2
    one(other.send("FA", seq=other.seq - 1), "A")
    live.send("R")
    lab.run(0)
    assert used(lab) == 1 and is_ack(one(other.send("FA", seq=other.seq - 1)), other)
    new.send("PA", b"new")
    assert lab.app.data.endswith(b"new")


# Whose face


def test_an_answer_bears_the_face_of_the_interface_that_was_closed_on():
    lab = Lab()
    second = Second(lab)
    first = closed_first(lab)

    second.opens()
    lab.app.c.shutdown()
    fin = one(second.heard(), "FA")
    one(second.send("FA", 101, fin.end), "A")
    assert used(lab) == 2 and isinstance(lab.app, HalfCloser)
    again = one(second.send("FA", 101, fin.end), "A")
    assert (again.seq, again.ack) == (fin.end, 102) and not lab.wire.sent
    assert is_ack(one(first.send("FA", seq=first.seq - 1)), first)
