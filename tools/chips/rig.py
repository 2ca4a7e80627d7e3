"""A driver on its chip model on a virtual clock: what the tests, the fault matrix and the benches
run.

    rig = Rig("enc28j60")
    rig.chip.wire_in(frame); got = rig.recv(); rig.send(frame); rig.sent

`KINDS` says which model, driver and clock belong together; a new chip is one line there.
"""

import importlib
import sys

from .clock import VirtualClock, VirtualTime
from .faults import FaultyWiring

# name: model, driver, SPI clock, other arguments of the driver
KINDS = {
    "enc28j60": ("chips.enc28j60:Enc28j60", "uipy.drivers.enc28j60:ENC28J60", 20_000_000),
    "w5500": ("chips.w5500:W5500", "uipy.drivers.wiznet.w5500:W5500", 24_000_000),
    "w5100s": ("chips.w5100s:W5100S", "uipy.drivers.wiznet.w5100s:W5100S", 24_000_000),
    "w6100": ("chips.w6100:W6100", "uipy.drivers.wiznet.w6100:W6100", 24_000_000),
}
MAC = b"\x02\x00\x00\x28\x60\x01"
PEER = b"\x02\x00\x00\x00\x00\x02"
POLL_NS = 100_000  # between two polls of an idle board


def load(where):
    module, name = where.split(":")
    return getattr(importlib.import_module(module), name)


def kinds():
    """-> the names of the chips whose model and driver are there."""
    have = []
    for name, (model, driver, _) in KINDS.items():
        try:
            load(model), load(driver)
        except ImportError:
            continue
        have.append(name)
    return have


class Rig:
    """`model` and further arguments go to the chip model and the driver. `pins` False: no INT pin
    and no reset pin.
    """

    def __init__(self, kind="enc28j60", pins=True, model=None, before=None, size=1520, **driver):
        where, driver_at, self.hz = KINDS[kind]
        self.kind = kind
        self.clock = VirtualClock(start_ms=10)
        self.chip = load(where)(clock=self.clock, **(model or {}))
        self.clock.advance_ms(100)  # the supply is stable
        self.wiring = FaultyWiring(self.chip)
        self.sent = []
        self.timers = []  # (ns, function)
        self.octets = 3  # of the transaction that a fault is chosen for
        self.chip.wire_out = self.sent.append
        self.buf = bytearray(size)
        self.got = []
        make = load(driver_at)
        self.time = _use(VirtualTime(self.clock))
        if before:
            before(self)
        w = self.wiring
        if pins:
            driver.setdefault("int_pin", w.pin(w.int_pin, 0))
            driver.setdefault("reset", w.pin(w.reset, 1, value=1))
        driver.setdefault("mac", MAC)
        self.dev = make(w.spi(0, self.hz), w.pin(w.cs, 1, value=1), **driver)

    def use(self):
        """Time is this rig's again, after another one was made."""
        _use(self.time)

    def later(self, ms, what):
        """Calls `what()` in so many ms, from the board's loop."""
        self.timers.append((self.clock.ns + int(ms * 1_000_000), what))

    def tick(self):
        for timer in [t for t in self.timers if t[0] <= self.clock.ns]:
            self.timers.remove(timer)
            timer[1]()

    def poll(self):
        """One turn of a board's loop -> the frame received, or None."""
        self.tick()
        if not self.dev.can_send():
            return None
        n = self.dev.recv_into(self.buf)
        if not n:
            return None
        self.got.append(bytes(self.buf[2 : 2 + n]))
        return self.got[-1]

    def run(self, ms, step_ms=POLL_NS / 1e6):
        """Polls for so long."""
        end = self.clock.ns + int(ms * 1_000_000)
        while self.clock.ns < end:
            self.poll()
            self.clock.advance_ms(step_ms)

    def recv(self, ms=5):
        """-> the next frame, or None after so long."""
        end = self.clock.ns + int(ms * 1_000_000)
        while self.clock.ns < end:
            frame = self.poll()
            if frame is not None:
                return frame
            self.clock.advance(POLL_NS)
        return None

    def free(self, ms=2000):
        """Waits for the transmitter -> True when it is free."""
        end = self.clock.ns + int(ms * 1_000_000)
        while not self.dev.can_send():
            if self.clock.ns >= end:
                return False
            self.clock.advance(POLL_NS)
        return True

    def send(self, frame, ms=2000):
        """Sends one frame and waits until it has left -> True."""
        if not self.free(ms):
            return False
        self.buf[2 : 2 + len(frame)] = frame
        self.dev.send(self.buf, len(frame))
        done = self.free(ms)
        self.chip.poll()
        return done

    def echo(self, frame, ms=5):
        """The frame comes in, goes up and is sent back -> True when it left unharmed."""
        self.chip.wire_in(frame)
        got = self.recv(ms)
        before = len(self.sent)
        return got == frame and self.send(got) and self.sent[before:] == [frame]

    def counters(self):
        """-> the counters that are not zero."""
        return {name: v for name, v in self.dev.counters() if v}


class MoveRig(Rig):
    """A rig that drives `frames`, the generator of the driver, as a stack does."""

    moved = None  # the buffer that `move` is for

    def move(self, m):
        if self.moved is not self.buf:
            self.moved = self.buf
            self.gen = self.dev.frames(self.buf)
            self.gen.send(None)
        return self.gen.send(m)

    def poll(self):
        self.tick()
        return self._got(self.move(0))

    def _got(self, n):
        if n <= 0:
            return None
        self.got.append(bytes(self.buf[2 : 2 + n]))
        return self.got[-1]

    def free(self, ms=2000):
        end = self.clock.ns + int(ms * 1_000_000)
        while not self.move(-1):
            if self.clock.ns >= end:
                return False
            self.clock.advance(POLL_NS)
        return True

    def send(self, frame, ms=2000):
        if not self.free(ms):
            return False
        self.buf[2 : 2 + len(frame)] = frame
        assert self.move(-len(frame)) == 0
        done = self.free(ms)
        self.chip.poll()
        return done

    def echo(self, frame, ms=5):
        """In, and out in the same step that asks for the next one."""
        self.chip.wire_in(frame)
        got = self.recv(ms)
        before = len(self.sent)
        if got != frame or not self.free():
            return False
        self._got(self.move(len(frame)))
        if not self.free():
            return False
        self.chip.poll()
        return self.sent[before:] == [frame]


def frame(n=60, dst=MAC, src=PEER, fill=0):
    """-> a frame of n octets with an EtherType for experiments (IEEE 802: 0x88B5)."""
    body = bytes((fill + i) & 0xFF for i in range(n - 14))
    return dst + src + b"\x88\xb5" + body


def _use(time):
    for name, module in list(sys.modules.items()):
        if name.startswith("uipy.drivers.") and hasattr(module, "time"):
            setattr(module, "time", time)  # noqa: B010 - mypy knows no module with it
    return time
