"""The endpoints of TCP: a connection with a ring each way, and a listener with those that wait.

A connection that waits for `accept` has a ring of `defaults["first"]` octets, made by `listen`,
for a client that speaks at once; `accept` and `connect` make the two rings that it works with.
So nothing takes heap when a segment comes.

What is written lies in `tx` and is marked; the next poll sends it. What was closed goes on behind
the socket until the peer has everything, 10 s at the most, then it is reset (as lwIP's on a Pico
W, MICROPY_PY_LWIP_TCP_CLOSE_TIMEOUT_MS).
"""

from micropython import const

from ..app import App
from ..errors import BadAddress, Busy, NotConnected, TableFull
from ..kern import set_pair, tadd
from ..net.datagram import OWN_MSS
from ..ring import Ring
from ..tcp.listen import USER_S
from ..tcp.row import LISTENER, NO_LISTENER, POLL_AT, RUNS_POLL, TIMERS
from .args import fault, free_port, is_ours, text_of
from .numbers import (
    EADDRINUSE,
    EADDRNOTAVAIL,
    EALREADY,
    EBADF,
    ECONNABORTED,
    ECONNREFUSED,
    ECONNRESET,
    EHOSTUNREACH,
    EINVAL,
    EISCONN,
    ENOMEM,
    ENOTCONN,
    ETIMEDOUT,
    MSG_PEEK,
    POLL_ERR,
    POLL_HUP,
    POLL_RD,
    POLL_WR,
    SHUT_RD,
    SHUT_RDWR,
    SHUT_WR,
)

# Octets of the rings, unless SO_RCVBUF and SO_SNDBUF say otherwise; 0: what the handshake offers
# (stack.tcp.default_room, 4 segments), and 2 segments. keepalive_s: of accepted connections, as
# nothing closes a socket that was dropped.
defaults = {"rx": 0, "tx": 0, "first": 1024, "keepalive_s": 60}

NEW = const(0)
CONNECTING = const(1)
OPEN = const(2)
OVER = const(3)

_CONNECT_S = const(60)  # then a host that never answers is given up, at the next SYN, in 63 s
_CLOSE_MS = const(10000)

_ERRORS = {
    "done": 0,
    "reset": ECONNRESET,
    "refused": ECONNREFUSED,
    "timeout": ETIMEDOUT,
    "unreachable": EHOSTUNREACH,
}


class End(App):
    """One end of a connection: before it, while it lasts, and after it. What is called is in
    face.py."""

    gone = None  # for datagrams only
    ip = b"\0\0\0\0"  # bound to
    port = 0
    rx_size = tx_size = 0
    keep_s = 0
    nodelay = False
    linger = -1
    peer = None

    def __init__(self, loop, backlog=None):
        self.loop = loop
        self.backlog = backlog
        # All that a callback sets is there from the beginning: no object grows for a segment.
        self.conn = loop.stack.tcp.dead
        self.state = NEW
        self.error_no = 0  # what the next recv raises, once
        self.turn = 0  # while it waits for `accept`: since when
        self.fresh = False  # it has no source yet
        self.doubt = False  # nobody answers for the peer's address
        self.deaf = False  # SHUT_RD
        self.sock = self.callback = None
        self.rx = self.tx = self.view = None

    # What the stack calls

    def connected(self, conn):
        conn.room = self.rx.room
        if self.backlog:
            self.backlog.came(self)
        else:
            self.state = OPEN
            conn.user_timeout_s = USER_S
            self._set_up(conn)

    def received(self, conn, buf, start, n):
        if self.deaf:
            return n
        n = self.rx.write(buf, start, n)
        conn.room = self.rx.room
        if self.callback:
            self.loop.defer(self.callback, self.sock)
        return n

    def peer_closed(self, conn):
        if self.rx:
            self.rx.end()
        if self.callback:
            self.loop.defer(self.callback, self.sock)

    def error(self, conn, reason):
        if reason == "unreachable" and self.state == CONNECTING:
            self.doubt = True

    def poll(self, conn):
        """It was closed, and the time for the rest is over."""
        conn.abort()

    def closed(self, conn, reason):
        if self.backlog:  # nobody has accepted it; another may wait in its place
            self.turn = 0
            self.rx.clear()
            return
        no = _ERRORS.get(reason, ECONNABORTED)
        if no == ETIMEDOUT and self.doubt:
            no = EHOSTUNREACH
        if self.state != OVER:
            self.error_no = no
            self.state = OVER
        self.tx = None
        if self.callback:
            self.loop.defer(self.callback, self.sock)
        conn.tcp.half.room_again()  # a row is free

    # Opening

    def bind(self, ip, port):
        if self.state != NEW:
            raise fault(EINVAL)
        stack = self.loop.stack
        if port and stack.tcp.listener(port):
            raise fault(EADDRINUSE)
        if ip[0] not in (0, 127) and not is_ours(stack, ip):
            raise fault(EADDRNOTAVAIL)
        self.ip = ip
        self.port = port or free_port(stack)

    def listen(self, n):
        if self.state != NEW:
            raise fault(EINVAL)
        if not self.port:
            self.port = free_port(self.loop.stack)
        from .backlog import Backlog

        return Backlog(self, n)

    def connect(self, ip, port):
        if self.state != NEW:
            raise fault(EISCONN if self.state == OPEN else EALREADY)
        if not port:
            raise fault(EINVAL)
        stack = self.loop.stack
        local = self.ip if self.ip[0] else None
        try:
            self._rings()
            conn = stack.connect(self, ip, port, lport=self.port, local=local)
        except MemoryError:
            raise fault(ENOMEM)
        except TableFull:
            raise fault(ENOMEM)
        except Busy:
            raise fault(EADDRINUSE)
        except BadAddress:
            raise fault(EHOSTUNREACH)
        conn.user_timeout_s = _CONNECT_S
        self.state = CONNECTING
        self.peer = text_of(ip), port

    def settled(self):
        return self.state != CONNECTING

    def check(self):
        no = self.error_no
        if self.state == OVER and no:
            self.error_no = 0
            self.state = NEW
            raise fault(no)

    def accept(self):
        raise fault(EINVAL)

    def _rings(self):
        tcp = self.loop.stack.tcp
        rx = self.rx_size or defaults["rx"] or tcp.default_room
        tx = self.tx_size or defaults["tx"] or 2 * tcp.env[OWN_MSS]
        self.rx = Ring(rx)
        self.tx = Ring(tx)
        self.view = memoryview(self.rx.mem)

    def _set_up(self, conn):
        conn.nodelay = self.nodelay
        conn.keepalive_s = self.keep_s
        self.fresh = True  # `finish` goes 1 kB deeper into the C stack: `send` calls it

    def taken_up(self, keep_s):
        """`accept` has chosen it. Raises MemoryError, and then it is as before."""
        first = self.rx
        conn = self.conn
        self.keep_s = keep_s
        self.peer = conn.peer()
        try:
            self._rings()
        except MemoryError:
            self.rx = first
            raise
        self.rx.write(first.mem, 0, first.left)
        self.rx.ended = first.ended
        self.backlog = None
        self.state = OPEN
        self.turn = 0
        conn.row[LISTENER] = NO_LISTENER
        conn.offer(self.rx.room)
        self._set_up(conn)
        return first

    # Receiving

    def readable(self):
        rx = self.rx
        return self.state != CONNECTING and (self.state != OPEN or rx.left or rx.ended)

    def _left(self):
        """Octets that can be read; 0: the end, None: nothing yet. Raises what has ended it."""
        rx = self.rx
        state = self.state
        if state == CONNECTING:
            return None
        if rx and rx.left:
            return rx.left
        if state == OPEN:
            return 0 if rx.ended else None
        no = self.error_no
        if state == NEW:
            raise fault(ENOTCONN)
        if no:
            if no != EBADF:
                self.error_no = 0
            raise fault(no)
        return 0

    def _read(self, n):
        """n octets have been read."""
        self.rx.acked(n)
        if self.state == OPEN:
            self.conn.offer(self.rx.room)

    def recv_into(self, buf, start, n, flags):
        left = self._left()
        if not left:
            return left
        n = self.rx.fill(0, buf, start, n)
        if not flags & MSG_PEEK:
            self._read(n)
        return n

    def take(self, n, flags):
        left = self._left()
        if not left:
            return left if left is None else b""
        rx = self.rx
        n = min(n, left)
        if rx.at + n <= rx.size:
            data = bytes(self.view[rx.at : rx.at + n])
        else:
            data = bytearray(n)
            rx.fill(0, data, 0, n)
            data = bytes(data)
        if not flags & MSG_PEEK:
            self._read(n)
        return data

    def line(self, n):
        rx = self.rx
        if not rx:
            return 1
        left = rx.left if n < 0 else min(rx.left, n)
        over = rx.at + left - rx.size  # beyond the wrap
        k = rx.mem.find(b"\n", rx.at, rx.at + left - max(over, 0))
        if k >= 0:
            return k + 1 - rx.at
        if over > 0:
            k = rx.mem.find(b"\n", 0, over)
            if k >= 0:
                return k + 1 + rx.size - rx.at
        return left

    # Sending

    def space(self):
        if self.state == OPEN:
            return self.tx.room
        return 0 if self.state == CONNECTING else 0x10000000  # else send raises why

    def writable(self):
        return self.state != CONNECTING and (self.state != OPEN or self.tx.room or self.tx.ended)

    def send(self, buf, start, n):
        state = self.state
        tx = self.tx
        if state == OPEN and not tx.ended:
            if n and not tx.room:
                return None
            n = tx.write(buf, start, n)
            try:
                if self.fresh:
                    self.fresh = False
                    self.conn.finish(tx)
                self.conn.resume()  # marks: it leaves with the next poll
            except NotConnected:  # its RST is under way
                raise fault(ECONNABORTED)
            return n
        if state == CONNECTING:
            return None
        raise fault(self.error_no or ENOTCONN)

    def sendto(self, buf, start, n, ip, port):
        return self.send(buf, start, n)

    # Its end

    def shutdown(self, how):
        if self.state != OPEN:
            raise fault(ENOTCONN)
        if not SHUT_RD <= how <= SHUT_RDWR:
            raise fault(EINVAL)
        if how != SHUT_WR:
            self.deaf = True
            self.rx.clear()
            self.rx.end()
            self.conn.offer(self.rx.size)
        if how != SHUT_RD and not self.tx.ended:
            self.send(b"", 0, 0)
            self.tx.end()
            self.conn.resume()

    def close(self):
        state = self.state
        rx = self.rx
        self.state = OVER
        self.error_no = EBADF
        self.sock = self.callback = self.rx = self.view = None
        if state == CONNECTING:
            self.conn.abort()
        elif state == OPEN:
            try:
                self._leave(self.conn, rx)
            except NotConnected:  # its RST is under way
                pass

    def _leave(self, conn, rx):
        if self.linger == 0 or (rx.left and not self.deaf):
            conn.abort()
        else:
            self.tx.end()
            conn.close()
            self._limit(conn, 1000 * self.linger if self.linger > 0 else _CLOSE_MS)

    def _limit(self, conn, ms):
        """`poll` is called in ms."""
        self.poll_ms = ms
        row = conn.row
        set_pair(row, POLL_AT, tadd(self.loop.ticks(), ms))
        row[TIMERS] |= RUNS_POLL
        conn.tcp.hurry()

    # What it is like

    def flags(self, events):
        state = self.state
        if state == OPEN:
            rx = self.rx
            tx = self.tx
            now = POLL_RD if rx.left or rx.ended else 0
            return (now | (POLL_WR if tx.room or tx.ended else 0)) & events
        if state == CONNECTING:
            return 0
        if state == NEW:
            return POLL_HUP | events & POLL_WR
        return events & (POLL_RD | POLL_WR) | POLL_HUP | (POLL_ERR if self.error_no else 0)

    def getsockname(self):
        if self.state == OPEN:
            return self.conn.local()
        return text_of(self.ip), self.port

    def getpeername(self):
        if self.state != OPEN:
            raise fault(ENOTCONN)
        return self.peer

    def setsockopt(self, opt, value):
        from .options import set_option

        set_option(self, opt, value)

    def getsockopt(self, opt):
        from .options import option

        return option(self, opt)
