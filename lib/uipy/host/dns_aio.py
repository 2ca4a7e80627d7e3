"""Names for asyncio tasks, beside `uipy.aio`:

async def hello():
    for address in await lookup(resolver, "www.example.org"):
        connection = await aio.connect(stack, address, 80)
"""

import asyncio

from .. import Error


class Unresolved(Error):
    """A name has no such records; `reason` says why (dns_answer.py)."""

    def __init__(self, name, reason):
        super().__init__("%s: %s" % (name, reason))
        self.reason = reason


class _Waiter:
    def __init__(self):
        self.event = asyncio.Event()
        self.records = self.reason = None

    def done(self, answer):
        self.reason = answer.error
        self.records = answer.records()
        self.event.set()


async def lookup(resolver, name, kind="A"):
    """The records of a name as a list (`Answer.records`): texts of addresses for 'A'. Raises
    `Unresolved`, and what `Resolver.resolve` raises. A task that is cancelled here, by `wait_for`
    too, asks no more."""
    waiter = _Waiter()
    ticket = resolver.resolve(name, kind, waiter.done)
    try:
        await waiter.event.wait()
    except BaseException:  # a CancelledError
        resolver.cancel(ticket)
        raise
    if waiter.reason:
        raise Unresolved(name, waiter.reason)
    return waiter.records
