"""Model of the WIZnet W5100S in MACRAW (data sheet 1.2): one flat map, four sockets, memories that
do not wrap."""

from .wiznet_model import WiznetModel

SOCKET_AT = 0x0400
TX_AT = 0x4000
RX_AT = 0x6000
END = 0x8000


class W5100S(WiznetModel):
    VERSION = 0x51
    VERSION_NAME = "VERR"
    PHY_NAME = "PHYSR"
    SOCKETS = 4
    MEMORY = 8192
    READY_NS = 60_300_000  # 7.1: TSTA
    COMMON = (
        ("MR", 0x0000, 1, "rw"),
        ("GAR", 0x0001, 4, "rw"),
        ("SUBR", 0x0005, 4, "rw"),
        ("SHAR", 0x0009, 6, "rw"),
        ("SIPR", 0x000F, 4, "rw"),
        ("INTPTMR", 0x0013, 2, "rw"),
        ("IR", 0x0015, 1, "w1c"),
        ("IMR", 0x0016, 1, "rw"),
        ("RTR", 0x0017, 2, "rw"),
        ("RCR", 0x0019, 1, "rw"),
        ("RMSR", 0x001A, 1, "rw"),
        ("TMSR", 0x001B, 1, "rw"),
        ("IR2", 0x0020, 1, "w1c"),
        ("IMR2", 0x0021, 1, "rw"),
        ("PTIMER", 0x0028, 1, "rw"),
        ("PMAGIC", 0x0029, 1, "rw"),
        ("UIPR", 0x002A, 4, "ro"),
        ("UPORTR", 0x002E, 2, "ro"),
        ("MR2", 0x0030, 1, "rw"),
        ("PHAR", 0x0032, 6, "rw"),
        ("PSIDR", 0x0038, 2, "rw"),
        ("PMRUR", 0x003A, 2, "rw"),
        ("PHYSR", 0x003C, 1, "ro"),
        ("PHYSR1", 0x003D, 1, "ro"),
        ("PHYAR", 0x003E, 1, "rw"),
        ("PHYRAR", 0x003F, 1, "rw"),
        ("PHYDIR", 0x0040, 2, "rw"),
        ("PHYDOR", 0x0042, 2, "ro"),
        ("PHYACR", 0x0044, 1, "rw"),
        ("PHYDIVR", 0x0045, 1, "rw"),
        ("PHYCR0", 0x0046, 1, "wo"),
        ("PHYCR1", 0x0047, 1, "rw"),
        ("CHPLCKR", 0x0070, 1, "wo"),
        ("NETLCKR", 0x0071, 1, "wo"),
        ("PHYLCKR", 0x0072, 1, "wo"),
        ("VERR", 0x0080, 1, "ro"),
        ("TCNTR", 0x0082, 2, "ro"),
        ("TCNTCLKR", 0x0088, 1, "wo"),
    )
    SOCKET = (
        ("MR", 0x0000, 1, "rw"),
        ("CR", 0x0001, 1, "cmd"),
        ("IR", 0x0002, 1, "w1c"),
        ("SR", 0x0003, 1, "ro"),
        ("PORT", 0x0004, 2, "rw"),
        ("DHAR", 0x0006, 6, "rw"),
        ("DIPR", 0x000C, 4, "rw"),
        ("DPORT", 0x0010, 2, "rw"),
        ("MSSR", 0x0012, 2, "rw"),
        ("PROTOR", 0x0014, 1, "rw"),
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
        ("FRAGR", 0x002D, 2, "rw"),
        ("MR2", 0x002F, 1, "rw"),
    )
    COMMON_DEFAULTS = {"RTR": b"\x07\xd0", "RCR": b"\x08", "RMSR": b"\x55", "TMSR": b"\x55"}
    SOCKET_DEFAULTS = {"TTL": b"\x80", "RXBUF": b"\x02", "TXBUF": b"\x02", "IMR": b"\xff"}

    def reset(self):
        super().reset()
        self.bmcr = 0x3100  # IEEE 802.3 22.2.4.1: 100 Mb/s, autonegotiation, full duplex

    def begin(self, head):
        """Opcode 0xF0 writes, 0x0F reads; then the address, which counts up with each octet."""
        self.address = head[1] << 8 | head[2]
        self.writing = head[0] == 0xF0
        self.space = "flat"
        if head[0] not in (0xF0, 0x0F):
            self.space = "none"
            self.complain("opcode", f"{head[0]:#04x} is no opcode")

    def data(self, mosi):
        if self.space == "none":
            return bytes(len(mosi))
        if self.address < TX_AT:
            return bytes([self.flat_register(octet) for octet in mosi])
        return self.flat_memory(mosi)

    def flat_register(self, octet):
        at = self.address
        if at < SOCKET_AT:
            return self.register(self.common, octet)
        n = (at - SOCKET_AT) >> 8
        if n >= self.SOCKETS:
            self.address += 1
            if self.writing:
                self.complain("reserved", f"{at:#06x} written")
            return 0
        self.address = at & 0xFF
        answer = self.register(self.sockets[n], octet)
        self.address = at + 1
        return answer

    def flat_memory(self, mosi):
        start, end = self.address, self.address + len(mosi)
        self.address = end & 0xFFFF
        if not self.writing:
            if end > END:
                self.complain("rx-end", "read over the end of RX memory")
            whole = self.tx + self.rx
            return bytes(whole[start - TX_AT : end - TX_AT].ljust(len(mosi), b"\0"))
        if end > RX_AT:
            self.complain("tx-end", "write over the end of TX memory, into RX memory")
        if self.sendok_at is not None:
            self.complain("tx-busy", "TX memory written during a transmission")
        for k, octet in enumerate(mosi, start):
            if k < RX_AT:
                self.tx[k - TX_AT] = octet
            elif k < END:
                self.rx[k - RX_AT] = octet
        return bytes(len(mosi))

    def wrote(self, regs, name):
        if regs is not self.common:
            super().wrote(regs, name)
        elif name == "MR" and regs["MR"] & 0x80:
            self.reset()
        elif name == "PHYACR":
            self.mdio(regs)

    def mdio(self, regs):
        """Clause 22 management: PHYRAR names the register, PHYACR 1 writes PHYDIR to it."""
        if regs["PHYACR"] == 1 and regs["PHYRAR"] == 0:
            self.bmcr = regs["PHYDIR"]
            self.phy_reset()
        regs["PHYACR"] = 0

    def phy_status(self):
        """CAB, -, mode, DPX (1 half), SPD (1 10 Mb/s), LINK."""
        status = 0 if self.cable else 0x80
        if not self.bmcr & 0x1000:
            status |= 0x20
            status |= 0 if self.bmcr & 0x2000 else 0x12
            status |= 0 if self.bmcr & 0x0100 else 0x0C
        return status | (1 if self.link_up else 0)

    def asserted(self):
        """IR.S0_INT behind IMR, and the global enable MR2.G_IEN."""
        flags = self.s0["IR"] & self.s0["IMR"]
        return flags and self.common["IMR"] & 1 and self.common["MR2"] & 0x40

    def filters(self):
        second = self.s0["MR2"]
        return self.s0["MR"] & 0x40, second & 0x40, second & 0x20, second & 0x10
