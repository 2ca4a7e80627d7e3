"""Time: the wrap of ticks_ms, the stack's own clock, deadlines; and counters that wrap."""

import pytest
from lab.net import PEER, WRAP, Clock, Inbox, Station, Wire
from uipy import Bytes
from uipy.net.datagram import CLOCK, CLOCK_LOW, NEXT_AT


def at(start):
    return Wire(clock=Clock(start))


def clock_of(stack):
    return stack.env[CLOCK] << 16 | stack.env[CLOCK_LOW]


def test_own_clock_goes_on_across_the_wrap_of_the_ticks():
    wire = at(WRAP - 5000)
    stack = wire.board()
    for _ in range(100):
        wire.run(1000)
    assert clock_of(stack) == 100_000


def test_own_clock_has_32_bits():
    wire = at(0)
    stack = wire.board()
    stack.env[CLOCK], stack.env[CLOCK_LOW] = divmod(2**32 - 300, 1 << 16)
    wire.run(1000)
    assert clock_of(stack) == 700


def test_own_clock_counts_what_passes_between_two_calls():
    wire = at(WRAP - 2**27)
    stack = wire.board()
    for _ in range(12):
        wire.clock.ms += 2**28
        wire.poll()
    assert clock_of(stack) == 12 * 2**28 % 2**32


def test_clock_that_goes_back_moves_nothing():
    wire = at(10_000)
    stack = wire.board()
    wire.run(1000)
    before = clock_of(stack)
    stack.poll(wire.clock.now - 500)
    assert clock_of(stack) == before
    stack.poll(wire.clock.now)
    assert clock_of(stack) == before + 500


def test_no_deadline_is_further_than_2_to_the_28():
    wire = at(WRAP - 1)
    stack = wire.board(udp=0)
    while stack.output(wire.clock.now):
        pass
    assert (stack.env[NEXT_AT] - wire.clock.now) % WRAP == 2**28
    wire.clock.ms += 2**28
    assert stack.output(wire.clock.now) == 0
    assert (stack.env[NEXT_AT] - wire.clock.now) % WRAP == 2**28


def test_idle_stack_serves_after_a_month():
    wire = at(123)
    stack = wire.board()
    peer = Station(wire)
    app = Inbox(True)
    stack.bind(7, app)
    for _ in range(10):
        wire.clock.ms += 2**28 - 1
        wire.poll()
    peer.udp(b"still there?")
    peer.expect(data=b"still there?")
    stack.bind(9, Inbox()).send(PEER, 9, Bytes(b"yes"))
    wire.run()
    peer.expect(data=b"yes")


@pytest.mark.parametrize("start", [0, WRAP // 2 - 1500, WRAP - 1500])
def test_timers_run_alike_wherever_the_clock_starts(start):
    wire = at(start)
    stack = wire.board()
    app = Inbox()
    stack.bind(9, app).send(PEER, 9, Bytes(b"x"))
    assert [f.at for f in wire.run(2999) if f.arp] == [0, 0, 1000, 2000]
    wire.run(1)
    assert app.errors == ["unreachable"]


def test_timer_that_is_due_in_the_past_is_run_at_the_next_poll():
    wire = at(WRAP - 100)
    stack = wire.board()
    stack.bind(9, Inbox()).send(PEER, 9, Bytes(b"x"))
    wire.run()
    wire.clock.ms += 5000  # nobody polled
    assert len([f for f in wire.run() if f.arp]) == 1


def test_counter_wraps_at_2_to_the_30(wire):
    stack = wire.board()
    peer = Station(wire)
    wire.run()
    wire.counts_from("frames_in", WRAP - 2)
    for _ in range(5):
        peer.ping()
    assert dict(stack.counters())["frames_in"] == 3
