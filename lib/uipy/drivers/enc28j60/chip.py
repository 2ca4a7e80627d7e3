"""ENC28J60: registers, reset, configuration and what keeps the configuration true.

Every register that the driver relies on stands in one table, `_cfg`: pairs of (bank << 5 |
address, value). It is written after a reset, read back at once, and audited a few entries at a
time for ever after: a brown-out, a flipped bit on the bus or another chip in the socket all show
as an entry that no longer reads what was written.

All of it takes the driver as `dev` and is functions: through three classes a method call costs as
much as three transactions.

Clauses: DS39662E is the data sheet, "errata n" its errata sheet (DS80349).
"""

import time

from micropython import const

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
    RESET,
    RX_END,
    RXEN,
    TX_START,
    WCR,
)

_AUDIT = const(8)  # table entries per look
_EHT0 = const(0x20)  # the hash table as table entries: EHT0 to EHT7, bank 1
_ERXFCON = const(0x38)
_HTEN = const(0x04)


# Registers. `dev._selected` is the bank that ECON1 selects, -1 when it is not known.


def put(dev, op, v):
    """WCR, BFS or BFC or-ed with a register's address, and an octet."""
    cs, write, out = dev._put2  # one look-up instead of three
    out[0] = op
    out[1] = v
    cs(0)
    write(out)
    cs(1)


def put16(dev, op, v):
    """Low octet first: the high one makes a pointer take effect (DS39662E 3.2.1, 7.2.1)."""
    put(dev, op, v & 0xFF)
    put(dev, op + 1, v >> 8)


def get(dev, reg):
    """-> an ETH register of the selected bank, or one that every bank has."""
    cs, exchange, out, back = dev._get2
    out[0] = reg
    cs(0)
    exchange(out, back)
    cs(1)
    return back[1]


def get_mac(dev, reg):
    """-> a MAC or MII register: they answer after a dummy octet (DS39662E 4.2.1)."""
    cs, exchange, out, back = dev._get3
    out[0] = reg
    cs(0)
    exchange(out, back)
    cs(1)
    return back[2]


def select(dev, b):
    """Selects a bank; between 0 and 1, the two that frames need, with one instruction."""
    was = dev._selected
    if b != was:
        if was == 0 and b == 1:
            put(dev, BFS | ECON1, 1)
        elif was == 1 and b == 0:
            put(dev, BFC | ECON1, 1)
        else:
            put(dev, BFC | ECON1, 3)
            if b:
                put(dev, BFS | ECON1, b)
        dev._selected = b


# The PHY behind its MII, DS39662E 3.3


def _mii_done(dev):
    """-> True when the PHY is done. It takes 10.24 us; 50 looks at 20 MHz take at least 60 us."""
    select(dev, 3)
    for _ in range(50):
        if not get_mac(dev, MISTAT) & 1:  # BUSY
            return True
    return False


def phy_read(dev, reg):
    """-> 16 bits, or -1 when the PHY does not answer in time."""
    select(dev, 2)
    put(dev, WCR | MIREGADR, reg)
    put(dev, WCR | MICMD, 1)  # MIIRD
    done = _mii_done(dev)
    select(dev, 2)
    put(dev, WCR | MICMD, 0)
    if not done:
        return -1
    v = get_mac(dev, MIRDH) << 8
    return v | get_mac(dev, MIRDL)


def _phy_write(dev, reg, v):
    select(dev, 2)
    put(dev, WCR | MIREGADR, reg)
    put16(dev, WCR | MIWR, v)  # the high octet starts it
    _mii_done(dev)


def phy_ok(dev):
    """-> True when the duplex mode and the loopback switch are as they were set."""
    return phy_read(dev, PHCON1) == dev._phcon1 and phy_read(dev, PHCON2) == dev._phcon2


# Bring-up and audit


def bring_up(dev):
    """Resets and configures the chip, reads everything back, starts reception. Takes about 3 ms.

    -> True, or False with `revision` telling what EREVID read. No cable is needed.
    """
    if dev._rst is not None:
        dev._rst(0)
        time.sleep_ms(1)  # DS39662E table 16-3: at least 400 ns
        dev._rst(1)
        time.sleep_ms(1)  # the oscillator start-up timer: 300 us
    dev._cs(0)
    dev._write(RESET)
    dev._cs(1)
    time.sleep_ms(2)  # errata 2: CLKRDY says nothing after a soft reset; wait 1 ms and more
    dev._selected = -1
    select(dev, 3)
    dev.revision = get(dev, EREVID)
    # 0x00 or 0xFF: nobody drives SO; the upper three bits are 0
    if not 0 < dev.revision < 0x20:
        return False
    t = dev._cfg
    t[1] = dev.revision
    for i in range(2, len(t), 2):  # entry 0 is EREVID, read-only
        r = t[i]
        if r & 0x1F < EIE:
            select(dev, r >> 5)
        put(dev, WCR | r & 0x1F, t[i + 1])
    _phy_write(dev, PHCON1, dev._phcon1)
    _phy_write(dev, PHCON2, dev._phcon2)
    _phy_write(dev, PHLCON, 0x3476)  # LEDA link, LEDB traffic (not 1110: errata 11)
    if not (audit(dev, len(t) // 2) and phy_ok(dev)):
        return False
    select(dev, 0)
    put16(dev, WCR | ERXRDPT, RX_END)
    put(dev, BFS | ECON1, RXEN)
    return True


def with_groups(t, macs, n):
    """-> the table with what the filter needs for n multicast addresses; another one when this has
    no entries for EHT0 to EHT7 yet, which stand at its end."""
    end = len(t) - 16
    if t[end] != _EHT0:
        more = bytearray(16)
        for k in range(8):
            more[2 * k] = _EHT0 + k
        end += 16
        t = t + more
    for k in range(8):
        t[end + 2 * k + 1] = 0
    for k in range(n):
        place = _hash(macs, 6 * k)
        t[end + 2 * (place >> 3) + 1] |= 1 << (place & 7)
    for i in range(0, end, 2):
        if t[i] == _ERXFCON:
            t[i + 1] = t[i + 1] | _HTEN if n else t[i + 1] & ~_HTEN
    return t


def _hash(macs, i):
    """Bits 28 to 23 of the CRC of a destination address (DS39662E 8.4). In two halves: no int
    over 30 bits."""
    hi = lo = 0xFFFF
    for k in range(i, i + 6):
        b = macs[k]
        for _ in range(8):
            top = (hi >> 15) ^ (b & 1)
            b >>= 1
            hi = (hi << 1 | lo >> 15) & 0xFFFF
            lo = lo << 1 & 0xFFFF
            if top:
                hi ^= 0x04C1
                lo ^= 0x1DB7
    return hi >> 7 & 0x3F


def tune(dev):
    """Writes the filter; a frame that comes meanwhile is judged by the old one or the new one."""
    t = dev._cfg
    for i in range(2, len(t), 2):
        if t[i] == _ERXFCON or _EHT0 <= t[i] < _EHT0 + 8:
            select(dev, 1)
            put(dev, WCR | t[i] & 0x1F, t[i + 1])
    dev._retune = False


def audit(dev, n=_AUDIT):
    """-> True when the next n entries of the table read back as they were written."""
    t = dev._cfg
    i = dev._audited
    for _ in range(n):
        if _value(dev, t[i]) != t[i + 1]:
            return False
        i += 2
        if i >= len(t):
            i = 0
    dev._audited = i
    return True


def _value(dev, r):
    """-> the register that a table entry names, with or without the dummy octet."""
    a = r & 0x1F
    if a >= EIE:
        return get(dev, a)
    b = r >> 5
    select(dev, b)
    if b == 2 or (b == 3 and a < 6):  # MAC, MII and MAADR
        return get_mac(dev, a)
    return get(dev, a)


def table(mac, full_duplex, multicast):
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
