"""The engine for WIZnet chips in MACRAW: the chip's own TCP/IP stays off, socket 0 moves whole
Ethernet frames.

A chip is a table of constants on this engine (w5500.py, w5100s.py, w6100.py); section numbers are
those of the W5500 data sheet 1.0.9, whose socket 0 all of them share.

Receiving. RX memory holds packets: a 2-octet big-endian length that counts itself, then the frame.
Because a frame lies at index 2 of the packet buffer, length and frame are read in one transaction
to its very beginning. RX_RSR says how many octets wait. It changes while it is read, so one burst
takes RX_RSR, RX_RD and RX_WR: they are true together when RX_RSR = RX_WR - RX_RD and RX_RD is
what we wrote last; anything else is read again (wiznet_care.py). What has been counted once is not
asked for again, and RX_RD goes back to the chip when all of it is read, or a quarter of the
memory.

Sending. One frame at a time: data to TX_WR, the new TX_WR, SEND; SENDOK ends it. So the whole TX
memory is free for the next one and TX_FSR need not be read.

INT is a level, low while a flag stands: it is looked at, never waited for, and whatever it says
the chip is looked at four times a second. A pin that says nothing is replaced by polling.
"""

import time

from micropython import const

from .care import Care

_STEP = const(128)
_SMALL = const(64)
_SEND_MS = const(100)  # 16 collisions at 10 Mb/s take less
_SHORTEST = const(14)  # octets of frame that a length word can announce
_LONGEST = const(1518)
_SENDOK = const(0x10)  # S0_IR
_TIMEOUT = const(0x08)
_IR_RESERVED = const(0xE0)

# What may be put right (`recover`, wiznet_care.py)
_R_BOGUS = const(4)
_R_SENDOK = const(8)
_R_LOOK = const(16)

_N_RX = const(0)
_N_TX = const(1)
_N_RX_LONG = const(2)
_N_RX_BOGUS = const(3)
_N_TX_TIMEOUT = const(7)
_N_TX_DROPPED = const(8)
_N_INT_MISSED = const(11)
_N_INT_STUCK = const(12)


class Wiznet(Care):
    # Receiving

    def recv_into(self, buf):
        """-> octets of the next frame, now at buf[2:]; 0 = none. Never blocks; a frame that does
        not fit is dropped and counted. buf[0] and buf[1] are overwritten."""
        if not self._avail and self._idle():
            return 0
        if not self._take():
            return 0
        if buf is not self._buf:
            self._see(buf)
        if not self._avail:
            self._look()
        n = self._read() if self._avail else 0
        self._give()
        return n

    def _idle(self):
        """-> True when no care is due and there is no chip, or INT says that nothing came."""
        if time.ticks_diff(time.ticks_ms(), self._care_at) >= 0:
            return False
        return not self._up or (self._trust and self._int())

    def _look(self):
        """Sets `_avail` to what waits in RX memory."""
        t = time.ticks_ms()
        if time.ticks_diff(t, self._care_at) >= 0:
            self._care(t)
            if self._up and self.recover & _R_LOOK:
                self._look_anyway()
        elif not self._trust:
            self._size()
            if self._avail:
                self._trust = self._int is not None and not self._int()  # it moves
        else:
            # First the flag, then the size: what comes in between raises the flag again.
            self._put(self.CLEAR_RECV)
            self._size()
            if not self._avail:
                self._low()

    def _look_anyway(self):
        """The look that does not believe INT. Caught lying, it is not asked again until it is seen
        low."""
        self._size()
        if not self._trust or not self._avail:
            return
        if self._int():
            self._count(_N_INT_MISSED)
            self._trust = False
        self._put(self.CLEAR_RECV)
        self._size()

    def _low(self):
        """INT low again although its flag was cleared and nothing came is stuck; we go on by
        polling."""
        if self._int():
            self._lows = 0
        elif self._lows < 2:
            self._lows += 1
            if self._lows == 2:
                self._count(_N_INT_STUCK)

    def _read(self):
        n = self._fetch()
        if n < 0:
            n = self._fetch()  # it may have been a glitch
        if n < 0:
            self._count(_N_RX_BOGUS)
            self._avail = 0
            if self.recover & _R_BOGUS:
                self._reopen()  # where the next packet begins, nobody knows
            return 0
        self._rd = (self._rd + n + 2) & 0xFFFF  # RX_RD wraps by itself (4.2)
        self._avail -= n + 2
        self._owed += n + 2
        if not self._avail or self._owed >= self.SIZE >> 2:
            self._give_back()
        if n > self._room:
            self._count(_N_RX_LONG)
            return 0
        self._count(_N_RX)
        return n

    def _fetch(self):
        """The length word to buf[0:2], the frame behind it, in one transaction.
        -> octets of frame; -1 when there cannot be so many."""
        h = self._h_rx
        h[self.AT] = (self._rd & self.MASK) >> 8 | self.RX_AT
        h[self.AT + 1] = self._rd & 0xFF
        self._cs(0)
        self._write(h)
        self._readinto(self._word)
        n = self._length()
        if 0 <= n <= self._room:
            self._readinto(self._small if n <= _SMALL else self._views[(n + _STEP - 1) // _STEP])
        self._cs(1)
        return n

    def _length(self):
        n = (self._buf[0] << 8 | self._buf[1]) - 2
        rest = self._avail - n - 2
        if n < _SHORTEST or n > _LONGEST or rest < 0 or 0 < rest < _SHORTEST + 2:
            return -1
        return n

    # Sending

    def can_send(self):
        """-> True when `send` may be called. It stays False for at most 100 ms."""
        return not self._sending or self._sent()

    def send(self, buf, n):
        """Sends the n octets at buf[2:]; the chip pads and appends the CRC.

        Without a link or a chip, or when the bus is someone else's, the frame is lost and counted.
        """
        if not self._link or not self._take():
            self._count(_N_TX_DROPPED)
            return
        if buf is not self._buf:
            self._see(buf)
        self._load(n)
        self._wr = n = (self._wr + n) & 0xFFFF  # TX_WR wraps by itself (4.2)
        self._w_wr[3] = n >> 8
        self._w_wr[4] = n & 0xFF
        self._put(self._w_wr)
        self._put(self.SEND)
        self._give()
        self._sending = True
        self._tx_at = time.ticks_ms()
        self._count(_N_TX)

    def _load(self, n):
        """The frame to TX memory, in one transaction; up to 127 octets too many, which TX_WR does
        not count."""
        h = self._h_tx
        h[self.AT] = (self._wr & self.MASK) >> 8 | self.TX_AT
        h[self.AT + 1] = self._wr & 0xFF
        self._cs(0)
        self._write(h)
        self._write(self._small if n <= _SMALL else self._views[(n + _STEP - 1) // _STEP])
        self._cs(1)

    def _sent(self):
        """-> True when the frame under way has left, or was given up."""
        if not self._take():
            return False
        k = self._get(self.IR)
        if not k & _IR_RESERVED and k & (_SENDOK | _TIMEOUT):
            self._put(self.CLEAR_SEND)
            self._sending = False
        elif time.ticks_diff(time.ticks_ms(), self._tx_at) >= _SEND_MS:
            self._overdue()
        self._give()
        return not self._sending

    def _overdue(self):
        if self.recover & _R_SENDOK:
            self._count(_N_TX_TIMEOUT)
            self._sending = False
            if self._inspect():
                self._reopen()
