"""One question and its tries: a row of the resolver.

    FREE -> ASK      resolve() has written the question
    ASK  -> WAIT     sent by UDP, from a port of its own and with a number of its own
    WAIT -> DONE     answered (dns_reply.py says what is believed)
         -> DIAL     truncated, or from a server that changes letters: asked by TCP (dns_tcp.py)
         -> NEXT     refused, a failure, or silence
    DIAL -> TALK     a connection is being opened
    TALK -> DONE, NEXT
    NEXT -> ASK      the next server, or the same one again; at last DONE
    DONE -> FREE     `done` was called

What happens while a frame is taken in only moves the state; the rest is done by `output`.
"""

from micropython import const

from .. import BadAddress, TableFull, UdpApp
from ..kern import bump, copy, mac, put16, same, tadd, tdiff
from .dns_answer import (
    NO_DATA,
    NO_PORT,
    NO_SERVER,
    NOT_FOUND,
    OK,
    REFUSED_IT,
    SERVER_FAILED,
    TIMEOUT,
    TRUNCATED,
    UNREACHABLE,
    Answer,
)
from .dns_cache import DAY, KEY
from .dns_message import HEAD, ID, NAME_MAX, QUESTIONS, RD, put_head, put_question
from .dns_reply import ALIAS, BAD, CASE, CUT, FAILED, REFUSES, STRAY, read

PORT = const(53)

FREE = const(0)
ASK = const(1)
WAIT = const(2)
DIAL = const(3)
TALK = const(4)
NEXT = const(5)
DONE = const(6)

# The letters of the question
MIXED = const(0)  # each in a case by chance, which the reply has to have too
CHANGED = const(1)  # this server does not give them back: it is asked by TCP
PLAIN = const(2)  # and has no TCP

TRIES = const(3)  # at the least, and each server twice
UDP_MS = const(2000)  # for the first reply of a server (RFC 1035 4.2.1), then twice as long
TCP_MS = const(10_000)  # for a connection, from the SYN to the last octet of the reply

# Counters of the resolver
N_ASKED = const(0)
N_TCP = const(1)
N_ANSWERED = const(2)
N_CACHED = const(3)
N_FAILED = const(4)
N_TIMEOUT = const(5)
N_STRAY = const(6)
N_BAD = const(7)
N_CASE = const(8)
COUNTERS = (
    "dns_asked",
    "dns_tcp",
    "dns_answered",
    "dns_cached",
    "dns_failed",
    "dns_timeout",
    "dns_stray",
    "dns_bad",
    "dns_case",
)
MEANINGS = (
    "Questions sent to a name server by UDP.",
    "Questions sent to a name server by TCP.",
    "Replies of name servers that were believed.",
    "Questions that the cache answered.",
    "Questions that ended without an answer, or with one that says that there is nothing.",
    "Questions that a server did not answer in time.",
    "Replies dropped because they answer no question that was asked.",
    "Replies dropped because they are no messages.",
    "Replies whose letters were not in the case in which they were asked.",
)


class Query(UdpApp):
    """A row. It is the application of its UDP port, and the source of the question."""

    def __init__(self, resolver, room):
        self.resolver = resolver
        self.answer = Answer(room)
        self.msg = bytearray(HEAD + NAME_MAX + 4)  # the question as it was sent
        self.size = 0  # its octets
        self.kind = 0
        self.number = 0  # its ID
        self.key = bytearray(KEY)  # in the cache
        self.done = None
        self.gen = 0  # changes with each use
        self.state = FREE
        self.at = 0  # when a WAIT or a TALK has lasted long enough
        self.server = bytearray(4)
        self.which = 0  # its place in the list
        self.port = None  # of a WAIT
        self.talk = None  # the connection of a TALK
        self.letters = MIXED
        self.bare = False  # the search domain was added, and may come off again
        self.restart()

    def restart(self):
        """Nothing was tried yet."""
        self.tries = 0
        self.code = TIMEOUT  # what the last try came to
        self.hops = 0  # aliases on the way so far, and
        self.ttl = DAY  # the least time to live of them

    def begin(self, w):
        """Asks about the wire name w; what is known already is the answer."""
        r = self.resolver
        self.restart()
        self.letters = MIXED
        self._write(w)
        self._lower()
        n = self.size - HEAD
        copy(r.spare, 0, self.msg, HEAD, n)
        mac(r.stack.key, r.spare, 0, n, n)
        copy(self.key, 0, r.spare, n, KEY)
        self.answer.clear()
        self.state = ASK
        if r.cache.find(self.key, 0, r.seconds, self.answer):
            bump(r.stat, N_CACHED)
            self.state = DONE
        r.hurry()

    def _write(self, w):
        put_head(self.msg, 0, 0, RD)
        put16(self.msg, QUESTIONS, 1)
        self.size = put_question(self.msg, HEAD, w, 0, self.kind)

    def drop(self):
        """Nobody wants to know any more."""
        self.hang_up()
        self.done = None
        self.state = FREE

    def hang_up(self):
        """Whatever comes from the server asked last is not listened to."""
        if self.port:
            self.port.close()
            self.port = None
        if self.talk:
            talk = self.talk
            self.talk = None
            talk.leave()

    # What was heard. No heap: a frame is being taken in.

    def fill(self, rel, buf, pos, n):
        """The question, for the stack."""
        n = min(n, self.size)
        copy(buf, pos, self.msg, 0, n)
        return n

    def acked(self, n):
        """It has left."""

    def received(self, port, buf, start, n):
        """A datagram came to our port."""
        r = self.resolver
        k = STRAY
        # RFC 5452 9.1: from whom we asked, and from where
        if port is self.port and port.sport == PORT:
            if same(buf, r.stack.src_at, self.server, 0, 4):
                k = read(self, buf, start, n, self.letters == MIXED, True)
        if k == STRAY or k == BAD:
            bump(r.stat, N_STRAY if k == STRAY else N_BAD)
            return
        if k == CUT:  # what there is of it is better than nothing
            read(self, buf, start, n, False, False)
            self.answer.cut = True
        self.heard(k)

    def error(self, port, reason):
        """ICMP, or the neighbour is silent."""
        if port is self.port:
            self.fail(REFUSED_IT if reason == "refused" else UNREACHABLE)

    def heard(self, k):
        """A reply has come that is believed; `read` says what it is."""
        r = self.resolver
        self.hang_up()
        bump(r.stat, N_ANSWERED)
        if k != FAILED and k != REFUSES:
            r.good = self.which
            r.heard = True
        if k == CASE:
            bump(r.stat, N_CASE)
            self.letters = CHANGED
        if k == CUT or k == CASE:
            self.state = DIAL
        elif k == FAILED:
            self.fail(SERVER_FAILED)
        elif k == REFUSES:
            self.fail(REFUSED_IT)
        elif k == ALIAS:
            self._write(r.name)
            self.bare = False
            self.tries = 0
            self.state = ASK
        else:
            self.end(k)
        r.hurry()

    def garbage(self, k):
        """What came by TCP is no reply."""
        bump(self.resolver.stat, N_STRAY if k == STRAY else N_BAD)
        self.fail(SERVER_FAILED)

    def fail(self, code):
        """This try has come to nothing."""
        by_tcp = self.state == TALK or self.state == DIAL
        self.hang_up()
        self.code = code
        self.state = NEXT
        if by_tcp and self.letters == CHANGED:
            self.letters = PLAIN
            self.state = ASK
        elif by_tcp and self.answer.count:
            self.end(OK)
        self.resolver.hurry()

    def end(self, code):
        """The answer is known, or that there is none."""
        a = self.answer
        if code:
            a.size = a.count = 0
            a.cut = False
        a.code = code
        self.state = DONE

    # What is done about it, in `output`

    def step(self, now):
        """Moves on as far as it goes without waiting."""
        r = self.resolver
        waits = self.state == WAIT or self.state == TALK
        if waits and tdiff(now, self.at) >= 0:
            bump(r.stat, N_TIMEOUT)
            self.fail(TIMEOUT)
        if self.state == NEXT:
            self.tries += 1
            self.state = ASK
            if self.tries >= max(TRIES, 2 * r.servers_known()):
                self.end(self.code)
        if self.state == ASK:
            self._ask(now)
        if self.state == DIAL:
            self._dial(now)
        if self.state == DONE:
            self._deliver()

    def _ask(self, now):
        r = self.resolver
        self.which = r.choose(self.tries, self.server)
        if self.which < 0:
            return self.end(NO_SERVER)
        self.number = r.stack.random8() << 8 | r.stack.random8()
        put16(self.msg, ID, self.number)
        self._mix()
        self.answer.clear()
        try:
            self.port = r.stack.bind(0, self)
            self.port.send(self.server, PORT, self)
        except TableFull:
            return self.fail(NO_PORT)
        except BadAddress:
            return self.fail(UNREACHABLE)
        bump(r.stat, N_ASKED)
        self.state = WAIT
        turn = self.tries // max(1, r.servers_known())
        self.at = tadd(now, UDP_MS << min(turn, 3))

    def _mix(self):
        """Each letter in a case by chance: who has not seen the question cannot answer it. A bit
        for each (draft-vixie-dnsext-dns0x20). Lengths are below 64, and no letters."""
        self._lower()
        msg = self.msg
        bits = 1
        for i in range(HEAD, self.size - 4 if self.letters == MIXED else HEAD):
            if 97 <= msg[i] <= 122:
                if bits == 1:
                    bits = 256 | self.resolver.stack.random8()
                if bits & 1:
                    msg[i] ^= 32
                bits >>= 1

    def _lower(self):
        msg = self.msg
        for i in range(HEAD, self.size - 4):
            if 65 <= msg[i] <= 90:
                msg[i] |= 32

    def _dial(self, now):
        r = self.resolver
        try:
            from .dns_tcp import Talk

            self.talk = Talk(self)
        except TableFull:
            return self.fail(NO_PORT)
        except BadAddress:
            return self.fail(UNREACHABLE)
        except (ImportError, MemoryError):  # of a board that leaves it out, or has no 2 kB
            return self.fail(TRUNCATED)
        bump(r.stat, N_TCP)
        self.state = TALK
        self.at = tadd(now, TCP_MS)

    def _deliver(self):
        r = self.resolver
        a = self.answer
        nothing = a.code == NOT_FOUND or a.code == NO_DATA
        if not a.cached and (nothing or a.code == OK):
            r.cache.keep(self.key, 0, r.seconds, a)
        if self.bare and nothing:  # there is no such name in our domain: and without it?
            self.bare = False
            n = HEAD + 1 + self.msg[HEAD]
            self.begin(bytes(self.msg[HEAD:n]) + b"\0")
            return
        if a.code:
            bump(r.stat, N_FAILED)
            r.tell(self)
        done = self.done
        self.done = None
        gen = self.gen
        try:
            if done:
                done(a)
        except Exception as exc:
            r.stack.failed(exc)
        if self.gen == gen:  # else it has cancelled this one, and asks anew
            self.drop()
