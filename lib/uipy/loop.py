"""Who polls the stack while a program does something else.

    loop.attach(stack)                      one stack for the whole image
    loop.current().until(cond, 5000)        a wait drives the stack
    with loop.current():                    the background keeps its hands off
        ring.write(data, 0, n)

A program with sockets has no main loop of its own around `poll`. A wait polls, and between waits
the background does: a one-shot Timer, armed with what the last poll returned, and the INT pin ask
for a poll as soon as the interpreter stands between two bytecodes (a soft interrupt). Where there
is no `machine.Timer`, only waits poll.

**Every poll is a scheduled callback**, that of a wait too. MicroPython runs one of them at a time,
so that no callback of the program's can come into the middle of a poll, and one that waits polls
by itself: below it no poll can be under way.
"""

import time

import micropython
from micropython import const

from .kern import tadd, tdiff
from .net.datagram import BUSY
from .poll import ticks_ms

_EVERY_MS = const(5)  # between two looks at a device without INT
_BOUND_MS = const(1000)  # between two polls, with it
_FLUSH_MS = const(2)  # what was written leaves after this at the latest
_AGAIN_MS = const(2)  # a poll that could not be comes again
_QUEUE = const(8)  # callbacks that MicroPython keeps on a board
_MASK = const(0x3FFFFFFF)

the = None  # the Loop of this image


class NoStack(OSError):
    """errno 19 (ENODEV): no stack is attached."""


class Loop:
    """What `attach` made. `stack`; `polls`, `skips` and `starved` count the polls, those that had
    to come again later, and those that a full or locked heap ended."""

    def __init__(self, stack, wait, int_pin, resolver):
        self.stack = stack
        self.polls = self.skips = self.starved = 0
        self.held = 0  # how many `with` there are
        self.missed = False  # a poll was asked for meanwhile
        self.queued = False  # `come` is in the scheduler's queue
        self.turns = 0  # how often `come` was called
        self.caught = None  # what ended a poll in the background; for the next wait
        self.ms = 0  # what the last poll returned, bounded
        self.poll = stack.poll
        self.wait = wait
        self.ticks = getattr(wait, "ticks", ticks_ms)
        self.come = self._come  # bound once: binding takes heap
        self.timer = None
        self.at = 0  # when the timer fires
        self.pin = int_pin
        self.irq = None
        self.falling = 0
        self.every = _BOUND_MS if int_pin else _EVERY_MS
        self.make_resolver = resolver
        self.found = None
        self.todo = []  # what `defer` was given, f and arg in turns
        self.serve = self._serve

    @property
    def resolver(self):
        """The resolver for names, made when it is first asked for; None: there is none."""
        if self.found is None and self.make_resolver:
            self.found = self.make_resolver()
        return self.found

    # What sockets call

    def until(self, cond, ms):
        """Polls until cond() is true: True. False after `ms` milliseconds, < 0 is never. Raises a
        KeyboardInterrupt that came during a poll. Not inside `with`."""
        ticks = self.ticks
        began = ticks()
        while True:
            n = self.polls
            self.step()
            if cond():
                return True
            left = self.ms
            if ms >= 0:
                left = min(ms - tdiff(ticks(), began), left)
                if ms <= tdiff(ticks(), began):
                    return False
            if left > 0:
                self.wait(left)
                if self.polls - n > 1 and cond():  # the background has been here
                    return True

    def step(self):
        """One poll now. None while the background is kept away, and inside a poll."""
        stack = self.stack
        n = self.turns
        for _ in range(_QUEUE + 2):  # each turn the interpreter runs one callback of the queue
            if self.turns != n:
                break
            if not self.queued:
                self._queue()
        else:
            # None is run: this is one itself. So no other can come between.
            self._come(None)
        if self.caught:
            exc, self.caught = self.caught, None
            raise exc
        return stack

    def mark(self):
        """Something is to be sent: the background does it within 2 ms, a wait at once."""
        self._arm(_FLUSH_MS)

    def defer(self, f, arg):
        """f(arg), from the scheduler, when no poll is under way and no `with` holds it back. The
        same f and arg are called once, however often they were given meanwhile."""
        todo = self.todo
        for k in range(0, len(todo), 2):
            if todo[k] == f and todo[k + 1] is arg:
                return
        todo.append(f)
        todo.append(arg)
        if self.held:
            self.missed = True
        elif not self.stack.env[BUSY]:
            self._schedule(self.serve)

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
        """Called by the scheduler: for the timer, the pin, or a wait."""
        self.turns = (self.turns + 1) & _MASK
        self.queued = False
        if self.held or self.stack.env[BUSY]:
            self.missed = True
            self.skips = (self.skips + 1) & _MASK
            self._arm(_AGAIN_MS)
            return
        irq = self.irq
        if irq:
            irq.trigger(0)  # while frames are moved it would fill the queue
        try:
            ms = self.poll()
        except MemoryError:
            self.starved = (self.starved + 1) & _MASK
            ms = _AGAIN_MS
        except BaseException as exc:
            self.caught = exc
            ms = _AGAIN_MS
        self.polls = (self.polls + 1) & _MASK
        if irq:
            irq.trigger(self.falling)
            if not self.pin():  # the edge was missed
                ms = 0
        self.ms = ms
        self._arm(min(ms, self.every))
        if self.todo:
            self._schedule(self.serve)

    def _arm(self, ms):
        """The timer is to fire in `ms` at the latest."""
        timer = self.timer
        if timer is None:
            return
        now = ticks_ms()
        ms = max(ms, 1)
        left = tdiff(self.at, now)
        if left <= 0 or left > ms:
            self.at = tadd(now, ms)
            timer.init(mode=timer.ONE_SHOT, period=ms, callback=self.come)

    def _serve(self, source):
        """Called by the scheduler: what was deferred."""
        todo = self.todo
        while todo and not (self.held or self.stack.env[BUSY]):
            f = todo.pop(0)
            f(todo.pop(0))

    # Its beginning and its end

    def _begin(self):
        try:
            import machine

            timer = machine.Timer
        except (ImportError, AttributeError):
            timer = None
        if self.wait is None:
            self.wait = _napper(timer)
        if timer is None:
            return
        self.timer = timer(-1)
        self.at = tadd(ticks_ms(), -1)
        if self.pin:
            self.falling = self.pin.IRQ_FALLING
            self.irq = self.pin.irq(self.come, self.falling)
        self.stack.wake = self.mark
        self._arm(1)

    def _end(self):
        if self.timer:
            self.timer.deinit()
            self.timer = None
        if self.irq:
            self.pin.irq(None)
            self.irq = None
        if self.stack.wake == self.mark:
            self.stack.wake = None
        self.held = 1  # what is in the queue still finds nothing to do
        self.todo.clear()


def _napper(timer):
    """A wait of a millisecond at the most."""
    if timer:
        import machine

        idle = machine.idle
        return lambda ms: idle()
    sleep_ms = time.sleep_ms
    return lambda ms: sleep_ms(1)


def attach(stack, wait=None, int_pin=None, resolver=None):
    """`stack` is the one that sockets use from now on; returns its `Loop`.

    wait(ms)   sleeps up to `ms`, less when the device has something; None: the board's own
    int_pin    the chip's INT pin; without it the background looks every 5 ms
    resolver   a callable that makes a uipy.host.Resolver, called when a name is first asked for

    What touches the chip from outside (a look at its registers) stands in `with loop:` as well.
    """
    global the  # noqa: PLW0603
    detach()
    the = Loop(stack, wait, int_pin, resolver)
    the._begin()
    return the


def detach():
    """Nobody polls any more: the timer and the pin's interrupt are off."""
    global the  # noqa: PLW0603
    if the:
        the._end()
        the = None


def current():
    """The `Loop` that was attached. Raises `NoStack`."""
    if the is None:
        raise NoStack(19, "no network: make network.LAN(...) first")
    return the
