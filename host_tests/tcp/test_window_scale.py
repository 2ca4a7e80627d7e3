"""Window scaling (RFC 7323 2)."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one, wscale
from uipy import Bytes

rfc = pytest.mark.rfc


@pytest.fixture
def lab():
    return Lab(tcp_options={"window_scale": True, "room": 200_000})


def shift(s):
    return s.opts["ws"]


@rfc("7323 2.3-1")
def test_syn_with_the_option_is_answered_with_it(lab):
    s = one(Peer(lab).send("S", opts=mss(1000) + wscale(0)))
    assert 200_000 >> shift(s) <= 0xFFFF


@rfc("7323 2.2-1")
def test_syn_without_it_is_answered_without_and_nothing_is_scaled(lab):
    p = Peer(lab)
    s = p.open()
    assert "ws" not in s.opts
    s = (p.send("PA", bytes(500)) + p.run(500))[-1]
    assert s.wnd >= 60_000
    p.send("A", wnd=1)
    p.conn.send(Bytes(bytes(5000)))
    p.run(500)
    assert p.conn.unacked <= 1


@rfc("7323 2.2-1")
def test_peer_that_does_not_answer_with_it_is_not_scaled(lab):
    app, p, syn = active(lab)
    assert "ws" in syn.opts
    p.send("SA", opts=mss(1000), wnd=2000)
    app.c.send(Bytes(bytes(5000)))
    assert sum(s.len for s in p.run(0)) == 2000


@pytest.mark.parametrize("k", [0, 3, 7])
def test_mss_and_shift_of_one_syn_are_two_numbers(lab, k):
    p = Peer(lab, wnd=8000 >> k)
    p.open(opts=mss(1000) + wscale(k))
    p.send("A")
    p.conn.send(Bytes(bytes(3000)))
    assert [s.len for s in p.run(0)] == [1000] * 3


@rfc("7323 2.2-3")
def test_window_of_a_syn_is_not_scaled(lab):
    """What our SYN-ACK says is in octets, and what the peer's SYN says too."""
    p = Peer(lab, wnd=2000)
    s = p.send("S", opts=mss(1000) + wscale(4))[0]
    assert s.wnd == 0xFFFF
    app, q, syn = active(lab)
    assert syn.wnd == 0xFFFF
    q.send("SA", opts=mss(1000) + wscale(4), wnd=2000)
    app.c.send(Bytes(bytes(9000)))
    assert sum(s.len for s in q.run(0)) == 2000


@rfc("7323 2.3-2")
def test_windows_that_arrive_are_shifted_left(lab):
    p = Peer(lab)
    p.open(opts=mss(1000) + wscale(3))
    p.send("A", wnd=1000)
    p.conn.send(Bytes(bytes(20_000)))
    assert sum(s.len for s in p.run(0)) == 8000


@rfc("7323 2.3-3")
def test_windows_that_we_send_are_shifted_right(lab):
    p = Peer(lab)
    s = p.open(opts=mss(1000) + wscale(3))
    k = shift(s)
    s = (p.send("PA", bytes(1000)) + p.send("PA", bytes(1000)) + p.run(500))[-1]
    assert 0 <= 200_000 - (s.wnd << k) < 2000


@rfc("7323 2.3-4")
@pytest.mark.parametrize("big", [15, 31, 255])
def test_shift_above_14_counts_as_14(lab, big):
    p = Peer(lab)
    p.open(opts=mss(1000) + wscale(big))
    p.send("A", wnd=1)
    p.conn.send(Bytes(bytes(20_000)))
    assert (
        sum(s.len for s in p.run(0)) == 10_000
    )  # IW; 1 << 14 is more than that, 1 << 31 would not be a window


@rfc("7323 2.3-4")
@pytest.mark.parametrize("k, window", [(13, 8192), (14, 16_384), (15, 16_384), (255, 16_384)])
def test_a_window_of_one_is_16384_octets_at_the_most(lab, k, window):
    """However wide CWND has grown."""
    p = Peer(lab)
    p.open(opts=mss(1000) + wscale(k))
    p.conn.send(Bytes(bytes(200_000)))
    for _ in range(8):
        p.run(0)
        p.send("A", wnd=0xFFFF)
    p.run(0)
    p.send("A", wnd=1)
    p.run(500)
    assert p.conn.unacked <= window and p.conn.unacked > window - 1000


@rfc("7323 2.3-1", "9293 MUST-34")
@pytest.mark.parametrize("k, wnd, window", [(0, 3000, 3000), (1, 1500, 3000), (3, 1000, 8000)])
def test_window_of_the_last_segment_of_the_handshake_is_scaled(k, wnd, window):
    """What the application says at once is kept to it."""

    class Says(HalfCloser):
        greeting = Bytes(bytes(20_000))

    p = Peer(Lab(app=Says, tcp_options={"window_scale": True}))
    p.send("S", opts=mss(1000) + wscale(k))
    out = p.send("A", wnd=wnd) + p.run(0)
    assert sum(s.len for s in out) == window


def test_text_beyond_what_the_syn_ack_could_offer_is_outside_of_the_window():
    """65535 octets, however much room there is."""
    lab = Lab(tcp_options={"window_scale": True, "room": 300_000})
    for n, (off, old) in enumerate([(65_534, 0), (65_535, 1), (65_536, 1)]):
        p = Peer(lab, port=40000 + n)
        p.open(opts=mss(1000) + wscale(7))
        before = lab.wire.count("tcp_old")
        p.send("A", b"x", seq=p.seq + off)
        assert lab.wire.count("tcp_old") == before + old


@rfc("7323 2.2-2")
def test_option_without_syn_is_ignored(lab):
    p = Peer(lab)
    p.open()
    p.send("A", opts=wscale(7), wnd=1000)
    p.conn.send(Bytes(bytes(20_000)))
    assert sum(s.len for s in p.run(0)) == 1000


@rfc("7323 2.4-1")
def test_shrinking_scaled_window_is_survived(lab):
    p = Peer(lab)
    p.open(opts=mss(1000) + wscale(2))
    p.send("A", wnd=2000)
    p.conn.send(Bytes(bytes(30_000)))
    p.run(0)
    una = p.iss + 1
    p.send("A", ack=una + 1000, wnd=100)
    p.run(3000)
    out = p.send("A", ack=p.ack, wnd=2000)
    assert sum(s.len for s in out) >= 1000


@rfc("9293 SHLD-14")
def test_rounding_does_not_move_the_right_edge_left(lab):
    """With a shift of 2 a window is a multiple of 4; odd amounts of data must not shrink what was
    promised."""
    p = Peer(lab)
    s = p.open(opts=mss(1000) + wscale(2))
    k = shift(s)
    assert k
    edge = s.ack + s.wnd
    for n in (1, 1, 3, 5, 7, 2, 1):
        for s in p.send("A", bytes(n)) + p.run(300):
            assert s.ack + (s.wnd << k) >= edge
            edge = s.ack + (s.wnd << k)


def test_what_was_taken_is_counted_off_a_window_of_more_than_16_bits():
    """Before any ACK says so: what lies 280 000 octets further on is in the window, and early."""
    lab = Lab(tcp_options={"window_scale": True, "room": 300_000})
    p = Peer(lab)
    p.send("S", opts=mss(1000) + wscale(7))
    p.send("A", wnd=1000)
    p.send("A", bytes(1000))
    p.run(500)  # the SYN-ACK could not offer more than 65535
    lab.give(
        p.segment("A", bytes(1000), wnd=1000), p.segment("A", bytes(1000), seq=p.seq + 280_000)
    )
    assert (lab.wire.count("tcp_ooo"), lab.wire.count("tcp_old")) == (1, 0)


@pytest.mark.parametrize("room", [66_036, 131_500, 200_000, 300_000])
def test_the_edge_of_a_large_window_stays_until_it_moves_by_a_segment(room):
    """Also where the window's count leaves the second 16 bits."""
    lab = Lab(tcp_options={"window_scale": True, "room": room})
    p = Peer(lab)
    k = shift(p.open(opts=mss(1000) + wscale(0)))
    p.send("A", bytes(1000))
    s = one(p.run(500))
    edge = s.ack + (s.wnd << k)
    assert edge == s.ack + room
    for n in range(1, 6):
        s = one(p.send("A", bytes(n * 250)) or p.run(500))
        if s.ack + room >= edge + 1460:
            edge = s.ack + room
        assert edge <= s.ack + (s.wnd << k) < edge + (1 << k)
        edge = s.ack + (s.wnd << k)
