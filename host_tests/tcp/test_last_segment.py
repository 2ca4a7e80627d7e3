"""The end of a source: its last octets, however they are held up, are sent (RFC 9293 3.7.4)."""

from uipy import Bytes


def test_a_last_short_segment_that_nagle_held_follows_the_ack(peer):
    """The source has ended while its last octets wait for an ACK: it is still needed."""
    peer.conn.send(Bytes(bytes(2400)))
    assert [s.len for s in peer.run(0)] == [1000, 1000]
    assert [s.len for s in peer.send("A")] == [400]
