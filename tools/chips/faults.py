"""Faults on the way between board and chip, for any chip: bits and octets of SPI, and anything
else at a chosen moment.

    wiring = FaultyWiring(chip)
    wiring.at(12, FlipMosi(0, 3))         in the 12th transaction from now, first octet: bit 3
    wiring.at(12, Call(chip.brown_out))   as chip select falls

A moment is a transaction: the time between two edges of chip select.
"""

from .spibus import Wiring


class Fault:
    """One fault in one transaction. Octets are counted from the fall of chip select."""

    def begin(self, wiring):
        """Chip select falls."""

    def transfer(self, wiring, out, at):
        """`out` goes to the chip, `at` octets of the transaction went before -> the answer."""
        return wiring.chip.exchange(out)


class Call(Fault):
    """Does something as chip select falls."""

    def __init__(self, what):
        self.what = what

    def begin(self, wiring):
        self.what()


class CallAt(Fault):
    """Does something in the middle of a transaction, before octet `octet`."""

    def __init__(self, octet, what):
        self.octet, self.what = octet, what

    def transfer(self, wiring, out, at):
        k = self.octet - at
        if not 0 <= k < len(out):
            return wiring.chip.exchange(out)
        got = wiring.chip.exchange(out[:k]) if k else b""
        self.what()
        return got + wiring.chip.exchange(out[k:])


class FlipMosi(Fault):
    """One bit towards the chip is wrong. `bit` 0 is the least significant."""

    def __init__(self, octet, bit):
        self.octet, self.bit = octet, bit

    def flipped(self, data, at):
        k = self.octet - at
        if not 0 <= k < len(data):
            return data
        return data[:k] + bytes([data[k] ^ 1 << self.bit]) + data[k + 1 :]

    def transfer(self, wiring, out, at):
        return wiring.chip.exchange(self.flipped(out, at))


class FlipMiso(FlipMosi):
    """One bit from the chip is wrong."""

    def transfer(self, wiring, out, at):
        return self.flipped(wiring.chip.exchange(out), at)


class LoseClock(Fault):
    """The chip misses one clock: it sees every later bit one place early, the board its answers
    one place late.
    """

    def __init__(self, octet, bit):
        self.place = octet * 8 + bit  # from the first bit of the transaction
        self.held = ""  # bits that do not make an octet yet
        self.lost = False

    def transfer(self, wiring, out, at):
        k = self.place - at * 8
        if not self.lost and not 0 <= k < len(out) * 8:
            return wiring.chip.exchange(out)
        bits = self.held + _bits(out)
        lead = "" if self.lost else "1"
        if not self.lost:
            bits = bits[:k] + bits[k + 1 :]
            self.lost = True
        whole = len(bits) // 8 * 8
        self.held = bits[whole:]
        got = lead + _bits(wiring.chip.exchange(_octets(bits[:whole])))
        return _octets(got.ljust(len(out) * 8, "1")[: len(out) * 8])


class LoseOctet(Fault):
    """Eight clocks are lost."""

    def __init__(self, octet):
        self.octet = octet

    def transfer(self, wiring, out, at):
        k = self.octet - at
        if not 0 <= k < len(out):
            return wiring.chip.exchange(out)
        got = wiring.chip.exchange(out[:k] + out[k + 1 :]) if len(out) > 1 else b""
        return got[:k] + b"\xff" + got[k:]


def _bits(data):
    return "".join(f"{b:08b}" for b in data)


def _octets(bits):
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


class FaultyWiring(Wiring):
    """A wiring on which faults are set for transactions to come."""

    def __init__(self, chip, **kw):
        self.faults = {}  # transaction: faults
        self.now = []
        self.at_octet = 0
        self.log = None  # a list that collects (transaction, first octets) when a test sets one
        super().__init__(chip, **kw)

    def at(self, k, fault):
        """In the k-th transaction from now; 0 is the next one."""
        self.faults.setdefault(self.transactions + k + 1, []).append(fault)

    def clear(self):
        self.faults.clear()
        self.now = []

    def pin_out(self, n, level):
        edge = level != self.levels.get(n, 1)
        super().pin_out(n, level)
        if n == self.cs and edge:
            self.at_octet = 0
            self.now = [] if level else self.faults.pop(self.transactions, [])
            for fault in self.now:
                fault.begin(self)

    def transfer(self, out):
        at, self.at_octet = self.at_octet, self.at_octet + len(out)
        if self.log is not None and at == 0:
            self.log.append((self.transactions, bytes(out[:4]), len(out)))
        if not self.now:
            return super().transfer(out)
        got = self.now[0].transfer(self, bytes(out), at)
        self.spend(len(out))
        return got
