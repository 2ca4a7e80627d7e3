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
from .port import Catch, Key, a_timer, napper, stack_limit, timers

# Octets of C stack that a poll with its callbacks takes; a program may say another number.
NEED = 3600 if sys.maxsize < 1 << 32 else 8000

_EVERY_MS = const(5)  # between two looks at a device without INT
_BOUND_MS = const(1000)  # between two polls, with it
_GUARD_MS = const(500)  # a timer whose call was lost, the queue being full, is missed by then
_FLUSH_MS = const(2)  # what was written leaves after this at the latest
_AGAIN_MS = const(2)  # a poll that could not be comes again
_ROW = const(4)  # polls that follow each other without a millisecond for the program
_QUEUE = const(8)  # callbacks that MicroPython keeps on a board
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
        self.poll = stack.poll
        self.wait = wait
        self.ticks = getattr(wait, "ticks", ticks_ms)
        self.polls = self.skips = self.starved = 0
        self.turns = 0  # how often `come` was called
        self.held = 0  # how many `with` there are
        self.missed = False  # a poll was asked for meanwhile
        self.queued = False  # `come` is in the scheduler's queue
        self.asked = False  # by a wait, not by the background
        self.net = Catch()  # what ended a poll is in it, for the next wait
        self.ms = 0  # what the last poll returned
        self.row = 0  # polls without a pause
        self.come = self._come  # bound once: binding takes heap
        self.flush = self.mark
        self.serve = self._serve
        self.timer = self.guard = None
        self.once = 0  # its mode
        self.at = 0  # when the timer fires
        self.pin = int_pin
        self.trigger = None  # of the pin's interrupt
        self.every = _BOUND_MS if int_pin else _EVERY_MS
        self.limit = stack_limit()
        self.key = Key()
        self.make = resolver
        self.found = None
        rows = _SPARE + sum([len(t) for t in _tables(stack)])
        self.todo: list = [None] * (2 * rows)  # f and arg of what is deferred, the oldest first
        self.later = 0  # how many pairs

    @property
    def resolver(self):
        """The resolver for names, made when it is first asked for; None: there is none."""
        if self.found is None and self.make:
            self.found = self.make()
        return self.found

    # What sockets call

    def until(self, cond, ms):
        """Polls until cond() is true: True. False when that took `ms` milliseconds; < 0 is never.

        Raises what ended a poll, a KeyboardInterrupt for one; `Held`, `TooDeep`.
        """
        if self.held or self.stack.env[BUSY]:
            raise Held(16, "a wait in a callback of the stack: set a flag, and wait outside")
        began = self.ticks()
        while True:
            self.step()
            if cond():
                return True
            left = self.ms
            if ms >= 0:
                left = min(left, ms - tdiff(self.ticks(), began))
                if left <= 0 and tdiff(self.ticks(), began) >= ms:
                    return False
            if left > 0:
                self.wait(left)
                if cond():  # the background has polled
                    return True

    def step(self):
        """One poll now; none while `with` holds it back, nor inside another one. Raises what ended
        the poll, and `TooDeep`."""
        if self.limit and micropython.stack_use() > self.limit - NEED:
            raise TooDeep("%d octets of the C stack are taken" % micropython.stack_use())
        self.asked = True
        n = self.turns
        for _ in range(_QUEUE + 2):  # at each turn the interpreter calls one of its queue
            if self.turns != n:
                break
            if not self.queued:
                self._queue()
        else:
            # It calls none: we are in one. So no other can come between.
            self._come(None)
        self.asked = False
        if self.net.caught is not None:
            raise self.net.take()

    def mark(self):
        """Something is to be sent: the background does it within 2 ms, a wait at once. The stack
        calls this too, when something outside of a poll made a frame due."""
        self._arm(_FLUSH_MS)

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
            self._queue()

    # The background

    def _queue(self):
        self.queued = True
        if not self._schedule(self.come):
            self.queued = False

    def _schedule(self, f):
        try:
            micropython.schedule(f, None)
        except RuntimeError:  # the queue is full
            return False
        return True

    def _come(self, source):
        """Called by the scheduler: for the timer, for the pin, or for a wait."""
        self.turns = (self.turns + 1) & _MASK
        self.queued = False
        if self.held or self.stack.env[BUSY] or not (self.asked or self._fit()):
            self.missed = True
            self.skips = (self.skips + 1) & _MASK
            self._arm(_AGAIN_MS)
            return
        trigger = self.trigger
        if trigger:  # each frame of this poll would fill the queue with a call
            trigger(0)
        ms = self._turn()
        self.polls = (self.polls + 1) & _MASK
        self.ms = ms
        if trigger:
            pin = self.pin
            trigger(pin.IRQ_FALLING)
            if not pin():  # it fell meanwhile
                ms = 0
        if ms > 0:
            self.row = 0
        elif not self.asked and self.row < _ROW:
            self.row += 1
            self._queue()
        else:
            self.row = 0
        self._arm(min(ms, self.every))
        if self.later:
            self._schedule(self.serve)
        if self.net.caught is not None and not self.asked:
            self._broken()

    def _turn(self):
        """The poll itself."""
        with self.net:
            return self.poll()
        return _AGAIN_MS

    def _broken(self):
        """What ended a poll in the background is raised by the next wait, with two exceptions. (No
        jump stands behind `press`: at one the Ctrl-C would be raised here.)"""
        if isinstance(self.net.caught, MemoryError):
            self.starved = (self.starved + 1) & _MASK
            self.net.take()
        elif self.key.works and isinstance(self.net.caught, KeyboardInterrupt):
            self.net.take()
            self.key.press()

    def _fit(self):
        """Can the background poll here? Not with the heap locked, and not too deep in C."""
        if self.limit and micropython.stack_use() > self.limit - NEED:
            return False
        micropython.heap_lock()
        return not micropython.heap_unlock()

    def _arm(self, ms):
        """The timer is to fire in `ms`, or earlier."""
        if self.timer is None:
            return
        now = ticks_ms()
        ms = max(ms, 1)
        left = tdiff(self.at, now)
        if left <= 0 or left > ms:
            self.at = tadd(now, ms)
            self._start(ms)

    def _start(self, ms):
        self.timer.init(mode=self.once, period=ms, callback=self.come)

    def _serve(self, arg):
        """Called by the scheduler: the oldest of what was deferred. What it raises is printed, as
        with everything that the scheduler calls."""
        if not self.later or self.held or self.stack.env[BUSY]:
            return
        f = self.todo[0]
        arg = self.todo[1]
        self._forget()
        try:
            f(arg)
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

    # Its beginning and its end

    def _begin(self):
        timer = timers()
        if self.wait is None:
            self.wait = napper(timer)
        if timer is None:
            return
        self.timer = a_timer(timer)
        self.once = timer.ONE_SHOT
        try:  # hardware timers are few: without a guard if there is no other
            self.guard = timer(-1)
            self.guard.init(mode=timer.PERIODIC, period=_GUARD_MS, callback=self.come)
        except (ValueError, OSError):
            pass
        self.at = ticks_ms()
        if self.pin:
            irq = self.pin.irq(self.come, self.pin.IRQ_FALLING)
            self.trigger = getattr(irq, "trigger", None)
        self.stack.wake = self.flush
        self._arm(1)

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


def _tables(stack):
    if stack.tcp:
        yield stack.tcp.conns
    if stack.udp:
        yield stack.udp.nums


def attach(stack, wait=None, int_pin=None, resolver=None):
    """`stack` is the one that sockets use from now on; returns its `Loop`.

    wait(ms)   sleeps up to `ms`, less when the device has something; None: the board's own
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
