"""Runs under MicroPython: packets of all sizes through the SLIP driver and back, counting the heap
that it takes. Prints "allocated 0 packets N" if all is well.

The line is a loop: what the driver sends comes in again, octets that need an escape included.
"""

import gc

import micropython
from uipy.drivers.slip import Slip

PACKETS = 100


class Loop:
    """A stream whose far end is its own; takes at most 50 octets at a time."""

    def __init__(self, size):
        self.ring = bytearray(size)
        self.r = self.w = 0

    def any(self):
        return (self.w - self.r) % len(self.ring)

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = self.ring[self.r]
            self.r = (self.r + 1) % len(self.ring)
        return len(buf)

    def write(self, buf):
        n = min(len(buf), 50)
        for i in range(n):
            self.ring[self.w] = buf[i]
            self.w = (self.w + 1) % len(self.ring)
        return n


def once(dev, buf, n):
    """A packet of n octets, there and back -> 1 when it came back as it went."""
    for i in range(n):
        buf[2 + i] = (0xBE + i * 7) & 0xFF
    dev.send(buf, n)
    got = 0
    while not dev.can_send():
        pass
    for i in range(2 + n):
        buf[i] = 0
    while not got:
        got = dev.recv_into(buf)
    for i in range(n):
        if buf[2 + i] != (0xBE + i * 7) & 0xFF:
            return 0
    return got == n


def run(dev, buf):
    good = 0
    for k in range(PACKETS):
        good += once(dev, buf, 20 + k * 5)
    return good


def main():
    dev = Slip(Loop(4096), mtu=576)
    buf = bytearray(2 + 576 + 4)
    once(dev, buf, 60)
    locked = hasattr(micropython, "heap_lock")
    before = gc.mem_alloc()
    if locked:
        micropython.heap_lock()
    good = run(dev, buf)
    if locked:
        micropython.heap_unlock()
    print("allocated", gc.mem_alloc() - before, "packets", good)


main()
