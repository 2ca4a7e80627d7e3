"""What loop.py needs of the port of MicroPython that it runs on: timers, a nap, the size of the C
stack, an interrupt from the keyboard.
"""

import io
import os
import time

import micropython


def timers():
    """machine.Timer, or None."""
    try:
        from machine import Timer
    except ImportError:
        return None
    return Timer


def a_timer(timer):
    """A timer of software, or else the last one of the chip's. Raises OSError (ENOMEM)."""
    for number in (-1, 3, 1):
        try:
            return timer(number)
        except ValueError:
            pass
    raise OSError(12, "no machine.Timer is free")


def napper(timer):
    """A wait of a millisecond at the most. On a board an interrupt ends it."""
    if timer:
        from machine import idle

        return lambda ms: idle()
    sleep_ms = time.sleep_ms
    return lambda ms: sleep_ms(1)


def stack_limit():
    """How many octets of the C stack can be taken: tried out. 0: nobody counts them."""
    most = [micropython.stack_use()]
    if most[0]:
        try:
            _dive(most)
        except RuntimeError:
            pass
    return most[0]


def _dive(most):
    most[0] = micropython.stack_use()
    _dive(most)


class Key(io.IOBase):
    """A terminal on which Ctrl-C can be typed, where there are such (`os.dupterm`). A scheduled
    callback has swallowed one; so the interpreter is told of it once more, and raises it in the
    program when the callback has ended."""

    def __init__(self):
        self.works = hasattr(os, "dupterm_notify")
        self.typed = 0
        self.owed = False  # the program is to be told

    def press(self, arg):
        # No jump behind dupterm_notify: at one it would be raised here.
        if not self.owed:
            return
        self.typed = 1
        before = os.dupterm(self, 0)
        self.owed = False
        os.dupterm_notify(None)
        os.dupterm(before, 0)

    def readinto(self, buf):
        if not self.typed:
            return None
        self.typed = 0
        buf[0] = 3
        return 1

    def write(self, buf):
        return len(buf)

    def ioctl(self, request, arg):
        return 0
