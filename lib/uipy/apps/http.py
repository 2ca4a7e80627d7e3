"""HTTP/1.1 (RFC 9110, RFC 9112): one connection of a web server. What it serves is a site.Site.

The request is read line by line into one buffer (http_request.py); the head of the answer is
written into the same buffer, which is idle by then (http_reply.py). While an answer is on its way
the next request is left with the client: `received` takes nothing of it, so that requests sent
ahead are answered one after the other. An unread half of a request costs nobody anything: each
connection has its own buffer, and after a time it is told so (408) and closed.

    READ     waiting for a request, or in one
    ANSWER   the answer is on its way
    DRAIN    the last answer is on its way or gone, and a FIN behind it; what still comes is thrown
             away, so that no reset overtakes the answer (RFC 9112 9.6)

A request allocates nothing. Whatever is wrong with its form ends the connection, for nobody knows
where the next one begins.
"""

from array import array

from micropython import const

from ..app import App
from .http_reply import REASONS, Reply, write_head
from .http_request import (
    AT,
    BODY,
    END,
    HEAD,
    KEEP,
    LIMIT,
    METHOD,
    PAGE,
    SIZE,
    STATUS,
    TOTAL,
    WORDS,
    field,
    find_page,
    next_line,
    request_line,
)

_READ = const(0)
_ANSWER = const(1)
_DRAIN = const(2)

_REQUEST_S = const(10)  # from the first octet of a request to its last
_STALL_S = const(120)  # without an octet of the answer being acknowledged
_DRAIN_S = const(10)  # of waiting for the client's FIN

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
        self.request = array("H", bytes(2 * WORDS))
        self.request[SIZE] = site.line
        self.request[LIMIT] = site.fields
        self.reply = Reply(self.line, site.out)
        self.snap = -1  # the number of our snapshot buffer
        self.state = _READ
        self.seconds = 0  # since something went on
        self.refused = False  # the next request is waiting with the client

    def connected(self, conn):
        """A client has come, or its next request may."""
        self.request[TOTAL] = self.request[STATUS] = 0
        self.state = _READ
        self.seconds = 0
        self.refused = False

    def received(self, conn, buf, start, n):
        if self.state == _READ:
            r = self.request
            if r[TOTAL] == 0:
                self.seconds = 0
            r[AT] = start
            r[END] = start + n
            while next_line(r, self.line, buf):
                if r[METHOD]:
                    field(r, self.line)
                else:
                    request_line(r, self.line)
                    find_page(r, self.line, self.site.paths)
            if r[STATUS]:
                self._answer(conn, r[STATUS])
            start = r[AT] - start  # how many were read
        else:
            start = 0
        if self.state == _DRAIN:
            return n
        self.refused = start < n
        return start

    def _answer(self, conn, status):
        # The body, then the head that tells its length. Own frame: 11 words; poll() calls it too.
        reply = self.reply
        reply.page = None
        if status == 200:
            page = self.site.pages[self.request[PAGE] - 1]
            reply.fields = page.fields
            reply.body = page.body
            reply.left = page.size
            if page.need:
                self.snap = self.site.taken.find(b"\0")
                if self.snap < 0:
                    status = 503
                else:
                    self.site.taken[self.snap] = 1
                    reply.body = self.site.snaps[self.snap]
            if status == 200 and page.size < 0:
                page.note(reply.body)
                reply.out.aim(reply.body, 0, 0, page.need if page.held else 0)
                page.write(reply.out, reply.body)
                reply.left = reply.out.count
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
        self.state = _DRAIN
        reply.last = _LEAVE
        if self.request[KEEP] and not self.request[BODY] and status in (200, 404, 405, 503):
            self.state = _ANSWER
            reply.last = _STAY
        reply.head_n = write_head(reply.head, reply.reason, reply.left, reply.fields, reply.last)
        if self.request[METHOD] == HEAD:
            reply.left = 0  # RFC 9110 9.3.2: the head is that of GET
        reply.at = -reply.head_n
        reply.left += reply.head_n
        if self.state == _ANSWER:
            conn.send(reply)
        else:
            conn.finish(reply)

    def acked(self, conn, n):
        self.seconds = 0
        if self.reply.left > 0:
            return
        if self.snap >= 0:
            self.site.taken[self.snap] = 0
            self.snap = -1
        if self.state == _ANSWER and not conn.sending:
            n = self.refused
            self.connected(conn)
            if n:
                conn.resume()

    def peer_closed(self, conn):
        if self.state == _READ:  # half a request will never be a whole one
            self.state = _DRAIN
        conn.close()  # behind the answer, if there is one

    def poll(self, conn):
        """Once a second: nothing lasts for ever."""
        self.seconds += 1
        if self.state == _READ and self.request[TOTAL] == 0:
            if self.seconds > self.site.idle_s:
                self.state = _DRAIN
                self.seconds = 0
                conn.close()
        elif self.state == _READ:
            if self.seconds > _REQUEST_S:
                self._answer(conn, 408)
        elif self.seconds > (_STALL_S if self.reply.left > 0 else _DRAIN_S):
            conn.abort()

    def closed(self, conn, reason):
        self.reply.left = 0
        if self.snap >= 0:
            self.site.taken[self.snap] = 0
            self.snap = -1
