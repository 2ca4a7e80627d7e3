"""The services of a type on the link, as they come and go (RFC 6762 5.2, 10; RFC 6763).

    def found(service, there):
        print(service.name, "at", service.address, service.port, "" if there else "is gone")

    browser = Browser(mdns, "_http._tcp", found)

`found` is called with True when name, host, port, text and address are known, again with True when
one of them has changed, and with False when the service is gone. Who there is is asked after 20 to
120 ms, then 1, 2, 4 ... s later, at last once an hour. What is missing of a service is asked for
three times, and then once an hour; what is known, again when 80, 85, 90 and 95 % of its time to
live are over. A goodbye counts after a second.

Of each service four records are kept: PTR, SRV, TXT and A.
"""

from array import array

from micropython import const

from .. import Error
from ..kern import bump, copy, put16, put32, same, tadd, tdiff, u16
from .dns_message import (
    ANSWERS,
    IN,
    M_AT,
    M_CLASS,
    M_DATA,
    M_END,
    M_KIND,
    M_NAME,
    M_SIZE,
    M_SIZE_OF,
    M_START,
    M_TTL,
    NAME_MAX,
    PTR,
    QUESTIONS,
    SRV,
    TOP_BIT,
    TXT,
    A,
    expand,
    is_name,
    put_head,
    record,
)
from .mdns_message import FAR, GROUP, PORT, SPOTS, put_short, put_top, type_of
from .mdns_service import ROOM, Service

_LINK_LOCAL = const(0xA9FE)  # 169.254: of a host without another address

# The records of a service
_PTR = const(0)
_SRV = const(1)
_TXT = const(2)
_A = const(3)
_KINDS = (PTR, SRV, TXT, A)

# How far a record has got
_NONE = const(0)  # not there; more by one with each question, and once nobody answers
_HAVE = const(16)  # there: so many percent of its time are over, see _PERCENT
_PERCENT = (80, 85, 90, 95, 100)

_TRIES = const(3)
_FIRST_MS = const(1000)
_HOUR_MS = const(3_600_000)
_BYE_MS = const(1000)
_DAY = const(86400)  # s: no record is kept for longer,
_LEAST = const(20)  # nor less: between two questions about it there is a second
_BUSY_MS = const(5)

_N_ASKED = const(0)
_N_HEARD = const(1)
_N_FULL = const(2)
COUNTERS = ("mdns_browse_asked", "mdns_browse_heard", "mdns_browse_full")
MEANINGS = (
    "Questions about services sent.",
    "Records about services heard.",
    "Services not kept for want of a row, or because their names are too long.",
)


class Browser:
    """Finds services of a type, "_http._tcp", by the port of an `Mdns`. `rows` of them are kept,
    with `room` octets of text each, what is longer is cut off: 1 kB and the room more than 128.
    Raises `Error` for what is no type."""

    NAMES = COUNTERS
    HELP = MEANINGS

    def __init__(self, mdns, kind, found, rows=8, room=128):
        if not callable(found):
            raise Error("found(service, there) is to be a function")
        self.mdns = mdns
        self.stack = mdns.stack
        self.kind = type_of(kind)
        self.found = found
        self.stat = array("i", [0] * len(COUNTERS))
        self.rows = [Service(room) for _ in range(rows)]
        self.name = bytearray(NAME_MAX)
        self.m = array("i", [0] * M_SIZE)
        self.spots = array("H", [0] * (SPOTS + 1))
        self.ask = False  # who there is
        self.wait = _FIRST_MS  # until that is asked again
        self.at = self.ask_at = tadd(self.stack.now, 20 + (self.stack.random8() * 100 >> 8))
        mdns.others.append(self)
        self.stack.layers.append(self)
        self.stack.arm(self.at)

    def counters(self):
        """Yields (name, value); a value wraps at 2**30."""
        for k in range(len(COUNTERS)):
            yield COUNTERS[k], self.stat[k]

    def services(self):
        """Those that are there, as a list."""
        return [s for s in self.rows if s.there]

    def close(self):
        """Nothing is asked or told any more."""
        if self in self.mdns.others:
            self.mdns.others.remove(self)
            self.stack.layers.remove(self)
            self.stack.wake_up()

    # What is heard

    def response(self, m, count):
        """The next `count` records are somebody's: first names, then what they mean, then where
        that is, in whatever order they stand."""
        at = m[M_AT]
        for kind in _KINDS:
            m[M_AT] = at
            for _ in range(count):
                if not record(self.stack.buf, m):
                    break
                if m[M_KIND] == kind and m[M_CLASS] & ~TOP_BIT == IN:
                    self._heard(m, kind)

    def _heard(self, m, kind):
        buf = self.stack.buf
        if kind == PTR:
            if is_name(buf, m, m[M_NAME], self.kind, 0):
                self._named(m)
            return
        for s in self.rows:
            if not s.full[0]:
                continue
            if kind == A:
                if s.state[_SRV] >= _HAVE and is_name(buf, m, m[M_NAME], s.target, 0):
                    self._address(s, m)
            elif is_name(buf, m, m[M_NAME], s.full, 0):
                if kind == SRV:
                    self._server(s, m)
                else:
                    self._text(s, m)

    def _named(self, m):
        # There is such a service.
        buf = self.stack.buf
        at = m[M_DATA]
        for s in self.rows:
            if s.full[0] and is_name(buf, m, at, s.full, 0):
                self._fresh(s, _PTR, m)
                return
        n = expand(buf, m, at, self.name, 0)
        if not m[M_TTL] or n < 0 or not self._of_the_type(n):
            return
        for s in self.rows:
            if not s.full[0] and n <= ROOM:
                copy(s.full, 0, self.name, 0, n)
                for k in range(4):
                    s.state[k] = s.ask[k] = 0
                    s.next[k] = self.stack.now
                s.next[_A] = tadd(self.stack.now, FAR)  # until its host is known
                s.changed = s.there = False
                self._fresh(s, _PTR, m)
                return
        bump(self.stat, _N_FULL)

    def _of_the_type(self, n):
        m = self.m
        m[M_START] = 0
        m[M_END] = n
        return is_name(self.name, m, 1 + self.name[0], self.kind, 0)

    def _server(self, s, m):
        buf = self.stack.buf
        at = m[M_DATA]
        if m[M_SIZE_OF] < 7:
            return
        if s.state[_SRV] >= _HAVE and is_name(buf, m, at + 6, s.target, 0):
            if s.port != u16(buf, at + 4) and m[M_TTL]:
                s.port = u16(buf, at + 4)
                s.changed = True
        elif m[M_TTL]:
            n = expand(buf, m, at + 6, self.name, 0)
            if not 0 < n <= ROOM:
                bump(self.stat, _N_FULL)
                return
            copy(s.target, 0, self.name, 0, n)
            s.port = u16(buf, at + 4)
            s.changed = True
            s.state[_A] = _NONE
            s.next[_A] = self.stack.now
        self._fresh(s, _SRV, m)

    def _text(self, s, m):
        n = min(m[M_SIZE_OF], len(s.data))
        if m[M_TTL] and (n != s.size or not same(s.data, 0, self.stack.buf, m[M_DATA], n)):
            copy(s.data, 0, self.stack.buf, m[M_DATA], n)
            s.size = n
            s.changed = True
        self._fresh(s, _TXT, m)

    def _address(self, s, m):
        buf = self.stack.buf
        at = m[M_DATA]
        if m[M_SIZE_OF] != 4:
            return
        if s.state[_A] >= _HAVE and not same(s.ip, 0, buf, at, 4):
            # RFC 6762 10.2: of several addresses that are told together the first one counts,
            # unless another one is nearer; those told a second later are new ones
            near = self.mdns.iface
            late = tdiff(self.stack.now, s.born[_A]) >= _BYE_MS and m[M_CLASS] & TOP_BIT
            nearer = near.local(buf, at) and u16(buf, at) != _LINK_LOCAL
            if nearer and u16(s.ip, 0) != _LINK_LOCAL:
                nearer = not near.local(s.ip, 0)
            if not m[M_TTL] or not (late or nearer):
                return
        if m[M_TTL] and (s.state[_A] < _HAVE or not same(s.ip, 0, buf, at, 4)):
            copy(s.ip, 0, buf, at, 4)
            s.changed = True
        self._fresh(s, _A, m)

    def _fresh(self, s, k, m):
        """The record k is there for another time to live."""
        now = self.stack.now
        bump(self.stat, _N_HEARD)
        ttl = min(m[M_TTL], _DAY)
        if s.state[k] < _HAVE:
            if not ttl:
                return
            s.changed = True
        s.ask[k] = 0
        s.born[k] = now
        if ttl:
            s.life[k] = 1000 * max(ttl, _LEAST)
            s.state[k] = _HAVE
            s.next[k] = self._then(s, k)
        else:  # RFC 6762 10.1
            s.life[k] = _BYE_MS
            s.state[k] = _HAVE + len(_PERCENT) - 1
            s.next[k] = tadd(now, _BYE_MS)
        self._until(now if s.changed else s.next[k])

    def _then(self, s, k):
        """When the record is asked for again, or ends; in between up to 2 % later, at random."""
        step = s.state[k] - _HAVE
        hundredth = s.life[k] // 100
        ms = hundredth * _PERCENT[step]
        if step < len(_PERCENT) - 1:
            ms += hundredth * self.stack.random8() >> 7
        return tadd(s.born[k], ms)

    # What is due

    def output(self, now):
        """Calls `found`, and sends what is due by the port of the Mdns."""
        if tdiff(now, self.at) < 0:
            return 0
        if tdiff(now, self.ask_at) >= 0:
            self.ask = True
            self.ask_at = tadd(now, self.wait)
            self.wait = min(2 * self.wait, _HOUR_MS)
        left = tdiff(self.ask_at, now)
        ask = self.ask
        for s in self.rows:
            if s.full[0]:
                left = min(left, self._row(s, now))
                ask = ask or s.ask[_SRV] or s.ask[_TXT] or s.ask[_A]
        self.at = tadd(now, max(left, 0))
        if ask and self.mdns.free():
            self.mdns.port.send(GROUP, PORT, self, self.mdns.iface.idx)
        elif ask and self.mdns.port.src is not None:
            self._until(tadd(now, _BUSY_MS))
        self.stack.arm(self.at)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        return max(tdiff(self.at, now), 0)

    def _row(self, s, now):
        """What is due of one service; ms until there is more."""
        left = FAR
        for k in range(4):
            if tdiff(now, s.next[k]) >= 0:
                self._step(s, k, now)
            left = min(left, tdiff(s.next[k], now))
        if not s.state[_PTR]:
            if s.there:
                self._call(s, False)
            s.full[0] = 0
            return FAR
        if s.changed:
            s.changed = False
            known = s.state[_TXT] > _TRIES  # nobody tells one: there is none
            if s.state[_SRV] >= _HAVE and s.state[_A] >= _HAVE and known:
                self._call(s, True)
            elif s.there and not (s.state[_SRV] >= _HAVE and s.state[_A] >= _HAVE):
                self._call(s, False)
        return left

    def _step(self, s, k, now):
        state = s.state[k]
        if state >= _HAVE:
            state += 1
            if state < _HAVE + len(_PERCENT):
                s.state[k] = state
                s.next[k] = self._then(s, k)
                s.ask[k] = 1
                self.ask = self.ask or k == _PTR
                return
            s.state[k] = _NONE  # it has ended
            s.changed = True
            if k == _PTR:
                return
            state = _NONE
        if k == _A and s.state[_SRV] < _HAVE:
            s.next[k] = tadd(now, FAR)
            return
        s.next[k] = tadd(now, _FIRST_MS << state if state < _TRIES else _HOUR_MS)
        if state != _TRIES:
            s.ask[k] = 1
        if state <= _TRIES:
            s.state[k] = state + 1
            s.changed = s.changed or (k == _TXT and state == _TRIES)

    def _call(self, s, there):
        s.there = there
        try:
            self.found(s, there)
        except Exception as exc:
            self.stack.failed(exc)

    def _until(self, at):
        if tdiff(at, self.at) < 0:
            self.at = at
        self.stack.arm(at)

    # What is sent

    def fill(self, rel, buf, pos, n):
        """All questions that are due, and which services we know (RFC 6762 7.1)."""
        self.mdns.groups.hops(255)
        m = self.m
        m[M_START] = pos
        m[M_AT] = put_head(buf, pos, 0, 0)
        m[M_END] = pos + n
        self.spots[0] = 0
        count = known = 0
        who = self.ask and self._question(buf, self.kind, PTR)
        if who:
            self.ask = False
            count = 1
        for s in self.rows:
            for k in range(_SRV, 4):
                if s.full[0] and s.ask[k]:
                    if self._question(buf, s.target if k == _A else s.full, _KINDS[k]):
                        s.ask[k] = 0
                        count += 1
        if who:
            for s in self.rows:
                s.ask[_PTR] = 0
                if s.full[0] and s.state[_PTR] == _HAVE and self._known(buf, s):
                    known += 1
        buf[pos + QUESTIONS + 1] = count
        buf[pos + ANSWERS + 1] = known
        return m[M_AT] - pos

    def _question(self, buf, name, kind):
        m = self.m
        at, used = m[M_AT], self.spots[0]
        # What stands before the data of a record begins as a question does.
        if put_short(buf, m, name, self.spots) and put_top(buf, m, kind, IN, 0):
            m[M_AT] = m[M_DATA] - 6
            bump(self.stat, _N_ASKED)
            return True
        m[M_AT], self.spots[0] = at, used
        return False

    def _known(self, buf, s):
        """A service whose record has half its time before it, and that time."""
        m = self.m
        left = s.life[_PTR] - tdiff(self.stack.now, s.born[_PTR])
        if left < s.life[_PTR] >> 1:
            return False
        at, used = m[M_AT], self.spots[0]
        if put_short(buf, m, self.kind, self.spots) and put_top(buf, m, PTR, IN, 0):
            i = m[M_DATA]
            if put_short(buf, m, s.full, self.spots):
                put32(buf, i - 6, left // 1000)
                put16(buf, i - 2, m[M_AT] - i)
                return True
        m[M_AT], self.spots[0] = at, used
        return False

    def acked(self, n):
        """It is on its way; what had no room goes next."""
        self._until(self.stack.now)
        self.stack.wake_up()
