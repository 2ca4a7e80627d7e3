"""What the WIZnet drivers say to their chips, transaction by transaction, and the registers after
it (W5500 data sheet 1.0.9, W5100S 1.2, W6100 1.0.5)."""

import functools

import pytest
from chips.rig import MAC, PEER, frame
from lab import spilog

KINDS = ("w5500", "w5100s", "w6100")
CHECK_MS = 250
MDNS = b"\x01\x00\x5e\x00\x00\xfb"

VERSION = {"w5500": "VERSIONR?1", "w5100s": "VERR?1", "w6100": "VER?2"}
PHY = {"w5500": "PHYCFGR?1", "w5100s": "PHYSR?1", "w6100": "PHYSR?1"}
RESET = {"w5500": ["MR=80"], "w5100s": ["MR=80"], "w6100": ["CHPLCKR=ce", "SYCR0=00"]}
POINTERS = {"w5500": "S0.RX_RSR?6", "w5100s": "S0.RX_RSR?6", "w6100": "S0.RX_RSR?10"}
CLEAR = {"w5500": "S0.IR=", "w5100s": "S0.IR=", "w6100": "S0.IRCLR="}
OTHERS = {
    "w5500": [f"S{n}.RXBUF=0000" for n in range(1, 8)],
    "w5100s": [f"S{n}.RXBUF=0000" for n in range(1, 4)],
    "w6100": [f"S{n}.{way}XBUF=00" for n in range(1, 8) for way in "RT"],
}
OURS = {
    "w5500": ["S0.RXBUF=1010", "SHAR=020000286001", "S0.IMR=04", "SIMR=01"],
    "w5100s": ["S0.RXBUF=0808", "SHAR=020000286001", "S0.IMR=04", "IMR=01", "MR2=40"],
    "w6100": [
        *("S0.RXBUF=10", "S0.TXBUF=10"),
        *("NETLCKR=3a", "SHAR=020000286001", "NETLCKR=c5"),
        *("S0.IMR=04", "SIMR=01"),
    ],
}
WATCH = {
    "w5500": [
        "S0.SR?1",
        "SHAR?6",
        "S0.MR?1",
        "S0.RXBUF?2",
        "MR?1",
        "S0.IMR?1",
        "SIMR?1",
        "VERSIONR?1",
    ],
    "w5100s": [
        "S0.SR?1",
        "SHAR?6",
        "S0.MR?1",
        "S0.RXBUF?2",
        "S0.MR2?1",
        "MR?1",
        "S0.IMR?1",
        "IMR?1",
        "MR2?1",
        "VERR?1",
    ],
    "w6100": [
        "S0.SR?1",
        "SHAR?6",
        "S0.MR?1",
        "S0.RXBUF?1",
        "S0.TXBUF?1",
        "S0.IMR?1",
        "SIMR?1",
        "SYCR1?1",
        "VER?2",
    ],
}
# multicast, promiscuous: how S0_MR and, on the W5100S, S0_MR2 are written
FILTER = {
    "w5500": {
        (False, False): ["S0.MR=b4"],
        (True, False): ["S0.MR=84"],
        (False, True): ["S0.MR=04"],
        (True, True): ["S0.MR=04"],
    },
    "w5100s": {
        (False, False): ["S0.MR2=30", "S0.MR=44"],
        (True, False): ["S0.MR2=00", "S0.MR=44"],
        (False, True): ["S0.MR2=00", "S0.MR=04"],
        (True, True): ["S0.MR2=00", "S0.MR=04"],
    },
    "w6100": {
        (False, False): ["S0.MR=b7"],
        (True, False): ["S0.MR=87"],
        (False, True): ["S0.MR=07"],
        (True, True): ["S0.MR=07"],
    },
}
# PHYCFGR.RST low and high; PHYRAR 0 is BMCR; PHYCR0 and PHYCR1.RST
FORCED = {
    "w5500": {
        ("half", 10): ["PHYCFGR=40", "PHYCFGR=c0"],
        ("full", 10): ["PHYCFGR=48", "PHYCFGR=c8"],
        ("half", 100): ["PHYCFGR=50", "PHYCFGR=d0"],
        ("full", 100): ["PHYCFGR=58", "PHYCFGR=d8"],
    },
    "w5100s": {
        ("half", 10): ["PHYRAR=00", "PHYDIR=0000", "PHYACR=01"],
        ("full", 10): ["PHYRAR=00", "PHYDIR=0100", "PHYACR=01"],
        ("half", 100): ["PHYRAR=00", "PHYDIR=2000", "PHYACR=01"],
        ("full", 100): ["PHYRAR=00", "PHYDIR=2100", "PHYACR=01"],
    },
    "w6100": {
        ("half", 10): ["PHYLCKR=53", "PHYCR0=07", "PHYCR1=41"],
        ("full", 10): ["PHYLCKR=53", "PHYCR0=06", "PHYCR1=41"],
        ("half", 100): ["PHYLCKR=53", "PHYCR0=05", "PHYCR1=41"],
        ("full", 100): ["PHYLCKR=53", "PHYCR0=04", "PHYCR1=41"],
    },
}
PIN_RESET = ["RSTn=0", "+2 ms", "RSTn=1", "+100 ms"]


def opened(kind):
    return ["S0.CR=01", "S0.SR?1", "S0.TX_WR?2", POINTERS[kind]]


def setup(kind, multicast=False, promiscuous=False, forced=None):
    """From the version to the mode of the PHY and, twice as it is new, the link."""
    phy = FORCED[kind][forced] if forced else []
    return [
        VERSION[kind],
        *([*phy, *OTHERS[kind]] if kind == "w5100s" else [*OTHERS[kind], *phy]),
        *OURS[kind],
        *FILTER[kind][multicast, promiscuous],
        *opened(kind),
        *WATCH[kind],
        *[PHY[kind]] * 3,
    ]


def give_back(kind, pointer):
    return [POINTERS[kind], f"S0.RX_RD={pointer:04x}", "S0.CR=40"]


@pytest.fixture
def listened(make):
    """Makes rigs, and what they said."""
    return functools.partial(spilog.listened, make)


def registers(rig):
    """All of them but those that move with each frame."""
    moving = ("TX_RD", "TX_WR", "RX_RD", "RX_WR", "RX_RSR", "PHYSR", "PHYCFGR")
    files = [rig.chip.common, *rig.chip.sockets]
    return [{n: v.hex() for n, v in f.value.items() if n not in moving} for f in files]


@pytest.mark.parametrize("promiscuous", [False, True])
@pytest.mark.parametrize("multicast", [False, True])
def test_setup_with_a_reset_pin(listened, kind, multicast, promiscuous):
    """500 us low at least (W5500 5.5.1), then 60.3 ms at most (W5100S and W6100 7.1)."""
    rig, log = listened(multicast=multicast, promiscuous=promiscuous)
    assert log.told() == ["RSTn=1", *PIN_RESET, *setup(kind, multicast, promiscuous)]
    assert rig.dev.link_up() and rig.counters() == {"link": 1}


@pytest.mark.parametrize("speed", [10, 100])
@pytest.mark.parametrize("duplex", ["half", "full"])
def test_setup_without_a_reset_pin_and_with_a_forced_mode(listened, kind, duplex, speed):
    _, log = listened(pins=False, duplex=duplex, speed=speed)
    assert log.told() == [*RESET[kind], "+100 ms", *setup(kind, forced=(duplex, speed))]


def test_registers_of_chip_and_sockets_after_the_setup(make, kind):
    """Against the reset values of the data sheet: what is not named here is as it was."""
    rig = make()
    files = [rig.chip.common, *rig.chip.sockets]
    there = {
        name if k == 0 else f"S{k - 1}.{name}": value.hex()
        for k, f in enumerate(files)
        for name, value in f.value.items()
        if value != f.defaults.get(name, bytes(len(value)))
    }
    size = {"w5500": "10", "w5100s": "08", "w6100": "10"}[kind]
    want = {
        "w5500": {"SIMR": "01", "PHYCFGR": "bf", "VERSIONR": "04", "S0.MR": "b4"},
        "w5100s": {
            "IMR": "01",
            "MR2": "40",
            "PHYSR": "01",
            "VERR": "51",
            "S0.MR": "44",
            "S0.MR2": "30",
        },
        "w6100": {
            "SIMR": "01",
            "PHYSR": "01",
            "VER": "4661",
            "S0.MR": "b7",
            "NETLCKR": "c5",
        },
    }[kind]
    want |= {"SHAR": MAC.hex(), "S0.SR": "42", "S0.RXBUF": size, "S0.TXBUF": size, "S0.IMR": "04"}
    for k in range(1, rig.chip.SOCKETS):
        want |= {f"S{k}.RXBUF": "00", f"S{k}.TXBUF": "00"}
    assert there == want


def test_a_frame_in_and_a_frame_out(listened, kind):
    """INT's flag, the pointers, length and frame; frame, TX_WR, SEND, until SENDOK stands."""
    rig, log = listened()
    log.clear()
    rig.run(1)
    assert log.told() == []
    rig.chip.wire_in(frame(60))
    assert rig.poll() == frame(60)
    assert log.told() == [CLEAR[kind] + "04", POINTERS[kind], "rx@0000?66"]
    assert rig.send(frame(200, dst=PEER))
    told = log.told()
    assert told[:4] == ["tx@0000=256", "S0.TX_WR=00c8", "S0.CR=20", "S0.IR?1"]
    assert told[-1] == CLEAR[kind] + "18" and set(told[4:-1]) == {"S0.IR?1"}
    rig.run(2)
    assert log.told() == []


SIZES = [(14, 64), (64, 64), (65, 72), (72, 72), (120, 120), (121, 128), (128, 128)]
SIZES += [(129, 256), (256, 256), (257, 384), (1408, 1408), (1409, 1518), (1514, 1518)]


@pytest.mark.parametrize(("n", "moved"), SIZES)
def test_no_more_octets_are_moved_than_the_step_behind_a_frame(listened, kind, n, moved):
    """8 up to 128 octets, 128 above; the buffer has room for 1518."""
    rig, log = listened()
    log.clear()
    rig.chip.wire_in(frame(n))
    got = rig.poll()
    assert got == frame(n).ljust(60, b"\0")
    assert log.told()[2] == f"rx@0000?{moved + 2}"
    rig.send(frame(n, dst=PEER))
    assert log.told()[0] == f"tx@0000={moved}"
    rig.send(frame(n, dst=PEER))
    assert log.told()[:2] == [f"tx@{n:04x}={moved}", f"S0.TX_WR={2 * n:04x}"]


@pytest.mark.parametrize("pins", [True, False])
def test_a_health_check_four_times_a_second(listened, kind, pins):
    """All that was set, the PHY, and what waits; what was read is given back."""
    rig, log = listened(pins=pins)
    rig.run(2)
    rig.chip.wire_in(frame(60))
    assert rig.poll() == frame(60)
    rig.run(CHECK_MS)
    log.clear()
    rig.run(CHECK_MS)
    told = [line for line in log.told() if line[0] != "+"]
    look = [*WATCH[kind], PHY[kind], POINTERS[kind]]
    if pins:
        assert told == look
    else:
        at = told.index(WATCH[kind][0])
        assert told[at : at + len(look)] == look
        assert set(told[:at]) == {POINTERS[kind]} == set(told[at + len(look) :])
    rig.chip.wire_in(frame(60))
    assert rig.poll() == frame(60)
    log.clear()
    rig.run(CHECK_MS)
    told = [line for line in log.told() if line[0] != "+"]
    at = told.index("S0.CR=40")
    assert told[at - 2 : at + 1] == give_back(kind, 124)
    assert rig.chip.read_to == rig.chip.s0["RX_RD"] == 124


def test_room_is_given_back_when_an_eighth_was_read_and_not_before(listened, kind):
    rig, log = listened(pins=False)
    eighth = rig.chip.MEMORY // 8
    rig.run(1)
    rig.chip.wire_in(frame(eighth - 602 - 3 if eighth < 2000 else 1398))
    rig.poll()
    rest = eighth - ((rig.chip.s0["RX_WR"] - rig.chip.read_to) & 0xFFFF)
    rig.chip.wire_in(frame(rest - 3))
    log.clear()
    assert rig.poll() and "S0.CR=40" not in log.told()
    rig.chip.wire_in(frame(60))
    assert rig.poll()
    assert log.told()[-3:] == give_back(kind, eighth + 61)
    assert rig.chip.read_to == rig.chip.s0["RX_WR"] == eighth + 61


def test_groups_change_one_register_of_a_closed_socket(listened, kind):
    """Sn_MR is not to be written while the socket is open; only what is new reopens it."""
    rig, log = listened()
    before = registers(rig)
    name, blocked = FILTER[kind][False, False][0].split("=")
    passed = FILTER[kind][True, False][0].split("=")[1]
    one = f"{int(blocked, 16) & ~0x20:02x}"  # IPv6 is still kept out
    assert one != passed
    for n, value in ((1, one), (2, None), (0, blocked), (0, None), (3, one)):
        log.clear()
        rig.dev.groups(MDNS * n, n)
        rig.run(1)
        told = log.told()
        if value:
            head = ["S0.CR=10", "S0.SR?1", f"{name}={value}", *opened(kind)]
            assert told == [*head, POINTERS[kind]]
        else:
            assert told == [*WATCH[kind], PHY[kind], POINTERS[kind]]
        rig.run(2 * CHECK_MS)
        assert rig.counters() == {"link": 1}
    rig.dev.groups(b"", 0)
    rig.run(1)
    assert registers(rig) == before


# Recoveries: what is said, and that the registers are then those of a fresh setup


def stuck(rig):
    rig.chip.fault.tx_stuck = 1
    rig.buf[2:62] = frame(dst=PEER)
    rig.dev.send(rig.buf, 60)
    rig.run(101)


def bad_length(rig):
    rig.chip.fault.length_wrong, rig.chip.fault.length = 1, 7
    rig.chip.wire_in(frame())


@pytest.mark.parametrize("hurt", [stuck, bad_length])
def test_registers_after_the_socket_was_opened_anew(listened, kind, hurt):
    rig, log = listened()
    rig.run(300)
    before = registers(rig)
    log.clear()
    hurt(rig)
    rig.run(5)
    told = log.told()
    at = told.index("S0.CR=10")
    again = ["S0.CR=10", "S0.SR?1", FILTER[kind][False, False][0], *opened(kind)]
    assert told[at : at + len(again)] == again
    assert registers(rig) == before
    assert rig.counters()["reopened"] == 1 and "reinit" not in rig.counters()
    assert rig.echo(frame())


@pytest.mark.parametrize("k", range(10))
@pytest.mark.parametrize("pins", [True, False])
def test_each_watched_register_that_is_not_as_it_was_set_is_found(listened, kind, k, pins):
    """Read twice; then reset and set up as the first time."""
    names = [name for name in WATCH[kind] if not name.startswith("VER")]
    if k >= len(names):
        return
    name = names[k].split("?")[0]
    rig, log = listened(pins=pins)
    rig.run(300)
    before = registers(rig)
    regs = rig.chip.s0 if name.startswith("S0.") else rig.chip.common
    regs[name.removeprefix("S0.")] ^= 1
    log.clear()
    rig.run(CHECK_MS + 105)
    told = [line for line in log.told() if line not in ("+99 ms", "+100 ms", POINTERS[kind])]
    assert rig.counters()["chip_lost"] == rig.counters()["reinit"] == 1
    assert rig.counters()["link"] == 3 and "no_chip" not in rig.counters()
    looked = WATCH[kind][: k + 1]
    reset = ["RSTn=0", "+2 ms", "RSTn=1"] if pins else RESET[kind]
    want = [*looked, *looked, *reset, *setup(kind)]
    want = [line for line in want if line != POINTERS[kind]]
    at = told.index(looked[0])
    assert told[at : at + len(want)] == want
    assert registers(rig) == before
    assert rig.echo(frame())
