"""What the application's octets become: segments, PSH, Nagle (RFC 9293 3.7, 3.9.1.2)."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one, stamps
from uipy import Busy, Bytes, Chain, Ring

rfc = pytest.mark.rfc


def say(ring, text):
    """Writes text to the ring."""
    return ring.write(text, 0, len(text))


@pytest.fixture
def ringing(peer):
    """A connection whose source is a ring that the test writes to; `resume` says that there is
    more."""
    peer.ring = Ring(4000)
    peer.conn.send(peer.ring)
    peer.say = lambda text: (say(peer.ring, text), peer.conn.resume())
    return peer


@rfc("9293 MUST-61", "9293 MUST-60", "9293 MAY-16")
def test_psh_is_on_the_last_segment_of_what_there_is(peer):
    peer.conn.nodelay = True
    peer.conn.send(Bytes(bytes(2500)))
    assert [("P" in s.flags, s.len) for s in peer.run(0)] == [
        (False, 1000),
        (False, 1000),
        (True, 500),
    ]


@rfc("9293 MUST-61")
def test_psh_is_on_a_last_segment_that_is_full(peer):
    peer.conn.send(Bytes(bytes(2000)))
    assert ["P" in s.flags for s in peer.run(0)] == [False, True]


@rfc("9293 MUST-60")
def test_nothing_is_held_back_for_ever(ringing):
    """Short writes that Nagle holds go out with the ACK; without one, no write waits longer than
    the first one's ACK."""
    ringing.say(b"a")
    assert one(ringing.run(0)).data == b"a"
    ringing.say(b"b")
    ringing.say(b"c")
    assert not ringing.run(50)
    assert one(ringing.send("A")).data == b"bc"


@rfc("9293 SHLD-7", "9293 SHLD-27")
def test_nagle_collects_short_writes_while_anything_is_unacknowledged(ringing):
    ringing.say(b"first")
    assert one(ringing.run(0)).data == b"first"
    for _ in range(10):
        ringing.say(b"0123456789")
        assert not ringing.run(10)
    s = one(ringing.send("A"))
    assert s.data == b"0123456789" * 10 and "P" in s.flags


@rfc("9293 SHLD-7")
def test_nagle_lets_a_full_segment_pass(ringing):
    ringing.say(b"first")
    ringing.run(0)
    ringing.say(bytes(1200))
    assert [s.len for s in ringing.run(0)] == [1000]
    assert [s.len for s in ringing.send("A")] == [200]


@rfc("9293 SHLD-7")
def test_nagle_does_not_hold_a_fin(ringing):
    ringing.say(b"first")
    ringing.run(0)
    ringing.say(b"last")
    ringing.ring.end()
    ringing.conn.shutdown()
    s = one(ringing.run(0))
    assert s.data == b"last" and "F" in s.flags


@rfc("9293 MUST-17")
def test_nodelay_turns_nagle_off_for_one_connection(ringing):
    ringing.conn.nodelay = True
    for k in range(4):
        ringing.say(b"%d" % k)
        assert one(ringing.run(0)).data == b"%d" % k


@rfc("9293 MUST-17")
def test_nodelay_can_be_set_while_octets_wait(ringing):
    ringing.say(b"a")
    ringing.run(0)
    ringing.say(b"b")
    assert not ringing.run(10)
    ringing.conn.nodelay = True
    assert one(ringing.run(0)).data == b"b"


@rfc("9293 MUST-15a")
def test_without_mss_option_segments_have_536_octets(lab):
    p = Peer(lab)
    p.open(opts=b"")
    p.conn.send(Bytes(bytes(3000)))
    assert [s.len for s in p.run(0)][:5] == [536] * 5


@rfc("9293 MUST-15a")
def test_without_mss_option_in_the_answer_segments_have_536_octets(lab):
    app, p, _syn = active(lab)
    p.send("SA")
    app.c.send(Bytes(bytes(3000)))
    assert max(s.len for s in p.run(0)) == 536


@rfc("9293 MUST-16")
@pytest.mark.parametrize(
    "mtu, peer_mss, want",
    [
        (1500, 1460, 1460),
        (1500, 9000, 1460),
        (576, 1460, 536),
        (1500, 200, 200),
        (1500, 65535, 1460),
    ],
)
def test_segments_are_as_large_as_both_sides_allow(mtu, peer_mss, want):
    """Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize."""
    p = Peer(Lab(mtu=mtu), wnd=20_000)
    p.open(opts=mss(peer_mss))
    p.conn.send(Bytes(bytes(4000)))
    out = p.run(0)
    assert max(s.len for s in out) == want and max(len(s.frame) for s in out) <= mtu


@rfc("9293 MUST-16")
def test_options_are_taken_from_the_room_for_data():
    """TCPhdrsize includes the options that each segment bears: a segment with timestamps has 12
    octets less."""
    lab = Lab(tcp_options={"timestamps": True})
    p = Peer(lab)
    p.open(opts=mss(1000) + stamps(1), opts3=stamps(2))
    p.conn.send(Bytes(bytes(2500)))
    out = [s for s in p.run(0) if s.data]
    assert [s.len for s in out][:2] == [988, 988] and {s.doff for s in out} == {32}


@rfc("9293 SHLD-6")
def test_mss_follows_the_interface(lab):
    """The MTU of our devices does not vary; MSS is that of the interface where the connection
    is."""
    assert {Lab(mtu=m) and one(Peer(Lab(mtu=m)).send("S")).opts["mss"] for m in (1500, 296)} == {
        1460,
        256,
    }


def test_a_tiny_mss_is_survived(lab):
    p = Peer(lab)
    p.open(opts=mss(0))
    p.conn.send(Bytes(b"x" * 300))
    got = b""
    for _ in range(20):
        got += b"".join(s.data for s in p.run(10))
        p.send("A")
    assert len(got) == 300


def test_chain_and_ring_and_bytes_arrive_in_order(peer):
    peer.conn.finish(Chain(Bytes(b"head;"), Bytes(b"body;"), Bytes(b"tail")))
    out = peer.run(0)
    assert b"".join(s.data for s in out) == b"head;body;tail" and "F" in out[-1].flags


def test_busy_while_a_source_runs(peer):
    peer.conn.send(Bytes(b"one"))
    with pytest.raises(Busy):
        peer.conn.send(Bytes(b"two"))
    peer.run(0)
    peer.send("A")
    peer.conn.send(Bytes(b"two"))
    assert one(peer.run(0)).data == b"two"


def test_the_application_learns_what_arrived(peer, lab):
    peer.conn.nodelay = True
    peer.conn.send(Bytes(bytes(2500)))
    peer.run(0)
    peer.send("A", ack=peer.ack - 700)
    peer.send("A")
    assert lab.app.said("acked") == [1800, 700] and not peer.conn.sending


def test_greeting_of_the_server_goes_out_at_once():
    class Greeter(HalfCloser):
        def __init__(self):
            super().__init__()
            self.greeting = Bytes(b"220 ready")

    lab = Lab(app=Greeter)
    p = Peer(lab)
    p.open()
    assert b"".join(s.data for s in p.after + p.run(0)) == b"220 ready"


def test_a_source_that_has_nothing_more_is_not_asked_again_before_the_ack(peer):
    class Asked(Bytes):
        times = 0

        def fill(self, rel, buf, pos, n):
            self.times += 1
            return Bytes.fill(self, rel, buf, pos, n)

    source = Asked(b"abc")
    peer.conn.send(source)
    assert one(peer.run(0)).data == b"abc"
    assert source.times == 1


class Minus(Bytes):
    """A source that gives less than nothing: from its second call on, or at once."""

    def __init__(self, n, later=False):
        Bytes.__init__(self, bytes(3000))
        self.n, self.later = n, later

    def fill(self, rel, buf, pos, n):
        if self.later:
            self.later = False
            return Bytes.fill(self, rel, buf, pos, n)
        return self.n


@pytest.mark.parametrize("n", [-1, -20, -100_000])
@pytest.mark.parametrize("later", [False, True])
def test_source_that_gives_less_than_nothing_loses_its_connection(lab, peer, n, later):
    """A named error, as whatever else an application does wrong; nothing malformed leaves."""
    peer.conn.send(Minus(n, later))
    out = peer.run(0)
    assert [s.flags for s in out] == ["A"] * later + ["R"]
    (exc,) = lab.errors
    assert isinstance(exc, ValueError) and "fill" in str(exc)
    lab.errors.clear()
    assert lab.app.said("closed") == ["error"]


@pytest.mark.parametrize("where", [0, 1])
def test_part_of_a_chain_that_gives_less_than_nothing_is_found_too(lab, peer, where):
    parts = [Bytes(b"head"), Minus(-1)]
    peer.conn.send(Chain(parts[where], parts[1 - where]))
    assert "R" in peer.run(0)[-1].flags
    assert [type(e) for e in lab.errors] == [ValueError]
    lab.errors.clear()


def test_a_source_without_octets_is_no_frame(peer, lab):
    """What `Stack.output` returns is the length of a frame, 0 for none."""
    ring = Ring(100)
    peer.conn.send(ring)
    stack, now = lab.stack, lab.wire.clock.now
    assert [stack.output(now) for _ in range(3)] == [0, 0, 0]
    ring.write(b"abc", 0, 3)
    peer.conn.resume()
    assert [stack.output(now) for _ in range(3)] == [43, 0, 0]
