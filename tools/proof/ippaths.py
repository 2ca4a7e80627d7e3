"""Fragments, groups and redirects take no heap: `ippaths.py [PATH]`, in the manner of coldpath.py.

For each path it prints `path octets reached`: what three walks took (heap.py),
and the counters that moved. host_tests/alloc/test_coldpath.py knows what is to be reached.
"""

# mypy: disable-error-code="attr-defined, call-arg, import-not-found"

import gc
import sys

from uipy import Groups, Reassembly, Redirects, UdpApp
from uipy.kern import csum, put16, u16
from uipy.stack import Stack
from uipy.stat import NAMES

from proof.heap import Walker
from proof.hotpath import IP, TCP, Peer, Wired, arp, datagram

GROUP = b"\xef\x01\x02\x03"
FAR = b"\x08\x08\x08\x08"


class Word:
    """A source of four octets that can be used again."""

    def fill(self, rel, buf, pos, n):
        for i in range(4):
            buf[pos + i] = 46
        return 4

    def acked(self, n):
        pass


def summed(f):
    """With the IP header's checksum."""
    put16(f, IP + 10, 0)
    put16(f, IP + 10, csum(f, IP, (f[IP] & 15) * 4, 0) ^ 0xFFFF)
    return f


def icmp(rest):
    """An ICMP message with its checksum."""
    rest = bytearray(rest)
    put16(rest, 2, csum(rest, 0, len(rest), 0) ^ 0xFFFF)
    return bytes(rest)


def part(at, text, more, ident=7, proto=1):
    f = datagram(proto, text)
    put16(f, IP + 4, ident)
    put16(f, IP + 6, (0x2000 if more else 0) | at >> 3)
    return summed(f)


def igmp(kind, group, to, tenths):
    """To a group, by its MAC; from another member or a router."""
    f = datagram(2, icmp(bytes((kind, tenths, 0, 0)) + group))
    f[0:6] = b"\x01\x00\x5e" + to[1:]
    f[IP + 16 : IP + 20] = to
    return summed(f)


class Paths(Walker):
    """Every method without arguments is a path; what it takes is counted."""

    def __init__(self):
        self.stack = stack = Stack(
            Wired(),
            ip="192.168.1.7/24",
            gateway="192.168.1.1",
            tcp=0,
            now=1000,
            key=b"8 octets",
            groups=3,
        )
        stack.on_error = self.on_error
        self.errors = 0
        self.port = stack.bind(9, UdpApp())
        self.reassembly = Reassembly(stack, 2)
        self.groups = Groups(stack)
        self.redirects = Redirects(stack, 2)
        self.parts = (self.reassembly, self.groups, self.redirects)
        self.peer = Peer(stack)
        self.arp = arp()
        whole = icmp(b"\x08\x00\x00\x00\x00\x01\x00\x01" + b"x" * 1000)
        self.three = [part(0, whole[:400], 1), part(400, whole[400:800], 1)]
        self.three += [part(800, whole[800:], 0)]
        self.over = part(392, whole[392:800], 1)
        self.short = part(400, whole[400:405], 1)
        self.long = part(16000, whole[:400], 0)
        self.many = [part(0, b"x" * 64, 1, k, 99) for k in range(5)]
        self.all = igmp(0x11, bytes(4), b"\xe0\0\0\1", 10)
        self.one = igmp(0x11, GROUP, GROUP, 10)
        self.old = igmp(0x11, bytes(4), b"\xe0\0\0\1", 0)
        self.other = igmp(0x16, GROUP, GROUP, 0)
        quoted = summed(datagram(17, b"\0\x09\0\x09\0\x08\0\0"))
        quoted[IP + 12 : IP + 20] = b"\xc0\xa8\x01\x07" + FAR
        body = icmp(b"\x05\x01\0\0\xc0\xa8\x01\x09" + bytes(summed(quoted)[IP:]))
        self.redirect = datagram(1, body)
        self.redirect[IP + 12 : IP + 16] = b"\xc0\xa8\x01\x01"
        summed(self.redirect)
        self.word = Word()
        self.before = [0] * len(NAMES)
        self.told = [bytearray(32) for _ in self.parts]
        self.groups.join(GROUP)
        self.give(self.arp)
        self.wait(11_000)

    def on_error(self, exc):
        self.errors += 1

    def give(self, f):
        self.peer.give(f, len(f))

    def wait(self, ms, step=500):
        while ms > 0:
            self.peer.now = (self.peer.now + step) & 0x3FFFFFFF
            ms -= step
            self.peer.listen()

    # The paths

    def fragmented_ping(self):
        for f in self.three:
            self.give(f)

    def overlapping(self):
        self.give(self.three[0])
        self.give(self.over)
        self.give(self.three[2])
        self.wait(61_000)

    def too_late(self):
        """The sender is told."""
        self.give(self.three[0])
        self.give(self.three[1])
        self.give(self.three[1])
        self.wait(61_000)

    def nonsense(self):
        self.give(self.short)
        self.give(self.three[0])
        self.give(self.long)
        self.wait(61_000)

    def crowded(self):
        for f in self.many:
            self.give(f)
        self.wait(61_000)

    def queried(self):
        self.give(self.all)
        self.wait(2000)
        self.give(self.one)
        self.wait(2000)

    def suppressed(self):
        self.give(self.one)
        self.give(self.other)
        self.wait(2000)

    def old_router(self):
        self.give(self.old)
        self.wait(11_000)

    def redirected(self):
        self.give(self.arp)
        self.give(self.redirect)
        self.port.send(FAR, 9, self.word)
        self.peer.listen()
        self.wait(601_000, 5000)

    # Counting

    def forget(self):
        for i in range(len(NAMES)):
            self.before[i] = self.stack.stat[i]
        for k in range(len(self.parts)):
            for i in range(len(self.parts[k].stat)):
                put16(self.told[k], 2 * i, self.parts[k].stat[i])

    def reached(self):
        stat = self.stack.stat
        words = [NAMES[i] for i in range(len(NAMES)) if stat[i] != self.before[i]]
        for k in range(len(self.parts)):
            names, stat, told = self.parts[k].NAMES, self.parts[k].stat, self.told[k]
            words += [names[i] for i in range(len(names)) if stat[i] != u16(told, 2 * i)]
        return words


PATHS = "fragmented_ping overlapping too_late nonsense crowded queried suppressed old_router"
PATHS += " redirected"
assert TCP == IP + 20


def main(names):
    for name in names or PATHS.split():
        taken, reached = Paths().walk(name)
        print(name, taken, " ".join(reached))
        gc.collect()


main(sys.argv[1:])
