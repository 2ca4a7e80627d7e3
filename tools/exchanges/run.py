"""Counts what an exchange costs, together with count.py, which counts from outside: runs under
MicroPython.

    run.py [CASE...]

Each exchange is had a few times, then N times while it counts, then N times more with the stack
left out: the difference is the stack's, the part's and the callback's. `time.mktime`, which nobody
else calls, says where one count ends and the next begins. For each case a line is printed: its
name, and how many of the exchanges did what they are for.
"""

import gc
import sys
import time

from exchanges import FIRST, N, host, web
from exchanges.base import rounds

NEW_YEAR = (2026, 1, 1, 0, 0, 0, 0, 0, 0)


def mark():
    """A count begins, or ends."""
    time.mktime(NEW_YEAR)


def counted(case):
    gc.collect()
    gc.disable()  # the collector counts for nobody
    mark()
    rounds(case, N)
    mark()
    gc.enable()


def measure(name, kind):
    case = kind()
    rounds(case, FIRST)
    counted(case)
    case.check(FIRST + N)
    case.alone()
    counted(case)
    print(name, FIRST + N)


def main(names):
    for name, kind in host.CASES + web.CASES:
        if not names or name in names:
            measure(name, kind)


if __name__ == "__main__":
    main(sys.argv[1:])
