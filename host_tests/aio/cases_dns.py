"""Names that tasks wait for: `uipy.host.lookup`."""

import asyncio

from aio.cable import HERE, outcome, raised, until
from uipy import Error, UdpApp
from uipy.host import Resolver, Unresolved, lookup

ADDRESS = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x0a\0\0\1"  # a TTL of 0: it is not kept


class NameServer(UdpApp):
    """Knows one address, or nothing (`silent`), and counts what it is asked."""

    def __init__(self, net):
        self.silent = False
        self.asked = 0
        net.here.bind(53, self)
        self.resolver = Resolver(net.there, [HERE], rows=2)

    def received(self, port, buf, start, n):
        self.asked += 1
        if self.silent:
            return None
        buf[start + 2 : start + 4] = b"\x81\x80"
        if buf[start + 13] | 32 == 110:  # n...: there is no such name
            buf[start + 3] = 0x83
            return n
        buf[start + 7] = 1
        buf[start + n : start + n + len(ADDRESS)] = ADDRESS
        return n + len(ADDRESS)

    def free(self):
        return not any(q.state for q in self.resolver.rows)


async def case_lookup_gives_the_records(net):
    names = NameServer(net)
    assert await lookup(names.resolver, "here.example.org") == [HERE]
    assert names.asked == 1 and names.free()
    assert await lookup(names.resolver, "1.2.3.4") == ["1.2.3.4"]


async def case_lookup_raises_why_there_is_nothing(net):
    names = NameServer(net)
    exc = await raised(lookup(names.resolver, "nobody.example.org"))
    assert isinstance(exc, Unresolved) and exc.reason == "not found"
    assert str(exc) == "nobody.example.org: not found"
    exc = await raised(lookup(names.resolver, "a..b"))
    assert isinstance(exc, Error) and not isinstance(exc, Unresolved)


async def case_lookup_cancelled_asks_no_more(net):
    names = NameServer(net)
    names.silent = True
    task = asyncio.create_task(lookup(names.resolver, "here.example.org"))
    await until(lambda: names.asked)
    assert not names.free()
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert names.free() and not any(net.there.udp.nums)


async def case_lookup_out_of_time_gives_its_row_back(net):
    names = NameServer(net)
    names.silent = True
    for _ in range(3):
        exc = await raised(asyncio.wait_for(lookup(names.resolver, "here.example.org"), 0.02))
        assert isinstance(exc, asyncio.TimeoutError), repr(exc)
        assert names.free()


async def case_two_tasks_ask_at_a_time(net):
    names = NameServer(net)
    tasks = [
        asyncio.create_task(lookup(names.resolver, name)) for name in ("one.local", "n.local")
    ]
    assert await outcome(tasks[0]) == [HERE]
    assert isinstance(await outcome(tasks[1]), Unresolved)
