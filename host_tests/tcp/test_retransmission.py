"""The retransmission timer (RFC 6298), R1 and R2 (RFC 9293 3.8.3), Karn's algorithm."""

import itertools

import pytest
from lab import net
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one
from uipy import App, Bytes
from uipy.tcp.row import SSTHRESH

rfc = pytest.mark.rfc


def exchange(p, rtt, n=1, data=b"x"):
    """n segments of one octet, each acknowledged after rtt ms."""
    for _ in range(n):
        p.conn.send(Bytes(data))
        one(p.run(0))
        p.lab.run(rtt)
        p.send("A")


def timeout(p):
    """ms until the next octet is sent again, on a connection with nothing in flight. It is then
    acknowledged."""
    p.conn.send(Bytes(b"?"))
    one(p.run(0))
    start = p.lab.ms
    at = one(p.run(70_000, until=lambda s: s.data)).at
    p.send("A")
    return at - start


@rfc("6298 2-1")
def test_rto_is_one_second_before_the_first_measurement(lab):
    """The passive side's SYN-ACK is not measured or measured at 0 ms: 1 s either way (2.4)."""
    p = Peer(lab)
    p.send("S")
    assert one(p.run(1500)).at == 1000


@rfc("6298 2-4")
def test_rto_is_never_below_one_second(peer):
    exchange(peer, 1, 20)
    assert timeout(peer) == 1000


@rfc("6298 2-2", "9293 MUST-18")
def test_first_measurement_makes_rto_three_times_the_round_trip(lab):
    """SRTT = R, RTTVAR = R/2: RTO = R + 4 * R/2 = 3 R. The SYN's round trip is the measurement."""
    app, p, _syn = active(lab)
    lab.run(900)
    p.send("SA", opts=mss(1000))
    app.c.send(Bytes(b"?"))
    one(p.run(0))
    start = lab.ms
    assert abs(one(p.run(5000, until=lambda s: s.data)).at - start - 2700) <= 30


@rfc("6298 2-3", "9293 MUST-18")
def test_later_measurements_follow_the_filter(lab):
    """RTTVAR <- 3/4 RTTVAR + 1/4 |SRTT - R|, then SRTT <- 7/8 SRTT + 1/8 R, RTO = SRTT + 4 RTTVAR,
    to a few ms."""
    app, p, _syn = active(lab)
    lab.run(600)
    p.send("SA", opts=mss(1000))
    srtt, rttvar = 600.0, 300.0
    for r in (700, 650, 800, 600, 900, 720):
        exchange(p, r)
        rttvar = 0.75 * rttvar + 0.25 * abs(srtt - r)
        srtt = 0.875 * srtt + 0.125 * r
        assert app.said("error") == []
    app.c.send(Bytes(b"?"))
    one(p.run(0))
    start = lab.ms
    rto = one(p.run(9000, until=lambda s: s.data)).at - start
    assert abs(rto - (srtt + 4 * rttvar)) <= 20


@rfc("6298 3-1", "9293 MUST-18")
def test_retransmitted_segment_is_not_measured(peer):
    """Karn: the ACK comes 5 s after the first sending and 3 s after the second; neither is taken
    for a round trip."""
    exchange(peer, 10, 30)
    peer.conn.send(Bytes(b"?"))
    one(peer.run(0))
    peer.lab.run(5000)
    peer.send("A")
    exchange(
        peer, 10
    )  # RFC 6298 5: the backed-off value stays until something new was acknowledged
    assert timeout(peer) == 1000


@rfc("6298 3-2")
def test_the_round_trip_is_measured_again_and_again(lab):
    """When the path becomes slower, RTO follows within some exchanges."""
    p = Peer(lab)
    p.open()
    exchange(p, 10, 10)
    for r in (500, 700, 900, 900, 900, 900, 900, 900):
        exchange(p, r)
    assert timeout(p) > 1200


@rfc("6298 5-2", "6298 5-6", "9293 MUST-19")
def test_timer_backs_off_by_doubling(peer):
    peer.conn.send(Bytes(b"data"))
    first = one(peer.run(0))
    again = peer.run(31_000)
    assert [s.at for s in again] == [1000, 3000, 7000, 15_000, 31_000]
    assert {(s.seq, s.data) for s in again} == {(first.seq, b"data")}


@rfc("6298 2-5")
def test_rto_has_a_maximum_of_at_least_a_minute(peer):
    peer.conn.user_timeout_s = 3000
    peer.conn.send(Bytes(b"data"))
    times = [s.at for s in peer.run(1_000_000)]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert max(gaps) == gaps[-1] == gaps[-2] >= 60_000


@rfc("6298 5-3")
def test_no_timer_runs_when_all_is_acknowledged(peer):
    exchange(peer, 50)
    assert not peer.run(100_000)


@rfc("6298 5-4", "6298 5-1")
def test_ack_of_new_data_starts_the_timer_anew(peer):
    exchange(peer, 10, 30)  # an RTO of one second
    peer.conn.nodelay = True
    peer.conn.send(Bytes(bytes(2000)))
    a, b = peer.run(0)
    peer.lab.run(500)
    peer.send("A", ack=a.end)
    start = peer.lab.ms
    again = one(peer.run(3000, until=lambda s: s.data))
    assert again.seq == b.seq and 1000 <= again.at - start <= 1200


@rfc("6298 5-5")
def test_timeout_sends_the_earliest_segment_first(bulk):
    again = bulk.run(1000, until=lambda s: s.data and s.at)
    assert again[0].seq == bulk.flight[0].seq and again[0].data == bulk.flight[0].data


@rfc("6298 5-1")
def test_nothing_is_sent_again_before_one_rto(bulk):
    assert not bulk.run(999)


@rfc("6298 5-7")
def test_after_a_lost_syn_rto_begins_with_three_seconds(lab):
    app, p, _syn = active(lab)
    lab.run(1500)
    p.send("SA", opts=mss(1000))
    app.c.send(Bytes(b"?"))
    one(p.run(0))
    start = lab.ms
    assert one(p.run(9000, until=lambda s: s.data)).at - start == 3000


@rfc("6298 5-7")
def test_after_a_lost_syn_ack_rto_begins_with_three_seconds(lab):
    p = Peer(lab)
    p.send("S")
    p.run(1500)
    p.send("A")
    assert timeout(p) == 3000


# R1 and R2.


@rfc("9293 MUST-20a")
@pytest.mark.parametrize("more", [0, 1])
def test_after_three_retransmissions_the_neighbour_is_asked_whether_it_is_still_there(more):
    """RFC 9293 3.8.3 (b): negative advice to IP. On an Ethernet that is an ARP request to the MAC
    that we have."""
    wire = net.Wire()
    stack = wire.board(tcp=2)
    if more:  # where nobody is asked anything
        stack.add_iface(net.Wire(clock=wire.clock), "192.168.5.7/24")
    app = HalfCloser()
    stack.listen(7, lambda: app, 1)
    there = net.Station(wire)
    there.establish(7)
    app.c.send(Bytes(b"data"))

    def asked(ms):
        return [f.arp.op for f in wire.run(ms) if f.arp and f.dst == there.mac]

    assert asked(6900) == []
    assert asked(200) == [1]


@rfc("9293 SHLD-9", "9293 SHLD-10", "9293 MUST-47")
def test_application_is_told_after_three_retransmissions(peer, lab):
    """R1 is at least 3 retransmissions; the report comes once, and the connection goes on."""
    peer.conn.send(Bytes(b"data"))
    peer.run(6999)
    assert "retrying" not in lab.app.said("error")
    peer.run(40_000)
    assert lab.app.said("error").count("retrying") == 1 and not lab.app.said("closed")
    peer.send("A")
    peer.send("PA", b"back again")
    assert lab.app.data == b"back again"


@rfc("9293 MUST-20b", "9293 SHLD-11")
def test_connection_is_given_up_after_r2_of_at_least_100_seconds(peer, lab):
    peer.conn.send(Bytes(b"data"))
    peer.run(100_000)
    assert not lab.app.said("closed")
    peer.run(1_000_000)
    assert lab.app.said("closed") == ["timeout"]
    assert not lab.run(100_000)


@rfc("9293 MUST-21")
@pytest.mark.parametrize("seconds", [5, 30, 400])
def test_application_sets_r2(peer, lab, seconds):
    peer.conn.user_timeout_s = seconds
    peer.conn.send(Bytes(b"data"))
    peer.run(seconds * 1000 - 500)
    assert not lab.app.said("closed")
    peer.run(65_000)
    assert lab.app.said("closed") == ["timeout"]


@rfc("9293 MUST-21")
def test_r2_of_one_connection_leaves_another_alone(lab):
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    for p in (a, b):
        p.open()
        p.conn.send(Bytes(b"data"))
    a.conn.user_timeout_s = 5
    lab.run(60_000)
    assert a.app.said("closed") == ["timeout"] and not b.app.said("closed")


def test_progress_puts_r2_off(peer, lab):
    """Each octet acknowledged is a new beginning: only the same segment's retransmissions
    count."""
    peer.conn.user_timeout_s = 10
    peer.conn.send(Bytes(bytes(100)))
    one(peer.run(0))
    for k in range(1, 20):
        peer.lab.run(5000)
        peer.send("A", ack=peer.iss + 1 + k)
    assert not lab.app.said("closed")


@rfc("9293 SHLD-20")
def test_application_that_does_not_want_reports_overrides_nothing(lab):
    """`error` does nothing in the base class: reports that nobody overrides are thrown away."""
    lab = Lab(app=App, listeners=1)
    app = lab.apps[0]
    p = Peer(lab)
    p.send("S", opts=mss(1000))
    p.send("A")
    app.conn.send(Bytes(b"data"))
    lab.run(90_000)
    assert not lab.errors and app.conn.state_name == "ESTABLISHED"


def test_retransmission_repeats_number_and_octets_whatever_its_ip_identity(peer):
    peer.conn.send(Bytes(b"same"))
    a, b = one(peer.run(0)), one(peer.run(1000))
    assert (a.seq, a.data) == (b.seq, b.data)


def test_row_in_doubt_does_not_disturb_others(lab):
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    a.open()
    lab.app.c.send(Bytes(b"never acknowledged"))
    b.open()
    lab.run(0)
    b.send("PA", b"hello")
    assert lab.app.data == b"hello"


@rfc("9293 MUST-20b")
@pytest.mark.parametrize("seconds, sent, closed", [(7, [1, 3], 7), (8, [1, 3, 7], 15)])
def test_r2_is_looked_at_when_the_timer_runs_out(peer, lab, seconds, sent, closed):
    """At R2 exactly it is over; otherwise the segment goes again, and the end comes with the next
    one."""
    peer.conn.user_timeout_s = seconds
    peer.conn.send(Bytes(b"data"))
    start = lab.ms
    one(peer.run(0))
    assert [s.at - start for s in peer.run(closed * 1000 - 1)] == [1000 * s for s in sent]
    assert not lab.app.said("closed")
    assert not peer.run(1)
    assert lab.app.said("closed") == ["timeout"]


@rfc("6298 3-1", "9293 MUST-18")
def test_syn_that_was_sent_twice_is_not_measured(lab):
    """Karn: the answer comes 1.5 s after the first SYN. The first round trip that counts is the
    one of 10 ms."""
    _app, p, _syn = active(lab)
    lab.run(1500)
    p.send("SA", opts=mss(1000))
    exchange(p, 10)
    assert timeout(p) == 1000


@rfc("6298 3-1", "9293 MUST-18")
def test_syn_ack_of_a_simultaneous_open_is_not_measured_when_the_syn_was_sent_before(lab):
    _app, p, syn = active(lab)
    p.ack = 0
    lab.run(900)
    p.send("S", opts=mss(1000))
    lab.run(900)
    p.ack = syn.end
    p.send("A")
    exchange(p, 10)
    assert timeout(p) == 1000


@pytest.mark.parametrize("gap", [0, 9])
def test_what_the_peer_lost_does_not_make_us_slower(lab, gap):
    """A gap in what comes is one thing, how often we have sent again is another: the first
    time-out halves what was in flight (RFC 5681 3.1, (4))."""
    p = Peer(lab)
    p.open()
    if gap:
        p.send("PA", bytes(gap), seq=p.seq + 12)
    p.conn.send(Bytes(bytes(9000)))
    start, flight = lab.ms, sum(s.len for s in p.run(0))
    again = [s.at - start for s in p.run(7000) if s.data]
    assert again == [1000, 3000, 7000]
    assert p.conn.row[SSTHRESH] == max(flight // 2, 2000)
