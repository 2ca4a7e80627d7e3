"""An SPI bus shared with other chips, such as an SD card."""


class SharedBus:
    """The hook that a driver calls around each batch of transactions: `acquire()` and `release()`.

    `acquire` -> True when the bus is ours and runs at our clock and mode; False when someone else
    is in the middle of something: the driver then does nothing in this call and comes back in the
    next. `lock` is any object with `acquire(False)` and `release()` (`_thread.allocate_lock()`);
    None when only the clock and mode differ. The other user of the bus holds the same lock.
    Neither call allocates.
    """

    def __init__(self, spi, baudrate=10_000_000, polarity=0, phase=0, lock=None):
        self._spi = spi
        self._baudrate = baudrate
        self._polarity = polarity
        self._phase = phase
        self._lock = lock

    def acquire(self):
        """Takes the bus and sets it as this device wants it; False when it is somebody else's."""
        if self._lock is not None and not self._lock.acquire(False):
            return False
        self._spi.init(baudrate=self._baudrate, polarity=self._polarity, phase=self._phase)
        return True

    def release(self):
        """Gives the bus back."""
        if self._lock is not None:
            self._lock.release()


def on_shared_bus(move, bus, stat, dropped):
    """A driver's generator, of which `move` is the `send`, with the bus taken around each step.

    While the bus is someone else's, nothing comes in, the transmitter is not free, and what is to
    be sent is lost: counter `dropped` of `stat` tells.
    """
    n = 0
    while True:
        m = yield n
        n = 0
        if bus.acquire():
            try:
                n = move(m)
            finally:
                bus.release()
        elif m and (m > 0 or m < -2):
            stat[dropped] = (stat[dropped] + 1) & 0x3FFFFFFF
