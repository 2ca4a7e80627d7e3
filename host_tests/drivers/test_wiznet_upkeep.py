"""WIZnet drivers: what they say when no chip answers, when they look for it, what the bus, the
cable and the counters see of it."""

from itertools import pairwise

import pytest
from chips.rig import PEER, Rig, frame
from drivers.test_wiznet_said import CLEAR, PHY, POINTERS, RESET, VERSION, WATCH
from lab.bus import Elsewhere
from lab.spilog import listened
from uipy.drivers.errors import NoChip

KINDS = ("w5500", "w5100s", "w6100")
RIGHT = {"w5500": "04", "w5100s": "51", "w6100": "4661"}
POWERED = "; is it powered, are MISO, MOSI, SCK and CS on the right pins?"


def absent(octet):
    return lambda rig: setattr(rig.chip.fault, "absent", octet)


def version(number):
    return lambda rig: setattr(rig.chip.fault, "version", number)


def deaf(rig):
    """OPEN does nothing."""
    rig.chip.open = lambda: None


# No chip


@pytest.mark.parametrize("what", ["00", "ff", "other", "mixed", "forgets"])
def test_no_chip_is_said_in_one_sentence(kind, what):
    octets = len(RIGHT[kind]) // 2
    before, got, why = {
        "00": (absent(0), "00" * octets, POWERED),
        "ff": (absent(0xFF), "ff" * octets, POWERED),
        "other": (version(0x2A), "2a".zfill(2 * octets), None),
        "mixed": (version(0xFF), "ff".zfill(2 * octets), None if octets > 1 else POWERED),
        "forgets": (
            deaf,
            RIGHT[kind],
            "; but registers do not keep what is written: wiring, supply, or SPI clock?",
        ),
    }[what]
    if why is None:
        why = f"; not 0x{RIGHT[kind]}: another chip, or SPI clock too high?"
    with pytest.raises(NoChip) as e:
        listened(Rig, kind, before=before)
    text = str(e.value)
    assert text.startswith(f"no {kind.upper()} on ") and ", cs " in text
    assert text.endswith(f": version read 0x{got}{why}")
    rig, _ = listened(Rig, kind, before=before, wait=True)
    assert rig.dev.trouble().endswith(f": version read 0x{got}{why}")


def test_no_trouble_with_a_chip(kind):
    rig, _ = listened(Rig, kind)
    assert rig.dev.trouble() == "" and rig.dev.version.hex() == RIGHT[kind]


@pytest.mark.parametrize("pins", [True, False])
def test_constructor_returns_within_200_ms_without_a_chip(kind, pins):
    rigs = []

    def before(rig):
        absent(0)(rig)
        rigs.append(rig)
        rig.begun = rig.clock.ns

    with pytest.raises(NoChip):
        Rig(kind, before=before, pins=pins)
    ms = (rigs[0].clock.ns - rigs[0].begun) // 1_000_000
    assert ms == (102 if pins else 100)


@pytest.mark.parametrize("pins", [True, False])
def test_chip_is_looked_for_twice_a_second_and_found_when_it_comes(kind, pins):
    rig, log = listened(Rig, kind, before=absent(0), pins=pins, wait=True)
    log.clear()
    assert rig.dev.still() == 0 and not rig.dev.link_up()
    rig.run(1900)
    reset = ["RSTn=0", "+2 ms", "RSTn=1"] if pins else RESET[kind]
    again = ["+500 ms", *reset, "+100 ms", VERSION[kind]]
    told = log.told()
    assert [line for line in told if line[:4] != "+499"] == again * 3
    assert rig.counters() == {"no_chip": 4}
    rig.chip.fault.absent = None
    rig.chip.power_on()
    told = []
    rig.dev.on_link = told.append
    rig.run(700)
    assert rig.counters() == {"no_chip": 4, "link": 1} and told == [True]
    assert rig.echo(frame())


def test_setup_that_failed_is_tried_again_in_a_millisecond(kind):
    rig, log = listened(Rig, kind, wait=True)
    rig.run(100)
    log.clear()
    opened = rig.chip.open
    rig.chip.open = lambda: None
    rig.chip.brown_out()
    rig.run(300)
    told = log.told()
    at = told.index("S0.CR=01")
    assert told[at + 1 : at + 11] == ["S0.SR?1"] * 10 and told[at + 11] == "RSTn=0"
    rig.chip.open = opened
    rig.run(300)
    assert rig.counters() == {"reinit": 1, "link": 3, "chip_lost": 1} and rig.echo(frame())


def test_sends_without_a_chip_are_dropped_and_counted(kind):
    rig, log = listened(Rig, kind, before=absent(0), wait=True)
    log.clear()
    for k in range(3):
        assert rig.dev.can_send()
        rig.dev.send(rig.buf, 60)
        assert rig.counters() == {"no_chip": 1, "tx_dropped": k + 1}
    assert log.told() == []


def test_lost_chip_leaves_nothing_to_wait_for(kind):
    """Neither a transmission nor frames that were counted; the link is told to be down, once."""
    rig, _ = listened(Rig, kind)
    rig.run(200)
    told = []
    rig.dev.on_link = told.append
    for k in range(3):
        rig.chip.wire_in(frame(90, fill=k))
    assert rig.poll() == frame(90)
    rig.chip.fault.tx_stuck = 1
    rig.buf[2:62] = frame(dst=PEER)
    rig.dev.send(rig.buf, 60)
    rig.chip.brown_out()
    rig.clock.advance_ms(100)
    assert rig.dev.can_send() and told == [False] and not rig.dev.link_up()
    assert rig.dev.can_send() and rig.poll() is None
    rig.run(300)
    assert told == [False, True] and rig.got == [frame(90)]
    assert rig.counters() == {
        "rx": 1,
        "tx": 1,
        "tx_timeout": 1,
        "chip_lost": 1,
        "reinit": 1,
        "link": 3,
    }


# Health and cable


@pytest.mark.parametrize("pins", [True, False])
def test_health_checks_are_250_ms_apart(kind, pins):
    rig, log = listened(Rig, kind, pins=pins)
    at = []
    for _ in range(1600):
        log.clear()
        rig.poll()
        if WATCH[kind][0] in log.told():
            at.append(rig.time.ticks_ms())
        rig.clock.ns = (rig.clock.ns // 1_000_000 + 1) * 1_000_000
    assert len(at) == 6 and {b - a for a, b in pairwise(at)} == {250}


def test_cable_is_seen_within_250_ms_and_told_once(kind):
    rig, log = listened(Rig, kind)
    told = []
    rig.dev.on_link = told.append
    look = [*WATCH[kind], PHY[kind], PHY[kind], POINTERS[kind]]
    for k, up in enumerate((False, True, False, True)):
        rig.chip.link(up)
        log.clear()
        rig.run(250)
        rig.run(0.2)
        assert rig.dev.link_up() is up and told[k:] == [up]
        assert [line for line in log.told() if line[0] != "+"] == look
        rig.run(600)
        assert told[k:] == [up] and rig.counters() == {"link": k + 2}


def test_cable_without_an_inspection_is_looked_at_all_the_same(kind):
    rig, log = listened(Rig, kind, recover=30)
    log.clear()
    rig.chip.link(False)
    rig.chip.s0["IMR"] = 0xFF
    rig.run(251)
    assert [line for line in log.told() if line[0] != "+"] == [*[PHY[kind]] * 2, POINTERS[kind]]
    assert rig.counters() == {"link": 2} and not rig.dev.link_up()


@pytest.mark.parametrize("recover", [31, 30])
def test_mode_of_the_phy_that_changed_is_read_twice(kind, recover):
    rig, log = listened(Rig, kind, recover=recover)
    rig.run(10)
    log.clear()
    status = rig.chip.phy_status
    if kind == "w5500":  # a bit of OPMDC
        rig.chip.phy_status = lambda: status() & ~0x08
    else:  # ... and of the mode
        rig.chip.phy_status = lambda: status() | 0x08
    rig.run(251)
    told = [line for line in log.told() if line[0] != "+"]
    if recover == 30:
        assert told == [PHY[kind], POINTERS[kind]] and rig.counters() == {"link": 1}
        return
    assert told[: len(WATCH[kind]) + 3] == [*WATCH[kind], PHY[kind], PHY[kind], "RSTn=0"]
    assert rig.counters() == {"link": 2, "chip_lost": 1}
    rig.chip.phy_status = status
    rig.run(300)
    assert rig.counters()["reinit"] == 1 and rig.echo(frame())


def test_groups_that_come_and_go_before_the_next_poll_change_nothing(kind):
    rig, log = listened(Rig, kind)
    rig.run(50)
    log.clear()
    rig.dev.groups(b"\x01\x00\x5e\x00\x00\xfb", 1)
    rig.dev.groups(b"", 0)
    rig.run(1)
    assert log.told() == [*WATCH[kind], PHY[kind], POINTERS[kind]]
    rig, log = listened(Rig, kind, multicast=True)
    log.clear()
    rig.dev.groups(b"", 0)
    rig.run(1)
    assert log.told() == []


# The bus


class Counted(Elsewhere):
    def __init__(self):
        self.held = self.asked = 0

    def acquire(self):
        self.asked += 1
        if self.taken:
            return False
        assert not self.held
        self.held = 1
        return True

    def release(self):
        assert self.held
        self.held = 0


def test_bus_is_held_for_one_step_at_most(kind):
    bus = Counted()
    rig, _ = listened(Rig, kind, bus=bus)
    assert not bus.held and bus.asked == 1
    rig.poll()
    assert bus.asked == 1  # INT says that nothing came
    for k in range(5):
        rig.chip.wire_in(frame(300, fill=k))
        assert rig.poll() == frame(300, fill=k) and not bus.held
        rig.buf[2:62] = frame(dst=PEER)
        rig.dev.send(rig.buf, 60)
        assert not bus.held
        assert rig.free() and not bus.held
    rig.run(600)
    assert not bus.held


def test_bus_that_is_elsewhere_at_first_is_no_chip_yet(kind):
    bus = Counted()
    bus.taken = True
    with pytest.raises(NoChip):
        listened(Rig, kind, bus=bus)
    rig, log = listened(Rig, kind, bus=bus, wait=True)
    log.clear()
    rig.run(50)
    assert log.told() == [] and rig.counters() == {}
    bus.taken = False
    rig.run(150)
    assert rig.counters() == {"link": 1} and rig.echo(frame()) and not bus.held


def test_transmission_whose_end_cannot_be_asked_for_goes_on(kind):
    bus = Counted()
    rig, log = listened(Rig, kind, bus=bus)
    rig.buf[2:62] = frame(dst=PEER)
    rig.dev.send(rig.buf, 60)
    bus.taken = True
    rig.clock.advance_ms(1)
    log.clear()
    assert not rig.dev.can_send() and log.told() == []
    bus.taken = False
    assert rig.dev.can_send() and log.told() == ["S0.IR?1", CLEAR[kind] + "18"]


# The steps of the generator


def test_step_that_sends_only_receives_nothing(kind):
    rig, log = listened(Rig, kind)
    move = rig.dev.frames(rig.buf).send
    move(None)
    rig.chip.wire_in(frame(90))
    rig.buf[2:62] = frame(dst=PEER)
    log.clear()
    assert move(-60) == 0
    assert log.told() == ["tx@0000=64", "S0.TX_WR=003c", "S0.CR=20"]
    rig.clock.advance_ms(1)
    assert move(-1) == 1 and move(0) == 90
    rig.chip.link(False)
    rig.run(300)
    rig.chip.wire_in(frame(90))
    log.clear()
    assert move(-60) == 0 and log.told() == [] and rig.counters()["tx_dropped"] == 1


def test_frame_that_does_not_fit_is_none_for_the_methods(kind):
    rig, _ = listened(Rig, kind, size=102)
    for n in (101, 1514, 100, 101):
        rig.chip.wire_in(frame(n))
    told = [rig.dev.recv_into(rig.buf) for _ in range(5)]
    assert told == [0, 0, 100, 0, 0]
    assert rig.counters() == {"rx": 1, "rx_long": 3, "link": 1}
    move = rig.dev.frames(rig.buf).send
    move(None)
    for n in (101, 1514, 100, 101):
        rig.chip.wire_in(frame(n))
    assert [move(0) for _ in range(5)] == [-1, -1, 100, 0, 0]


def test_counters_are_words_that_kernels_can_write(kind):
    rig, _ = listened(Rig, kind)
    assert rig.dev.stat.typecode == "i" and len(rig.dev.stat) == len(rig.dev.NAMES) == 16
