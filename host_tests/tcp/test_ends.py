"""Who is who (`local`, `peer`), and why a connection has ended: every reason is in the list."""

import ast
import re
from pathlib import Path

import pytest
from lab.net import Wire
from lab.tcp import HalfCloser, Lab, Log, Peer, active, one
from uipy import NotConnected
from uipy.tcp.row import GEN, REASONS

ROOT = Path(__file__).resolve().parents[2]


def said_by_app():
    """The reasons that `App.closed` names."""
    text = (ROOT / "lib/uipy/app.py").read_text().split("def closed(self, conn, reason):")[1]
    return set(re.findall(r"'([\w ]+)'", text))


def given():
    """The reasons that the sources of TCP give."""
    found = set(REASONS)
    for path in (ROOT / "lib/uipy/tcp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "end":
                why = [getattr(n, "value", None) for n in ast.walk(node.args[1])]
                found |= {r for r in why if isinstance(r, str)}
    return found


def test_every_reason_is_in_the_list_of_the_callback():
    assert {"unread", "done", "refused", "timeout"} <= given()
    assert said_by_app() == given()


def test_data_that_nobody_reads_any_more_ends_in_unread():
    p = Peer(Lab(app=HalfCloser))
    p.open()
    p.conn.close()
    p.run(0)
    assert "R" in p.send("PA", b"too late")[-1].flags
    assert p.lab.apps[0].said("closed") == ["unread"] and "unread" in said_by_app()


def test_local_is_our_end():
    p = Peer(Lab())
    p.open()
    assert p.conn.local() == ("10.0.0.1", 7) and p.conn.peer() == ("10.0.0.2", p.port)


def test_local_of_our_own_open():
    lab = Lab()
    conn = active(lab)[0].c
    assert conn.local() == ("10.0.0.1", conn.lport) and conn.lport >= 49152


def test_local_is_the_address_of_the_interface_that_leads_there():
    wire = Wire()
    stack = wire.board(tcp=2)
    stack.add_iface(Wire(), "172.16.5.4/16")
    far, near = stack.connect(Log(), "172.16.9.9", 80), stack.connect(Log(), "192.168.1.9", 80)
    assert far.local() == ("172.16.5.4", far.lport)
    assert near.local() == ("192.168.1.7", near.lport)


def test_local_of_no_connection():
    p = Peer(Lab())
    p.open()
    p.send("R")
    with pytest.raises(NotConnected):
        p.conn.local()
    with pytest.raises(NotConnected):
        p.lab.app.conn.local()


# What a connection leaves behind for the next one of its row


ENDS = {
    "a RST": lambda p: p.send("R"),
    "our abort": lambda p: (p.conn.abort(), p.run(0)),
    "the user timeout": lambda p: (
        setattr(p.conn, "user_timeout_s", 1),
        p.conn.send(b"x"),
        p.run(60_000),
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_came_too_early_is_not_kept_for_the_next_connection(how):
    """One row, one buffer: the next peer has the same sequence numbers, and is not given what
    another one said; nor is the buffer taken."""
    lab = Lab(tcp=1, tcp_options={"reassembly": 1})
    p, q = Peer(lab, port=40000), Peer(lab, port=40001)
    p.open()
    p.send("PA", b"evil", seq=p.seq + 3)
    ENDS[how](p)
    assert p.app.said("closed")
    told = len(p.app.data)
    q.open()
    q.send("PA", b"abc")
    assert q.app.data[told:] == b"abc"
    q.send("PA", b"ghi", seq=q.seq + 3)
    q.send("PA", b"def")
    assert q.app.data[told:] == b"abcdefghi" and lab.wire.count("tcp_ooo_lost") == 0


@pytest.mark.parametrize("reassembly", [0, 1])
@pytest.mark.parametrize("gen", [0, 0xFFFE, 0xFFFF])
def test_an_ended_connection_is_free_in_every_respect(gen, reassembly):
    """The row, the object of the listener, the handle that was kept (65536 uses later it would be
    the same number again)."""
    lab = Lab(tcp=1, listeners=1, tcp_options={"reassembly": reassembly})
    lab.stack.tcp.conns[0].row[GEN] = gen
    p = Peer(lab)
    p.open()
    conn, handle = p.conn, p.conn.handle()
    assert handle.conn is conn and conn.gen == gen
    conn.send(bytes(100))
    p.run(0)
    p.send("R")
    assert conn.gen == (gen + 1) % 65536
    assert conn.app is None and not conn.sending and conn.state_name == "CLOSED"
    assert p.app.conn is lab.stack.tcp.dead and p.app.said("closed") == ["reset"]
    assert not p.run(600_000)
    with pytest.raises(NotConnected):
        assert handle.conn
    q = Peer(lab, port=41000)
    q.open()
    assert q.conn is conn and conn.gen == (gen + 1) % 65536
    with pytest.raises(NotConnected):
        assert handle.conn


def test_whoever_waits_for_a_place_has_it_when_one_ends():
    lab = Lab(tcp=1, listeners=1, listen={"spare_ms": 0})
    p, q = Peer(lab, port=40000), Peer(lab, port=40001)
    p.open()
    one(q.send("S"), "SA")
    q.send("A")
    assert p.conn.crowded and len(p.app.said("connected")) == 1
    p.send("R")
    lab.run(0)
    assert [e[0] for e in p.app.events] == ["connected", "closed", "connected"]


class Again(HalfCloser):
    """Opens another connection when one has ended."""

    def closed(self, conn, reason):
        HalfCloser.closed(self, conn, reason)
        if len(self.said("closed")) == 1:
            self.c = conn.tcp.connect(self, "10.0.0.2", 80)


def test_closed_may_open_a_connection_in_the_same_row():
    lab = Lab(tcp=1)
    app, p, _ = active(lab, Again())
    p.send("SA")
    assert [s.flags for s in lab.give(p.segment("R"))] == ["S"]
    assert app.said("closed") == ["reset"] and app.conn is app.c is lab.stack.tcp.conns[0]


class Interrupted(HalfCloser):
    """A Ctrl-C in its callback."""

    def received(self, conn, buf, start, n):
        raise KeyboardInterrupt


@pytest.mark.parametrize("flags", ["PA", "UPA"])
def test_after_a_ctrl_c_what_is_sent_leaves_at_once(flags):
    """The segment that was at hand is no longer: a call from outside is one, and wakes the
    stack."""
    lab = Lab(app=Interrupted)
    p = Peer(lab)
    p.open()
    with pytest.raises(KeyboardInterrupt):
        p.send(flags, b"x", up=1)
    lab.poll()
    woken = []
    lab.stack.wake = lambda: woken.append(1)
    p.conn.send(b"still here")
    assert woken
    assert b"".join(s.data for s in p.run(0)) == b"still here"


def test_before_the_first_poll_after_a_ctrl_c_too():
    """A call wakes nobody then, for the segment is at hand still: the poll itself looks."""
    lab = Lab(app=Interrupted)
    p = Peer(lab)
    p.open()
    p.run(300)
    with pytest.raises(KeyboardInterrupt):
        p.send("PA", b"x")
    p.conn.send(b"still here")
    assert b"".join(s.data for s in p.run(0)) == b"still here"
