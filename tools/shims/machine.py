"""`machine` off the board: SPI and Pin wired to a chip model.

On CPython a program says `machine.wire(wiring)` first (tools/chips/spibus.py), and the model is
called directly. MicroPython's unix port has no such objects: there the model lives in the CPython
parent, and the octets go through a pipe that was inherited (tools/chips/server.py; the protocol is
in machine_pipe.py), and timers are a thread (machine_timer.py). Analog inputs and serial lines
have nothing behind them (machine_more.py).
"""

import sys

from machine_rtc import RTC
from machine_wdt import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET, WDT, WDT_RESET, reset_cause

if sys.implementation.name == "micropython":
    from machine_pipe import SPI, Pin, freq, idle, int_file, lightsleep, reset, unique_id
    from machine_timer import Timer
else:
    from machine_local import SPI, Pin, freq, idle, int_file, lightsleep, reset, unique_id, wire

from machine_more import ADC, UART

__all__ = [
    "ADC",
    "DEEPSLEEP_RESET",
    "HARD_RESET",
    "PWRON_RESET",
    "RTC",
    "SPI",
    "UART",
    "WDT",
    "WDT_RESET",
    "Pin",
    "Timer",
    "freq",
    "idle",
    "int_file",
    "lightsleep",
    "reset",
    "reset_cause",
    "unique_id",
    "wire",
]
