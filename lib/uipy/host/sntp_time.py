"""The octets of an NTP packet, days, and a clock that never goes back.

A time is two small ints: the days since 1 January 1900, and the ms of the day. An NTP timestamp is
32 bits of seconds and 32 of their fraction; nothing here makes one number of them.
"""

from array import array

from micropython import const

from ..kern import same, tadd, tdiff
from ..kern.ptr import kernel, ptr8, ptr32

DAY = const(86_400_000)  # ms
_HOUR = const(3_600_000)

# What `judge` says of a packet
GOOD = const(0)
BAD = const(1)  # no answer of a server, or its times make no sense
BOGUS = const(2)  # not an answer to what was asked
KISS = const(3)
UNSYNC = const(4)  # the server does not know the time itself

# A packet (RFC 5905 7.3): 0 leap 2 bits, version 3, mode 3   1 stratum   2 poll   4 root delay
# 8 root dispersion   12 reference id   16 reference, 24 origin, 32 receive, 40 transmit timestamp
PACKET = const(48)
REFID = const(12)
TRANSMIT = const(40)

# `w` of `judge`, an array('i')
SPAN = const(0)  # ms that the server took
AT_DAY = const(2)  # when it answered
AT_MS = const(3)
W_SIZE = const(4)


@kernel
def stamp(b: ptr8, i: int, w: ptr32, k: int):
    """The NTP timestamp at b[i:i+8] as a day and its ms to w[k] and w[k+1].

    RFC 4330 3: without its first bit it is of the next era, which begins on 7 February 2036. So
    this is right from 1968 to 2104."""
    hi = (b[i] << 8) | b[i + 1]
    lo = (b[i + 2] << 8) | b[i + 3]
    q = (hi << 9) | (lo >> 7)  # in 128 s, of which a day has 675
    if hi < 0x8000:
        q += 0x2000000
    w[k] = q // 675
    ms = ((b[i + 4] << 8) | b[i + 5]) * 1000 >> 16
    w[k + 1] = ((q % 675) * 128 + (lo & 127)) * 1000 + ms  # under 2**27


@kernel
def judge(buf, i: int, n: int, nonce, w) -> int:
    """What the n octets at buf[i:] are, as an answer to the question that bore the 8 octets of
    `nonce`. A GOOD one leaves its times in `w`."""
    b = ptr8(buf)
    if n < 48:
        return 1
    version = (b[i] >> 3) & 7
    if (b[i] & 7) != 4 or version == 0 or version > 4:  # RFC 4330 5: mode 4 is a server
        return 1
    if int(same(buf, i + 24, nonce, 0, 8)) == 0:  # RFC 5905 8: what we sent, back as the origin
        return 2
    if b[i + 1] == 0 and b[i + 12] != 0:  # RFC 5905 7.4
        return 3
    if b[i] >= 0xC0 or b[i + 1] == 0 or b[i + 1] > 15:  # RFC 5905 7.3: leap 3, or stratum 16
        return 4
    # RFC 5905 A.5.1.1: a root distance of 16 s is too far. In 1/256 s; both are under 2**24.
    far = (b[i + 4] << 16) | (b[i + 5] << 8) | b[i + 6]
    far = (far >> 1) + ((b[i + 8] << 16) | (b[i + 9] << 8) | b[i + 10])
    if far >= 4096:
        return 4
    stamp(buf, i + 32, w, 0)
    stamp(buf, i + 40, w, 2)
    x = ptr32(w)
    day = 5400
    day = day * 16000
    d = x[2] - x[0]
    if d < 0 or d > 1 or x[2] < 45656:  # 1 January 2025: earlier than this program
        return 1
    d = d * day + x[3] - x[1]
    if d < 0:
        return 1
    x[0] = d
    if (b[i + 40] | b[i + 41] | b[i + 42] | b[i + 43]) == 0:  # RFC 4330 5
        return 1
    # RFC 5905 A.5.1.1: a clock that was set after it answered. 0 is a clock that does not say.
    if b[i + 16] | b[i + 17] | b[i + 18] | b[i + 19]:
        hi = ((b[i + 40] << 8) | b[i + 41]) - ((b[i + 16] << 8) | b[i + 17])
        lo = ((b[i + 42] << 8) | b[i + 43]) - ((b[i + 18] << 8) | b[i + 19])
        hi = (hi + (lo >> 16)) & 0xFFFF
        if hi >= 0x8000:  # less than 0, modulo 2**32
            return 1
    return 0


@kernel
def civil(day: int, ms: int, b: ptr8, i: int):
    """A time as nine octets at b[i:]: year in two, month, day, hour, minute, second, ms in two."""
    n = day - 59  # since 1 March 1900
    if n - 0x8000 >= 40281:  # 1 March 2100: there is no 29 February before it
        n += 1
    y = 1900 + n // 1461 * 4
    n = n % 1461
    k = n // 365
    if k == 4:
        k = 3  # the 29 February at the end of four years
    n -= 365 * k
    y += k
    m = (5 * n + 2) // 153
    d = n - (153 * m + 2) // 5 + 1
    m += 3
    if m > 12:
        m -= 12
        y += 1
    b[i] = y >> 8
    b[i + 1] = y & 0xFF
    b[i + 2] = m
    b[i + 3] = d
    s = ms // 1000
    ms = ms % 1000
    b[i + 4] = s // 3600
    b[i + 5] = s // 60 % 60
    b[i + 6] = s % 60
    b[i + 7] = ms >> 8
    b[i + 8] = ms & 0xFF


class Clock:
    """UTC, counted in ms of the stack's clock from an answer on.

    What it shows never goes back: when it was ahead it runs at half its pace until it is right
    again. `keep` is to be called within 2**28 ms.
    """

    def __init__(self):
        self.day = 0  # the time at `then`; 0: not known
        self.ms = 0
        self.then = 0
        self.lag = 0  # ms that it shows too much at `then`
        self.seen = 0  # the latest time that was asked for
        self.age = 0  # seconds from the last answer to `then`
        self.shown = array("i", (0, 0))  # day and ms, by `at`

    def at(self, now):
        """Puts the time into `shown`; false when it is not known."""
        if not self.day:
            return False
        if tdiff(now, self.seen) < 0:
            now = self.seen
        self.seen = now
        now = tdiff(now, self.then)
        day = self.day
        ms = self.ms + now
        now = self.lag - now // 2
        if now > 0:
            ms += now
        while ms >= DAY:  # four turns at the most
            ms -= DAY
            day += 1
        self.shown[0] = day
        self.shown[1] = ms
        return True

    def off(self, day, ms, now):
        """By how many ms this time is ahead of ours, at most 2**28 either way."""
        self.at(now)
        day -= self.shown[0]
        if day > 2:
            return 0x10000000
        if day < -2:
            return -0x10000000
        return day * DAY + ms - self.shown[1]

    def set(self, day, ms, now, lag):
        """It is this time. `lag`: the ms by which we were ahead of it, which are made up for by
        and by; 0 shows it at once."""
        self.day = day
        self.ms = ms
        self.then = self.seen = now
        self.lag = lag
        self.age = 0

    def keep(self, now):
        """Moves on when an hour has passed, in whole seconds."""
        if tdiff(now, self.then) >= _HOUR:
            self._move(tdiff(now, self.then) // 1000)

    def _move(self, s):
        ms = 1000 * s
        self.age += s
        self.lag = max(0, self.lag - ms // 2)
        self.then = tadd(self.then, ms)
        if tdiff(self.seen, self.then) < 0:
            self.seen = self.then
        self.ms += ms
        while self.ms >= DAY:
            self.ms -= DAY
            if self.day:
                self.day += 1
