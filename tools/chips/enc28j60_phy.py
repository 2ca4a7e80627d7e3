"""ENC28J60: the PHY behind the MII registers (DS39662E 3.3)."""

from .enc28j60_map import PHY

_MII_NS = 10_240  # one operation, DS39662E 3.3.1
_READY_NS = 1_000_000  # after a soft reset, errata 2; the data sheet's 11.2 asks for 50 us


class Phy:
    """Registers, the busy time, and the link. `chip` is the model: its registers, clock and
    complaints."""

    def __init__(self, chip):
        self.chip = chip
        self.cable = True
        self.reset()

    def reset(self):
        self.regs = {n: r[1] for n, r in PHY.items()}
        self.busy_until = 0
        self.job = None
        self.failed_since_read = not self.cable

    def set_cable(self, up):
        if up == self.cable:
            return
        self.cable = up
        if not up:
            self.failed_since_read = True
        self.regs[0x13] |= 0x14  # PLNKIF, PGIF
        self.chip.int_changed()

    # MII

    def command(self, v):
        """MICMD was written."""
        chip = self.chip
        if v & 2:
            chip.complain("mii-scan", "MIISCAN is not modelled")
        if v & 1:
            self._begin(("read", chip.reg["MIREGADR"]))

    def write(self):
        """MIWRH was written: that starts a write, DS39662E 3.3.2."""
        r = self.chip.reg
        self._begin(("write", r["MIREGADR"], r["MIWRL"] | r["MIWRH"] << 8))

    def _begin(self, job):
        chip = self.chip
        now = chip.clock()
        if chip.strict and now - chip.reset_at < _READY_NS:
            chip.complain("phy-early", "PHY used within 1 ms of a reset (errata 2)")
        if self.busy:
            chip.complain("mii-busy", "MII operation started while BUSY")
        self.job = job
        self.busy_until = now + _MII_NS

    @property
    def busy(self):
        return self.job is not None and self.chip.clock() < self.busy_until

    def settle(self):
        """Ends the operation whose time has come."""
        if self.job is None or self.busy:
            return
        job, self.job = self.job, None
        if job[0] == "read":
            v = self.read(job[1])
            self.chip.reg["MIRDL"], self.chip.reg["MIRDH"] = v & 0xFF, v >> 8
        else:
            self._store(job[1], job[2])

    # Registers

    def read(self, n):
        if n not in PHY:
            self.chip.complain("phy-reg", f"PHY register {n:#x} does not exist")
            return 0
        if n == 0x01:  # PHSTAT1: LLSTAT latches low
            v = 0x1800 | (0 if self.failed_since_read else 0x0004)
            self.failed_since_read = not self.cable
            return v
        if n == 0x11:  # PHSTAT2: LSTAT, DPXSTAT
            return (0x0400 if self.cable else 0) | (0x0200 if self.full_duplex else 0)
        v = self.regs[n]
        if n == 0x13:  # PHIR clears when read
            self.regs[n] = 0
            self.chip.int_changed()
        return v

    def _store(self, n, v):
        if n not in PHY:
            self.chip.complain("phy-reg", f"PHY register {n:#x} does not exist")
            return
        name, _, mask, ones = PHY[n]
        if v & ~mask or v & ones != ones:
            self.chip.complain("phy-reserved", f"{name} written {v:#06x}")
        if n == 0x00 and v & 0x8000:  # PRST
            self.regs = {k: r[1] for k, r in PHY.items()}
            return
        self.regs[n] = v & mask

    @property
    def full_duplex(self):
        return bool(self.regs[0x00] & 0x0100)  # PDPXMD

    @property
    def hears_itself(self):
        return bool(self.regs[0x00] & 0x4000) or (
            not self.full_duplex and not self.regs[0x10] & 0x0100  # PLOOPBK; HDLDIS
        )

    @property
    def interrupt(self):
        both = 0x12
        return self.regs[0x12] & both == both and bool(self.regs[0x13] & 0x10)
