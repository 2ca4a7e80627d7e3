"""SYN-RECEIVED: our SYN-ACK is out (RFC 9293 3.10.7.4), after a passive open and after a
simultaneous one."""

import itertools

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, is_ack, is_reset, mss, one
from uipy.net.datagram import CLOCK_LOW

rfc = pytest.mark.rfc


def test_ack_of_the_syn_ack_establishes(syn_received, lab):
    assert not syn_received.send("A")
    assert syn_received.state == "ESTABLISHED" and lab.app.said("connected") == [None]


def test_ack_with_data_establishes_and_delivers(syn_received, lab):
    syn_received.send("PA", b"GET /")
    assert lab.app.data == b"GET /"
    assert is_ack(one(syn_received.run(500)), syn_received)


def test_ack_with_data_and_fin_is_one_segment_to_close_wait(syn_received, lab):
    assert is_ack(one(syn_received.send("FPA", b"query")), syn_received)
    assert lab.app.data == b"query" and syn_received.state == "CLOSE-WAIT"
    assert [e[0] for e in lab.app.events] == ["connected", "received", "peer_closed"]


def test_syn_again_is_answered_again_with_the_same_number(syn_received):
    s = one(syn_received.send("S", seq=syn_received.isn))
    assert s.flags in ("SA", "A") and s.ack == syn_received.isn + 1
    assert s.seq == syn_received.iss + (s.flags == "A")


def test_unacceptable_ack_is_reset_at_that_ack_and_the_handshake_goes_on(syn_received):
    for wrong in (
        syn_received.iss,
        syn_received.iss + 2,
        syn_received.iss - 5,
        syn_received.iss + 2**31,
    ):
        is_reset(one(syn_received.send("A", ack=wrong)), wrong)
    syn_received.send("A")
    assert syn_received.state == "ESTABLISHED"


def test_ack_outside_the_window_is_answered_and_does_not_establish(syn_received, lab):
    s = one(syn_received.send("A", seq=syn_received.seq + 0x10000000))
    assert s.flags in ("A", "SA") and s.ack == syn_received.seq
    assert not any(a.events for a in lab.apps)


def test_segment_without_ack_is_dropped(syn_received, lab):
    assert not syn_received.send("P", b"x", seq=syn_received.seq)
    assert not any(a.events for a in lab.apps)


@rfc("9293 MUST-11", "5961 3.2-2")
def test_rst_after_a_passive_open_goes_back_to_listen_in_silence(syn_received, lab):
    assert not syn_received.send("R")
    assert not any(a.events for a in lab.apps) and not lab.run(100_000)
    Peer(lab, isn=7777).open()


@rfc("5961 3.2-3")
def test_rst_in_the_window_but_not_at_its_edge_is_challenged(syn_received):
    s = one(syn_received.send("R", seq=syn_received.seq + 1))
    assert s.flags in ("A", "SA") and s.ack == syn_received.seq
    syn_received.send("A")
    assert syn_received.state == "ESTABLISHED"


@rfc("5961 3.2-1")
def test_rst_outside_the_window_is_dropped(syn_received):
    assert not syn_received.send("R", seq=syn_received.seq - 1)
    assert not syn_received.send("R", seq=syn_received.seq + 0x100000)
    syn_received.send("A")
    assert syn_received.state == "ESTABLISHED"


def test_client_that_starts_again_with_another_number_gets_connected(syn_received, lab):
    """Its SYN meets the old half-open row: back to LISTEN, or a challenge that it resets; its next
    SYN connects."""
    again = Peer(lab, isn=0x40000000)
    for s in again.send("S"):
        if s.flags != "SA" or s.ack != again.seq:
            again.send("R", seq=s.ack)
    for _ in range(2):
        out = again.send("S", seq=again.isn)
        if out and out[0].flags == "SA" and out[0].ack == again.seq:
            break
    again.ack = out[0].end
    again.send("A")
    assert again.state == "ESTABLISHED"


@rfc("9293 MUST-22")
def test_syn_ack_is_sent_again_with_doubling_intervals(syn_received):
    again = syn_received.run(40_000)
    assert len(again) >= 3 and {s.flags for s in again} == {"SA"}
    assert {(s.seq, s.ack) for s in again} == {(syn_received.iss, syn_received.seq)}
    times = [0] + [s.at for s in again]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps[0] >= 1000
    assert all(b == 2 * a for a, b in itertools.pairwise(gaps))


@rfc("9293 MUST-23")
def test_syn_ack_is_sent_again_for_three_minutes(syn_received):
    assert syn_received.run(400_000)[-1].at >= 180_000


@rfc("9293 MUST-23")
def test_handshake_can_be_completed_for_three_minutes(syn_received):
    syn_received.run(179_000)
    syn_received.send("A")
    assert syn_received.state == "ESTABLISHED"


def test_handshake_that_is_never_completed_ends_in_silence(syn_received, lab):
    last = syn_received.run(400_000)
    assert not any("R" in s.flags for s in last) and not any(a.events for a in lab.apps)
    assert not lab.run(200_000)
    is_reset(one(syn_received.send("A")), syn_received.ack)


def test_fin_behind_data_that_is_missing_waits_for_it(syn_received, lab):
    p = syn_received
    p.send("A")
    start = p.seq
    p.send("FPA", b"second", seq=start + 5)
    assert p.state == "ESTABLISHED" and not lab.app.said("peer_closed")
    p.send("PA", b"first", seq=start)
    p.send("FPA", b"second", seq=start + 5)
    assert lab.app.data == b"firstsecond" and p.state == "CLOSE-WAIT"


# Simultaneous open (RFC 9293 3.5, figure 7): the board and the peer send their SYNs at the same
# time.


@pytest.fixture
def crossed(lab):
    """The board's SYN met the peer's: it is in SYN-RECEIVED, from SYN-SENT."""
    app, p, syn = active(lab)
    p.ack = 0
    p.syn_ack = one(p.send("S", opts=mss(1000)), "SA")
    p.ack = syn.end
    p.app = app
    return p


@rfc("9293 MUST-10")
def test_crossing_syn_is_answered_with_syn_ack_of_the_same_number(crossed):
    assert crossed.syn_ack.seq == crossed.iss and crossed.syn_ack.ack == crossed.isn + 1
    assert "mss" in crossed.syn_ack.opts
    assert not crossed.app.said("connected")


@rfc("9293 MUST-10")
@pytest.mark.parametrize("flags", ["A", "SA"])
def test_simultaneous_open_is_completed_by_ack_and_by_syn_ack(crossed, flags):
    """The peer's SYN-ACK repeats its SYN's number; a SYN below the window still acknowledges our
    SYN."""
    crossed.send(flags, seq=crossed.isn if flags == "SA" else crossed.seq)
    crossed.run(10)
    assert crossed.app.said("connected") == [None] and crossed.app.c.state_name == "ESTABLISHED"
    crossed.send("PA", b"hello")
    assert crossed.app.data == b"hello"


def test_what_is_to_be_sent_waits_for_the_end_of_a_simultaneous_open(crossed):
    """Nothing leaves meanwhile, not an ACK either; then the text does."""
    crossed.app.c.finish(b"query")
    assert not crossed.run(500)
    text = crossed.send("A") + crossed.run(0)
    assert [s.data for s in text if s.data] == [b"query"]


@pytest.mark.parametrize("flags", ["A", "PA", "FA", "", "F", "UA"])
def test_only_a_syn_may_have_the_number_of_the_syn(crossed, flags):
    """Below the window anything else is answered as it is anywhere, and goes no further."""
    out = crossed.send(flags, seq=crossed.isn)
    assert is_ack(one(out), crossed, crossed.isn + 1)
    assert out[0].seq == crossed.iss + 1 and crossed.app.c.state_name == "SYN-RECEIVED"
    assert crossed.lab.wire.count("tcp_old") == 1


@pytest.mark.parametrize(
    "flags, data, up, told",
    [
        ("SA", b"hello", 0, [("received", 5)]),
        ("SA", b"h", 0, [("received", 1)]),
        ("SFA", b"", 0, [("peer_closed", None)]),
        ("SFA", b"hello", 0, [("received", 5), ("peer_closed", None)]),
        ("SUA", b"", 3, [("urgent", 3)]),
        ("SUA", b"hello", 5, [("urgent", 5), ("received", 5), ("urgent", 0)]),
        ("A", b"hello", 0, [("received", 5)]),
        ("FA", b"hello", 0, [("received", 5), ("peer_closed", None)]),
    ],
)
def test_what_comes_with_the_end_of_a_simultaneous_open_is_taken(crossed, flags, data, up, told):
    """The SYN has been counted: the text behind it begins at RCV.NXT."""
    out = crossed.send(flags, data, seq=crossed.isn + ("S" not in flags), up=up)
    assert crossed.app.events[1:] == [("connected", None), *told]
    assert crossed.app.data == data
    end = crossed.isn + 1 + len(data) + ("F" in flags)
    out = out or crossed.run(500)
    assert is_ack(one(out), crossed, end) and out[0].seq == crossed.iss + 1


@pytest.mark.parametrize("wnd", [0, 1, 2000])
def test_ack_of_a_simultaneous_open_says_what_the_window_is(crossed, wnd):
    """And the SYN,ACK does not: it is the SYN once more."""
    crossed.send("A", wnd=wnd)
    crossed.app.c.send(bytes(5000))
    assert sum(s.len for s in crossed.run(0)) == (2000 if wnd == 2000 else 0)


@pytest.mark.parametrize("flags, ack", [("A", 0), ("A", 2), ("SA", 0), ("SA", 2), ("FA", 2)])
def test_another_ack_than_that_of_our_syn_is_reset_and_the_open_goes_on(crossed, flags, ack):
    wrong = crossed.iss + ack
    out = crossed.send(flags, seq=crossed.isn + ("S" not in flags), ack=wrong)
    is_reset(one(out), wrong)
    assert crossed.app.c.state_name == "SYN-RECEIVED" and crossed.app.c.unacked == 1
    crossed.send("A", seq=crossed.isn + 1)
    assert crossed.app.c.state_name == "ESTABLISHED"


def test_crossing_syn_again_is_answered_with_our_syn_ack_again(crossed):
    s = one(crossed.send("S", seq=crossed.isn, opts=mss(1000)), "SA")
    assert (s.seq, s.ack, s.opts) == (crossed.iss, crossed.isn + 1, crossed.syn_ack.opts)
    assert crossed.lab.wire.count("tcp_rexmt") == 2


def test_the_round_trip_of_a_simultaneous_open_that_lost_nothing_is_unknown(crossed):
    """Our SYN has gone twice, the second time with the ACK: RFC 6298 3, and 5.7."""
    crossed.send("A", wnd=8000)
    crossed.app.c.send(b"x")
    crossed.run(0)
    at = crossed.lab.ms
    assert [s.at - at for s in crossed.run(2500) if s.data][:1] == [1000]


@rfc("9293 MUST-11")
def test_rst_after_an_active_open_is_refusal(crossed):
    assert not crossed.send("R")
    assert crossed.app.said("closed") == ["refused"]
    assert crossed.lab.wire.count("tcp_rst_in") == 1


def test_rst_where_the_syn_was_is_dropped(crossed):
    assert not crossed.send("R", seq=crossed.isn) and not crossed.send("RS", seq=crossed.isn)
    assert not crossed.app.said("closed") and crossed.lab.wire.count("tcp_old") == 2


@rfc("9293 MUST-10")
def test_two_stacks_open_to_each_other_at_once():
    """Figure 7 with a stack on both sides: one connection, no RST."""
    a, b = Lab(), Lab(ip="10.0.0.2/24")
    apps = [HalfCloser(), HalfCloser()]
    apps[0].c = a.stack.connect(apps[0], "10.0.0.2", 5001, lport=5000)
    apps[1].c = b.stack.connect(apps[1], "10.0.0.1", 5000, lport=5001)
    fa, fb = a.run(0), b.run(0)
    for _ in range(6):
        fa, fb = a.give(*[s.frame for s in fb]), b.give(*[s.frame for s in fa])
        assert not any("R" in s.flags for s in fa + fb)
    assert [x.said("connected") for x in apps] == [[None], [None]]
    assert [x.c.state_name for x in apps] == ["ESTABLISHED", "ESTABLISHED"]


@rfc("9293 MUST-22", "9293 MUST-23")
def test_syn_ack_goes_eight_times_more_a_minute_apart_in_the_end(syn_received, lab):
    times = [s.at for s in syn_received.run(400_000)]
    assert times == [1000 * s for s in (1, 3, 7, 15, 31, 63, 123, 183)]


def test_half_open_row_is_forgotten_a_minute_after_its_last_syn_ack(syn_received, lab):
    half = lab.stack.tcp.half
    lab.run(242_999)
    assert half.used() == 1
    lab.run(1)
    assert half.used() == 0


def test_row_whose_syn_ack_went_three_times_makes_room_for_a_syn_and_not_before():
    lab = Lab(half_open=1)
    one(Peer(lab, port=40000).send("S"), "SA")
    lab.run(6999)
    assert not Peer(lab, port=40001).send("S")
    lab.run(1)
    one(Peer(lab, port=40001).send("S"), "SA")


@pytest.mark.parametrize("early", [0, 1000])
def test_half_open_row_answers_once_in_256_ms_also_when_its_clock_of_16_bits_wraps(lab, early):
    lab.run(65_536 - lab.stack.env[CLOCK_LOW] - 100 - early)
    p = Peer(lab)
    p.iss = one(p.send("S"), "SA").seq
    for _ in range(3):
        answers = 0
        for _ in range(8):
            answers += len(p.send("A", seq=p.seq + 0x10000000))
            lab.run(32)
        assert answers == 1
