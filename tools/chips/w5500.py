"""Model of the WIZnet W5500 in MACRAW (data sheet 1.0.9)."""

from .wiznet_model import WiznetModel

READ_ONLY_PHY = 0x07  # PHYCFGR: duplex, speed, link


class W5500(WiznetModel):
    VERSION = 0x04
    VERSION_NAME = "VERSIONR"
    PHY_NAME = "PHYCFGR"
    COMMON = (  # 4.1
        ("MR", 0x0000, 1, "rw"),
        ("GAR", 0x0001, 4, "rw"),
        ("SUBR", 0x0005, 4, "rw"),
        ("SHAR", 0x0009, 6, "rw"),
        ("SIPR", 0x000F, 4, "rw"),
        ("INTLEVEL", 0x0013, 2, "rw"),
        ("IR", 0x0015, 1, "w1c"),
        ("IMR", 0x0016, 1, "rw"),
        ("SIR", 0x0017, 1, "ro"),
        ("SIMR", 0x0018, 1, "rw"),
        ("RTR", 0x0019, 2, "rw"),
        ("RCR", 0x001B, 1, "rw"),
        ("PTIMER", 0x001C, 1, "rw"),
        ("PMAGIC", 0x001D, 1, "rw"),
        ("PHAR", 0x001E, 6, "rw"),
        ("PSID", 0x0024, 2, "rw"),
        ("PMRU", 0x0026, 2, "rw"),
        ("UIPR", 0x0028, 4, "ro"),
        ("UPORTR", 0x002C, 2, "ro"),
        ("PHYCFGR", 0x002E, 1, "rw"),
        ("VERSIONR", 0x0039, 1, "ro"),
    )
    SOCKET = (  # 4.2
        ("MR", 0x0000, 1, "rw"),
        ("CR", 0x0001, 1, "cmd"),
        ("IR", 0x0002, 1, "w1c"),
        ("SR", 0x0003, 1, "ro"),
        ("PORT", 0x0004, 2, "rw"),
        ("DHAR", 0x0006, 6, "rw"),
        ("DIPR", 0x000C, 4, "rw"),
        ("DPORT", 0x0010, 2, "rw"),
        ("MSSR", 0x0012, 2, "rw"),
        ("TOS", 0x0015, 1, "rw"),
        ("TTL", 0x0016, 1, "rw"),
        ("RXBUF", 0x001E, 1, "rw"),
        ("TXBUF", 0x001F, 1, "rw"),
        ("TX_FSR", 0x0020, 2, "ro"),
        ("TX_RD", 0x0022, 2, "ro"),
        ("TX_WR", 0x0024, 2, "rw"),
        ("RX_RSR", 0x0026, 2, "ro"),
        ("RX_RD", 0x0028, 2, "rw"),
        ("RX_WR", 0x002A, 2, "ro"),
        ("IMR", 0x002C, 1, "rw"),
        ("FRAG", 0x002D, 2, "rw"),
        ("KPALVTR", 0x002F, 1, "rw"),
    )
    COMMON_DEFAULTS = {"RTR": b"\x07\xd0", "RCR": b"\x08", "PTIMER": b"\x28", "PHYCFGR": b"\xb8"}
    SOCKET_DEFAULTS = {
        "DHAR": b"\xff" * 6,
        "TTL": b"\x80",
        "RXBUF": b"\x02",
        "TXBUF": b"\x02",
        "IMR": b"\xff",
        "FRAG": b"\x40\x00",
    }

    def begin(self, head):
        """Address phase, then BSB[4:0], RWB, OM[1:0] (2.2)."""
        self.address = head[0] << 8 | head[1]
        self.writing = head[2] & 0x04
        block = head[2] >> 3
        self.space, self.socket = "none", 0
        if head[2] & 0x03:
            self.complain("om", f"OM {head[2] & 3}: fixed length, though CS is controlled")
        elif block == 0:
            self.space = "common"
        elif block & 3:
            self.space, self.socket = (None, "socket", "tx", "rx")[block & 3], block >> 2
        else:
            self.complain("reserved", f"block {block:#04x}")

    def wrote(self, regs, name):
        if regs is not self.common:
            super().wrote(regs, name)
        elif name == "MR" and regs["MR"] & 0x80:  # RST: cleared by itself when the reset is done
            self.reset()
        elif name == "PHYCFGR" and not regs["PHYCFGR"] & 0x80:
            self.phy_reset()  # it starts anew with what OPMDC says

    def phy_status(self):
        kept = self.common["PHYCFGR"] & ~READ_ONLY_PHY & 0xFF
        if not self.link_up:
            return kept
        mode = (kept >> 3) & 7
        forced = kept & 0x40 and mode < 4
        full = mode & 1 if forced else 1
        fast = mode & 2 if forced else 2
        return kept | full << 2 | fast | 1

    def asserted(self):
        return self.s0["IR"] & self.s0["IMR"] and self.common["SIMR"] & 1

    def filters(self):
        mode = self.s0["MR"]
        return mode & 0x80, mode & 0x40, mode & 0x20, mode & 0x10
