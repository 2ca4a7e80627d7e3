"""When the stack's task polls, to the millisecond of a clock that stands still (CPython)."""

import asyncio
from collections.abc import Callable

import pytest
from aio import still
from aio.cable import Keep, Net, outcome, pause, states
from uipy import NotConnected, aio


class Fake:
    """A stack of which poll() returns what a test says, and notes when it was asked."""

    def __init__(self, loop, answers=()):
        self.wake: Callable | None = None
        self.loop = loop
        self.answers = list(answers)
        self.times = []

    def poll(self):
        self.times.append(round((self.loop.time() - 5000) * 1000))
        return self.answers.pop(0) if self.answers else 100_000


async def stopped(task):
    task.cancel()
    assert await outcome(task) == "cancelled"


def test_devices_are_looked_at_every_5_ms_unless_told():
    async def main(loop):
        stack = Fake(loop)
        task = asyncio.create_task(aio.run(stack))
        await pause(21)
        await stopped(task)
        return stack.times

    assert still.run(main) == [0, 5, 10, 15, 20]


def test_runner_of_ones_own_does_the_same():
    async def main(loop):
        stack = Fake(loop)
        task = asyncio.create_task(aio.Runner(stack).run())
        await pause(11)
        await stopped(task)
        return stack.times

    assert still.run(main) == [0, 5, 10]


def test_devices_are_looked_at_as_often_as_told():
    async def main(loop):
        stack = Fake(loop)
        task = asyncio.create_task(aio.run(stack, 30))
        await pause(100)
        await stopped(task)
        return stack.times

    assert still.run(main) == [0, 30, 60, 90]


def test_deadline_that_comes_before_is_kept():
    async def main(loop):
        stack = Fake(loop, [7, 1, 40])
        task = asyncio.create_task(aio.run(stack, 30))
        await pause(60)
        await stopped(task)
        return stack.times

    assert still.run(main) == [0, 7, 8, 38]


def test_stack_that_has_more_to_do_is_polled_at_once_and_lets_the_others_work():
    async def main(loop):
        stack = Fake(loop, [0, 0, 0])
        worked = []

        async def other():
            for _ in range(3):
                await asyncio.sleep(0)
                worked.append(len(stack.times))

        task = asyncio.create_task(aio.run(stack, 30))
        await other()
        await pause(5)
        await stopped(task)
        return stack.times, worked

    assert still.run(main) == ([0, 0, 0, 0], [1, 2, 3])


def test_interrupt_and_call_from_a_task_end_the_sleep_and_one_poll_is_enough():
    async def main(loop):
        stack = Fake(loop)
        runner = aio.Runner(stack, 1000)
        assert stack.wake is None  # nobody to be woken yet
        task = asyncio.create_task(runner.run())
        await pause(10)
        runner.wake("the pin")
        runner.wake("the pin")
        await pause(10)
        assert stack.wake
        stack.wake()
        await pause(10)
        await stopped(task)
        return stack.times, stack.wake

    assert still.run(main) == ([0, 10, 20], None)


def test_interrupt_that_comes_during_a_poll_is_not_lost():
    async def main(loop):
        stack = Fake(loop)
        runner = aio.Runner(stack, 1000)
        poll, calls = stack.poll, []

        def interrupted():
            if not calls:
                runner.wake()
            calls.append(1)
            return poll()

        stack.poll = interrupted
        task = asyncio.create_task(runner.run())
        await pause(10)
        await stopped(task)
        return stack.times

    assert still.run(main) == [0, 0]


def test_runner_that_was_cancelled_before_it_ran_is_not_called():
    async def main(loop):
        stack = Fake(loop)
        await stopped(asyncio.create_task(aio.run(stack)))
        return stack.times, stack.wake

    assert still.run(main) == ([], None)


def test_what_a_poll_raises_ends_the_runner():
    async def main(loop):
        stack = Fake(loop, ["no number"])
        with pytest.raises(TypeError):
            await aio.run(stack)
        return stack.wake

    assert still.run(main) is None


def board(loop):
    net = Net(loop.ms)
    net.start(every_ms=100_000)
    return net


def test_timers_of_the_stack_run_without_any_interrupt():
    async def main(loop):
        net = board(loop)
        net.a.deaf = True
        await pause(300)  # off the beat of the looks at the link
        start, syns = loop.time(), []
        net.b.send = lambda buf, n: syns.append(round(loop.time() - start, 2))
        task = asyncio.create_task(net.call())
        await pause(8000)
        await stopped(task)
        await net.stop()
        return syns

    assert still.run(main) == [0, 1, 3, 7]


def test_host_that_is_dead_ends_in_timeout_and_the_row_is_free():
    async def main(loop):
        net = board(loop)
        net.a.deaf = True
        with pytest.raises(NotConnected, match=r"^timeout$"):
            await net.call()
        took = loop.time() - 5000
        assert not states(net.there)
        await net.stop()
        return took

    assert 60 < still.run(main) < 400


def test_nothing_waits_for_the_next_look_when_tasks_write_and_read():
    async def main(loop):
        net = board(loop)
        keep = Keep()
        net.serve(keep)
        c = await net.call()
        here = await keep.get()
        start = loop.time()
        await c.write(b"question")
        assert await here.readexactly(8) == b"question"
        await here.write(b"answer")
        assert await c.readexactly(6) == b"answer"
        c.abort()
        await here.wait_closed()
        took = loop.time() - start
        await net.stop()
        return took

    assert still.run(main) == 0


def test_stack_of_its_own_clock_sleeps_when_nothing_is_due():
    async def main(loop):
        net = board(loop)
        polls, poll = [], net.here.poll

        def counted():
            polls.append(1)
            return poll()

        net.here.poll = counted
        await pause(60_000)
        await net.stop()
        return len(polls)

    assert still.run(main) <= 62  # a look at the link each second


def test_loop_says_when_a_task_waits_for_what_never_comes():
    async def main(loop):
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="never comes"):
        still.run(main)


def test_loop_says_what_a_task_raised_that_nobody_awaited():
    async def main(loop):
        async def fails():
            raise ValueError("nobody awaits it")

        tasks = [asyncio.create_task(fails())]
        await pause(1)
        tasks.clear()

    with pytest.raises(AssertionError, match="nobody awaits it"):
        still.run(main)
