"""ICMP redirects (RFC 792, RFC 1122 3.2.2.2): a router says that another one is nearer to a host.

    0 type 5   1 code   2 checksum   4 the better gateway   8 the datagram that is quoted

A redirect counts when it comes from the gateway that we use for that host at present, when it
names a neighbour on our subnet, and when it quotes a datagram that we can have sent. All of them
are taken to be for the host alone, those for a net too. A row is 20 octets:

    0 host   4 its gateway   8 the default gateway that we had then   12 interface, and 1
    16 until then

A way is forgotten after ten minutes, and when its gateway does not answer ARP (RFC 1122 3.3.1.4),
or when we get another default gateway. A full table gives up the oldest way.
"""

from array import array

from micropython import const

from ..kern import bump, copy, find, put32, same, tadd, tdiff, u16, u32, zero
from .datagram import AT, BCAST, FAR, GATEWAY, LEN, NOW, OUR_IP, SRC_AT
from .icmp import OTHER

_REDIRECT = const(5)
_QUOTED = const(8)
_LEAST = const(36)  # with a header and 8 octets of what was sent

_WAY = const(20)
_GW = const(4)
_OLD = const(8)
_IFACE = const(12)
_UNTIL = const(16)

_KEPT_MS = const(600_000)

_R_IN = const(0)
_R_BAD = const(1)
_R_TAKEN = const(2)
_R_DEAD = const(3)


class Way:
    """What takes the place of an interface's `reach` and `doubt`."""

    def __init__(self, redirects, iface):
        self.redirects = redirects
        self.iface = iface
        self.reach_default = iface.reach
        self.doubt_default = iface.doubt
        iface.reach = self.reach
        iface.doubt = self.doubt

    def reach(self, row, off):
        """As Iface.reach: by the gateway that we were redirected to, if there is one."""
        redirects = self.redirects
        o = redirects.way(self.iface, row, off)
        if o >= 0:
            n = self.iface.arp.reach(redirects.tab, o + _GW)
            if n >= 0:
                return n
            bump(redirects.stat, _R_DEAD)
            zero(redirects.tab, o, _WAY)
        return self.reach_default(row, off)

    def doubt(self, row, off):
        """As Iface.doubt."""
        o = self.redirects.way(self.iface, row, off)
        if o >= 0:
            self.iface.arp.doubt(self.redirects.tab, o + _GW)
        else:
            self.doubt_default(row, off)


class Redirects:
    """Minds the redirects on the Ethernet interfaces of a stack, `rows` hosts at a time. Made
    once, when all interfaces are there. Takes 20 octets a row."""

    NAMES = ("redirect_in", "redirect_bad", "redirect_taken", "redirect_dead")
    HELP = (
        "ICMP redirects received.",
        "ICMP redirects that RFC 1122 3.2.2.2 forbids to believe; dropped.",
        "ICMP redirects obeyed.",
        "Gateways given up because they did not answer ARP.",
    )

    def __init__(self, stack, rows=4):
        self.stack = stack
        self.rows = rows
        self.tab = bytearray(_WAY * rows)
        self.stat = array("i", bytearray(4 * len(self.NAMES)))
        for iface in stack.ifaces:
            if iface.arp:
                Way(self, iface)
        stack.add_protocol(OTHER | _REDIRECT, self)
        stack.layers.append(self)

    def counters(self):
        """Yields (name, value); a value wraps at 2**30."""
        for k in range(len(self.NAMES)):
            yield self.NAMES[k], self.stat[k]

    def way(self, iface, row, off):
        """Where the row of the host at row[off:off+4] lies; -1: it has none that holds."""
        o = find(self.tab, _WAY, self.rows, row, off) * _WAY
        if o < 0 or self.tab[o + _IFACE] != iface.idx + 1:
            return -1
        if same(self.tab, o + _OLD, iface.face, GATEWAY, 4) and iface.local(self.tab, o + _GW):
            return o
        zero(self.tab, o, _WAY)
        return -1

    # What arrives

    def input(self, iface):
        """A redirect, sound as an ICMP message and for us alone."""
        stack = self.stack
        b = stack.buf
        at = stack.seg[AT]
        bump(self.stat, _R_IN)
        if iface.arp is None or not self._sound(iface, b, at, stack.seg[LEN]):
            bump(self.stat, _R_BAD)
            return
        o = self._take(iface, b, at + _QUOTED + 16)
        copy(self.tab, o + _GW, b, at + 4, 4)
        at = tadd(stack.env[NOW], _KEPT_MS)
        put32(self.tab, o + _UNTIL, at)
        stack.arm(at)
        bump(self.stat, _R_TAKEN)

    def _sound(self, iface, b, at, n):
        face = iface.face
        q = at + _QUOTED
        if n < _LEAST or b[at + 1] > 3 or n < _QUOTED + 8 + ((b[q] & 15) << 2):
            return False
        # A datagram of ours, not for a neighbour: it went by a gateway.
        if b[q] >> 4 != 4 or b[q] & 15 < 5 or u16(b, q + 6) & 0x3FFF:
            return False
        if not same(b, q + 12, face, OUR_IP, 4) or not self._sends(b[q + 9]):
            return False
        q += 16
        if not 0 < b[q] < 224 or b[q] == 127 or iface.local(b, q):
            return False
        # RFC 1122 3.2.2.2: on our subnet, and from the gateway that is in use
        return self._neighbour(iface, b, at + 4) and self._in_use(iface, b, q)

    def _sends(self, proto):
        return proto == 1 or proto in self.stack.handlers

    def _neighbour(self, iface, b, i):
        # Can the address at b[i:i+4] be a neighbour's?
        if not iface.local(b, i) or not 0 < b[i] < 224:
            return False
        return not same(b, i, iface.face, OUR_IP, 4) and not same(b, i, iface.face, BCAST, 4)

    def _in_use(self, iface, b, i):
        # Is the sender the first hop for the host at b[i:i+4]?
        o = self.way(iface, b, i)
        i = self.stack.seg[SRC_AT]
        if o >= 0:
            return same(b, i, self.tab, o + _GW, 4)
        return same(b, i, iface.face, GATEWAY, 4)

    def _take(self, iface, b, i):
        # The row for the host at b[i:i+4]: its own, a free one, or the oldest.
        t = self.tab
        best = find(t, _WAY, self.rows, b, i) * _WAY
        if best < 0:
            for o in range(0, len(t), _WAY):
                if best < 0 or self._before(o, best):
                    best = o
        copy(t, best, b, i, 4)
        copy(t, best + _OLD, iface.face, GATEWAY, 4)
        t[best + _IFACE] = iface.idx + 1
        return best

    def _before(self, o, p):
        t = self.tab
        if not t[o + _IFACE] or not t[p + _IFACE]:
            return t[p + _IFACE] != 0
        return tdiff(u32(t, o + _UNTIL), u32(t, p + _UNTIL)) < 0

    # What is due

    def output(self, now):
        """Forgets what is ten minutes old; sends nothing."""
        t = self.tab
        for o in range(0, len(t), _WAY):
            if t[o + _IFACE] and tdiff(now, u32(t, o + _UNTIL)) >= 0:
                zero(t, o, _WAY)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        best = FAR
        t = self.tab
        for o in range(0, len(t), _WAY):
            if t[o + _IFACE]:
                best = max(0, min(best, tdiff(u32(t, o + _UNTIL), now)))
        return best
