"""ENC28J60: the receiver with its ring and filters, and the transmitter (DS39662E 7 and 8)."""

import zlib

_RAM = 8192
_BROADCAST = b"\xff" * 6


def _crc(frame):
    return zlib.crc32(frame).to_bytes(4, "little")


class Receiver:
    """Filters, the ring with its free space, packet count, status vectors."""

    def __init__(self, chip):
        self.chip = chip
        self.power()

    def power(self):
        self.write_at = 0  # the hardware's own write pointer, shown as ERXWRPT
        self.read_at = 0x05FA  # the guard, from ERXRDPT when its high octet is written
        self.pending_low = 0xFA
        self.stored = self.filtered = self.overflowed = self.deaf = 0

    # Registers with a life of their own

    def relocate(self, name):
        """ERXST or ERXND was written: the write pointer goes to ERXST (DS39662E 3.2.1)."""
        chip = self.chip
        if chip.reg["ECON1"] & 0x04:
            chip.complain("rx-bounds", f"{name} written while RXEN is set (DS39662E 6.1)")
        self.write_at = chip.get("ERXST")
        chip.put("ERXWRPT", self.write_at)

    def release(self, high):
        chip = self.chip
        chip.put("ERXRDPT", high << 8 | self.pending_low)
        self.read_at = chip.get("ERXRDPT")
        if not self.read_at & 1:
            chip.complain("even-erxrdpt", f"ERXRDPT written {self.read_at:#06x} (errata 14)")
        if not chip.get("ERXST") <= self.read_at <= chip.get("ERXND"):
            chip.complain("erxrdpt-range", f"ERXRDPT {self.read_at:#06x} is outside the ring")

    def decrement(self):
        chip = self.chip
        if chip.reg["EPKTCNT"] == 0:
            chip.complain("pktdec", "PKTDEC with no packet (DS39662E 7.2.4)")
        else:
            chip.reg["EPKTCNT"] -= 1

    def reset(self):
        """RXRST, DS39662E 11.4: receive logic only; pointers and EPKTCNT stay."""
        self.chip.fault.rx_dead = False

    def enabled(self):
        chip = self.chip
        first, last = chip.get("ERXST"), chip.get("ERXND")
        if first != 0:
            chip.complain("erxst", f"receive buffer starts at {first:#06x}, not 0 (errata 5)")
            if chip.errata:
                self.write_at = 0
                chip.put("ERXWRPT", 0)
        if last <= first:
            chip.complain("rx-bounds", f"ring {first:#06x}..{last:#06x}")
        if not chip.get("ERXRDPT") & 1:
            chip.complain("even-erxrdpt", "reception enabled with an even ERXRDPT (errata 14)")
        if not chip.reg["MACON1"] & 1:
            chip.complain("marxen", "reception enabled without MACON1.MARXEN (DS39662E 6.5)")
        chip.tx.check_duplex()

    # Frames

    def frame(self, frame, crc_ok=True, own=False):
        """-> True when it was stored."""
        chip = self.chip
        if not self._listens(own):
            self.deaf += 1
            return False
        frame = frame.ljust(60, b"\0")
        data = frame + (_crc(frame) if crc_ok else bytes(b ^ 0x5A for b in _crc(frame)))
        limit = chip.get("MAMXFL")
        if len(data) > limit and not chip.reg["MACON3"] & 0x04:  # HFRMEN
            self.filtered += 1
            return False
        if not self.wanted(data, crc_ok):
            self.filtered += 1
            return False
        if not self._fits(len(data)) or chip.reg["EPKTCNT"] == 255:
            self.overflowed += 1
            chip.reg["EIR"] |= 0x01  # RXERIF, DS39662E 12.1.2
            return False
        self._store(data, crc_ok)
        return True

    def _listens(self, own):
        chip = self.chip
        return (
            chip.fault.absent is None
            and chip.reg["ECON1"] & 0x44 == 0x04
            and chip.reg["MACON1"] & 1
            and not chip.fault.rx_dead
            and (chip.phy.cable or own)
        )

    def wanted(self, data, crc_ok):
        """The receive filter, DS39662E 8 and figures 8-1, 8-2."""
        r = self.chip.reg
        con = r["ERXFCON"]
        if con & 0x20 and not crc_ok:  # CRCEN
            return False
        tests = [
            (0x80, self._mine),
            (0x10, self._pattern),
            (0x08, self._magic),
            (0x04, self._hash),
            (0x02, lambda d: d[0] & 1 and d[:6] != _BROADCAST),
            (0x01, lambda d: d[:6] == _BROADCAST),
        ]
        asked = [t for bit, t in tests if con & bit]
        if not asked:
            return True  # promiscuous
        if con & 0x40:  # ANDOR
            return all(t(data) for t in asked)
        return any(t(data) for t in asked)

    def station(self):
        r = self.chip.reg
        return bytes(r[f"MAADR{i}"] for i in range(1, 7))

    def _mine(self, data):
        return data[:6] == self.station()

    def _hash(self, data):
        """CRC of the destination, bits 28:23, points into the 64-bit table (DS39662E 8.4)."""
        crc = 0xFFFFFFFF
        for b in data[:6]:
            for i in range(8):
                top = (crc >> 31) ^ (b >> i & 1)
                crc = (crc << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if top else 0)
        k = crc >> 23 & 0x3F
        return bool(self.chip.reg[f"EHT{k >> 3}"] >> (k & 7) & 1)

    def _magic(self, data):
        return b"\xff" * 6 + self.station() * 16 in data

    def _pattern(self, data):
        """The checksum over the masked octets of a 64-octet window (DS39662E 8.2)."""
        r = self.chip.reg
        at = self.chip.get("EPMO")
        picked = bytearray()
        for i in range(64):
            if r[f"EPMM{i >> 3}"] >> (i & 7) & 1:
                if at + i >= len(data):
                    return False
                picked.append(data[at + i])
        return _internet_sum(bytes(picked)) == self.chip.get("EPMCS")

    def free(self):
        """Octets that fit, DS39662E example 7-2."""
        chip = self.chip
        first, last = chip.get("ERXST"), chip.get("ERXND")
        w, rd = self.write_at, self.read_at
        if w > rd:
            return last - first - (w - rd)
        if w == rd:
            return last - first
        return rd - w - 1

    def _fits(self, n):
        return 6 + n + (n & 1) <= self.free()

    def _store(self, data, crc_ok):
        chip = self.chip
        first, last = chip.get("ERXST"), chip.get("ERXND")
        size = last - first + 1
        n = len(data)
        after = first + (self.write_at - first + 6 + n + (n & 1)) % size
        head = after
        if chip.fault.next_wrong:
            chip.fault.next_wrong -= 1
            head = (after + chip.fault.next_delta) & 0xFFFF
        if chip.errata and not self.read_at & 1 and chip.random.random() < 0.25:
            head ^= 1 << chip.random.randrange(13)  # errata 14: the ring gets corrupted
        block = head.to_bytes(2, "little") + self._vector(data, crc_ok) + data
        k = min(len(block), last + 1 - self.write_at)
        chip.ram[self.write_at : self.write_at + k] = block[:k]
        chip.ram[first : first + len(block) - k] = block[k:]
        self.write_at = after
        chip.put("ERXWRPT", after)
        chip.reg["EPKTCNT"] += 1
        self.stored += 1

    def _vector(self, data, crc_ok):
        """The receive status vector, DS39662E table 7-3: length, then bits 16 to 31."""
        bits = 0x80 if crc_ok else 0x10  # Received Ok, CRC error
        kind = int.from_bytes(data[12:14], "big")
        if kind > 1500:
            bits |= 0x40  # length out of range: it is a type
        if data[:6] == _BROADCAST:
            bits |= 0x200
        elif data[0] & 1:
            bits |= 0x100
        if kind == 0x8100:
            bits |= 0x4000
        return len(data).to_bytes(2, "little") + bits.to_bytes(2, "little")


class Transmitter:
    """One frame at a time, from ETXST to ETXND, with its status vector behind it."""

    def __init__(self, chip):
        self.chip = chip
        self.power()

    def power(self):
        self.ends_at = None  # of the transmission under way
        self.frame = None
        self.stalled = False  # errata 12: an aborted transmission left the logic stuck
        self.sent = 0

    @property
    def busy(self):
        return bool(self.chip.reg["ECON1"] & 0x08)

    def touched(self, at, n):
        """The host reads or writes n octets at `at`."""
        chip = self.chip
        if self.busy and at <= chip.get("ETXND") and at + n > chip.get("ETXST"):
            chip.complain("tx-busy", "octets of the frame being sent were touched (DS39662E 7.1)")
            self.frame = None  # what goes out is not a frame any more

    def check_duplex(self):
        chip = self.chip
        if bool(chip.reg["MACON3"] & 1) != chip.phy.full_duplex:
            chip.complain("duplex", "MACON3.FULDPX and PHCON1.PDPXMD differ (DS39662E 6.6)")

    def start(self, again):
        chip = self.chip
        if again:
            chip.complain("tx-again", "TXRTS set before the last transmission ended")
            return
        if chip.reg["ECON1"] & 0x80:
            return
        self.check_duplex()
        first, last = chip.get("ETXST"), chip.get("ETXND")
        if last < first:
            chip.complain("tx-bounds", f"ETXND {last:#06x} is before ETXST {first:#06x}")
        if first <= chip.get("ERXND") and last >= chip.get("ERXST") and chip.reg["ECON1"] & 4:
            chip.complain("tx-bounds", "the frame lies in the receive buffer")
        if self.stalled or chip.fault.tx_stuck:
            chip.fault.tx_stuck = max(0, chip.fault.tx_stuck - (not self.stalled))
            self.frame, self.ends_at = None, None
            return
        self.frame = self._made(chip.ram[first : last + 1])
        bits = 8 * (len(self.frame or b"") + 8 + 12)
        self.ends_at = chip.clock() + bits * 1_000_000_000 // chip.bit_rate

    def _made(self, raw):
        """The octets on the wire: control octet applied, padded, CRC appended (DS39662E 7.1)."""
        chip = self.chip
        if not raw:
            return None
        con3 = chip.reg["MACON3"]
        pad, crc, huge = bool(con3 & 0xE0), bool(con3 & 0x10), bool(con3 & 0x04)
        least = 64 if con3 >> 5 in (3, 7) else 60
        if raw[0] & 1:  # POVERRIDE
            pad, crc, huge, least = raw[0] & 4, raw[0] & 2, raw[0] & 8, 60
        frame = bytes(raw[1:])
        if pad:
            crc = True
            frame = frame.ljust(least, b"\0")
        if crc:
            frame += _crc(frame)
        elif _crc(frame[:-4]) != frame[-4:]:
            chip.complain("tx-crc", "frame sent without a valid CRC")
        if len(frame) < 64:
            chip.complain("tx-runt", f"frame of {len(frame)} octets on the wire")
        self.giant = len(frame) > chip.get("MAMXFL") and not huge
        return frame

    def settle(self):
        """Ends the transmission whose time has come."""
        if self.ends_at is None or self.chip.clock() < self.ends_at:
            return
        self.ends_at = None
        bit, told = self._collision()
        if bit:
            self._abort(bit, told)
            return
        self._finish(1 << 23)
        self.sent += 1
        self._deliver()

    def _collision(self):
        """-> the status vector's bit that tells why it fails (0: it does not), and does ESTAT."""
        fault = self.chip.fault
        for name, bit in (("late", 29), ("false_late", 29), ("excess", 28)):
            left = getattr(fault, name)
            if left:
                setattr(fault, name, left - 1)
                return bit, name == "late"
        return (30, False) if self.frame and self.giant else (0, False)

    def _deliver(self):
        chip = self.chip
        frame = self.frame
        if not frame or _crc(frame[:-4]) != frame[-4:]:
            return
        if chip.phy.hears_itself:
            chip.rx.frame(frame[:-4], own=True)
        if chip.wire_out and chip.phy.cable:
            chip.wire_out(frame[:-4])

    def _abort(self, bit, told):
        chip = self.chip
        self._finish(1 << bit)
        chip.reg["EIR"] |= 0x02  # TXERIF
        chip.reg["ESTAT"] |= 0x02 | (0x10 if told and not chip.errata else 0)  # LATECOL: errata 15
        if not chip.phy.full_duplex:
            self.stalled = chip.errata  # errata 12

    def _finish(self, bits):
        """TXRTS clears, the status vector goes behind the frame, TXIF is set (DS39662E 7.1)."""
        chip = self.chip
        n = len(self.frame or b"")
        if self.frame and self.frame[0] & 1:
            bits |= 1 << (25 if self.frame[:6] == _BROADCAST else 24)
        vector = (bits | n | n << 32).to_bytes(7, "little")
        at = chip.get("ETXND") + 1
        for i, b in enumerate(vector):
            chip.ram[(at + i) % _RAM] = b
        chip.reg["ECON1"] &= ~0x08
        chip.reg["EIR"] |= 0x08
        chip.int_changed()

    def cancel(self):
        """TXRTS cleared by the host: the frame is cut short."""
        self.ends_at = self.frame = None

    def reset(self, released):
        """TXRST, DS39662E 11.3; clearing it raises TXERIF (errata 12)."""
        self.cancel()
        self.chip.reg["ECON1"] &= ~0x08
        if released:
            self.stalled = False
            if self.chip.errata:
                self.chip.reg["EIR"] |= 0x02


def _internet_sum(data):
    s = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while s > 0xFFFF:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF
