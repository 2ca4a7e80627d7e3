"""Who is who (`local`, `peer`), and why a connection has ended: every reason is in the list."""

import ast
import re
from pathlib import Path

import pytest
from lab.net import Wire
from lab.tcp import HalfCloser, Lab, Log, Peer, active
from uipy import NotConnected
from uipy.tcp.row import REASONS

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
