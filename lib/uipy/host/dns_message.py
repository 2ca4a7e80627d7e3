"""The messages of DNS (RFC 1035 4) and of multicast DNS (RFC 6762 18): names, questions, records.

Nothing is kept here. Where a message lies is in `m`, an array('i') of M_SIZE that its reader owns:
its first octet, the place behind its last one, and where the reading has got to. `question` and
`record` fill in the rest of `m`, and go on to the next one:

    m[M_START], m[M_END] = start, start + n
    m[M_AT] = start + HEAD
    for _ in range(u16(buf, start + QUESTIONS)):
        if not question(buf, m): ...            it is no message
    ... record(buf, m): m[M_NAME], m[M_KIND], m[M_CLASS], m[M_TTL], m[M_DATA], m[M_SIZE_OF]

A name in a message may end in a pointer to an earlier place (RFC 1035 4.1.4). What follows one
believes only pointers that lead back from every place that was read so far, JUMPS of them at the
most, and names of NAME_MAX octets: no name takes longer than that. A **wire name**, in a buffer of
our own, has no pointers: labels with their lengths, and an octet 0.

Letters are compared without regard to case, and only A to Z have one (RFC 4343).
"""

from micropython import const

from ..kern import copy, put16
from ..kern.ptr import kernel, ptr8, ptr32

# The header of a message (RFC 1035 4.1.1): offsets
ID = const(0)
FLAGS = const(2)
QUESTIONS = const(4)  # how many of each there are
ANSWERS = const(6)
AUTHORITIES = const(8)
ADDITIONALS = const(10)
HEAD = const(12)  # octets

QR = const(0x8000)  # it is a response
OPCODE = const(0x7800)
AA = const(0x0400)  # by an authority
TC = const(0x0200)  # truncated
RD = const(0x0100)  # recursion is asked for
RCODE = const(0x000F)

NOERROR = const(0)
SERVFAIL = const(2)
NXDOMAIN = const(3)
REFUSED = const(5)

# Types of records
A = const(1)
NS = const(2)
CNAME = const(5)
SOA = const(6)
PTR = const(12)
MX = const(15)
TXT = const(16)
AAAA = const(28)
SRV = const(33)
OPT = const(41)
NSEC = const(47)
ANY = const(255)

IN = const(1)  # the class
TOP_BIT = const(0x8000)  # of the class, in mDNS: flush the cache, answer by unicast

LABEL_MAX = const(63)
NAME_MAX = const(255)  # octets of a wire name, the last 0 among them (RFC 1035 2.3.4)
JUMPS = const(127)  # labels that a name can have

# `m`, an array('i')
M_START = const(0)
M_END = const(1)
M_AT = const(2)
M_NAME = const(3)  # where its name is
M_KIND = const(4)  # its type
M_CLASS = const(5)  # the top bit too
M_TTL = const(6)  # seconds, 2**30 - 1 at the most
M_DATA = const(7)  # where its data are, and
M_SIZE_OF = const(8)  # how many octets
M_SIZE = const(9)


@kernel
def skip(b: ptr8, i: int, end: int) -> int:
    """The place behind the name at b[i:], which ends with an octet 0 or a pointer; -1 when it does
    not end before `end`, or is none."""
    top = i + 255
    while i < end:
        k = b[i]
        if k >= 0xC0:
            if i + 2 > end:
                return 0 - 1
            return i + 2
        i += 1
        if k == 0:
            return i
        if k > 63:  # RFC 1035 4.1.4: 01 and 10 are reserved
            return 0 - 1
        i += k
        if i >= top:
            return 0 - 1
    return 0 - 1


@kernel
def expand(b: ptr8, m: ptr32, i: int, out: ptr8, j: int) -> int:
    """Writes the name at b[i:] as a wire name at out[j:], where there is room for 255 octets;
    returns its octets, -1 for none that can be believed."""
    start = m[M_START]
    end = m[M_END]
    least = i
    jumps = 0
    n = 0
    while i < end:
        k = b[i]
        if k >= 0xC0:
            if i + 2 > end:
                return 0 - 1
            i = start + (((k & 63) << 8) | b[i + 1])
            jumps += 1
            if i >= least or jumps > JUMPS:
                return 0 - 1
            least = i
        else:
            if k > 63 or i + k >= end or n + k >= 255:
                return 0 - 1
            n += 1
            out[j] = k
            i += 1
            j += 1
            if k == 0:
                return n
            n += k
            while k > 0:
                out[j] = b[i]
                i += 1
                j += 1
                k -= 1
    return 0 - 1


@kernel
def is_name(b: ptr8, m: ptr32, i: int, w: ptr8, j: int) -> int:
    """1 if the name at b[i:] is the wire name at w[j:], whatever the case of its letters (RFC 1035
    2.3.3), else 0. What cannot be believed is no name."""
    start = m[M_START]
    end = m[M_END]
    least = i
    jumps = 0
    while i < end:
        k = b[i]
        if k >= 0xC0:
            if i + 2 > end:
                return 0
            i = start + (((k & 63) << 8) | b[i + 1])
            jumps += 1
            if i >= least or jumps > JUMPS:
                return 0
            least = i
        else:
            # The wire name says how far it goes: at the same length each octet has its fellow.
            if k != w[j] or i + k >= end:
                return 0
            if k == 0:
                return 1
            i += 1
            j += 1
            while k > 0:
                x = b[i]
                y = w[j]
                if x != y:
                    if x >= 65 and x <= 90:
                        x += 32
                    if y >= 65 and y <= 90:
                        y += 32
                    if x != y:
                        return 0
                i += 1
                j += 1
                k -= 1
    return 0


@kernel
def same_names(b: ptr8, m: ptr32, i: int, j: int) -> int:
    """1 if two names of the message, at b[i:] and at b[j:], are the same, else 0. What cannot be
    believed is no name."""
    start = m[M_START]
    end = m[M_END]
    least_i = i
    least_j = j
    left = JUMPS + JUMPS
    while i < end and j < end:
        k = b[i]
        n = b[j]
        if k >= 0xC0 or n >= 0xC0:
            left -= 1
            if left < 0:
                return 0
            if k >= 0xC0:
                if i + 2 > end:
                    return 0
                i = start + (((k & 63) << 8) | b[i + 1])
                if i >= least_i:
                    return 0
                least_i = i
            else:
                if j + 2 > end:
                    return 0
                j = start + (((n & 63) << 8) | b[j + 1])
                if j >= least_j:
                    return 0
                least_j = j
            continue
        if k != n or k > 63 or i + k >= end or j + k >= end:
            return 0
        if k == 0:
            return 1
        i += 1
        j += 1
        while k > 0:
            x = b[i]
            y = b[j]
            if x != y:
                if x >= 65 and x <= 90:
                    x += 32
                if y >= 65 and y <= 90:
                    y += 32
                if x != y:
                    return 0
            i += 1
            j += 1
            k -= 1
    return 0


@kernel
def name_size(w: ptr8, j: int) -> int:
    """The octets of the wire name at w[j:], which is one of ours: it ends."""
    n = j
    while w[n] > 0:
        n += w[n] + 1
    return n + 1 - j


@kernel
def question(buf, m: ptr32) -> int:
    """Reads the question at m[M_AT] (RFC 1035 4.1.2): its name, type and class; 0 if it is
    none."""
    i = m[M_AT]
    m[M_NAME] = i
    end = m[M_END]
    i = int(skip(buf, i, end))
    if i < 0 or i + 4 > end:
        return 0
    b = ptr8(buf)
    m[M_KIND] = (b[i] << 8) | b[i + 1]
    m[M_CLASS] = (b[i + 2] << 8) | b[i + 3]
    m[M_AT] = i + 4
    return 1


@kernel
def record(buf, m: ptr32) -> int:
    """Reads the record at m[M_AT] (RFC 1035 4.1.3): all of `m`; 0 if it is none."""
    i = m[M_AT]
    m[M_NAME] = i
    end = m[M_END]
    i = int(skip(buf, i, end))
    if i < 0 or i + 10 > end:
        return 0
    b = ptr8(buf)
    m[M_KIND] = (b[i] << 8) | b[i + 1]
    m[M_CLASS] = (b[i + 2] << 8) | b[i + 3]
    v = (b[i + 4] << 8) | b[i + 5]
    if v > 0x3FFF:
        v = 0x3FFF
        v = (v << 16) | 0xFFFF
    else:
        v = (v << 16) | (b[i + 6] << 8) | b[i + 7]
    m[M_TTL] = v
    n = (b[i + 8] << 8) | b[i + 9]
    i += 10
    if i + n > end:
        return 0
    m[M_DATA] = i
    m[M_SIZE_OF] = n
    m[M_AT] = i + n
    return 1


def put_head(b, i, number, flags):
    """Writes the header of a message that has nothing yet: put16(b, i + QUESTIONS, 1), ..."""
    for k in range(i + QUESTIONS, i + HEAD):
        b[k] = 0
    put16(b, i + ID, number)
    put16(b, i + FLAGS, flags)
    return i + HEAD


def put_name(b, i, w, j=0):
    """Writes the wire name at w[j:]; returns the place behind it."""
    n = name_size(w, j)
    copy(b, i, w, j, n)
    return i + n


def put_question(b, i, w, j, kind, cls=IN):
    """Writes a question about the wire name at w[j:]; returns the place behind it."""
    i = put_name(b, i, w, j)
    put16(b, i, kind)
    put16(b, i + 2, cls)
    return i + 4
