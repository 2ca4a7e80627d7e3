"""Fragments are put together (RFC 791 3.2, RFC 815, RFC 1122 3.3.2) in a fixed pool of slots.

A slot is a row of what is known of a datagram, and octets for its text. Which of them have come is
a map of two bits for each block of 8 octets, for fragments begin at blocks:

    0 it has not come     1 it has     2 it has, and a fragment began with it

So a fragment that comes again is told from one that overlaps others. An overlap drops the whole
datagram, with what will still come of it (RFC 5722 3): no honest sender makes one. So do lengths
that contradict each other or go beyond the slot. The slot then remembers whose fragments are not
wanted, until its time is over.

A datagram is given 60 s from its first fragment on (RFC 1122 3.3.2). If the first of its fragments
had come then, its sender is told (RFC 792: time exceeded, code 1). When all slots are taken, the
one that waits longest gives way, those that only remember first.

The rows are gone through by `while`: a range whose step is not constant takes heap.

When the last octet is there, the next `output` writes the datagram into the buffer as one frame,
with the headers of the fragment at 0, and gives it to the stack as if it came from the device; the
answer is the frame that `output` has for it. To the counters of the stack it is no frame more.
"""

from array import array

from micropython import const

from ..errors import Error
from ..kern import bump, copy, csum, put16, put32, same, tadd, tdiff, u16, u32, zero
from ..kern.ptr import kernel, ptr8
from ..stat import N_FRAMES_IN, N_IP_IN
from .datagram import AT, CAST, FAR, IP_AT, L2, LEN, NOW, OUR_IP, OUT_IFACE, PROTO
from .front import FRAGMENT
from .icmp import ICMP
from .iface import SPARE

_PATIENCE_MS = const(60_000)

_STATE = const(0)
_IFACE = const(1)
_ECN = const(2)  # one bit for each code point that has come
_PROTO = const(3)
_ID = const(4)
_ADDRS = const(6)  # source and destination, as in the header
_GOT = const(14)  # octets
_TOTAL = const(16)  # octets there are to be; 0: not known yet
_HIGH = const(18)  # the end of what came
_ENDS_AT = const(20)  # when its time is over
_HL = const(24)  # octets of the first fragment's IP header; 0: it has not come
_LINK = const(25)  # its link header
_HEADER = const(39)  # and its IP header
_MAP = const(99)

_UNUSED = const(0)
_REFUSED = const(1)
_GATHERS = const(2)
_WHOLE = const(3)

_AGAIN = const(1)  # what `claim` says

_NO_ECT = const(1)  # in _ECN
_CE = const(8)

_C_IN = const(0)
_C_BAD = const(1)
_C_REPEATED = const(2)
_C_OVERLAP = const(3)
_C_LONG = const(4)
_C_EVICTED = const(5)
_C_TIMEOUT = const(6)
_C_DONE = const(7)


@kernel
def claim(m: ptr8, at: int, first: int, end: int) -> int:
    """The blocks from `first` up to `end` have come, in the map at m[at]: 0. 1: just these have
    come before as one fragment; 2: some of them have come with others. Then nothing is marked."""
    seen = starts = head = 0
    k = first
    while k < end:
        v = (m[at + (k >> 2)] >> ((k & 3) << 1)) & 3
        if v:
            seen += 1
        if v == 2:
            starts += 1
            if k == first:
                head = 1
        k += 1
    if seen:
        v = (m[at + (end >> 2)] >> ((end & 3) << 1)) & 3  # the next one: of the same fragment?
        if head and starts == 1 and seen == end - first and v != 1:
            return 1
        return 2
    k = first
    v = 2
    while k < end:
        m[at + (k >> 2)] = m[at + (k >> 2)] | (v << ((k & 3) << 1))
        v = 1
        k += 1
    return 0


class Reassembly:
    """Takes the fragments of a stack: `slots` datagrams at a time, of `size` octets behind the IP
    header at the most; by default what the stack's buffer can hold, 1480 for an mtu of 1500.

    Takes slots * (size + size / 32 + 102) octets. Raises `Error` for a size that the buffer cannot
    hold.
    """

    NAMES = (
        "frag_in",
        "frag_bad",
        "frag_repeated",
        "frag_overlap",
        "frag_too_long",
        "frag_evicted",
        "frag_timeout",
        "frag_reassembled",
    )
    HELP = (
        "Fragments received.",
        "Fragments without text, or with a length that none but the last can have; dropped.",
        "Fragments that came again; dropped.",
        "Datagrams dropped because fragments overlapped or contradicted each other.",
        "Datagrams dropped because they are longer than a slot or the buffer.",
        "Datagrams given up for fragments of another one.",
        "Datagrams given up because a fragment did not come in time.",
        "Datagrams put together.",
    )

    def __init__(self, stack, slots=2, size=None):
        most = len(stack.buf) - 2 - stack.ifaces[0].face[L2] - SPARE - 20
        size = size or most
        if not 8 <= size <= most or slots < 1:
            raise Error("fragments need a slot or more, of 8 to %d octets" % most)
        self.stack = stack
        self.size = size = (size + 7) & ~7
        self.row = _MAP + (size >> 5) + 2  # two bits a block, and a block that never comes
        self.tab = bytearray(slots * self.row)
        self.text = bytearray(slots * size)
        self.stat = array("i", bytearray(4 * len(self.NAMES)))
        stack.add_protocol(FRAGMENT, self)
        stack.layers.append(self)

    def counters(self):
        """Yields (name, value); a value wraps at 2**30."""
        for k in range(len(self.NAMES)):
            yield self.NAMES[k], self.stat[k]

    # What arrives

    def input(self, iface):
        """A fragment; there is no reply."""
        seg = self.stack.seg
        b = self.stack.buf
        bump(self.stat, _C_IN)
        flags = u16(b, seg[IP_AT] + 6)
        n = seg[LEN]
        # RFC 791 3.2: all but the last are whole blocks. An empty one says nothing. The last octet
        # of a datagram has a number below 65516, for the header counts as well.
        at = (flags & 0x1FFF) << 3
        if n == 0 or (flags & 0x2000 and n & 7) or at + n > 65515:
            bump(self.stat, _C_BAD)
            return 0
        o = self._slot(iface)
        if o >= 0 and self.tab[o + _STATE] == _GATHERS:
            self._put(iface, o, at, n, not flags & 0x2000)
        return 0

    def _slot(self, iface):
        # The row of the datagram that the fragment at hand is of: an old one or a new one; -1 if
        # there is none to have.
        t = self.tab
        seg = self.stack.seg
        b = self.stack.buf
        h = seg[IP_AT]
        o = 0
        while o < len(t):
            if (
                t[o + _STATE]
                and same(t, o + _ID, b, h + 4, 2)
                and same(t, o + _ADDRS, b, h + 12, 8)
                and t[o + _PROTO] == seg[PROTO]
                and t[o + _IFACE] == iface.idx
            ):
                return o
            o += self.row
        o = self._room()
        if o < 0:
            return o
        zero(t, o, self.row)
        t[o + _STATE] = _GATHERS
        t[o + _IFACE] = iface.idx
        t[o + _PROTO] = seg[PROTO]
        copy(t, o + _ID, b, h + 4, 2)
        copy(t, o + _ADDRS, b, h + 12, 8)
        h = tadd(self.stack.env[NOW], _PATIENCE_MS)
        put32(t, o + _ENDS_AT, h)
        self.stack.arm(h)
        return o

    def _room(self):
        # A free row, else the oldest of those that only remember, else the oldest that gathers.
        t = self.tab
        best = -1
        o = 0
        while o < len(t):
            if not t[o + _STATE]:
                return o
            if t[o + _STATE] != _WHOLE and (best < 0 or self._before(o, best)):
                best = o
            o += self.row
        if best < 0 or t[best + _STATE] == _GATHERS:
            bump(self.stat, _C_EVICTED)
        return best

    def _before(self, o, p):
        t = self.tab
        if t[o + _STATE] != t[p + _STATE]:
            return t[o + _STATE] < t[p + _STATE]
        return tdiff(u32(t, o + _ENDS_AT), u32(t, p + _ENDS_AT)) < 0

    def _put(self, iface, o, at, n, last):
        # n octets at `at` of the datagram in the row at o.
        t = self.tab
        seg = self.stack.seg
        end = at + n
        total = u16(t, o + _TOTAL)
        high = u16(t, o + _HIGH)
        if end > self.size:
            return self._refuse(o, _C_LONG)
        # The last one ends behind all others, and there is one end.
        if last:
            if (total or end) != end or (not total and high >= end):
                return self._refuse(o, _C_OVERLAP)
        elif total and end >= total:
            return self._refuse(o, _C_OVERLAP)
        text = o // self.row * self.size + at
        k = claim(t, o + _MAP, at >> 3, (end + 7) >> 3)
        if k:
            if k == _AGAIN and same(self.text, text, self.stack.buf, seg[AT], n):
                bump(self.stat, _C_REPEATED)
                return None
            return self._refuse(o, _C_OVERLAP)
        copy(self.text, text, self.stack.buf, seg[AT], n)
        put16(t, o + _HIGH, max(high, end))
        if last:
            put16(t, o + _TOTAL, end)
        n += u16(t, o + _GOT)
        put16(t, o + _GOT, n)
        self._note(iface, o, at)
        if n == u16(t, o + _TOTAL):
            t[o + _STATE] = _WHOLE
            self.stack.wake_up()
        return None

    def _note(self, iface, o, at):
        # What a header tells: of the first fragment all is kept, of the others the mark of
        # congestion.
        t = self.tab
        seg = self.stack.seg
        b = self.stack.buf
        h = seg[IP_AT]
        t[o + _ECN] |= 1 << (b[h + 1] & 3)
        if not at:
            t[o + _HL] = seg[AT] - h
            copy(t, o + _LINK, b, 2, iface.face[L2])
            copy(t, o + _HEADER, b, h, seg[AT] - h)

    def _refuse(self, o, why):
        self.tab[o + _STATE] = _REFUSED
        bump(self.stat, why)

    # What is due

    def output(self, now):
        """Gives the stack the datagrams that are whole, and tells the senders of those whose time
        is over: the length of the first frame that comes of it, or 0."""
        t = self.tab
        n = o = 0
        while o < len(t) and not n:
            if t[o + _STATE] == _WHOLE:
                n = self._give(o)
            elif t[o + _STATE] and tdiff(now, u32(t, o + _ENDS_AT)) >= 0:
                n = self._expire(o)
            o += self.row
        return n

    def deadline(self, now):
        """ms until `output` has something to do."""
        best = FAR
        t = self.tab
        o = 0
        while o < len(t):
            if t[o + _STATE]:
                best = max(0, min(best, tdiff(u32(t, o + _ENDS_AT), now)))
            o += self.row
        return best

    def _give(self, o):
        t = self.tab
        stack = self.stack
        b = stack.buf
        t[o + _STATE] = _UNUSED
        iface = stack.ifaces[t[o + _IFACE]]
        n = t[o + _HL] + u16(t, o + _TOTAL)
        ecn = t[o + _ECN]
        if n > len(b) - 2 - iface.face[L2] - SPARE:  # its header has options
            bump(self.stat, _C_LONG)
            return 0
        if ecn & _CE and ecn & _NO_ECT:  # RFC 3168 5.3
            bump(self.stat, _C_OVERLAP)
            return 0
        h = self._first(iface, o)
        k = t[o + _HL]
        copy(b, h + k, self.text, o // self.row * self.size, n - k)
        put16(b, h + 2, n)
        zero(b, h + 6, 2)
        if ecn & _CE:
            b[h + 1] |= 3
        zero(b, h + 10, 2)
        put16(b, h + 10, 0xFFFF ^ csum(b, h, k, 0))
        bump(self.stat, _C_DONE)
        stack.env[OUT_IFACE] = iface.idx
        n = iface.take(h - 2 + n)
        # Its fragments have been counted. (bump, backwards)
        stack.stat[N_FRAMES_IN] = (stack.stat[N_FRAMES_IN] - 1) & 0x3FFFFFFF
        stack.stat[N_IP_IN] = (stack.stat[N_IP_IN] - 1) & 0x3FFFFFFF
        return n

    def _first(self, iface, o):
        # The headers of the first fragment into the buffer; returns where the IP header lies.
        h = 2 + iface.face[L2]
        copy(self.stack.buf, 2, self.tab, o + _LINK, h - 2)
        copy(self.stack.buf, h, self.tab, o + _HEADER, self.tab[o + _HL])
        return h

    def _expire(self, o):
        t = self.tab
        state = t[o + _STATE]
        t[o + _STATE] = _UNUSED
        if state == _REFUSED:
            return 0
        bump(self.stat, _C_TIMEOUT)
        stack = self.stack
        b = stack.buf
        hl = t[o + _HL]
        text = o // self.row * self.size
        iface = stack.ifaces[t[o + _IFACE]]
        # RFC 1122 3.2.2: no error about an error, or about what did not come to us alone
        if not hl or not same(t, o + _ADDRS + 4, iface.face, OUR_IP, 4):
            return 0
        if t[o + _PROTO] == ICMP and self.text[text] != 8:
            return 0
        h = self._first(iface, o)
        copy(b, h + hl, self.text, text, 8)
        # As if the fragment had come just now, and nobody wanted it; then it is another error.
        stack.seg[IP_AT] = h
        stack.seg[CAST] = 0
        n = stack.icmp.refuse(iface, 1)
        if n:
            h = iface.tx
            b[h] = 11
            zero(b, h + 2, 2)
            put16(b, h + 2, 0xFFFF ^ csum(b, h, n, 0))
            n = stack.leave(iface, n)
        return n
