"""Replays recorded frames on MicroPython and counts the heap they take: `replay.py FILE [HOW]`.

The file is what host_tests/lab/framelog.py wrote. Each stack in it is made anew, with echo, HTTP
and a UDP echo attached, and given what it was given then, at the times of then, and asked for all
output that is due. The loop around it takes no heap itself, so that all that is counted (heap.py)
is the stack's.

A stack that took heap is played once more frame by frame, to name the frames. Prints a line for
each of the first few, and in the end `frames stacks passive active replies faults`. HOW says what
listens in place of the echo: `break` allocates, so that the count can be seen to work; `first`
ends its connections before the peer does, each of them in another way.
"""

# mypy: disable-error-code="attr-defined, call-arg"

import gc
import json
import sys

from uipy.app import App
from uipy.apps import Echo, Page, Site, Text, UdpEcho
from uipy.errors import Error
from uipy.kern import u16, u32
from uipy.stack import Stack
from uipy.stat import NAMES
from wire.null import Null

from proof.heap import WIDE, taken

KEY = b"a secret"  # that of host_tests/lab/net.py: the same initial sequence numbers
PASSIVE = NAMES.index("tcp_passive")
SHOWN = 5  # faults
OUTPUTS = 32  # after one input
NEW_STACK = 0xFFFF
CONNECT = 0xFFFE


class Spendthrift(App):
    """Allocates with what it receives."""

    def received(self, conn, buf, start, n):
        self.last = bytes(buf[start : start + n])


class First(Echo):
    """Shuts down, closes or aborts, at once or with the first data; or asks for keep-alives."""

    turn = 0  # of all of them

    def connected(self, conn):
        First.turn = (First.turn + 1) % 6
        self.way = First.turn
        Echo.connected(self, conn)
        conn.keepalive_s = 1
        self.leave(conn, 0)

    def received(self, conn, buf, start, n):
        n = Echo.received(self, conn, buf, start, n)
        self.leave(conn, 3)
        return n

    def leave(self, conn, first):
        if not conn.can_send:
            return
        if self.way == first:
            conn.shutdown()
        elif self.way == first + 1:
            conn.close()
        elif self.way == first + 2:
            conn.abort()


def listening(stack, echo, ports):
    """The applications of the replay: HTTP on 80, and echo where the suite listened."""
    site = Site()
    site.add("/", Page(b"<p>A page.</p>" * 200))
    site.add("/text", Text(lambda out: out.put(b"a text")))
    if stack.tcp:
        stack.listen(80, site, 2)
        for port in {p for p in ports if p != 80}:
            stack.listen(port, echo, 4)
    if stack.udp:
        stack.bind(7, UdpEcho())


def stack_of(made, now, echo):
    more = {k: made[k] for k in ("tcp", "udp", "arp", "half_open", "time_wait") if k in made}
    stack = Stack(
        Null(made["l2"], made["mtu"]),
        ip=made.get("ip"),
        gateway=made.get("gateway"),
        key=KEY,
        now=now,
        tcp_options=made["options"],
        **more,
    )
    listening(stack, echo, [p for p in made["listen"] if 0 < p < 65536])
    return stack


class Replay:
    """A file of records, one stack a step."""

    def __init__(self, path, echo):
        self.f = open(path, "rb")  # noqa: SIM115
        self.echo = echo
        self.head = bytearray(6)
        self.seen = bytearray(1600)  # the frame; the buffer holds the reply afterwards
        self.stack = self.view = None
        self.now = self.size = self.errors = 0
        self.frames = self.stacks = self.passive = self.active = self.replies = self.faults = 0
        self.more = self.record()

    # Reading

    def record(self):
        """The head of the next record; false at the end of the file."""
        self.more = self.f.readinto(self.head) == 6
        self.now = u32(self.head, 0)
        self.size = u16(self.head, 4)
        return self.more

    def told(self):
        """The JSON of a record that is no frame."""
        return json.loads(self.f.read(int.from_bytes(self.f.read(2), "big")))

    def made(self):
        """The stack whose record has begun."""
        made = self.told()
        self.stack = stack_of(made, self.now, self.echo)
        self.stack.on_error = self.on_error
        self.view = memoryview(self.stack.buf)[2:]
        self.record()

    def on_error(self, exc):
        """A callback raised: under the lock, because it asked for heap."""
        self.errors += 1

    # Playing: no heap

    def give(self):
        """The next frame arrives, when what was due by then has left."""
        self.output()
        self.f.readinto(self.view, self.size)
        self.frames += 1
        if self.stack.input(self.size, self.now):
            self.replies += 1
        self.output()
        self.record()

    def output(self):
        for _ in range(OUTPUTS):
            if not self.stack.output(self.now):
                return
            self.replies += 1

    def play(self):
        while self.more and self.size < CONNECT:
            self.give()

    def calls(self):
        """The calls of `connect` that come next; what they take is the caller's."""
        while self.more and self.size == CONNECT:
            asked = self.told()
            try:
                self.stack.connect(self.echo(), asked["ip"], asked["port"], lport=asked["lport"])
                self.active += 1
            except Error:  # as in the recording: a test asked for the impossible
                pass
            self.record()

    # Counting

    def taken(self, what):
        """The octets of heap that what() took (heap.py)."""
        self.errors = 0
        return taken(what) or (self.errors if WIDE else 0)

    def step(self):
        """One stack and all that it was given; false when there is no further one."""
        at, now, frames = self.f.tell(), self.now, self.frames
        self.made()
        if self.all():
            self.f.seek(at)
            self.now, self.more, self.frames = now, True, frames
            self.made()
            self.one_by_one()
        self.stacks += 1
        self.passive += self.stack.stat[PASSIVE]
        self.stack = self.view = None
        gc.collect()
        if not self.more:
            self.report()
        return self.more

    def report(self):
        opened = "%d %d" % (self.passive, self.active)
        print(self.frames, self.stacks, opened, self.replies, self.faults)

    def all(self):
        """The heap that all frames of this stack take."""
        octets = 0
        while self.more and self.size < NEW_STACK and not octets:
            self.calls()
            octets = self.taken(self.play)
        return octets

    def one_by_one(self):
        while self.more and self.size < NEW_STACK:
            self.calls()
            if not self.more or self.size >= CONNECT:
                return
            index, size, at = self.frames, self.size, self.f.tell()
            self.f.readinto(self.seen, size)
            self.f.seek(at)
            octets = self.taken(self.give)
            if octets:
                self.faults += 1
                if self.faults <= SHOWN:
                    shown = "".join("%02x" % x for x in self.seen[: min(size, 80)])
                    print("frame", index, "of", size, "octets takes", octets, shown)
            if self.frames == index:  # the lock ended the call before its time
                self.f.seek(at + size)
                self.frames += 1
                self.record()


HOW = {"break": Spendthrift, "first": First}
job = Replay(sys.argv[1], HOW[sys.argv[2]] if sys.argv[2:] else Echo)
if WIDE:
    while job.step():
        pass
# %% while more
more = job.more and job.step()
