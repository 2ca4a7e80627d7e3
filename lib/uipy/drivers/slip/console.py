"""The console's USB CDC (or UART) as a serial line for SLIP: for a board with one USB cable and
nothing else.

The REPL shares it: start from boot.py or main.py, and do not print. Ctrl-C is an octet like any
other while it runs.
"""

import select
import sys

import micropython


class Console:
    """A stream with `any`, `readinto` and `write` that does not block on reading."""

    def __init__(self):
        micropython.kbd_intr(-1)
        self._in = sys.stdin.buffer
        self.readinto = self._in.readinto  # type: ignore[union-attr]  # in no stub
        self.write = sys.stdout.buffer.write
        self._poll = select.poll()
        self._poll.register(self._in, select.POLLIN)

    def any(self):
        """-> 1 when an octet can be read, else 0."""
        for _ in self._poll.ipoll(0):
            return 1
        return 0

    def close(self):
        """Gives Ctrl-C back."""
        micropython.kbd_intr(3)
