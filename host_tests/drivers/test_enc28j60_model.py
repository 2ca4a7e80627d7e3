"""The ENC28J60 model by itself: what the data sheet says, asked octet by octet, and each
complaint.

Numbers are written out here once more, from DS39662E: neither the model's map nor the driver's is
used.
"""

import zlib

import pytest
from chips.clock import VirtualClock
from chips.enc28j60 import Enc28j60

MAC = b"\x02\x11\x22\x33\x44\x55"
PEER = b"\x02\x00\x00\x00\x00\x02"
CAST = b"\xff" * 6


class Host:
    """A host that knows the instruction set."""

    def __init__(self, **kw):
        self.clock = VirtualClock()
        self.chip = Enc28j60(clock=self.clock, **kw)
        self.chip.spi_hz = 20_000_000
        self.out = []
        self.chip.wire_out = self.out.append
        self.clock.advance_ms(2)

    def spi(self, *octets):
        self.chip.cs(0)
        got = self.chip.exchange(bytes(octets))
        self.clock.advance(len(octets) * 400)
        self.chip.cs(1)
        return got

    def wait(self, ns):
        self.clock.advance(ns)
        self.chip.poll()

    def eth(self, a):
        return self.spi(a, 0)[1]

    def mac(self, a):
        return self.spi(a, 0, 0)[2]

    def wcr(self, a, v):
        self.spi(0x40 | a, v)

    def pair(self, a, v):
        self.wcr(a, v & 0xFF)
        self.wcr(a + 1, v >> 8)

    def bfs(self, a, v):
        self.spi(0x80 | a, v)

    def bfc(self, a, v):
        self.spi(0xA0 | a, v)

    def bank(self, b):
        self.bfc(0x1F, 3)
        self.bfs(0x1F, b)

    def rbm(self, n):
        return self.spi(0x3A, *bytes(n))[1:]

    def wbm(self, data):
        self.spi(0x7A, *data)

    def phy_write(self, n, v):
        self.bank(2)
        self.wcr(0x14, n)
        self.pair(0x16, v)
        self.wait(11_000)

    def phy_read(self, n):
        self.bank(2)
        self.wcr(0x14, n)
        self.wcr(0x12, 1)
        self.wait(11_000)
        self.wcr(0x12, 0)
        return self.mac(0x18) | self.mac(0x19) << 8

    def set_up(self, last=0x0FFF, filters=0xA1):
        """As DS39662E 6 says, half duplex: ring 0 ... last, transmit buffer at 1000h."""
        self.pair(0x08, 0)
        self.pair(0x0A, last)
        self.pair(0x0C, last)
        self.pair(0x00, 0)
        self.pair(0x04, 0x1000)
        self.bank(1)
        self.wcr(0x18, filters)
        self.bank(2)
        self.wcr(0x00, 0x01)
        self.wcr(0x02, 0x32)
        self.wcr(0x03, 0x40)
        self.wcr(0x04, 0x12)
        self.pair(0x06, 0x0C12)
        self.pair(0x0A, 1518)
        self.phy_write(0x10, 0x0100)
        self.bank(3)
        for a, v in zip((4, 5, 2, 3, 0, 1), MAC, strict=True):
            self.wcr(a, v)
        self.bank(0)
        self.bfs(0x1F, 0x04)
        return self

    def transmit(self, frame, control=0):
        self.bank(0)
        self.pair(0x02, 0x1000)
        self.wbm(bytes([control]) + frame)
        self.pair(0x06, 0x1000 + len(frame))
        self.bfs(0x1F, 0x08)

    def complaint(self):
        """-> the code of the only complaint."""
        assert len(self.chip.complaints) == 1, self.chip.complaints
        return self.chip.complaints.pop().split(":")[0]


@pytest.fixture
def host():
    return Host().set_up()


def frame(n=60, dst=MAC, fill=0):
    return dst + PEER + b"\x08\x00" + bytes((fill + i) & 0xFF for i in range(n - 14))


def test_registers_after_reset():
    h = Host()
    assert [h.eth(a) for a in (0x1B, 0x1C, 0x1D, 0x1E, 0x1F)] == [0, 0, 1, 0x80, 0]
    assert [h.eth(a) for a in range(0x10)] == [
        0xFA, 5, 0, 0, 0, 0, 0, 0, 0xFA, 5, 0xFF, 0x1F, 0xFA, 5, 0, 0
    ]  # fmt: skip
    h.bank(1)
    assert (h.eth(0x18), h.eth(0x19)) == (0xA1, 0)
    h.bank(2)
    assert [h.mac(a) for a in (0x08, 0x09, 0x0A, 0x0B)] == [0x0F, 0x37, 0x00, 0x06]
    h.bank(3)
    assert (h.eth(0x12), h.eth(0x15), h.eth(0x19)) == (6, 4, 0x10)
    assert [h.phy_read(n) for n in (0, 2, 3, 0x10, 0x14)] == [0, 0x83, 0x1400, 0, 0x3422]
    assert h.chip.complaints == []


def test_mac_registers_answer_after_a_dummy_octet(host):
    host.bank(2)
    assert host.spi(0x02, 0, 0)[1:] == b"\x00\x32"
    assert host.chip.complaints == []
    host.spi(0x02, 0)
    assert host.complaint() == "no-dummy"


def test_a_frame_and_its_status_vector(host):
    f = frame(61)
    assert host.chip.wire_in(f)
    got = host.rbm(6 + 65)
    assert got[:6] == b"\x48\x00" + b"\x41\x00" + b"\xc0\x00"  # next even address; 65; ok, type
    assert got[6:] == f + zlib.crc32(f).to_bytes(4, "little")
    host.bank(1)
    assert host.eth(0x19) == 1
    host.bfs(0x1E, 0x40)
    assert host.eth(0x19) == 0 and host.chip.complaints == []


def test_broadcast_and_multicast_show_in_the_vector():
    h = Host().set_up(filters=0xA3)
    h.chip.wire_in(frame(dst=CAST))
    h.chip.wire_in(frame(dst=b"\x01\x00\x5e\x00\x00\x01"))
    got = h.rbm(140)
    assert (got[5], got[70 + 5]) == (0x02, 0x01)


def test_reading_and_receiving_wrap_at_the_end_of_the_ring(host):
    f = frame(1000)
    for k in range(12):
        assert host.chip.wire_in(f)
        got = host.rbm(6 + 1004)
        assert got[6:1006] == f
        after = got[0] | got[1] << 8
        assert after == (k + 1) * 1010 % 0x1000
        host.pair(0x0C, after - 1 if after else 0x0FFF)
        host.bfs(0x1E, 0x40)
    assert host.eth(0x0E) | host.eth(0x0F) << 8 == 12 * 1010 % 0x1000  # ERXWRPT
    assert host.chip.complaints == []


def test_free_space_ends_reception_and_sets_rxerif(host):
    n = 0
    while host.chip.wire_in(frame(500)):
        n += 1
    assert n == 4096 // 510 and host.eth(0x1C) & 1
    got = host.rbm(510)
    host.pair(0x0C, (got[0] | got[1] << 8) - 1)
    host.bfs(0x1E, 0x40)
    assert host.chip.wire_in(frame(500))


def test_255_packets_are_the_most():
    h = Host().set_up(last=0x1FFF)
    h.chip.reg["EPKTCNT"] = 255
    assert not h.chip.wire_in(frame())
    assert h.eth(0x1C) & 1


@pytest.mark.parametrize(
    ("filters", "dst", "passes"),
    [
        (0xA1, MAC, True),
        (0xA1, PEER, False),
        (0xA1, CAST, True),
        (0xA0, CAST, False),
        (0xA2, b"\x01\x00\x5e\x00\x00\x01", True),
        (0xA0, b"\x01\x00\x5e\x00\x00\x01", False),
        (0x20, PEER, True),  # nothing but the CRC is asked
        (0xE1, MAC, False),  # AND: own address and broadcast at once
    ],
)
def test_receive_filter(filters, dst, passes):
    assert Host().set_up(filters=filters).chip.wire_in(frame(dst=dst)) is passes


def test_a_bad_crc_passes_only_without_crcen():
    assert not Host().set_up(filters=0xA1).chip.wire_in(frame(), crc_ok=False)
    h = Host().set_up(filters=0x81)
    assert h.chip.wire_in(frame(), crc_ok=False)
    assert h.rbm(6)[4] & 0x90 == 0x10


def test_hash_table_filter():
    """Bits 28:23 of the CRC over the destination name the one bit that lets it pass."""
    dst = b"\x01\x00\x5e\x00\x00\x01"
    passing = []
    for bit in range(64):
        h = Host().set_up(filters=0x24)
        h.bank(1)
        h.wcr(bit >> 3, 1 << (bit & 7))
        if h.chip.wire_in(frame(dst=dst)):
            passing.append(bit)
    crc = 0xFFFFFFFF ^ zlib.crc32(dst)  # the register, bit-reversed
    assert passing == [int(f"{crc:032b}"[::-1], 2) >> 23 & 0x3F]


def test_pattern_match_and_magic_packet():
    h = Host().set_up(filters=0x30)
    h.bank(1)
    h.wcr(0x08, 0x03)  # the first two octets of the window
    h.pair(0x14, 12)  # at offset 12: the type
    h.pair(0x10, 0xFFFF - 0x0800)
    assert h.chip.wire_in(frame(dst=PEER))
    assert not h.chip.wire_in(PEER + MAC + b"\x08\x06" + bytes(46))
    h = Host().set_up(filters=0x28)
    assert not h.chip.wire_in(frame(dst=CAST))
    assert h.chip.wire_in(CAST + PEER + b"\x08\x42" + b"\xff" * 6 + MAC * 16)


def test_a_frame_is_padded_and_gets_its_crc_and_a_status_vector(host):
    host.transmit(frame(42, dst=PEER))
    assert host.eth(0x1F) & 8  # TXRTS
    host.wait(70_000)
    assert host.out == [frame(42, dst=PEER).ljust(60, b"\0")]
    assert not host.eth(0x1F) & 8 and host.eth(0x1C) & 8
    host.pair(0x00, 0x1000 + 43)
    vector = host.rbm(7)
    assert vector[:2] == b"\x40\x00" and vector[2] & 0x80 and vector[4:6] == b"\x40\x00"


def test_transmission_takes_the_time_of_its_bits(host):
    host.transmit(frame(1514, dst=PEER))
    host.wait(1_200_000)
    assert host.eth(0x1F) & 8
    host.wait(35_000)
    assert not host.eth(0x1F) & 8


def test_the_control_octet_overrides_macon3(host):
    host.transmit(frame(40, dst=PEER), control=0x03)  # CRC but no padding
    host.wait(70_000)
    assert host.out == [frame(40, dst=PEER)] and host.complaint() == "tx-runt"
    host.transmit(frame(64, dst=PEER), control=0x01)
    assert host.complaint() == "tx-crc"


def test_half_duplex_hears_itself_unless_hdldis(host):
    host.phy_write(0x10, 0)
    host.transmit(frame(dst=CAST))
    host.wait(70_000)
    host.bank(1)
    assert host.eth(0x19) == 1
    host.phy_write(0x10, 0x0100)
    host.transmit(frame(dst=CAST))
    host.wait(70_000)
    host.bank(1)
    assert host.eth(0x19) == 1


def test_an_aborted_transmission_stalls_until_txrst(host):
    host.chip.fault.late = 1
    host.transmit(frame(dst=PEER))
    host.wait(70_000)
    assert host.eth(0x1C) & 2 and not host.eth(0x1F) & 8
    host.pair(0x00, 0x1000 + 61)
    assert host.rbm(7)[3] & 0x20  # late collision
    host.transmit(frame(dst=PEER))
    host.clock.advance_ms(1000)
    assert host.eth(0x1F) & 8 and host.out == []  # errata 12
    host.bfs(0x1F, 0x80)
    host.bfc(0x1F, 0x80)
    assert host.eth(0x1C) & 2  # clearing TXRST raises TXERIF
    host.transmit(frame(dst=PEER))
    host.wait(70_000)
    host.chip.poll()
    assert len(host.out) == 1


def test_link_state(host):
    assert host.phy_read(0x11) & 0x0400
    assert host.phy_read(0x01) & 0x0004
    host.chip.link(False)
    assert not host.phy_read(0x11) & 0x0400
    host.chip.link(True)
    assert not host.phy_read(0x01) & 0x0004  # latched low until read
    assert host.phy_read(0x01) & 0x0004


def test_int_is_low_while_a_packet_waits(host):
    levels = []
    host.chip.on_int = levels.append
    host.bfs(0x1B, 0xC0)
    assert host.chip.int_level == 1
    host.chip.wire_in(frame())
    host.chip.wire_in(frame())
    assert host.chip.int_level == 0 and host.eth(0x1D) & 0x80
    host.bfs(0x1E, 0x40)
    assert host.chip.int_level == 0
    host.bfs(0x1E, 0x40)
    assert host.chip.int_level == 1 and levels == [0, 1]


def test_link_change_interrupts(host):
    host.phy_write(0x12, 0x0012)
    host.bfs(0x1B, 0x90)
    host.chip.link(False)
    assert host.chip.int_level == 0
    assert host.phy_read(0x13) & 0x10
    assert host.chip.int_level == 1


def test_pktif_is_not_to_be_trusted(host):
    """Errata 6."""
    host.chip.wire_in(frame())
    assert {host.eth(0x1C) & 0x40 for _ in range(50)} == {0, 0x40}


def test_soft_reset_keeps_the_memory_and_lies_about_clkrdy(host):
    host.wbm(b"keep")
    host.spi(0xFF)
    host.wait(60_000)
    assert host.eth(0x1D) & 1 and host.eth(0x1F) == 0
    host.pair(0x00, 0)
    assert host.rbm(4) == b"keep"
    assert host.chip.complaints == []
    host.phy_read(0x11)
    assert {c.split(":")[0] for c in host.chip.complaints} == {"phy-early"}


def _raw(*octets):
    return lambda h: h.spi(*octets)


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("opcode", _raw(0xC0)),
        ("opcode", _raw(0x20)),
        ("short", _raw(0x5F)),
        ("extra", _raw(0x40, 1, 2)),
        ("reserved", lambda h: (h.bank(2), h.eth(0x0D))),
        ("reserved", lambda h: (h.bank(2), h.wcr(0x11, 1))),
        ("bit-field", lambda h: (h.bank(2), h.bfs(0x02, 1))),
        ("read-only", lambda h: (h.bank(1), h.wcr(0x19, 1))),
        ("read-only", lambda h: h.wcr(0x01, 0x20)),
        ("even-erxrdpt", lambda h: h.pair(0x0C, 0x0100)),
        ("erxrdpt-range", lambda h: h.pair(0x0C, 0x1001)),
        ("pktdec", lambda h: h.bfs(0x1E, 0x40)),
        ("rx-bounds", lambda h: h.wcr(0x0A, 0xFF)),
        ("tx-again", lambda h: (h.transmit(frame()), h.bfs(0x1F, 8))),
        ("tx-busy", lambda h: (h.transmit(frame()), h.wcr(0x06, 0))),
        ("tx-busy", lambda h: (h.transmit(frame()), h.pair(0x02, 0x1010), h.wbm(b"x"))),
        ("tx-bounds", lambda h: (h.pair(0x06, 0x0F00), h.bfs(0x1F, 8), h.bfc(0x1F, 8))),
        ("spi-early", lambda h: (h.spi(0xFF), h.eth(0x1D))),
        ("mii-busy", lambda h: (h.bank(2), h.wcr(0x12, 1), h.mac(0x18))),
        ("mii-busy", lambda h: (h.bank(2), h.pair(0x16, 0x100), h.wcr(0x17, 1))),
        ("phy-reg", lambda h: h.phy_read(0x07)),
        ("phy-reserved", lambda h: h.phy_write(0x14, 0x0476)),
        ("duplex", lambda h: (h.phy_write(0x00, 0x0100), h.transmit(frame()))),
        ("erxst", lambda h: (h.bfc(0x1F, 4), h.pair(0x08, 0x0100), h.bfs(0x1F, 4))),
        ("spi-fast", lambda h: (setattr(h.chip, "spi_hz", 25_000_000), h.eth(0x1D))),
    ],
)
def test_complaint(host, code, act):
    act(host)
    assert host.complaint() == code


def test_reception_needs_marxen():
    h = Host()
    h.pair(0x08, 0)
    h.pair(0x0C, 0x1FFF)
    h.bfs(0x1F, 4)
    assert h.complaint() == "marxen"
    assert not h.chip.wire_in(frame(dst=CAST))


def test_errata_1_spoils_slow_access_to_mac_registers_before_b5():
    h = Host(revision=4)
    h.chip.spi_hz = 4_000_000
    h.bank(2)
    assert len({h.mac(0x09) for _ in range(50)}) == 2
    assert h.chip.complaints[0].startswith("mac-slow")
    h = Host(revision=5)
    h.chip.spi_hz = 4_000_000
    h.bank(2)
    assert {h.mac(0x09) for _ in range(50)} == {0x37} and h.chip.complaints == []


def test_chip_select_must_be_held_after_mac_access(host):
    host.bank(2)
    host.chip.cs(0)
    host.chip.exchange(b"\x02\0\0")
    host.chip.cs(1)
    assert host.complaint() == "cs-hold"


def test_an_even_erxrdpt_corrupts_the_ring(host):
    """Errata 14, as the model plays it: sooner or later a next packet pointer is wrong."""
    wrong = 0
    for k in range(40):
        if k % 8 == 0:
            host = Host(seed=k).set_up()
            host.pair(0x0C, 0x0FFE)
            at = 0
        if host.chip.wire_in(frame()):
            got = host.rbm(70)
            at += 70
            wrong += got[0] | got[1] << 8 != at
    assert wrong
