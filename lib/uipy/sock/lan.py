"""The interface as programs know it that were written for boards with a radio: up or down, its
address from a server or by hand, its name. nic.py is its face, MicroPython's `network`.

    lan = attach(stack, place, int_pin=pin)     what firmware/main.py does; or
    lan = attach(Stack(dev, groups=2))          and lan.start(): DHCP and a name

`plan` says what the interface has while it is up: "dhcp" (and while no server answers a link-local
address), "auto" (link-local), (address, gateway) as typed, or None. An address that is given up in
order takes its connections along, each with a RST (RFC 5227 2.4); an address of before that is set
once more keeps them.

Not in a callback of the stack: what changes an address polls until the old one has been given
back, 4 s at the most when the server that lent it has gone.
"""

from micropython import const

from .. import BadAddress
from ..kern import copy
from ..loop import attach as begin
from ..loop import current as here
from ..net.datagram import GATEWAY, PART, WHOLE

_ETIMEDOUT = const(110)
_GIVE_BACK_MS = const(4000)  # more than Acd takes for RSTs, and Dhcp for those and its RELEASE
_DHCP_MS = const(10_000)  # lwIP waits as long
_NONE = bytes(4)


def attach(stack, home=None, wait=None, int_pin=None, name="uipy", say=print):
    """Makes `stack` the one that sockets use (loop.py), and the `Lan` of its first interface."""
    lan = Lan(stack, home, name, say)
    begin(stack, wait, int_pin, lan.resolver).lan = lan
    return lan


def current():
    """The `Lan` of the stack that is attached; raises `OSError` (ENODEV) without one."""
    loop = here()
    lan = getattr(loop, "lan", None)
    if lan is None:
        lan = loop.lan = Lan(loop.stack)
    return lan


class Home:
    """What finds a board its place, as far as it was asked for; firmware's place.py is another.

    dhcp, mdns    see uipy.host; None
    local         a LinkLocal without DHCP; None
    resolver      a Resolver, made when it is first asked for
    servers()     the name servers that it asks
    """

    def __init__(self, stack, say=None):
        self.stack = stack
        self.say = say
        self.dhcp = self.mdns = self.local = None
        self.made = None

    def servers(self):
        """Addresses as a list of texts, or as octets that change with the lease."""
        return self.dhcp.dns if self.dhcp else bytearray(4)

    @property
    def resolver(self):
        """A uipy.host.Resolver; the names in .local are asked for on the cable."""
        if self.made is None:
            from ..host import LocalResolver, Resolver

            domain = self.dhcp.domain if self.dhcp else None
            self.made = Resolver(self.stack, self.servers(), domain, 2, 4, self.say)
            if self.mdns:
                self.made.local = LocalResolver(self.mdns, rows=2)
        return self.made


class Lan:
    """The first interface of `stack`. `home` has what was started for it already, `name` is for a
    board without one. Takes 250 octets, and DHCP, mDNS or conflict detection when they are asked
    for and there is none."""

    def __init__(self, stack, home=None, name="uipy", say=print):
        self.stack = stack
        self.iface = stack.ifaces[0]
        self.say = say
        self.home = home or Home(stack, say)
        self.name = name
        self.up = any(self.iface.ip) or home is not None  # a program may have switched it off
        self.away = False  # disconnect() was called
        self.acd = None  # of an address set by hand, without DHCP
        self.dns = None  # a name server set by hand, 4 octets
        self.made = None  # the resolver, once somebody asked for it
        self.told = None  # who hears of the cable
        self.look = None  # the interface's own look at it
        self.plan = "dhcp"
        if self.home.local:
            self.plan = "auto"
        elif self.up and not self.home.dhcp:
            self.plan = self._now()

    # Up and down

    def start(self):
        """The interface is up, and gets an address as planned. Nothing happens if it is up."""
        if self.up and not self.away:
            return
        self.up = True
        self.away = False
        if self.plan == "dhcp":
            self.lease()
        elif self.plan == "auto":
            self._alone()
        elif self.plan:
            self._take(*self.plan)
        if self.name and self.home.mdns is None and type(self.home) is Home:
            self._announce()

    def stop(self, up=False):
        """The address is given up, and connections with it; `up`: `start` was not undone, the
        cable is as good as out."""
        self._leave()
        self.up = up
        self.away = up

    def connected(self):
        """True with a live cable and an address, whatever kind of address it is."""
        return self.up and not self.away and self.iface.up and any(self.iface.ip)

    def status(self):
        """0 without a live cable, 1 switched off, 2 without an address, 3 with one; as the LAN
        of MicroPython's stm32 and mimxrt ports."""
        if not self.iface.up:
            return 0
        if not self.up or self.away:
            return 1
        return 3 if any(self.iface.ip) else 2

    def step(self):
        """What waits for this interface in a loop of its own moves the stack by asking."""
        here().step()

    # Addresses

    def address(self):
        """(address, mask) as text."""
        iface = self.iface
        if not any(iface.ip):
            return ("0.0.0.0", "0.0.0.0")
        return (_text(iface.ip), _text(_mask(iface)))

    def gateway(self):
        """The gateway as text, 0.0.0.0: none."""
        return _text(self.iface.face[GATEWAY : GATEWAY + 4])

    def leased(self):
        """True while a DHCP server's address is in use."""
        return self.home.dhcp is not None and self.home.dhcp.bound

    def lease(self):
        """The address comes from a DHCP server; one that has come is renewed. Does not wait."""
        home = self.home
        self.plan = "dhcp"
        if not self.up or self.away:
            return
        if home.dhcp is None:
            from ..host import Dhcp

            self._leave()
            with here():
                self._unguarded()
                home.dhcp = Dhcp(self.stack, 0, self.name or "", None, None, self.say)
                self._ask(home.dhcp.dns)
        else:
            back = home.dhcp.state == "RELEASED" and any(self.iface.ip)
            if back:
                self._part()
            with here():
                if back:
                    home.dhcp.acd.drop()
                home.dhcp.renew()
                if self.dns is not None:
                    self._ask(home.dhcp.dns)
        self.dns = None

    def wait_for_lease(self):
        """`lease`, and waits for it; `OSError` (ETIMEDOUT) after 10 s."""
        self.lease()
        if not here().until(self.leased, _DHCP_MS):
            raise OSError(_ETIMEDOUT, "no DHCP server answers")

    def none(self):
        """DHCP is over; there is no address until one is set."""
        self._leave()
        self.plan = None

    def fix(self, ip, gateway=None):
        """The address is '192.168.1.7/24' from now on, at once: neighbours are told, and nobody
        is asked. DHCP ends; its name servers are asked on. Raises ValueError, and nothing has
        changed then."""
        gateway = self._checked(ip, gateway)
        plan = self.plan
        self.plan = (ip, gateway)
        if not self.up or self.away:
            return
        if type(plan) is not tuple or plan[0] != ip:
            if self.dns is None and self.leased():
                self.ask(bytes(self.home.dhcp.dns[:4]))
            self._leave()
        self._take(ip, gateway)

    def way(self, ip):
        """The gateway in use, when one is for the address '192.168.1.7/24' too; else None."""
        gate = self.gateway()
        try:
            self._checked(ip, gate)
        except ValueError:
            return None
        return None if gate == "0.0.0.0" else gate

    def turn(self, gateway):
        """Another gateway, for the address in use. Raises ValueError."""
        now = self._now()
        if now is None:
            raise ValueError("a gateway wants an address: ipconfig(addr4=..., gw4=...)")
        gateway = self._checked(now[0], gateway)
        with here():
            self.iface.configure(now[0], gateway)
        if type(self.plan) is tuple:
            self.plan = (now[0], gateway)

    def _checked(self, ip, gateway):
        # What `configure` says to it, on a face of its own; the gateway, 4 octets.
        trial = _Trial(self.iface)
        configure = type(self.iface).configure
        try:
            gate = self.stack.ip_of(gateway or _NONE)
            configure(trial, ip, gate)
        except BadAddress as exc:
            raise ValueError(str(exc))
        if any(gate) and not type(self.iface).local(trial, gate, 0):
            raise ValueError("the gateway %s is no neighbour of %s" % (_text(gate), ip))
        return gate if any(gate) else None

    def _now(self):
        # What is in use, as a plan.
        if not any(self.iface.ip):
            return None
        bits = 0
        for octet in _mask(self.iface):
            while octet & 0x80:
                bits += 1
                octet = (octet << 1) & 0xFF
        gate = self.gateway()
        return ("%s/%d" % (_text(self.iface.ip), bits), None if gate == "0.0.0.0" else gate)

    def _take(self, ip, gateway):
        with here():
            self._guard().take(ip, gateway)

    def _guard(self):
        # Who defends the address.
        home = self.home
        if home.dhcp:
            return home.dhcp.acd
        if self.acd is None:
            from .. import Acd

            now = self._now()
            self.acd = Acd(self.stack, 0, None, self.say)
            if now:
                self.acd.take(*now)
        return self.acd

    def _unguarded(self):
        if self.acd:
            self.acd.close()
            self.acd = None

    def _alone(self):
        from ..host import LinkLocal

        with here():
            self._unguarded()
            self.home.local = LinkLocal(self.stack, 0, None, self.say)

    def _leave(self):
        # The address is given back, whoever gave it.
        home = self.home
        if home.dhcp and home.dhcp.state != "RELEASED":
            home.dhcp.release()
            here().until(self._released, _GIVE_BACK_MS)
            return
        self._part()
        with here():
            if home.local:
                home.local.stop()
                home.local.acd.close()
                self.stack.layers.remove(home.local)
                home.local = None
            elif any(self.iface.ip):
                self._guard().drop()

    def _released(self):
        return self.home.dhcp.state == "RELEASED"

    def _part(self):
        # Connections are reset with the address that their peers know.
        if not any(self.iface.ip):
            return
        stack = self.stack
        with here():
            acd = self.home.local.acd if self.home.local else self._guard()
            parting = acd.part(stack.now)
        if parting:
            stack.wake_up()
            here().until(lambda: not acd.part(stack.now), _GIVE_BACK_MS)

    # Names

    def call(self, name):
        """The board's name from now on: for the DHCP server at once, and in .local."""
        home = self.home
        self.name = name
        with here():
            if home.dhcp:
                home.dhcp.call(name)
                if home.dhcp.bound:
                    home.dhcp.renew()
            if home.mdns:
                from ..host.mdns_rename import rename

                rename(home.mdns, name)

    def _announce(self):
        from ..host import Mdns

        with here():
            self.home.mdns = Mdns(self.stack, self.name, 0, self.say)

    def resolver(self):
        """The resolver, which asks whom it was told to."""
        if self.made is None:
            self.made = self.home.resolver
            if self.dns is not None:
                self.made.servers = self.dns
        return self.made

    def servers(self):
        """The address of the first name server as text."""
        told = self.home.servers() if self.dns is None else self.dns
        if len(told) and isinstance(told[0], str):
            return told[0]
        return _text(told[:4] if len(told) else _NONE)

    def ask(self, ip):
        """Names are asked for there from now on, until DHCP is asked for: '192.168.1.1', or 4
        octets. Raises ValueError."""
        try:
            self.dns = bytearray(self.stack.ip_of(ip))
        except BadAddress as exc:
            raise ValueError(str(exc))
        self._ask(self.dns)

    def _ask(self, servers):
        if self.made:
            self.made.servers = servers

    # The cable

    def on_link(self, told):
        """`told(up)` is called when the cable went in or out, within a second, outside of polls;
        None: nobody any more."""
        if self.look is None:
            self.look = self.iface.watch
            self.iface.watch = self._watch
        self.told = told

    def _watch(self):
        was = self.iface.up
        self.look()
        if self.told and self.iface.up != was:
            here().defer(self.told, self.iface.up)


class _Trial:
    """Where an address is tried out: as much of an interface as `configure` writes."""

    def __init__(self, iface):
        self.face = bytearray(iface.face)
        self.arp = None


def _mask(iface):
    face = iface.face
    mask = bytearray(4)
    copy(mask, 0, b"\xff\xff\xff", 0, face[WHOLE])
    mask[face[WHOLE]] = face[PART]
    return mask


def _text(octets):
    return "%d.%d.%d.%d" % tuple(octets)
