"""Octets of heap that datagrams for a socket take while they are taken in; prints `octets what`
for each path, and at last what a datagram takes that is kept in a copy, which must be seen.

Runs on 32-bit MicroPython (gc.mem_alloc) and with "lock" on the unix binary, under heap_lock.
"""

import gc
import sys

import micropython
from uipy import Stack, loop
from uipy.kern import copy, csum, put16
from wire.null import Null

try:
    from uipy.sock.face import socket
except ImportError:  # joined: it is in the module that programs import
    sys.path[:0] = [p + "/modules" for p in sys.path]
    from socket import socket

LOCK = "lock" in sys.argv
OURS, PEER = b"\x0a\0\0\1", b"\x0a\0\0\2"
CALLBACK = 20


class Board:
    def __init__(self):
        self.stack = Stack(Null(0), "10.0.0.1/24", udp=4, tcp=0, key=b"12345678", now=5)
        self.stack.on_error = self.failed
        self.loop = loop.attach(self.stack)
        self.sock = socket(2, 2)
        self.sock.setblocking(False)
        self.sock.bind(("", 7))
        self.failures = 0

    def failed(self, exc):
        self.failures += 1
        self.what = exc

    def give(self, proto, body):
        """A datagram arrives; returns what it takes."""
        buf = self.stack.buf
        n = 20 + len(body)
        head = bytearray(20)
        head[0], head[8], head[9] = 0x45, 64, proto
        put16(head, 2, n)
        head[12:16], head[16:20] = PEER, OURS
        put16(head, 10, 0xFFFF ^ csum(head, 0, 20, 0))
        copy(buf, 2, head, 0, 20)
        copy(buf, 22, body, 0, len(body))
        stack = self.stack
        if not LOCK:
            before = gc.mem_alloc()
            stack.input(n, 5)
            return gc.mem_alloc() - before
        micropython.heap_lock()
        try:
            stack.input(n, 5)
        except MemoryError:
            return 1
        finally:
            micropython.heap_unlock()
        n, self.failures = self.failures, 0
        return n

    def datagram(self, data, sport=5000):
        body = bytearray(8) + data
        put16(body, 0, sport)
        put16(body, 2, 7)
        put16(body, 4, len(body))
        return self.give(17, body)

    def refused(self):
        """The peer says that port 5000 is nobody's."""
        quoted = bytearray(28)
        quoted[0], quoted[8], quoted[9] = 0x45, 64, 17
        put16(quoted, 2, 28)
        quoted[12:16], quoted[16:20] = OURS, PEER
        put16(quoted, 20, 7)
        put16(quoted, 22, 5000)
        body = bytearray(8) + quoted
        body[0], body[1] = 3, 3
        put16(body, 2, 0xFFFF ^ csum(body, 0, len(body), 0))
        return self.give(1, body)


def read(sock):
    """What there is; how many."""
    n = 0
    try:
        while True:
            sock.recv(2000)
            n += 1
    except OSError:
        return n


class Keeper:
    room = 4096

    def write(self, buf, start, n):
        self.kept = bytes(1000)


def main():
    board = Board()
    sock = board.sock
    told = []
    for data in (b"", b"x", bytes(64), bytes(1472)):
        board.datagram(data)
        read(sock)
        print(board.datagram(data), "a datagram of %d octets" % len(data))
        assert read(sock) == 1
    taken = sum([board.datagram(bytes(100)) for _ in range(6)])
    assert read(sock) == 4
    print(taken, "six at once, of which two are dropped")
    taken = 0
    for k in range(40):
        taken += board.datagram(bytes(37 * k))
        assert read(sock) == 1
    print(taken, "forty round the ring")
    sock.setsockopt(1, CALLBACK, told.append)
    board.datagram(b"the first")
    print(board.datagram(b"x"), "one that is told to a callback")
    read(sock)
    sock.setsockopt(1, CALLBACK, None)
    sock.connect(("10.0.0.2", 5000))
    print(board.datagram(b"x"), "the peer's")
    print(board.datagram(b"x", sport=5001), "a stranger's")
    assert read(sock) == 1
    print(board.refused(), "a refusal")
    assert sock._end.fault == 111
    sock._end.fault = 0
    sock._end.ring = Keeper()
    print(board.datagram(b"x"), "leaky")


main()
