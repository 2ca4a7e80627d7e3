"""Early FIN (the mail): the query, the handshake's ACK and our FIN are one segment; TIME-WAIT
falls to the client."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one
from uipy import Bytes

rfc = pytest.mark.rfc


def test_ack_query_and_fin_are_one_segment(lab):
    app, p, _syn = active(lab)
    app.c.finish(Bytes(b"query"))
    out = p.send("SA", opts=mss(1000)) + p.run(0)
    s = one(out)
    assert s.flags == "FPA" and s.data == b"query" and s.ack == p.isn + 1


def test_the_answer_is_received_after_it(lab):
    app, p, _syn = active(lab)
    app.c.finish(Bytes(b"query"))
    p.send("SA", opts=mss(1000))
    p.run(0)
    p.send("FPA", b"answer")
    assert app.data == b"answer" and app.said("closed") == ["done"]


def test_whole_exchange_takes_five_segments(lab):
    """SYN, SYN-ACK, query+FIN, answer+FIN, ACK."""
    app, p, syn = active(lab)
    app.c.finish(Bytes(b"query"))
    ours = [syn] + p.send("SA", opts=mss(1000)) + p.run(0)
    ours += p.send("FPA", b"answer") + p.run(1000)
    assert [s.flags for s in ours] == ["S", "FPA", "A"]


def test_fin_comes_with_the_last_segment_of_a_long_query(lab):
    app, p, _syn = active(lab)
    app.c.finish(Bytes(bytes(2500)))
    out = p.send("SA", opts=mss(1000)) + p.run(0)
    assert ["F" in s.flags for s in out] == [False, False, True] and [
        len(s.data) for s in out
    ] == [1000, 1000, 500]


def test_server_side_the_last_data_carries_the_fin(lab):
    class Answer(HalfCloser):
        def peer_closed(self, conn):
            super().peer_closed(conn)
            conn.finish(Bytes(b"answer"))

    lab = Lab(app=Answer)
    p = Peer(lab)
    p.send("S", opts=mss(1000))
    out = p.send("FPA", b"query") + p.run(0)
    assert out[-1].flags == "FPA" and out[-1].data == b"answer" and out[-1].ack == p.seq
    p.send("A")
    assert lab.app.said("closed") == ["done"]


def test_time_wait_is_the_clients_and_not_the_servers():
    """500 queries between two stacks with 16 rows each: none fails, and the server keeps no
    row."""

    class Answer(HalfCloser):
        def peer_closed(self, conn):
            conn.finish(Bytes(b"answer"))

    server = Lab(ip="10.0.0.2/24", app=Answer, port=53)
    client = Lab(listeners=0, time_wait=16)
    for _ in range(500):
        app = HalfCloser()
        app.c = client.stack.connect(app, "10.0.0.2", 53)
        app.c.finish(Bytes(b"query"))
        fa = client.run(1)
        server.wait(1)
        while fa:
            fa = client.give(*[s.frame for s in server.give(*[s.frame for s in fa])])
            assert not any("R" in s.flags for s in fa)
        assert app.data == b"answer" and app.said("closed") == ["done"]
        assert not server.stack.tcp.wait.used()  # nothing in the server's TIME-WAIT table
