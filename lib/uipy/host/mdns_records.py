"""The records that we have to offer: a table, and how each is written and compared.

    0 A of our name   1 NSEC of it   2 PTR of our address   and for the service k, from 3 + 5 k:
    PTR of its type   SRV   TXT   NSEC of its name          PTR that names the type

The names have numbers too: 0 our own, 1 that of our address, 2 `_services._dns-sd._udp.local`, and
for the service k: 3 + 2 k its type, 4 + 2 k its own name. Nothing of a record is stored that
follows from these.
"""

from array import array

from micropython import const

from .. import Error
from ..kern import copy, put16, same, u16
from .dns_message import (
    ANY,
    HEAD,
    IN,
    M_AT,
    M_CLASS,
    M_DATA,
    M_KIND,
    M_SIZE,
    M_SIZE_OF,
    NSEC,
    PTR,
    SRV,
    TOP_BIT,
    TXT,
    A,
    is_name,
    name_size,
)
from .mdns_message import (
    NONSENSE,
    OF,
    ROW,
    SPOTS,
    TYPE,
    mark,
    order,
    order_names,
    put_octets,
    put_short,
    put_top,
    row_of,
)

META = b"\x09_services\x07_dns-sd\x04_udp\x05local\0"
LOCAL = b"\x05local\0"
_ARPA = b"\x07in-addr\x04arpa\0"
_HOST_MAP = b"\x00\x01\x40"  # NSEC: there is an A (RFC 4034 4.1.2)
_SERVICE_MAP = b"\x00\x05\x00\x00\x80\x00\x40"  # there are TXT and SRV

HOST = const(0)  # names
BACK = const(1)
SERVICES = const(2)
NOBODY = const(255)

R_A = const(0)  # records
R_HOST_NSEC = const(1)
R_BACK = const(2)
R_PTR = const(0)  # of a service
R_SRV = const(1)
R_TXT = const(2)
R_NSEC = const(3)
R_META = const(4)
FIRST = const(3)  # of the services' records
PER = const(5)

SHORT_TTL = const(120)  # s, of what has our name or address in it (RFC 6762 10)
LONG_TTL = const(4500)

_LABEL = const(64)


class Records:
    """A table for so many services; `buf` is the stack's."""

    def __init__(self, buf, services):
        self.buf = buf
        self.rows = rows = FIRST + PER * services
        self.m = array("i", [0] * M_SIZE)
        self.spots = array("H", [0] * (SPOTS + 1))
        self.ip = bytearray(4)
        self.label = bytearray(_LABEL)  # the first of our name, its length in front
        self.host = bytearray(_LABEL + len(LOCAL))
        self.back = bytearray(16 + len(_ARPA))
        self.names = [self.host, self.back, META] + [None] * (2 * services)
        self.ports = array("H", [0] * services)
        self.texts = [b""] * services
        self.tab = bytearray(ROW * rows)
        self._row(R_A, HOST, A)
        self._row(R_HOST_NSEC, HOST, NSEC)
        self._row(R_BACK, BACK, PTR)
        for k in range(services):
            self.drop(k)

    def _row(self, r, name, kind):
        self.tab[ROW * r + OF] = name
        self.tab[ROW * r + TYPE] = kind

    def call(self, label):
        """Our name is this label's; the services' are too."""
        copy(self.label, 0, label, 0, label[0] + 1)
        self._names()

    def _names(self):
        label, names = self.label, self.names
        n = label[0] + 1
        copy(self.host, 0, label, 0, n)
        copy(self.host, n, LOCAL, 0, len(LOCAL))
        for x in range(4, len(names), 2):
            if names[x]:
                copy(names[x], 0, label, 0, n)
                copy(names[x], n, names[x - 1], 0, len(names[x - 1]))

    def rename(self, n, number):
        """Our label is its first n octets from now on, a hyphen and this number, up to 9999."""
        label = self.label
        at = n + 1
        label[at] = 45
        for unit in (1000, 100, 10, 1):
            if number >= unit:
                at += 1
                label[at] = 48 + number // unit % 10
        label[0] = at
        self._names()

    def place(self, ip):
        """Our address is another one: a view of 4 octets."""
        copy(self.ip, 0, ip, 0, 4)
        at = 0
        for k in range(3, -1, -1):  # RFC 1035 3.5
            n = at
            v = ip[k]
            for unit in (100, 10, 1):
                if v >= unit or unit == 1:
                    at += 1
                    self.back[at] = 48 + v // unit % 10
            self.back[n] = at - n
            at += 1
        copy(self.back, at, _ARPA, 0, len(_ARPA))

    def service(self, k, kind, port, text):
        """The service k has the type `kind`, a wire name, on this port; `text` is its TXT."""
        self.names[3 + 2 * k] = kind
        self.names[4 + 2 * k] = bytearray(_LABEL + len(kind))
        self.ports[k] = port
        self.texts[k] = text
        r = FIRST + PER * k
        self._row(r + R_PTR, 3 + 2 * k, PTR)
        self._row(r + R_SRV, 4 + 2 * k, SRV)
        self._row(r + R_TXT, 4 + 2 * k, TXT)
        self._row(r + R_NSEC, 4 + 2 * k, NSEC)
        self._row(r + R_META, SERVICES, PTR)
        self._names()

    def drop(self, k):
        """The service k is none."""
        self.names[3 + 2 * k] = self.names[4 + 2 * k] = None
        for r in range(FIRST + PER * k, FIRST + PER * k + PER):
            self._row(r, NOBODY, 0)

    def services(self):
        """True if there are any."""
        return self.tab[ROW * FIRST + TYPE] != 0 if self.rows > FIRST else False

    # What is asked and heard

    def whose(self, at):
        """The number of the name at buf[at:]; -1: none of ours."""
        names = self.names
        for x in range(len(names)):
            if names[x] is not None and is_name(self.buf, self.m, at, names[x], 0):
                return x
        return -1

    def asked(self, x, kind, bits):
        """Sets `bits` where a question about the name x is answered. Of what is ours alone, and
        has no such record, NSEC says so (RFC 6762 6.1)."""
        if not mark(self.tab, self.rows, x, kind, bits) and (x == HOST or unique(x)):
            mark(self.tab, self.rows, x, NSEC, bits)

    def which(self, x):
        """The row of the record in `m`, which has the name x; -1: we do not have it."""
        kind = self.m[M_KIND]
        r = row_of(self.tab, self.rows, 0, x, kind)
        while r >= 0 and not self.same(r):
            r = row_of(self.tab, self.rows, r + 1, x, kind)
        return r

    def same(self, r):
        """True if the record in `m` has the data of ours."""
        m, buf = self.m, self.buf
        kind = self.tab[ROW * r + TYPE]
        at = m[M_DATA]
        n = m[M_SIZE_OF]
        if kind == A:
            return n == 4 and same(buf, at, self.ip, 0, 4)
        if kind == PTR:
            return is_name(buf, m, at, self._target(r), 0)
        if kind == TXT:
            text = self.texts[(r - FIRST) // PER]
            return n == len(text) and same(buf, at, text, 0, n)
        if kind == SRV:
            return (
                n > 6
                and not (u16(buf, at) | u16(buf, at + 2))
                and u16(buf, at + 4) == self.ports[(r - FIRST) // PER]
                and is_name(buf, m, at + 6, self.host, 0)
            )
        return True

    def order(self, r):
        """1 if the record in `m` comes after ours, 0 if it is the same, else -1; NONSENSE (RFC
        6762 8.2)."""
        m, buf = self.m, self.buf
        kind = self.tab[ROW * r + TYPE]
        cls = m[M_CLASS] & ~TOP_BIT
        if cls != IN:
            return 1 if cls > IN else -1
        if m[M_KIND] != kind:
            return 1 if m[M_KIND] > kind else -1
        if kind == A:
            return order(buf, m[M_DATA], m[M_SIZE_OF], self.ip, 4)
        if kind == TXT:
            text = self.texts[(r - FIRST) // PER]
            return order(buf, m[M_DATA], m[M_SIZE_OF], text, len(text))
        return self._order_srv(r)

    def _order_srv(self, r):
        m, buf = self.m, self.buf
        at = m[M_DATA]
        if m[M_SIZE_OF] < 7:
            return NONSENSE
        if u16(buf, at) | u16(buf, at + 2):
            return 1
        port = self.ports[(r - FIRST) // PER]
        if u16(buf, at + 4) != port:
            return 1 if u16(buf, at + 4) > port else -1
        return order_names(buf, m, at + 6, self.host)

    def proposed(self, r):
        """True for what a probe says of the names that are to be ours alone."""
        kind = self.tab[ROW * r + TYPE]
        return kind == A or kind == SRV or kind == TXT

    def bye(self, r, all_of_it):
        """True for what is told to have ended: the services, or all that is ours alone too."""
        kind = self.tab[ROW * r + TYPE]
        if r >= FIRST and (r - FIRST) % PER == R_PTR and kind:
            return True
        return all_of_it and (self.proposed(r) or r == R_BACK)

    # What is written

    def ttl(self, r):
        """Seconds."""
        kind = self.tab[ROW * r + TYPE]
        short = r < FIRST or kind == SRV or kind == NSEC
        return SHORT_TTL if short else LONG_TTL

    def question(self, x, cls):
        """Writes a question about all that the name x has; False when there is no room."""
        m = self.m
        at, used = m[M_AT], self.spots[0]
        # The first four octets of what stands before a record's data are a question's.
        if put_short(self.buf, m, self.names[x], self.spots) and put_top(self.buf, m, ANY, cls, 0):
            m[M_AT] = m[M_DATA] - 6
            return True
        m[M_AT], self.spots[0] = at, used
        return False

    def put(self, r, ttl, cls):
        """Writes the record r; False, and nothing, when there is no room."""
        m, buf = self.m, self.buf
        at, used = m[M_AT], self.spots[0]
        row = ROW * r
        kind = self.tab[row + TYPE]
        if (
            put_short(buf, m, self.names[self.tab[row + OF]], self.spots)
            and put_top(buf, m, kind, cls, ttl)
            and self._data(r, kind, cls)
        ):
            put16(buf, m[M_DATA] - 2, m[M_AT] - m[M_DATA])
            return True
        m[M_AT] = at
        self.spots[0] = used
        return False

    def _data(self, r, kind, cls):
        m, buf, spots = self.m, self.buf, self.spots
        if kind == A:
            return put_octets(buf, m, self.ip, 4)
        if kind == PTR:
            return put_short(buf, m, self._target(r), spots)
        k = (r - FIRST) // PER
        if kind == TXT:
            return put_octets(buf, m, self.texts[k], len(self.texts[k]))
        if kind == SRV:
            return self._srv(k, cls)
        if not put_short(buf, m, self.names[self.tab[ROW * r + OF]], spots):
            return 0
        if r == R_HOST_NSEC:
            return put_octets(buf, m, _HOST_MAP, 3)
        return put_octets(buf, m, _SERVICE_MAP, 7)

    def _srv(self, k, cls):
        m, buf, spots = self.m, self.buf, self.spots
        if not put_octets(buf, m, b"\0\0\0\0\0\0", 6):
            return 0
        put16(buf, m[M_AT] - 2, self.ports[k])
        if cls & TOP_BIT:
            return put_short(buf, m, self.host, spots)
        # RFC 6762 18.14: not shortened for who speaks ordinary DNS
        return put_octets(buf, m, self.host, name_size(self.host, 0))

    def _target(self, r):
        # The name that is the data of a PTR.
        if r == R_BACK:
            return self.host
        k = (r - FIRST) // PER
        return self.names[4 + 2 * k] if (r - FIRST) % PER == R_PTR else self.names[3 + 2 * k]

    def fits(self, room):
        """Raises `Error` when a message of `room` octets cannot have what a probe says."""
        n = HEAD + 2 * _LABEL + 40
        for k in range(len(self.ports)):
            if self.names[3 + 2 * k]:
                n += _LABEL + len(self.names[3 + 2 * k]) + 48 + len(self.texts[k])
        if n > room:
            raise Error("services and texts are too much for one packet: fewer, or shorter ones")


def unique(x):
    """True for the name of a service."""
    return x > SERVICES and not x & 1
