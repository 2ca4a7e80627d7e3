"""A network in a box: stacks joined by bad links, on a clock that only moves when nothing is left
to do.

A `Link` is one direction: seeded loss, reordering, duplication, corruption, delay, rate and a
queue of so many frames. A `Host` is a stack (anything with `poll(now) -> ms`) on a `Port`, the
device of uipy's contract, with a judge of its wire (tcpcheck.py). `Net` runs them. An hour of a
connection takes as long as its frames take to compute.

    net = Net(seed=7)
    a, b = net.pair(Link(net.rng, loss=5, delay=20), Link(net.rng, delay=20))
    a.boot(lambda dev: Stack(dev, ip="10.0.0.1/24"))
    ...
    net.run(lambda: done, 600_000)
"""

import heapq
import random
import struct
from collections import deque

from judge.tcpcheck import WireCheck

MASK = (1 << 30) - 1  # what the stack sees of the clock: a ticks_ms


class Stuck(AssertionError):
    """The network did not come to an end in time, or went round without the clock moving."""


class Link:
    """One direction of a cable. loss, reorder, dup, corrupt in per cent; delay, jitter in ms; rate
    in bytes/ms (0 = no limit); buffer in frames waiting for their turn (0 = no limit): a frame
    that finds it full is lost."""

    def __init__(
        self, rng, loss=0, reorder=0, dup=0, corrupt=0, delay=1, jitter=0, rate=0, buffer=0
    ):
        self.rng = rng
        self.loss, self.reorder, self.dup, self.corrupt = loss, reorder, dup, corrupt
        self.delay, self.jitter, self.rate, self.buffer = delay, jitter, rate, buffer
        self.heap = []
        self.serial = 0
        self.free_at = 0  # when the line has sent what was given to it, ms * 1024
        self.queue = deque()
        self.sent = self.lost = self.bytes = 0
        self.down = False  # a test pulls the cable
        self.filter = None  # filter(frame) -> False loses it

    def push(self, frame, now):
        """A frame is sent at `now`; what becomes of it is drawn here."""
        rng = self.rng
        self.sent += 1
        self.bytes += len(frame)
        if self.down or (self.filter and not self.filter(frame)) or rng.random() * 100 < self.loss:
            self.lost += 1
            return
        at = self._leaves(frame, now)
        if at < 0:
            self.lost += 1
            return
        if self.corrupt and rng.random() * 100 < self.corrupt:
            frame = _flip(frame, rng)
        self._arrives(frame, at)
        if self.dup and rng.random() * 100 < self.dup:
            self._arrives(frame, at + rng.randint(0, 2 * self.delay + 2))

    def _leaves(self, frame, now):
        # The rate: frames queue behind each other; a full queue loses the frame.
        if not self.rate:
            return now
        while self.queue and self.queue[0] <= now << 10:
            self.queue.popleft()
        if self.buffer and len(self.queue) >= self.buffer:
            return -1
        self.free_at = max(self.free_at, now << 10) + (len(frame) << 10) // self.rate
        self.queue.append(self.free_at)
        return self.free_at >> 10

    def _arrives(self, frame, at):
        rng = self.rng
        at += self.delay
        if self.jitter:
            at += rng.randint(0, self.jitter)
        if self.reorder and rng.random() * 100 < self.reorder:
            at += rng.randint(1, max(10, self.delay))
        self.serial += 1
        heapq.heappush(self.heap, (at, self.serial, frame))

    @property
    def next_at(self):
        return self.heap[0][0] if self.heap else None

    def take(self, now):
        """The next frame that has arrived, or None."""
        if self.heap and self.heap[0][0] <= now:
            return heapq.heappop(self.heap)[2]
        return None


def _flip(frame, rng):
    # One bit of what a checksum of ours covers: not of the Ethernet header, nor of ARP, which has
    # none.
    if frame[12:14] == b"\x08\x06" or len(frame) <= 14:
        return frame
    at = rng.randrange(14, len(frame))
    return frame[:at] + bytes((frame[at] ^ 1 << rng.randrange(8),)) + frame[at + 1 :]


class Port:
    """A device (docs/architecture.md): frames come from one link and go to another."""

    def __init__(self, net, mac, mtu, l2):
        self.net = net
        self.mac = mac if l2 else b""
        self.mtu = mtu
        self.l2 = l2
        self.link = None  # the one that we send on
        self.rx = deque()
        self.judge = None
        self.tap = None  # tap(direction, frame): sees everything
        self.busy = 0  # per cent of can_send() that say no
        self.refused = False

    def recv_into(self, buf):
        """The next frame, at buf[2:]; 0 for none."""
        if not self.rx:
            return 0
        frame = self.rx.popleft()
        if len(frame) > len(buf) - 2:
            return 0
        buf[2 : 2 + len(frame)] = frame
        if self.tap:
            self.tap("in", frame)
        if self.judge:
            self.judge.arrived(frame)
        return len(frame)

    def can_send(self):
        """False now and then, when the test says so: the chip is still sending."""
        if self.busy and self.net.rng.random() * 100 < self.busy:
            self.refused = True
            return False
        return True

    def send(self, buf, n):
        """The frame at buf[2:2+n] goes out; the judge sees it first."""
        frame = bytes(buf[2 : 2 + n])
        if self.tap:
            self.tap("out", frame)
        if self.judge:
            self.judge.emitted(frame)
        if self.l2 and n < 60:
            frame += bytes(60 - n)  # the MAC pads
        self.link.push(frame, self.net.now)

    def link_up(self):
        return not self.link.down


class Host:
    """One end: its port, its stack once `boot` was called, and when it wants to be polled."""

    def __init__(self, net, port, address):
        self.net = net
        self.port = port
        self.address = address
        self.stack = None
        self.next_at = 0

    def boot(self, make):
        """`make(device)` gives the stack; from now on it is polled."""
        self.stack = make(self.port)
        self.stack.wake = self.kick
        self.next_at = self.net.now
        return self.stack

    def kick(self):
        """Something is due now."""
        self.next_at = self.net.now

    def poll(self):
        now = self.net.now
        self.next_at = None  # a callback may kick us
        wait = self.stack.poll(now & MASK)
        if self.port.refused:
            self.port.refused = False
            wait = 1
        at = now + wait
        if self.next_at is None or at < self.next_at:
            self.next_at = at


class Net:
    """The clock, the links and the hosts. `start` is where the clock begins (2**30 - 5000 tests
    its wrap).
    """

    def __init__(self, seed=0, start=1000):
        self.rng = random.Random(seed)
        self.now = start
        self.start = start
        self.hosts = []
        self.wires = []  # (link, port that it leads to)
        self.frames = 0
        self.log = None  # a list: every frame as (ms, sender's name, frame)

    def pair(self, there, back, l2=14, mtu=1500):
        """Two hosts, 10.0.0.1 and 10.0.0.2, joined by two links."""
        ends = []
        for k in (1, 2):
            address = bytes((10, 0, 0, k))
            port = Port(self, bytes((2, 0, 0, 0, 0, k)), mtu, l2)
            port.judge = WireCheck(address, l2)
            ends.append(Host(self, port, address))
        a, b = ends
        a.port.link, b.port.link = there, back
        self.wires += [(there, b.port), (back, a.port)]
        self.hosts += ends
        return a, b

    def record(self):
        """From now on every frame sent is kept in `log`."""
        self.log = []
        for host in self.hosts:
            host.port.tap = self._logger(host.address[3])

    def _logger(self, name):
        def tap(way, frame):
            if way == "out":
                self.log.append((self.now, name, frame))

        return tap

    def pcap(self, path):
        """Writes `log` for Wireshark."""
        with open(path, "wb") as f:
            kind = 1 if self.hosts[0].port.l2 else 101
            f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, kind))
            for ms, _, frame in self.log or ():
                f.write(
                    struct.pack("<IIII", ms // 1000, ms % 1000 * 1000, len(frame), len(frame))
                    + frame
                )

    def run(self, done, ms):
        """Runs until `done()` or for at most `ms` virtual milliseconds; then `Stuck`. Returns the
        ms that passed.
        """
        begin = self.now
        end = begin + ms
        spins = 0
        while not done():
            spins = spins + 1 if self._work() else 0
            if spins > 20000:
                raise Stuck(
                    "20000 rounds at %d ms, the clock stands still" % (self.now - self.start)
                )
            at = self._next()
            if at is None or at > end:
                self.now = end
                raise Stuck("not finished after %d ms" % ms)
            if at > self.now:
                spins = 0
                self.now = at
        return self.now - begin

    def idle(self, ms):
        """Lets `ms` pass."""
        end = self.now + ms
        try:
            self.run(lambda: False, ms)
        except Stuck:
            if self.now < end:
                raise
            self._work()

    def _work(self):
        worked = False
        for link, port in self.wires:
            frame = link.take(self.now)
            while frame is not None:
                port.rx.append(frame)
                self.frames += 1
                frame = link.take(self.now)
        for host in self.hosts:
            if host.stack and (host.port.rx or host.next_at <= self.now):
                host.poll()
                worked = True
        return worked

    def _next(self):
        times = [link.next_at for link, _ in self.wires if link.heap]
        times += [host.next_at for host in self.hosts if host.stack]
        if any(host.stack and host.port.rx for host in self.hosts):
            return self.now
        return max(self.now, min(times)) if times else None
