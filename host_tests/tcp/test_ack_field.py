"""What an ACK of something new sets, and what it leaves as it was (RFC 9293 3.10.7.4, fifth)."""

import pytest
from lab.tcp import SACK_OK, Lab, Peer, active, mss, one, stamps
from uipy import Bytes, Ring

rfc = pytest.mark.rfc
HALF, WRAP = 1 << 16, 1 << 30  # ms: a time's low half, and the clock


@pytest.fixture
def late():
    """A lab whose listener resets who is idle for 10 s. In 300 ms the high half of its clock
    changes."""
    lab = Lab(listen={"idle_ms": 10_000})
    until(lab, HALF - 300, HALF)
    return lab


def until(lab, ms, of):
    """The clock runs on until `ms` of a period of `of` ms; a day is one poll."""
    left = of + (ms - lab.wire.clock.now) % of
    while left:
        step = min(left, 86_400_000)
        lab.wait(step)
        lab.poll()
        left -= step


def sends(peer, n, wnd=60_000):
    """The board's n octets leave; the window is `wnd`. MSS 1000."""
    peer.send("A", wnd=wnd)
    peer.conn.send(Bytes(bytes(k * 7 % 251 for k in range(n))))
    return peer.run(0)


def rel(peer, segs):
    """(SEG.SEQ less the number of the first octet, octets) of each segment."""
    return [((s.seq - peer.iss - 1) % 2**32, len(s.data)) for s in segs]


def at(peer, n):
    """The number of the octet n of what the board sends."""
    return (peer.iss + 1 + n) % 2**32


@pytest.mark.parametrize("flags, up", [("A", 0), ("UA", 1)])
@pytest.mark.parametrize("wait", [1, 777])
def test_silence_is_counted_from_the_last_ack_of_data(late, flags, up, wait):
    """The listener's idle limit, to the ms, for a plain ACK and for one that is not."""
    p = Peer(late)
    p.open()
    sends(p, 100)
    p.run(wait)
    start = late.ms
    p.send(flags, up=up)
    s = one(p.run(60_000), "R")
    assert s.at - start == 10_000 and p.app.said("closed") == ["idle"]


def test_an_ack_of_nothing_is_silence(late):
    p = Peer(late)
    p.open()
    start = late.ms
    p.run(5000)
    p.send("A")
    assert one(p.run(60_000), "R").at - start == 10_000


@rfc("9293 MUST-21")
@pytest.mark.parametrize("limit, given_up", [(8, 8100), (9, 18_900)])
def test_the_user_timeout_is_counted_from_the_last_ack(limit, given_up):
    """The round trip is 900 ms, so the timeouts after the ACK come at 2.7, 8.1 and 18.9 s; the
    first whose octets have waited for so many seconds is the end. Counted from when they were
    sent, it would be 0.9 s earlier."""
    lab = Lab()
    until(lab, HALF - 300, HALF)
    p = Peer(lab)
    p.open()
    p.conn.user_timeout_s = limit
    sends(p, 2000)
    p.run(900)
    start = lab.ms
    assert not p.send("A", ack=at(p, 1000))
    out = p.run(60_000, until=lambda s: False)
    assert [s.at - start for s in out] == [n for n in (2700, 8100, 18900) if n < given_up]
    assert p.app.said("closed") == ["timeout"]


def rto(p):
    """Sends an octet that nobody acknowledges; the ms until it is sent again."""
    p.conn.send(b"x")
    first, again = p.run(20_000)[:2]
    assert again.data == first.data == b"x"
    return again.at - first.at


@rfc("6298 2-1")
@pytest.mark.parametrize("early", [[], [1], [500], [999], [1, 500, 999]])
def test_the_round_trip_ends_with_the_last_octet_of_the_segment(early):
    """ACKs of a part of it do not count: 900 ms make an RTO of 900 + 4 * 450 ms (RFC 6298 2.2)."""
    p = Peer(Lab(), wnd=60_000)
    p.open()
    sends(p, 1000)
    for n in early:
        p.run(100)
        p.send("A", ack=at(p, n))
    p.run(900 - 100 * len(early))
    p.send("A", ack=at(p, 1000))
    assert rto(p) == 2700


@pytest.mark.parametrize("more", [0, 1000, 2000])
def test_the_round_trip_is_that_of_the_first_segment_in_flight(more):
    p = Peer(Lab(), wnd=60_000)
    p.open()
    sends(p, 1000 + more)
    p.run(900)
    p.send("A", ack=at(p, 1000))
    p.run(600)
    p.send("A", ack=at(p, 1000 + more))
    assert rto(p) == 2700


@pytest.mark.parametrize("before", [0, 1, 400, 799, 800, 801])
def test_a_round_trip_is_measured_across_the_wrap_of_the_clock(before):
    lab = Lab()
    until(lab, WRAP - before, WRAP)
    p = Peer(lab, wnd=60_000)
    p.open()
    sends(p, 1000)
    p.run(800)
    p.send("A", ack=at(p, 1000))
    assert rto(p) == 2400


def test_what_was_acknowledged_after_a_timeout_is_not_sent_again(peer):
    """Only the ACKs were lost: the next octet that leaves is the first that nobody has
    acknowledged, and nothing else is between."""
    sends(peer, 20_000)
    assert rel(peer, peer.run(1000)) == [(0, 1000)]
    assert rel(peer, peer.send("A", ack=at(peer, 3000))) == [(3000, 1000), (4000, 1000)]


@pytest.mark.parametrize("acked, again", [(999, 1000), (1000, 1000), (1001, 1001)])
def test_what_an_ack_leaves_of_the_octets_sent_again_is_not_sent_a_third_time(peer, acked, again):
    sends(peer, 20_000)
    peer.run(1000)
    assert rel(peer, peer.send("A", ack=at(peer, acked)))[0] == (again, 1000)


def test_each_octet_is_told_once(peer, lab):
    sends(peer, 3000)
    for n in (1, 1000, 1001, 2999, 2999, 2500, 3000):
        peer.send("A", ack=at(peer, n))
    assert lab.app.said("acked") == [1, 999, 1, 1998, 1]


@pytest.mark.parametrize("flags, up", [("A", 0), ("UA", 1)])
def test_the_source_lasts_until_its_last_octet_is_acknowledged(peer, flags, up):
    sends(peer, 3000)
    for n, sending in ((1000, True), (2999, True), (3000, False)):
        peer.send(flags, ack=at(peer, n), up=up)
        assert peer.conn.sending == sending


@pytest.mark.parametrize("flags, up", [("A", 0), ("UA", 1)])
def test_what_a_fin_waits_behind_is_sent_again(peer, lab, flags, up):
    """All has left, and the FIN: of the octets that were acknowledged nothing is kept, the others
    are still there."""
    peer.send("A", wnd=60_000)
    text = bytes(k * 7 % 251 for k in range(3000))
    peer.conn.finish(text)
    out = peer.run(0)
    assert rel(peer, out) == [(0, 1000), (1000, 1000), (2000, 1000)] and out[-1].flags == "FPA"
    peer.send(flags, ack=at(peer, 2000), up=up)
    assert peer.conn.sending
    s = peer.run(1000)[0]
    assert rel(peer, [s]) == [(2000, 1000)] and s.data == text[2000:] and "F" in s.flags


def test_a_fin_alone_on_its_way_needs_no_source(peer, lab):
    """The data has arrived, and the FIN has not: `acked` tells of the octets, and the FIN is none
    of them."""
    peer.send("A", wnd=60_000)
    peer.conn.finish(b"abc")
    peer.run(0)
    peer.send("A", ack=at(peer, 2))
    assert peer.conn.sending and peer.state == "FIN-WAIT-1"
    peer.send("A", ack=at(peer, 3))
    assert not peer.conn.sending and peer.state == "FIN-WAIT-1"
    peer.send("A", ack=at(peer, 4))
    assert peer.state == "FIN-WAIT-2" and lab.app.said("acked") == [2, 1]


def test_a_fin_is_not_told_as_an_octet(peer, lab):
    peer.conn.finish(b"abc")
    peer.run(0)
    peer.send("A", ack=at(peer, 4))
    assert lab.app.said("acked") == [3] and peer.state == "FIN-WAIT-2"


# The window


def test_an_ack_of_more_than_the_window_leaves_none(peer, lab):
    """The peer takes back its window, then acknowledges what it had offered, in a segment older
    than that: there is no window, and what is left waits for a probe."""
    sends(peer, 3001, wnd=3000)
    peer.send("PA", bytes(100), ack=at(peer, 0), wnd=500)
    older = peer.seq - 101
    assert not peer.send("PA", bytes(110), seq=older, ack=at(peer, 3000), wnd=9000)
    names = ("tcp_probe", "tcp_rto")
    before = [lab.wire.count(n) for n in names]
    out = [s for s in peer.run(10_000) if s.data]
    after = [lab.wire.count(n) for n in names]
    assert rel(peer, out)[0] == (3000, 1)
    assert after[1] == before[1] and after[0] - before[0] == len(out)


def test_a_segment_with_the_number_of_the_last_one_sets_the_window(peer):
    """SND.WL1 =< SEG.SEQ: what is sent again with more text behind it is not older, though RCV.NXT
    has gone on."""
    sends(peer, 9000, wnd=1000)
    seq = peer.seq
    assert not peer.send("A", bytes(100), ack=at(peer, 0), wnd=1000)
    out = peer.send("A", bytes(150), seq=seq, ack=at(peer, 0), wnd=3000) + peer.run(0)
    assert rel(peer, [s for s in out if s.data]) == [(1000, 1000), (2000, 1000)]


@pytest.mark.parametrize("older, opens", [(0, True), (1, False), (100, False)])
@pytest.mark.parametrize("isn", [1000, 0x1FFFF, 0x1FF9B, 0xFFFFFFFF])
def test_a_segment_that_is_older_by_an_octet_sets_no_window(lab, isn, older, opens):
    peer = Peer(lab, isn=isn)
    peer.open()
    sends(peer, 9000, wnd=1000)
    seq = peer.seq
    peer.send("A", bytes(100), ack=at(peer, 0), wnd=1000)
    peer.send("A", bytes(100), ack=at(peer, 0), wnd=1000)
    text = bytes(101 + older)
    out = peer.send("A", text, seq=seq + 100 - older, ack=at(peer, 0), wnd=3000) + peer.run(0)
    assert any(s.data for s in out) == opens


@pytest.mark.parametrize("octets", [1000, 65_000, 66_000, 131_000, 132_000, 200_000])
def test_a_segment_that_is_newer_by_so_much_sets_the_window(peer, octets):
    """What came between had an ACK of what was acknowledged before: it sets none."""
    sends(peer, 9000, wnd=1000)
    peer.send("A", ack=at(peer, 1000), wnd=1000)
    for _ in range(octets // 1000):
        assert not any(s.data for s in peer.send("A", bytes(1000), ack=at(peer, 0), wnd=9000))
    out = peer.send("A", ack=at(peer, 1000), wnd=3000) + peer.run(0)
    assert rel(peer, [s for s in out if s.data]) == [(2000, 1000), (3000, 1000)]


@rfc("5961 5.2-1", "9293 MAY-12")
def test_a_window_that_grows_raises_the_largest_window_seen(lab):
    """MAX.SND.WND counts: how old an ACK may be follows it up, and not down."""
    peer = Peer(lab, wnd=3000)
    peer.open()
    sends(peer, 8000, wnd=3000)
    peer.send("A", ack=at(peer, 3000), wnd=5000)
    peer.send("A", ack=at(peer, 8000), wnd=1000)
    peer.send("PA", b"good", ack=at(peer, 3000))
    assert lab.app.data == b"good"
    one(peer.send("PA", b"evil", seq=peer.seq, ack=at(peer, 2999)), "A")
    assert lab.app.data == b"good"


def test_timeouts_are_counted_anew_when_a_window_opens(peer, lab):
    """Probes of a closed window are no retransmissions: 'retrying' is told at the third timeout
    behind them (RFC 9293 3.8.3)."""
    sends(peer, 500, wnd=0)
    for _ in range(4):
        one(peer.run(60_000, until=lambda s: s.data))
        assert not peer.send("A", ack=at(peer, 0), wnd=0)
    one(peer.send("A", ack=at(peer, 0), wnd=1000) + peer.run(0))
    told = []
    for _ in range(4):
        peer.run(600_000, until=lambda s: s.data)
        told.append(lab.app.said("error"))
    assert told == [[], [], ["retrying"], ["retrying"]]


def test_a_window_that_closes_and_opens_again_brings_nothing_back(peer):
    """Nothing is sent again before its time: what is out may have arrived."""
    assert len(sends(peer, 3000)) == 3
    assert not peer.send("A", ack=at(peer, 0), wnd=0)
    peer.run(500)
    assert not peer.send("A", ack=at(peer, 0), wnd=5000) + peer.run(0)
    assert rel(peer, peer.run(499)) == []
    assert rel(peer, peer.run(501)) == [(0, 1000)]


def test_a_window_that_opens_after_a_timeout_brings_it_back_at_once(peer):
    """What was sent before the window closed has been waiting for it too."""
    sends(peer, 3000)
    peer.send("A", ack=at(peer, 0), wnd=0)
    assert rel(peer, peer.run(1000)) == [(0, 1)]
    out = peer.send("A", ack=at(peer, 0), wnd=5000)
    assert rel(peer, out) == [(0, 1000)]


def test_a_window_that_grows_after_a_timeout_brings_nothing_back(peer):
    """One that was never closed."""
    sends(peer, 3000, wnd=3000)
    assert rel(peer, peer.run(1000)) == [(0, 1000)]
    assert not peer.send("A", ack=at(peer, 0), wnd=5000) + peer.run(0)


# The options


@rfc("7323 4.1-1")
def test_the_echo_measures_the_round_trip_of_the_newest_segment():
    """The second segment left 800 ms after the first: an ACK of both, with the second's echo,
    measures 100 ms and not 900."""
    lab = Lab(tcp_options={"timestamps": True, "rto_min": 10})
    p = Peer(lab, wnd=60_000)
    p.open(opts=mss(1000) + stamps(1000), opts3=stamps(1000))
    p.conn.nodelay = True
    ring = Ring(100)
    p.conn.send(ring)
    for wait in (800, 100):
        ring.write(b"x", 0, 1)
        p.conn.resume()
        s = one(p.run(0))
        p.run(wait)
    p.send("A", opts=stamps(1001, s.opts["ts"][0]))
    ring.write(b"x", 0, 1)
    p.conn.resume()
    first, again = p.run(500, until=lambda s: False)[:2]
    assert again.at - first.at == 100 + 4 * 50


@pytest.mark.parametrize("options", [{}, {"sack": True}, {"urgent": False}])
def test_timestamps_that_were_not_agreed_on_measure_nothing(options):
    lab = Lab(tcp_options=options)
    p = Peer(lab)
    p.open()
    p.conn.send(Bytes(b"abc"))
    p.run(0)
    assert not p.send("A", opts=stamps(1, 2))
    assert p.app.said("acked") == [3] and p.state == "ESTABLISHED" and not lab.errors


@pytest.mark.parametrize("urgent", [True, False])
def test_octets_are_acknowledged_with_sack_and_without_urgent_data(urgent):
    lab = Lab(tcp_options={"sack": True, "urgent": urgent})
    p = Peer(lab, wnd=60_000)
    p.open(opts=mss(1000) + SACK_OK)
    p.conn.send(Bytes(bytes(3000)))
    p.run(0)
    p.send("A", ack=at(p, 1000))
    p.send("A", ack=at(p, 3000))
    assert p.app.said("acked") == [1000, 2000] and not p.conn.sending and not lab.errors


def test_the_urgent_pointer_comes_nearer_with_each_ack(peer):
    """Of 2500 urgent octets 1000 have arrived: what is sent again names the same octet as before,
    and what lies behind it is not urgent."""
    peer.send("A", wnd=2000)
    peer.conn.send(Bytes(bytes(6000)))
    peer.conn.push_urgent(2500)
    out = peer.run(0)
    for n in (1000, 2000, 3000):
        out += peer.send("A", ack=at(peer, n))
    told = {(s.seq - peer.iss - 1): (s.seq + s.up - peer.iss - 1) * ("U" in s.flags) for s in out}
    assert told == {0: 2500, 1000: 2500, 2000: 2500, 3000: 0, 4000: 0}
    again = peer.run(1000)
    assert rel(peer, again) == [(3000, 1000)] and "U" not in again[0].flags


def test_nagle_waits_for_the_ack_of_the_last_octet(lab):
    """RFC 9293 3.7.4: what is in flight is counted without what was acknowledged."""
    _, p, _ = active(lab)
    p.send("SA", opts=mss(1000), wnd=60_000)
    ring = Ring(100)
    p.conn.send(ring)
    ring.write(b"abc", 0, 3)
    p.conn.resume()
    assert one(p.run(0)).data == b"abc"
    ring.write(b"def", 0, 3)
    p.conn.resume()
    assert not p.run(0)
    assert not p.send("A", ack=p.ack - 1)
    assert one(p.send("A")).data == b"def"
