"""Multicast groups (RFC 1112) and IGMP version 2 (RFC 2236): which groups we are in, told to the
routers and switches that pass their datagrams on.

    0 type   1 maximum response time, 0.1 s   2 checksum   4 group, 0.0.0.0 = all

The table of groups stands behind the face of an interface, where `front` looks (datagram.py); here
each of its entries has a row of 8 octets:

    0 users   1 reports to send unasked   2 we reported last   3 the timer runs   4 when it ends

A member is "delaying" while its timer runs, else "idle" (RFC 2236 6). A join is a timer that ends
now, and a report that is repeated once within 10 s. When the cable has come back or our address is
another one, the switch that we are at may know nothing: all groups are reported as if just joined.
A group that is left is told to the routers if we were the last to report it; its row stays until
that has been sent, unless another group wants the place. Nothing is sent before we have an
address.

224.0.0.1 is every interface's first group, always joined and never reported (RFC 2236 6). Queries
from 0.0.0.0 count: switches that have no address send them (RFC 4541 2.1.1).
"""

from array import array

from micropython import const

from ..errors import BadAddress, Error, TableFull
from ..kern import bump, copy, csum, put32, same, tadd, tdiff, u32, zero
from .datagram import (
    AT,
    DST_AT,
    FACE_SIZE,
    FAR,
    GROUP,
    GROUPS,
    LEN,
    NOW,
    OUR_IP,
    OUT_TTL,
    SRC_AT,
)
from .iface import ip_of
from .igmp_out import ALL_ROUTERS, IGMP, LEAVE, REPORT, REPORT_1, frame

_QUERY = const(0x11)

_SPAN = const(8)
_USERS = const(0)
_LEFT = const(1)
_LAST = const(2)
_RUNS = const(3)
_ENDS = const(4)

# What is known of an interface
_SIZE = const(10)
_UP = const(0)  # 1: the link was up
_IP = const(1)  # our address when we looked last
_V1 = const(5)  # 1: a querier of version 1 was heard
_V1_ENDS = const(6)  # until then

_TWICE = const(2)  # times that a report is sent unasked
_UNASKED_MS = const(10_000)  # within which the second one follows (8.10)
_V1_MS = const(400_000)  # 8.11
_TENTH = const(100)
_V1_TENTHS = const(100)  # RFC 2236 4: a query of version 1 wants its answers within 10 s
_SOON_MS = const(1000)  # without an address it is looked for so often
_MOST = const(56)  # groups that an octet of the face can count

_ALL_HOSTS = b"\xe0\x00\x00\x01"

_G_IN = const(0)
_G_BAD = const(1)
_G_QUERIES = const(2)
_G_REPORTS = const(3)
_G_LEAVES = const(4)
_G_SUPPRESSED = const(5)


class Groups:
    """The multicast groups of a stack, `Stack(groups=...)` of them on an interface. Made once,
    when all interfaces are there. Raises `Error` when no interface has room for a group.

    Takes 8 octets for each group, 10 for each interface, and 6 for each group of the interface
    that has most of them. A device that filters is told (`dev.groups(macs, n)`, optional).
    """

    NAMES = (
        "igmp_in",
        "igmp_bad",
        "igmp_queries",
        "igmp_reports",
        "igmp_leaves",
        "igmp_suppressed",
    )
    HELP = (
        "IGMP messages received.",
        "IGMP messages with a wrong length or checksum, or that make no sense; dropped.",
        "Membership queries heard.",
        "Membership reports sent.",
        "Leave messages sent.",
        "Reports not sent because another member's was heard.",
    )

    def __init__(self, stack):
        self.stack = stack
        self.stat = array("i", bytearray(4 * len(self.NAMES)))
        self.rows = []
        self.known = []
        most = 0
        for iface in stack.ifaces:
            n = (len(iface.face) - FACE_SIZE) >> 2
            if n > _MOST:
                raise Error("an interface can be in %d groups" % _MOST)
            most = max(most, n)
            self.rows.append(bytearray(_SPAN * n))
            self.known.append(bytearray(_SIZE))
        if not most:
            raise Error("the stack was made without room for a group: Stack(groups=2)")
        self.macs = bytearray(6 * most)
        for iface in stack.ifaces:
            if self.rows[iface.idx]:
                self._enter(iface, _ALL_HOSTS)
        stack.add_protocol(IGMP, self)
        stack.layers.append(self)

    def counters(self):
        """Yields (name, value); a value wraps at 2**30."""
        for k in range(len(self.NAMES)):
            yield self.NAMES[k], self.stat[k]

    # What an application calls

    def join(self, ip, iface=0):
        """What is sent to the group `ip` ('224.0.0.251', or 4 octets) reaches our ports from now
        on, on the interface of that number. A group that is joined twice is to be left twice.

        Raises `BadAddress` if that is no group, `TableFull` when there is no room for one more.
        """
        ip = _group(ip)
        rows = self._rows(iface)
        iface = self.stack.ifaces[iface]
        k = self._find(iface, ip, 0)
        if k < 0:
            if iface.face[GROUPS] == len(iface.face):
                self._give_way(iface)
            k = self._enter(iface, ip)
        if k:  # 224.0.0.1 is there anyway
            k *= _SPAN
            if not rows[k + _USERS]:
                self._tell(iface.idx, k)
            if rows[k + _USERS] == 255:
                raise TableFull("a group has 255 users at the most")
            rows[k + _USERS] += 1

    def leave(self, ip, iface=0):
        """One that has joined is done with it. Raises `BadAddress` when nobody has."""
        ip = _group(ip)
        rows = self._rows(iface)
        iface = self.stack.ifaces[iface]
        k = self._find(iface, ip, 0)
        if k < 0 or (k and not rows[k * _SPAN]):
            raise BadAddress("not in the group %d.%d.%d.%d" % tuple(ip))
        if not k:
            return
        k *= _SPAN
        rows[k + _USERS] -= 1
        if not rows[k + _USERS]:
            # RFC 2236 3: if another one reported last, there is another member
            if rows[k + _LAST] and not self.known[iface.idx][_V1]:
                rows[k + _RUNS] = 1
                put32(rows, k + _ENDS, self.stack.env[NOW])
                self.stack.wake_up()
            else:
                self._drop(iface, k)

    def hops(self, n):
        """Called in fill() of the source of a datagram: it has the TTL n. Without it a datagram
        for a group has 1 (RFC 1112 6.1), and any other 64."""
        self.stack.out[OUT_TTL] = n

    # The table

    def _rows(self, iface):
        if not 0 <= iface < len(self.rows):
            raise Error("Groups is made when all interfaces are there")
        if not self.rows[iface]:
            raise TableFull("that interface has room for no group: add_iface(..., groups=2)")
        return self.rows[iface]

    def _find(self, iface, b, i):
        # The number of the group at b[i:i+4], or -1
        face = iface.face
        for at in range(GROUP, face[GROUPS], 4):
            if same(face, at, b, i, 4):
                return (at - GROUP) >> 2
        return -1

    def _enter(self, iface, ip):
        face = iface.face
        at = max(face[GROUPS], GROUP)
        copy(face, at, ip, 0, 4)
        face[GROUPS] = at + 4
        k = (at - GROUP) >> 2
        zero(self.rows[iface.idx], k * _SPAN, _SPAN)
        self._filter(iface)
        return k

    def _drop(self, iface, k):
        # The last one takes the place of the row at k.
        face, rows = iface.face, self.rows[iface.idx]
        end = face[GROUPS] - 4
        last = (end - GROUP) * 2
        copy(face, GROUP + (k >> 1), face, end, 4)
        copy(rows, k, rows, last, _SPAN)
        face[GROUPS] = end
        self._filter(iface)

    def _give_way(self, iface):
        # A group that was left, whose message has not gone yet, makes room. Raises TableFull.
        rows = self.rows[iface.idx]
        for k in range(_SPAN, len(rows), _SPAN):
            if not rows[k + _USERS]:
                self._drop(iface, k)
                return
        raise TableFull(
            "interface %d is in %d groups, 224.0.0.1 is one of them: Stack(groups=...)"
            % (iface.idx, len(rows) // _SPAN)
        )

    def _filter(self, iface):
        # The device lets the frames of these groups through (RFC 1112 6.4).
        tell = getattr(iface.dev, "groups", None)
        if tell is None:
            return
        face, macs = iface.face, self.macs
        n = 0
        for at in range(GROUP, face[GROUPS], 4):
            copy(macs, n, b"\x01\x00\x5e", 0, 3)
            copy(macs, n + 3, face, at + 1, 3)
            macs[n + 3] &= 0x7F
            n += 6
        tell(macs, n // 6)

    # What arrives

    def input(self, iface):
        """A message; there is no reply."""
        stack = self.stack
        seg = stack.seg
        b = stack.buf
        at = seg[AT]
        bump(self.stat, _G_IN)
        kind = b[at] if seg[LEN] >= 8 and csum(b, at, seg[LEN], 0) == 0xFFFF else 0
        if iface.idx >= len(self.rows):
            return 0
        if kind == _QUERY:
            return self._query(iface, b, at)
        if kind == REPORT or kind == REPORT_1:
            # From the subnet: a forged one from elsewhere silences nobody (RFC 2236 10)
            if not same(b, at + 4, b, seg[DST_AT], 4):
                kind = 0
            elif iface.local(b, seg[SRC_AT]):
                self._heard(iface, b, at + 4)
        if not kind:
            bump(self.stat, _G_BAD)
        return 0

    def _query(self, iface, b, at):
        seg = self.stack.seg
        face = iface.face
        end = face[GROUPS]
        to = at + 4  # the group that is meant
        first = GROUP + 4
        if not b[to]:
            # RFC 3376 9.1: a general query goes to everyone
            if u32(b, to) or not same(b, seg[DST_AT], _ALL_HOSTS, 0, 4):
                bump(self.stat, _G_BAD)
                return 0
        else:
            k = self._find(iface, b, to)
            if k <= 0:
                return 0
            first = GROUP + 4 * k
            end = first + 4
        if not b[seg[SRC_AT]] and u32(b, seg[SRC_AT]):
            bump(self.stat, _G_BAD)
            return 0
        bump(self.stat, _G_QUERIES)
        tenths = b[at + 1]
        if not tenths:  # RFC 2236 4
            tenths = _V1_TENTHS
            at = tadd(self.stack.env[NOW], _V1_MS)
            self.known[iface.idx][_V1] = 1
            put32(self.known[iface.idx], _V1_ENDS, at)
            self.stack.arm(at)
        self._ask(self.rows[iface.idx], (first - GROUP) * 2, (end - GROUP) * 2, tenths * _TENTH)
        return 0

    def _ask(self, rows, k, end, ms):
        # The rows from k to end report within so many ms.
        while k < end:
            if rows[k + _USERS]:
                at = self._within(ms)
                if rows[k + _RUNS]:
                    # a timer that runs is set again only if it would end too late
                    left = tdiff(u32(rows, k + _ENDS), self.stack.env[NOW])
                    if left <= ms:
                        at = u32(rows, k + _ENDS)
                rows[k + _RUNS] = 1
                put32(rows, k + _ENDS, at)
                self.stack.arm(at)
            k += _SPAN

    def _heard(self, iface, b, i):
        # Another member's report: ours is not needed, unless nobody has heard of us yet.
        k = self._find(iface, b, i)
        if k > 0:
            rows = self.rows[iface.idx]
            k *= _SPAN
            if rows[k + _USERS] and rows[k + _RUNS] and rows[k + _LEFT] < _TWICE:
                rows[k + _RUNS] = rows[k + _LEFT] = rows[k + _LAST] = 0
                bump(self.stat, _G_SUPPRESSED)

    def _within(self, ms):
        # A time that is at random in the next `ms`, which are 25500 at the most.
        r = self.stack.random8() << 6 | self.stack.random8() >> 2
        return tadd(self.stack.env[NOW], 1 + (ms * r >> 14))

    # What is due

    def _tell(self, idx, k):
        # As if the group were joined now.
        rows = self.rows[idx]
        rows[k + _LEFT] = _TWICE
        rows[k + _RUNS] = 1
        put32(rows, k + _ENDS, self.stack.env[NOW])
        self.stack.wake_up()

    def output(self, now):
        """The frame's length of the next report or leave message that is due, or 0."""
        for iface in self.stack.ifaces:
            if iface.idx < len(self.rows) and self.rows[iface.idx]:
                n = self._next(iface, now)
                if n:
                    return n
        return 0

    def _next(self, iface, now):
        known, face = self.known[iface.idx], iface.face
        if known[_V1] and tdiff(now, u32(known, _V1_ENDS)) >= 0:
            known[_V1] = 0
        up = 1 if iface.up else 0
        if up > known[_UP] or not same(face, OUR_IP, known, _IP, 4):
            copy(known, _IP, face, OUR_IP, 4)
            self._again(iface)
        known[_UP] = up
        if not face[OUR_IP]:
            return 0
        rows = self.rows[iface.idx]
        for k in range(_SPAN, (face[GROUPS] - GROUP) * 2, _SPAN):
            if rows[k + _RUNS] and tdiff(now, u32(rows, k + _ENDS)) >= 0:
                return self._send(iface, rows, k)
        return 0

    def _again(self, iface):
        # Another address, or the cable has come back: nobody here knows of our groups.
        rows = self.rows[iface.idx]
        for k in range(_SPAN, (iface.face[GROUPS] - GROUP) * 2, _SPAN):
            if rows[k + _USERS]:
                self._tell(iface.idx, k)

    def _send(self, iface, rows, k):
        at = GROUP + (k >> 1)
        if not rows[k + _USERS]:
            bump(self.stat, _G_LEAVES)
            n = frame(self.stack, iface, LEAVE, at, ALL_ROUTERS, 0)
            self._drop(iface, k)
            return n
        rows[k + _RUNS] = 0
        rows[k + _LAST] = 1
        if rows[k + _LEFT]:
            rows[k + _LEFT] -= 1
            if rows[k + _LEFT]:
                rows[k + _RUNS] = 1
                put32(rows, k + _ENDS, self._within(_UNASKED_MS))
        bump(self.stat, _G_REPORTS)
        v1 = self.known[iface.idx][_V1]
        return frame(self.stack, iface, REPORT_1 if v1 else REPORT, at, iface.face, at)

    def deadline(self, now):
        """ms until `output` has something to do."""
        best = FAR
        for iface in self.stack.ifaces:
            if iface.idx < len(self.rows) and self.rows[iface.idx]:
                best = self._sooner(iface, now, best)
        return best

    def _sooner(self, iface, now, best):
        known, rows = self.known[iface.idx], self.rows[iface.idx]
        if known[_V1]:
            best = min(best, max(tdiff(u32(known, _V1_ENDS), now), 0))
        for k in range(_SPAN, (iface.face[GROUPS] - GROUP) * 2, _SPAN):
            if rows[k + _RUNS]:
                left = tdiff(u32(rows, k + _ENDS), now)
                if left < _SOON_MS and not iface.face[OUR_IP]:
                    left = _SOON_MS
                best = min(best, max(left, 0))
        return best


def _group(ip):
    ip = ip_of(ip)
    if not 224 <= ip[0] < 240:
        raise BadAddress("%d.%d.%d.%d is no multicast group" % tuple(ip))
    return ip
