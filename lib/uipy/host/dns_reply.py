"""A reply to one of our questions: is it one, and what does it say? Allocates nothing.

A reply is believed when it comes from the server's address and port 53 to the port of our
question, with its number and with its very letters (RFC 5452 9.1; the case of each letter is
random, a server gives it back as it was). What is not believed is counted and changes nothing: the
question waits on.
"""

from micropython import const

from ..kern import copy, same, u16, u32
from ..kern.ptr import kernel, ptr32
from .dns_answer import ALIAS_LOOP, BEFORE, NO_DATA, NOT_FOUND, OK
from .dns_cache import NEGATIVE
from .dns_message import (
    AA,
    AAAA,
    ANSWERS,
    AUTHORITIES,
    CNAME,
    FLAGS,
    HEAD,
    ID,
    IN,
    M_AT,
    M_CLASS,
    M_DATA,
    M_END,
    M_KIND,
    M_NAME,
    M_SIZE_OF,
    M_START,
    M_TTL,
    NOERROR,
    NXDOMAIN,
    OPCODE,
    QR,
    QUESTIONS,
    RCODE,
    REFUSED,
    SOA,
    TC,
    A,
    expand,
    is_name,
    question,
    record,
    skip,
)

LEFT = const(9)  # one more in `m`: records that are still to be read
READ_SIZE = const(10)

# What `read` finds, below 0; else the code of an answer
STRAY = const(-1)  # it answers no question of ours
BAD = const(-2)  # it is no message
CUT = const(-3)  # truncated: to be asked by TCP
CASE = const(-4)  # the server has changed the case of letters
FAILED = const(-5)  # it cannot find out
REFUSES = const(-6)
ALIAS = const(-7)  # its name is an alias of that in resolver.name, which is to be asked for

_LOOP = const(-8)  # more than that:
HOPS = const(8)  # aliases one behind the other
_RA = const(0x0080)  # recursion is available


@kernel
def next_of(buf, m, w, kind: int) -> int:
    """Goes on to the next record of the wire name `w` that is of this type or an alias: 1; 0 when
    there is none in the m[LEFT] records from m[M_AT] on, -1 when one of them is none."""
    p = ptr32(m)
    while p[LEFT] > 0:
        p[LEFT] = p[LEFT] - 1
        if int(record(buf, m)) == 0:
            return 0 - 1
        k = p[M_KIND]
        if (k == kind or k == CNAME) and p[M_CLASS] == IN:
            k = p[M_NAME]
            if int(is_name(buf, m, k, w, 0)) != 0:
                return 1
    return 0


def read(q, buf, start, n, exact, whole):
    """What the n octets at buf[start:] say to the question `q`: the code of its answer, whose
    records are in q.answer, or one of the numbers above. `exact`: letters must have their case;
    `whole`: no octet of the message is missing."""
    m = q.resolver.m
    if n < HEAD or u16(buf, start + ID) != q.number:
        return STRAY
    flags = u16(buf, start + FLAGS)
    if flags & (QR | OPCODE) != QR or u16(buf, start + QUESTIONS) != 1:
        return STRAY
    m[M_START] = start
    m[M_END] = start + n
    m[M_AT] = start + HEAD
    # RFC 5452 9.1, RFC 1035 7.3, RFC 7766 7: the question section must be ours
    if not question(buf, m) or m[M_KIND] != q.kind or m[M_CLASS] != IN:
        return STRAY
    if not is_name(buf, m, start + HEAD, q.msg, HEAD):
        return STRAY
    if exact and (
        m[M_AT] != start + q.size or not same(buf, start + HEAD, q.msg, HEAD, q.size - HEAD)
    ):
        return CASE
    if flags & TC and whole:
        return CUT
    flags &= RCODE | AA | _RA
    if flags & RCODE == REFUSED:
        return REFUSES
    if flags & RCODE != NOERROR and flags & RCODE != NXDOMAIN:
        return FAILED
    return _said(q, buf, m, flags, whole)


def _said(q, buf, m, flags, whole):
    """The answer section: what there is of the name asked, or of that which it is an alias of."""
    a = q.answer
    hops = _gather(q, buf, m, whole)
    if hops == _LOOP:
        return ALIAS_LOOP
    if hops < 0 or a.count:
        return min(hops, OK)
    ttl = a.ttl
    a.ttl = 0  # RFC 2308 5: a denial without an SOA is not kept
    soa = _denial(a, buf, m, whole)
    if soa < 0:
        return BAD
    if flags & RCODE == NXDOMAIN:
        return NOT_FOUND
    if soa:
        return NO_DATA  # RFC 2308 2.2
    if hops > q.hops:
        q.hops = hops
        q.ttl = ttl
        return ALIAS
    if not flags & (_RA | AA):  # it knows only whom else to ask
        return FAILED
    return NO_DATA


def _gather(q, buf, m, whole):
    """Takes the records in, following aliases (RFC 1034 3.6.2): how many there were with those
    before; _LOOP, or BAD. The last one is resolver.name."""
    a = q.answer
    name = q.resolver.name
    a.clear()
    a.ttl = q.ttl
    hops = q.hops
    first = m[M_AT]
    copy(name, 0, q.msg, HEAD, q.size - HEAD - 4)
    while True:
        m[M_AT] = first
        m[LEFT] = u16(buf, m[M_START] + ANSWERS)
        k = next_of(buf, m, name, q.kind)
        while k > 0 and m[M_KIND] == q.kind:
            if _take(q, a, buf, m):
                a.ttl = min(a.ttl, m[M_TTL])
            k = next_of(buf, m, name, q.kind)
        if k < 0:
            if whole:
                return BAD
            a.cut = True
        if k <= 0 or a.count:
            return hops
        hops += 1
        if hops > HOPS:
            return _LOOP
        a.ttl = min(a.ttl, m[M_TTL])
        if expand(buf, m, m[M_DATA], name, 0) < 0:
            return BAD


def _take(q, a, buf, m):
    """The record at hand goes into the answer; False if its data are not what its type says."""
    kind = m[M_KIND]
    at = m[M_DATA]
    n = m[M_SIZE_OF]
    before = BEFORE.get(kind, -1)
    if before < 0:
        if (kind == A and n != 4) or (kind == AAAA and n != 16) or not _strings(buf, kind, at, n):
            return False
        a.add(buf, at, n)
        return True
    if n <= before or skip(buf, at + before, at + n) != at + n:
        return False
    spare = q.resolver.spare
    copy(spare, 0, buf, at, before)
    n = expand(buf, m, at + before, spare, before)
    if n < 0:
        return False
    a.add(spare, 0, before + n)
    return True


def _strings(buf, kind, at, n):
    """Are the data of a TXT strings up to their end? What is no TXT has none."""
    if kind in (A, AAAA):
        return True
    n += at
    while at < n:
        at += 1 + buf[at]
    return at == n


def _denial(a, buf, m, whole):
    """The authority section: 1 if an SOA says for how long there is nothing (RFC 2308 5), 0 if
    there is none; -1: it is no message."""
    left = u16(buf, m[M_START] + AUTHORITIES)
    while left > 0 and not a.cut:
        left -= 1
        if not record(buf, m):
            return BAD if whole else 0
        if m[M_KIND] == SOA and m[M_CLASS] == IN:
            end = m[M_DATA] + m[M_SIZE_OF]
            at = skip(buf, m[M_DATA], end)
            if at > 0:
                at = skip(buf, at, end)
            if at < 0 or at + 20 != end:
                return BAD
            a.ttl = min(m[M_TTL], u32(buf, at + 16), NEGATIVE)
            return 1
    return 0
