"""HTTP/1.1 (RFC 9110, RFC 9112): one connection of a web server. What it serves is a site.Site.

The request is read line by line into one buffer (http_request.py). What a client sends ahead,
while an answer is on its way, is read as well: all that is to be known of a request when its turn
comes are two octets, and a queue of them is short. The window follows the room in it, and nothing
that comes in order is refused: the client would send it again only when it believes it lost. Who
has more requests in his first flight than the queue has room for is answered up to there, and then
closed. An unread half of a request costs nobody anything: each connection has its own buffer, and
after a time it is told so (408) and closed.

    READ     waiting for a request, or in one
    WAIT     the first request of the queue wants a snapshot buffer, and none is free
    ANSWER   the answer is on its way
    DRAIN    the last answer is on its way or gone, and a FIN behind it; what still comes is thrown
             away, so that no reset overtakes the answer (RFC 9112 9.6)

While others wait for a place at the board, a client is told with its last answer that he comes
again by a new connection (`Connection: close`), and one who stays without a request is let go
within a second: nobody waits for the idle.

A request allocates nothing. Whatever is wrong with its form ends the connection, for nobody knows
where the next one begins.
"""

from array import array

from micropython import const

from ..app import App
from ..errors import NotConnected
from .http_queue import AHEAD, HELD, LAST, PAGES, QUEUE, dequeue, enqueue
from .http_reply import REASONS, Reply
from .http_request import (
    AT,
    END,
    LIMIT,
    METHOD,
    SIZE,
    STATUS,
    TOTAL,
    field,
    find_page,
    next_line,
    request_line,
)

READ = const(0)
ANSWER = const(1)
DRAIN = const(2)
WAIT = const(3)  # web/server.py has one more

_REQUEST_S = const(10)  # from the first octet of a request to its last
_STALL_S = const(120)  # without an octet of the answer being acknowledged
_DRAIN_S = const(10)  # of waiting for the client's FIN
_WAIT_S = const(30)  # of waiting for a snapshot buffer
_FRESH_S = const(5)  # that a client has for his first request while others wait
_LEAST = const(5)  # the window has 2**5 octets for each place in the queue: no request has fewer

# The value of Content-Type of an answer without a page, and what else belongs to its status.
_PLAIN = const(b"text/plain\r\n\0")
_ALLOW = const(b"text/plain\r\nAllow: GET, HEAD\r\n\0")  # RFC 9110 15.5.6
_RETRY = const(b"text/plain\r\nRetry-After: 1\r\n\0")
_STAY = const(b"keep-alive\r\n\r\n\0")
_LEAVE = const(b"close\r\n\r\n\0")


class Http(App):
    """One client at a time. Made by a Site: `stack.listen(80, site, 4)`."""

    poll_ms = 1000

    def __init__(self, site):
        self.site = site
        self.line = bytearray(site.line)
        self.request = array("H", bytes(2 * (QUEUE + site.ahead)))
        self.request[SIZE] = site.line
        self.request[LIMIT] = site.fields
        self.reply = Reply(site)
        self.snap = -1  # the number of our snapshot buffer
        self.state = READ
        self.seconds = 0  # since something went on
        self.room = 0  # octets that the client may send when nothing waits in the queue

    def connected(self, conn):
        """A client has come."""
        self.request[TOTAL] = self.request[STATUS] = 0
        self.request[AHEAD] = self.request[LAST] = 0
        self.state = READ
        self.seconds = -_FRESH_S
        self.room = conn.room

    def received(self, conn, buf, start, n):
        r = self.request
        if r[TOTAL] == 0 and self.state == READ:
            self.seconds = 0
        r[AT] = start
        r[END] = start + n
        while r[AT] < r[END] and r[AHEAD] < self.site.ahead and not r[LAST]:
            while next_line(r, self.line, buf):
                if r[METHOD]:
                    field(r, self.line)
                else:
                    request_line(r, self.line)
                    find_page(r, self.line, self.site.paths)
            if r[STATUS]:
                enqueue(r)
                if self.state == READ:
                    self._answer()
        if r[AHEAD]:
            if r[AT] < r[END]:
                self._close()
            conn.room = (self.site.ahead - r[AHEAD]) << _LEAST
        return n

    def _close(self):
        # The last request of the queue becomes the last of all (RFC 9112 9.3.2: a client that
        # sends ahead asks again for what was not answered).
        r = self.request
        r[LAST] = 1
        r[QUEUE + r[AHEAD] - 1] &= 0xFFFE

    def _answer(self):
        # The first of the queue: the body, then the head that tells its length. Frame: 11 words.
        r = self.request
        reply = self.reply
        reply.page = None
        status = r[QUEUE] >> 2
        if status > PAGES:
            page = self.site.pages[status - PAGES - 1]
            status = 200
            reply.fields = page.fields
            reply.body = page.body
            reply.left = page.size
            if page.need:
                self.snap = self.site.take()
                if self.snap < 0:
                    self.state = WAIT
                    return
                r[HELD] = 0
                reply.body = self.site.snaps[self.snap]
            if page.size < 0:
                page.note(reply.body)
                reply.site.out.aim(reply.body, 0, 0, page.need if page.held else 0)
                page.write(reply.site.out, reply.body)
                reply.left = reply.site.out.count
                if page.held and reply.left > page.need:
                    status = 500
            if not page.held:
                reply.page = page
        reply.reason = REASONS[REASONS.index(status) + 1]
        if status != 200:
            reply.page = None
            reply.body = reply.reason
            reply.left = len(reply.reason)
            reply.fields = _ALLOW if status == 405 else _RETRY if status == 503 else _PLAIN
        self.seconds = 0
        self.state = DRAIN
        reply.last = _LEAVE
        if status != 500 and self._stays():
            self.state = ANSWER
            reply.last = _STAY
        else:
            r[LAST] = 1
        reply.start(dequeue(r) & 2)
        if self.state == ANSWER:
            self.conn.send(reply)  # type: ignore[attr-defined]
        else:
            self.conn.finish(reply)  # type: ignore[attr-defined]

    def _stays(self):
        # The client does not say that he leaves, and has asked for more or keeps nobody out.
        r = self.request
        more = r[AHEAD] > 1 or r[AT] < r[END]
        return r[QUEUE] & 1 and (more or not self.conn.crowded)  # type: ignore[attr-defined]

    def acked(self, conn, n):
        self.seconds = 0
        if self.reply.left > 0:
            return
        if self.snap >= 0:
            waits = self._give()
            if waits:  # answered from here: C stack is short
                waits._answer()
        if self.state == ANSWER and not conn.sending:
            self.state = READ
            r = self.request
            if r[AHEAD]:
                self._answer()
                conn.offer((self.site.ahead - r[AHEAD]) << _LEAST if r[AHEAD] else self.room)

    def _give(self):
        # Our snapshot buffer, if we have one, is free; returns who waits for it, or None.
        if self.snap < 0:
            return None
        self.site.taken[self.snap] = 0
        self.snap = -1
        return self.site.next(WAIT)

    def stop(self, conn):
        """Ends the connection with a RST; what it held is free."""
        self.reply.left = 0
        self.state = DRAIN
        try:
            conn.abort()
        except NotConnected:  # its RST has not left yet
            pass

    def peer_closed(self, conn):
        if self.request[AHEAD]:
            return self._close()
        if self.state == READ:  # half a request will never be a whole one
            self.state = DRAIN
        conn.close()  # behind the answer, if there is one

    def poll(self, conn):
        """Once a second: nothing lasts for ever."""
        r = self.request
        self.seconds += 1
        r[HELD] += 1
        if self.state == READ and r[TOTAL] == 0:
            if self.seconds > (0 if conn.crowded else self.site.idle_s):
                self.state = DRAIN
                self.seconds = 0
                conn.close()
        elif self.state == READ:
            if self.seconds > _REQUEST_S:
                r[STATUS] = 408
                enqueue(r)
                self._answer()
        elif self.state == WAIT:
            if self.seconds > _WAIT_S:
                r[QUEUE] = 503 << 2 | r[QUEUE] & 3
            self._answer()
        elif self.seconds > (_STALL_S if self.reply.left > 0 else _DRAIN_S):
            self.stop(conn)
            waits = self._give()
            if waits:
                waits._answer()

    def closed(self, conn, reason):
        self.reply.left = 0
        self.state = DRAIN
        waits = self._give()
        if waits:
            waits._answer()
