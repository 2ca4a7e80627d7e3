"""Selective acknowledgment, both ways (RFC 2018, RFC 6675)."""

import pytest
from lab.tcp import SACK_OK, Lab, Peer, active, blocks, mss, one, sack
from uipy import Bytes

rfc = pytest.mark.rfc


@pytest.fixture
def lab():
    return Lab(tcp_options={"sack": True, "reassembly": 8})


@pytest.fixture
def p(lab):
    p = Peer(lab, wnd=60000)
    p.syn_ack = p.open(opts=mss(1000) + SACK_OK)
    return p


@pytest.fixture
def bulk(p):
    """100 000 octets are on their way, ten segments in flight."""
    p.conn.send(Bytes(bytes(i * 7 % 251 for i in range(100_000))))
    p.flight = p.run(0)
    p.una = p.flight[0].seq
    assert len(p.flight) == 10
    return p


def starts(segs):
    return [s.seq for s in segs if s.data]


# As receiver.


@rfc("2018 2-1")
def test_sack_permitted_is_on_a_syn_only(p, lab):
    assert "sack_ok" in p.syn_ack.opts and "sack_ok" in active(lab)[2].opts
    p.conn.send(Bytes(bytes(2000)))
    assert not any("sack_ok" in s.opts for s in p.run(5000) + p.send("PA", b"x", seq=p.seq + 5))


@rfc("2018 4-1")
def test_without_the_peers_permission_no_sack_is_sent(lab):
    p = Peer(lab)
    s = p.open()
    assert "sack_ok" not in s.opts
    assert "sack" not in one(p.send("PA", b"later", seq=p.seq + 10)).opts


@rfc("2018 4-2", "2018 4-3")
def test_ack_of_a_segment_above_a_gap_bears_its_block(p):
    assert blocks(one(p.send("A", bytes(100), seq=p.seq + 200)), p.seq) == [(200, 300)]


@rfc("2018 4-3", "2018 4-4")
def test_the_block_of_the_newest_segment_comes_first(p):
    s0 = p.seq
    p.send("A", bytes(100), seq=s0 + 200)
    assert blocks(one(p.send("A", bytes(100), seq=s0 + 600)), s0) == [(600, 700), (200, 300)]
    assert blocks(one(p.send("A", bytes(100), seq=s0 + 400)), s0) == [
        (400, 500),
        (600, 700),
        (200, 300),
    ]


@rfc("2018 4-3")
def test_the_block_of_a_segment_that_comes_again_comes_first(p):
    start = p.seq
    for at in (200, 400, 600):
        p.send("A", bytes(100), seq=start + at)
    (s,) = p.send("A", bytes(100), seq=start + 200)
    assert blocks(s, start) == [(200, 300), (600, 700), (400, 500)]


@rfc("2018 4-3")
def test_touching_segments_are_one_block(p):
    s0 = p.seq
    p.send("A", bytes(100), seq=s0 + 200)
    assert blocks(one(p.send("A", bytes(100), seq=s0 + 300)), s0) == [(200, 400)]
    assert blocks(one(p.send("A", bytes(100), seq=s0 + 100)), s0) == [(100, 400)]


@rfc("2018 4-2")
def test_blocks_stay_until_the_gap_is_filled(p, lab):
    s0 = p.seq
    p.send("A", bytes(100), seq=s0 + 100)
    p.send("A", bytes(100), seq=s0 + 300)
    s = one(p.send("A", bytes(100), seq=s0))
    assert s.ack == s0 + 200 and blocks(s, s0) == [(300, 400)]
    s = one(p.send("A", bytes(100), seq=s0 + 200))
    assert s.ack == s0 + 400 and "sack" not in s.opts
    assert lab.app.data == bytes(400)


@rfc("2018 4-2")
def test_our_data_bears_the_blocks_too(p):
    p.send("A", bytes(100), seq=p.seq + 100)
    p.conn.send(Bytes(b"data"))
    s = one(p.run(0))
    assert s.data and blocks(s, p.seq) == [(100, 200)]


def test_no_block_below_or_at_the_acknowledgment(p):
    """What is reported is above SEG.ACK, whatever overlaps arrive."""
    s0 = p.seq
    for a, b in ((100, 250), (50, 120), (300, 400), (0, 60), (240, 310)):
        for s in p.send("A", bytes(b - a), seq=s0 + a):
            assert all(lo > (s.ack - s0) for lo, hi in blocks(s, s0))


# As sender.


@rfc("6675 4-1", "2018 5-1", "6675 5-1")
def test_only_the_hole_is_sent_again(bulk):
    """Segments 3 and 6 are lost."""
    u = bulk.una
    bulk.send("A", ack=u + 2000)
    again = []
    for sel in (
        [(3, 4)],
        [(3, 5)],
        [(6, 7), (3, 5)],
        [(6, 8), (3, 5)],
        [(6, 9), (3, 5)],
        [(6, 10), (3, 5)],
    ):
        out = bulk.send(
            "A", ack=u + 2000, opts=sack(*[(u + 1000 * a, u + 1000 * b) for a, b in sel])
        )
        again += [(s - u) // 1000 for s in starts(out) if (s - u) % 2**32 < 10_000]
    assert again == [2, 5]


@rfc("6675 4-2")
def test_when_no_hole_is_left_new_data_is_sent(bulk):
    u = bulk.una
    outs = [bulk.send("A", ack=u, opts=sack((u + 1000, u + 1000 * k))) for k in range(2, 11)]
    fresh = [s for out in outs[3:] for s in starts(out) if (s - u) % 2**32 >= 10_000]
    assert starts(outs[2])[0] == u and fresh


def test_one_ack_that_selects_three_segments_lets_three_out(bulk):
    """Linux compresses its selective ACKs: what has left the network is in the blocks."""
    u = bulk.una
    for k in range(2, 9):
        bulk.send("A", ack=u, opts=sack((u + 1000, u + 1000 * k)))
    assert len(starts(bulk.send("A", ack=u, opts=sack((u + 1000, u + 11_000))))) == 3


@rfc("6675 5-2", "2018 5.1-1")
def test_ack_beyond_the_recovery_point_ends_recovery_with_half_the_window(bulk):
    u = bulk.una
    for k in range(2, 6):
        bulk.send("A", ack=u, opts=sack((u + 1000, u + 1000 * k)))
    top = bulk.ack
    bulk.send("A", ack=top)
    assert (bulk.ack - top) % 2**32 <= 7000


@rfc("2018 5-2", "2018 5-3", "2018 8-1")
def test_after_a_timeout_everything_is_sent_again_from_the_left_edge(bulk):
    """The receiver may have reneged: what was selected is sent again, SND.UNA first."""
    u = bulk.una
    bulk.send("A", ack=u, opts=sack((u + 1000, u + 10_000)))
    out = bulk.run(3000, until=lambda s: s.data and s.at >= 1000)
    assert starts(out)[-1] == u
    again = []
    for k in range(1, 10):
        again += starts(bulk.send("A", ack=u + 1000 * k))
    assert {u + 1000 * k for k in range(1, 10)} <= set(again)


@rfc("2018 8-1")
def test_selected_octets_can_be_sent_again_until_they_are_acknowledged(bulk):
    """The left edge has the same octets after a selection and a timeout."""
    u = bulk.una
    bulk.send("A", ack=u, opts=sack((u + 1000, u + 2000)))
    bulk.run(1500)
    out = bulk.send("A", ack=u + 1000)
    same = [s for s in out if s.seq == u + 1000]
    assert same and same[0].data == bulk.flight[1].data[: len(same[0].data)]


def test_nonsense_blocks_are_ignored(bulk):
    u = bulk.una
    for a, b in (
        (u - 5000, u - 1000),
        (u + 5000, u + 3000),
        (u + 90_000, u + 99_000),
        (u, u),
        (u + 2**31, u + 2**31 + 5),
    ):
        bulk.send("A", ack=u, opts=sack((a, b)))
    assert bulk.state == "ESTABLISHED"
    bulk.send("A", ack=u + 10_000)
    assert not bulk.lab.errors


def test_blocks_on_a_connection_without_sack_are_ignored(lab):
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(50_000)))
    u = p.run(0)[0].seq
    for k in range(2, 6):
        p.send("A", ack=u, opts=sack((u + 1000, u + 1000 * k)))
    assert p.state == "ESTABLISHED"


@rfc("6675 4-1")
def test_a_hole_of_half_a_segment_is_sent_again_and_no_octet_of_what_lies_behind(bulk):
    """The third segment is lost, and what was left of the sixth behind a middlebox that cut it."""
    u = bulk.una
    bulk.send("A", ack=u + 2000)
    again = []
    for k in (7, 8, 9, 10):
        behind = sack((u + 6000, u + 1000 * k), (u + 3000, u + 5500))
        out = bulk.send("A", ack=u + 2000, opts=behind)
        again += [(s.seq - u, len(s.data)) for s in out if 0 <= s.seq - u < 10_000]
    assert again == [(2000, 1000), (5500, 500)]


def test_a_block_one_octet_above_the_left_edge_counts(bulk):
    """A proxy that gave one octet up: the hole is that octet."""
    u = bulk.una
    out = []
    for k in (2, 3, 4, 5):
        out += bulk.send("A", ack=u, opts=sack((u + 1, u + 1000 * k)))
    assert (0, 1) in [(s.seq - u, len(s.data)) for s in out]
