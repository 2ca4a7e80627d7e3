"""The board that tapboard.py and the tests run: firmware/main.py, and three services for tests.

Runs under CPython and under MicroPython. `sink` (TCP 9009) sends a line and its FIN at once, and
goes on receiving until the client's FIN. `tally` (TCP 9010) sends "octets crc32" of what the sinks
that have ended took, and starts again from 0. `web` (TCP 8081) is webparts.py.
"""

import re
import sys
from binascii import crc32

import config
import main
from uipy import App, Bytes

SERVICES = main.SERVICES + ("sink", "web")
SINK, TALLY = 9009, 9010

# What Stack(tcp_options=...) takes: what can be switched on, and what wants a number.
SWITCHES = ("sack", "timestamps", "window_scale", "cookies", "urgent", "ecn")
NUMBERS = (
    "reassembly", "ecn", "room", "max_flight", "rto_min", "rto_max", "rto_init", "delayed_ack",
    "msl", "linger",
)  # fmt: skip


def options(text):
    """ "sack,ecn=1,reassembly=4" as tcp_options; `name=0` switches off. Raises ValueError."""
    found = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if not name:
            continue
        if name not in SWITCHES + NUMBERS:
            known = ", ".join(sorted(set(SWITCHES + NUMBERS)))
            raise ValueError("no option %r: there are %s" % (name, known))
        if not value and name not in SWITCHES:
            raise ValueError("%s wants a number, as in %s=4" % (name, name))
        if value and not value.isdigit():
            raise ValueError("%s: %r is no number" % (name, value))
        found[name] = int(value or 1)
    return found


def say(line):
    """Prints what the board says, at once."""
    print(line)
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


class Settings:
    """firmware/config.py with some of its names changed. `services` is a list; `chip` may be
    "none", `ip` "dhcp" or "auto". Without a `hostname` it has none, and asks nobody for the time.
    """

    def __init__(
        self,
        ip,
        gateway=None,
        tcp=8,
        services=main.SERVICES,
        name="uipy",
        chip="none",
        hostname=None,
        dns=None,
    ):
        for word in dir(config):
            setattr(self, word, getattr(config, word))
        self.ip = ip
        self.gateway = gateway or None
        self.tcp = self.clients = self.echo_clients = tcp
        # A PC has the memory; what is in flight must find room in a chip's.
        self.echo_ring = (8 if chip == "none" else 4) * 1460
        self.name = name
        self.chip = chip
        self.tcp_options = dict(config.tcp_options)
        self.sink = "sink" in services
        self.web = "web" in services
        self.hostname = re.sub("[^A-Za-z0-9]+", "-", hostname or "").strip("-") or None
        self.dns = dns
        self.lease_file = None  # its folder is ours
        self.ntp = "dhcp"
        self.services = ",".join([s for s in services if s not in ("sink", "web")])


class Sink(App):
    """Our FIN first: FIN-WAIT-2 for as long as the client likes."""

    octets = 0  # of all sinks that have ended, for the tally
    crc = 0

    def connected(self, conn):
        self.mine = 0
        self.sum = 0
        conn.finish(Bytes(b"sink\r\n"))

    def received(self, conn, buf, start, n):
        self.mine += n
        self.sum = crc32(memoryview(buf)[start : start + n], self.sum)

    def closed(self, conn, reason):
        Sink.octets += self.mine
        Sink.crc = self.sum


class Tally(App):
    """One line about the sinks."""

    def connected(self, conn):
        conn.finish(Bytes(b"%d %08x\r\n" % (Sink.octets, Sink.crc)))
        Sink.octets = Sink.crc = 0


def build(dev, settings):
    """The stack on `dev` with the services asked for, as firmware/main.py makes it."""
    stack = main.build(dev, settings, say)
    if settings.sink:
        stack.listen(SINK, Sink, settings.tcp)
        stack.listen(TALLY, Tally, 1)
    if settings.web:
        from boards import webparts

        webparts.start(stack, settings.tcp)
    return stack
