"""WIZnet chips: bringing one up, and keeping it up.

| what is seen | what is done | counter |
|---|---|---|
| RX_RSR, RX_RD and RX_WR contradict each other | read again, up to 4 times | rx_doubt |
| they go on doing so | inspection; RX_RD and RECV written again | rx_resync |
| and still | socket 0 is opened anew | reopened |
| a packet length that cannot be | read again; socket 0 is opened anew | rx_bogus, reopened |
| no SENDOK within 100 ms | inspection; socket 0 is opened anew | tx_timeout, reopened |
| a register is not as it was set (power dip, glitch) | reset, set up anew | chip_lost, reinit |
| another version number | looked for twice a second, for ever | no_chip, reinit |
| packets wait though INT is high | polling, until INT is low again | int_missed |
| INT is low though nothing came | polling | int_stuck |
| RX memory is full | it is emptied; the chip does not say what it dropped | rx_full |

Nothing here waits once the constructor has returned: a reset is a state, and what is due is done
by the next `recv_into`.
"""

import time

from micropython import const

from ..errors import NoChip
from ..spidev import SpiDevice

# Where the reset stands (`_stage`)
_DONE = const(0)
_HELD = const(1)  # RSTn is low
_SETTLING = const(2)
_LOST = const(3)

_STEP = const(128)
_LONGEST = const(12)
_SMALL = const(64)
_CARE_MS = const(250)  # between two looks at the chip's health and the cable
_HOLD_MS = const(2)  # RSTn low for at least 500 us (5.5.1)
_ABSENT_MS = const(500)
_TRIES = const(10)  # reads of S0_SR until OPEN or CLOSE is done: microseconds
_PACKET = const(1516)  # octets that the longest frame takes in RX memory
_CLOSED = const(0x00)
_MACRAW = const(0x42)

# What may be put right
_R_INSPECT = const(1)
_R_POINTERS = const(2)
_R_ALL = const(31)

_N_RX_DOUBT = const(4)
_N_RX_RESYNC = const(5)
_N_REOPENED = const(6)
_N_REINIT = const(9)
_N_LINK = const(10)
_N_CHIP_LOST = const(13)
_N_NO_CHIP = const(14)
_N_RX_FULL = const(15)


class Care(SpiDevice):
    """One chip. Returns within 0.2 s, with or without a cable; raises `NoChip` when none answers,
    unless `wait` is true.

    int_pin: without it each idle poll costs one transaction of 9 octets (13 on the W6100), with it
    one look at the pin. reset: without it the mode register resets. mac: 6 bytes, by default made
    from the board's unique id. duplex: None for autonegotiation, or "full" or "half" at `speed`
    10 or 100, the other end being set likewise. multicast: let multicast frames and IPv6 through.
    promiscuous: all frames, whomever they are for. wait: a chip that is not there is looked for
    until it comes. bus: see bus.py.
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
        recover=_R_ALL,
    ):
        super().__init__(spi, cs, int_pin, reset, mac, bus)
        self.recover = recover
        self.version = bytearray(len(self.VERSION))  # what the version register read last
        self._setup = self._setup_frames(multicast, promiscuous, duplex, speed)
        self._watch = self._watch_frames(multicast, promiscuous)
        self._a = bytearray(16)  # answers; the first 3 octets fall to the header
        self._into = {n: memoryview(self._a)[:n] for n in range(4, 17)}
        self._h_rx = bytearray(self.HEAD_RX)
        self._h_tx = bytearray(self.HEAD_TX)
        self._w_rd = bytearray(self.SET_RD)
        self._w_wr = bytearray(self.SET_WR)
        self._link = False
        self._known = False  # has been up
        self._lows = 0
        self._trust = int_pin is not None  # INT tells the truth, as far as we know
        self._phy = 0  # the PHY's mode after setup
        self._lose(0)
        if self._take():
            self._bring_up()
            self._give()
        if not self._up and not wait:
            raise NoChip(self.trouble())

    def link_up(self):
        """-> True with a live cable, as seen at most 250 ms ago. False without a chip."""
        return self._link

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

    def _see(self, buf):
        """Views from index 2 on, where the frame lies; one for the many frames of 60 octets."""
        whole = memoryview(buf)
        self._word = whole[:2]
        self._small = whole[2 : 2 + _SMALL]
        self._views = [whole[2 : 2 + k * _STEP] for k in range(_LONGEST + 1)]
        self._room = min(len(buf) - 2, _LONGEST * _STEP)
        self._buf = buf

    # Up and down

    def _bring_up(self):
        """The one place that waits: reset held, settling, up or lost."""
        for _ in range(3):
            self._care(time.ticks_ms())
            if self._up or self._stage == _LOST:
                break
            time.sleep_ms(max(0, time.ticks_diff(self._care_at, time.ticks_ms())))

    def trouble(self):
        """-> '' or one sentence for a human: which pins, what was read. Allocates."""
        if self._up:
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
        self._up = False
        self._stage = _LOST
        self._care_at = time.ticks_add(time.ticks_ms(), retry_ms)
        self._avail = 0  # octets known to wait in RX memory
        self._owed = 0  # octets read, but not yet given back with RX_RD
        self._rd = self._wr = 0  # RX_RD and TX_WR, as they will be
        self._sending = False
        self._tx_at = 0
        if self._link:
            self._set_link(False)

    def _care(self, t):
        """What is due at `_care_at`."""
        self._care_at = time.ticks_add(t, _CARE_MS)
        if self._up:
            if not self.recover & _R_INSPECT or self._inspect():
                self._cable()
        elif self._stage == _LOST:
            self._reset(t)
        elif self._stage == _HELD:
            self._rst(1)
            self._settle(t)
        else:
            self._start()

    def _reset(self, t):
        if self._rst is not None:
            self._rst(0)
            self._stage = _HELD
            self._care_at = time.ticks_add(t, _HOLD_MS)
            return
        for frame in self.RESET:
            self._put(frame)
        self._settle(t)

    def _settle(self, t):
        self._stage = _SETTLING
        self._care_at = time.ticks_add(t, self.SETTLE_MS)

    def _start(self):
        self._get(self.GET_VERSION)
        for i in range(len(self.VERSION)):
            self.version[i] = self._a[3 + i]
        if self.version != self.VERSION:
            self._count(_N_NO_CHIP)
            self._lose(_ABSENT_MS)
            return
        for frame in self._setup:
            self._put(frame)
        if not self._open() or not self._ours():
            self._lose(1)  # a glitch, perhaps: soon again
            return
        self._phy = self._get(self.PHY) & self.PHY_MODE
        self._stage = _DONE
        self._up = True
        if self._known:
            self._count(_N_REINIT)
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
        self._get(self.GET_WR)
        self._wr = self._a[3] << 8 | self._a[4]
        self._get(self.POINTERS)
        self._rd = self._a[self.RD] << 8 | self._a[self.RD + 1]
        self._avail = self._owed = 0
        self._sending = False
        return True

    def _reopen(self):
        self._count(_N_REOPENED)
        self._put(self.CLOSE)
        if not self._await(_CLOSED) or not self._open():
            self._lose(0)

    # Inspection

    def _inspect(self):
        """-> True when the chip is as we set it; else it is set up anew, from the next call on."""
        if self._ours() or self._ours():  # one reading may be a glitch
            return True
        self._count(_N_CHIP_LOST)
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
        if k & self.PHY_MODE != self._phy and self.recover & _R_INSPECT:
            if self._get(self.PHY) & self.PHY_MODE != self._phy:
                self._count(_N_CHIP_LOST)
                self._lose(0)
        elif (k & 1 == 1) != self._link and self._get(self.PHY) & 1 == k & 1:
            self._set_link(not self._link)

    def _set_link(self, up):
        self._link = up
        self._count(_N_LINK)
        if self.on_link is not None:
            self.on_link(up)

    # RX pointers

    def _size(self):
        """RX_RSR to `_avail`, when it can be believed."""
        self._get(self.POINTERS)
        if not self._agree():
            self._count(_N_RX_DOUBT)
            if self.recover & _R_POINTERS:
                self._doubt()
        if self._avail > self.SIZE - _PACKET:
            self._count(_N_RX_FULL)

    def _agree(self):
        a = self._a
        rd = a[self.RD] << 8 | a[self.RD + 1]
        wr = a[self.WR] << 8 | a[self.WR + 1]
        n = a[3] << 8 | a[4]
        if rd != self._rd or n > self.SIZE or n != (wr - rd) & 0xFFFF:
            return False
        self._avail = n
        return True

    def _doubt(self):
        if self._agree_soon() or not self._inspect():
            return
        self._count(_N_RX_RESYNC)
        self._give_back()  # the pointer or the command may have been garbled on its way
        if not self._agree_soon():
            self._reopen()

    def _agree_soon(self):
        for _ in range(4):
            self._get(self.POINTERS)
            if self._agree():
                return True
        return False

    def _give_back(self):
        """RX_RD and RECV: the chip may use again what lies before."""
        self._w_rd[3] = self._rd >> 8
        self._w_rd[4] = self._rd & 0xFF
        self._put(self._w_rd)
        self._put(self.RECV)
        self._owed = 0
