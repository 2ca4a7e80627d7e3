"""Explicit Congestion Notification (RFC 3168 6.1), and the fallback of RFC 3360 3.1."""

import pytest
from lab.tcp import Lab, Peer, active, mss, one
from uipy import Bytes

rfc = pytest.mark.rfc
ECT0, ECT1, CE = 2, 1, 3
SETUP = "SEC"


@pytest.fixture
def lab():
    return Lab(tcp_options={"ecn": 1})


@pytest.fixture
def p(lab):
    """A connection on which both sides agreed on ECN, as passive side."""
    p = Peer(lab, wnd=60000)
    s = one(p.send(SETUP, opts=mss(1000)))
    p.iss, p.syn_ack = s.seq, s
    p.send("A")
    return p


def ecn(s):
    return s.tos & 3


@rfc("9293 SHLD-8")
def test_ecn_setup_syn_is_answered_with_an_ecn_setup_syn_ack(p):
    assert sorted(p.syn_ack.flags) == sorted("SAE")


@rfc("3168 6.1.1-1", "3168 6.1.1-5")
@pytest.mark.parametrize("flags", ["S", "SE", "SC"])
def test_other_syns_are_not_answered_with_ecn(lab, flags):
    q = Peer(lab)
    s = one(q.send(flags, opts=mss(1000)), "SA")
    q.iss = s.seq
    q.send("A")
    q.conn.send(Bytes(bytes(3000)))
    out = q.run(0)
    assert (
        out and {ecn(s) for s in out} == {0} and not any(c in s.flags for s in out for c in "EC")
    )


@rfc("3168 6.1.1-4")
def test_who_did_not_ask_for_ecn_offers_none_and_agrees_to_none():
    lab = Lab()
    assert one(Peer(lab).send(SETUP)).flags == "SA"
    assert active(lab)[2].flags == "S"


@rfc("9293 SHLD-8")
def test_our_syn_asks_for_ecn(lab):
    assert sorted(active(lab)[2].flags) == sorted("SEC")


@rfc("3168 6.1.1-6")
def test_syn_and_syn_ack_are_not_ect(lab, p):
    assert ecn(p.syn_ack) == 0 and ecn(active(lab)[2]) == 0


@rfc("3168 6.1.1-2", "3168 6.1.1-5")
@pytest.mark.parametrize("answer", ["SA", "SAC", "SAEC"])
def test_data_is_not_ect_unless_the_peer_agreed(lab, answer):
    app, q, _syn = active(lab)
    q.send(answer, opts=mss(1000))
    app.c.send(Bytes(bytes(3000)))
    assert {ecn(s) for s in q.run(0)} == {0}


@rfc("3168 6.1.2-1", "3168 6.1.1-2")
def test_data_is_ect_0_once_both_agreed(lab, p):
    p.conn.send(Bytes(bytes(3000)))
    assert {ecn(s) for s in p.run(0)} == {ECT0}
    app, q, _syn = active(lab)
    q.send("SAE", opts=mss(1000))
    app.c.send(Bytes(bytes(1000)))
    assert ecn(one(q.run(0))) == ECT0


@rfc("3168 6.1.4-1")
def test_pure_acks_are_not_ect(p):
    out = p.send("A", bytes(1000), tos=ECT0) + p.send("A", bytes(1000), tos=ECT0)
    out += p.send("A", seq=p.seq - 1)
    assert out and {ecn(s) for s in out} == {0}


@rfc("3168 6.1.5-1")
def test_retransmissions_are_not_ect(p):
    p.conn.send(Bytes(bytes(1000)))
    assert ecn(one(p.run(0))) == ECT0
    again = p.run(8000)
    assert again and {ecn(s) for s in again} == {0}


@rfc("3168 6.1.6-1")
def test_window_probes_are_neither_ect_nor_cwr(lab):
    p = Peer(lab, wnd=0)
    p.iss = one(p.send(SETUP, opts=mss(1000))).seq
    p.send("A")
    p.conn.send(Bytes(bytes(1000)))
    out = p.run(20_000)
    assert out and {ecn(s) for s in out} == {0} and not any("C" in s.flags for s in out)


@rfc("3168 6.1.3-1", "3168 6.1.1-3")
def test_ce_is_echoed_in_every_ack_until_cwr_comes(p):
    out = p.send("A", bytes(1000), tos=CE)
    for _ in range(3):
        out += p.send("A", bytes(1000), tos=ECT0) + p.run(500)
    assert len(out) >= 3 and all("E" in s.flags for s in out)
    out = p.send("AC", bytes(1000), tos=ECT0) + p.send("A", bytes(1000), tos=ECT0) + p.run(500)
    assert out and not any("E" in s.flags for s in out)


@rfc("3168 6.1.3-1")
def test_ce_on_the_segment_with_cwr_is_a_new_mark(p):
    p.send("A", bytes(1000), tos=CE)
    out = p.send("AC", bytes(1000), tos=CE) + p.run(500)
    assert all("E" in s.flags for s in out)


@rfc("3168 6.1.1-3")
def test_ce_counts_though_the_peers_syn_ack_came_without_ecn_of_its_own(lab):
    """The board offered ECN and the peer agreed: ECT(1) with CE is congestion as ECT(0) is."""
    _app, q, _syn = active(lab)
    q.send("SAE", opts=mss(1000))
    out = q.send("A", bytes(1000), tos=CE) + q.run(500)
    assert out and all("E" in s.flags for s in out)


@rfc("3168 6.1.5-2")
def test_ce_outside_the_window_is_ignored(p):
    """A blind attacker cannot slow the peer down."""
    out = p.send("A", b"evil", seq=p.seq + 100_000, tos=CE)
    out += p.send("A", b"old", seq=p.seq - 3, tos=CE)
    out += p.send("A", bytes(1000), tos=ECT0) + p.run(500)
    assert out and not any("E" in s.flags for s in out)


def started(p):
    """Ten segments of 1000 are in flight."""
    p.conn.send(Bytes(bytes(100_000)))
    out = p.run(0)
    assert sum(s.len for s in out) == 10_000
    return out[0].seq


@rfc("3168 6.1.2-2", "3168 6.1.2-3")
def test_ece_halves_the_window_and_does_not_open_it(p):
    """Ten in flight, one acknowledged with ECE: about half may be in flight from then on."""
    una = started(p)
    assert not [s for s in p.send("AE", ack=una + 1000) if s.data]
    sent_at = [k for k in range(2, 11) if any(s.data for s in p.send("A", ack=una + 1000 * k))]
    in_flight = (p.ack - una - 10_000) % 2**32
    assert sent_at and min(sent_at) >= 5 and in_flight <= 6000


@rfc("3168 6.1.2-2")
def test_window_is_halved_once_for_a_flight_however_many_ece_come(p):
    una = started(p)
    for k in range(1, 11):
        p.send("AE", ack=una + 1000 * k)
    assert (p.ack - una - 10_000) % 2**32 >= 4000


@rfc("3168 6.1.2-4")
def test_cwr_is_on_the_first_new_data_after_the_window_was_reduced_and_only_there(p):
    una = started(p)
    new = [s for s in p.send("AE", ack=una + 1000) if s.data]
    for k in range(2, 11):
        new += [s for s in p.send("A", ack=una + 1000 * k) if s.data]
    assert ["C" in s.flags for s in new] == [True] + [False] * (len(new) - 1)


def test_ece_without_agreement_means_nothing():
    lab = Lab()
    p = Peer(lab, wnd=60000)
    p.open()
    una = started(p)
    p.send("AE", ack=una + 5000)
    assert (p.ack - una - 5000) % 2**32 >= 10_000


# The user's choice: what becomes of an ECN-setup SYN that is refused or lost.


@rfc("3168 6.1.1.1-1")
def test_with_fallback_a_refused_syn_goes_again_without_ecn():
    lab = Lab(tcp_options={"ecn": 2})
    app, p, _syn = active(lab)
    out = p.send("RA", seq=0) + p.run(10)
    assert one(out).flags == "S" and not app.said("closed")
    p.send("RA", seq=0)
    assert app.said("closed") == ["refused"]


@rfc("3168 6.1.1.1-2")
def test_with_fallback_a_lost_syn_goes_again_without_ecn():
    lab = Lab(tcp_options={"ecn": 2})
    _app, p, _syn = active(lab)
    assert [s.flags for s in p.run(4000)] == ["S", "S"]


def test_without_fallback_a_refusal_is_a_refusal(lab):
    app, p, _syn = active(lab)
    assert not p.send("RA", seq=0)
    assert app.said("closed") == ["refused"]
