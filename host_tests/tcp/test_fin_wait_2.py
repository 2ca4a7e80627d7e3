"""FIN-WAIT-2: our side is closed and acknowledged; the peer goes on sending for as long as the
application reads."""

import pytest
from lab.tcp import Lab, Peer, is_ack, one

rfc = pytest.mark.rfc


def test_data_is_delivered_for_as_long_as_it_comes(fin_wait_2, lab):
    for _ in range(50):
        fin_wait_2.send("PA", b"x" * 1000)
        fin_wait_2.run(60_000)
    assert lab.app.data == b"x" * 50_000 and fin_wait_2.state == "FIN-WAIT-2"


def test_a_reader_waits_for_ever(fin_wait_2, lab):
    fin_wait_2.run(6 * 3600_000)
    assert fin_wait_2.state == "FIN-WAIT-2"
    fin_wait_2.send("PA", b"at last")
    assert lab.app.data == b"at last"


def test_who_no_longer_reads_does_not_wait_for_ever(fin_wait_2, lab):
    app = lab.app
    fin_wait_2.conn.close()
    fin_wait_2.run(50_000)
    assert not app.said("closed")
    fin_wait_2.run(100_000)
    assert len(app.said("closed")) == 1


def test_fin_leads_to_time_wait(fin_wait_2, lab):
    app = lab.app
    assert is_ack(one(fin_wait_2.send("FA")), fin_wait_2)
    assert app.said("peer_closed") == [None] and app.said("closed") == ["done"]
    assert is_ack(
        one(fin_wait_2.send("FA", seq=fin_wait_2.seq - 1)), fin_wait_2
    )  # TIME-WAIT answers it again


def test_data_with_the_fin_is_delivered(fin_wait_2, lab):
    app = lab.app
    assert is_ack(one(fin_wait_2.send("FPA", b"the end")), fin_wait_2)
    assert app.data == b"the end"


@rfc("9293 SHLD-3")
def test_data_that_nobody_reads_is_reset(fin_wait_2, lab):
    app = lab.app
    fin_wait_2.conn.close()
    fin_wait_2.run(10)
    s = one(fin_wait_2.send("PA", b"lost"))
    assert "R" in s.flags and len(app.said("closed")) == 1


@rfc("9293 MUST-12")
def test_rst_ends_it(fin_wait_2, lab):
    assert not fin_wait_2.send("R")
    assert lab.app.said("closed") == ["reset"]


def test_syn_gets_a_challenge_ack(fin_wait_2):
    s = one(fin_wait_2.send("S", seq=123456))
    assert is_ack(s, fin_wait_2) and s.seq == fin_wait_2.fin.end
    assert fin_wait_2.state == "FIN-WAIT-2"


def test_old_data_is_answered_with_an_ack(fin_wait_2):
    assert is_ack(one(fin_wait_2.send("PA", b"old", seq=fin_wait_2.seq - 3)), fin_wait_2)


def test_fin_beyond_a_gap_waits_for_the_data(fin_wait_2, lab):
    start = fin_wait_2.seq
    one(fin_wait_2.send("FA", seq=start + 4), "A")
    assert fin_wait_2.state == "FIN-WAIT-2"
    out = fin_wait_2.send("FPA", b"data", seq=start)
    assert lab.app.data == b"data" and out[-1].ack == start + 5


def test_nothing_is_sent_for_as_long_as_nothing_comes(fin_wait_2):
    assert not fin_wait_2.run(3600_000)


def test_limit_of_who_no_longer_reads_is_a_minute_whatever_the_peer_says(fin_wait_2, lab):
    """A peer that varies its window, and acknowledges again, does not put it off."""
    app = lab.app
    fin_wait_2.conn.close()
    fin_wait_2.run(0)
    for k in range(11):
        fin_wait_2.run(5000)
        fin_wait_2.send("A", wnd=4000 + 100 * k)
    fin_wait_2.run(4999)
    assert not app.said("closed")
    fin_wait_2.run(1)
    assert app.said("closed") == ["done"]


def test_limit_can_be_set():
    lab = Lab(tcp_options={"linger": 5000})
    p = Peer(lab)
    p.open()
    p.conn.close()
    p.run(0)
    p.send("A")
    p.run(4999)
    assert p.state == "FIN-WAIT-2"
    p.run(1)
    assert p.app.said("closed") == ["done"]
