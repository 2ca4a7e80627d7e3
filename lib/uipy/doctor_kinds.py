"""`uipy.doctor`: the chips without their drivers, on a bench (doctor_chip.py) that exchanges
octets with them. Both classes answer the same questions.

    identity(), known(read), told(read)     what its version register reads, and what that means
    through_memory(data)                    data, written to its memory and read again
    mark(), marked()                        a register that a reset clears
    raise_int(), clear_int()                INT goes low without any traffic, and high again
    link(), mode()                          what its PHY says
"""

import time

_FLAG_MS = 50  # a frame of 60 octets leaves within 0.1 ms


def made(chip, bench):
    """The chip of that name on this bench. ImportError: its driver is not on this board."""
    return Enc(bench) if chip == "enc28j60" else Wiz(chip, bench)


def driver(name):
    """The driver's class. By name: a board has the driver of its chip only."""
    module = "uipy.drivers." + ("enc28j60" if name == "ENC28J60" else "wiznet")
    return getattr(__import__(module, None, None, (name,)), name)


class Enc:
    """An ENC28J60 (DS39662E) without a driver."""

    NAME = "ENC28J60"
    SETTLE_MS = 3
    SLOWEST = 8_000_000  # errata 1, before revision 5
    REVISIONS = {2: "B1", 4: "B4", 5: "B5", 6: "B7"}

    def __init__(self, bench):
        self.bench = bench

    def put(self, op, v):
        self.bench.exchange(bytes((op, v)))

    def bank(self, n):
        self.put(0xBF, 3)  # BFC ECON1
        self.put(0x9F, n)  # BFS

    def get(self, n, reg):
        self.bank(n)
        return self.bench.exchange(bytes((reg, 0)))[1]

    def soft_reset(self):
        self.bench.exchange(b"\xff")

    def identity(self):
        """-> what the revision register reads."""
        return self.get(3, 0x12)

    def known(self, read):
        return 0 < read < 0x20

    def told(self, read):
        name = self.REVISIONS.get(read)
        return "ENC28J60%s (EREVID 0x%02X)" % (" revision " + name if name else "", read)

    def register(self):
        return "EREVID"

    def slowest(self, read):
        return self.SLOWEST if read < 5 else 0

    def through_memory(self, data):
        self.bank(0)
        for op in (0x40, 0x41, 0x42, 0x43):  # WCR: ERDPT and EWRPT at 0
            self.put(op, 0)
        self.bench.exchange(b"\x7a" + data)
        return self.bench.exchange(b"\x3a" + bytes(len(data)))[1:]

    def mark(self):
        """Writes a register that a reset clears."""
        self.bank(1)
        self.put(0x40, 0x5A)  # EHT0

    def marked(self):
        return self.get(1, 0) == 0x5A

    def raise_int(self):
        """-> True when a flag stands that INT shows: TXERIF, which clearing TXRST raises (errata
        12)."""
        self.put(0xBF, 0x80)
        self.put(0x9F, 0x80)  # TXRST
        self.put(0xBF, 0x80)
        self.put(0x5B, 0x82)  # EIE: INTIE, TXERIE
        return self.get(0, 0x1C) & 2 != 0

    def clear_int(self):
        self.put(0x5B, 0)

    def phy(self, reg):
        """-> 16 bits of the PHY."""
        self.bank(2)
        self.put(0x54, reg)  # MIREGADR
        self.put(0x52, 1)  # MICMD: MIIRD
        time.sleep_ms(1)
        self.put(0x52, 0)
        low = self.bench.exchange(b"\x18\0\0")[2]
        return self.bench.exchange(b"\x19\0\0")[2] << 8 | low

    def link(self):
        return self.phy(0x11) & 0x0400 != 0  # PHSTAT2.LSTAT

    def mode(self):
        full = self.phy(0x00) & 0x0100  # PHCON1.PDPXMD
        return "10 Mb/s, %s duplex (this chip does not negotiate)" % ("full" if full else "half")


# The common interrupt mask, which a reset clears: (write, read); Sn_MR, S0_IMR, as frames.
_W = {
    "w5500": (b"\x00\x18\x04", b"\x00\x18\x00\x00", b"\x00\x00\x0c\x04", b"\x00\x2c\x0c\x10"),
    "w5100s": (b"\xf0\x00\x16", b"\x0f\x00\x16\x00", b"\xf0\x04\x00\x04", b"\xf0\x04\x2c\x10"),
    "w6100": (b"\x21\x14\x04", b"\x21\x14\x00\x00", b"\x00\x00\x0c\x07", b"\x00\x24\x0c\x10"),
}


class Wiz:
    """A chip of WIZnet's without a driver: its frames are those of the driver's class."""

    def __init__(self, chip, bench):
        self.chip = chip
        self.bench = bench
        self.NAME = chip.upper()
        self.kind = kind = driver(self.NAME)
        self.SETTLE_MS = kind.SETTLE_MS
        self.mask, self.get_mask, self.macraw, self.sendok = _W[chip]

    def put(self, frame):
        self.bench.exchange(frame)

    def get(self, frame):
        return self.bench.exchange(frame)[3]

    def soft_reset(self):
        for frame in self.kind.RESET:
            self.put(frame)

    def identity(self):
        n = 0
        for octet in self.bench.exchange(self.kind.GET_VERSION)[3:]:
            n = n << 8 | octet
        return n

    def known(self, read):
        return read == int.from_bytes(self.kind.VERSION, "big")

    def told(self, read):
        return "%s (version 0x%02X)" % (self.NAME, read)

    def register(self):
        return "its version register"

    def slowest(self, read):
        return 0

    def through_memory(self, data):
        head = bytearray(self.kind.HEAD_TX)
        head[self.kind.AT] = self.kind.TX_AT
        self.put(bytes(head) + data)
        if self.chip == "w5100s":
            head[0] = 0x0F  # read
        else:
            head[2] &= 0xFB
        return self.bench.exchange(bytes(head) + bytes(len(data)))[3:]

    def mark(self):
        self.put(self.mask + b"\x01")

    def marked(self):
        return self.get(self.get_mask) == 1

    def raise_int(self):
        """-> True when a flag stands that INT shows: SENDOK of a frame to ourselves."""
        kind = self.kind
        if self.chip == "w5100s":
            self.put(b"\xf0\x00\x30\x40")  # MR2.G_IEN
        self.put(self.macraw)
        self.put(self.sendok)
        self.put(self.mask + b"\x01")
        self.put(kind.OPEN)
        at = self.bench.exchange(kind.GET_WR)
        at = at[3] << 8 | at[4]
        head = bytearray(kind.HEAD_TX)
        where = at & kind.MASK
        head[kind.AT], head[kind.AT + 1] = where >> 8 | kind.TX_AT, where & 0xFF
        self.put(bytes(head) + b"\x02\0\0\0\0\x01\x02\0\0\0\0\x01\x88\xb5" + bytes(46))
        frame = bytearray(kind.SET_WR)
        at += 60
        frame[3], frame[4] = at >> 8 & 0xFF, at & 0xFF
        self.put(frame)
        self.put(kind.SEND)
        for _ in range(_FLAG_MS):
            time.sleep_ms(1)
            if self.get(kind.IR) & 0x10:
                return True
        return False

    def clear_int(self):
        self.put(self.kind.CLEAR_ALL)
        self.put(self.kind.CLOSE)

    def link(self):
        return self.get(self.kind.PHY) & 1 != 0

    def mode(self):
        v = self.get(self.kind.PHY)
        if self.chip != "w5500":  # DPX 1: half, SPD 1: 10
            v ^= 6
        return "%d Mb/s, %s duplex" % (100 if v & 2 else 10, "full" if v & 4 else "half")
