"""What the stack's task sleeps in, and that it can always be stopped."""

import asyncio

from aio.cable import outcome, pause, until
from uipy import aio


async def begun():
    """A task made just now has had its first step, and no time has gone by."""
    for _ in range(5):
        await asyncio.sleep(0)


async def case_nap_ends_when_it_is_woken(net):
    nap = aio._Nap()
    task = asyncio.create_task(nap.sleep(100000))
    await pause(5)
    assert not task.done()
    nap.wake()
    assert await outcome(task) is None


async def case_nap_ends_by_itself(net):
    nap = aio._Nap()
    for _ in range(3):
        task = asyncio.create_task(nap.sleep(20))
        await until(task.done, 400)
        assert await outcome(task) is None


async def case_nap_that_was_woken_before_it_began_ends_at_once_and_the_next_does_not(net):
    nap = aio._Nap()
    nap.wake()
    nap.wake()
    await nap.sleep(100000)
    task = asyncio.create_task(nap.sleep(100000))
    await pause(5)
    assert not task.done()
    task.cancel()
    assert await outcome(task) == "cancelled"


async def case_nap_that_was_woken_leaves_no_alarm_behind(net):
    nap = aio._Nap()
    task = asyncio.create_task(nap.sleep(100))
    await begun()
    nap.wake()
    assert await outcome(task) is None
    task = asyncio.create_task(nap.sleep(100000))
    await pause(150)
    assert not task.done()
    task.cancel()
    assert await outcome(task) == "cancelled"


async def case_nap_that_was_cancelled_leaves_no_alarm_behind(net):
    nap = aio._Nap()
    task = asyncio.create_task(nap.sleep(100))
    await begun()
    task.cancel()
    assert await outcome(task) == "cancelled"
    task = asyncio.create_task(nap.sleep(100000))
    await pause(150)
    assert not task.done()
    task.cancel()
    assert await outcome(task) == "cancelled"


async def stopped(k, wake):
    """A task that naps for ever is cancelled k steps behind the end of a nap: has it ended?"""
    nap = aio._Nap()
    ends = []

    async def sleeper():
        while True:
            await nap.sleep(3)
            ends.append(1)

    task = asyncio.create_task(sleeper())
    await pause(1)
    if wake:
        nap.wake()
    else:
        await pause(2 - k % 2)
    for _ in range(k):
        await asyncio.sleep(0)
    task.cancel()
    await pause(8)
    was = task.done()
    while not task.done():
        task.cancel()
        await pause(1)
    assert await outcome(task) == "cancelled"
    return was


async def case_no_cancellation_of_a_nap_is_lost(net):
    for wake in (False, True):
        for k in range(12):
            assert await stopped(k, wake), (k, wake)
