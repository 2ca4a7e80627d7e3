"""The window that we offer, to the octet (RFC 9293 3.8.6.2.2, RFC 7323 2): when its right edge
moves, how it is scaled, and when it is worth a segment of its own."""

import pytest
from lab import framelog
from lab.tcp import Lab, Peer, mss, one, wscale

rfc = pytest.mark.rfc
FULL = 1460  # of the lab's link, whose connections begin with room for four


def gives(p, *sizes):
    """Segments of so many octets, and what the board says last."""
    out = [s for n in sizes for s in p.send("A", bytes(n))] + p.run(500)
    return out[-1]


def scaled(room, mtu=1500):
    """A connection with window scaling whose application has so much room; its lab."""
    with framelog.silent():  # the largest mtu is too much for a replay
        lab = Lab(mtu=mtu, tcp_options={"window_scale": True, "room": room})
    p = Peer(lab)
    p.shift = p.open(opts=mss(1000) + wscale(0)).opts["ws"]
    return p


def set_room(p, n, by):
    """One of the two ways to say how much room there is."""
    if by == "offer":
        p.conn.offer(n)
    else:
        p.conn.room = n
        p.conn.resume()


WAYS = pytest.mark.parametrize("by", ["room", "offer"])


# When the right edge moves


@rfc("9293 MUST-39")
@pytest.mark.parametrize(
    "sizes, wnd",
    [
        ((1,), 4 * FULL - 1),
        ((FULL - 1,), 3 * FULL + 1),
        ((1000, FULL - 1001), 3 * FULL + 1),
        ((1000, FULL - 1000), 4 * FULL),
        ((FULL,), 4 * FULL),
        ((1000, FULL - 999), 4 * FULL),
    ],
)
def test_right_edge_moves_by_a_full_segment_and_not_by_an_octet_less(lab, sizes, wnd):
    p = Peer(lab, isn=0x9ABCDEF0)
    p.open()
    s = gives(p, *sizes)
    assert (s.wnd, s.ack) == (wnd, p.seq)


@rfc("9293 MUST-39")
@pytest.mark.parametrize("octets, wnd", [(499, 501), (500, 1000)])
def test_right_edge_of_a_small_buffer_moves_by_half_of_it(octets, wnd):
    p = Peer(Lab(tcp_options={"room": 1000}))
    p.open()
    assert gives(p, octets).wnd == wnd


@rfc("9293 MUST-39")
@WAYS
def test_more_room_than_ever_is_a_larger_buffer_and_less_is_none(by):
    """Room for 2000 octets instead of 1000: half of that is worth an update from then on."""
    p = Peer(Lab(tcp_options={"room": 1000}))
    p.open()
    set_room(p, 1998, by)
    assert not p.run(500)
    set_room(p, 2000, by)
    assert one(p.run(0)).wnd == 2000
    set_room(p, 0, by)
    assert gives(p, 1000, 1000).wnd == 0
    set_room(p, 999, by)
    assert not p.run(500)
    set_room(p, 1000, by)
    assert one(p.run(0)).wnd == 1000


@WAYS
def test_room_that_was_offered_already_is_not_worth_a_segment(by):
    """Not even of a buffer of one octet, half of which is nothing."""
    p = Peer(Lab(tcp_options={"room": 1}))
    p.open()
    set_room(p, 1, by)
    assert not p.run(500)
    set_room(p, 2, by)
    assert one(p.run(0)).wnd == 2


@rfc("9293 MUST-39")
@WAYS
def test_room_for_a_full_segment_more_is_told_at_once_and_an_octet_less_is_not(peer, by):
    peer.conn.room = 0
    assert gives(peer, 1000, 1000).wnd == 4 * FULL - 2000
    set_room(peer, 5 * FULL - 2001, by)
    assert not peer.run(500)
    set_room(peer, 5 * FULL - 2000, by)
    assert one(peer.run(0)).wnd == 5 * FULL - 2000


def test_every_second_full_segment_is_counted_from_the_last_ack(peer):
    """1000 and 999 octets behind an ACK are not two full ones; with one octet more they are."""
    assert [len(peer.send("A", bytes(1000))) for _ in range(2)] == [0, 1]
    assert [len(peer.send("A", bytes(n))) for n in (1000, 999, 1)] == [0, 0, 1]


# 16 bits


@WAYS
@pytest.mark.parametrize("n", [65_535, 65_536, 65_537, 131_072, 2**24])
def test_window_without_scaling_is_65_535_at_the_most(peer, by, n):
    set_room(peer, n, by)
    assert one(peer.run(0)).wnd == 65_535 and peer.conn.room == n


@WAYS
@pytest.mark.parametrize("n, wnd", [(262_139, 65_534), (262_143, 65_535), (262_144, 65_535)])
def test_window_with_scaling_is_65_535_units_at_the_most(by, n, wnd):
    p = scaled(200_000)
    set_room(p, n, by)
    assert one(p.run(0)).wnd == wnd and p.shift == 2


@rfc("7323 2.3-3", "9293 SHLD-14")
def test_right_edge_between_two_units_is_rounded_up_by_one(lab):
    """The SYN-ACK offered 65 535 octets, and none has become free: 16 384 units of four."""
    p = scaled(200_000)
    p.conn.room = 0
    assert one(p.send("A", seq=p.seq - 1)).wnd == 16_384
    assert [gives(p, n).wnd for n in (1, 3, 4, 1000)] == [16_384, 16_384, 16_383, 16_133]


@rfc("9293 SHLD-14", "9293 REC-1")
def test_right_edge_beyond_16_bits_stays_where_it_is(lab):
    p = scaled(300_000)
    assert gives(p, 1000).wnd << p.shift == 300_000
    p.conn.room = 0
    assert [gives(p, n).wnd << p.shift for n in (1000, 1, 1000)] == [299_000, 299_000, 298_000]


@rfc("9293 MUST-39", "9293 REC-1")
def test_right_edge_beyond_16_bits_moves_by_a_full_segment():
    p = scaled(300_000)
    gives(p, 1000)
    for n in (300_000, 300_000 + FULL - 1):
        p.conn.offer(n)
        assert not p.run(500)
    p.conn.offer(300_000 + FULL)
    assert one(p.run(0)).wnd == (300_000 + FULL) >> p.shift


LONG = 32_763  # the longest MTU; a full segment has 40 octets less


@rfc("9293 MUST-39")
@pytest.mark.parametrize("octets, wnd", [(28_257, 37_278), (28_258, 70_000)])
def test_largest_segment_is_less_than_half_of_a_buffer_beyond_16_bits(octets, wnd):
    """70 000 octets, of which 65 535 were offered: it is by 32 723 that the edge moves."""
    p = scaled(70_000, mtu=LONG)
    assert gives(p, octets).wnd << p.shift == wnd


@rfc("9293 MUST-39")
def test_largest_segment_is_worth_an_ack_in_a_buffer_beyond_16_bits():
    p = scaled(70_000, mtu=LONG)
    p.conn.room = 0
    gives(p, 20_000, 20_000, 20_000)
    p.conn.offer(5535 + LONG - 40)
    assert not p.run(500)
    p.conn.offer(5536 + LONG - 40)
    assert one(p.run(0)).wnd << p.shift == 38_258


# What the calls take


def test_offer_takes_nothing_and_no_less(peer):
    peer.conn.offer(0)
    assert peer.conn.room == 0 and not peer.run(0)
    with pytest.raises(ValueError, match=r"room is 0 to 2\*\*24"):
        peer.conn.offer(-1)
    assert peer.conn.room == 0
