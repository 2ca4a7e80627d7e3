"""`UdpApp.poll`: an application on UDP is called from time to time."""

from lab.net import Inbox
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
