"""Congestion control to the octet (RFC 5681, 6582, 6928): both sides of each limit, and what is
left of a loss when it has been mended. MSS is 1000."""

import pytest
from lab.tcp import SACK_OK, Lab, Peer, flight, mss, one, sack, starts, step
from uipy import Bytes

rfc = pytest.mark.rfc
TOP = 61_440  # the largest window that we use


def sender(lab, octets=2_000_000, size=1000, opts=b""):
    """A peer with the largest window, to whom the board sends."""
    p = Peer(lab, wnd=65_535)
    p.open(opts=mss(size) + opts)
    p.conn.nodelay = True
    p.conn.send(Bytes(bytes(octets)))
    p.first = p.run(0)
    p.una = p.iss + 1
    return p


def duplicates(p, n, una=None):
    """n duplicate ACKs; how many segments each of them brings."""
    return [len(starts(p.send("A", ack=p.una if una is None else una))) for _ in range(n)]


# How it begins


@rfc("5681 3.1-2")
@pytest.mark.parametrize(
    "size, window, full",
    [
        (1000, 10_000, 10_000),
        (2000, 14_600, 14_000),
        (6000, 14_600, 12_000),
        (8000, 16_000, 16_000),
    ],
)
def test_initial_window_is_that_of_rfc_6928(size, window, full):
    """min(10 * MSS, max(2 * MSS, 14600)). What does not fit whole waits: of one octet more only
    the full segments go."""
    sent = [
        sum(s.len for s in sender(Lab(mtu=size + 40), octets, size).first)
        for octets in (window, window + 1)
    ]
    assert sent == [window, full]


# After a pause


@rfc("5681 4.1-1")
def test_restart_window_is_ten_segments_also_for_a_window_of_eleven(lab):
    p = sender(lab, 10_000)
    assert step(p, p.una, 10_000)[1] == 0
    lab.run(1001)
    p.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in p.run(0)) == 10_000


@rfc("5681 4.1-1")
@pytest.mark.parametrize("pause, segments", [(1000, 11), (1001, 10)])
@pytest.mark.parametrize("at", [0, 4500])
def test_pause_of_more_than_an_rto_ends_the_ack_clock(lab, at, pause, segments):
    """The second time, at the edges of UIPY_T0, the clock wraps meanwhile."""
    lab.run(at)
    p = sender(lab, 10_000)
    step(p, p.una, 10_000)
    lab.run(pause)
    p.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in p.run(0)) == 1000 * segments


# After a timeout


@rfc("5681 3.1-8")
@pytest.mark.parametrize("segments, threshold", [(1, 2000), (4, 2000), (5, 2500), (6, 3000)])
def test_threshold_is_half_of_the_flight_and_two_segments_at_least(lab, segments, threshold):
    """Slow start up to it, a segment for each ACK; from there on a segment for each window."""
    p = sender(lab, 1000 * segments)
    p.run(1000)
    una, n = step(p, p.una, 1000 * segments)
    assert n == 0
    p.conn.send(Bytes(bytes(100_000)))
    p.run(0)
    sizes = []
    for _ in range(4):
        una, n = step(p, una, 1000)
        sizes.append(n)
    want, cwnd, counted = [], 2000, 0
    for _ in range(4):
        if cwnd < threshold:
            cwnd += 1000
        else:
            counted += 1000
            if counted >= cwnd:
                counted -= cwnd
                cwnd += 1000
        want.append(cwnd // 1000 * 1000)
    assert sizes == want


@rfc("6582 3.2-1", "5681 3.2-4")
def test_duplicates_after_a_timeout_let_two_segments_out_and_no_more(lab):
    """RFC 3042: beyond CWND there are two, however many duplicates come."""
    p = sender(lab)
    p.run(1000)
    p.una, n = step(p, p.una, 1000)
    assert n == 9000  # two of them sent again
    assert duplicates(p, 8) == [1, 1, 0, 0, 0, 0, 0, 0]
    assert lab.wire.count("tcp_fast") == 0


@rfc("6582 3.2-1", "6582 3.2-5")
@pytest.mark.parametrize("steps", [[10_000], [1000] * 10, [3000, 3000, 4000], [9999, 1]])
def test_loss_behind_the_flight_that_timed_out_is_met_again(lab, steps):
    """In however many ACKs RECOVER is passed."""
    p = sender(lab)
    p.run(1000)
    for n in steps:
        p.una, _ = step(p, p.una, n)
    assert lab.wire.count("tcp_fast") == 0
    assert starts(p.send("A", ack=p.una)) and starts(p.send("A", ack=p.una))
    assert starts(p.send("A", ack=p.una))[0] == p.una
    assert lab.wire.count("tcp_fast") == 1


@rfc("6582 3.2-5")
def test_duplicates_below_recover_start_nothing(lab):
    p = sender(lab)
    p.run(1000)
    p.una, _ = step(p, p.una, 9999)
    duplicates(p, 5)
    assert lab.wire.count("tcp_fast") == 0


# In fast recovery


def recovering(lab, dups=10):
    """Ten segments were in flight, the first was lost, two went by RFC 3042: SSTHRESH is 5
    segments, CWND 5 and one for each duplicate, and it is full from the tenth on."""
    p = sender(lab)
    assert sum(duplicates(p, dups)) == 2 + 1 + max(dups - 7, 0)
    assert lab.wire.count("tcp_fast") == 1
    return p


@rfc("6582 3.2-4")
@pytest.mark.parametrize(
    "octets, new", [(500, 0), (999, 0), (1000, 1), (1001, 1), (2000, 1), (5000, 1)]
)
def test_partial_ack_takes_off_what_it_says_and_adds_a_segment_for_a_segment(lab, octets, new):
    p = recovering(lab)
    top = p.ack
    p.una += octets
    assert starts(p.send("A", ack=p.una)) == [p.una] + [top] * new
    # and each further duplicate lets one out, but for what the window has too little
    assert sum(duplicates(p, 3)) == 3


@rfc("6582 3.2-4")
@pytest.mark.parametrize("segments", [7, 8, 9])
def test_partial_ack_leaves_two_segments_at_least(lab, segments):
    """CWND is 8 after three duplicates, and twelve are in flight. What is left of it is one
    segment, and one for what arrived."""
    p = recovering(lab, 3)
    p.una += 1000 * segments
    assert starts(p.send("A", ack=p.una)) == [p.una]
    left = 12 - segments
    assert duplicates(p, left) == [0] * (left - 2) + [1, 1]


@rfc("6582 3.2-2", "6582 3.2-3")
@pytest.mark.parametrize("steps", [[12_000], [2000, 10_000], [1000, 1000, 10_000], [11_999, 1]])
def test_recovery_ends_when_all_of_that_flight_is_acknowledged(lab, steps):
    """In however many ACKs. Of what was sent in recovery all is acknowledged next; a loss behind
    it is met by a fast retransmit."""
    p = recovering(lab)
    for n in steps:
        p.una, _ = step(p, p.una, n)
    p.una, n = step(p, p.una, flight(p, p.una))
    duplicates(p, 3)
    assert lab.wire.count("tcp_fast") == 2


@rfc("6582 3.2-3")
def test_two_hundred_and_sixty_duplicates_are_one_loss(lab):
    p = recovering(lab)
    assert sum(duplicates(p, 250)) == 46  # up to the largest window: 61 segments
    assert lab.wire.count("tcp_fast") == 1 and flight(p, p.una) == 61_000
    una = p.una
    p.una, n = step(p, p.una, 12_000)
    assert lab.wire.count("tcp_rexmt") == 1 and una != p.una and n == 49_000


@rfc("2018 5-1")
def test_recovery_begins_with_the_first_hole_whatever_the_one_before_looked_at():
    """The hole of the second one was sent again in the first one, and lost again."""
    lab = Lab(tcp_options={"sack": True})
    p = sender(lab, opts=SACK_OK)
    una = p.una

    def dup(*ranges):
        blocks = [(una + 1000 * a, una + 1000 * b) for a, b in ranges]
        return [(s - una) // 1000 for s in starts(p.send("A", ack=p.una, opts=sack(*blocks)))]

    assert [dup((1, k)) for k in (2, 3)] == [[10], [11]]
    assert dup((1, 4)) == [0]
    sent = [n for k in range(5, 13) for n in dup((1, k))]
    assert sent[0] == 12 and len(sent) >= 3
    assert 13 in sent and 14 in sent
    assert 13 not in dup((1, 13)) and 13 in dup((14, 15), (1, 13))
    p.una = una + 13_000  # RECOVER was 12 000
    assert 13 not in dup((14, 15))
    more = [dup((14, k)) for k in (16, 17, 18)]
    assert 13 in more[0] + more[1] + more[2]
    assert lab.wire.count("tcp_fast") == 2


# The largest window


def at_the_top(lab):
    """CWND has come to its limit, and so has SSTHRESH: congestion avoidance counts from now on."""
    p = sender(lab)
    for _ in range(52):
        p.una, n = step(p, p.una, 1000)
    assert n == 61_000
    return p


@rfc("5681 3.1-7")
@pytest.mark.parametrize("counted", [36_023, 36_024, 36_025, 61_000])
def test_what_is_counted_for_the_next_increase_stays_in_16_bits(lab, counted):
    """A loss with much counted, which leaves half of the window, and behind it an ACK of 60 000.
    36 024 come to 65 536 then, one too many."""
    p = at_the_top(lab)
    while counted:
        n = min(counted, 1000)
        counted -= n
        p.una, _ = step(p, p.una, n)
    duplicates(p, 3)
    assert lab.wire.count("tcp_fast") == 1
    sent = flight(p, p.una)
    p.una, _ = step(p, p.una, sent - 1000)
    duplicates(p, 70)
    p.una, n = step(p, p.una, 1000)
    p.una, _ = step(p, p.una, n)
    for _ in range(3):
        p.una, n = step(p, p.una, 1000)
    assert p.state == "ESTABLISHED" and not lab.errors
    assert n == 33_000
    one(p.send("A", seq=p.seq - 1))
