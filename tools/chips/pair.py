"""Two stacks on one virtual clock: a board behind a driver and a chip model, and a peer on a bare
device.

The board echoes (RFC 862); the peer keeps a TCP connection to it. What a fault in the chip does to
a connection shows here.
"""

from collections import deque

from uipy import App, Bytes, Stack
from uipy.apps.echo import Echo

from .rig import PEER, Rig

_MASK = 0x3FFFFFFF


class Bare:
    """The peer's device: what it sends comes in at the chip, and the other way round."""

    l2 = 14
    mtu = 1500
    mac = PEER

    def __init__(self, chip):
        self.chip = chip
        self.rx = deque()
        chip.wire_out = self.rx.append

    def recv_into(self, buf):
        if not self.rx:
            return 0
        frame = self.rx.popleft()
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        self.chip.wire_in(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


class Client(App):
    """Sends what it is asked to and keeps what comes back."""

    def __init__(self):
        self.got = bytearray()
        self.reason = None
        self.open = False

    def connected(self, conn):
        self.open = True

    def received(self, conn, buf, start, n):
        self.got += buf[start : start + n]

    def closed(self, conn, reason):
        self.reason = reason
        self.open = False


class Pair:
    """`client` is connected when the constructor returns."""

    def __init__(self, kind, **kw):
        self.rig = Rig(kind, **kw)
        self.far = Bare(self.rig.chip)
        now = self.now()
        self.board = Stack(self.rig.dev, "192.168.1.7/24", tcp=2, udp=0, key=b"a board.", now=now)
        self.peer = Stack(self.far, "192.168.1.9/24", tcp=2, udp=0, key=b"a peer..", now=now)
        self.board.listen(7, Echo, 1)
        self.client = Client()
        self.until(self.rig.dev.link_up, 5000)
        self.peer.connect(self.client, "192.168.1.7", 7)
        self.until(lambda: self.client.open, 5000)
        self.asked = bytearray()

    def now(self):
        return self.rig.clock.ns // 1_000_000 & _MASK

    def turn(self):
        """Both stacks once; then time goes on to the next thing that may happen, 5 ms at most."""
        rig = self.rig
        rig.tick()
        rig.chip.poll()
        wait = min(self.board.poll(self.now()), self.peer.poll(self.now()), 5)
        busy = self.far.rx or rig.chip.int_level == 0 or rig.chip.next_at() is not None
        rig.clock.advance(100_000 if busy or wait <= 0 else int(wait * 1_000_000))

    def run(self, ms):
        end = self.rig.clock.ns + int(ms * 1_000_000)
        while self.rig.clock.ns < end:
            self.turn()

    def until(self, done, ms):
        """-> True when `done()` became true in time."""
        end = self.rig.clock.ns + int(ms * 1_000_000)
        while not done():
            if self.rig.clock.ns >= end:
                return False
            self.turn()
        return True

    def ask(self, data):
        self.asked += data
        self.client.conn.send(Bytes(bytes(data)))

    def answered(self):
        return bytes(self.client.got) == bytes(self.asked)

    def echo(self, data, ms=60_000):
        """-> True when the data came back whole and the connection lives."""
        if not self.client.open:
            return False
        self.ask(data)
        return self.until(self.answered, ms) and self.client.open
