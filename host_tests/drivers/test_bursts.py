"""Bursts that fill the chip's receive memory, at every phase of a transmission: the board takes
what the memory held, and hears the next ping at once.

The board is the real Stack on the driver and the chip model; it echoes datagrams, so that it sends
all the time, and slowly: the link has 10 Mb/s, so that the transmitter is busy when the next frame
could be taken. It sleeps as long as `poll` tells it to, and nothing wakes it but a falling edge of
INT: who forgets a frame that was counted already, sleeps on it. (Without an INT pin it sleeps for
a millisecond at the most, as firmware/main.py does.)
"""

import struct

import pytest
from chips.faults import Call
from chips.rig import MAC, PEER, Rig
from uipy import Stack
from uipy.apps.echo import UdpEcho

US, WE = bytes((192, 168, 1, 7)), bytes((192, 168, 1, 9))
TURN_NS = 50_000  # of the board's own work between two polls
PATIENCE_MS = 50
EACH_MS = 3  # for a frame of the longest and its answer; a health check comes after 100 or more
CALM_MS = 1100  # longer than any deadline of an idle stack


def csum(data):
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s ^ 0xFFFF


def ip(proto, body):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0) + WE + US
    head = head[:10] + struct.pack("!H", csum(head)) + head[12:]
    return MAC + PEER + b"\x08\x00" + head + body


def datagram(size, k):
    """A frame of so many octets to the echo port; k tells it from the others."""
    data = struct.pack("!H", k) + bytes(size - 14 - 20 - 8 - 2)
    return ip(17, struct.pack("!HHHH", 5000, 7, 8 + len(data), 0) + data)


def ping(k):
    body = struct.pack("!BBHHH", 8, 0, 0, 77, k) + bytes(56)
    return ip(1, body[:2] + struct.pack("!H", csum(body)) + body[4:])


class Sleeper:
    """A board that sleeps until `poll`'s deadline or an edge of INT."""

    def __init__(self, kind, pins=True):
        self.rig = Rig(kind, pins=pins)
        self.clock, self.chip = self.rig.clock, self.rig.chip
        self.chip.BIT_RATE = 10_000_000
        self.stack = Stack(self.rig.dev, "192.168.1.7/24", tcp=0, key=b"a board.", now=self.now())
        self.stack.bind(7, UdpEcho())
        self.turn_ns = TURN_NS
        self.pins = pins
        self.woken = False
        if pins:
            self.rig.dev.on_int(self.edge)
        self.coming = []  # (when, frame), the first first
        self.stored = self.lost = 0  # of these, in the chip's memory, and not
        spend = self.rig.wiring.spend
        self.rig.wiring.spend = lambda n: (spend(n), self.arrive())
        self.run(1000)

    def now(self):
        return self.clock.ns // 1_000_000 & 0x3FFFFFFF

    def edge(self, pin):
        self.woken = True

    def arrive(self):
        while self.coming and self.coming[0][0] <= self.clock.ns:
            if self.chip.wire_in(self.coming.pop(0)[1]):
                self.stored += 1
            else:
                self.lost += 1

    def burst(self, frames, gap):
        """The frames come in from now on, at wire speed or all at once."""
        at = self.clock.ns
        for f in frames:
            self.coming.append((at, f))
            at += (len(f) + 24) * 80 if gap else 0  # FCS, preamble and gap, at 100 Mb/s

    def run(self, ms, done=lambda: False):
        """-> the ms that it took until `done()`; None: it was not in time."""
        start = self.clock.ns
        end = start + ms * 1_000_000
        while self.clock.ns < end:
            wait = self.stack.poll(self.now())
            wait = int(wait) if self.pins else min(int(wait), 1)
            self.clock.advance(self.turn_ns)
            until = min(self.clock.ns + wait * 1_000_000, end)
            while True:
                self.chip.poll()
                self.arrive()
                if done():
                    return (self.clock.ns - start) / 1e6
                if self.woken or self.clock.ns >= until:
                    break
                idle = not self.coming and self.chip.next_at() is None
                self.clock.advance(min(1_000_000 if idle else TURN_NS, until - self.clock.ns))
            self.woken = False
        return None

    def answers(self, proto):
        return [f for f in self.rig.sent if f[12:14] == b"\x08\x00" and f[23] == proto]

    def ping(self, k):
        """-> ms until it was answered, or None."""
        self.rig.sent.clear()
        self.burst([ping(k)], False)
        self.arrive()
        return self.run(PATIENCE_MS, lambda: self.answers(1))


def phases(kind, pins):
    """SPI transactions from a datagram's arrival to the moment that its answer has left."""
    board = Sleeper(kind, pins)
    before = board.rig.wiring.transactions
    board.burst([datagram(100, 0)], False)
    board.run(20)
    return min(board.rig.wiring.transactions - before, 24)


def count(kind, size, around):
    """Frames that fill the receive memory, and some more or less."""
    memory = {"enc28j60": 0x1A00}.get(kind) or Rig(kind).chip.MEMORY
    return memory // (size + 2) + around


def judge(board, offered, where):
    """All that the memory held was answered at once, what it did not hold is counted; and the
    board hears what comes now. No health check had to find a frame that was forgotten."""

    def answered():
        return board.stored + board.lost == offered and len(board.answers(17)) >= board.stored

    took = board.run(CALM_MS, answered)
    assert took is not None and took < 20 + EACH_MS * board.stored, (where, took, board.stored)
    board.run(CALM_MS)
    board.rig.wiring.clear()
    where = (where, board.rig.counters(), board.stored, board.lost)
    assert not board.coming and board.stored + board.lost == offered, where
    assert len(board.answers(17)) == board.stored == board.rig.counters()["rx"], where
    if board.lost:
        assert board.rig.counters().get("rx_full") or board.rig.kind == "enc28j60", where
    for n in range(3):
        assert board.ping(n) is not None, where
        board.run(CALM_MS)


# Size, how many more than fill the memory, at wire speed or all at once, with an INT pin
BURSTS = [
    (60, 0, False, True),
    (60, 0, True, True),
    (300, -1, False, True),
    (300, 1, False, True),
    (300, 40, True, True),
    (1514, 1, True, True),
    (300, 1, False, False),
    (300, 40, True, False),
]


@pytest.mark.parametrize(("size", "around", "wire_speed", "pins"), BURSTS)
def test_a_burst_in_every_transaction_of_an_exchange(kind, size, around, wire_speed, pins):
    frames = [datagram(size, k) for k in range(count(kind, size, around))]
    for k in range(phases(kind, pins)):
        board = Sleeper(kind, pins)
        board.rig.sent.clear()
        board.rig.wiring.at(k, Call(lambda: board.burst(frames, wire_speed)))  # noqa: B023
        board.burst([datagram(100, 0)], False)
        board.arrive()
        judge(board, 1 + len(frames), k)


@pytest.mark.parametrize(("size", "around", "wire_speed", "pins"), BURSTS)
def test_a_burst_with_every_time_between_two_polls(kind, size, around, wire_speed, pins):
    """So that each poll finds the transmitter a little further."""
    frames = [datagram(size, k) for k in range(count(kind, size, around))]
    for us in (1, 3, 5, 16, 31, 50, 60, 90, 200):
        board = Sleeper(kind, pins)
        board.turn_ns = us * 1000
        board.rig.sent.clear()
        board.burst(frames, wire_speed)
        judge(board, len(frames), us)
