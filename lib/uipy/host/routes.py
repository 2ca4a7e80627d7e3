"""Routes beside the default one (RFC 3442), as a DHCP server gives them.

Stands in the place of `iface.reach`, and looks into the lease each time: a row of 9 octets for
each route, width, network, router; a router of 0.0.0.0 means that the network lies on this cable.
Of those that have the address the longest prefix counts. Without a default route the interface's
gateway is the first row's router, so that TCP and UDP find this interface; for what no row has
there is no way all the same.
"""

from micropython import const

from ..kern import same

_ROW = const(9)


class Routes:
    """The routes in `lease`: their number at `at` and the rows behind it; they count while the
    interface uses the address at `ours`, beside the default router at `router`."""

    def __init__(self, iface, lease, at, ours, router):
        self.iface = iface
        self.arp = iface.arp
        self.lease = lease
        self.at = at
        self.ours = ours
        self.router = router
        self.below = iface.reach
        iface.reach = self.reach

    def reach(self, row, off):
        """As `Iface.reach`."""
        t = self.lease
        if t[self.at] and row[off] < 224 and same(self.iface.ip, 0, t, self.ours, 4):
            if not self.iface.local(row, off):
                o = self.find(row, off)
                if o >= 0:
                    return self.arp.reach(t, o + 5) if t[o + 5] else self.arp.reach(row, off)
                if not t[self.router]:
                    return -1
        return self.below(row, off)

    def find(self, row, off):
        """Where the route to the address at row[off:off+4] lies; -1: there is none."""
        t = self.lease
        best = -1
        o = self.at + 1
        left = t[self.at]
        while left:
            if (best < 0 or t[o] > t[best]) and self._has(o, row, off):
                best = o
            o += _ROW
            left -= 1
        return best

    def _has(self, o, row, off):
        # Is the address in the network of the row at `o`?
        t = self.lease
        bits = t[o]
        while bits > 0:
            o += 1
            if (row[off] ^ t[o]) & (0xFF if bits > 7 else 0xFF00 >> bits & 0xFF):
                return False
            off += 1
            bits -= 8
        return True
