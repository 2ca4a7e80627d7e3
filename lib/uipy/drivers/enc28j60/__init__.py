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
from ..spidev import SpiDevice
from .chip import table, with_groups
from .frames import frames
from .health import cable, salvage, start
from .registers import HAND_OVER, N_TX_DROPPED, R_ALL


class ENC28J60(SpiDevice):
    """One chip. Returns at once without a cable; raises `NoChip` when none answers, unless `wait`
    is true.

    mac: 6 bytes, by default made from the board's unique id. full_duplex: only against a port
    forced to it. multicast: let every multicast frame through, not only those for `groups`. wait:
    a chip that is not there is looked for until it comes. bus: see bus.py. int_pin: without it
    each idle poll costs one transaction of 2 octets, with it one look at the pin.
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
        super().__init__(spi, cs, int_pin, reset, mac, bus)
        self.recover = recover
        # Where the chip stands. The generator of frames.py has these in its locals; it writes them
        # here before each `mend` (health.py) and takes them from here after it.
        self._left = 0  # frames known to wait in the chip
        self._next = 0  # where the next one starts in the receive buffer
        self._freed = 0  # up to here its room was given back
        self._selected = -1  # the bank that ECON1 selects; -1: not known
        self._sending = 0  # 1 from TXRTS until it is known how the frame fared
        self._sent_at = 0  # when TXRTS was set, ms
        # What only health.py changes; the generator takes the first three after each `mend`.
        self._up = False  # the chip answers and is set up
        self._trust = True  # in INT: cleared when it was high with frames waiting
        self._check_at = self._link_at = self._heard_at = time.ticks_ms()
        self._link = False
        self._heard = 0  # the frame counter when it last moved
        self._tries = 0  # transmissions again ...
        self._tried = 0  # ... of the frame that had this number
        self._end = 0  # ETXND of the frame sent last; the generator writes it
        # The registers, see chip.py
        self._cfg = table(self.mac, full_duplex, multicast)
        self._audited = 0  # where the audit of them goes on
        self._retune = False  # the filter is to be written: `groups` sets it, health.py clears it
        self._phcon1 = 0x0100 if full_duplex else 0  # PDPXMD, DS39662E 6.6
        self._phcon2 = 0 if full_duplex else 0x0100  # HDLDIS: do not hear ourselves
        # EREVID: 2 B1, 4 B4, 5 B5, 6 B7; what was read when the chip does not answer
        self.revision = 0
        self._put2 = (cs, self._write, bytearray(2))
        self._get2 = (cs, self._exchange, bytearray(2), bytearray(2))
        self._get3 = (cs, self._exchange, bytearray(3), bytearray(3))
        self._tsv = bytearray(8)  # an octet of instruction and the transmit status vector
        self._hand_over = None  # `send` of the generator of frames.py, below a shared bus
        if self._take():
            start(self, 3)
            self._give()
        if not self._up and not wait:
            raise NoChip(_excuse(self.revision, self._where))

    def link_up(self):
        """-> True with a live cable, as seen at most 0.6 s ago. False without a chip."""
        t = time.ticks_ms()
        if self._hand_over is None and self._up and time.ticks_diff(t, self._link_at) >= 0:
            if self._take():  # nobody moves frames yet, so that no health check looks at the cable
                cable(self, t)
                self._give()
        return self._link

    def groups(self, macs, n):
        """The frames for the n multicast addresses in macs are let through, from 0.1 s later on.
        The chip has 64 places and a hash for each address (DS39662E 8.4): some others come too.
        Allocates at the first call."""
        self._cfg = with_groups(self._cfg, macs, n)
        self._retune = True

    # The fast way: one generator, see frames.py

    def frames(self, buf):
        """-> a generator that moves frames between the chip and `buf`: its `send(m)` sends,
        receives or asks, after a first `send(None)` (docs/writing-a-driver.md).

        The one made before is of no use any more. When an exception has ended it, the chip is set
        up anew.
        """
        if self._hand_over is not None:
            try:
                self._hand_over(HAND_OVER)
            except TypeError:  # it was never started
                pass
            except StopIteration:
                salvage(self)
        self._see(buf)  # `_buf`, `_views`, `_room`
        made = frames(self, buf)
        self._hand_over = made.send
        if self._bus is not None:
            made.send(None)
            made = on_shared_bus(made.send, self._bus, self.stat, N_TX_DROPPED)
        self._move = made.send
        return made

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
