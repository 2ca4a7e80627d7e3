"""A question by TCP (RFC 7766), with an early FIN: the question and our FIN are one segment.

There is one question and no other will follow, so our side of the connection ends with it, and the
reply is read in FIN-WAIT-2. The server has nobody to wait for: it closes with its last octet, and
the TIME-WAIT is ours, where a row is free for it, and not the server's. No connection is idle (RFC
7766 6.2.3).
"""

from micropython import const

from .. import App, Bytes
from ..kern import copy, put16, u16
from .dns_answer import REFUSED_IT, SERVER_FAILED, TIMEOUT, UNREACHABLE
from .dns_query import PORT, TCP_MS
from .dns_reply import BAD, CUT, STRAY, read

ROOM = const(2048)  # octets of a reply that are looked at

_CODES = {"refused": REFUSED_IT, "timeout": TIMEOUT, "unreachable": UNREACHABLE}


class Talk(App):
    """The connection of one question; its reply is gathered in a buffer of 2 kB. Raises
    `TableFull` or `BadAddress`."""

    poll_ms = 2 * TCP_MS  # nothing of it lasts longer

    def __init__(self, q):
        stack = q.resolver.stack
        if stack.tcp is None:
            raise ImportError("no TCP")
        self.q = q
        self.rx = bytearray(ROOM)
        self.n = 0  # octets of it that have come
        question = bytearray(2 + q.size)
        put16(question, 0, q.size)
        copy(question, 2, q.msg, 0, q.size)
        self.line = stack.connect(self, q.server, PORT)
        self.line.user_timeout_s = TCP_MS // 1000
        self.line.finish(Bytes(question))

    def received(self, conn, buf, start, n):
        """A part of the reply. RFC 1035 4.2.2: two octets of length stand in front."""
        rx = self.rx
        n = min(n, ROOM - self.n)
        copy(rx, self.n, buf, start, n)
        self.n += n
        n = u16(rx, 0) if self.n >= 2 else ROOM
        if self.q and self.n >= min(2 + n, ROOM):
            whole = 2 + n <= ROOM
            self._read(min(n, ROOM - 2), whole)
            conn.close()

    def _read(self, n, whole):
        q = self.q
        self.q = None
        if q.talk is not self:
            return
        k = read(q, self.rx, 2, n, False, whole)
        if k == STRAY or k == BAD or k == CUT:
            q.garbage(k)
        else:
            q.talk = None
            q.heard(k)

    def leave(self):
        """The question has waited for long enough, or nobody waits any more."""
        if self.q:
            self.q = None
            if self.line.app is self:
                self.line.abort()

    def peer_closed(self, conn):
        """No more will come."""
        self._lost(SERVER_FAILED)
        conn.close()

    def poll(self, conn):
        conn.abort()

    def closed(self, conn, reason):
        self._lost(_CODES.get(reason, SERVER_FAILED))

    def _lost(self, code):
        q = self.q
        self.q = None
        if q and q.talk is self:
            q.fail(code)
