"""Runs on MicroPython: thousands of connections of sockets, and what they do to the heap.

    micropython board_heap.py [N]

Prints what the stack took of the heap for N connections' frames (from the wire, none), and on the
unix port how many octets more are in use behind the second half of them than behind the first.
Every second connection is reset, by either side; clients and servers take turns.
"""

# mypy: ignore-errors
import gc
import sys

from uipy import App, Stack, loop
from uipy.sock.face import socket

LINGER_0 = b"\1\0\0\0\0\0\0\0"  # struct.pack("ii", 1, 0)


class Dev:
    l2 = 0
    mtu = 1500
    mac = b""

    def link_up(self):
        return True


class Peer(App):
    """Sends what it is told, and answers; ends as it is told."""

    how = 0

    def connected(self, conn):
        conn.send(b"0123456789" * 10)

    def received(self, conn, buf, start, n):
        if self.how == 1:
            conn.abort()
        elif self.how == 2:
            conn.close()


class Cable:
    """Two stacks, and a clock that moves while one waits."""

    def __init__(self):
        self.now = 1000
        self.taken = 0  # of the heap, by frames and what they bring about
        self.near = Stack(Dev(), ip="10.0.0.1/24", tcp=4, udp=0, key=b"8 octets", now=self.now)
        self.far = Stack(Dev(), ip="10.0.0.2/24", tcp=4, udp=0, key=b"8 octets", now=self.now)
        self.frames = []
        self.near.poll = self.poll
        self.loop = loop.attach(self.near, self.wait)

    def ticks(self):
        return self.now

    def poll(self, now=None):
        while True:
            moved = self.out(self.far)
            while self.frames:
                moved = True
                frame = self.frames.pop(0)
                self.near.buf[2 : 2 + len(frame)] = frame
                before = gc.mem_alloc()
                n = self.near.input(len(frame), self.now)
                self.taken += gc.mem_alloc() - before
                self.give(n)
            moved |= self.out(self.near)
            if not moved:
                return 1

    def give(self, n):
        if n:
            self.far.buf[2 : 2 + n] = self.near.buf[2 : 2 + n]
            self.back(self.far.input(n, self.now))

    def back(self, n):
        if n:
            self.frames.append(bytes(self.far.buf[2 : 2 + n]))

    def out(self, stack):
        before = gc.mem_alloc()
        n = stack.output(self.now)
        if stack is self.near:
            self.taken += gc.mem_alloc() - before
        if not n:
            return False
        if stack is self.near:
            self.give(n)
        else:
            self.back(n)
        return True

    def wait(self, ms):
        self.now = (self.now + ms) & 0x3FFFFFFF


class Wait:
    def __init__(self, cable):
        self.cable = cable
        self.ticks = cable.ticks

    def __call__(self, ms):
        self.cable.wait(ms)


def once(k, cable, peer, li):
    """One connection, opened, used, ended in one of four ways."""
    how = k & 3
    peer.how = how
    if k & 4:
        cable.far.connect(peer, "10.0.0.1", 80)
        s, _ = li.accept()
    else:
        s = socket()
        s.settimeout(5)
        s.connect(("10.0.0.2", 7))
    s.setsockopt(1, 20, heard)
    assert len(s.read(100)) == 100
    s.write(b"x" * 50)
    if how == 3:
        s.setsockopt(1, 0x80, LINGER_0)
    elif how:
        try:
            assert s.recv(10) == b""
            assert how == 2
        except OSError:
            assert how == 1
    s.close()
    while True:  # both sides are done with it
        cable.loop.until(never, 1)
        if not any(c.row[5] for c in cable.near.tcp.conns + cable.far.tcp.conns):
            return


def heard(s):
    pass


def never():
    return False


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    cable = Cable()
    cable.loop.wait = Wait(cable)
    cable.loop.ticks = cable.ticks
    peer = Peer()
    cable.far.listen(7, lambda: peer, 1)
    li = socket()
    li.settimeout(5)
    li.bind(("", 80))
    li.listen()
    for k in range(16):
        once(k, cable, peer, li)
    cable.taken = 0
    used = []
    for half in range(2):
        for k in range(n // 2):
            once(k, cable, peer, li)
        gc.collect()
        used.append(gc.mem_alloc())
    print("taken", cable.taken)
    print("more", used[1] - used[0] if sys.platform != "webassembly" else 0)
    print("connections", n)


main()
