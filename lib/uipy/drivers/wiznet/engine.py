"""The engine for WIZnet chips in MACRAW: the chip's own TCP/IP stays off, socket 0 moves whole
Ethernet frames.

A chip is a table of constants on this engine (w5500.py, w5100s.py, w6100.py); section numbers are
those of the W5500 data sheet 1.0.9, whose socket 0 all of them share.

Receiving. RX memory holds packets: a 2-octet big-endian length that counts itself, then the frame.
RX_RSR says how many octets wait. It changes while it is read, so one burst takes RX_RSR, RX_RD and
RX_WR: they are true together when RX_RSR = RX_WR - RX_RD and RX_RD is what we wrote last; anything
else is read again (doubt.py). What has been counted once is not asked for again. RX_RD goes back
to the chip when an eighth of the memory is read, and whenever the chip's health is looked at.

Sending. One frame at a time: data to TX_WR, the new TX_WR, SEND; SENDOK ends it. So the whole TX
memory is free for the next one and TX_FSR need not be read. SENDOK is asked for when it matters:
when the next frame comes in, or is to go out. Its flag is then cleared together with INT's.

INT is a level, low while a flag stands: it is looked at, never waited for, and whatever it says
the chip is looked at four times a second. A pin that says nothing is replaced by polling.
"""

import time

from micropython import const

from .doubt import Doubt
from .state import (
    AVAIL,
    DOWN,
    F_CHECK,
    F_DOWN,
    F_LATE,
    F_SENDING,
    F_WAITING,
    LINK,
    LONGEST,
    MASK,
    N_RX_BOGUS,
    N_TX_DROPPED,
    N_TX_TIMEOUT,
    NOW,
    OWED,
    R_BOGUS,
    R_SENDOK,
    RD,
    SEND_MS,
    SENDING,
    SENT_AT,
    WATCH,
    WR,
    counted,
    length,
    news,
    quiet_ms,
    sent,
)

_SENDOK = const(0x10)  # S0_IR: it has left
_TIMEOUT = const(0x08)  # ... or was given up
_ENDED = const(0xF8)  # these, and the bits that are 0 in a chip that is there
_N = const(0xFFF)  # of what `length` answers, the octets
_FINE = const(8)  # octets between two views of short frames ...
_STEP = const(128)  # ... and of longer ones


class Wiznet(Doubt):
    """The device: the four methods are thin shells on the generator that a stack drives itself."""

    def recv_into(self, buf):
        """-> octets of the next frame, now at buf[2:]; 0 = none. Never blocks; a frame that does
        not fit is dropped and counted."""
        if buf is not self._buf or self._move is None:
            self._drive(buf)
        n = self._move(-2)
        return n if n > 0 else 0

    def can_send(self):
        """-> True when `send` may be called. It stays False for at most 100 ms."""
        if self._move is None:
            if self._buf is None:
                return True
            self._drive(self._buf)
        return self._move(-1) == 1

    def send(self, buf, n):
        """Sends the n octets at buf[2:]; the chip pads and appends the CRC.

        Without a link or a chip, or when the bus is someone else's, the frame is lost and counted.
        """
        if buf is not self._buf or self._move is None:
            self._drive(buf)
        self._move(-n)

    def still(self):
        """-> ms for which only INT going low (`look() == 0`) makes a call worth while; 0: none."""
        return quiet_ms(self._st, time.ticks_ms())

    def _drive(self, buf):
        self._move = self.frames(buf).send
        self._buf = buf
        self._move(None)

    def frames(self, buf):
        """A generator that moves frames between the chip and `buf`, where they lie from 2 on:
        `move = dev.frames(buf).send; move(None)`, then n = move(m):

            m > 0    sends m octets (the transmitter is free), then as 0
            0        -> octets of the next frame; 0: none came; -1: not now, come back at once:
                     the transmitter is still busy and an answer would have no place, or the bus is
                     someone else's, or a frame was dropped and there are more
            -1       -> 1 when the transmitter is free, else 0
            -2       as 0, even while the transmitter is busy
            m < -2   sends -m octets, receives nothing -> 0

        What it knows is in the state array (state.py), so that several of them may run in turn. An
        exception that leaves it ends it; the next one opens the chip's socket anew.
        """
        if self._torn:
            self._mend()
        st, stat, a, bus = self._st, self.stat, self._a, self._bus
        cs, write, readinto, exchange = self._cs, self._write, self._readinto, self._exchange
        ticks_ms, int_pin = time.ticks_ms, self._int
        told, waiting, came, left = news, counted, length, sent  # a local is cheaper to find
        rx_head, tx_head, set_wr, set_rd = self._h_rx, self._h_tx, self._w_wr, self._w_rd
        get_ir, get_pointers, send, recv = self.IR, self.POINTERS, self.SEND, self.RECV
        clear_recv, clear_send, clear_all = self.CLEAR_RECV, self.CLEAR_SEND, self.CLEAR_ALL
        ir_answer = self._into[len(get_ir)]
        rx_answer = self._into[len(rx_head)]
        pointers = self._into[len(get_pointers)]
        mask, edge = st[MASK], self.EDGE
        if edge:  # NoWrap: for the packets behind the first
            self._make_chunks(buf)  # type: ignore[attr-defined]
        views = _views(buf)
        room = min(len(buf) - 2, LONGEST)
        held = bus is None  # the bus is ours
        give = False  # room is to be given back
        n = 0
        try:
            while True:
                if give:
                    # Memory is never fuller than now: here it is seen whether it was full.
                    give = False
                    cs(0)
                    exchange(get_pointers, pointers)
                    cs(1)
                    if waiting(st, a, stat) < 0:
                        self._doubted()
                    else:
                        k = st[RD]
                        set_rd[3] = k >> 8
                        set_rd[4] = k & 0xFF
                        cs(0)
                        write(set_rd)
                        cs(1)
                        cs(0)
                        write(recv)
                        cs(1)
                        st[OWED] = 0
                if bus is not None and held:
                    held = False
                    bus.release()
                m = yield n
                n = 0
                f = told(st, ticks_ms())

                if m:
                    if m > 0 or m < -2:
                        if not held:
                            held = bus.acquire()
                        k = m if m > 0 else -m
                        if held and st[LINK]:
                            if edge and st[WR] & mask > edge:
                                if buf is not self._chunked:  # type: ignore[attr-defined]
                                    self._make_chunks(buf)  # type: ignore[attr-defined]
                                self._load(k)  # type: ignore[attr-defined]
                            else:
                                cs(0)
                                write(tx_head)
                                write(views[k + 7 >> 3 if k <= _STEP else (k + 127 >> 7) + 15])
                                cs(1)
                            left(st, tx_head, set_wr, stat, k)
                            cs(0)
                            write(set_wr)
                            cs(1)
                            cs(0)
                            write(send)
                            cs(1)
                            f |= F_SENDING
                        else:
                            self._count(N_TX_DROPPED)
                        if m < 0:
                            continue
                    elif m == -2:
                        f &= ~F_SENDING  # nobody wants to know
                    else:
                        n = 1
                        if f & F_SENDING:
                            if not held:
                                held = bus.acquire()
                            if held:
                                cs(0)
                                exchange(get_ir, ir_answer)
                                cs(1)
                                k = a[3] & _ENDED
                                if k == _SENDOK or k == _TIMEOUT or k == _SENDOK | _TIMEOUT:
                                    st[SENDING] = 0
                                    cs(0)
                                    write(clear_send)
                                    cs(1)
                                else:
                                    self._overdue()
                            n = 1 - st[SENDING]
                        continue

                if f < 2:
                    if int_pin():
                        continue  # nothing came
                elif f & F_DOWN and not f & F_CHECK:
                    continue
                else:
                    f &= ~F_LATE  # it was said so that we come here
                if not held:
                    held = bus.acquire()
                    if not held:
                        n = 0 if m == -2 else -1
                        continue

                if f & F_SENDING:
                    cs(0)
                    exchange(get_ir, ir_answer)
                    cs(1)
                    k = a[3] & _ENDED
                    if k != _SENDOK and k != _TIMEOUT and k != _SENDOK | _TIMEOUT:
                        self._overdue()
                        n = -1
                        continue
                    st[SENDING] = 0
                    cs(0)
                    write(clear_all if f < 2 else clear_send)
                    cs(1)
                elif f < 2:
                    # First the flag, then the size: what comes in between raises the flag again.
                    cs(0)
                    write(clear_recv)
                    cs(1)

                if f < 2 or not f & (F_WAITING | F_CHECK):
                    cs(0)
                    exchange(get_pointers, pointers)
                    cs(1)
                    k = waiting(st, a, stat)
                    if k <= 0 or f > 1:
                        if k < 0:
                            self._doubted()
                        if int_pin is not None:
                            self._noticed()
                        if not st[AVAIL]:
                            continue
                elif not f & F_WAITING:
                    self._tend(st[NOW])
                    if not st[AVAIL]:
                        continue

                if edge and st[RD] & mask > edge:
                    if buf is not self._chunked:  # type: ignore[attr-defined]
                        self._make_chunks(buf)  # type: ignore[attr-defined]
                    n = self._fetch(room, views)
                else:
                    cs(0)
                    exchange(rx_head, rx_answer)
                    n = came(st, a, rx_head, stat, room)
                    if n > 0:
                        k = n & _N
                        readinto(views[k + 7 >> 3 if k <= _STEP else (k + 127 >> 7) + 15])
                    cs(1)
                if n <= 0:
                    n = self._odd(n, room, views)
                    if m == -2:
                        n = max(n, 0)
                if n > _N:
                    n &= _N
                    give = True
        except GeneratorExit:
            pass
        except:  # KeyboardInterrupt above all; it goes on
            self._cut_off(held)
            raise

    def _fetch(self, room, views):
        """The packet at RD -> what `length` says of it, now at buf[2:] if it fits. (The frame of
        this function has 11 words, the most that takes no heap.)"""
        self._cs(0)
        self._exchange(self._h_rx, self._into[len(self._h_rx)])
        n = length(self._st, self._a, self._h_rx, self.stat, room)
        if n > 0:
            k = n & _N
            self._readinto(views[k + 7 >> 3 if k <= _STEP else (k + 127 >> 7) + 15])
        self._cs(1)
        return n

    def _odd(self, n, room, views):
        """A packet that did not fit, or whose length cannot be -> what `length` says of it after
        all; 0; -1 when another one waits."""
        if not n:
            n = self._fetch(room, views)  # it may have been a glitch
        if not n:
            self._count(N_RX_BOGUS)
            self._st[AVAIL] = 0
            if self.recover & R_BOGUS:
                self._reopen()  # where the next packet begins, nobody knows
        elif n < 0 and not self._st[AVAIL]:
            n = 0
        return n

    def _overdue(self):
        """SENDOK has not come: does it still have time?"""
        st = self._st
        d = (st[NOW] - st[SENT_AT]) & 0x3FFFFFFF
        if d >= SEND_MS and d < 0x20000000 and self.recover & R_SENDOK:
            self._count(N_TX_TIMEOUT)
            if self._inspect():
                self._reopen()

    def _cut_off(self, held):
        """An exception has left the generator in the middle of something: the pin and the bus are
        put as they should be at once, the chip by whoever goes on."""
        self._cs(1)
        if held:
            self._give()
        self._move = None
        self._torn = True

    def _mend(self):
        """Nobody knows what the chip has heard of the last transaction."""
        self._torn = False
        if self._st[WATCH] == DOWN:
            return
        if self._take():
            self._reopen()
            self._give()
        else:
            self._lose(0)


def _views(buf):
    """Of the frame at buf[2:], in sizes that waste little of the bus: at [n + 7 >> 3] for n up to
    128 octets (64 at least), at [(n + 127 >> 7) + 15] above. A transfer moves up to 127 octets too
    many, into room that counts for nothing on either side."""
    whole = memoryview(buf)[2:]
    small = whole[:64]
    fine = [whole[:k] for k in range(64 + _FINE, _STEP + 1, _FINE)]
    return [small] * 9 + fine + [whole[:k] for k in range(2 * _STEP, LONGEST + _STEP, _STEP)]
