"""An exchange of a board with the network, and how it is counted: runs under MicroPython.
host.py and web.py have the exchanges, run.py and board.py have them counted.
"""

from proof import hotpath
from uipy import Stack
from uipy.kern import copy, csum, put16

OURS = b"\xc0\xa8\x01\x07"
THEIRS = b"\xc0\xa8\x01\x09"


def short(n):
    return bytes((n >> 8, n & 255))


def frame(proto, rest, to=OURS, ttl=64, options=b"", fragment=0):
    """From the peer, to us, to everybody or to a group."""
    mac = hotpath.BOARD if to == OURS else b"\xff" * 6
    if 224 <= to[0] < 240:
        mac = b"\x01\x00\x5e" + to[1:]
    head = bytearray(20) + options
    head[0] = 0x40 | len(head) >> 2
    put16(head, 2, len(head) + len(rest))
    put16(head, 6, fragment)
    head[8:10] = bytes((ttl, proto))
    head[12:20] = THEIRS + to
    put16(head, 10, csum(head, 0, len(head), 0) ^ 0xFFFF)
    return bytearray(mac + hotpath.PEER + b"\x08\x00" + head + rest)


def udp(sport, dport, data, to=OURS, ttl=64):
    body = bytearray(short(sport) + short(dport) + short(8 + len(data)) + b"\0\0" + data)
    pseudo = THEIRS + to + b"\0\x11" + short(len(body)) + body
    put16(body, 6, csum(pseudo, 0, len(pseudo), 0) ^ 0xFFFF)
    return frame(17, bytes(body), to, ttl)


def name(text):
    return b"".join([bytes((len(x),)) + x for x in text.split(b".")]) + b"\0"


def record(owner, kind, klass, data):
    return owner + short(kind) + short(klass) + b"\0\0\0\x78" + short(len(data)) + data


class Case:
    """An exchange: what the board says by itself, if anything, and what is said to it.

    before()    prepares it      ask()    the board begins (`asks`)
    between()   lays the frame `f` into the stack's buffer
    give()      the stack takes it and, if `answers`, sends what is due
    """

    frames = 0  # that one exchange has the board send
    asks = answers = False
    ip: "str | None" = "192.168.1.7/24"

    def __init__(self):
        self.stack = stack = Stack(
            hotpath.Wired(), self.ip, "192.168.1.9", udp=16, groups=4, key=b"8 octets", now=1000
        )
        stack.on_error = self.failed
        self.buf = stack.buf
        self.now = 1000
        self.sent = 0
        self.input = stack.input
        self.output = stack.output
        self.f = b""
        self.make()
        self.wait(100)
        self.hear(hotpath.arp())

    def failed(self, exc):
        raise exc

    def make(self):
        """The part at work, and the frame."""

    def hear(self, f):
        """A frame that belongs to no exchange."""
        copy(self.buf, 2, f, 0, len(f))
        self.stack.input(len(f), self.now)

    def wait(self, ms):
        """Time goes by; what is due is sent."""
        while ms > 0:
            self.stack.poll(self.now)
            ms -= 50
            self.now += 50

    def before(self):
        pass

    def ask(self):
        pass

    def between(self):
        copy(self.buf, 2, self.f, 0, len(self.f))

    def give(self):
        self.sent += 1 if self.input(len(self.f), self.now) else 0
        if self.answers:
            self.out()

    def out(self):
        while self.output(self.now):
            self.sent += 1

    def count(self):
        """How many exchanges have done what they are for."""
        raise NotImplementedError

    def check(self, n):
        """Ends the program unless n exchanges did what they are for."""
        good = self.count()
        if good != n or self.sent != self.frames * good:
            name = type(self).__name__
            raise SystemExit("%s: %d of %d were good, %d frames" % (name, good, n, self.sent))

    def alone(self):
        """From now on the stack is left out. What stands for it costs next to nothing; `output`
        has to end.
        """
        self.asks = False
        self.input = min
        self.output = callable


def nothing():
    pass


def rounds(case, n, up=nothing, down=nothing):
    """n exchanges; up() and down() are called around what the board does."""
    asks = case.asks
    for _ in range(n):
        case.before()
        up()
        if asks:
            case.ask()
        down()
        case.between()
        up()
        case.give()
        down()
