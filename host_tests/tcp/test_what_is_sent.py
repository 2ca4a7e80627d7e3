"""What `send` and `finish` take: a source; bytes or a str, which become one; and nothing else."""

import subprocess
import sys

import pytest
from interpreters import ROOT
from lab.tcp import HalfCloser, Lab, Peer, active, one
from uipy import Busy, Bytes, NotConnected, Source

TEXTS = [b"hello", bytearray(b"hello"), memoryview(b"hello"), "hello"]


@pytest.fixture
def peer():
    p = Peer(Lab(app=HalfCloser))
    p.open()
    return p


def name(x):
    return type(x).__name__


@pytest.mark.parametrize("text", TEXTS, ids=name)
def test_octets_are_sent_as_they_are(peer, text):
    peer.conn.send(text)
    assert one(peer.run(0)).data == b"hello" and peer.conn.sending
    peer.send("A")
    assert not peer.conn.sending and peer.state == "ESTABLISHED"


@pytest.mark.parametrize("text", TEXTS, ids=name)
def test_octets_are_sent_with_the_fin_behind_them(peer, text):
    peer.conn.finish(text)
    s = one(peer.run(0))
    assert (s.data, s.flags) == (b"hello", "FPA")


def test_octets_are_sent_again(peer):
    peer.conn.send(b"hello")
    assert [s.data for s in peer.run(2500)] == [b"hello"] * 2


def test_str_is_sent_as_utf_8(peer):
    peer.conn.send("gr\u00fc\u00df")
    assert one(peer.run(0)).data == "gr\u00fc\u00df".encode()


def test_no_octets_and_a_fin(peer):
    peer.conn.finish(b"")
    assert one(peer.run(0)).flags == "FA"


def test_octets_can_be_sent_in_syn_sent():
    lab = Lab()
    app, p, _ = active(lab)
    app.c.finish(b"query")
    assert b"query" in [s.data for s in p.send("SA") + p.run(0)]


@pytest.mark.parametrize("what", [5, 0, [1, 2], ("a",), {}, object()], ids=name)
@pytest.mark.parametrize("call", ["send", "finish"])
def test_anything_else_raises_at_once_and_changes_nothing(peer, call, what):
    sentence = "^a source, bytes or str can be sent, and not %s: see uipy/source.py$"
    with pytest.raises(TypeError, match=sentence % name(what)):
        getattr(peer.conn, call)(what)
    assert not peer.conn.sending and peer.conn.can_send and not peer.run(0)
    peer.conn.send(b"hello")
    assert one(peer.run(0)).data == b"hello"


def test_none_is_nothing_to_send_but_finish_may_be_without(peer):
    with pytest.raises(TypeError, match="not NoneType"):
        peer.conn.send(None)
    peer.conn.finish(None)
    assert one(peer.run(0)).flags == "FA"


def test_source_is_sent_itself(peer):
    class Ours(Source):
        left = 2

        def fill(self, rel, buf, pos, n):
            n = min(n, 2 - rel)
            buf[pos : pos + n] = b"ok"[rel : rel + n]
            return n

    peer.conn.send(Ours())
    assert one(peer.run(0)).data == b"ok"


def test_order_of_complaints_is_as_before(peer):
    peer.conn.send(Bytes(b"x"))
    with pytest.raises(Busy):
        peer.conn.send(b"y")
    peer.conn.shutdown()
    with pytest.raises(NotConnected):
        peer.conn.send(b"y")


SCRIPT = """
import sys
from uipy import Stack
class Dev:
    l2 = 0; mtu = 576; mac = b""
    def link_up(self): return True
    def recv_into(self, buf): return 0
    def can_send(self): return True
    def send(self, buf, n): pass
Stack(Dev(), "10.0.0.1/24")
print([m for m in ("uipy.source", "uipy.toolbox") if m in sys.modules])
"""


def test_sources_are_loaded_on_use():
    path = "%s:%s" % (ROOT / "lib", ROOT / "tools/shims")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
