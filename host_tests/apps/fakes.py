"""A connection for applications, without TCP: it takes what the application sends, as a peer with
a window would.
"""

from uipy.errors import Busy, NotConnected


class FakeConn:
    """`sent` is what has reached the peer, `fin` whether our FIN has, `end` how the connection
    ended.
    """

    crowded = False

    def __init__(self, app, room=5840):
        self.app = app
        self.src = None
        self.room = room
        self.sent = b""
        self.fin = self.finishing = self.deaf = False
        self.end = ""
        self.resumed = 0
        app.conn = self
        app.connected(self)

    # What the application calls

    def send(self, src):
        if self.finishing or self.end:
            raise NotConnected
        if self.src:
            raise Busy
        self.src = src

    def finish(self, src=None):
        if src:
            self.send(src)
        self.shutdown()

    def shutdown(self):
        if self.finishing or self.end:
            raise NotConnected
        self.finishing = True

    def close(self):
        if self.end:
            raise NotConnected
        self.finishing = self.deaf = True

    def abort(self):
        self._over("aborted")

    def resume(self):
        self.resumed += 1

    def offer(self, n):
        self.room = n
        self.resumed += 1

    @property
    def sending(self):
        return self.src is not None

    # What the peer does

    def feed(self, data, at=3):
        """Octets arrive; returns those that the application left, to be sent again."""
        buf = bytearray(at) + bytearray(data) + b"next"
        took = self.app.received(self, buf, at, len(data))
        assert took is None or 0 <= took <= len(data)
        return b"" if took is None else data[took:]

    def half_close(self):
        self.app.peer_closed(self)

    def pump(self, n=1460, turns=10000):
        """Send and acknowledge in segments of n until nothing moves; each is asked for twice, as
        after a loss.
        """
        for _ in range(turns):
            if not self._segment(n):
                break
        self.fin = self.fin or (self.finishing and self.src is None)
        return self

    def _segment(self, n):
        if not self.src:
            return False
        buf, again = bytearray(n + 9), bytearray(n + 9)
        got = self.src.fill(0, buf, 4, n + 1)
        ended = bool(self.src.ended)
        assert self.src.fill(0, again, 5, n + 1) == got
        assert buf[4 : 4 + got] == again[5 : 5 + got], "other octets the second time"
        take = min(got, n)
        self.sent += bytes(buf[4 : 4 + take])
        if got <= n and ended:
            src, self.src = self.src, None
            src.acked(take)
            self.app.acked(self, take)
            return True
        if take:
            self.src.acked(take)
            self.app.acked(self, take)
        return take > 0

    def _over(self, reason):
        self.end = reason
        self.src = None
        self.app.closed(self, reason)

    def reset(self):
        self._over("reset")

    def take_sent(self):
        sent, self.sent = self.sent, b""
        return sent
