"""Cycles between two edges of a pin, split into SPI, kernels and the rest.

The script on the board holds MARK up around what is measured. Meanwhile the processor goes one
instruction at a time:

    SPI       the bus is busy: from the first access to its data register of a transfer to the
              last, so an octet's wait counts, the call that starts it does not
    kernels   the address of the code is where viper's machine code lies: in the heap, or in flash
              if it is frozen
    bytecode  the rest: the virtual machine, what of it is written in C, interrupts

Cycles are the emulator's: no wait states of the flash. The marks' own cost is taken off: it is
what two edges with nothing between them show.
"""

from .objects import Objects
from .trace import Trace, Tracer

MARK = 22  # GPIO number
_TARES = 5  # windows of the script's own
_OCTETS = 2  # two accesses belong to one transfer when no more than so many octets apart
_SLACK = 48  # cycles


class Window:
    """What one look cost, in cycles."""

    __slots__ = ("bytecode", "kernels", "spi", "total")

    def __init__(self, total, spi, kernels):
        self.total, self.spi, self.kernels = total, spi, kernels
        self.bytecode = total - spi - kernels

    def __sub__(self, other):
        return Window(self.total - other.total, self.spi - other.spi, self.kernels - other.kernels)

    def __iter__(self):
        return iter((self.total, self.spi, self.kernels, self.bytecode))


class Meter:
    """`done(window)` is called at the end of each; the first windows are the script's own: four
    with nothing in them, one with the calls that the tracer learns from.

    `name` is that of the exchange at hand; `traces[name]` is what its last window was made of, if
    `trace`. `part(pc)` names parts of the interpreter (trace.py).
    """

    def __init__(self, mcu, done, spi=0, trace=False, part=None):
        self._mcu = mcu
        self._core = mcu.core
        self._done = done
        self._open = False
        self._spi = mcu.chip.spi[spi]
        self._code = range(0)
        self._tare = Window(0, 0, 0)
        self._tares = 0
        self._known = ()
        self._part = part
        self._trace = trace
        self._tracer = None
        self.name = None
        self.traces = {}
        self._read, self._write = self._spi.read_uint32, self._spi.write_uint32
        self._spi.read_uint32 = self._reads
        self._spi.write_uint32 = self._writes
        self._last = 0
        mcu.chip.gpio[MARK].add_listener(self._edge)

    def know(self, first, last, *known):
        """What the script says: between which addresses machine code of kernels lies, and three
        objects for the tracer (Tracer.learn).
        """
        self._code = range(first, last)
        if self._trace:
            self._tracer = Tracer(self._mcu, Objects(self._mcu.chip), self._part)
            self._known = known

    # The processor

    def run(self, seconds, until):
        """Runs the board for so many emulated seconds, or until `until()` -> True if it was."""
        mcu = self._mcu
        end = mcu.clock.nanos + seconds * 1e9
        while mcu.clock.nanos < end:
            mcu.run_batch(end - mcu.clock.nanos)
            if self._open:
                self._look()
            if until():
                return True
        return False

    def _look(self):
        if self._tares < _TARES:
            self._tares += 1
            if self._tares == _TARES and self._tracer:
                self._tracer.learn(*self._known)(lambda: self._open)
                return
            window = self._measure()
            if self._tares < _TARES:
                self._tare = window
            return
        if self._tracer and self.name:
            trace = self.traces[self.name] = Trace()
            self._tracer.run(lambda: self._open, trace)
            window = Window(self._core.cycles - self._from, self._busy, 0)
        else:
            window = self._measure()
        self._done(window - self._tare)

    def _measure(self):
        """Steps to the end of the window."""
        core, step = self._core, self._mcu.step
        first, last = self._code.start, self._code.stop
        kernels = 0
        while self._open:
            before = core.cycles
            inside = first <= core.pc < last
            step()
            if inside:
                kernels += core.cycles - before
        return Window(core.cycles - self._from, self._busy, kernels)

    def _edge(self, state, before):
        if state == 1:
            self._open = True
            self._from = self._core.cycles
            self._busy = 0
            self._last = -(1 << 40)
            self._gap = self._octet() * _OCTETS + _SLACK
            self._mcu.stop()
        elif self._open:
            self._open = False

    # The bus

    def _octet(self):
        hz = self._spi.clock_frequency
        return int(8 * 125_000_000 / hz) if hz else 0

    def _reads(self, offset):
        self._touched()
        return self._read(offset)

    def _writes(self, offset, value):
        self._touched()
        self._write(offset, value)

    def _touched(self):
        if self._open:
            now = self._core.cycles
            if now - self._last <= self._gap:
                self._busy += now - self._last
            self._last = now
