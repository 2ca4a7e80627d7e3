"""The ENC28J60's class: a chip that is not there, the cable before anything moves, a bus that is
someone else's, `still`, and generators that take over from one another."""

import pytest
from chips.rig import PEER, MoveRig, Rig, frame
from uipy.drivers.errors import NoChip


class Bus:
    """A bus hook that tells how often it was taken."""

    def __init__(self, free=True):
        self.free, self.takes, self.held = free, 0, False

    def acquire(self):
        assert not self.held
        self.held = self.free
        self.takes += self.free
        return self.free

    def release(self):
        assert self.held
        self.held = False


def absent(level):
    return lambda rig: setattr(rig.chip.fault, "absent", level)


def forgetful(rig):
    store = rig.chip._store
    rig.chip._store = lambda reg, old, new, v: (
        store(reg, old, new & 0xFE if reg.name == "MACON3" else new, v)
        if reg.name != "MAMXFLL"
        else None
    )


def trouble(rig):
    return {k: v for k, v in rig.counters().items() if k not in ("rx", "tx", "link")}


# The constructor

POWER = "is it powered, are SO, SI, SCK and CS on the right pins?"
CLOCK = "not a revision: wiring, or SPI clock above 20 MHz?"
SLOW = "but it forgets what is written: wiring, or SPI clock below 8 MHz (errata 1)?"
SUPPLY = "but it forgets what is written: wiring, supply (200 mA), or SPI clock?"


@pytest.mark.parametrize(
    ("revision", "why"),
    [
        (0x00, POWER),
        (0xFF, POWER),
        (0x20, CLOCK),
        (0xFE, CLOCK),
        (0x1F, SUPPLY),
        (6, SUPPLY),
        (5, SUPPLY),
        (4, SLOW),
        (1, SLOW),
    ],
)
def test_what_is_said_of_a_chip_that_does_not_answer(revision, why):
    with pytest.raises(NoChip) as e:
        Rig("enc28j60", model={"revision": revision}, before=forgetful)
    where = "SPI(0, baudrate=20000000), cs Pin(17)"
    assert str(e.value) == f"no ENC28J60 on {where}: EREVID read 0x{revision:02X}; {why}"


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_chip_is_looked_for_three_times_before_it_is_given_up(level):
    rigs = []
    with pytest.raises(NoChip):
        Rig("enc28j60", before=lambda rig: (absent(level)(rig), rigs.append(rig)))
    assert rigs[0].wiring.transactions == 3 * 4  # reset, two for the bank, EREVID
    assert 12 <= (rigs[0].clock.ns - 110_000_000) / 1e6 < 13


def test_a_chip_that_answers_at_the_third_time_is_there():
    def late(rig):
        reset = rig.chip.reset_pin
        downs = []
        rig.chip.revision = 0xFF
        rig.chip.reset_pin = lambda level: (
            reset(level),
            downs.append(level),
            setattr(rig.chip, "revision", 6 if downs.count(0) >= 3 else 0xFF),
        )

    rig = Rig("enc28j60", before=late)
    assert rig.dev.revision == 6 and rig.counters() == {}
    assert rig.echo(frame())


def test_who_waits_for_a_chip_finds_it_within_half_a_second_and_counts_the_looks():
    rig = Rig("enc28j60", before=absent(0xFF), wait=True)
    assert rig.dev.revision == 0xFF and not rig.dev.link_up()
    rig.run(2000)
    assert not rig.dev.link_up() and 3 <= rig.counters()["no_chip"] <= 4
    rig.buf[2:62] = frame()
    rig.dev.send(rig.buf, 60)
    assert trouble(rig)["tx_dropped"] == 1 and "tx" not in rig.counters()
    rig.chip.fault.absent = None
    rig.chip.power_on()
    rig.run(610)
    assert rig.dev.revision == 6 and rig.dev.link_up() and rig.echo(frame())
    assert "reinit" not in rig.counters() and rig.counters()["link"] == 1


def test_nothing_is_counted_and_nothing_is_up_when_a_chip_is_new():
    rig = Rig("enc28j60")
    assert rig.counters() == {} and len(rig.dev.stat) == len(rig.dev.NAMES) == 16
    assert rig.wiring.levels[rig.wiring.cs] == 1 and rig.chip.complaints == []
    assert rig.dev.link_up() and rig.counters() == {"link": 1}
    assert rig.echo(frame()) and rig.counters() == {"link": 1, "rx": 1, "tx": 1}


def test_first_frame_may_be_there_before_the_first_poll():
    rig = MoveRig("enc28j60")
    rig.chip.wire_in(frame(80))
    assert rig.move(0) == 80 and trouble(rig) == {}


def test_a_bus_that_is_busy_at_first_is_no_chip_unless_one_waits():
    with pytest.raises(NoChip):
        Rig("enc28j60", bus=Bus(False))
    bus = Bus(False)
    rig = MoveRig("enc28j60", bus=bus, wait=True)
    assert rig.dev.revision == 0 and rig.wiring.transactions == 0
    rig.run(700)
    assert rig.wiring.transactions == 0 and not rig.dev.link_up() and rig.counters() == {}
    assert rig.chip.reg["ECON1"] == 0 and rig.move(-1) == 0
    bus.free = True
    assert rig.move(-1) == 1 and rig.wiring.transactions == 0  # not set up, nothing to ask
    rig.run(600)
    assert rig.dev.link_up() and rig.echo(frame()) and trouble(rig) == {}
    assert bus.takes and not bus.held and rig.chip.complaints == []


# The cable before frames move


def test_cable_is_looked_at_twice_a_second_before_a_frame_moves():
    told = []
    rig = Rig("enc28j60")
    rig.dev.on_link = told.append
    start = rig.clock.ns
    assert rig.dev.link_up() and told == [True]
    rig.chip.link(False)
    before = rig.wiring.transactions
    while rig.dev.link_up():
        before, last = rig.wiring.transactions, before
        assert before == last
        rig.clock.advance(1_000_000)
    assert 0.5 <= (rig.clock.ns - start) / 1e9 < 0.502
    assert told == [True, False] and rig.counters() == {"link": 2}
    rig.chip.link(True)
    rig.clock.advance_ms(490)
    assert not rig.dev.link_up()
    rig.clock.advance_ms(11)
    assert rig.dev.link_up() and told == [True, False, True]


def test_look_at_the_cable_counts_for_500_ms_and_not_one_more():
    rig = Rig("enc28j60")
    rig.clock.ns = start = (rig.clock.ns // 1_000_000 + 1) * 1_000_000
    costs = []
    for ms in (0, 499, 500, 501):
        rig.clock.ns = start + ms * 1_000_000
        before = rig.wiring.transactions
        assert rig.dev.link_up()
        costs.append(rig.wiring.transactions - before)
    assert [cost > 0 for cost in costs] == [True, False, True, False]


def test_minute_of_silence_begins_with_the_set_up():
    for silence in (59_000, 59_800):
        rig = Rig("enc28j60")
        assert rig.dev.link_up()
        rig.clock.ns = 114_000_000 + silence * 1_000_000
        rig.run(150)
        assert trouble(rig) == {}
        rig.clock.ns = 114_000_000 + 60_000_000_000
        rig.run(210)
        assert trouble(rig) == {"rx_quiet": 1} and rig.echo(frame())


def test_who_moves_frames_looks_at_the_cable_and_link_up_only_tells():
    rig = Rig("enc28j60")
    assert rig.dev.can_send()  # no buffer so far, no generator
    rig.dev.recv_into(rig.buf)
    rig.clock.advance_ms(700)
    before = rig.wiring.transactions
    assert rig.dev.link_up() in (False, True) and rig.wiring.transactions == before
    rig.run(110)
    assert rig.dev.link_up()
    rig.chip.link(False)
    rig.clock.advance_ms(5000)
    assert rig.dev.link_up() and rig.wiring.transactions > before
    rig.run(110)
    assert not rig.dev.link_up()


def test_link_up_takes_the_bus_and_gives_it_back_and_says_the_same_while_it_is_busy():
    bus = Bus()
    rig = Rig("enc28j60", bus=bus)
    assert bus.takes == 1 and not bus.held
    assert rig.dev.link_up() and bus.takes == 2 and not bus.held
    rig.chip.link(False)
    rig.clock.advance_ms(600)
    bus.free = False
    before = rig.wiring.transactions
    assert rig.dev.link_up() and rig.wiring.transactions == before
    bus.free = True
    assert not rig.dev.link_up() and bus.takes == 3 and not bus.held


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_chip_that_is_gone_has_no_cable(level):
    rig = Rig("enc28j60")
    assert rig.dev.link_up()
    rig.chip.fault.absent = level
    rig.clock.advance_ms(600)
    assert not rig.dev.link_up()
    assert trouble(rig) == {"reinit": 1, "no_chip": 1}
    before = rig.wiring.transactions
    rig.clock.advance_ms(600)
    assert not rig.dev.link_up() and rig.wiring.transactions == before


# Groups


@pytest.mark.parametrize("ms", [99, 101])
def test_a_group_is_heard_from_a_tenth_of_a_second_later_on(ms):
    rig = Rig("enc28j60")
    rig.run(1000)
    until = rig.clock.ns + rig.dev.still() * 1_000_000
    rig.clock.ns = until
    rig.poll()  # a health check: the next one is 100 ms later
    rig.dev.groups(b"\x01\x00\x5e\x00\x00\xfb", 1)
    rig.clock.ns = until + ms * 1_000_000
    rig.poll()
    assert rig.chip.wire_in(frame(dst=b"\x01\x00\x5e\x00\x00\xfb")) is (ms > 100)


# still


def idle(**kw):
    rig = MoveRig("enc28j60", **kw)
    rig.run(1000)
    return rig


def test_still_tells_how_long_only_int_matters():
    rig = idle()
    n = rig.dev.still()
    assert 0 < n <= 100
    rig.clock.advance_ms(1)
    assert rig.dev.still() == n - 1
    rig.clock.advance_ms(n - 2)
    assert rig.dev.still() == 1
    before = rig.wiring.transactions
    assert rig.move(0) == 0 and rig.wiring.transactions == before
    rig.clock.advance_ms(1)
    assert rig.dev.still() == 0
    assert rig.move(0) == 0 and rig.wiring.transactions > before
    assert 99 <= rig.dev.still() <= 100


def test_still_is_nothing_without_a_pin_a_chip_or_trust_or_with_a_frame():
    assert idle(pins=False).dev.still() == 0
    assert idle(before=absent(0), wait=True).dev.still() == 0
    rig = idle()
    assert rig.dev.still() > 50
    rig.chip.wire_in(frame())
    assert rig.dev.still() == 0
    assert rig.move(0) == 60 and rig.move(0) == 0
    assert rig.dev.still() > 0
    rig.chip.fault.int_stuck = 1
    rig.chip.wire_in(frame())
    rig.run(110)
    assert rig.dev.still() == 0 and trouble(rig) == {"int_missed": 1}


def test_still_is_nothing_while_a_frame_leaves():
    rig = idle()
    rig.buf[2:1516] = frame(1514, dst=PEER)
    assert rig.move(-1514) == 0
    assert rig.dev.still() == 0
    rig.clock.advance_ms(2)
    assert rig.dev.still() > 0


# Generators


def test_a_second_generator_takes_over_where_the_first_one_stood():
    rig = idle()
    for k in range(3):
        rig.chip.wire_in(frame(100 + k, fill=k))
    assert rig.move(0) == 100
    rig.buf[2:1516] = frame(1514, dst=PEER)
    assert rig.move(-1514) == 0
    before = rig.wiring.transactions
    rig.buf = bytearray(1520)
    assert rig.move(-1) == 0  # the frame of the first one is on its way
    assert rig.wiring.transactions == before + 1
    rig.clock.advance_ms(2)
    assert rig.move(-1) == 1
    assert [rig.move(0) for _ in range(3)] == [101, 102, 0]
    assert rig.got == [] and bytes(rig.buf[2:104]) == frame(102, fill=2)
    assert rig.sent[-1:] == [frame(1514, dst=PEER)] and trouble(rig) == {}


def test_a_generator_that_was_never_started_is_no_trouble():
    rig = Rig("enc28j60")
    for _ in range(3):
        rig.dev.frames(rig.buf)
    rig.dev.recv_into(bytearray(1520))
    assert rig.echo(frame()) and trouble(rig) == {}


@pytest.mark.parametrize("busy", [False, True])
def test_a_generator_that_ended_sets_the_chip_up_anew(busy):
    bus = Bus()
    rig = idle(bus=bus)
    takes = bus.takes

    with pytest.raises(OSError):
        rig.dev._hand_over.__self__.throw(OSError())
    bus.free = not busy
    rig.moved = None
    assert rig.move(0) == 0
    if busy:
        assert trouble(rig) == {} and bus.takes == takes
        bus.free = True
        rig.run(10)
        assert trouble(rig) == {}
    else:
        assert trouble(rig) == {"reinit": 1}
    assert not bus.held and rig.echo(frame())


def test_one_device_serves_buffers_of_any_size_by_turns():
    rig = Rig("enc28j60", size=600)
    big = bytearray(1520)
    for k in range(3):
        rig.chip.wire_in(frame(700, fill=k))
        rig.chip.wire_in(frame(300, fill=k))
        assert rig.dev.recv_into(rig.buf) == 300 and bytes(rig.buf[2:302]) == frame(300, fill=k)
        rig.chip.wire_in(frame(700, fill=k))
        assert rig.dev.recv_into(big) == 700 and bytes(big[2:702]) == frame(700, fill=k)
    assert trouble(rig) == {"rx_long": 3}


def test_status_vector_of_a_failed_frame_is_read_and_no_more():
    """DS39662E table 7-1: seven octets behind the frame."""
    rig = idle()
    lengths, transfer = [], rig.wiring.transfer
    rig.wiring.transfer = lambda out: (lengths.append(bytes(out)), transfer(out))[1]
    rig.chip.fault.late = 1
    assert rig.send(frame(dst=PEER)) and rig.sent[-1:] == [frame(dst=PEER)]
    assert [len(x) for x in lengths if x[0] == 0x3A] == [8]
    assert trouble(rig) == {"tx_late": 1}


def test_frame_that_makes_the_counter_wrap_is_tried_again_as_often_as_any():
    rig = idle()
    rig.dev.stat[1] = 0x3FFFFFFF
    rig.chip.fault.late = 16
    assert rig.send(frame(dst=PEER)) and rig.sent[-1:] == [frame(dst=PEER)]
    assert trouble(rig) == {"tx_late": 16}
