"""The room that an application begins with is its buffer: half of it, or a segment, is worth an
update of the window (RFC 9293 3.8.6.2.2)."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one

rfc = pytest.mark.rfc


def begun(room, passive):
    """A connection whose application says in `connected` how much room it has; the SYN has offered
    5840 octets."""

    class Says(HalfCloser):
        def connected(self, conn):
            super().connected(conn)
            conn.room = room

    lab = Lab(app=Says)
    if passive:
        p = Peer(lab)
        p.open()
    else:
        app, p, _syn = active(lab, Says())
        p.app = app
        p.send("SA", opts=mss(1000))
    return p


def acked(p, n):
    """n octets arrive; the ACK of them."""
    while n:
        k = min(n, 1000)
        out = p.send("A", bytes(k)) or p.run(100)
        n -= k
    return one(out)


@rfc("9293 MUST-39", "9293 SHLD-14")
@pytest.mark.parametrize("passive", [False, True])
@pytest.mark.parametrize(
    "room, half", [(1000, 500), (1001, 500), (2, 1), (3000, 1460), (5839, 1460)]
)
def test_half_of_a_small_buffer_is_worth_an_update(passive, room, half):
    p = begun(room, passive)
    last = 5840 - (room - half)  # from there on the edge moves
    assert acked(p, last - 1).wnd == room - half + 1
    assert acked(p, 1).wnd == room


@pytest.mark.parametrize("passive", [False, True])
def test_a_buffer_of_one_octet_is_told_whenever_it_is_free(passive):
    p = begun(1, passive)
    assert acked(p, 5838).wnd == 2
    assert [acked(p, 1).wnd for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("passive", [False, True])
def test_no_room_is_no_buffer_and_silly_windows_are_not_told(passive):
    p = begun(0, passive)
    assert acked(p, 5840).wnd == 0
    for n in (1, 2, 1459):
        p.conn.offer(n)
        assert not p.run(0)
    p.conn.offer(1460)
    assert one(p.run(0)).wnd == 1460
