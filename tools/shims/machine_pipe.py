"""`machine` on MicroPython's unix port: SPI and pins through a pipe to the CPython parent.

The parent (tools/chips/server.py) has the chip model and starts us with two inherited descriptors:

    UIPY_SPI_FD   a stream socket, both ways
    UIPY_INT_FD   a stream socket, from the parent: the levels of watched pins

What goes to the parent (lengths are 2 octets, little-endian):

    1 pin level            output pin (chip select, reset)             no answer
    2 pin                  read a pin                                  1 octet
    3 length octets        SPI write                                   no answer
    4 length fill          SPI readinto                                `length` octets
    5 length octets        SPI write_readinto                          `length` octets
    6 hertz (4 octets)     SPI clock                                   no answer
    7 pin                  watch this pin: levels to UIPY_INT_FD       no answer

and on UIPY_INT_FD pairs of (pin, level), the first at once. An octet on UIPY_INT_FD, from us: what
was not whole is to be forgotten; (255, 255) comes back. Messages without an answer are kept
back until an answer is needed, a watched pin is read, the buffer is full or a long write has
ended, so that a frame costs few system calls. A level change that an answered transfer caused is
on UIPY_INT_FD before the answer is on UIPY_SPI_FD. Looking at a watched pin costs one `poll` of 0
ms and no round trip. Whoever sleeps does it in `lightsleep(ms)`, which returns when a watched pin
changes, or selects on `int_file`. Nothing here allocates in a transfer or when a pin is read.

Without the two descriptors there is no SPI, and a pin is a variable; so is one with a name.
"""

# mypy: ignore-errors
# Runs on MicroPython only.
import os
import select
import sys

from micropython import const, schedule

_OUT, _IN, _WRITE, _READ, _EXCHANGE, _HERTZ, _WATCH = range(1, 8)
_ROOM = const(512)
_SHORT = const(32)

_pipe = int_file = None
if os.getenv("UIPY_SPI_FD"):
    _pipe = open(int(os.getenv("UIPY_SPI_FD")), "r+b")  # noqa: SIM115
    int_file = open(int(os.getenv("UIPY_INT_FD")), "r+b")  # noqa: SIM115

_out = bytearray(_ROOM)
_poller = select.poll()
if int_file:
    _poller.register(int_file, select.POLLIN)
for _ in _poller.ipoll(0):  # makes the tuple that ipoll uses ever after
    pass
_pair = bytearray(2)
_one = bytearray(1)
_levels = bytearray(b"\x01" * 256)
_watched = bytearray(256)
_late = bytearray(256)  # pins that were set during a transfer
_handlers = {}
_draining = bytearray(1)
_names = {}  # of pins: their numbers here


class _Queue:
    """Octets kept back."""

    def __init__(self):
        self.n = 0
        self.busy = False  # a transfer is under way
        self.late = False  # and pins wait for its end

    def put(self, a, b, c):
        if self.n > _ROOM - 3:
            self.flush()
        n = self.n
        _out[n] = a
        _out[n + 1] = b
        _out[n + 2] = c
        self.n = n + 3

    def put1(self, a):
        if self.n >= _ROOM:
            self.flush()
        _out[self.n] = a
        self.n += 1

    def flush(self):
        if self.n:
            _pipe.write(_out, self.n)
            self.n = 0

    def octets(self, buf):
        """A short one is copied, a long one goes out by itself."""
        if len(buf) > _SHORT:
            self.flush()
            _pipe.write(buf)
            return
        for b in buf:
            self.put1(b)


class _Nowhere:
    """What is written to the pipe where there is none: pins are variables."""

    busy = False

    def put(self, a, b, c):
        pass

    def put1(self, a):
        pass

    def flush(self):
        pass


_queue = _Queue() if _pipe else _Nowhere()


def _drain(ms):
    """Takes in the levels that changed; waits `ms` for the first. What the scheduler calls in the
    middle of it finds the levels as they were."""
    _queue.flush()
    if _draining[0]:
        return
    _draining[0] = 1
    try:
        ready = False
        for _ in _poller.ipoll(ms):
            ready = True
        while ready:
            if int_file.readinto(_pair) != 2:
                sys.exit(0)  # the parent is gone
            _take(_pair[0], _pair[1])
            ready = False
            for _ in _poller.ipoll(0):
                ready = True
    finally:
        _draining[0] = 0


def _take(n, level):
    old = _levels[n]
    _levels[n] = level
    if n in _handlers and old != level:
        pin, handler, trigger = _handlers[n]
        if trigger & (1 if level else 2):
            try:
                schedule(handler, pin)  # a soft interrupt, as on a board
            except RuntimeError:  # the queue is full
                pass


def _read(buf):
    _queue.flush()
    if _pipe.readinto(buf) != len(buf):
        sys.exit(0)  # the parent is gone


def _begin():
    """A transfer begins. Ctrl-C may have broken off the one before at any point: then the parent
    forgets it, and selects the chip no more."""
    if _queue.busy:
        _queue.n = 0
        int_file.write(b"\x01")
        _pipe.write(b"\x00")  # so that it looks
        while int_file.readinto(_pair) == 2 and _pair[0] != 255:
            _take(_pair[0], _pair[1])
        answer = select.poll()
        answer.register(_pipe, select.POLLIN)
        while answer.poll(0):
            _pipe.readinto(_one)
        _end()
    _queue.busy = True


def _end():
    """A transfer has ended. Pins that a callback has set meanwhile are set."""
    _queue.busy = False
    if _queue.late:
        _queue.late = False
        for n in range(256):
            if _late[n]:
                _late[n] = 0
                _queue.put(_OUT, n, _levels[n])


class Pin:
    IN, OUT, OPEN_DRAIN = 0, 1, 2
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, n, mode=-1, pull=-1, value=None):
        if isinstance(n, str):
            n = _names.setdefault(n, 255 - len(_names))
        self._n = n
        self.init(mode, pull, value)

    def __repr__(self):
        return "Pin({})".format(self._n)

    def init(self, mode=-1, pull=-1, value=None):
        self._watch = mode == Pin.IN
        if self._watch and _pipe and not _watched[self._n]:
            _watched[self._n] = 1
            _queue.put1(_WATCH)
            _queue.put1(self._n)
            _drain(1000)
        if value is not None:
            self(value)

    def __call__(self, level=None):
        if level is not None:
            _levels[self._n] = 1 if level else 0
            if _queue.busy:
                _late[self._n] = 1
                _queue.late = True
            else:
                _queue.put(_OUT, self._n, _levels[self._n])
        elif self._watch:
            _drain(0)
        return _levels[self._n]

    def value(self, level=None):
        return self(level)

    def toggle(self):
        self(1 - _levels[self._n])

    def on(self):
        self(1)

    def off(self):
        self(0)

    high, low = on, off

    def irq(self, handler=None, trigger=3, **kw):
        """The handler is scheduled when the level is next taken in: in a read, in `idle`, or in
        `lightsleep`."""
        if handler is None:
            _handlers.pop(self._n, None)
        else:
            _handlers[self._n] = (self, handler, trigger)


class SPI:
    MSB, LSB = 0, 1

    def __init__(self, id=0, baudrate=10_000_000, **kw):
        if not _pipe:
            raise OSError("no chip on the SPI: its frames go straight to the stack")
        self._id = id
        self.init(baudrate)

    def __repr__(self):
        return "SPI({}, baudrate={})".format(self._id, self._hz)

    def init(self, baudrate=None, polarity=0, phase=0, **kw):
        if polarity or phase:
            raise ValueError("the chip needs SPI mode 0")
        if baudrate:
            self._hz = baudrate
            _queue.put1(_HERTZ)
            for shift in (0, 8, 16, 24):
                _queue.put1(baudrate >> shift & 0xFF)

    def deinit(self):
        pass

    def write(self, buf):
        _begin()
        n = len(buf)
        _queue.put(_WRITE, n & 0xFF, n >> 8)
        _queue.octets(buf)
        _end()

    def readinto(self, buf, write=0):
        _begin()
        n = len(buf)
        _queue.put(_READ, n & 0xFF, n >> 8)
        _queue.put1(write)
        _read(buf)
        _end()

    def read(self, n, write=0):
        buf = bytearray(n)
        self.readinto(buf, write)
        return bytes(buf)

    def write_readinto(self, out, into):
        if len(out) != len(into):
            raise ValueError("buffers must be the same length")
        _begin()
        n = len(out)
        _queue.put(_EXCHANGE, n & 0xFF, n >> 8)
        _queue.octets(out)
        _read(into)
        _end()


def unique_id():
    return (os.getenv("UIPY_UNIQUE_ID") or "uipy-unix").encode()


def freq(*a):
    return 125_000_000


def idle():
    """Until something happens, 1 ms at most: the tick of a board (`machine.idle`)."""
    _drain(1)


def lightsleep(ms=0):
    """Sleeps up to `ms`, or until a watched pin changes."""
    _drain(ms)


def reset():
    _queue.flush()
    sys.exit(0)
