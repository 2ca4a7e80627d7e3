"""A page of WebSockets (RFC 6455 4.2): the handshake. ws_conn.py is one connection.

    class Chat(WebApp):
        def received(self, ws, buf, start, n): ...

    chat = WebSockets(Chat, 4)
    web = Routes(site)
    web.route("/chat", chat)
    for ws in chat.sockets:  # to everybody
        if ws.is_open:
            ws.send("hello")

firmware/examples/live.py is a whole one.
"""

from array import array

from micropython import const

from ..kern import bump
from ..kern.ptr import kernel, ptr8
from .head import MINOR_NO
from .routes import Handler
from .ws_conn import WebSocket
from .ws_key import Key, is_key

NAMES = ("ws_opened", "ws_refused", "ws_failed", "ws_lost")
HELP = (
    "WebSockets that were opened.",
    "Handshakes that were refused.",
    "WebSockets that were ended because the client broke the protocol.",
    "WebSockets that ended without a Close.",
)
_OPENED = const(0)
_REFUSED = const(1)  # give_back() of ws_conn.py knows the others


@kernel
def has_word(b: ptr8, i: int, n: int, word: ptr8) -> int:
    """1: the list at b[i:i+n] has this word, in small letters and with a NUL behind it, in any
    case, by itself between commas."""
    end = i + n
    while i < end:
        while i < end and (b[i] == 32 or b[i] == 9 or b[i] == 44):
            i += 1
        k = 0
        while i < end and word[k] != 0 and b[i] | 32 == word[k]:
            i += 1
            k += 1
        while i < end and (b[i] == 32 or b[i] == 9):
            i += 1
        if word[k] == 0 and (i == end or b[i] == 44):
            return 1
        while i < end and b[i] != 44:
            i += 1
    return 0


class WebApp:
    """One client's application. Override what you need; all of it runs inside `poll`. One that
    raises loses its connection.
    """

    limit = 1 << 20  # octets that a message may have, under 2**28; more end it with 1009
    ping_s = 30  # of silence, then a Ping; twice that ends it. 0 = never

    def opened(self, ws):
        """The handshake is answered: `ws.send` may be called, until `closed`."""

    def received(self, ws, buf, start, n):
        """n octets of a message lie at buf[start:], valid during this call only. `ws.text`: it is
        text (a character may be cut between two pieces; what is not UTF-8 never comes here);
        `ws.last`: it ends with them (n may be 0 then).

        Return how many were taken, None for all; the client sends the others again, after a time.
        Of n = 0, -1 takes nothing.
        """

    def sent(self, ws):
        """The client has acknowledged something: there is more `ws.room`."""

    def closed(self, ws, code):
        """The last callback. The code of the client's Close, or ours if the client was wrong (RFC
        6455 7.4.1); 1005: its Close had none; 1006: there was no Close."""


class WebSockets(Handler):
    """n WebSockets (2), each with an app() of its own and a ring of `size` octets (1024): 750
    octets of RAM and the ring, each; 750 for all of them. Who finds all of them taken gets a 503.
    When the rows or the site's clients are all taken, one on which nothing has moved for 5 s makes
    room for a newcomer: `listen(..., spare_ms=0)` says otherwise.

    protocol  the one subprotocol that is spoken, a str; it is told to who offers it. A longer one
              than 9 letters wants more room than 128 octets in Routes(fields=...)
    origins   a tuple of the sites whose pages may connect, "http://192.168.1.7" (RFC 6455 10.2);
              others get a 403. None: all. A client that is no browser says nothing, and may
    """

    methods = "GET"
    fields = (
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Origin",
    )

    def __init__(self, app, n=2, size=1024, protocol=None, origins=None):
        self.sockets = [WebSocket(app(), size) for _ in range(n)]
        self.stat = array("i", bytes(4 * len(NAMES)))
        self.key = Key()
        self.text = bytearray(28)
        self.protocol = None
        if protocol is not None:
            self.protocol = protocol.encode()
            self.spoken = protocol.lower().encode() + b"\0"
        self.origins = None if origins is None else tuple([o.encode() for o in origins])

    def find(self, req, name):
        """A header field, by its name in small letters; takes no heap."""
        return req.find_field(req.routes.names.index(name))

    def counters(self):
        """(name, value) of each."""
        for k in range(len(NAMES)):
            yield NAMES[k], self.stat[k]

    def answer(self, req):
        """The handshake: 101, or what is wrong with it."""
        req.data = None  # another handler's
        status = self._judge(req)
        bump(self.stat, _OPENED if status == 101 else _REFUSED)
        return status

    def _judge(self, req):
        if req.method != "GET" or not req.row[MINOR_NO]:
            return 400  # RFC 6455 4.2.1 (1)
        if not self.find(req, "upgrade") or not has_word(req.buf, req.at, req.n, b"websocket\0"):
            req.add(b"Upgrade", b"websocket")
            return 426  # RFC 9110 15.5.22
        if not self.find(req, "connection") or not has_word(req.buf, req.at, req.n, b"upgrade\0"):
            return 400
        if not self.find(req, "sec-websocket-version") or not req.value_is(b"13"):
            req.add(b"Sec-WebSocket-Version", b"13")
            return 426  # RFC 6455 4.4
        if not self.find(req, "sec-websocket-key") or not is_key(req.buf, req.at, req.n):
            return 400
        self.key.accept(req.buf, req.at, self.text, 0)
        if self.origins is not None and self.find(req, "origin"):
            if not self._may(req):
                return 403
        for ws in self.sockets:
            if ws.take():
                return self._opened(req, ws)
        return 503

    def _may(self, req):
        for origin in self.origins:
            if req.value_is(origin):
                return True
        return False

    def _opened(self, req, ws):
        req.data = ws
        req.add(b"Upgrade", b"websocket")
        req.add(b"Connection", b"Upgrade")
        req.add(b"Sec-WebSocket-Accept", self.text)
        if self.protocol is not None and self.find(req, "sec-websocket-protocol"):
            if has_word(req.buf, req.at, req.n, self.spoken):
                req.add(b"Sec-WebSocket-Protocol", self.protocol)
        return req.hand_over(ws, 101, ws.tx)

    def ended(self, req):
        """The connection is gone, perhaps before it was handed over."""
        if req.data is not None:
            k = req.data.give_back()
            req.data = None
            if k > 0:
                bump(self.stat, k)
