"""Timestamps and PAWS (RFC 7323 3 to 5)."""

import itertools

import pytest
from lab.tcp import Lab, Peer, active, is_ack, mss, one, stamps
from uipy import Bytes

rfc = pytest.mark.rfc


@pytest.fixture
def lab():
    return Lab(tcp_options={"timestamps": True, "reassembly": 4})


@pytest.fixture
def p(lab):
    """A connection with timestamps; the peer's clock stands at 1000."""
    p = Peer(lab, wnd=20_000)
    p.syn_ack = p.open(opts=mss(1000) + stamps(1000), opts3=stamps(1000, 0))
    return p


def ts(s):
    """(TSval, TSecr) of a segment."""
    return s.opts["ts"]


@rfc("7323 3.2-3", "7323 3.2-2")
def test_syn_with_the_option_is_answered_with_it(p):
    assert ts(p.syn_ack)[1] == 1000


@rfc("7323 3.2-3")
def test_syn_without_the_option_is_answered_without(lab):
    assert "ts" not in one(Peer(lab).send("S", opts=mss(1000))).opts


@rfc("7323 3.2-1")
def test_our_syn_echoes_zero(lab):
    assert ts(active(lab)[2])[1] == 0


@rfc("7323 3.2-4", "7323 3.2-2")
def test_every_segment_of_an_agreed_connection_bears_the_option(p):
    p.conn.send(Bytes(bytes(3000)))
    out = p.run(3000) + p.send("PA", b"x", opts=stamps(1001, 0)) + p.run(500)
    out += p.send("A", seq=p.seq - 9, opts=stamps(1002, 0))
    assert len(out) > 5 and all("ts" in s.opts for s in out)


@rfc("7323 3.2-5", "7323 3.2-6")
def test_segment_that_lacks_it_is_dropped_and_the_connection_lives(p, lab):
    assert not p.send("PA", b"bare", seq=p.seq)
    p.run(1000)
    assert lab.app.data == b"" and p.state == "ESTABLISHED"
    p.send("PA", b"stamped", opts=stamps(1001, 0))
    assert lab.app.data == b"stamped"


@rfc("5961 4.2-1")
@pytest.mark.parametrize("opts", [b"", stamps(1), stamps(5000)])
def test_syn_is_challenged_with_old_with_new_and_without_timestamps(p, opts):
    """A client that starts again on the same port may have left its options behind: without the
    challenge it would never get in."""
    assert is_ack(one(p.send("S", seq=p.seq + 100_000, opts=mss(1000) + opts)), p)


@rfc("7323 3.2-7")
def test_option_that_was_not_agreed_on_is_ignored(lab):
    p = Peer(lab)
    p.open()
    p.send("PA", b"data", opts=stamps(1, 2))
    assert lab.app.data == b"data" and not any("ts" in s.opts for s in p.run(500))


def test_peer_that_does_not_answer_with_it_gets_none(lab):
    app, p, _syn = active(lab)
    p.send("SA", opts=mss(1000))
    app.c.send(Bytes(b"data"))
    assert "ts" not in one(p.run(0)).opts


@rfc("7323 4.1-1")
def test_our_clock_runs_with_real_time(p):
    values = []
    for _ in range(4):
        p.lab.run(1000)
        values.append(ts(one(p.send("A", seq=p.seq - 1, opts=stamps(1001, 0))))[0])
    gaps = [(b - a) % 2**32 for a, b in itertools.pairwise(values)]
    assert len(set(gaps)) == 1 and 1 <= gaps[0] <= 1000


@rfc("7323 4.3-1")
def test_with_delayed_acks_the_earliest_is_echoed(p):
    p.send("A", bytes(500), opts=stamps(1010, 0))
    p.send("A", bytes(100), opts=stamps(1020, 0))
    assert ts(one(p.run(500)))[1] == 1010


@rfc("7323 4.3-2", "7323 4.3-3")
def test_out_of_order_is_not_echoed_and_what_fills_the_hole_is(p):
    start = p.seq
    assert ts(one(p.send("A", bytes(100), seq=start + 100, opts=stamps(1030, 0))))[1] == 1000
    assert ts(one(p.send("A", bytes(100), seq=start, opts=stamps(1040, 0))))[1] == 1040


@rfc("7323 5.3-1")
@pytest.mark.parametrize("old", [999, 0, 1000 - 2**31 + 1])
def test_older_timestamp_is_acknowledged_and_dropped(p, lab, old):
    """PAWS: in the window and with the right number, but from before the wrap."""
    s = one(p.send("PA", b"ghost", seq=p.seq, opts=stamps(old, 0)))
    assert is_ack(s, p) and lab.app.data == b""


@rfc("7323 5.3-1")
def test_equal_and_newer_timestamps_are_in_order_also_across_the_wrap(lab):
    p = Peer(lab)
    p.open(opts=mss(1000) + stamps(2**32 - 10), opts3=stamps(2**32 - 10))
    for k, v in enumerate((2**32 - 10, 2**32 - 1, 3, 3, 1000)):
        p.send("PA", b"%d" % k, opts=stamps(v, 0))
    assert lab.app.data == b"01234"


@rfc("7323 5.2-1")
def test_rst_is_not_subject_to_paws(p, lab):
    assert not p.send("R", opts=stamps(1, 0))
    assert lab.app.said("closed") == ["reset"]


def test_round_trip_is_measured_from_retransmissions_too(p):
    """RFC 7323 4.1: the echo says which sending was answered. 30 round trips of 600 ms after a
    loss: RTO follows."""
    p.conn.send(Bytes(b"x"))
    s = one(p.run(0))
    for _ in range(30):
        p.lab.run(600)
        p.send("A", opts=stamps(1001, ts(s)[0]))
        p.conn.send(Bytes(b"x"))
        s = one(p.run(0))
    start = p.lab.ms
    again = one(p.run(5000, until=lambda s: s.data))
    assert 1000 <= again.at - start <= 1000 + 700


def test_mss_leaves_room_for_the_option(p):
    p.conn.send(Bytes(bytes(2000)))
    assert max(s.len for s in p.run(0)) == 988


def test_time_wait_answers_with_the_option(p):
    p.conn.shutdown()
    fin = one(p.run(0))
    one(p.send("FA", opts=stamps(1005, ts(fin)[0])))
    p.lab.run(1000)
    s = one(p.send("FA", seq=p.seq - 1, opts=stamps(1006, 0)))
    assert ts(s)[1] == 1005


@rfc("7323 4.1-1")
def test_the_first_echo_is_the_first_measurement(p):
    """RTTM: R = 900 ms make the RTO R + 4 * R / 2 (RFC 6298 2.2), whatever the handshake took."""
    p.conn.send(Bytes(b"x"))
    s = one(p.run(0))
    p.lab.run(900)
    p.send("A", opts=stamps(2000, ts(s)[0]))
    p.conn.send(Bytes(b"y"))
    first, again = p.run(3000)
    assert again.at - first.at == 2700
