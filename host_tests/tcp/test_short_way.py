"""A plain segment of an ESTABLISHED connection takes a short way (tcp/arrivals.py). Each turn of
it comes to the same as every step of RFC 9293 3.10.7.4: rows, counters, clock and frames are
compared call by call, and so is what the application is told. (What nobody thought of is compared
by host_tests/fuzz/test_paths.py.)"""

import pytest
from fuzz.paths import Way, difference
from lab.tcp import HalfCloser, Lab, Peer, mss
from uipy import Bytes, Ring


class Talk:
    """A connection, and what can be done to it; `told` is what the application hears."""

    def __init__(self, app=HalfCloser, wnd=60_000, opts=None, **options):
        self.lab = Lab(app=app, listeners=1, tcp=2, **options)
        self.p = Peer(self.lab, wnd=wnd)
        self.p.open(opts=mss(1000) if opts is None else opts)
        self.app = self.p.app
        self.conn = self.p.conn
        self.ring = Ring(20_000)
        self.out = []

    def feeds(self, n=0):
        """A source that counts its octets, with n of them."""
        self.conn.send(self.ring)
        self.more(n)

    def more(self, n):
        self.ring.write(bytes(k * 7 % 251 for k in range(n)), 0, n)
        self.conn.resume()
        self.run(0)

    def run(self, ms):
        self.out += self.p.run(ms)

    def ack(self, n, data=b"", **more):
        """An ACK of the first n octets, with text perhaps."""
        flags = "PA" if data else "A"
        self.out += self.p.send(flags, data, ack=self.p.iss + 1 + n, **more)


def both(script, app=HalfCloser, **options):
    """The script by the short way and by the long one; returns the Talk of each, and how many
    segments were plain."""
    ways, talks = (Way(False), Way(True)), []
    for way in ways:
        with way:
            talk = Talk(app, **options)
            script(talk)
            talk.run(3000)
            talks.append(talk)
    short, long = talks
    assert not difference(ways[0].log, ways[1].log)
    assert short.app.events == long.app.events and short.app.data == long.app.data
    assert [type(e) for e in short.lab.errors] == [type(e) for e in long.lab.errors]
    assert short.conn.sending == long.conn.sending
    assert ways[0].plain
    return short


# Text


class Takes(HalfCloser):
    """Says that it has taken so many octets."""

    says: int | None = None

    def received(self, conn, buf, start, n):
        HalfCloser.received(self, conn, buf, start, n)
        return self.says


@pytest.mark.parametrize("says", [None, 6, 5, 4, 1, 0, -1])
@pytest.mark.parametrize("acked", [0, 3])
def test_text_of_which_so_much_is_taken(says, acked):
    def script(talk):
        talk.app.says = says
        talk.conn.send(Bytes(b"abc"))
        talk.run(0)
        talk.ack(acked, b"12345")

    talk = both(script, Takes)
    took = 5 if says is None else max(0, min(says, 5))
    assert (talk.out[-1].ack - talk.p.isn - 1) % 2**32 == took
    assert talk.lab.wire.count("tcp_partial") == (took < 5)


@pytest.mark.parametrize("sizes", [(1, 1), (1000, 1000), (999, 1), (1000, 999), (500, 500, 500)])
def test_text_after_text(sizes):
    def script(talk):
        for n in sizes:
            talk.ack(0, bytes(n))

    both(script)


@pytest.mark.parametrize("held", [0, 2])
def test_text_before_what_is_held_takes_every_step(held):
    """With buffers for what is out of order (RFC 9293 3.10.7.4, SHLD-31) a segment in place may
    release them."""

    def script(talk):
        seq = talk.p.seq
        talk.ack(0, b"def", seq=seq + 3)
        talk.ack(0, b"abc", seq=seq)
        talk.p.seq += 3 if not held else 6
        talk.ack(0, b"def" if not held else b"ghi")

    talk = both(script, tcp_options={"reassembly": held})
    assert talk.app.data == (b"abcdefghi" if held else b"abcdef")


class Answers(HalfCloser):
    """Answers with its own ring."""

    ring: Ring

    def received(self, conn, buf, start, n):
        return self.ring.write(buf, start, n)


@pytest.mark.parametrize("source", [Ring(100), None])
def test_text_is_what_the_source_waits_for(source):
    def script(talk):
        talk.app.ring = source or Ring(100)
        talk.app.ring.clear()
        if source:
            talk.conn.send(talk.app.ring)
            talk.run(0)
        talk.ack(0, b"ping")
        talk.ack(4 if source else 0)
        talk.ack(4 if source else 0, b"pong")
        talk.ack(8 if source else 0)

    talk = both(script, Answers)
    assert b"".join(s.data for s in talk.out) == (b"pingpong" if source else b"")


# ACKs


class Asked(Ring):
    """Counts how often it is asked for octets."""

    asked = 0

    def fill(self, rel, buf, pos, n):
        self.asked += 1
        return Ring.fill(self, rel, buf, pos, n)


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("acked, left", [(1000, 2000), (3000, 0)])
def test_a_source_that_counts_its_octets_is_asked_only_when_it_has_more(counted, acked, left):
    """See uipy/source.py."""

    talk = Talk()
    talk.ring = Asked(20_000)
    talk.ring.counted = counted
    talk.feeds(3000)
    talk.ring.asked = 0
    talk.ack(acked)
    assert (talk.ring.asked > 0) != counted and talk.ring.left == left
    talk.ring.write(b"x", 0, 1)
    talk.ack(acked, wnd=50_000)
    assert talk.ring.asked > 0


class Bare:
    """A source with the three names that each one has, and no others."""

    ended = False

    def __init__(self, n):
        self.n = n

    def fill(self, rel, buf, pos, n):
        n = max(0, min(n, self.n - rel))
        buf[pos : pos + n] = bytes(n)
        return n

    def acked(self, n):
        self.n -= n


@pytest.mark.parametrize("ended", [False, True])
def test_a_source_needs_no_more_than_three_names(ended):
    def script(talk):
        source = Bare(3000)
        talk.conn.send(source)
        talk.run(0)
        talk.ack(1000)
        source.ended = ended
        talk.ack(3000)
        talk.ack(3000, wnd=50_000)

    talk = both(script)
    assert talk.conn.sending != ended and not talk.lab.errors


class OneByOne(HalfCloser):
    """Sends the next one as soon as one has arrived (docs of `Conn.send`)."""

    more = 3

    def acked(self, conn, n):
        HalfCloser.acked(self, conn, n)
        if not conn.sending and self.more:
            self.more -= 1
            conn.send(Bytes(b"next"))


@pytest.mark.parametrize("text", [b"", b"text"])
def test_the_next_source_can_be_sent_in_acked(text):
    def script(talk):
        talk.conn.send(Bytes(b"first"))
        talk.run(0)
        for n in (4, 5, 9, 13, 17):
            talk.ack(n, text)

    talk = both(script, OneByOne)
    assert b"".join(s.data for s in talk.out) == b"firstnextnextnext"
    assert talk.app.said("acked") == [4, 1, 4, 4, 4] and not talk.conn.sending


@pytest.mark.parametrize("steps", [(3000,), (1000, 3000), (1, 2999, 3000), (1500, 1500, 3000)])
@pytest.mark.parametrize("text", [b"", b"text"])
def test_acks_of_octets_that_have_an_end(steps, text):
    def script(talk):
        talk.conn.send(Bytes(bytes(3000)))
        talk.run(0)
        for n in steps:
            talk.ack(n, text)

    talk = both(script)
    assert not talk.conn.sending and sum(talk.app.said("acked")) == 3000


@pytest.mark.parametrize("sent", [0, 1, 1000, 12_000])
@pytest.mark.parametrize("more", [0, 1, 1001])
@pytest.mark.parametrize("text", [b"", bytes(1460)])
def test_acks_of_a_source_that_counts_its_octets(sent, more, text):
    """With nothing new in it, it is not asked; an ACK that is owed goes out all the same."""

    def script(talk):
        talk.feeds(sent)
        for n in (sent // 3, sent // 2, sent):
            talk.ack(n, text)
        talk.more(more)
        talk.ack(sent, text, wnd=50_000)
        talk.ack(sent + min(more, 1000), text)

    talk = both(script)
    got = {(s.seq - talk.p.iss - 1) % 2**32 + len(s.data) for s in talk.out if s.data}
    assert max(got, default=0) == sent + more
    if len(text) > 1000:
        assert max(s.ack for s in talk.out) == talk.p.seq


class Uncounted(Ring):
    counted = False


@pytest.mark.parametrize("kind", [Ring, Uncounted])
@pytest.mark.parametrize("n", [1000, 2500, 4000])
def test_an_ack_after_a_timeout(kind, n):
    """SND.NXT lies before what was sent: it has to go again, though the source has nothing new."""

    def script(talk):
        talk.ring = kind(20_000)
        talk.feeds(4000)
        talk.run(1000)
        told = len(talk.out)
        talk.ack(n)
        talk.ack(n, b"text")
        again = [(s.seq - talk.p.iss - 1) % 2**32 for s in talk.out[told:] if s.data]
        assert again == {1000: [1000, 2000], 2500: [2500], 4000: []}[n]

    both(script)


@pytest.mark.parametrize("kind", [Ring, Uncounted])
@pytest.mark.parametrize("silence", [999, 1000, 1001, 60_000])
def test_a_new_window_after_a_silence(kind, silence):
    """RFC 5681 4.1: CWND is what a connection begins with again, whether or not there is anything
    to be sent."""

    def script(talk):
        talk.ring = kind(20_000)
        talk.feeds(10_000)
        talk.ack(10_000)
        talk.more(8000)
        talk.ack(18_000)
        talk.run(silence)
        talk.ack(18_000, wnd=50_000)
        talk.more(20_000)

    both(script)


@pytest.mark.parametrize("end", [False, True])
def test_an_ack_of_all_that_a_ring_will_give(end):
    def script(talk):
        talk.feeds(1500)
        if end:
            talk.ring.end()
            talk.conn.resume()
            talk.run(0)
        talk.ack(1000)
        talk.ack(1500)
        talk.ack(1500, b"text")

    assert both(script).conn.sending != end


def test_a_ring_that_ends_before_its_last_ack():
    """The source has ended, and the stack has not asked it since: the ACK makes it ask."""

    def script(talk):
        talk.feeds(1500)
        talk.ring.end()
        talk.ack(1000)
        talk.ack(1500)

    assert not both(script).conn.sending


@pytest.mark.parametrize("wnd", [0, 500, 1000, 3000, 65_535])
def test_a_window_that_changes(wnd):
    def script(talk):
        talk.feeds(9000)
        talk.ack(1000, wnd=wnd)
        talk.ack(2000, b"text", wnd=wnd)
        talk.run(1500)
        talk.ack(3000, wnd=5000)

    both(script, wnd=3000)


# What the callbacks do


def calls(where, what):
    """An application that calls conn.`what` in its callback `where`, or raises."""

    def callback(self, conn, *rest):
        getattr(HalfCloser, where)(self, conn, *rest)
        if what == "raise":
            raise ValueError(where)
        getattr(conn, what)()
        return rest[2] if where == "received" else None

    return type("Calls", (HalfCloser,), {where: callback})


@pytest.mark.parametrize("where", ["acked", "received"])
@pytest.mark.parametrize("what", ["close", "abort", "shutdown", "finish", "resume", "raise"])
@pytest.mark.parametrize("text", [b"", bytes(1460)])
@pytest.mark.parametrize("ring", [False, True])
def test_a_callback_that_does_something(where, what, text, ring):
    def script(talk):
        if ring:
            talk.feeds(3000)
        else:
            talk.conn.send(Bytes(bytes(3000)))
        talk.run(0)
        talk.ack(1000, text)

    talk = both(script, calls(where, what))
    told = talk.app.said("closed")
    if what == "raise" and (where == "acked" or text):
        assert told == ["error"] and len(talk.lab.errors) == 1
    elif what == "abort" and (where == "acked" or text):
        assert told == ["aborted"]
    elif what == "close" and where == "acked" and text:
        assert told == ["unread"] and not talk.app.data
    else:
        assert told == []


class Nonsense(HalfCloser):
    def received(self, conn, buf, start, n):
        return "all of it"


def test_a_callback_that_returns_nonsense():
    def script(talk):
        talk.ack(0, b"text")

    talk = both(script, Nonsense)
    assert talk.app.said("closed") == ["error"] and [s.flags for s in talk.out] == ["R"]


def test_a_connection_that_waits_for_its_rst():
    """The second of two frames of one poll: the connection is there, and takes nothing."""

    def script(talk):
        frames = [talk.p.segment("PA", b"one"), talk.p.segment("PA", b"two")]
        talk.out += talk.p.hear(talk.lab.give(*frames))

    talk = both(script, calls("received", "abort"))
    assert talk.app.data == b"one" and talk.app.said("closed") == ["aborted"]


def test_a_delayed_ack_is_due_in_its_time():
    """RFC 9293 3.8.6.3: 100 ms after the segment, though no other timer runs."""

    def script(talk):
        talk.run(1000)
        start = talk.lab.ms
        talk.ack(0, b"text")
        talk.run(99)
        assert not talk.out
        talk.run(1)
        assert [s.at - start for s in talk.out] == [100]

    both(script)
