"""The table of `uipy.doctor`, row by row, and the order in which things are tried.

A row is what was looked at, `ok`, `BAD` or `-` (there is nothing to be said, or no way to try),
and what was found; a BAD one is followed by a sentence that says what to do. A fault is told
once: what cannot be tried because of it has a `-`.
"""

import gc
import sys
import time

from .doctor_chip import Bench, chips_rows, mhz
from .doctor_net import network

_ARCHES = (
    "none x86 x64 armv6 armv6m armv7m armv7em armv7emsp armv7emdp xtensa xtensawin rv32imc rv64imc"
)
_LITTLE = 16 * 1024  # octets of heap that a board with sockets wants to have left
CHIPS = ("enc28j60", "w5500", "w5100s", "w6100")


class Table:
    """What is printed, line by line; `bad` counts the rows that are."""

    def __init__(self, say):
        self.say = say
        self.bad = 0

    def ok(self, what, found):
        self.say("%-10s ok   %s" % (what, found))

    def none(self, what, why):
        self.say("%-10s -    %s" % (what, why))

    def BAD(self, what, found, remedy):
        self.bad += 1
        self.say("%-10s BAD  %s" % (what, found))
        self.say("%15s %s" % ("", remedy))


def examine(cfg, say=print):
    """Prints the table for `cfg` -> how many rows are BAD."""
    table = Table(say)
    try:
        _board(table)
        _config(table, cfg)
        loop = running()
        chip = str(getattr(cfg, "chip", "")).strip().lower()
        if chip not in CHIPS:
            table.none("chip", "chip = %r: there is nothing on SPI to look at" % chip)
            if loop:
                network(table, cfg, loop.stack, loop.until, loop)
            return table.bad
        _chip_and_network(table, cfg, chip, loop)
    except KeyboardInterrupt:
        say("ended by Ctrl-C")
    return table.bad


def _chip_and_network(table, cfg, chip, loop):
    try:
        bench = Bench(cfg, chip)
    except (ValueError, OSError, AttributeError) as exc:
        told = "Put the pins in order, as the row config says." if table.bad else "See pins.py."
        table.BAD("chip", "no SPI: %s" % exc, told)
        return
    try:
        if loop:
            _no_watchdog(table)
            with loop:  # the background keeps its hands off the chip
                up = chips_rows(table, bench, cfg)
        else:
            up = chips_rows(table, bench, cfg)
    finally:
        bench.leave()
    if not up:
        for what in ("address", "gateway", "ping", "DNS", "name"):
            table.none(what, "not tried: no link")
        return
    if loop:
        network(table, cfg, loop.stack, loop.until, loop)
        return
    dev = bench.device(cfg)
    try:
        alone(table, cfg, dev)
    finally:
        bench.leave()


def _no_watchdog(table):
    # While the background is held back nobody feeds it, and somebody is here.
    dog = sys.modules.get("watchdog")
    if getattr(dog, "the", None):
        dog.stop()
        table.none("watchdog", "stopped; a reset starts it again")


def alone(table, cfg, dev):
    """The network's rows with a stack made for them."""
    from . import Stack

    ip = getattr(cfg, "ip", None)
    given = ip and ip.lower() not in ("dhcp", "auto")
    gateway = getattr(cfg, "gateway", None)
    now = time.ticks_ms()
    stack = Stack(
        dev, ip if given else None, gateway if given else None, tcp=0, udp=6, now=now, groups=2
    )

    def until(cond, ms):
        began = time.ticks_ms()
        while True:
            stack.poll(time.ticks_ms())
            if cond():
                return True
            if time.ticks_diff(time.ticks_ms(), began) >= ms:
                return False
            time.sleep_ms(1)

    network(table, cfg, stack, until, None)


def running():
    """The loop of a stack that runs in the background; None: there is none."""
    loop = sys.modules.get("uipy.loop")
    return getattr(loop, "the", None)


def _board(table):
    what = sys.implementation
    version = ".".join([str(n) for n in what.version[:3]])
    mpy = getattr(what, "_mpy", 0)
    arch = _ARCHES.split()[mpy >> 10 & 15] if mpy else "no .mpy"
    machine = getattr(what, "_machine", sys.platform)
    table.ok("board", "%s; %s %s, %s" % (machine, what.name, version, arch))
    from machine import freq

    hz = freq()
    hz = hz[0] if isinstance(hz, tuple) else hz
    volts = _supply(machine)
    if volts is None or volts > 3.0:
        supply = "" if volts is None else "; supply %.1f V" % volts
        table.ok("clock", "%s%s" % (mhz(hz), supply))
    else:
        remedy = "The supply at VSYS breaks down: feed the board from a stronger source."
        table.BAD("clock", "%s; supply %.1f V" % (mhz(hz), volts), remedy)
    gc.collect()
    if not hasattr(gc, "mem_free"):
        table.none("memory", "this Python does not say")
        return
    free = gc.mem_free()
    found = "%d kB free of %d" % (free >> 10, free + gc.mem_alloc() >> 10)
    if free < _LITTLE:
        remedy = "Freeze the library, or take names and rows out of config.py (docs/limits.md)."
        table.BAD("memory", found, remedy)
    else:
        table.ok("memory", found)


def _supply(machine):
    # Volts at VSYS: a Raspberry Pi Pico has a third of it at GPIO29.
    if not machine.startswith("Raspberry Pi Pico"):
        return None
    try:
        from machine import ADC
    except ImportError:
        return None
    volts = ADC(29).read_u16() * 9.9 / 65535
    return volts if volts > 1 else None  # it runs, after all: this pin has another use


def _config(table, cfg):
    # What main.py says of it at the start. By its name: that is firmware, not library.
    try:
        found = __import__("check").problems(cfg)
    except ImportError:
        table.none("config", "no check.py on this board")
        return
    sys.modules.pop("check", None)
    for line in found:
        table.BAD("config", line, "Edit config.py, then Ctrl-D.")
    if not found:
        table.ok("config", "every name of config.py makes sense")
