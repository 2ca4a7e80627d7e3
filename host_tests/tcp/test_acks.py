"""When an ACK is sent (RFC 9293 3.8.6.3, RFC 5681 4.2)."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, is_ack, one
from uipy import Bytes

rfc = pytest.mark.rfc


@rfc("9293 SHLD-18")
def test_ack_of_one_short_segment_is_delayed(peer):
    assert not peer.send("PA", b"x")
    assert is_ack(one(peer.run(499)), peer)


@rfc("9293 MUST-40", "5681 4.2-1")
def test_ack_is_never_delayed_by_half_a_second(peer):
    for n in (1, 100, 999):
        start = peer.lab.ms
        out = peer.send("A", b"x" * n) + peer.run(1000)
        assert out[-1].at - start < 500 and out[-1].ack == peer.seq


@rfc("9293 SHLD-19", "5681 4.2-1")
def test_every_second_full_sized_segment_is_acknowledged_at_once(peer):
    for _ in range(5):
        assert not peer.send("A", b"x" * 1460)
        assert is_ack(one(peer.send("A", b"y" * 1460)), peer)


@rfc("9293 SHLD-19")
def test_full_sized_is_what_the_peer_sends_when_that_is_less(lab):
    """A peer whose path allows only 536 octets: every second of its segments is acknowledged."""
    p = Peer(lab)
    p.open()
    acks = sum(len(p.send("A", b"x" * 536)) for _ in range(20))
    assert acks >= 8


@rfc("9293 MUST-58")
def test_data_of_ours_carries_the_ack(peer):
    peer.send("PA", b"question")
    peer.conn.send(Bytes(b"answer"))
    s = one(peer.run(0))
    assert s.data == b"answer" and s.ack == peer.seq
    peer.send("A")
    assert not peer.run(1000)


@rfc("9293 MUST-58")
def test_echo_is_one_segment_with_data_and_ack(lab):
    class Echo(HalfCloser):
        def received(self, conn, buf, start, n):
            conn.send(Bytes(bytes(buf[start : start + n])))

    p = Peer(Lab(app=Echo))
    p.open()
    s = one(p.send("PA", b"ping") + p.run(0))
    assert s.data == b"ping" and s.ack == p.seq


def test_ack_is_not_acknowledged(peer):
    assert not peer.send("A") and not peer.run(1000)


@rfc("9293 MUST-59", "9293 MUST-58")
def test_queued_segments_are_all_processed_before_the_ack(lab):
    """The hole's segment releases three held ones: one ACK, behind the last."""
    lab = Lab(tcp_options={"reassembly": 3})
    p = Peer(lab)
    p.open()
    s0 = p.seq
    for k in (1, 2, 3):
        p.send("A", bytes([k]) * 300, seq=s0 + 300 * k)
    assert one(p.send("A", bytes(300), seq=s0)).ack == s0 + 1200


def test_what_fills_a_part_of_a_gap_is_acknowledged_at_once(peer):
    """Without a pool the peer sends everything behind the loss again, one segment a round trip: a
    delayed ACK for each of them would be 100 ms for each of them."""
    lost = peer.seq
    for k in range(1, 5):
        assert peer.send("A", b"x" * 1000, seq=lost + 1000 * k)
    for k in range(5):
        peer.seq = lost + 1000 * k
        assert is_ack(one(peer.send("A", b"x" * 1000)), peer)
    assert not peer.send("A", b"y" * 999)  # the gap has closed: delayed as ever
