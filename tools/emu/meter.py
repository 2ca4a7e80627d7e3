"""Cycles between two edges of a pin, split into SPI, kernels and the rest.

The script on the board holds MARK up around what is measured. Meanwhile the processor goes one
instruction at a time:

    SPI       the bus is busy: from the first access to its data register of a transfer to the
              last, so an octet's wait counts, the call that starts it does not
    kernels   the address of the code is in the heap, where viper's machine code lies
    bytecode  the rest: the virtual machine, what of it is written in C, interrupts

Cycles are the emulator's: no wait states of the flash. The marks' own cost is taken off: it is
what two edges with nothing between them show.
"""

MARK = 22  # GPIO number
_RAM_END = 0x20040000  # where the stack begins, in the scratch banks
_OCTETS = 2  # two accesses belong to one transfer when no more than so many octets apart
_SLACK = 48  # cycles


class Window:
    """What one look cost, in cycles."""

    __slots__ = ("bytecode", "kernels", "spi", "total")

    def __init__(self, total, spi, kernels):
        self.total, self.spi, self.kernels = total, spi, kernels
        self.bytecode = total - spi - kernels

    def __iter__(self):
        return iter((self.total, self.spi, self.kernels, self.bytecode))


class Meter:
    """`done(window)` is called at the end of each. `code_at`: where the heap begins, told by the
    script (`set_heap`).
    """

    def __init__(self, mcu, done, spi=0):
        self._mcu = mcu
        self._core = mcu.core
        self._done = done
        self._open = False
        self._spi = mcu.chip.spi[spi]
        self._heap = _RAM_END
        self._tare = Window(0, 0, 0)
        self._read, self._write = self._spi.read_uint32, self._spi.write_uint32
        self._spi.read_uint32 = self._reads
        self._spi.write_uint32 = self._writes
        self._last = 0
        mcu.chip.gpio[MARK].add_listener(self._edge)

    def set_heap(self, at):
        self._heap = at

    def tare(self, window):
        """`window` had nothing in it: the later ones are counted from there."""
        self._tare = window

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
        core, step, heap = self._core, self._mcu.step, self._heap
        kernels = 0
        while self._open:
            before = core.cycles
            inside = heap <= core.pc < _RAM_END
            step()
            if inside:
                kernels += core.cycles - before
        total = core.cycles - self._from
        tare = self._tare
        self._done(Window(total - tare.total, self._busy - tare.spi, kernels - tare.kernels))

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
