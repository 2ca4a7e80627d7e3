"""Counts the octets of heap that timers, polls of ports, pings and pieces of lines take; prints
`octets what`.

Runs on MicroPython of 32 and of 64 bits (tools/proof/heap.py).
"""

from proof.conn import Conn, load
from proof.heap import taken
from uipy import Stack, UdpApp
from uipy.host import Ping
from uipy.kern import copy, csum, put16, zero
from uipy.lines import Lines
from wire.null import Null

stack = Stack(Null(0), ip="192.168.1.7/24", tcp=0, udp=2, key=b"a secret", now=1000)
raised = []
stack.on_error = raised.append
now = 1000
calls = bytearray(4)


def count(k):
    calls[k] = (calls[k] + 1) & 0xFF


class Polled(UdpApp):
    poll_ms = 70

    def poll(self, port):
        count(1)


def told(ms):
    count(2 if ms is None else 3)


timer = stack.every(100, lambda: count(0))
stack.bind(7, Polled())
ping = Ping(stack, rows=2)


def turn():
    """A poll, a hundredth of a second later; the length of the frame that was sent last."""
    global now
    now = (now + 10) & 0x3FFFFFFF
    last = 0
    n = stack.output(now)
    while n:
        last = n
        n = stack.output(now)
    return last


def turns():
    for _ in range(100):
        turn()


turns()
zero(calls, 0, 4)
print(taken(turns), "timers")
assert calls[0] == 10 and calls[1] >= 14, calls


HEAD = b"\x45\0\0\0\0\0\0\0\x40\x01\0\0\xc0\xa8\x01\x09\xc0\xa8\x01\x07"
REPLY = bytearray(100)
PEER = b"\xc0\xa8\x01\x09"


class Arrives:
    """A frame of n octets in REPLY."""

    n = 0

    def __call__(self):
        copy(stack.buf, 2, REPLY, 0, self.n)
        stack.input(self.n, now)
        turn()


arrives = Arrives()


def seal(n, kind):
    """The frame has an ICMP message of n octets, of which the type is set."""
    copy(REPLY, 0, HEAD, 0, 20)
    put16(REPLY, 2, 20 + n)
    put16(REPLY, 10, csum(REPLY, 0, 20, 0) ^ 0xFFFF)
    REPLY[20] = kind
    REPLY[21] = 1 if kind == 3 else 0
    put16(REPLY, 22, 0)
    put16(REPLY, 22, csum(REPLY, 20, n, 0) ^ 0xFFFF)
    arrives.n = 20 + n


def answered(what, expect):
    zero(calls, 2, 2)
    octets = taken(arrives)
    assert (calls[2], calls[3]) == expect, (what, calls)
    print(octets, what)


def ask():
    ping.send(PEER, told, 56)
    stack.output(now)  # what is due leaves; the request lies in the buffer


ask()
copy(REPLY, 20, stack.buf, 22, 64)
seal(64, 0)
answered("an answer", (0, 1))
answered("the same once more", (0, 0))
ask()
copy(REPLY, 20, stack.buf, 22, 64)
REPLY[26] ^= 1
seal(64, 0)
answered("an answer to another request", (0, 0))
turns()
turns()
ask()
copy(REPLY, 28, stack.buf, 2, 28)
zero(REPLY, 20, 8)
seal(36, 3)
answered("no way to that host", (1, 0))


class Leaves:
    def __call__(self):
        self.n = turn()


leaves = Leaves()
leaves.n = 0  # now, so that the object does not grow
ping.send(PEER, told, 56)
print(taken(leaves), "a request")
assert leaves.n == 84, leaves.n
turns()
turns()


class Quiet(Lines):
    def line(self, conn, text):
        count(0)


lines = Quiet()
conn = Conn(lines)
conn.can_send = True
lines.connected(conn)
n = load(b"half a line, and no end of it")


def piece():
    conn.feed(n)


piece()
print(taken(piece), "a piece of a line")
kept = []
print(taken(lambda: kept.append(bytes(n))), "leaky")  # must not be 0
assert not raised, raised
