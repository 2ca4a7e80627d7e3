"""What is particular to the WIZnet chips: pointers, the seam, INT, the filter, the PHY."""

import random

import pytest
from chips.faults import CallAt, FlipMiso
from chips.rig import MAC, PEER, Rig, frame
from uipy.drivers.errors import NoChip

KINDS = ("w5500", "w5100s", "w6100")
BROADCAST = b"\xff" * 6
MULTICAST = b"\x01\x00\x5e\x00\x00\xfb"
IPV6 = b"\x33\x33\x00\x00\x00\x01" + PEER + b"\x86\xdd" + bytes(46)
EVERY = 0xFF  # all of `recover`


def at(pointer):
    """The chip's pointers begin there."""
    return lambda rig: setattr(rig.chip, "open_pointer", pointer)


# Pointers


@pytest.mark.parametrize("pins", [True, False])
def test_a_frame_that_lands_within_a_read_of_the_size_is_not_lost(make, pins):
    rig = make(pins=pins)
    rig.chip.torn = 0.5
    rnd = random.Random(3)
    given = [frame(rnd.randrange(60, 1515), fill=k) for k in range(400)]
    for f in given:
        rig.chip.wire_in(f)
        rig.poll()
        rig.clock.advance_ms(0.1)
    rig.run(1000)
    assert rig.got == given
    assert rig.counters()["rx_doubt"] > 10
    assert "reopened" not in rig.counters()


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 61, 62, 63, 64, 65, 700, 1513, 1515, 1516, 1517])
def test_frames_across_the_end_of_the_memory_and_of_the_pointers(make, offset):
    size = 8192
    for end in (size, 0x10000):
        for n in (60, 63, 64, 65, 127, 590, 1513, 1514):
            rig = make(before=at((end - offset) & 0xFFFF))
            assert rig.echo(frame(n, fill=offset))
            assert rig.echo(frame(61, fill=offset))


def test_every_place_of_the_seam(make):
    """The end of the memory at each octet of a frame: length word, chunks, last octet."""
    rig = make(before=at(8192 - 300))
    for n in range(60, 500):
        assert rig.echo(frame(n, fill=n))
    for back in range(140):
        rig = make(before=at(8192 - back))
        assert rig.echo(frame(138, fill=back)), back


def test_a_frame_that_waits_is_not_asked_for_twice(make):
    """RX_RSR counts all that wait; only the first of a burst costs a look."""
    rig = make(pins=False)
    rig.run(1)
    for k in range(8):
        rig.chip.wire_in(frame(60, fill=k))
    before = rig.wiring.transactions
    assert [rig.poll() for _ in range(8)] == [frame(60, fill=k) for k in range(8)]
    assert rig.wiring.transactions - before == 1 + 8  # a look, the frames; RX_RD can wait


def test_room_is_given_back_after_an_eighth_of_the_memory_and_when_nothing_happens(make):
    rig = make()
    chip = rig.chip
    rig.run(300)
    for k in range(200):
        assert rig.echo(frame(60, fill=k))
        owed = (chip.s0["RX_WR"] - chip.read_to) & 0xFFFF
        assert owed < chip.MEMORY // 8
    assert rig.echo(frame(60)) and chip.s0["RX_WR"] != chip.read_to
    rig.run(300)
    assert chip.s0["RX_WR"] == chip.read_to


def test_memory_is_given_back_before_all_of_it_is_read(make):
    """A long backlog does not keep the chip from receiving."""
    rig = make(pins=False)
    while rig.chip.wire_in(frame(1514)):
        pass
    lost = rig.chip.overflow
    for k in range(60):
        rig.poll()
        if k > 5:
            rig.chip.wire_in(frame(1514))
    assert rig.chip.overflow - lost <= 2


def test_a_full_memory_is_counted(make):
    rig = make()
    while rig.chip.wire_in(frame(1514)):
        pass
    rig.run(10)
    assert rig.counters()["rx_full"] >= 1
    assert rig.echo(frame())


# INT


def test_int_is_left_high_when_all_is_read(make):
    rig = make()
    for k in range(10):
        rig.chip.wire_in(frame(fill=k))
    rig.run(3)
    assert len(rig.got) == 10 and rig.chip.int_level == 1


def test_a_frame_that_comes_as_the_flag_is_cleared_is_found_at_once(make):
    for moment in range(12):
        rig = make()
        rig.run(1)
        rig.chip.wire_in(frame(fill=1))
        k = rig.wiring.transactions + moment
        log = []

        def late(level, rig=rig, k=k, log=log, cs=rig.chip.cs):
            if not level and rig.wiring.transactions == k and not log:
                log.append(rig.chip.wire_in(frame(fill=2)))
            cs(level)

        rig.chip.cs = late
        rig.run(3)
        if log:
            assert rig.got == [frame(fill=1), frame(fill=2)], moment


@pytest.mark.parametrize("level", [0, 1])
def test_a_stuck_int_deafens_nobody_and_is_counted(make, level):
    rig = make()
    rig.chip.fault.int_stuck = level
    for k in range(10):
        rig.chip.wire_in(frame(fill=k))
        rig.run(300)
    assert len(rig.got) == 10
    assert rig.counters().get("int_missed", 0) == (1 if level else 0)
    assert rig.counters().get("int_stuck", 0) == (0 if level else 1)
    rig.chip.fault.int_stuck = None
    assert rig.echo(frame()) and rig.echo(frame())
    before = rig.wiring.transactions
    rig.run(100)
    assert rig.wiring.transactions - before < 30  # the pin is believed again: no polling


def test_without_the_look_of_its_own_a_stuck_int_deafens(broken):
    rig = broken(recover=EVERY & ~16)
    rig.chip.fault.int_stuck = 1
    rig.chip.wire_in(frame())
    rig.run(2000)
    assert rig.got == []


# The MAC filter


def test_multicast_and_ipv6_are_kept_out_unless_asked_for(make):
    rig = make()
    for f in (frame(dst=MULTICAST), IPV6, frame(dst=PEER)):
        assert not rig.chip.wire_in(f)
    rig = make(multicast=True)
    for f in (frame(dst=MULTICAST), IPV6, frame(dst=BROADCAST), frame(dst=MAC)):
        assert rig.echo(f)
    assert not rig.chip.wire_in(frame(dst=PEER))


@pytest.mark.parametrize("multicast", [False, True])
def test_promiscuous_receives_all(make, multicast):
    rig = make(promiscuous=True, multicast=multicast)
    rig.dev.groups((), 0)  # nobody asks for a group: others' are let through all the same
    rig.run(600)
    for f in (IPV6, *(frame(dst=dst) for dst in (MULTICAST, BROADCAST, MAC, PEER))):
        assert rig.echo(f)


def test_should_the_filter_hide_multicast_promiscuous_brings_it_back(make):
    """The data sheets can be read so that MFEN lets only broadcasts and our own address in."""
    rig = make(multicast=True)
    rig.chip.strict_filter = True
    assert not rig.chip.wire_in(frame(dst=MULTICAST))
    rig = make(multicast=True, promiscuous=True)
    rig.chip.strict_filter = True
    assert rig.echo(frame(dst=MULTICAST))


# The PHY


@pytest.mark.parametrize("speed", [10, 100])
@pytest.mark.parametrize("duplex", ["half", "full"])
def test_duplex_and_speed_can_be_forced(make, kind, duplex, speed):
    rig = make(duplex=duplex, speed=speed)
    rig.run(500)
    status = rig.chip.phy_status()
    if kind == "w5500":  # PHYCFGR: 1 is full, 1 is 100
        assert status & 0x04 == (duplex == "full") << 2
        assert status & 0x02 == (speed == 100) << 1
    else:  # PHYSR: 1 is half, 1 is 10
        assert status & 0x04 == (duplex == "half") << 2
        assert status & 0x02 == (speed == 10) << 1
    assert rig.dev.link_up() and rig.echo(frame())


def test_autonegotiation_takes_its_time(make):
    rig = make(before=lambda r: setattr(r.chip, "autoneg_ns", 2_000_000_000))
    rig.run(1000)
    assert not rig.dev.link_up()
    rig.run(1500)
    assert rig.dev.link_up() and rig.echo(frame())


def test_the_mode_of_the_phy_is_watched(make, kind):
    rig = make()
    rig.run(300)
    if kind == "w5500":
        rig.chip.common["PHYCFGR"] = 0xF0  # powered down
    elif kind == "w6100":
        rig.chip.common["PHYCR0"] = 7
    else:
        rig.chip.bmcr = 0
    rig.run(1500)
    assert rig.counters()["chip_lost"] == 1
    assert rig.dev.link_up() and rig.echo(frame())


# Sending


def test_without_a_link_frames_are_dropped_at_once(make):
    rig = make()
    rig.chip.sendok_without_link = False
    rig.chip.link(False)
    rig.run(500)
    assert rig.send(frame(), ms=1)
    assert rig.counters()["tx_dropped"] == 1
    rig.chip.link(True)
    rig.run(500)
    assert rig.echo(frame())


def test_a_cable_pulled_during_a_transmission_holds_it_for_100_ms(make):
    rig = make()
    rig.chip.sendok_without_link = False
    rig.chip.link(False)
    start = rig.clock.ns
    assert rig.send(frame())
    assert 99e6 <= rig.clock.ns - start < 105e6
    assert rig.counters()["tx_timeout"] == rig.counters()["reopened"] == 1


# Faults of the chip, each with its recovery and without


def lost(rig):
    rig.chip.fault.tx_stuck = 1


def length(word):
    def fault(rig):
        rig.chip.fault.length_wrong, rig.chip.fault.length = 1, word
        rig.chip.wire_in(frame(200))

    return fault


def noise(rig):
    rig.chip.fault.rsr_wrong = 7


def power_dip(rig):
    rig.chip.brown_out()


def moved(rig):
    rig.chip.s0["RX_RD"] = rig.chip.read_to = (rig.chip.read_to + 20) & 0xFFFF


FAULTS = [
    (lost, 8, "tx_timeout"),
    (length(0), 4, "rx_bogus"),
    (length(1), 4, "rx_bogus"),
    (length(15), 4, "rx_bogus"),
    (length(65), 4, "rx_bogus"),
    (length(203), 4, "rx_bogus"),
    (length(1521), 4, "rx_bogus"),
    (length(0xFFFF), 4, "rx_bogus"),
    (noise, 0, "rx_doubt"),
    (power_dip, 15, "chip_lost"),
    (moved, 2, "rx_resync"),
]


@pytest.mark.parametrize(("fault", "bit", "counter"), FAULTS)
def test_the_chip_recovers_and_says_so(broken, fault, bit, counter):
    rig = broken()
    assert rig.echo(frame(fill=1))
    fault(rig)
    rig.send(frame(fill=2))
    rig.run(700)
    assert rig.counters()[counter] == 1
    for k in range(20):
        assert rig.echo(frame(60 + k, fill=k))


@pytest.mark.parametrize(("fault", "bit", "counter"), [f for f in FAULTS if f[1]])
def test_without_that_recovery_it_stays_as_it_is(broken, fault, bit, counter):
    rig = broken(recover=EVERY & ~bit)
    assert rig.echo(frame(fill=1))
    fault(rig)
    rig.send(frame(fill=2))
    rig.run(700)
    assert not all(rig.echo(frame(60 + k, fill=k)) for k in range(20))


def test_connections_would_see_a_power_dip_for_less_than_half_a_second(broken):
    rig = broken()
    rig.run(300)
    rig.chip.brown_out()
    start = rig.clock.ns
    while not rig.echo(frame()):
        assert rig.clock.ns - start < 450e6
    assert rig.counters()["reinit"] == 1


def test_a_reset_in_the_middle_of_a_frame_costs_that_frame_only(broken):
    for octet in (0, 2, 3, 40):
        rig = broken()
        for k in range(4):
            rig.chip.wire_in(frame(fill=k))
        rig.poll()
        rig.wiring.at(0, CallAt(octet, rig.chip.brown_out))
        rig.run(1000)
        assert rig.echo(frame(fill=9))


# Glitches on the way from the chip: what is read wrong once is read again


@pytest.mark.parametrize("bit", range(4))
def test_a_length_that_leaves_crumbs_is_read_again(make, bit):
    """Octets 3 and 4 of the transaction behind the look are the length."""
    rig = make(pins=False)
    rig.run(1)
    rig.chip.wire_in(frame(200))
    rig.wiring.at(1, FlipMiso(4, bit))
    rig.run(5)
    assert rig.got == [frame(200)] and "reopened" not in rig.counters()
    assert rig.echo(frame(fill=1))


def test_one_wrong_reading_is_no_reason_to_start_anew(make):
    dry = make()
    dry.run(1)
    dry.wiring.log = []
    first = dry.wiring.transactions
    dry.run(300)
    care = len(dry.wiring.log)
    assert dry.wiring.transactions - first == care > 5
    for k in range(care):
        for octet in (3, 4):
            for bit in range(8):
                rig = make()
                events = []
                rig.dev.on_link = events.append
                rig.run(1)
                rig.wiring.at(k, FlipMiso(octet, bit))
                rig.run(600, step_ms=5)
                assert set(rig.counters()) <= {"link", "rx_doubt"}, (k, octet, bit)
                assert events == []


def test_pointers_that_contradict_each_other_for_good_are_made_anew(broken):
    rig = broken()
    chip = rig.chip
    fresh, opened = chip.fresh, chip.open
    chip.skew = 1

    def skewed(regs, name):
        fresh(regs, name)
        if name == "RX_RSR":
            regs[name] = (regs[name] + chip.skew) & 0xFFFF

    def reopen():
        chip.skew = 0
        opened()

    chip.fresh, chip.open = skewed, reopen
    chip.wire_in(frame())
    rig.run(50)
    assert rig.counters()["rx_resync"] == rig.counters()["reopened"] == 1
    assert rig.echo(frame())


# Wrong chips


def test_another_version_is_named(broken, kind):
    with pytest.raises(NoChip) as e:
        broken(before=lambda r: setattr(r.chip.fault, "version", 0x2A))
    assert "2a" in str(e.value) and kind.upper() in str(e.value) and "another chip" in str(e.value)


def test_a_chip_that_forgets_what_is_written_is_an_error_of_its_own(broken):
    def forget(rig):
        rig.chip.wrote = lambda regs, name: regs.reset() if regs is rig.chip.s0 else None

    with pytest.raises(NoChip, match="do not keep"):
        broken(before=forget)


def test_a_reset_pin_is_held_long_enough_and_the_chip_left_alone_until_it_is_ready():
    rig = Rig("w5100s")
    assert rig.chip.resets >= 2 and rig.chip.complaints == []
