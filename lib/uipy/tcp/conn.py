"""The connection as an application holds it (RFC 9293 3.9.1): calls that leave a mark in its row,
and the settings.

Four calls end it, or our side of it:

    call         what leaves                what is received afterwards        closed(reason)
    finish(src)  src, with our FIN on its   everything, up to the peer's FIN   'done'
                 last octet
    shutdown()   what is queued, our FIN    the same                           'done'
    close()      what is queued, our FIN    nothing: data earns the peer a     'done', 'unread'
                                            RST, its FIN is not told
    abort()      a RST, nothing else        nothing                            'aborted'

The first three lead to FIN-WAIT-1, FIN-WAIT-2 and TIME-WAIT, or, when the peer's FIN was here
first, to LAST-ACK. After `finish` and `shutdown` a FIN-WAIT-2 lasts until the peer closes, after
`close` a minute at most. In SYN-SENT `close` and `abort` end it at once, with 'aborted'.
"""

from ..errors import Busy, Error, NotConnected
from ..kern import pair, seq_out, set_pair
from ..net.datagram import OUR_IP, OWN_MSS, ROW
from .emit import opens
from .end import end
from .row import (
    ABORTED,
    BUFF,
    DEAF,
    ERROR,
    FIN_QUEUED,
    GEN,
    KEEP,
    LPORT,
    MAX,
    MSS,
    NODELAY,
    NUMBER,
    OPT_TS,
    OPTS,
    OURS,
    OWES,
    OWES_ACK,
    OWES_DATA,
    OWES_RST,
    RADDR,
    REASONS,
    ROOM,
    RPORT,
    S_CLOSE_WAIT,
    S_CLOSED,
    S_ESTABLISHED,
    S_SYN_SENT,
    SRC_COUNTED,
    SRC_ENDED,
    STATE,
    STATE_AT,
    STATE_NAMES,
    TTL_TOS,
    USED,
    USER,
    abort,
)


class Conn:
    """A TCP connection. Made by the stack, one for each row; `gen` changes with each use of the
    row.

    Inside a callback the calls below mark the row and return; they never build a frame.
    All of them raise `NotConnected` once the connection has ended.
    """

    def __init__(self, tcp, row):
        self.tcp = tcp
        self.row = row  # see row.py
        self.app = None
        self.src = None  # the running source

    # Sending

    def send(self, src):
        """Sends what `src` produces (see source.py), or bytes or a str, as `Bytes` would. Raises
        `Busy` while another source runs, `TypeError` for anything else."""
        row = self._sendable()
        if self.src is not None:
            raise Busy("wait for acked() until conn.sending is false, or join sources with Chain")
        if not hasattr(src, "fill"):
            src = _wrapped(src)
        if self.tcp.watch:
            src = self.tcp.watch(src)
        self.src = src
        # what was true of nothing, or of the source before
        row[OURS] &= ~(SRC_ENDED | SRC_COUNTED)
        if getattr(src, "counted", False):
            row[OURS] |= SRC_COUNTED
        self._mark(OWES_DATA)

    def finish(self, src=None):
        """Sends `src`, and a FIN with its last octet (RFC 9293 3.9.1.4); goes on receiving."""
        if src is not None:
            self.send(src)
        self.shutdown()

    def shutdown(self):
        """Closes our side only: a FIN after what is queued; receiving goes on until the peer's FIN
        (RFC 9293 3.6)."""
        row = self._sendable()
        row[OURS] |= FIN_QUEUED
        self._mark(OWES_DATA)

    def close(self):
        """`shutdown`, and nothing more is read: data from now on earns the peer a RST (RFC 9293
        3.6.1, SHLD-3)."""
        row = self._alive()
        row[OURS] |= FIN_QUEUED | DEAF
        if row[STATE] == S_SYN_SENT:  # RFC 9293 3.10.4: nothing was agreed yet
            return end(self, REASONS[ABORTED])
        self._mark(OWES_DATA)

    def abort(self):
        """Ends the connection with a RST (RFC 9293 3.10.5). `closed` is the only callback that
        follows, when the RST has gone; the row is free then."""
        if self._alive()[STATE] == S_SYN_SENT:
            return end(self, REASONS[ABORTED])
        abort(self, ABORTED)

    def push_urgent(self, n):
        """Makes the next n octets of the source, from the first unacknowledged one, urgent (RFC
        6093); any length below 2**30. ValueError for another number, and where urgent data was
        left out; Error without a source."""
        row = self._alive()
        if self.src is None:
            raise Error("nothing is being sent: push_urgent() speaks of the running source")
        if self.tcp.urg is None:
            raise ValueError("urgent data was left out: Stack(tcp_options={'urgent': True})")
        if not 0 < n < 0x40000000:
            raise ValueError("push_urgent() takes 1 to 2**30 - 1 octets")
        self.tcp.urg.push(row, n)
        self._mark(OWES_DATA)

    @property
    def sending(self):
        """True while a source runs."""
        return self.src is not None

    @property
    def can_send(self):
        """True while our side is open: `send`, `finish` and `shutdown` would not raise."""
        row = self.row
        state = row[STATE]
        if row[OWES] & OWES_RST or row[OURS] & FIN_QUEUED:
            return False
        return S_SYN_SENT <= state <= S_ESTABLISHED or state == S_CLOSE_WAIT

    @property
    def crowded(self):
        """True while newcomers, whose handshake is complete, wait for a place: who has done with
        its peer closes rather than keep them waiting."""
        return self.tcp.half.waiting

    @property
    def mss(self):
        """Octets of data in a full segment (Eff.snd.MSS, RFC 9293 3.7.1), options of every segment
        taken off."""
        return self.row[MSS] - (12 if self.row[OPTS] & OPT_TS else 0)

    @property
    def unacked(self):
        """Octets of sequence space sent and not acknowledged (SND.MAX - SND.UNA)."""
        return self.row[MAX]

    # Receiving

    @property
    def room(self):
        """How many octets the application can take now; the offered window never exceeds it by our
        doing.

        Raising it takes effect with the next segment, or at once with `resume()`. 0 to 2**24;
        above 65535 only with window scaling.
        """
        return pair(self.row, ROOM)

    @room.setter
    def room(self, n):
        if not 0 <= n <= 0x1000000:
            raise ValueError("room is 0 to 2**24 octets")
        row = self._alive()
        set_pair(row, ROOM, n)
        if n > pair(row, BUFF):
            set_pair(row, BUFF, n)

    def resume(self):
        """The application has moved on: the source has more to give, or there is more `room`.

        The peer is told of the room if it is worth a segment (RFC 9293 3.8.6.2.2). For the source
        it is not needed in `received`, `acked` and `poll`.
        """
        row = self._alive()
        if self.src is not None:
            self._mark(OWES_DATA)
        if opens(row, self.tcp.env[OWN_MSS]):
            self._mark(OWES_ACK)

    def offer(self, n):
        """Sets `room` to n, and tells the peer if that is worth a segment (RFC 9293 3.8.6.2.2)."""
        row = self.row
        if n < 0 or row[STATE] == S_CLOSED:
            self._alive()
            raise ValueError("room is 0 to 2**24 octets")
        set_pair(row, ROOM, n)
        if n > pair(row, BUFF):
            set_pair(row, BUFF, n)
        if opens(row, self.tcp.env[OWN_MSS]):
            self._mark(OWES_ACK)

    @property
    def urgent_left(self):
        """How many octets are still to be read up to the urgent pointer; 0 outside of urgent
        mode."""
        return self.tcp.urg.left(self.row) if self.tcp.urg else 0  # MUST-33

    # Settings (RFC 9293 3.9.1, 3.8.3, 3.8.4)

    @property
    def nodelay(self):
        """True turns Nagle's algorithm off (RFC 9293 3.7.4, MUST-17)."""
        return bool(self.row[OURS] & NODELAY)

    @nodelay.setter
    def nodelay(self, on):
        row = self._alive()
        row[OURS] = row[OURS] | NODELAY if on else row[OURS] & ~NODELAY  # MUST-17
        self._mark(OWES_DATA)

    @property
    def keepalive_s(self):
        """Seconds of silence before a keep-alive is sent; 0 = off, the default (RFC 9293 3.8.4);
        7200 is the RFC's choice."""
        return self.row[KEEP]

    @keepalive_s.setter
    def keepalive_s(self, s):
        row = self._alive()  # by itself: a call in what is assigned to takes heap
        row[KEEP] = _seconds(s, 0)  # MUST-24, MUST-27
        self.tcp.hurry()

    def keepalive(self, s=7200):  # MUST-28
        """Turns keep-alives on: a probe after s seconds of silence, two hours unless told (0 =
        off)."""
        self.keepalive_s = s

    @property
    def user_timeout_s(self):
        """R2: seconds that data may go unacknowledged before the connection is given up (RFC 9293
        3.8.3, MUST-21)."""
        return self.row[USER]

    @user_timeout_s.setter
    def user_timeout_s(self, s):
        row = self._alive()
        row[USER] = _seconds(s, 1)  # MUST-21
        self.tcp.hurry()

    @property
    def ttl(self):
        """Time to Live of our segments (RFC 9293 3.9.2, MUST-49)."""
        return self.row[TTL_TOS] >> 8

    @ttl.setter
    def ttl(self, n):
        if not 0 < n < 256:  # RFC 1122 3.2.1.7
            raise ValueError("a TTL is 1 to 255")
        row = self._alive()
        row[TTL_TOS] = n << 8 | row[TTL_TOS] & 0xFF  # MUST-49

    @property
    def tos(self):
        """Diffserv field of our segments, the two ECN bits left out (RFC 9293 3.9.1, MUST-48)."""
        return self.row[TTL_TOS] & 0xFF

    @tos.setter
    def tos(self, n):
        row = self._alive()
        row[TTL_TOS] = row[TTL_TOS] & 0xFF00 | n & 0xFC  # MUST-48

    # Who and what

    @property
    def gen(self):
        """Changes with each use of the row: keep it with a handle that outlives the callbacks."""
        return self.row[GEN]

    @property
    def state(self):
        """The state's number, an index of row.STATE_NAMES."""
        return self.row[STATE]

    @property
    def state_name(self):
        """The state as RFC 9293 has it: 'ESTABLISHED', ..."""
        return STATE_NAMES[self.row[STATE]]

    @property
    def state_at(self):
        """When the state was entered (ticks): the age of a CLOSE-WAIT is now - state_at."""
        return pair(self.row, STATE_AT)

    @property
    def rport(self):
        """The peer's port."""
        return self.row[RPORT]

    @property
    def lport(self):
        """Our port."""
        return self.row[LPORT]

    def raddr_into(self, buf, i):
        """Writes the peer's address at buf[i:i+4]; allocates nothing."""
        seq_out(buf, i, self.row, RADDR, 0)

    def peer(self):
        """('192.168.1.9', 50123): the other end. Allocates."""
        a = bytearray(4)
        self.raddr_into(a, 0)
        return "%d.%d.%d.%d" % tuple(a), self.rport

    def local(self):
        """('192.168.1.7', 80): our end. Allocates."""
        i = self.row[USED]
        if not i:
            raise NotConnected("the connection has ended")
        a = self.tcp.stack.ifaces[i - 1].face[OUR_IP : OUR_IP + 4]
        return "%d.%d.%d.%d" % tuple(a), self.lport

    def handle(self):
        """A handle that may be kept: it raises `NotConnected` once this connection has ended.
        Allocates."""
        self._alive()
        return Handle(self)

    # What the stack calls

    def __enter__(self):
        """A callback begins."""

    def __exit__(self, kind, exc, trace):
        """A callback has ended. If it raised, the connection is reset; the stack goes on."""
        if exc is None or not isinstance(exc, Exception):
            return False
        self.failed(exc)
        return True

    def failed(self, exc):
        """A callback raised."""
        state = self.row[STATE]
        if state == S_SYN_SENT:  # RFC 9293 3.10.5: nobody to be reset
            end(self, REASONS[ERROR])
        elif state:
            abort(self, ERROR)
        self.tcp.stack.failed(exc)

    def _mark(self, owes):
        """Something is to be sent: done as the reply of this `input` if that is about this
        connection, otherwise by the next `output`."""
        self.row[OWES] |= owes
        tcp = self.tcp
        if tcp.seg[ROW] != self.row[NUMBER]:
            tcp.stack.wake_up()

    def _alive(self):
        row = self.row
        if row[STATE] == S_CLOSED or row[OWES] & OWES_RST:
            raise NotConnected("the connection has ended")
        return row

    def _sendable(self):
        """The row, if the send side is still open (RFC 9293 3.10.3: 'connection closing'
        otherwise)."""
        row = self._alive()
        if not self.can_send:
            raise NotConnected("our side is closed: send before shutdown(), close() or finish()")
        return row


def _wrapped(src):
    if not isinstance(src, (bytes, bytearray, memoryview, str)):
        raise TypeError(
            "a source, bytes or str can be sent, and not %s: see uipy/source.py"
            % type(src).__name__
        )
    from ..source import Bytes  # here: who sends sources of his own does not load it

    return Bytes(src)


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
        if c.gen != self._gen or c.row[STATE] == S_CLOSED:
            raise NotConnected("the connection has ended and its row may serve another one")
        return c
