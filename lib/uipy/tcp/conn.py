"""A connection as the application holds it: one row of the table, and the calls that mark it."""

from micropython import const

from ..errors import Busy, Error, NotConnected
from ..kern import copy, put16, put32, u16, u32
from .row import STATE_NAMES, abort, mark

_STATE = const(0)
_IDX = const(1)
_F = const(2)
_G = const(3)
_H = const(4)
_MAX = const(22)
_MSS = const(28)
_STATE_AT = const(76)
_ROOM = const(88)
_GEN = const(94)
_USER = const(96)
_KEEP = const(98)
_TTL = const(101)
_TOS = const(102)
_BUFF = const(114)

_KEY = const(10)
_K_LPORT = const(2)
_K_RPORT = const(4)
_K_RADDR = const(6)

_F_ACK = const(0x01)
_F_RST = const(0x02)
_F_SEND = const(0x08)
_G_FIN = const(0x01)
_G_END = const(0x04)
_G_DEAF = const(0x08)
_G_NODELAY = const(0x20)
_H_TS = const(0x01)

_S_CLOSED = const(0)
_S_SYN_SENT = const(2)
_S_ESTABLISHED = const(4)
_S_CLOSE_WAIT = const(7)


class Conn:
    """A TCP connection. Made by the stack, one for each row; `gen` changes with each use of the
    row.

    Inside a callback the calls below mark the row and return; they never build a frame.
    All of them raise `NotConnected` once the connection has ended.
    """

    def __init__(self, tcp, idx, size):
        self.t = tcp
        self.r = bytearray(size)  # the row: offsets in tcp_row.py
        self.r[_IDX] = idx
        self.app = None
        self.src = None  # the running source

    # Sending

    def send(self, src):
        """Sends what `src` produces (see source.py). Raises `Busy` while another source runs."""
        r = self._sendable()
        if self.src is not None:
            raise Busy("wait for acked() until conn.sending is false, or join sources with Chain")
        if self.t.watch:
            src = self.t.watch(src)
        self.src = src
        r[_G] &= ~_G_END  # what was true of nothing, or of the source before
        mark(self, _F_SEND)

    def finish(self, src=None):
        """Sends `src`, and a FIN with its last octet (RFC 9293 3.9.1.4); goes on receiving."""
        if src is not None:
            self.send(src)
        self.shutdown()

    def shutdown(self):
        """Closes our side only: a FIN after what is queued; receiving goes on until the peer's FIN
        (RFC 9293 3.6)."""
        r = self._sendable()
        r[_G] |= _G_FIN
        mark(self, _F_SEND)

    def close(self):
        """`shutdown`, and nothing more is read: data from now on earns the peer a RST (RFC 9293
        3.6.1, SHLD-3)."""
        r = self._alive()
        r[_G] |= _G_FIN | _G_DEAF
        if r[_STATE] == _S_SYN_SENT:  # RFC 9293 3.10.4: nothing was agreed yet
            return self.t.end(self, "aborted")
        mark(self, _F_SEND)

    def abort(self):
        """Ends the connection with a RST (RFC 9293 3.10.5). `closed` is the only callback that
        follows, when the RST has gone; the row is free then."""
        r = self._alive()
        if r[_STATE] == _S_SYN_SENT:
            return self.t.end(self, "aborted")
        abort(self, 0)

    def push_urgent(self, n):
        """Makes the next n octets of the source, from the first unacknowledged one, urgent (RFC
        6093); any length."""
        r = self._alive()
        if self.src is None:
            raise Error("nothing is being sent: push_urgent() speaks of the running source")
        if self.t.urg is None:
            raise ValueError("urgent data was left out: Stack(tcp_options={'urgent': True})")
        self.t.urg.push(r, n)
        mark(self, _F_SEND)

    @property
    def sending(self):
        """True while a source runs."""
        return self.src is not None

    @property
    def can_send(self):
        """True while our side is open: `send`, `finish` and `shutdown` would not raise."""
        r = self.r
        s = r[_STATE]
        if r[_F] & _F_RST or r[_G] & _G_FIN:
            return False
        return _S_SYN_SENT <= s <= _S_ESTABLISHED or s == _S_CLOSE_WAIT

    @property
    def mss(self):
        """Octets of data in a full segment (Eff.snd.MSS, RFC 9293 3.7.1), options of every segment
        taken off."""
        return u16(self.r, _MSS) - (12 if self.r[_H] & _H_TS else 0)

    @property
    def unacked(self):
        """Octets of sequence space sent and not acknowledged (SND.MAX - SND.UNA)."""
        return u16(self.r, _MAX)

    # Receiving

    @property
    def room(self):
        """How many octets the application can take now; the offered window never exceeds it by our
        doing.

        Raising it takes effect with the next segment, or at once with `resume()`. 0 to 2**24;
        above 65535 only with window scaling.
        """
        return u32(self.r, _ROOM)

    @room.setter
    def room(self, n):
        if not 0 <= n <= 0x1000000:
            raise ValueError("room is 0 to 2**24 octets")
        r = self.r
        put32(r, _ROOM, n)
        if n > u32(r, _BUFF):
            put32(r, _BUFF, n)

    def resume(self):
        """The application has moved on: the source has more to give, or there is more `room`.

        The peer is told of the room if it is worth a segment (RFC 9293 3.8.6.2.2). For the source
        it is not needed in `received`, `acked` and `poll`.
        """
        self._alive()
        if self.src is not None:
            mark(self, _F_SEND)
        if self.t.opens(self):
            mark(self, _F_ACK)

    @property
    def urgent_left(self):
        """How many octets are still to be read up to the urgent pointer; 0 outside of urgent
        mode."""
        return self.t.urg.left(self.r) if self.t.urg else 0  # MUST-33

    # Settings (RFC 9293 3.9.1, 3.8.3, 3.8.4)

    @property
    def nodelay(self):
        """True turns Nagle's algorithm off (RFC 9293 3.7.4, MUST-17)."""
        return bool(self.r[_G] & _G_NODELAY)

    @nodelay.setter
    def nodelay(self, on):
        r = self._alive()
        r[_G] = r[_G] | _G_NODELAY if on else r[_G] & ~_G_NODELAY  # MUST-17
        mark(self, _F_SEND)

    @property
    def keepalive_s(self):
        """Seconds of silence before a keep-alive is sent; 0 = off, the default (RFC 9293 3.8.4);
        7200 is the RFC's choice."""
        return u16(self.r, _KEEP)

    @keepalive_s.setter
    def keepalive_s(self, s):
        put16(self._alive(), _KEEP, _seconds(s, 0))  # MUST-24, MUST-27
        self.t.hurry()

    def keepalive(self, s=7200):  # MUST-28
        """Turns keep-alives on: a probe after s seconds of silence, two hours unless told (0 =
        off)."""
        self.keepalive_s = s

    @property
    def user_timeout_s(self):
        """R2: seconds that data may go unacknowledged before the connection is given up (RFC 9293
        3.8.3, MUST-21)."""
        return u16(self.r, _USER)

    @user_timeout_s.setter
    def user_timeout_s(self, s):
        put16(self._alive(), _USER, _seconds(s, 1))  # MUST-21
        self.t.hurry()

    @property
    def ttl(self):
        """Time to Live of our segments (RFC 9293 3.9.2, MUST-49)."""
        return self.r[_TTL]

    @ttl.setter
    def ttl(self, n):
        if not 0 < n < 256:  # RFC 1122 3.2.1.7
            raise ValueError("a TTL is 1 to 255")
        self._alive()[_TTL] = n  # MUST-49

    @property
    def tos(self):
        """Diffserv field of our segments, the two ECN bits left out (RFC 9293 3.9.1, MUST-48)."""
        return self.r[_TOS]

    @tos.setter
    def tos(self, n):
        self._alive()[_TOS] = n & 0xFC  # MUST-48

    # Who and what

    @property
    def gen(self):
        """Changes with each use of the row: keep it with a handle that outlives the callbacks."""
        return u16(self.r, _GEN)

    @property
    def state(self):
        """The state's number, an index of tcp_row.STATE_NAMES."""
        return self.r[_STATE]

    @property
    def state_name(self):
        return STATE_NAMES[self.r[_STATE]]

    @property
    def state_at(self):
        """When the state was entered (ticks): the age of a CLOSE-WAIT is now - state_at."""
        return u32(self.r, _STATE_AT)

    @property
    def rport(self):
        return u16(self.t.keys, _KEY * self.r[_IDX] + _K_RPORT)

    @property
    def lport(self):
        return u16(self.t.keys, _KEY * self.r[_IDX] + _K_LPORT)

    def raddr_into(self, buf, i):
        """Writes the peer's address at buf[i:i+4]; allocates nothing."""
        copy(buf, i, self.t.keys, _KEY * self.r[_IDX] + _K_RADDR, 4)

    def peer(self):
        """('192.168.1.9', 50123): the other end. Allocates."""
        a = bytearray(4)
        self.raddr_into(a, 0)
        return "%d.%d.%d.%d" % tuple(a), self.rport

    def handle(self):
        """A handle that may be kept: it raises `NotConnected` once this connection has ended.
        Allocates."""
        self._alive()
        return Handle(self)

    def _alive(self):
        r = self.r
        if r[_STATE] == _S_CLOSED or r[_F] & _F_RST:
            raise NotConnected("the connection has ended")
        return r

    def _sendable(self):
        """The row, if the send side is still open (RFC 9293 3.10.3: 'connection closing'
        otherwise)."""
        r = self._alive()
        if not self.can_send:
            raise NotConnected("our side is closed: send before shutdown(), close() or finish()")
        return r


def _seconds(s, least):
    if not least <= s < 65536:
        raise ValueError("seconds are %d to 65535" % least)
    return s


class Handle:
    """A connection together with the use of its row that was meant."""

    def __init__(self, conn):
        self._conn = conn
        self._gen = conn.gen

    @property
    def conn(self):
        """The connection, as long as it is the same one; else `NotConnected`."""
        c = self._conn
        if c.gen != self._gen or c.r[_STATE] == _S_CLOSED:
            raise NotConnected("the connection has ended and its row may serve another one")
        return c
