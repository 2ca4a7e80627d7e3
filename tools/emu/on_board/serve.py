"""Runs on the emulated RP2040: the board of firmware/main.py as it is, after the calls from which
the tracer learns.
"""

import gc
import sys

import machine

sys.path.insert(0, "/firmware")
from uipy.kern import tadd

firmware = __import__("main")  # firmware/main.py; this board's own main.py starts this script

MARK = 22


def known(n):
    """What the tracer watches being called."""
    return n


table = {}
mark = machine.Pin(MARK, machine.Pin.OUT)
print("code", " ".join(hex(x) for x in (0, 0, id(known), id(tadd), id(table))))
print("go")
__import__("time").sleep_ms(100)  # until the host has heard it
mark(1)
known(1)
table.get(1)
mark(0)
gc.collect()
firmware.main()
