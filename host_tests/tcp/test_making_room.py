"""When somebody who is idle makes room for who waits (halfopen.py), and what the line leaves
behind when it is empty."""

import pytest
from lab.tcp import Lab, Peer, mss, one

SPARE_MS = 5000


def ask(lab, port=50000, isn=0x12340000):
    """A newcomer whose SYN and whose ACK come at the same instant; and what the board says to
    anybody."""
    p = Peer(lab, port=port, isn=isn)
    one(p.send("S", opts=mss(1000)), "SA")
    return p, lab.give(p.segment("A"))


def ends(segs):
    return [(s.at, s.dport) for s in segs if "R" in s.flags]


# What is short are the common rows, or the objects of one listener.
@pytest.mark.parametrize("rows, objects", [(1, 2), (2, 1)])
@pytest.mark.parametrize("idle, then", [(SPARE_MS, SPARE_MS), (SPARE_MS - 100, SPARE_MS + 400)])
def test_who_has_been_idle_goes_at_once_or_at_a_look_half_a_second_later(
    rows, objects, idle, then
):
    lab = Lab(tcp=rows, half_open=1, listeners=objects, listen={"spare_ms": SPARE_MS})
    held = Peer(lab)
    held.open()
    lab.run(idle)
    new, out = ask(lab)
    out += lab.run(600)
    assert ends(out) == [(then, held.port)]
    assert held.app.said("closed") == ["idle"] and lab.app.c.rport == new.port
    assert lab.wire.count("tcp_evicted") == 1 and lab.wire.count("tcp_passive") == 2


def test_nobody_goes_for_a_handshake_that_is_not_complete():
    """Its SYN-ACK goes again and again; that is not somebody who waits."""
    lab = Lab(tcp=2, listeners=2)
    held = Peer(lab)
    held.open()
    lab.run(6000)
    one(Peer(lab, port=50000).send("S"), "SA")
    assert len(lab.run(16_000)) == 4
    assert lab.wire.count("tcp_evicted") == 0
    assert held.state == "ESTABLISHED" and held.conn.crowded is False


def test_connection_is_told_that_others_wait_until_nobody_does():
    lab = Lab(tcp=1, listeners=4, listen={"spare_ms": 0})
    held = Peer(lab)
    held.open()
    assert held.conn.crowded is False
    new, _ = ask(lab)
    assert held.conn.crowded is True
    lab.run(10_000)
    assert held.conn.crowded is True
    held.send("R")
    lab.run(1)
    assert lab.app.c.rport == new.port and lab.app.c.crowded is False


def test_line_that_is_empty_again_leaves_nothing_behind():
    """A newcomer is offered a window, and the board sleeps."""
    lab = Lab(tcp=2, listeners=4, listen={"spare_ms": 0})
    held = [Peer(lab, port=40000 + k) for k in range(2)]
    for p in held:
        p.open()
    ask(lab)
    for p in held:
        p.send("R")
    lab.run(1)
    assert one(Peer(lab, port=50001).send("S"), "SA").wnd > 0
    Peer(lab, port=50001, isn=1000).send("R", seq=1001)
    lab.wire.polls = 0
    lab.wire.run(100_000)
    assert lab.wire.polls < 300, "the links are looked at once a second"


def test_of_two_that_came_at_once_the_first_is_served_first():
    lab = Lab(tcp=1, listeners=4, listen={"spare_ms": 0})
    held = Peer(lab)
    held.open()
    new = [Peer(lab, port=50000 + k) for k in range(3)]
    for p in new:
        one(p.send("S", opts=mss(1000)), "SA")
    lab.give(*[p.segment("A") for p in new])
    served = []
    for _ in new:
        (held if not served else new[len(served) - 1]).send("R")
        lab.run(1)
        served.append(lab.app.c.rport)
    assert served == [p.port for p in new]


def test_ack_that_finds_no_place_is_counted_once_however_long_it_waits():
    lab = Lab(tcp=1, listeners=4, listen={"spare_ms": 0})
    Peer(lab).open()
    new, _ = ask(lab)
    lab.run(5000)
    new.send("PA", b"anybody?", seq=new.seq)
    lab.run(5000)
    assert lab.wire.count("tcp_ack_dropped") == 1


# With cookies


@pytest.mark.parametrize("rows, offered", [(1, False), (2, True), (3, True)])
def test_cookie_offers_a_window_if_a_row_is_left_for_it(rows, offered):
    """One handshake is under way; the cookie's is one more."""
    lab = Lab(tcp=rows, half_open=1, listeners=4, tcp_options={"cookies": True})
    one(Peer(lab, ip="10.0.0.100", port=1).send("S"), "SA")
    assert (one(Peer(lab).send("S"), "SA").wnd > 0) == offered
    assert lab.wire.count("tcp_cookie_out") == lab.wire.count("tcp_syn_dropped") == 1
