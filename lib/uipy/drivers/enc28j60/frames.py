"""ENC28J60: the way of a frame from the chip into the packet buffer and back, as one generator.

    move = dev.frames(buf).send
    n = move(0)                     -> octets of the next frame, now at buf[2:]
    n = move(m)                     sends the m octets at buf[2:], and goes on like move(0)

docs/writing-a-driver.md has the whole contract. It is a generator because a resume costs a third
of a method call on a board, and its locals are the cheapest place there is for the driver's state.

What it knows of the chip stands in its locals; ENC28J60.__init__ says what each means. Whatever
happens seldom (a health check, a header that makes no sense, a failed transmission) is done by
`mend` of health.py, at one place at the end of the loop: the locals go to `dev`, the work is done,
they come back. What the chip has in ERDPT, EWRPT and ETXND is forgotten then, and both of their
octets are written again with the next frame: a value that a glitch has spoilt lives for 100 ms.

A frame that is answered takes 8 to 12 transactions (chip selects), 1350 cycles each:

    EPKTCNT                         once for all frames that wait
    bank 0                          EPKTCNT is the only register of bank 1; the way back is part of
                                    TXRTS, which lies in the same register
    ERDPT                           unless the last read ended there; the high octet if it differs
    header, status and frame        one read
    PKTDEC
    ERXRDPT                         2, once in 1 kB
    EWRPT                           the high octet after a long frame only
    frame                           one write
    ETXND                           unless it is there already; the high octet if it differs
    TXRTS
    ECON1, EIR                      did it leave? When there is nothing else to do, or in the way

ERDPT and EWRPT count up by themselves, and a transfer may move some octets too many (spidev.py):
ERDPT is where that ended, and EWRPT has another high octet after 256 octets and more.
"""

import time

from micropython import const

from .health import mend
from .registers import (
    BANK_0,
    BANK_1,
    CHECK,
    DROP_PACKET,
    ERDPT,
    ERXRDPT,
    ETXND,
    EWRPTH_START,
    EWRPTL_START,
    GET_ECON1,
    GET_EIR,
    GET_EPKTCNT,
    HAND_OVER,
    LONGEST,
    N_RX,
    N_RX_BAD,
    N_RX_LONG,
    N_TX,
    N_TX_DROPPED,
    OUT_OF_STEP,
    RBM,
    RX_END,
    RX_SIZE,
    SEND_BANK_1,
    TX_ERROR,
    TX_OVERDUE,
    TX_START,
    TXERIF,
    TXRTS,
    WBM,
    WCR,
)

_LAZY = const(1024)  # octets that may be read before their room is given back
_TX_MS = const(100)  # a frame takes 1.2 ms; sixteen attempts seldom more
_UNKNOWN = const(0x10000)  # of a pointer: differs from every other in both octets
_MASK = const(0x3FFFFFFF)
_AHEAD = const(0x20000000)  # the sign of a difference of two times


def frames(dev, buf):
    """-> the generator. `dev._views` and `dev._room` are of `buf` already."""
    cs, write, readinto, exchange = dev._cs, dev._write, dev._readinto, dev._exchange
    ticks, stat, views, room = time.ticks_ms, dev.stat, dev._views, dev._room
    fine = min(room & ~15, 240)  # up to here a view in steps of 16 is not cut by the buffer's end
    bank_0, bank_1, send_bank_1, drop_packet = BANK_0, BANK_1, SEND_BANK_1, DROP_PACKET
    get_econ1, get_eir, get_epktcnt = GET_ECON1, GET_EIR, GET_EPKTCNT
    ewrptl, ewrpth = EWRPTL_START, EWRPTH_START
    erdptl = bytearray((WCR | ERDPT, 0))
    put = bytearray(2)  # for any other register
    got = bytearray(2)  # an octet of nothing, and a register
    head = bytearray(5)  # the same, next packet pointer, length
    m = yield 0
    while True:
        left, at, freed = dev._left, dev._next, dev._freed
        bank, sending, sent_at = dev._selected, dev._sending, dev._sent_at
        up, check_at = dev._up, dev._check_at
        pin = dev._int if dev._trust else None
        read_at = filled = _UNKNOWN  # ERDPT; octets of the frame that ETXND is set for
        wide = True  # EWRPT's high octet is not that of TX_START
        why = 0
        while True:
            if m:
                if m > 0 or m < HAND_OVER:
                    # Send. The transmitter is free.
                    if up:
                        n = m if m > 0 else -m
                        if bank:
                            cs(0)
                            write(bank_0)
                            cs(1)
                        cs(0)
                        write(ewrptl)
                        cs(1)
                        if wide:
                            cs(0)
                            write(ewrpth)
                            cs(1)
                        wide = n > 240
                        buf[0] = WBM
                        buf[1] = 0  # per packet control: as MACON3 says, DS39662E 7.1
                        cs(0)
                        write(views[((n + 127) >> 7) + 14 if wide else (n + 15) >> 4])
                        cs(1)
                        if n != filled:
                            put[0] = WCR | ETXND
                            put[1] = n & 0xFF
                            cs(0)
                            write(put)
                            cs(1)
                            if (n ^ filled) > 0xFF:
                                put[0] = WCR | ETXND + 1
                                put[1] = (TX_START + n) >> 8
                                cs(0)
                                write(put)
                                cs(1)
                            filled = n
                            dev._end = TX_START + n
                        cs(0)
                        write(send_bank_1)
                        cs(1)
                        bank = sending = 1
                        sent_at = ticks()
                        stat[N_TX] = (stat[N_TX] + 1) & _MASK
                    else:
                        stat[N_TX_DROPPED] = (stat[N_TX_DROPPED] + 1) & _MASK
                    # It cannot have left yet, so that nothing can be received now.
                    if m > 0 and (left or pin is None or not pin()):
                        m = yield -1
                    else:
                        m = yield 0
                    continue
                if m == -1 and not sending:
                    m = yield 1
                    continue
                if m == HAND_OVER:
                    why = m
                    break
            if not left and m != -1:
                if not (ticks() - check_at) & _AHEAD:
                    why = CHECK
                    break
                if up and (pin is None or not pin()):
                    if not bank:
                        cs(0)
                        write(bank_1)
                        cs(1)
                        bank = 1
                    cs(0)
                    exchange(get_epktcnt, got)  # not PKTIF: errata 6
                    cs(1)
                    left = got[1]
                elif not sending:
                    m = yield 0  # INT is high: nothing came
                    continue
            if sending and m != -2:
                # Is the transmitter free?
                cs(0)
                exchange(get_econ1, got)
                cs(1)
                if got[1] & TXRTS:
                    if (ticks() - sent_at) & _MASK >= _TX_MS:
                        why = TX_OVERDUE
                        break
                    if left and m != -1:
                        m = yield -1
                    else:
                        m = yield 0
                    continue
                cs(0)
                exchange(get_eir, got)
                cs(1)
                if got[1] & TXERIF:
                    why = TX_ERROR
                    break
                sending = 0
                if m == -1:
                    m = yield 1
                    continue
            n = 0
            while left:
                # Receive. What cannot be used is passed over.
                if read_at != at:
                    if bank:
                        cs(0)
                        write(bank_0)
                        cs(1)
                        bank = 0
                    erdptl[1] = at & 0xFF
                    cs(0)
                    write(erdptl)
                    cs(1)
                    if (read_at ^ at) > 0xFF:
                        put[0] = WCR | ERDPT + 1
                        put[1] = at >> 8
                        cs(0)
                        write(put)
                        cs(1)
                # The instruction goes out while the first octet comes in. The next packet starts
                # where this one ends, at an even address, in the ring (DS39662E 7.2.2): one
                # equation tells a wrong range, an odd pointer and a glitch.
                cs(0)
                readinto(head, RBM)
                n = head[3] | head[4] << 8
                after = (at + n + 7) & ~1
                if after >= RX_SIZE:
                    after -= RX_SIZE
                if head[1] | head[2] << 8 != after or n < 18 or n > LONGEST:
                    cs(1)
                    why = OUT_OF_STEP
                    break
                n -= 4  # the CRC
                read_at = at + 6
                if n > room:
                    read_at = _UNKNOWN
                elif n > fine:
                    k = (n + 127) >> 7
                    readinto(views[k + 14])
                    k <<= 7
                    read_at += k if k < room else room
                else:
                    k = (n + 15) >> 4
                    readinto(views[k])
                    read_at += k << 4
                cs(1)
                cs(0)
                write(drop_packet)
                cs(1)
                at = after
                left -= 1
                if read_at >= RX_SIZE:  # and _UNKNOWN stays so: it is not near any address
                    read_at -= RX_SIZE
                k = at - freed
                if k < 0:
                    k += RX_SIZE
                if k >= _LAZY:
                    # Its room back, and the others' before it.
                    freed = at
                    if bank:
                        cs(0)
                        write(bank_0)
                        cs(1)
                        bank = 0
                    k = at - 1 if at else RX_END  # odd: errata 14
                    put[0] = WCR | ERXRDPT
                    put[1] = k & 0xFF
                    cs(0)
                    write(put)
                    cs(1)
                    put[0] = WCR | ERXRDPT + 1
                    put[1] = k >> 8
                    cs(0)
                    write(put)
                    cs(1)
                if n <= room and buf[0] & 0x80:  # Received Ok, DS39662E table 7-3
                    stat[N_RX] = (stat[N_RX] + 1) & _MASK
                    break
                k = N_RX_LONG if n > room else N_RX_BAD
                stat[k] = (stat[k] + 1) & _MASK
                n = 0
            if why:
                break
            m = yield n
        dev._left, dev._next, dev._freed = left, at, freed
        dev._selected, dev._sending, dev._sent_at = bank, sending, sent_at
        mend(dev, why)
        if why == OUT_OF_STEP or why == HAND_OVER:
            m = yield 0
