"""WIZnet chips: what waits in RX memory, when the chip's registers and its INT disagree.

| what is seen | what is done | counter |
|---|---|---|
| RX_RSR, RX_RD and RX_WR contradict each other | read again, up to 4 times | rx_doubt |
| they go on doing so | inspection; RX_RD and RECV written again | rx_resync |
| and still | socket 0 is opened anew | reopened |
| packets wait though INT is high | polling, until INT is low again | int_missed |
| INT is low though nothing came | polling | int_stuck |
"""

from .state import (
    AVAIL,
    BY_PIN,
    DOWN,
    N_INT_MISSED,
    N_INT_STUCK,
    N_RX_DOUBT,
    N_RX_RESYNC,
    OWED,
    POLLED,
    R_POINTERS,
    RD,
    WATCH,
    counted,
)
from .upkeep import Upkeep


class Doubt(Upkeep):
    """What the engine calls when a look at the chip was not plain."""

    def _size(self):
        """Counts what waits -> False when that cannot be believed."""
        self._get(self.POINTERS)
        return counted(self._st, self._a, self.stat) >= 0 or self._doubted()

    def _doubted(self):
        """RX_RSR, RX_RD and RX_WR contradict each other -> True when they do not any more."""
        self._count(N_RX_DOUBT)
        if not self.recover & R_POINTERS:
            return False
        if self._agree_soon():
            return True
        if not self._inspect():
            return False
        self._count(N_RX_RESYNC)
        self._give_back()  # the pointer or the command may have been garbled on its way
        if self._agree_soon():
            return True
        self._reopen()
        return False

    def _agree_soon(self):
        for _ in range(4):
            self._get(self.POINTERS)
            if counted(self._st, self._a, self.stat) >= 0:
                return True
        return False

    def _look_anyway(self):
        """The look that does not believe INT. A pin caught lying is not asked again until it is
        seen low."""
        st = self._st
        if self._size() and st[OWED]:
            self._give_back()
        if st[WATCH] != BY_PIN or not st[AVAIL]:
            return
        if self._int():
            self._count(N_INT_MISSED)
            st[WATCH] = POLLED
        self._put(self.CLEAR_RECV)
        self._size()

    def _noticed(self):
        """After a look that found nothing, or that INT was not asked about: does the pin tell the
        truth? Low again although its flag was cleared and nothing came, it is stuck: we go on by
        polling. Low with frames waiting, it moves, and is believed again."""
        st = self._st
        if st[WATCH] == DOWN:
            return
        low = not self._int()
        if st[AVAIL]:
            if low:
                st[WATCH] = BY_PIN
        elif st[WATCH] == POLLED:
            return
        elif not low:
            self._lows = 0
        elif self._lows < 2:
            self._lows += 1
            if self._lows == 2:
                self._count(N_INT_STUCK)

    def _give_back(self):
        """RX_RD and RECV: the chip may use again what lies before."""
        st = self._st
        self._w_rd[3] = st[RD] >> 8
        self._w_rd[4] = st[RD] & 0xFF
        self._put(self._w_rd)
        self._put(self.RECV)
        st[OWED] = 0
