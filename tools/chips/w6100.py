"""Model of the WIZnet W6100 in MACRAW (data sheet 1.0.5): the W5500's SPI frame, wider maps,
locks, clear registers."""

from .w5500 import W5500
from .wiznet_model import WiznetModel

UNLOCK = {"CHPLCKR": 0xCE, "NETLCKR": 0x3A, "PHYLCKR": 0x53}
LOCKED = {
    "CHPLCKR": ("SYCR0",),
    "NETLCKR": ("SHAR", "GAR", "SUBR", "SIPR"),
    "PHYLCKR": ("PHYCR0", "PHYCR1"),
}


class W6100(W5500):
    VERSION = 0x4661
    VERSION_NAME = "VER"
    PHY_NAME = "PHYSR"
    MACRAW = 0x07
    READY_NS = 60_300_000  # 7.1: TSTA
    COMMON = (  # 4.1
        ("CIDR", 0x0000, 2, "ro"),
        ("VER", 0x0002, 2, "ro"),
        ("SYSR", 0x2000, 1, "ro"),
        ("SYCR0", 0x2004, 1, "rw"),
        ("SYCR1", 0x2005, 1, "rw"),
        ("TCNTR", 0x2016, 2, "ro"),
        ("TCNTRCLR", 0x2020, 1, "wo"),
        ("IR", 0x2100, 1, "ro"),
        ("SIR", 0x2101, 1, "ro"),
        ("SLIR", 0x2102, 1, "ro"),
        ("IMR", 0x2104, 1, "rw"),
        ("IRCLR", 0x2108, 1, "wo"),
        ("SIMR", 0x2114, 1, "rw"),
        ("SLIMR", 0x2124, 1, "rw"),
        ("PHYSR", 0x3000, 1, "ro"),
        ("PHYRAR", 0x3008, 1, "rw"),
        ("PHYDIR", 0x300C, 2, "rw"),
        ("PHYDOR", 0x3010, 2, "ro"),
        ("PHYACR", 0x3014, 1, "rw"),
        ("PHYDIVR", 0x3018, 1, "rw"),
        ("PHYCR0", 0x301C, 1, "rw"),
        ("PHYCR1", 0x301D, 1, "rw"),
        ("NET4MR", 0x4000, 1, "rw"),
        ("NET6MR", 0x4004, 1, "rw"),
        ("NETMR", 0x4008, 1, "rw"),
        ("NETMR2", 0x4009, 1, "rw"),
        ("SHAR", 0x4120, 6, "rw"),
        ("GAR", 0x4130, 4, "rw"),
        ("SUBR", 0x4134, 4, "rw"),
        ("SIPR", 0x4138, 4, "rw"),
        ("CHPLCKR", 0x41F4, 1, "rw"),
        ("NETLCKR", 0x41F5, 1, "rw"),
        ("PHYLCKR", 0x41F6, 1, "rw"),
    )
    SOCKET = (  # 4.2
        ("MR", 0x0000, 1, "rw"),
        ("PSR", 0x0004, 1, "rw"),
        ("CR", 0x0010, 1, "cmd"),
        ("IR", 0x0020, 1, "ro"),
        ("IMR", 0x0024, 1, "rw"),
        ("IRCLR", 0x0028, 1, "rw"),
        ("SR", 0x0030, 1, "ro"),
        ("ESR", 0x0031, 1, "ro"),
        ("MR2", 0x0144, 1, "rw"),
        ("TXBUF", 0x0200, 1, "rw"),
        ("TX_FSR", 0x0204, 2, "ro"),
        ("TX_RD", 0x0208, 2, "ro"),
        ("TX_WR", 0x020C, 2, "rw"),
        ("RXBUF", 0x0220, 1, "rw"),
        ("RX_RSR", 0x0224, 2, "ro"),
        ("RX_RD", 0x0228, 2, "rw"),
        ("RX_WR", 0x022C, 2, "ro"),
    )
    COMMON_DEFAULTS = {
        "CIDR": b"\x61\x00",
        "SYSR": b"\xe1",
        "SYCR0": b"\x80",
        "SYCR1": b"\x80",
        "PHYCR1": b"\x40",
    }
    SOCKET_DEFAULTS = {"RXBUF": b"\x02", "TXBUF": b"\x02", "IMR": b"\xff"}

    def may_write(self, regs, name):
        if regs is self.common:
            for lock, names in LOCKED.items():
                if name in names and regs[lock] != UNLOCK[lock]:
                    self.complain("locked", f"{name} written while locked")
                    return False
        return True

    def wrote(self, regs, name):
        if regs is not self.common:
            if name == "IRCLR":  # Sn_IR itself cannot be written
                regs["IR"] &= ~regs["IRCLR"] & 0xFF
                regs["IRCLR"] = 0
            WiznetModel.wrote(self, regs, name)
        elif name == "SYCR0" and not regs["SYCR0"] & 0x80:  # RST is active low
            self.reset()
        elif name == "PHYCR1" and regs["PHYCR1"] & 0x01:
            regs["PHYCR1"] &= 0xFE
            self.phy_reset()

    def phy_status(self):
        """CAB, -, MODE (0 auto; 4 100F, 5 100H, 6 10F, 7 10H), DPX (1 half), SPD (1 10 Mb/s),
        LNK."""
        mode = self.common["PHYCR0"] & 7
        status = 0 if self.cable else 0x80
        if mode & 4:
            status |= mode << 3 | (mode & 1) << 2 | mode & 2
        return status | (1 if self.link_up else 0)

    def asserted(self):
        return super().asserted() and self.common["SYCR1"] & 0x80
