"""Days on which nothing happens: `ticks_ms` tells times apart for six days only."""

import itertools

from lab.tcp import Lab, Peer, one, stamps
from uipy import Bytes
from uipy.tcp.row import RTO, SRTT

DAY = 86_400_000


def days(lab, n):
    """So many days, in which the board looks at its clock twice a day."""
    for _ in range(2 * n):
        lab.wait(DAY // 2)
        lab.poll()
        lab.wire.polls = 0


def test_after_a_silent_week_a_blind_reset_is_still_challenged(peer):
    one(peer.send("R", seq=peer.seq + 10), "A")
    days(peer.lab, 8)
    one(peer.send("R", seq=peer.seq + 10), "A")


def test_after_a_silent_week_a_newcomer_still_gets_the_place():
    lab = Lab(listeners=1)
    old, new = Peer(lab, port=40000), Peer(lab, port=50000)
    old.open()
    days(lab, 8)
    new.send("S")
    new.send("A")
    lab.run(7000)
    assert lab.app.said("closed") == ["idle"]
    new.send("PA", b"at last")
    assert lab.app.data == b"at last"


def test_age_of_a_close_wait_never_looks_young_again(close_wait):
    ages = []
    lab = close_wait.lab
    for _ in range(10):
        days(lab, 1)
        ages.append((lab.wire.clock.now - close_wait.conn.state_at) % 2**30)
    assert all(b >= a or b >= 3 * DAY for a, b in itertools.pairwise(ages)), ages
    assert min(ages[3:]) >= 3 * DAY


def test_after_a_silent_week_the_window_is_the_restart_window():
    lab = Lab()
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(40_000)))
    while p.conn.sending:
        p.run(10)
        p.send("A")
    days(lab, 8)
    p.conn.send(Bytes(bytes(60_000)))
    assert sum(len(s.data) for s in p.run(0)) <= 10 * 1460


def test_timestamp_echo_that_is_days_old_does_not_exceed_a_small_int():
    """srtt is kept times 8: on 32 bits 2**30 is a heap object, and does not fit in a row."""
    lab = Lab(tcp_options={"timestamps": True})
    p = Peer(lab)
    p.open(opts=stamps(1) + b"\2\4\3\350", opts3=stamps(1, 0))
    p.conn.send(Bytes(b"x"))
    sent = one(p.run(0))
    val = sent.opts["ts"][0]
    p.send("A", opts=stamps(2, val - 200_000_000))
    row = p.conn.row
    assert row[SRTT] < 2**4 and not lab.errors  # the high half
    assert 1000 <= row[RTO] <= 60_000
