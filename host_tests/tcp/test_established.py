"""ESTABLISHED: data, acknowledgments and what does not belong (RFC 9293 3.10.7.4)."""

import pytest
from lab.tcp import HalfCloser, Lab, Log, Peer, addr, is_ack, is_reset, one
from uipy import Bytes, NotConnected

rfc = pytest.mark.rfc


def test_data_is_delivered_and_acknowledged(peer, lab):
    out = peer.send("PA", b"hello") + peer.run(499)
    assert lab.app.data == b"hello" and is_ack(out[-1], peer)


def test_data_may_have_any_length_and_either_parity(peer, lab):
    text = bytes(range(256)) * 4
    for n in (1, 2, 3, 535, 536, 1000):
        peer.send("A", text[:n])
        peer.run(500)
    assert lab.app.data == b"".join(text[:n] for n in (1, 2, 3, 535, 536, 1000))


@pytest.mark.parametrize("start", [0, 2**31 - 3, 2**32 - 3, 2**30 - 3])
def test_sequence_numbers_wrap(start):
    lab = Lab()
    p = Peer(lab, isn=start)
    p.open()
    for _ in range(4):
        p.send("PA", b"abc")
    out = p.run(500)
    assert lab.app.data == b"abc" * 4 and (not out or out[-1].ack == (start + 13) % 2**32)


# First: the sequence number.


@pytest.mark.parametrize(
    "off, data",
    [(-1, b""), (-5, b"old"), (-1000, b"x" * 500), (70_000, b""), (70_000, b"far"), (2**31, b"")],
)
def test_segment_outside_the_window_is_answered_with_an_ack_and_dropped(peer, lab, off, data):
    s = one(peer.send("PA" if data else "A", data, seq=peer.seq + off))
    assert is_ack(s, peer) and s.seq == peer.ack
    assert lab.app.data == b"" and peer.state == "ESTABLISHED"


def test_retransmission_of_old_data_is_acknowledged_at_once(peer, lab):
    peer.send("PA", b"data")
    peer.run(500)
    assert is_ack(one(peer.send("PA", b"data", seq=peer.seq - 4)), peer)
    assert lab.app.data == b"data"


def test_only_the_new_part_of_an_overlapping_segment_is_taken(peer, lab):
    peer.send("PA", b"abcd")
    peer.send("PA", b"cdEF", seq=peer.seq - 2)
    peer.seq += 2
    assert lab.app.data == b"abcdEF"
    assert is_ack(one(peer.run(500)), peer)


def test_fin_of_an_overlapping_segment_counts(peer, lab):
    peer.send("PA", b"abcd")
    s = one(peer.send("FPA", b"abcdEF", seq=peer.seq - 4))
    assert lab.app.data == b"abcdEF" and s.ack == peer.seq + 3 and peer.state == "CLOSE-WAIT"


def test_data_beyond_the_window_is_cut_off(lab):
    lab = Lab(tcp_options={"room": 1000})
    p = Peer(lab)
    p.open()
    start = p.seq
    out = p.send("FPA", b"x" * 1200, seq=start) + p.run(500)
    assert lab.app.data == b"x" * 1000 and out[-1].ack == start + 1000
    assert p.state == "ESTABLISHED"  # the FIN lay outside too


@rfc("9293 MAY-13", "5681 3.2-1")
def test_segment_above_a_gap_is_answered_at_once_with_a_duplicate_ack(peer, lab):
    s = one(peer.send("PA", b"later", seq=peer.seq + 5))
    assert is_ack(s, peer) and s.seq == peer.ack
    assert lab.app.data == b""


@rfc("9293 SHLD-31", "9293 MUST-59", "5681 3.2-2", "9293 MUST-58")
def test_held_segments_are_delivered_in_order_behind_the_gap_with_one_ack():
    lab = Lab(tcp_options={"reassembly": 4})
    p = Peer(lab)
    p.open()
    start = p.seq
    for k in (3, 1, 2):
        p.send("PA", b"%d" % k * 100, seq=start + k * 100)
    assert lab.app.data == b""
    s = one(p.send("PA", b"0" * 100, seq=start), "A")
    assert (
        lab.app.data == b"0" * 100 + b"1" * 100 + b"2" * 100 + b"3" * 100 and s.ack == start + 400
    )
    assert not p.run(1000)


@rfc("9293 SHLD-31")
def test_a_held_fin_ends_the_stream_behind_the_gap():
    lab = Lab(tcp_options={"reassembly": 4})
    p = Peer(lab)
    p.open()
    start = p.seq
    p.send("FPA", b"end", seq=start + 5)
    assert not lab.app.said("peer_closed")
    out = p.send("PA", b"start", seq=start)
    if p.state != "CLOSE-WAIT":  # the FIN of a held segment may be left to be sent again
        out = p.send("FPA", b"end", seq=start + 5)
    assert (
        lab.app.data == b"startend"
        and out[-1].ack == start + 9
        and lab.app.said("peer_closed") == [None]
    )


@rfc("9293 SHLD-31")
def test_held_segments_that_overlap_are_delivered_once():
    lab = Lab(tcp_options={"reassembly": 4})
    p = Peer(lab)
    p.open()
    start, text = p.seq, bytes(range(200))
    for a, b in ((120, 160), (50, 130), (140, 200), (60, 70)):
        p.send("PA", text[a:b], seq=start + a)
    for _ in range(3):
        have = len(lab.app.data)
        p.send("PA", text[have : have + 60], seq=start + have)
    while len(lab.app.data) < 200:
        have = len(lab.app.data)
        p.send("PA", text[have : have + 60], seq=start + have)
        assert len(lab.app.data) > have
    assert lab.app.data == text


def test_the_oldest_row_loses_when_the_pool_is_full():
    lab = Lab(tcp_options={"reassembly": 2})
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    a.open()
    app_a = lab.app
    b.open()
    app_b = lab.app
    sa, sb = a.seq, b.seq
    a.send("PA", b"a2", seq=sa + 2)
    b.send("PA", b"b2", seq=sb + 2)
    b.send("PA", b"b4", seq=sb + 4)
    b.send("PA", b"b0", seq=sb)
    assert app_b.data == b"b0b2b4"
    a.send("PA", b"a0", seq=sa)
    assert app_a.data in (b"a0", b"a0a2")


@rfc("9293 MUST-58", "5681 4.2-2")
def test_segments_that_arrive_together_are_acknowledged_together(peer, lab):
    """Six small segments in one poll: one ACK at the most for every second of them, the last one
    delayed."""
    frames = [peer.segment("A", b"x" * 100) for _ in range(6)]
    out = peer.hear(lab.give(*frames)) + peer.run(499)
    assert lab.app.data == b"x" * 600 and len(out) <= 3 and out[-1].ack == peer.seq


@rfc("5681 4.2-2")
def test_no_segment_gets_two_acks(peer, lab):
    for k in range(10):
        assert len(peer.send("A", b"x" * 700)) <= 1
        assert len(peer.send("A", b"y" * 700, seq=peer.seq + 700)) <= 1
        lab.app.data = b""


# Second: RST. The rules of RFC 5961 are in test_rfc5961.py.


@rfc("9293 MUST-12", "5961 3.2-2")
def test_rst_ends_it_and_the_application_hears_reset(peer, lab):
    assert not peer.send("R")
    assert lab.app.said("closed") == ["reset"]
    with pytest.raises(NotConnected):
        lab.app.conn.send(Bytes(b"x"))
    assert not lab.run(100_000)
    is_reset(one(peer.send("PA", b"?")), peer.ack)


@rfc("9293 MUST-12")
def test_fin_and_rst_are_told_apart(lab):
    ends = []
    for k, flags in enumerate(("FA", "R")):
        p = Peer(lab, port=40000 + k)
        p.open()
        app = lab.app
        app.events.clear()
        p.send(flags)
        if flags == "FA":
            app.c.shutdown()
            p.run(0)
            p.send("A")
        ends.append([e for e in app.events if e[0] in ("peer_closed", "closed")])
    assert ends == [[("peer_closed", None), ("closed", "done")], [("closed", "reset")]]


@rfc("9293 SHLD-2")
def test_rst_with_data_is_a_rst(peer, lab):
    assert not peer.send("RA", b"go away")
    assert lab.app.said("closed") == ["reset"] and lab.app.data == b""


# Fifth: ACK.


def test_segment_without_ack_is_dropped(peer, lab):
    assert not peer.send("P", b"x", seq=peer.seq)
    assert not peer.send("F", seq=peer.seq)
    assert not peer.send("", b"x", seq=peer.seq)
    peer.run(1000)
    assert lab.app.data == b"" and peer.state == "ESTABLISHED"


def test_ack_of_what_was_not_sent_is_answered_with_an_ack_and_dropped(peer, lab):
    s = one(peer.send("PA", b"x", ack=peer.ack + 1, seq=peer.seq))
    assert is_ack(s, peer) and lab.app.data == b""


def test_old_ack_is_ignored_and_its_data_taken(peer, lab):
    peer.conn.send(Bytes(b"1234"))
    peer.run(0)
    peer.send("A")
    peer.send("PA", b"data", ack=peer.ack - 4)
    assert lab.app.data == b"data" and peer.state == "ESTABLISHED"


def test_partial_ack_of_a_segment_moves_the_left_edge(peer, lab):
    peer.conn.send(Bytes(b"abcdefgh"))
    one(peer.run(0))
    peer.send("A", ack=peer.ack - 5)
    assert lab.app.said("acked") == [3]
    again = one(peer.run(1500, until=lambda s: s.data))
    assert again.data == b"defgh" and again.seq == peer.ack - 5


def test_old_segment_does_not_change_the_window(lab):
    """SND.WL1: a segment that was sent before another one does not say what the window is."""
    p = Peer(lab, wnd=2000)
    p.open()
    start = p.seq
    p.send("PA", b"abc")
    p.send("PA", b"def", wnd=3000)
    p.send("PA", b"abcdefgh", seq=start, wnd=0)  # overtaken by the others
    assert lab.app.data == b"abcdefgh"
    p.conn.send(Bytes(bytes(5000)))
    assert sum(s.len for s in p.run(0)) == 3000


# Seventh: text.


def test_what_the_application_does_not_take_stays_unacknowledged(peer, lab):
    lab.app.take = 3
    start = peer.seq
    out = peer.send("PA", b"abcdef") + peer.run(499)
    assert lab.app.data == b"abc" and out[-1].ack == start + 3
    lab.app.take = None
    peer.send("PA", b"def", seq=start + 3)
    assert lab.app.data == b"abcdef"


def test_fin_behind_what_the_application_does_not_take_waits(peer, lab):
    lab.app.take = 3
    start = peer.seq
    peer.send("FPA", b"abcdef")
    assert peer.state == "ESTABLISHED" and not lab.app.said("peer_closed")
    lab.app.take = None
    one(peer.send("FPA", b"def", seq=start + 3))
    assert lab.app.data == b"abcdef" and lab.app.said("peer_closed") == [None]


def test_segment_that_fills_the_window_exactly_is_taken():
    lab = Lab(tcp_options={"room": 500})
    p = Peer(lab)
    s = p.open()
    assert s.wnd == 500
    p.send("PA", b"z" * 500)
    assert lab.app.data == b"z" * 500


# Eighth: FIN.


def test_fin_leads_to_close_wait_and_is_acknowledged_at_once(peer, lab):
    assert is_ack(one(peer.send("FA")), peer)
    assert peer.state == "CLOSE-WAIT" and lab.app.said("peer_closed") == [None]


def test_the_base_class_answers_a_fin_with_its_own():
    lab = Lab(app=Log)
    p = Peer(lab)
    p.open()
    out = p.send("FA") + p.run(500)
    assert out[-1].flags == "FA" and out[-1].ack == p.seq
    p.send("A")
    assert lab.app.said("closed") == ["done"]


def test_shutdown_sends_fin_and_leads_to_fin_wait_1(peer):
    peer.conn.shutdown()
    s = one(peer.run(0), "FA")
    assert s.seq == peer.ack - 1 and peer.state == "FIN-WAIT-1"


def test_finish_puts_the_fin_on_the_last_data(peer):
    peer.conn.finish(Bytes(b"bye"))
    s = one(peer.run(0))
    assert s.flags == "FPA" and s.data == b"bye" and peer.state == "FIN-WAIT-1"


def test_nothing_can_be_sent_after_shutdown(peer):
    peer.conn.shutdown()
    with pytest.raises(NotConnected):
        peer.conn.send(Bytes(b"x"))
    with pytest.raises(NotConnected):
        peer.conn.finish(Bytes(b"x"))


def test_abort_sends_rst_at_snd_nxt_and_ends(peer, lab):
    peer.conn.send(Bytes(b"1234"))
    peer.run(0)
    peer.conn.abort()
    s = one(peer.run(0))
    assert "R" in s.flags and s.seq == peer.ack and not s.data
    assert lab.app.said("closed") == ["aborted"] and not lab.run(100_000)


def test_callback_that_raises_costs_its_own_connection_only(lab):
    class Broken(HalfCloser):
        def received(self, conn, buf, start, n):
            raise ValueError("broken")

    lab = Lab(app=Broken)
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    a.open()
    app_a = lab.app
    b.open()
    out = a.send("PA", b"x") + a.run(0)
    assert "R" in out[-1].flags and app_a.said("closed") == ["error"] and len(lab.errors) == 1
    assert b.state == "ESTABLISHED"


def test_the_reply_goes_to_the_address_that_the_connection_has(peer, lab):
    """9293 MUST-45 on one interface: every segment names the address that the peer spoke to."""
    peer.conn.send(Bytes(b"x"))
    assert {s.src for s in peer.run(5000)} == {addr("10.0.0.1")}


@pytest.mark.parametrize("old", [{"data": b"old", "off": -3}, {"off": -1}, {"off": 100_000}])
def test_what_is_out_of_the_window_is_counted(peer, lab, old):
    peer.send("A", old.get("data", b""), seq=peer.seq + old["off"])
    assert lab.wire.count("tcp_old") == 1
