"""The window, both ways (RFC 9293 3.8.6): probing, shrinking, silly windows, and what we offer."""

import itertools

import pytest
from lab.tcp import Lab, Peer, active, is_ack, mss, one, wscale
from uipy import Bytes

rfc = pytest.mark.rfc


def closed(lab, n=5000):
    """A peer whose window is zero, and n octets of ours that wait for it."""
    p = Peer(lab, wnd=0)
    p.open()
    p.conn.send(Bytes(bytes(range(250)) * (n // 250)))
    return p


# The peer's window.


@rfc("9293 MUST-1")
@pytest.mark.parametrize("wnd", [0x8000, 0xC000, 0xFFFF])
def test_window_is_an_unsigned_number(lab, wnd):
    p = Peer(lab, wnd=wnd)
    p.open()
    p.conn.send(Bytes(bytes(3000)))
    assert sum(s.len for s in p.run(0)) == 3000


def test_nothing_but_probes_is_sent_into_a_zero_window(lab):
    p = closed(lab)
    assert not p.run(999)
    assert all(len(s.data) <= 1 for s in p.run(100_000))


@rfc("9293 MUST-36", "9293 SHLD-29", "9293 MUST-35")
def test_zero_window_is_probed_after_the_retransmission_timeout(lab):
    p = closed(lab)
    s = one(p.run(1000))
    assert s.at == 1000 and len(s.data) <= 1 and (s.seq == p.iss + 1 or s.seq == p.iss)


@rfc("9293 SHLD-30")
def test_probes_come_at_exponentially_growing_intervals(lab):
    p = closed(lab)
    times, at = [], 0
    for _ in range(5):
        s = p.run(100_000, until=lambda s: True)[-1]
        times.append(s.at - at)
        at = s.at
        p.send("A", ack=p.iss + 1)
    assert all(b == 2 * a for a, b in itertools.pairwise(times[1:])) and times[1] >= times[0]


@rfc("9293 MUST-37", "9293 MUST-36")
def test_connection_stays_open_for_as_long_as_probes_are_answered(lab):
    """A day out of paper; R2 is 100 s."""
    p = closed(lab)
    p.conn.user_timeout_s = 100
    end = lab.ms + 24 * 3600_000
    while lab.ms < end:
        s = p.run(200_000, until=lambda s: True)
        assert s, "the probing has stopped"
        p.send("A", ack=p.iss + 1)
        assert not lab.app.said("closed")
    out = p.send("A", ack=p.iss + 1, wnd=8000)
    assert sum(len(x.data) for x in out + p.run(0)) >= 4999


def test_connection_is_given_up_when_probes_are_not_answered(lab):
    p = closed(lab)
    p.run(2_000_000)
    assert lab.app.said("closed") == ["timeout"]


def test_probe_that_is_accepted_counts_as_sent(lab):
    """The peer takes the probe's octet: what follows begins behind it."""
    p = closed(lab)
    s = one(p.run(1000))
    if s.data:
        out = p.send("A", wnd=2000)
        assert out[0].seq == s.seq + 1


@rfc("9293 MUST-34", "9293 SHLD-15")
def test_shrunken_window_stops_new_data(lab):
    """The usable window becomes negative: nothing new is sent, and nothing breaks."""
    p = Peer(lab, wnd=5000)
    p.open()
    p.conn.send(Bytes(bytes(range(250)) * 80))
    assert sum(s.len for s in p.run(0)) == 5000
    una, top = p.iss + 1, p.ack
    out = p.send("A", ack=una + 1000, wnd=2000)
    out += p.run(900)
    assert not [s for s in out if (s.end - top) % 2**32 < 2**31 and s.end != top]
    out = p.send("A", ack=top, wnd=5000)
    assert [s.seq for s in out][:1] == [top]


@rfc("9293 SHLD-16", "9293 MUST-34")
def test_old_data_within_a_shrunken_window_is_sent_again(lab):
    p = Peer(lab, wnd=5000)
    p.open()
    p.conn.send(Bytes(bytes(range(250)) * 80))
    p.run(0)
    una = p.iss + 1
    p.send("A", ack=una + 1000, wnd=1500)
    again = p.run(1100, until=lambda s: s.data)
    assert again[-1].seq == una + 1000 and 1 <= again[-1].len


def test_what_is_sent_again_stays_within_the_shrunken_window(lab):
    """RFC 9293 lets a sender go beyond; this one does not need to."""
    p = Peer(lab, wnd=5000)
    p.open()
    p.conn.send(Bytes(bytes(range(250)) * 80))
    p.run(0)
    una = p.iss + 1
    p.send("A", ack=una, wnd=1500)
    for s in p.run(20_000):
        assert (s.end - una) % 2**32 <= 1500


@rfc("9293 SHLD-17")
def test_data_beyond_a_shrunken_edge_does_not_time_the_connection_out(lab):
    """R2 passes, and the peer acknowledges what it can: the connection lives."""
    p = Peer(lab, wnd=3000)
    p.open()
    p.conn.user_timeout_s = 100
    p.conn.send(Bytes(bytes(3000)))
    p.run(0)
    una = p.iss + 1
    p.send("A", ack=una + 1000, wnd=0)
    for _ in range(40):
        p.run(200_000, until=lambda s: True)
        p.send("A", ack=una + 1000, wnd=0)
    assert not lab.app.said("closed")
    out = p.send("A", ack=una + 1000, wnd=3000)
    assert out[0].seq == una + 1000 and out[0].len == 1000


@rfc("9293 MUST-35", "9293 MUST-34")
def test_window_that_shrinks_to_zero_is_probed(lab):
    p = Peer(lab, wnd=3000)
    p.open()
    p.conn.send(Bytes(bytes(10_000)))
    p.run(0)
    p.send("A", ack=p.iss + 1001, wnd=0)
    assert p.run(5000)
    out = p.send("A", ack=p.iss + 1001, wnd=3000)
    assert out[0].seq == p.iss + 1001 and out[0].len == 1000


# Silly windows, sender's side.


@rfc("9293 MUST-38")
def test_window_that_opens_by_a_little_is_not_filled(lab):
    """RFC 9293 3.8.6.2.1: less than a segment and less than half of the largest window: nothing
    yet."""
    p = Peer(lab, wnd=4000)
    p.open()
    p.conn.send(Bytes(bytes(20_000)))
    p.run(0)
    base = p.ack
    out = p.send("A", ack=base, wnd=100)
    assert not [s for s in out + p.run(90) if s.data]
    out = p.send("A", ack=base, wnd=1000)
    assert one(out).len == 1000


@rfc("9293 MUST-38")
def test_half_of_the_largest_window_is_filled_though_it_is_less_than_a_segment(lab):
    p = Peer(lab, wnd=800)
    p.open()
    p.conn.send(Bytes(bytes(20_000)))
    out = p.run(0)
    assert [s.len for s in out] == [800]
    out = p.send("A", wnd=400)
    assert [s.len for s in out] == [400]


@rfc("9293 MUST-38")
def test_a_window_that_stays_silly_is_used_after_the_override_timeout(lab):
    """Otherwise both sides wait for ever. RFC 9293: 0.1 to 1 s; it may be combined with the
    persist timer."""
    p = Peer(lab, wnd=4000)
    p.open()
    p.conn.send(Bytes(bytes(20_000)))
    p.run(0)
    p.send("A", wnd=100)
    out = p.run(1100, until=lambda s: s.data)
    assert out and 1 <= out[-1].len <= 100


@rfc("9293 SHLD-28")
def test_full_sized_segments_are_sent_whenever_possible(lab):
    p = Peer(lab, wnd=10_500)
    p.open()
    p.conn.send(Bytes(bytes(30_000)))
    sizes = [s.len for s in p.run(0)]
    assert sizes[:-1] == [1000] * (len(sizes) - 1)


# What we offer.


@rfc("9293 SHLD-14")
def test_right_edge_never_moves_left(lab):
    """Whatever the application takes, and whatever it says about its room: RCV.NXT + RCV.WND only
    grows."""
    p = Peer(lab)
    s = p.open()
    edge = s.ack + s.wnd
    app = lab.app
    for take, room in (
        (10, None),
        (0, 0),
        (None, 100),
        (5, 50),
        (0, 0),
        (None, 6000),
        (3, 10),
        (None, None),
    ):
        app.take = take
        if room is not None:
            p.conn.room = room
            p.conn.resume()
        seq = p.ack and (p.isn + 1 + len(app.data))
        for s in p.send("PA", b"q" * 400, seq=seq) + p.run(500):
            assert s.ack + s.wnd >= edge
            edge = s.ack + s.wnd


@rfc("9293 SHLD-14")
def test_what_the_first_syn_offered_is_taken_though_a_later_one_offers_less(lab):
    app, p, _syn = active(lab)
    app.c.room = 100
    assert one(p.run(1500)).wnd <= 100
    p.send("SA", opts=mss(1000))
    p.send("A", bytes(1000))
    assert len(app.data) == 1000


@rfc("9293 MAY-8")
def test_our_window_may_stay_closed_for_ever_and_probes_are_answered():
    lab = Lab(tcp_options={"room": 1000})
    p = Peer(lab)
    p.open()
    p.conn.room = 0
    p.send("PA", b"x" * 1000)
    for _ in range(100):
        p.run(60_000)
        s = one(p.send("A", b"?", seq=p.seq))
        assert s.wnd == 0 and s.ack == p.seq
    assert p.state == "ESTABLISHED"


@rfc("9293 MUST-66")
def test_rst_is_processed_with_a_zero_window():
    lab = Lab(tcp_options={"room": 1000})
    p = Peer(lab)
    p.open()
    p.conn.room = 0
    p.send("PA", b"x" * 1000)
    assert p.run(500)[-1].wnd == 0
    assert not p.send("R")
    assert lab.app.said("closed") == ["reset"]


@rfc("9293 MUST-66")
def test_urgent_pointer_and_ack_are_processed_with_a_zero_window():
    lab = Lab(tcp_options={"room": 1000, "urgent": True})
    p = Peer(lab)
    p.open()
    p.conn.room = 0
    p.send("PA", b"x" * 1000)
    p.run(500)
    p.conn.send(Bytes(b"data"))
    p.run(0)
    p.send("UA", b"!", up=1, seq=p.seq)
    assert lab.app.said("urgent") and lab.app.said("urgent")[-1] == 1
    assert sum(lab.app.said("acked")) == 4


@rfc("9293 MUST-39")
def test_our_window_opens_by_a_segment_or_half_the_buffer_and_not_by_less():
    """Room for 2000 octets is full; ten octets at a time become free. The window stays zero up to
    1000."""
    lab = Lab(tcp_options={"room": 2000})
    p = Peer(lab)
    p.open()
    p.conn.room = 0
    p.send("A", b"x" * 1000)
    p.send("PA", b"y" * 1000)
    p.run(500)
    seen = []
    for room in range(10, 2001, 10):
        p.conn.room = room
        p.conn.resume()
        seen += [s.wnd for s in p.run(0)]
        p.run(1000)
        if room < 1000:
            assert one(p.send("A", seq=p.seq - 1)).wnd == 0
    assert seen and min(seen) >= 1000


@rfc("9293 MUST-39")
def test_small_segments_do_not_move_the_right_edge_in_small_steps(lab):
    """A reader that keeps up: the edge moves by a segment's worth at least, or the window is full
    again."""
    p = Peer(lab)
    s = p.open()
    edges = [s.ack + s.wnd]
    for _ in range(300):
        for s in p.send("PA", b"z" * 20) + p.run(200):
            if s.ack + s.wnd != edges[-1]:
                edges.append(s.ack + s.wnd)
    steps = [b - a for a, b in itertools.pairwise(edges)]
    assert steps and min(steps) >= 1000


def test_resume_announces_room_at_once():
    lab = Lab(tcp_options={"room": 1000})
    p = Peer(lab)
    p.open()
    p.conn.room = 0
    p.send("PA", b"x" * 1000)
    p.run(500)
    p.conn.room = 1000
    p.conn.resume()
    s = one(p.run(0))
    assert is_ack(s, p) and s.wnd == 1000


@rfc("9293 REC-1")
def test_windows_above_65535_are_computed_right_when_scaled():
    """Offered windows are 32-bit numbers; what we send at most at once is limited to 61440 octets,
    below any window."""
    lab = Lab(tcp_options={"window_scale": True, "room": 300_000})
    p = Peer(lab)
    s = p.send("S", opts=mss(1000) + wscale(7))
    shift = s[0].opts["ws"]
    p.send("A", wnd=1000)
    assert shift >= 3
    p.conn.send(Bytes(bytes(90_000)))
    p.run(0)
    s = (p.send("PA", b"x" * 1000) + p.run(500))[-1]
    assert s.wnd << shift >= 290_000


# Our FIN and the peer's window


@pytest.mark.parametrize("how", ["close", "shutdown", "finish"])
def test_fin_behind_a_closed_window_is_its_probe(lab, how):
    """Nothing else is queued, and no ACK will come: the persist timer must run for a FIN alone."""
    p = Peer(lab, wnd=0)
    p.open()
    p.app = lab.app
    if how == "finish":
        p.conn.finish(Bytes(b""))
    else:
        getattr(p.conn, how)()
    assert "F" in one(p.run(1000)).flags and lab.ms == 1000
    assert p.state == "FIN-WAIT-1"
    p.send("A")
    assert p.state == "FIN-WAIT-2"


def test_fin_behind_data_that_fills_the_window_waits_for_room(lab):
    """The window has no place for it: it goes when there is one, or as a probe."""
    p = Peer(lab, wnd=1000)
    p.open()
    p.conn.finish(Bytes(bytes(1000)))
    assert [s.flags for s in p.run(0)] == ["PA"]
    assert not p.send("A", wnd=0)
    s = one(p.run(1000))
    assert "F" in s.flags and not s.data


@rfc("9293 SHLD-30")
@pytest.mark.parametrize("most", [60_000, 20_000])
def test_probes_come_once_a_minute_in_the_end(most):
    """The interval doubles up to the largest RTO, and stays there."""
    lab = Lab(tcp_options={"rto_max": most})
    p = closed(lab)
    gaps, at = [], 0
    for _ in range(12):
        s = p.run(most + 10, until=lambda s: True)[-1]
        gaps.append(s.at - at)
        at = s.at
        p.send("A", ack=p.iss + 1)
    doubled = [1000] + [1000 << k for k in range(11)]
    assert gaps == [min(ms, most) for ms in doubled]


@pytest.mark.parametrize("mtu", [576, 1500])
def test_first_window_is_four_full_segments_of_the_link(mtu):
    s = one(Peer(Lab(mtu=mtu)).send("S"), "SA")
    assert s.wnd == 4 * (mtu - 40) and s.opts["mss"] == mtu - 40


def test_ack_of_a_peer_that_filled_the_window_in_vain_is_heard(peer, lab):
    """The application took a part of what filled the window. Until the rest comes again the peer's
    ACKs stand at the window's right edge, one octet outside (RFC 9293 3.10.7.4, table 6)."""
    base, start = peer.ack, peer.seq
    peer.conn.send(Bytes(bytes(10_000)))
    flight = peer.run(0)
    edge = start + flight[-1].wnd
    lab.app.take = 100
    for seq in range(start, edge, 1000):
        peer.send("PA", bytes(min(1000, edge - seq)), seq=seq, ack=base)
    assert len(lab.app.data) == 100
    old = lab.wire.count("tcp_old")
    out = peer.send("A", seq=edge, ack=base + 1000)
    assert out[-1].end > flight[-1].end and lab.wire.count("tcp_old") == old
    peer.send("PA", b"x", seq=edge, ack=base + 2000)  # text has no place there
    peer.send("A", seq=edge + 1, ack=base + 2000)
    assert lab.wire.count("tcp_old") == old + 2 and len(lab.app.data) == 100
    assert sum(lab.app.said("acked")) == 1000
