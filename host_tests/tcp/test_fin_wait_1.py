"""FIN-WAIT-1: our FIN is out, not acknowledged; the peer may still send."""

import pytest
from lab.tcp import Lab, Log, Peer, is_ack, is_reset, one
from uipy import Bytes

rfc = pytest.mark.rfc


def test_ack_of_our_fin_leads_to_fin_wait_2(fin_wait_1, lab):
    assert not fin_wait_1.send("A")
    assert fin_wait_1.state == "FIN-WAIT-2" and not lab.app.said("closed")


def test_ack_below_our_fin_does_not(peer):
    peer.conn.finish(Bytes(b"last words"))
    one(peer.run(0))
    peer.send("A", ack=peer.ack - 1)
    assert peer.state == "FIN-WAIT-1"


def test_data_is_still_delivered_and_acknowledged(fin_wait_1, lab):
    out = fin_wait_1.send("PA", b"more", ack=fin_wait_1.fin.seq) + fin_wait_1.run(499)
    assert lab.app.data == b"more" and out[-1].ack == fin_wait_1.seq


def test_data_with_the_ack_of_our_fin_is_delivered_in_fin_wait_2(fin_wait_1, lab):
    fin_wait_1.send("PA", b"more")
    assert lab.app.data == b"more" and fin_wait_1.state == "FIN-WAIT-2"


def test_fin_without_the_ack_of_ours_leads_to_closing(fin_wait_1):
    assert is_ack(one(fin_wait_1.send("FA", ack=fin_wait_1.fin.seq)), fin_wait_1)
    assert fin_wait_1.state == "CLOSING"


def test_fin_with_the_ack_of_ours_leads_to_time_wait(fin_wait_1, lab):
    app = lab.app
    assert is_ack(one(fin_wait_1.send("FPA", b"bye")), fin_wait_1)
    assert app.data == b"bye" and [e[0] for e in app.events[-2:]] == ["peer_closed", "closed"]
    assert app.said("closed") == ["done"]


def test_our_fin_is_sent_again_until_it_is_acknowledged(fin_wait_1):
    again = fin_wait_1.run(8000)
    assert [s.flags for s in again] == ["FA"] * 3 and {s.seq for s in again} == {
        fin_wait_1.fin.seq
    }
    assert [s.at for s in again] == [1000, 3000, 7000]


def test_lost_data_before_the_fin_is_sent_again_with_it(peer):
    peer.conn.finish(Bytes(b"last words"))
    first = one(peer.run(0), "FPA")
    again = one(peer.run(1000))
    assert (again.flags, again.seq, again.data) == ("FPA", first.seq, first.data)


@rfc("9293 MUST-12")
def test_rst_ends_it(fin_wait_1, lab):
    assert not fin_wait_1.send("R")
    assert lab.app.said("closed") == ["reset"]


def test_syn_gets_a_challenge_ack(fin_wait_1):
    assert is_ack(one(fin_wait_1.send("S", seq=123456)), fin_wait_1)
    assert fin_wait_1.state == "FIN-WAIT-1"


def test_segment_outside_the_window_is_answered_with_an_ack(fin_wait_1):
    assert is_ack(one(fin_wait_1.send("A", seq=fin_wait_1.seq - 7)), fin_wait_1)


@rfc("9293 SHLD-3", "9293 MAY-1")
def test_data_after_close_is_reset_because_nobody_reads_it(peer, lab):
    """RFC 9293 3.6.1: data arrives after CLOSE of an application that does not read on."""
    app = lab.app
    peer.conn.close()
    fin = one(peer.run(0), "FA")
    s = one(peer.send("PA", b"lost", ack=fin.seq))
    assert "R" in s.flags and app.data == b""
    assert len(app.said("closed")) == 1 and not lab.run(10_000)


@rfc("9293 SHLD-3")
def test_close_with_data_still_unread_is_a_reset():
    """CLOSE is called while received data is pending: the application took a part of it only."""

    class Hasty(Log):
        def received(self, conn, buf, start, n):
            conn.close()
            return 0

    lab = Lab(app=Hasty)
    p = Peer(lab)
    p.open()
    out = p.send("PA", b"unread") + p.run(3000)
    out += p.send("PA", b"unread", seq=p.seq - 6) if not any("R" in s.flags for s in out) else []
    assert any("R" in s.flags for s in out)


def test_close_answered_by_fin_alone_ends_well(peer, lab):
    app = lab.app
    peer.conn.close()
    one(peer.run(0), "FA")
    one(peer.send("FA"), "A")
    assert app.said("closed") == ["done"]


def test_data_and_fin_are_held_back_by_a_zero_window_and_follow_it(lab):
    p = Peer(lab, wnd=0)
    p.open()
    p.conn.finish(Bytes(b"text"))
    assert not [s for s in p.run(0) if len(s.data) > 1]
    out = p.send("A", wnd=1000) + p.run(10)
    assert b"".join(s.data for s in out)[-3:] == b"ext" and "F" in out[-1].flags
    assert not any("R" in s.flags for s in out)


def test_unknown_port_is_reset_while_we_wait(fin_wait_1, lab):
    is_reset(one(Peer(lab, port=40001).send("FA", ack=9)), 9)
