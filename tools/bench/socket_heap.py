"""Heap that sockets hold while nothing happens: runs on 32-bit MicroPython, for sockets.py. Prints
`octets what`; the connections of a stack are there from its construction and do not count."""

# mypy: disable-error-code="attr-defined"

import gc
import sys

from uipy import loop
from uipy.stack import Stack
from wire.null import Null

try:
    from uipy.sock.face import socket
except ImportError:  # joined: it is in the module that programs import
    sys.path[:0] = [p + "/modules" for p in sys.path]
    from socket import socket

RCVBUF, SNDBUF = 0x1002, 0x1001


class Cable(Null):
    """The other end of a cable."""

    def __init__(self):
        super().__init__(0)
        self.frames = []

    def recv_into(self, buf):
        if not self.frames:
            return 0
        frame = self.frames.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def send(self, buf, n):
        self.far.frames.append(bytes(buf[2 : 2 + n]))


class Board:
    def __init__(self):
        a, b = Cable(), Cable()
        a.far, b.far = b, a
        self.there = Stack(b, "10.0.0.2/24", tcp=4, key=b"12345678", now=5)
        from uipy import App

        self.there.listen(7, App, 2)
        poll = self.there.poll
        self.loop = loop.attach(Stack(a, "10.0.0.1/24", tcp=4, key=b"12345678"), self.wait)
        self.poll = poll

    def wait(self, ms):
        self.poll(5)


def held(what, make):
    """Prints what the thing that make() returns takes."""
    kept = make()  # the first one may make what all share
    del kept
    gc.collect()
    before = gc.mem_alloc()
    kept = make()
    gc.collect()
    print(gc.mem_alloc() - before, what)
    return kept


def udp(size=None):
    s = socket(2, 2)
    if size:
        s.setsockopt(1, RCVBUF, size)
    s.bind(("", 0))
    return s


def client(size=None):
    s = socket()
    if size:
        s.setsockopt(1, RCVBUF, size)
        s.setsockopt(1, SNDBUF, size)
    s.connect(("10.0.0.2", 7))
    return s


def listener():
    s = socket()
    s.bind(("", 0))
    s.listen(1)
    return s


def main():
    board = Board()
    held("a datagram socket with its queue of 4 kB", udp)
    held("the same, SO_RCVBUF 512", lambda: udp(512))
    held("a listener, backlog 1", listener)
    held("a connection with its rings of 4 and 2 segments", client)
    return board


main()
