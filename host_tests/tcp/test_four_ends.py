"""`finish`, `shutdown`, `close` and `abort`: every cell of the table in docs/callbacks.md, which
also stands in uipy/tcp/conn.py."""

from pathlib import Path

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active
from uipy import NotConnected

ROOT = Path(__file__).resolve().parents[2]
CALLS = {
    "finish": lambda conn: conn.finish(b"last words"),
    "shutdown": lambda conn: (conn.send(b"last words"), conn.shutdown()),
    "close": lambda conn: (conn.send(b"last words"), conn.close()),
    "abort": lambda conn: (conn.send(b"last words"), conn.abort()),
}
POLITE = ("finish", "shutdown", "close")  # they send a FIN
READERS = ("finish", "shutdown")


@pytest.fixture
def lab():
    made = Lab(app=HalfCloser)
    yield made
    assert not made.errors, made.errors


@pytest.fixture
def peer(lab):
    p = Peer(lab)
    p.open()
    return p


def call(peer, name):
    """Makes the call from outside of a callback; returns what leaves."""
    CALLS[name](peer.conn)
    return peer.run(0)


def said(segs):
    return b"".join(s.data for s in segs), "".join(s.flags for s in segs)


# What leaves


@pytest.mark.parametrize("name", POLITE)
def test_what_is_queued_leaves_with_the_fin_on_its_last_octet(peer, name):
    data, flags = said(call(peer, name))
    assert data == b"last words" and "F" in flags and "R" not in flags
    assert peer.state == "FIN-WAIT-1"


def test_of_what_is_queued_nothing_leaves_before_the_rst_of_abort(peer):
    data, flags = said(call(peer, "abort"))
    assert data == b"" and "R" in flags and "F" not in flags and peer.state == "CLOSED"


# What is received afterwards


@pytest.mark.parametrize("name", READERS)
def test_after_finish_and_shutdown_all_is_received_up_to_the_fin(lab, peer, name):
    call(peer, name)
    peer.acks()
    assert peer.state == "FIN-WAIT-2"
    peer.send("PA", b"an answer")
    peer.run(600_000)
    peer.send("PA", b", late")
    assert lab.app.data == b"an answer, late" and peer.state == "FIN-WAIT-2"
    peer.send("FA")
    assert lab.app.said("peer_closed") == [None] and lab.app.said("closed") == ["done"]


def test_after_close_data_earns_a_rst_and_is_not_received(lab, peer):
    call(peer, "close")
    peer.acks()
    _, flags = said(peer.send("PA", b"an answer"))
    assert "R" in flags and lab.app.data == b"" and lab.app.said("closed") == ["unread"]


def test_after_close_the_fin_of_the_peer_is_not_told(lab, peer):
    call(peer, "close")
    peer.send("FA")
    assert not lab.app.said("peer_closed") and lab.app.said("closed") == ["done"]


def test_after_close_it_is_told_what_has_arrived(lab, peer):
    call(peer, "close")
    peer.acks()
    assert lab.app.said("acked") == [10]


def test_after_abort_only_closed_is_told(lab, peer):
    before = len(lab.app.events)
    call(peer, "abort")
    peer.send("PA", b"x")
    assert lab.app.events[before:] == [("closed", "aborted")]


# States


@pytest.mark.parametrize("name", POLITE)
def test_the_states_when_we_are_first(lab, peer, name):
    call(peer, name)
    peer.acks()
    assert peer.state == "FIN-WAIT-2"
    peer.send("FA")
    assert lab.app.said("closed") == ["done"] and lab.stack.tcp.wait.used() == 1


@pytest.mark.parametrize("name", POLITE)
def test_the_states_when_the_peer_was_first(lab, peer, name):
    peer.send("FA")
    assert peer.state == "CLOSE-WAIT"
    call(peer, name)
    assert peer.state == "LAST-ACK"
    peer.acks()
    assert peer.state == "CLOSED" and lab.app.said("closed") == ["done"]


def test_a_fin_wait_2_that_nobody_reads_ends_after_a_minute(lab, peer):
    call(peer, "close")
    peer.acks()
    peer.run(59_000)
    assert peer.state == "FIN-WAIT-2"
    peer.run(2_000)
    assert lab.app.said("closed") == ["done"]


@pytest.mark.parametrize("name", POLITE)
def test_a_peer_that_is_gone_ends_in_timeout(lab, peer, name):
    call(peer, name)
    peer.run(400_000)
    assert lab.app.said("closed") == ["timeout"]


# Before the handshake is complete


@pytest.mark.parametrize("name", READERS)
def test_in_syn_sent_what_is_queued_leaves_behind_the_handshake(lab, name):
    app, peer, _ = active(lab)
    CALLS[name](app.c)
    assert not peer.run(100)
    data, flags = said(peer.send("SA"))
    assert data == b"last words" and "F" in flags


@pytest.mark.parametrize("name", ["close", "abort"])
def test_in_syn_sent_close_and_abort_end_it_at_once(lab, name):
    app, peer, _ = active(lab)
    CALLS[name](app.c)
    assert app.said("closed") == ["aborted"] and not peer.run(100_000)


# The next call


@pytest.mark.parametrize("name", POLITE)
def test_nothing_can_be_sent_any_more(peer, name):
    call(peer, name)
    for again in READERS:
        with pytest.raises(NotConnected, match="our side is closed"):
            CALLS[again](peer.conn)


@pytest.mark.parametrize("name", POLITE)
def test_close_and_abort_can_follow(lab, peer, name):
    call(peer, name)
    peer.conn.close()
    peer.conn.abort()
    peer.run(0)
    assert lab.app.said("closed") == ["aborted"]


def test_after_abort_every_call_says_that_it_is_over(peer):
    peer.conn.abort()
    for name in CALLS:
        with pytest.raises(NotConnected):
            CALLS[name](peer.conn)


# The table itself


def test_the_table_has_a_row_for_each_call_in_both_places():
    page = (ROOT / "docs/callbacks.md").read_text()
    source = (ROOT / "lib/uipy/tcp/conn.py").read_text()
    for name in CALLS:
        assert "| `%s(" % name in page and "\n    %s(" % name in source
