"""The reassembly pool (RFC 9293 3.10.7.4): what it keeps of what comes early, and what gives way.
The SACK blocks of the ACKs (RFC 2018 4) say what it holds."""

import itertools
import random

import pytest
from lab.early import TEXT, early, fill, opened, pooled, text
from lab.tcp import Lab, blocks, one, sack, stamps
from uipy import Bytes

rfc = pytest.mark.rfc


# What is kept


@rfc("9293 SHLD-31")
@pytest.mark.parametrize(
    "a, b, kept",
    [
        (800, 999, 999),
        (800, 1000, 1000),
        (800, 1001, 1000),
        (800, 1700, 1000),
        (998, 1300, 1000),
        (999, 1300, 1000),
        (1, 1000, 1000),
        (1, 1002, 1000),
    ],
)
def test_what_comes_early_is_kept_as_far_as_the_window_reaches(a, b, kept):
    p = opened(pooled(1, room=1000))
    assert early(p, a, b) == [(a, kept)]
    assert fill(p, 0, a) == kept and p.app.data == TEXT[:kept]


@pytest.mark.parametrize(
    "b, state", [(999, "CLOSE-WAIT"), (1000, "CLOSE-WAIT"), (1001, "ESTABLISHED")]
)
def test_a_fin_behind_what_was_cut_off_is_cut_off_too(b, state):
    p = opened(pooled(2, room=1000))
    early(p, 800, b, "FPA")
    fill(p, 0, 600)  # the window moves on
    fill(p, 600, 800)
    assert p.state == state and p.app.said("peer_closed") == [None] * (state == "CLOSE-WAIT")


@pytest.mark.parametrize("n", [535, 536])
def test_a_buffer_holds_a_segment_as_long_as_the_link_takes(n):
    p = opened(pooled(1, mtu=576))
    assert early(p, 100, 100 + n) == [(100, 100 + n)]
    assert fill(p, 0, 100) == 100 + n and p.app.data == TEXT[: 100 + n]


@pytest.mark.parametrize("n", [537, 540])
def test_what_is_longer_than_a_buffer_is_not_kept(n):
    p = opened(pooled(1, mtu=576))
    assert early(p, 100, 100 + n) == []
    assert fill(p, 0, 100) == 100


def test_the_blocks_are_aligned_in_the_header():
    p = opened(pooled(4))
    first = p.isn + 1
    for n, a in enumerate((500, 100, 300), 1):
        s = one(text(p, a, a + 50))
        newest = [(first + k, first + k + 50) for k in (500, 100, 300)[:n]][::-1]
        assert s.rawopts == sack(*newest)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_segment_that_comes_twice_takes_one_buffer(rows):
    p = opened(pooled(rows))
    held = [(200 * k, 200 * k + 100) for k in range(1, rows + 1)]
    for a, b in held * 2:
        last = early(p, a, b)
    assert sorted(last) == held and p.lab.wire.count("tcp_ooo_lost") == 0


@pytest.mark.parametrize("ends", [*itertools.permutations((120, 200, 201))])
def test_of_segments_with_the_same_number_the_longest_is_kept(ends):
    p = opened(pooled(1))
    for n, b in enumerate(ends, 1):
        assert early(p, 100, b) == [(100, max(ends[:n]))]
    assert fill(p, 0, 100) == 201 and p.app.data == TEXT[:201]
    assert p.lab.wire.count("tcp_ooo_lost") == 0


# What gives way


@pytest.mark.parametrize("order", [*itertools.permutations((300, 500, 700))])
def test_what_lies_furthest_from_the_gap_gives_way(order):
    p = opened(pooled(3))
    for a in order:
        early(p, a, a + 100)
    assert sorted(early(p, 900, 1000)) == [(300, 400), (500, 600), (700, 800)]  # the new one
    assert p.lab.wire.count("tcp_ooo_lost") == 1
    assert sorted(early(p, 100, 200)) == [(100, 200), (300, 400), (500, 600)]
    assert p.lab.wire.count("tcp_ooo_lost") == 2
    assert fill(p, 0, 100) == 200 and fill(p, 200, 300) == 400 and fill(p, 400, 500) == 600
    assert p.app.data == TEXT[:600]


@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_oldest_gives_way_to_another_connection(rows, reused):
    """Whichever buffer it lies in."""
    lab = pooled(rows)
    a, b = opened(lab, 40000), opened(lab, 40001)
    held = [(1000 - 200 * k, 1100 - 200 * k) for k in range(rows)]
    first = 0
    if reused:  # the first buffer is free again, and is filled last
        early(a, 50, 100)
        held = [*held[1:], held[0]]
        for x, y in held[:-1]:
            early(a, x, y)
        first = fill(a, 0, 50)
        early(a, *held[-1])
    else:
        for x, y in held:
            early(a, x, y)
    assert lab.wire.count("tcp_ooo_lost") == 0
    assert early(b, 400, 500) == [(400, 500)]
    assert lab.wire.count("tcp_ooo_lost") == 1
    assert fill(b, 0, 400) == 500
    assert sorted(early(a, *held[-1])) == sorted(held[1:] or held) and first in (0, 100)


def test_a_connection_whose_buffer_is_the_oldest_gives_its_own_way():
    lab = pooled(3)
    a, b = opened(lab, 40000), opened(lab, 40001)
    early(a, 300, 400)
    assert early(b, 1000, 1100) == [(1000, 1100)]
    early(a, 500, 600)
    assert early(a, 100, 200) == [(100, 200), (300, 400)]
    assert early(b, 1000, 1100) == [(1000, 1100)] and lab.wire.count("tcp_ooo_lost") == 1


@pytest.mark.parametrize("starts", [(300, 301), (301, 300)])
@pytest.mark.parametrize("a", [100, 299])
def test_one_octet_further_is_further(starts, a):
    ends = {a: a + 1, 300: 310, 301: 400}
    p = opened(pooled(2))
    for k in starts:
        early(p, k, ends[k])
    touching = [(a, 310)] if a + 1 == 300 else [(a, a + 1), (300, 310)]
    assert early(p, a, a + 1) == touching


@pytest.mark.parametrize("before", range(1, 6))
def test_the_count_of_arrivals_goes_round(before):
    """The newest block is the first one, before and behind 2**30 arrivals."""
    p = opened(pooled(5))
    p.lab.stack.tcp.pool.age = 2**30 - before
    held = [(200 * k, 200 * k + 100) for k in range(1, 6)]
    for n in range(1, 6):
        assert early(p, *held[n - 1]) == held[:n][:-4:-1]


@pytest.mark.parametrize(
    "mtu, stamped, most",
    [(68, 0, 2), (71, 0, 2), (72, 0, 3), (68, 1, 1), (75, 1, 1), (76, 1, 2), (83, 1, 2)]
    + [(84, 1, 3), (1500, 0, 3), (1500, 1, 3)],
)
def test_a_narrow_path_leaves_room_for_four_octets_of_text(mtu, stamped, most):
    """Each block takes eight octets, the option four, timestamps twelve."""
    lab = pooled(4, timestamps=stamped)
    p = opened(lab, opts=stamps(1) * stamped)
    p.opts = stamps(1) * stamped
    p.conn.send(Bytes(TEXT))
    if mtu < 1500:
        lab.icmp(3, 4, p.run(0)[0].frame, rest=mtu)
    for n, a in enumerate((200, 400, 600, 800), 1):
        s = p.send("A", TEXT[a : a + 100], seq=p.isn + 1 + a, opts=p.opts)[-1]
        assert len(blocks(s)) == min(n, most)


# What ends


@pytest.mark.parametrize("flags", ["R", "FA"])
def test_what_a_connection_leaves_is_free(flags):
    lab = pooled(4)
    a, b = opened(lab, 40000), opened(lab, 40001)
    for k in (100, 300):
        early(a, k, k + 100)
        early(b, k, k + 100)
    a.send(flags, seq=a.isn + 1)
    assert early(b, 500, 600) == [(500, 600), (300, 400), (100, 200)]
    assert early(b, 700, 800) == [(700, 800), (500, 600), (300, 400)]
    assert lab.wire.count("tcp_ooo_lost") == 0
    assert fill(b, 0, 100) == 200 and fill(b, 200, 300) == 400 and b.app.data == TEXT[:400]


@rfc("9293 MUST-25")
def test_what_a_connection_leaves_is_not_handed_to_the_next():
    """In the same row, with the same numbers."""
    lab = Lab(tcp=1, tcp_options={"sack": True, "reassembly": 4})
    old = opened(lab)
    early(old, 100, 200)
    old.send("R", seq=old.isn + 1)
    new = opened(lab)
    assert early(new, 300, 400) == [(300, 400)]
    assert fill(new, 0, 100) == 100 and new.app.data == TEXT[:100]


# All of it


class Model:
    """The pool as a list of [connection, first octet, end], the one that came last behind."""

    def __init__(self, rows):
        self.rows, self.held, self.lost = rows, [], 0

    def early(self, who, a, b):
        for h in self.held:
            if h[:2] == [who, a]:
                self.held.remove(h)
                b = max(b, h[2])
                break
        else:
            if len(self.held) == self.rows:
                self.lost += 1
                gone = self.held[0]
                if gone[0] == who:
                    gone = max(h for h in self.held if h[0] == who)
                    if gone[1] < a:
                        return
                self.held.remove(gone)
        self.held.append([who, a, b])

    def fill(self, who, upto):
        """The octets as far as `upto` have come; where the next gap is."""
        for h in sorted(self.held):
            if h[0] == who and h[1] <= upto:
                upto = max(upto, h[2])
                self.held.remove(h)
        return upto

    def blocks(self, who):
        left = [h[1:] for h in reversed(self.held) if h[0] == who]
        out = []
        while left:
            lo, hi = left.pop(0)
            while near := [h for h in left if h[0] <= hi and h[1] >= lo]:
                lo, hi = min(lo, near[0][0]), max(hi, near[0][1])
                left.remove(near[0])
            out.append((lo, hi))
        return out[:3]


@rfc("9293 SHLD-31", "2018 4-3", "2018 4-4")
@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_arrivals(seed):
    """Two connections, segments that overlap, in a pool that is too small for them."""
    draw = random.Random(seed)
    rows = 2 + seed % 4
    lab, model = pooled(rows), Model(rows)
    starts = draw.sample((1000, 2**31 - 900, 2**32 - 900), 2)
    peers = [opened(lab, 40000 + k, isn) for k, isn in enumerate(starts)]
    upto = [0, 0]
    for _ in range(250):
        who = draw.randrange(2)
        p, n = peers[who], upto[who]
        a = max(n + draw.choice((0, 0, *range(-40, 300, 10))), 0)
        b = a + draw.choice((1, 10, 20, 60, 100))
        if a > n:
            model.early(who, a, b)
        else:
            upto[who] = model.fill(who, max(n, b))
        for s in text(p, a, b):
            assert (s.ack - p.isn - 1) % 2**32 == upto[who]
            assert blocks(s, p.isn + 1) == model.blocks(who)
        assert p.app.data == TEXT[: upto[who]]
        assert lab.wire.count("tcp_ooo_lost") == model.lost
    assert min(upto) > 500 and (model.lost > 5 or rows > 3)
