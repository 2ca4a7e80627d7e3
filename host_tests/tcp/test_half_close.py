"""Half-closed connections, whole: the essay asks for an application that sends EOF and then reads
the answer, and for one that reads EOF and then writes it (RFC 9293 3.6)."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one
from uipy import Bytes

rfc = pytest.mark.rfc
TEXT = bytes(i * 11 % 249 for i in range(50_000))


def pump(p, finish=True):
    """The peer acknowledges until nothing comes any more; returns the octets and whether a FIN
    came."""
    got, fin, out = b"", False, p.run(0)
    while out:
        for s in out:
            if s.data and (s.seq - p.iss - 1) % 2**32 == len(got):
                got += s.data
            fin = fin or "F" in s.flags
        out = p.send("A")
    return got, fin


def test_answer_after_eof_as_server(lab):
    """The client's FIN first; then 50 000 octets and our FIN."""
    p = Peer(lab, wnd=20_000)
    p.open()
    p.send("FPA", b"GET all")
    assert lab.app.data == b"GET all" and p.state == "CLOSE-WAIT"
    p.conn.finish(Bytes(TEXT))
    assert pump(p) == (TEXT, True)
    assert lab.app.said("closed") == ["done"]


def test_answer_after_eof_as_client(lab):
    """Our FIN with the query; then 50 000 octets from the server in FIN-WAIT-2, and its FIN."""
    app, p, _syn = active(lab)
    app.c.finish(Bytes(b"GET all"))
    p.send("SA", opts=mss(1000))
    p.run(0)
    for k in range(0, 50_000, 1000):
        p.send("A", TEXT[k : k + 1000])
    assert app.data == TEXT and app.c.state_name == "FIN-WAIT-2"
    p.send("FA")
    assert app.said("closed") == ["done"]


def test_slow_reader_of_a_half_closed_connection_closes_the_window_and_loses_nothing():
    lab = Lab(tcp_options={"room": 2000})
    p = Peer(lab)
    p.open()
    p.conn.shutdown()
    p.run(0)
    p.send("A")
    app, sent = lab.app, 0
    for _ in range(25):
        p.conn.room = 0
        out = p.send("PA", TEXT[sent : sent + 1000]) + p.run(500)
        out += p.send("PA", TEXT[sent + 1000 : sent + 2000]) + p.run(500)
        sent += 2000
        p.run(300_000)
        p.conn.room = 2000
        p.conn.resume()
        assert p.run(0)[-1].wnd == 2000
    assert app.data == TEXT and p.state == "FIN-WAIT-2"


def test_application_decides_when_to_close_after_the_peer(lab):
    """CLOSE-WAIT for an hour, then our FIN; no time-out of ours intervenes."""
    p = Peer(lab)
    p.open()
    p.send("FA")
    assert not p.run(3600_000) and p.state == "CLOSE-WAIT"
    p.conn.shutdown()
    assert one(p.run(0)).flags == "FA"


@rfc("9293 SHLD-3")
def test_data_that_arrives_when_nobody_reads_any_more_earns_a_rst_and_frees_the_row():
    lab = Lab(tcp=1, listeners=1)
    p = Peer(lab)
    p.open()
    p.conn.close()
    p.run(0)
    out = p.send("PA", b"anybody there?")
    assert "R" in one(out).flags
    Peer(lab, port=40001).open()


def test_both_sides_half_close_and_each_sees_everything():
    """Two stacks, each sends 20 000 octets and a FIN, whoever is first."""
    a, b = Lab(), Lab(ip="10.0.0.2/24")
    app = HalfCloser()
    app.c = a.stack.connect(app, "10.0.0.2", 7)
    app.c.finish(Bytes(TEXT[:20_000]))
    fa, fb, started = a.run(0), [], False
    for _ in range(400):
        fb = b.give(*[s.frame for s in fa])
        if not started and any(x.events for x in b.apps):
            started = True
            b.app.c.finish(Bytes(TEXT[:20_000]))
            fb += b.run(0)
        fa = a.give(*[s.frame for s in fb]) + a.run(0)
        if not fa and not fb:
            fa, fb = a.run(200), b.run(200)
            fa += a.give(*[s.frame for s in fb])
        if app.said("closed") and b.app.said("closed"):
            break
    assert app.data == TEXT[:20_000] and b.app.data == TEXT[:20_000]
    assert app.said("closed") == b.app.said("closed") == ["done"]


@pytest.mark.parametrize("state", ["close_wait", "closing", "last_ack"])
@pytest.mark.parametrize("flags, data", [("PA", b"x"), ("FA", b""), ("FPA", b"x"), ("A", b"")])
def test_what_lies_behind_the_fin_is_answered_with_where_the_fin_was(request, state, flags, data):
    """An ACK alone is not."""
    p = request.getfixturevalue(state)
    app = p.lab.app
    told = list(app.events)
    nxt = p.seq
    out = p.send(flags, data, ack=p.iss + 1)
    assert [(s.flags, s.ack) for s in out] == [("A", nxt)] * (flags != "A")
    assert p.conn.state_name == state.upper().replace("_", "-") and app.events == told
