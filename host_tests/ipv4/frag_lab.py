"""A board that puts fragments together, and who sends them, for the tests of reassembly."""

import itertools

from lab.net import Station, Wire
from uipy import Reassembly

MF = 0x2000
TOLD = 60_000  # a datagram is given up (RFC 1122 3.3.2)
NOP = b"\x01\x01\x01\x01"


class Raw:
    """Takes protocol 99; keeps what is handed over."""

    def __init__(self, stack):
        self.stack = stack
        self.got = []
        self.look = len
        stack.add_protocol(99, self)

    def input(self, iface):
        seg, b = self.stack.seg, self.stack.buf
        self.look(b)
        self.got.append((bytes(b[seg[1] : seg[1] + 4]), bytes(b[seg[5] : seg[5] + seg[6]])))
        return 0


class Net:
    def __init__(self, slots=2, size=None, **options):
        self.wire = Wire(**options)
        self.stack = self.wire.board()
        self.parts = Reassembly(self.stack, slots, size)
        self.wire.run()
        self.peer = Station(self.wire)
        self.raw = Raw(self.stack)

    def part(self, at, data, more=True, proto=99, ident=7, **header):
        """A fragment arrives whose text begins at octet `at`."""
        frag = (MF if more else 0) | at >> 3
        return self.wire.give(self.peer.datagram(proto, data, frag=frag, ident=ident, **header))

    def parts_of(self, data, cuts, proto=99, order=None, **header):
        """The fragments of a datagram, cut at these octets; what is sent meanwhile."""
        edges = [0, *cuts, len(data)]
        spans = list(itertools.pairwise(edges))
        out = []
        for k in order or range(len(spans)):
            a, b = spans[k]
            out += self.part(a, data[a:b], b < len(data), proto, **header)
        return out

    def count(self, name):
        return dict(self.parts.counters())["frag_" + name]

    @property
    def idle(self):
        return not any(self.parts.tab[o] for o in range(0, len(self.parts.tab), self.parts.row))
