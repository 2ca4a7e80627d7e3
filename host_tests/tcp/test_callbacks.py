"""What an application may do to us, and to itself: raise in any callback, abort or open
connections in one, keep a handle for too long."""

import pytest
from lab.packets import addr
from lab.tcp import PEER, HalfCloser, Lab, Log, Peer, active, one
from uipy import App, Busy, Bytes, NotConnected
from uipy.stat import N_TCP_RST_OUT
from uipy.tcp.conn import Conn

OTHER = "10.0.0.3"


class Oops(Exception):
    pass


def broken(name):
    """An application class whose callback `name` raises."""

    def raises(self, conn, *rest):
        self.c = conn
        raise Oops(name)

    return type("Broken", (HalfCloser,), {name: raises, "poll_ms": 500 * (name == "poll")})


class BadSource:
    """Raises in `fill` or in `acked`."""

    ended = True

    def __init__(self, where):
        self.where = where

    def fill(self, rel, buf, pos, n):
        if self.where == "fill":
            raise Oops("fill")
        buf[pos] = 88
        return 1 if rel == 0 else 0

    def acked(self, n):
        raise Oops("acked")


PROVOKE = {
    "received": lambda p: p.send("PA", b"x"),
    "peer_closed": lambda p: p.send("FA"),
    "urgent": lambda p: p.send("PAU", b"x", up=1),
    "poll": lambda p: p.run(500),
    "acked": lambda p: (p.app.c.send(Bytes(b"x")), p.run(0), p.send("A")),
    "error": lambda p: (p.app.c.send(Bytes(b"x")), p.run(8000)),
}


@pytest.mark.parametrize("name", sorted(PROVOKE))
def test_callback_that_raises_resets_its_connection_and_no_other(name):
    lab = Lab(app=broken(name), listeners=2)
    a = Peer(lab)
    a.open()
    b = active(lab)[1]
    b.send("SA")
    app = a.app
    lab.wire.sent.clear()
    before = lab.stack.stat[:]
    PROVOKE[name](a)
    a.run(0)
    assert [str(e) for e in lab.errors] == [name]
    assert app.said("closed") == ["error"]
    assert lab.stack.stat[N_TCP_RST_OUT] != before[N_TCP_RST_OUT]  # one RST
    assert a.send("A")[0].flags == "R"
    b.send("PA", b"you, too?")
    assert lab.apps[-1].data == b"you, too?"
    lab.errors.clear()
    Peer(lab, port=41000).open()  # and its object serves the next one


def test_connected_that_raises_resets_and_what_came_with_it_is_told_to_nobody():
    lab = Lab(app=broken("connected"))
    p = Peer(lab)
    one(p.send("S"), "SA")
    out = p.send("PAU", b"query", up=5) + p.run(0)
    assert out[-1].flags == "R" and [str(e) for e in lab.errors] == ["connected"]
    assert [e for a in lab.apps for e in a.events] == [("closed", "error")]


def test_error_that_raises_in_syn_sent_ends_the_attempt_in_silence():
    lab = Lab(app=HalfCloser)
    app = broken("error")()
    active(lab, app)
    out = lab.run(200_000)
    assert app.said("closed") == ["error"] and len(lab.errors) == 1
    assert {s.flags for s in out} == {"S"}


def test_closed_that_raises_costs_nothing_more():
    lab = Lab(app=broken("closed"), listeners=1)
    for port in (40000, 40001):  # its object comes back to the listener
        p = Peer(lab, port=port)
        p.open()
        p.send("R")
    assert [str(e) for e in lab.errors] == ["closed"] * 2
    Peer(lab, port=40002).open()


@pytest.mark.parametrize("where", ["fill", "acked"])
def test_source_that_raises_loses_its_connection(peer, lab, where):
    app = lab.app
    peer.conn.send(BadSource(where))
    out = peer.run(0)
    if where == "acked":
        out = peer.send("A") + peer.run(0)
    assert out[-1].flags == "R" and app.said("closed") == ["error"]
    assert [str(e) for e in lab.errors] == [where]


# Calls made inside of callbacks.


class Quitter(HalfCloser):
    """Aborts in the callback `when`."""

    when = ""

    def acked(self, conn, n):
        super().acked(conn, n)
        if self.when == "acked":
            conn.abort()

    def received(self, conn, buf, start, n):
        k = super().received(conn, buf, start, n)
        if self.when == "received":
            conn.abort()
        return k


@pytest.mark.parametrize("state", ["ESTABLISHED", "FIN-WAIT-1", "LAST-ACK"])
def test_after_abort_in_acked_nothing_more_is_told_and_the_rst_goes_out(state):
    lab = Lab(app=Quitter)
    p = Peer(lab)
    p.open()
    app = p.app
    app.when = "acked"
    if state == "LAST-ACK":
        p.send("FA")
    app.c.send(Bytes(b"x"))
    if state != "ESTABLISHED":
        app.c.shutdown()
    p.run(0)
    assert app.c.state_name == state
    out = p.send("FPA" if state != "LAST-ACK" else "A", b"more" if state != "LAST-ACK" else b"")
    out += p.run(0)
    assert out[-1].flags == "R" and app.events[-2:] == [("acked", 1), ("closed", "aborted")]


def test_after_abort_in_received_held_segments_are_not_told():
    lab = Lab(app=Quitter, tcp_options={"reassembly": 2})
    p = Peer(lab)
    p.open()
    app = p.app
    app.when = "received"
    p.send("A", b"second", seq=p.seq + 5)
    out = p.send("A", b"first") + p.run(0)
    assert app.data == b"first" and out[-1].flags == "R"


def test_after_abort_no_soft_error_is_told():
    lab = Lab()
    p = Peer(lab)
    p.open()
    p.conn.send(Bytes(b"x"))
    sent = one(p.run(0))
    p.conn.abort()
    lab.icmp(3, 1, sent.frame)
    lab.run(0)
    assert p.app.said("error") == [] and p.app.said("closed") == ["aborted"]


class Again(Log):
    """Opens a connection to another host as soon as its own has ended."""

    stack = None
    next = None

    def closed(self, conn, reason):
        super().closed(conn, reason)
        if self.next is None:
            self.next = HalfCloser()
            self.next.c = self.stack.connect(self.next, OTHER, 80)


def again(lab):
    """The applications of the lab may open connections."""
    for a in lab.apps:
        a.stack = lab.stack
    return lab


def checked_syn(segs):
    """The SYN to the other host. packets.decode has checked that its checksum is for its
    addresses."""
    s = one([s for s in segs if "S" in s.flags], "S")
    assert s.dst == addr(OTHER) and s.dport == 80
    return s


def raw(lab, peer, flags, **k):
    return lab.give(peer.segment(flags, **k)) + lab.run(0)


@pytest.mark.parametrize("how", ["reset", "done", "time-wait", "abort", "aborts in received"])
def test_connection_opened_in_closed_goes_to_its_own_host(how):
    """It takes the row that has just become free: neither the old one's RST nor the SYN may go
    where the other one belongs."""
    lab = again(Lab(app=Again, listeners=1, tcp=1))
    p = Peer(lab)
    p.open()
    app = p.app
    if how == "reset":
        out = raw(lab, p, "R")
    elif how == "done":  # LAST-ACK
        p.send("FA")
        p.run(0)
        out = raw(lab, p, "A")
    elif how == "time-wait":
        app.c.shutdown()
        p.run(0)
        out = raw(lab, p, "FA")
    elif how == "abort":
        app.c.abort()
        out = lab.run(0)
    else:
        app.received = lambda conn, buf, start, n: conn.abort()
        out = raw(lab, p, "PA", data=b"x")
    checked_syn(out)
    if "abort" in how:
        rst = one([s for s in out if "R" in s.flags])
        assert rst.dst == addr(PEER) and rst.seq == p.iss + 1
    assert app.next.c.state_name == "SYN-SENT"


def test_object_of_a_listener_is_free_again_though_closed_opens_a_connection():
    lab = again(Lab(app=Again, listeners=1, tcp=2))
    for port in (40000, 40001):
        p = Peer(lab, port=port)
        p.open()
        p.send("R")
    assert p.app.said("closed") == ["reset"] * 2


def test_refused_open_can_be_tried_elsewhere_in_closed():
    lab = Lab(tcp=1)
    app = Again()
    app.stack = lab.stack
    app, p, syn = active(lab, app)
    checked_syn(raw(lab, p, "RA", seq=0, ack=syn.end))


def test_one_connections_callback_may_end_another():
    lab = Lab(listeners=2)
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    a.open()
    b.open()
    pending = HalfCloser()
    conn = lab.stack.connect(pending, OTHER, 80)

    def ends_all(c, buf, start, n):
        b.app.c.abort()
        conn.abort()  # in SYN-SENT: closed() is called now, inside of this callback
        raise Oops("and is blamed itself")

    a.app.received = ends_all
    out = lab.give(a.segment("PA", b"x")) + lab.run(0)
    assert pending.said("closed") == ["aborted"]
    assert b.app.said("closed") == ["aborted"] and a.app.said("closed") == ["error"]
    assert sorted((s.flags, s.dport) for s in out) == [("R", 40000), ("R", 40001)]
    lab.errors.clear()


# Handles.


def test_connection_of_an_application_ends_with_closed(peer, lab):
    app = lab.app
    assert app.conn is peer.conn
    peer.send("R")
    assert app.conn is not peer.conn
    for call in ("shutdown", "close", "abort", "resume", "handle"):
        with pytest.raises(NotConnected):
            getattr(app.conn, call)()
    with pytest.raises(NotConnected):
        app.conn.send(Bytes(b"x"))


def test_before_its_first_connection_an_application_has_a_dead_one():
    """It can be asked everything, and nothing writes to its row."""
    conn = Lab(app=App, listeners=1).apps[0].conn
    with pytest.raises(NotConnected):
        conn.close()
    asked = [n for n in dir(Conn) if isinstance(getattr(Conn, n), property)]
    assert [getattr(conn, n) for n in asked if n != "state_name"] == [0] * (len(asked) - 1)
    assert conn.state_name == "CLOSED" and conn.peer() == ("0.0.0.0", 0)
    for name in asked:
        if getattr(Conn, name).fset:
            with pytest.raises(NotConnected):
                setattr(conn, name, 1)
    for n in (0, 1000, -1):
        with pytest.raises(NotConnected):
            conn.offer(n)
    assert not any(conn.row)


def test_stale_handle_raises_though_its_row_serves_another():
    lab = Lab(tcp=1)
    a = Peer(lab, port=40000)
    a.open()
    conn = a.conn
    handle, gen = conn.handle(), conn.gen
    assert handle.conn is conn
    a.send("R")
    with pytest.raises(NotConnected):
        handle.conn.close()
    b = Peer(lab, port=40001)
    b.open()
    assert b.conn is conn and conn.gen != gen
    with pytest.raises(NotConnected):
        handle.conn.close()


def test_nothing_can_be_asked_of_a_connection_that_waits_for_its_rst(peer, lab):
    peer.conn.abort()
    for call in ("shutdown", "close", "abort", "resume"):
        with pytest.raises(NotConnected):
            getattr(peer.conn, call)()


def test_second_source_raises_busy_and_the_first_runs_on(peer):
    peer.conn.send(Bytes(b"first"))
    with pytest.raises(Busy):
        peer.conn.finish(Bytes(b"second"))
    s = one(peer.run(0))
    assert s.data == b"first" and "F" not in s.flags


@pytest.mark.parametrize(
    "name, wrong, right",
    [
        ("room", (-1, 2**24 + 1), (0, 2**24)),
        ("keepalive_s", (-1, 65536), (0, 65535)),
        ("user_timeout_s", (0, 65536), (1, 65535)),
        ("ttl", (0, 256), (1, 255)),
    ],
)
def test_setting_out_of_its_range_is_an_error_and_its_ends_are_not(peer, name, wrong, right):
    for n in wrong:
        with pytest.raises(ValueError):
            setattr(peer.conn, name, n)
    for n in right:
        setattr(peer.conn, name, n)
        assert getattr(peer.conn, name) == n


def test_longest_keep_alive_and_user_timeout_are_kept(peer):
    """65535 s are 65 535 000 ms: below 2**28, as every deadline."""
    peer.conn.keepalive_s = 65535
    assert not peer.run(65_530_000)
    assert one(peer.run(10_000)).seq == peer.ack - 1
    peer.send("A")
    peer.conn.keepalive_s = 0
    peer.conn.user_timeout_s = 65535
    peer.conn.send(Bytes(b"x"))
    peer.run(65_500_000)
    assert not peer.app.said("closed")
    peer.run(100_000)
    assert peer.app.said("closed") == ["timeout"]


def test_what_is_offered_is_what_the_next_segment_says(peer):
    """`offer` sets `room`; what was told already is not taken back."""
    peer.conn.offer(20_000)
    assert one(peer.run(0)).wnd == peer.conn.room == 20_000
    peer.conn.offer(19_000)
    assert not peer.run(0) and peer.conn.room == 19_000
    peer.send("PA", bytes(1000))
    assert one(peer.run(500)).wnd == 19_000
