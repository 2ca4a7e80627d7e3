"""Has an exchange on the emulated RP2040, MARK up while the board works: cycles.py looks at the
clock. Three times FIRST + N:

    `hole` taken    the heap is as the parts have left it
    `hole` free     MicroPython finds room at the front of the heap
    case.alone()    what is not the board's, to be taken off
"""

# mypy: disable-error-code="attr-defined"

import gc
import sys
import time

import machine

from exchanges import FIRST, PINS, N, host, web
from exchanges.base import rounds

MARK = 22  # GPIO number, as in emu/meter.py


def main(hole):
    print("machine", sys.version.split("; ")[-1])
    print("go")
    time.sleep_ms(100)  # until the host has heard it
    pins = [machine.Pin(k, machine.Pin.IN).value() for k in PINS]
    case = sum([pin << k for k, pin in enumerate(pins)])
    mark = machine.Pin(MARK, machine.Pin.OUT)
    collect = gc.collect

    def up():
        collect()
        mark(1)

    def down():
        mark(0)

    case = (host.CASES + web.CASES)[case][1]()
    rounds(case, FIRST + N, up, down)
    hole[0] = None
    rounds(case, FIRST + N, up, down)
    case.check(2 * (FIRST + N))
    case.alone()
    rounds(case, FIRST + N, up, down)
    print("done")
