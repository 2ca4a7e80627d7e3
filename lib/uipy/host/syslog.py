"""Syslog: a board's log goes to a server, RFC 5424 over UDP (RFC 5426), or RFC 3164.

    log = Syslog(stack, "192.168.1.5", host="board-7", app="heating", clock=sntp)
    log.warning("the tank is at 80 degrees")
    logging.getLogger().addHandler(log)        CPython's logging, or micropython-lib's

A message waits in a ring of octets until it is its turn, each in a datagram of its own. When the
ring is full (for what is no warning: when three quarters are), newer messages are counted and not
kept, and in their place a message says how many they were. A message that is longer than a
datagram, or than the ring, is cut.

The ring has the messages one behind the other: length of the text in two octets, severity, the
time (Sntp.into; year 0: not known), the text.
"""

from array import array

from micropython import const

from .. import Error, UdpApp
from ..kern import bump, copy, put16, put32, same, tadd, tdiff, u16, u32, zero
from ..writer import Writer
from .syslog_text import encoding, escape, whole

PORT = const(514)
_HEAD = const(12)  # octets before the text
_SEVERITY = const(2)
_TIME = const(3)
_TIME_SIZE = const(9)
_WARNING = const(4)
_LOST = const(0x80)  # with the severity: the text is the number of messages that were lost
_MISSED = const(_HEAD + 4)  # octets of such a message
_OLD_MAX = const(1024)  # RFC 3164 4.1

_LOOK_MS = const(4000)  # until there is a way to the server
_SULK_MS = const(30_000)  # after it could not be reached, or has refused
_AGAIN_MS = const(600_000)  # that is told again when it was good for so long

_MONTHS = const(b"JanFebMarAprMayJunJulAugSepOctNovDec")
_BOM = const(b"\xef\xbb\xbf")

_OCTETS = (bytes, bytearray, memoryview)
DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50

_OUT = const(0)
_OVERFLOW = const(1)
_REFUSED = const(2)
_CUT = const(3)


def severity(level):
    """RFC 5424 6.2.1, of a level of `logging`."""
    if level >= CRITICAL:
        return 2
    if level >= ERROR:
        return 3
    if level >= WARNING:
        return 4
    if level > INFO:
        return 5  # notice: what lies between
    return 6 if level >= INFO else 7


class _Ear(UdpApp):
    """What a log has on its port: nothing is expected there but that a message did not arrive. (A
    log has an error() of its own.)"""

    def __init__(self, log):
        self.log = log

    def error(self, port, reason):
        self.log.refused(reason)


class Syslog:
    """A log whose messages go to UDP port 514 of `server`: '192.168.1.5', or a bytearray of 4
    octets that is read for each message (0.0.0.0: none now; a resolver may fill it in).

    host, app   who we are: up to 255 and 48 octets of ASCII without blanks; '-': nobody says
    facility    0 to 23 (RFC 5424 6.2.1); 1 is "user-level", 16 to 23 are free for local use
    old         RFC 3164 instead of 5424
    clock       an `Sntp`: messages bear its time, if it knows it
    level       what is below is dropped
    ring        octets for messages that wait, each takes 12 and its text
    port        of the server
    say         called with a line when the server cannot be reached

    A handler for `logging`: `level`, `handle`, `emit`, `setLevel`, `setFormatter`, `format`,
    `flush`, `close`. `log` with octets takes no heap. Raises `Error` for a name that cannot be
    one, and for a facility that is none.
    """

    NAMES = ("syslog_out", "syslog_overflow", "syslog_refused", "syslog_cut")
    HELP = (
        "Messages sent to the log server.",
        "Messages lost because the ring was full.",
        "Times that the server could not be reached, or that nobody listened there.",
        "Messages that were cut.",
    )

    def __init__(
        self,
        stack,
        server,
        host="-",
        app="-",
        facility=1,
        old=False,
        clock=None,
        level=0,
        ring=1024,
        port=PORT,
        say=None,
    ):
        if not 0 <= facility <= 23:
            raise Error("a facility is a number from 0 to 23")
        self.stack = stack
        self.server = stack.ip_of(server) if isinstance(server, str) else server
        self.host = _name(host, 255)
        self.app = _name(app, 32 if old else 48)
        self.facility = facility
        self.old = old
        self.clock = clock
        self.level = level
        self.dport = port
        self.say = say
        self.formatter = None
        self.ring = bytearray(max(ring, 4 * _MISSED))
        self.used = 0  # octets of it
        self.missed = 0  # messages that were lost since the last one in it
        self.first = 0  # octets of the message that is being sent
        self.at = stack.now  # when the next one may be sent
        self.trouble_at = -1  # when the server could not be reached; -1: never
        self.trouble = None  # what is to be told of it
        self.stat = array("i", bytearray(4 * len(self.NAMES)))
        self.w = array("i", (0, 0, 0, 0))
        self.out = Writer()
        self.port = stack.bind(0, _Ear(self))
        stack.layers.append(self)

    # What a program calls

    def log(self, level, msg, *args):
        """One message: octets, a str, or what has one; `msg % args` if there are any."""
        self._log(level, msg, args)

    def _log(self, level, msg, args):
        # `*args` in a call would take heap
        if level < self.level or not self.port.num:
            return
        if args:
            msg = msg % args
        if not isinstance(msg, _OCTETS):
            msg = str(msg).encode()
        self._keep(severity(level), msg)

    def debug(self, msg, *args):
        """As `log`, with this level; so do the next four."""
        self._log(DEBUG, msg, args)

    def info(self, msg, *args):
        """As `log`."""
        self._log(INFO, msg, args)

    def warning(self, msg, *args):
        """As `log`."""
        self._log(WARNING, msg, args)

    def error(self, msg, *args):
        """As `log`."""
        self._log(ERROR, msg, args)

    def critical(self, msg, *args):
        """As `log`."""
        self._log(CRITICAL, msg, args)

    def counters(self):
        """Yields (name, value) for each counter; a value wraps at 2**30. HELP says what
        they mean, in the same order."""
        for i in range(len(self.NAMES)):
            yield self.NAMES[i], self.stat[i]

    @property
    def waiting(self):
        """Octets of the ring that are taken."""
        return self.used

    # A handler of `logging`

    def emit(self, record):
        """One record. What its text raises goes to `stack.failed`, not to who logs."""
        try:
            self.log(record.levelno, self.format(record))
        except Exception as exc:
            self.stack.failed(exc)

    def handle(self, record):
        """`emit`, for `logging`."""
        self.emit(record)
        return record

    def format(self, record):
        """The text of a record, by the formatter if there is one."""
        if self.formatter:
            return self.formatter.format(record)
        if hasattr(record, "getMessage"):  # CPython's
            return record.getMessage()
        return record.message

    def setLevel(self, level):
        """What is below this level is dropped."""
        self.level = level

    def setFormatter(self, formatter):
        """Whose format(record) gives the text; None: the message alone."""
        self.formatter = formatter

    def flush(self):
        """There is nothing to wait for: the stack sends when it is polled."""

    def close(self):
        """Drops what waits, and gives the port up."""
        self.used = self.missed = 0
        self.port.close()
        if self in self.stack.layers:
            self.stack.layers.remove(self)

    # The ring

    def _keep(self, level, msg):
        n = len(msg)
        room = len(self.ring)
        if level > _WARNING:  # RFC 5424 8.6: the others are to be kept rather than these
            room -= room >> 2
        most = room - _HEAD - _MISSED
        if n > most:
            bump(self.stat, _CUT)
            n = whole(msg, 0, most)
        if self.used + _HEAD + n + (_MISSED if self.missed else 0) > room:
            bump(self.stat, _OVERFLOW)
            self.missed += 1
            return
        self._report()
        i = self._row(level, n)
        copy(self.ring, i, msg, 0, n)
        self.stack.wake_up()

    def _report(self):
        """If messages were lost, one says so in their place."""
        if self.missed and self.used + _MISSED <= len(self.ring):
            put32(self.ring, self._row(_LOST | _WARNING, 4), self.missed)
            self.missed = 0

    def _row(self, level, n):
        """A row at the end, for a text of n octets; where that begins."""
        ring = self.ring
        i = self.used
        self.used = i + _HEAD + n
        put16(ring, i, n)
        ring[i + _SEVERITY] = level
        if not self.clock or not self.clock.into(ring, i + _TIME):
            zero(ring, i + _TIME, _TIME_SIZE)
        return i + _HEAD

    # A layer of the stack

    def output(self, now):
        """Marks the next message as a datagram; has no frame of its own."""
        if self.trouble:
            self._tell(now)
        if self.used and self.port.src is None and tdiff(self.at, now) <= 0:
            self._send(now)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        wait = tdiff(self.at, now)
        if wait < 0:
            self.at = now
            wait = 0
        if not self.used or self.port.src is not None:
            wait = 0x10000000
        return wait

    def _send(self, now):
        self.at = tadd(now, _LOOK_MS)
        i = self.stack.route(self.server, 0) if self.server[0] else -1
        if i < 0 or not self.stack.ifaces[i].ip[0]:
            return
        self.at = now
        try:
            self.port.send(self.server, self.dport, self)
        except Error as exc:
            self.at = tadd(now, _LOOK_MS)
            self.stack.failed(exc)

    def _tell(self, now):
        to = tuple(self.server)
        told, self.trouble_at = self.trouble_at, now
        quiet = tdiff(now, told) if told >= 0 else -1
        if self.say and not 0 <= quiet < _AGAIN_MS:
            line = "The log server %d.%d.%d.%d: %s. Does it listen on UDP port %d?"
            try:
                self.say(line % (to + (self.trouble, self.dport)))
            except Exception as exc:
                self.stack.failed(exc)
        self.trouble = None

    # A source of datagrams, and who hears that one did not arrive

    def fill(self, rel, buf, pos, n):
        ring = self.ring
        w = self.w
        if self.old:
            n = min(n, _OLD_MAX)
        self.first = _HEAD + u16(ring, 0)
        self.out.aim(buf, pos, 0, n)
        if self.old:
            self._old_head(ring[_SEVERITY] & 7)
        else:
            self._head(ring[_SEVERITY] & 7)
        if ring[_SEVERITY] & _LOST:
            self.out.num(u32(ring, _HEAD))
            self.out.put(b" messages were lost here: the ring was full")
            return min(n, self.out.count)
        w[0] = _HEAD
        w[1] = self.first - _HEAD
        if w[1] > 2 and same(ring, _HEAD, _BOM, 0, 3):  # the text has one already
            w[0] += 3
            w[1] -= 3
        if encoding(ring, w[0], w[1]) == 1 and not self.old:
            self.out.put(_BOM)  # RFC 5424 6.4: MSG-UTF8; without it, it is MSG-ANY
        rel = min(n, self.out.count)
        w[2] = pos + rel
        w[3] = n - rel
        rel += escape(buf, ring, w)
        if w[1]:
            bump(self.stat, _CUT)
        return rel

    def acked(self, n):
        """It has left: the next one moves up."""
        self.used -= self.first
        copy(self.ring, 0, self.ring, self.first, self.used)
        bump(self.stat, _OUT)
        self._report()

    def _head(self, level):
        """RFC 5424 6.2: PRI, version, time, host, application; no process, id and data."""
        out = self.out
        out.put(b"<")
        out.num(8 * self.facility + level)
        out.put(b">1 ")
        t = self.ring
        if u16(t, _TIME):
            out.num(u16(t, _TIME))
            out.put(b"-")
            out.two(t[_TIME + 2])
            out.put(b"-")
            out.two(t[_TIME + 3])
            out.put(b"T")
            self._hour()
            out.put(b".")
            out.num(u16(t, _TIME + 7) // 100)
            out.two(u16(t, _TIME + 7) % 100)
            out.put(b"Z ")
        else:
            out.put(b"- ")
        out.put(self.host)
        out.put(b" ")
        out.put(self.app)
        out.put(b" - - - ")

    def _old_head(self, level):
        """RFC 3164 4.1. Without the time the name is left out: a receiver adds both (4.3.3)."""
        out = self.out
        out.put(b"<")
        out.num(8 * self.facility + level)
        out.put(b">")
        t = self.ring
        if u16(t, _TIME):
            out.part(_MONTHS, 3 * t[_TIME + 2] - 3, 3)
            out.put(b"  " if t[_TIME + 3] < 10 else b" ")
            out.num(t[_TIME + 3])
            out.put(b" ")
            self._hour()
            out.put(b" ")
            out.put(self.host)
            out.put(b" ")
        out.put(self.app)
        out.put(b": ")

    def _hour(self):
        out = self.out
        for i in range(4, 7):
            if i > 4:
                out.put(b":")
            out.two(self.ring[_TIME + i])

    def refused(self, reason):
        """The server could not be reached, or has nobody who listens: what is in the ring waits
        for a while."""
        bump(self.stat, _REFUSED)
        self.trouble = reason
        self.at = tadd(self.stack.now, _SULK_MS)
        self.stack.wake_up()


def _name(text, most):
    """RFC 5424 6: PRINTUSASCII, 1 to `most` octets."""
    name = text.encode() if isinstance(text, str) else bytes(text)
    if not 0 < len(name) <= most or min(name) <= 32 or max(name) >= 127:
        raise Error("%r is no name for a log: 1 to %d of ASCII, without blanks" % (text, most))
    return name
