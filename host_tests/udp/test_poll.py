"""`UdpApp.poll`: an application on UDP is called from time to time."""

import pytest
from lab.net import WRAP, Clock, Inbox, Wire
from uipy.net.udp_poll import Polls


class Ticking(Inbox):
    poll_ms = 200

    def __init__(self, clock):
        Inbox.__init__(self)
        self.clock = clock
        self.began = clock.ms
        self.at = []

    def poll(self, port):
        self.at.append((self.clock.ms - self.began, port.num))

    def times(self):
        return [ms for ms, _ in self.at]


def test_poll_is_called_every_poll_ms_from_bind_on(wire, stack):
    app = Ticking(wire.clock)
    stack.bind(5000, app)
    assert wire.poll() == 200
    wire.run(650)
    assert app.at == [(200, 5000), (400, 5000), (600, 5000)]


def test_a_closed_port_is_not_polled(wire, stack):
    app = Ticking(wire.clock)
    port = stack.bind(5000, app)
    wire.run(250)
    port.close()
    wire.run(1000)
    assert app.times() == [200]
    stack.bind(5000, Inbox())  # in its place, and wants no call
    wire.run(1000)
    assert app.times() == [200]


def test_a_port_that_is_bound_again_begins_anew(wire, stack):
    first = Ticking(wire.clock)
    stack.bind(5000, first).close()
    wire.run(150)
    app = Ticking(wire.clock)
    stack.bind(5001, app)
    wire.run(250)
    assert app.at == [(200, 5001)] and not first.at


def test_poll_can_send_and_close(wire, stack, peer):
    class Beacon(Ticking):
        def fill(self, rel, buf, pos, n):
            buf[pos] = 0x21
            return 1

        def acked(self, n):
            pass

        def poll(self, port):
            Ticking.poll(self, port)
            if len(self.at) == 2:
                port.close()
            else:
                port.send(peer.ip, 7000, self)

    app = Beacon(wire.clock)
    stack.bind(5000, app)
    wire.run(1000)
    peer.expect(sport=5000, dport=7000, data=b"!")
    assert app.times() == [200, 400]


def test_two_ports_are_polled_at_their_own_pace(wire, stack):
    fast, slow = Ticking(wire.clock), Ticking(wire.clock)
    slow.poll_ms = 500
    stack.bind(5000, fast)
    stack.bind(5001, slow)
    wire.run(1000)
    assert fast.times() == [200, 400, 600, 800, 1000] and slow.times() == [500, 1000]


def test_what_poll_raises_is_told_and_the_port_stays(wire, stack, peer):
    class Broken(Ticking):
        def poll(self, port):
            Ticking.poll(self, port)
            raise ValueError("oh")

    app = Broken(wire.clock)
    stack.bind(5000, app)
    wire.run(400)
    assert app.times() == [200, 400] and len(wire.errors) == 2
    wire.errors.clear()
    peer.udp(b"x", dport=5000)
    assert app.got == [b"x"]


def test_an_application_can_stop_its_polls(wire, stack):
    app = Ticking(wire.clock)
    stack.bind(5000, app)
    wire.run(200)
    app.poll_ms = 0
    wire.run(1000)
    assert app.times() == [200]


def test_who_wants_no_poll_pays_for_none(wire, stack):
    class Bare:
        def received(self, port, buf, start, n):
            return None

    stack.bind(5000, Inbox())
    stack.bind(5001, Bare())  # anything with the callbacks
    assert not [layer for layer in stack.layers if isinstance(layer, Polls)]


@pytest.mark.parametrize("start", range(WRAP - 203, WRAP - 197))
def test_polls_keep_their_time_where_the_clock_begins_anew(start):
    """A poll that is due at tick 0 is one."""
    wire = Wire(clock=Clock(start))
    app = Ticking(wire.clock)
    wire.board().bind(5000, app)
    wire.run(650)
    assert app.times() == [200, 400, 600]


def test_it_says_when_a_poll_is_due(wire, stack):
    stack.bind(5000, Ticking(wire.clock))
    (polls,) = [layer for layer in stack.layers if isinstance(layer, Polls)]
    now = stack.now
    assert polls.deadline(now) == 0  # the next poll of the stack begins the count
    assert polls.output(now) == 0 and polls.deadline(now) == 200
    assert polls.deadline((now + 199) % WRAP) == 1
    assert polls.deadline((now + 200) % WRAP) == polls.deadline((now + 201) % WRAP) == 0
    stack.udp.ports[0].close()
    assert polls.deadline(now) == 2**28


def test_anything_with_the_callbacks_stands_beside_one_that_is_polled(wire, stack, peer):
    class Bare:
        def received(self, port, buf, start, n):
            return n

    app = Ticking(wire.clock)
    stack.bind(5000, Bare())
    stack.bind(5001, app)
    wire.run(10_000)
    assert app.at == [(ms, 5001) for ms in range(200, 10_001, 200)]
    peer.udp(b"x", dport=5000)
    peer.expect(data=b"x")


@pytest.mark.parametrize("ms", [1, 2**28])
def test_shortest_and_longest_time_between_polls(wire, stack, ms):
    app = Ticking(wire.clock)
    app.poll_ms = ms
    stack.bind(5000, app)
    wire.poll()
    for n in (ms - 1, 1):
        wire.clock.ms += n
        wire.poll()
    assert app.times() == [ms]
