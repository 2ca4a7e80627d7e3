"""What is sent at the edges: one octet of room, one octet out, a source that grows or ends late, a
hole at the end of a window, a SYN that waits."""

import pytest
from lab.net import PEER, Station, Wire
from lab.tape import TEXT, Counts, opened, tape
from lab.tcp import SACK_OK, HalfCloser, Lab, Peer, active, mss, one, sack
from uipy import Bytes, Ring, Source

rfc = pytest.mark.rfc


# Room


@pytest.mark.parametrize("n, flags", [(1, "PA"), (2, "A")])
def test_one_octet_of_window_is_room_for_one_octet(n, flags):
    _lab, p, counts = opened(wnd=1)
    p.conn.send(Bytes(TEXT[:n]))
    assert tape(p, p.run(0)) == [(0, 0, 1, flags)] and counts() == {"out": 1}


def test_of_two_octets_that_are_out_a_closed_window_gets_one_again():
    """RFC 9293 3.8.6: what lies beyond a window that shrank is not sent, but for the probe."""
    _lab, p, counts = opened()
    p.conn.send(Bytes(TEXT[:2]))
    p.run(0)
    p.send("A", ack=p.iss + 1, wnd=0)
    assert tape(p, p.run(1000)) == [(1000, 0, 1, "A")] and counts()["rexmt"] == 1


def test_probes_are_not_put_off_by_an_application_that_calls():
    _lab, p, counts = opened(wnd=0)
    p.conn.send(Bytes(TEXT[:5]))
    p.run(2500)
    p.conn.resume()
    p.conn.nodelay = True
    assert [s.at for s in p.run(6000)] == [4000, 8000] and counts()["probe"] == 4


@rfc("9293 MUST-38")
def test_what_the_override_timeout_has_let_go_is_sent_again_like_anything_else():
    """RFC 9293 3.8.6.2.1: it was no probe, and its timer backs off."""
    _lab, p, counts = opened(wnd=800)
    p.send("A", wnd=399)
    p.conn.send(Bytes(TEXT[:1000]))
    assert tape(p, p.run(8500)) == [(1000 * k, 0, 399, "A") for k in (1, 2, 4, 8)]
    assert counts() == {"out": 4, "probe": 1, "rexmt": 3, "rto": 3}


def test_who_has_nothing_to_send_probes_no_closed_window():
    """Neither without a source nor with one that has nothing, nor for a FIN that waits for it."""
    _lab, p, counts = opened(wnd=0)
    p.conn.nodelay = True
    assert not p.run(10_000)
    ring = Ring(9)
    p.conn.send(ring)
    assert not p.run(10_000)
    p.conn.shutdown()
    assert not p.run(10_000) and counts() == {}
    ring.end()
    p.conn.resume()
    assert tape(p, p.run(1000)) == [(31_000, 0, 0, "FA")] and counts() == {"out": 1, "probe": 1}


def test_a_probe_begins_at_the_first_octet_whatever_left_before(lab):
    shut, other = Peer(lab, port=40001, wnd=0), Peer(lab, port=40002)
    shut.open(opts=mss(1000))
    shut.conn.send(Bytes(TEXT[:9]))
    shut.run(0)
    other.open(opts=mss(1000))
    lab.run(500)
    other.conn.send(Bytes(TEXT[:2000]))
    assert tape(other, other.run(0)) == [(500, 0, 1000, "A"), (500, 1000, 1000, "PA")]
    assert tape(shut, shut.run(500)) == [(1000, 0, 1, "A")]


class Placed(Bytes):
    """Notes where its octets are to go."""

    places: list

    def fill(self, rel, buf, pos, n):
        self.places.append(pos)
        return Bytes.fill(self, rel, buf, pos, n)


@pytest.mark.parametrize("wnd", [0, 100])
def test_a_source_writes_behind_the_header_also_when_it_is_only_asked(wnd):
    _lab, p, _ = opened(wnd=wnd)
    src = Placed(TEXT[:9])
    src.places = []
    p.conn.send(src)
    p.run(1000)
    assert set(src.places) == {2 + 20 + 20}


# Sources


class Grows(Source):
    """Says that it has ended, and has more the next time."""

    def __init__(self):
        self.n = 5

    def fill(self, rel, buf, pos, n):
        n = max(min(n, self.n - rel), 0)
        buf[pos : pos + n] = TEXT[rel : rel + n]
        return n


def test_a_source_that_grows_behind_its_end_puts_nothing_in_the_place_of_the_fin():
    lab, p, _ = opened()
    src = Grows()
    p.conn.finish(src)
    first = p.run(0)
    src.n = 50
    again = p.run(1000)
    p.acks()
    assert tape(p, first + again) == [(0, 0, 5, "FPA"), (1000, 0, 5, "FPA")]
    assert not p.run(5000) and not lab.errors


class Told(HalfCloser):
    """Notes whether the source still runs when octets have arrived."""

    def acked(self, conn, n):
        self.events.append(("acked", (n, conn.sending)))


def test_a_source_that_ended_while_its_octets_were_out_is_done_when_they_arrive():
    lab = Lab(app=Told)
    p = Peer(lab)
    p.open()
    ring = Ring(9)
    p.conn.send(ring)
    ring.write(TEXT, 0, 5)
    p.conn.resume()
    p.run(0)
    ring.end()
    p.conn.resume()
    assert not p.run(0)
    p.acks()
    assert p.app.said("acked") == [(5, False)]


# Numbers


def test_an_ack_bears_the_number_behind_all_that_was_sent(lab):
    """Whatever the segment before it was; and with a timer that has run out."""
    p = Peer(lab)
    p.open(opts=mss(1000))
    p.conn.send(Bytes(TEXT[:2000]))
    assert len(p.run(0)) == 2
    assert one(p.send("A", seq=p.seq - 1, ack=p.iss + 1)).seq == p.iss + 2001
    p.run(1000)
    assert one(p.send("A", seq=p.seq - 1, ack=p.iss + 1)).seq == p.iss + 2001


def holes(wnd=60_000):
    """Eight segments are out, the first and the third are lost and go again; the rest has been
    selected."""
    lab = Lab(tcp_options={"sack": True})
    p = Peer(lab, wnd=wnd)
    p.open(opts=mss(1000) + SACK_OK)
    p.conn.send(Bytes(TEXT[:8000]))
    assert len(p.run(0)) == 8
    p.una = p.iss + 1

    def told(*blocks, ack=0, **k):
        spans = [(p.una + a, p.una + b) for a, b in blocks]
        return tape(p, p.send("A", ack=p.una + ack, opts=sack(*spans) if spans else b"", **k))

    return lab, p, told


def test_the_holes_that_sack_shows_go_again_once_each():
    """And nothing goes when an ACK leaves no hole (RFC 6675: those are on their way)."""
    lab, _p, told = holes()
    seen = told((1000, 2000))
    seen += told((3000, 4000), (1000, 2000))
    seen += told((3000, 5000), (1000, 2000))
    seen += told((3000, 6000), (1000, 2000))
    assert [s[1:3] for s in seen] == [(0, 1000), (2000, 1000)]
    assert told((3000, 7000), ack=2000) == [] and told((3000, 8000), ack=2000) == []
    assert lab.wire.count("tcp_rexmt") == 2 and lab.wire.count("tcp_sack") == 1


@rfc("2018 8-1")
def test_after_a_timeout_nothing_counts_as_selected():
    """The receiver may have discarded it: whole segments from SND.UNA on."""
    _lab, p, told = holes()
    assert told((500, 8000)) == []
    assert [s[1:3] for s in tape(p, p.run(1000))] == [(0, 1000)]
    assert [s[1:3] for s in told(ack=1000)] == [(1000, 1000), (2000, 1000)]


@pytest.mark.parametrize("wnd, n", [(2500, 500), (2001, 1), (2000, 1), (3000, 1000)])
def test_a_hole_at_the_edge_of_a_window_that_shrank_goes_as_far_as_it_reaches(wnd, n):
    _lab, _p, told = holes()
    told((1000, 2000))
    told((3000, 4000), (1000, 2000))
    seen = told((3000, 5000), (1000, 2000), wnd=wnd)
    seen += told((3000, 6000), (1000, 2000))
    seen += told((3000, 7000), (1000, 2000))
    assert [s[1:3] for s in seen][:2] == [(0, 1000), (2000, n)]


# The SYN


def test_what_is_asked_of_an_open_under_way_waits_for_the_answer(lab):
    """Data, a FIN, and room for more: neither an ACK nor the SYN again."""
    counts = Counts(lab)
    app, p, syn = active(lab)
    app.c.send(Bytes(TEXT[:5]))
    app.c.room = 50_000
    app.c.resume()
    assert not p.run(500) and counts() == {"out": 1}
    p.ack = 0
    one(p.send("S", opts=mss(1000)), "SA")
    app.c.nodelay = True
    assert not p.run(499) and counts() == {"out": 2, "rexmt": 1}
    p.ack = syn.end
    seen = p.send("A") + p.run(0)
    assert tape(p, seen) == [(999, 0, 5, "PA")] and app.said("connected") == [None]


@rfc("7323 2.2-1")
def test_the_window_of_a_syn_is_not_scaled():
    lab = Lab(tcp_options={"window_scale": True, "room": 200_000})
    syn = active(lab)[2]
    assert syn.wnd == 65_535 and syn.opts["ws"] == 2


def test_a_keep_alive_that_was_set_before_the_syn_could_leave_adds_no_frame():
    """The neighbour answers after some seconds."""
    wire = Wire()
    wire.board(tcp=2)
    there = Station(wire)
    there.answers_arp = False
    app = HalfCloser()
    conn = wire.stack.connect(app, PEER, 80)
    conn.keepalive_s = 1
    wire.run(1500)
    there.answers_arp = True
    wire.run(2000)
    syn = there.expect("S").tcp
    there.port, there.to, there.ack = 80, syn.sport, syn.end
    there.heard.clear()
    there.seg("SA", opts=mss(1460))
    assert there.expect("A").tcp.seq == syn.end and wire.count("tcp_keep") == 0


def test_ecn_marks_without_urgent_data():
    """Each of the two marks is looked at by itself."""
    lab = Lab(tcp_options={"ecn": 1, "urgent": False})
    p = Peer(lab)
    p.iss = one(p.send("SEC", opts=mss(1000)), "SAE").seq
    p.send("A")
    p.conn.keepalive_s = 5
    p.conn.send(Bytes(TEXT[:5]))
    assert [s.flags for s in p.run(0)] == ["PA"]
    p.acks()
    assert [s.flags for s in p.run(5000)] == ["A"] and not lab.errors
