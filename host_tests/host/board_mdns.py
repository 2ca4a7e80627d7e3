"""Octets of heap that multicast DNS takes while messages of others are taken in and answered;
prints `octets what` for each path, and at last what a leak takes, which must be seen.

Runs on MicroPython of 32 and of 64 bits (tools/proof/heap.py).
"""

import gc

from proof.heap import WIDE, Tally
from uipy import Stack
from uipy.host import Browser, LocalResolver, Mdns
from uipy.kern import copy, csum, put16
from wire.null import Null

OURS, PEER, GROUP = b"\x0a\0\0\1", b"\x0a\0\0\2", b"\xe0\0\0\xfb"
UIPY = b"\4uipy\5local\0"
HTTP = b"\5_http\4_tcp\5local\0"
PAGE = b"\4uipy\5_http\4_tcp\5local\0"
LAMP = b"\4lamp\5local\0"
LAMPS = b"\4lamp\5_http\4_tcp\5local\0"


class Board(Tally):
    def __init__(self):
        self.failures = 0
        self.taken = 0
        self.now = 5
        self.sent = 0
        self.stack = stack = Stack(
            Null(0), "10.0.0.1/24", udp=2, tcp=0, key=b"12345678", now=5, groups=3
        )
        stack.on_error = self.failed
        stack.ifaces[0].watch()
        self.mdns = Mdns(stack, "uipy")
        self.mdns.add("_http._tcp", 80, {"path": "/"})
        self.local = LocalResolver(self.mdns)
        self.heard = 0
        self.wait(5000)
        assert self.mdns.established
        self.browser = Browser(self.mdns, "_http._tcp", self.found)
        self.wait(9000)
        self.taken = 0

    def found(self, service, there):
        self.heard += 1

    def done(self, answer):
        self.heard += 1

    def failed(self, exc):
        self.failures += 1
        self.what = exc

    def wait(self, ms):
        """What is due meanwhile is sent."""
        end = self.now + ms
        while self.now < end:
            self.work()
            self.now += 50

    def work(self):
        n = 1
        while n:
            n = self.counted(self.stack.output, None, self.now)
            self.sent += n > 0

    def give(self, data, dst=GROUP, sport=5353):
        """A message arrives; what it takes is counted, and what is answered at once."""
        buf = self.stack.buf
        n = 28 + len(data)
        head = bytearray(28)
        head[0], head[8], head[9] = 0x45, 255, 17
        put16(head, 2, n)
        head[12:16], head[16:20] = PEER, dst
        put16(head, 10, 0xFFFF ^ csum(head, 0, 20, 0))
        put16(head, 20, sport)
        put16(head, 22, 5353)
        put16(head, 24, n - 20)
        copy(buf, 2, head, 0, 28)
        copy(buf, 30, data, 0, len(data))
        self.sent += self.counted(self.stack.input, n, self.now) > 0
        self.work()


def number(x):
    return bytes([x >> 8, x & 255])


def rr(name, kind, data, ttl=120, cls=0x8001):
    return name + number(kind) + number(cls) + b"\0\0" + number(ttl) + number(len(data)) + data


def message(questions=(), answers=(), authority=(), flags=0):
    """A question is (name, type, class)."""
    counts = number(len(questions)) + number(len(answers)) + number(len(authority))
    out = b"\0\0" + number(flags) + counts + b"\0\0"
    for name, kind, cls in questions:
        out += name + number(kind) + number(cls)
    return out + b"".join(answers) + b"".join(authority)


PTR = rr(HTTP, 12, PAGE, 4500, 1)
THEIRS = (
    rr(HTTP, 12, LAMPS, 4500, 1),
    rr(LAMPS, 33, b"\0\0\0\0\0\x50" + LAMP),
    rr(LAMPS, 16, b"\3a=b", 4500),
    rr(LAMP, 1, PEER),
)
MESSAGES = {
    "address": (message([(UIPY, 1, 1)]), GROUP, 5353),
    "alone": (message([(UIPY, 1, 0x8001)]), GROUP, 5353),
    "negative": (message([(UIPY, 28, 1)]), GROUP, 5353),
    "ordinary": (message([(UIPY, 1, 1)]), GROUP, 4000),
    "unicast": (message([(UIPY, 255, 1)]), OURS, 4000),
    "service": (message([(HTTP, 12, 1)]), GROUP, 5353),
    "known": (message([(HTTP, 12, 1)], [PTR]), GROUP, 5353),
    "more": (message([(HTTP, 12, 1)], [PTR], flags=0x200), GROUP, 5353),
    "probe": (message([(UIPY, 255, 0x8001)], [], [rr(UIPY, 1, PEER, 120, 1)]), GROUP, 5353),
    "lamp": (message([], THEIRS, flags=0x8400), GROUP, 5353),
    "goodbye": (message([], [rr(HTTP, 12, LAMPS, 0, 1)], flags=0x8400), GROUP, 5353),
    "stranger": (message([(b"\1a" + UIPY, 1, 1)] * 20), GROUP, 5353),
    "clash": (message([], [rr(UIPY, 1, PEER)], flags=0x8400), GROUP, 5353),
}


def walk(board, name):
    board.taken = 0
    data, dst, sport = MESSAGES[name]
    sent, heard = board.sent, board.heard
    board.give(data, dst, sport)
    board.wait(1500)
    silent = ("known", "more", "stranger", "goodbye")
    assert name in silent or board.sent > sent or board.heard > heard, name
    print(board.taken, name)
    board.wait(3000)


def renamed(board):
    """The name is another host's, and its owner insists."""
    board.give(MESSAGES["clash"][0])
    board.wait(300)
    board.taken = 0
    board.give(MESSAGES["clash"][0])
    board.wait(200)
    taken = board.taken
    board.wait(5000)
    assert board.mdns.name == "uipy-2", board.mdns.name
    print(taken, "renamed")


def resolved(board):
    board.local.resolve("lamp.local", "A", board.done)
    board.taken = board.heard = 0
    board.wait(200)
    board.give(MESSAGES["lamp"][0])
    assert board.heard, "nobody called"
    print(board.taken, "resolved")


def garbage(board, rounds):
    seed = 77
    names = sorted(MESSAGES)
    board.taken = 0
    for k in range(rounds):
        data, dst, sport = MESSAGES[names[k % len(names)]]
        data = bytearray(data)
        for _ in range(k & 3):
            seed = (seed * 75 + 74) % 65537
            at = (seed >> 3) % len(data)
            seed = (seed * 75 + 74) % 65537
            data[at] = (0, 255, 0xC0, 12, seed & 255)[seed % 5]
        if k % 7 == 0:
            data = data[: seed % len(data)]
        board.now += 3
        board.give(data, dst, sport)
        if k % 400 == 0:
            gc.collect()
    assert not board.failures, board.what
    print(board.taken, "garbage")


def leaky(board):
    board.taken = board.failures = 0
    board.mdns.others[0].response = lambda m, count: bytearray(99)
    board.give(MESSAGES["lamp"][0])
    print(board.taken or board.failures, "leaky")


board = Board()
for name in sorted(MESSAGES):
    if name != "clash":
        walk(board, name)
resolved(board)
renamed(board)
garbage(board, 10_000 if WIDE else 1000)  # mem_alloc() looks at the whole heap
leaky(board)
