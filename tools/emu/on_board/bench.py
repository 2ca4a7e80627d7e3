"""Runs on the emulated RP2040, from its file system: a board whose every poll is measured.

ASK up tells the host that the board is about to poll, and the host puts the next frame into the
chip; MARK is up during the poll. The naps between let the chip finish what it transmits.
"""

import gc
import sys
import time

import machine

sys.path.insert(0, "/firmware")
firmware = __import__("main")  # firmware/main.py; this board's own main.py starts this script
config = __import__("config")

ASK, MARK = 26, 22
_NAP_MS = 3  # 1514 octets at 10 Mb/s take 1.2 ms


def start():
    """The board of firmware/main.py, and a page of 1 kB on port 81."""
    from uipy.apps import Page, Site

    config.clients = 2
    dev, _ = firmware.device(config)
    stack = firmware.build(dev, config)
    site = Site()
    site.add("/", Page(b"uipy" * 256))
    stack.listen(81, site, 2)
    return stack


def code_at():
    """The lowest address of a kernel's machine code: a function of viper is (type, context, child
    table, code). What lies above is heap, and code in the heap is a kernel's.
    """
    from uipy import kern

    names = ("csum", "copy", "same", "find", "u16", "put16", "sdiff", "sadd", "bump", "tdiff")
    return min(machine.mem32[id(getattr(kern, name)) + 12] & 0x7FFFFFFE for name in names)


def measure(poll):
    ask, mark = machine.Pin(ASK, machine.Pin.OUT), machine.Pin(MARK, machine.Pin.OUT)
    for _ in range(4):
        mark(1)
        mark(0)
    while True:
        ask(1)
        ask(0)
        mark(1)
        poll()
        mark(0)
        time.sleep_ms(_NAP_MS)


stack = start()
gc.collect()
print("heap", gc.mem_alloc(), gc.mem_free())
print("code", hex(code_at()))
print("go")
time.sleep_ms(100)  # until the host has heard it
measure(stack.poll)
