"""SNTP (RFC 5905 14, RFC 4330): UTC from a time server.

    sntp = Sntp(stack, ["192.168.1.1", "192.168.1.2"], say=print)
    sntp.utc()          (2026, 11, 21, 21, 10, 37, 250), or None before the first answer

One server at a time is asked. When it has not answered within 5 s, or its answer is of no use, the
next one is asked; when none is left, all of them again after 16 s, 32 s, up to 17 minutes. Who has
answered is asked again after 64 s, 128 s, up to 17 minutes. Up to an eighth is added at random.

A request says nothing about us: all of it is 0, but for the version, the mode, and 64 random bits
where the time would be. Only a packet from the address and port that was asked, with these bits as
its origin, is an answer, and each request has one at most.

A kiss-o'-death is obeyed: after DENY or RSTR an address is never asked again, after RATE it is
left alone for at least twice as long as before.

`utc` never goes back: a clock that was ahead by up to 1000 s runs at half its pace until it is
right. What differs more from a clock that has been set is not believed until two answers agree;
then the clock is set, and this alone can be a step back (the counter `sntp_step`).
"""

from array import array

from micropython import const

from .. import Error, UdpApp
from ..kern import bump, copy, same, tadd, tdiff, u16, zero
from .sntp_servers import POLL, POLL_MAX, RETRY, Servers
from .sntp_time import (
    AT_DAY,
    AT_MS,
    BAD,
    BOGUS,
    DAY,
    GOOD,
    KISS,
    PACKET,
    REFID,
    SPAN,
    TRANSMIT,
    W_SIZE,
    Clock,
    civil,
    judge,
)

try:
    from time import ticks_ms
except ImportError:  # CPython
    from time import monotonic_ns  # type: ignore[attr-defined]

    def ticks_ms():
        """Milliseconds from an unspecified start, modulo 2**30."""
        return monotonic_ns() // 1_000_000 & 0x3FFFFFFF


NTP = const(123)  # the port
_CLIENT = const(0x23)  # leap 0, version 4, mode 3

_WAIT_MS = const(5000)  # for an answer
_LOOK_MS = const(4000)  # between looks whether there is a server to ask
_LOOKS = const(8)  # of them before that is told
_PANIC_MS = const(1_000_000)  # RFC 5905 A.1.1: PANICT
_SLACK_MS = const(100)  # our ms are those of polls, which take time themselves

# What is to be told
_SET = const(1)
_REFUSED = const(2)

_OUT = const(0)
_IN = const(1)
_SILENT = const(2)
_BAD = const(3)
_BOGUS = const(4)
_STRAY = const(5)
_KISS = const(6)
_UNSYNC = const(7)
_DOUBT = const(8)
_STEP = const(9)


class Sntp(UdpApp):
    """The time of `servers`: a bytearray of addresses of 4 octets, which is read when one is
    needed (0.0.0.0: none), or a list of '192.168.1.1' and, with a `resolver`, of names.

    rtc        called with the tuple of `utc()` when a second begins, after each answer
    say        called with a line when the time is known, and when it cannot be had
    resolver   what has resolve(name, kind, done), such as a host.Resolver
    ticks      the clock of `stack.poll()`, if that is not ticks_ms

    `offset` is by how many ms our clock was behind (below 0: ahead) when the last answer came,
    None before the second one; `stratum` is that of the server, 0 before the first one.
    Raises `BadAddress` for what is neither an address nor a name.
    """

    NAMES = (
        "sntp_out",
        "sntp_in",
        "sntp_silent",
        "sntp_bad",
        "sntp_bogus",
        "sntp_stray",
        "sntp_kiss",
        "sntp_unsync",
        "sntp_doubt",
        "sntp_step",
    )
    HELP = (
        "Requests sent to time servers.",
        "Answers that set the clock.",
        "Requests without a usable answer.",
        "Answers that are malformed, or whose times make no sense.",
        "Answers that do not bear the origin timestamp of our request.",
        "Packets that nobody asked for.",
        "Kiss-o'-death packets.",
        "Answers of servers that do not know the time themselves.",
        "Answers that differ from a set clock by over 1000 s, not yet believed.",
        "Times that the clock was set by over 1000 s.",
    )

    def __init__(self, stack, servers, rtc=None, say=None, resolver=None, ticks=None):
        self.stack = stack
        self.servers = Servers(self, servers, resolver)
        self.rtc = rtc
        self.rtc_at = -1  # when it is called; -1: not
        self.say = say
        self.ticks = ticks or ticks_ms
        self.stat = array("i", bytearray(4 * len(self.NAMES)))
        self.clock = Clock()
        self.w = array("i", bytearray(4 * W_SIZE))
        self.to = bytearray(4)  # who was asked,
        self.nonce = bytearray(8)  # and the request's own mark
        self.asked = False  # set by _ask, cleared by `received` and _step
        self.sent_at = 0
        self.slot = 0  # the server that answered last
        self.turn = 0  # how many places behind it is the one whose turn it is
        self.tried = False  # one was asked in this round
        self.pace = POLL - 1
        self.retry = RETRY - 1
        self.looks = 0
        self.doubt = 0  # the offset that was not believed, 0: none; and its day
        self.doubt_day = 0
        self.best = bytearray(4)  # who answered last
        self.offset = None
        self.stratum = 0
        self.news = 0  # for `output` to tell
        self.told = b""  # whose time was told last
        self.port = stack.bind(0, self)
        self.at = tadd(stack.now, 8 * stack.random8())  # all boards of a house have power at once
        stack.layers.append(self)
        stack.arm(self.at)

    # What is known

    def into(self, buf, i, now=None):
        """Writes the time to buf[i:i+9]: year in two octets, month, day, hour, minute, second, ms
        in two. Returns 1, or 0 when it is not known. Takes no heap."""
        if now is None:
            now = self.stack.now if self.stack.busy else self.ticks()
        if not self.clock.at(now):
            return 0
        civil(self.clock.shown[0], self.clock.shown[1], buf, i)
        return 1

    def utc(self, now=None):
        """(year, month, day, hour, minute, second, ms), or None when it is not known. `now`: the
        ms of a clock other than ticks_ms."""
        t = bytearray(9)
        if not self.into(t, 0, now):
            return None
        return (u16(t, 0), t[2], t[3], t[4], t[5], t[6], u16(t, 7))

    def unix(self, now=None):
        """Seconds since 1970, or None; takes heap on a board."""
        if self.utc(now) is None:
            return None
        day, ms = self.clock.shown
        return (day - 25567) * 86400 + ms // 1000

    @property
    def server(self):
        """The address of who answered last, None before the first answer."""
        return "%d.%d.%d.%d" % tuple(self.best) if self.best[0] else None

    @property
    def age(self):
        """Seconds since the last answer, at the stack's last poll; None before the first one."""
        clock = self.clock
        if not clock.day:
            return None
        return clock.age + max(0, tdiff(self.stack.now, clock.then)) // 1000

    def counters(self):
        """Yields (name, value) for each counter; a value wraps at 2**30. HELP says what
        they mean, in the same order."""
        for i in range(len(self.NAMES)):
            yield self.NAMES[i], self.stat[i]

    def close(self):
        """Asks nobody any more, and gives the port up; the clock goes on for two days."""
        self.asked = False
        self.port.close()
        if self in self.stack.layers:
            self.stack.layers.remove(self)

    # A layer of the stack

    def output(self, now):
        """Asks, tells and sets the RTC when it is time to; has no frame of its own."""
        if self.news:
            self._tell()
        if self.rtc_at >= 0 and tdiff(self.rtc_at, now) <= 0:
            self.rtc_at = -1
            self._call(self.rtc, self.utc(now))
        if tdiff(self.at, now) <= 0:
            self._step(now)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        n = tdiff(self.at, now)
        if self.rtc_at >= 0:
            n = min(n, tdiff(self.rtc_at, now))
        return max(0, n)

    def _call(self, function, what):
        if function:
            try:
                function(what)
            except Exception as exc:
                self.stack.failed(exc)

    def _tell(self):
        if self.news == _REFUSED:
            line = "The time server %d.%d.%d.%d refuses us; it is not asked again."
            self._call(self.say, line % tuple(self.to))
        elif self.told != self.best:  # the first answer, another server, or after silence
            self.told = bytes(self.best)
            line = "It is %d-%02d-%02d %02d:%02d:%02d UTC" % self.utc(self.stack.now)[:6]
            self._call(self.say, line + ", by the time server %s." % self.server)
        self.news = 0

    def _step(self, now):
        """The time has come to ask somebody: after 10 hours at the most."""
        self.clock.keep(now)
        if self.asked:
            self.asked = False
            self.port.done()  # it may still wait for its neighbour
            bump(self.stat, _SILENT)
            self.turn += 1
        self.servers.review(now)
        while self.turn < self.servers.rows:
            if self._ask((self.slot + self.turn) % self.servers.rows, now):
                return
            self.turn += 1
        self._rest(now)

    def _ask(self, k, now):
        """Sends a request to the server at place k; false when it cannot be asked."""
        stack = self.stack
        if not self.servers.free(k):
            return False
        copy(self.to, 0, self.servers.table, 4 * k, 4)
        for i in range(8):
            self.nonce[i] = stack.random8()
        try:
            self.port.send(self.to, NTP, self)
        except Error as exc:
            stack.failed(exc)
            return False
        bump(self.stat, _OUT)
        self.asked = self.tried = True
        self._wait(now, _WAIT_MS)
        return True

    def _wait(self, now, ms):
        self.at = tadd(now, ms)
        self.stack.arm(self.at)

    def _rest(self, now):
        """Nobody has answered, or there was nobody to ask."""
        self.turn = 0
        if self.tried:
            self.tried = False
            self.retry = min(self.retry + 1, POLL_MAX)
            ms = self.servers.span(self.retry)
            self._wait(now, ms)
            if self.told is not None:
                self.told = None
                line = "No time server gives the time, %d.%d.%d.%d was the last one asked"
                line = line % tuple(self.to) + "; the next try is in %d s." % (ms // 1000)
                self._call(self.say, line + " Is UDP port 123 let through?")
            for name in self.servers.names:
                name.stale = True  # it may have moved
            return
        self._wait(now, _LOOK_MS)
        self.looks += 1
        if self.looks == _LOOKS:
            if any(self.servers.state):
                line = "No time server is left to ask: all want to be left alone."
            elif self.servers.names:
                line = "The names of the time servers are not resolved: is a DNS server there?"
            else:
                line = "No time server is known, or there is no way to it: Sntp(stack, [address])."
            self._call(self.say, line)

    # A source of datagrams: one request

    def fill(self, rel, buf, pos, n):
        zero(buf, pos, PACKET)
        buf[pos] = _CLIENT
        copy(buf, pos + TRANSMIT, self.nonce, 0, 8)
        self.sent_at = self.stack.now
        return PACKET

    def acked(self, n):
        pass

    # A UDP application

    def error(self, port, reason):
        if self.asked:
            self.at = self.stack.now
            self.stack.wake_up()

    def received(self, port, buf, start, n):
        if not self.asked or port.sport != NTP or port.cast:
            bump(self.stat, _STRAY)
            return
        if not same(buf, self.stack.src_at, self.to, 0, 4):
            bump(self.stat, _STRAY)
            return
        n = judge(buf, start, n, self.nonce, self.w)
        if n == BAD or n == BOGUS:  # the answer may still come
            bump(self.stat, _BAD if n == BAD else _BOGUS)
        elif n == GOOD:
            self.asked = False
            self._good(self.stack.now, buf[start + 1])
        else:
            self.asked = False
            if n == KISS:
                self._kissed(buf, start)
            else:
                bump(self.stat, _UNSYNC)
            self._next()

    def _next(self):
        """The next server is asked at once."""
        self.turn += 1
        self.at = self.stack.now
        self.stack.wake_up()

    def _kissed(self, buf, i):
        k = (self.slot + self.turn) % self.servers.rows
        bump(self.stat, _KISS)
        n = i + REFID
        if same(buf, n, b"DENY", 0, 4) or same(buf, n, b"RSTR", 0, 4):  # RFC 5905 7.4 a
            self.servers.deny(k)
            self.news = _REFUSED
        elif same(buf, n, b"RATE", 0, 4):  # RFC 5905 7.4 b
            self.servers.hold(k, self.pace, buf[i + 2], self.stack.now)

    def _good(self, now, stratum):
        """A good answer lies in `w`."""
        w = self.w
        n = tdiff(now, self.sent_at) - w[SPAN]  # RFC 5905 8: the round-trip delay
        if n < -_SLACK_MS:
            bump(self.stat, _BAD)
            self._next()
            return
        day = w[AT_DAY]
        n = w[AT_MS] + max(0, n) // 2
        if n >= DAY:
            n -= DAY
            day += 1
        if not self._adjust(day, n, now):
            bump(self.stat, _DOUBT)
            self._next()
            return
        bump(self.stat, _IN)
        self.stratum = stratum
        copy(self.best, 0, self.to, 0, 4)
        if self.rtc:
            self.rtc_at = tadd(now, 1000 - n % 1000)
        self.news = _SET
        self._settled(now)
        self.stack.wake_up()

    def _settled(self, now):
        """This server is asked again, later and later."""
        self.pace = POLL if self.turn else min(self.pace + 1, POLL_MAX)
        self.slot = (self.slot + self.turn) % self.servers.rows
        self.turn = self.looks = 0
        self.tried = False
        self.retry = RETRY - 1
        self._wait(now, self.servers.span(max(self.pace, self.servers.least[self.slot])))

    def _adjust(self, day, ms, now):
        """Sets the clock; false when that is not to be believed yet."""
        clock = self.clock
        if not clock.day:
            clock.set(day, ms, now, 0)
            return True
        off = clock.off(day, ms, now)
        lag = max(0, -off)
        if abs(off) > _PANIC_MS:
            if not self.doubt or abs(self.doubt - off) > _PANIC_MS:
                self.doubt = off
                self.doubt_day = day
                return False
            # Beyond three days `off` says no more than that; the days are to agree too.
            if abs(day - self.doubt_day) > 1:
                self.doubt_day = day
                return False
            bump(self.stat, _STEP)
            lag = 0
        self.doubt = 0
        self.offset = off
        clock.set(day, ms, now, lag)
        return True
