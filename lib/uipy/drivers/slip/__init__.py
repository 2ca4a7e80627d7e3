"""SLIP (RFC 1055): IP over a serial line. A board without any Ethernet chip gets a network.

    uart = UART(0, 115200, rxbuf=1024, timeout=0)
    stack = Stack(Slip(uart), ip="192.168.7.2/24", gateway="192.168.7.1")

The line has two ends and no link addresses: `l2` is 0, there is no ARP. The stream is anything
with `any()`, `readinto(buf)` and `write(buf)`: a UART, a USB CDC interface, or `Console` in
console.py. It is never asked for more than `any()` promised, and a write may take less than
it was given: nothing here waits for the line.

A packet takes as long as the line is slow, and the packet buffer belongs to the stack meanwhile:
the next answer is built in it, or another device's frame lies there. So the packet that is coming
in and the one that is going out are kept here, `mtu` octets each, and change places with the
buffer in one copy. One call moves 256 octets each way at most: a UART's `rxbuf` must hold what
arrives between two polls (11 octets a ms at 115200).

SLIP has no checksum: noise is found by IP and TCP. It knows no maximum size either. RFC 1055 wants
1006 octets received; the default here, 576, is what every host must accept (RFC 791) and keeps
a line of 115200 bit/s busy for 50 ms; give 1500 over USB.
"""

import time

from micropython import const

_END = const(0o300)
_ESC = const(0o333)
_ESC_END = const(0o334)
_ESC_ESC = const(0o335)

_CHUNK = const(64)
_CHUNKS = const(4)  # each way in one call
_SHORTEST = const(20)  # octets of an IP header
_STALL_MS = const(1000)

_N_RX = const(0)
_N_TX = const(1)
_N_RX_LONG = const(2)
_N_RX_NOISE = const(3)
_N_RX_BAD = const(4)
_N_TX_STALLED = const(5)


class Slip:
    """A serial line as a device of the stack (docs/architecture.md). `mtu`: octets of IP, both
    ways; a longer packet is dropped and counted."""

    l2 = 0
    mac = b""
    NAMES = (
        "rx",  # packets handed over
        "tx",  # packets taken
        "rx_long",  # longer than mtu or the buffer: dropped
        "rx_noise",  # shorter than an IP header: dropped
        "rx_bad",  # ESC before something that it cannot stand before
        "tx_stalled",  # the line took nothing for a second: dropped
    )

    def __init__(self, stream, mtu=576):
        self.mtu = mtu
        self.stat = [0] * len(self.NAMES)
        self._any = stream.any
        self._readinto = stream.readinto
        self._write = stream.write
        self._buf = self._move = None  # of the four methods: a buffer, and its generator's `send`
        # In: the chunk that was read, and the packet that grows from it
        self._in = bytearray(_CHUNK)
        self._in_views = _powers(self._in)
        self._at = self._have = 0
        self._rx = bytearray(mtu)
        self._n = 0  # octets so far, also those that had no room
        self._esc = False  # the last octet was ESC
        self._whole = 0  # octets of the packet that waits to be taken
        # Out: the packet, and the chunk that it is encoded into
        self._tx = bytearray(mtu)
        self._tx_n = self._tx_i = 0
        self._out = bytearray(_CHUNK)
        self._out_views = _powers(self._out)
        self._out_n = 0
        self._sending = False
        self._stalled = False
        self._moved_at = 0

    def counters(self):
        """-> tuple of (name, value); allocates."""
        return tuple([(self.NAMES[k], self.stat[k]) for k in range(len(self.stat))])

    def link_up(self):
        """True: a serial line cannot tell."""
        return True

    def frames(self, buf):
        """A generator that moves packets between the line and `buf`: its `send(m)` sends,
        receives or asks, after a first `send(None)` (docs/writing-a-driver.md).

        All that lasts is kept in the device, so that another one may take its place at any time.
        """
        room = min(self.mtu, len(buf) - 2)
        view = memoryview(buf)[2 : 2 + room]
        rx_view, tx_view = memoryview(self._rx)[:room], memoryview(self._tx)[:room]
        waiting = self._any
        n = 0
        while True:
            m = yield n
            n = 0
            if m and (m > 0 or m < -2):
                tx_view[:] = view
                self._begin(m if m > 0 else -m)
                if m < 0:
                    continue
            if m != -2 and not self.can_send():
                n = 0 if m == -1 else -1
            elif m == -1:
                n = 1
            elif self._whole or self._at < self._have or waiting():
                self._pull()
                n = self._whole
                self._whole = 0
                if n > room:
                    self._count(_N_RX_LONG)
                    n = 0
                elif n:
                    self._count(_N_RX)
                    view[:] = rx_view

    # The four methods of a device

    def recv_into(self, buf):
        """-> octets of the packet now at buf[2:]; 0 for none. Never waits."""
        if buf is not self._buf:
            self._renew(buf)
        return self._ask(-2)

    def can_send(self):
        """False while a packet is on its way; for as long as the line moves, and at most a second
        when it does not. What comes in meanwhile is taken off the line."""
        if not self._sending:
            return True
        self._pull()
        return self._push()

    def send(self, buf, n):
        """Takes the n octets at buf[2:] and begins to send them."""
        if buf is not self._buf:
            self._renew(buf)
        if n > 2:
            self._ask(-n)
            return
        for i in range(n):  # no IP packet, but a line may carry it
            self._tx[i] = buf[2 + i]
        self._begin(n)

    def _ask(self, m):
        try:
            return self._move(m)
        except StopIteration:  # an exception has ended it
            self._renew(self._buf)
            return self._move(m)

    def _renew(self, buf):
        self._buf = buf
        self._move = self.frames(buf).send
        self._move(None)

    def _count(self, k):
        self.stat[k] = (self.stat[k] + 1) & 0x3FFFFFFF

    # Receiving

    def _pull(self):
        """Reads and decodes until a packet is whole, the line has no more, or enough was done."""
        left = _CHUNK * _CHUNKS
        while not self._decode() and left > 0 and self._refill():
            left -= self._have

    def _refill(self):
        n = self._any()
        if not n:
            return 0
        k = 0
        while k < 6 and n >> k > 1:  # the largest power of two that will not wait
            k += 1
        self._have = self._readinto(self._in_views[k]) or 0  # what was there is decoded: _at is
        self._at = 0  # behind it, and an exception leaves it there
        return self._have

    def _decode(self):
        """-> True when a packet is whole."""
        if self._whole:
            return True
        n = self._n
        for i in range(self._at, self._have):
            b = self._in[i]
            if b == _END:
                self._ended(n)
                n = 0
                if self._whole:
                    self._at = i + 1
                    return True
                continue
            if b == _ESC or self._esc:
                b = self._escaped(b)
                if b < 0:
                    continue
            if n < self.mtu:
                self._rx[n] = b
            n += 1
        self._at = self._have
        self._n = n
        return False

    def _ended(self, n):
        self._n = 0
        if self._esc:
            self._esc = False
            self._count(_N_RX_BAD)
        if n > self.mtu:
            self._count(_N_RX_LONG)
        elif n >= _SHORTEST:
            self._whole = n
        elif n:  # two ENDs in a row are no packet, and no fault
            self._count(_N_RX_NOISE)

    def _escaped(self, b):
        """-> the octet that was meant; -1: not yet. A violation leaves the octet as it is
        (RFC 1055)."""
        if not self._esc:
            self._esc = True
            return -1
        self._esc = False
        if b == _ESC_END:
            return _END
        if b == _ESC_ESC:
            return _ESC
        self._count(_N_RX_BAD)
        if b == _ESC:
            self._esc = True
            return -1
        return b

    # Sending

    def _begin(self, n):
        """The packet's n octets are in `_tx`."""
        self._tx_n = n
        self._tx_i = 0
        self._out[0] = _END  # what noise has put into the receiver ends here (RFC 1055)
        self._out_n = 1
        self._sending = True
        self._moved_at = time.ticks_ms()
        self._count(_N_TX)
        self._push()

    def _push(self):
        """Encodes and writes until all is out, the line takes no more, or enough was done.
        -> True when the next packet may come."""
        for _ in range(_CHUNKS):
            self._encode()
            if not self._out_n:
                self._sending = self._stalled = False
                return True
            if not self._flush():
                return self._give_up()
        return False

    def _encode(self):
        k = self._out_n
        while self._tx_i < self._tx_n and k < _CHUNK - 1:
            b = self._tx[self._tx_i]
            self._tx_i += 1
            if b == _END or b == _ESC:
                self._out[k] = _ESC
                k += 1
                b = _ESC_END if b == _END else _ESC_ESC
            self._out[k] = b
            k += 1
        if self._tx_i == self._tx_n and k < _CHUNK:
            self._out[k] = _END
            k += 1
            self._tx_i += 1  # the packet has ended
        self._out_n = k

    def _flush(self):
        """Writes the chunk in powers of two -> True when some of it was taken."""
        k = 6
        while not self._out_n >> k:
            k -= 1
        n = self._write(self._out_views[k]) or 0
        if n:
            for i in range(n, self._out_n):
                self._out[i - n] = self._out[i]
            self._out_n -= n
            self._moved_at = time.ticks_ms()
        return n

    def _give_up(self):
        """The line takes nothing. After a second the packet is lost, and those behind it at once,
        until it moves."""
        stuck = time.ticks_diff(time.ticks_ms(), self._moved_at) >= _STALL_MS
        if not stuck and not self._stalled:
            return False
        self._stalled = True
        self._count(_N_TX_STALLED)
        self._sending = False
        self._out_n = 0
        return True


def _powers(chunk):
    """Views of the first 1, 2, 4 .. 64 octets."""
    return [memoryview(chunk)[: 1 << k] for k in range(7)]
