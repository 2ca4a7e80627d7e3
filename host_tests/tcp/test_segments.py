"""Segment by segment: what leaves for one connection, octet for octet, and what is counted."""

import pytest
from lab.tape import TEXT, Counts, opened, tape
from lab.tcp import (
    HalfCloser,
    Lab,
    Peer,
    Second,
    Seg,
    active,
    addr,
    mss,
    one,
    stamps,
)
from uipy import Bytes, Ring

rfc = pytest.mark.rfc


# Nothing to say


def test_who_has_nothing_to_send_sends_nothing():
    _lab, p, counts = opened()
    ring = Ring(100)
    p.conn.nodelay = True
    assert not p.run(1000) and not p.conn.sending
    p.conn.send(ring)
    p.conn.resume()
    assert not p.run(1000) and p.conn.sending
    assert not p.send("A") and not p.run(100_000)
    assert counts() == {} and p.conn.unacked == 0


def test_a_source_that_ends_behind_its_last_octet_is_done():
    _lab, p, counts = opened()
    ring = Ring(100)
    p.conn.send(ring)
    ring.write(TEXT, 0, 5)
    p.conn.resume()
    assert tape(p, p.run(0)) == [(0, 0, 5, "PA")]
    p.acks()
    assert p.conn.sending
    ring.end()
    p.conn.resume()
    assert not p.run(0) and not p.conn.sending and counts() == {"out": 1}


def test_a_source_that_ends_before_its_octets_arrived_is_kept():
    _lab, p, counts = opened()
    ring = Ring(100)
    p.conn.send(ring)
    ring.write(TEXT, 0, 5)
    p.conn.resume()
    p.run(0)
    ring.end()
    p.conn.resume()
    assert tape(p, p.run(1000)) == [(1000, 0, 5, "PA")] and p.conn.sending
    assert counts() == {"out": 2, "rexmt": 1, "rto": 1}
    p.acks()
    assert not p.conn.sending and p.app.said("acked") == [5]


# The window


def test_one_octet_waits_for_a_closed_window_and_is_probed_for():
    _lab, p, counts = opened(wnd=0)
    p.conn.nodelay = True
    p.conn.send(Bytes(TEXT[:1]))
    assert tape(p, p.run(999)) == [] and p.conn.unacked == 0
    assert tape(p, p.run(6001)) == [(1000, 0, 1, "PA"), (2000, 0, 1, "PA"), (4000, 0, 1, "PA")]
    assert counts() == {"out": 3, "probe": 3, "rexmt": 2}


def test_nothing_goes_beyond_a_window_that_is_full():
    _lab, p, counts = opened(wnd=2000)
    p.conn.nodelay = True
    p.conn.send(Bytes(TEXT[:2001]))
    assert tape(p, p.run(999)) == [(0, 0, 1000, "A"), (0, 1000, 1000, "A")]
    p.wnd = 1000
    assert tape(p, p.acks()) == [(999, 2000, 1, "PA")] and counts() == {"out": 3}


@rfc("9293 SHLD-29", "9293 MUST-35")
@pytest.mark.parametrize("text, probe", [(b"", (0, 0, "FA")), (TEXT[:1], (0, 1, "PA"))])
def test_a_fin_is_a_probe_only_where_no_octet_stands_before_it(text, probe):
    """What a closed window is probed with is one octet of the sequence, not two."""
    _lab, p, counts = opened(wnd=0)
    p.conn.finish(Bytes(text))
    assert tape(p, p.run(1000)) == [(1000, *probe)] and counts() == {"out": 1, "probe": 1}


class Asked(Bytes):
    """Notes what it is asked for."""

    def __init__(self, text):
        self.asked = []
        Bytes.__init__(self, text)

    def fill(self, rel, buf, pos, n):
        self.asked.append((rel, n))
        return Bytes.fill(self, rel, buf, pos, n)


def test_a_source_is_asked_for_one_octet_more_than_leaves():
    """To learn whether these are the last; before a closed window, for one."""
    _lab, p, _ = opened(wnd=0)
    src = Asked(TEXT[:1500])
    p.conn.send(src)
    p.run(0)
    assert src.asked == [(0, 1)]
    src.asked.clear()
    p.send("A", wnd=4000)
    p.run(0)
    assert src.asked == [(0, 1001), (1000, 1001)] or src.asked == [(0, 1001), (1000, 3001)]


@rfc("9293 MUST-38")
@pytest.mark.parametrize("wnd, at", [(400, 0), (399, 1000), (401, 0)])
def test_a_segment_that_the_window_cuts_short_goes_if_it_is_half_of_the_largest(wnd, at):
    """Otherwise the override timeout lets it go; then it is no probe."""
    _lab, p, counts = opened(wnd=800)
    p.send("A", wnd=wnd)
    p.conn.send(Bytes(TEXT[:1000]))
    assert tape(p, p.run(1000))[:1] == [(at, 0, wnd, "A")]
    assert counts()["out"] == 1 + (at == 0) and counts().get("rexmt", 0) == int(at == 0)
    if at:  # an ordinary segment from then on: with a timer, and out
        assert not p.send("A", ack=p.iss + 1, wnd=401) and p.conn.unacked == wnd
        assert tape(p, p.run(1000)) == [(2000, 0, wnd, "A")]
        assert counts() == {"out": 2, "probe": 1, "rexmt": 1, "rto": 1}


def test_a_window_that_opens_a_little_behind_a_probe_waits_for_the_retransmission():
    """Half of the largest window it is not; the octet that was the probe is out, and its timer
    runs."""
    _lab, p, counts = opened(wnd=800)
    p.send("A", wnd=0)
    p.conn.send(Bytes(TEXT[:1000]))
    assert tape(p, p.run(1500)) == [(1000, 0, 1, "A")]
    assert tape(p, p.send("A", ack=p.iss + 1, wnd=100)) == []
    seen = tape(p, p.run(3500))
    assert seen[0] == (2500, 0, 1, "A") and counts()["rto"] == 2


@rfc("9293 MUST-34")
def test_what_is_out_goes_again_though_the_window_has_shrunk_to_nothing():
    _lab, p, counts = opened()
    p.conn.send(Bytes(TEXT[:1]))
    p.run(0)
    p.send("A", ack=p.iss + 1, wnd=0)
    assert tape(p, p.run(3000)) == [(1000, 0, 1, "PA"), (3000, 0, 1, "PA")]
    assert counts() == {"out": 3, "rexmt": 2, "rto": 2}


@pytest.mark.parametrize("wnd, flags", [(1000, "PA"), (1001, "FPA"), (5000, "FPA")])
def test_a_fin_goes_with_what_is_sent_again_if_the_window_has_a_place_for_it(lab, wnd, flags):
    """The first time CWND, one segment after a lost SYN,ACK, had none."""
    p = Peer(lab, wnd=wnd)
    p.iss = one(p.send("S", opts=mss(1000))).seq
    p.run(1000)
    p.send("A")
    p.conn.finish(Bytes(TEXT[:1000]))
    assert tape(p, p.run(3000), 1000) == [(0, 0, 1000, "PA"), (3000, 0, 1000, flags)]


# Sent again


@rfc("6298 5-4", "5681 3.1-4")
def test_a_timeout_sends_one_segment_and_an_ack_brings_the_rest():
    _lab, p, counts = opened(wnd=3000)
    p.conn.send(Bytes(TEXT[:3000]))
    assert len(p.run(0)) == 3
    assert tape(p, p.run(1000)) == [(1000, 0, 1000, "A")]
    assert counts() == {"out": 4, "rexmt": 1, "rto": 1}
    out = tape(p, p.send("A", ack=p.iss + 1001, wnd=3000))
    assert out == [(1000, 1000, 1000, "A"), (1000, 2000, 1000, "PA")]
    assert counts() == {"out": 6, "rexmt": 3, "rto": 1}


def test_what_was_to_go_again_and_has_arrived_does_not_go(lab):
    """Two timers run out, the wire takes one frame, and then the other one's ACK is here. What is
    new goes in full segments."""
    both = [Peer(lab, port=port, wnd=2000) for port in (40000, 40001)]
    for p in both:
        p.open()
        p.conn.send(Bytes(TEXT[:4000]))
    lab.run(0)
    counts = Counts(lab)
    lab.wait(1000)
    wire, send = lab.wire, lab.wire.send

    def one_frame(buf, n):
        send(buf, n)
        wire.free = False

    wire.send = one_frame
    wire.poll()
    s = Seg(one(wire.take()))
    late = both[s.dport == both[0].port]
    wire.rx.append(late.segment("A", ack=late.iss + 2001))
    wire.poll()
    wire.send, wire.free = send, True
    out = [s for s in lab.run(0) if s.dport == late.port]
    assert tape(late, out, 1000) == [(0, 2000, 1000, "A"), (0, 3000, 1000, "PA")]
    assert counts() == {"out": 3, "rexmt": 1, "rto": 2}


@rfc("6298 5-5")
def test_a_syn_that_goes_again_is_counted(lab):
    counts = Counts(lab)
    _app, p, syn = active(lab)
    again = p.run(7000)
    assert [s.at for s in again] == [1000, 3000, 7000] and {s.seq for s in again} == {syn.seq}
    assert {s.frame[20:] for s in again} == {syn.frame[20:]}
    assert counts() == {"out": 4, "rexmt": 3, "rto": 3}


# max_flight


@pytest.mark.parametrize("most, sizes", [(0, [1000] * 4), (1, [500] * 2), (2, [1000] * 2)])
def test_with_one_segment_in_flight_it_goes_as_two_halves(most, sizes):
    _lab, p, counts = opened(max_flight=most)
    p.conn.send(Bytes(TEXT[:4000]))
    assert [n for _, _, n, _ in tape(p, p.run(0))] == sizes and counts() == {"out": len(sizes)}


# What another segment has left behind


def test_an_urgent_pointer_stays_with_its_own_segments(lab):
    """Whatever leaves next, of this connection or another."""
    p = Peer(lab, wnd=8000)
    p.open()
    p.conn.send(Bytes(TEXT[:2000]))
    p.conn.push_urgent(600)
    assert [(s.flags, s.up) for s in p.run(0)] == [("AU", 600), ("PA", 0)]
    assert one(p.send("A", seq=p.seq - 1)).up == 0

    conn = p.conn
    for after in ("", "S"):
        p.acks()
        conn.send(Bytes(TEXT[:9]))
        conn.push_urgent(9)
        assert one(p.run(0)).up == 9
        if after:
            assert active(lab)[2].up == 0
    conn.abort()
    assert [(s.flags, s.up, s.wnd) for s in p.run(0)] == [("R", 0, 0)]


@rfc("7323 3.2-1")
def test_our_syn_echoes_nobodys_timestamp():
    """TSecr is 0 in a SYN, and in the SYN,ACK of a simultaneous open what the SYN said."""
    lab = Lab(tcp_options={"timestamps": True})
    p = Peer(lab)
    p.open(opts=mss(1000) + stamps(0x12345678), opts3=stamps(0x12345678))
    p.conn.send(Bytes(b"x"))
    assert one(p.run(0)).opts["ts"][1] == 0x12345678
    _app, other, syn = active(lab)
    assert syn.opts["ts"][1] == 0
    other.ack = 0
    one(p.send("A", seq=p.seq - 1, opts=stamps(0x12345679)))
    s = one(other.send("S", opts=mss(1000) + stamps(0x0ABCDEF0)))
    assert (s.flags, s.opts["ts"][1]) == ("SA", 0x0ABCDEF0)
    lab.run(0)
    p.send("A", seq=p.seq - 1, opts=stamps(0x12345679))
    again = one([s for s in other.run(1000) if s.flags == "SA"])
    assert again.opts["ts"][1] == 0x0ABCDEF0


# Simultaneous open


@rfc("9293 MUST-10")
@pytest.mark.parametrize("stamped", [False, True])
def test_what_is_out_of_place_in_a_simultaneous_open_is_answered_with_an_ack(stamped):
    """RFC 9293 3.10.7.4, first: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, and not the SYN again."""
    lab = Lab(tcp_options={"timestamps": stamped})
    app, p, syn = active(lab)
    p.ack = 0
    opts = stamps(77) if stamped else b""
    s = one(p.send("S", opts=mss(1000) + opts), "SA")
    assert (s.seq, s.ack, s.wnd, s.up) == (syn.seq, p.seq, syn.wnd, 0)
    if not stamped:
        assert s.frame[32:] != syn.frame[32:] and s.rawopts == syn.rawopts
    urgent = Peer(lab, port=40009)
    urgent.open(opts=mss(1000) + opts, opts3=opts)
    urgent.conn.send(Bytes(TEXT[:9]))
    urgent.conn.push_urgent(9)
    one(urgent.run(0))
    counts = Counts(lab)
    p.ack = syn.end
    s = one(p.send("A", seq=p.seq + 100_000, opts=opts))
    assert (s.flags, s.seq, s.ack, s.data, s.up) == ("A", syn.end, p.seq, b"", 0)
    assert s.wnd == syn.wnd and s.opts.get("ts", (0, 0))[1] == (77 if stamped else 0)
    assert counts() == {"out": 1} and app.c.state_name == "SYN-RECEIVED"
    p.send("A", opts=opts)
    assert app.c.state_name == "ESTABLISHED" and not p.run(0)


# Faces and settings


@rfc("9293 MUST-49")
@pytest.mark.parametrize("ttl", [1, 5, 255])
def test_a_reset_bears_the_ttl_of_its_connection(peer, ttl):
    peer.conn.ttl = ttl
    peer.conn.abort()
    s = one(peer.run(0), "R")
    assert (s.ttl, s.seq, s.ack, s.wnd) == (ttl, peer.iss + 1, 0, 0)


@rfc("9293 MUST-49", "9293 MUST-48")
def test_a_syn_that_goes_again_bears_what_was_set_meanwhile(lab):
    app, p, syn = active(lab)
    assert (syn.ttl, syn.tos) == (64, 0)
    app.c.ttl, app.c.tos = 9, 0x48
    s = one(p.run(1000))
    assert (s.flags, s.ttl, s.tos) == ("S", 9, 0x48)


def test_each_of_two_interfaces_sends_what_its_connection_has_to_say():
    lab = Lab()
    second = Second(lab)
    p = Peer(lab)
    p.open()
    first = lab.app
    first.c.send(Bytes(TEXT[:9]))
    assert tape(p, p.run(0)) == [(0, 0, 9, "PA")]

    second.opens()
    lab.app.c.send(Bytes(b"there"))
    s = one(second.heard())
    assert (s.data, s.src) == (b"there", addr("192.168.5.1")) and not lab.wire.sent
    app = HalfCloser()
    lab.stack.connect(app, "192.168.5.9", 80)
    syn = one(second.heard(), "S")
    assert syn.src == addr("192.168.5.1") and not lab.wire.sent
    assert active(lab)[2].src == addr("10.0.0.1") and not second.wire.sent
    lab.app.c.abort()
    first.c.abort()
    resets = lab.run(0)
    assert {s.flags for s in resets} == {"R"}
    assert {s.src for s in second.heard()} <= {addr("192.168.5.1")}
