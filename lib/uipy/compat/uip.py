"""A thin layer with uIP's names, so that an application written for uIP is carried over line by
line.

    from uipy.compat.uip import *

    def hello_world_appcall():
        if uip_connected():
            ...

    Uip(stack, hello_world_appcall, conns=4).listen(1000)

An appcall is one function for every event; inside it the `uip_...` calls speak of the connection
at hand, which `uip_conn()` returns: its `appstate` is the application's. As in uIP one segment is
in flight: `uip_send` gives it, and `uip_rexmit()` asks for the same octets again; an application
that keeps what it gave unchanged need not answer that.

What differs
    uip_closed()      the peer's FIN; our side is still open (RFC 9293 3.6), so the application
                      calls uip_close() when it
                      has done. Uip(..., auto_close=True) is uIP's old way: the stack closes after
                      the appcall.
    uip_poll()        every 500 ms, while nothing is unacknowledged
    uip_send          of more than uip_mss() octets sends the first uip_mss() of them, as uIP does
    uip_stop          closes the window; data in flight is sent again by the peer after uip_restart
    uip_conn()        is a call, not a pointer; only appstate, rport, lport, ripaddr are there
    uip_listen, uip_unlisten, uip_connect
                      speak of the Uip whose appcall runs, otherwise of the one made last; with
                      several stacks in one process use its methods
    UDP               is in compat_udp.py, protosockets in compat_psock.py

What has no counterpart: the other members of struct uip_conn (rcv_nxt, snd_nxt, len, mss,
initialmss, sa, sv, rto, tcpstateflags, timer, nrtx), uip_buf and uip_len outside of the calls,
uip_periodic and uip_input (the stack's own), uip_arp_*, uip_fw_*, uip_split_*: the core keeps its
state in packed rows and does this work itself.
"""

from ..app import App
from ..kern import copy

UIP_POLL_MS = 500

_NONE = 0
_CONNECTED = 1
_NEWDATA = 2
_ACKED = 4
_REXMIT = 8
_POLL = 16
_CLOSED = 32
_ABORTED = 64
_TIMEDOUT = 128


class _Now:
    """What the appcall that is running speaks of. Set by _call, and by a new Uip."""

    uip = None
    conn = None
    flags = _NONE
    buf = None
    start = 0
    len = 0
    took = 0


_now = _Now()


class _Segment:
    """The one segment of uip_send: the application's own octets, not copied."""

    def __init__(self, owner):
        self.owner = owner
        self.data = b""
        self.at = 0
        self.len = 0
        self.ended = True

    def give(self, data, n):
        self.data = data
        self.at = 0
        self.len = n

    def fill(self, rel, buf, pos, n):
        if rel == 0 and self.owner.conn.unacked:
            self.owner.again()
        n = min(n, self.len - rel)
        if n <= 0:
            return 0
        copy(buf, pos, self.data, self.at + rel, n)
        return n

    def acked(self, n):
        self.at += n
        self.len -= n


class UipConn(App):
    """One connection: what `uip_conn()` returns. `appstate` is the application's own, None at
    first."""

    poll_ms = UIP_POLL_MS

    def __init__(self, uip):
        self.uip = uip
        self.appstate = None
        self.segment = _Segment(self)
        self.rexmit = False
        self.stopped = False

    @property
    def rport(self):
        """The peer's port."""
        return self.conn.rport

    @property
    def lport(self):
        """Our port."""
        return self.conn.lport

    @property
    def ripaddr(self):
        """The peer's address, as text."""
        return self.conn.peer()[0]

    def again(self):
        """A retransmission: the application may produce the octets anew with uip_send."""
        self.rexmit = True
        _call(self, _REXMIT)
        self.rexmit = False

    def connected(self, conn):
        self.stopped = False
        _call(self, _CONNECTED)

    def received(self, conn, buf, start, n):
        if self.stopped:
            return 0  # sent before the peer saw the window close; it comes again
        _now.buf = buf
        _now.start = start
        return _call(self, _NEWDATA, n)

    def acked(self, conn, n):
        if not conn.sending:
            _call(self, _ACKED)

    def poll(self, conn):
        if not conn.sending:
            _call(self, _POLL)

    def peer_closed(self, conn):
        _call(self, _CLOSED)
        if self.uip.auto_close:
            conn.close()

    def closed(self, conn, reason):
        if reason == "done":
            return
        _call(self, _TIMEDOUT if reason == "timeout" else _ABORTED)


class Uip:
    """Binds an appcall to a stack: `conns` connections at a time (uIP's UIP_CONNS, for this
    application)."""

    def __init__(self, stack, appcall, conns=4, auto_close=False):
        self.stack = stack
        self.appcall = appcall
        self.conns = conns
        self.auto_close = auto_close
        self.listeners = {}
        _now.uip = self

    def listen(self, port):
        """uip_listen(HTONS(port))"""
        self.listeners[port] = self.stack.listen(port, self._conn, self.conns)

    def unlisten(self, port):
        """uip_unlisten(HTONS(port))"""
        self.listeners.pop(port).close()

    def connect(self, ripaddr, rport):
        """uip_connect(&ripaddr, HTONS(port)): returns the new uip_conn; its appstate may be set at
        once."""
        c = UipConn(self)
        self.stack.connect(c, ripaddr, rport)
        return c

    def _conn(self):
        return UipConn(self)


def _call(c, flags, n=0):
    """Runs the appcall of c for one event; returns how much of new data counts as taken."""
    was = _now.conn, _now.flags, _now.len, _now.took
    _now.uip = c.uip
    _now.conn = c
    _now.flags = flags
    _now.len = _now.took = n
    try:
        c.uip.appcall()
        return _now.took
    finally:
        # an appcall may end another connection, whose appcall runs inside of it
        _now.conn, _now.flags, _now.len, _now.took = was


# uip_listen and its like, without a Uip in hand


def uip_listen(port):
    """Listens on the port (in host order), for the appcall of the Uip at hand."""
    _now.uip.listen(port)


def uip_unlisten(port):
    """Listens no more."""
    _now.uip.unlisten(port)


def uip_connect(ripaddr, rport):
    """Opens a connection; returns the new uip_conn."""
    return _now.uip.connect(ripaddr, rport)


# The events


def uip_connected():
    """The connection has just been established."""
    return _now.flags & _CONNECTED != 0


def uip_newdata():
    """uip_datalen() octets have arrived; uip_appdata() is what they lie in."""
    return _now.flags & _NEWDATA != 0


def uip_acked():
    """What uip_send gave has arrived; it may be called again."""
    return _now.flags & _ACKED != 0


def uip_rexmit():
    """The segment was lost: uip_send is to give the same octets."""
    return _now.flags & _REXMIT != 0


def uip_poll():
    """The connection is idle; called every 500 ms."""
    return _now.flags & _POLL != 0


def uip_closed():
    """The peer has closed its side."""
    return _now.flags & _CLOSED != 0


def uip_aborted():
    """The connection has been reset."""
    return _now.flags & _ABORTED != 0


def uip_timedout():
    """The connection was given up after too many retransmissions."""
    return _now.flags & _TIMEDOUT != 0


# The connection at hand


def uip_conn():
    """The connection of the appcall that is running."""
    return _now.conn


def uip_datalen():
    """How many octets have arrived."""
    return _now.len


def uip_appdata():
    """The octets that have arrived, as bytes. Allocates; `uip_datainto` does not."""
    return bytes(memoryview(_now.buf)[_now.start : _now.start + _now.len])


def uip_datainto(buf, at, n):
    """Copies up to n of the octets that have arrived to buf[at:]; returns how many."""
    n = min(n, _now.len)
    copy(buf, at, _now.buf, _now.start, n)
    return n


def uip_data_to(ring):
    """Writes the octets that have arrived to a Ring; what finds no room is left to come again."""
    _now.took = ring.write(_now.buf, _now.start, _now.len)
    _now.conn.conn.room = ring.room


def uip_send(data, n=None):
    """Sends the first n octets of data, one segment at the most. data must not change until
    uip_acked()."""
    c = _now.conn
    n = min(len(data) if n is None else n, uip_mss())
    if c.rexmit:
        c.segment.data = data  # from its first octet on, whatever of it has arrived
    elif n and not c.conn.sending and c.conn.can_send:
        c.segment.give(data, n)
        c.conn.send(c.segment)


def uip_close():
    """Closes our side."""
    if _now.flags & (_ABORTED | _TIMEDOUT):
        return
    if _now.conn.conn.can_send:
        _now.conn.conn.shutdown()


def uip_abort():
    """Resets the connection."""
    if not _now.flags & (_ABORTED | _TIMEDOUT):
        _now.conn.conn.abort()


def uip_stop():
    """No more data for now: the window closes. What has just come is the last that is taken."""
    _now.conn.stopped = True
    _now.conn.conn.room = 0


def uip_stopped(c):
    """True after uip_stop() on c."""
    return c.stopped


def uip_restart():
    """Data may come again."""
    c = _now.conn
    c.stopped = False
    c.conn.room = c.uip.stack.tcp.default_room
    c.conn.resume()


def uip_mss():
    """The most that uip_send can send at once."""
    return _now.conn.conn.mss


uip_initialmss = uip_mss


def uip_outstanding(c):
    """True while a segment of c is unacknowledged."""
    return c.conn.sending
