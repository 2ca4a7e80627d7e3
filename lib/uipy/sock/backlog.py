"""A TCP socket that listens: a listener of the stack's, and those that wait for `accept`. Loaded
by `listen`."""

from micropython import const

from ..errors import Busy, TableFull
from ..net.datagram import ROWS
from ..ring import Ring
from .args import fault
from .numbers import EADDRINUSE, EALREADY, EBADF, EINVAL, ENOMEM, ENOTCONN, POLL_RD
from .tcp import End, defaults

_NOWHERE = const(254)  # the interface of 127.0.0.1: none


class Backlog:
    """A socket that listens. The core's listener has `n` objects: those that wait. One that is
    accepted is no object of the listener's any more, and a new one takes its place."""

    callback = sock = peer = None

    def __init__(self, end, n):
        """`end` is the socket until now: bound, with its options."""
        self.loop = end.loop
        self.end = end
        self.callback = end.callback
        self.sock = end.sock
        self.turns = 0
        tcp = self.loop.stack.tcp
        local = end.ip if end.ip[0] not in (0, 127) else None
        try:
            self.listener = tcp.listen(
                end.port, self._spare, min(n, tcp.env[ROWS]), spare_ms=0, local=local
            )
        except Busy:
            raise fault(EADDRINUSE)
        except TableFull:
            raise fault(ENOMEM)
        if end.ip[0] == 127:
            self.listener.idx = _NOWHERE

    def _spare(self, ring=None):
        """One that waits for a connection, and then for `accept`."""
        one = End(self.loop, self)
        one.rx = ring or Ring(min(defaults["first"], self.end.rx_size or defaults["first"]))
        return one

    def came(self, one):
        """The handshake of one that waits is complete."""
        if self.listener.port < 0:  # the socket was closed meanwhile
            return one.conn.abort()
        self.turns = (self.turns + 1) & 0x3FFFFFFF
        one.turn = self.turns or 1
        if self.callback:
            self.loop.defer(self.callback, self.sock)

    def acceptable(self):
        return self._first() >= 0 or self.listener.port < 0

    def _first(self):
        """Who has waited longest, -1: nobody."""
        best = -1
        apps = self.listener.apps
        for i in range(len(apps)):
            turn = apps[i].turn
            if turn and (best < 0 or turn < apps[best].turn):
                best = i
        return best

    def accept(self):
        if self.listener.port < 0:
            raise fault(EBADF)
        i = self._first()
        if i < 0:
            return None
        apps = self.listener.apps
        one = apps[i]
        end = self.end
        one.rx_size = end.rx_size
        one.tx_size = end.tx_size
        one.nodelay = end.nodelay
        try:
            new = End(self.loop, self)
            new.conn = self.loop.stack.tcp.dead
            new.rx = one.taken_up(end.keep_s or defaults["keepalive_s"])
        except MemoryError:
            one.turn = 0
            one.conn.abort()
            raise fault(ENOMEM)
        new.rx.clear()
        apps[i] = new
        self.listener.used[i] = 0
        self.loop.stack.tcp.half.room_again()
        return one

    def close(self):
        self.listener.close()
        self.callback = self.sock = None
        for one in self.listener.apps:
            if one.turn:
                one.turn = 0
                one.conn.abort()

    def flags(self, events):
        return events & POLL_RD if self._first() >= 0 else 0

    def getsockname(self):
        return self.end.getsockname()

    def setsockopt(self, opt, value):
        self.end.setsockopt(opt, value)

    def getsockopt(self, opt):
        return self.end.getsockopt(opt)

    def settled(self):
        return True

    readable = writable = settled

    def _no(self, *args):
        raise fault(ENOTCONN)

    line = take = recv_into = send = sendto = shutdown = getpeername = check = _no

    def connect(self, ip, port):
        raise fault(EALREADY)

    def bind(self, ip, port):
        raise fault(EINVAL)

    def listen(self, n):
        raise fault(EINVAL)
