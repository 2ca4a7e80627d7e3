"""How connections begin, and that whatever ends a task gives back what it had."""

import asyncio

from aio.cable import (
    HERE,
    RST,
    SYN,
    Keep,
    each,
    gone,
    idle,
    outcome,
    pair,
    pause,
    raised,
    states,
    until,
)
from uipy import App, BadAddress, NotConnected, TableFull, aio

CANCELLED = "cancelled"


def free(net, listener=None):
    """Every row is free, and every object of the listener."""
    return not states(net.here) + states(net.there) and not (listener and any(listener.used))


async def case_connect_that_is_refused_says_so(net):
    await gone(net.call(), "refused")
    assert free(net)


async def case_connect_to_no_address_raises_at_once(net):
    assert isinstance(await raised(aio.connect(net.there, "10.0.0.255", 7)), BadAddress)
    assert free(net)


async def case_connect_cancelled_while_the_syn_is_out_gives_its_row_back(net):
    listener = net.serve(idle)
    net.a.deaf = True
    task = asyncio.create_task(net.call())
    await until(lambda: net.b.flags)
    assert states(net.there) == ["SYN-SENT"]
    task.cancel()
    assert await outcome(task) == CANCELLED
    assert free(net, listener)


async def case_connects_that_run_out_of_time_fill_no_table(net):
    net.a.deaf = True
    for _ in range(5):  # more than there are rows
        exc = await raised(asyncio.wait_for(net.call(), 0.02))
        assert isinstance(exc, asyncio.TimeoutError), repr(exc)
        assert not states(net.there)
    net.a.deaf = False
    net.serve(idle)
    (await net.call()).close()


async def case_late_answer_to_a_cancelled_connect_is_reset(net):
    listener = net.serve(idle)
    net.b.deaf = True
    task = asyncio.create_task(net.call())
    await until(lambda: net.a.flags)  # the SYN,ACK, which is lost
    task.cancel()
    assert await outcome(task) == CANCELLED
    net.b.deaf = False
    await until(lambda: net.b.flags[-1] & RST)  # it comes again
    assert free(net, listener)


async def case_connect_cancelled_with_the_handshake_just_complete_ends_in_a_reset(net):
    listener = net.serve(idle)
    task = asyncio.create_task(net.call())
    real = aio._Ends.connected

    def connected(ends, conn):
        real(ends, conn)
        if not ends.handler:
            task.cancel()

    aio._Ends.connected = connected
    try:
        assert await outcome(task) == CANCELLED
    finally:
        aio._Ends.connected = real
    await until(lambda: free(net, listener))
    assert net.b.flags[-1] & RST


async def case_full_table_is_told_and_has_room_again(net):
    net.serve(idle, 3)
    three = await each(net.call(), net.call(), net.call())
    assert isinstance(await raised(net.call()), TableFull)
    three[1].abort()
    await three[1].wait_closed()
    await until(lambda: len(states(net.here)) == 2)
    (await net.call()).close()


async def case_handler_gets_a_connection_and_ends_it_by_returning(net):
    async def greet(c):
        await c.write(b"hello %d" % c.conn.rport)

    listener = net.serve(greet)
    c = await net.call()
    assert await c.read() == b"hello %d" % c.conn.lport
    assert await c.read() == b""
    c.close()
    await c.wait_closed()
    await until(lambda: free(net, listener))


async def case_data_that_a_handler_leaves_behind_is_reset(net):
    async def curt(c):
        await c.readexactly(1)

    net.serve(curt)
    c = await net.call()
    await c.write(b"x")
    assert await c.read() == b""
    await c.write(b"more")
    await c.wait_closed()
    assert c._ends.reason == "reset"
    await until(lambda: free(net))


async def case_handler_that_raises_is_told_and_its_client_reset(net):
    async def broken(c):
        raise ValueError("broken handler")

    listener = net.serve(broken)
    c = await net.call()
    await gone(c.read(), "reset")
    assert len(net.errors) == 1 and str(net.errors.pop()) == "broken handler"
    await until(lambda: free(net, listener))


async def case_handler_whose_client_is_gone_is_no_error(net):
    listener = net.serve(lambda c: c.readexactly(1))
    c = await net.call()
    c.abort()
    await until(lambda: free(net, listener))
    assert not net.errors


async def case_handler_of_which_another_connection_ends_closes_its_own(net):
    async def proxy(c):
        await c.write(b"x")
        raise NotConnected("another one")

    listener = net.serve(proxy)
    c = await net.call()
    assert await c.readexactly(1) == b"x" and await c.read() == b""
    c.close()
    await until(lambda: free(net, listener))


async def cancelled_in(net, handler):
    """Cancels a handler that waits; its client is reset, and the next one is served."""
    waits = []

    async def first_waits(c):
        if not waits:
            waits.append(listener.apps[0].task)
            await handler(c)
        await c.write(b"served")

    listener = net.serve(first_waits)
    c = await net.call()
    await until(lambda: waits)
    await pause(20)
    waits[0].cancel()
    assert await outcome(waits[0]) == CANCELLED
    await c.wait_closed()
    assert c._ends.reason == "reset"
    await until(lambda: free(net, listener))
    assert await (await net.call()).read() == b"served"


async def case_cancelled_handler_that_reads_gives_everything_back(net):
    await cancelled_in(net, lambda c: c.read())


async def case_cancelled_handler_that_writes_gives_everything_back(net):
    await cancelled_in(net, lambda c: c.write(bytes(50000)))


async def case_cancelled_handler_that_waits_for_something_else_gives_everything_back(net):
    await cancelled_in(net, lambda c: asyncio.sleep(1000))


async def case_handler_cancelled_before_its_first_step_gives_everything_back(net):
    seen = []

    async def never(c):
        seen.append(c)

    listener = net.serve(never)
    ends = listener.apps[0]
    real = ends.connected

    def connected(conn):
        real(conn)
        ends.task.cancel()

    ends.connected = connected
    c = await net.call()
    await c.wait_closed()
    assert c._ends.reason == "reset" and await outcome(ends.task) == CANCELLED and not seen
    await until(lambda: free(net, listener))


async def case_handler_that_runs_out_of_time_is_told_and_its_client_reset(net):
    async def slow(c):
        await asyncio.wait_for(c.read(), 0.02)

    listener = net.serve(slow)
    c = await net.call()
    await gone(c.read(), "reset")
    assert len(net.errors) == 1 and isinstance(net.errors.pop(), asyncio.TimeoutError)
    await until(lambda: free(net, listener))


async def case_object_that_serves_again_is_as_new(net):
    seen = Keep()
    listener = net.serve(seen, rx=100, tx=100)
    old = await net.call()
    here = await seen.get()
    await old.write(b"left unread")
    await until(lambda: here._ends.rx.left)
    net.b.deaf = True
    await here.write(b"never arrives")
    old.abort()
    await until(lambda: free(net, listener))
    net.b.deaf = False
    new = await net.call()
    again = await seen.get(1)
    assert again._ends is here._ends
    assert again._ends.rx.left == again._ends.tx.left == 0
    for call in (here.read(), here.write(b"x"), here.drain(), here.readline()):
        await gone(call, "the connection has ended")
    here.close()
    here.abort()
    await here.wait_closed()
    await new.write(b"new")
    assert await again.read() == b"new"
    await again.write(b"too")
    assert await new.read() == b"too"


async def case_old_handle_of_an_orderly_end_reads_nothing_of_the_next_client(net):
    seen = Keep()
    listener = net.serve(seen)
    old = await net.call()
    here = await seen.get()
    old.shutdown()
    here.shutdown()
    await here.wait_closed()
    assert here._ends.reason == "done"
    new = await net.call()
    again = await seen.get(1)
    await new.write(b"not for the old one")
    await until(lambda: again._ends.rx.left)
    for call in (here.read(), here.readline(), here.readexactly(1)):
        await gone(call, "the connection has ended")
    assert await again.read() == b"not for the old one" and all(listener.used)


async def case_listener_takes_n_at_a_time(net):
    keep = Keep()
    listener = net.serve(keep, 2)
    assert len(listener.apps) == len(listener.used) == 2
    one, two = await net.call(), await net.call()
    await until(lambda: len(keep.all) == 2)
    assert one.conn.peer() == two.conn.peer() == (HERE, 7)
    await one.write(b"1")
    await two.write(b"2")
    assert await each(keep.all[0].read(), keep.all[1].read()) == [b"1", b"2"]


async def case_rings_are_as_large_as_asked_for(net):
    here, there = await pair(net, rx=200, tx=300)
    assert (here._ends.rx.size, here._ends.tx.size) == (200, 300)
    assert (there._ends.rx.size, there._ends.tx.size) == (net.there.tcp.default_room, 2920)
    c = aio.listen(net.here, 8, idle).apps
    assert len(c) == 4
    assert (c[0].rx.size, c[0].tx.size) == (net.here.tcp.default_room, 2920)
    aio.listen(net.here, 9, idle)
    other = await aio.connect(net.there, HERE, 9)
    assert (other._ends.rx.size, other._ends.tx.size) == (net.there.tcp.default_room, 2920)
    other = await aio.connect(net.there, HERE, 9, rx=400, tx=500)
    assert (other._ends.rx.size, other._ends.tx.size) == (400, 500)


async def case_each_end_knows_both(net):
    here, there = await pair(net)
    assert there.conn.local() == here.conn.peer() and there.conn.peer() == here.conn.local()
    assert net.b.flags[0] == SYN


class Asks(App):
    """Without asyncio: sends its question as it is."""

    def __init__(self, text):
        self.text = text

    def connected(self, conn):
        conn.finish(self.text)


async def case_application_sends_octets_as_they_are(net):
    keep = Keep()
    net.serve(keep, 3)
    for k, text in enumerate((b"hello", "hello", memoryview(b"hello"))):
        net.there.connect(Asks(text), HERE, 7)
        here = await keep.get(k)
        assert await each(here.read(), here.read()) == [b"hello", b""]
        here.close()
        await here.wait_closed()
    net.there.connect(Asks(5), HERE, 7)
    await until(lambda: net.errors)
    said = "a source, bytes or str can be sent, and not int: see uipy/source.py"
    assert str(net.errors.pop()) == said and not net.errors
