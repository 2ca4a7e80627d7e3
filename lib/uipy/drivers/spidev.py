"""What every Ethernet chip on SPI has in common: pins, views of the packet buffer, counters, the
bus hook.

A driver reads and writes the packet buffer without slices (a slice allocates): `views[k]` is the
first 128*k octets of it, `views[0]` the first 66; made once for a buffer and used until another
buffer comes. A transfer moves up to 127 octets too many, into room that counts for nothing on
either side.
"""

from micropython import const

from .mac import local_mac

_STEP = const(128)
# Most frames are of 60 octets. With the 2 before it and its CRC that makes 66: the read of such a
# frame ends where the next one starts.
_SMALL = const(66)
_LONGEST = const(12)  # steps: 1536 octets, above 2 + 1514


class SpiDevice:
    """Base of the SPI Ethernet drivers: the device contract's attributes and the small shared
    parts.

    `cs`, `int_pin` and `reset` are `machine.Pin` objects; `bus` see bus.py. `on_link`, when set,
    is called with True or False after the cable's state has changed.
    """

    l2 = 14  # octets of link header: Ethernet
    mtu = 1500  # octets of IP
    NAMES = ()  # of the counters, in the order of `stat`

    def __init__(self, spi, cs, int_pin, reset, mac, bus):
        self.mac = bytes(mac) if mac else local_mac()
        self.stat = [0] * len(self.NAMES)
        self.on_link = None
        self._write = spi.write  # bound once: taking a bound method allocates
        self._readinto = spi.readinto
        self._exchange = spi.write_readinto
        self._cs = cs
        self._int = self.look = int_pin
        self._rst = reset
        self._bus = bus
        self._held = False  # the shared bus is ours: set by _take, cleared by _give
        self._buf = None
        self._views = None
        self._where = "{}, cs {}".format(spi, cs)
        cs(1)

    def counters(self):
        """-> tuple of (name, value); allocates. `NAMES` and `stat` are the same without
        allocation."""
        return tuple([(self.NAMES[k], self.stat[k]) for k in range(len(self.stat))])

    def on_int(self, hook):
        """Calls `hook(pin)` from the interrupt at each falling edge of INT, to wake who sleeps.

        The driver itself never relies on an edge: it looks at the pin's level, and at the chip
        when the level lies.
        """
        self._int.irq(hook, self._int.IRQ_FALLING)

    def _count(self, k):
        self.stat[k] = (self.stat[k] + 1) & 0x3FFFFFFF

    def _see(self, buf):
        """Makes the views of a buffer that was not used before; allocates 20 octets a step."""
        whole = memoryview(buf)
        top = (len(buf) + _STEP - 1) // _STEP
        self._views = [whole[: k * _STEP or _SMALL] for k in range(min(top, _LONGEST) + 1)]
        self._room = min(len(buf), _LONGEST * _STEP) - 2
        self._buf = buf

    def _take(self):
        """-> True when the bus is ours, until `_give`."""
        if self._bus is None:
            return True
        self._held = self._bus.acquire()
        return self._held

    def _give(self):
        if self._bus is not None:
            self._held = False
            self._bus.release()
