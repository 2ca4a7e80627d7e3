"""ENC28J60: the health check and the recoveries.

Ten times a second, when no frame is at hand: is it the chip that we set up, is it listening, are
its pointers where the last frame left them, is the cable live? About 30 transactions, 1 ms. What
is wrong is counted and put right at once. `recover` switches single recoveries off, for the tests
that show that each is needed.
"""

import time

from micropython import const

from .chip import Chip

# SPI instructions, DS39662E table 4-1
_WCR = const(0x40)
_BFS = const(0x80)
_BFC = const(0xA0)

# Registers in every bank
_EIR = const(0x1C)
_ECON2 = const(0x1E)
_ECON1 = const(0x1F)
# Bank 0
_ERXST = const(0x08)
_ERXND = const(0x0A)
_ERXRDPT = const(0x0C)
_ERXWRPT = const(0x0E)
# Bank 1
_EPKTCNT = const(0x19)
# PHY
_PHSTAT1 = const(0x01)

_RXERIF = const(0x01)  # EIR
_PKTDEC = const(0x40)  # ECON2
_RXRST = const(0x40)  # ECON1
_RXEN = const(0x04)
_RX_END = const(0x19FF)

_CHECK_MS = const(100)  # between two looks at the chip's health
_LINK_MS = const(500)  # between two looks at the cable, and two searches for a lost chip
_QUIET_MS = const(60_000)  # without a frame on a live cable

# What may be put right
_R_RX = const(1)  # bad header, pointers astray
_R_RXEN = const(2)
_R_CONFIG = const(4)
_R_OVERFLOW = const(32)
_R_QUIET = const(64)
_R_CHIP = const(128)
_R_INT = const(256)

_N_RX = const(0)
_N_RX_OVERFLOW = const(4)
_N_RX_RESET = const(5)
_N_RX_QUIET = const(6)
_N_RXEN_OFF = const(7)
_N_REINIT = const(8)
_N_NO_CHIP = const(13)
_N_INT_MISSED = const(14)
_N_LINK = const(15)


class Care(Chip):
    """The chip, kept alive: `_up`, `_link`, and the receiver's pointers `_next` and `_freed`."""

    def __init__(self, spi, cs, int_pin, reset, mac, bus, full_duplex, multicast, recover):
        super().__init__(spi, cs, int_pin, reset, mac, bus, full_duplex, multicast)
        self.recover = recover
        self._up = False  # the chip answers and is set up
        self._link = False
        self._sending = False
        self._trust = True  # in INT: cleared when it was high with frames waiting
        self._heard = 0  # the frame counter when it last moved
        self._forget()
        self._check_at = self._link_at = self._heard_at = time.ticks_ms()

    def _forget(self):
        self._left = 0  # frames known to wait in the chip
        self._next = 0  # where the next one starts
        self._freed = 0  # up to here its room was given back

    def _guard(self):
        """-> ERXRDPT for `_freed`: one before it, and so odd (errata 14)."""
        return self._freed - 1 if self._freed else _RX_END

    # The cable

    def link_up(self):
        """-> True with a live cable; looked at twice a second at most. False without a chip."""
        t = time.ticks_ms()
        if self._up and time.ticks_diff(t, self._link_at) >= 0 and self._take():
            self._cable(t)
            self._give()
        return self._link

    def _cable(self, t):
        """LLSTAT stays low after a failure until it is read: no outage is too short to be told."""
        self._link_at = time.ticks_add(t, _LINK_MS)
        if not self._phy_ok():
            if self.recover & _R_CONFIG:
                self._restart()
        elif self._live():
            self._set_link(True)
        else:
            self._set_link(False)
            self._set_link(self._live())

    def _live(self):
        v = self._phy_read(_PHSTAT1)
        return v > 0 and v & 0x0004 != 0  # LLSTAT, DS39662E 3.3.4

    def _set_link(self, up):
        if up != self._link:
            self._link = up
            self._count(_N_LINK)
            if self.on_link is not None:
                self.on_link(up)

    # The check

    def _check(self, t):
        """Is it the chip that we set up, and is it still listening?"""
        self._check_at = time.ticks_add(t, _CHECK_MS)
        if not self._take():
            return
        if not self._up:
            self._search(t)
        elif self._listening():
            self._idle(t)
            if time.ticks_diff(t, self._link_at) >= 0:
                self._cable(t)
        self._give()

    def _listening(self):
        """-> True when bank, registers and RXEN are as we left them, or RXEN is set again; False
        after a new start."""
        e = self._rc(_ECON1)
        lost = e & 0xF3 != self._b  # the bank; no reset held, no DMA
        if not lost:  # without RXEN a brown-out is likely: look at the whole table
            lost = not self._audit(8 if e & _RXEN else len(self._cfg) >> 1)
        if lost and self.recover & _R_CONFIG:
            self._restart()
            return False
        if lost:
            self._b = -1
        elif not e & _RXEN and self.recover & _R_RXEN:
            self._count(_N_RXEN_OFF)
            self._w(_BFS | _ECON1, _RXEN)
        return True

    def _idle(self, t):
        """Asks for frames whatever INT says; with none, the pointers must be where we left
        them."""
        if self._heard != self.stat[_N_RX] or not self._link:
            self._heard = self.stat[_N_RX]
            self._heard_at = t
        self._bank(1)
        self._left = self._rc(_EPKTCNT)
        if self._left:
            self._missed()
        elif self._rc(_EIR) & _RXERIF:
            self._rx_reset(_N_RX_OVERFLOW, _R_OVERFLOW)
        elif self._astray():
            self._rx_reset(_N_RX_RESET, _R_RX)
        elif time.ticks_diff(t, self._heard_at) >= _QUIET_MS:
            self._heard_at = t
            self._rx_reset(_N_RX_QUIET, _R_QUIET)

    def _missed(self):
        """Frames wait: then INT must be low. If it is not, the chip is polled from now on."""
        if self._int is None or not self._int():
            self._trust = True
        elif self.recover & _R_INT:
            self._trust = False
            self._count(_N_INT_MISSED)
        else:
            self._left = 0

    def _astray(self):
        """-> True when the chip's write pointer or our read pointer is not where the last frame
        ended."""
        self._bank(0)
        if self._rc16(_ERXWRPT) == self._next and self._rc16(_ERXRDPT) == self._guard():
            return False
        self._bank(1)
        return not self._rc(_EPKTCNT)  # unless a frame came in meanwhile

    # Recovery

    def _out_of_step(self):
        """A header that makes no sense: a glitch, or the chip is not what it was. The next call
        looks closer."""
        self._left = 0
        self._rx_reset(_N_RX_RESET, _R_RX)
        self._check_at = time.ticks_ms()

    def _rx_reset(self, why, allowed):
        """Empties the receiver and starts it again at address 0. Frames waiting in it are lost."""
        if not self.recover & allowed:
            return
        self._count(why)
        self._w(_BFC | _ECON1, _RXEN)
        self._w(_BFS | _ECON1, _RXRST)
        self._w(_BFC | _ECON1, _RXRST)
        self._bank(1)
        for _ in range(255):  # the data sheet does not say that RXRST clears EPKTCNT
            if not self._rc(_EPKTCNT):
                break
            self._w(_BFS | _ECON2, _PKTDEC)
        self._forget()
        self._bank(0)
        self._w16(_WCR | _ERXST, 0)  # puts ERXWRPT there too, DS39662E 3.2.1
        self._w16(_WCR | _ERXND, _RX_END)
        self._w16(_WCR | _ERXRDPT, _RX_END)
        self._w(_BFC | _EIR, _RXERIF)
        self._w(_BFS | _ECON1, _RXEN)

    def _restart(self):
        """Sets everything up again. The stack's connections know nothing of it: they send
        again."""
        self._count(_N_REINIT)
        if not self._start(3):
            self._count(_N_NO_CHIP)
            self._set_link(False)

    def _start(self, tries):
        """-> True when the chip is up, after so many attempts at most, 3 ms each."""
        self._forget()
        self._sending = False
        self._up = False
        for _ in range(tries):
            if self._bring_up():
                self._up = True
                break
        return self._up

    def _search(self, t):
        """No chip so far: looks for it twice a second."""
        if time.ticks_diff(t, self._link_at) < 0 or not self.recover & _R_CHIP:
            return
        self._link_at = time.ticks_add(t, _LINK_MS)
        if self._start(1):
            self._link_at = t
        else:
            self._count(_N_NO_CHIP)
