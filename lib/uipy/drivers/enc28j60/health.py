"""ENC28J60: the health check and the recoveries.

Ten times a second, when no frame is at hand: is it the chip that we set up, is it listening, are
its pointers where the last frame left them, is the cable live? About 30 transactions, 1 ms. What
is wrong is counted and put right at once. `recover` switches single recoveries off, for the tests
that show that each is needed.

All of it is called by the generator of frames.py, through `_mend`, but for `link_up` and the
constructor before there is one.
"""

import time

from micropython import const

from .chip import Chip
from .registers import (
    BFC,
    BFS,
    CHECK,
    ECON1,
    ECON2,
    EIR,
    EPKTCNT,
    ERDPT,
    ERXND,
    ERXRDPT,
    ERXST,
    ERXWRPT,
    N_INT_MISSED,
    N_LINK,
    N_NO_CHIP,
    N_REINIT,
    N_RX,
    N_RX_OVERFLOW,
    N_RX_QUIET,
    N_RX_RESET,
    N_RXEN_OFF,
    N_TX,
    N_TX_FAILED,
    N_TX_LATE,
    N_TX_TIMEOUT,
    OUT_OF_STEP,
    PHSTAT1,
    PKTDEC,
    R_CHIP,
    R_CONFIG,
    R_INT,
    R_LATE,
    R_OVERFLOW,
    R_QUIET,
    R_RX,
    R_RXEN,
    R_TX,
    RBM,
    RX_END,
    RXEN,
    RXERIF,
    RXRST,
    TX_ERROR,
    TX_OVERDUE,
    TXERIF,
    TXIF,
    TXRST,
    TXRTS,
    WCR,
)

_CHECK_MS = const(100)  # between two looks at the chip's health
_LINK_MS = const(500)  # between two looks at the cable, and two searches for a lost chip
_QUIET_MS = const(60_000)  # without a frame on a live cable
_TRIES = const(16)  # errata 13


class Health(Chip):
    """The chip, kept alive.

    Where the chip stands. A running generator of frames.py has these in locals of its own; it
    writes them here before each `_mend` and takes them from here after it.

        _left      frames known to wait in the chip
        _next      where the next one starts in the receive buffer
        _freed     up to here its room was given back
        _selected  the bank that ECON1 selects (chip.py); -1: not known
        _sending   1 from TXRTS until it is known how the frame fared
        _sent_at   when TXRTS was set, ms

    What only changes here; the generator takes it from here after each `_mend`.

        _up        the chip answers and is set up
        _trust     in INT: cleared when it was high with frames waiting
        _check_at  when the next health check is due
    """

    def __init__(self, spi, cs, int_pin, reset, mac, bus, full_duplex, multicast, recover):
        super().__init__(spi, cs, int_pin, reset, mac, bus, full_duplex, multicast)
        self.recover = recover
        self._up = False
        self._link = False
        self._sending = self._sent_at = 0
        self._end = 0  # ETXND of the frame sent last; written by the generator
        self._tsv = bytearray(8)  # the transmit status vector, behind an octet of instruction
        self._tries = 0  # transmissions again ...
        self._tried = 0  # ... of the frame that had this number
        self._trust = True
        self._heard = 0  # the frame counter when it last moved
        self._move = None  # `send` of the generator that frames() made
        self._hand_over = None  # the same, below a shared bus
        self._forget()
        self._check_at = self._link_at = self._heard_at = time.ticks_ms()

    def _forget(self):
        self._left = self._next = self._freed = 0

    def _guard(self):
        """-> ERXRDPT for `_freed`: one before it, and so odd (errata 14)."""
        return self._freed - 1 if self._freed else RX_END

    # The cable

    def link_up(self):
        """-> True with a live cable, as seen at most 0.6 s ago. False without a chip."""
        t = time.ticks_ms()
        if self._move is None and self._up and time.ticks_diff(t, self._link_at) >= 0:
            if self._take():  # nobody moves frames yet, so that no health check looks at the cable
                self._cable(t)
                self._give()
        return self._link

    def _cable(self, t):
        """LLSTAT stays low after a failure until it is read: no outage is too short to be told."""
        self._link_at = time.ticks_add(t, _LINK_MS)
        if not self._phy_ok():
            if self.recover & R_CONFIG:
                self._restart()
        elif self._live():
            self._set_link(True)
        else:
            self._set_link(False)
            self._set_link(self._live())
        self._select(0)  # the generator knows banks 0 and 1

    def _live(self):
        v = self._phy_read(PHSTAT1)
        return v > 0 and v & 0x0004 != 0  # LLSTAT, DS39662E 3.3.4

    def _set_link(self, up):
        if up != self._link:
            self._link = up
            self._count(N_LINK)
            if self.on_link is not None:
                self.on_link(up)

    # What the generator asks for

    def _mend(self, why):
        """The cold side of frames.py."""
        t = time.ticks_ms()
        if why == CHECK:
            self._check_at = time.ticks_add(t, _CHECK_MS)
            self._check(t)
        elif why == OUT_OF_STEP:
            self._out_of_step(t)
        elif why == TX_ERROR:
            self._sending = self._again(t)
        elif why == TX_OVERDUE:
            self._overdue(t)

    def _check(self, t):
        """Is it the chip that we set up, and is it still listening?"""
        if not self._up:
            self._search(t)
        elif self._listening():
            self._idle(t)
            if time.ticks_diff(t, self._link_at) >= 0:
                self._cable(t)

    def _listening(self):
        """-> True when bank, registers and RXEN are as we left them, or RXEN is set again; False
        after a new start."""
        e = self._get(ECON1)
        lost = e & 0xF3 != self._selected  # the bank; no reset held, no DMA
        if not lost:  # without RXEN a brown-out is likely: look at the whole table
            lost = not self._audit(8 if e & RXEN else len(self._cfg) >> 1)
        if lost and self.recover & R_CONFIG:
            self._restart()
            return False
        if lost:
            self._selected = -1
        elif not e & RXEN and self.recover & R_RXEN:
            self._count(N_RXEN_OFF)
            self._put(BFS | ECON1, RXEN)
        return True

    def _idle(self, t):
        """Asks for frames whatever INT says; with none, the pointers must be where we left
        them."""
        if self._heard != self.stat[N_RX] or not self._link:
            self._heard = self.stat[N_RX]
            self._heard_at = t
        self._select(1)
        self._left = self._get(EPKTCNT)
        if self._left:
            self._missed()
        elif self._get(EIR) & RXERIF:
            self._rx_reset(N_RX_OVERFLOW, R_OVERFLOW)
        elif self._astray():
            self._rx_reset(N_RX_RESET, R_RX)
        elif time.ticks_diff(t, self._heard_at) >= _QUIET_MS:
            self._heard_at = t
            self._rx_reset(N_RX_QUIET, R_QUIET)

    def _missed(self):
        """Frames wait: then INT must be low. If it is not, the chip is polled from now on."""
        if self._int is None or not self._int():
            self._trust = True
        elif self.recover & R_INT:
            self._trust = False
            self._count(N_INT_MISSED)
        else:
            self._left = 0

    def _astray(self):
        """-> True when the chip's write pointer or our read pointer is not where the last frame
        ended."""
        self._select(0)
        if self._get16(ERXWRPT) == self._next and self._get16(ERXRDPT) == self._guard():
            return False
        self._select(1)
        return not self._get(EPKTCNT)  # unless a frame came in meanwhile

    # Recovery

    def _out_of_step(self, t):
        """A header that makes no sense: a glitch, or the chip is not what it was. The next call
        looks closer."""
        self._left = 0
        self._rx_reset(N_RX_RESET, R_RX)
        self._check_at = t

    def _rx_reset(self, why, allowed):
        """Empties the receiver and starts it again at address 0. Frames waiting in it are lost."""
        if not self.recover & allowed:
            return
        self._count(why)
        self._put(BFC | ECON1, RXEN)
        self._put(BFS | ECON1, RXRST)
        self._put(BFC | ECON1, RXRST)
        self._select(1)
        for _ in range(255):  # the data sheet does not say that RXRST clears EPKTCNT
            if not self._get(EPKTCNT):
                break
            self._put(BFS | ECON2, PKTDEC)
        self._forget()
        self._select(0)
        self._put16(WCR | ERXST, 0)  # puts ERXWRPT there too, DS39662E 3.2.1
        self._put16(WCR | ERXND, RX_END)
        self._put16(WCR | ERXRDPT, RX_END)
        self._put(BFC | EIR, RXERIF)
        self._put(BFS | ECON1, RXEN)

    def _overdue(self, t):
        """TXRTS has been set for too long (errata 12): the transmitter is reset."""
        if self.recover & R_TX:
            self._count(N_TX_TIMEOUT)
            self._tx_reset()
            self._sending = 0
            self._check_at = t  # if it was not the transmitter, the health check finds out
        self._sent_at = t

    def _again(self, t):
        """After a transmit error -> 1 when the frame is on its way again, else 0.

        Errata 13 and 15: link pulses pass for late collisions; ESTAT.LATECOL is not to be trusted,
        the status vector behind the frame is. Errata 12: an aborted transmission stalls the logic
        until it is reset.
        """
        if self._tried != self.stat[N_TX]:
            self._tried = self.stat[N_TX]
            self._tries = 0
        self._select(0)
        self._put16(WCR | ERDPT, self._end + 1)
        self._cs(0)
        self._readinto(self._tsv, RBM)
        self._cs(1)
        if self.recover & R_TX:
            self._tx_reset()
        late = self._tsv[4] & 0x20 and self.recover & R_LATE  # bit 29, DS39662E table 7-1
        if not late or self._tries >= _TRIES:
            self._count(N_TX_FAILED)
            return 0
        self._tries += 1
        self._count(N_TX_LATE)
        self._put(BFS | ECON1, TXRTS)
        self._sent_at = t
        return 1

    def _tx_reset(self):
        self._put(BFS | ECON1, TXRST)
        self._put(BFC | ECON1, TXRST | TXRTS)
        # after TXRST is cleared: that raises TXERIF (errata 12)
        self._put(BFC | EIR, TXERIF | TXIF)

    def _salvage(self):
        """The generator was left by an exception, in the middle of anything: the chip is set up
        anew."""
        self._cs(1)
        if self._take():
            self._restart()
            self._give()
        else:  # the first health check looks for it
            self._up = False
            self._check_at = self._link_at = time.ticks_ms()

    def _restart(self):
        """Sets everything up again. The stack's connections know nothing of it: they send
        again."""
        self._count(N_REINIT)
        if not self._start(3):
            self._count(N_NO_CHIP)
            self._set_link(False)

    def _start(self, tries):
        """-> True when the chip is up, after so many attempts at most, 3 ms each."""
        self._forget()
        self._sending = 0
        self._up = False
        for _ in range(tries):
            if self._bring_up():
                self._up = True
                break
        return self._up

    def _search(self, t):
        """No chip so far: looks for it twice a second."""
        if time.ticks_diff(t, self._link_at) < 0 or not self.recover & R_CHIP:
            return
        self._link_at = time.ticks_add(t, _LINK_MS)
        if self._start(1):
            self._link_at = t
        else:
            self._count(N_NO_CHIP)
