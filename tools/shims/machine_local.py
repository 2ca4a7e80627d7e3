"""`machine` on CPython: the chip model is an object of this process.

`wire(wiring)` says what hangs on the bus and the pins; without it a pin is a variable and there is
no SPI. Also gives `time` the `ticks_*` and `sleep_*` that drivers use.
"""

import os
import sys
import time

from chips import spibus

_wiring = None
int_file = None  # something to select on until INT falls; here the program drives the model itself


def wire(wiring):
    global _wiring
    _wiring = wiring


class _Loose:
    """Pins that lead nowhere."""

    def __init__(self):
        self.levels = {}
        self.handlers = {}

    def pin_in(self, n):
        return self.levels.get(n, 1)

    def pin_out(self, n, level):
        self.levels[n] = level


_loose = _Loose()


class Pin(spibus.Pin):
    def __init__(self, n, mode=-1, pull=-1, value=None, **kw):
        super().__init__(_wiring or _loose, n, mode, pull, value)


class SPI(spibus.SPI):
    def __init__(self, id=0, baudrate=10_000_000, **kw):
        if _wiring is None:
            raise OSError("no chip on the SPI: call machine.wire(wiring) first")
        super().__init__(_wiring, id, baudrate)


def unique_id():
    return os.environ.get("UIPY_UNIQUE_ID", "uipy-host").encode()


def freq(*a):
    return 125_000_000


def idle():
    pass


def lightsleep(ms=0):
    time.sleep(ms / 1000)


def reset():
    sys.exit(0)


def _ticks(name, per_second):
    def ticks():
        return int(time.monotonic() * per_second) & 0x3FFFFFFF

    ticks.__name__ = name
    return ticks


def _micropython_time():
    """Adds what MicroPython's `time` has and CPython's has not."""
    have = {
        "ticks_ms": _ticks("ticks_ms", 1000),
        "ticks_us": _ticks("ticks_us", 1_000_000),
        "ticks_diff": lambda a, b: ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000,
        "ticks_add": lambda a, n: (a + n) & 0x3FFFFFFF,
        "sleep_ms": lambda n: time.sleep(n / 1000),
        "sleep_us": lambda n: time.sleep(n / 1_000_000),
    }
    for name, f in have.items():
        if not hasattr(time, name):
            setattr(time, name, f)


_micropython_time()
