"""Names: a DNS resolver (RFC 1034, 1035, 2308, 5452). It asks recursive name servers.

    resolver = Resolver(stack, ["192.168.1.1"])         or Resolver(stack, dhcp.dns, dhcp.domain)

    def connect(answer):
        if answer.error:
            print(answer.name, answer.error)            'not found', 'timeout', ...
        else:
            stack.connect(app, answer.octets(), 80)     or answer.records(): ['93.184.215.14']

    resolver.resolve("www.example.org", "A", connect)

With asyncio: `await lookup(resolver, "www.example.org")` (dns_aio.py).

A name is asked of one server after the other, each twice at the least, with 2 s for the first
round and twice as long for the next; the server that answered last is the first to be asked. An
answer is kept for as long as its time to live says, a day at the most; so is the answer that there
is nothing, for three hours at the most.
"""

from array import array

from micropython import const

from .. import BadAddress, Error, TableFull
from ..kern import copy, same, tadd, tdiff, u16
from .dns_answer import KINDS, NO_DATA, NO_SERVER, NOT_FOUND, TIMEOUT, UNREACHABLE, ip4_text
from .dns_cache import Cache
from .dns_message import AAAA, HEAD, NAME_MAX, PTR, A
from .dns_names import text, wire
from .dns_query import COUNTERS, DONE, FREE, MEANINGS, TALK, WAIT, Query
from .dns_reply import READ_SIZE

_FAR = const(0x10000000)
_SECOND = const(1000)
_ON_LINK = b"\x03254\x03169\x07in-addr\x04arpa\0"


class Resolver:
    """Resolves names for whoever asks.

    servers   addresses of name servers: a list of texts, or a bytearray of four octets each,
              0.0.0.0 for none, that is read whenever somebody asks (`dhcp.dns`)
    domain    'example.org', or a bytearray with a length and so many octets (`dhcp.domain`): a
              name without a dot is asked for in this domain first, and then by itself
    rows      questions under way at a time, 0.9 kB each
    cache     answers kept, 84 octets each; longer ones than 68 octets are not
    say       takes a line of text for people when a name could not be found
    room      octets of an answer's records; what does not fit is left out (`answer.cut`)

    Each question under way has a UDP port. Raises `Error` without UDP.
    """

    NAMES = COUNTERS
    HELP = MEANINGS

    def __init__(self, stack, servers, domain=None, rows=4, cache=8, say=None, room=256):
        if stack.udp is None:
            raise Error("names are asked for by UDP: Stack(udp=8)")
        self.stack = stack
        self.servers = servers if isinstance(servers, bytearray) else _addresses(stack, servers)
        self.domain = _domain(domain) if isinstance(domain, str) else domain
        self.say = say
        # Who resolves names in .local instead (RFC 6762 3), by a resolve() and a cancel() like
        # these; its numbers are above 0
        self.local = None
        self.stat = array("i", bytearray(4 * len(COUNTERS)))
        self.cache = Cache(cache)
        self.seconds = 1  # our clock, and
        self.then = stack.now  # when it was moved on
        self.at = stack.now  # when there is something to do
        self.due = False
        self.good = 0  # the place of the server that answered last
        self.heard = False  # it has, since we looked
        self.quiet = False  # and before that none has
        self.said = None  # the line that was said last
        self.seen = bytes(self.servers)
        # What one reply is read with: nothing of it outlives the call
        self.m = array("i", bytearray(4 * READ_SIZE))
        self.name = bytearray(NAME_MAX)
        self.spare = bytearray(NAME_MAX + 12)
        self.rows = [Query(self, room) for _ in range(rows)]
        stack.layers.append(self)

    # What a caller does

    def resolve(self, name, kind, done):
        """Asks for the records of a name; `done(answer)` is called once, from `stack.poll` and
        never before this returns, at once if the answer is known. What it does with the `Answer`
        (dns_answer.py) it does before it returns.

        kind   'A', 'AAAA', 'PTR', 'SRV', 'TXT', 'CNAME', 'MX' or 'NS'
        name   text; labels (text or octets); for 'PTR' an address too, as text or as 4 or 16
               octets. An address as text is its own 'A'. A dot at the end: no domain is added.

        Returns a number for `cancel`. Raises `Error` for what cannot be a name or a kind,
        `TableFull` when all rows are asking.
        """
        kind = KINDS.get(kind, kind)
        if kind not in KINDS.values():
            raise Error("no kind of record %r: there are %s" % (kind, " ".join(sorted(KINDS))))
        if self.local and isinstance(name, str) and name.rstrip(".").lower().endswith(".local"):
            return -self.local.resolve(name, kind, done)
        address = _octets(name)
        w = _reverse(address) if address and kind == PTR else wire(name) if not address else None
        # RFC 3927 1.4, RFC 6762 4: the names of link-local addresses are known on the link alone
        near = w is not None and w.lower().endswith(_ON_LINK)
        if near and self.local:
            return -self.local.resolve(text(w), kind, done)
        self._clock(self.stack.now)
        i = self._free()
        q = self.rows[i]
        q.gen = (q.gen + 1) & 0xFFFF
        q.kind = q.answer.kind = kind
        q.answer.name = name
        q.done = done
        q.bare = False
        if w is None or near:
            q.answer.clear()
            if near:
                q.answer.code = NOT_FOUND
            elif kind == (A if len(address) == 4 else AAAA):
                q.answer.add(address, 0, len(address))
            else:
                q.answer.code = NO_DATA
            q.answer.cached = True
            q.state = DONE
            self.hurry()
        else:
            longer = None
            if isinstance(name, str) and "." not in name:
                longer = self._in_domain(w)
            q.bare = longer is not None
            q.begin(longer or w)
        return (q.gen * len(self.rows) + i) + 1

    def cancel(self, ticket):
        """Nobody wants to know any more: `done` is not called. `ticket` is what `resolve` gave; of
        a question that has been answered nothing happens."""
        if ticket < 0:
            return self.local.cancel(-ticket)
        ticket -= 1
        q = self.rows[ticket % len(self.rows)]
        if q.gen == ticket // len(self.rows) and q.state:
            q.drop()

    def flush(self):
        """Forgets all answers."""
        self.cache.clear()

    def counters(self):
        """Yields (name, value) for each counter; HELP says what they mean, in the same order."""
        for i in range(len(COUNTERS)):
            yield COUNTERS[i], self.stat[i]

    def _free(self):
        for i in range(len(self.rows)):
            if self.rows[i].state == FREE:
                return i
        raise TableFull("%d names are being asked for: Resolver(rows=...)" % len(self.rows))

    def _in_domain(self, w):
        """The wire name in our domain; None if that is none."""
        d = self.domain
        if d is None or not 0 < d[0] < len(d) or len(w) < 2:
            return None
        try:
            longer = w[:-1] + wire(bytes(d[1 : 1 + d[0]]).decode())
        except (Error, ValueError):  # from the wire, and no domain
            return None
        return longer if len(longer) <= NAME_MAX else None

    # What its rows do

    def hurry(self):
        """There is something to do at once."""
        self.due = True
        self.stack.wake_up()

    def servers_known(self):
        """How many servers there are."""
        n = 0
        for i in range(0, len(self.servers) - 3, 4):
            if u16(self.servers, i) | u16(self.servers, i + 2):
                n += 1
        return n

    def choose(self, tries, into):
        """Writes the address of the server for this try; returns its place in the list, -1 if
        there is none."""
        if not self.servers_known():
            return -1
        i = self.good % (len(self.servers) // 4)
        while True:
            if u16(self.servers, 4 * i) | u16(self.servers, 4 * i + 2):
                if not tries:
                    break
                tries -= 1
            i = (i + 1) % (len(self.servers) // 4)
        copy(into, 0, self.servers, 4 * i, 4)
        return i

    def tell(self, q):
        """A name has not been found: a line for people, once."""
        code = q.answer.code
        self.quiet = self.quiet or code == TIMEOUT
        if self.say is None:
            return
        line = "dns: %s: %s" % (text(q.msg, HEAD).lower(), q.answer.error)
        if code == NO_SERVER:
            line += "; give it a name server, by hand or by DHCP"
        elif TIMEOUT <= code <= UNREACHABLE:
            line += " (asked: %s)" % ", ".join(self._asked())
        if line != self.said:
            self.said = line
            self.say(line)

    def _asked(self):
        s = self.servers
        every = [ip4_text(s[i : i + 4]) for i in range(0, len(s) - 3, 4)]
        return [address for address in every if address != "0.0.0.0"]

    # What the stack calls

    def output(self, now):
        """Does what is due. The stack sends what was marked; this builds no frame."""
        if self.due or tdiff(now, self.at) >= 0:
            self._run(now)
        return 0

    def deadline(self, now):
        """ms until there is something to do."""
        return 0 if self.due else max(0, tdiff(self.at, now))

    def _run(self, now):
        self.due = False
        self._clock(now)
        if self.heard and self.quiet and self.say:
            self.said = None
            i = 4 * self.good
            self.say("dns: %s answers" % ip4_text(self.servers[i : i + 4]))
        if self.heard:
            self.heard = self.quiet = False
        left = _FAR
        for q in self.rows:
            if q.state:
                q.step(now)
            if q.state == WAIT or q.state == TALK:
                left = min(left, max(0, tdiff(q.at, now)))
        self.at = tadd(now, left)

    def _clock(self, now):
        """Counts the seconds. Other servers than before know other names."""
        ms = tdiff(now, self.then)
        if ms >= _SECOND:
            self.seconds += ms // _SECOND
            self.then = tadd(now, -(ms % _SECOND))
        n = len(self.seen)
        if n != len(self.servers) or not same(self.seen, 0, self.servers, 0, n):
            self.seen = bytes(self.servers)
            self.good = 0
            self.cache.clear()


def _addresses(stack, servers):
    table = bytearray()
    for address in servers:
        table.extend(stack.ip_of(address))
    return table


def _domain(name):
    """The bytearray of a domain that is given as text. Raises `Error` if it is none."""
    wire(name)
    return bytearray([len(name)]) + name.encode()


def _octets(name):
    """The octets of what is an address; None if it is a name."""
    if isinstance(name, (bytes, bytearray)) and len(name) in (4, 16):
        return bytes(name)
    if isinstance(name, str) and name[:1].isdigit():
        parts = name.split(".")
        if len(parts) == 4 and all([part.isdigit() for part in parts]):
            if max([int(part) for part in parts]) > 255:
                raise BadAddress("%r is no address" % name)
            return bytes([int(part) for part in parts])
    return None


def _reverse(address):
    """The name under which the name of an address is found (RFC 1035 3.5, RFC 3596 2.5)."""
    if len(address) == 4:
        return wire("%d.%d.%d.%d.in-addr.arpa" % tuple([address[3 - i] for i in range(4)]))
    digits = "".join(["%02x" % octet for octet in address])
    return wire(".".join([digits[31 - i] for i in range(32)]) + ".ip6.arpa")
