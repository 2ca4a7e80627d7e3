"""What a half-open row answers (RFC 9293 3.10.7.4, SYN-RECEIVED after a passive open), segment by
segment, with what is counted, and what it remembers of whom."""

from collections import Counter

import pytest
from lab.net import Station, Wire
from lab.packets import addr, mac
from lab.tcp import (
    HalfCloser,
    Lab,
    Log,
    Peer,
    datagram,
    is_ack,
    mss,
    one,
    stamps,
    tcp,
    wscale,
)
from uipy import Bytes
from uipy.stat import NAMES

rfc = pytest.mark.rfc
FRAMES = ("frames_in", "frames_out", "ip_in", "ip_out", "tcp_in", "tcp_out")
ROOM = 4 * 1460  # what a SYN-ACK of ours offers


def counts(lab):
    """All but those that count each frame."""
    return Counter({name: lab.wire.count(name) for name in NAMES if name not in FRAMES})


def whole(segs):
    """All that a segment says: (flags, SEG.SEQ, SEG.ACK, SEG.WND, options, octets of text)."""
    return [(s.flags, s.seq, s.ack, s.wnd, s.opts, len(s.data)) for s in segs]


CASES = [  # flags, SEG.SEQ - RCV.NXT, SEG.ACK - ISS; the answer, what is counted, is the row left
    ("R", 0, 0, None, "rst_in", 0),
    ("RA", 0, 1, None, "rst_in", 0),
    ("R", -1, 0, None, "", 1),
    ("R", 1, 0, "ack", "challenge", 1),
    ("R", ROOM - 1, 0, "ack", "challenge", 1),
    ("R", ROOM, 0, None, "", 1),
    ("S", -1, 0, "again", "", 1),
    ("S", -2, 0, "ack", "challenge", 1),
    ("S", 0, 0, None, "", 0),
    ("S", 1, 0, None, "", 0),
    ("S", ROOM - 1, 0, None, "", 0),
    ("S", ROOM, 0, "ack", "challenge", 1),
    ("SA", -1, 1, "ack", "challenge", 1),
    ("SA", 0, 1, None, "", 0),
    ("", 0, 0, None, "", 1),
    ("F", 0, 0, None, "", 1),
    ("", ROOM, 0, "ack", "challenge", 1),
    ("A", -1, 1, "ack", "challenge", 1),
    ("A", ROOM, 1, "ack", "challenge", 1),
    ("A", 0, 0, "reset", "rst_out", 1),
    ("A", 0, 2, "reset", "rst_out", 1),
    ("A", 0, 1, None, "passive", 0),
    ("A", ROOM - 1, 1, None, "passive", 0),
]


@rfc("5961 3.2-1", "5961 3.2-2", "5961 3.2-3", "9293 MUST-11")
@pytest.mark.parametrize("flags, rel, acks, answer, counted, left", CASES)
def test_each_segment_has_its_answer(syn_received, flags, rel, acks, answer, counted, left):
    p, lab = syn_received, syn_received.lab
    was = counts(lab)
    ack = p.iss + acks if "A" in flags else 0
    out = lab.give(p.segment(flags, seq=p.isn + 1 + rel, ack=ack))
    want = {
        None: [],
        "again": [("SA", p.iss, p.isn + 1, ROOM, {"mss": 1460}, 0)],
        "ack": [("A", p.iss + 1, p.isn + 1, ROOM, {}, 0)],
        "reset": [("R", p.iss + acks, 0, 0, {}, 0)],
    }
    assert whole(out) == want[answer]
    assert counts(lab) - was == ({"tcp_" + counted: 1} if counted else {})
    assert lab.stack.tcp.half.used() == left
    assert len([a for a in lab.apps if a.events]) == (counted == "passive")


STAMPED = [  # flags, SEG.SEQ - RCV.NXT, options; the answer, what is counted, is the row left
    ("A", 0, stamps(1000), None, {"tcp_passive": 1}, 0),
    ("A", 0, stamps(1001), None, {"tcp_passive": 1}, 0),
    ("A", 0, stamps(999), "ack", {"tcp_paws": 1, "tcp_challenge": 1}, 1),
    ("A", 0, b"", None, {"tcp_paws": 1}, 1),
    ("A", -1, stamps(1000), "ack", {"tcp_challenge": 1}, 1),
    ("S", -1, stamps(1000), "again", {}, 1),
    ("S", -1, stamps(999), "ack", {"tcp_paws": 1, "tcp_challenge": 1}, 1),
    ("S", -1, mss(1000), None, {"tcp_paws": 1}, 1),
    ("R", 0, stamps(1), None, {"tcp_rst_in": 1}, 0),
    ("R", 0, b"", None, {"tcp_rst_in": 1}, 0),
]


@rfc("7323 5.3-1", "7323 3.2-5", "7323 5.2-1", "7323 2.2-3")
@pytest.mark.parametrize("flags, rel, opts, answer, counted, left", STAMPED)
def test_each_segment_has_its_answer_with_timestamps(flags, rel, opts, answer, counted, left):
    """The window of a SYN is in octets, that of an ACK is scaled; none is more than 65535."""
    lab = Lab(tcp_options={"timestamps": True, "window_scale": True, "room": 200_000})
    p = Peer(lab)
    syn_ack = one(p.send("S", opts=mss(1000) + stamps(1000) + wscale(3)), "SA")
    was = counts(lab)
    out = lab.give(p.segment(flags, seq=p.seq + rel, opts=opts))
    ts = (syn_ack.opts["ts"][0], 1000)
    want = {
        None: [],
        "again": [("SA", syn_ack.seq, p.seq, 65535, {"mss": 1460, "ws": 2, "ts": ts}, 0)],
        "ack": [("A", p.ack, p.seq, 65535 >> 2, {"ts": ts}, 0)],
    }
    assert whole(out) == want[answer]
    assert counts(lab) - was == counted
    assert lab.stack.tcp.half.used() == left


def test_what_is_out_of_place_is_answered_again_256_ms_later_and_not_before(syn_received, lab):
    def ask():
        return len(syn_received.send("A", seq=syn_received.seq - 1))

    was = counts(lab)
    answers = [ask()]
    for ms in (255, 1, 255, 1):
        lab.run(ms)
        answers.append(ask())
    assert answers == [1, 0, 1, 0, 1]
    assert counts(lab) - was == {"tcp_challenge": 3, "tcp_muted": 2}


# Rows that serve one after the other


@pytest.fixture
def narrow():
    """One half-open row, for two connections."""
    return Lab(tcp=2, half_open=1, listeners=2, listen={"spare_ms": 0})


def test_row_that_serves_again_remembers_nothing(narrow):
    """Neither that a SYN-ACK was lost, nor that something out of place was answered."""
    p = Peer(narrow, port=40000)
    one(p.send("S", opts=mss(1000)), "SA")
    one(p.run(1500), "SA")
    one(p.send("A", seq=p.seq - 1), "A")
    p.send("R")
    q = Peer(narrow, port=41000, wnd=60000)
    q.iss = one(q.send("S", opts=mss(1000)), "SA").seq
    one(q.send("A", seq=q.seq - 1), "A")
    start = narrow.ms
    assert one(q.run(1500), "SA").at == start + 1000
    q.send("R")
    q = Peer(narrow, port=42000, wnd=60000)
    q.open()
    q.conn.send(Bytes(bytes(20_000)))
    assert sum(s.len for s in q.run(0)) == 10_000


@rfc("9293 MUST-8", "6528 3-1")
def test_isn_of_a_passive_open_follows_the_clock_too(narrow):
    """The same sockets a second later: 250 000 further on."""
    p = Peer(narrow)
    first = one(p.send("S"), "SA")
    p.send("R")
    narrow.run(1000)
    assert (one(p.send("S"), "SA").seq - first.seq) % 2**32 == 250_000


def test_who_waits_does_not_make_room_for_a_syn():
    """Its SYN-ACK went three times, as that of a row that may; but its handshake is complete."""
    lab = Lab(tcp=1, half_open=1, listeners=4, listen={"spare_ms": 0})
    first, waits, late = (Peer(lab, port=40000 + k) for k in range(3))
    first.open()
    one(waits.send("S"), "SA")
    assert len(waits.run(7000)) == 3
    waits.send("A")
    assert not late.send("S")
    assert lab.wire.count("tcp_syn_dropped") == 1
    first.send("R")
    lab.run(1)
    assert lab.app.c.rport == waits.port


def test_syn_that_finds_no_row_is_counted(narrow):
    one(Peer(narrow, port=40000).send("S"), "SA")
    for n in (1, 2):
        assert not Peer(narrow, port=41000).send("S")
        assert narrow.wire.count("tcp_syn_dropped") == n


def test_syn_ack_goes_again_for_its_own_row_only(lab):
    """300 ms lie between the two SYNs, and between what follows them."""
    p, q = Peer(lab, port=40000), Peer(lab, port=40001)
    one(p.send("S"), "SA")
    lab.run(300)
    one(q.send("S"), "SA")
    again = lab.run(3100)
    assert [(s.flags, s.dport, s.at) for s in again] == [
        ("SA", 40000, 1000),
        ("SA", 40001, 1300),
        ("SA", 40000, 3000),
        ("SA", 40001, 3300),
    ]
    assert lab.wire.count("tcp_rexmt") == 4


def test_ack_that_completes_a_handshake_speaks_of_nothing_else(lab):
    """Another connection's ACK came just before, of five octets, and of data out of order."""
    other = Peer(lab, port=40000)
    other.open()
    new = Peer(lab, port=41000)
    one(new.send("S"), "SA")
    other.conn.send(Bytes(b"12345"))
    other.run(0)
    other.send("A", b"early", seq=other.seq + 100, ack=other.iss + 1)
    other.send("A")
    new.send("PA", b"query")
    assert lab.app.data == b"query" and lab.wire.count("tcp_challenge") == 0
    assert is_ack(one(new.run(500)), new)


# Whose the handshake is


class Old(Log):
    pass


class New(Log):
    pass


@pytest.mark.parametrize("number", [0, 1])
def test_handshake_of_a_listener_that_was_closed_goes_on_with_its_application(number):
    """No other listener takes its number meanwhile; afterwards the next one does."""
    lab = Lab(listeners=0)
    for k in range(number):
        lab.stack.listen(100 + k, Log, 1)
    old = lab.stack.listen(7, lab._make(Old), 1)
    p = Peer(lab)
    p.ack = one(p.send("S"), "SA").end
    old.close()
    lab.stack.listen(8, lab._make(New), 1)
    p.send("A")
    assert type(lab.app) is Old and len(lab.stack.tcp.listeners) == number + 2
    p.send("R")
    new = lab.stack.listen(9, lab._make(New), 1)
    assert lab.stack.tcp.listeners.index(new) == number


def test_number_of_a_closed_listener_is_not_kept_by_a_handshake_with_another():
    lab = Lab(listeners=0)
    old = lab.stack.listen(7, Log, 1)
    lab.stack.listen(8, Log, 1)
    one(Peer(lab, to=8).send("S"), "SA")
    old.close()
    for port in (9, 10):
        lab.stack.listen(port, Log, 1)
    assert [li.port for li in lab.stack.tcp.listeners] == [9, 8, 10]


# On an Ethernet


@pytest.fixture
def wire():
    w = Wire()
    w.board(tcp=2)
    w.stack.listen(7, HalfCloser, 1)
    w.run(0)  # it says who it is
    return w


def kinds(frames):
    return [(f.at, "arp" if f.arp else f.tcp.flags) for f in frames]


def test_syn_ack_that_is_due_waits_for_its_neighbour_until_its_next_time(wire):
    """The first one went where the SYN came from. Of those that follow the first asks, the next
    goes to whom the answer named, whoever spoke last."""
    p, q = Station(wire), Station(wire, "192.168.1.8", mac("02:00:00:00:00:08"))
    first = one(p.syn(7))
    assert kinds(wire.run(2000)) == [(1000, "arp")]
    one(q.ping(b"anybody"))
    assert kinds(wire.run(1000)) == [(3000, "SA")]
    p.heard.pop(0)
    again = p.expect("SA", dst=p.mac)
    assert (again.ip_dst, again.tcp) == (first.ip_dst, first.tcp)
    assert wire.count("tcp_rexmt") == 1
    p.seg("A")
    assert wire.count("tcp_passive") == 1


def test_syn_ack_without_a_neighbour_never_leaves(wire):
    p = Station(wire)
    p.answers_arp = False
    one(p.syn(7))
    assert {kind for _, kind in kinds(wire.run(250_000))} == {"arp"}
    assert wire.count("tcp_rexmt") == 0 and wire.stack.tcp.half.used() == 0


@pytest.mark.parametrize("l2, lengths", [(0, [44, 44]), (14, [42])])
def test_output_gives_what_is_due_and_then_nothing(l2, lengths):
    """Two SYN-ACKs; or, on an Ethernet, the question for the one neighbour of both."""
    w = Wire(l2=l2)
    w.board(tcp=2)
    w.stack.listen(7, HalfCloser, 1)
    p = Station(w)
    p.syn(7)
    p.port += 1
    p.syn(7)
    now = (w.clock.now + 1000) % 2**30
    assert [w.stack.output(now) for _ in range(len(lengths) + 2)] == [*lengths, 0, 0]


def test_syn_ack_goes_again_by_the_interface_that_the_syn_came_from():
    wires = [Wire(l2=0)]
    stack = wires[0].board("10.0.0.1/24", None, tcp=2)
    wires.append(Wire(l2=0, clock=wires[0].clock))
    stack.add_iface(wires[1], "192.168.5.1/24")
    stack.listen(7, HalfCloser, 2)
    for wire, here, there in zip(
        wires, ("10.0.0.1", "192.168.5.1"), ("10.0.0.2", "192.168.5.2"), strict=True
    ):
        wire.rx.append(datagram(there, here, 6, tcp(there, here, 40000, 7, 1000, 0, "S")))
    sent = wires[0].run(1000), wires[1].take()
    for (first, again), here in zip(sent, ("10.0.0.1", "192.168.5.1"), strict=True):
        assert first.tcp == again.tcp and again.ip_src == first.ip_src == addr(here)
