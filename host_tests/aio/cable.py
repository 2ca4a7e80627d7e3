"""Two stacks on a cable, for cases that CPython and MicroPython play alike.

A case is `async def case_...(net)`. `play` gives it a `Net` that runs, and afterwards wants that
no callback has raised and that both runners can be stopped. Without a clock the time is real.
"""

import asyncio

from uipy import NotConnected, Stack, aio

HERE = "10.0.0.1"
SYN, RST = 2, 4


class End:
    """One end of the cable: a device of the stack."""

    l2 = 0
    mtu = 1500
    mac = b""

    def __init__(self):
        self.frames = []
        self.far = None
        self.hook = None
        self.deaf = False  # loses what arrives
        self.flags = []  # of the segments that were sent

    def on_int(self, hook):
        self.hook = hook

    def recv_into(self, buf):
        if not self.frames:
            return 0
        frame = self.frames.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        self.flags.append(buf[2 + 20 + 13] & 63)
        if not self.far.deaf:
            self.far.frames.append(bytes(buf[2 : 2 + n]))
            if self.far.hook:
                self.far.hook(None)

    def link_up(self):
        return True


class Net:
    """`here` (10.0.0.1) and `there`, each with three connections."""

    def __init__(self, clock=None, **options):
        self.a, self.b = End(), End()
        self.a.far, self.b.far = self.b, self.a
        if clock:
            options["now"] = clock()
        self.here = Stack(self.a, HERE + "/24", tcp=3, **options)
        self.there = Stack(self.b, "10.0.0.2/24", tcp=3, **options)
        self.errors = []  # what callbacks and handlers raised
        self.runners = []
        for stack in (self.here, self.there):
            stack.on_error = self.errors.append
            if clock:
                tell_time(stack, clock)

    def start(self, every_ms=1000):
        """Interrupts and calls from tasks move everything."""
        for stack in (self.here, self.there):
            runner = aio.Runner(stack, every_ms)
            stack.ifaces[0].dev.on_int(runner.wake)
            self.runners.append(asyncio.create_task(runner.run()))

    async def stop(self):
        for task in self.runners:
            task.cancel()
        for task in self.runners:
            assert await outcome(task) == "cancelled"
        assert self.here.wake is None and self.there.wake is None

    def serve(self, handler, n=1, **rings):
        """The listener on port 7, which `call` calls."""
        return aio.listen(self.here, 7, handler, n, **rings)

    async def call(self, **rings):
        return await aio.connect(self.there, HERE, 7, **rings)


def tell_time(stack, clock):
    """poll() without a time takes this clock's."""
    poll = stack.poll
    stack.poll = lambda: poll(clock())


def states(stack):
    """The states of the connections that are in use."""
    return [conn.state_name for conn in stack.tcp.conns if conn.state]


async def pause(ms):
    await asyncio.sleep(ms / 1000)


async def until(true, ms=3000):
    """Waits for a condition, for so long."""
    for _ in range(ms):
        if true():
            return
        await pause(1)
    raise AssertionError("it has not come to this")


async def outcome(task):
    """How a task ended: 'cancelled', what it raised, or what it returned."""
    await until(task.done)
    try:
        return await task
    except asyncio.CancelledError:
        return "cancelled"
    except Exception as exc:
        return exc


async def each(*awaitables):
    """What they return, one after the other (MicroPython has no `await` in a list's brackets)."""
    results = []
    for awaitable in awaitables:
        results.append(await awaitable)
    return results


async def raised(awaitable):
    """What it raises."""
    try:
        await awaitable
    except Exception as exc:
        return exc
    raise AssertionError("nothing was raised")


async def gone(awaitable, reason):
    """It raises NotConnected with this reason."""
    exc = await raised(awaitable)
    assert isinstance(exc, NotConnected) and str(exc) == reason, repr(exc)


async def idle(c):
    """A handler that waits for the end."""
    await c.wait_closed()


class Keep:
    """A handler that keeps its connection for the test, and takes it from there."""

    def __init__(self):
        self.all = []

    async def __call__(self, c):
        self.all.append(c)
        await c.wait_closed()

    async def get(self, k=0):
        await until(lambda: len(self.all) > k)
        return self.all[k]


async def pair(net, rx=0, tx=2920, far_tx=2920):
    """Both ends of a connection, here and there."""
    keep = Keep()
    net.serve(keep, rx=rx, tx=tx)
    c = await net.call(tx=far_tx)
    return await keep.get(), c


async def play(case, clock=None):
    net = Net(clock)
    net.start()
    await case(net)
    await net.stop()
    assert not net.errors, net.errors
