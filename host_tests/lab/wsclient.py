"""A WebSocket client octet by octet (RFC 6455), which shares nothing with lib/: `frame` makes one,
with anything wrong about it that a test wants; `heard` reads what a server sends, and `Oracle`
says what a server has to make of a stream, and how it ends.
"""

import struct

from apps.fakes import FakeConn
from uipy.web.websocket import WebApp, WebSocket

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"


def frame(op, data=b"", fin=1, mask=MASK, rsv=0, form=0, length=None):
    """A frame; `form`: 126 or 127 for a longer length than needed, `length` a lie about it."""
    n = len(data) if length is None else length
    form = form or (n if n < 126 else 126 if n < 65536 else 127)
    head = bytes([fin << 7 | rsv << 4 | op, (0x80 if mask else 0) | form])
    head += struct.pack(">H", n) if form == 126 else struct.pack(">Q", n) if form == 127 else b""
    if not mask:
        return head + data
    return head + mask + bytes(c ^ mask[i & 3] for i, c in enumerate(data))


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def heard(data):
    """What a server has sent: [(op, fin, payload)]; fails on what it must not send."""
    found = []
    while data:
        assert data[0] & 0x70 == 0 and data[1] < 128, "RSV or a mask"
        op, fin, n, at = data[0] & 15, data[0] >> 7, data[1], 2
        if n == 126:
            (n,), at = struct.unpack_from(">H", data, 2), 4
            assert n > 125
        elif n == 127:
            (n,), at = struct.unpack_from(">Q", data, 2), 10
            assert n > 65535
        assert op < CLOSE or (n < 126 and fin)
        assert len(data) >= at + n, "half a frame"
        found.append((op, fin, data[at : at + n]))
        data = data[at + n :]
    return found


class Log(WebApp):
    """Notes what it is told: `got` has the messages, as str and bytes."""

    def __init__(self, echo=False):
        self.opens, self.got, self.ends, self.part = 0, [], [], b""
        self.echo = echo
        self.take = None

    def opened(self, ws):
        self.opens += 1

    def received(self, ws, buf, start, n):
        k = n if self.take is None else min(n, self.take)
        if self.echo:
            k = ws.write(buf, start, n, ws.text, ws.last)
        self.part += bytes(buf[start : start + max(0, k)])
        if ws.last and k == n:
            self.got.append(self.part.decode() if ws.text else self.part)
            self.part = b""
        return k if k < n else None

    def closed(self, ws, code):
        self.ends.append(code)


class Talk:
    """A WebSocket on a connection without TCP; `say` gives it octets, `hear` reads its frames."""

    def __init__(self, size=4096, echo=False, limit=None):
        self.app = Log(echo)
        if limit is not None:
            self.app.limit = limit
        self.ws = WebSocket(self.app, size)
        self.connect()

    def connect(self):
        assert self.ws.take()
        self.conn = FakeConn(self.ws)
        self.conn.send(self.ws.tx)

    def say(self, data, cut=None):
        """In pieces of `cut`; what is left untaken is sent again, after what we sent arrived."""
        at = 0
        for _ in range(10 * len(data) + 99):
            if at >= len(data):
                return self
            piece = data[at : at + (cut or len(data))]
            at += len(piece) - len(self.conn.feed(piece))
            self.conn.pump()
        raise AssertionError("not taken: %d of %d" % (at, len(data)))

    def hear(self):
        return heard(self.conn.pump().take_sent())


class Oracle:
    """What is to be made of a stream: `got` messages, `part` of the one that did not end, `pings`
    and the `code` of the end (0: none).
    """

    def __init__(self, data, limit=1 << 20):
        self.got, self.part, self.pings, self.code = [], b"", [], 0
        self.kind, self.limit = 0, limit
        while data and not self.code:
            data = self._frame(data)

    def _frame(self, d):
        op, fin = d[0] & 15, d[0] >> 7
        control = op >= 8
        if d[0] & 0x70 or op in (3, 4, 5, 6, 7) or op > 10 or (control and not fin):
            return self._over(1002)
        if not control and (op == 0) != (self.kind > 0):
            return self._over(1002)
        if len(d) < 2:
            return b""
        n, at = d[1] & 127, 2
        if d[1] < 128 or (control and n > 125):
            return self._over(1002)
        if n > 125:
            at = 4 if n == 126 else 10
            if len(d) < at + 4:
                return b""
            long = int.from_bytes(d[2:at], "big")
            if n == 127 and long >> 63:
                return self._over(1002)
            if long < (126 if n == 126 else 65536):
                return self._over(1002)
            n = long
        if len(d) < at + 4:
            return b""
        mask, at = d[at : at + 4], at + 4
        if not control:
            self.kind = op or self.kind
            if len(self.part) + n > self.limit:
                return self._over(1009)
        data = bytes(c ^ mask[i & 3] for i, c in enumerate(d[at : at + n]))
        whole = len(data) == n
        if control:
            return self._control(op, data, d[at + n :]) if whole else b""
        return self._data(data, whole and fin, d[at + n :])

    def _data(self, data, last, rest):
        if self.kind == 1:
            good = utf8(self.part + data, last)
            if good is not None:
                self.part = (self.part + data)[:good]
                return self._over(1007)
        self.part += data
        if last:
            self.got.append(self.part.decode() if self.kind == 1 else self.part)
            self.part, self.kind = b"", 0
        return rest

    def _control(self, op, data, rest):
        if op == PING:
            self.pings.append(data)
        if op != CLOSE:
            return rest
        code = int.from_bytes(data[:2], "big") if len(data) > 1 else 1005
        fine = code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999
        if len(data) == 1 or (data and not fine):
            return self._over(1002)
        return self._over(1007 if utf8(data[2:], True) is not None else code)

    def _over(self, code):
        self.code = code
        return b""


def utf8(data, whole):
    """None: it is UTF-8, or may become so unless it is `whole`. Otherwise how much is good."""
    try:
        data.decode()
    except UnicodeDecodeError as exc:
        if "unexpected end" in exc.reason:
            return len(data) if whole else None
        # CPython counts from the character; the first octet that cannot follow is meant here.
        k = exc.start
        while _may_begin(data[exc.start : k + 1]):
            k += 1
        return k
    return None


def _may_begin(part):
    try:
        part.decode()
    except UnicodeDecodeError as exc:
        return "unexpected end" in exc.reason
    return True
