"""The servers of an SNTP client: which of them may be asked, and their names."""

from micropython import const

from .. import BadAddress, Error
from ..kern import copy, same, tadd, tdiff

# Exponents of two, of seconds
RETRY = const(4)  # RFC 4330 10 (1): under no conditions less than 15 s
POLL = const(6)
POLL_MAX = const(10)
_HOLD_MAX = const(15)  # 9 hours

# What is known of an address
_FREE = const(0)
_HELD = const(1)  # until `held`
_DENIED = const(2)


class Servers:
    """`table` has their addresses, 4 octets each, 0.0.0.0 for none: a bytearray that somebody else
    may change at any time, or one of our own. What is known of an address is forgotten when
    another one stands in its place.
    """

    def __init__(self, sntp, servers, resolver):
        self.stack = sntp.stack
        self.names = []
        self.table = servers
        if isinstance(servers, str):
            servers = [servers]
        if not isinstance(servers, bytearray):
            self.table = bytearray(4 * len(servers))
            for i in range(len(servers)):
                self._enter(sntp, 4 * i, servers[i], resolver)
        self.rows = rows = len(self.table) // 4
        if not rows or len(self.table) % 4:
            raise BadAddress("Sntp wants a list of servers, or 4 octets for each of them")
        self.known = bytearray(4 * rows)  # the addresses that the next three are about
        self.state = bytearray(rows)
        self.least = bytearray(rows)  # the exponent that RATE has asked for
        self.held = [0] * rows  # until when

    def _enter(self, sntp, at, server, resolver):
        try:
            copy(self.table, at, self.stack.ip_of(server), 0, 4)
        except BadAddress:
            # A wrong address is no name either, which would not end with a digit.
            if not isinstance(server, str) or not server or server[-1].isdigit():
                raise
            if resolver is None:
                raise Error("%r is to be found by a resolver: Sntp(resolver=)" % server)
            self.names.append(_Name(sntp, resolver, self.table, at, server))

    def review(self, now):
        """Another address has another record; who was to be left alone may be asked by now; names
        are looked up."""
        for k in range(self.rows):
            if not same(self.known, 4 * k, self.table, 4 * k, 4):
                copy(self.known, 4 * k, self.table, 4 * k, 4)
                self.state[k] = _FREE
                self.least[k] = 0
            elif self.state[k] == _HELD and tdiff(self.held[k], now) <= 0:
                self.state[k] = _FREE
        for name in self.names:
            name.look(now)

    def free(self, k):
        """True when the server at place k may be asked, and there is a way to it."""
        if not self.table[4 * k] or self.state[k]:
            return False
        i = self.stack.route(self.table, 4 * k)
        return i >= 0 and self.stack.ifaces[i].ip[0] != 0  # else we have no address yet

    def span(self, exponent):
        """2**exponent seconds in ms, and up to an eighth more."""
        ms = 1000 << exponent
        return ms + (ms >> 11) * self.stack.random8()

    def deny(self, k):
        """This address is not asked again."""
        self.state[k] = _DENIED
        for name in self.names:
            if name.at == 4 * k:
                name.stale = True

    def hold(self, k, poll, wish, now):
        """This address is left alone for twice as long as it was last time, or for 2**wish s, and
        asked less often from then on."""
        n = max(self.least[k], poll, POLL) + 1
        if n < wish < 128:  # it is a signed number
            n = wish
        n = min(n, _HOLD_MAX)
        self.least[k] = n
        self.state[k] = _HELD
        self.held[k] = tadd(now, 1000 << n)


class _Name:
    """A server that is known by its name: its address is at table[at:]."""

    def __init__(self, sntp, resolver, table, at, name):
        self.sntp = sntp
        self.table = table
        self.resolver = resolver
        self.at = at
        self.name = name
        self.stale = True  # it is to be resolved (again)
        self.busy = False
        self.retry = RETRY
        self.next_at = sntp.stack.now  # when it may be asked again after a failure
        self.done = self._done

    def look(self, now):
        """Asks the resolver if need be."""
        if not self.stale:
            self.next_at = now
        elif not self.busy and tdiff(self.next_at, now) <= 0:
            self._resolve()

    def _resolve(self):
        self.busy = True
        self.stale = False
        try:
            self.resolver.resolve(self.name, "A", self.done)
        except Exception as exc:
            self.sntp.stack.failed(exc)
            self._failed()

    def _failed(self):
        self.busy = False
        self.stale = True
        self.next_at = tadd(self.sntp.stack.now, 1000 << self.retry)
        self.retry = min(self.retry + 1, POLL_MAX)

    def _done(self, answer):
        """The resolver's answer: one of the addresses is taken at random."""
        sntp = self.sntp
        if answer.error or not answer.count:
            self._failed()
            return
        self.busy = False
        self.retry = RETRY
        i = answer.at(sntp.stack.random8() % answer.count)
        if same(answer.data, i, self.table, self.at, 4):
            return
        copy(self.table, self.at, answer.data, i, 4)
        if not sntp.asked and (sntp.told is None or not sntp.clock.day):
            sntp.at = sntp.stack.now
            sntp.stack.wake_up()
