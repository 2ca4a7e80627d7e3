"""A chip model on the emulated RP2040's SPI and pins: an ExternalDevice of rp2040py.

    bridge = Bridge(lambda clock: Enc28j60(clock=clock)); bridge.attach(mcu)
    bridge.wire_in(frame); bridge.chip.wire_out = ...

The model runs on the emulator's clock: an octet takes its eight bits' time on the bus, INT changes
when the model says so, and what a transmitter still does goes on while the processor sleeps.
"""

_LOW = 0  # rp2040py: GPIOPinState.LOW; whatever else (an input, too) is pulled up


class Bridge:
    """`make(clock)` makes the model, whose clock returns nanoseconds. Pins are GPIO numbers."""

    def __init__(self, make, spi=0, cs=17, int_pin=21, reset=20):
        self._make = make
        self._pins = (spi, cs, int_pin, reset)
        self.octets = self.transactions = 0

    def attach(self, mcu):
        """Wires it up; before the processor starts."""
        spi, cs, int_pin, reset = self._pins
        clock = self._clock = mcu.clock
        self.chip = self._make(lambda: int(clock.nanos))
        self._spi = mcu.spi[spi]
        self._spi.on_transmit = self._octet
        self._answer = 0
        self._done = clock.create_alarm(self._complete)
        self._timer = clock.create_alarm(self._due)
        mcu.gpio[cs].add_listener(self._cs)
        mcu.gpio[reset].add_listener(self._reset)
        self._int_pin = mcu.gpio[int_pin]
        self.chip.on_int = self._int
        self._int(self.chip.int_level)

    def wire_in(self, frame):
        """A frame comes in from the network."""
        self.chip.wire_in(frame)
        self._watch()

    # The bus

    def _octet(self, value):
        """An octet goes out; the one that comes in is there eight bits later."""
        hz = self._spi.clock_frequency
        self.chip.spi_hz = hz
        self._answer = self.chip.exchange(bytes((value & 0xFF,)))[0]
        self.octets += 1
        self._done.schedule(8e9 / hz)

    def _complete(self):
        self._spi.complete_transmit(self._answer)

    def _cs(self, state, before):
        level = 0 if state == _LOW else 1
        self.transactions += not level
        self.chip.cs(level)
        self._watch()

    def _reset(self, state, before):
        self.chip.reset_pin(0 if state == _LOW else 1)
        self._watch()

    # What the chip does by itself

    def _int(self, level):
        self._int_pin.set_input_value(bool(level))

    def _watch(self):
        """Wakes the model when its next thing is due."""
        at = self.chip.next_at()
        if at is not None:
            self._timer.schedule(max(at - int(self._clock.nanos), 0))

    def _due(self):
        self.chip.poll()
        at = self.chip.next_at()
        # Due and not done by poll(): the next access does it. An alarm at 0 ns would never end.
        if at is not None and at > self._clock.nanos:
            self._timer.schedule(at - int(self._clock.nanos))
