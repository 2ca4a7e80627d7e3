"""What the reassembly pool hands over when a gap closes (RFC 9293 3.10.7.4), and what it does
not."""

import pytest
from lab.early import TEXT, early, fill, opened, pooled, said, text
from lab.tcp import SACK_OK, HalfCloser, Peer, blocks, mss, one

rfc = pytest.mark.rfc


@rfc("5681 4.2-2", "5681 3.2-2")
def test_a_gap_of_more_than_65535_octets_that_closes_is_acknowledged_at_once():
    lab = pooled(1, mtu=1500, window_scale=True, room=80_000)
    p = Peer(lab, wnd=60000)
    p.open(opts=mss(1460) + SACK_OK + b"\1\3\3\0")
    first = p.seq
    for _ in range(2):  # their ACK offers more than a SYN-ACK can say
        p.send("A", bytes(1400))
    assert blocks(one(p.send("A", bytes(100), seq=first + 70_100)), first) == [(70_100, 70_200)]
    while p.seq < first + 70_000:
        p.send("A", bytes(1400))
    assert p.seq == first + 70_000  # and the first 65 535 of the gap are all that was noted
    p.run(1000)
    s = one(p.send("A", bytes(100)), "A")
    assert s.ack == first + 70_200 and len(p.app.data) == 70_200


class Sipping(HalfCloser):
    """Takes so many octets of each offer."""

    takes = ()

    def received(self, conn, buf, start, n):
        if self.takes:
            self.take, *self.takes = self.takes
        return super().received(conn, buf, start, n)


def test_what_the_application_leaves_of_a_buffer_comes_again():
    p = opened(pooled(2, app=Sipping))
    early(p, 100, 250)
    early(p, 250, 300)
    p.app.takes = [100, 110]
    assert said(p, text(p, 0, 100)) == (210, [(250, 300)]) and p.app.data == TEXT[:210]
    assert p.lab.wire.count("tcp_partial") == 1
    p.app.take = None
    assert fill(p, 210, 250) == 300 and p.app.data == TEXT[:300]


@pytest.mark.parametrize("left", [1, 2, 49])
def test_nothing_is_handed_over_behind_what_the_application_leaves(left):
    """Though another buffer has the octets that it left."""
    p = opened(pooled(2, app=Sipping))
    early(p, 100, 200)
    early(p, 150, 300)
    p.app.takes = [100, 100 - left]
    assert said(p, text(p, 0, 100)) == (200 - left, []) and p.app.data == TEXT[: 200 - left]
    p.app.take = None
    assert fill(p, 200 - left, 200) == 300 and p.app.data == TEXT[:300]


def test_a_fin_behind_what_the_application_leaves_of_a_buffer_waits():
    p = opened(pooled(2, app=Sipping))
    early(p, 100, 200, "FPA")
    p.app.takes = [100, 99]
    assert fill(p, 0, 100) == 199 and p.state == "ESTABLISHED"
    p.app.take = None
    assert fill(p, 199, 200) == 200 and p.state == "ESTABLISHED"
    assert said(p, text(p, 200, 200, "FA"))[0] == 201 and p.state == "CLOSE-WAIT"


@pytest.mark.parametrize("a, told", [(40, []), (50, []), (51, [(51, 80)])])
def test_what_the_application_left_is_no_block(a, told):
    """It begins at the acknowledgment or before: the octet before it did arrive (RFC 2018 3)."""
    p = opened(pooled(2, app=Sipping))
    early(p, a, 80)
    p.app.takes = [50]
    assert said(p, text(p, 0, 100)) == (50, told)
    p.app.take = None
    assert fill(p, 50, 60) == 80 and p.app.data == TEXT[:80]


@rfc("9293 SHLD-31")
@pytest.mark.parametrize("upto", [100, 150, 200])
def test_the_fin_of_a_buffer_counts_though_its_text_came_another_way(upto):
    p = opened(pooled(2))
    early(p, 100, 200, "FPA")
    p.app.events.clear()
    assert fill(p, 0, upto) == 201
    assert p.state == "CLOSE-WAIT" and p.app.data == TEXT[:200]
    given = [("received", upto)] + [("received", 200 - upto)] * (upto < 200)
    assert p.app.events == [*given, ("peer_closed", None)]


def test_nothing_behind_a_fin_is_handed_over():
    p = opened(pooled(3))
    early(p, 100, 200, "FPA")
    early(p, 200, 300)
    assert fill(p, 0, 100) == 201
    assert p.app.data == TEXT[:200] and p.app.said("peer_closed") == [None]


@pytest.mark.parametrize("flags, state", [("A", "ESTABLISHED"), ("FPA", "CLOSE-WAIT")])
def test_a_buffer_that_has_become_old_is_forgotten(flags, state):
    """What came in order covers it; a FIN that lay in the middle of text was none."""
    p = opened(pooled(1))
    early(p, 100, 200)
    end = 201 if flags == "A" else 301
    p.app.events.clear()
    s = one(text(p, 0, end - 1 + (flags == "A"), flags))
    assert s.ack == p.isn + 1 + end and p.state == state
    assert p.app.said("received") == [201 if flags == "A" else 300]
    if flags == "A":
        assert early(p, 300, 400) == [(300, 400)] and p.lab.wire.count("tcp_ooo_lost") == 0
