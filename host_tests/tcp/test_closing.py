"""CLOSING: both FINs crossed; ours is not acknowledged yet (RFC 9293 3.6, case 3, figure 13)."""

import pytest
from lab.tcp import is_ack, one

rfc = pytest.mark.rfc


def test_ack_of_our_fin_leads_to_time_wait(closing, lab):
    app = lab.app
    assert not closing.send("A")
    assert app.said("closed") == ["done"]
    assert is_ack(one(closing.send("FA", seq=closing.seq - 1)), closing)  # TIME-WAIT


def test_ack_below_our_fin_is_ignored(closing, lab):
    closing.send("A", ack=closing.fin.seq)
    assert closing.state == "CLOSING" and not lab.app.said("closed")


def test_our_fin_is_sent_again(closing):
    again = one(closing.run(1000))
    assert "F" in again.flags and again.seq == closing.fin.seq and again.ack == closing.seq


def test_fin_again_is_acknowledged_again(closing, lab):
    assert is_ack(one(closing.send("FA", seq=closing.seq - 1, ack=closing.fin.seq)), closing)
    assert lab.app.said("peer_closed") == [None] and closing.state == "CLOSING"


def test_text_is_ignored_and_told_where_the_fin_was(closing, lab):
    """Behind its own FIN the peer has nothing to say: it has not heard our ACK of it."""
    out = closing.send("PA", b"beyond", seq=closing.seq, ack=closing.fin.seq)
    assert is_ack(one(out), closing)
    closing.run(500)
    assert lab.app.data == b""


@rfc("5961 3.2-2")
def test_rst_ends_it(closing, lab):
    assert not closing.send("R")
    assert len(lab.app.said("closed")) == 1 and not lab.run(100_000)


def test_syn_gets_a_challenge_ack(closing):
    assert is_ack(one(closing.send("S", seq=99)), closing)
    assert closing.state == "CLOSING"


@rfc("9293 MUST-13")
def test_time_wait_after_a_simultaneous_close_lasts_as_long_as_any(closing, lab):
    closing.send("A")
    closing.run(30_000)
    assert is_ack(one(closing.send("FA", seq=closing.seq - 1)), closing)
