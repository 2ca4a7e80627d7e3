"""What a board runs at boot: the stack, the services of config.py, and the loop that moves frames.

From a checkout, on a board that runs MicroPython (its pins.py says where the chip is):

    mpremote fs cp -r lib/uipy :lib/ + fs cp firmware/*.py boards/NAME/pins.py : + reset

The same file runs on the simulated board (`make run`) and under CPython (tools/tapboard.py):
`build(dev, cfg)` makes the stack on any device, `serve(stack, wait)` runs it, and `main()` does
both with the chip that config.py names. `share` leaves it to the background instead, for a program
with sockets.
"""

import gc
import os
import sys

# What is compiled or loaded from the file system leaves garbage between what stays. Collected
# only when the heap is full, a Pico has 80 kB free and no 3 kB in one piece.
if hasattr(gc, "threshold"):
    gc.threshold(32768)

from place import Place, wanted
from uipy import Stack
from uipy.kern import tdiff

SERVICES = ("http", "echo", "discard", "chargen", "daytime")
# cfg.chip: the driver's module and its class there.
CHIPS = {
    "enc28j60": ("enc28j60", "ENC28J60"),
    "w5500": ("wiznet", "W5500"),
    "w5100s": ("wiznet", "W5100S"),
    "w6100": ("wiznet", "W6100"),
}


def build(dev, cfg, say=print, now=None):
    """The stack on `dev` with the services of `cfg`; else as `bare`. Raises ValueError for what
    cannot be: a line for each.
    """
    found = once("check", "problems", cfg, ())
    if found:
        raise ValueError("\n".join(found))
    stack, place = bare(dev, cfg, say, now)
    offer(stack, cfg, place)
    return stack


def bare(dev, cfg, say=print, now=None):
    """The stack on `dev` and its `Place` as `cfg` describes them: config.py, or any object with
    some of its names. `say` takes a line when something has changed, `now` is for a clock other
    than ticks_ms.
    """
    later = wanted(cfg)
    stack = Stack(
        dev,
        None if later else getattr(cfg, "ip", None),
        None if later else getattr(cfg, "gateway", None),
        tcp=getattr(cfg, "tcp", 8),
        udp=getattr(cfg, "udp", 8),
        arp=getattr(cfg, "arp", 8),
        time_wait=getattr(cfg, "time_wait", 16),
        half_open=getattr(cfg, "half_open", 8),
        tcp_options=getattr(cfg, "tcp_options", None),
        now=now,
        groups=2 if getattr(cfg, "hostname", None) else 0,
    )
    return stack, Place(stack, cfg, say)


def offer(stack, cfg, place):
    """Start the services that `cfg` names."""
    for name in getattr(cfg, "services", ",".join(SERVICES)).lower().split(","):
        if name.strip():
            start(stack, name.strip(), cfg, place)


def start(stack, name, cfg, place):
    """Start one service. Imported here, so that a board pays for what it serves."""
    clients = getattr(cfg, "clients", len(stack.tcp.conns))

    def listen(port, app, clients):
        listener = stack.listen(port, app, clients, idle_ms=1000 * getattr(cfg, "idle_s", 3600))
        for app in listener.apps:
            if hasattr(app, "keepalive_s"):  # HTTP has limits of its own
                app.keepalive_s = getattr(cfg, "keepalive_s", 300)

    if name == "http":
        web = site(stack, getattr(cfg, "name", "uipy"), getattr(cfg, "events", 2), place)
        listen(80, web, clients)
        if place.mdns:
            place.mdns.add("_http._tcp", 80)
    elif name == "echo":
        from uipy.apps import Echo, UdpEcho

        ring = getattr(cfg, "echo_ring", stack.tcp.default_room)
        listen(7, lambda: Echo(ring), getattr(cfg, "echo_clients", clients))
        stack.bind(7, UdpEcho())
    elif name == "discard":
        from uipy.apps import Discard

        listen(9, Discard, clients)
    elif name == "daytime":
        from uipy.apps import Daytime

        listen(13, Daytime, clients)
    elif name == "chargen":
        from uipy.apps import Chargen

        listen(19, Chargen, clients)


def site(stack, name, events=0, place=None):
    """The web site: the status page and what feeds it. `events`: how many clients the board tells
    by itself, if it has the parts for that; all others ask.
    """
    import page
    from network_page import Network
    from status import Json, Metrics, Status
    from uipy.apps import Page, Site

    status = Status(stack, name)
    web = Site()
    web.add("/", Page(page.HTML))
    web.add("/status.json", Json(status))
    network = Network(place) if place else None
    web.add("/metrics", Metrics(status, network))
    if network:
        web.add("/network.json", network)
    if events:
        try:
            tell(web, status, events)
        except ImportError:  # a board without uipy.web: the page asks
            pass
    return web


def tell(web, status, clients):
    """/events: what the board says once a second, to so many clients."""
    from status import Feed, Json
    from uipy.web import Events, Routes

    feed = Feed(Json(status))
    # Two of the usual size, so that one which is on its way does not have to go for the next.
    events = Events(clients, max(3072, feed.most()), feed)
    Routes(web, head=96, text=0, fields=64, ahead=256).route("/events", events)


def settle(stack, wait, seconds=60):
    """Poll until there is an address; False if there is none after so long."""
    ip = stack.ifaces[0].ip
    left = 1000 * seconds
    then = stack.now
    while not ip[0] and left > 0:
        ms = stack.poll()
        if ms:
            wait(ms)
        left -= tdiff(stack.now, then)
        then = stack.now
    return ip[0] != 0


def serve(stack, wait):
    """Poll for ever. `wait(ms)` sleeps up to that long, less when the chip has something."""
    while True:
        ms = stack.poll()
        if ms:
            wait(ms)


class Nap:
    """Sleeps until INT is low or the time is over. Without INT it returns after one interrupt of
    any kind, which on a Pico is a millisecond at most.
    """

    def __init__(self, pin):
        import time

        import machine

        self.pin = pin
        self.idle = machine.idle
        self.time = time

    def __call__(self, ms):
        time = self.time
        until = time.ticks_add(time.ticks_ms(), min(ms, 1000))
        self.idle()
        if self.pin is None:
            return
        while self.pin() and time.ticks_diff(until, time.ticks_ms()) > 0:
            self.idle()


def device(cfg):
    """The chip that `cfg` names, and its INT pin (or None). Waits for nothing: without a chip it
    says so, and the driver goes on looking for it.
    """
    chip = cfg.chip.strip().lower()
    if chip == "slip":
        return line(cfg), None
    from machine import SPI, Pin
    from uipy import NoChip

    module, name = CHIPS[chip]
    kind = getattr(__import__("uipy.drivers." + module, None, None, (name,)), name)
    spi = SPI(
        cfg.spi,
        baudrate=cfg.baudrate,
        sck=Pin(cfg.sck),
        mosi=Pin(cfg.mosi),
        miso=Pin(cfg.miso),
    )
    cs = Pin(cfg.cs, Pin.OUT, value=1)
    int_pin = None if cfg.int_pin is None else Pin(cfg.int_pin, Pin.IN)
    reset = None if cfg.reset is None else Pin(cfg.reset, Pin.OUT, value=1)
    try:
        return kind(spi, cs, int_pin, reset, cfg.mac), int_pin
    except NoChip as exc:
        print(exc)
        return kind(spi, cs, int_pin, reset, cfg.mac, wait=True), int_pin


def line(cfg):
    """The serial port of the prompt as a device: SLIP. The prompt is away until a Ctrl-C between
    two packets. Nobody lends addresses on a line, nor asks for names: `cfg` gets those of pins.py
    where it wants some lent, and no hostname.
    """
    from uipy.drivers.slip import Slip
    from uipy.drivers.slip.console import Console

    if wanted(cfg):
        cfg.ip, cfg.gateway = cfg.line_ip, cfg.line_gateway
    cfg.hostname = None
    print("SLIP from here on, http://%s/; Ctrl-C: the prompt" % str(cfg.ip).split("/")[0])
    console = Console()
    dev = Slip(console, cfg.line_mtu)
    dev.console = console  # type: ignore[attr-defined]  # main() closes it
    return dev


def share(stack, place, cfg, int_pin=None, wait=None):
    """From here on the stack is that of `socket` and `network`, and polled in the background where
    there is a machine.Timer. Returns its `Lan`."""
    from uipy.sock.install import install
    from uipy.sock.lan import attach

    install()
    name = getattr(cfg, "hostname", None)
    return attach(stack, place, wait, int_pin, name, place.tell)


def program(cfg):
    """The path of the user's program; None if there is none, or no such file."""
    path = getattr(cfg, "program", None)
    try:
        os.stat(path or "")
    except OSError:
        return None
    return path


def run(path):
    """The user's program, as MicroPython runs main.py: in the namespace of the prompt, which sees
    its names when it has ended. What it raises is the caller's."""
    names = __import__("__main__").__dict__
    try:
        execute = execfile  # type: ignore[name-defined]
    except NameError:  # CPython

        def execute(path, names):
            with open(path) as f:
                exec(compile(f.read(), path, "exec"), names)

    execute(path, names)


def once(name, call, *given):
    """What a function says that is wanted once: its module is loaded for it, and forgotten."""
    try:
        return getattr(__import__(name), call)(*given)
    finally:
        sys.modules.pop(name, None)
        gc.collect()  # else what is made next lies between its remains


def main():
    """The board as config.py describes it: its services, and the user's program if there is one,
    with the stack in the background. Ctrl-C gives the prompt back, and so does all that goes
    wrong (docs/first-start.md)."""
    held, starts = once("safe", "held")
    if held:
        print(held)
        return
    try:
        begin(starts)
    finally:
        once("safe", "reached")  # the prompt: whatever comes now is no crash


def begin(starts=0):
    """`starts`: how many in a row have come to a bad end, 0 when nobody counts."""
    import config

    found = once("check", "problems", config)
    found = found or once("safe", "pulled", getattr(config, "safe_pin", None))
    if found:
        print("not started:\n  " + "\n  ".join(found))
        print("Edit config.py, or put it right otherwise; Ctrl-D starts the board again.")
        return
    dev, int_pin = device(config)
    console = getattr(dev, "console", None)  # what is printed there would spoil a packet
    say = quiet if console else print
    stack, place = bare(dev, config, say)
    offer(stack, config, place)
    if starts:
        stack.after(60_000, lambda: once("safe", "reached"))
    if not wanted(config):  # else it is said when there is an address
        say("serving http://%s/" % (config.ip or "0.0.0.0").split("/")[0])
    seconds = getattr(config, "watchdog", 0)
    try:
        if seconds:
            import watchdog

            more = watchdog.guard(lambda: go(stack, place, config, int_pin), stack, seconds)
        else:
            more = go(stack, place, config, int_pin)
    finally:
        if console:
            console.close()
    if not more:
        print("stopped")


def go(stack, place, config, int_pin):
    """The services alone, or beside a program -> True when they go on in the background."""
    console = getattr(stack.ifaces[0].dev, "console", None)
    path = program(config)
    if path or getattr(config, "background", False):
        share(stack, place, config, int_pin)
        if path and once("safe", "passed", quiet if console else print):
            run(path)
        if not console:
            return True
    try:
        serve(stack, Nap(int_pin))
    except KeyboardInterrupt:
        pass
    return False


def quiet(line):
    """Says nothing."""


if __name__ == "__main__":
    main()
