"""Octets of heap that replies of a name server take while they are taken in; prints `octets what`
for each path, and at last what a reply takes when `done` is called too early, which must be seen.

Runs on MicroPython of 32 and of 64 bits (tools/proof/heap.py).
"""

import gc

from proof.heap import WIDE, Tally
from uipy import Stack
from uipy.host import Resolver
from uipy.kern import copy, csum, put16, u16
from wire.null import Null

OURS, SERVER = b"\x0a\0\0\1", b"\x0a\0\0\2"
OWNER = b"\xc0\x0c"


class Board(Tally):
    def __init__(self):
        self.stack = Stack(Null(0), "10.0.0.1/24", udp=4, tcp=2, key=b"12345678", now=5)
        self.stack.on_error = self.failed
        self.r = Resolver(self.stack, ["10.0.0.2"], room=600)
        self.now = 5
        self.taken = 0
        self.failures = 0
        self.told = None
        self.records = []
        self.frame = b""
        self.done = self.heard

    def failed(self, exc):
        self.failures += 1
        self.what = exc

    def heard(self, answer):
        self.told = answer.error or "ok"
        self.records = answer.records()

    def work(self):
        """All that is due is sent; the last frame is kept."""
        n = self.stack.output(self.now)
        while n:
            self.frame = bytes(self.stack.buf[2 : 2 + n])
            n = self.stack.output(self.now)

    def ask(self, kind="A"):
        self.r.flush()
        self.told = None
        self.r.resolve("www.example.org", kind, self.done)
        self.work()

    def give(self, proto, body):
        """A datagram arrives; counts what it takes."""
        buf = self.stack.buf
        n = 20 + len(body)
        head = bytearray(20)
        head[0], head[8], head[9] = 0x45, 64, proto
        put16(head, 2, n)
        head[12:16], head[16:20] = SERVER, OURS
        put16(head, 10, 0xFFFF ^ csum(head, 0, 20, 0))
        copy(buf, 2, head, 0, 20)
        copy(buf, 22, body, 0, len(body))
        stack, now = self.stack, self.now
        n = self.counted(stack.input, n, now)
        if n:
            self.frame = bytes(buf[2 : 2 + n])

    def reply(self, data):
        """To the question sent last, by UDP."""
        body = bytearray(8) + data
        put16(body, 0, 53)
        put16(body, 2, u16(self.frame, 20))
        put16(body, 4, len(body))
        self.give(17, body)

    def segment(self, flags, seq, ack, data=b""):
        body = bytearray(20) + data
        put16(body, 0, 53)
        put16(body, 2, u16(self.frame, 20))
        body[4:8], body[8:12] = seq.to_bytes(4, "big"), ack.to_bytes(4, "big")
        body[12], body[13] = 0x50, flags
        put16(body, 14, 8000)
        pseudo = SERVER + OURS + bytes([0, 6]) + len(body).to_bytes(2, "big")
        whole = pseudo + body
        put16(body, 16, 0xFFFF ^ csum(whole, 0, len(whole), 0))
        self.give(6, body)


def number(x):
    return bytes([x >> 8, x & 255])


def rr(owner, kind, data, ttl=300):
    return owner + number(kind) + b"\0\1" + b"\0\0" + number(ttl) + number(len(data)) + data


def message(question, answers=(), authority=(), flags=0x8180):
    """`question` is the board's message."""
    head = question[:2] + number(flags) + b"\0\1" + number(len(answers)) + number(len(authority))
    return head + b"\0\0" + question[12:] + b"".join(answers) + b"".join(authority)


A = rr(OWNER, 1, b"\1\2\3\4")
HOST = b"\4host\xc0\x10"
SOA = rr(b"\0", 6, b"\1a\0\1b\0" + bytes(20))
REPLIES = {
    "addresses": (1, [A, A, A], [], 0x8180, "ok"),
    "alias": (1, [rr(OWNER, 5, HOST), rr(HOST, 1, b"\1\2\3\4")], [], 0x8180, "ok"),
    "ring": (1, [rr(OWNER, 5, OWNER)], [], 0x8180, "alias loop"),
    "service": (33, [rr(OWNER, 33, bytes(6) + HOST)], [], 0x8180, "ok"),
    "text": (16, [rr(OWNER, 16, b"\3abc\0")], [], 0x8180, "ok"),
    "six": (28, [rr(OWNER, 28, bytes(15) + b"\1")], [], 0x8180, "ok"),
    "pointer": (12, [rr(OWNER, 12, HOST)], [], 0x8180, "ok"),
    "nothing": (1, [], [SOA], 0x8183, "not found"),
    "refused": (1, [], [], 0x8185, None),
}
KINDS = {1: "A", 12: "PTR", 16: "TXT", 28: "AAAA", 33: "SRV"}


def fresh():
    board = Board()
    board.ask()
    board.reply(message(board.frame[28:], [A]))  # what the first one makes is there
    board.work()
    board.taken = 0
    return board


def walk(name):
    kind, answers, authority, flags, told = REPLIES[name]
    board = fresh()
    board.ask(KINDS[kind])
    board.reply(message(board.frame[28:], answers, authority, flags))
    taken, board.told = board.taken, None
    board.work()
    assert board.told == told, (name, board.told)
    print(taken, name)


def by_tcp():
    board = fresh()
    board.ask()
    question = board.frame[28:]
    board.reply(message(question, [A], flags=0x8380))
    board.work()
    iss = int.from_bytes(board.frame[24:28], "big")
    board.segment(0x12, 1000, iss + 1)
    q = board.frame[42:]
    assert board.frame[33] == 0x19, board.frame  # FIN, PSH, ACK
    end = iss + 2 + len(q) + 2
    data = message(q, [A] * 30)
    data = number(len(data)) + data
    board.segment(0x10, 1001, end, data[:100])
    board.segment(0x11, 1101, end, data[100:])
    board.told = None
    taken = board.taken
    board.work()
    assert board.told == "ok" and len(board.records) == 30, board.told
    print(taken, "tcp")


def garbage(rounds):
    board = fresh()
    seed = 77
    told = 0
    names = sorted(REPLIES)
    for k in range(rounds):
        if not board.stack.udp.nums[0]:
            board.now += 20_000
            board.work()
            board.ask(("A", "TXT", "SRV")[k % 3])
            told += 1
        _, answers, authority, flags, _ = REPLIES[names[k % len(names)]]
        data = bytearray(message(board.frame[28:], answers, authority, flags))
        for _ in range(k & 3):
            seed = (seed * 75 + 74) % 65537
            at = 2 + (seed >> 3) % (len(data) - 2)
            seed = (seed * 75 + 74) % 65537
            data[at] = (0, 255, 0xC0, 12, seed & 255)[seed % 5]
        if k % 7 == 0:
            data = data[: seed % len(data)]
        board.reply(data)
        board.work()
        if k % 400 == 0:
            gc.collect()
    assert told > rounds // 50 and not board.failures, (told, board.failures)
    print(board.taken, "garbage")


def leaky():
    board = fresh()
    board.ask()
    board.r.rows[0].end = lambda code: bytearray(99)
    board.reply(message(board.frame[28:], [A]))
    print(board.taken or board.failures, "leaky")


for name in sorted(REPLIES):
    walk(name)
by_tcp()
garbage(10_000 if WIDE else 1500)  # mem_alloc() looks at the whole heap
leaky()
