"""MicroPython's `network` for a board with a cable: LAN, WIZNET5K and WLAN are views of the one
interface that the board has (lan.py). `import network` finds these names.

    import network
    lan = network.LAN()                 the stack that config.py describes, which runs already
    lan.active(True)
    while not lan.isconnected():
        time.sleep(1)
    print(lan.ipconfig("addr4"))

isconnected() is true while the cable has a link, the interface is active, and it has an address:
a lease, one set by hand, or the link-local one that a board has while no server answers (that one
reaches the same cable only; `lan.ipconfig("has_dhcp4")` tells them apart). It says nothing of what
lies behind the gateway.
"""

from ..loop import NoStack
from . import lan as ours

STA_IF = 0
AP_IF = 1
STAT_IDLE = 0  # of WLAN.status(), as on a Pico W
STAT_CONNECTING = 1
STAT_WRONG_PASSWORD = -3  # these three never come
STAT_NO_AP_FOUND = -2
STAT_CONNECT_FAIL = -1
STAT_GOT_IP = 3
PHY_ENC28J60 = "enc28j60"
PHY_W5500 = "w5500"
PHY_W5100S = "w5100s"
PHY_W6100 = "w6100"

# A chip: the driver's module, and its class there.
CHIPS = {
    "enc28j60": ("enc28j60", "ENC28J60"),
    "w5500": ("wiznet", "W5500"),
    "w5100s": ("wiznet", "W5100S"),
    "w6100": ("wiznet", "W6100"),
}

_LONGEST = 32  # octets of a host name, as MicroPython documents it

_told = {"country": "XX"}


class LAN:
    """The board's Ethernet interface.

        LAN()                    the one that runs; OSError (ENODEV) when there is none yet
        LAN(spi=SPI(...), cs=Pin(...), int=Pin(...), reset=Pin(...), phy_type="enc28j60")
        WIZNET5K(SPI(...), Pin(cs), Pin(reset), Pin(int))

    The last two make the driver and the stack where there is none; it is up with active(True). A
    board has one stack: once there is one, it is meant, whatever the arguments say. phy_type (or
    chip): "enc28j60", "w5500", "w5100s", "w6100". The SPI object is taken as it is; pins are
    Pin objects or numbers. Further: mac (6 octets), tcp, udp (rows of the stack's tables),
    hostname. What else MicroPython's ports take (mdc, phy_addr, ref_clk ...) is ignored.
    """

    _chip = None

    def __init__(self, *args, **given):
        try:
            self._lan = ours.current()
        except NoStack:
            if not args and not given:
                raise
            self._lan = _make(self._chip, args, given)

    def active(self, up=None):
        """True when the interface is up; active(True), active(False) switch it. Down: its address
        is given back, connections are reset."""
        if up is None:
            self._lan.step()
            return self._lan.up
        if up:
            self._lan.start()
        else:
            self._lan.stop()
        return None

    def connect(self, *args, **given):
        """A cable needs none: the interface is made active. Arguments are ignored."""
        self._lan.start()

    def disconnect(self):
        """Gives the address back, until connect()."""
        self._lan.stop(self._lan.up)

    def isconnected(self):
        """A live cable, an active interface, an address of any kind."""
        self._lan.step()
        return self._lan.connected()

    def status(self, what=None):
        """0 without a live cable, 1 not active, 2 without an address, 3 with one."""
        if what is not None:
            raise ValueError("unknown status param")
        self._lan.step()
        return self._lan.status()

    def ifconfig(self, to=None):
        """(address, mask, gateway, name server) as text. Set by such a tuple, which ends DHCP; or
        ifconfig("dhcp"), which waits up to 10 s, then raises OSError (ETIMEDOUT)."""
        lan = self._lan
        if to is None:
            return lan.address() + (lan.gateway(), lan.servers())
        if to == "dhcp":
            return lan.wait_for_lease()
        ip, mask, gateway, dns = to
        lan.fix(_cidr(lan, (ip, mask)), gateway)
        return lan.ask(dns)

    def ipconfig(self, what=None, **to):
        """'addr4' -> (address, mask), 'gw4', 'dhcp4', 'has_dhcp4'. Set: addr4="192.168.1.7/24" or
        (address, mask), which ends DHCP, and gw4= of the same subnet; dhcp4=True, which does not
        wait, or False, which gives the lease back. There is no IPv6."""
        lan = self._lan
        if to:
            if what is not None:
                raise TypeError("can't specify pos and kw args")
            return _set(lan, to)
        lan.step()
        if what == "addr4":
            return lan.address()
        if what == "gw4":
            return lan.gateway()
        if what == "dhcp4":
            return lan.plan == "dhcp"
        if what == "has_dhcp4":
            return lan.leased()
        if what == "addr6":
            return []
        if what in ("dhcp6", "autoconf6", "has_autoconf6"):
            return False
        raise ValueError("unexpected key")

    def config(self, what=None, **to):
        """'mac' -> 6 octets; 'hostname', and hostname= sets it. mac= can be said to the
        constructor, or in config.py; `trace` and `low_power` are taken and do nothing."""
        if not to:
            if what == "mac":
                return bytes(self._lan.iface.dev.mac)
            if what == "hostname":
                return hostname()
            raise ValueError("unknown config param")
        for key, value in to.items():
            if key == "hostname":
                hostname(value)
            elif key == "mac":
                if bytes(value) != bytes(self._lan.iface.dev.mac):
                    raise ValueError("the MAC is set before the chip starts: LAN(mac=...)")
            elif key not in ("trace", "low_power"):
                raise ValueError("unknown config param")
        return None

    def on_link(self, told):
        """told(True) when the cable went in, told(False) when it went out, from the scheduler and
        within a second; None: nobody."""
        self._lan.on_link(told)

    def __repr__(self):
        lan = self._lan
        return "<%s %s %s>" % (type(self).__name__, ("down", "up")[lan.up], lan.address()[0])


class WIZNET5K(LAN):
    """LAN for programs that know the WIZnet chips of MicroPython's rp2 and stm32 ports: the
    arguments are (spi, cs, reset, int), the chip is a W5500 unless it is said."""

    _chip = "w5500"

    def status(self, what=None):
        """0 without a live cable, 1 not active, 2 active."""
        return min(super().status(what), 2)


class WLAN(LAN):
    """LAN for programs that know a radio, such as webrepl.py: WLAN(WLAN.IF_STA) is the cable;
    connect(ssid, key) takes anything. WLAN(WLAN.IF_AP) is never active. scan() finds nothing.
    status() is 0, 1 without an address, 3 (STAT_GOT_IP); config() takes what a radio's does."""

    IF_STA = STA_IF
    IF_AP = AP_IF
    SEC_OPEN = 0
    SEC_WPA_WPA2 = 4194310
    PM_NONE = 16
    PM_PERFORMANCE = 10555714
    PM_POWERSAVE = 17

    def __init__(self, interface=STA_IF):
        super().__init__()
        self._point = interface == AP_IF

    def active(self, up=None):
        """As LAN's; an access point is never active, and OSError (ENODEV) says so."""
        if not self._point:
            return super().active(up)
        if up:
            raise OSError(19, "a cable is no access point: WLAN(WLAN.IF_STA)")
        return None if up is not None else False

    def connect(self, ssid=None, key=None, **given):
        """The interface is made active; no name and no password is needed."""
        self.active(True)

    def disconnect(self):
        """As LAN's."""
        if not self._point:
            super().disconnect()

    def isconnected(self):
        """As LAN's; nobody is connected to an access point."""
        return not self._point and super().isconnected()

    def status(self, what=None):
        """STAT_IDLE, STAT_CONNECTING (without an address) or STAT_GOT_IP; 'rssi' is 0, 'stations'
        is empty."""
        if what == "rssi":
            return 0
        if what == "stations":
            return []
        now = super().status(what)
        if self._point or not self._lan.up or self._lan.away:
            return STAT_IDLE
        return STAT_GOT_IP if now == 3 else STAT_CONNECTING

    def scan(self, **given):
        """No radio, no networks."""
        return []

    def ifconfig(self, to=None):
        """As LAN's; an access point has no address."""
        if self._point and to is None:
            return ("0.0.0.0",) * 4
        return super().ifconfig(to)

    def config(self, what=None, **to):
        """As LAN's; 'ssid' is empty, 'channel' and 'txpower' are 0, and what is said of a radio
        does nothing."""
        if not to:
            if what in ("ssid", "essid"):
                return ""
            if what in ("channel", "txpower", "pm", "security"):
                return 0
            return super().config(what)
        for key in ("mac", "hostname"):
            if key in to:
                super().config(**{key: to[key]})
        return None


def hostname(name=None):
    """The board's name; hostname("kitchen") changes it, for the DHCP server and as kitchen.local,
    now and not with the next connection. 32 octets at the most, else ValueError."""
    try:
        lan = ours.current()
    except NoStack:
        lan = None
    if name is None:
        return (lan.name or "") if lan else _told.get("name", "uipy")
    if not 0 < len(name.encode()) <= _LONGEST or min(name) < " ":
        raise ValueError("a host name has 1 to 32 octets: %r" % (name,))
    if lan is None:
        _told["name"] = name
    elif name != lan.name:
        lan.call(name)
    return None


def ipconfig(what=None, **to):
    """'dns' -> the name server's address; dns= sets it, until DHCP is asked for. 'prefer' is 4."""
    lan = ours.current()
    if not to:
        if what == "prefer":
            return 4
        if what != "dns":
            raise ValueError("unexpected key")
        return lan.servers()
    if what is not None:
        raise TypeError("can't specify pos and kw args")
    for key, value in to.items():
        if key == "dns":
            lan.ask(value)
        elif key != "prefer" or value not in (4, 6):
            raise ValueError("unexpected key")
    return None


def country(code=None):
    """Two letters that a radio would obey; kept, and of no effect."""
    if code is None:
        return _told["country"]
    if len(code) != 2:
        raise ValueError("a country has two letters")
    _told["country"] = code
    return None


def route():
    """The interfaces: a list of one LAN."""
    return [LAN()]


def _set(lan, to):
    for key in to:
        if key not in ("addr4", "gw4", "dhcp4"):
            raise ValueError("unexpected key")
    if "addr4" in to:
        ip = _cidr(lan, to["addr4"])
        lan.fix(ip, to["gw4"] if "gw4" in to else lan.way(ip))
    elif "gw4" in to:
        lan.turn(to["gw4"])
    if to.get("dhcp4"):
        lan.lease()
    elif "dhcp4" in to and lan.plan == "dhcp":
        lan.none()


def _cidr(lan, ip):
    """'192.168.1.7/24' of that, of (address, mask), or of an address alone, whose mask stays."""
    if not isinstance(ip, str):
        ip, mask = ip
        return "%s/%d" % (ip, _bits(mask))
    if "/" not in ip:
        mask = lan.address()[1]
        ip += "/%d" % (24 if mask == "0.0.0.0" else _bits(mask))
    return ip


def _bits(mask):
    """'255.255.255.0' -> 24. Raises ValueError."""
    try:
        bits = "".join(["{:08b}".format(int(octet)) for octet in mask.split(".")])
    except ValueError:
        bits = ""
    n = bits.find("0")
    if len(bits) != 32 or (n >= 0 and "1" in bits[n:]):
        raise ValueError("%r is no mask such as '255.255.255.0'" % (mask,))
    return 32 if n < 0 else n


def _make(chip, args, given):
    """The driver and the stack that the arguments describe."""
    if args and isinstance(args[0], int):  # a port's number
        args = args[1:]
    names = ("spi", "cs", "reset", "int")
    for k in range(min(len(args), len(names))):
        given[names[k]] = args[k]
    chip = str(given.get("phy_type", given.get("chip", chip))).lower()
    if "spi" not in given or "cs" not in given or chip not in CHIPS:
        raise ValueError(
            "LAN(spi=SPI(...), cs=Pin(...), phy_type=...), one of " + ", ".join(sorted(CHIPS))
        )
    from machine import Pin

    from .. import NoChip, Stack

    module, name = CHIPS[chip]
    kind = getattr(__import__("uipy.drivers." + module, None, None, (name,)), name)
    cs = _pin(given["cs"])
    cs.init(Pin.OUT, value=1)
    pin = _pin(given.get("int", given.get("intn")))
    reset = _pin(given.get("reset", given.get("rst")))
    if pin:
        pin.init(Pin.IN)
    if reset:
        reset.init(Pin.OUT, value=1)
    try:
        dev = kind(given["spi"], cs, pin, reset, given.get("mac"))
    except NoChip as exc:
        print(exc)
        dev = kind(given["spi"], cs, pin, reset, given.get("mac"), wait=True)
    stack = Stack(dev, tcp=given.get("tcp", 8), udp=given.get("udp", 8), groups=2)
    name = given.get("hostname", _told.get("name", "uipy"))
    return ours.attach(stack, None, None, pin, name)


def _pin(pin):
    from machine import Pin

    return Pin(pin) if isinstance(pin, int) else pin
