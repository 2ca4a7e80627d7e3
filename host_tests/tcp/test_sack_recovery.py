"""What each selective acknowledgment lets out, octet by octet (RFC 6675, RFC 6582): the sender is
held against a model of it."""

import random

import pytest
from lab.tcp import SACK_OK, Lab, Peer, mss, sack, stamps
from uipy import Bytes

rfc = pytest.mark.rfc

TEXT = bytes(k * 7 % 251 for k in range(251 * 40))
MSS = 1000
WINDOW = 60_000
MOST = 61_440  # that CWND is
URGENT = 100_000  # the end of our urgent data


class Sender:
    """RFC 5681, 6582 and 6675 in octets, from the first one on; four ranges are remembered. An ACK
    lets one hole out, and new segments of `size` octets as CWND allows, which is counted in those
    of an MSS without options."""

    def __init__(self, size):
        self.size = size
        self.una, self.max = 0, 10 * size
        self.cwnd, self.ssthresh, self.counted = 10 * MSS, MOST, 0
        self.dup, self.recover, self.recovery = 0, 0, False
        self.ranges: list[tuple[int, int]] = []
        self.next = 0  # where the next hole is looked for
        self.holes = 0  # sent again, not counting those at SND.UNA

    def ack(self, to, selected):
        """What is sent: (first octet, how many)."""
        duplicate = to == self.una
        again = not duplicate and self.moves(to)
        news = -sum(hi - lo for lo, hi in self.ranges)
        for lo, hi in selected:
            self.select(lo, hi)
        news += sum(hi - lo for lo, hi in self.ranges)
        if self.recovery and self.hole() is not None:
            again = True
        if duplicate and self.duplicate(news):
            again = True
        out = self.old() if again else []
        room = min(self.cwnd + min(self.dup, 2) * MSS * (not self.recovery), WINDOW)
        while self.max + self.size <= self.una + room:
            out.append((self.max, self.size))
            self.max += self.size
        return out

    def moves(self, to):
        """SND.UNA moves; whether the next hole is to be sent again."""
        n = to - self.una
        self.una, self.next, self.dup = to, max(self.next, to), 0
        self.ranges = [(max(lo, to), hi) for lo, hi in self.ranges if hi > to]
        if self.recovery and self.recover > to:  # a partial ACK
            deflated = self.cwnd - n if self.cwnd > n + MSS else MSS
            self.cwnd = min(deflated + MSS * (n >= MSS), MOST)
            return True
        if self.recovery:
            self.recovery = False
            self.cwnd = min(max(self.max - to, MSS) + MSS, self.ssthresh)
        elif self.cwnd < self.ssthresh:
            self.cwnd += min(n, MSS)
        else:
            self.counted += n
            if self.counted >= self.cwnd:
                self.counted -= self.cwnd
                self.cwnd += MSS
        self.cwnd = min(self.cwnd, MOST)
        return False

    def duplicate(self, news):
        """Whether it is the third one."""
        self.dup += 1
        if self.recovery:
            self.cwnd = min(self.cwnd + news, MOST)
        elif self.dup == 3 and self.recover <= self.una:
            self.ssthresh = max(min(self.max - self.una, self.cwnd) >> 1, 2 * MSS)
            self.cwnd = min(self.ssthresh + 3 * MSS, MOST)
            self.recover, self.recovery, self.next = self.max, True, self.una
            return True
        return False

    def select(self, lo, hi):
        """Ranges that touch become one; the highest of five is forgotten."""
        if self.una < lo < hi <= self.max:
            near = [r for r in self.ranges if r[0] <= hi and r[1] >= lo]
            lo, hi = min([lo] + [r[0] for r in near]), max([hi] + [r[1] for r in near])
            self.ranges = sorted([r for r in self.ranges if r not in near] + [(lo, hi)])[:4]

    def hole(self):
        """Where the next one begins that was not sent again in this recovery."""
        at = self.next
        for lo, hi in self.ranges:
            if at < lo:
                return at
            at = max(at, hi)
        return None

    def old(self):
        """The next hole; the segment at SND.UNA when nothing was selected."""
        at = self.hole()
        if at is None and self.next > self.una:
            return []
        at = self.una if at is None else at
        self.holes += at > self.una
        full = min(self.size, WINDOW - (at - self.una))
        self.next = min([at + full] + [lo for lo, _ in self.ranges if lo > at])
        return [(at, min(self.next, self.max) - at)] if at < self.max else []


class Bulk(Peer):
    """A board sends to it; ten segments are in flight."""

    def begin(self, stamped=False, urgent=0):
        self.stamps = stamps(7) if stamped else b""
        self.open(opts=mss(MSS) + SACK_OK + self.stamps, opts3=self.stamps)
        self.conn.send(Bytes(TEXT * 100))
        if urgent:
            self.conn.push_urgent(urgent)
        self.size = MSS - 12 if stamped else MSS
        self.urgent = urgent
        self.flight = self.run(0)
        assert self.sent(self.flight) == [(k * self.size, self.size) for k in range(10)]
        return self

    def sent(self, segs):
        """(first octet, how many) of each segment; all else of them is as it has to be."""
        out = []
        for s in segs:
            first = (s.seq - self.iss - 1) % 2**32
            at = first % len(TEXT)
            assert s.data == (TEXT + TEXT)[at : at + len(s.data)]
            ahead = max(self.urgent - first, 0)
            assert ("U" in s.flags, s.up) == (ahead > 0, min(ahead, 65535))
            assert ("ts" in s.opts) == bool(self.stamps) and s.opts.get("ts", (0, 7))[1] == 7
            out.append((first, len(s.data)))
        return out

    def says(self, to, *selected):
        """An ACK of the octets before `to`; what it lets out."""
        u = self.iss + 1
        opts = sack(*[(u + a, u + b) for a, b in selected]) if selected else b""
        if self.stamps:
            opts = self.stamps + opts
        return self.sent(self.send("A", ack=(u + to) % 2**32, wnd=WINDOW, opts=opts))


def bulk(stamped=False, urgent=0):
    on = {"sack": True, "timestamps": stamped, "urgent": bool(urgent)}
    return Bulk(Lab(tcp_options=on), wnd=WINDOW).begin(stamped, urgent)


@rfc("2018 5-2", "2018 8-1")
@pytest.mark.parametrize("urgent", [0, URGENT])
@pytest.mark.parametrize("selected", [[], [(500, 9000)], [(1, 2), (3, 4), (5, 6), (7, 8)]])
def test_after_a_timeout_the_first_segment_goes_whole(selected, urgent):
    """Though the peer had some of it."""
    p = bulk(urgent=urgent)
    for k in range(0, len(selected), 2):
        p.says(0, *selected[k : k + 2])
    assert p.sent(p.run(1000)) == [(0, 1000)]


@rfc("2018 5-2", "2018 8-1")
def test_a_timeout_in_recovery_forgets_what_was_selected():
    p = bulk()
    for k in (3, 4, 5):
        p.says(0, (1500, 1000 * k))
    assert p.sent(p.run(1000)) == [(0, 1000)]
    assert p.says(1000) == [(1000, 1000), (2000, 1000)]


def test_a_router_that_wants_smaller_segments_gets_the_first_one_again():
    """Outside of a recovery the segment at SND.UNA goes first, though the peer has selected it."""
    p = bulk()
    p.says(0, (500, 2000), (3000, 4000))
    p.says(700)
    out = p.sent(p.hear(p.lab.icmp(3, 4, p.flight[2].frame, rest=600)))
    assert out[0] == (700, 560)


def test_a_hole_one_octet_above_the_left_edge_is_counted_as_one():
    p = bulk()
    out = [p.says(0, (3000, 4000)) for _ in range(3)][-1]
    assert out[0] == (0, 1000) and p.lab.wire.count("tcp_sack") == 0
    assert p.says(999)[0] == (1000, 1000)
    assert p.lab.wire.count("tcp_sack") == 1


@rfc("6675 4-1", "6675 5-1", "2018 5-1")
@pytest.mark.parametrize("stamped, urgent", [(False, 0), (True, 0), (False, URGENT)])
@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_acknowledgments(seed, stamped, urgent):
    """Blocks that touch, overlap and repeat, one octet off, empty, out of date and not yet sent,
    in any order."""
    draw = random.Random(seed)
    p = bulk(stamped, urgent)
    model = Sender(p.size)
    patient = draw.choice((0.02, 0.1, 0.3))
    for _ in range(150):
        una, top, step = model.una, model.max, p.size // 2
        to = una
        if draw.random() < patient:
            to = min(una + draw.randrange(1, 12) * step, top)
        selected = []
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            lo = una + draw.randrange(-2, (top - una) // step + 2) * step
            hi = lo + draw.randrange(0, 5) * step
            selected.append(
                (lo + draw.choice((-1, 0, 0, 0, 1)), hi + draw.choice((-1, 0, 0, 0, 1)))
            )
        if to == una == top:
            continue  # nothing is in flight: it is no duplicate
        assert p.says(to, *selected) == model.ack(to, selected)
        assert p.lab.wire.count("tcp_sack") == model.holes
    assert model.holes or patient > 0.2
