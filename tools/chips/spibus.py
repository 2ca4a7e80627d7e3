"""`machine.SPI` and `machine.Pin` wired to a chip model: select edges and octets, no more.

    clock = VirtualClock(); chip = Enc28j60(clock)
    wiring = Wiring(chip, cs=17, int_pin=21, reset=20)
    dev = ENC28J60(wiring.spi(), wiring.pin(17), int_pin=wiring.pin(21), reset=wiring.pin(20))

A chip has `cs(level)`, `exchange(bytes) -> bytes`, `reset_pin(level)`, `int_level`, `on_int`,
`spi_hz`, `poll()`. On a VirtualClock a transfer takes the time of its bits, and each call
`call_ns` on top, as on a board.
"""

from .clock import VirtualClock


class Wiring:
    """One chip, one bus, and which pin number goes where. Other pins are variables."""

    def __init__(self, chip, cs=17, int_pin=21, reset=20, clock=None, call_ns=1000):
        self.chip = chip
        self.clock = clock or chip.clock
        self.cs, self.int_pin, self.reset = cs, int_pin, reset
        self.call_ns = call_ns
        self.hz = 10_000_000
        self.transactions = self.octets = 0  # chip selects and octets so far
        self.clean_hz = 0  # above it octets come back changed (a fault); 0: at no clock
        self.lost_edges = 0  # INT edges that get lost, counts down (a fault)
        self.handlers = {}
        self.levels = {}
        chip.on_int = self._int

    def spi(self, id=0, baudrate=10_000_000, **kw):
        return SPI(self, id, baudrate)

    def pin(self, n, *a, **kw):
        return Pin(self, n, *a, **kw)

    # What the bus and the pins do

    def set_hz(self, hz):
        self.hz = self.chip.spi_hz = hz

    def transfer(self, out):
        got = self.chip.exchange(bytes(out))
        if got and 0 < self.clean_hz < self.hz:
            got = got[:-1] + bytes((got[-1] ^ 1,))
        self.spend(len(out))
        return got

    def spend(self, n):
        """The time and the count of n octets."""
        if isinstance(self.clock, VirtualClock):
            self.clock.advance(n * 8_000_000_000 // self.hz + self.call_ns)
        self.octets += n

    def pin_out(self, n, level):
        if n == self.cs:
            if level == self.levels.get(n, 1):
                return  # no edge: a transaction goes on
            if not level:
                self.transactions += 1
            self.chip.cs(level)
        elif n == self.reset:
            self.chip.reset_pin(level)
        self.levels[n] = level

    def pin_in(self, n):
        if n == self.int_pin:
            self.chip.poll()
            return self.chip.int_level
        return self.levels.get(n, 1)

    def _int(self, level):
        if level == 0 and self.lost_edges:
            self.lost_edges -= 1
            return
        for pin, handler, trigger in list(self.handlers.values()):
            if handler and (trigger & 2 if level == 0 else trigger & 1):
                handler(pin)


class SPI:
    """The master's side of `machine.SPI`, mode 0, most significant bit first."""

    MSB, LSB = 0, 1

    def __init__(self, wiring, id, baudrate):
        self._wiring = wiring
        self._id = id
        self.init(baudrate)

    def __repr__(self):
        return f"SPI({self._id}, baudrate={self._wiring.hz})"

    def init(self, baudrate=None, polarity=0, phase=0, **kw):
        if polarity or phase:
            raise ValueError("the chip needs SPI mode 0")
        if baudrate:
            self._wiring.set_hz(baudrate)

    def deinit(self):
        pass

    def write(self, buf):
        self._wiring.transfer(buf)

    def readinto(self, buf, write=0):
        buf[:] = self._wiring.transfer(bytes([write]) * len(buf))

    def read(self, n, write=0):
        return self._wiring.transfer(bytes([write]) * n)

    def write_readinto(self, out, into):
        if len(out) != len(into):
            raise ValueError("buffers must be the same length")
        into[:] = self._wiring.transfer(out)


class Pin:
    """`machine.Pin` by its number on the wiring."""

    IN, OUT, OPEN_DRAIN = 0, 1, 2
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, wiring, n, mode=-1, pull=-1, value=None):
        self._wiring = wiring
        self._n = n
        self.init(mode, pull, value)

    def __repr__(self):
        return f"Pin({self._n})"

    def init(self, mode=-1, pull=-1, value=None):
        self._mode = mode
        if value is not None:
            self(value)

    def __call__(self, level=None):
        if level is None:
            return self._wiring.pin_in(self._n)
        self._wiring.pin_out(self._n, 1 if level else 0)
        return None

    value = __call__

    def toggle(self):
        self(1 - self())

    def on(self):
        self(1)

    def off(self):
        self(0)

    high, low = on, off

    def irq(self, handler=None, trigger=3, **kw):
        self._wiring.handlers[self._n] = (self, handler, trigger)
