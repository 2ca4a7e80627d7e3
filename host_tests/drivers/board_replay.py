"""Runs under MicroPython: the driver on a recorded session, counting what it allocates.

The record (test_micropython.py) is a text file: the chip, the calls that a board made, and all
that the driver got back: the octets of SPI, the ticks, the INT pin. Prints the octets of heap that
the calls took, 0 if all is well; -1 tells that the session went another way than on CPython.
"""

import gc
import sys
from binascii import unhexlify


class Tape:
    """What comes back, in order."""

    def __init__(self, octets, ticks, levels):
        self.octets, self.ticks, self.levels = octets, ticks, levels
        self.o = self.t = self.l = 0

    # SPI

    def write(self, buf):
        pass

    def readinto(self, buf, write=0):
        for i in range(len(buf)):
            buf[i] = self.octets[self.o]
            self.o += 1

    def write_readinto(self, out, into):
        self.readinto(into)

    # time

    def ticks_ms(self):
        self.t += 1
        return self.ticks[self.t - 1]

    def ticks_diff(self, a, b):
        return a - b

    def ticks_add(self, a, b):
        return a + b

    def sleep_ms(self, n):
        pass

    # the INT pin

    def __call__(self):
        self.l += 1
        return self.levels[self.l - 1]


def pin(level=None):
    return 1


def play(dev, buf, calls):
    """-> frames received; a call is 0 receive, 1 can_send, n send n octets."""
    got = 0
    for n in calls:
        if n == 0:
            got += dev.recv_into(buf) > 0
        elif n == 1:
            dev.can_send()
        else:
            dev.send(buf, n)
    return got


def main():
    with open(sys.argv[1] if len(sys.argv) > 1 else "/tape.txt") as f:
        kind, octets, ticks, levels, warm, calls, frames = f.read().split("\n")
    tape = Tape(unhexlify(octets), [int(t) for t in ticks.split()], unhexlify(levels))
    name = "uipy.drivers." + ("enc28j60" if kind == "enc28j60" else "wiznet")
    driver = getattr(__import__(name, None, None, (kind.upper(),)), kind.upper())
    for name, module in sys.modules.items():
        if name.startswith("uipy.drivers.") and hasattr(module, "time"):
            module.time = tape
    dev = driver(tape, pin, tape, pin, mac=b"\x02\x00\x00\x28\x60\x01")
    buf = bytearray(1520)
    warm = [int(n) for n in warm.split()]
    calls = [int(n) for n in calls.split()]
    play(dev, buf, warm)
    before = gc.mem_alloc()
    got = play(dev, buf, calls)
    used = gc.mem_alloc() - before
    same = got == int(frames) and tape.o == len(tape.octets) and tape.t == len(tape.ticks)
    print("allocated", used if same else -1)


main()
