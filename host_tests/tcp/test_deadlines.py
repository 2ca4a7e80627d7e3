"""To the millisecond: when each timer of a connection runs out, what happens then and what is
counted; and that the stack's deadline is never later."""

import itertools

import pytest
from lab.net import Station, Wire
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one
from uipy import Bytes, Ring

rfc = pytest.mark.rfc
MINUTE = 60_000
DAY = 86_400_000
COUNTED = ("tcp_rto", "tcp_rexmt", "tcp_probe", "tcp_keep", "tcp_timeout", "tcp_rst_out")


def counts(lab):
    return {n[4:]: lab.wire.count(n) for n in COUNTED if lab.wire.count(n)}


def opened(wnd=8192, app=HalfCloser, listen=None, **options):
    lab = Lab(tcp_options=options, app=app, listen=listen)
    p = Peer(lab, wnd=wnd)
    p.open(opts=mss(1000))
    return lab, p


def gaps(lab, segs):
    return [b - a for a, b in itertools.pairwise([0, *(s.at for s in segs)])]


# What is not acknowledged


@rfc("6298 5-5", "9293 MUST-20b")
def test_what_is_not_acknowledged_goes_again_until_r2():
    """The doubled times, the report at the third, and the end when the timer runs out behind
    R2."""
    lab, p = opened()
    assert p.conn.user_timeout_s == 300
    p.conn.send(Bytes(b"data"))
    segs = p.run(302_999)
    assert gaps(lab, segs) == [0, *(1000 << k for k in range(6)), 60_000, 60_000, 60_000]
    assert counts(lab) == {"rto": 9, "rexmt": 9} and not p.app.said("closed")
    assert not p.run(1) and counts(lab) == {"rto": 9, "rexmt": 9, "timeout": 1}
    assert p.app.said("error") == ["retrying"] and p.app.said("closed") == ["timeout"]
    assert p.app.events[-1] == ("closed", "timeout")


def test_r2_begins_with_the_octet_that_is_not_acknowledged():
    lab, p = opened()
    p.conn.user_timeout_s = 7
    p.run(50_000)
    p.conn.send(Bytes(b"data"))
    assert [s.at for s in p.run(6999)] == [50_000, 51_000, 53_000]
    assert not p.run(1) and p.app.said("closed") == ["timeout"]
    assert counts(lab) == {"rto": 2, "rexmt": 2, "timeout": 1}


@rfc("9293 SHLD-30", "9293 MUST-37")
@pytest.mark.parametrize("most, last", [(60_000, 60_000), (3000, 3000), (65_000, 64_000)])
def test_probes_of_a_closed_window_come_at_doubled_times_for_ever(most, last):
    """64 times the RTO at the most, and no more than the largest one; each is answered."""
    lab, p = opened(wnd=0, rto_max=most)
    p.conn.send(Bytes(bytes(2)))
    seen = []
    for _ in range(11):
        seen += p.run(100_000, until=lambda s: s.data)
        p.send("A", ack=p.iss + 1)
    want = [1000, *(min(1000 << k, last) for k in range(10))]
    assert gaps(lab, seen) == want and {(s.seq - p.iss, s.data) for s in seen} == {(1, b"\0")}
    assert counts(lab) == {"probe": 11, "rexmt": 10}
    assert p.state == "ESTABLISHED" and not p.app.said("error")


def test_a_window_that_closes_again_is_probed_from_the_beginning():
    lab, p = opened(wnd=0)
    for k in range(2):
        begin = lab.ms
        p.conn.send(Bytes(b"x"))
        assert [s.at - begin for s in p.run(4500)] == [1000, 2000, 4000]
        p.acks()
        assert p.app.said("acked") == [1] * (k + 1) and not p.run(MINUTE)


# Silence


@rfc("9293 MUST-26", "9293 MUST-29")
def test_keep_alives_are_counted_and_so_is_their_end():
    lab, p = opened()
    p.conn.keepalive_s = 10
    segs = p.run(609_999)
    assert gaps(lab, segs) == [10_000] + [75_000] * 7 and counts(lab) == {"keep": 8}
    assert {(s.seq - p.iss, s.ack - p.seq, s.flags, s.up) for s in segs} == {(0, 0, "A", 0)}
    assert not p.run(1) and p.app.said("closed") == ["timeout"]
    assert counts(lab) == {"keep": 8, "timeout": 1}


@rfc("9293 MUST-26")
def test_an_answer_puts_the_next_keep_alive_off_by_one_interval():
    """And not by the 75 seconds that follow a probe in vain."""
    lab, p = opened()
    p.conn.keepalive_s = 10
    seen = []
    for _ in range(5):
        seen.append(one(p.run(10_000)).at)
        assert not p.send("A")
        lab.run(3)
        assert not p.send("A")
    assert seen == [10_000 + 10_003 * k for k in range(5)] and counts(lab) == {"keep": 5}


def test_a_keep_alive_and_the_end_of_patience_in_the_same_millisecond():
    lab, p = opened(listen={"idle_ms": 10_000})
    p.conn.keepalive_s = 10
    out = p.run(10_000)
    assert [s.at for s in out] == [10_000] * len(out) and out[-1].flags == "R"
    assert p.app.said("closed") == ["idle"]
    assert counts(lab)["timeout"] == 1 == counts(lab)["rst_out"]


@pytest.mark.parametrize("idle", [1, 1000, 10_000])
def test_who_is_idle_is_reset_and_not_a_millisecond_sooner(idle):
    lab, p = opened(listen={"idle_ms": idle})
    assert not p.run(idle - 1)
    one(p.run(1), "R")
    assert p.app.said("closed") == ["idle"] and counts(lab) == {"timeout": 1, "rst_out": 1}


@pytest.mark.parametrize("ours", [False, True])
def test_whoever_moves_data_is_not_idle(ours):
    """What comes counts when it comes, what we send when it is acknowledged."""
    lab, p = opened(listen={"idle_ms": 5000})
    for _ in range(4):
        lab.run(4999)
        if ours:
            p.conn.send(Bytes(b"x"))
            p.run(0)
            p.acks()
        else:
            p.send("PA", b"x")
    assert not [s for s in p.run(4999) if "R" in s.flags]
    one([s for s in p.run(1) if "R" in s.flags])


def test_our_own_open_is_nobodys_guest(lab):
    """A listener's patience is for those that it accepted."""
    lab.stack.listen(9, HalfCloser, 1, idle_ms=1000)
    app, p, _ = active(lab)
    p.send("SA", opts=mss(1000))
    assert not p.run(10_000) and not app.said("closed")


@pytest.mark.parametrize("acked, closed", [(0, 0), (700, 0), (700, 20_000), (0, 100_000)])
def test_a_minute_begins_when_the_fin_is_acknowledged_and_nobody_reads(acked, closed):
    """Whichever comes last; closing twice does not put it off."""
    lab, p = opened()
    p.conn.shutdown()
    p.run(0)
    lab.run(acked)
    p.send("A")
    lab.run(closed)
    p.conn.close()
    p.run(30_000)
    p.conn.close()
    p.conn.user_timeout_s = 9  # all timers are looked at
    assert not p.run(29_999) and p.state == "FIN-WAIT-2"
    assert not p.run(1) and p.app.said("closed") == ["done"] and counts(lab) == {}


def test_nobody_who_reads_is_hurried_and_none_in_another_state():
    lab, p = opened()
    p.conn.close()
    assert len(p.run(90_000)) == 7 and p.state == "FIN-WAIT-1"
    p.send("A")
    assert not p.run(59_999) and p.state == "FIN-WAIT-2"
    p.run(1)
    assert p.app.said("closed") == ["done"]
    assert counts(lab) == {"rto": 6, "rexmt": 6}


# The application's own clock


class Polled(HalfCloser):
    poll_ms = 250

    def poll(self, conn):
        self.events.append(("poll", None))


def test_the_application_is_asked_every_poll_ms():
    lab, p = opened(app=Polled)
    began = lab.ms
    for k in range(1, 5):
        lab.run(249)
        assert len(p.app.said("poll")) == k - 1
        lab.run(1)
        assert len(p.app.said("poll")) == k and lab.ms == began + 250 * k
    p.conn.abort()
    lab.run(0)
    lab.run(1000)
    assert len(p.app.said("poll")) == 4


def test_the_application_is_asked_on_when_another_timer_has_run_out():
    """The override timeout of a small window (RFC 9293 3.8.6.2.1), and what goes again."""
    lab, p = opened(wnd=800, app=Polled)
    p.send("A", wnd=399)
    p.conn.send(Bytes(bytes(1000)))
    assert [s.at for s in p.run(3000)] == [1000, 2000] and len(p.app.said("poll")) == 12
    assert counts(lab) == {"probe": 1, "rexmt": 1, "rto": 1}


def test_what_the_application_gives_to_its_source_in_poll_leaves_at_once():
    class Giver(Polled):
        def poll(self, conn):
            if not conn.sending:
                conn.send(Bytes(b"now"))

    _lab, p = opened(app=Giver)
    s = one(p.run(250))
    assert (s.at, s.data) == (250, b"now")


# Deadlines


def test_timers_a_millisecond_apart_are_each_in_time():
    lab = Lab()
    both = [Peer(lab, port=port) for port in (40000, 40001)]
    for p in both:
        p.open()
    for p in both:
        p.app.c.send(Bytes(b"x"))
        lab.run(1)
    seen = [(s.at, s.dport) for s in lab.run(3000)]
    assert seen == [(1000, 40000), (1001, 40001), (3000, 40000), (3001, 40001)]


@pytest.mark.parametrize("days", [0, 5])
def test_an_idle_board_looks_at_its_clock_every_day_and_a_half(days):
    """2**27 ms: times long past are moved up before they look like times to come."""
    lab, p = opened()
    for _ in range(2 * days):
        lab.wait(DAY // 2)
        lab.poll()
    lab.wait(2**27)
    lab.poll()
    tcp = lab.stack.tcp
    assert tcp.deadline(lab.wire.clock.now) == 2**27 and p.state == "ESTABLISHED"
    lab.wait(1)
    assert tcp.deadline(lab.wire.clock.now) == 2**27 - 1


def test_who_was_not_lowered_is_not_raised_whatever_timers_it_has():
    """RFC 1191 6.3: ten minutes after a router spoke to one, the other one's data is still out."""
    lab = Lab()
    low, other = (Peer(lab, port=port, wnd=60_000) for port in (40001, 40002))
    for p, n in ((low, 700), (other, 536)):
        p.open(opts=mss(n))
    low.conn.send(Bytes(bytes(4000)))
    low.hear(lab.icmp(3, 4, low.run(0)[0].frame, rest=500))
    began = lab.ms
    while low.conn.sending:
        low.acks()
    lab.run(10 * MINUTE - 100 - (lab.ms - began))
    other.conn.send(Bytes(bytes(9000)))
    lab.run(99)
    assert (low.conn.mss, other.conn.mss) == (460, 536) and other.conn.unacked
    lab.run(1)
    assert (low.conn.mss, other.conn.mss) == (700, 536)


def test_two_keep_alives_a_millisecond_apart_are_each_in_time():
    lab = Lab()
    both = [Peer(lab, port=port) for port in (40000, 40001)]
    for p in both:
        p.open()
        p.conn.keepalive_s = 10
        lab.run(1)
    seen = [(s.at, s.dport) for s in lab.run(10_000)]
    assert seen == [(10_000, 40000), (10_001, 40001)]


@rfc("9293 MUST-58")
def test_an_ack_is_delayed_by_a_tenth_of_a_second_and_goes_once():
    lab, p = opened()
    p.run(3)
    p.send("PA", b"x")
    assert not p.run(99)
    assert [(s.at, s.flags, s.ack) for s in p.run(1)] == [(103, "A", p.seq)]
    assert not p.run(MINUTE) and counts(lab) == {}


def test_nobody_is_polled_who_did_not_ask_for_it():
    class Quiet(HalfCloser):
        def poll(self, conn):
            self.events.append(("poll", None))

    lab, p = opened(app=Quiet)
    p.conn.send(Bytes(bytes(20)))
    lab.run(40_000)
    assert not p.app.said("poll")


def test_a_source_that_has_grown_when_the_application_is_polled_needs_no_resume():
    ring = Ring(100)

    class Later(Polled):
        def poll(self, conn):
            ring.write(b"later", 0, 5)

    _lab, p = opened(app=Later)
    p.conn.send(ring)
    p.conn.nodelay = True
    assert [(s.at, s.data) for s in p.run(500)] == [(250, b"later"), (500, b"later")]


def test_an_end_by_r2_is_the_only_one():
    """Though the listener's patience ends in the same millisecond."""
    lab, p = opened(listen={"idle_ms": 7000})
    p.conn.user_timeout_s = 7
    p.conn.send(Bytes(b"data"))
    assert [s.flags for s in p.run(20_000)] == ["PA"] * 3
    assert p.app.said("closed") == ["timeout"]
    assert counts(lab) == {"rto": 2, "rexmt": 2, "timeout": 1}


@pytest.mark.parametrize("setting", ["idle", "keep"])
def test_a_reset_that_waits_for_a_neighbour_is_still_an_abort(setting):
    """No timer of the connection counts any more, and none of them spins."""
    wire = Wire()
    wire.board(tcp=2)
    app = HalfCloser()
    wire.stack.listen(7, lambda: app, 1, idle_ms=201_000 if setting == "idle" else 0)
    there = Station(wire)
    there.establish(7)
    if setting == "keep":
        app.c.keepalive_s = 201
    wire.run(200_000)  # the board has forgotten its neighbour
    there.answers_arp = False
    there.heard.clear()
    app.c.abort()
    wire.polls = 0
    wire.run(10_000)
    assert app.said("closed") == ["aborted"] and wire.polls < 60
    assert wire.count("tcp_timeout") == wire.count("tcp_keep") == 0


@pytest.mark.parametrize("what", ["ack", "data"])
def test_what_waits_for_a_neighbour_does_not_spin(what):
    """And does not count as sent again."""
    wire = Wire()
    wire.board(tcp=2)
    app = HalfCloser()
    wire.stack.listen(7, lambda: app, 1)
    there = Station(wire)
    there.establish(7)
    wire.run(199_000)
    there.answers_arp = False
    if what == "ack":
        there.seg("PA", data=b"x", header={"mac_dst": None})
    else:
        wire.run(1000)
        app.c.send(Bytes(b"x"))
    wire.polls = 0
    wire.run(20_000)
    assert wire.polls < 150 and wire.count("tcp_rexmt") == wire.count("tcp_rto") == 0


@rfc("3168 6.1.1-1")
def test_a_syn_ack_of_a_simultaneous_open_that_is_lost_goes_again_without_ecn():
    """RFC 3168 6.1.1.1, where the fallback is wanted."""
    lab = Lab(tcp_options={"ecn": 2})
    _app, p, syn = active(lab)
    assert set("EC") <= set(syn.flags)
    p.ack = 0
    assert "E" in one(p.send("SEC", opts=mss(1000))).flags
    assert [s.flags for s in p.run(1000)] == ["SA"]
