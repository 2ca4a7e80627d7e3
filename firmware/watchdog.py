"""The watchdog (`watchdog` in config.py): a board that hangs, or has lost its chip, is reset.

It is fed while the stack lives: `look` is called four times a second from `poll`, in the
background too, and feeds unless

    the chip has answered before, and has not for 1.5 s (the driver looks for it all the time)
    the program has promised to call `alive()` and has not

A program says `watchdog.promise(30)` for the latter, since the stack is polled between its lines
even when it goes round in circles. `stop()` is for the prompt: guard() calls it after Ctrl-C.
"""

import sys
import time

from uipy.kern import tdiff
from uipy.port import a_timer, timers

_LOOK_MS = 250
_LOST_MS = 1500  # drivers look for a chip every 0.5 or 0.6 s
_CTRL = {"RP2040": 0x40058000, "RP2350": 0x400D8000}  # WATCHDOG: CTRL of these
_CLEAR = 0x3000  # writing there clears bits
_ENABLE = 0x40000000

the = None


class Dog:
    """Watches `stack`; the board is reset after so many seconds without food."""

    def __init__(self, stack, seconds):
        from machine import WDT

        dev = stack.ifaces[0].dev
        names = getattr(dev, "NAMES", ())
        self.stat = dev.stat if "no_chip" in names else [0]
        self.k = names.index("no_chip") if "no_chip" in names else 0
        self.stack = stack
        self.seconds = seconds
        self.misses = self.stat[self.k]
        self.missed_at = self.alive_at = stack.now
        self.known = False  # the chip has answered
        self.ms = 0  # what the program has promised; 0: nothing
        self.over = False  # nothing feeds any more
        self.wdt = WDT(timeout=1000 * seconds)
        self.timer = stack.every(_LOOK_MS, self.look)

    def look(self):
        now = self.stack.now
        if self.misses != self.stat[self.k]:
            self.misses = self.stat[self.k]
            self.missed_at = now
        answers = tdiff(now, self.missed_at) >= _LOST_MS
        self.known = self.known or answers
        lost = self.known and not answers
        late = self.ms and tdiff(now, self.alive_at) > self.ms
        if not (self.over or lost or late):
            self.wdt.feed()


def guard(work, stack, seconds):
    """-> work(), watched, and what is behind it if it says True. After Ctrl-C the watchdog is
    stopped, for somebody is there; after any other exception the board is reset, unless Ctrl-C
    is pressed before."""
    global the  # noqa: PLW0603
    the = Dog(stack, seconds)
    try:
        more = work()
    except KeyboardInterrupt:
        stop()
        raise
    except Exception as exc:
        stack.failed(exc)
        print("the watchdog starts the board again in %d s; Ctrl-C keeps the prompt" % seconds)
        return bite()
    if not more:
        stop()
    return more


def bite():
    """Feeds no more, until the board is reset or Ctrl-C stops that -> True."""
    dog = the
    dog.over = True
    try:
        for _ in range(dog.seconds + 2):
            time.sleep(1)
        from machine import reset

        reset()
    except KeyboardInterrupt:
        stop()
    return True


def promise(seconds):
    """The program will call `alive()` at least every so many seconds; 0: it promises nothing."""
    if the:
        the.ms = 1000 * seconds
        alive()


def alive():
    """The program goes on as it should."""
    if the:
        the.alive_at = the.stack.now


def stop():
    """Nobody is watched any more. Where the watchdog cannot be stopped, a timer feeds it, until a
    soft reset ends that."""
    global the
    dog, the = the, None
    if dog:
        dog.timer.cancel()
    at = _CTRL.get(getattr(sys.implementation, "_machine", "").split(" with ")[-1])
    if at:
        import machine

        machine.mem32[at + _CLEAR] = _ENABLE  # type: ignore[attr-defined]
    elif dog and timers():
        dog.timer = a_timer(timers())
        feed = dog.wdt.feed
        dog.timer.init(mode=timers().PERIODIC, period=_LOOK_MS, callback=lambda t: feed())
