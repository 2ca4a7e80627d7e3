"""`stack.every` and `stack.after`: calls of a program's own by the stack's clock."""

import pytest
from lab.net import Inbox, Station, Wire
from uipy import Error, Reentered, TableFull
from uipy.timers import Timer, Timers


@pytest.fixture
def at(wire, stack):
    """When each call came, in ms since now, and what to give to a timer."""
    began = wire.clock.ms

    class Times(list):
        def call(self):
            self.append(wire.clock.ms - began)

    return Times()


def test_a_timer_calls_at_each_multiple_of_its_period(wire, stack, at):
    stack.every(250, at.call)
    wire.run(1000)
    assert at == [250, 500, 750, 1000]


def test_poll_says_when_the_next_call_is_due(wire, stack, at):
    stack.every(300, at.call)
    assert wire.poll() == 300
    wire.clock.ms += 299
    assert wire.poll() == 1 and not at
    wire.clock.ms += 1
    wire.poll()
    assert at == [300] and wire.poll() == 300


def test_a_late_poll_moves_no_later_call_and_makes_up_for_none(wire, stack, at):
    stack.every(100, at.call)
    wire.poll()
    wire.clock.ms += 370
    wire.run(130)
    assert at == [370, 400, 500]


def test_two_timers_keep_their_own_time(wire, stack, at):
    other = []
    stack.every(200, at.call)
    stack.every(300, lambda: other.append(wire.clock.ms))
    wire.run(1200)
    assert at == [200, 400, 600, 800, 1000, 1200] and len(other) == 4


def test_the_time_begins_with_the_next_poll_not_with_the_last_one(wire, stack, at):
    wire.clock.ms += 5000  # the program did something else
    stack.every(100, at.call)
    wire.run(200)
    assert at == [5100, 5200]


def test_after_calls_once(wire, stack, at):
    timer = stack.after(50, at.call)
    assert timer.active
    wire.run(1000)
    assert at == [50] and not timer.active


def test_after_nothing_calls_with_the_next_poll(wire, stack, at):
    stack.after(0, at.call)
    assert not at
    wire.poll()
    assert at == [0]


def test_a_cancelled_timer_calls_no_more(wire, stack, at):
    timer = stack.every(100, at.call)
    wire.run(250)
    timer.cancel()
    timer.cancel()
    wire.run(1000)
    assert at == [100, 200] and not timer.active


def test_a_call_can_cancel_its_own_timer_and_others(wire, stack, at):
    def once():
        at.call()
        first.cancel()
        second.cancel()

    first = stack.every(100, once)
    second = stack.every(100, at.call)
    wire.run(1000)
    assert at == [100]


def test_an_old_handle_cancels_nobody_else(wire, stack, at):
    old = stack.after(10, at.call)
    wire.run(10)
    stack.every(100, at.call)  # in the place of the other
    old.cancel()
    wire.run(100)
    assert at == [10, 110]


def test_a_call_can_start_timers(wire, stack, at):
    stack.after(100, lambda: stack.after(50, at.call))
    stack.after(100, lambda: stack.after(0, at.call))
    wire.run(1000)
    assert at == [100, 150]


def test_a_call_that_calls_for_itself_at_once_does_not_hold_up_the_poll(wire, stack):
    calls = []

    def again():
        calls.append(1)
        stack.after(0, again)

    stack.after(0, again)
    assert wire.poll() == 0 and 0 < len(calls) < 50


def test_what_a_call_raises_is_told_and_the_timer_goes_on(wire, stack, at):
    def fails():
        at.call()
        raise ValueError("no sensor")

    stack.every(100, fails)
    stack.every(100, at.call)
    wire.run(200)
    assert at == [100, 100, 200, 200]
    assert [str(exc) for exc in wire.errors] == ["no sensor"] * 2
    assert wire.count("app_error") == 2
    wire.errors.clear()


def test_what_is_no_callback_error_leaves_poll_and_the_timer_goes_on(wire, stack, at):
    def stop():
        at.call()
        raise KeyboardInterrupt

    stack.every(100, stop)
    wire.poll()
    wire.clock.ms += 100
    with pytest.raises(KeyboardInterrupt):
        wire.poll()
    wire.clock.ms += 100
    with pytest.raises(KeyboardInterrupt):
        wire.poll()
    assert at == [100, 200]


def test_a_call_is_never_made_in_another(wire, stack, at):
    def nested():
        with pytest.raises(Reentered):
            stack.poll(wire.clock.now)
        at.call()

    stack.every(100, nested)
    wire.run(100)
    assert at == [100]


def test_what_a_call_sends_leaves_with_the_same_poll(wire, stack, peer):
    class Word:
        def fill(self, rel, buf, pos, n):
            buf[pos : pos + 2] = b"hi"
            return 2

        def acked(self, n):
            pass

    port = stack.bind(9, Inbox())
    stack.every(100, lambda: port.send(peer.ip, 5000, Word()))
    wire.run(100)
    peer.expect(data=b"hi", dport=5000)


def test_a_full_table_says_so_and_a_larger_one_can_be_made_first(wire, stack, at):
    timers = [stack.every(100, at.call) for _ in range(8)]
    with pytest.raises(TableFull, match="8 timers"):
        stack.after(1, at.call)
    timers[3].cancel()
    stack.after(1, at.call)
    with pytest.raises(Error, match="before the first"):
        Timers(stack, rows=9)
    other = Wire().board()
    Timers(other, rows=1)
    assert isinstance(other.every(5, at.call), Timer)
    with pytest.raises(TableFull):
        other.every(5, at.call)


@pytest.mark.parametrize("ms", [0, -1, 2**28 + 1])
def test_a_time_that_cannot_be_waited_for_is_refused(stack, at, ms):
    with pytest.raises(ValueError):
        stack.every(ms, at.call)
    if ms:
        with pytest.raises(ValueError):
            stack.after(ms, at.call)


def test_the_longest_time_is_three_days(wire, stack, at):
    stack.every(2**28, at.call)
    for step in (0, 2**28 - 1, 1, 2**28 - 1):
        wire.clock.ms += step
        wire.poll()
    assert at == [2**28]
    wire.clock.ms += 1
    wire.poll()
    assert at == [2**28, 2**29]


def test_the_result_of_a_call_is_no_function(stack):
    with pytest.raises(Error, match="parentheses"):
        stack.every(100, print())


def test_a_timer_started_outside_of_a_poll_wakes_who_sleeps(wire, stack, at):
    woken = []
    stack.wake = lambda: woken.append(1)
    stack.every(100, at.call)
    assert woken and stack.due


def test_frames_are_answered_between_calls(wire, stack, at):
    stack.every(1, at.call)
    there = Station(wire, "192.168.1.20", b"\2\0\0\0\0\x14")
    for _ in range(3):
        wire.run(1)
        there.ping(b"x")
        there.expect(type=0)
    assert at == [1, 2, 3]


def test_a_stack_without_timers_has_no_layer_for_them(stack):
    assert not [layer for layer in stack.layers if isinstance(layer, Timers)]
