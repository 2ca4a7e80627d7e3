"""uipy/watch.py: a source that changes what it has given is found, here and over the wire."""

from pathlib import Path

import pytest
from lab.pythons import run_unix
from lab.tcp import Lab, Peer, one
from uipy import Bytes, SourceChanged
from uipy.source import Source
from uipy.watch import Watch


class Moody(Source):
    """Octets that somebody changes meanwhile."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.left = len(data)

    def fill(self, rel, buf, pos, n):
        part = self.data[rel : rel + n]
        buf[pos : pos + len(part)] = part
        return len(part)

    def acked(self, n):
        del self.data[:n]


@pytest.fixture
def watched():
    """A connection of a stack that watches its sources."""
    p = Peer(Lab(tcp_options={"watch": Watch}))
    p.open()
    return p


def test_same_octets_again_are_no_change():
    buf = bytearray(20)
    w = Watch(Bytes(b"abcdef"))
    assert [w.fill(rel, buf, 3, n) for rel, n in ((0, 3), (3, 10), (0, 6), (2, 2))] == [3, 3, 6, 2]
    w.acked(4)
    assert w.fill(0, buf, 0, 9) == 2 and buf[:2] == b"ef" and w.ended


@pytest.mark.parametrize("at", [0, 3, 5])
def test_another_octet_is_named_by_its_offset(at):
    buf = bytearray(20)
    src = Moody(b"abcdef")
    w = Watch(src)
    w.fill(0, buf, 0, 6)
    src.data[at] = 88
    with pytest.raises(SourceChanged, match="octet %d .*snapshot" % at):
        w.fill(0, buf, 0, 6)


def test_octets_that_are_gone_are_a_change():
    buf = bytearray(20)
    src = Moody(b"abcdef")
    w = Watch(src)
    w.fill(0, buf, 0, 6)
    del src.data[4:]
    with pytest.raises(SourceChanged, match="octet 4 "):
        w.fill(0, buf, 0, 6)


def test_acknowledged_octets_may_change():
    buf = bytearray(20)
    src = Moody(b"abcdef")
    w = Watch(src)
    w.fill(0, buf, 0, 6)
    w.acked(3)
    assert w.fill(0, buf, 0, 9) == 3 and src.data == b"def"


def test_retransmission_that_differs_resets_the_connection_and_says_why(watched):
    src = Moody(b"status: 1")
    app = watched.app
    watched.conn.send(src)
    assert one(watched.run(0)).data == b"status: 1"
    src.data[8] = ord("2")
    out = watched.run(1500)
    lab = watched.lab
    assert out[-1].flags == "R" and b"2" not in b"".join(s.data for s in out)
    assert app.said("closed") == ["error"]
    assert [type(e) for e in lab.errors] == [SourceChanged]


def test_honest_source_passes_though_every_fourth_segment_is_lost(watched):
    text = bytes(range(256)) * 40
    watched.conn.send(Bytes(text))
    got, seen = b"", 0
    watched.ack = watched.iss + 1
    while len(got) < len(text) and watched.lab.ms < 60_000:
        for s in watched.lab.run(200):
            seen += 1
            if seen % 4 and s.seq == watched.ack:
                got += s.data
                watched.ack = s.end
        watched.lab.wire.rx.append(watched.segment("A"))
    assert got == text and not watched.lab.errors


def test_on_micropython():
    assert run_unix(Path(__file__).with_name("moody.py")) == "SourceChanged 2\n"
