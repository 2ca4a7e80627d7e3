"""An event loop of CPython on which no time passes while anything can be done: waiting costs
nothing, and a machine that is busy changes nothing. A task that waits for what never comes ends
the loop after an hour of its time."""

import asyncio
import selectors

HOUR = 3600.0


class _Selector(selectors.SelectSelector):
    now = 5000.0

    def select(self, timeout=None):
        if timeout is None or self.now > 5000.0 + HOUR:
            raise AssertionError("a task waits for what never comes")
        self.now += max(timeout, 0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.still = _Selector()
        super().__init__(self.still)
        self._clock_resolution = 1e-6

    def time(self):
        return self.still.now

    def ms(self):
        """As `ticks_ms` has it."""
        return round(self.still.now * 1000) & 0x3FFFFFFF


def run(main):
    """Runs the coroutine `main(loop)` to its end. What a task raised that nobody awaited is an
    error, and so is every other complaint of asyncio's."""
    loop = Loop()
    loop.set_debug(True)
    loop.slow_callback_duration = HOUR
    said = []
    loop.set_exception_handler(lambda loop, context: said.append(context))
    try:
        result = loop.run_until_complete(main(loop))
    finally:
        loop.run_until_complete(_end(asyncio.all_tasks(loop)))
        loop.close()
    assert not said, said
    return result


async def _end(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
