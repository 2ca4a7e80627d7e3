"""What is known of a WIZnet chip, in one array, and the steps that move it with each frame.

The generator that moves frames (engine.py), what keeps the chip up (upkeep.py) and the questions
that the stack asks (`still`, `link_up`) all use this array, so there is nothing to keep in step.
Every value is 0 or more and below 2**30; times are ticks_ms modulo 2**30.

The steps are kernels: native code on a board, plain functions elsewhere. A literal of 30 bits
would be loaded amiss where it is frozen, so 2**30 - 1 is made of two halves.
"""

from micropython import const

from ...kern.ptr import kernel, ptr8, ptr32

# The state, by its place in the array
AVAIL = const(0)  # octets counted in RX memory and not read yet; the chip's INT tells them no more
OWED = const(1)  # octets read whose room was not given back to the chip yet
RD = const(2)  # where the next packet begins; the chip's RX_RD is OWED behind it
WR = const(3)  # where the next frame is written: TX_WR
SENDING = const(4)  # 1 from SEND until its end was seen
SENT_AT = const(5)  # when that was
WATCH = const(6)  # how frames are noticed: POLLED, BY_PIN, or not at all: DOWN
LINK = const(7)  # 1 with a live cable, as seen last; 0 without a chip
CHECK_AT = const(8)  # when the chip's health is looked at next
NOW = const(9)  # when the generator was asked for something last
# ... and what the kernels need to know of the chip; set once
SIZE = const(10)  # octets of RX memory
MASK = const(11)  # pointer to address: its low bits ...
RX_AT = const(12)  # ... and the high octet of where the memory begins
TX_AT = const(13)
AT = const(14)  # where the address lies in the header of a read or write of memory
RD_AT = const(15)  # where RX_RD lies in the answer to POINTERS ...
WR_AT = const(16)  # ... and RX_WR; RX_RSR is at 3
CELLS = const(17)

# What `WATCH` may be
POLLED = const(0)  # no INT pin, or one that lied: each poll asks the chip
BY_PIN = const(1)  # INT is low when frames wait
DOWN = const(2)  # no chip, or not set up yet

# What `news` answers: bits. Below 2 nothing but INT matters.
F_SENDING = const(1)  # a transmission's end was not seen yet
F_WAITING = const(2)  # frames were counted
F_POLLED = const(4)  # INT is not to be asked
F_CHECK = const(8)  # the chip's health is to be looked at
F_LATE = const(16)  # a transmission takes too long
F_DOWN = const(32)  # no chip

# The counters, by their place in `stat`; their names and meanings are in upkeep.py (`NAMES`)
N_RX = const(0)
N_TX = const(1)
N_RX_LONG = const(2)
N_RX_BOGUS = const(3)
N_RX_DOUBT = const(4)
N_RX_RESYNC = const(5)
N_REOPENED = const(6)
N_TX_TIMEOUT = const(7)
N_TX_DROPPED = const(8)
N_REINIT = const(9)
N_LINK = const(10)
N_INT_MISSED = const(11)
N_INT_STUCK = const(12)
N_CHIP_LOST = const(13)
N_NO_CHIP = const(14)
N_RX_FULL = const(15)

# What may be put right (`recover`)
R_INSPECT = const(1)
R_POINTERS = const(2)
R_BOGUS = const(4)
R_SENDOK = const(8)
R_LOOK = const(16)
R_ALL = const(31)

SEND_MS = const(100)  # 16 collisions at 10 Mb/s take less
SHORTEST = const(14)  # octets of frame that a length word can announce
LONGEST = const(1518)
PACKET = const(1516)  # octets that the longest frame usually takes in RX memory


@kernel
def news(st: ptr32, t: int) -> int:
    """t is ticks_ms, kept as NOW -> what is to be done whatever INT says (F_...)."""
    top = 0x3FFF
    top = (top << 16) | 0xFFFF
    t = t & top
    st[NOW] = t
    f = st[SENDING]
    # A time is past when the difference, modulo 2**30, is below 2**29.
    if f != 0:
        d = (t - st[SENT_AT]) & top
        if d >= SEND_MS and d < top >> 1:
            f |= F_LATE
    if (t - st[CHECK_AT]) & top < top >> 1:
        f |= F_CHECK
    if st[AVAIL] != 0:
        f |= F_WAITING
    if st[WATCH] == POLLED:
        f |= F_POLLED
    if st[WATCH] == DOWN:
        f |= F_DOWN
    return f


@kernel
def quiet_ms(st: ptr32, t: int) -> int:
    """t is ticks_ms -> ms until something is due though INT is high; 0: now."""
    top = 0x3FFF
    top = (top << 16) | 0xFFFF
    if st[AVAIL] != 0 or st[WATCH] != BY_PIN:
        return 0
    d = (st[CHECK_AT] - t) & top
    if st[SENDING] != 0:
        k = (t - st[SENT_AT]) & top
        if k >= SEND_MS:
            return 0
        if SEND_MS - k < d:
            d = SEND_MS - k
    if d > top >> 1:
        return 0
    return d


@kernel
def counted(st: ptr32, a: ptr8, stat: ptr32) -> int:
    """The answer to POINTERS is in `a` -> octets that wait, also in AVAIL; -1 when the three
    registers do not say the same, or not what we know."""
    rd = a[st[RD_AT]] << 8 | a[st[RD_AT] + 1]
    wr = a[st[WR_AT]] << 8 | a[st[WR_AT] + 1]
    held = a[3] << 8 | a[4]  # RX_RSR: what was not given back, read or not
    if rd != (st[RD] - st[OWED]) & 0xFFFF or held != (wr - rd) & 0xFFFF:
        return -1
    if held > st[SIZE] or held < st[OWED]:
        return -1
    if held > st[SIZE] - PACKET:
        top = 0x3FFF
        top = (top << 16) | 0xFFFF
        stat[N_RX_FULL] = (stat[N_RX_FULL] - top) & top  # one more, modulo 2**30
    st[AVAIL] = held - st[OWED]
    return held - st[OWED]


@kernel
def length(st: ptr32, a: ptr8, h: ptr8, stat: ptr32, room: int) -> int:
    """The length word of the packet at RD is in a[3:5] -> octets of its frame; -1 when they exceed
    `room`; 0 when there cannot be so many. But for 0 the packet is counted and passed over: RD,
    AVAIL, OWED, and `h`, the header of the next read. 4096 more when an eighth of the memory is
    owed to the chip."""
    n = (a[3] << 8 | a[4]) - 2
    rest = st[AVAIL] - n - 2
    if n < SHORTEST or n > LONGEST or rest < 0 or (rest > 0 and rest < SHORTEST + 2):
        return 0
    rd = (st[RD] + n + 2) & 0xFFFF  # RX_RD wraps by itself (4.2)
    st[RD] = rd
    st[AVAIL] = rest
    st[OWED] += n + 2
    at = st[AT]
    h[at] = (rd & st[MASK]) >> 8 | st[RX_AT]
    h[at + 1] = rd & 0xFF
    k = N_RX
    if n > room:
        k = N_RX_LONG
        n = -1
    elif st[OWED] >= st[SIZE] >> 3:
        n += 4096
    top = 0x3FFF
    top = (top << 16) | 0xFFFF
    stat[k] = (stat[k] - top) & top  # one more, modulo 2**30
    return n


@kernel
def sent(st: ptr32, h: ptr8, w: ptr8, stat: ptr32, n: int):
    """n octets lie in TX memory: moves WR, into `w` too, the write of TX_WR, and into `h`, the
    header of the next write to the memory; SEND follows."""
    wr = (st[WR] + n) & 0xFFFF  # TX_WR wraps by itself (4.2)
    st[WR] = wr
    w[3] = wr >> 8
    w[4] = wr & 0xFF
    at = st[AT]
    h[at] = (wr & st[MASK]) >> 8 | st[TX_AT]
    h[at + 1] = wr & 0xFF
    st[SENDING] = 1
    st[SENT_AT] = st[NOW]
    top = 0x3FFF
    top = (top << 16) | 0xFFFF
    stat[N_TX] = (stat[N_TX] - top) & top  # one more, modulo 2**30
