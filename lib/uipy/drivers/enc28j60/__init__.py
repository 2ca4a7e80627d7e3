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

from ..bus import on_shared_bus
from ..errors import NoChip
from .frames import frames
from .health import Health
from .registers import HAND_OVER, N_TX_DROPPED, R_ALL


class ENC28J60(Health):
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
        recover=R_ALL,
    ):
        super().__init__(spi, cs, int_pin, reset, mac, bus, full_duplex, multicast, recover)
        if self._take():
            self._start(3)
            self._give()
        if not self._up and not wait:
            raise NoChip(_excuse(self.revision, self._where))

    # The fast way: one generator, see frames.py

    def frames(self, buf):
        """-> a generator that moves frames between the chip and `buf`: its `send(m)` sends,
        receives or asks, after a first `send(None)` (docs/writing-a-driver.md).

        The one made before is of no use any more. When an exception has ended it, the chip is set
        up anew.
        """
        if self._move is not None:
            try:
                self._hand_over(HAND_OVER)
            except TypeError:  # it was never started
                pass
            except StopIteration:
                self._salvage()
        self._see(buf)
        made = frames(self, buf)
        self._hand_over = made.send
        if self._bus is not None:
            made.send(None)
            made = on_shared_bus(made.send, self._bus, self.stat, N_TX_DROPPED)
        self._move = made.send
        return made

    # The four methods of a device, on that generator

    def recv_into(self, buf):
        """-> octets of the next frame, now at buf[2:]; 0 = none. Never blocks; dropped frames are
        passed over."""
        return self._ask(buf, -2)

    def can_send(self):
        """-> True when `send` may be called. It stays False for at most 16 times 100 ms."""
        return self._buf is None or self._ask(self._buf, -1) == 1

    def send(self, buf, n):
        """Sends the n octets at buf[2:] (the chip pads and appends the CRC). buf[0] and buf[1] are
        overwritten.

        Without a chip, or when the bus is someone else's, the frame is lost and counted.
        """
        self._ask(buf, -n)

    def _ask(self, buf, m):
        if buf is self._buf:
            try:
                return self._move(m)
            except StopIteration:  # an exception has ended it
                pass
        self.frames(buf).send(None)
        return self._move(m)

    def still(self):
        """-> ms for which only INT going low (`look() == 0`) makes a call worth while; 0: none."""
        if self._int is None or not self._up or not self._trust or not self._int():
            return 0
        if not self.can_send():
            return 0
        return time.ticks_diff(self._check_at, time.ticks_ms())


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
