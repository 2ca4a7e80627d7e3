"""A board on a desk for `uipy.doctor`: a chip model, wires that may be wrong, and a home's router
at the other end of the cable, on one virtual clock.

    desk = Desk("w5500", int_pin=None)          INT leads nowhere
    desk.chip.link(False); desk.lease = False   what else can be wrong
    said = desk.examine(hostname="uipy")        {row: ("ok" or "BAD" or "-", what was found)}

The router lends 192.168.7.2, answers ARP and pings, and knows no name (RFC 2308).
"""

import sys
from types import SimpleNamespace

import config
import machine
from chips.clock import VirtualClock, VirtualTime
from chips.pair import Bare
from chips.rig import KINDS, load
from chips.spibus import Wiring
from uipy import Stack, UdpApp
from uipy.host import Mdns
from wire.router import Leases

BOARD, ROUTER = "192.168.7.2", "192.168.7.1"
_MAC = b"\x02\0\0gat"
_NAMES = ("uipy.drivers.", "uipy.doctor")


class NoNames(UdpApp):
    """A name server that knows none."""

    def received(self, port, buf, start, n):
        buf[start + 2] = 0x81
        buf[start + 3] = 0x83  # NXDOMAIN
        return n


class Router(Bare):
    """The other end of the chip's cable. `lease`, `alive` and `names` switch it off in parts."""

    mac = _MAC

    def __init__(self, chip, now):
        super().__init__(chip)
        chip.wire_out = self.take
        self.lease = self.alive = self.names = True
        self.leases = Leases(_MAC, BOARD, ROUTER)
        self.stack = Stack(self, ROUTER + "/24", tcp=0, udp=4, key=b"a router", now=now, groups=2)
        self.stack.bind(53, NoNames())

    def take(self, frame):
        reply = self.leases.answer(frame)
        if reply and self.lease:
            self.chip.wire_in(reply)
        elif not reply and self.alive and (self.names or frame[36:38] != b"\0\x35"):
            self.rx.append(frame)

    def settle(self, now):
        self.stack.poll(now)


class _Time(VirtualTime):
    """Time passes in `sleep_ms`, and a little with each look at the clock."""

    def __init__(self, clock, turn):
        super().__init__(clock)
        self.turn = turn

    def ticks_ms(self):
        self.clock.advance(20_000)
        return super().ticks_ms()

    def sleep_ms(self, n):
        for _ in range(n):
            self.clock.advance_ms(1)
            self.turn()


class Desk:
    """`wires`: what spibus.Wiring takes; None for a pin that leads nowhere. `rates`: SPI clocks
    that the port has, Hz; any, if there are none."""

    def __init__(self, kind, rates=(), **wires):
        self.kind = kind
        self.clock = VirtualClock(start_ms=1000)
        self.chip = load(KINDS[kind][0])(clock=self.clock, strict=False)
        self.wiring = Wiring(self.chip, **wires)
        if rates:
            set_hz = self.wiring.set_hz
            self.wiring.set_hz = lambda hz: set_hz(max(r for r in rates if r <= hz))
        self.clock.advance_ms(100)
        self.router = Router(self.chip, self.now())
        self.time = _Time(self.clock, self._turn)
        self.bad = None
        self.lines: list[str] = []  # what was printed last

    def now(self):
        return self.clock.ns // 1_000_000 & 0x3FFFFFFF

    def _turn(self):
        self.chip.poll()
        self.router.settle(self.now())

    def claims(self, name):
        """Somebody has this name already."""
        Mdns(self.router.stack, name, 0)
        for _ in range(3000):
            self.clock.advance_ms(1)
            self._turn()

    def settings(self, **changed):
        values = {n: getattr(config, n) for n in dir(config) if n[0] != "_"}
        values.update(chip=self.kind, dns=ROUTER, ntp=None, baudrate=20_000_000)
        return SimpleNamespace(**{**values, **changed})

    def use(self):
        """The clock of drivers and doctor is the desk's, and the chip hangs on `machine.SPI`."""
        machine.wire(self.wiring)
        for _, module in self._timed():
            module.time = self.time

    @staticmethod
    def _timed():
        mine = [(n, m) for n, m in sys.modules.items() if n.startswith(_NAMES)]
        return [(n, m) for n, m in mine if hasattr(m, "time")]

    def examine(self, **changed):
        from uipy import doctor_chip, doctor_kinds, doctor_rows  # noqa: F401

        kind = KINDS[self.kind][1]
        load(kind)
        before = {
            n: m.time
            for n, m in sys.modules.items()
            if n.startswith(_NAMES) and hasattr(m, "time")
        }
        lines = self.lines = []
        self.use()
        try:
            self.bad = doctor_rows.examine(self.settings(**changed), lines.append)
        finally:
            machine.wire(None)
            for name, time in before.items():
                sys.modules[name].time = time  # type: ignore[attr-defined]
        return rows(lines)


def rows(lines):
    """{row: (verdict, found, remedy)}."""
    said: dict = {}
    last = None
    for line in lines:
        if line.startswith(" "):
            assert last and said[last][0] == "BAD", line
            said[last] = (*said[last][:2], line.strip())
            continue
        last, verdict, found = line[:10].strip(), line[11:15].strip(), line[16:]
        assert verdict in ("ok", "BAD", "-"), line
        assert last not in said or last == "config", line
        said[last] = (verdict, found, "")
    return said


def bad(said):
    """-> the rows that are BAD, in their order; each has a remedy, and no other has one."""
    for what, (verdict, _, remedy) in said.items():
        assert (verdict == "BAD") == bool(remedy), what
        assert not remedy or remedy[-1] in ".?", remedy
    return [what for what, row in said.items() if row[0] == "BAD"]
