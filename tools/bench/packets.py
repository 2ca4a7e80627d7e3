"""What one packet costs the stack: runs under MicroPython, counted from outside by bench.py.

    packets.py CASE N with|without

CASE: icmp (56 octets), udp (18), tcp64, tcp1460: an echo each. N packets are prepared, and given
to `stack.input` with `with`; the difference is the stack's, application and reply included.
"""

import gc
import sys

from proof import hotpath
from uipy.apps import Echo, UdpEcho
from uipy.kern import copy, csum, put16, sadd
from uipy.stack import Stack


class Segments:
    """Data of n octets on one connection; each segment acknowledges the echo of the one before."""

    def __init__(self, peer, n):
        self.n = n
        line = hotpath.Line(peer, 40000, 7)
        line.f = line.f + bytes(n)
        self._open(peer, line)
        self.f = line.f
        self.size = self.answer = hotpath.TCP + 20 + n
        self.f[hotpath.TCP + 13] = hotpath.PSH_ACK
        hotpath.length(self.f, 20 + n)
        self._sum()

    def _open(self, peer, line):
        """The handshake; our SYN offers an MSS of 1460."""
        f, at = line.f, hotpath.TCP
        copy(f, at + 20, b"\x02\x04\x05\xb4", 0, 4)
        f[at + 12] = 0x60
        f[at + 13] = hotpath.SYN
        hotpath.length(f, 24)
        put16(f, at + 16, line.sum(4))
        peer.give(f, at + 24)
        sadd(f, at + 4, 1)
        line.say(hotpath.ACK, 0)

    def _sum(self):
        at = hotpath.TCP
        put16(self.f, at + 16, 0)
        s = csum(self.f, hotpath.IP + 12, 8, 26 + self.n)
        put16(self.f, at + 16, csum(self.f, at, 20 + self.n, s) ^ 0xFFFF)

    def next(self):
        sadd(self.f, hotpath.TCP + 4, self.n)
        sadd(self.f, hotpath.TCP + 8, self.n)
        self._sum()


class Same:
    """The same frame again and again; `answer` is the length of what comes back."""

    def __init__(self, f, n, answer):
        self.f = f
        self.size = n
        self.answer = answer

    def next(self):
        pass


def make(case, peer):
    if case == "icmp":
        return Same(hotpath.ping(), 98, 98)
    if case == "udp":
        return Same(hotpath.datagram(17, b"\x13\x88\x00\x07\x00\x1a\x00\x00" + b"u" * 18), 60, 60)
    return Segments(peer, int(case[3:]))


def prepare(case, stack):
    """The packets of a case, and on the stack what answers them. Its device is a hotpath.Wired."""
    stack.listen(7, Echo, 1)
    stack.bind(7, UdpEcho())
    peer = hotpath.Peer(stack)
    peer.give(hotpath.arp(), 60)
    peer.listen()
    return make(case, peer)


def run(case, n, full):
    stack = Stack(hotpath.Wired(), ip="192.168.1.7/24", now=1000, key=b"8 octets")
    packets = prepare(case, stack)
    buf, now, size, replies = stack.buf, stack.now, packets.size, 0
    gc.collect()
    gc.disable()  # one collection among a thousand packets is 4 k instructions to each
    for _ in range(n):
        copy(buf, 2, packets.f, 0, size)
        if full and stack.input(size, now) == packets.answer:
            replies += 1
        packets.next()
    if full and replies != n:
        raise SystemExit("%d of %d packets were answered" % (replies, n))


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "with")
