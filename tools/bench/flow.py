"""One bulk transfer between a stack of ours and the Linux kernel, measured: for grid.py.

`measure(Cell(...))` makes a network namespace for the calling process (so call it in a child),
with a TAP in it, a stack in this process behind a wire (tools/wire/wire.py), and kernel sockets
that talk to it. Stack, wire and sockets are served by one loop: no thread waits for another one's
turn. Every octet that arrives is compared.
"""

import ctypes
import os
import select
import socket
import subprocess
import time
from typing import NamedTuple

from uipy import App, Stack
from uipy.source import Source
from wire.media import Tap
from wire.wire import DOWN, UP, Wire

BOARD, LINUX, PORT = "192.168.77.2", "192.168.77.1", 7
MSS = 1460
SEND, RECEIVE = "send", "receive"  # what the board does
TICKS = 100  # of the wire's clock in a millisecond: half of 0.3 ms is a whole number of them
COUNTERS = ("tcp_rexmt", "tcp_rto", "tcp_fast")

_CLONE_NEWNET = 0x40000000
_PERIOD = 65521  # prime: a lost segment's neighbour never looks like it
_TEXT = (bytes(k * k % 251 for k in range(251)) * 600)[: _PERIOD + (1 << 16)]
TEXT = _TEXT[:_PERIOD] + _TEXT[: 1 << 16]  # 64 kB from any offset in the period


class Cell(NamedTuple):
    """What is measured. rtt in ms, loss in % of the segments with data, flight in segments."""

    way: str
    rtt: float
    loss: float
    flight: int
    options: tuple = ()  # of tcp_options: (name, value)
    conns: int = 1  # side by side, on one wire without a rate
    warm: float = 0.5  # seconds before the measurement
    seconds: float = 1.0
    seed: int = 1

    def tcp_options(self):
        """For the stack: the flight is ours to limit when we send, the room when we receive."""
        limit = ("max_flight", self.flight) if self.way == SEND else ("room", self.flight * MSS)
        return dict([limit, *self.options])

    def wire(self):
        data = UP if self.way == SEND else DOWN
        words = (self.rtt * TICKS / 2, data, self.loss, self.seed)
        return Wire("delay=%d,%s.loss=%g,seed=%d" % words)


class Text(Source):
    """The text without end, from its offset."""

    def __init__(self):
        self.ended = False
        self.at = 0

    def fill(self, rel, buf, pos, n):
        at = (self.at + rel) % _PERIOD
        buf[pos : pos + n] = TEXT[at : at + n]
        return n

    def acked(self, n):
        self.at = (self.at + n) % _PERIOD


class Reader:
    """Counts what arrives, and compares it."""

    def __init__(self):
        self.count = 0

    def take(self, data):
        at = self.count % _PERIOD
        if TEXT[at : at + len(data)] != data:
            raise AssertionError("other octets than were sent, from octet %d on" % self.count)
        self.count += len(data)


class Chargen(App):
    def connected(self, conn):
        conn.send(Text())


class Discard(App):
    def connected(self, conn):
        self.reader = Reader()

    def received(self, conn, buf, start, n):
        self.reader.take(bytes(buf[start : start + n]))


class Client:
    """A socket of the kernel's that reads, or writes, as much as goes."""

    def __init__(self, way):
        self.way = way
        self.reader = Reader()
        self.sent = 0
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex((BOARD, PORT))

    def fileno(self):
        return self.sock.fileno()

    def serve(self):
        try:
            if self.way == SEND:
                self.reader.take(self.sock.recv(1 << 16))
            else:
                at = self.sent % _PERIOD
                self.sent += self.sock.send(TEXT[at : at + (1 << 15)])
        except BlockingIOError:
            pass

    def retransmitted(self):
        """tcpi_total_retrans of Linux's struct tcp_info."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return int.from_bytes(info[100:104], "little")


def clock():
    """The wire's time."""
    return time.monotonic_ns() * TICKS // 1_000_000


class Device:
    """The stack's end of the wire."""

    l2 = 14
    mtu = 1500
    mac = bytes.fromhex("020000757069")

    def __init__(self, wire, recorder):
        self.wire = wire
        self.recorder = recorder
        self.queue = []

    def recv_into(self, buf):
        if not self.queue:
            return 0
        frame = self.queue.pop(0)
        self._record(frame)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        frame = bytes(buf[2 : 2 + n])
        self._record(frame)
        self.wire.push(UP, frame, clock())

    def _record(self, frame):
        if self.recorder:
            self.recorder.add(frame)

    def link_up(self):
        return True


class Bench:
    """The loop around stack, wire, TAP and sockets."""

    def __init__(self, cell, recorder=None):
        self.wire = cell.wire()
        self.dev = Device(self.wire, recorder)
        self.tap = Tap("tap0")
        n = cell.conns
        self.errors = []
        self.stack = Stack(
            self.dev, ip=BOARD + "/24", tcp=n, half_open=n, tcp_options=cell.tcp_options()
        )
        self.stack.on_error = self.errors.append
        self.apps = []
        self.stack.listen(PORT, Chargen if cell.way == SEND else self._discard, n)
        self.clients = []
        self.way = cell.way

    def _discard(self):
        self.apps.append(Discard())
        return self.apps[-1]

    def count(self):
        """Octets that have arrived."""
        if self.way == SEND:
            return sum(client.reader.count for client in self.clients)
        return sum(app.reader.count for app in self.apps if hasattr(app, "reader"))

    def run(self, seconds):
        """Returns how long it took: a little more."""
        begin = now = clock()
        end = begin + int(seconds * 1000 * TICKS)
        while now < end:
            self._wait(self._turn(now), now)
            now = clock()
        if self.errors:
            raise self.errors[0]
        return (now - begin) / TICKS / 1000

    def _turn(self, now):
        """Moves what there is to move; returns the ms until the stack wants its turn."""
        frame = self.tap.read()
        while frame:
            self.wire.push(DOWN, frame, now)
            frame = self.tap.read()
        got = self.wire.pop(now)
        while got:
            way, frame = got
            if way == UP:
                self.tap.write(frame)
            else:
                self.dev.queue.append(frame)
            got = self.wire.pop(now)
        return self.stack.poll(now // TICKS & 0x3FFFFFFF)

    def _wait(self, ms, now):
        at = self.wire.next()
        left = ms * TICKS if at is None else min(ms * TICKS, at - now)
        left = left if left > TICKS // 2 else 0  # shorter sleeps take longer than they should
        reads, writes = (self.clients, []) if self.way == SEND else ([], self.clients)
        r, w, _ = select.select([self.tap, *reads], writes, [], min(left / TICKS / 1000, 0.05))
        for client in self.clients:
            if client in r or client in w:
                client.serve()


def namespace():
    """This process moves into a network of its own, where the kernel speaks Reno."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    for command in (
        "link set lo up",
        "tuntap add dev tap0 mode tap",
        "addr add %s/24 dev tap0" % LINUX,
        "link set tap0 up",
    ):
        subprocess.run(["ip", *command.split()], check=True, capture_output=True)
    for name, value in (
        ("ipv4/tcp_congestion_control", "reno"),
        ("ipv6/conf/all/disable_ipv6", 1),
    ):
        if os.path.exists("/proc/sys/net/" + name):
            with open("/proc/sys/net/" + name, "w") as f:
                f.write(str(value))


def measure(cell, recorder=None):
    """{'rate': octets a second and connection, 'sent', 'lost': frames, and retransmissions}."""
    namespace()
    bench = Bench(cell, recorder)
    bench.clients = [Client(cell.way) for _ in range(cell.conns)]
    bench.run(cell.warm)
    begin = bench.count()
    seconds = bench.run(cell.seconds)
    rate = (bench.count() - begin) / seconds / cell.conns
    link = bench.wire.ways[UP if cell.way == SEND else DOWN]
    out = {"rate": rate, "sent": link.sent, "lost": link.lost}
    out["linux"] = sum(client.retransmitted() for client in bench.clients)
    counters = dict(bench.stack.counters())
    out.update((name, counters[name]) for name in COUNTERS)
    return out
