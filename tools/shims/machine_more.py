"""`machine.ADC` and `machine.UART` off the board: what a program measures, and a serial line.

An ADC reads what a test has put into `ADC.raw` under its number, else what the thermometer of an
RP2040 says at 27 °C, now and then a little more; GPIO29 says that the supply has 5 V. A UART has a
wire from its TX to its RX: what is written comes back at the speed of its baud rate. Without flow
control what finds its receive buffer full is lost, as on a board, and counted in `lost`; with it
the sender waits.
"""

# mypy: ignore-errors
from time import ticks_diff, ticks_ms, ticks_us

_WARM = 14021  # 0.706 V of 3.3 V
_VSYS = 33098  # 5 V, of which a Pico has a third at GPIO29


class ADC:
    CORE_TEMP = 4
    raw: dict = {}  # read_u16() by number of the channel or the pin

    def __init__(self, n, **kw):
        self._n = getattr(n, "_n", n)

    def read_u16(self):
        """0 to 65535."""
        if self._n in ADC.raw:
            return ADC.raw[self._n]
        if self._n == 29:
            return _VSYS
        k = ticks_ms() // 100 % 200  # up and down, once in 20 s
        return _WARM - min(k, 200 - k)


class UART:
    CTS, RTS = 1, 2

    def __init__(self, id=0, baudrate=9600, bits=8, parity=None, stop=1, **kw):
        self._id = id
        self._out = bytearray()
        self._in = bytearray()
        self.lost = 0  # octets for which there was no room
        self._kw = {"txbuf": 256, "rxbuf": 256, "flow": 0}
        self.init(baudrate, **kw)

    def __repr__(self):
        return "UART(%d, baudrate=%d)" % (self._id, self._baud)

    def init(self, baudrate=9600, bits=8, parity=None, stop=1, **kw):
        """As on a board; pins lead nowhere."""
        self._baud = baudrate
        self._kw.update(kw)
        self._then = ticks_us()

    def deinit(self):
        """Nothing is to be given back."""

    def _move(self):
        # What has passed the wire since the last look: ten bits an octet.
        us = ticks_diff(ticks_us(), self._then)
        n = us * self._baud // 10_000_000
        if not n:
            return
        self._then = ticks_us()
        n = min(n, len(self._out))
        room = self._kw["rxbuf"] - len(self._in)
        if n > room and self._kw["flow"]:
            n = room
        self._in += self._out[: min(n, room)]
        self.lost += n - min(n, room)
        self._out = self._out[n:]

    def any(self):
        """Octets that can be read."""
        self._move()
        return len(self._in)

    def txdone(self):
        """True when all has left."""
        self._move()
        return not self._out

    def write(self, data):
        """How many octets found room; None for none."""
        self._move()
        n = min(len(data), self._kw["txbuf"] - len(self._out))
        self._out += bytes(data[:n])
        return n or None

    def read(self, n=-1):
        """What is there, up to n octets; None if there is nothing."""
        self._move()
        n = len(self._in) if n < 0 else min(n, len(self._in))
        data = bytes(self._in[:n])
        self._in = self._in[n:]
        return data or None

    def readinto(self, buf, n=-1):
        """As `read`, to the beginning of buf; how many, None for none."""
        data = self.read(len(buf) if n < 0 else min(n, len(buf))) or b""
        buf[: len(data)] = data
        return len(data) or None

    def readline(self):
        """Up to the first LF that is there, or all."""
        self._move()
        return self.read(self._in.find(b"\n") + 1 or -1)
