"""When the background comes: the timer and the INT pin, which a test plays by hand."""

import machine
import micropython
import pytest
from lab.looped import Nap
from lab.net import Wire
from uipy import loop, port


class Timer:
    """As machine.Timer; `fire` is time going by."""

    ONE_SHOT, PERIODIC = 0, 1
    made: list = []

    def __init__(self, number):
        assert number == -1
        self.starts = 0
        self.callback = None
        self.made.append(self)

    def init(self, mode, period, callback):
        self.mode, self.period, self.callback = mode, period, callback
        self.starts += 1

    def deinit(self):
        self.callback = None


class Pin:
    IRQ_FALLING = 2

    def __init__(self):
        self.level = 1
        self.handler = None
        self.triggers = []

    def __call__(self):
        return self.level

    def irq(self, handler=None, trigger=0):
        self.handler = handler
        return self

    def trigger(self, which):
        self.triggers.append(which)


class Board:
    """A board with a background, and the queue of MicroPython's scheduler."""

    def __init__(self, monkeypatch, pin):
        self.queue: list = []
        Timer.made = []
        monkeypatch.setattr(machine, "Timer", Timer, raising=False)
        monkeypatch.setattr(micropython, "schedule", self.schedule)
        self.wire = Wire()
        self.stack = self.wire.board(udp=2)
        self.wire.run()
        self.pin = Pin() if pin else None
        self.polls = []
        self.says = 300  # what poll returns
        nap = Nap(self.wire)
        monkeypatch.setattr(loop, "ticks_ms", nap.ticks)
        self.stack.poll = self.poll
        self.loop = loop.attach(self.stack, nap, int_pin=self.pin)
        self.timer, self.guard = Timer.made
        self.pass_by(2)
        self.loop.come(self.timer)

    def poll(self):
        self.polls.append(list(self.pin.triggers[-1:]) if self.pin else [])
        return self.says

    def schedule(self, f, arg):
        if len(self.queue) == 8:
            raise RuntimeError("schedule queue full")
        self.queue.append((f, arg))

    def pass_by(self, ms):
        self.wire.clock.ms += ms


@pytest.fixture(params=[False, True], ids=["polled", "int"])
def board(monkeypatch, request):
    yield Board(monkeypatch, request.param)
    loop.detach()


def test_the_timer_is_armed_with_what_poll_returned_or_with_the_next_look(board):
    assert board.timer.mode == Timer.ONE_SHOT
    assert board.timer.period == (300 if board.pin else 5)


def test_a_timer_that_fires_early_enough_is_left_alone(board):
    starts = board.timer.starts
    board.says = 400
    board.loop.come(None)
    assert board.timer.starts == starts
    board.says = 3
    board.loop.come(None)
    assert board.timer.starts == starts + 1 and board.timer.period == 3


def test_what_was_written_has_the_timer_fire_within_2_ms(board):
    board.stack.wake()
    assert board.timer.period == 2
    starts = board.timer.starts
    board.stack.wake()
    assert board.timer.starts == starts


def test_with_more_to_do_it_comes_again_at_once_and_leaves_the_program_a_millisecond_now_and_then(
    board,
):
    board.says = 0
    board.pass_by(1000)
    pauses = []
    for _ in range(11):
        board.queue.clear()
        board.loop.come(None)
        pauses.append(not board.queue)
    assert pauses.count(True) == 2 and board.timer.period == 1


def test_a_poll_that_was_held_back_comes_again_soon(board):
    board.pass_by(1000)
    n = len(board.polls)
    with board.loop:
        board.loop.come(None)
        assert len(board.polls) == n and board.timer.period == 2 and not board.queue
    assert board.queue == [(board.loop.come, None)]


def test_a_full_queue_is_no_error_and_a_slow_timer_makes_up_for_it(board):
    board.queue += [(print, None)] * 8
    with board.loop:
        board.loop.come(None)
    assert not board.loop.queued
    assert board.guard.mode == Timer.PERIODIC and board.guard.period == 500
    assert board.guard.callback == board.loop.come


def test_an_exception_of_the_background_waits_for_the_next_wait_but_none_of_the_heap(
    board, monkeypatch
):
    def poll():
        raise exc

    for exc, kept in ((MemoryError(), False), (ValueError(), True)):
        board.stack.poll = poll
        again = loop.attach(board.stack, board.loop.wait)
        again.come(None)
        assert (again.caught is exc) == kept and again.starved == (not kept)


class Terminal:
    """os.dupterm and os.dupterm_notify: what is typed there."""

    def __init__(self, monkeypatch):
        self.stream, self.keys = None, []
        monkeypatch.setattr(port.os, "dupterm", self.dupterm, raising=False)
        monkeypatch.setattr(port.os, "dupterm_notify", self.notify, raising=False)

    def dupterm(self, stream, index):
        self.stream, before = stream, self.stream
        return before

    def notify(self, arg):
        buf = bytearray(1)
        while self.stream.readinto(buf):
            self.keys.append(buf[0])


def call_all(queue):
    while queue:
        f, arg = queue.pop(0)
        f(arg)


@pytest.mark.parametrize("full", [0, 8], ids=["room in the queue", "queue full"])
@pytest.mark.parametrize("where", ["poll", "deferred"])
def test_a_ctrl_c_that_the_background_met_is_typed_once_more(board, monkeypatch, full, where):
    def broken(*arg):
        raise KeyboardInterrupt

    terminal = Terminal(monkeypatch)
    board.loop.key.works = True
    board.queue.clear()
    once = [broken]
    if where == "poll":
        board.stack.poll = lambda: once.pop()() if once else 300
        again = loop.attach(board.stack, board.loop.wait)
        again.key.works = True
        board.queue[:] = [(id, None)] * full
        again.come(again.timer)
    else:
        again = board.loop
        again.defer(broken, None)
        board.queue[:] = [(id, None)] * full
        again.serve(None)
    call_all(board.queue)
    assert terminal.keys == ([] if full else [3])
    again.come(again.timer)
    call_all(board.queue)
    assert terminal.keys == [3] and terminal.stream is None and again.caught is None


def test_a_timer_that_fires_in_each_poll_leaves_the_queue_to_others(board):
    board.says = fired = 0
    for _ in range(40):
        board.pass_by(2)
        if board.timer.starts > fired:
            fired = board.timer.starts
            board.queue.append((board.loop.come, board.timer))
        f, arg = board.queue.pop(0)
        f(arg)
    assert len([arg for _, arg in board.queue if arg is None]) <= 1
    assert len(board.queue) <= 2


def test_the_pins_interrupt_is_off_during_a_poll(monkeypatch):
    board = Board(monkeypatch, True)
    assert board.polls[-1] == [0] and board.pin.triggers[-1] == Pin.IRQ_FALLING
    board.queue.clear()
    board.pin.level = 0  # it fell when nobody looked
    board.loop.come(None)
    assert board.queue == [(board.loop.come, None)]
    loop.detach()


def test_detach_stops_the_timers_and_the_pin(board):
    made = board.loop
    loop.detach()
    assert board.timer.callback is None and board.guard.callback is None
    assert not board.pin or board.pin.handler is None
    n, starts = len(board.polls), board.timer.starts
    made.come(None)  # what was in the queue
    made.mark()
    assert len(board.polls) == n and board.timer.starts == starts and board.stack.wake is None
