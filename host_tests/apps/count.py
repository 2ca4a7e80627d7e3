"""Counts the octets of heap that applications take for a whole exchange; prints `octets what`.

Runs on MicroPython of 32 and of 64 bits (tools/proof/heap.py).
"""

import main
from fake_stack import FakeStack
from proof.conn import BUF, OUT, Conn, load
from proof.heap import taken
from uipy.apps import Chargen, Discard, Echo
from uipy.source import Bytes, Chain

BIG = 0x3FFFFFFF


def exchange(conn, n, turns):
    conn.app.connected(conn)
    conn.feed(n)
    conn.pump(turns)
    conn.app.poll(conn)
    conn.app.peer_closed(conn)
    conn.app.closed(conn, "done")


class Leaky(Discard):
    def received(self, conn, buf, start, n):
        self.kept = buf[start : start + n]


stack = FakeStack(BIG)
for k in range(len(stack.stat)):
    stack.stat[k] = BIG
for row in stack.tcp.conns:
    row.state_at = (1 << 29) + 5
web = main.site(stack, "board")
http = Conn(web())
REQUEST = b"%s %s HTTP/1.1\r\nHost: 192.168.1.7\r\nUser-Agent: M\r\nAccept: */*\r\n%s\r\n"
for method, path, more in (
    (b"GET", b"/", b"Connection: keep-alive\r\n"),
    (b"GET", b"/status.json?x=1", b""),
    (b"GET", b"/metrics", b"Connection: close\r\n"),
    (b"HEAD", b"/status.json", b""),
    (b"GET", b"/nothing", b""),
    (b"POST", b"/", b"Content-Length: 5\r\n"),
    (b"BREW", b"/", b""),
    (b"GET", b"x", b""),
    (b"GET", b"/" + b"y" * 300, b""),
    (b"GET", b"/", b"A: " + b"z" * 400 + b"\r\n"),
    (b"GET", b"/", b"Host: twice\r\n"),
):
    text = REQUEST % (method, path, more)
    n = load(text)
    http.octets = 0
    print(taken(lambda n=n: exchange(http, n, 50)), method, path[:20], more[:20])
    assert http.octets > 60, http.octets

n = load(b"GET / HTTP/1.1\r\nHo")
print(taken(lambda: exchange(http, n, 1)), "half a request")
slow = Conn(web()), Conn(web())
for client in (http,) + slow:
    client.app.connected(client)
n = load(REQUEST % (b"GET", b"/metrics", b""))
for client in slow:
    client.feed(n)
print(taken(lambda: http.feed(n)), "all snapshots are out")
print(taken(lambda: slow[0].app.closed(slow[0], "reset")), "who waited is served")
assert http.sending
slow[1].app.seconds = 9
http.app.connected(http)
http.app.snap = -1
print(taken(lambda: http.feed(n)), "who has stalled gives way")
assert slow[1].app.snap < 0 <= http.app.snap
http.pump(50)
n = load(REQUEST % (b"GET", b"/", b"") + REQUEST % (b"GET", b"/nothing", b"") * 5)
http.octets = 0


def ahead():
    http.feed(n)
    http.pump(50)


print(taken(ahead), "sent ahead")
assert http.octets > 5000 and not http.sending

BUF[:] = bytes(6000)
chain = Chain(Bytes(bytes(100)), Bytes(bytes(100)), Bytes(bytes(1000)))
print(taken(lambda: chain.fill(50, OUT, 3, 500)), "chain")
print(taken(lambda: chain.acked(150)), "chain acked")
for app in (Echo(), Chargen(), Discard()):
    conn = Conn(app)
    print(taken(lambda conn=conn: exchange(conn, 1460, 5)), type(app).__name__)
print(taken(lambda: stack.layers[0].output(123456)), "uptime")
leaky = Conn(Leaky())
leaky.app.kept = None
print(taken(lambda: exchange(leaky, 1460, 5)), "leaky")  # must not be 0
