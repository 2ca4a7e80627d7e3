"""A board with multicast groups and a router, for the tests of IGMP."""

from lab import packets
from lab.net import BOARD_MAC, Station, Wire
from lab.packets import addr
from uipy import Groups

ALL, ROUTERS, MDNS, OTHER = "224.0.0.1", "224.0.0.2", "224.0.0.251", "239.255.255.250"
QUERY, V1_REPORT, REPORT, LEAVE = 0x11, 0x12, 0x16, 0x17
ALERT = b"\x94\x04\0\0"


def group_mac(group):
    g = addr(group)
    return bytes((1, 0, 0x5E, g[1] & 0x7F, g[2], g[3]))


class Source:
    """A datagram of these octets; `hops` is called in fill()."""

    def __init__(self, data=b"x", groups=None, hops=None, fails=False):
        self.data, self.groups, self.n, self.fails = data, groups, hops, fails

    def fill(self, rel, buf, pos, n):
        if self.n:
            self.groups.hops(self.n)
        if self.fails:
            raise ValueError("no data")
        buf[pos : pos + len(self.data)] = self.data
        return len(self.data)

    def acked(self, n):
        pass


class Filter(Wire):
    """A device that is told which groups to let through."""

    def __init__(self):
        super().__init__()
        self.told = []

    def groups(self, macs, n):
        self.told.append({bytes(macs[6 * k : 6 * k + 6]) for k in range(n)})


class Board:
    """A stack with groups, all of whose IGMP is looked at; and a router."""

    def __init__(self, n=4, **options):
        self.wire = Wire()
        self.stack = self.wire.board(groups=n, **options)
        self.groups = Groups(self.stack)
        self.wire.run()
        self.router = Station(self.wire, "192.168.1.1", b"\2\0\0\0\0\1")

    def igmp(self, kind, group, to, tenths=0, src="192.168.1.1", opts=ALERT, **how):
        body = packets.igmp(kind, group, tenths, how.pop("rest", b""), how.pop("csum", None))
        body = body[: how.pop("cut", len(body))]
        mac = group_mac(to) if addr(to)[0] >= 224 else BOARD_MAC
        return self.wire.give(
            self.router.datagram(2, body, src=src, dst=to, mac_dst=mac, ttl=1, opts=opts, **how)
        )

    def query(self, group="0.0.0.0", tenths=100, to=None, **how):
        return self.igmp(QUERY, group, to or (ALL if group == "0.0.0.0" else group), tenths, **how)

    def joined(self, group=MDNS):
        """Joins, and lets the two reports go by."""
        self.groups.join(group)
        return self.run(20_000)

    def run(self, ms=0):
        return [f for f in self.wire.run(ms) if f.igmp]

    def count(self, name):
        return dict(self.groups.counters())["igmp_" + name]


def kinds(frames):
    return [(f.igmp.type, f.igmp.group) for f in frames]
