"""What is not the hot path takes no heap either: connections that the board ends first, and what
goes wrong. `coldpath.py [PATH]`; runs under MicroPython, with the peer of hotpath.py.

Each path is walked once, so that what is made at the first use is there, and then thrice while
heap is counted (heap.py). For each it prints `path octets reached`, with the states and what the
applications and the counters told. host_tests/alloc/test_coldpath.py knows what is to be reached.
"""

# mypy: disable-error-code="attr-defined, call-arg, import-not-found"

import gc
import sys

from micropython import const
from uipy import App, UdpApp
from uipy.apps import Page, Site
from uipy.kern import copy, csum, put16, sadd, u16
from uipy.stack import Stack
from uipy.stat import NAMES

from proof.heap import Walker
from proof.hotpath import ACK, IP, PSH_ACK, SYN, TCP, Line, Peer, Wired, arp, datagram

FIN_ACK = const(0x11)
ROWS = const(3)
STATES = "CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING"
STATES += " LAST-ACK TIME-WAIT"
# What the peer asks the application for, with an octet
SHUTDOWN, CLOSE, ABORT, KEEP, TELL = b"s", b"c", b"a", b"k", b"t"


class Words:
    """A source of so many octets that can be used again."""

    ended = True

    def __init__(self, size):
        self.size = self.left = size

    def fill(self, rel, buf, pos, n):
        n = max(min(n, self.left - rel), 0)
        for i in range(n):
            buf[pos + i] = 46
        return n

    def acked(self, n):
        self.left -= n


class Actor(App):
    """Does what it is asked to; notes what it was told."""

    words = None
    told = {}  # shared: reason -> 1; all that can be told is in it already

    def received(self, conn, buf, start, n):
        what = buf[start]
        if what == 115:
            conn.shutdown()
        elif what == 99:
            conn.close()
        elif what == 97:
            conn.abort()
        elif what == 107:
            conn.keepalive_s = 10
        else:
            if self.words is None:
                self.words = Words(1000)
            self.words.left = 1000
            conn.send(self.words)

    def error(self, conn, reason):
        self.told[reason] = 1

    def closed(self, conn, reason):
        self.told[reason] = 1


class Port(UdpApp):
    def error(self, port, reason):
        Actor.told[reason] = 1


class FinLine(Line):
    """A line that can close its side, start anew, and hold back an acknowledgment."""

    def fin(self):
        self.say(FIN_ACK, 0)
        sadd(self.f, TCP + 4, 1)

    def again(self):
        """The next connection, from another port."""
        self.port = self.port + 1 if self.port < 60000 else 50000
        put16(self.f, TCP, self.port)
        self.open()

    def word(self, what):
        """One octet for the application."""
        self.f[TCP + 20] = what[0]
        self.say(PSH_ACK, 1)

    def unseen(self, n):
        """n octets less are acknowledged from now on, and n more with -n."""
        sadd(self.f, TCP + 8, -n)


class Hearing(Peer):
    """Keeps the beginning of the last frame that it heard, and looks at the states."""

    def __init__(self, stack):
        Peer.__init__(self, stack)
        self.last = bytearray(80)
        self.seen = bytearray(16)
        self.status = bytearray(3)  # of the last HTTP answer

    def hear(self, buf):
        self.look()
        copy(self.last, 0, buf, 2, 80)
        if buf[2 + IP + 9] == 6 and u16(buf, TCP + 2) == 80 and buf[TCP + 2 + 20] == 72:
            copy(self.status, 0, buf, TCP + 2 + 29, 3)
        Peer.hear(self, buf)

    def look(self):
        for conn in self.stack.tcp.conns:
            self.seen[conn.state] = 1

    def give(self, f, n):
        Peer.give(self, f, n)
        self.look()

    def wait(self, ms, step=250):
        """So much time passes."""
        while ms > 0:
            self.now = (self.now + step) & 0x3FFFFFFF
            ms -= step
            self.listen()
            self.look()


class Paths(Walker):
    """Every method but `__init__` is a path; what it takes is counted."""

    def __init__(self):
        site = Site(fields=300)
        site.add("/", Page(b"<p>A page.</p>"))
        self.stack = stack = Stack(
            Wired(),
            ip="192.168.1.7/24",
            gateway="192.168.1.1",
            tcp=ROWS,
            time_wait=2,
            half_open=2,
            now=1000,
            key=b"8 octets",
        )
        stack.on_error = self.on_error
        self.errors = 0
        stack.listen(7, Actor, ROWS)
        stack.listen(80, site, 2)
        self.port = stack.bind(9, Port())
        self.peer = Hearing(stack)
        self.arp = arp()
        self.lines = [FinLine(self.peer, 50000 + 1000 * k, 7) for k in range(ROWS + 1)]
        self.line = self.lines[0]
        self.last = self.lines[ROWS]
        self.http = FinLine(self.peer, 40000, 80)
        self.http.f += bytes(400)
        self.to = b"\xc0\xa8\x01\x09"
        self.words = Words(100)
        self.icmp = datagram(1, bytes(8 + 28))
        self.http_2 = b"GET / HTTP/2.0\r\n\r\n"
        self.half = b"GET / HT"
        self.fields = b"GET / HTTP/1.1\r\nHost: b\r\nX: " + b"x" * 150
        self.more = b"x" * 200
        self.before = [0] * len(NAMES)
        self.greet()

    def on_error(self, exc):
        self.errors += 1
        self.exc = exc

    def greet(self):
        """The board knows our MAC."""
        self.peer.give(self.arp, 60)
        self.peer.listen()

    def gone(self, line):
        """A RST from us: the row is free again."""
        line.say(0x14, 0)
        self.peer.listen()

    # The board closes first

    def fin_wait(self):
        """FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, which answers a FIN again, and ends."""
        line = self.line
        line.again()
        line.word(SHUTDOWN)
        self.peer.listen()
        line.say(ACK, 0)
        line.fin()
        sadd(line.f, TCP + 4, -1)
        line.fin()
        self.peer.wait(130_000, 1000)

    def closing(self):
        """Both close at once."""
        line = self.line
        line.again()
        line.word(SHUTDOWN)
        self.peer.listen()
        line.unseen(1)
        line.fin()
        line.unseen(-1)
        line.say(ACK, 0)
        self.peer.wait(1000)

    def time_wait_full(self):
        """More than TIME-WAIT has rows for."""
        for line in self.lines:
            line.again()
            line.word(SHUTDOWN)
            self.peer.listen()
            line.say(ACK, 0)
            line.fin()
        self.peer.wait(1000)

    def last_ack(self):
        """The other way round."""
        line = self.line
        line.again()
        line.fin()
        line.settle()

    def deaf(self):
        """Data for an application that has closed."""
        line = self.line
        line.again()
        line.word(CLOSE)
        self.peer.listen()
        line.word(TELL)
        self.peer.listen()

    def aborted(self):
        line = self.line
        line.again()
        line.word(ABORT)
        self.peer.listen()

    def kept_alive(self):
        """Probes, one answered, then none."""
        line = self.line
        line.again()
        line.word(KEEP)
        line.settle()
        self.peer.wait(10_500)
        line.say(ACK, 0)
        self.peer.wait(1_200_000, 5000)

    def given_up(self):
        """Data that nobody acknowledges, up to R2."""
        line = self.line
        line.again()
        line.word(TELL)
        self.peer.wait(400_000, 1000)

    def half_opened(self):
        """A SYN, and nothing more."""
        line = self.line
        line.port += 1
        put16(line.f, TCP, line.port)
        line.say(SYN, 0)
        self.peer.wait(90_000, 1000)

    def evicted(self):
        """All rows idle, and a newcomer."""
        for line in self.lines:
            if line is not self.last:
                line.again()
        self.peer.wait(7000)
        line = self.last
        line.again()
        self.peer.wait(2000)
        line.say(ACK, 0)
        self.peer.listen()
        for line in self.lines:
            self.gone(line)

    def sent_udp(self):
        self.greet()
        self.words.left = 100
        self.port.send(self.to, 9, self.words)
        self.peer.listen()

    def too_big(self):
        """A router's word about a datagram, and about a segment."""
        self.sent_udp()
        self.tell(4, 600)
        line = self.line
        line.again()
        line.word(TELL)
        self.peer.listen()
        self.tell(4, 600)
        self.peer.listen()
        line.settle()
        self.gone(line)

    def refused_udp(self):
        self.sent_udp()
        self.tell(3, 0)

    def tell(self, code, mtu):
        """ICMP about the last frame that was heard."""
        f = self.icmp
        f[TCP], f[TCP + 1] = 3, code
        put16(f, TCP + 6, mtu)
        copy(f, TCP + 8, self.peer.last, IP, 28)
        put16(f, TCP + 2, 0)
        put16(f, TCP + 2, csum(f, TCP, 36, 0) ^ 0xFFFF)
        self.peer.give(f, len(f))
        self.peer.listen()

    # HTTP

    def http_505(self):
        self.http.again()
        self.http.ask(self.http_2)
        self.bye()

    def http_431(self):
        self.http.again()
        self.http.ask(self.fields)
        self.http.ask(self.more)
        self.bye()

    def http_408(self):
        self.http.again()
        self.http.ask(self.half)
        self.peer.wait(40_000)
        self.http.settle()
        self.bye()

    def bye(self):
        self.http.settle()
        self.http.fin()
        self.http.settle()
        self.gone(self.http)

    # Counting

    def forget(self):
        for i in range(len(self.peer.seen)):
            self.peer.seen[i] = 0
        for k in Actor.told:
            Actor.told[k] = 0
        for i in range(3):
            self.peer.status[i] = 45
        for i in range(len(NAMES)):
            self.before[i] = self.stack.stat[i]

    def reached(self):
        states = STATES.split()
        words = [states[i] for i in range(len(states)) if self.peer.seen[i]]
        words += [k.replace(" ", "-") for k in Actor.told if Actor.told[k]]
        stat = self.stack.stat
        words += [NAMES[i] for i in range(len(NAMES)) if stat[i] != self.before[i]]
        return words + [bytes(self.peer.status).decode()]


PATHS = "fin_wait closing time_wait_full last_ack deaf aborted kept_alive given_up half_opened"
PATHS += " evicted sent_udp too_big refused_udp http_505 http_431 http_408"


def main(names):
    for name in names or PATHS.split():
        for word in ("done", "reset", "refused", "timeout", "too big", "aborted", "idle"):
            Actor.told[word] = 0
        for word in ("unreachable", "retrying", "error", "closed", "unread"):
            Actor.told[word] = 0
        taken, reached = Paths().walk(name)
        print(name, taken, " ".join(reached))
        gc.collect()


main(sys.argv[1:])
