"""poll, input and output: order, bounds, deadlines, and what an idle stack costs."""

import pytest
from lab import packets
from lab.net import BOARD, PEER, Inbox, Station, Wire
from uipy import Bytes, Reentered


def test_idle_poll_looks_once_at_the_device_and_builds_nothing(wire, stack, monkeypatch):
    calls = []

    def note(name):
        def called(*args):
            calls.append(name)
            return 0

        return called

    monkeypatch.setattr(wire, "recv_into", note("recv"))
    monkeypatch.setattr(wire, "link_up", note("link"))
    monkeypatch.setattr("uipy.poll.next_frame", note("output"))
    for _ in range(10):
        wire.clock.ms += 1
        stack.poll(wire.clock.now)
    assert calls == ["recv"] * 10


def test_poll_returns_the_ms_until_the_next_deadline(wire, stack):
    assert stack.poll(wire.clock.now) == 1000  # the links are looked at
    wire.clock.ms += 400
    assert stack.poll(wire.clock.now) == 600


def test_poll_without_a_time_reads_the_clock():
    stack = Wire().board()
    assert 0 <= stack.poll() <= 1000
    assert 0 <= stack.poll() <= 1000


def test_sixteen_frames_are_taken_in_one_poll_and_more_promised(wire, stack, peer):
    wire.rx.extend([peer.datagram(1, packets.icmp(8, 0, b"\0\1\0\1"))] * 40)
    assert wire.poll() == 0 and len(wire.take()) == 16
    assert wire.poll() == 0 and len(wire.take()) == 16
    assert wire.poll() > 0 and len(wire.take()) == 8


def test_sixteen_frames_are_sent_in_one_poll_and_more_promised(wire, stack):
    class Many(Inbox):
        left = 40

        def fill(self, rel, buf, pos, n):
            buf[pos] = self.left
            return 1

        def acked(self, n):
            self.left -= 1
            if self.left:
                port.send("255.255.255.255", 9, self)

    port = stack.bind(9, Inbox())
    port.send("255.255.255.255", 9, Many())
    assert wire.poll() == 0 and len(wire.take()) == 16
    assert wire.poll() == 0 and len(wire.take()) == 16
    assert wire.poll() > 0 and len(wire.take()) == 8


def test_nothing_is_taken_while_a_reply_could_not_be_sent(wire, stack, peer):
    wire.free = False
    wire.rx.append(peer.datagram(1, packets.icmp(8, 0, b"\0\1\0\1")))
    wire.poll()
    assert len(wire.rx) == 1
    wire.free = True
    wire.poll()
    assert not wire.rx
    peer.expect(type=0)


def test_nothing_is_built_while_it_could_not_be_sent(wire, stack, peer):
    port = stack.bind(9, Inbox())
    wire.free = False
    port.send("255.255.255.255", 9, Bytes(b"all"))
    assert wire.poll() == 0
    assert port.src is not None
    wire.free = True
    wire.poll()
    peer.expect(data=b"all")


def test_device_that_becomes_busy_with_a_reply_gets_no_more(wire, stack, peer, monkeypatch):
    send = Wire.send

    def once(buf, n):
        send(wire, buf, n)
        wire.free = False

    monkeypatch.setattr(wire, "send", once)
    wire.rx.extend([peer.datagram(1, packets.icmp(8, 0, b"\0\1\0\1"))] * 3)
    for left in (2, 1, 0):
        wire.poll()
        assert len(wire.rx) == left
        wire.free = True


def test_input_answers_in_the_buffer_and_output_sends_the_rest(wire, stack, peer):
    """The sans-I/O way, without poll."""
    stack.bind(7, Inbox(True))
    frame = peer.datagram(17, packets.udp(PEER, BOARD, 5000, 7, b"hello"))
    stack.buf[2 : 2 + len(frame)] = frame
    n = stack.input(len(frame), wire.clock.now)
    assert packets.decode(bytes(stack.buf[2 : 2 + n])).udp.data == b"hello"
    assert stack.output(wire.clock.now) == 0
    stack.bind(9, Inbox()).send("255.255.255.255", 9, Bytes(b"all"))
    n = stack.output(wire.clock.now)
    assert packets.decode(bytes(stack.buf[2 : 2 + n])).udp.data == b"all"
    assert stack.output(wire.clock.now) == 0


def test_wake_is_called_for_what_comes_from_outside_and_not_from_a_callback(wire, stack, peer):
    woken = []
    stack.wake = lambda: woken.append(wire.clock.ms)
    port = stack.bind(9, Inbox())
    port.send(PEER, 9, Bytes(b"x"))
    assert len(woken) == 1
    wire.run(100)

    class Sends(Inbox):
        def received(self, port, buf, start, n):
            port.send(PEER, 9, Bytes(b"x"))

    stack.bind(7, Sends())
    peer.udp(b"go")
    assert len(woken) == 1


def test_call_from_outside_makes_the_next_poll_send(wire, stack):
    assert stack.poll(wire.clock.now) == 1000
    stack.bind(9, Inbox()).send("255.255.255.255", 9, Bytes(b"x"))
    assert stack.due
    wire.poll()
    assert len(wire.take()) == 1


@pytest.mark.parametrize("call", ["poll", "input", "output"])
def test_stack_is_not_reentered_from_a_callback(wire, stack, peer, call):
    class Naughty(Inbox):
        def received(self, port, buf, start, n):
            args = {"poll": (0,), "output": (0,), "input": (20, 0)}[call]
            getattr(port.stack, call)(*args)

    stack.bind(7, Naughty())
    assert not peer.udp(b"x")
    assert [type(e) for e in wire.errors] == [Reentered]
    wire.errors.clear()
    assert not stack.busy
    assert peer.ping(b"goes on")


def test_what_on_error_raises_ends_the_poll_and_not_the_stack(wire, stack, peer):
    class Fails(Inbox):
        def received(self, port, buf, start, n):
            raise RuntimeError("in the callback")

    def on_error(exc):
        raise exc

    stack.bind(7, Fails())
    stack.on_error = on_error
    with pytest.raises(RuntimeError):
        peer.udp(b"x")
    assert not stack.busy
    assert peer.ping(b"goes on")


def test_keyboard_interrupt_in_a_callback_is_not_swallowed(wire, stack, peer):
    class Stopped(Inbox):
        def received(self, port, buf, start, n):
            raise KeyboardInterrupt

    port = stack.bind(7, Stopped())
    with pytest.raises(KeyboardInterrupt):
        peer.udp(b"x")
    assert wire.count("app_error") == 0
    assert peer.ping(b"goes on")
    port.app = Inbox()
    peer.udp(b"and UDP too")
    assert port.app.got


def test_frame_that_the_device_cannot_hand_over_does_no_harm(wire, stack, peer):
    wire.rx.append(bytes(5000))
    assert peer.ping(b"x")


def test_every_frame_is_counted(wire, stack, peer):
    assert wire.count("frames_out") == 1  # the announcement
    peer.ping(b"x")
    wire.give(bytes(60))
    assert wire.count("frames_in") == 2
    assert wire.count("frames_out") == 2


def test_garbage_is_survived(wire, stack, peer):
    """Random octets behind good headers of each layer; an echo with each bit flipped."""
    import random

    rnd = random.Random(7)
    stack.bind(7, Inbox(True))
    for k in range(3000):
        junk = rnd.randbytes(rnd.randrange(80))
        wire.give(junk)
        wire.give(peer.frame(junk, kind=rnd.choice((0x0800, 0x0806))))
        wire.give(
            peer.datagram(
                rnd.choice((1, 6, 17, 99)), junk, opts=rnd.randbytes(4 * rnd.randrange(4))
            )
        )
    whole = peer.datagram(1, packets.icmp(8, 0, b"\0\1\0\1data"))
    for bit in range(8 * len(whole)):
        broken = bytearray(whole)
        broken[bit >> 3] ^= 1 << (bit & 7)
        wire.give(bytes(broken))
    wire.run(1000)
    peer.heard.clear()
    peer.ping(b"still here")
    peer.expect(type=0, data=b"still here")


def test_flood_does_not_stop_what_is_due(wire, stack, peer):
    """Sixteen frames, then it is our turn."""
    stack.bind(9, Inbox()).send("255.255.255.255", 9, Bytes(b"mine"))
    wire.rx.extend([peer.datagram(1, packets.icmp(8, 0, b"\0\1\0\1"))] * 1000)
    wire.poll()
    assert [f.udp.data for f in wire.take() if f.udp] == [b"mine"]


def test_clock_may_start_anywhere():
    for start in (0, 2**28, 2**29 - 5, 2**30 - 5):
        w = Wire()
        w.clock.start = start
        s = w.board()
        p = Station(w)
        s.bind(9, Inbox()).send(PEER, 9, Bytes(b"x"))
        w.run(70_000)
        p.expect(data=b"x")
