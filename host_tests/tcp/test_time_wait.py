"""TIME-WAIT: both sides are closed, we were first; old segments are kept from a new connection for
2 MSL."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, closed_first, is_ack, is_reset, mss, one, stamps
from uipy.net.datagram import CLOCK_LOW

rfc = pytest.mark.rfc


def gone(p):
    """Nothing is left: a segment that TIME-WAIT would not answer with a RST is."""
    out = p.send("FA", seq=p.seq - 1)
    return bool(out) and "R" in out[0].flags


def test_application_and_row_are_free_at_once(lab):
    lab = Lab(tcp=1, listeners=1)
    for k in range(3):
        p = Peer(lab, port=40000 + k)
        p.open()
        p.conn.shutdown()
        p.run(0)
        p.send("FA")
        assert lab.app.said("closed")[-1] == "done"


def test_fin_again_is_acknowledged_again(time_wait):
    for _ in range(3):
        time_wait.run(1000)
        s = one(time_wait.send("FA", seq=time_wait.seq - 1))
        assert is_ack(s, time_wait) and s.seq == time_wait.fin.end


@rfc("9293 MUST-13")
def test_it_lasts_2_msl_and_no_longer(time_wait):
    """MSL is 30 s here; `msl` sets it. RFC 9293 3.4.2: an engineering choice, and may be
    changed."""
    time_wait.run(59_000)
    assert is_ack(one(time_wait.send("A", seq=time_wait.seq - 1)), time_wait)
    time_wait.run(61_000)
    assert gone(time_wait)


@rfc("9293 MUST-13")
def test_msl_can_be_set():
    lab = Lab(tcp_options={"msl": 120_000})
    p = Peer(lab)
    p.open()
    p.conn.shutdown()
    p.run(0)
    one(p.send("FA"), "A")
    p.run(239_000)
    assert not any("R" in s.flags for s in p.send("A", seq=p.seq - 1))


@rfc("9293 MUST-13")
def test_fin_again_starts_the_wait_anew(time_wait):
    time_wait.run(50_000)
    time_wait.send("FA", seq=time_wait.seq - 1)
    time_wait.run(50_000)
    assert not gone(time_wait)


@rfc("1337 3-1")
def test_rst_does_not_end_it(time_wait):
    assert not time_wait.send("R") and not time_wait.send("RA")
    assert not gone(time_wait)


def test_old_data_is_answered_with_an_ack_and_not_delivered(time_wait, lab):
    assert is_ack(one(time_wait.send("PA", b"old", seq=time_wait.seq - 4)), time_wait)
    assert time_wait.app.data == b""


@rfc("9293 MAY-2")
def test_newer_syn_opens_anew_above_our_old_numbers(time_wait, lab):
    new = Peer(lab, isn=time_wait.seq + 1)
    s = one(new.send("S"), "SA")
    assert 0 < (s.seq - time_wait.fin.end) % 2**32 < 2**31
    new.send("A")
    assert new.state == "ESTABLISHED"


@rfc("9293 MAY-2")
def test_old_duplicate_syn_is_answered_with_an_ack_and_opens_nothing(time_wait):
    for back in (1, 2, 1000, 2**30):
        time_wait.run(1000)
        assert is_ack(one(time_wait.send("S", seq=time_wait.seq - back)), time_wait)
    assert not gone(time_wait)


@rfc("9293 MAY-2")
def test_it_returns_to_time_wait_when_the_syn_was_an_old_duplicate(time_wait, lab):
    """RFC 9293 3.6.1 (2): the peer resets our SYN-ACK; what was there before is there again."""
    dup = Peer(lab, isn=time_wait.seq + 5000)
    s = one(dup.send("S"), "SA")
    dup.send("R", seq=s.ack)
    assert not gone(time_wait)


@rfc("9293 SHLD-4")
def test_with_timestamps_a_later_syn_opens_whatever_its_number():
    """RFC 6191: a SYN whose timestamp is newer than the last one we saw is a new connection."""
    lab = Lab(tcp_options={"timestamps": True})
    p = Peer(lab)
    p.open(opts=mss(1000) + stamps(500), opts3=stamps(501, 0))
    p.conn.shutdown()
    out = p.run(0)
    echo = out[-1].opts["ts"][0]
    one(p.send("FA", opts=stamps(510, echo)), "A")
    older = Peer(lab, isn=p.seq - 100_000)
    assert "S" not in one(older.send("S", opts=mss(1000) + stamps(400), seq=older.isn)).flags
    newer = Peer(lab, isn=p.seq - 100_000)
    assert one(newer.send("S", opts=mss(1000) + stamps(700))).flags == "SA"


def test_full_table_gives_up_the_oldest_and_never_a_live_connection():
    lab = Lab(time_wait=4, listeners=8)
    live = Peer(lab, port=39999)
    live.open()
    peers = []
    for k in range(6):
        p = Peer(lab, port=40000 + k)
        p.open()
        p.conn.shutdown()
        p.run(0)
        one(p.send("FA"), "A")
        peers.append(p)
        lab.run(100)
    assert [gone(p) for p in peers] == [True, True, False, False, False, False]
    live.send("PA", b"alive")
    assert [a.data for a in lab.apps if a.data] == [b"alive"]


def test_ephemeral_ports_skip_those_in_time_wait():
    """500 queries to one server, each closed by us first: no port is used twice within
    TIME-WAIT."""
    lab = Lab(time_wait=16, listeners=0)
    last = []
    for _ in range(500):
        lab.run(1)
        app, p, syn = active(lab, port=53, app=HalfCloser())
        assert syn.sport >= 1024 and syn.sport not in last[-16:]
        last.append(syn.sport)
        p.send("SA", opts=mss(1000))
        app.c.shutdown()
        p.run(0)
        one(p.send("FA"), "A")
        lab.apps.clear()
    assert len(set(last)) > 450


def test_syn_of_ours_never_leaves_time_wait_behind(lab):
    _app, p, syn = active(lab)
    is_reset(one(p.send("A", ack=syn.seq)), syn.seq)


@pytest.mark.parametrize("early", [0, 150, 5000])
def test_answers_are_held_back_also_when_the_clock_of_16_bits_wraps(lab, early):
    """One in a quarter of a second, or in half of one, wherever its end lies."""
    lab.run(65_536 - lab.stack.env[CLOCK_LOW] - 100 - early)
    p = closed_first(lab)
    for _ in range(3):
        answers = 0
        for _ in range(25):
            answers += len(p.send("PA", b"old", seq=p.seq - 4))
            lab.run(10)
        assert answers == 1
        lab.run(256)


def test_table_without_rows_forgets_at_once():
    lab = Lab(time_wait=0)
    p = closed_first(lab)
    assert p.app.said("closed") == ["done"] and gone(p)
    Peer(lab).open()


def test_port_that_is_asked_for_opens_anew_above_the_old_numbers(lab):
    """Our own open from a port that is in TIME-WAIT: the old row ends, and the new ISS lies beyond
    its numbers."""
    app, p, _syn = active(lab, lport=5555)
    p.send("SA", opts=mss(1000))
    app.c.shutdown()
    fin = one([s for s in p.run(0) if "F" in s.flags])
    one(p.send("FA"), "A")
    assert lab.stack.tcp.wait.used() == 1
    app, new, syn = active(lab, lport=5555)
    assert 0 < (syn.seq - fin.end) % 2**32 < 2**31 and lab.stack.tcp.wait.used() == 0
    new.send("SA", opts=mss(1000))
    assert app.said("connected") == [None]


def test_handshake_that_is_complete_ends_the_old_row(lab):
    """And not the SYN: until then the old connection's FIN is answered."""
    old = closed_first(lab)
    other = closed_first(lab, 40001)
    new = Peer(lab, isn=old.seq + 5000)
    one(new.send("S"), "SA")
    assert lab.stack.tcp.wait.used() == 2
    new.send("A")
    assert new.state == "ESTABLISHED" and lab.stack.tcp.wait.used() == 1
    assert not gone(other)


def test_row_that_restarted_last_is_not_the_oldest():
    lab = Lab(time_wait=2, listeners=8)
    first, second = closed_first(lab, 40000), None
    lab.run(1000)
    second = closed_first(lab, 40001)
    lab.run(1000)
    one(first.send("FA", seq=first.seq - 1), "A")
    closed_first(lab, 40002)
    assert gone(second) and not gone(first)


def test_connection_half_open_row_and_time_wait_are_looked_for_in_this_order(lab):
    """Three tables may know the same sockets: first the connection, then the handshake under way,
    last the one that is over."""
    old = closed_first(lab)
    new = Peer(lab, isn=old.seq + 5000)
    s = one(new.send("S"), "SA")
    # the handshake hears it, not TIME-WAIT, for which this ACK would be an old one
    is_reset(one(new.send("A", ack=old.ack)), old.ack)
    new.send("PA", b"new", ack=s.end)
    assert lab.app.data.endswith(b"new")
    new.send("PA", b"er")
    assert lab.app.data.endswith(b"newer")


def test_an_ack_that_is_in_place_is_not_answered(time_wait):
    """Otherwise two sides in TIME-WAIT would tell each other for a minute that all is well."""
    assert not time_wait.send("A") and not time_wait.run(1000)
    assert time_wait.lab.wire.count("tcp_challenge") == 0


@pytest.mark.parametrize("port", range(41_001, 41_009))
def test_syn_that_found_no_place_does_not_move_the_number_of_another(port):
    """Only a connection that follows on one in TIME-WAIT begins beyond it."""
    numbers = set()
    for tried in (False, True):
        lab = Lab(half_open=1)
        old = closed_first(lab)
        blocks = Peer(lab, port=41_000)
        one(blocks.send("S"), "SA")
        if tried:
            assert not Peer(lab, isn=old.seq + 5000).send("S")
        blocks.send("R")
        numbers.add(one(Peer(lab, port=port).send("S"), "SA").seq)
    assert len(numbers) == 1
