"""`uipy.doctor`: the address, the gateway, a ping, a name server, our own name.

`until(cond, ms)` moves the stack until cond() is true: that of a loop in the background, or one
made for the table alone.
"""

from .net.datagram import GATEWAY, HOP

_LINK_MS = 8000  # the chip has been reset, and negotiates
_LEASE_MS = 25_000  # an offer, a request, three probes; with one DISCOVER lost
_LINK_LOCAL_MS = 15_000
_ARP_MS = 4500  # three requests, a second apart
_PING_MS = 1000
_PINGS = 3
_DNS_MS = 10_000
_NAME_MS = 8000  # three probes; conflicts cost a second each
_BYE_MS = 300
_SILENT = ("timeout", "no server", "unreachable", "no free port")
_ASKED = "pool.ntp.org"


class Alone:
    """What would hold the background back, where there is none."""

    def __enter__(self):
        return self

    def __exit__(self, kind, exc, trace):
        pass


def network(table, cfg, stack, until, loop):
    """The rows of the network. `loop`: the one that runs in the background, or None."""
    look = Look(table, cfg, stack, until, loop)
    if not look.address():
        for what in ("gateway", "ping", "DNS", "name"):
            table.none(what, "not tried: no address")
        return
    there = look.gateway()
    look.dns(there)
    look.name()


class Look:
    def __init__(self, table, cfg, stack, until, loop):
        self.table = table
        self.cfg = cfg
        self.stack = stack
        self.until = until
        self.iface = stack.ifaces[0]
        self.hold = loop or Alone()
        self.loop = loop
        self.home = getattr(getattr(loop, "lan", None), "home", None)
        self.dhcp = getattr(self.home, "dhcp", None)
        self.host = getattr(cfg, "hostname", None)

    def address(self):
        """-> True with an address that leads further than this cable."""
        ip, row = self.iface.ip, self.table
        self.until(self._up, _LINK_MS)
        plan = str(getattr(self.cfg, "ip", None)).lower()
        if plan == "auto" and not self.loop:
            from .host import LinkLocal

            LinkLocal(self.stack)
        if plan == "dhcp":
            return self._lease()
        ms = _LINK_LOCAL_MS if plan == "auto" else 0
        if self.until(lambda: ip[0] != 0, ms):
            row.ok("address", "%s, %s" % (text(ip), "link-local" if plan == "auto" else "typed"))
            return True
        if plan == "auto":
            told = "Everybody on this cable objects: is it looped back to itself?"
            row.BAD("address", "no link-local one within %d s" % (ms // 1000), told)
        else:
            row.none("address", "none is wanted (ip = None)")
        return False

    def _up(self):
        with self.hold:
            return self.iface.dev.link_up()

    def _lease(self):
        if self.dhcp is None:
            from .host import Dhcp

            self.dhcp = Dhcp(self.stack, 0, self.host or "", None, None, None, False)
        dhcp = self.dhcp
        if self.until(lambda: dhcp.bound, _LEASE_MS):
            found = "%s, lent by %s for %d s"
            self.table.ok("address", found % (text(self.iface.ip), text(dhcp.server), dhcp.left))
            return True
        told = "Is there a DHCP server (a router) on this network? Or type an ip in config.py."
        self.table.BAD("address", "no lease within %d s" % (_LEASE_MS // 1000), told)
        return False

    def gateway(self):
        """The rows `gateway` and `ping` -> True when it is there."""
        face, arp, row = self.iface.face, self.iface.arp, self.table
        gate = bytes(face[GATEWAY : GATEWAY + 4])
        if not gate[0]:
            row.none("gateway", "none is configured or told: only this network is reached")
            row.none("ping", "not tried: no gateway")
            return False
        state = 1
        if arp:
            with self.hold:
                arp.clear()  # what is known of it may be old
            self.until(lambda: self._reach(face), _ARP_MS)
            state = self._reach(face)
        if state != 1:
            told = "Is the router on, and %s its address?" % text(gate)
            row.BAD("gateway", "%s does not answer ARP" % text(gate), told)
            row.none("ping", "not tried: no gateway")
            return False
        mac = ":".join(["%02x" % b for b in face[HOP : HOP + 6]]) if arp else "the line"
        row.ok("gateway", "%s is %s" % (text(gate), mac))
        self._ping(gate)
        return True

    def _reach(self, face):
        with self.hold:
            return self.iface.arp.reach(face, GATEWAY)

    def _ping(self, gate):
        from .host import Ping
        from .net.icmp import ICMP

        ping, mine = self.stack.handlers.get(ICMP), None
        if ping is None:
            ping = mine = Ping(self.stack, 1)
        heard = []
        for n in range(_PINGS):
            with self.hold:
                ping.send(gate, heard.append, 56, _PING_MS)
            self.until(lambda n=n: len(heard) > n, 2 * _PING_MS)
        if mine:
            with self.hold:
                self._forget(mine)
        times = [ms for ms in heard if ms is not None]
        if times:
            least, most = min(times), max(times)
            told = "%d of %d answered, in %s ms"
            span = str(least) if least == most else "%d to %d" % (least, most)
            self.table.ok("ping", told % (len(times), _PINGS, span))
        else:
            told = "It is there, but says nothing to echo requests: some routers are told not to."
            self.table.BAD("ping", "none of %d answered" % _PINGS, told)

    def _forget(self, layer):
        # So that the program can have its own.
        handlers = self.stack.handlers
        for key in [key for key in handlers if handlers[key] is layer]:
            del handlers[key]
        self.stack.layers.remove(layer)

    def dns(self, there):
        """`there`: the gateway answers."""
        row = self.table
        given = getattr(self.cfg, "dns", None)
        servers = [part.strip() for part in (given or "").split(",") if part.strip()]
        if not servers and self.dhcp:
            told = bytes(self.dhcp.dns)
            servers = [text(told[k : k + 4]) for k in (0, 4, 8) if told[k]]
        if not servers:
            row.none("DNS", "no name server is configured or told")
            return
        near = [ip for ip in servers if self.iface.local(self.stack.ip_of(ip), 0)]
        gate = text(self.iface.face[GATEWAY : GATEWAY + 4])
        if not there and (not near or near == [gate]):
            row.none("DNS", "not tried: no gateway")
            return
        from .host import Resolver

        mine = Resolver(self.stack, servers, None, 1, 1)
        asked = getattr(self.cfg, "ntp", None) or _ASKED
        asked = _ASKED if asked == "dhcp" or asked[0].isdigit() else asked.split(",")[0]
        heard = []

        def done(answer):
            heard.append((answer.error, None if answer.error else text(answer.octets())))

        with self.hold:
            mine.resolve(asked, "A", done)
        self.until(lambda: heard, _DNS_MS)
        with self.hold:
            self._forget(mine)
        error, address = heard[0] if heard else ("timeout", None)
        if error in _SILENT:
            told = "Is that a name server? Say another one: dns = '9.9.9.9' in config.py."
            row.BAD("DNS", "%s: %s" % (", ".join(servers), error), told)
        else:
            row.ok("DNS", "%s says %s: %s" % (", ".join(servers), asked, address or error))

    def name(self):
        """Our name on this network."""
        row = self.table
        if not self.host or self.iface.arp is None:
            row.none("name", "none is configured (hostname = None)")
            return
        mdns, mine = getattr(self.home, "mdns", None), None
        if mdns is None:
            if not hasattr(self.stack.ifaces[0].dev, "groups"):
                row.none("name", "this driver has no multicast")
                return
            from .host import Mdns

            mdns = mine = Mdns(self.stack, self.host, 0, None, 1)
        self.until(lambda: mdns.established or mdns.name != self.host, _NAME_MS)
        if mdns.name != self.host:
            told = "Give this board another one: hostname = '%s' in config.py." % mdns.name
            row.BAD("name", "%s.local is somebody else's" % self.host, told)
        elif mdns.established:
            row.ok("name", "%s.local is ours" % self.host)
        else:
            row.none("name", "%s.local: not asked for within %d s" % (self.host, _NAME_MS // 1000))
        if mine:
            mine.close()
            self.until(lambda: False, _BYE_MS)


def text(ip):
    """4 octets -> '192.168.1.7'."""
    return ".".join([str(octet) for octet in bytes(ip)[:4]])
