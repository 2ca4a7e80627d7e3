"""Who polls the stack while a program does something else.

    loop.attach(stack)                      one stack for the whole image
    loop.current().until(cond, 5000)        a wait drives the stack
    with loop.current():                    the background keeps its hands off
        ring.write(data, 0, n)

A program with sockets has no main loop of its own around `poll`. A wait polls, and between waits
the background does: a one-shot Timer, armed with what the last poll returned, and the INT pin ask
for a poll as soon as the interpreter stands between two bytecodes (a soft interrupt). Where there
is no `machine.Timer`, only waits poll. docs/loop.md has what it costs.

**Every poll is a scheduled callback**, that of a wait too. MicroPython runs one of them at a time,
so that no callback of the program's can come into the middle of a poll, and one that waits polls
by itself: below it no poll can be under way.

The background does not poll, but comes again soon, while a `with` holds it back, while the
program polls by itself, while the heap is locked, and where less than `NEED` octets of the C stack
are left.
"""

import sys

import micropython
from micropython import const

from .kern import tadd, tdiff
from .net.datagram import BUSY
from .poll import ticks_ms
from .port import Key, a_timer, napper, stack_limit, timers

# Octets of C stack that a poll with its callbacks takes; a program may say another number.
NEED = 4400 if sys.maxsize < 1 << 32 else 9000

_EVERY_MS = const(5)  # between two looks at a device without INT
_BOUND_MS = const(1000)  # between two polls, with it
_GUARD_MS = const(500)  # a timer whose call was lost, the queue being full, is missed by then
_FLUSH_MS = const(2)  # what was written leaves after this at the latest
_AGAIN_MS = const(2)  # a poll that could not be comes again
_ROW = const(4)  # polls that follow each other without a millisecond for the program
_TURNS = const(10)  # jumps in which MicroPython calls all of its queue, which has 8
_MASK = const(0x3FFFFFFF)
_SPARE = const(8)  # places in `defer` besides one for each connection and port

the = None  # the Loop of this image


class NoStack(OSError):
    """errno 19 (ENODEV): no stack is attached."""


class Held(OSError):
    """errno 16 (EBUSY): a wait inside a callback of the stack, or inside `with`. It could never
    end: do not wait there."""


class TooDeep(RuntimeError):
    """Less than `NEED` octets of the C stack are left: wait from fewer calls deep."""


class Loop:
    """What `attach` made. `polls` counts the polls; `skips` those that had to come again later;
    `starved` those that found no heap."""

    def __init__(self, stack, wait, int_pin, resolver):
        self.stack = stack
        self.wait = wait
        self.ticks = getattr(wait, "ticks", ticks_ms)
        self.polls = self.skips = self.starved = 0
        self.turns = 0  # how often `come` was called
        self.held = 0  # how many `with` there are
        self.missed = False  # a poll was asked for meanwhile
        self.queued = False  # `come(None)` is in the scheduler's queue
        self.asked = False  # by a wait, not by the background
        self.caught = None  # what ended a poll, for the next wait
        self.ms = 0  # what the last poll returned
        self.timer = self.guard = None
        self.once = 0  # its mode
        self.at = 0  # when the timer fires
        self.pin = int_pin
        self.trigger = None  # of the pin's interrupt
        self.limit = stack_limit()
        self.key = Key()
        self.make = resolver
        rows = _SPARE + sum([len(t) for t in _tables(stack)])
        self.todo: list = [None] * (2 * rows)  # f and arg of what is deferred, the oldest first
        self.later = 0  # how many pairs
        self.flush = self.mark  # bound once: it takes heap, and a method costs a failed look-up
        self.serve = self._serve
        self.queue = self._queue
        self.ask = self._ask
        self.press = self.key.press
        self.come = None  # _comes() made it; what the scheduler calls

    def __getattr__(self, name):
        """`resolver`, made when it is first asked for; None: there is none. (A property would make
        each store to any attribute eight times as dear.)"""
        if name != "resolver":
            raise AttributeError(name)
        self.resolver = self.make() if self.make else None
        return self.resolver

    # What sockets call

    def until(self, cond, ms):
        """Polls until cond() is true: True. False when that took `ms` milliseconds; < 0 is never.

        Raises what ended a poll, a KeyboardInterrupt for one; `Held`, `TooDeep`.
        """
        if self.held or self.stack.env[BUSY]:
            raise Held(16, "a wait in a callback of the stack: set a flag, and wait outside")
        began = self.ticks()
        while True:
            n = self.turns
            self.ask()
            k = _TURNS
            while self.turns == n:  # the interpreter calls one of its queue at each jump
                k = self._again(k)
            if self.caught is not None or self.later:
                self._after()
            if cond():
                return True
            k = self.ms
            if ms >= 0:
                n = ms - tdiff(self.ticks(), began)
                if n <= 0:
                    return False
                if k > n:
                    k = n
            if k > 0:
                self.wait(k)
                if cond():  # the background has polled
                    return True

    def step(self):
        """One poll now; none while `with` holds it back, nor inside another one, nor where the C
        stack is too short for it. Raises what ended the poll."""
        if self.held or self.stack.env[BUSY]:
            return
        if self.limit and micropython.stack_use() > self.limit - NEED:
            return
        n = self.turns
        self.ask()
        k = _TURNS
        while self.turns == n:
            k = self._again(k)
        if self.caught is not None or self.later:
            self._after()

    def _ask(self):
        # A poll is wanted: the scheduler is to call `come`. It does that at the end of `try`, so
        # that each function more between here and the wait would be C stack.
        if self.limit and micropython.stack_use() > self.limit - NEED:
            raise TooDeep("%d octets of the C stack are taken" % micropython.stack_use())
        self.asked = True
        if not self.queued:  # as _queue, which would be a call more on the C stack
            self.queued = True
            try:
                micropython.schedule(self.come, None)
            except RuntimeError:  # the queue is full
                self.queued = False

    def _again(self, k):
        # It has not been called yet. After so many jumps it is clear that none is: we are in a
        # callback of the scheduler's. So no other can come between.
        if not k:
            self.come(None)
        else:
            self.queue()  # unless it is there: the queue was full
        return k - 1

    def _after(self):
        # A poll that was asked for is over.
        if self.later:
            self._schedule(self.serve)
        exc = self.caught
        if exc is not None:
            self.caught = None
            raise exc

    def mark(self):
        """Something is to be sent: the background does it within 2 ms, a wait at once. The stack
        calls this too, when something outside of a poll made a frame due."""
        now = ticks_ms()
        left = tdiff(self.at, now)
        if self.timer and (left <= 0 or left > _FLUSH_MS):
            self.at = tadd(now, _FLUSH_MS)
            self.timer.init(mode=self.once, period=_FLUSH_MS, callback=self.come)

    def defer(self, f, arg):
        """f(arg) from the scheduler, when no poll is under way and no `with` holds it back. Once,
        however often the same f and arg are given until then. False: the table is full."""
        todo = self.todo
        k = 2 * self.later
        while k:
            k -= 2
            if todo[k] == f and todo[k + 1] is arg:
                return True
        k = 2 * self.later
        if k == len(todo):
            return False
        todo[k] = f
        todo[k + 1] = arg
        self.later += 1
        if self.held:
            self.missed = True
        elif not self.stack.env[BUSY]:
            self._schedule(self.serve)
        return True

    def __enter__(self):
        self.held += 1
        return self

    def __exit__(self, kind, exc, trace):
        self.held -= 1
        if self.missed and not self.held:
            self.missed = False
            if not self.stack.env[BUSY]:
                self.queue()
                if self.later:
                    self._schedule(self.serve)

    # What the scheduler calls

    def _queue(self):
        # Once: a timer that fires in each poll would fill the queue with calls.
        if self.queued:
            return
        self.queued = True
        try:
            micropython.schedule(self.come, None)
        except RuntimeError:  # the queue is full
            self.queued = False

    def _schedule(self, f):
        try:
            micropython.schedule(f, None)
        except RuntimeError:  # it has its turn with the next poll
            pass

    def _serve(self, arg):
        """The oldest of what was deferred. What it raises is printed, as with everything that the
        scheduler calls."""
        if not self.later or self.held or self.stack.env[BUSY]:
            return
        f = self.todo[0]
        arg = self.todo[1]
        self._forget()
        try:
            f(arg)
        except KeyboardInterrupt as exc:
            self._broken(exc)
        finally:
            if self.later:
                self._schedule(self.serve)

    def _forget(self):
        todo = self.todo
        self.later -= 1
        n = 2 * self.later
        for k in range(n):
            todo[k] = todo[k + 2]
        todo[n] = todo[n + 1] = None

    def _broken(self, exc):
        """What ended a poll in the background is raised by the next wait, with two exceptions."""
        if isinstance(exc, MemoryError):
            self.starved = (self.starved + 1) & _MASK
        elif isinstance(exc, KeyboardInterrupt) and self.key.works:
            self.key.owed = True
            self._schedule(self.press)
        else:
            self.caught = exc

    # Its beginning and its end

    def _begin(self):
        timer = timers()
        if self.wait is None:
            self.wait = napper(timer)
        if timer:
            self.timer = a_timer(timer)
            self.once = timer.ONE_SHOT
            self.at = ticks_ms()
        self.come = _comes(self).send
        self.come(None)
        if not timer:
            return
        try:  # hardware timers are few: without a guard if there is no other
            self.guard = timer(-1)
            self.guard.init(mode=timer.PERIODIC, period=_GUARD_MS, callback=self.come)
        except (ValueError, OSError):
            pass
        if self.pin:
            irq = self.pin.irq(self.come, self.pin.IRQ_FALLING)
            self.trigger = getattr(irq, "trigger", None)
        self.stack.wake = self.flush
        self.mark()

    def _end(self):
        for timer in (self.timer, self.guard):
            if timer:
                timer.deinit()
        if self.timer and self.pin:
            self.pin.irq(None)
        self.timer = self.guard = self.trigger = None
        if self.stack.wake is self.flush:
            self.stack.wake = None
        self.held = 1  # what is still in the queue finds nothing to do
        self.later = 0


def _comes(self):
    """What the scheduler calls: a turn for the timer, for the pin, or for a wait. A generator, for
    its locals need no look-up and no frame (docs/architecture.md)."""
    env, poll, pin = self.stack.env, self.stack.poll, self.pin
    key = self.key
    used, lock, unlock = micropython.stack_use, micropython.heap_lock, micropython.heap_unlock
    most = self.limit - NEED if self.limit else _MASK
    every = _BOUND_MS if pin else _EVERY_MS
    falling = pin.IRQ_FALLING if pin else 0
    row = 0  # polls that followed each other at once
    asked = trigger = None
    ms = _AGAIN_MS
    while True:
        try:
            while True:
                if trigger and self.trigger:
                    trigger(falling)
                    if not pin():  # it fell meanwhile
                        ms = 0
                timer = self.timer
                if timer:
                    if ms > 0 or asked or row == _ROW:
                        row = 0
                    else:
                        row += 1
                        self.queue()
                    if ms <= 0:
                        ms = 1
                    elif ms > every:
                        ms = every
                    if not self.queued:
                        now = ticks_ms()
                        left = tdiff(self.at, now)
                        if left <= 0 or left > ms:  # else it fires early enough
                            self.at = tadd(now, ms)
                            timer.init(mode=self.once, period=ms, callback=self.come)
                    if self.later and not asked:
                        self._schedule(self.serve)
                if key.owed:  # the queue was full
                    self._schedule(self.press)
                arg = yield
                self.turns = (self.turns + 1) & _MASK
                if arg is None:  # not the timer, not the pin
                    self.queued = False
                asked = self.asked
                self.asked = False
                trigger = None
                ms = _AGAIN_MS
                lock()
                locked = unlock()  # by the program: callbacks could have no heap
                if self.held or env[BUSY] or (not asked and (locked or used() > most)):
                    self.missed = True
                    self.skips = (self.skips + 1) & _MASK
                    continue
                trigger = self.trigger
                if trigger:  # each frame of this poll would fill the queue with a call
                    trigger(0)
                self.polls = (self.polls + 1) & _MASK
                ms = poll()
                self.ms = ms
        except GeneratorExit:
            raise
        except BaseException as exc:
            ms = self.ms = _AGAIN_MS
            if asked:
                self.caught = exc
            else:
                self._broken(exc)


def _tables(stack):
    if stack.tcp:
        yield stack.tcp.conns
    if stack.udp:
        yield stack.udp.nums


def attach(stack, wait=None, int_pin=None, resolver=None):
    """`stack` is the one that sockets use from now on; returns its `Loop`.

    wait(ms)   sleeps up to `ms`; returns when the device has something or the background has
               polled (a loop that looks at INT would sleep on); None: the board's own
    int_pin    the chip's INT pin; without it the background looks every 5 ms
    resolver   a callable that makes a uipy.host.Resolver, called when a name is first asked for

    What touches the chip from outside of a poll (`dev.link_up()`) stands in `with loop:` as well.
    """
    global the  # noqa: PLW0603
    detach()
    the = Loop(stack, wait, int_pin, resolver)
    the._begin()
    return the


def detach():
    """Nobody polls any more: the timers and the pin's interrupt are off."""
    global the  # noqa: PLW0603
    if the:
        the._end()
        the = None


def current():
    """The `Loop` that was attached. Raises `NoStack`."""
    if the is None:
        raise NoStack(19, "no network: make network.LAN(...) first")
    return the
