"""The same work by callbacks and by sockets, on one stack: runs under MicroPython and CPython, for
sockets.py.

    socket_work.py count        every case by callbacks, by a socket and by nobody
    socket_work.py time CASE    both in turns; prints octets a second

CASE: udp (18 octets), tcp64, tcp1460: an echo each; down: segments of 1460 octets that are read.
By
nobody is what the packets take by themselves. A packet comes when the one before was answered,
segments of `down` two at a time.
"""

# mypy: disable-error-code="attr-defined"

import gc
import sys
import time

import packets  # type: ignore[import-not-found]  # beside this script
from proof import hotpath
from uipy import App, loop
from uipy.kern import copy, sadd
from uipy.stack import Stack

try:
    from uipy.sock.face import socket
except ImportError:  # joined: it is in the module that programs import
    sys.path[:0] = [p + "/modules" for p in sys.path]
    from socket import socket

NOW = 1000
CASES = ("udp", "tcp64", "tcp1460", "down")
TIMES, ROUNDS, PACKETS = 5, 20, 16
MSS = 1460
_NEW_YEAR = (2026, 1, 1, 0, 0, 0, 0, 0, 0)
_IDLE = 1000  # polls without a packet
_AF_INET, _STREAM, _DGRAM = 2, 1, 2


class Feeder(hotpath.Wired):
    """Gives the packets of a case."""

    packets = None
    left = due = burst = replies = idle = 0

    def feed(self, packets, n, burst):
        self.peer = None
        self.packets = packets
        self.left = n
        self.burst = burst
        self.due = 1
        self.replies = 0

    def recv_into(self, buf):
        if not self.left:
            return super().recv_into(buf)
        if not self.due:
            self.due = self.burst
            self.idle += 1
            if self.idle > _IDLE:
                raise SystemExit("no answer to packet %d from the end" % self.left)
            return 0
        self.idle = 0
        self.due -= 1
        self.left -= 1
        p = self.packets
        copy(buf, 2, p.f, 0, p.size)
        p.next()
        return p.size

    def send(self, buf, n):
        if self.packets:
            if n == self.packets.answer:
                self.replies += 1
                self.due = 1
        else:
            super().send(buf, n)


class Down(packets.Segments):
    """What is not answered but by acknowledgements."""

    def next(self):
        sadd(self.f, hotpath.TCP + 4, self.n)
        self._sum()


class Reader(App):
    """Reads into a buffer of its own, as a program with a socket does."""

    count = 0

    def __init__(self):
        self.mem = bytearray(MSS)

    def received(self, conn, buf, start, n):
        copy(self.mem, 0, buf, start, n)
        Reader.count += n


class Clock:
    """The time stands still, and nobody waits."""

    def ticks(self):
        return NOW

    def __call__(self, ms):
        pass


class Work:
    """A board with a case, done by callbacks or by a socket."""

    def __init__(self, case, how):
        self.case = case
        self.down = case == "down"
        self.size = {"udp": 18, "tcp64": 64}.get(case, MSS)
        self.dev = Feeder()
        stack = self.stack = Stack(self.dev, ip="192.168.1.7/24", now=NOW, key=b"8 octets")
        poll = stack.poll
        stack.poll = lambda: poll(NOW)
        self.loop = loop.attach(stack, Clock())
        peer = hotpath.Peer(stack)
        stack.poll = lambda now=NOW: poll(now)
        self.sock = None
        self.serve = getattr(self, "_" + how)
        if how == "callback":
            if self.down:
                stack.listen(7, Reader, 1)
            else:
                stack.listen(7, packets.Echo, 1)
                stack.bind(7, packets.UdpEcho())
        elif how == "socket":
            self.sock = self._open()
        peer.give(hotpath.arp(), 60)
        peer.listen()
        self.packets = self._packets(peer) if how != "wire" else _some(case)
        if self.sock and case != "udp":
            self.sock, _ = self.sock.accept()

    def _open(self):
        s = socket(_AF_INET, _DGRAM if self.case == "udp" else _STREAM)
        s.bind(("", 7))
        if self.case != "udp":
            s.listen(1)
        return s

    def _packets(self, peer):
        return Down(peer, MSS) if self.down else packets.make(self.case, peer)

    def run(self, n):
        self.dev.feed(self.packets, n, 2 if self.down else 0)
        self.serve(n)

    # The ways

    def _callback(self, n):
        poll, dev = self.stack.poll, self.dev
        if self.down:
            Reader.count = 0
            while Reader.count < n * MSS:
                poll()
        else:
            while dev.replies < n:
                poll()

    def _socket(self, n):
        s = self.sock
        if self.case == "udp":
            for _ in range(n):
                data, who = s.recvfrom(100)
                s.sendto(data, who)
            return
        left = n * self.size
        if self.down:
            buf = bytearray(MSS)
            while left > 0:
                left -= s.recv_into(buf)
            return
        while left > 0:
            data = s.recv(MSS)
            s.write(data)
            left -= len(data)
        while self.dev.replies < n:
            self.loop.step()

    def _wire(self, n):
        dev, buf = self.dev, self.stack.buf
        while dev.left:
            dev.due = 1
            dev.recv_into(buf)


def _some(case):
    """Packets that nobody takes."""
    stack = Stack(hotpath.Wired(), ip="192.168.1.7/24", now=NOW, key=b"8 octets")
    if case != "down":
        return packets.prepare(case, stack)
    stack.listen(7, Reader, 1)
    peer = hotpath.Peer(stack)
    peer.give(hotpath.arp(), 60)
    peer.listen()
    return Down(peer, MSS)


def count():
    """Each case in each way; counted from one call of `time.mktime`, which nobody else calls, to
    the next."""
    for case in CASES:
        for how in ("callback", "socket", "wire"):
            work = Work(case, how)
            work.run(4)
            gc.collect()
            gc.disable()
            time.mktime(_NEW_YEAR)
            work.run(PACKETS)
            time.mktime(_NEW_YEAR)
            gc.enable()
            loop.detach()
            print(case, how)


def timed(case):
    """Octets a second by callbacks and by a socket: the best of many short rounds in turns, so
    that what else the machine does comes between them."""
    best = {"callback": 0, "socket": 0}
    for _ in range(TIMES):
        for how in best:
            work = Work(case, how)
            work.run(4)
            gc.collect()
            for _ in range(ROUNDS):
                begin = _us()
                work.run(PACKETS)
                us = max(_us() - begin, 1)
                best[how] = max(best[how], PACKETS * work.size * 1_000_000 // us)
    print(best["callback"], best["socket"])


def _us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.monotonic_ns() // 1000


if __name__ == "__main__":
    if sys.argv[1] == "count":
        count()
    else:
        timed(sys.argv[2])
