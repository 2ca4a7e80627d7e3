"""LAST-ACK: the peer closed first; our FIN is out (RFC 9293 3.6, case 2)."""

import pytest
from lab.tcp import Peer, is_ack, is_reset, one

rfc = pytest.mark.rfc


def test_ack_of_our_fin_ends_it_without_time_wait(last_ack, lab):
    app = lab.app
    assert not last_ack.send("A")
    assert app.said("closed") == ["done"]
    is_reset(one(last_ack.send("A")), last_ack.ack)  # nothing is left of it


def test_ack_below_our_fin_does_not(last_ack, lab):
    assert not last_ack.send("A", ack=last_ack.fin.seq)
    assert last_ack.state == "LAST-ACK" and not lab.app.said("closed")


def test_our_fin_is_sent_again_until_it_is_acknowledged(last_ack):
    assert [(s.flags, s.seq, s.at) for s in last_ack.run(7000)] == [
        ("FA", last_ack.fin.seq, t) for t in (1000, 3000, 7000)
    ]


def test_fin_again_is_acknowledged_again(last_ack):
    s = one(last_ack.send("FA", seq=last_ack.seq - 1, ack=last_ack.fin.seq))
    assert s.ack == last_ack.seq and last_ack.state == "LAST-ACK"


def test_peer_that_never_acknowledges_is_given_up(last_ack, lab):
    app = lab.app
    last_ack.run(2_000_000)
    assert app.said("closed") == ["timeout"]


@rfc("5961 3.2-2")
def test_rst_ends_it(last_ack, lab):
    assert not last_ack.send("R")
    assert len(lab.app.said("closed")) == 1


def test_syn_gets_a_challenge_ack(last_ack):
    assert is_ack(one(last_ack.send("S", seq=99)), last_ack)
    assert last_ack.state == "LAST-ACK"


def test_text_is_ignored(last_ack, lab):
    last_ack.send("PA", b"beyond", seq=last_ack.seq, ack=last_ack.fin.seq)
    last_ack.run(500)
    assert lab.app.data == b""


def test_row_is_free_for_the_next_connection(last_ack, lab):
    last_ack.send("A")
    Peer(lab, isn=last_ack.seq + 64000).open()
