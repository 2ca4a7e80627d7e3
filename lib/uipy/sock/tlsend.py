"""The endpoint of a socket that speaks TLS; face.py says what an endpoint has.

It stands between the socket and the endpoint of TCP. The socket waits for what TLS waits for:
octets from TCP, or room in it; then it asks again, and C goes as far as it can (bio.py).
"""

from micropython import const

from ..kern import tadd, tdiff
from .args import fault
from .bio import Bio
from .numbers import (
    ECONNABORTED,
    ENOMEM,
    EOPNOTSUPP,
    ETIMEDOUT,
    MSG_PEEK,
    POLL_ERR,
    POLL_NVAL,
    POLL_RD,
    POLL_WR,
)

HANDSHAKE_MS = const(60000)  # of waiting, for a handshake that has no timeout
_OVER = const(96)  # octets that a record takes beside its content: 85 with CBC and SHA-384
_CRUMB = const(128)  # a record has more content than this, or all that there is
_LONGEST = const(4096)  # content of a record that mbedTLS sends: MBEDTLS_SSL_OUT_CONTENT_LEN
_RDWR = const(0x05)  # POLL_RD and POLL_WR
_MPI = const(16)  # MBEDTLS_ERR_MPI_ALLOC_FAILED is -16, and comes out as a number of errno


class TlsEnd:
    """An endpoint (face.py says what it has) that speaks TLS over that of a connection."""

    held = b""  # was decrypted before anybody took it
    ended = False  # the peer has said close_notify
    fault = None  # the exception that has ended it
    told = False  # and somebody has seen it

    def __init__(self, raw, wrap):
        """`wrap(bio)` makes C's socket of TLS, which reads and writes there."""
        self.raw = raw
        self.loop = raw.loop
        self.bio = Bio(raw)
        self.c = wrap(self.bio)
        self.peer = raw.peer
        self.one = bytearray(1)
        self.late = tadd(self.loop.ticks(), HANDSHAKE_MS)  # for a handshake in polls

    # What C is asked

    def turn(self):
        """The handshake as far as it goes with what has come. True: it is over."""
        if self.fault:
            self._raise(self.fault)
        bio = self.bio
        if bio.shaking:
            try:
                if self.c.readinto(self.one) == 0:
                    raise OSError(ECONNABORTED, "the peer closed in the handshake")
            except BaseException as exc:
                if isinstance(exc, OSError) and exc.args[0] == _MPI:
                    exc = OSError(ENOMEM, "no heap for the handshake")
                try:
                    self.raw.take(_LONGEST, 0)  # unread octets would make a reset of our alert
                except OSError:
                    pass
                self._raise(exc)
            bio.shaking = not bio.over()
        return not bio.shaking

    def _raise(self, exc):
        """It is over. Also when Ctrl-C or a full heap ended a call: C has lost its place then."""
        known = isinstance(exc, (OSError, ValueError))
        self.fault = exc if known else OSError(ECONNABORTED, "TLS was interrupted")
        self.told = True
        raise exc

    def _read(self, call, arg):
        """What C's read, readline or readinto gives: octets or how many; none: the end; None:
        nothing now."""
        if not self.turn():
            return None
        if self.ended:
            return b""
        bio = self.bio
        try:
            bio.mute = True
            data = call(arg)
            bio.mute = False
            if data is None and bio.fate is not None:
                data = call(arg)
        except BaseException as exc:
            bio.mute = False
            self._raise(exc)
        self.ended = not data and data is not None
        return data

    # What a socket asks (face.py)

    def _more(self, call, arg):
        """The same, behind what is held: an error waits for the next call."""
        if not self.held:
            return self._read(call, arg)
        try:
            return self._read(call, arg)
        except (OSError, ValueError):
            self.told = False
            return None

    def take(self, n, flags):
        data = self.held
        left = n - len(data)
        if left > 0 or self.ended:
            more = self._more(self.c.read, left)
            data = data + more if data and more else data or more
        if not data:
            return data if left or self.ended else None
        self.held = data if flags & MSG_PEEK else data[n:] if n < len(data) else b""
        return data[:n] if n < len(data) else data

    def recv_into(self, buf, start, n, flags):
        k = min(len(self.held), n)
        if flags & MSG_PEEK or k == n:
            data = self.take(n, flags)
            if not data:
                return data if data is None else 0
            buf[start : start + len(data)] = data
            return len(data)
        buf[start : start + k] = self.held
        got = self._more(self.c.readinto, memoryview(buf)[start + k : start + n])
        self.held = b""
        return k + (got or 0) if k or got else None if got is None else 0

    def line(self, n):
        """C looks for the line feed; `take` gives what it has found."""
        held = self.held
        at = held.find(b"\n") + 1
        if not at and (n < 0 or n > len(held)):
            self.held = held + (self._more(self.c.readline, n if n < 0 else n - len(held)) or b"")
            at = len(self.held)
        at = at or len(held)
        return at if n < 0 else min(at, n)

    def space(self):
        n = 0 if self.bio.shaking else self.raw.space()
        return max(n - _OVER * (1 + n // _LONGEST), 0)

    def send(self, buf, start, n):
        if not self.turn():
            return None
        space = self.space()
        if space < min(n, _CRUMB) and not self.raw.flags(0):
            return None
        n = min(n, space or n, _LONGEST)
        if n < len(buf):
            buf = memoryview(buf)[start : start + n]
        try:
            return self.c.write(buf)
        except BaseException as exc:
            self._raise(exc)

    def ready(self):
        """What TLS waits for is there: something from TCP, or room in it. True, too, while C was
        not asked for more than it had: part of a record may be left in it."""
        bio = self.bio
        if bio.full:
            return self.raw.writable()
        return not bio.starved or self.raw.readable()

    def readable(self):
        return bool(self.fault or self.held or self.ended or self.ready())

    def writable(self):
        if self.fault or self.bio.shaking:
            return bool(self.fault or self.ready())
        return self.space() >= _CRUMB or bool(self.raw.flags(0))

    def flags(self, events):
        """RD: there is something decrypted, or the end. WR: the handshake is over, and there is
        room. The handshake goes on in here."""
        with self.loop:
            return self._flags(self.raw, events)

    def _flags(self, raw, events):
        asked = events & _RDWR
        if self.fault:
            return POLL_NVAL if self.told else asked | POLL_ERR
        if not raw.settled():
            return 0
        try:
            if not self.bio.shaking or self.ready():
                self.turn()
            elif tdiff(self.loop.ticks(), self.late) > 0:
                self._raise(fault(ETIMEDOUT))
            if events & POLL_RD and not self.held and self.ready():
                self.held = self._read(self.c.read, 1) or b""
        except (OSError, ValueError):
            self.told = False
            return asked | POLL_ERR
        now = raw.flags(0)
        if self.held or self.ended:
            now |= POLL_RD & asked
        if self.space() >= _CRUMB:
            now |= POLL_WR & asked
        return now

    def close(self):
        """MicroPython's `tls` has no close_notify; the peer sees the end of the connection."""
        try:
            if not (self.fault or self.bio.shaking) and self.raw.readable():
                self._read(self.c.read, 1)  # the peer's close_notify, unread, would make a reset
        except (OSError, ValueError):
            pass
        self.c.close()
        self.raw.close()

    @property
    def callback(self):
        return self.raw.callback

    @callback.setter
    def callback(self, f):
        self.raw.callback = f

    def __getattr__(self, name):
        # settled, check, shutdown, options, addresses: those of the connection below.
        return getattr(self.raw, name)

    def _no(self, *args):
        raise fault(EOPNOTSUPP)

    accept = bind = connect = listen = sendto = _no
