"""Every row is busy: clients whose handshake is complete wait in line, and who has been idle makes
room (halfopen.py)."""

import pytest
from lab.tcp import BusyAfterOne, HalfCloser, Lab, Peer, is_ack, is_reset, mss, one
from uipy import Bytes


def crowd(lab, n, first=40000):
    """n clients, one a ms, each with a complete handshake."""
    out = []
    for k in range(n):
        p = Peer(lab, port=first + k, wnd=60000)
        p.iss = one(p.send("S", opts=mss(1000)), "SA").seq
        p.send("A")
        out.append(p)
        lab.run(1)
    return out


def together(lab, n):
    """n clients whose handshakes go on at the same time: each is offered a window."""
    out = [Peer(lab, port=40000 + k, wnd=60000) for k in range(n)]
    for p in out:
        syn_ack = one(p.send("S", opts=mss(1000)), "SA")
        p.iss = syn_ack.seq
        assert syn_ack.wnd
    for p in out:
        p.send("A")
        lab.run(1)
    return out


def holds(lab, p):
    """Whether the client has a connection."""
    return any(c.row[0] and c.rport == p.port for c in lab.stack.tcp.conns)


def leave(p):
    """The client is gone; the clock moves on by a ms."""
    p.send("R")
    p.lab.run(1)


@pytest.fixture
def lab():
    """Two rows, six application objects; nobody is evicted."""
    return Lab(tcp=2, listeners=6, listen={"spare_ms": 0})


# Their turn


def test_who_waits_longest_is_next(lab):
    """Not whose half-open row comes first in the table."""
    busy = crowd(lab, 2)
    waiting = crowd(lab, 4, 41000)
    leave(waiting.pop(0))  # its place in the table is the lowest; the next to come takes it
    waiting += crowd(lab, 1, 42000)
    order = []
    for p in busy + waiting[:2]:
        leave(p)
        order += [q.port for q in waiting if holds(lab, q) and q.port not in order]
    assert order == [41001, 41002, 41003, 42000]


def test_newcomer_does_not_overtake_those_that_wait(lab):
    """A row becomes free, and before anybody looks an ACK completes another handshake."""
    first, _second = crowd(lab, 2)
    (waits,) = crowd(lab, 1, 41000)
    new = Peer(lab, port=42000)
    new.iss = one(new.send("S", opts=mss(1000)), "SA").seq
    lab.give(first.segment("R"), new.segment("A"))
    lab.run(1)
    assert holds(lab, waits) and not holds(lab, new)
    leave(waits)
    assert holds(lab, new)


def test_who_waits_for_one_listener_does_not_hold_up_another():
    lab = Lab(tcp=3, listeners=1, listen={"spare_ms": 0})
    lab.stack.listen(8, lab._make(HalfCloser), 2, spare_ms=0)
    crowd(lab, 1)
    (waits,) = crowd(lab, 1, 41000)
    other = Peer(lab, port=42000, to=8)
    other.open()
    assert holds(lab, other) and not holds(lab, waits)


def test_fifty_clients_and_four_rows():
    """Each asks again as its timers say, and is gone when it has been answered: all are heard, and
    those whose handshake was complete in the order in which they came."""
    lab = Lab(tcp=4, listeners=4)
    clients = [Peer(lab, port=40000 + k) for k in range(50)]
    due = [(k, 0) for k in range(50)]  # when each acts next, and how often it has acted
    begun, heard, line = [None] * 50, [], []
    while len(heard) < 50:
        k = min(range(50), key=lambda i: due[i][0] if i not in heard else 1 << 30)
        p = clients[k]
        lab.run(max(due[k][0] - lab.ms, 0))
        if begun[k] is None:
            out = p.send("S", opts=mss(1000), seq=p.isn)
            if out:
                begun[k] = lab.ms
                p.seq, p.ack = p.isn + 1, out[0].end
                line.append(k)
                due[k] = (lab.ms, 0)
                continue
        else:
            out = p.send("PA", b"?", seq=p.isn + 1)
            assert not any("R" in s.flags for s in out)
        n = due[k][1]
        due[k] = (lab.ms + (1000 if begun[k] is None else 200) * 2**n, n + 1)
        if begun[k] is not None and holds(lab, p):
            app = next(a for a in lab.apps if a.c and a.c.row[0] and a.c.rport == p.port)
            if app.data:
                app.data = b""
                heard.append(k)
                p.send("R", seq=p.isn + 2)
        assert lab.ms < 100_000, (len(heard), line)
    assert sorted(heard) == list(range(50))


# What they are treated as


def test_who_waited_for_a_row_did_not_lose_its_syn(lab):
    """Ten segments in the first flight and an RTO of one second, as for everybody."""
    first, _second = crowd(lab, 2)
    (waits,) = crowd(lab, 1, 41000)
    lab.run(5000)
    leave(first)
    waits.app = lab.app
    waits.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in waits.run(0)) == 10_000
    start = lab.ms
    assert one(waits.run(1500, until=lambda s: s.data)).at - start == 1000


def test_syn_ack_that_was_lost_counts_all_the_same(lab):
    first, _second = crowd(lab, 2)
    p = Peer(lab, port=41000, wnd=60000)
    p.iss = one(p.send("S", opts=mss(1000)), "SA").seq
    one(p.run(1500), "SA")
    p.send("A")
    lab.run(5000)
    leave(first)
    p.app = lab.app
    p.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in p.run(0)) == 1000


def test_who_waited_long_is_not_evicted_before_its_timer_runs_out():
    """Its query has backed off for as long as it waited, and comes after as long again."""
    lab = Lab(tcp=3, listeners=1)
    first, waits, behind = together(lab, 3)
    for _ in range(4):  # busy for 12 s
        lab.run(3000)
        first.send("PA", b"more!")
    leave(first)
    lab.run(11_900)
    assert holds(lab, waits) and not holds(lab, behind)
    waits.send("PA", b"at last")
    assert lab.app.data.endswith(b"at last")
    lab.run(4900)
    assert holds(lab, waits)
    lab.run(700)
    assert not holds(lab, waits) and holds(lab, behind)


def test_that_grace_ends_after_16_seconds():
    lab = Lab(tcp=3, listeners=1)
    first, waits = together(lab, 2)
    for _ in range(8):
        lab.run(3000)
        first.send("PA", b"more!")
    leave(first)
    (behind,) = crowd(lab, 1, 42000)
    lab.run(20_900)
    assert holds(lab, waits)
    lab.run(700)
    assert not holds(lab, waits) and holds(lab, behind)


# What they are offered


def test_who_would_have_to_wait_is_offered_no_window_until_its_turn_comes(lab):
    first, _second = crowd(lab, 2)
    waits = Peer(lab, port=41000, wnd=60000)
    assert one(waits.send("S", opts=mss(1000)), "SA").wnd == 0
    waits.send("A")
    assert not waits.run(3000)
    out = [s for s in lab.give(first.segment("R")) + lab.run(1) if s.dport == waits.port]
    is_ack(one(out), waits)
    assert holds(lab, waits) and out[0].wnd == lab.app.c.room


def test_a_probe_of_that_window_is_answered_with_it(lab):
    """RFC 9293 3.8.6.1; at most four in a second."""
    crowd(lab, 2)
    waits = Peer(lab, port=41000, wnd=60000)
    waits.send("S", opts=mss(1000))
    waits.send("A")
    s = one(waits.send("A", seq=waits.seq - 1))
    assert s.wnd == 0 and s.ack == waits.seq
    assert not waits.send("A", seq=waits.seq - 1)


def test_handshakes_under_way_are_counted(lab):
    """Two rows are free: the third SYN is the first that is offered nothing."""
    peers = [Peer(lab, port=41000 + k) for k in range(3)]
    assert [one(p.send("S")).wnd > 0 for p in peers] == [True, True, False]


def test_an_application_without_a_free_object_is_as_full_as_the_table():
    lab = Lab(tcp=3, listeners=1)
    crowd(lab, 1)
    assert one(Peer(lab, port=41000).send("S"), "SA").wnd == 0


# When their turn never comes


def test_who_waits_in_vain_for_a_minute_is_told(lab):
    """SYN,ACK once more, and the row is forgotten: what a live client answers is reset; nobody
    else is."""
    crowd(lab, 2)
    (waits,) = crowd(lab, 1, 41000)
    start = lab.ms - 1
    s = one(waits.run(70_000), "SA")
    assert s.at - start == 60_000 and s.seq == waits.iss
    is_reset(one(waits.send("A")), waits.ack)
    assert not lab.run(200_000) and lab.stack.tcp.half.used() == 0


def test_whose_turn_comes_just_before_the_minute_is_over(lab):
    first, _second = crowd(lab, 2)
    (waits,) = crowd(lab, 1, 41000)
    assert not waits.run(59_900)
    leave(first)
    assert holds(lab, waits) and not waits.run(1000)


def test_syn_ack_that_was_due_is_not_sent_to_who_waits(lab):
    """Two are due, and have to wait for the transmitter; the ACK of the second handshake comes
    first. Its place in the line is kept."""
    busy = crowd(lab, 2)
    p, q = Peer(lab, port=41000), Peer(lab, port=41001)
    lab.give(p.segment("S"))
    q.syn_ack = one(q.send("S"), "SA")
    device = BusyAfterOne(lab.wire)
    lab.wait(1000)
    lab.wire.poll()
    assert not lab.wire.free
    lab.wire.rx.append(q.segment("A", ack=q.syn_ack.end))
    device.ends()
    out = lab.run(50)
    assert [s.dport for s in out] == [41000]
    leave(busy[0])
    assert holds(lab, q)


# Who makes room


def test_longest_idle_connection_is_evicted_and_no_other():
    lab = Lab(tcp=4, listeners=6)
    held = [Peer(lab, port=40000 + k) for k in range(4)]
    for p in held:
        p.open()
        lab.run(100)
    for k in (0, 2):  # the others have been idle since they came
        held[k].send("PA", b"x")
    lab.run(6000)
    new = Peer(lab, port=50000)
    new.send("S", opts=mss(1000))
    out = lab.give(new.segment("A"), new.segment("PA", b"hello")) + lab.run(400)
    assert [(s.flags[0], s.dport) for s in out if "R" in s.flags] == [("R", 40001)]
    assert [p.app.said("closed") for p in held] == [[], ["idle"], [], []]
    assert lab.wire.count("tcp_evicted") == 1


def test_nobody_is_evicted_who_has_not_been_idle_for_spare_ms():
    """It is looked at twice a second."""
    lab = Lab(tcp=1, listeners=2, listen={"spare_ms": 5300})
    held = Peer(lab)
    held.open()
    lab.run(4000)
    new = Peer(lab, port=50000)
    new.send("S", opts=mss(1000))
    lab.run(200)
    new.send("A")
    assert 5300 <= one(held.run(2000), "R").at <= 5800


def test_nobody_is_evicted_whose_end_would_make_no_room():
    """The newcomer's listener has no object free, there are rows enough."""
    lab = Lab(tcp=4, listeners=1, listen={"spare_ms": 0})
    lab.stack.listen(8, lab._make(HalfCloser), 2)
    Peer(lab).open()
    Peer(lab, port=40001, to=8).open()
    lab.run(60_000)
    new = Peer(lab, port=50000)
    new.send("S", opts=mss(1000))
    new.send("A")
    lab.run(50_000)
    assert lab.wire.count("tcp_evicted") == 0


def test_own_connections_and_those_of_a_listener_that_forbids_it_stay():
    lab = Lab(tcp=2, listeners=2, listen={"spare_ms": 0})
    lab.stack.listen(8, lab._make(HalfCloser), 2)
    Peer(lab).open()
    Peer(lab, port=40001).open()
    lab.run(60_000)
    new = Peer(lab, port=50000, to=8)
    new.send("S", opts=mss(1000))
    new.send("A")
    lab.run(50_000)
    assert lab.wire.count("tcp_evicted") == 0


# With cookies


@pytest.fixture
def flooded():
    """Four idle connections hold every row, and the half-open table is full of SYNs that nobody
    completes."""
    lab = Lab(tcp=4, half_open=2, listeners=6, tcp_options={"cookies": True})
    lab.held = [Peer(lab, port=40000 + k) for k in range(4)]
    for p in lab.held:
        p.open()
    lab.run(6000)
    for k in range(2):
        one(Peer(lab, ip="10.0.0.%d" % (100 + k), port=1).send("S"), "SA")
    return lab


def test_newcomer_with_a_cookie_is_heard_within_a_second(flooded):
    p = Peer(flooded, port=50000)
    p.iss = one(p.send("S", opts=mss(1000)), "SA").seq
    p.send("PA", b"hello")
    for _ in range(4):
        flooded.run(200)
        p.send("PA", b"hello", seq=p.seq - 5)
    assert flooded.app.data == b"hello"
    assert sorted(len(p.app.said("closed")) for p in flooded.held) == [0, 0, 0, 1]


def test_a_cookie_does_not_overtake_those_that_wait():
    lab = Lab(
        tcp=1, half_open=2, listeners=6, listen={"spare_ms": 0}, tcp_options={"cookies": True}
    )
    (first,) = crowd(lab, 1)
    (waits,) = crowd(lab, 1, 41000)
    one(Peer(lab, ip="10.0.0.100", port=1).send("S"), "SA")
    new = Peer(lab, port=50000)
    new.iss = one(new.send("S", opts=mss(1000)), "SA").seq
    lab.give(first.segment("R"), new.segment("A"))
    lab.run(1)
    assert holds(lab, waits) and not holds(lab, new)


def test_a_cookie_gets_a_place_in_the_line_when_one_is_free():
    """It need not come again: its turn comes all the same, with what the cookie says."""
    lab = Lab(
        tcp=1, half_open=1, listeners=6, listen={"spare_ms": 0}, tcp_options={"cookies": True}
    )
    (first,) = crowd(lab, 1)
    one(Peer(lab, ip="10.0.0.100", port=1, isn=5).send("S"), "SA")
    new = Peer(lab, port=50000, wnd=60000)
    new.iss = one(new.send("S", opts=mss(1200)), "SA").seq
    Peer(lab, ip="10.0.0.100", port=1, isn=5).send("R", seq=6)
    assert not new.send("A")
    lab.run(5000)
    leave(first)
    assert holds(lab, new)
    new.app = lab.app
    new.send("PA", b"hello")
    new.conn.send(Bytes(bytes(50_000)))
    out = new.run(0)
    assert lab.app.data.endswith(b"hello") and max(s.len for s in out) == 1024
    assert sum(s.len for s in out) == 10 * 1024
