"""Calls of a program's own, by the stack's clock: `stack.every` and `stack.after`.

    blink = stack.every(500, led.toggle)        blink.cancel()
    stack.after(3000, say_hello)                once

All of them are made inside `stack.poll`, one behind the other and never in one another: no call
waits in a timer, and `poll` in one raises `Reentered`. `poll` returns the ms until the next one is
due, if nothing else is earlier; so who sleeps that long is never late.

The rhythm holds: a call that came late (a long callback, a slow page) does not move the next one.
What was missed meanwhile is not made up for: however many are overdue, it is one call.

A call that raises is told as any callback's is (`stack.on_error`), and the timer goes on: a sensor
that fails once does not end the measuring.

The table is of fixed size, 8 timers of 80 octets unless `Timers(stack, rows=...)` was made before
the first of them.
"""

from micropython import const

from .errors import Error, TableFull
from .kern import tadd, tdiff
from .net.datagram import FAR

_ROWS = const(8)
_NEW = const(-1)  # in place of a time: it begins with the next poll


class Timer:
    """What `every` and `after` return."""

    def __init__(self, timers, ms, f, once):
        self.timers = timers
        self.ms = ms
        self.f = f
        self.once = once
        self.at = _NEW

    def cancel(self):
        """There are no more calls, and its place in the table is free. What has been cancelled,
        or is over, stays so."""
        rows = self.timers.rows
        for i in range(len(rows)):
            if rows[i] is self:
                rows[i] = None

    @property
    def active(self):
        """True while there are calls to come."""
        return self in self.timers.rows


class Timers:
    """The timers of a stack, at most `rows` at a time. Made by the first `stack.every`, or before
    it by who wants another number of them; raises `Error` when the stack has some already."""

    def __init__(self, stack, rows=_ROWS):
        if _found(stack):
            raise Error("the stack has its timers: Timers(stack, rows) before the first of them")
        self.stack = stack
        self.rows = [None for _ in range(rows)]
        self.at = stack.now  # when the next one is due; it may be early and is never late
        stack.layers.insert(0, self)  # what a call sends leaves with the same poll

    def add(self, ms, f, once):
        """A timer in a free place."""
        if not callable(f):
            raise Error("what is to be called is wanted, such as led.toggle: without parentheses")
        rows = self.rows
        for i in range(len(rows)):
            if rows[i] is None:
                timer = rows[i] = Timer(self, ms, f, once)  # type: ignore[call-overload]
                self.at = self.stack.now
                self.stack.wake_up()
                return timer
        raise TableFull(
            "%d timers run: cancel() one, or Timers(stack, rows=...) before the first" % len(rows)
        )

    # As a layer of the stack

    def output(self, now):
        """Makes the calls that are due; has no frame of its own."""
        if tdiff(now, self.at) >= 0:
            self._run(now)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        return max(0, tdiff(self.at, now))

    def _run(self, now):
        rows = self.rows
        for i in range(len(rows)):
            timer = rows[i]
            if timer is not None:
                if timer.at == _NEW:
                    timer.at = tadd(now, timer.ms)
                if tdiff(now, timer.at) >= 0:
                    self._call(i, timer, now)
        left = FAR
        for timer in rows:
            if timer is not None:
                left = min(left, 0 if timer.at == _NEW else tdiff(timer.at, now))
        self.at = tadd(now, left)

    def _call(self, i, timer, now):
        # Before the call: what it raises, or cancels, finds the table in order.
        if timer.once:
            self.rows[i] = None
        else:
            late = tdiff(now, timer.at)
            timer.at = tadd(timer.at, late - late % timer.ms + timer.ms)
        try:
            timer.f()
        except Exception as exc:
            self.stack.failed(exc)


def _found(stack):
    for layer in stack.layers:
        if isinstance(layer, Timers):
            return layer
    return None


def start(stack, ms, f, once):
    """A timer of this stack: f() in `ms` milliseconds, and then every `ms` unless `once`. Raises
    `ValueError` for a time that cannot be waited for."""
    if not (0 if once else 1) <= ms <= FAR:
        raise ValueError("a time is in ms: 1 to 2**28 (3 days), 0 as well if it is once")
    return (_found(stack) or Timers(stack)).add(ms, f, once)
