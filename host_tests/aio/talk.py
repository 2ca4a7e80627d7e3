"""Two stacks, one asyncio loop: prints what came of it. Runs on CPython and on MicroPython."""

import asyncio
import sys
import time

from uipy import NotConnected, Stack, aio


class End:
    """One end of a cable: a device of the stack."""

    l2 = 0
    mtu = 1500
    mac = b""

    def __init__(self):
        self.frames = []
        self.far = None
        self.hook = None

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
        self.far.frames.append(bytes(buf[2 : 2 + n]))
        if self.far.hook:
            self.far.hook(None)

    def link_up(self):
        return True


def cable():
    a, b = End(), End()
    a.far, b.far = b, a
    return Stack(a, ip="10.0.0.1/24", tcp=4), Stack(b, ip="10.0.0.2/24", tcp=4)


log = []


async def shout(c):
    while True:
        line = await c.readline()
        if not line:
            break
        await c.write(line.upper())
    await c.write(b"bye\n")


async def echo(c):
    while True:
        data = await c.read(1000)
        if not data:
            return
        await c.write(data)


async def wait_for_ever(c):
    try:
        await c.read(1)
    except NotConnected as exc:
        log.append(str(exc))
        raise


async def broken(c):
    raise ValueError("broken handler")


async def lines(there):
    c = await aio.connect(there, "10.0.0.1", 1000)
    await c.write(b"one\ntw")
    print(await c.readline())
    await c.write(b"o\nlast")
    print(await c.readline())
    c.shutdown()
    print(await c.readexactly(4), await c.read(), await c.read())
    await c.wait_closed()


async def bulk(there, seed):
    c = await aio.connect(there, "10.0.0.1", 1001, tx=1234)
    data = bytes([(i * seed + i // 251) & 255 for i in range(20000)])
    got = bytearray()

    async def send():
        await c.write(data)
        c.shutdown()

    task = asyncio.create_task(send())
    while True:
        part = await c.read()
        if not part:
            break
        got.extend(part)
    await task
    return bytes(got) == data


async def reset(here, there):
    c = await aio.connect(there, "10.0.0.1", 1002)
    c.conn.abort()
    await c.wait_closed()
    try:
        await c.write(b"x")
    except NotConnected as exc:
        print("writer:", exc)
    while not log:
        await asyncio.sleep(0.001)
    print("reader:", log)


async def refused(there):
    try:
        await aio.connect(there, "10.0.0.1", 9)
    except NotConnected as exc:
        print(exc)


async def short(there):
    c = await aio.connect(there, "10.0.0.1", 1000)
    await c.write(b"a\n")
    c.shutdown()
    try:
        await c.readexactly(100)
    except EOFError as exc:
        print(exc)
    c.close()
    c.close()
    await c.wait_closed()
    try:
        await c.drain()
    except NotConnected as exc:
        print("drain:", exc)


async def faulty(here, there):
    errors = []
    here.on_error = errors.append
    c = await aio.connect(there, "10.0.0.1", 1003)
    try:
        await c.read()
    except NotConnected as exc:
        print(exc, [str(e) for e in errors])


async def ended(task):
    """Cancels a task, and is back when it has run to its end."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


async def main():
    here, there = cable()
    for port, handler in ((1000, shout), (1001, echo), (1002, wait_for_ever), (1003, broken)):
        aio.listen(here, port, handler, 3)
    tasks = [asyncio.create_task(aio.run(s, every_ms=1)) for s in (here, there)]
    await asyncio.sleep(0.01)
    await lines(there)
    print(await asyncio.gather(*[bulk(there, k) for k in (1, 3, 7)]))
    await reset(here, there)
    await refused(there)
    await short(there)
    await faulty(here, there)
    for task in tasks:
        await ended(task)
    print("wake:", here.wake, there.wake)


async def woken():
    """Nobody looks at the devices: interrupts and calls from tasks move everything, at once."""
    tasks = []
    here, there = cable()
    aio.listen(here, 1000, shout, 1)
    for stack in (here, there):
        runner = aio.Runner(stack, every_ms=100_000)
        stack.ifaces[0].dev.on_int(runner.wake)
        tasks.append(asyncio.create_task(runner.run()))
    await asyncio.sleep(0.01)
    c = await aio.connect(there, "10.0.0.1", 1000)
    took = []
    for _ in range(5):  # on a busy machine one may be late; without a wake each is, by up to 1 s
        await asyncio.sleep(0.01)
        start = time.time()
        await c.write(b"x\n")
        said = await c.readline()
        took.append(time.time() - start)
    print(said, "at once" if min(took) < 0.1 else "late")
    return tasks


asyncio.run(main())
asyncio.run(woken())
print("on", sys.implementation.name)
