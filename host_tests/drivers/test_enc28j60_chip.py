"""What the ENC28J60 is told, instruction by instruction: reset, registers, PHY, audit, filter."""

import random
from types import SimpleNamespace

import pytest
from chips.enc28j60_map import ETH, PHY, REGS
from chips.rig import MAC, Rig, frame
from uipy.drivers.enc28j60 import chip as enc

MDNS = b"\x01\x00\x5e\x00\x00\xfb"
SIGNS = {0: "?", 2: "=", 4: "|", 5: "~"}  # DS39662E table 4-1: RCR, WCR, BFS, BFC


class Ear:
    """Writes down each instruction: `MACON3=32`, `ECON1|03` (bits set), `ECON1~03` (bits cleared),
    `EIR?1` (read, with so many octets after the instruction), and the time of each."""

    def __init__(self, rig):
        self.rig, self.told, self.times, self.octets = rig, [], [], b""
        self.edges = []  # of the reset pin: level, ns
        w = rig.wiring
        self.pin_out, self.transfer = w.pin_out, w.transfer
        w.pin_out, w.transfer = self._pin_out, self._transfer

    def _transfer(self, out):
        self.octets += bytes(out)
        return self.transfer(out)

    def _pin_out(self, n, level):
        w = self.rig.wiring
        if n == w.reset:
            self.edges.append((level, self.rig.clock.ns))
        elif level and self.octets:
            self.told.append(self._text())
            self.octets = b""
        elif not level:
            self.times.append(self.rig.clock.ns)
        self.pin_out(n, level)

    def _text(self):
        op, where = self.octets[0] >> 5, self.octets[0] & 0x1F
        if self.octets == b"\xff":
            return "RESET"
        if where == 0x1A:
            return "memory"
        name = REGS[self.rig.chip.reg["ECON1"] & 3, where].name
        rest = self.octets[1:]
        return name + SIGNS[op] + (rest.hex() if op else str(len(rest)))

    def heard(self):
        """-> what was told since the last time; of looks at BUSY in a row the first one."""
        told, self.told[:] = self.told[:], []
        return [t for k, t in enumerate(told) if t != "MISTAT?2" or told[k - 1] != t]


def open_with_ear(**kw):
    ears = []
    before = kw.pop("before", lambda rig: None)
    rig = Rig("enc28j60", before=lambda rig: (before(rig), ears.append(Ear(rig))), **kw)
    return rig, ears[0]


# Reset and configuration

BANK_0, BANK_2, BANK_3 = "ECON1~03 ", "ECON1~03 ECON1|02 ", "ECON1~03 ECON1|03 "


def phy_written(reg, v):
    return f"{BANK_2}MIREGADR={reg:02x} MIWRL={v & 255:02x} MIWRH={v >> 8:02x} {BANK_3}MISTAT?2 "


def phy_asked(reg):
    return f"MIREGADR={reg:02x} MICMD=01 {BANK_3}MISTAT?2 {BANK_2}MICMD=00 MIRDH?2 MIRDL?2 "


def dictation(full, multicast):
    """All of it, from DS39662E 6 and the errata: reset, table, PHY, all of it read, reception."""
    filters = "a3" if multicast else "a1"
    mac = (
        "MACON1=0d MACON3=33 MACON4=00 MABBIPG=15 MAIPGL=12 MAIPGH=00 "
        if full
        else "MACON1=01 MACON3=32 MACON4=40 MABBIPG=12 MAIPGL=12 MAIPGH=0c "
    )
    table = (
        "ECON2=80 EIE=c0 " + BANK_0 + "ERXSTL=00 ERXSTH=00 ERXNDL=ff ERXNDH=19 "
        "ETXSTL=00 ETXSTH=1a ECON1|01 ERXFCON=" + filters + " " + BANK_2 + mac + "MAMXFLL=ee "
        "MAMXFLH=05 " + BANK_3 + "MAADR5=60 MAADR6=01 MAADR3=00 MAADR4=28 MAADR1=02 MAADR2=00 "
    )
    names = [w.split("=")[0] if "ECON1" not in w else w for w in table.split()]
    slow = {r.name for r in REGS.values() if r.group != ETH}
    asked = [w if "ECON1" in w else w + ("?2" if w in slow else "?1") for w in names]
    return (
        ("RESET " + BANK_3 + "EREVID?1 " + table).split()
        + phy_written(0x00, 0x0100 if full else 0).split()
        + phy_written(0x10, 0 if full else 0x0100).split()
        + phy_written(0x14, 0x3476).split()
        + ["EREVID?1", *asked]
        + (BANK_2 + phy_asked(0x00) + phy_asked(0x10)).split()
        + (BANK_0 + "ERXRDPTL=ff ERXRDPTH=19 ECON1|04").split()
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("multicast", [False, True])
def test_all_that_is_told_between_reset_and_reception(full, multicast):
    rig, ear = open_with_ear(full_duplex=full, multicast=multicast)
    assert ear.heard() == dictation(full, multicast)
    assert rig.dev.revision == 6 and rig.chip.complaints == []


def test_each_octet_of_the_address_has_its_register():
    """DS39662E table 3-1: in bank 3 the fifth octet comes first."""
    rig, _ = open_with_ear(mac=b"\x02\x11\x22\x33\x44\x55")
    assert rig.dev.mac == b"\x02\x11\x22\x33\x44\x55"
    octets = {n: rig.chip.reg["MAADR%d" % n] for n in range(1, 7)}
    assert octets == {1: 0x02, 2: 0x11, 3: 0x22, 4: 0x33, 5: 0x44, 6: 0x55}


def test_waits_of_a_reset_are_as_long_as_asked_and_no_longer():
    """DS39662E table 16-3: 400 ns low; 2.2: 300 us for the oscillator; errata 2: 1 ms and more
    after the soft reset. All of it takes about 4 ms with the pin, and 3 ms without."""
    rig, ear = open_with_ear()
    (low, fell), (high, rose) = ear.edges[-2:]
    assert (low, high) == (0, 1) and ear.told[0] == "RESET"
    assert 1 <= (rose - fell) / 1e6 < 1.5
    assert 1 <= (ear.times[0] - rose) / 1e6 < 1.5
    assert 2 <= (ear.times[1] - ear.times[0]) / 1e6 < 2.5
    assert (rig.clock.ns - ear.times[0]) / 1e6 < 3.5
    rig, ear = open_with_ear(pins=False)
    assert ear.edges == [] and ear.told[0] == "RESET"


@pytest.mark.parametrize(
    ("was", "b", "told"),
    [
        (0, 1, ["ECON1|01"]),
        (1, 0, ["ECON1~01"]),
        (-1, 0, ["ECON1~03"]),
        (-1, 1, ["ECON1~03", "ECON1|01"]),
        (0, 2, ["ECON1~03", "ECON1|02"]),
        (2, 1, ["ECON1~03", "ECON1|01"]),
        (2, 0, ["ECON1~03"]),
        (1, 3, ["ECON1~03", "ECON1|03"]),
        *((b, b, []) for b in range(4)),
    ],
)
def test_a_bank_takes_as_few_instructions_as_it_can(was, b, told):
    rig, ear = open_with_ear()
    ear.heard()
    rig.chip.reg["ECON1"] = 4 | max(was, 0)
    rig.dev._selected = was
    enc.select(rig.dev, b)
    assert ear.heard() == told
    assert rig.dev._selected == b == rig.chip.reg["ECON1"] & 3


def test_each_register_is_read_with_the_dummy_octet_that_it_needs():
    """DS39662E 4.2.1: MAC and MII registers send one first, the others do not."""
    rig, ear = open_with_ear()
    ear.heard()
    for (bank, at), reg in REGS.items():
        if reg.name != "MISTAT":  # has its own reader
            if reg.mask == 0xFF and reg.name != "ECON1":
                rig.chip.reg[reg.name] = at ^ 0x5A
            assert enc._value(rig.dev, bank << 5 | at) == rig.chip._value(reg.name), reg.name
            assert ear.heard()[-1] == reg.name + ("?1" if reg.group == ETH else "?2")


# The PHY


def test_all_sixteen_bits_of_a_phy_register_are_read():
    rig, ear = open_with_ear()
    ear.heard()
    assert [enc.phy_read(rig.dev, n) for n in (2, 3, 0x14)] == [0x0083, 0x1400, 0x3476]
    assert (
        ear.heard()
        == (BANK_2 + BANK_2.join(phy_asked(n) for n in (2, 3, 0x14)))
        .replace(BANK_2 + "MIREGADR=03", "MIREGADR=03")
        .replace(BANK_2 + "MIREGADR=14", "MIREGADR=14")
        .split()
    )
    for v in (0x0000, 0x00FF, 0x3F00, 0x3FFE):
        rig.chip.phy.regs[0x14] = v
        assert enc.phy_read(rig.dev, 0x14) == v


def test_a_phy_that_never_ends_is_given_up_after_fifty_looks():
    """An operation takes 10.24 us (DS39662E 3.3.1)."""
    rig, ear = open_with_ear()
    ear.heard()
    begin = rig.chip.phy._begin
    rig.chip.phy._begin = lambda job: (
        begin(job),
        setattr(rig.chip.phy, "busy_until", 1 << 60),
    )
    before = rig.clock.ns
    assert enc.phy_read(rig.dev, 0) == -1
    assert ear.told.count("MISTAT?2") == 50 and ear.told[-1] == "MICMD=00"
    assert 60_000 < rig.clock.ns - before < 500_000
    assert not enc.phy_ok(rig.dev)


def test_bring_up_fails_with_a_phy_that_never_ends():
    rig, _ = open_with_ear()
    rig.chip.phy._store = lambda n, v: None
    assert not enc.bring_up(rig.dev) and not rig.chip.reg["ECON1"] & 4


@pytest.mark.parametrize(("n", "v"), [(0x00, 0x0100), (0x10, 0x0000), (0x00, 0x4000)])
def test_either_phy_register_is_enough_to_be_noticed(n, v):
    rig, _ = open_with_ear()
    assert enc.phy_ok(rig.dev)
    rig.chip.phy.regs[n] = v
    assert not enc.phy_ok(rig.dev)


# What a chip may say it is


@pytest.mark.parametrize("revision", [1, 2, 0x1F])
def test_any_revision_of_five_bits_is_taken(revision):
    rig, _ = open_with_ear(model={"revision": revision})
    assert rig.dev.revision == revision and rig.dev._cfg[:2] == bytes((0x72, revision))


@pytest.mark.parametrize("revision", [0, 0x20, 0xFF])
def test_what_is_no_revision_is_told_nothing_but_asked_three_times(revision):
    rig, ear = open_with_ear(model={"revision": revision}, wait=True)
    assert ear.heard() == ("RESET " + BANK_3 + "EREVID?1").split() * 3
    assert rig.dev.revision == revision and rig.clock.ns < 125_000_000


# The audit


def asked(ear):
    return [w[:-2] for w in ear.heard() if w[-2] == "?"]


def test_audit_asks_for_every_register_of_the_table_in_turn():
    rig, ear = open_with_ear()
    ear.heard()
    t = rig.dev._cfg
    names = [REGS[t[i] >> 5, t[i] & 31].name for i in range(0, len(t), 2)]
    assert len(names) == len(set(names)) == 24
    seen = []
    for _ in range(6):
        assert enc.audit(rig.dev)
        seen.append(asked(ear))
    assert [len(s) for s in seen] == [8] * 6
    assert [name for s in seen for name in s] == names * 2
    rig.chip.reg[names[3]] ^= 1
    assert not enc.audit(rig.dev, 5) and asked(ear) == names[:4]
    assert not enc.audit(rig.dev, 4)
    rig.chip.reg[names[3]] ^= 1
    assert enc.audit(rig.dev, 5) and asked(ear)[4:] == names[:5]
    assert enc.audit(rig.dev, 24) and asked(ear) == names[5:] + names[:5]


# The filter of the groups (DS39662E 8.4)


def place(mac):
    """Bits 28 to 23 of the CRC of an address, each octet's least significant bit first."""
    crc = 0xFFFFFFFF
    for octet in mac:
        for bit in range(8):
            carry = crc >> 31 ^ octet >> bit & 1
            crc = crc << 1 & 0xFFFFFFFF ^ 0x04C11DB7 * carry
    return crc >> 23 & 63


def hash_table(macs):
    """-> EHT0 to EHT7."""
    return sum(1 << p for p in {place(m) for m in macs}).to_bytes(8, "little")


def eht(rig):
    return bytes(rig.chip.reg["EHT%d" % k] for k in range(8))


@pytest.mark.parametrize("multicast", [False, True])
def test_the_filter_has_the_places_of_the_groups_and_no_others(multicast):
    rig, _ = open_with_ear(multicast=multicast)
    rig.run(300)
    usual = 0xA3 if multicast else 0xA1
    rnd = random.Random(5)
    for n in (1, 2, 0, 7, 64, 0, 3):
        macs = [rnd.randbytes(6) for _ in range(n)]
        others = {k: v for k, v in rig.chip.reg.items() if k[:3] in ("MAC", "MAA", "ERX", "ETX")}
        rig.dev.groups(b"".join(macs), n)
        rig.run(101)
        assert eht(rig) == hash_table(macs)
        assert rig.chip.reg["ERXFCON"] == usual | (4 if n else 0)
        others |= {"ERXFCON": rig.chip.reg["ERXFCON"]}
        assert {k: rig.chip.reg[k] for k in others} == others
        assert not rig.dev._retune
    assert "reinit" not in rig.counters()


def test_each_of_the_64_places_has_its_bit():
    rig, _ = open_with_ear()
    rnd = random.Random(2)
    macs = {place(m): m for m in (b"\x01\x00\x5e" + rnd.randbytes(3) for _ in range(600))}
    for bit in range(64):
        t = enc.with_groups(bytearray(rig.dev._cfg), macs[bit], 1)
        assert bytes(t[48::2]) == bytes(range(0x20, 0x28))
        assert int.from_bytes(t[49::2], "little") == 1 << bit
        assert [k for k in range(48) if t[k] != rig.dev._cfg[k]] == [t.index(0x38) + 1]


def test_an_address_that_looks_like_the_place_of_a_register_stays_as_it_is():
    mac = b"\x38" * 6
    rig, _ = open_with_ear(mac=mac)
    t = enc.with_groups(bytearray(rig.dev._cfg), MDNS, 1)
    assert t[:18] == rig.dev._cfg[:18] and t[20:48] == rig.dev._cfg[20:48]


def test_only_the_filter_is_written_when_a_group_changes():
    rig, ear = open_with_ear()
    rig.dev.groups(MDNS, 1)
    ear.heard()
    enc.tune(rig.dev)
    table = ["EHT%d=%02x" % (k, v) for k, v in enumerate(hash_table([MDNS]))]
    assert ear.heard() == ["ECON1|01", "ERXFCON=a5", *table]
    assert rig.dev._retune is False


def test_table_grows_at_the_first_group_and_never_again():
    rig, _ = open_with_ear()
    first = enc.with_groups(rig.dev._cfg, MDNS, 1)
    assert first is not rig.dev._cfg and len(first) == 48 + 16
    assert enc.with_groups(first, MDNS, 0) is first
    assert first[:48] == rig.dev._cfg and first[49::2] == bytes(8)


def test_groups_are_written_audited_and_read_back_as_the_rest_is():
    rig, ear = open_with_ear()
    rig.dev.groups(MDNS, 1)
    ear.heard()
    assert enc.bring_up(rig.dev)
    told = ear.heard()
    for k, v in enumerate(hash_table([MDNS])):
        assert told.count("EHT%d=%02x" % (k, v)) == told.count("EHT%d?1" % k) == 1
    for k in range(8):
        rig.chip.reg["EHT%d" % k] ^= 0x80
        assert not enc.audit(rig.dev, 32)
        rig.chip.reg["EHT%d" % k] ^= 0x80
    assert enc.audit(rig.dev, 32)


# Everything at once


def registers(rig):
    """-> all that does not move with the frames, of the chip and of its PHY."""
    moving = ("ERDPT", "EWRPT", "ETXND", "ERXWRPT", "ERXRDPT", "MI", "EIR", "ESTAT")
    fixed = {k: v for k, v in rig.chip.reg.items() if not k.startswith(moving)}
    fixed["ECON1"] &= ~3  # the bank
    return fixed | {PHY[n][0]: v for n, v in rig.chip.phy.regs.items()}


def settled():
    """-> a half duplex chip for MAC, as the data sheet has it: all else as a reset leaves it."""
    blank = SimpleNamespace(
        chip=SimpleNamespace(
            reg={r.name: r.reset for r in REGS.values()},
            phy=SimpleNamespace(regs={n: r[1] for n, r in PHY.items()}),
        )
    )
    words = [w.split("=") for w in dictation(False, False) if "=" in w]
    known = {k: int(v, 16) for k, v in words if k[:2] != "MI" and k[:7] != "ERXRDPT"}
    return registers(blank) | known | {"ECON1": 4, "PHCON2": 0x0100, "PHLCON": 0x3476}


HURTS = {
    "nothing": lambda rig: None,
    "power": lambda rig: rig.chip.brown_out(),
    "registers": lambda rig: rig.chip.reg.update(
        {r.name: 0x5A & r.mask for r in REGS.values() if r.name not in ("ECON1", "ECOCON")}
    ),
    "phy": lambda rig: rig.chip.phy.regs.update({0: 0x4100, 0x10: 0, 0x14: 0x3422}),
    "header": lambda rig: setattr(rig.chip.fault, "next_wrong", 1),
    "reception": lambda rig: rig.chip.reg.update(ECON1=rig.chip.reg["ECON1"] & ~4),
    "reset held": lambda rig: rig.chip.reg.update(ECON1=rig.chip.reg["ECON1"] | 0xC0),
    "transmitter": lambda rig: setattr(rig.chip.fault, "tx_stuck", 1),
}


@pytest.mark.parametrize("hurt", HURTS)
def test_every_register_is_what_the_data_sheet_asks_for_after(hurt):
    rig, _ = open_with_ear()
    assert registers(rig) == settled()
    HURTS[hurt](rig)
    rig.chip.wire_in(frame())
    rig.buf[2:62] = frame(dst=b"\xff" * 6, src=MAC)
    rig.dev.send(rig.buf, 60)
    rig.run(1000)
    assert registers(rig) == settled()
    assert rig.echo(frame(400)) and rig.dev.link_up()
