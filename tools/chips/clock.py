"""The clocks that a chip model can run on: callables that return nanoseconds."""

import time


class VirtualClock:
    """Time that passes only when told to: by SPI transfers, by sleeping, by a test."""

    def __init__(self, start_ms=0):
        self.ns = start_ms * 1_000_000

    def __call__(self):
        return self.ns

    def advance(self, ns):
        self.ns += ns

    def advance_ms(self, ms):
        self.ns += int(ms * 1_000_000)


class VirtualTime:
    """MicroPython's `time` on a VirtualClock: stands in for the driver's `time`."""

    def __init__(self, clock):
        self.clock = clock

    def ticks_ms(self):
        return self.clock.ns // 1_000_000 & 0x3FFFFFFF

    def ticks_us(self):
        return self.clock.ns // 1_000 & 0x3FFFFFFF

    @staticmethod
    def ticks_diff(a, b):
        return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    @staticmethod
    def ticks_add(a, n):
        return (a + n) & 0x3FFFFFFF

    def sleep_ms(self, n):
        self.clock.advance(n * 1_000_000)

    def sleep_us(self, n):
        self.clock.advance(n * 1_000)


real = time.monotonic_ns
