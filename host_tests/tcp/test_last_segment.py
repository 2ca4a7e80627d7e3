"""The end of a source: its last octets, however they are held up, are sent (RFC 9293 3.7.4)."""

from uipy import Bytes, Source


class Growing(Source):
    """A file that somebody appends to while it is sent."""

    def __init__(self, size):
        self.size = size

    def fill(self, rel, buf, pos, n):
        n = max(0, min(n, self.size - rel))
        buf[pos : pos + n] = bytes(n)
        return n


def test_what_a_source_gets_behind_a_fin_that_was_sent_never_leaves(peer):
    """The FIN has a number. Whatever is sent again, nothing takes its place or goes beyond."""
    src = Growing(2500)
    peer.conn.finish(src)
    base = peer.ack
    first = peer.run(0)
    fin = base + 2500
    assert first[-1].flags == "FPA" and first[-1].end == fin + 1
    src.size = 9000
    again = peer.run(2000)  # the time-out, from the left edge
    again += peer.send("A", ack=base + 1000)  # a full segment, and what fits before the FIN
    assert [(s.seq - base, len(s.data)) for s in again][-2:] == [(1000, 1000), (2000, 500)]
    again += peer.send("A", ack=base + 1500) + peer.run(3000) + peer.send("A", ack=base + 2000)
    assert all(s.seq + len(s.data) <= fin for s in again)
    assert all(s.end == fin + 1 for s in again if "F" in s.flags)


def test_a_last_short_segment_that_nagle_held_follows_the_ack(peer):
    """The source has ended while its last octets wait for an ACK: it is still needed."""
    peer.conn.send(Bytes(bytes(2400)))
    assert [s.len for s in peer.run(0)] == [1000, 1000]
    assert [s.len for s in peer.send("A")] == [400]
