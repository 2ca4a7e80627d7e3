"""WIZnet W6100 in MACRAW: the W5500's SPI frame with wider register maps, locks and clear
registers (data sheet 1.0.5)."""

from micropython import const

from .engine import Wiznet

_S0_WRITE = const(0x0C)  # control octet: write to the registers of socket 0


class W6100(Wiznet):
    NAME = "W6100"
    SIZE = 16384
    SETTLE_MS = 100  # stable after 60.3 ms
    VERSION = b"\x46\x61"
    GET_VERSION = b"\x00\x02\x00\x00\x00"
    RESET = (b"\x41\xf4\x04\xce", b"\x20\x04\x04\x00")  # CHPLCKR unlocks; SYCR0.RST is active low
    PHY = b"\x30\x00\x00\x00"  # PHYSR; bit 0 is the link
    PHY_MODE = 0x38

    OPEN = b"\x00\x10\x0c\x01"  # S0_CR
    CLOSE = b"\x00\x10\x0c\x10"
    SEND = b"\x00\x10\x0c\x20"
    RECV = b"\x00\x10\x0c\x40"
    SR = b"\x00\x30\x08\x00"
    IR = b"\x00\x20\x08\x00"
    CLEAR_RECV = b"\x00\x28\x0c\x04"  # S0_IRCLR
    CLEAR_SEND = b"\x00\x28\x0c\x18"
    CLEAR_ALL = b"\x00\x28\x0c\x1c"
    GET_WR = b"\x02\x0c\x08\x00\x00"  # S0_TX_WR
    SET_WR = b"\x02\x0c\x0c\x00\x00"
    SET_RD = b"\x02\x28\x0c\x00\x00"  # S0_RX_RD
    # S0_RX_RSR, RX_RD and RX_WR, 4 apart
    POINTERS = b"\x02\x24\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    RD = 7
    WR = 11

    BLOCK = b"\x00\x00\x0c"  # S0_MR
    BLOCKED = b"\x00\x00\x08\x00"

    HEAD_RX = b"\x00\x00\x18"
    HEAD_TX = b"\x00\x00\x14"
    AT = 0
    MASK = 0xFFFF
    RX_AT = TX_AT = 0

    def _mode(self, multicast, promiscuous):
        """S0_MR: MACRAW; MF; block multicast over IPv4 and IPv6."""
        return 0x07 | (0 if promiscuous else 0x80) | (0 if multicast else 0x30)

    def _setup_frames(self, multicast, promiscuous, duplex, speed):
        others = ()
        for n in range(1, 8):  # Sn_RX_BSR and Sn_TX_BSR: none
            others += (
                bytes((2, 0x20, n << 5 | _S0_WRITE, 0)),
                bytes((2, 0x00, n << 5 | _S0_WRITE, 0)),
            )
        phy = ()
        if duplex:
            how = 4 | (speed != 100) << 1 | (duplex != "full")
            # PHYLCKR unlocks; PHYCR0; PHYCR1.RST lets it take effect
            phy = (b"\x41\xf6\x04\x53", bytes((0x30, 0x1C, 0x04, how)), b"\x30\x1d\x04\x41")
        return (
            others
            + phy
            + (
                b"\x02\x20\x0c\x10",  # S0_RX_BSR: 16 kB
                b"\x02\x00\x0c\x10",  # S0_TX_BSR
                b"\x41\xf5\x04\x3a",  # NETLCKR unlocks SHAR
                b"\x41\x20\x04" + self.mac,
                b"\x41\xf5\x04\xc5",
                b"\x00\x24\x0c\x04",  # S0_IMR: RECV
                b"\x21\x14\x04\x01",  # SIMR: socket 0
                bytearray((0, 0, _S0_WRITE, self._mode(multicast, promiscuous))),
            )
        )

    def _watch_frames(self, multicast, promiscuous):
        return (
            b"\x00\x30\x08\x00",
            b"\x42",  # S0_SR
            b"\x41\x20\x00\x00\x00\x00\x00\x00\x00",
            self.mac,
            b"\x00\x00\x08\x00",
            bytearray((self._mode(multicast, promiscuous),)),
            b"\x02\x20\x08\x00",
            b"\x10",
            b"\x02\x00\x08\x00",
            b"\x10",
            b"\x00\x24\x08\x00",
            b"\x04",
            b"\x21\x14\x00\x00",
            b"\x01",
            b"\x20\x05\x00\x00",
            b"\x80",  # SYCR1.IEN: INT enabled
            self.GET_VERSION,
            self.VERSION,
        )
