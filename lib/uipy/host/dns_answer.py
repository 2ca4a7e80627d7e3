"""What a resolver hands over: an `Answer`. Made once for each row; what is in it is valid until
`done` returns. Taking one in allocates nothing; what its methods return is made when asked for.

The data are records one behind the other: two octets of length, then so many octets, in which a
name is a wire name.
"""

from micropython import const

from ..kern import copy, put16, u16
from .dns_message import AAAA, CNAME, MX, NS, PTR, SRV, TXT, A
from .dns_names import text

# Octets before the name in the data of a record; no other kind has a name there.
BEFORE = {CNAME: 0, NS: 0, PTR: 0, MX: 2, SRV: 6}
KINDS = {
    "A": A,
    "AAAA": AAAA,
    "CNAME": CNAME,
    "MX": MX,
    "NS": NS,
    "PTR": PTR,
    "SRV": SRV,
    "TXT": TXT,
}

# What an answer can say: its `error` (None: it has records) is one of these.
OK = const(0)
NOT_FOUND = const(1)
NO_DATA = const(2)
TIMEOUT = const(3)
NO_SERVER = const(4)
REFUSED_IT = const(5)
SERVER_FAILED = const(6)
UNREACHABLE = const(7)
ALIAS_LOOP = const(8)
NO_PORT = const(9)
TRUNCATED = const(10)
ERRORS = (
    None,
    "not found",
    "no such data",
    "timeout",
    "no server",
    "refused",
    "server failure",
    "unreachable",
    "alias loop",
    "no free port",
    "truncated",
)


class Answer:
    """`error` is None when there are records, else why there are none:

    'not found'       there is no such name
    'no such data'    the name is there and has no record of this kind
    'timeout'         no server answered
    'no server'       nobody is there to be asked
    'refused'         every server refused to answer
    'server failure'  every server said that it cannot find out
    'unreachable'     no way to any server
    'alias loop'      more than 8 aliases one behind the other
    'no free port'    the stack's table of UDP ports, or of connections, is full
    'truncated'       too long for a datagram, and there is no TCP (no uipy.host.dns_tcp, no 2 kB)
    """

    def __init__(self, room):
        self.data = bytearray(room)
        self.name = None  # what was asked,
        self.kind = 0  # and of which type
        self.clear()

    def clear(self):
        """Nothing is known yet."""
        self.code = OK
        self.size = 0  # octets of `data`
        self.count = 0  # records
        self.cut = False  # there were more than there was room for
        self.ttl = 0  # seconds for which it may be kept
        self.cached = False

    @property
    def error(self):
        """Why there are no records; None when there are."""
        return ERRORS[self.code]

    def add(self, b, i, n):
        """One record of n octets at b[i:]. Records that do not fit are left out."""
        at = self.size
        if at + 2 + n > len(self.data):
            self.cut = True
            return
        put16(self.data, at, n)
        copy(self.data, at + 2, b, i, n)
        self.size = at + 2 + n
        self.count += 1

    def at(self, i):
        """Where the data of record i begin in `data`: behind the two octets of their length. Does
        not allocate."""
        at = 0
        while i > 0:
            at += 2 + u16(self.data, at)
            i -= 1
        return at + 2

    def octets(self, i=0):
        """The data of record i as octets: 4 of an A, which every call of the stack takes as an
        address. IndexError if there are not so many."""
        if not 0 <= i < self.count:
            raise IndexError("the answer has %d records" % self.count)
        at = self.at(i)
        return bytes(self.data[at : at + u16(self.data, at - 2)])

    def record(self, i=0):
        """Record i as Python has it: 'A' and 'AAAA' give the address as text, 'PTR', 'CNAME' and
        'NS' a name, 'SRV' (priority, weight, port, name), 'MX' (preference, name), 'TXT' a list of
        its strings as octets."""
        data = self.octets(i)
        kind = self.kind
        if kind == A:
            return ip4_text(data)
        if kind == AAAA:
            return ip6_text(data)
        if kind == TXT:
            return _strings(data)
        before = BEFORE[kind]
        name = text(data, before)
        if not before:
            return name
        return tuple([u16(data, k) for k in range(0, before, 2)] + [name])

    def records(self):
        """All of them, as a list; empty when there is an error."""
        return [self.record(i) for i in range(self.count)]


def _strings(data):
    """RFC 1035 3.3.14: one string or more, each with its length in front."""
    out = []
    i = 0
    while i < len(data):
        out.append(data[i + 1 : i + 1 + data[i]])
        i += 1 + data[i]
    return out


def ip4_text(a):
    """4 octets -> '192.0.2.1'."""
    return "%d.%d.%d.%d" % tuple(a)


def ip6_text(a):
    """16 octets -> '2001:db8::1' (RFC 5952)."""
    words = ["%x" % u16(a, i) for i in range(0, 16, 2)]
    best = least = 0
    for i in range(8):
        n = 0
        while i + n < 8 and words[i + n] == "0":
            n += 1
        if n > max(best, 1):
            best, least = n, i
    if not best:
        return ":".join(words)
    return ":".join(words[:least]) + "::" + ":".join(words[least + best :])
