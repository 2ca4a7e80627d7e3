"""A connection as two streams: what each call waits for, what it gives, and what it raises."""

import asyncio

from aio.cable import each, gone, outcome, pair, pause, raised, states, until


def full_of(n):
    return bytes([i * 7 % 251 for i in range(n)])


async def later(awaitable):
    """A task that has had the time to do what it can."""
    task = asyncio.create_task(awaitable)
    await pause(20)
    return task


# Reading


async def case_read_gives_what_there_is(net):
    here, there = await pair(net)
    await there.write(b"hello")
    await until(lambda: here._ends.rx.left == 5)
    assert await here.read() == b"hello"


async def case_read_gives_n_at_most_and_keeps_the_rest(net):
    here, there = await pair(net)
    await there.write(b"hello world")
    await until(lambda: here._ends.rx.left == 11)
    said = await each(here.read(5), here.read(1), here.read(100))
    assert said == [b"hello", b" ", b"world"]


async def case_read_of_no_octets_takes_none(net):
    here, there = await pair(net)
    await there.write(b"hello")
    await until(lambda: here._ends.rx.left == 5)
    assert await each(here.read(0), here.read()) == [b"", b"hello"]


async def case_read_waits_for_the_first_octet(net):
    here, there = await pair(net)
    task = await later(here.read(100))
    assert not task.done()
    await there.write(b"x")
    assert await outcome(task) == b"x"


async def case_end_of_the_peer_is_no_octets_as_often_as_asked(net):
    here, there = await pair(net)
    task = await later(here.read())
    there.shutdown()
    assert await outcome(task) == b""
    assert await each(here.read(), here.readline(), here.readexactly(0)) == [b""] * 3


async def case_octets_before_the_end_are_read_first(net):
    here, there = await pair(net)
    await there.write(b"last")
    there.shutdown()
    await until(lambda: here._ends.rx.ended)
    assert await each(here.read(3), here.read(), here.read()) == [b"las", b"t", b""]


async def case_octets_of_a_connection_that_ended_in_order_can_still_be_read(net):
    here, there = await pair(net)
    await there.write(b"last")
    there.shutdown()
    here.shutdown()
    await here.wait_closed()
    assert (here._ends.open, here._ends.reason) == (False, "done")
    assert await each(here.read(2), here.read(), here.read()) == [b"la", b"st", b""]


async def case_read_of_a_connection_that_was_reset_raises(net):
    here, there = await pair(net)
    await there.write(b"lost with it")
    await until(lambda: here._ends.rx.left)
    there.abort()
    await here.wait_closed()
    await gone(here.read(), "reset")
    await gone(there.read(), "aborted")


async def case_every_call_that_waits_is_told_of_a_reset(net):
    here, there = await pair(net, tx=100)
    calls = (here.read(), here.readexactly(5), here.readline(), here.write(bytes(90000)))
    tasks = [asyncio.create_task(call) for call in calls]
    tasks.append(await later(here.drain()))
    closed = await later(here.wait_closed())
    assert not closed.done() and not any(t.done() for t in tasks)
    there.abort()
    for task in tasks:
        assert str(await outcome(task)) == "reset"
    assert await outcome(closed) is None


async def case_readexactly_waits_for_the_last_of_them(net):
    here, there = await pair(net)
    await there.write(b"abcd")
    task = await later(here.readexactly(5))
    assert not task.done()
    await there.write(b"efg")
    assert await outcome(task) == b"abcde"
    assert await here.read() == b"fg"


async def case_readexactly_at_an_early_end_says_how_far_it_came(net):
    here, there = await pair(net)
    await there.write(b"abcd")
    there.shutdown()
    exc = await raised(here.readexactly(6))
    assert isinstance(exc, EOFError) and str(exc) == "4 of 6 octets"
    assert await here.read() == b"abcd"


async def case_readexactly_of_more_than_the_ring_holds_does_not_wait_for_ever(net):
    here, there = await pair(net, rx=100)
    await there.write(bytes(200))
    exc = await raised(here.readexactly(101))
    assert isinstance(exc, EOFError) and str(exc) == "100 of 101 octets"
    assert await here.readexactly(100) == bytes(100)


async def case_readline_gives_a_line_and_keeps_the_rest(net):
    here, there = await pair(net)
    await there.write(b"\none\ntwo\nthr")
    said = await each(here.readline(), here.readline(), here.readline())
    assert said == [b"\n", b"one\n", b"two\n"]
    task = await later(here.readline())
    assert not task.done()
    await there.write(b"ee")
    await pause(200)
    assert not task.done()
    await there.write(b"\n")
    assert await outcome(task) == b"three\n"


async def case_readline_gives_what_stands_before_the_end(net):
    here, there = await pair(net)
    await there.write(b"no line feed")
    there.shutdown()
    assert await each(here.readline(), here.readline()) == [b"no line feed", b""]


async def case_readline_gives_a_full_ring(net):
    here, there = await pair(net, rx=50)
    await there.write(b"x" * 60 + b"\n")
    assert await each(here.readline(), here.readline()) == [b"x" * 50, b"x" * 10 + b"\n"]


async def case_line_feed_on_the_last_place_of_a_full_ring_is_found(net):
    here, there = await pair(net, rx=50)
    await there.write(b"y" * 49 + b"\n" + b"z\n")
    assert await each(here.readline(), here.readline()) == [b"y" * 49 + b"\n", b"z\n"]


async def case_what_is_read_is_bytes_and_lines_may_go_round_the_ring(net):
    here, there = await pair(net, rx=60)
    for k in range(20):
        await there.write(b"line %d\n" % k)
        line = await here.readline()
        assert type(line) is bytes and line == b"line %d\n" % k


async def case_reader_that_stands_still_stops_the_writer_and_nothing_is_lost(net):
    here, there = await pair(net)
    data = full_of(20000)
    task = asyncio.create_task(there.write(data))
    await until(lambda: not here._ends.rx.room)
    await pause(20)
    assert here._ends.rx.left == net.here.tcp.default_room and not task.done()
    assert there._ends.tx.left == 2920 and not there._ends.tx.room
    got = b""
    while len(got) < len(data):
        got += await here.read(1333)
    assert got == data
    assert await outcome(task) is None


async def case_window_opens_when_the_ring_is_read(net):
    here, there = await pair(net, rx=3000)
    await there.write(full_of(2920))
    await until(lambda: here._ends.rx.left == 2920)
    assert here.conn.room == 80
    await here.readexactly(2900)
    assert here.conn.room == 2980
    await until(lambda: not there.conn.unacked)


# Writing


async def case_write_returns_when_the_ring_has_it_and_drain_when_the_peer_has(net):
    here, there = await pair(net)
    net.a.deaf = True  # the ACK is lost
    await there.write(b"hello")
    task = await later(there.drain())
    assert there._ends.tx.left == 5 and not task.done()
    net.a.deaf = False
    assert await outcome(task) is None and not there._ends.tx.left
    assert await here.read() == b"hello"
    await there.drain()


async def case_write_takes_every_kind_of_octets(net):
    here, there = await pair(net)
    for data in (b"one", bytearray(b"two"), memoryview(b"three")[:3], b""):
        await there.write(data)
    await there.drain()
    assert await here.read() == b"onetwothr"


async def case_write_behind_shutdown_raises_and_reading_goes_on(net):
    here, there = await pair(net)
    await there.write(b"bye")
    there.shutdown()
    await gone(there.write(b"x"), "our side is closed")
    await until(lambda: here._ends.rx.ended)
    assert states(net.here) == ["CLOSE-WAIT"]
    await here.write(b"not yet")
    assert await there.read() == b"not yet"
    assert await here.read() == b"bye"
    here.shutdown()
    await there.wait_closed()
    assert there._ends.reason == "done"


async def case_writer_that_waits_hears_of_the_shutdown(net):
    here, there = await pair(net, rx=100, tx=100)
    task = await later(there.write(bytes(5000)))
    there.shutdown()
    await here.read()
    assert str(await outcome(task)) == "our side is closed"


async def case_write_after_the_end_says_why_it_ended(net):
    here, there = await pair(net)
    there.abort()
    await here.wait_closed()
    await gone(here.write(b"x"), "reset")
    await gone(here.drain(), "reset")
    await gone(there.write(b"x"), "aborted")
    assert str(await raised(property_of(here))) == "reset"


async def property_of(c):
    return c.conn


# The end


async def case_close_sends_what_was_written_and_then_our_end(net):
    here, there = await pair(net, far_tx=6000)
    await there.write(full_of(5000))
    there.close()
    await gone(there.write(b"x"), "our side is closed")
    assert await here.readexactly(5000) == full_of(5000)
    assert await here.read() == b""
    here.close()
    await there.wait_closed()
    await here.wait_closed()
    assert (here._ends.reason, there._ends.reason) == ("done", "done")


async def case_nothing_is_read_behind_close(net):
    here, there = await pair(net)
    there.close()
    assert await here.read() == b""
    await here.write(b"too late")
    await here.wait_closed()
    assert (here._ends.reason, there._ends.reason) == ("reset", "unread")


async def case_abort_is_a_reset(net):
    here, there = await pair(net)
    await there.write(b"x" * 100)
    there.abort()
    await here.wait_closed()
    await there.wait_closed()
    assert (here._ends.reason, there._ends.reason) == ("reset", "aborted")
    assert not states(net.here) + states(net.there)


async def case_close_and_abort_may_be_called_at_any_time(net):
    here, there = await pair(net)
    for end in (there.close, there.close, there.abort, there.abort, there.close):
        end()
    await there.wait_closed()
    there.close()
    there.abort()
    await there.wait_closed()
    assert there._ends.reason == "aborted"
    await here.wait_closed()


async def case_shutdown_after_the_end_raises(net):
    here, there = await pair(net)
    there.abort()
    await here.wait_closed()
    exc = await raised(shut(here))
    assert str(exc) == "reset"


async def shut(c):
    c.shutdown()


async def case_wait_closed_waits_for_both_sides(net):
    here, there = await pair(net)
    task = await later(there.wait_closed())
    there.shutdown()
    await until(lambda: states(net.there) == ["FIN-WAIT-2"])
    await pause(20)
    assert not task.done()
    here.shutdown()
    assert await outcome(task) is None


async def case_one_task_reads_while_another_writes(net):
    here, there = await pair(net, tx=1460, far_tx=2000)
    data = full_of(20000)

    async def echo():
        while True:
            part = await here.read(977)
            if not part:
                return here.shutdown()
            await here.write(part)

    async def send():
        await there.write(data)
        there.shutdown()

    tasks = [asyncio.create_task(t) for t in (echo(), send())]
    got = b""
    while True:
        part = await there.read()
        if not part:
            break
        got += part
    assert got == data
    assert await each(outcome(tasks[0]), outcome(tasks[1])) == [None, None]
    await there.wait_closed()


async def case_reader_that_is_cancelled_loses_nothing(net):
    here, there = await pair(net)
    task = await later(here.readexactly(10))
    await there.write(b"abcde")
    await until(lambda: here._ends.rx.left == 5)
    task.cancel()
    assert await outcome(task) == "cancelled"
    await there.write(b"fghij")
    assert await here.readexactly(10) == b"abcdefghij"
