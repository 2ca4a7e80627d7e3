"""Congestion control (RFC 5681, 6582, 6928): how much is in flight, seen from the wire. MSS is
1000 here."""

import itertools

import pytest
from lab.tcp import Lab, Peer, active, flight, mss, one, starts, step
from uipy import Bytes

rfc = pytest.mark.rfc


def lose_first(bulk, dups):
    """The first segment of the flight is lost: `dups` duplicate ACKs; returns what each of them
    sent."""
    una = bulk.flight[0].seq
    return [bulk.send("A", ack=una) for _ in range(dups)]


@rfc("5681 3.1-2", "5681 2-1", "9293 MUST-19")
def test_initial_window_is_ten_segments(bulk):
    assert (
        sum(s.len for s in bulk.flight) == 10_000
    )  # RFC 6928 2: the upper bound that replaces RFC 5681's


@rfc("5681 3.1-2")
@pytest.mark.parametrize("size", [536, 1460])
def test_initial_window_is_never_more_than_rfc_6928_allows(lab, size):
    p = Peer(lab, wnd=60000)
    p.open(opts=mss(size))
    p.conn.send(Bytes(bytes(60_000)))
    assert sum(s.len for s in p.run(0)) <= min(10 * size, max(2 * size, 14_600))


@rfc("5681 3.1-3")
def test_handshake_does_not_open_the_window(lab):
    app, p, _syn = active(lab)
    p.send("SA", opts=mss(1000), wnd=60000)
    app.c.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in p.run(0)) <= 10_000


@rfc("5681 2-1")
def test_never_more_in_flight_than_the_peers_window(lab):
    p = Peer(lab, wnd=2500)
    p.open()
    p.conn.send(Bytes(bytes(50_000)))
    for _ in range(30):
        p.run(200)
        assert flight(p, p.ack) == 0
        una = p.ack
        p.send("A")
        p.run(0)
        assert flight(p, una) <= 2500


@rfc("5681 3.1-1", "5681 3.1-6", "9293 MUST-19")
def test_slow_start_adds_at_most_a_segment_for_each_ack(bulk):
    """Ten ACKs of one segment each: twenty segments in flight. One ACK of all ten: eleven."""
    una = bulk.flight[0].seq
    for k in range(1, 11):
        before = flight(bulk, una + (k - 1) * 1000)
        bulk.send("A", ack=una + k * 1000)
        now = flight(bulk, una + k * 1000)
        assert now <= before + 1000
    assert now == 20_000


@rfc("5681 3.1-6")
def test_one_ack_for_ten_segments_adds_one(bulk):
    una = bulk.ack
    bulk.send("A")
    assert flight(bulk, una) == 11_000


@rfc("5681 3.1-5")
def test_ssthresh_begins_high(lab):
    """Slow start goes on to the peer's window of 60 000 when nothing is lost."""
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(2_000_000)))
    p.run(0)
    top = 0
    una = p.iss + 1
    for _ in range(120):
        una += 1000
        p.send("A", ack=una)
        top = max(top, flight(p, una))
    assert top >= 59_000


@rfc("5681 3.1-7", "9293 MUST-19", "5681 3.1-1")
def test_congestion_avoidance_adds_a_segment_each_round_trip(bulk):
    """After a timeout with ten in flight, ssthresh is 5 segments: beyond it each round trip adds
    one."""
    bulk.run(1000)
    bulk.send("A")  # the retransmission and all behind it arrived
    sizes = []
    for _ in range(8):
        bulk.run(0)
        una = (sizes and sizes[-1][1]) or bulk.iss + 10_001
        upto = bulk.ack
        sizes.append(((upto - una) % 2**32, upto))
        while una != upto:
            una = una + 1000 if (upto - una) % 2**32 > 1000 else upto
            bulk.send("A", ack=una)
    rounds = [n for n, _ in sizes if n]
    grown = [b - a for a, b in itertools.pairwise(rounds) if a >= 6000]
    assert grown and all(g <= 1000 for g in grown) and any(g == 1000 for g in grown)


@rfc("5681 3.1-9", "5681 3.1-8", "9293 MUST-19")
def test_timeout_leaves_one_segment_in_flight_and_half_as_threshold(bulk):
    una = bulk.flight[0].seq
    again = bulk.run(1000)
    assert starts(again) == [una]
    # the ACK of that one segment: slow start from one
    out = bulk.send("A", ack=una + 1000)
    assert len(starts(out)) == 2
    out = bulk.send("A", ack=una + 2000)
    assert len(starts(out)) == 2


@rfc("5681 3.1-8")
def test_second_timeout_of_the_same_segment_does_not_halve_again(bulk):
    """RFC 5681 3.1: ssthresh is kept constant for a segment already sent again. Half of ten: slow
    start up to five."""
    bulk.run(3000)
    una = bulk.flight[0].seq
    counts = []
    for _ in range(6):
        una += 1000
        counts.append(len(starts(bulk.send("A", ack=una))))
    assert counts[:4] == [2, 2, 2, 2] and counts[4] <= 2 and counts[5] <= 1


@rfc("5681 3.2-4", "5681 3.2-5")
def test_first_two_duplicate_acks_send_new_data(bulk):
    """RFC 3042: one new segment each, beyond cwnd."""
    top = bulk.ack
    a, b = lose_first(bulk, 2)
    assert starts(a) == [top] and starts(b) == [top + 1000]


@rfc("5681 3.2-3", "5681 3.2-7")
def test_third_duplicate_ack_sends_the_first_segment_again(bulk):
    una = bulk.flight[0].seq
    a, b, c = lose_first(bulk, 3)
    assert starts(c) == [una] and una not in starts(a + b)


@rfc("5681 3.2-6", "5681 3.2-8", "5681 3.2-9")
def test_window_is_inflated_by_duplicates_and_deflated_by_the_ack(bulk):
    """Ten in flight: ssthresh 5, cwnd 8 after the third; each further duplicate adds one; the full
    ACK leaves at most 5 or 6."""
    una, top = bulk.flight[0].seq, bulk.ack
    outs = lose_first(bulk, 10)
    new = [s for out in outs[3:] for s in starts(out) if (s - top) % 2**32 < 2**31]
    limited = 2
    # after the nth duplicate cwnd is 5 + n, and ten or twelve are in flight
    assert len(new) == max(0, 5 + 10 - 10 - limited)
    sent = (bulk.ack - una) % 2**32
    out = bulk.send("A")
    assert sum(s.len for s in out) <= 6000 and sent >= 10_000


@rfc("5681 3.2-3")
def test_duplicate_ack_is_one_without_data_window_change_or_fin(bulk):
    """RFC 5681 2: with data, or another window, it is no duplicate."""
    una = bulk.flight[0].seq
    outs = [bulk.send("A", ack=una, wnd=50_000 + k) for k in range(5)]
    outs += [bulk.send("PA", b"x", ack=una) for _ in range(5)]
    assert una not in [s for out in outs for s in starts(out)]


@rfc("6582 3.2-3", "6582 3.2-4")
def test_partial_ack_sends_the_next_hole_again(bulk):
    """Segments 1, 3 and 5 of the flight are lost: one round trip each, no timeout."""
    una = bulk.flight[0].seq
    outs = lose_first(bulk, 7)
    assert una in starts(outs[2])
    out = bulk.send("A", ack=una + 2000)
    assert una + 2000 in starts(out)
    out = bulk.send("A", ack=una + 4000)
    assert una + 4000 in starts(out)


@rfc("6582 3.2-4")
def test_partial_ack_deflates_the_window_by_what_it_acknowledged(bulk):
    """What is in flight after it stays within ssthresh + 3 + duplicates - acknowledged + 1
    segments."""
    una = bulk.flight[0].seq
    lose_first(bulk, 4)
    bulk.send("A", ack=una + 5000)
    in_flight = (bulk.ack - una - 5000) % 2**32
    assert in_flight <= 12_000 - 5000 + 2000


@rfc("6582 3.2-2")
def test_full_ack_ends_recovery(bulk):
    una = bulk.flight[0].seq
    lose_first(bulk, 3)
    top = bulk.ack
    bulk.send("A", ack=top)
    # a further loss is met by a new fast retransmit
    una = top
    bulk.run(0)
    outs = [bulk.send("A", ack=una) for _ in range(3)]
    assert una in starts(outs[2])


@rfc("6582 3.2-1", "6582 3.2-5")
def test_duplicates_after_a_timeout_start_no_fast_retransmit(bulk):
    """recover is the highest octet sent before the timeout: duplicates of that flight mean nothing
    new."""
    una = bulk.flight[0].seq
    bulk.run(1000)
    outs = [bulk.send("A", ack=una + 1000) for _ in range(6)]
    again = [s for out in outs for s in starts(out)]
    assert again.count(una + 1000) <= 1


@rfc("5681 4.1-1")
def test_after_an_idle_time_the_window_is_the_restart_window(lab):
    """RW = min(IW, cwnd): after a long pause at most ten segments leave at once."""
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(80_000)))
    una = p.iss + 1
    p.run(0)
    while (p.ack - una) % 2**32:
        una = una + 1000 if (p.ack - una) % 2**32 > 1000 else p.ack
        p.send("A", ack=una)
    p.run(60_000)
    p.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in p.run(0)) <= 10_000


def test_limit_of_segments_in_flight_can_be_set():
    """max_flight: more conservative than the RFCs, never less."""
    lab = Lab(tcp_options={"max_flight": 2})
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(50_000)))
    p.run(0)
    for _ in range(20):
        una = p.ack
        p.send("A")
        assert flight(p, una) <= 2000


def test_a_loss_among_two_in_flight_needs_no_timeout():
    """RFC 3042 keeps the flight in the network: each duplicate says that a segment has left it."""
    p = Peer(Lab(tcp_options={"max_flight": 2}), wnd=60000)
    p.open(opts=mss(1000))
    p.conn.send(Bytes(bytes(50_000)))
    lost = p.run(0)[0].seq
    for k in (2, 3):
        assert starts(p.send("A", ack=lost)) == [lost + 1000 * k]
    assert starts(p.send("A", ack=lost))[0] == lost


def test_one_segment_in_flight_goes_as_two_halves():
    """The peer acknowledges the second one at once; a lone segment would wait for its delayed ACK
    (RFC 9293 3.8.6.3)."""
    p = Peer(Lab(tcp_options={"max_flight": 1}), wnd=60000)
    p.open(opts=mss(1000))
    p.conn.send(Bytes(bytes(50_000)))
    assert [len(s.data) for s in p.run(0)] == [500, 500]
    assert sum(len(s.data) for s in p.send("A") + p.run(0)) == 1000


def test_every_octet_arrives_right_when_every_fifth_segment_is_lost(lab):
    p = Peer(lab, wnd=20_000)
    p.open()
    text = bytes(i * 31 % 253 for i in range(60_000))
    p.conn.finish(Bytes(text))
    have, edge, count, fin = {}, 0, 0, False
    segs = p.run(0)
    for _ in range(3000):
        replies = []
        for s in segs:
            count += 1
            if s.len and count % 5:
                have[(s.seq - p.iss - 1) % 2**32] = s
        moved = True
        while moved:
            moved = False
            for at, s in have.items():
                if at <= edge < at + s.len:
                    edge, fin, moved = at + s.len, fin or "F" in s.flags, True
        for s in segs:
            if s.len:
                replies += p.lab.give(p.segment("A", ack=p.iss + 1 + edge))
        if fin and edge == 60_001:
            break
        segs = [s for s in replies if s.len] or p.lab.run(100)
    got = bytearray(60_000)
    for at, s in have.items():
        got[at : at + len(s.data)] = s.data
    assert edge == 60_001 and bytes(got) == text


def test_ten_segment_flight_repeats_nothing(bulk):
    assert starts(bulk.flight) == [bulk.iss + 1 + 1000 * k for k in range(10)]
    assert one(bulk.send("A", ack=bulk.iss + 1001)[:1]).seq == bulk.iss + 10_001


# The window in detail: there is more to send than any window takes, so that what is in flight is
# CWND.


def avoiding(bulk):
    """CWND is 5 segments, as SSTHRESH: congestion avoidance begins with this ACK. Returns the left
    edge."""
    una = bulk.flight[0].seq
    bulk.run(1000)
    una, cwnd = step(bulk, una, 10_000)  # the retransmission filled the hole
    assert cwnd == 2000
    while cwnd < 5000:
        una, cwnd = step(bulk, una, 1000)
    assert cwnd == 5000
    return una


@rfc("5681 3.1-7")
def test_what_is_left_over_counts_for_the_next_increase(bulk):
    """Three ACKs of two segments: 6000 octets for a window of 5000. The remainder brings each
    further increase with three ACKs too, where a fresh count would need four for 7000 octets."""
    una = avoiding(bulk)
    sizes = []
    for _ in range(9):
        una, cwnd = step(bulk, una, 2000)
        sizes.append(cwnd)
    assert sizes == [5000, 5000, 6000, 6000, 6000, 7000, 7000, 7000, 8000]


@rfc("5681 3.1-7", "5681 3.1-8")
def test_timeout_forgets_what_was_counted_for_the_next_increase(bulk):
    """4000 of 5000 octets were counted before it."""
    una = avoiding(bulk)
    for _ in range(4):
        una, cwnd = step(bulk, una, 1000)
    assert cwnd == 5000
    bulk.run(3000, until=lambda s: s.seq == una)
    sizes = []
    for _ in range(6):
        una, cwnd = step(bulk, una, 1000)
        sizes.append(cwnd)
    # SSTHRESH is 2500: CWND is 3 segments with the second ACK, 4 with three more
    assert sizes == [4000, 3000, 3000, 3000, 4000, 4000]


@rfc("6582 3.2-4")
def test_partial_ack_of_more_than_the_window_leaves_a_segment(bulk):
    """Twelve in flight, CWND is 8 after three duplicates; an ACK of nine segments is partial. CWND
    is one segment then, and one for what arrived: of the three in flight only the hole goes again;
    two more duplicates let one more out."""
    una = bulk.flight[0].seq
    lose_first(bulk, 3)
    una += 9000
    top = bulk.ack
    assert starts(bulk.send("A", ack=una)) == [una]
    assert starts(bulk.send("A", ack=una)) == []
    assert starts(bulk.send("A", ack=una)) == [top]


@rfc("6582 3.2-3")
@pytest.mark.parametrize(
    "dups, new, cwnd", [(3, 0, 2000), (10, 3, 4000), (11, 4, 5000), (14, 7, 5000)]
)
def test_full_ack_leaves_what_is_in_flight_and_a_segment(bulk, dups, new, cwnd):
    """min(ssthresh, max(FlightSize, SMSS) + SMSS), where ssthresh is 5 segments: no burst,
    whatever the duplicates have let out."""
    outs = lose_first(bulk, dups)
    sent = [s for out in outs[3:] for s in starts(out)]
    assert len(sent) == new
    una = bulk.flight[0].seq + 12_000
    bulk.send("A", ack=una)
    assert flight(bulk, una) == max(cwnd, 1000 * new)


@rfc("5681 4.1-1")
def test_restart_after_an_idle_time_widens_nothing(lab):
    """RW = min(IW, cwnd): with a CWND of 4 segments, four."""
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(13_000)))
    una = p.run(0)[0].seq
    p.run(1000)  # SSTHRESH is 5 segments
    una, cwnd = step(p, una, 10_000)
    assert cwnd == 2000
    una, cwnd = step(p, una, 1000)
    assert cwnd == 2000  # all that is left; CWND is 3 segments
    una, cwnd = step(p, una, 2000)
    assert cwnd == 0
    p.run(60_000)
    p.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in p.run(0)) == 4000


@rfc("5681 4.1-1")
@pytest.mark.parametrize("pause, segments", [(1000, 30), (1001, 10)])
def test_pause_of_more_than_an_rto_is_an_idle_time(lab, pause, segments):
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(20_000)))
    una = p.run(0)[0].seq
    for _ in range(20):
        una, _n = step(p, una, 1000)
    assert _n == 0
    lab.run(pause)
    p.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in p.run(0)) == 1000 * segments
