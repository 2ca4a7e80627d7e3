"""Blind in-window attacks (RFC 5961): RST, SYN and data from somebody who does not see our
segments."""

import pytest
from lab.tcp import Lab, Peer, is_ack, one
from uipy import Bytes

rfc = pytest.mark.rfc
STATES = ["peer", "fin_wait_1", "fin_wait_2", "close_wait", "closing", "last_ack"]


@pytest.fixture(params=STATES)
def p(request):
    """A connection in each of the synchronized states."""
    return request.getfixturevalue(request.param)


def alive(p):
    return not p.lab.app.said("closed")


@rfc("5961 3.2-1")
def test_rst_outside_the_window_is_dropped(p):
    for off in (-1, -1000, -(2**30), 100_000, 2**31):
        assert not p.send("R", seq=p.seq + off)
    assert alive(p)


@rfc("5961 3.2-3", "5961 3.2-4")
def test_rst_in_the_window_is_challenged_and_does_nothing(p):
    s = one(p.send("R", seq=p.seq + 1))
    assert is_ack(s, p) and s.seq == p.ack
    assert alive(p)


@rfc("5961 3.2-2")
def test_rst_at_rcv_nxt_ends_it_whatever_its_ack_says(p):
    assert not p.send("RA", ack=p.ack + 12345)
    assert not alive(p)


@rfc("5961 3.2-3")
def test_genuine_rst_is_sent_again_after_the_challenge(peer, lab):
    """RFC 5961 3.2: the challenge tells an honest peer the number that its RST must have."""
    s = one(peer.send("R", seq=peer.seq + 100))
    assert not peer.send("R", seq=s.ack)
    assert lab.app.said("closed") == ["reset"]


@rfc("5961 4.2-1", "5961 4.2-2")
@pytest.mark.parametrize("off", [-70_000, -1, 0, 1, 5000, 2**31])
@pytest.mark.parametrize("flags", ["S", "SA"])
def test_syn_is_challenged_whatever_its_number(peer, lab, flags, off):
    s = one(peer.send(flags, b"", seq=peer.seq + off))
    assert is_ack(s, peer) and s.seq == peer.ack
    assert alive(peer) and peer.state == "ESTABLISHED"


@rfc("5961 4.2-1", "5961 4.2-2")
def test_syn_is_challenged_in_every_synchronized_state(p):
    state = p.state
    assert is_ack(one(p.send("S", b"data", seq=p.seq)), p)
    assert p.state == state and p.lab.app.data == b""


@rfc("5961 4.2-3")
def test_valid_rst_that_answers_the_challenge_ends_it(p):
    s = one(p.send("S", seq=p.seq + 9))
    assert not p.send("R", seq=s.ack)
    assert not alive(p)


@rfc("5961 5.2-1", "5961 5.2-2", "9293 MAY-12")
@pytest.mark.parametrize("off", [1, 1000, 2**31 - 1, 2**31, -(2**30)])
def test_data_whose_ack_is_out_of_range_is_discarded_and_an_ack_sent(peer, lab, off):
    s = one(peer.send("PA", b"injected", seq=peer.seq, ack=peer.ack + off))
    assert is_ack(s, peer) and lab.app.data == b""


@rfc("5961 5.2-1", "9293 MAY-12")
def test_ack_range_reaches_down_by_the_largest_window_seen(lab):
    """SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT."""
    p = Peer(lab, wnd=3000)
    p.open()
    p.conn.send(Bytes(bytes(8000)))
    for _ in range(8):
        p.run(0)
        p.send("A", wnd=1000 if p.seq else 0)
    una = p.ack
    p.send("PA", b"good", ack=una - 3000)
    assert lab.app.data == b"good"
    assert one(p.send("PA", b"evil", seq=p.seq, ack=una - 3001)).ack == p.seq
    assert lab.app.data == b"good"


@rfc("5961 7-1")
def test_challenges_are_limited(peer):
    """RFC 5961 7: for example no more than 10 in 5 seconds."""
    sent = sum(len(peer.send("R", seq=peer.seq + 1 + k)) for k in range(1000))
    assert 1 <= sent <= 10
    peer.run(60_000)
    assert len(peer.send("R", seq=peer.seq + 1)) == 1


@rfc("5961 7-1")
def test_the_limit_tells_nothing_about_another_connection():
    """No side channel (CVE-2016-5696): challenges spent on one connection leave another's as they
    were."""
    lab = Lab(listeners=8)
    mine, other = Peer(lab, ip="10.0.0.66", port=1), Peer(lab, port=2)
    mine.open()
    other.open()
    for k in range(500):
        other.send("R", seq=other.seq + 1 + k % 100)
    assert len(mine.send("R", seq=mine.seq + 1)) == 1


@rfc("5961 3.2-2")
def test_flood_of_blind_resets_and_syns_kills_nothing(peer, lab):
    """Every 1000th sequence number but RCV.NXT itself, with every flag an attacker has."""
    for k in range(1, 3000):
        peer.send(("R", "S", "RA", "SA")[k % 4], seq=peer.seq + k * 1000, ack=k * 7919)
    assert alive(peer) and peer.state == "ESTABLISHED"
    peer.send("PA", b"fine")
    assert lab.app.data == b"fine"
