"""Cycles between the edges of a pin of the emulated board, and what they come to: cycles.py."""

import statistics
from typing import NamedTuple

from emu.meter import MARK

from exchanges import FIRST, N

_WINDOWS = 2 * (FIRST + N)  # of a case as it is: two of an exchange


class Count(NamedTuple):
    """Cycles of an exchange: the median, the most less the least, and the median when the front
    of the heap is taken.
    """

    cycles: int
    spread: int
    full: int


class Edges:
    """Cycles between the edges of MARK."""

    def __init__(self, mcu):
        self.windows = []
        self._core = mcu.core
        self._from = None
        mcu.chip.gpio[MARK].add_listener(self._edge)

    def _edge(self, state, before):
        if state == 1:
            self._from = self._core.cycles
        elif self._from is not None:
            self.windows.append(self._core.cycles - self._from)
            self._from = None

    def count(self):
        """-> Count; an exchange is two windows, `ask` and `give` of base.py."""
        w = self.windows
        if len(w) != 3 * _WINDOWS:
            raise ValueError("%d windows instead of %d" % (len(w), 3 * _WINDOWS))
        pairs = [a + b for a, b in zip(w[::2], w[1::2], strict=True)]
        full, free, alone = (pairs[k + FIRST : k + FIRST + N] for k in range(0, 42, FIRST + N))
        rest = round(statistics.median(alone))
        return Count(
            round(statistics.median(free)) - rest,
            max(free) - min(free),
            round(statistics.median(full)) - rest,
        )
