"""Which segments are acceptable (RFC 9293 3.10.7.4, first), whose they are, and what hearing one
means for keep-alives and challenges."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, is_ack, mss, one, stamps

rfc = pytest.mark.rfc


class Full(HalfCloser):
    """Has no more room than its first window."""

    def connected(self, conn):
        HalfCloser.connected(self, conn)
        conn.room = 0


def narrow(wnd):
    """A peer that has filled the board's window up to the last `wnd` octets."""
    p = Peer(Lab(app=Full))
    p.open()
    for n in [1000] * 5 + [840 - wnd]:
        p.send("A", bytes(n))
    p.run(500)
    assert one(p.send("A", seq=p.seq - 1)).wnd == wnd
    p.app.take = 0
    p.run(1000)
    return p


def overlaps(wnd, rel, n):
    """The table of 3.10.7.4; and an ACK at the right edge, whatever is with it if that is where
    RCV.NXT is (see check.py)."""
    if n == 0 or wnd == 0:
        return 0 <= rel <= wnd
    return rel < wnd and rel + n > 0


@rfc("9293 MUST-66")
@pytest.mark.parametrize("wnd", [0, 1, 2, 100])
@pytest.mark.parametrize("fin", ["", "F"])
def test_a_segment_is_acceptable_if_it_overlaps_the_window(wnd, fin):
    p = narrow(wnd)
    lab, seq = p.lab, p.seq
    for rel in (-101, -3, -2, -1, 0, 1, 2, 3, 99, 100, 101):
        for size in (0, 1, 2, 3, 101):
            n = size + len(fin)
            if fin and wnd and rel + size == 0:
                continue  # a FIN in place
            old = lab.wire.count("tcp_old")
            p.send(fin + "A", bytes(size), seq=seq + rel)
            assert (lab.wire.count("tcp_old") == old) == overlaps(wnd, rel, n), (rel, size)
            assert p.state == "ESTABLISHED"


@pytest.mark.parametrize("wnd", [1, 2, 100])
def test_the_last_octets_of_a_window_can_be_sent_behind_old_ones(wnd):
    """What is sent again with the rest behind it: of the segment only the rest is new."""
    p = narrow(wnd)
    p.app.take = None
    before = p.app.data
    p.send("PA", bytes(10) + b"x" * (wnd + 5), seq=p.seq - 10)
    assert p.app.data[len(before) :] == b"x" * wnd


@pytest.mark.parametrize("flags", ["R", "P", "F"])
def test_what_is_dropped_of_a_stranger_is_not_the_last_connections(flags):
    """Another port of the same host: to a listener these are nothing (RFC 9293 3.10.7.2)."""
    p = Peer(Lab(tcp=1))
    p.open()
    p.port += 1
    assert not p.send(flags, b"evil" if flags == "P" else b"", seq=p.seq)
    assert not p.app.data and p.state == "ESTABLISHED" and len(p.app.events) == 1


# Keep-alives: what was heard


@pytest.fixture
def stamped():
    """With timestamps; the peer's clock stands at 1000."""
    p = Peer(Lab(tcp_options={"timestamps": True}))
    p.open(opts=mss(1000) + stamps(1000), opts3=stamps(1000))
    return p


def probes(p, ms):
    """When keep-alives go, in ms from now."""
    start = p.lab.ms
    return [s.at - start for s in p.run(ms) if s.seq == p.ack - 1]


OPTION = stamps(1000)[2:]
LAYOUTS = {
    "as Appendix A of RFC 7323 has it": b"\1\1" + OPTION,
    "with the NOPs behind it": OPTION + b"\1\1",
    "with a NOP on each side": b"\1" + OPTION + b"\1",
    "with another option before it": b"\xfe\2" + OPTION,
    "with more room behind it": b"\1\1" + OPTION + bytes(4),
}


@rfc("9293 MUST-26")
@pytest.mark.parametrize("how", LAYOUTS)
def test_a_stamped_segment_starts_the_silence_anew(stamped, how):
    p = stamped
    p.conn.keepalive_s = 60
    for _ in range(2):
        assert probes(p, 50_000) == []
        assert not p.send("A", opts=LAYOUTS[how])
    for _ in range(2):
        assert probes(p, 200_000) == [60_000, 135_000]
        assert not p.send("A", opts=LAYOUTS[how])


@rfc("7323 4.3-2")
@pytest.mark.parametrize("how", LAYOUTS)
def test_a_timestamp_is_echoed_and_the_next_may_not_be_older(stamped, how):
    p = stamped
    for val in (1005, 1007):
        opts = LAYOUTS[how].replace(OPTION, stamps(val)[2:])
        p.send("PA", b"text", opts=opts)
        assert one(p.run(500)).opts["ts"][1] == val
    p.send("PA", b"evil", seq=p.seq, opts=LAYOUTS[how].replace(OPTION, stamps(1006)[2:]))
    assert p.app.data == b"texttext"


@rfc("9293 MUST-26")
def test_a_segment_with_an_old_timestamp_is_not_heard(stamped):
    p = stamped
    p.conn.keepalive_s = 60
    p.run(50_000)
    one(p.send("PA", b"x", seq=p.seq, opts=stamps(999)))
    assert probes(p, 10_000) == [10_000]


@rfc("9293 MUST-26")
@pytest.mark.parametrize("off, heard", [(-1, False), (0, True), (1, True), (100_000, False)])
def test_a_segment_is_heard_if_it_is_acceptable(peer, off, heard):
    peer.conn.keepalive_s = 60
    peer.run(50_000)
    peer.send("A", seq=peer.seq + off)
    assert probes(peer, 60_000) == [60_000 if heard else 10_000]
    peer.send("A", seq=peer.seq + off)
    assert probes(peer, 70_000) == ([60_000] if heard else [25_000])


# Challenges


@rfc("5961 7-1")
@pytest.mark.parametrize("jitter", [0, 1, 255])
def test_the_next_challenge_may_go_after_250_ms_and_a_jitter(peer, lab, monkeypatch, jitter):
    monkeypatch.setattr(lab.stack, "random8", lambda: jitter)
    is_ack(one(peer.send("S", seq=peer.seq)), peer)
    lab.run(249 + jitter)
    assert not peer.send("S", seq=peer.seq)
    lab.run(1)
    is_ack(one(peer.send("S", seq=peer.seq)), peer)


@pytest.mark.parametrize("flags", ["S", "R", "A"])
def test_a_first_challenge_is_never_held_back(lab, flags):
    """Nor by what became of the connection that had the row before."""
    for k in (1, 2):
        p = Peer(lab, port=40000 + k)
        p.open()
        off = {"S": 0, "R": 1, "A": -1}[flags]
        is_ack(one(p.send(flags, seq=p.seq + off)), p)
        p.send("R")
        assert p.app.said("closed") == ["reset"] * k


@rfc("9293 MUST-11")
def test_a_reset_in_syn_received_is_a_refusal():
    """3.10.7.4: of an active open, after a simultaneous one."""
    lab = Lab()
    app, p, _ = active(lab)
    one(p.send("S"), "SA")
    assert app.c.state_name == "SYN-RECEIVED"
    old = lab.wire.count("tcp_rst_in")
    assert not p.send("R")
    assert app.said("closed") == ["refused"] and lab.wire.count("tcp_rst_in") == old + 1
