"""WIZnet W5500 in MACRAW: 16 kB each way, SPI to 33 MHz guaranteed (data sheet 1.0.9, 5.5.4)."""

from micropython import const

from .engine import Wiznet

# An SPI frame begins with the address (2 octets) and a control octet, block << 3 | write << 2
# (2.2.2).
_COMMON = const(0x04)  # write to the common registers
_S0 = const(0x0C)  # write to those of socket 0


class W5500(Wiznet):
    NAME = "W5500"
    SIZE = 16384  # octets of RX memory
    SETTLE_MS = 100  # 5.5.1: 1 ms after the crystal has started
    VERSION = b"\x04"
    GET_VERSION = b"\x00\x39\x00\x00"
    RESET = (b"\x00\x00\x04\x80",)  # MR.RST
    PHY = b"\x00\x2e\x00\x00"  # PHYCFGR; bit 0 is the link
    PHY_MODE = 0xF8

    OPEN = b"\x00\x01\x0c\x01"  # S0_CR
    CLOSE = b"\x00\x01\x0c\x10"
    SEND = b"\x00\x01\x0c\x20"
    RECV = b"\x00\x01\x0c\x40"
    SR = b"\x00\x03\x08\x00"
    IR = b"\x00\x02\x08\x00"
    CLEAR_RECV = b"\x00\x02\x0c\x04"
    CLEAR_SEND = b"\x00\x02\x0c\x18"
    CLEAR_ALL = b"\x00\x02\x0c\x1c"
    GET_WR = b"\x00\x24\x08\x00\x00"  # S0_TX_WR
    SET_WR = b"\x00\x24\x0c\x00\x00"
    SET_RD = b"\x00\x28\x0c\x00\x00"  # S0_RX_RD
    POINTERS = b"\x00\x26\x08\x00\x00\x00\x00\x00\x00"  # S0_RX_RSR, RX_RD, RX_WR
    RD = 5  # where RX_RD and RX_WR lie in the answer
    WR = 7

    BLOCK = b"\x00\x00\x0c"  # S0_MR
    BLOCKED = b"\x00\x00\x08\x00"

    HEAD_RX = b"\x00\x00\x18"
    HEAD_TX = b"\x00\x00\x14"
    AT = 0  # where the address lies in the header
    MASK = 0xFFFF  # the memories wrap by themselves
    RX_AT = TX_AT = 0

    def _mode(self, multicast, promiscuous):
        """S0_MR: MACRAW; MFEN; block multicast and IPv6."""
        return 0x04 | (0 if promiscuous else 0x80) | (0 if multicast else 0x30)

    def _setup_frames(self, multicast, promiscuous, duplex, speed):
        # Sn_RXBUF_SIZE and Sn_TXBUF_SIZE of sockets 1..7: none
        others = tuple(bytes((0, 0x1E, n << 5 | _S0, 0, 0)) for n in range(1, 8))
        phy = ()
        if duplex:
            how = 0x40 | ((speed == 100) << 1 | (duplex == "full")) << 3  # OPMD, OPMDC
            # RST low, then high
            phy = (bytes((0, 0x2E, _COMMON, how)), bytes((0, 0x2E, _COMMON, how | 0x80)))
        return (
            others
            + phy
            + (
                b"\x00\x1e\x0c\x10\x10",  # S0_RXBUF_SIZE, S0_TXBUF_SIZE: 16 kB
                b"\x00\x09\x04" + self.mac,  # SHAR
                b"\x00\x2c\x0c\x04",  # S0_IMR: RECV
                b"\x00\x18\x04\x01",  # SIMR: socket 0
                bytearray((0, 0, _S0, self._mode(multicast, promiscuous))),
            )
        )

    def _watch_frames(self, multicast, promiscuous):
        """Read frames and what they must answer."""
        return (
            b"\x00\x03\x08\x00",
            b"\x42",  # S0_SR
            b"\x00\x09\x00\x00\x00\x00\x00\x00\x00",
            self.mac,
            b"\x00\x00\x08\x00",
            bytearray((self._mode(multicast, promiscuous),)),
            b"\x00\x1e\x08\x00\x00",
            b"\x10\x10",
            b"\x00\x00\x00\x00",
            b"\x00",  # MR
            b"\x00\x2c\x08\x00",
            b"\x04",
            b"\x00\x18\x00\x00",
            b"\x01",
            self.GET_VERSION,
            self.VERSION,
        )
