"""ENC28J60: registers, reset, configuration and what keeps the configuration true.

Every register that the driver relies on stands in one table, `_cfg`: pairs of (bank << 5 |
address, value). It is written after a reset, read back at once, and audited a few entries at a
time for ever after: a brown-out, a flipped bit on the bus or another chip in the socket all show
as an entry that no longer reads what was written.

Clauses: DS39662E is the data sheet, "errata n" its errata sheet (DS80349).
"""

import time

from micropython import const

from ..spidev import SpiDevice
from .registers import (
    BFC,
    BFS,
    ECON1,
    EIE,
    EREVID,
    ERXRDPT,
    MICMD,
    MIRDH,
    MIRDL,
    MIREGADR,
    MISTAT,
    MIWR,
    PHCON1,
    PHCON2,
    PHLCON,
    RX_END,
    RXEN,
    SRC,
    TX_START,
    WCR,
)

_AUDIT = const(8)  # table entries per look


class Chip(SpiDevice):
    """Register access with a cached bank, the PHY behind its MII, bring-up and audit."""

    def __init__(self, spi, cs, int_pin, reset, mac, bus, full_duplex, multicast):
        super().__init__(spi, cs, int_pin, reset, mac, bus)
        self._out1 = bytearray(1)
        self._out2 = bytearray(2)
        self._out3 = bytearray(3)
        self._in2 = bytearray(2)
        self._in3 = bytearray(3)
        self._selected = -1  # the bank that ECON1 selects; -1: not known
        self._cfg = _table(self.mac, full_duplex, multicast)
        self._at = 0  # where the audit goes on
        self._phcon1 = 0x0100 if full_duplex else 0  # PDPXMD, DS39662E 6.6
        self._phcon2 = 0 if full_duplex else 0x0100  # HDLDIS: do not hear ourselves
        # EREVID: 2 B1, 4 B4, 5 B5, 6 B7; what was read when the chip does not answer
        self.revision = 0

    # Registers

    def _put(self, op, v):
        c = self._out2
        c[0] = op
        c[1] = v
        self._cs(0)
        self._write(c)
        self._cs(1)

    def _put16(self, op, v):
        """Low octet first: the high one makes a pointer take effect (DS39662E 3.2.1, 7.2.1)."""
        self._put(op, v & 0xFF)
        self._put(op + 1, v >> 8)

    def _get(self, reg):
        """-> an ETH register of the selected bank, or one that every bank has."""
        c = self._out2
        c[0] = reg
        self._cs(0)
        self._exchange(c, self._in2)
        self._cs(1)
        return self._in2[1]

    def _get_mac(self, reg):
        """-> a MAC or MII register: they answer after a dummy octet (DS39662E 4.2.1)."""
        c = self._out3
        c[0] = reg
        self._cs(0)
        self._exchange(c, self._in3)
        self._cs(1)
        return self._in3[2]

    def _select(self, b):
        """Selects a bank; between 0 and 1, the two that frames need, with one instruction."""
        if b == self._selected:
            return
        if self._selected == 0 and b == 1:
            self._put(BFS | ECON1, 1)
        elif self._selected == 1 and b == 0:
            self._put(BFC | ECON1, 1)
        else:
            self._put(BFC | ECON1, 3)
            if b:
                self._put(BFS | ECON1, b)
        self._selected = b

    def _get16(self, reg):
        return self._get(reg) | self._get(reg + 1) << 8

    # PHY, DS39662E 3.3

    def _mii_wait(self):
        """-> True when the PHY is done. It takes 10.24 us; 50 looks at 20 MHz take at least 60
        us."""
        self._select(3)
        for _ in range(50):
            if not self._get_mac(MISTAT) & 1:  # BUSY
                return True
        return False

    def _phy_read(self, reg):
        """-> 16 bits, or -1 when the PHY does not answer in time."""
        self._select(2)
        self._put(WCR | MIREGADR, reg)
        self._put(WCR | MICMD, 1)  # MIIRD
        ok = self._mii_wait()
        self._select(2)
        self._put(WCR | MICMD, 0)
        if not ok:
            return -1
        v = self._get_mac(MIRDH) << 8
        return v | self._get_mac(MIRDL)

    def _phy_write(self, reg, v):
        self._select(2)
        self._put(WCR | MIREGADR, reg)
        self._put16(WCR | MIWR, v)  # the high octet starts it
        return self._mii_wait()

    def _phy_ok(self):
        """-> True when the duplex mode and the loopback switch are as they were set."""
        return self._phy_read(PHCON1) == self._phcon1 and self._phy_read(PHCON2) == self._phcon2

    # Bring-up and audit

    def _bring_up(self):
        """Resets and configures the chip, reads everything back, starts reception. Takes about 3
        ms.

        -> True, or False with `revision` telling what EREVID read. No cable is needed.
        """
        self._hard_reset()
        self._cs(0)
        self._out1[0] = SRC
        self._write(self._out1)
        self._cs(1)
        time.sleep_ms(2)  # errata 2: CLKRDY says nothing after a soft reset; wait 1 ms and more
        self._selected = -1
        self._select(3)
        self.revision = self._get(EREVID)
        # 0x00 or 0xFF: nobody drives SO; the upper three bits are 0
        if not 0 < self.revision < 0x20:
            return False
        self._cfg[1] = self.revision
        self._configure()
        if not (self._audit(len(self._cfg) // 2) and self._phy_ok()):
            return False
        self._select(0)
        self._put16(WCR | ERXRDPT, RX_END)
        self._put(BFS | ECON1, RXEN)
        return True

    def _hard_reset(self):
        if self._rst is not None:
            self._rst(0)
            time.sleep_ms(1)  # DS39662E table 16-3: at least 400 ns
            self._rst(1)
            time.sleep_ms(1)  # the oscillator start-up timer: 300 us

    def _configure(self):
        t = self._cfg
        for i in range(2, len(t), 2):  # entry 0 is EREVID, read-only
            r = t[i]
            if r & 0x1F < EIE:
                self._select(r >> 5)
            self._put(WCR | r & 0x1F, t[i + 1])
        self._phy_write(PHCON1, self._phcon1)
        self._phy_write(PHCON2, self._phcon2)
        self._phy_write(PHLCON, 0x3476)  # LEDA link, LEDB traffic (not 1110: errata 11)

    def _audit(self, n=_AUDIT):
        """-> True when the next n entries of the table read back as they were written."""
        t = self._cfg
        i = self._at
        for _ in range(n):
            if self._look(t[i]) != t[i + 1]:
                return False
            i += 2
            if i >= len(t):
                i = 0
        self._at = i
        return True

    def _look(self, r):
        """-> the register that a table entry names, with or without the dummy octet."""
        a = r & 0x1F
        if a >= EIE:
            return self._get(a)
        self._select(r >> 5)
        if r >> 5 == 2 or (r >> 5 == 3 and a < 6):  # MAC, MII and MAADR
            return self._get_mac(a)
        return self._get(a)


def _table(mac, full_duplex, multicast):
    """-> the registers and what they hold: (bank << 5 | address), value; the first one is
    EREVID."""
    fd = 1 if full_duplex else 0
    return bytearray(
        (
            0x72, 0,  # EREVID; the value is filled in when it is known
            0x1E, 0x80,  # ECON2: AUTOINC
            0x1B, 0xC0,  # EIE: INTIE, PKTIE
            0x08, 0x00, 0x09, 0x00,  # ERXST 0: errata 5
            0x0A, RX_END & 0xFF, 0x0B, RX_END >> 8,  # ERXND
            0x04, TX_START & 0xFF, 0x05, TX_START >> 8,  # ETXST
            0x38, 0xA3 if multicast else 0xA1,  # ERXFCON: own address, broadcast, good CRC; MCEN
            # MACON1: MARXEN; pause frames in full duplex (DS39662E 6.5)
            0x40, 0x0D if fd else 0x01,
            0x42, 0x32 | fd,  # MACON3: pad to 60, append the CRC, check lengths, FULDPX
            0x43, 0x00 if fd else 0x40,  # MACON4: DEFER
            0x44, 0x15 if fd else 0x12,  # MABBIPG
            0x46, 0x12, 0x47, 0x00 if fd else 0x0C,  # MAIPG
            0x4A, 0xEE, 0x4B, 0x05,  # MAMXFL 1518
            # MAADR
            0x60, mac[4], 0x61, mac[5], 0x62, mac[2], 0x63, mac[3], 0x64, mac[0], 0x65, mac[1],
        )
    )  # fmt: skip
