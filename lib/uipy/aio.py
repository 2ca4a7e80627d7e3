"""uipy beside other asyncio tasks: `run` drives the stack, `listen` and `connect` give streams.

    async def shout(c):                                  # one task for each client
        while line := await c.readline():
            await c.write(line.upper())

    aio.listen(stack, 7000, shout, 4)
    asyncio.run(aio.run(stack))

One task polls the stack: when its next deadline has come, when a call from another task made
something due (`stack.wake`), and when the device's interrupt says so. asyncio itself allocates,
with every wait; the stack below it does not.
"""

import asyncio

from .errors import NotConnected
from .ring import Ring
from .stream import Stream

if hasattr(asyncio, "ThreadSafeFlag"):

    class _Nap:
        """A sleep that `wake` ends, also from an interrupt. An alarm of our own: MicroPython's
        wait_for loses a cancellation that comes when the time is just up."""

        def __init__(self):
            self.flag = asyncio.ThreadSafeFlag()
            self.wake = self.flag.set

        async def sleep(self, ms):
            alarm = asyncio.create_task(self._alarm(ms))
            try:
                await self.flag.wait()
            finally:
                alarm.cancel()

        async def _alarm(self, ms):
            await asyncio.sleep_ms(ms)
            self.wake()

else:

    class _Nap:  # type: ignore[no-redef]
        """The same on CPython, whose wait_for can lose a cancellation before 3.12."""

        def __init__(self):
            self.event = asyncio.Event()
            self.wake = self.event.set

        async def sleep(self, ms):
            alarm = asyncio.get_event_loop().call_later(ms / 1000, self.wake)
            try:
                await self.event.wait()
            finally:
                alarm.cancel()
            self.event.clear()


class Runner:
    """Polls a stack for ever.

    every_ms: how often the devices are looked at when nothing else is due. With an interrupt, call
    `dev.on_int(runner.wake)` and make it long; without one it is what a packet waits at the most.
    """

    def __init__(self, stack, every_ms=5):
        self.stack = stack
        self.every_ms = every_ms
        self.nap = _Nap()

    def wake(self, pin=None):
        """Something is due. Also what an interrupt of the device may call."""
        self.nap.wake()

    async def run(self):
        """The task. Cancel it to stop."""
        self.stack.wake = self.wake
        try:
            while True:
                ms = min(self.stack.poll(), self.every_ms)
                if ms > 0:
                    await self.nap.sleep(ms)
                else:
                    await asyncio.sleep(0)
        finally:
            self.stack.wake = None


async def run(stack, every_ms=5):
    """Poll `stack` for ever: `asyncio.create_task(aio.run(stack))`."""
    await Runner(stack, every_ms).run()


class _Standing:
    """What a handler's task awaits first. `connected` takes that step itself, so that the task
    stands in its `try` when it begins, and puts things right however early it is cancelled."""

    def __await__(self):
        yield

    __iter__ = __await__  # MicroPython asks for this one


class _Ends(Stream):
    """The two rings of a connection, and an event for whoever waits for them to change."""

    def __init__(self, stack, rx, tx, handler=None):
        Stream.__init__(self, Ring(rx), Ring(tx))
        self.stack = stack
        self.handler = handler
        self.changed = asyncio.Event()
        self.uses = 0  # which connection it is: a listener gives the object to one after the other
        self.open = False
        self.reason = None  # why it ended, the last time
        self.task = None

    def connected(self, conn):
        Stream.connected(self, conn)
        self.uses += 1
        self.open = True
        self.changed.set()
        if self.handler:
            serve = self._serve(Connection(self))
            serve.send(None)
            self.task = asyncio.create_task(serve)

    async def _serve(self, connection):
        try:
            await _Standing()
            await self.handler(connection)
        except NotConnected:
            pass  # the client is gone, which is no fault of ours
        except Exception as exc:
            connection.abort()
            self.stack.failed(exc)
        except BaseException:  # a CancelledError
            connection.abort()
            raise
        connection.close()

    def received(self, conn, buf, start, n):
        n = Stream.received(self, conn, buf, start, n)
        self.changed.set()
        return n

    def acked(self, conn, n):
        self.changed.set()

    def peer_closed(self, conn):
        self.rx.end()
        self.changed.set()

    def closed(self, conn, reason):
        self.open = False
        self.reason = reason
        self.rx.end()
        self.changed.set()


class Connection:
    """A TCP connection as two streams. A reset, or anything else than an orderly end, raises
    `NotConnected` with the reason in whoever waits.
    """

    def __init__(self, ends):
        self._ends = ends
        self._use = ends.uses

    @property
    def conn(self):
        """The stack's connection: `peer()`, `keepalive_s`, `nodelay`, ..."""
        return self._alive().conn

    async def read(self, n=-1):
        """Up to n octets, as soon as there are any; -1: what there is. b"" is the peer's end."""
        e = await self._readable(1)
        n = e.rx.left if n < 0 else min(n, e.rx.left)
        return self._take(e, n)

    async def readexactly(self, n):
        """n octets. EOFError if the peer ends before; n is at most the ring's size."""
        e = await self._readable(n)
        if e.rx.left < n:
            raise EOFError("%d of %d octets" % (e.rx.left, n))
        return self._take(e, n)

    async def readline(self):
        """Octets up to and with a line feed; without one at the peer's end, and when the ring is
        full.
        """
        n = 0
        while True:
            e = await self._readable(n + 1)
            at = _find_lf(e.rx, n)
            n = e.rx.left
            if at >= 0 or e.rx.ended or not e.rx.room:
                return self._take(e, at + 1 if at >= 0 else n)

    async def write(self, data):
        """All of `data` into the ring; waits while that is full."""
        at = 0
        while at < len(data):
            e = self._alive()
            n = e.tx.write(data, at, len(data) - at)
            at += n
            if n:
                e.conn.resume()
            elif e.tx.ended:
                raise NotConnected("our side is closed")
            else:
                await self._change(e)

    async def drain(self):
        """Until everything written has arrived at the peer."""
        while self._alive().tx.left:
            await self._change(self._ends)

    def shutdown(self):
        """Our end behind what was written; reading goes on (RFC 9293 3.6)."""
        e = self._alive()
        e.tx.end()
        e.conn.resume()

    def close(self):
        """Our end, and nothing more is read. May be called at any time."""
        self._leave(False)

    def abort(self):
        """End the connection with a reset. May be called at any time."""
        self._leave(True)

    def _leave(self, reset):
        e = self._ends
        try:
            if e.uses != self._use:
                pass  # it serves another one
            elif reset:
                e.conn.abort()
            else:
                e.tx.end()
                e.conn.close()
        except NotConnected:
            pass  # it has left already

    async def wait_closed(self):
        """Until the connection has ended, in whatever way."""
        e = self._ends
        while e.open and e.uses == self._use:
            await self._change(e)

    def _alive(self):
        e = self._ends
        if e.uses != self._use:
            raise NotConnected("the connection has ended")
        if not e.open:
            raise NotConnected(e.reason)
        return e

    async def _readable(self, n):
        # Until n octets are there, or as many as fit, or no more will come.
        e = self._ends
        while e.uses == self._use and e.rx.left < n and not e.rx.ended and e.rx.room:
            await self._change(e)
        if e.uses != self._use or e.reason != "done":
            self._alive()
        return e

    def _take(self, e, n):
        data = bytearray(n)
        e.rx.readinto(data, 0, n)
        if e.open and n:
            e.pump(e.conn)
        return bytes(data)

    async def _change(self, e):
        e.changed.clear()
        await e.changed.wait()


def _find_lf(ring, at):
    one = bytearray(1)
    for i in range(at, ring.left):
        ring.fill(i, one, 0, 1)
        if one[0] == 10:
            return i
    return -1


def listen(stack, port, handler, n=4, rx=0, tx=2920):
    """Accept up to n connections at a time; each runs `await handler(connection)`, then is closed;
    it is reset if the handler raised (the exception goes to `stack.on_error`) or was cancelled.

    rx and tx are octets of RAM for each; rx 0 is the room that the stack offers in its handshake,
    and less slows the beginning down. Returns the stack's listener.
    """
    rx = rx or stack.tcp.default_room
    return stack.listen(port, lambda: _Ends(stack, rx, tx, handler), n)


async def connect(stack, ip, port, rx=0, tx=2920):
    """Open a connection; raises `NotConnected` with the reason ('refused', 'timeout', ...). A task
    that is cancelled here, by `wait_for` too, leaves no connection behind."""
    ends = _Ends(stack, rx or stack.tcp.default_room, tx)
    stack.connect(ends, ip, port)
    try:
        await ends.changed.wait()  # `connected` is the first to set it, or `closed`
    except BaseException:  # a CancelledError: nobody else knows of the connection
        Connection(ends).abort()
        raise
    if not ends.uses:
        raise NotConnected(ends.reason)
    return Connection(ends)
