"""A model of the Microchip ENC28J60, byte for byte at its SPI pins (DS39662E; errata DS80349).

    chip = Enc28j60(clock=VirtualClock())
    chip.cs(0); answer = chip.exchange(bytes); chip.cs(1)      what the host does to it
    chip.wire_in(frame); chip.wire_out = callback; chip.link(up)      what the network does to it

Whatever a real chip would punish is written to `chip.complaints` ("code: what happened"), and
punished where the errata say how. `strict` also judges times (off when the clock does not run with
the bus, as across a pipe). `errata` plays the silicon's faults, seeded. Faults that a test
switches on are attributes: see `Fault`.

This file has the SPI and the ETH registers; enc28j60_mac.py receives and transmits,
enc28j60_phy.py is the PHY.
"""

import random

from .clock import VirtualClock
from .enc28j60_mac import Receiver, Transmitter
from .enc28j60_map import ETH, MAC, MII, REGS
from .enc28j60_phy import Phy

_SRC_NS = 50_000  # after a reset, DS39662E 11.2
_OST_NS = 300_000  # oscillator start-up, DS39662E 2.2
_HOLD_NS = 210  # CS after a MAC or MII access, DS39662E table 16-6
_RAM = 8192


class Fault:
    """What is wrong with the chip at the moment; all off. Numbers count down as they happen."""

    def __init__(self):
        self.absent = None  # 0x00 or 0xFF: nobody drives SO, and that is what the host reads
        self.int_stuck = None  # 0 or 1
        self.tx_stuck = 0  # transmissions that never end
        self.late = 0  # transmissions cut by a late collision
        self.false_late = (
            0  # the same, imagined (errata 13); ESTAT.LATECOL says nothing (errata 15)
        )
        self.excess = 0  # transmissions given up after 16 collisions
        self.rx_dead = False  # the receiver hears nothing until RXRST
        self.next_wrong = 0  # packets whose next packet pointer is wrong ...
        self.next_delta = 2  # ... by so much


class Enc28j60:
    """One chip after power-on. `revision` is EREVID: 2 B1, 4 B4, 5 B5, 6 B7."""

    def __init__(
        self, clock=None, revision=6, seed=1, strict=True, errata=True, bit_rate=10_000_000
    ):
        self.clock = clock or VirtualClock()
        self.revision = revision
        self.random = random.Random(seed)
        self.strict = strict
        self.errata = errata
        self.bit_rate = bit_rate
        self.spi_hz = 0  # told by the bus; 0: not known
        self.complaints = []
        self.fault = Fault()
        self.wire_out = None  # called with each frame sent, without its CRC
        self.on_int = None  # called with the level of INT when it changes
        self.selected = False
        self.ram = bytearray(_RAM)
        self.reg = {r.name: r.reset for r in REGS.values()}
        self.phy = Phy(self)
        self.rx = Receiver(self)
        self.tx = Transmitter(self)
        self._int = 1
        self._op = None
        self.power_on()

    # The outside

    def power_on(self):
        """Power-on or brown-out: everything at its reset value, the buffer memory undefined."""
        self.ram[:] = self.random.randbytes(_RAM)
        self._reset()
        self.reg["ECOCON"] = 0x04  # only this reset touches it
        self.ready_at = self.clock() + _OST_NS
        self._op = None

    brown_out = power_on

    def reset_pin(self, level):
        if not level:
            self._reset()

    def link(self, up):
        self.phy.set_cable(up)

    def wire_in(self, frame, crc_ok=True):
        """A frame without its CRC comes in, padded as its sender's MAC does. -> True if stored."""
        self.poll()
        stored = self.rx.frame(bytes(frame), crc_ok)
        self.int_changed()
        return stored

    def next_at(self):
        """-> nanoseconds of the next thing that happens by itself; None: nothing."""
        return self.tx.ends_at

    def poll(self):
        """Lets happen what is due."""
        self.phy.settle()
        self.tx.settle()

    @property
    def int_level(self):
        if self.fault.int_stuck is not None:
            return self.fault.int_stuck
        return 0 if self._asserted() else 1

    def _asserted(self):
        r = self.reg
        return r["EIE"] & 0x80 and r["EIE"] & self.flags() & 0x7F

    def int_changed(self):
        level = self.int_level
        if level != self._int:
            self._int = level
            if self.on_int:
                self.on_int(level)

    def flags(self):
        """-> EIR as it truly is."""
        r = self.reg
        return r["EIR"] | (0x40 if r["EPKTCNT"] else 0) | (0x10 if self.phy.interrupt else 0)

    def complain(self, code, text):
        if len(self.complaints) < 1000:
            self.complaints.append(f"{code}: {text}")

    # SPI, DS39662E 4.2

    def cs(self, level):
        if level:
            if self.selected:
                self._end()
            self.selected = False
        else:
            self.selected = True
            self._op = None
            self._n = 0
            self.poll()
        self.int_changed()

    def exchange(self, out):
        """Octets from the host -> as many from the chip."""
        if self.fault.absent is not None:
            return bytes([self.fault.absent]) * len(out)
        if not self.selected:
            return b"\xff" * len(out)
        if not out:
            return b""
        if self._op is None:
            self._begin(out[0])
            return b"\xff" + (self._data(out[1:]) if len(out) > 1 else b"")
        return self._data(out)

    def _begin(self, byte):
        self._op, self._arg = byte >> 5, byte & 0x1F
        self._last = self.clock()
        if self.strict and self._last - self.reset_at < _SRC_NS:
            self.complain("spi-early", "SPI used within 50 us of a reset (DS39662E 11.2)")
        if self.spi_hz > 20_000_000:
            self.complain("spi-fast", f"SPI at {self.spi_hz} Hz; 20 MHz is the limit")
        if byte == 0xFF:
            self._reset()
        elif (self._op in (1, 3) and self._arg != 0x1A) or self._op in (6, 7):
            self.complain("opcode", f"{byte:#04x} is no instruction")

    def _data(self, out):
        op = self._op
        self._n += len(out)
        if op == 1 and self._arg == 0x1A:
            return self._read_memory(len(out))
        if op == 3 and self._arg == 0x1A:
            self._write_memory(out)
        elif op == 0:
            return self._read_register(len(out))
        elif op in (2, 4, 5):
            if self._n > len(out):
                self.complain("extra", "more than one octet for a register")
            else:
                if len(out) > 1:
                    self.complain("extra", "more than one octet for a register")
                self._alter(op, out[0])
        return b"\x00" * len(out)

    def _end(self):
        """CS rises."""
        op = self._op
        if op is None or self.fault.absent is not None:
            return
        reg = self._at(self._arg) if op in (0, 2, 4, 5) else None
        if op == 0 and reg and reg.group != ETH and self._n < 2:
            self.complain("no-dummy", f"{reg.name} read without the dummy octet (DS39662E 4.2.1)")
        if op in (2, 4, 5) and self._n == 0:
            self.complain("short", "CS rose before the data octet")
        if self.strict and reg and reg.group != ETH and self.clock() - self._last < _HOLD_NS:
            self.complain("cs-hold", f"CS rose within 210 ns of an access to {reg.name}")
        self.poll()

    # Buffer memory, DS39662E 3.2

    def _read_memory(self, n):
        r, ram = self.reg, self.ram
        p = self.get("ERDPT")
        self.tx.touched(p, n)
        if not r["ECON2"] & 0x80:  # AUTOINC
            return bytes([ram[p]]) * n
        last, first = self.get("ERXND"), self.get("ERXST")
        got = bytearray()
        while len(got) < n:
            stop = last if p <= last else _RAM - 1
            k = min(n - len(got), stop - p + 1)
            got += ram[p : p + k]
            p += k
            if p > stop:
                p = first if stop == last else 0
        self.put("ERDPT", p)
        return bytes(got)

    def _write_memory(self, data):
        p = self.get("EWRPT")
        self.tx.touched(p, len(data))
        if not self.reg["ECON2"] & 0x80:
            self.ram[p] = data[-1]
            return
        for i in range(0, len(data), _RAM):
            part = data[i : i + _RAM]
            k = min(len(part), _RAM - p)
            self.ram[p : p + k] = part[:k]
            self.ram[0 : len(part) - k] = part[k:]
            p = (p + len(part)) & (_RAM - 1)
        self.put("EWRPT", p)

    # Control registers

    def get(self, name):
        return self.reg[name + "L"] | self.reg[name + "H"] << 8

    def put(self, name, v):
        self.reg[name + "L"], self.reg[name + "H"] = v & 0xFF, v >> 8

    def _at(self, addr):
        return REGS.get((self.reg["ECON1"] & 3, addr))

    def _slow(self, reg):
        """-> True when errata 1 spoils this access."""
        if reg.group == ETH or not 0 < self.spi_hz < 8_000_000 or self.revision > 4:
            return False
        self.complain("mac-slow", f"{reg.name} accessed below 8 MHz on this revision (errata 1)")
        return self.errata and self.random.random() < 0.25

    def _read_register(self, n):
        reg = self._at(self._arg)
        if reg is None:
            self.complain(
                "reserved", f"read of address {self._arg:#x} in bank {self.reg['ECON1'] & 3}"
            )
            return b"\x00" * n
        v = 0 if self._slow(reg) else self._value(reg.name)
        if reg.group == ETH:
            return bytes([v]) * n
        if self._n == n:  # the dummy octet comes first
            return b"\x00" + bytes([v]) * (n - 1)
        return bytes([v]) * n

    def _value(self, name):
        if name == "EIR":
            v = self.flags()
            if self.errata and self.random.random() < 0.5:
                v ^= v & 0x40  # PKTIF does not report reliably: errata 6
            return v
        if name == "ESTAT":
            ready = self.clock() >= self.ready_at
            return self.reg["ESTAT"] | (0x80 if self._asserted() else 0) | (1 if ready else 0)
        if name == "MISTAT":
            return 1 if self.phy.busy else 0
        if name == "EREVID":
            return self.revision
        if name in ("MIRDL", "MIRDH") and self.phy.busy:
            self.complain("mii-busy", f"{name} read while BUSY")
        return self.reg[name]

    def _alter(self, op, v):
        """WCR, BFS or BFC with its data octet."""
        reg = self._at(self._arg)
        if reg is None:
            self.complain(
                "reserved", f"write to address {self._arg:#x} in bank {self.reg['ECON1'] & 3}"
            )
            return
        if op != 2 and reg.group != ETH:
            self.complain("bit-field", f"BFS or BFC on {reg.name}, which is not an ETH register")
            return
        if v & ~reg.mask and op != 5 and not (reg.name == "ESTAT" and v & ~reg.mask == 1):
            self.complain("read-only", f"{reg.name} written {v:#04x}")
        old = self.reg[reg.name]
        if self._slow(reg):
            return
        new = {2: v, 4: old | v, 5: old & ~v}[op]
        new = (old & ~reg.mask) | (new & reg.mask)
        self._store(reg, old, new, v)

    def _store(self, reg, old, new, v):
        name = reg.name
        if name in _WHILE_IDLE and self.tx.busy:
            self.complain("tx-busy", f"{name} written during a transmission (DS39662E 7.1)")
        if name == "ERXRDPTL":  # takes effect with the high octet, DS39662E 7.2.1
            self.rx.pending_low = new
            return
        self.reg[name] = new
        if name == "ERXRDPTH":
            self.rx.release(new)
        elif name in ("ERXSTL", "ERXSTH", "ERXNDL", "ERXNDH"):
            self.rx.relocate(name)
        elif name == "ECON1":
            self._control(old, new, v)
        elif name == "ECON2":
            if new & 0x40:  # PKTDEC clears itself
                self.reg["ECON2"] = new & ~0x40
                self.rx.decrement()
            if new & 0x20:
                self.complain("power-save", "PWRSV is not modelled")
        elif name == "MICMD":
            if new & 2 or new & 1 & ~old:
                self.phy.command(new)
        elif name == "MIWRH":
            self.phy.write()
        elif name == "EBSTCON" and new & 1:
            self.complain("self-test", "the built-in self-test is not modelled")

    def _control(self, old, new, v):
        """ECON1 was written."""
        if new & 0x40:
            self.rx.reset()
            new &= ~0x04
            self.reg["ECON1"] = new
        if new & 0x04 and not old & 0x04:
            self.rx.enabled()
        if new & 0x80 or old & 0x80:
            self.tx.reset(released=not new & 0x80)
        elif v & 0x08 and new & 0x08:
            self.tx.start(again=bool(old & 0x08))
        elif old & 0x08 and not new & 0x08:
            self.tx.cancel()
        if new & 0x30 & ~old:
            self.complain(
                "dma", "the DMA and its checksum can lose packets (errata); not modelled"
            )
            self.reg["ECON1"] &= ~0x20

    def _reset(self):
        """The soft reset and the RESET pin: registers, not the memory, DS39662E 11.2."""
        kept = self.reg["ECOCON"]
        for r in REGS.values():
            self.reg[r.name] = r.reset
        self.reg["ECOCON"] = kept
        self.reset_at = self.clock()
        self.ready_at = 0  # CLKRDY stays set though the PHY is not ready: errata 2
        self.phy.reset()
        self.rx.power()
        self.tx.power()
        self.int_changed()


_WHILE_IDLE = ("ETXSTL", "ETXSTH", "ETXNDL", "ETXNDH", "MACON1", "MACON3", "MACON4", "MABBIPG")
assert {MAC, MII} == {r.group for r in REGS.values()} - {ETH}
