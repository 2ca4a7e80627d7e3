"""Runs on the emulated RP2040, from its file system: a board whose every poll is measured.

ASK up tells the host that the board is about to poll, and the host puts the next frame into the
chip; MARK is up during the poll. The naps between let the chip finish what it transmits.
"""

import gc
import sys
import time

import machine

sys.path.insert(0, "/firmware")
from uipy.kern import tadd

firmware = __import__("main")  # firmware/main.py; this board's own main.py starts this script
config = __import__("config")

ASK, MARK = 26, 22
_RAM, _RAM_END = 0x20000000, 0x20040000
_LONGEST = 8192  # octets of code of the last kernel, at most
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


def code():
    """Between which addresses machine code of kernels lies: a function of viper is (type, context,
    child table, code). From the file system its code is in the heap, as nothing else that runs;
    frozen it lies among the constants of the image, where nothing else runs either.
    """
    viper, found = type(tadd), []
    for name in list(sys.modules):
        for f in sys.modules[name].__dict__.values():
            if type(f) is viper:
                found.append(machine.mem32[id(f) + 12] & 0x7FFFFFFE)
    in_ram = min(found) >= _RAM
    return min(found), _RAM_END if in_ram else max(found) + _LONGEST


def known(n):
    """What the tracer watches being called."""
    return n


def measure(poll):
    ask, mark = machine.Pin(ASK, machine.Pin.OUT), machine.Pin(MARK, machine.Pin.OUT)
    for _ in range(4):
        mark(1)
        mark(0)
    mark(1)
    known(1)
    table.get(1)
    mark(0)
    while True:
        ask(1)
        ask(0)
        mark(1)
        poll()
        mark(0)
        time.sleep_ms(_NAP_MS)


stack = start()
table = {}
gc.collect()
print("heap", gc.mem_alloc(), gc.mem_free())
print("code", " ".join(hex(x) for x in code() + (id(known), id(tadd), id(table))))
print("go")
time.sleep_ms(100)  # until the host has heard it
measure(stack.poll)
