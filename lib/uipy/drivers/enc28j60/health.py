"""ENC28J60: the health check and the recoveries.

Ten times a second, when no frame is at hand: is it the chip that we set up, is it listening, are
its pointers where the last frame left them, is the cable live? About 30 transactions, 1 ms. What
is wrong is counted and put right at once. `recover` switches single recoveries off, for the tests
that show that each is needed.

All of it is called by the generator of frames.py, through `mend`, but for the constructor and for
`link_up` before there is one. It works on the driver's attributes (ENC28J60.__init__ has a list).
"""

import time

from micropython import const

from .chip import audit, bring_up, get, phy_ok, phy_read, put, put16, select, tune
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


def mend(dev, why):
    """The cold side of frames.py: what it cannot do by itself, with the bus in our hands."""
    t = time.ticks_ms()
    if why == CHECK:
        dev._check_at = time.ticks_add(t, _CHECK_MS)
        _check(dev, t)
    elif why == OUT_OF_STEP:
        # A header that makes no sense: a glitch, or the chip is not what it was. The next call
        # looks closer.
        dev._left = 0
        _rx_reset(dev, N_RX_RESET, R_RX)
        dev._check_at = t
    elif why == TX_ERROR:
        dev._sending = _again(dev, t)
    elif why == TX_OVERDUE:
        # TXRTS has been set for too long (errata 12). If it was not the transmitter, the health
        # check finds out.
        if dev.recover & R_TX:
            dev._count(N_TX_TIMEOUT)
            _tx_reset(dev)
            dev._sending = 0
            dev._check_at = t
        dev._sent_at = t


# The cable


def cable(dev, t):
    """LLSTAT stays low after a failure until it is read: no outage is too short to be told."""
    dev._link_at = time.ticks_add(t, _LINK_MS)
    if not phy_ok(dev):
        if dev.recover & R_CONFIG:
            _restart(dev)
    elif _live(dev):
        _set_link(dev, True)
    else:
        _set_link(dev, False)
        _set_link(dev, _live(dev))
    select(dev, 0)  # the generator knows banks 0 and 1


def _live(dev):
    v = phy_read(dev, PHSTAT1)
    return v > 0 and v & 0x0004 != 0  # LLSTAT, DS39662E 3.3.4


def _set_link(dev, up):
    if up != dev._link:
        dev._link = up
        dev._count(N_LINK)
        if dev.on_link is not None:
            dev.on_link(up)


# The check


def _check(dev, t):
    """Is it the chip that we set up, and is it still listening?"""
    if not dev._up:
        # No chip so far: it is looked for twice a second.
        if time.ticks_diff(t, dev._link_at) >= 0 and dev.recover & R_CHIP:
            dev._link_at = time.ticks_add(t, _LINK_MS)
            if start(dev, 1):
                dev._link_at = t
            else:
                dev._count(N_NO_CHIP)
        return
    if dev._retune:
        tune(dev)
    if _listening(dev):
        _idle(dev, t)
        if time.ticks_diff(t, dev._link_at) >= 0:
            cable(dev, t)


def _listening(dev):
    """-> True when bank, registers and RXEN are as we left them, or RXEN is set again; False after
    a new start."""
    e = get(dev, ECON1)
    lost = e & 0xF3 != dev._selected  # the bank; no reset held, no DMA
    if not lost:  # without RXEN a brown-out is likely: look at the whole table
        lost = not (audit(dev) if e & RXEN else audit(dev, len(dev._cfg) >> 1))
    if lost and dev.recover & R_CONFIG:
        _restart(dev)
        return False
    if lost:
        dev._selected = -1
    elif not e & RXEN and dev.recover & R_RXEN:
        dev._count(N_RXEN_OFF)
        put(dev, BFS | ECON1, RXEN)
    return True


def _idle(dev, t):
    """Asks for frames whatever INT says; with none, the pointers must be where we left them."""
    if dev._heard != dev.stat[N_RX] or not dev._link:
        dev._heard = dev.stat[N_RX]
        dev._heard_at = t
    select(dev, 1)
    dev._left = get(dev, EPKTCNT)
    if dev._left:
        # Then INT must be low. If it is not, the chip is polled from now on.
        if dev._int is None or not dev._int():
            dev._trust = True
        elif dev.recover & R_INT:
            dev._trust = False
            dev._count(N_INT_MISSED)
        else:
            dev._left = 0
    elif get(dev, EIR) & RXERIF:
        _rx_reset(dev, N_RX_OVERFLOW, R_OVERFLOW)
    elif _astray(dev):
        _rx_reset(dev, N_RX_RESET, R_RX)
    elif time.ticks_diff(t, dev._heard_at) >= _QUIET_MS:
        dev._heard_at = t
        _rx_reset(dev, N_RX_QUIET, R_QUIET)


def _astray(dev):
    """-> True when the chip's write pointer or our read pointer is not where the last frame
    ended."""
    select(dev, 0)
    if get(dev, ERXWRPT) | get(dev, ERXWRPT + 1) << 8 == dev._next:
        freed = dev._freed - 1 if dev._freed else RX_END  # errata 14
        if get(dev, ERXRDPT) | get(dev, ERXRDPT + 1) << 8 == freed:
            return False
    select(dev, 1)
    return not get(dev, EPKTCNT)  # unless a frame came in meanwhile


# Recovery


def _rx_reset(dev, why, allowed):
    """Empties the receiver and starts it again at address 0. Frames waiting in it are lost."""
    if not dev.recover & allowed:
        return
    dev._count(why)
    put(dev, BFC | ECON1, RXEN)
    put(dev, BFS | ECON1, RXRST)
    put(dev, BFC | ECON1, RXRST)
    select(dev, 1)
    for _ in range(255):  # the data sheet does not say that RXRST clears EPKTCNT
        if not get(dev, EPKTCNT):
            break
        put(dev, BFS | ECON2, PKTDEC)
    dev._left = dev._next = dev._freed = 0
    select(dev, 0)
    put16(dev, WCR | ERXST, 0)  # puts ERXWRPT there too, DS39662E 3.2.1
    put16(dev, WCR | ERXND, RX_END)
    put16(dev, WCR | ERXRDPT, RX_END)
    put(dev, BFC | EIR, RXERIF)
    put(dev, BFS | ECON1, RXEN)


def _again(dev, t):
    """After a transmit error -> 1 when the frame is on its way again, else 0.

    Errata 13 and 15: link pulses pass for late collisions; ESTAT.LATECOL is not to be trusted, the
    status vector behind the frame is. Errata 12: an aborted transmission stalls the logic until it
    is reset.
    """
    if dev._tried != dev.stat[N_TX]:
        dev._tried = dev.stat[N_TX]
        dev._tries = 0
    select(dev, 0)
    put16(dev, WCR | ERDPT, dev._end + 1)
    dev._cs(0)
    dev._readinto(dev._tsv, RBM)
    dev._cs(1)
    if dev.recover & R_TX:
        _tx_reset(dev)
    late = dev._tsv[4] & 0x20 and dev.recover & R_LATE  # bit 29, DS39662E table 7-1
    if not late or dev._tries >= _TRIES:
        dev._count(N_TX_FAILED)
        return 0
    dev._tries += 1
    dev._count(N_TX_LATE)
    put(dev, BFS | ECON1, TXRTS)
    dev._sent_at = t
    return 1


def _tx_reset(dev):
    put(dev, BFS | ECON1, TXRST)
    put(dev, BFC | ECON1, TXRST | TXRTS)
    # after TXRST is cleared: that raises TXERIF (errata 12)
    put(dev, BFC | EIR, TXERIF | TXIF)


def salvage(dev):
    """The generator was left by an exception, in the middle of anything: the chip is set up
    anew."""
    dev._cs(1)
    if dev._take():
        _restart(dev)
        dev._give()
    else:  # the first health check looks for it
        dev._up = False
        dev._check_at = dev._link_at = time.ticks_ms()


def _restart(dev):
    """Sets everything up again. The stack's connections know nothing of it: they send again."""
    dev._count(N_REINIT)
    if not start(dev, 3):
        dev._count(N_NO_CHIP)
        _set_link(dev, False)


def start(dev, tries):
    """-> True when the chip is up, after so many attempts at most, 3 ms each."""
    dev._left = dev._next = dev._freed = dev._sending = 0
    dev._up = False
    while tries and not dev._up:
        tries -= 1
        dev._up = bring_up(dev)
    return dev._up
