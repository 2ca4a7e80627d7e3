"""WIZnet W5100S in MACRAW: 8 kB each way, one flat map, memories that do not wrap by themselves
(data sheet 1.2)."""

from .no_wrap import NoWrap


class W5100S(NoWrap):
    NAME = "W5100S"
    SIZE = 8192
    SETTLE_MS = 100  # stable after 60.3 ms (7.1)
    VERSION = b"\x51"
    GET_VERSION = b"\x0f\x00\x80\x00"  # opcode 0x0F reads, 0xF0 writes; then the address
    RESET = (b"\xf0\x00\x00\x80",)  # MR.RST
    PHY = b"\x0f\x00\x3c\x00"  # PHYSR; bit 0 is the link
    PHY_MODE = 0x38

    OPEN = b"\xf0\x04\x01\x01"  # S0_CR
    CLOSE = b"\xf0\x04\x01\x10"
    SEND = b"\xf0\x04\x01\x20"
    RECV = b"\xf0\x04\x01\x40"
    SR = b"\x0f\x04\x03\x00"
    IR = b"\x0f\x04\x02\x00"
    CLEAR_RECV = b"\xf0\x04\x02\x04"
    CLEAR_SEND = b"\xf0\x04\x02\x18"
    CLEAR_ALL = b"\xf0\x04\x02\x1c"
    GET_WR = b"\x0f\x04\x24\x00\x00"
    SET_WR = b"\xf0\x04\x24\x00\x00"
    SET_RD = b"\xf0\x04\x28\x00\x00"
    POINTERS = b"\x0f\x04\x26\x00\x00\x00\x00\x00\x00"
    RD = 5
    WR = 7

    BLOCK = b"\xf0\x04\x2f"  # S0_MR2
    BLOCKED = b"\x0f\x04\x2f\x00"

    HEAD_RX = b"\x0f\x60\x00"
    HEAD_TX = b"\xf0\x40\x00"
    AT = 1
    MASK = 0x1FFF
    RX_AT = 0x60  # high octets of where the memories begin
    TX_AT = 0x40

    def _mode(self, promiscuous):
        """S0_MR: MACRAW; MF."""
        return 0x04 | (0 if promiscuous else 0x40)

    def _setup_frames(self, multicast, promiscuous, duplex, speed):
        phy = ()
        if duplex:
            bmcr = 0x2000 if speed == 100 else 0  # IEEE 802.3 22.2.4.1: no autonegotiation
            bmcr |= 0x0100 if duplex == "full" else 0
            phy = (
                b"\xf0\x00\x3f\x00",  # PHYRAR
                bytes((0xF0, 0, 0x40, bmcr >> 8, 0)),  # PHYDIR
                b"\xf0\x00\x44\x01",  # PHYACR: write
            )
        return phy + (
            b"\xf0\x05\x1e\x00\x00",  # RX and TX memory of sockets 1..3
            b"\xf0\x06\x1e\x00\x00",
            b"\xf0\x07\x1e\x00\x00",
            b"\xf0\x04\x1e\x08\x08",  # of socket 0: 8 kB
            b"\xf0\x00\x09" + self.mac,  # SHAR
            b"\xf0\x04\x2c\x04",  # S0_IMR: RECV
            b"\xf0\x00\x16\x01",  # IMR: socket 0
            b"\xf0\x00\x30\x40",  # MR2.G_IEN: without it INT stays high
            bytearray(
                (0xF0, 4, 0x2F, 0 if multicast else 0x30)
            ),  # S0_MR2: block multicast and IPv6
            bytes((0xF0, 4, 0, self._mode(promiscuous))),
        )

    def _watch_frames(self, multicast, promiscuous):
        return (
            b"\x0f\x04\x03\x00",
            b"\x42",  # S0_SR
            b"\x0f\x00\x09\x00\x00\x00\x00\x00\x00",
            self.mac,
            b"\x0f\x04\x00\x00",
            bytes((self._mode(promiscuous),)),
            b"\x0f\x04\x1e\x00\x00",
            b"\x08\x08",
            b"\x0f\x04\x2f\x00",
            bytearray((0 if multicast else 0x30,)),
            b"\x0f\x00\x00\x00",
            b"\x00",  # MR
            b"\x0f\x04\x2c\x00",
            b"\x04",
            b"\x0f\x00\x16\x00",
            b"\x01",
            b"\x0f\x00\x30\x00",
            b"\x40",
            self.GET_VERSION,
            self.VERSION,
        )
