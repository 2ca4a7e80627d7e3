"""Urgent data in line (RFC 9293 3.8.5, RFC 6093)."""

import pytest
from lab.tcp import Lab, Peer, active, one
from uipy import Bytes

rfc = pytest.mark.rfc


@pytest.fixture
def lab():
    return Lab(tcp_options={"urgent": True})


@rfc("9293 MUST-30", "9293 MUST-32", "9293 MUST-62", "6093 4-1", "6093 5-1")
def test_application_hears_of_urgent_data_up_to_the_octet_before_the_pointer(peer, lab):
    """Pointer 3 on a segment of five: three octets are urgent. It is told before the data, and
    again at the end."""
    peer.send("UPA", b"abcde", up=3)
    events = [e for e in lab.app.events if e[0] in ("urgent", "received")]
    assert events[0] == ("urgent", 3) and events[-1] in (
        ("urgent", 0),
        ("received", 5),
        ("received", 2),
    )
    assert lab.app.said("urgent") == [3, 0]
    assert lab.app.data == b"abcde"


@pytest.mark.parametrize("text", [b"", b"a"])
def test_application_hears_of_the_pointer_of_a_syn_ack(lab, text):
    """Other controls and text of it go on at the sixth step (RFC 9293 3.10.7.3)."""
    app, p, _syn = active(lab)
    p.send("SUA", text, up=3)
    assert app.said("urgent") == [3]


@rfc("6093 2.1-1")
def test_urgent_data_stays_in_line(peer, lab):
    peer.send("PA", b"before ")
    peer.send("UPA", b"urgent", up=6)
    peer.send("PA", b" after")
    assert lab.app.data == b"before urgent after"


@rfc("9293 MUST-32", "9293 MUST-33")
def test_pointer_ahead_of_the_data_is_told_at_once_and_counted_down(peer, lab):
    """The pointer is in a segment before the data that it means: a bare ACK, even."""
    peer.send("UA", up=1500)
    assert lab.app.said("urgent") == [1500] and peer.conn.urgent_left == 1500
    peer.send("UA", b"x" * 1000, up=500)
    assert peer.conn.urgent_left == 500 and lab.app.said("urgent") == [1500]
    peer.send("A", b"x" * 500)
    assert peer.conn.urgent_left == 0 and lab.app.said("urgent") == [1500, 0]


@rfc("9293 MUST-31")
def test_urgent_data_may_be_longer_than_a_segment_and_than_a_window(peer, lab):
    """60 000 octets of it, in segments of 1000, each with its pointer to the same place."""
    end = 60_000
    for k in range(0, end, 1000):
        peer.send("UA", b"u" * 1000, up=end - k)
    assert len(lab.app.data) == end and lab.app.said("urgent") == [60_000, 0]


@rfc("9293 MUST-32")
def test_pointer_that_advances_is_told_again(peer, lab):
    peer.send("UA", up=10)
    peer.send("UA", up=20)
    assert lab.app.said("urgent") == [10, 20] and peer.conn.urgent_left == 20


@rfc("9293 MUST-32")
def test_pointer_that_does_not_advance_is_not_told_again(peer, lab):
    peer.send("UA", up=20)
    peer.send("UA", up=20)
    peer.send("UA", up=5)
    assert lab.app.said("urgent") == [20] and peer.conn.urgent_left == 20


def test_pointer_to_what_was_read_already_is_ignored(peer, lab):
    peer.send("PA", b"hello")
    peer.send("UA", up=0)
    peer.send("UA", b"", up=0)
    assert not lab.app.said("urgent") and peer.conn.urgent_left == 0


def test_without_the_flag_the_field_means_nothing(peer, lab):
    peer.send("PA", b"hello", up=3)
    assert not lab.app.said("urgent")


@rfc("6093 6-1")
def test_data_arrives_whole_when_a_middlebox_clears_urg(peer, lab):
    """The pointer came once, with data missing; the data comes with URG cleared."""
    peer.send("UA", up=8)
    peer.send("A", b"urgent")
    peer.send("PA", b"!?more")
    assert lab.app.data == b"urgent!?more" and lab.app.said("urgent") == [8, 0]


def test_urgent_mode_ends_when_the_application_has_taken_it(peer, lab):
    lab.app.take = 2
    start = peer.seq
    peer.send("UPA", b"abcdef", up=4, seq=start)
    assert peer.conn.urgent_left == 2
    lab.app.take = None
    peer.send("UPA", b"cdef", up=2, seq=start + 2)
    assert (
        peer.conn.urgent_left == 0
        and lab.app.said("urgent")[-1] == 0
        and lab.app.data == b"abcdef"
    )


@rfc("9293 MUST-30", "9293 MUST-62", "6093 4-1")
def test_our_urgent_data_has_the_pointer_behind_its_last_octet(peer):
    peer.conn.send(Bytes(b"abcdefgh"))
    peer.conn.push_urgent(5)
    s = one(peer.run(0))
    assert "U" in s.flags and s.up == 5 and s.data == b"abcdefgh"


@rfc("9293 MUST-31")
def test_our_urgent_data_may_be_longer_than_a_segment(peer):
    peer.send("A", wnd=60000)
    peer.conn.send(Bytes(bytes(5000)))
    peer.conn.push_urgent(2500)
    out = peer.run(0)
    base = peer.iss + 1
    assert [("U" in s.flags, (s.seq + s.up - base) if "U" in s.flags else None) for s in out] == [
        (True, 2500),
        (True, 2500),
        (True, 2500),
        (False, None),
        (False, None),
    ]


@rfc("9293 MUST-31")
def test_our_urgent_data_may_be_longer_than_65535_octets(peer):
    """The pointer cannot say it all; it says as much as it can, and never less than what is urgent
    in its segment."""
    peer.send("A", wnd=60000)
    peer.conn.send(Bytes(bytes(200_000)))
    peer.conn.push_urgent(150_000)
    sent = 0
    out = peer.run(0)
    while out:
        for s in out:
            at = (s.seq - peer.iss - 1) % 2**32
            if s.data and at < 149_000:
                assert "U" in s.flags and s.up >= min(s.len, 150_000 - at)
            sent = max(sent, at + s.len)
        out = peer.send("A")
    assert sent == 200_000


def test_our_urgent_pointer_is_repeated_with_a_retransmission(peer):
    peer.conn.send(Bytes(b"abc"))
    peer.conn.push_urgent(3)
    a, b = one(peer.run(0)), one(peer.run(1000))
    assert (a.up, a.flags, a.data) == (b.up, b.flags, b.data) and "U" in b.flags


def test_our_urgent_pointer_goes_out_though_the_window_is_zero():
    """RFC 9293 3.8.6: the pointer may stimulate a receiver that has closed its window."""
    lab = Lab(tcp_options={"urgent": True})
    p = Peer(lab, wnd=0)
    p.open()
    p.conn.send(Bytes(bytes(100)))
    p.conn.push_urgent(100)
    out = p.run(1100)
    assert out and "U" in out[-1].flags and (out[-1].seq + out[-1].up - p.iss - 1) == 100


def test_several_pushes_are_merged_into_one_pointer(peer):
    peer.conn.send(Bytes(bytes(900)))
    peer.conn.push_urgent(100)
    peer.conn.push_urgent(400)
    peer.conn.push_urgent(200)
    s = one(peer.run(0))
    assert s.up == 400


@pytest.mark.parametrize("flags", ["UA", "UPA", "UFA", "UFPA"])
def test_after_abort_in_urgent_nothing_more_is_told(peer, lab, flags):
    app = peer.app
    app.urgent = lambda conn, n: conn.abort()
    out = peer.send(flags, b"text" * ("P" in flags), up=4)
    assert "R" in one(out).flags and out[0].seq == peer.ack
    assert app.events == [("connected", None), ("closed", "aborted")] and app.data == b""


@pytest.mark.parametrize("n", [-1, 0, 2**30])
def test_a_number_that_urgent_octets_cannot_have_is_refused(peer, n):
    peer.conn.send(Bytes(b"abc"))
    with pytest.raises(ValueError, match="1 to"):
        peer.conn.push_urgent(n)
    assert "U" not in one(peer.run(0)).flags
