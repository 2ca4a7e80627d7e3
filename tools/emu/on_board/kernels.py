"""Runs on the emulated RP2040: stands still at a call, where the host (emu/direct.py) lets the
processor run one kernel after the other.
"""

import sys
import time
from array import array

import machine
import uctypes
from uipy.kern import tadd

for name in ("uipy.apps", "uipy.drivers.enc28j60", "uipy.drivers.wiznet", "status"):
    try:
        __import__(name)
    except ImportError:  # not in this image
        pass

MARK = 22


def known(n):
    """Its call is where the host takes over."""
    return n


arena = bytearray(16384)
samples = (None, False, True, bytearray(4), array("H", [0]), array("i", [0]))
mark = machine.Pin(MARK, machine.Pin.OUT)
for name in sys.modules:
    print("module", name, hex(id(sys.modules[name].__dict__)))
print("here", hex(id(known)), hex(id(tadd)), hex(uctypes.addressof(arena)), hex(id(samples)))
time.sleep_ms(200)  # until the host has heard it
mark(1)
while True:
    known(1)
