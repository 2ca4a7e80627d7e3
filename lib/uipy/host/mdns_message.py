"""Multicast DNS messages, octet by octet (RFC 6762): names that point back, records compared.

A message is written where `m` (dns_message.py) says: m[M_START] is its first octet, m[M_AT] the
next one, m[M_END] the place behind the last one that it can have. `spots`, an array('H'), has the
places of the labels written so far: their number, then each of them.
"""

from micropython import const

from .. import Error
from ..kern import tdiff
from ..kern.ptr import kernel, ptr8, ptr16, ptr32
from .dns_message import M_AT, M_DATA, M_END, M_START, is_name
from .dns_names import wire

GROUP = b"\xe0\x00\x00\xfb"
PORT = const(5353)
FAR = const(0x10000000)  # 2**28 ms: no deadline lies further ahead

SPOTS = const(24)  # labels that a later name can point to

NONSENSE = const(2)

# A row of the table of records: 4 octets
OF = const(0)  # the number of its name,
TYPE = const(1)
FLAGS_OF = const(2)
ROW = const(4)


@kernel
def put_short(buf, m, w, spots: ptr16) -> int:
    """Writes the wire name w; what of it the message has already becomes a pointer (RFC 6762
    18.14). Returns 0 when there is no room."""
    b = ptr8(buf)
    s = ptr8(w)
    p = ptr32(m)
    i = p[M_AT]
    end = p[M_END]
    p[M_END] = i  # nothing that is written from here on is pointed to
    j = 0
    done = 0
    while done == 0:
        k = s[j]
        n = spots[0]
        if k == 0:
            n = 0
        while n > 0 and int(is_name(buf, m, spots[n], w, j)) == 0:
            n -= 1
        if n > 0:
            done = 2
            if i + 2 <= end:
                k = spots[n] - p[M_START]
                b[i] = 0xC0 | (k >> 8)
                b[i + 1] = k & 0xFF
                i += 2
                done = 1
        elif i + k + 1 > end:
            done = 2
        else:
            if k == 0:
                done = 1
            elif spots[0] < SPOTS:
                spots[0] = spots[0] + 1
                spots[spots[0]] = i
            k += i
            while i <= k:
                b[i] = s[j]
                i += 1
                j += 1
    p[M_END] = end
    if done == 2:
        return 0
    p[M_AT] = i
    return 1


@kernel
def put_top(b: ptr8, m: ptr32, kind: int, cls: int, ttl: int) -> int:
    """Writes type, class and TTL, and leaves room for the length of the data, which come next;
    m[M_DATA] is where. Returns 0 when there is no room."""
    i = m[M_AT]
    if i + 10 > m[M_END]:
        return 0
    b[i] = kind >> 8
    b[i + 1] = kind & 0xFF
    b[i + 2] = cls >> 8
    b[i + 3] = cls & 0xFF
    b[i + 4] = 0
    b[i + 5] = 0
    b[i + 6] = ttl >> 8
    b[i + 7] = ttl & 0xFF
    m[M_AT] = i + 10
    m[M_DATA] = i + 10
    return 1


@kernel
def put_octets(b: ptr8, m: ptr32, w: ptr8, n: int) -> int:
    """Writes the first n octets of w; 0 when there is no room."""
    i = m[M_AT]
    if i + n > m[M_END]:
        return 0
    k = 0
    while k < n:
        b[i + k] = w[k]
        k += 1
    m[M_AT] = i + n
    return 1


@kernel
def order(b: ptr8, i: int, n: int, w: ptr8, k: int) -> int:
    """1 if the n octets at b[i:] come after the first k of w, 0 if they are the same, else -1 (RFC
    6762 8.2: as if they were unsigned)."""
    at = 0
    while at < n and at < k:
        d = b[i + at] - w[at]
        if d > 0:
            return 1
        if d < 0:
            return 0 - 1
        at += 1
    if n > k:
        return 1
    if n == k:
        return 0
    return 0 - 1


@kernel
def order_names(b: ptr8, m: ptr32, i: int, w: ptr8) -> int:
    """The same for the name at b[i:], without its pointers, and the wire name w. NONSENSE if it
    cannot be believed."""
    start = m[M_START]
    end = m[M_END]
    least = i
    j = 0
    while i < end:
        k = b[i]
        if k >= 0xC0:
            if i + 2 > end:
                return NONSENSE
            i = start + (((k & 63) << 8) | b[i + 1])
            if i >= least:
                return NONSENSE
            least = i
        else:
            if k > 63 or i + k >= end:
                return NONSENSE
            n = i + k
            while i <= n:  # where w has ended its 0 differs from k
                d = b[i] - w[j]
                if d > 0:
                    return 1
                if d < 0:
                    return 0 - 1
                i += 1
                j += 1
            if k == 0:
                return 0
    return NONSENSE


@kernel
def mark(tab: ptr8, rows: int, x: int, kind: int, bits: int) -> int:
    """Sets `bits` in the rows of the name number x that a question of this type is about, 255
    being all but NSEC; returns how many."""
    n = 0
    at = 0
    rows = rows * ROW
    while at < rows:
        t = tab[at + TYPE]
        if tab[at + OF] == x and (t == kind or (kind == 255 and t != 47)):
            tab[at + FLAGS_OF] = tab[at + FLAGS_OF] | bits
            n += 1
        at += ROW
    return n


@kernel
def row_of(tab: ptr8, rows: int, r: int, x: int, kind: int) -> int:
    """The first row from r on with that name and type; -1: none."""
    while r < rows:
        if tab[r * ROW + OF] == x and tab[r * ROW + TYPE] == kind:
            return r
        r += 1
    return 0 - 1


@kernel
def forget(tab: ptr8, rows: int, bits: int):
    """Clears `bits` in all rows."""
    at = FLAGS_OF
    rows = rows * ROW
    bits = 255 - bits
    while at < rows:
        tab[at] = tab[at] & bits
        at += ROW


@kernel
def soonest(tab: ptr8, rows: int, bits: int, due: ptr32, now: int) -> int:
    """ms until the first row that has `bits` is due, 0 at the least; FAR when there is none."""
    best = FAR
    r = 0
    while r < rows:
        if tab[r * ROW + FLAGS_OF] & bits:
            d = int(tdiff(due[r], now))
            if d < 0:
                d = 0
            if d < best:
                best = d
        r += 1
    return best


def type_of(kind):
    """The wire name of "_http._tcp" in .local; raises `Error`."""
    parts = kind.split(".")
    if len(parts) == 3 and parts[2] == "local":
        parts = parts[:2]
    if len(parts) != 2 or parts[1] not in ("_tcp", "_udp") or not 1 < len(parts[0]) < 17:
        raise Error("a type of service is like _http._tcp, not %r" % (kind,))
    if parts[0][0] != "_":
        raise Error("a type of service begins with _: not %r" % (kind,))
    return wire((parts[0], parts[1], "local"))
