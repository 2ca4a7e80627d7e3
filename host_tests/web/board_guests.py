"""Counts the octets of heap that WebSockets and events take; prints `octets what`.

Runs on MicroPython of 32 and of 64 bits (tools/proof/heap.py).
"""

import sys

import micropython
from proof.conn import Conn, load
from proof.heap import taken
from uipy.apps import Site, View
from uipy.web import Events, Routes, WebApp, WebSockets

MASK = b"\x37\xfa\x21\x3d"


class Guest(Conn):
    """Says on the console what was raised, which takes heap."""

    def __init__(self, app):
        Conn.__init__(self, app)
        app.connected(self)

    def failed(self, exc):
        micropython.heap_unlock()
        sys.print_exception(exc)
        micropython.heap_lock()


class Echo(WebApp):
    def received(self, ws, buf, start, n):
        return ws.write(buf, start, n, ws.text, ws.last)


class Keeps(WebApp):
    kept = None

    def received(self, ws, buf, start, n):
        self.kept = buf[start : start + n]


class Line(View):
    def write(self, out, snap):
        out.put(b'{"a":')
        out.num(123456)
        out.put(b"}\n")


def frame(op, data, fin=1, rsv=0):
    n = len(data)
    head = bytes([fin << 7 | rsv << 4 | op])
    head += bytes([0x80 | n]) if n < 126 else bytes([0xFE, n >> 8, n & 255])
    return head + MASK + bytes([data[i] ^ MASK[i & 3] for i in range(n)])


site = Site()
web = Routes(site)
echo = WebSockets(Echo, 2, protocol="chat", origins=("http://a",))
keeps = WebSockets(Keeps, 1)
events = Events(2, 600)
web.route("/ws", echo)
web.route("/keeps", keeps)
web.route("/events", events)
SHAKE = (
    b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: %d\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Origin: http://a\r\nSec-WebSocket-Protocol: a, chat\r\n\r\n"
)
servers = [site() for _ in range(6)]
first = Guest(servers[0])
ALL = (
    (SHAKE % (b"/ws", 13), "the handshake"),
    (frame(1, b"caf\xc3\xa9"), "text"),
    (frame(2, bytes(range(200))), "octets"),
    (frame(1, b"frag", 0) + frame(9, b"ping") + frame(0, b"ment"), "fragments, a ping"),
    (frame(1, b"\xe2\x82", 0) + frame(0, b"\xac"), "a character in two"),
    (frame(1, b"") + frame(10, b"pong"), "nothing"),
    (frame(2, bytes(800)) + frame(2, bytes(500)), "more than the ring takes"),
    (frame(8, b"\x03\xe8bye"), "a close"),
)


def said(conn, n):
    conn.feed(n)
    conn.pump()


for text, what in ALL:
    n = load(text)
    first.octets = 0
    print(taken(lambda n=n: said(first, n)), what)
    assert first.octets, what
print(taken(lambda: servers[0].peer_closed(first)), "its FIN")
print(taken(lambda: servers[0].closed(first, "done")), "the end")
for bad in (
    frame(1, b"\xff"), frame(3, b""), frame(1, b"x", 1, 4), frame(0, b"x"), frame(8, b"\0"),
    frame(8, b"\3\xe8\xff"), b"\x81\x01x", b"\x82\xff\x7f" + bytes(11), b"\x82\xff" + bytes(12),
):  # fmt: skip
    conn = Guest(servers[0])
    load(SHAKE % (b"/ws", 13))
    said(conn, len(SHAKE % (b"/ws", 13)))
    conn.octets = 0
    n = load(bad)
    print(taken(lambda conn=conn, n=n: said(conn, n)), bad[:6], "refused")
    assert conn.octets == 4, conn.octets
    servers[0].closed(conn, "reset")
conn = Guest(servers[0])
n = load(SHAKE % (b"/ws", 12))
print(taken(lambda: said(conn, n)), "another version")
n = load(SHAKE.replace(b"//a", b"//b") % (b"/ws", 13))
print(taken(lambda: said(conn, n)), "another origin")
n = load(b"GET /ws HTTP/1.1\r\nHost: h\r\n\r\n")
print(taken(lambda: said(conn, n)), "no handshake")
n = load(SHAKE % (b"/ws", 13))
said(conn, n)
said(Guest(servers[1]), n)
third = Guest(servers[2])
third.octets = 0
print(taken(lambda: said(third, n)), "no place")
ws = echo.sockets[0]
data = bytes(100)
print(taken(lambda: (ws.send(data), conn.pump())[0]) * 0 + taken(lambda: ws.send(data)), "send")
for k in range(70):
    servers[0].poll(conn)
assert conn.over
servers[0].closed(conn, "aborted")

ASK = b"GET /events HTTP/1.1\r\nHost: h\r\nLast-Event-ID: 3\r\n\r\n"
events.send(b"two\nlines", b"door", 3)
events.send(b"again", None, 4)
n = load(ASK)
conn = Guest(servers[0])
print(taken(lambda: said(conn, n)), "a client of events")
other = Guest(servers[3])
said(other, n)
last = Guest(servers[4])
print(taken(lambda: said(last, n)), "no place for events")
view = Line()


def news():
    for i in range(60):
        events.send(b"two\nlines", b"door", i)
        events.show(view)
        conn.pump()
        other.pump()


print(taken(news), "events")
other.stuck = True
other.unacked = 5
print(taken(news), "a slow client is reset")
assert other.over
print(taken(lambda: servers[0].poll(conn)), "a second")
print(taken(lambda: servers[0].closed(conn, "reset")), "gone")

conn = Guest(servers[0])
n = load(SHAKE % (b"/keeps", 13))
said(conn, n)
n = load(frame(2, bytes(100)))
print(taken(lambda: said(conn, n)), "leaky")  # must not be 0
