"""WebSocket (RFC 6455), the server's end: one connection, `WebSocket`, for what its
owner derives from WebApp.

    class Echo(WebApp):
        def received(self, ws, buf, start, n):
            return ws.write(buf, start, n, ws.text, ws.last)

A message is handed over in pieces, as its octets arrive, unmasked where they lie: no length needs
a buffer. `ws.text` says what it is, `ws.last` that the piece is its last one. What is sent goes
through a ring of the connection, from which lost segments are filled again.

    OPEN      messages go both ways
    CLOSING   our Close has been sent; the client's is waited for, what else comes is thrown away
    DONE      both have been, or the client broke the protocol: our FIN is behind the last octet
    FREE      no connection                    TAKEN   a client is about to come

Every wait ends: a silent client gets a Ping after `ping_s`, and is given up after twice that; who
does not answer our Close, or does not close behind his, after 10 s.
"""

from array import array

from micropython import const

from ..app import App
from ..errors import NotConnected
from ..kern import u16
from .ws_frame import (
    AT,
    BINARY,
    CLOSE,
    CODE,
    CONTROL,
    CONTROLLED,
    END,
    FAILED,
    FIN,
    FROM,
    HAVE,
    KIND,
    LEFT,
    LIMIT,
    NEED,
    NOT_UTF8,
    OP,
    PAYLOAD,
    PIECE,
    PING,
    PONG,
    PROTOCOL,
    STORE,
    TEXT,
    UTF,
    UTF2,
    WORDS,
    N,
    check,
    frame_head,
    may_close,
    moved,
    next_frame,
)
from .ws_send import Mixed

_OPEN = const(0)
_CLOSING = const(1)
_DONE = const(2)
_FREE = const(3)
_TAKEN = const(4)

_CLOSE_S = const(10)
_SPARE = const(4)  # octets of the ring that only a Close may take
_NO_STATUS = const(1005)  # RFC 6455 7.1.5: a Close without a code
_ABNORMAL = const(1006)  # and an end without a Close


class WebSocket(App):
    """One connection, with the WebApp `app`; used again for the next client. 750 octets of RAM,
    and `size` more for what is on its way (1024): no message can be sent in one piece that
    is longer than `size` less 14.
    """

    poll_ms = 1000

    def __init__(self, app, size=1024):
        if size < 256:
            raise ValueError("a WebSocket wants a ring of 256 octets at least")
        self.app = app
        self.conn = None  # now, so that no object grows when a client comes
        self.row = array("i", bytes(4 * WORDS))
        self.store = bytearray(STORE)
        self.head = bytearray(10)  # of a frame of ours
        self.tx = Mixed(size)
        self.state = _FREE
        self.text = self.last = False  # what the piece at hand is
        self.partial = False  # a message of ours has not ended
        self.ping = False  # a Ping waits for room in the ring
        self.code = _ABNORMAL
        self.seconds = 0  # since the client said something; of the end

    # What its owner calls

    @property
    def is_open(self):
        """True from `opened` on, until either side's Close."""
        return self.state == _OPEN

    @property
    def room(self):
        """Octets that a message can have now."""
        n = self.tx.ring.room - _SPARE
        n -= 2 if n < 128 else 4 if n < 0x10004 else 10
        return n if n > 0 and self.state == _OPEN else 0

    def send(self, data):
        """Send a message: a str as text (it is encoded on the heap), octets as binary. Returns
        whether it went: False means that there is no room now, and nothing was sent. A longer one
        than the ring can ever hold is a ValueError; `NotConnected` before `opened` and after
        either side's Close.
        """
        self._open()
        text = isinstance(data, str)
        if text:
            data = data.encode()
        if len(data) > self.tx.ring.size - _SPARE - 10:
            raise ValueError("%d octets are more than the ring: use stream()" % len(data))
        if self.partial:
            raise ValueError("the message before has not ended: write(..., last=True)")
        if len(data) > self.room or self.tx.ring.room < _SPARE + 2:
            return False
        self._frame(TEXT if text else BINARY, 1, data, 0, len(data))
        return True

    def write(self, buf, start, n, text=False, last=True):
        """Send up to n octets of buf[start:], as much as there is room for, as a message or, with
        last=False, as a part of one; return how many went. When fewer than n went the message
        has not ended: go on with the others. -1: there was no room for an end of 0 octets. Takes
        no heap.
        """
        self._open()
        k = self.room
        if k < n:
            last = False
            n = k
        if n == 0 and self.tx.ring.room < _SPARE + 2:
            return -1 if last else 0
        if n or last:
            op = 0 if self.partial else TEXT if text else BINARY
            self.partial = not last
            self._frame(op, 1 if last else 0, buf, start, n)
        return n

    def stream(self, src, text=False):
        """Send a message that the source `src` gives, `src.left` octets long (source.py), which
        need not fit into the ring. False: another one is on its way, or there is no room; a Ping
        is answered behind it.
        """
        self._open()
        if self.partial:
            raise ValueError("the message before has not ended: write(..., last=True)")
        n = src.left
        if self.tx.src is not None or self.tx.ring.room < _SPARE + 10:
            return False
        self.tx.ring.write(self.head, 0, frame_head(self.head, TEXT if text else BINARY, 1, n))
        if n:
            self.tx.put(src, n)
        self._go()
        return True

    def close(self, code=1000, reason=b""):
        """Send a Close, with a code of RFC 6455 7.4 and up to 123 octets of reason in UTF-8, and
        wait for the client's. No more is received. Does nothing when that has begun already.
        """
        if not may_close(code) or len(reason) > 123:
            raise ValueError("a Close has a code of 1000 to 4999 and at most 123 octets")
        if self.state == _OPEN:
            self._close(code, reason)
            self.state = _CLOSING
            self.seconds = 0
            self.ping = False

    def reason(self):
        """What the client's Close said, for `closed`. Allocates."""
        n = self.row[CONTROL]
        said = self.row[OP] == CLOSE and n > 2
        return str(bytes(self.store[PAYLOAD + 2 : PAYLOAD + n]), "utf-8") if said else ""

    # What the stack calls

    def take(self):
        """If nobody has it, it is for the client whose handshake is being answered: True."""
        if self.state != _FREE:
            return False
        r = self.row
        for k in range(WORDS):
            r[k] = 0
        r[NEED] = 2
        r[LIMIT] = self.app.limit
        self.tx.clear()
        self.state = _TAKEN
        return True

    def give_back(self):
        """The connection is gone: how it ended, as a number in NAMES of websocket.py; -1: the
        client had not come yet, or all is well."""
        if self.state == _TAKEN:
            self.state = _FREE
            return -1
        return 2 if self.row[CODE] else 3 if self.code == _ABNORMAL else -1

    def connected(self, conn):
        """The connection is ours. It sends `tx`, behind the answer to the handshake."""
        self.conn = conn
        self.state = _OPEN
        self.text = self.last = self.partial = self.ping = False
        self.code = _ABNORMAL
        self.seconds = 0
        self.app.opened(self)

    def received(self, conn, buf, start, n):
        if self.state == _OPEN:
            self.seconds = 0
        if self.ping and not self._pong():
            return 0
        r = self.row
        r[AT] = start
        r[END] = start + n
        while self.state < _DONE:
            found = next_frame(r, self.store, buf)
            if found == PIECE:
                if not self._piece(buf):
                    return r[AT] - start
            elif found == CONTROLLED:
                self._control()
                if self.ping:
                    return r[AT] - start
            elif found == FAILED:
                self._fail(r[CODE])
            else:
                break
        return n

    def acked(self, conn, n):
        if self.ping and self._pong():
            conn.resume()
        if self.state == _OPEN:
            self.app.sent(self)

    def peer_closed(self, conn):
        self._end()

    def poll(self, conn):
        """Once a second: nothing lasts for ever."""
        self.seconds += 1
        every = self.app.ping_s
        if self.state != _OPEN:
            if self.seconds > _CLOSE_S:
                self._abort()
        elif every and self.seconds % every == 0:
            if self.seconds >= 2 * every:
                self._abort()
            elif self.tx.ring.room >= _SPARE + 2:
                self._frame(PING, 1, self.head, 0, 0)

    def closed(self, conn, reason):
        if self.state != _FREE:
            self.state = _FREE
            self.app.closed(self, self.code)

    # Frames that have come

    def _piece(self, buf):
        # True: all of the piece was taken.
        r = self.row
        n = good = r[N]
        whole = r[LEFT] == n and r[FIN]
        self.text = r[KIND] == TEXT
        if self.text:
            good = check(r, buf, r[FROM], n)
            whole = whole and good == n and not r[UTF2]
        self.last = bool(whole)
        if self.state == _OPEN and (good or whole):
            k = self.app.received(self, buf, r[FROM], good)
            if k is not None and k < good:
                if n:
                    moved(r, self.store, buf, max(0, k))
                else:  # the last octet of its header comes again
                    r[HAVE] -= 1
                    r[AT] -= 1
                return False
        over = r[LEFT] == n and r[FIN]
        moved(r, self.store, buf, good)
        if good < n or (over and not whole):
            self._fail(NOT_UTF8)  # RFC 6455 8.1
        return True

    def _control(self):
        r = self.row
        if r[OP] == PING:
            self.ping = self.state == _OPEN  # RFC 6455 5.5.2; nothing goes behind a Close
            self._pong()
        elif r[OP] == CLOSE:
            n = r[CONTROL]
            code = _NO_STATUS
            if n:
                code = u16(self.store, PAYLOAD)
            r[UTF] = 0
            if n == 1 or (n and not may_close(code)):
                self._fail(PROTOCOL)  # RFC 6455 5.5.1, 7.4.1
            elif n > 2 and (check(r, self.store, PAYLOAD + 2, n - 2) < n - 2 or r[UTF2]):
                self._fail(NOT_UTF8)
            else:
                self.code = code
                if self.state == _OPEN:
                    self._close(code, b"")  # RFC 6455 5.5.1: the code comes back
                self._end()

    def _pong(self):
        # The Ping that waits, if there is one, is answered if there is room. False: it still is.
        n = self.row[CONTROL]
        if self.ping and self.tx.ring.room >= _SPARE + 2 + n:
            self.ping = False
            self._frame(PONG, 1, self.store, PAYLOAD, n)
        return not self.ping

    # The end

    def _fail(self, code):
        # RFC 6455 7.1.7: the client is told why, and our side is closed.
        if self.state == _OPEN:
            self._close(code, b"")
        self.row[CODE] = code
        self.code = code
        self._end()

    def _close(self, code, reason):
        n = len(reason)
        ring = self.tx.ring
        if n + 4 > ring.room:
            n = 0
        if code == _NO_STATUS:
            self._frame(CLOSE, 1, reason, 0, 0)
            return
        head = self.head
        frame_head(head, CLOSE, 1, n + 2)
        head[2] = code >> 8
        head[3] = code & 0xFF
        ring.write(head, 0, 4)
        ring.write(reason, 0, n)
        self._go()

    def _end(self):
        # RFC 6455 7.1.1: the server closes first. What still comes is read, so that no reset
        # overtakes what is on its way.
        if self.state < _DONE:
            self.state = _DONE
            self.seconds = 0
            self.ping = False
            self.tx.ring.end()
            try:
                self.conn.shutdown()  # type: ignore[attr-defined]
            except NotConnected:  # it is being reset
                pass

    def _abort(self):
        self.state = _DONE
        self.ping = False
        self.seconds = 0
        try:
            self.conn.abort()  # type: ignore[attr-defined]
        except NotConnected:  # its RST has not left yet
            pass

    # Frames that go

    def _open(self):
        if self.state != _OPEN:
            raise NotConnected("no WebSocket is open here: send between opened() and closed()")

    def _frame(self, op, fin, buf, start, n):
        ring = self.tx.ring
        ring.write(self.head, 0, frame_head(self.head, op, fin, n))
        ring.write(buf, start, n)
        self._go()

    def _go(self):
        try:
            self.conn.resume()  # type: ignore[attr-defined]
        except NotConnected:  # it is being reset; `closed` comes
            pass
