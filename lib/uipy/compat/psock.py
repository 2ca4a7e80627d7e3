"""uIP's protosockets for uip.py: a thread of control on one connection, as a generator."""

from ..ring import Ring
from .uip import (
    uip_aborted,
    uip_acked,
    uip_close,
    uip_closed,
    uip_conn,
    uip_data_to,
    uip_mss,
    uip_newdata,
    uip_outstanding,
    uip_rexmit,
    uip_send,
    uip_timedout,
)


class Psock:
    """A protosocket: a thread of control on one connection, written as a generator.

        def handle_connection(s):
            yield from s.psock.send(b'What is your name? ')
            yield from s.psock.readto(10)
            ...
            s.psock.close()

    PSOCK_INIT is the constructor with the size of its buffer, PSOCK_BEGIN/PSOCK_END the
    generator's ends: each appcall runs it on with `run()`. PSOCK_SEND, PSOCK_SEND_STR,
    PSOCK_GENERATOR_SEND, PSOCK_READTO, PSOCK_READBUF, PSOCK_CLOSE, PSOCK_CLOSE_EXIT,
    PSOCK_NEWDATA, PSOCK_WAIT_UNTIL and PSOCK_DATALEN are its methods.
    """

    def __init__(self, size, pending=512):
        self.buf = bytearray(size)
        self.len = 0
        self.ring = Ring(pending)
        self.thread = None
        self.eof = False

    def start(self, thread):
        """Begins with a fresh generator: on uip_connected()."""
        self.ring.clear()
        self.eof = False
        self.thread = thread

    def run(self):
        """Runs it on, in every appcall. Returns False once it has ended (PSOCK_END)."""
        if uip_newdata():
            uip_data_to(self.ring)
        if uip_closed():
            self.eof = True
        if uip_aborted() or uip_timedout():
            self.thread = None
        if self.thread is None:
            return False
        try:
            next(self.thread)
        except StopIteration:
            self.thread = None
        return self.thread is not None

    def send(self, data, n=None):
        """PSOCK_SEND: returns when all of it has been acknowledged; longer than a segment is sent
        in pieces."""
        n = len(data) if n is None else n
        view = memoryview(data)
        at = 0
        while at < n:
            while uip_outstanding(uip_conn()):
                yield
            k = min(n - at, uip_mss())
            uip_send(view[at : at + k], k)
            yield
            while not (uip_acked() and not uip_outstanding(uip_conn())):
                if uip_rexmit():
                    uip_send(view[at : at + k], k)
                yield
            at += k

    def generator_send(self, make, arg):
        """PSOCK_GENERATOR_SEND: make(arg) gives the octets of one segment, again when it was
        lost."""
        while uip_outstanding(uip_conn()):
            yield
        uip_send(make(arg))
        yield
        while not uip_acked():
            if uip_rexmit():
                uip_send(make(arg))
            yield

    def readto(self, c):
        """PSOCK_READTO: up to and with the octet c, or until the buffer is full; `datalen()`
        octets are in `buf`."""
        self.len = 0
        while True:
            while self.ring.left and self.len < len(self.buf):
                self._next()
                if self.buf[self.len - 1] == c:
                    return self._opened()
            if self.len == len(self.buf) or self.eof:
                return self._opened()
            self._opened()
            yield

    def readbuf(self):
        """PSOCK_READBUF: until the buffer is full, or the peer has closed."""
        self.len = 0
        while self.len < len(self.buf):
            if self.ring.left:
                self._next()
            elif self.eof:
                break
            else:
                self._opened()
                yield
        return self._opened()

    def _next(self):
        self.ring.readinto(self.buf, self.len, 1)
        self.len += 1

    def _opened(self):
        # What was read makes room.
        conn = uip_conn().conn
        if conn.state:
            conn.room = self.ring.room
            conn.resume()
        return self.len

    def wait_until(self, condition):
        """PSOCK_WAIT_UNTIL"""
        while not condition():
            yield

    def newdata(self):
        """PSOCK_NEWDATA"""
        return self.ring.left != 0

    def datalen(self):
        """PSOCK_DATALEN"""
        return self.len

    def data(self):
        """What was read, as bytes."""
        return bytes(self.buf[: self.len])

    def close(self):
        """PSOCK_CLOSE"""
        uip_close()
