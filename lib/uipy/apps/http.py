"""HTTP/1.1 (RFC 9110, RFC 9112): one connection of a web server. What it serves is a site.Site.

The request is read line by line into one buffer (http_request.py); the head of the answer is
written into the same buffer, which is idle by then (http_reply.py). While an answer is on its way
the next request is left with the client: `received` takes nothing of it, so that requests sent
ahead are answered one after the other. An unread half of a request costs nobody anything: each
connection has its own buffer, and after a time it is told so (408) and closed.

    READ     waiting for a request, or in one
    ANSWER   the answer is on its way
    DRAIN    the last answer is on its way or gone, and a FIN behind it; what still comes is thrown
    away, so
             that no reset overtakes the answer (RFC 9112 9.6)

A request allocates nothing. Whatever is wrong with its form ends the connection, for nobody knows
where the next one begins.
"""

from micropython import const

from ..app import App
from .http_reply import Reply
from .http_request import HEAD, Request

_READ = const(0)
_ANSWER = const(1)
_DRAIN = const(2)

_REQUEST_S = const(10)  # from the first octet of a request to its last
_STALL_S = const(120)  # without an octet of the answer being acknowledged
_DRAIN_S = const(10)  # of waiting for the client's FIN


class Http(App):
    """One client at a time. Made by a Site: `stack.listen(80, site, 4)`."""

    poll_ms = 1000

    def __init__(self, site):
        self.site = site
        self.request = Request(site)
        self.reply = Reply(self.request.line)
        self.snap = -1  # the number of our snapshot buffer
        self.state = _READ
        self.seconds = 0  # since something went on
        self.refused = False  # the next request is waiting with the client

    def connected(self, conn):
        self._next()

    def _next(self):
        self.request.reset()
        self.state = _READ
        self.seconds = 0
        self.refused = False

    def received(self, conn, buf, start, n):
        at = start
        n += start
        if self.state == _READ and self.request.total == 0:
            self.seconds = 0
        while at < n and self.state == _READ:
            at = self.request.feed(buf, at, n)
            if self.request.status:
                self._answer(conn, self.request.status)
        if self.state == _DRAIN:
            return n - start
        self.refused = at < n
        return at - start

    def _answer(self, conn, status):
        request = self.request
        page = None
        size = 0
        if status == 200:
            page = request.page
            size = self._take(page)
            if size < 0:
                status = 503 if self.snap < 0 else 500
                page = None
        keep = request.keep and not request.body and (status in (200, 404, 405, 503))
        snap = self.site.snaps[self.snap] if self.snap >= 0 else None
        self.reply.start(status, page, snap, size, keep, request.method != HEAD)
        self.seconds = 0
        if keep:
            self.state = _ANSWER
            conn.send(self.reply)
        else:
            self.state = _DRAIN
            conn.finish(self.reply)

    def _take(self, page):
        """The length of the page, and `self.snap`; -1: no snapshot buffer is free, or the page
        cannot be had.
        """
        if page.need == 0:
            return page.take(None)
        self.snap = self.site.take()
        return page.take(self.site.snaps[self.snap]) if self.snap >= 0 else -1

    def acked(self, conn, n):
        self.seconds = 0
        if self.reply.left > 0:
            return
        self._release()
        if self.state == _ANSWER and not conn.sending:
            refused = self.refused
            self._next()
            if refused:
                conn.resume()

    def peer_closed(self, conn):
        if self.state == _READ:  # half a request will never be a whole one
            self.state = _DRAIN
        conn.close()  # behind the answer, if there is one

    def _release(self):
        self.site.give_back(self.snap)
        self.snap = -1

    def poll(self, conn):
        """Once a second: nothing lasts for ever."""
        self.seconds += 1
        if self.state == _READ and self.request.total == 0:
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
        self._release()
        self.reply.stop()
