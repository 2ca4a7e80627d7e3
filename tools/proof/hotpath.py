"""A peer on MicroPython that keeps a stack busy and takes no heap: `hotpath.py MODE [BREAK]`.

    transient   unix binary: known garbage is left, gc.threshold(4096) set, and the hot path run:
                10 000 frames (ARP, echo, UDP, in-order data, ACK). Whatever takes heap, be it the
                frame of a long function in a call, makes the collector run, and the garbage go.
    count       200 rounds of the hot path with HTTP on top, and heap counted (32 bits: mem_alloc)
                or refused (unix: heap_lock)

Prints `inputs replies octets`: what was taken (count) or collected (transient). BREAK is `frame`,
an application with a long VM frame, or `heap`, one that keeps a copy of its data.
"""

# mypy: disable-error-code="attr-defined, call-arg"

import gc
import sys

import micropython
from micropython import const
from uipy.apps import Echo, Page, Site, Text, UdpEcho
from uipy.kern import copy, csum, put16, sadd, u16
from uipy.stack import Stack
from wire.null import Null

BOARD = b"\x02\x00\x00\x00\x00\x07"
PEER = b"\x02\x00\x00\x00\x00\x09"
WIDE = sys.maxsize > 1 << 31  # the unix binary
IP = const(14)  # offsets in a frame of ours; in the stack's buffer they are 2 more
TCP = const(34)
SYN = const(0x02)
ACK = const(0x10)
PSH_ACK = const(0x18)


class LongFrame(Echo):
    """Needs more than 11 words for its frame; they go back to the heap when it returns."""

    def received(self, conn, buf, start, n):
        a = b = c = d = e = f = g = h = n
        Echo.received(self, conn, buf, start, n)
        return max(a, b, c, d, e, f, g, h)


class Keeper(Echo):
    """Keeps what it received."""

    def received(self, conn, buf, start, n):
        self.last = bytes(buf[start : start + n])
        return Echo.received(self, conn, buf, start, n)


def datagram(proto, rest, room=0):
    """A frame from the peer to the board, with room behind what is said."""
    f = bytearray(BOARD + PEER + b"\x08\x00\x45\x00" + bytes(18) + rest + bytes(room))
    f[IP + 8] = 64
    f[IP + 9] = proto
    f[IP + 12 : IP + 20] = b"\xc0\xa8\x01\x09\xc0\xa8\x01\x07"
    length(f, len(rest))
    return f


def length(f, n):
    """n octets behind the IP header."""
    put16(f, IP + 2, 20 + n)
    put16(f, IP + 10, 0)
    put16(f, IP + 10, csum(f, IP, 20, 0) ^ 0xFFFF)


def ping():
    f = datagram(1, b"\x08\x00\x00\x00\x00\x01\x00\x01" + b"x" * 56)
    put16(f, TCP + 2, csum(f, TCP, 64, 0) ^ 0xFFFF)
    return f


def arp():
    return bytearray(
        b"\xff" * 6
        + PEER
        + b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"
        + PEER
        + b"\xc0\xa8\x01\x09"
        + bytes(6)
        + b"\xc0\xa8\x01\x07"
        + bytes(18)
    )


class Line:
    """Our end of one connection: a frame whose sequence numbers move on."""

    def __init__(self, peer, port, to):
        self.peer = peer
        self.port = port
        self.owes = False  # an acknowledgment; set by hear(), cleared by say()
        rest = bytearray(20)
        put16(rest, 0, port)
        put16(rest, 2, to)
        rest[4:8] = b"\x01\x02\x03\x04"
        put16(rest, 14, 8192)
        self.f = datagram(6, rest, 200)
        peer.lines.append(self)

    def say(self, flags, n):
        """One segment with n octets, which lie in the frame already."""
        f = self.f
        self.owes = False
        f[TCP + 12] = 0x50
        f[TCP + 13] = flags
        length(f, 20 + n)
        put16(f, TCP + 16, 0)
        put16(f, TCP + 16, self.sum(n))
        self.peer.give(f, 54 + n)
        sadd(f, TCP + 4, n + (flags >> 1 & 1))

    def sum(self, n):
        s = csum(self.f, IP + 12, 8, 26 + n)
        return csum(self.f, TCP, 20 + n, s) ^ 0xFFFF

    def hear(self, buf):
        """A segment for us lies in the stack's buffer: the next one acknowledges it."""
        n = u16(buf, 4 + IP) - 20 - (buf[TCP + 14] >> 4 << 2)
        flags = buf[TCP + 15]
        n += (flags & 1) + (flags >> 1 & 1)
        if n:
            copy(self.f, TCP + 8, buf, TCP + 6, 4)
            sadd(self.f, TCP + 8, n)
            self.owes = True

    def open(self):
        self.say(SYN, 0)
        self.say(ACK, 0)

    def ask(self, text):
        copy(self.f, TCP + 20, text, 0, len(text))
        self.say(PSH_ACK, len(text))
        self.settle()

    def settle(self):
        """Acknowledges until the board is silent."""
        for _ in range(20):
            self.peer.listen()
            if not self.owes:
                return
            self.say(ACK, 0)


class Wired(Null):
    """One frame at a time comes in; what goes out is heard by the peer at once."""

    peer = None  # set by Peer
    n = 0

    def recv_into(self, buf):
        n = self.n
        if n:
            copy(buf, 2, self.frame, 0, n)
            self.n = 0
        return n

    def send(self, buf, n):
        if self.peer:
            self.peer.hear(buf)


class Peer:
    def __init__(self, stack):
        self.stack = stack
        self.dev = stack.ifaces[0].dev
        self.dev.peer = self
        self.now = stack.now
        self.inputs = self.replies = 0
        self.lines = []

    def give(self, f, n):
        self.dev.frame = f
        self.dev.n = n
        self.inputs += 1
        self.stack.poll(self.now)

    def listen(self):
        """Takes all that the board has to send."""
        self.stack.poll(self.now)

    def hear(self, buf):
        self.replies += 1
        if buf[2 + IP + 9] == 6:
            self.route(buf)

    def route(self, buf):
        port = u16(buf, TCP + 4)
        for line in self.lines:
            if line.port == port:
                line.hear(buf)


class Rounds:
    """The traffic. Every method here that is called in a round has a frame of 11 words or less."""

    def __init__(self, echo):
        site = Site()
        site.add("/", Page(b"<p>A page.</p>" * 300))
        site.add("/text", Text(lambda out: out.put(b"a text")))
        stack = Stack(
            Wired(), ip="192.168.1.7/24", gateway="192.168.1.1", now=1000, key=b"8 octets"
        )
        stack.listen(7, echo, 2)
        stack.listen(80, site, 2)
        stack.bind(7, UdpEcho())
        stack.on_error = self.on_error
        self.errors = 0
        self.peer = Peer(stack)
        self.arp, self.ping = arp(), ping()
        self.udp = datagram(17, b"\x13\x88\x00\x07\x00\x1a\x00\x00" + b"u" * 18)
        self.line = Line(self.peer, 40000, 7)
        self.http = Line(self.peer, 40001, 80)
        self.page = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n"
        self.text = b"GET /text HTTP/1.1\r\nHost: board\r\n\r\n"
        self.peer.listen()
        self.line.open()
        self.http.open()

    def on_error(self, exc):
        self.errors += 1

    def hot(self):
        """ARP, echo, UDP, data, and the ACK of what was echoed: five inputs or six."""
        peer = self.peer
        peer.now += 10
        peer.give(self.arp, 60)
        peer.give(self.ping, 98)
        peer.give(self.udp, 60)
        self.line.say(PSH_ACK, 100)
        self.line.settle()

    def all(self):
        self.hot()
        self.http.ask(self.page)
        self.http.ask(self.text)

    def many(self, n, what):
        for _ in range(n):
            what()

    def report(self, octets):
        print(self.peer.inputs, self.peer.replies, octets or self.errors)


def transient(rounds):
    """Octets of known garbage that were collected meanwhile."""
    what = rounds.hot
    rounds.many(10, what)
    gc.collect()
    garbage = bytearray(100_000)
    garbage = None  # noqa: F841
    gc.threshold(4096)
    before = gc.mem_alloc()
    rounds.many(2000, what)
    return before - gc.mem_alloc()


def count(rounds):
    """Octets that were taken; under the lock, 1 if any were asked for."""
    what = rounds.all
    if not WIDE:
        before = gc.mem_alloc()
        rounds.many(200, what)
        return gc.mem_alloc() - before
    fault = 0
    micropython.heap_lock()
    try:
        rounds.many(200, what)
    except MemoryError:
        fault = 1
    micropython.heap_unlock()
    return fault


BROKEN = {"frame": LongFrame, "heap": Keeper}


def main(mode, broken=None):
    rounds = Rounds(BROKEN.get(broken, Echo))
    rounds.report(transient(rounds) if mode == "transient" else count(rounds))


if __name__ == "__main__":
    main(*sys.argv[1:])
