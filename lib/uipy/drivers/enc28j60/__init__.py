"""Driver for the Microchip ENC28J60 (DS39662E): a bare 10BASE-T Ethernet chip on SPI.

    spi = SPI(0, baudrate=20_000_000)
    dev = ENC28J60(spi, Pin(17, Pin.OUT), int_pin=Pin(21, Pin.IN), reset=Pin(20, Pin.OUT, value=1))

It is a device of the stack (docs/architecture.md): `recv_into`, `can_send`, `send`, `link_up`.
Nothing here waits for the network. Each wait for the chip has a bound, and what goes wrong is
counted (`NAMES`), put right and forgotten:

    a header that cannot follow the last one  rx_reset      receiver reset
    RXEN found cleared                        rxen_off      set again
    a register that lost its value            reinit        everything set up again
    TXRTS that stays set                      tx_timeout    transmit logic reset
    a late collision, true or false           tx_late       sent again, up to 16 times
    receive overflow                          rx_overflow   once drained, receiver reset
    a minute of silence on a live cable       rx_quiet      receiver reset
    no chip                                   no_chip       looked for twice a second
    INT high with frames pending              int_missed    polled until it is low again

The link has no autonegotiation: leave half duplex unless the other end is forced to full duplex.

Octets 0 and 1 of the packet buffer are the driver's: the frame starts at 2, and the SPI
instruction and the chip's control octet go in front of it, so that a whole frame is one transfer.
"""

import time

from micropython import const

from ..errors import NoChip
from .care import Care

# SPI instructions, DS39662E table 4-1
_RBM = const(0x3A)
_WBM = const(0x7A)
_WCR = const(0x40)
_BFS = const(0x80)
_BFC = const(0xA0)

# Registers in every bank
_EIR = const(0x1C)
_ECON2 = const(0x1E)
_ECON1 = const(0x1F)
# Bank 0
_ERDPT = const(0x00)
_EWRPT = const(0x02)
_ETXND = const(0x06)
_ERXRDPT = const(0x0C)
# Bank 1
_EPKTCNT = const(0x19)

_TXERIF = const(0x02)  # EIR
_TXIF = const(0x08)
_PKTDEC = const(0x40)  # ECON2
_TXRST = const(0x80)  # ECON1
_TXRTS = const(0x08)

_RX_SIZE = const(0x1A00)
_TX_START = const(0x1A00)
_LONGEST = const(1514)  # a frame without its CRC
_SMALL = const(62)  # octets of a frame that views[0] holds
_LAZY = const(1024)  # octets that may be read before their room is given back

_TX_MS = const(100)  # a frame takes 1.2 ms; sixteen attempts seldom more
_TRIES = const(16)  # errata 13

# What may be put right (`recover`, enc28j60_care.py)
_R_TX = const(8)
_R_LATE = const(16)
_R_ALL = const(511)

_N_RX = const(0)
_N_TX = const(1)
_N_RX_LONG = const(2)
_N_RX_BAD = const(3)
_N_TX_TIMEOUT = const(9)
_N_TX_LATE = const(10)
_N_TX_FAILED = const(11)
_N_TX_DROPPED = const(12)


class ENC28J60(Care):
    """One chip. Returns at once without a cable; raises `NoChip` when none answers, unless `wait`
    is true.

    mac: 6 bytes, by default made from the board's unique id. full_duplex: only against a port
    forced to it. multicast: let every multicast frame through. wait: a chip that is not there is
    looked for until it comes. bus: see bus.py. int_pin: without it each idle poll costs one
    transaction of 2 octets, with it one look at the pin.
    """

    NAMES = (
        "rx",  # frames handed over
        "tx",  # frames handed to the chip
        "rx_long",  # longer than the buffer: dropped
        "rx_bad",  # not received well: dropped
        "rx_overflow",  # RXERIF: the chip's buffer was full, frames were lost
        "rx_reset",  # receiver reset: header or pointers made no sense
        "rx_quiet",  # receiver reset: a minute of silence
        "rxen_off",  # RXEN was cleared, and set again
        "reinit",  # set up again: registers had lost their values
        "tx_timeout",  # TXRTS stayed set
        "tx_late",  # sent again after a late collision
        "tx_failed",  # given up by the chip, or after 16 late collisions
        "tx_dropped",  # no chip or no bus at that moment
        "no_chip",  # did not answer
        "int_missed",  # INT was high with frames pending
        "link",  # changes of the cable's state
    )

    def __init__(
        self,
        spi,
        cs,
        int_pin=None,
        reset=None,
        mac=None,
        full_duplex=False,
        multicast=False,
        wait=False,
        bus=None,
        recover=_R_ALL,
    ):
        super().__init__(spi, cs, int_pin, reset, mac, bus, full_duplex, multicast, recover)
        self._hdr = bytearray(5)
        self._tsv = bytearray(8)
        self._tries = 0
        self._tx_at = 0
        self._end = 0  # ETXND
        if self._take():
            self._start(3)
            self._give()
        if not self._up and not wait:
            raise NoChip(_excuse(self.revision, self._where))

    # Receiving

    def recv_into(self, buf):
        """-> octets of the next frame, now at buf[2:]; 0 = none. Never blocks; dropped frames are
        passed over."""
        if not self._left and not self._arrived():
            return 0
        if buf is not self._buf:
            self._see(buf)
        if not self._take():
            return 0
        n = 0
        for _ in range(8):
            n = self._read(buf)
            if n or not self._left:
                break
        self._give()
        return n

    def _arrived(self):
        """-> how many frames wait in the chip. The pin's level spares the question; the health
        check asks anyway."""
        t = time.ticks_ms()
        if time.ticks_diff(t, self._check_at) >= 0:
            self._check(t)
        elif not self._up or (self._int is not None and self._trust and self._int()):
            return 0
        else:
            self._poll()
        return self._left

    def still(self):
        """-> ms for which only INT going low (`look() == 0`) makes a call worth while; 0: none."""
        if self._left or self._sending or not self._up or self._int is None or not self._trust:
            return 0
        return time.ticks_diff(self._check_at, time.ticks_ms())

    def _poll(self):
        if self._take():
            self._bank(1)
            self._left = self._rc(_EPKTCNT)  # not PKTIF: errata 6
            self._give()

    def _read(self, buf):
        """Reads the frame at `_next` and gives its room back -> its length; 0 = dropped, or the
        receiver is out of step.

        One transaction: the header, then the rest straight into the buffer, the status vector's
        last two octets at 0 and 1.
        """
        self._left -= 1
        self._bank(0)
        self._w16(_WCR | _ERDPT, self._next)
        self._cs(0)
        # the instruction goes out while the first octet, junk, comes in
        self._readinto(self._hdr, _RBM)
        n = self._length()
        if 0 < n <= self._room:
            self._readinto(self._views[(n + 129) >> 7 if n > _SMALL else 0])
        self._cs(1)
        if n < 0:
            self._out_of_step()
            return 0
        self._release()
        if n > self._room:
            self._count(_N_RX_LONG)
            return 0
        if buf[0] & 0x80 == 0:  # Received Ok, DS39662E table 7-3
            self._count(_N_RX_BAD)
            return 0
        self._count(_N_RX)
        return n

    def _length(self):
        """-> the frame's octets without CRC; moves `_next` on. -1: this header does not follow
        from the last one.

        The next packet starts where this one ends, at an even address, in the ring (DS39662E
        7.2.2): one equation tells a wrong range, an odd pointer and a glitch.
        """
        h = self._hdr
        n = h[3] | h[4] << 8
        if n < 18 or n > _LONGEST + 4:
            return -1
        p = (self._next + 7 + n) & ~1
        if p >= _RX_SIZE:
            p -= _RX_SIZE
        if h[1] | h[2] << 8 != p:
            return -1
        self._next = p
        return n - 4

    def _release(self):
        """Takes the frame off the chip's count; gives room back as soon as 1 kB of it is due."""
        self._w(_BFS | _ECON2, _PKTDEC)
        free = self._next - self._freed
        if free < 0:
            free += _RX_SIZE
        if free >= _LAZY:
            self._freed = self._next
            self._w16(_WCR | _ERXRDPT, self._guard())

    # Sending

    def can_send(self):
        """-> True when `send` may be called. It stays False for at most 16 times 100 ms."""
        return not self._sending or self._sent()

    def send(self, buf, n):
        """Sends the n octets at buf[2:] (the chip pads and appends the CRC). buf[0] and buf[1] are
        overwritten.

        Without a chip, or when the bus is someone else's, the frame is lost and counted.
        """
        if buf is not self._buf:
            self._see(buf)
        if not self._up or not self._take():
            self._count(_N_TX_DROPPED)
            return
        self._bank(0)
        self._w16(_WCR | _EWRPT, _TX_START)
        buf[0] = _WBM
        buf[1] = 0  # per packet control: as MACON3 says, DS39662E 7.1
        self._cs(0)
        self._write(self._views[(n + 129) >> 7 if n > _SMALL else 0])
        self._cs(1)
        self._end = _TX_START + n
        self._w16(_WCR | _ETXND, self._end)
        self._w(_BFS | _ECON1, _TXRTS)
        self._give()
        self._sending = True
        self._tries = 0
        self._tx_at = time.ticks_ms()
        self._count(_N_TX)

    def _sent(self):
        """-> True when the transmitter is free again: done, failed or timed out."""
        if not self._take():
            return False
        if self._rc(_ECON1) & _TXRTS:
            self._sending = not self._overdue()
        else:
            self._sending = self._rc(_EIR) & _TXERIF and self._again()
        self._give()
        return not self._sending

    def _overdue(self):
        """-> True when TXRTS has been set for too long (errata 12) and the transmitter was
        reset."""
        t = time.ticks_ms()
        if time.ticks_diff(t, self._tx_at) < _TX_MS or not self.recover & _R_TX:
            return False
        self._count(_N_TX_TIMEOUT)
        self._tx_reset()
        self._check_at = t  # if it was not the transmitter, the health check finds out
        return True

    def _again(self):
        """After a transmit error -> True when the frame is on its way again.

        Errata 13 and 15: link pulses pass for late collisions; ESTAT.LATECOL is not to be trusted,
        the status vector behind the frame is. Errata 12: an aborted transmission stalls the logic
        until it is reset.
        """
        self._bank(0)
        self._w16(_WCR | _ERDPT, self._end + 1)
        self._cs(0)
        self._readinto(self._tsv, _RBM)
        self._cs(1)
        if self.recover & _R_TX:
            self._tx_reset()
        late = self._tsv[4] & 0x20 and self.recover & _R_LATE  # bit 29, DS39662E table 7-1
        if not late or self._tries >= _TRIES:
            self._count(_N_TX_FAILED)
            return False
        self._tries += 1
        self._count(_N_TX_LATE)
        self._w(_BFS | _ECON1, _TXRTS)
        self._tx_at = time.ticks_ms()
        return True

    def _tx_reset(self):
        self._w(_BFS | _ECON1, _TXRST)
        self._w(_BFC | _ECON1, _TXRST | _TXRTS)
        # after TXRST is cleared: that raises TXERIF (errata 12)
        self._w(_BFC | _EIR, _TXERIF | _TXIF)


def _excuse(rev, where):
    if rev == 0 or rev == 0xFF:
        why = "is it powered, are SO, SI, SCK and CS on the right pins?"
    elif rev > 0x1F:
        why = "not a revision: wiring, or SPI clock above 20 MHz?"
    elif rev < 5:
        why = "but it forgets what is written: wiring, or SPI clock below 8 MHz (errata 1)?"
    else:
        why = "but it forgets what is written: wiring, supply (200 mA), or SPI clock?"
    return "no ENC28J60 on {}: EREVID read 0x{:02X}; {}".format(where, rev, why)
