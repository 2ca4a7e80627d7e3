"""The bridge between the emulator's SPI and pins and a chip model, with a stand-in for each part
of the emulator that it touches."""

from types import SimpleNamespace

import pytest
from chips.enc28j60 import Enc28j60
from emu.bridge import Bridge

HIGH, LOW, INPUT = 1, 0, 2


class Alarm:
    def __init__(self, clock, call):
        self.clock, self.call, self.at = clock, call, None

    def schedule(self, delta):
        self.at = self.clock.nanos + delta


class Clock:
    """rp2040py's clock: nanoseconds, and alarms in their order."""

    def __init__(self):
        self.nanos = 0
        self.alarms = []

    def create_alarm(self, call):
        self.alarms.append(Alarm(self, call))
        return self.alarms[-1]

    def advance(self, ns):
        end = self.nanos + ns
        while True:
            due = [a for a in self.alarms if a.at is not None and a.at <= end]
            if not due:
                break
            first = min(due, key=lambda a: a.at)
            self.nanos, first.at = max(self.nanos, first.at), None
            first.call()
        self.nanos = end


class Pin:
    def __init__(self):
        self.listeners, self.level = [], None

    def add_listener(self, call):
        self.listeners.append(call)

    def set_input_value(self, value):
        self.level = value

    def drive(self, state):
        for call in self.listeners:
            call(state, None)


class Spi:
    clock_frequency = 12_000_000

    def __init__(self):
        self.on_transmit, self.got = None, []

    def complete_transmit(self, value):
        self.got.append(value)


@pytest.fixture
def mcu():
    pins = [Pin() for _ in range(30)]
    return SimpleNamespace(clock=Clock(), spi=[Spi(), Spi()], gpio=pins)


@pytest.fixture
def bridge(mcu):
    bridge = Bridge(lambda clock: Enc28j60(clock=clock))
    bridge.attach(mcu)
    mcu.clock.advance(1_000_000)
    return bridge


def exchange(mcu, *octets):
    """One transaction, an octet at a time -> what came back."""
    spi = mcu.spi[0]
    spi.got.clear()
    mcu.gpio[17].drive(LOW)
    for value in octets:
        spi.on_transmit(value)
        mcu.clock.advance(8e9 / spi.clock_frequency)
    mcu.gpio[17].drive(HIGH)
    mcu.clock.advance(1000)
    return list(spi.got)


def test_a_register_written_over_the_bus_is_read_back(mcu, bridge):
    exchange(mcu, 0x40 | 0x08, 0x5A)  # WCR ERXSTL, DS39662E 4.2
    assert exchange(mcu, 0x08, 0)[1] == 0x5A
    assert bridge.chip.complaints == []


def test_an_octet_takes_its_eight_bits(mcu, bridge):
    mcu.gpio[17].drive(LOW)
    mcu.spi[0].on_transmit(0x08)
    mcu.clock.advance(8e9 / 12e6 - 1)
    assert mcu.spi[0].got == []
    mcu.clock.advance(2)
    assert len(mcu.spi[0].got) == 1


def test_transactions_and_octets_are_counted(mcu, bridge):
    exchange(mcu, 0x08, 0)
    exchange(mcu, 0x08, 0)
    assert (bridge.transactions, bridge.octets) == (2, 4)


def test_the_select_pin_as_an_input_is_pulled_up(mcu, bridge):
    mcu.gpio[17].drive(INPUT)
    assert not bridge.chip.selected
    mcu.gpio[17].drive(LOW)
    assert bridge.chip.selected


def test_the_chip_knows_the_clock_of_the_bus(mcu, bridge):
    exchange(mcu, 0x08, 0)
    assert bridge.chip.spi_hz == 12_000_000


def test_int_reaches_its_pin(mcu, bridge):
    assert mcu.gpio[21].level is True
    bridge.chip.on_int(0)
    assert mcu.gpio[21].level is False


def test_the_reset_pin_resets_the_chip(mcu, bridge):
    exchange(mcu, 0x40 | 0x08, 0x5A)
    before = bridge.chip.reg["ERXSTL"]
    mcu.gpio[20].drive(LOW)
    mcu.gpio[20].drive(HIGH)
    assert bridge.chip.reg["ERXSTL"] != before


class Slow:
    """A chip that does something by itself, once."""

    int_level = 1
    at: "int | None" = 5000

    def __init__(self, clock):
        self.clock, self.polled = clock, []

    def next_at(self):
        return self.at

    def poll(self):
        self.polled.append(self.clock())
        self.at = None

    def wire_in(self, frame):
        pass


def test_what_the_chip_does_by_itself_happens_at_its_time(mcu):
    bridge = Bridge(Slow)
    bridge.attach(mcu)
    bridge.wire_in(b"")
    mcu.clock.advance(4999)
    assert bridge.chip.polled == []
    mcu.clock.advance(10)
    assert bridge.chip.polled == [5000]


def test_a_chip_that_stays_due_does_not_stop_the_clock(mcu):
    bridge = Bridge(Slow)
    bridge.attach(mcu)
    bridge.chip.poll = lambda: None
    bridge.wire_in(b"")
    mcu.clock.advance(1_000_000)
    assert mcu.clock.nanos == 1_000_000
