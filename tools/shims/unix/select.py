"""`select` for a program that runs as a board's on MicroPython's unix port: a poll calls what is
scheduled meanwhile, as on a board. The port's own does not, and so asyncio would not."""

# mypy: ignore-errors
# Runs on MicroPython only.
import time

import uselect
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT  # noqa: F401

_SLICE_MS = 2


class poll:
    def __init__(self):
        self._poll = uselect.poll()
        self.register = self._poll.register
        self.unregister = self._poll.unregister
        self.modify = self._poll.modify

    def ipoll(self, ms=-1, flags=0):
        if ms is None:
            ms = -1
        until = time.ticks_add(time.ticks_ms(), max(ms, 0))
        while True:
            left = time.ticks_diff(until, time.ticks_ms()) if ms >= 0 else _SLICE_MS
            found = False
            for pair in self._poll.ipoll(min(max(left, 0), _SLICE_MS), flags):
                found = True
                yield pair
            if found or (ms >= 0 and left <= 0):
                return

    def poll(self, ms=-1):
        return [tuple(pair) for pair in self.ipoll(ms)]
