"""A newcomer finds every place taken: who makes room, and what the newcomer begins with when its
turn has come (listen.py)."""

import pytest
from lab import framelog
from lab.tcp import BusyAfterOne, HalfCloser, Lab, Peer, active, mss, one, wscale
from uipy import App, Bytes


def comes(lab, port=50000, opts=None, **k):
    """A newcomer whose handshake is complete; it waits."""
    p = Peer(lab, port=port, wnd=k.pop("wnd", 60_000), **k)
    p.iss = one(p.send("S", opts=mss(1000) if opts is None else opts, wnd=60_000), "SA").seq
    p.send("A", wnd=p.wnd if opts is None else 1000)
    return p


@pytest.mark.parametrize("shift, window", [(0, 1000), (1, 2000), (3, 8000)])
def test_the_window_of_who_waited_is_that_of_its_last_ack(shift, window):
    """Scaled, as it was not in the SYN; the next one counts as well."""
    lab = Lab(tcp=1, listeners=2, listen={"spare_ms": 0}, tcp_options={"window_scale": True})
    first = Peer(lab)
    first.open()
    waits = comes(lab, opts=mss(1000) + wscale(shift), isn=0x89ABCDEF)
    assert len([a for a in lab.apps if a.events]) == 1
    first.send("R")
    lab.run(1)
    waits.app = lab.app
    waits.conn.send(Bytes(bytes(50_000)))
    assert sum(s.len for s in waits.run(0)) == window
    waits.send("A", wnd=2000)
    assert waits.conn.unacked == min(2000 << shift, 11_000)  # CWND


@pytest.mark.parametrize("isn", [1000, 0x7FFFFFFF, 0x89ABCDEF, 0xFFFFFFFF])
@pytest.mark.parametrize("wnd", [1000, 3000])
def test_the_window_may_change_with_the_first_segment(isn, wnd):
    """SND.WL1 begins with IRS + 1."""
    p = Peer(Lab(), isn=isn, wnd=2000)
    p.open()
    p.send("A", wnd=wnd)
    p.conn.send(Bytes(bytes(5000)))
    assert sum(s.len for s in p.run(0)) == wnd


@pytest.mark.parametrize("spare_ms", [1000, 1001])
def test_who_has_been_idle_for_exactly_spare_ms_makes_room(spare_ms):
    lab = Lab(tcp=1, listeners=2, listen={"spare_ms": spare_ms})
    held = Peer(lab)
    held.open()
    lab.run(1000)
    comes(lab)
    assert held.app.said("closed") == ["idle"] * (spare_ms == 1000)
    assert lab.wire.count("tcp_evicted") == (spare_ms == 1000)
    lab.run(500)
    assert held.app.said("closed") == ["idle"] and lab.wire.count("tcp_evicted") == 1


def test_of_two_that_were_idle_for_as_long_one_makes_room():
    lab = Lab(tcp=2, listeners=3, listen={"spare_ms": 1000})
    held = [Peer(lab, port=40000 + k) for k in range(2)]
    for p in held:
        p.open()
    lab.run(1000)
    comes(lab)
    lab.run(1)
    assert [p.app.said("closed") for p in held] == [[], ["idle"]]


def test_own_opens_make_no_room_where_there_are_255_listeners():
    """NO_LISTENER is 255, and no number of a listener."""
    with framelog.silent():
        lab = Lab(tcp=1, listeners=2)
    for port in range(1000, 1254):
        lab.stack.listen(port, App, 1)
    assert len(lab.stack.tcp.listeners) == 255
    app, p, _syn = active(lab)
    p.send("SA", opts=mss(1000))
    lab.run(60_000)
    comes(lab)
    lab.run(5000)
    assert not app.said("closed") and not lab.errors
    assert lab.wire.count("tcp_evicted") == 0


def test_who_makes_room_is_told_once_though_its_reset_has_to_wait():
    """The transmitter is busy: the next look finds it on its way out."""
    lab = Lab(tcp=1, listeners=2, listen={"spare_ms": 1000}, app=HalfCloser)
    held = Peer(lab)
    held.open()
    lab.run(1000)
    new = Peer(lab, port=50000)
    new.iss = one(new.send("S", opts=mss(1000)), "SA").seq
    new.ack = new.iss + 1
    lab.wire.rx.append(new.segment("A"))
    busy = BusyAfterOne(lab.wire)
    lab.wire.poll()
    for _ in range(4):
        lab.wait(500)
        lab.wire.poll()
    busy.ends()
    lab.run(1000)
    assert held.app.said("closed") == ["idle"] and lab.wire.count("tcp_evicted") == 1
