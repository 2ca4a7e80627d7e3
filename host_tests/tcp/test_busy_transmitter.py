"""The transmitter is busy: what is due waits for it, and the timers do not."""

import pytest
from lab.tcp import BusyAfterOne, Lab, Peer, one
from uipy import Bytes


@pytest.fixture
def two():
    """Two connections, on which the same happens at the same time."""
    lab = Lab()
    peers = [Peer(lab, port=40000 + k, wnd=2000) for k in range(2)]
    for p in peers:
        p.open()
    return peers


def later(two, ms):
    """What is due now leaves on one connection; on the other one so much later. Returns that
    peer, and what it hears."""
    lab = two[0].lab
    busy = BusyAfterOne(lab.wire)
    lab.wait(1)
    lab.wire.poll()
    first = one(lab.wire.take())
    lab.wait(ms)
    busy.ends()
    (second,) = [p for p in two if p.port != first.tcp.dport]
    return second, one(second.run(0))


def test_what_goes_again_is_due_a_doubled_rto_after_the_first_time_out(two):
    for p in two:
        p.conn.send(b"hello")
    two[0].lab.run(999)
    p, again = later(two, 300)
    assert (again.at, again.data) == (1300, b"hello")
    assert [s.at for s in p.run(3000)] == [3000]


def test_what_a_small_window_held_back_is_due_again_an_rto_after_its_time_was_over(two):
    """The override timeout (RFC 9293 3.8.6.2.1) becomes the retransmission's."""
    for p in two:
        p.send("A", wnd=500)
        p.conn.send(Bytes(bytes(1000)))
    two[0].lab.run(999)
    p, first = later(two, 300)
    assert (first.at, len(first.data)) == (1300, 500)
    assert [(s.at, len(s.data)) for s in p.run(3500)] == [(2000, 500), (4000, 500)]


def test_a_delayed_ack_goes_when_it_can(two):
    for p in two:
        p.send("A", b"x")
    two[0].lab.run(99)
    p, ack = later(two, 300)
    assert (ack.flags, ack.ack, ack.at) == ("A", p.seq, 400) and not p.run(1000)
