"""What a responder makes of the messages of others (RFC 6762 6, 7, 8.1, 8.2, 9): `me` is the Mdns.

Nothing is sent here but the answer to one host, over its question; all else is marked in the table
of records, or is a word for `me.trouble`, and `me.output` does it.
"""

from micropython import const

from ..kern import bump, copy, put16, same, tadd, tdiff, u16
from .dns_message import (
    AA,
    ANSWERS,
    ANY,
    AUTHORITIES,
    FLAGS,
    HEAD,
    IN,
    M_AT,
    M_CLASS,
    M_END,
    M_KIND,
    M_NAME,
    M_START,
    M_TTL,
    NSEC,
    QR,
    QUESTIONS,
    TC,
    TOP_BIT,
    is_name,
    question,
    record,
)
from .mdns_message import FLAGS_OF, NONSENSE, PORT, ROW, TYPE, forget, row_of
from .mdns_records import (
    FIRST,
    HOST,
    PER,
    R_A,
    R_TXT,
    unique,
)
from .mdns_say import (
    ASKED,
    GAP_MS,
    HELD,
    N_BAD,
    N_KNOWN,
    N_OUT,
    OLD,
    ONE,
    SENT,
    UNI,
    WANTED,
    compose,
    shared,
)

# What a record of another host means for us
CLASH = const(1)  # it has our name
TIE = const(2)  # it wants our name, and its records are greater

MOST = const(64)  # questions that are read, and records

_PROBED_MS = const(250)


def query(me, port, start):
    """Takes the query at buf[start:]; the length of the answer that was written over it, None for
    none."""
    rec = me.records
    buf, m = rec.buf, rec.m
    n = u16(buf, start + QUESTIONS)
    forget(rec.tab, rec.rows, ASKED | UNI)
    if n > MOST:
        bump(me.stat, N_BAD)
        return None
    found = not n
    for _ in range(n):
        if not question(buf, m):
            bump(me.stat, N_BAD)
            return None
        x = rec.whose(m[M_NAME])
        if x >= 0 and m[M_CLASS] & ~TOP_BIT in (IN, ANY):
            found = True
            rec.asked(x, m[M_KIND], ASKED | UNI if m[M_CLASS] & TOP_BIT else ASKED)
    if not found:
        return None
    x = m[M_AT]
    _known(me, start)
    return _settle(me, port, start, x)


def _known(me, start):
    """What the asker knows already is not told (RFC 6762 7.1), nor what it says to know in the
    messages behind its query (7.2)."""
    rec = me.records
    buf, m, tab = rec.buf, rec.m, rec.tab
    held = same(buf, me.stack.src_at, me.asker_ip, 0, 4)
    for _ in range(min(u16(buf, start + ANSWERS), MOST)):
        if not record(buf, m):
            bump(me.stat, N_BAD)
            return
        r = rec.whose(m[M_NAME])
        if r >= 0:
            r = rec.which(r)
        if r >= 0 and m[M_TTL] >= rec.ttl(r) >> 1:
            bump(me.stat, N_KNOWN)
            r = ROW * r + FLAGS_OF
            tab[r] &= ~(ASKED | UNI)
            if held and tab[r] & HELD:
                tab[r] &= ~(HELD | WANTED)


def _settle(me, port, start, tail):
    """When, and to whom, the records go that are asked for."""
    rec = me.records
    buf, tab = rec.buf, rec.tab
    old = port.sport != PORT
    delay = _delay(me, buf, start)
    held = False
    if u16(buf, start + FLAGS) & TC and not old:
        held = True
        if not same(buf, me.stack.src_at, me.asker_ip, 0, 4):
            forget(tab, rec.rows, HELD)  # who asked before gets its answers in any case
            copy(me.asker_ip, 0, buf, me.stack.src_at, 4)
    gap = _PROBED_MS if u16(buf, start + AUTHORITIES) else GAP_MS
    reply = False
    for r in range(rec.rows):
        if tab[ROW * r + FLAGS_OF] & ASKED:
            if old or _fresh(me, r):
                reply = True
            else:
                tab[ROW * r + FLAGS_OF] &= ~ASKED
                want(me, r, delay, held, gap)
    if not reply:
        return None
    return _reply(me, port, start, tail if old else start + HEAD, OLD if old else ONE)


def _delay(me, buf, start):
    """ms. What others may answer too waits for a random time, that not all speak at once; who
    probes is told at once (RFC 6762 6)."""
    rec = me.records
    if u16(buf, start + FLAGS) & TC:
        return 400 + (me.stack.random8() * 100 >> 8)
    if not u16(buf, start + AUTHORITIES):
        for r in range(FIRST, rec.rows):
            if rec.tab[ROW * r + FLAGS_OF] & ASKED and shared(r):
                return 20 + (me.stack.random8() * 100 >> 8)
    return 0


def _fresh(me, r):
    """True if only the asker needs the record: all have heard it in the last quarter of its TTL
    (RFC 6762 5.4)."""
    f = me.records.tab[ROW * r + FLAGS_OF]
    if not f & UNI or not f & SENT:
        return False
    return tdiff(me.stack.now, me.last[r]) < me.records.ttl(r) * 250


def want(me, r, delay, held=False, gap=GAP_MS):
    """The record r is to be sent to all, in `delay` ms; no sooner than `gap` ms after the last
    time (RFC 6762 6)."""
    tab = me.records.tab
    f = tab[ROW * r + FLAGS_OF]
    at = tadd(me.stack.now, delay)
    if f & SENT:
        ready = tadd(me.last[r], gap)
        if 0 < tdiff(ready, at) <= gap:
            at = ready
    if not f & WANTED:
        if held:
            f |= HELD
    else:
        if not held:
            f &= ~HELD
        if tdiff(at, me.due[r]) > 0:
            at = me.due[r]
    me.due[r] = at
    tab[ROW * r + FLAGS_OF] = f | WANTED
    me.until(at)


def _reply(me, port, start, at, way):
    """An answer for the asker alone, over its query: in ordinary DNS behind its questions."""
    rec = me.records
    buf, m = rec.buf, rec.m
    m[M_START] = start
    m[M_AT] = at
    m[M_END] = start + port.max
    rec.spots[0] = 0
    put16(buf, start + FLAGS, QR | AA)
    if way == ONE:
        put16(buf, start + QUESTIONS, 0)
    if not compose(me, start, ASKED, way):
        return None
    me.groups.hops(255)  # RFC 6762 11
    bump(me.stat, N_OUT)
    return m[M_AT] - start


# What others say of themselves


def response(me, count):
    """Takes the next `count` records, which somebody has."""
    rec = me.records
    buf, m = rec.buf, rec.m
    for _ in range(count):
        if not record(buf, m):
            bump(me.stat, N_BAD)
            return
        x = rec.whose(m[M_NAME])
        if x >= 0 and m[M_CLASS] & ~TOP_BIT == IN:
            _theirs(me, x)


def _theirs(me, x):
    rec, m = me.records, me.records.m
    r = rec.which(x)
    if r >= 0:
        _ours_too(me, r)
    elif m[M_TTL] and (x == HOST or unique(x)) and m[M_KIND] != NSEC:
        # RFC 6762 8.1: who probes has no name, and hears of it once the first probe has left;
        # 9: who has it is at odds with one record only
        if row_of(rec.tab, rec.rows, 0, x, m[M_KIND]) >= 0 if me.established else me.step:
            me.trouble = CLASH


def _ours_too(me, r):
    """Somebody has told a record of ours."""
    rec, m = me.records, me.records.m
    if not me.established or rec.tab[ROW * r + TYPE] == NSEC:
        return
    if m[M_TTL] < rec.ttl(r) >> 1:  # RFC 6762 6.6: as if it were about to end, which it is not
        want(me, r, 20 + (me.stack.random8() * 100 >> 8))
    elif shared(r) and m[M_TTL] >= rec.ttl(r) and rec.tab[ROW * r + FLAGS_OF] & WANTED:
        me.last[r] = me.stack.now  # RFC 6762 7.4: all have heard it
        r = ROW * r + FLAGS_OF
        rec.tab[r] = rec.tab[r] & ~(WANTED | HELD) | SENT
        bump(me.stat, N_KNOWN)


def rival(me, start):
    """A query came while we probe. If it is a probe for a name of ours too, whose records are
    greater, we are to wait (RFC 6762 8.2)."""
    rec = me.records
    buf, m = rec.buf, rec.m
    n = u16(buf, start + QUESTIONS)
    if not u16(buf, start + AUTHORITIES) or n > MOST:
        return
    for _ in range(n):
        if not question(buf, m):
            bump(me.stat, N_BAD)
            return
    for _ in range(min(u16(buf, start + ANSWERS), MOST)):
        if not record(buf, m):
            bump(me.stat, N_BAD)
            return
    n = m[M_AT]
    for x in range(len(rec.names)):
        if (x == HOST or unique(x)) and rec.names[x]:
            m[M_AT] = n
            if _greater(me, start, x):
                me.trouble = me.trouble or TIE


def _greater(me, start, x):
    """True if the records that another host proposes for the name x are greater than ours.

    Both are compared in their order, until two differ, or one has no more and is less (RFC 6762
    8.2.1). So what decides is the least record that only one of the two has: who has it is less,
    unless the other one has nothing behind it.
    """
    rec = me.records
    buf, m = rec.buf, rec.m
    ours = 1 if x == HOST else 2  # A; TXT and SRV
    r = R_A if x == HOST else FIRST + PER * ((x - 4) >> 1) + R_TXT
    both = 0  # bit k: they have our record k too
    low = 9  # of what only they have: before which of ours the least is, and the greatest
    high = -1
    for _ in range(min(u16(buf, start + AUTHORITIES), MOST)):
        if not record(buf, m):
            bump(me.stat, N_BAD)
            return False
        if is_name(buf, m, m[M_NAME], rec.names[x], 0):
            at = _place(rec, r, ours)
            if at >= 16:
                both |= at & 3
            elif at >= 0:
                low = min(low, at)
                high = max(high, at)
    if not both and low > ours:
        return False  # they want another name
    mine = 0  # our first one that they have not
    while mine < ours and both >> mine & 1:
        mine += 1
    if low <= mine:
        return low == ours
    return mine < ours and (both >> (mine + 1) > 0 or high > mine)


def _place(rec, r, ours):
    """Before which of ours the record in `m` is; 16 | a bit for one of ours, -1 for none."""
    for k in range(ours):
        n = rec.order(r - k)  # TXT, then SRV, which stands before it in the table
        if n == NONSENSE:
            return -1
        if not n:
            return 16 | 1 << k
        if n < 0:
            return k
    return ours
