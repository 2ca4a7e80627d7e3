"""Streams of frames, handshakes and events for the kernels of WebSockets and events. Runs on every
Python, and prints what came of them, as one number.
"""

from proof.conn import Conn
from uipy.apps import Site
from uipy.web import Events, Routes, WebApp, WebSockets

SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: x, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s==\r\n\r\n"
)
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
TEXT = "aé€\U0001f600\ud7ff".encode() * 9
TOTAL = [0]


class Dice:
    """Numbers that are the same on every Python."""

    x = 1

    def roll(self, n):
        self.x = (self.x * 75 + 74) % 65537
        return (self.x >> 3) % n


def note(data):
    """Octets become part of the number."""
    t = TOTAL[0]
    for c in data:
        t = (t * 31 + c + 1) % 1000003
    TOTAL[0] = t


class Log(WebApp):
    limit = 400

    def received(self, ws, buf, start, n):
        note(bytes(buf[start : start + n]))
        note(b"%d" % (2 * ws.text + ws.last))

    def closed(self, ws, code):
        note(b"closed %d" % code)


class Segments(Conn):
    """In and out in pieces; what is sent becomes part of the number."""

    mss = 500

    def __init__(self, app):
        Conn.__init__(self, app)
        app.connected(self)

    def say(self, data, dice):
        at = 0
        while at < len(data):
            n = min(len(data) - at, 1 + dice.roll(90))
            start = dice.roll(9)
            buf = bytearray(start) + data[at : at + n]
            k = self.app.received(self, buf, start, n)
            note(b"%d" % (n if k is None else k))
            at += n if k is None else k
            self.pump(20)

    def hear(self, buf, pos, n):
        note(buf[pos : pos + n])


def frame(dice):
    op = (1, 2, 0, 9, 10, 8, 1, 0, 2, 9, 3)[dice.roll(11)]
    fin = 1 if op > 7 else dice.roll(2)
    n = dice.roll((8, 126, 140, 300)[dice.roll(4)])
    body = (TEXT * 4)[:n] if dice.roll(3) else bytes([dice.roll(256) for _ in range(n)])
    if op > 7:
        body = body[:125]
    if op == 8 and dice.roll(2):
        body = b"\x03\xe8" + TEXT[: dice.roll(20)]
    n = len(body)
    mask = bytes([dice.roll(256) for _ in range(4)])
    head = bytes([fin << 7 | (0x40 if dice.roll(40) == 0 else 0) | op])
    head += bytes([0x80 | n]) if n < 126 else bytes([0xFE, n >> 8, n & 255])
    return head + mask + bytes([body[i] ^ mask[i & 3] for i in range(n)])


def talk(site, dice):
    conn = Segments(site)
    conn.say(SHAKE % bytes([LETTERS[dice.roll(64)] for _ in range(22)]), dice)
    for _ in range(1 + dice.roll(7)):
        conn.say(frame(dice), dice)
    site.closed(conn, "done")


def main(n):
    dice = Dice()
    site = Site()
    web = Routes(site)
    events = Events(1, 200)
    web.route("/ws", WebSockets(Log, 1, 512))
    web.route("/events", events)
    server = site()
    for k in range(n):
        talk(server, dice)
        data = (TEXT[: dice.roll(40)], b"a\nb", b"\r\n", b"")[dice.roll(4)]
        events.send(data, (None, b"e")[dice.roll(2)], (None, k)[dice.roll(2)])
        if k % 10 == 0:
            conn = Segments(server)
            ask = b"GET /events HTTP/1.1\r\nHost: h\r\nLast-Event-ID: %d\r\n\r\n"
            conn.say(ask % (k - dice.roll(9)), dice)
            server.closed(conn, "done")
    print(n, TOTAL[0])


if __name__ == "__main__":
    main(200)
