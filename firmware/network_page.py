"""/network.json: how the board found its place (place.py), for the page and for people.

Written from a snapshot, as /status.json is (status.py); a request allocates nothing.
"""

from micropython import const
from uipy.apps import View
from uipy.kern import copy, put32, u16, u32, zero

_FROM = const(0)  # an index into _SOURCES
_IP = const(1)
_SERVER = const(5)
_ROUTER = const(9)
_DNS = const(13)
_NTP = const(25)
_LEASE = const(37)
_TIME = const(41)  # 1 if it is known, then as Sntp.into() writes it
_CLOCK = const(51)  # who told it
_DOMAIN = const(55)
_NAME = const(120)  # its length, and 63 octets
_STAT = const(184)  # four octets each

_NONE = const(0)
_STATIC = const(1)
_LEASED = const(2)
_LOCAL = const(3)
_SOURCES = const(b"none\nstatic\ndhcp\nlink-local\n\0")
_COUNTER = const(b',"\1":\2\0')


class Network(View):
    """What `place` knows, and the counters of its services."""

    def __init__(self, place):
        View.__init__(self, "application/json")
        self.place = place
        names = [name for service in place.services for name, _ in service.counters()]
        self.names = ("".join([name + "\n" for name in names]) + "\0").encode()
        self.need = _STAT + 4 * len(names)

    def note(self, snap):
        """Fill in a snapshot."""
        place = self.place
        zero(snap, 0, _STAT)
        iface = place.stack.ifaces[0]
        copy(snap, _IP, iface.ip, 0, 4)
        dhcp = place.dhcp
        if dhcp and dhcp.bound:
            snap[_FROM] = _LEASED
            copy(snap, _SERVER, dhcp.server, 0, 4)
            copy(snap, _ROUTER, dhcp.router, 0, 4)
            copy(snap, _DNS, dhcp.dns, 0, 12)
            copy(snap, _NTP, dhcp.ntp, 0, 12)
            put32(snap, _LEASE, dhcp.left)
            copy(snap, _DOMAIN, dhcp.domain, 0, len(dhcp.domain))
        elif snap[_IP]:
            snap[_FROM] = _LOCAL if dhcp else _STATIC
        if place.mdns and place.mdns.established:
            label = place.mdns.records.label
            copy(snap, _NAME, label, 0, label[0] + 1)
        if place.sntp:
            snap[_TIME] = place.sntp.into(snap, _TIME + 1)
            copy(snap, _CLOCK, place.sntp.best, 0, 4)
        self.count(snap, _STAT)

    def count(self, snap, at):
        """Write the services' counters to snap[at:], four octets each, in the order of `names`."""
        for service in self.place.services:
            for k in range(len(service.stat)):
                put32(snap, at, service.stat[k])
                at += 4

    def write(self, out, snap):
        out.put(b'{"from":"')
        out.word(_SOURCES, snap[_FROM])
        out.put(b'","ip":"')
        out.ip(snap, _IP)
        out.put(b'","name":"')
        if snap[_NAME]:
            out.part(snap, _NAME + 1, snap[_NAME])
            out.put(b".local")
        out.put(b'"')
        if snap[_FROM] == _LEASED:
            self._lease(out, snap)
        if snap[_TIME]:
            self._time(out, snap)
        out.put(b',"counters":{')
        out.rows(_COUNTER, self.names, snap, _STAT)
        out.put(b"}}\n")

    def _lease(self, out, snap):
        out.put(b',"server":"')
        out.ip(snap, _SERVER)
        out.put(b'","router":"')
        out.ip(snap, _ROUTER)
        out.put(b'","lease":')
        out.num(u32(snap, _LEASE))
        out.put(b',"domain":"')
        out.part(snap, _DOMAIN + 1, snap[_DOMAIN])
        out.put(b'","dns":[')
        self._addresses(out, snap, _DNS)
        out.put(b'],"ntp":[')
        self._addresses(out, snap, _NTP)
        out.put(b"]")

    def _addresses(self, out, snap, at):
        for k in range(3):
            if snap[at + 4 * k]:
                out.put(b',"' if k else b'"')
                out.ip(snap, at + 4 * k)
                out.put(b'"')

    def _time(self, out, snap):
        at = _TIME + 1
        out.put(b',"time":"')
        out.num(u16(snap, at))
        for k in range(5):
            out.put(_BETWEEN[k])
            out.two(snap[at + 2 + k])
        out.put(b'Z","clock":"')
        out.ip(snap, _CLOCK)
        out.put(b'"')


_BETWEEN = (b"-", b"-", b"T", b":", b":")
