"""The watchdog is fed while the stack lives, and not when the board hangs or has lost its chip."""

import sys
import time

import machine
import main
import pytest
import watchdog
from chips.rig import Rig
from lab.net import Wire
from uipy import Stack

SECONDS = 8


class Watched:
    """A board with a chip model and a watchdog, on one virtual clock."""

    def __init__(self, kind, monkeypatch, there=True):
        before = None if there else lambda rig: setattr(rig.chip.fault, "absent", 0)
        self.rig = Rig(kind, wait=True, before=before)
        monkeypatch.setattr(machine.WDT, "clock", self.ms)
        self.stack = Stack(self.rig.dev, "10.0.0.1/24", key=b"a secret", now=self.ms())
        self.dog = watchdog.the = watchdog.Dog(self.stack, SECONDS)
        monkeypatch.setattr(watchdog, "the", self.dog)
        self.least = 1 << 30  # ms that were left when it was least

    def ms(self):
        return self.rig.clock.ns // 1_000_000 & 0x3FFFFFFF

    def run(self, ms, step=5, poll=True):
        """-> True when the board is still there."""
        end = self.rig.clock.ns + ms * 1_000_000
        while self.rig.clock.ns < end:
            self.rig.clock.advance_ms(step)
            if poll:
                self.stack.poll(self.ms())
            self.least = min(self.least, machine.WDT.the.left())
            if self.least < 0:
                return False
        return True


@pytest.fixture(params=["enc28j60", "w5500", "w5100s", "w6100"])
def kind(request):
    return request.param


@pytest.fixture
def board(kind, monkeypatch):
    return lambda **more: Watched(kind, monkeypatch, **more)


def test_a_board_that_works_is_fed_with_time_to_spare(board):
    made = board()
    assert made.run(60_000, 50) and made.least > 7000


def test_a_program_may_compute_and_write_flash(board):
    made = board()
    for ms in (300, 1000, 3000):
        assert made.run(ms, ms, poll=False) and made.run(500)


def test_a_board_that_hangs_is_reset(board):
    made = board()
    assert made.run(5000)
    assert made.run(7500, poll=False)
    assert not made.run(1000, poll=False)


def test_a_chip_that_is_lost_for_good_resets_the_board(board):
    made = board()
    made.run(3000)
    made.rig.chip.fault.absent = 0
    assert made.run(6000) and not made.run(6000)


def test_a_chip_that_comes_back_does_not(board):
    made = board()
    made.run(3000)
    for _ in range(3):
        made.rig.chip.fault.absent = 0xFF
        assert made.run(5000)
        made.rig.chip.fault.absent = None
        made.rig.chip.power_on()
        assert made.run(5000)


def test_a_brown_out_and_a_pulled_cable_are_lived_through(board):
    made = board()
    made.rig.chip.link(False)
    assert made.run(20_000, 50)
    made.rig.chip.brown_out()
    assert made.run(20_000, 50) and made.least > 6000


def test_a_board_that_never_had_a_chip_is_left_alone(board):
    made = board(there=False)
    assert made.run(60_000, 50)


def test_a_program_that_breaks_its_promise_is_noticed(monkeypatch):
    made = Watched("w5500", monkeypatch)
    watchdog.promise(10)
    for _ in range(6):
        assert made.run(9000, 50)
        watchdog.alive()
    assert made.run(17_000, 50) and not made.run(2000, 50)
    watchdog.promise(0)
    made.dog.look()
    made.least = 1 << 30
    assert made.run(30_000, 50)


def test_a_callback_that_never_ends_starves_it(monkeypatch):
    made = Watched("enc28j60", monkeypatch)

    made.stack.after(1000, lambda: made.rig.clock.advance_ms(8500))
    assert not made.run(3000)


@pytest.fixture
def wire(monkeypatch):
    made = Wire()
    monkeypatch.setattr(machine.WDT, "clock", lambda: made.clock.now)
    stack = made.board(udp=2)
    yield made, stack
    watchdog.the = None


def test_ctrl_c_at_the_prompt_stops_the_watchdog(wire, monkeypatch):
    registers = {}
    monkeypatch.setattr(sys.implementation, "_machine", "Pico with RP2040", raising=False)
    monkeypatch.setattr(machine, "mem32", registers, raising=False)

    def work():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watchdog.guard(work, wire[1], SECONDS)
    assert registers == {0x4005B000: 0x40000000} and watchdog.the is None


def test_where_it_cannot_be_stopped_a_timer_feeds_it(wire, monkeypatch):
    made = []

    class Timer:
        PERIODIC = 1

        def __init__(self, id):
            made.append(self)

        def init(self, mode, period, callback):
            self.callback = callback

    monkeypatch.setattr(machine, "Timer", Timer, raising=False)
    watchdog.guard(lambda: False, wire[1], SECONDS)  # "stopped"
    wire[0].clock.ms += 5000
    assert machine.WDT.the.left() == 3000
    made[0].callback(made[0])
    assert machine.WDT.the.left() == 8000


def test_behind_a_program_that_has_ended_it_goes_on(wire):
    watchdog.guard(lambda: True, wire[1], SECONDS)
    assert watchdog.the and not watchdog.the.over


def test_an_exception_resets_the_board_and_ctrl_c_keeps_the_prompt(wire, monkeypatch, capsys):
    resets: list = []
    monkeypatch.setattr(machine, "reset", lambda: resets.append(1))
    monkeypatch.setattr(time, "sleep", lambda s: wire[0].run(1000 * s))
    wire[1].on_error = False

    def work():
        raise MemoryError

    watchdog.guard(work, wire[1], SECONDS)
    assert resets == [1] and machine.WDT.the.left() < 0  # it would have been the watchdog
    assert "starts the board again in 8 s; Ctrl-C keeps the prompt" in capsys.readouterr().out

    def pressed(s):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", pressed)
    monkeypatch.setattr(watchdog, "stop", lambda: resets.append("kept"))
    watchdog.guard(work, wire[1], SECONDS)
    assert resets == [1, "kept"]


def test_main_starts_it_when_config_says_so(monkeypatch, tmp_path):
    from firmware.test_program import Board

    board = Board(monkeypatch, tmp_path, ip="192.168.1.7/24", watchdog=8)
    monkeypatch.setattr(machine, "WDT", type("W", (machine.WDT,), {}))
    main.main()
    assert board.served and machine.WDT.the.timeout == 8000
