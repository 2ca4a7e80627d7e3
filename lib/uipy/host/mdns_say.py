"""What a responder says (RFC 6762 6, 8, 10): `me` is the Mdns. A message is written where `m` of
its records says; of each record the table knows by flags whether it belongs in.
"""

from micropython import const

from ..kern import bump, copy, put16, same, tdiff, u16
from .dns_message import (
    ADDITIONALS,
    ANSWERS,
    AUTHORITIES,
    FLAGS,
    IN,
    NSEC,
    PTR,
    QUESTIONS,
    SRV,
    TOP_BIT,
    TXT,
    A,
)
from .dns_names import label, text
from .mdns_message import FLAGS_OF, OF, ROW, TYPE, forget, mark
from .mdns_records import FIRST, HOST, PER, R_BACK, R_HOST_NSEC, R_PTR, unique

# Flags of a record
WANTED = const(1)  # it is to be sent to all, at due[r]
SENT = const(2)  # last[r] says when it was sent to all
ASKED = const(4)  # by the query at hand,
UNI = const(8)  # which wants the answer for itself
EXTRA = const(16)  # it goes with what is being sent,
DONE = const(32)  # and is sent
HELD = const(64)  # wanted by one host only, which has more known answers to say

# Ways that an answer goes
ALL = const(0)  # to the group
ONE = const(1)  # to who asked
OLD = const(2)  # to who speaks ordinary DNS (RFC 6762 6.7)
BYE = const(3)  # to the group, with TTL 0

GAP_MS = const(1000)  # RFC 6762 6: from one multicast of a record to the next
_OLD_TTL = const(10)  # s

N_IN = const(0)
N_BAD = const(1)
N_FAR = const(2)
N_OUT = const(3)
N_PROBES = const(4)
N_CLASHES = const(5)
N_KNOWN = const(6)
COUNTERS = (
    "mdns_in",
    "mdns_bad",
    "mdns_far",
    "mdns_out",
    "mdns_probes",
    "mdns_clashes",
    "mdns_known",
)
MEANINGS = (
    "mDNS messages received.",
    "mDNS messages that are malformed, or have more than 64 questions.",
    "mDNS messages from another link, or from another port than 5353; dropped.",
    "mDNS messages sent.",
    "Probes for our name sent.",
    "Times that another host had our name.",
    "Answers not sent because they were known.",
)


def shared(r):
    """True for a record that other hosts may have besides (RFC 6762 2)."""
    return r >= FIRST and (r - FIRST) % PER in (0, 4)


def compose(me, start, bits, way):
    """Writes the records that have `bits`, of those for all what is due; returns how many."""
    rec = me.records
    tab = rec.tab
    n = 0
    for r in range(rec.rows):
        at = ROW * r + FLAGS_OF
        if tab[at] & bits and (way or tdiff(me.stack.now, me.due[r]) >= 0) and _put(me, r, way):
            tab[at] = tab[at] & ~bits | DONE
            n += 1
            if way < OLD:
                _extras(rec, r)
    put16(rec.buf, start + ANSWERS, n)
    put16(rec.buf, start + AUTHORITIES, 0)
    n = 0
    for r in range(rec.rows):
        f = tab[ROW * r + FLAGS_OF]
        if f & EXTRA and not f & DONE and (way or not _recent(me, r)) and _put(me, r, way):
            n += 1
    put16(rec.buf, start + ADDITIONALS, n)
    forget(tab, rec.rows, EXTRA | DONE)
    return n + u16(rec.buf, start + ANSWERS)


def _recent(me, r):
    if not me.records.tab[ROW * r + FLAGS_OF] & SENT:
        return False
    return tdiff(me.stack.now, me.last[r]) < GAP_MS


def _put(me, r, way):
    rec = me.records
    ttl = rec.ttl(r)
    cls = IN if way == OLD or shared(r) else IN | TOP_BIT  # RFC 6762 10.2
    if way == OLD:
        ttl = _OLD_TTL
    elif way == BYE:
        ttl = 0
    if not rec.put(r, ttl, cls):
        return False
    if way == ALL:
        me.last[r] = me.stack.now
        r = ROW * r + FLAGS_OF
        rec.tab[r] = rec.tab[r] & ~(WANTED | HELD) | SENT
    return True


def _extras(rec, r):
    """What who asks for the record r asks for next (RFC 6763 12)."""
    kind = rec.tab[ROW * r + TYPE]
    name = rec.tab[ROW * r + OF]
    if kind == A:
        mark(rec.tab, rec.rows, HOST, NSEC, EXTRA)
    elif kind == SRV or r == R_HOST_NSEC or r == R_BACK:
        mark(rec.tab, rec.rows, HOST, A, EXTRA)
    elif kind == PTR and (r - FIRST) % PER == R_PTR:
        mark(rec.tab, rec.rows, name + 1, SRV, EXTRA)
        mark(rec.tab, rec.rows, name + 1, TXT, EXTRA)
        mark(rec.tab, rec.rows, HOST, A, EXTRA)


def probe(me, pos):
    """All names are asked for, and what is to be theirs is told (RFC 6762 8.1, 8.2)."""
    rec = me.records
    buf = rec.buf
    bump(me.stat, N_PROBES)
    put16(buf, pos + FLAGS, 0)
    n = 0
    for x in range(len(rec.names)):
        if (x == HOST or unique(x)) and rec.names[x] and rec.question(x, IN | TOP_BIT):
            n += 1
    put16(buf, pos + QUESTIONS, n)
    n = 0
    for r in range(rec.rows):
        if rec.proposed(r) and rec.put(r, rec.ttl(r), IN):
            n += 1
    put16(buf, pos + AUTHORITIES, n)


def bye(rec, all_of_it):
    """What is told with TTL 0: that others have services of a type is none of ours; and of a
    name that another host has now, only where our services were."""
    forget(rec.tab, rec.rows, WANTED | EXTRA)
    for r in range(rec.rows):
        if rec.bye(r, all_of_it):
            rec.tab[ROW * r + FLAGS_OF] |= WANTED


def told(me):
    """The name is known: people are told, if it is another one or elsewhere than last time."""
    rec = me.records
    if same(me.said, 0, rec.ip, 0, 4) and u16(me.said, 4) == me.number:
        return
    copy(me.said, 0, rec.ip, 0, 4)
    put16(me.said, 4, me.number)
    if me.say is None:
        return
    said = "mDNS: %s is %d.%d.%d.%d" % ((text(rec.host),) + tuple(rec.ip))
    if me.number > 1:
        said += "; %s.local is another host's" % label(bytes((me.base,)) + rec.label[1:], 0)
    try:
        me.say(said)
    except Exception as exc:
        me.stack.failed(exc)
