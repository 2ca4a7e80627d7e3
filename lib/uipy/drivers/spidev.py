"""What every Ethernet chip on SPI has in common: pins, views of the packet buffer, counters, the
bus hook, and the four methods of a device as shells on its generator.

A driver reads and writes the packet buffer without slices (a slice allocates). `views(buf)` are
views of its beginning, made once for a buffer: indices 0 and 1, which are the driver's, and a
frame of n octets, in steps of 16 and then of 128:

    n <= 240     views[(n + 15) >> 4]          2 + n octets and up to 15 more
    n > 240      views[((n + 127) >> 7) + 14]  2 + n octets and up to 127 more, if `buf` has them

What is too much is room that counts for nothing on either side. (A frame of 60 octets with the 2
before it and its CRC makes 66, which is a view.)
"""

from micropython import const

from .mac import local_mac

_FINE = const(16)
_FINE_VIEWS = const(16)
_COARSE = const(128)
_MOST = const(1536)  # octets of a frame: twelve coarse steps


def views(buf):
    """-> list of 27 memoryviews; allocates 20 octets for each."""
    whole = memoryview(buf)
    return [whole[: 2 + k * _FINE] for k in range(_FINE_VIEWS)] + [
        whole[: 2 + k] for k in range(2 * _COARSE, _MOST + 1, _COARSE)
    ]


class SpiDevice:
    """Base of the SPI Ethernet drivers: all of the device contract but `frames` and `link_up`.

    `cs`, `int_pin` and `reset` are `machine.Pin` objects; `bus` see bus.py. `on_link`, when set,
    is called with True or False after the cable's state has changed; it runs within a step of
    `frames` and moves no frames itself.
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
        self._buf = None  # the buffer that the four methods were called with last, ...
        self._move = None  # ... and `send` of the generator for it
        self._views = None
        self._where = "{}, cs {}".format(spi, cs)
        cs(1)

    # The four methods. `frames(buf)` of a chip's class is what does the work.

    def recv_into(self, buf):
        """-> octets of the next frame, now at buf[2:]; 0 = none. Never blocks; a frame that does
        not fit is dropped and counted."""
        if buf is not self._buf:
            self._renew(buf)
        return self._ask(-2)

    def can_send(self):
        """-> True when `send` may be called. Each driver has a bound for how long it stays
        False."""
        return self._buf is None or self._ask(-1) == 1

    def send(self, buf, n):
        """Sends the n octets at buf[2:]; the chip pads and appends the CRC. buf[0] and buf[1] are
        overwritten.

        Without a chip, or when the bus is someone else's, the frame is lost and counted.
        """
        if buf is not self._buf:
            self._renew(buf)
        self._ask(-n)

    def _ask(self, m):
        try:
            return self._move(m)
        except StopIteration:  # an exception has ended it
            self._renew(self._buf)
            return self._move(m)

    def _renew(self, buf):
        self._buf = buf
        self._move = self.frames(buf).send  # type: ignore[attr-defined]
        self._move(None)

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
        """Makes the views of a buffer that was not used before; allocates 560 octets."""
        self._views = views(buf)
        self._room = min(len(buf) - 2, _MOST)
        self._buf = buf

    def _take(self):
        return self._bus is None or self._bus.acquire()

    def _give(self):
        if self._bus is not None:
            self._bus.release()
