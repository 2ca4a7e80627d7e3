"""Names in .local, asked of all on the link (RFC 6762 5.1, 5.2).

    local = LocalResolver(mdns)
    local.resolve("printer.local", "A", done)      as `Resolver.resolve` does
    resolver.local = local                         and then the resolver hands such names over

A question goes out after 20 to 120 ms, and again 1 s and 3 s later. The first answer is handed
over; where several hosts may answer (PTR), what has come in a quarter of a second. A host that
says that its name has no such record is believed (NSEC). Nobody who answers within 5 s is how it
is said that there is no such name. Nothing is kept beyond the call of `done`.
"""

from array import array

from micropython import const

from .. import Error, TableFull
from ..kern import bump, copy, same, tadd, tdiff
from .dns_answer import KINDS, NO_DATA, NOT_FOUND, UNREACHABLE, Answer
from .dns_message import (
    AAAA,
    IN,
    M_CLASS,
    M_DATA,
    M_KIND,
    M_NAME,
    M_SIZE_OF,
    M_TTL,
    NAME_MAX,
    NSEC,
    PTR,
    QUESTIONS,
    SRV,
    TOP_BIT,
    TXT,
    A,
    expand,
    is_name,
    name_size,
    put_head,
    put_question,
    record,
    skip,
)
from .dns_names import text, wire
from .mdns_message import FAR, GROUP, PORT

_FREE = const(0)
_ASK = const(1)
_WAIT = const(2)  # others may answer too
_DONE = const(3)

_TRIES = const(3)
_FIRST_MS = const(1000)  # and then twice as long
_LAST_MS = const(2000)
_MORE_MS = const(250)
_BUSY_MS = const(5)  # somebody else sends by the port

_ASKED = const(0)
_FOUND = const(1)
_SILENT = const(2)
COUNTERS = ("mdns_asked", "mdns_found", "mdns_silent")
MEANINGS = (
    "Questions about names in .local sent.",
    "Names in .local that somebody answered for.",
    "Names in .local that nobody answered for.",
)


class _Row:
    def __init__(self, room):
        self.state = _FREE
        self.gen = 0  # of its number: a ticket of an earlier question cancels nothing
        self.answer = Answer(room)
        self.wire = b"\0"
        self.done = None
        self.tries = 0
        self.due = False  # its question is to be in the next message; set by output
        self.sent = False
        self.denied = False  # its owner says that there is no such record
        self.at = 0


class LocalResolver:
    """Asks for names by the port of an `Mdns`, and is heard with it. `rows` questions at a time;
    `room` octets of an answer's records. `say` takes a line when a name was not found."""

    NAMES = COUNTERS
    HELP = MEANINGS

    def __init__(self, mdns, rows=4, room=256, say=None):
        self.mdns = mdns
        self.stack = mdns.stack
        self.say = say
        self.stat = array("i", [0] * len(COUNTERS))
        self.rows = [_Row(room) for _ in range(rows)]
        self.name = bytearray(NAME_MAX + 6)  # of the record at hand
        self.at = self.stack.now
        mdns.others.append(self)
        self.stack.layers.append(self)

    def counters(self):
        """Yields (name, value); a value wraps at 2**30."""
        for k in range(len(COUNTERS)):
            yield COUNTERS[k], self.stat[k]

    def resolve(self, name, kind, done):
        """Asks for the records of a name; `done(answer)` is called once, from `stack.poll` and
        never before this returns, and is done with the `Answer` (dns_answer.py) when it returns.
        `kind` is 'A', 'AAAA', 'PTR', 'SRV' or 'TXT'; `name` text, or labels.

        Returns a number for `cancel`, above 0. Raises `Error` for what cannot be a name or a kind,
        `TableFull` when all rows are asking.
        """
        kind = KINDS.get(kind, kind)
        if kind not in (A, AAAA, PTR, SRV, TXT):
            raise Error("no record in .local has the kind %r" % (kind,))
        w = wire(name)
        for i in range(len(self.rows)):
            row = self.rows[i]
            if row.state == _FREE:
                row.gen = (row.gen + 1) & 0xFFFF
                row.state = _ASK
                row.wire = w
                row.done = done
                row.tries = 0
                row.due = row.sent = row.denied = False
                row.answer.clear()
                row.answer.name = name
                row.answer.kind = kind
                row.at = tadd(self.stack.now, 20 + (self.stack.random8() * 100 >> 8))
                self._ours(row)
                self._until(row.at)
                return row.gen * len(self.rows) + i + 1
        raise TableFull("%d names are being asked for: LocalResolver(rows=...)" % len(self.rows))

    def cancel(self, ticket):
        """Nobody wants to know any more: `done` is not called."""
        ticket -= 1
        row = self.rows[ticket % len(self.rows)]
        if row.gen == ticket // len(self.rows):
            row.state = _FREE

    def _ours(self, row):
        # Nobody answers for our own name but ourselves.
        rec = self.mdns.records
        n = name_size(rec.host, 0)
        if row.answer.kind == A and self.mdns.established and len(row.wire) == n:
            if same(row.wire, 0, rec.host, 0, n):
                row.answer.add(rec.ip, 0, 4)
                self._settled(row, _DONE, 0)

    # What is heard

    def response(self, m, count):
        """The next `count` records are somebody's."""
        for _ in range(count):
            if not record(self.stack.buf, m):
                break
            if m[M_TTL] and m[M_CLASS] & ~TOP_BIT == IN:
                self._heard(m)
        for row in self.rows:
            if row.state == _ASK and row.answer.count:
                if row.answer.kind == PTR:
                    self._settled(row, _WAIT, _MORE_MS)
                else:
                    self._settled(row, _DONE, 0)
            elif row.state == _ASK and row.denied:
                row.answer.code = NO_DATA
                self._settled(row, _DONE, 0)

    def _heard(self, m):
        kind = m[M_KIND]
        for row in self.rows:
            if row.state != _FREE and row.state != _DONE:
                if kind == row.answer.kind or kind == NSEC:
                    if is_name(self.stack.buf, m, m[M_NAME], row.wire, 0):
                        self._taken(row, m, kind)

    def _taken(self, row, m, kind):
        buf, answer = self.stack.buf, row.answer
        n = m[M_SIZE_OF]
        if kind != answer.kind:
            row.denied = _denies(buf, m, answer.kind)
        elif kind == PTR or kind == SRV:
            before = 6 if kind == SRV else 0
            if n > before:
                copy(self.name, 0, buf, m[M_DATA], before)
                n = expand(buf, m, m[M_DATA] + before, self.name, before)
                if n > 0:
                    self._add(answer, self.name, 0, n + before, m[M_TTL])
        elif (kind == TXT and n) or (kind == A and n == 4) or (kind == AAAA and n == 16):
            self._add(answer, buf, m[M_DATA], n, m[M_TTL])

    def _add(self, answer, b, i, n, ttl):
        for k in range(answer.count):
            at = answer.at(k)
            if answer.data[at - 2] << 8 | answer.data[at - 1] == n:
                if same(answer.data, at, b, i, n):
                    return
        answer.ttl = min(ttl, answer.ttl) if answer.count else ttl
        answer.add(b, i, n)

    # What is due

    def output(self, now):
        """Calls what is to be called, and sends what is due by the port of the Mdns."""
        if tdiff(now, self.at) < 0:
            return 0
        left = FAR
        ask = False
        for row in self.rows:
            if row.state and tdiff(now, row.at) >= 0:
                self._step(row, now)
            if row.state:
                ask = ask or row.due
                left = min(left, max(tdiff(row.at, now), 0))
        self.at = tadd(now, left)
        self.stack.arm(self.at)
        if ask:
            self._send(now)
        return 0

    def _send(self, now):
        if self.mdns.free():
            self.mdns.port.send(GROUP, PORT, self, self.mdns.iface.idx)
        elif self.mdns.port.src is not None:
            self._until(tadd(now, _BUSY_MS))

    def deadline(self, now):
        """ms until `output` has something to do."""
        return max(tdiff(self.at, now), 0)

    def _step(self, row, now):
        if row.state == _ASK and row.tries < _TRIES:
            row.due = True
            row.at = tadd(now, _FIRST_MS << row.tries if row.tries < _TRIES - 1 else _LAST_MS)
            row.tries += 1
            return
        if row.state == _ASK:
            row.answer.code = NOT_FOUND if row.sent else UNREACHABLE
        self._finish(row)

    def _finish(self, row):
        row.state = _DONE
        bump(self.stat, _SILENT if row.answer.code else _FOUND)
        try:
            if row.answer.code and self.say:
                self.say("mDNS: %s: %s" % (text(row.wire), row.answer.error))
            row.done(row.answer)
        except Exception as exc:
            self.stack.failed(exc)
        row.state = _FREE

    def _settled(self, row, state, ms):
        row.state = state
        row.due = False
        row.at = tadd(self.stack.now, ms)
        self._until(row.at)

    def _until(self, at):
        if tdiff(at, self.at) < 0:
            self.at = at
        self.stack.arm(at)

    # What is sent

    def fill(self, rel, buf, pos, n):
        """All questions that are due. The first time the answer is wanted for ourselves (RFC 6762
        5.4)."""
        self.mdns.groups.hops(255)
        at = put_head(buf, pos, 0, 0)
        count = 0
        for row in self.rows:
            if row.due and at + len(row.wire) + 4 <= pos + n:
                cls = IN | TOP_BIT if row.tries == 1 else IN
                at = put_question(buf, at, row.wire, 0, row.answer.kind, cls)
                row.due = False
                row.sent = True
                count += 1
                bump(self.stat, _ASKED)
        buf[pos + QUESTIONS + 1] = count
        return at - pos

    def acked(self, n):
        """It is on its way; what had no room goes next."""
        self._until(self.stack.now)
        self.stack.wake_up()


def _denies(buf, m, kind):
    """True if the NSEC in `m` says that there is no such type (RFC 4034 4.1.2)."""
    i = skip(buf, m[M_DATA], m[M_DATA] + m[M_SIZE_OF])
    end = m[M_DATA] + m[M_SIZE_OF]
    if i < 0 or i + 2 > end or buf[i] or i + 2 + buf[i + 1] > end:
        return False
    if kind >> 3 >= buf[i + 1]:
        return True
    return not buf[i + 2 + (kind >> 3)] & 0x80 >> (kind & 7)
