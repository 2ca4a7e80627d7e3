"""`network` on any Python: an address by hand, a name, a radio's manners, and what raises. A DHCP
server there is none; time is what the waits make of it."""

from uipy import Stack, loop
from uipy.sock import lan as ours
from uipy.sock import nic as network


class Null:
    """A cable that nobody else is on."""

    l2 = 14
    mac = b"\x02\x00\x00\x00\x00\x07"
    mtu = 1500
    sent = 0

    def recv_into(self, buf):
        return 0

    def can_send(self):
        return True

    def send(self, buf, n):
        self.sent += 1

    def link_up(self):
        return True


class Nap:
    ms = 1000

    def ticks(self):
        return self.ms

    def __call__(self, ms):
        self.ms += ms


def raised(f, *args, **given):
    try:
        f(*args, **given)
    except (OSError, ValueError, TypeError) as exc:
        return type(exc).__name__ if not isinstance(exc, OSError) else exc.args[0]
    return None


try:
    network.LAN()
except OSError as exc:
    print(exc.args[0])
nap = Nap()
stack = Stack(Null(), now=nap.ms, tcp=2, udp=8, groups=2, key=b"8 octets")
poll = stack.poll
stack.poll = lambda now=None: poll(nap.ms)
said = []
ours.attach(stack, None, nap, say=said.append)
lan = network.LAN()
print(lan, lan.status(), lan.active(), raised(network.LAN, 0, phy_type="anything"))
lan.active(True)
print(lan.status(), raised(lan.ifconfig, "dhcp"))
began = nap.ms
while not lan.isconnected():
    nap(100)
print(lan.ipconfig("has_dhcp4"), lan.ipconfig("addr4")[0][:8], nap.ms - began < 60000)
for to in ("192.168.1.7/24", ("192.168.1.8", "255.255.255.128"), "192.168.1.9"):
    lan.ipconfig(addr4=to)
    print(lan.ifconfig(), lan.status(), lan.ipconfig("dhcp4"))
lan.ifconfig(("10.0.0.2", "255.255.0.0", "10.0.0.1", "8.8.8.8"))
print(lan.ifconfig(), network.ipconfig("dns"), lan)
for to in ("10.0.0.0/24", "10.0.0.2/40", "x", ("10.0.0.2", "255.0.255.0"), "300.1.1.1/8", None, 7):
    print(raised(lan.ipconfig, addr4=to))
print(raised(lan.ipconfig, gw4="10.1.0.1"), raised(lan.ipconfig, "colour"), lan.ifconfig()[2])
network.hostname("kitchen")
for _ in range(100):
    loop.current().until(lambda: False, 100)
print(network.hostname(), lan.config("hostname"), raised(network.hostname, "x" * 33))
print(ours.current().home.mdns.name, "kitchen.local" in said[-1], lan.config("mac"))
wlan = network.WLAN(network.STA_IF)
wlan.connect("a network", "its password")
print(wlan.status() == network.STAT_GOT_IP, wlan.scan(), wlan.config("ssid") == "", wlan)
wlan.config(pm=0xA11140)
point = network.WLAN(network.WLAN.IF_AP)
print(point.active(), point.ifconfig()[0], raised(point.active, True))
print(network.WIZNET5K().status(), raised(network.country, "DEU"), network.country())
lan.active(False)
print(lan.status(), lan.ifconfig()[0], lan.isconnected())
lan.active(True)
print(lan.ifconfig()[:3], stack.ifaces[0].dev.sent > 10)
loop.detach()
