"""What a driver says to a WIZnet chip, transaction by transaction, in the names of the data sheet.

rig, log = listened(Rig, "w5500")
log.told()      "S0.CR=01" written, "S0.SR?1" one octet read, "rx@01fe?66" and "tx@0000=64"
                memory, "RSTn=0" the pin, "+100 ms" in between
"""


def listened(make, *args, before=None, **kw):
    """-> a rig made by `make(*args, **kw)`, and what is said to its chip from the beginning.
    `before(rig)` sets up the chip before its driver is made."""
    logs = []

    def prepare(rig):
        logs.append(SpiLog(rig))
        if before:
            before(rig)

    return make(*args, before=prepare, **kw), logs[0]


class SpiLog:
    def __init__(self, rig):
        self.rig = rig
        self.wiring, self.chip = rig.wiring, rig.chip
        self.flat = self.chip.SOCKETS == 4  # the W5100S
        self.transfer, self.pin_out = self.wiring.transfer, self.wiring.pin_out
        self.wiring.transfer, self.wiring.pin_out = self._transfer, self._pin_out
        self.clear()

    def clear(self):
        self.rows = []  # bytearray: a transaction; str: what else happened
        self.seen = self.wiring.transactions
        self.at = self.rig.clock.ns // 1_000_000

    def told(self):
        """-> list of lines since the last time."""
        lines = [row if isinstance(row, str) else self._line(bytes(row)) for row in self.rows]
        self.clear()
        return lines

    def _mark(self):
        now = self.rig.clock.ns // 1_000_000
        if now > self.at + 1:
            self.rows.append(f"+{now - self.at} ms")
        self.at = now

    def _transfer(self, out):
        if self.wiring.transactions != self.seen:
            self._mark()
            self.seen = self.wiring.transactions
            self.rows.append(bytearray())
        self.rows[-1] += out
        return self.transfer(out)

    def _pin_out(self, n, level):
        if n == self.wiring.reset:
            self._mark()
            self.rows.append(f"RSTn={level}")
        self.pin_out(n, level)

    def _line(self, out):
        where, writing = self._flat(out) if self.flat else self._blocks(out)
        data = out[3:]
        if "@" in where:
            return f"{where}{'=' if writing else '?'}{len(data)}"
        return f"{where}={data.hex()}" if writing else f"{where}?{len(data)}"

    def _flat(self, out):
        at = out[1] << 8 | out[2]
        assert out[0] in (0x0F, 0xF0)
        if at >= 0x6000:
            where = f"rx@{at - 0x6000:04x}"
        elif at >= 0x4000:
            where = f"tx@{at - 0x4000:04x}"
        elif at >= 0x400:
            where = f"S{at - 0x400 >> 8}." + self.chip.s0.at[at & 0xFF][0]
        else:
            where = self.chip.common.at[at][0]
        return where, out[0] == 0xF0

    def _blocks(self, out):
        at, block = out[0] << 8 | out[1], out[2] >> 3
        if block & 3 >= 2:
            where = f"{'  tr'[block & 3]}x@{at:04x}"
        elif block & 3:
            where = f"S{block >> 2}." + self.chip.s0.at[at][0]
        else:
            where = self.chip.common.at[at][0]
        return where, bool(out[2] & 4)
