"""WIZnet chips: bringing one up, and keeping it up.

| what is seen | what is done | counter |
|---|---|---|
| a packet length that cannot be | read again; socket 0 is opened anew | rx_bogus, reopened |
| no SENDOK within 100 ms | inspection; socket 0 is opened anew | tx_timeout, reopened |
| a register is not as it was set (power dip, glitch) | reset, set up anew | chip_lost, reinit |
| another version number | looked for twice a second, for ever | no_chip, reinit |
| RX memory is full | it is emptied; the chip does not say what it dropped | rx_full |

What waits in RX memory, and whether INT tells the truth of it, is in doubt.py. Nothing waits once
the constructor has returned: a reset is a state, and what is due is done when the stack asks for a
frame next.
"""

import time
from array import array

from micropython import const

from ..errors import NoChip
from ..spidev import SpiDevice
from .state import (
    AT,
    AVAIL,
    BY_PIN,
    CELLS,
    CHECK_AT,
    DOWN,
    LINK,
    MASK,
    N_CHIP_LOST,
    N_LINK,
    N_NO_CHIP,
    N_REINIT,
    N_REOPENED,
    OWED,
    POLLED,
    R_ALL,
    R_INSPECT,
    R_LOOK,
    RD,
    RD_AT,
    RX_AT,
    SENDING,
    SIZE,
    TX_AT,
    WATCH,
    WR,
    WR_AT,
)

# Where the reset stands (`_stage`)
_DONE = const(0)
_HELD = const(1)  # RSTn is low
_SETTLING = const(2)
_LOST = const(3)

_TICKS = const(0x3FFFFFFF)  # ticks_ms modulo 2**30
_CHECK_MS = const(250)  # between two looks at the chip's health and the cable
_HOLD_MS = const(2)  # RSTn low for at least 500 us (5.5.1)
_ABSENT_MS = const(500)
_TRIES = const(10)  # reads of S0_SR until OPEN or CLOSE is done: microseconds
_NO_GROUPS = const(0x20)  # blocks multicasts: of S0_MR, on the W5100S of S0_MR2
_CLOSED = const(0x00)
_MACRAW = const(0x42)


class Upkeep(SpiDevice):
    """One chip. Returns within 0.2 s, with or without a cable; raises `NoChip` when none answers,
    unless `wait` is true.

    int_pin: without it each idle poll costs one transaction of 9 octets (13 on the W6100), with it
    one look at the pin. reset: without it the mode register resets. mac: 6 bytes, by default made
    from the board's unique id. duplex: None for autonegotiation, or "full" or "half" at `speed`
    10 or 100, the other end being set likewise. multicast: let multicast frames and IPv6 through,
    whatever `groups` says. promiscuous: all frames, whomever they are for. wait: a chip that is
    not there is looked for until it comes. bus: see bus.py.
    """

    NAMES = (
        "rx",  # frames handed over
        "tx",  # frames handed to the chip
        "rx_long",  # longer than the buffer: dropped
        "rx_bogus",  # packet lengths that cannot be
        "rx_doubt",  # pointers that had to be read again
        "rx_resync",  # RX_RD written again
        "reopened",  # socket 0 closed and opened: what it held was lost
        "tx_timeout",  # SENDOK did not come
        "tx_dropped",  # no link, no chip or no bus at that moment
        "reinit",  # set up again
        "link",  # changes of the cable's state
        "int_missed",  # INT was high with packets waiting
        "int_stuck",  # INT stayed low with nothing waiting
        "chip_lost",  # a register was not as it had been set
        "no_chip",  # did not answer with its version number
        "rx_full",  # no room was left for a long frame: some were lost, perhaps
    )

    # What a chip's class states; w5500.py is the plain example. Frames are whole SPI transactions:
    # header and data, or header and a filler for each octet of the answer.
    NAME: str
    SIZE: int  # octets of RX memory
    SETTLE_MS: int  # from a reset to the first access
    VERSION: bytes
    GET_VERSION: bytes
    RESET: tuple  # frames that reset the chip
    PHY: bytes  # reads the PHY's state; bit 0 is the link
    PHY_MODE: int  # its bits that only a setup changes
    OPEN: bytes
    CLOSE: bytes
    SEND: bytes
    RECV: bytes
    SR: bytes
    IR: bytes
    CLEAR_RECV: bytes
    CLEAR_SEND: bytes
    CLEAR_ALL: bytes  # both
    GET_WR: bytes  # TX_WR
    SET_WR: bytes
    SET_RD: bytes  # RX_RD
    POINTERS: bytes  # RX_RSR, RX_RD and RX_WR in one burst ...
    RD: int  # ... where RX_RD lies in the answer
    WR: int  # ... and RX_WR
    HEAD_RX: bytes  # header of a read of RX memory ...
    HEAD_TX: bytes  # ... and of a write to TX memory
    AT: int  # where the address lies in these
    MASK: int  # pointer to address: its low bits ...
    RX_AT: int  # ... and the high octet of where the memory begins
    TX_AT: int
    BLOCK: bytes  # header of a write to the register that can block multicasts (_NO_GROUPS) ...
    BLOCKED: bytes  # ... and what reads it, a frame of `_watch`
    EDGE = 0  # address behind which a frame may run over the end of a memory that does not wrap

    def _setup_frames(self, multicast, promiscuous, duplex, speed):
        """-> tuple of frames that set the chip up after a reset."""
        raise NotImplementedError

    def _watch_frames(self, multicast, promiscuous):
        """-> tuple of read frames, each followed by what it must answer."""
        raise NotImplementedError

    def __init__(
        self,
        spi,
        cs,
        int_pin=None,
        reset=None,
        mac=None,
        duplex=None,
        speed=100,
        multicast=False,
        promiscuous=False,
        wait=False,
        bus=None,
        recover=R_ALL,
    ):
        super().__init__(spi, cs, int_pin, reset, mac, bus)
        self.recover = recover
        self.stat = array("i", self.stat)
        st = self._st = array("i", [0] * CELLS)  # state.py says what it holds
        st[SIZE], st[MASK], st[AT] = self.SIZE, self.MASK, self.AT
        st[RX_AT], st[TX_AT], st[RD_AT], st[WR_AT] = self.RX_AT, self.TX_AT, self.RD, self.WR
        self.version = bytearray(len(self.VERSION))  # what the version register read last
        multicast = multicast or promiscuous
        self._setup = self._setup_frames(multicast, promiscuous, duplex, speed)
        self._watch = self._watch_frames(multicast, promiscuous)
        # The frame that writes the filter's bits, the one of them that is changed later on.
        self._filter = next(f for f in self._setup if f[:3] == self.BLOCK)
        self._all = multicast
        self._wish = -1  # what `groups` wants of _NO_GROUPS; -1: nothing
        self._a = bytearray(16)  # answers; the first 3 octets fall to the header
        self._into = {n: memoryview(self._a)[:n] for n in range(4, 17)}
        self._h_rx = bytearray(self.HEAD_RX + bytes(2))  # the length word is in the answer
        self._h_tx = bytearray(self.HEAD_TX)
        self._w_rd = bytearray(self.SET_RD)
        self._w_wr = bytearray(self.SET_WR)
        self._known = False  # has been up
        self._lows = 0  # times that INT was low with nothing waiting, in a row
        self._phy = 0  # the PHY's mode after setup
        self._move = None  # `send` of the generator on `_buf` that the four methods use
        self._torn = False  # an exception has left a generator in the middle of something
        self._lose(0)
        if self._take():
            self._bring_up()
            self._give()
        if st[WATCH] == DOWN and not wait:
            raise NoChip(self.trouble())

    def link_up(self):
        """-> True with a live cable, as seen at most 250 ms ago. False without a chip."""
        return self._st[LINK] == 1

    def groups(self, macs, n):
        """The frames for multicast addresses are let through from the next poll on, if n is over
        0: these chips block all or none. Socket 0 is opened anew when that changes."""
        if not self._all:
            self._wish = 0 if n else _NO_GROUPS
            if self._st[WATCH] != DOWN:
                self._st[CHECK_AT] = time.ticks_ms() & _TICKS  # type: ignore[operator]

    # One transaction each

    def _put(self, frame):
        self._cs(0)
        self._write(frame)
        self._cs(1)

    def _get(self, frame):
        """Sends a read frame: the header and a filler for each octet of the answer, which is in
        `_a` from 3 on. -> its first octet."""
        self._cs(0)
        self._exchange(frame, self._into[len(frame)])
        self._cs(1)
        return self._a[3]

    # Up and down

    def _bring_up(self):
        """The one place that waits: reset held, settling, up or lost."""
        st = self._st
        for _ in range(3):
            self._tend(time.ticks_ms() & _TICKS)  # type: ignore[operator]
            if st[WATCH] != DOWN or self._stage == _LOST:
                break
            ms = (st[CHECK_AT] - time.ticks_ms()) & _TICKS  # type: ignore[operator]
            if ms <= self.SETTLE_MS:
                time.sleep_ms(ms)

    def trouble(self):
        """-> '' or one sentence for a human: which pins, what was read. Allocates."""
        if self._st[WATCH] != DOWN:
            return ""
        got = self.version.hex()
        if self.version == self.VERSION:
            why = "but registers do not keep what is written: wiring, supply, or SPI clock?"
        elif self.version.strip(b"\x00") and self.version.strip(b"\xff"):
            why = "not 0x{}: another chip, or SPI clock too high?".format(self.VERSION.hex())
        else:
            why = "is it powered, are MISO, MOSI, SCK and CS on the right pins?"
        return "no {} on {}: version read 0x{}; {}".format(self.NAME, self._where, got, why)

    def _lose(self, retry_ms):
        """There is no chip any more, until it has been reset and set up."""
        st = self._st
        self._stage = _LOST
        st[CHECK_AT] = time.ticks_ms() + retry_ms & _TICKS
        st[WATCH] = DOWN
        st[AVAIL] = st[OWED] = st[SENDING] = 0
        if st[LINK]:
            self._set_link(0)

    def _tend(self, t):
        """What is due at CHECK_AT."""
        st = self._st
        st[CHECK_AT] = t + _CHECK_MS & _TICKS
        if st[WATCH] != DOWN:
            self._check_health()
        elif self._stage == _LOST:
            self._reset(t)
        elif self._stage == _HELD:
            self._rst(1)
            self._settle(t)
        else:
            self._start()

    def _check_health(self):
        """The chip's health, its cable, and what waits, whatever INT says."""
        st = self._st
        if self._wish >= 0 and self._adopt():
            self._open_anew()
        elif not self.recover & R_INSPECT or self._inspect():
            self._cable()
        if st[WATCH] != DOWN and self.recover & R_LOOK:
            self._look_anyway()  # type: ignore[attr-defined]

    def _reset(self, t):
        if self._rst is not None:
            self._rst(0)
            self._stage = _HELD
            self._st[CHECK_AT] = t + _HOLD_MS & _TICKS
            return
        for frame in self.RESET:
            self._put(frame)
        self._settle(t)

    def _settle(self, t):
        self._stage = _SETTLING
        self._st[CHECK_AT] = t + self.SETTLE_MS & _TICKS

    def _start(self):
        self._get(self.GET_VERSION)
        for i in range(len(self.VERSION)):
            self.version[i] = self._a[3 + i]
        if self.version != self.VERSION:
            self._count(N_NO_CHIP)
            self._lose(_ABSENT_MS)
            return
        for frame in self._setup:
            self._put(frame)
        if not self._open() or not self._ours():
            self._lose(1)  # a glitch, perhaps: soon again
            return
        self._phy = self._get(self.PHY) & self.PHY_MODE
        self._stage = _DONE
        self._st[WATCH] = POLLED if self._int is None else BY_PIN
        if self._known:
            self._count(N_REINIT)
        self._known = True
        self._cable()

    def _await(self, status):
        for _ in range(_TRIES):
            if self._get(self.SR) == status:
                return True
        return False

    def _open(self):
        """OPEN; then where it put the pointers."""
        self._put(self.OPEN)
        if not self._await(_MACRAW):
            return False
        st = self._st
        a = self._a
        self._get(self.GET_WR)
        st[WR] = a[3] << 8 | a[4]
        self._get(self.POINTERS)
        st[RD] = a[self.RD] << 8 | a[self.RD + 1]
        st[AVAIL] = st[OWED] = st[SENDING] = 0
        self._aim(self._h_rx, st[RD], self.RX_AT)
        self._aim(self._h_tx, st[WR], self.TX_AT)
        return True

    def _aim(self, head, pointer, base):
        """The header of a read or write of memory begins there."""
        head[self.AT] = (pointer & self.MASK) >> 8 | base
        head[self.AT + 1] = pointer & 0xFF

    def _reopen(self):
        self._count(N_REOPENED)
        self._open_anew()

    def _open_anew(self):
        self._put(self.CLOSE)
        if self._await(_CLOSED):
            self._put(self._filter)
            if self._open():
                return
        self._lose(0)

    def _adopt(self):
        """What `groups` wants, into what the chip is set up with and held to -> True when it is
        something new."""
        bit, self._wish = self._wish, -1
        octet = self._filter[3]
        if bit < 0 or octet & _NO_GROUPS == bit:
            return False
        self._filter[3] ^= _NO_GROUPS
        for k in range(0, len(self._watch), 2):
            if self._watch[k] == self.BLOCKED:
                self._watch[k + 1][0] = self._filter[3]
        return True

    # Inspection

    def _inspect(self):
        """-> True when the chip is as we set it; else it is set up anew, from the next call on."""
        if self._ours() or self._ours():  # one reading may be a glitch
            return True
        self._count(N_CHIP_LOST)
        self._lose(0)
        return False

    def _ours(self):
        for k in range(0, len(self._watch), 2):
            self._get(self._watch[k])
            want = self._watch[k + 1]
            for i in range(len(want)):
                if self._a[3 + i] != want[i]:
                    return False
        return True

    def _cable(self):
        """Looks at the link and the PHY's mode. What is new must be said twice."""
        k = self._get(self.PHY)
        if k & self.PHY_MODE != self._phy and self.recover & R_INSPECT:
            if self._get(self.PHY) & self.PHY_MODE != self._phy:
                self._count(N_CHIP_LOST)
                self._lose(0)
        elif k & 1 != self._st[LINK] and self._get(self.PHY) & 1 == k & 1:
            self._set_link(k & 1)

    def _set_link(self, up):
        self._st[LINK] = up
        self._count(N_LINK)
        if self.on_link is not None:
            self.on_link(up == 1)
