"""Counts the octets of heap that frames from time servers, and messages of a log, take; prints
`octets what`.

Runs on MicroPython of 32 and of 64 bits (tools/proof/heap.py).
"""

from proof.heap import taken
from uipy import Stack
from uipy.host import Sntp, Syslog
from uipy.kern import copy, csum, put16
from wire.null import Null

T2026 = b"\xee\x00\x00\x00\x80\x00\x00\x00"
FRAME = bytearray(28 + 48 + 20)  # IP, UDP, and more than a packet
stack = Stack(Null(0), ip="192.168.1.7/24", tcp=0, udp=4, key=b"a secret", now=1000)
raised = []
stack.on_error = raised.append
sntp = Sntp(stack, ["192.168.1.1", "192.168.1.2"], ticks=lambda: now)
log = Syslog(stack, "192.168.1.5", clock=sntp, host="board", app="test")
now = 1000
seed = 5905


def draw(n):
    """A number below n."""
    global seed
    seed = (seed * 1103 + 12345) & 0x7FFFF
    return (seed >> 4) % n


def ask():
    """Until a request has left; it lies in the stack's buffer then."""
    global now
    log.used = 0
    while True:
        now = (now + 2000) & 0x3FFFFFFF
        n = stack.output(now)
        while n:
            if n == 76:
                return
            n = stack.output(now)


def answer(n=48, sport=123, src=1):
    """A datagram with n octets of what the frame holds, to the port that asked."""
    f = FRAME
    copy(f, 0, b"\x45\0\0\0\0\0\0\0\x40\x11\0\0\xc0\xa8\x01\x01\xc0\xa8\x01\x07", 0, 20)
    f[15] = sntp.to[3] if src else 9
    put16(f, 2, 28 + n)
    put16(f, 10, csum(f, 0, 20, 0) ^ 0xFFFF)
    put16(f, 20, sport)
    put16(f, 22, sntp.port.num)
    put16(f, 24, 8 + n)
    put16(f, 26, 0)  # no checksum
    copy(stack.buf, 2, f, 0, 28 + n)
    stack.input(28 + n, now)


def good():
    """The frame holds a right answer to the request."""
    f = FRAME
    for i in range(28, 76):
        f[i] = 0
    f[28] = 0x24
    f[29] = 2
    copy(f, 52, sntp.nonce, 0, 8)
    copy(f, 60, T2026, 0, 8)
    copy(f, 68, T2026, 0, 8)


class Case:
    """One call, made at construction: neither it nor its arguments take heap."""

    def __init__(self, what, expect):
        self.what = what
        self.expect = expect  # the counter that it must have moved
        self.n = 48
        self.sport = 123
        self.src = 1

    def __call__(self):
        answer(self.n, self.sport, self.src)

    def run(self):
        before = dict(sntp.counters())
        octets = taken(self)
        assert dict(sntp.counters())[self.expect] == before[self.expect] + 1, self.what
        print(octets, self.what)


def case(what, expect, at=0, value=None, **fields):
    ask()
    good()
    if value is not None:
        copy(FRAME, 28 + at, value, 0, len(value))
    c = Case(what, expect)
    for name in fields:
        setattr(c, name, fields[name])
    c.run()


case("the first answer", "sntp_in")
case("another answer", "sntp_in")
case("of the next era", "sntp_doubt", 32, b"\x12\0\0\0\x80\0\0\0\x12\0\0\0\x80\0\0\0")
case("a later one", "sntp_doubt", 32, b"\xee\x10\0\0\x80\0\0\0\xee\x10\0\0\x80\0\0\0")
case("wrong origin", "sntp_bogus", 24, b"whatever")
case("too short", "sntp_bad", n=47)
case("nothing", "sntp_bad", n=0)
case("a long one", "sntp_in", n=68)
case("another port", "sntp_stray", sport=124)
case("another host", "sntp_stray", src=0)
case("not synchronised", "sntp_unsync", 0, b"\xe4")
case("far away", "sntp_unsync", 8, b"\xff\xff\xff\xff")
case("backwards", "sntp_bad", 32, b"\xff")
case("RATE", "sntp_kiss", 1, b"\0\x06\0\0\0\0\0\0\0\0\0RATE")
case("another kiss", "sntp_kiss", 1, b"\0\0\0\0\0\0\0\0\0\0\0INIT")


class Storm:
    """Ten thousand answers, random and mutated."""

    def __init__(self, n):
        self.n = n

    def __call__(self):
        for _ in range(self.n):
            if draw(4):
                good()
                FRAME[28 + draw(48)] = draw(256)
                FRAME[28 + draw(48)] = draw(256)
            else:
                for i in range(28, 96):
                    FRAME[i] = draw(256)
            sntp.asked = True
            sntp.servers.state[0] = sntp.servers.state[1] = 0
            answer(draw(69) if draw(4) == 0 else 48)


storm = Storm(10_000)
print(taken(storm), "ten thousand answers")
T = bytearray(9)
assert sntp.into(T, 0)
print(taken(lambda: sntp.into(T, 0)), "the time")


class Ping:
    """A message in a callback, and its datagram."""

    def __init__(self, text):
        self.text = text
        self.n = 0

    def __call__(self):
        log.log(30, self.text)
        self.n = log.fill(0, stack.buf, 30, 1472)
        log.acked(self.n)


log.used = 0
for text in (b"the tank is full", "\xe4\xf6\u20ac\n".encode(), b"\xff\x00\xc3", b"x" * 5000):
    ping = Ping(text)
    print(taken(ping), "log", text[:8])
    assert ping.n > 40 and not log.used


def flood():
    for _ in range(200):
        log.info(ping.text)


print(taken(flood), "a ring that is full")
assert dict(log.counters())["syslog_overflow"] > 150
kept = []
print(taken(lambda: kept.append(bytes(T))), "leaky")  # must not be 0
assert not raised, raised
