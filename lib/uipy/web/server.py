"""One connection of a site with routes: an Http that also reads bodies and calls handlers.

A request for a page goes the way of apps/http.py. One for a route waits in the same queue for its
turn: when everything before it is answered and has arrived, its handler is asked (`begin`), its
body is read, and its answer is made. So requests have their effects in the order in which they
were sent. What the client sends behind the head of such a request cannot be read before its turn:
it is kept in a buffer that all connections of the site share, and the window follows the room in
it; who finds it taken leaves the octets to be sent again.

    EXCHANGE (of apps/http.py's state)   it is the turn of a request for a route: its body is read,
                                         or its answer waits for our "100 Continue" to arrive

    IDLE     none is read: what comes is the head of a request
    QUEUED   the head of one is there, and it is not its turn: nothing behind it is read
    TURN     its turn has come
    IN_BODY  its body is being read
    WHOLE    all of it is there
    MADE     its answer waits until it can be sent

Callbacks call each other no deeper than they must, and most steps are taken by `_step`, near the
top: C stack is short. What `received` of a handler does not take stays unacknowledged.
"""

from array import array

from micropython import const

from ..apps.http import ANSWER, DRAIN, READ, Http
from ..apps.http_queue import AHEAD, LAST, PAGES, QUEUE, dequeue, enqueue
from ..apps.http_request import AT, BODY, END, PAGE, STATUS, WANTS
from ..kern import copy
from ..source import Bytes
from .admit import admit
from .body import COUNT, DATA, DONE, LEFT, LONG, STEP, WORDS, frame, took
from .head import EXPECT, PAGE_NO
from .held import N_HELD, N_LEFT, N_OCTETS, N_REQUESTS, N_TOO_LARGE
from .intake import read_head
from .request import Request

EXCHANGE = const(4)
IDLE = const(0)
QUEUED = const(1)
IN_BODY = const(2)
TURN = const(3)
WHOLE = const(4)
MADE = const(5)

_ROUTED = const(0x3FFF)  # in the queue: 1023 + 15360, the number of no page
_BODY_S = const(30)  # without an octet of the body: it may be lost four times in a row
_RATE = const(6)  # and it has a second for each 2**6 octets
_STALL_S = const(120)  # as in apps/http.py
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Server(Http):
    """One client at a time. Made by Routes, for `stack.listen`."""

    def __init__(self, site, routes):
        Http.__init__(self, site)
        self.routes = routes
        self.req = Request(self, routes)
        self.pages = self.reply  # the Reply of a page
        self.body = array("i", bytes(4 * WORDS))
        self.go = Bytes()  # our "100 Continue"
        self.phase = IDLE
        self.hand = 0  # octets that came with the head
        self.age = 0  # seconds of the exchange
        self.begun = False  # `ended` is owed to the handler
        self.fin = False  # the client has closed its side
        self.heir = None  # gets the connection when the head of the answer goes
        self.guest = None  # has it

    def connected(self, conn):
        Http.connected(self, conn)
        self.reply = self.pages
        self.phase = IDLE
        self.fin = self.begun = False
        self.heir = self.guest = None

    # What comes

    def received(self, conn, buf, start, n):
        held = self.routes.held
        if held.owner is self:
            k = held.put(buf, start, n)
            self._drain(conn)
        else:
            k = self._take(conn, buf, start, n)
            if k < n and self.phase != IN_BODY and self.guest is None:
                k += self._hold(buf, start + k, n - k)
        if k < n:
            self.routes.count(N_LEFT, n - k)
        self._window(conn)
        return k

    def _hold(self, buf, start, n):
        # What cannot be read yet; returns how much of it found room.
        held = self.routes.held
        if held.owner is not None:
            return 0
        held.at = held.n = 0
        n = held.put(buf, start, n)
        if n:
            held.owner = self
        self.routes.count(N_HELD, n)
        return n

    def _drain(self, conn):
        # What was held, as far as it can be read now.
        held = self.routes.held
        while held.owner is self:
            k = self._take(conn, held.buf, held.at, held.n)
            held.at += k
            held.n -= k
            if held.n == 0:
                held.owner = None
                if self.fin:
                    self.peer_closed(conn)
            elif k == 0:
                break

    def _window(self, conn):
        # The client is offered what can be taken.
        if self.guest is not None:
            return
        held = self.routes.held
        r = self.request
        n = self.room
        if held.owner is self:
            n = held.room()
        elif self.phase != IDLE and self.phase != IN_BODY:
            n = held.room() if held.owner is None else 0
        elif self.phase == IDLE and r[AHEAD]:
            n = (self.site.ahead - r[AHEAD]) << 5
        conn.offer(n)

    def _take(self, conn, buf, at, n):
        # Read up to n octets of buf[at:]; returns how many. Less: it is not their turn, or a
        # handler has taken no more.
        start = at
        end = at + n
        r = self.request
        while at < end:
            n = at
            if self.guest is not None:
                n = self.guest.received(conn, buf, at, end - at)
                return end - start if n is None else at + n - start
            if self.phase == IN_BODY:
                at = self._body(buf, at, end)
                if at == n and self.phase == IN_BODY:
                    break
            elif self.phase != IDLE:
                break
            elif r[LAST]:
                at = end
            elif r[AHEAD] >= self.site.ahead:
                self._close()
            else:
                r[AT] = at
                r[END] = end
                read_head(self, buf)
                at = r[AT]
                if r[STATUS]:
                    self.hand = end - at
                    self._queue()
                    if self.state == READ:
                        self._answer()
            if self.phase >= TURN:
                self._step(conn)
        return at - start

    def _queue(self):
        # A head is complete.
        r = self.request
        n = r[STATUS]
        if r[WANTS] and (n == 200 or n == 404 or n == 405):
            r[STATUS] = 200
            r[PAGE] = _ROUTED - PAGES
            r[BODY] = 0
            self.phase = QUEUED
            self.routes.count(N_REQUESTS, 1)
        enqueue(r)

    # A request for a route, when it is its turn

    def _answer(self):
        if self.request[QUEUE] >> 2 == _ROUTED:
            self.state = EXCHANGE
            self.phase = TURN
            self.seconds = self.age = 0
        else:
            self.reply = self.pages
            Http._answer(self)

    def _step(self, conn):
        # On from TURN, WHOLE or MADE, as far as it goes.
        if self.phase == TURN:
            self._turn()
        if self.phase == WHOLE:
            try:
                value = self.req.handler.answer(self.req)
            except Exception as exc:
                value = self._failed(exc)
            self._made(value)
        if self.phase == MADE and not conn.sending:
            self._send(conn)

    def _turn(self):
        req = self.req
        self.phase = IN_BODY
        req.begin()
        value = admit(self, req)
        if value == 0:  # a page behind a guard
            self.phase = IDLE
            r = self.request
            r[QUEUE] = (PAGES + req.row[PAGE_NO]) << 2 | r[QUEUE] & 3
            self.reply = self.pages
            return Http._answer(self)
        if value is None:
            self.begun = True
            try:
                value = req.handler.begin(req)
            except Exception as exc:
                value = self._failed(exc)
        if value is not None:
            return self._made(value)
        if self.body[STEP] == DONE:
            self.phase = WHOLE
            return None
        held = self.routes.held
        if req.row[EXPECT] and not self.hand and held.owner is not self:
            self.go.load(_CONTINUE)
            self.conn.send(self.go)  # type: ignore[attr-defined]
        if self.fin and held.owner is not self and not self.hand:
            self._made(400)  # the body will never come

    def _body(self, buf, at, end):
        # Reads on in the body; returns how far.
        b = self.body
        req = self.req
        while at < end and self.phase == IN_BODY:
            if b[STEP] == DATA:
                n = end - at
                if n > b[LEFT]:
                    n = b[LEFT]
                if req.handler.kept:
                    copy(req.body, req.size, buf, at, n)
                    req.size += n
                else:
                    n = self._give_piece(buf, at, n)
                    if n <= 0:
                        break
                took(b, n)
                at += n
                self.seconds = 0
                self.routes.count(N_OCTETS, n)
            else:
                at = frame(b, buf, at, end)
            if b[STEP] == DONE:
                self.phase = WHOLE
            elif b[STEP] > DONE:
                self._made(413 if b[STEP] == LONG else 400)
        return at

    def _give_piece(self, buf, at, n):
        # A piece of the body for its handler; returns what it took, -1 when it has raised.
        try:
            k = self.req.handler.received(self.req, buf, at, n)
            return n if k is None or k > n else k
        except Exception as exc:
            self._made(self._failed(exc))
            return -1

    def _failed(self, exc):
        # A handler has raised: the stack is told, and the client gets this status.
        self.heir = None
        self.routes.told(self.conn, exc)
        self.req.clear()
        return 500

    def _made(self, value):
        # The answer is there. If our 100 has not arrived yet, it waits.
        req = self.req
        self.seconds = 0
        try:
            req.resolve(value)
        except Exception as exc:
            req.resolve(self._failed(exc))
        if self.body[STEP] != DONE:  # what follows is an unread body
            self.request[QUEUE] &= 0xFFFE
        if req.answer.status == 413:
            self.routes.count(N_TOO_LARGE, 1)
        self.phase = MADE

    def _send(self, conn):
        r = self.request
        self.reply = a = self.req.answer
        word = dequeue(r)
        self.phase = IDLE
        self.state = ANSWER
        if self.heir is not None and not word & 2:
            a.start(False, 0)
            self.guest = self.heir
            self.heir = None
            self.guest.conn = conn
            conn.send(a)
            # what waited for its turn had narrowed it
            conn.offer(self.room)  # type: ignore[attr-defined]
            self.guest.connected(conn)
            return
        self.heir = None
        stays = word & 1 and a.status != 500 and (a.size >= 0 or word & 2)
        if stays and (r[AHEAD] or not conn.crowded):
            a.start(True, word & 2)
            conn.send(a)
        else:
            r[LAST] = 1
            self.state = DRAIN
            a.start(False, word & 2)
            conn.send(a)
            conn.shutdown()

    def _end(self):
        # The last that a handler hears of its request.
        if self.begun:
            self.begun = False
            try:
                self.req.handler.ended(self.req)
            except Exception as exc:
                self.routes.told(self.conn, exc)

    # The other callbacks

    def acked(self, conn, n):
        guest = self.guest
        if guest is not None:
            guest.acked(conn, n)
            return self._drain(conn)
        self.seconds = 0
        if self.state != EXCHANGE and (self.reply.left <= 0 or not conn.sending):
            self.reply.left = 0
            self._end()
        Http.acked(self, conn, n)
        if self.phase >= TURN:
            self._step(conn)
        self._drain(conn)
        self._window(conn)

    def peer_closed(self, conn):
        self.fin = True
        if self.guest is not None:
            return self.guest.peer_closed(conn)
        if self.routes.held.owner is self:
            return  # it is behind what is held
        if self.phase == IN_BODY:
            self._made(400)
            return self._step(conn)
        Http.peer_closed(self, conn)

    def poll(self, conn):
        if self.guest is not None:
            return self.guest.poll(conn)
        if self.state != EXCHANGE:
            return Http.poll(self, conn)
        self.seconds += 1
        self.age += 1
        if self.phase == MADE:
            if self.seconds > _STALL_S:
                self.stop(conn)
        elif self.seconds > _BODY_S or self.age > _BODY_S + (self.body[COUNT] >> _RATE):
            self._made(408)
            self._step(conn)
        self._drain(conn)

    def urgent(self, conn, n):
        if self.guest is not None:
            self.guest.urgent(conn, n)

    def error(self, conn, reason):
        if self.guest is not None:
            self.guest.error(conn, reason)

    def closed(self, conn, reason):
        guest = self.guest
        self.guest = self.heir = None
        if self.routes.held.owner is self:
            self.routes.held.owner = None
        self.phase = IDLE
        self._end()
        Http.closed(self, conn, reason)
        if guest is not None:
            guest.conn = self.conn
            guest.closed(conn, reason)
