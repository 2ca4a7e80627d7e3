"""Counts the octets of heap that requests for routes take, from the head to the last ACK; prints
`octets what`, as host_tests/apps/count.py.
"""

from proof.conn import Conn, load
from proof.heap import taken
from uipy.apps import Page, Site
from uipy.source import Bytes
from uipy.web import Basic, Handler, Routes


def exchange(conn, n, step=6000):
    conn.octets = 0
    conn.sending = False
    conn.app.connected(conn)
    conn.feed(n, step)
    conn.pump(99)
    conn.app.poll(conn)
    conn.app.peer_closed(conn)
    conn.app.closed(conn, "done")


class Sink(Handler):
    """Adds up what comes."""

    methods = "POST PUT"
    kept = False
    limit = 5000
    fields = ("X-Some", "Range")

    def __init__(self):
        self.sum = 0

    def begin(self, req):
        self.sum = 0

    def received(self, req, buf, start, n):
        for i in range(n):
            self.sum = (self.sum + buf[start + i]) & 0xFFFF

    def answer(self, req):
        req.find_field(0)
        req.add(b"X-Sum", self.sum)
        req.out.part(req.buf, req.at, req.n)
        return 201


class Keep(Handler):
    methods = "POST"
    limit = 600

    def answer(self, req):
        if req.find_form(b"b"):
            req.out.part(req.buf, req.at, req.n)
        if req.find_query(b"q"):
            req.out.num(req.as_number())
        req.find_arg(0)
        req.out.part(req.buf, req.at, req.n)


class Given(Handler):
    """Gives a source."""

    def __init__(self):
        self.source = Bytes()
        self.data = bytes(900)

    def answer(self, req):
        self.source.load(self.data)
        req.answer.source = self.source
        req.answer.size = 900
        return 200


class Guest:
    conn = None

    def connected(self, conn):
        pass

    def received(self, conn, buf, start, n):
        return n

    def acked(self, conn, n):
        pass

    def peer_closed(self, conn):
        pass

    poll = peer_closed
    closed = acked


class Upgrade(Handler):
    def __init__(self):
        self.guest = Guest()
        self.guest.conn = self

    def answer(self, req):
        req.add(b"Upgrade", b"x")
        return req.hand_over(self.guest)


class Leaky(Handler):
    def answer(self, req):
        req.find_arg(0)
        self.kept = req.value()
        return 204


site = Site()
site.add("/", Page(bytes(700)))
web = Routes(site)
web.route("/sink", Sink())
web.route("/keep/{n}", Keep())
web.route("/given", Given())
web.route("/ws", Upgrade())
web.route("/leaky/{n}", Leaky())
web.route("/files/{n:path}", lambda req: 304)
web.guard("/files", Basic("a", "b"))
conn = Conn(site())
HEAD = b"%s %s HTTP/1.1\r\nHost: 192.168.1.7\r\n%s\r\n"
LONG = b"Content-Length: 4000\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = bytes([k & 0x7F for k in range(4000)])
FORM = b"a=1&b=%41+b&c=d&e=%zz"
KEY = b"Authorization: Basic YTpi\r\n"
chunks = b"".join([b"%x;e\r\n" % 500 + BODY[500 * k : 500 * k + 500] + b"\r\n" for k in range(8)])
page = HEAD % (b"GET", b"/", b"")
put = HEAD % (b"PUT", b"/sink", LONG) + BODY
for what, status, text in (
    ("a body", 201, HEAD % (b"POST", b"/sink", LONG + b"X-Some: y\r\nx-some: z\r\n") + BODY),
    ("chunks", 201, HEAD % (b"PUT", b"/sink", CHUNKED) + chunks + b"0\r\nA: b\r\n\r\n"),
    ("a form", 200, HEAD % (b"POST", b"/keep/x%20y?q=17", b"Content-Length: 21\r\n") + FORM),
    ("a source", 200, HEAD % (b"GET", b"/given", b"")),
    ("HEAD", 200, HEAD % (b"HEAD", b"/given", b"")),
    ("an upgrade", 101, HEAD % (b"GET", b"/ws", b"") + b"frames"),
    ("a key", 304, HEAD % (b"GET", b"/files/a", KEY)),
    ("no key", 401, HEAD % (b"GET", b"/files/a", b"Authorization: Basic YTpj\r\n")),
    ("dots", 404, HEAD % (b"GET", b"/files/a/../b", KEY)),
    ("a page", 200, page),
    ("no method", 405, HEAD % (b"DELETE", b"/sink", b"")),
    ("OPTIONS", 204, HEAD % (b"OPTIONS", b"/sink", b"")),
    ("nothing", 404, HEAD % (b"GET", b"/nothing", b"")),
    ("too long", 413, HEAD % (b"PUT", b"/sink", b"Content-Length: 99999999999999\r\n")),
    ("chunk too long", 413, HEAD % (b"PUT", b"/sink", CHUNKED) + b"fffffff\r\n"),
    ("bad chunk", 400, HEAD % (b"PUT", b"/sink", CHUNKED) + b"x\r\n"),
    ("both", 400, HEAD % (b"PUT", b"/sink", CHUNKED + LONG)),
    ("expectation", 417, HEAD % (b"PUT", b"/sink", LONG + b"Expect: x\r\n")),
    ("coding", 501, HEAD % (b"PUT", b"/sink", b"Transfer-Encoding: gzip\r\n")),
):
    n = load(text)
    print(taken(lambda n=n: exchange(conn, n)), what)
    assert int(conn.first[9:12]) == status, (what, conn.first)
    print(taken(lambda n=n: exchange(conn, n, 7)), what + " in pieces")
    assert int(conn.first[9:12]) == status, (what, conn.first)


def asked():
    conn.octets = 0
    conn.app.connected(conn)
    conn.feed(n)
    conn.pump(9)
    assert conn.octets == 25, conn.octets
    conn.app.closed(conn, "reset")


n = load(HEAD % (b"PUT", b"/sink", LONG + b"Expect: 100-continue\r\n"))
print(taken(asked), "a body asked for")


def slow():
    conn.app.connected(conn)
    conn.feed(len(put) - 1)
    for _ in range(12 + 4000 // 64):
        conn.app.poll(conn)
    conn.pump(9)
    conn.app.closed(conn, "reset")


load(put)
print(taken(slow), "a body that never ends")
n = load(page + put + page)
conn.app.connected(conn)
conn.octets = 0


def ahead():
    conn.feed(n)
    conn.pump(99)


print(taken(ahead), "a body sent ahead")
assert dict(web.counters())["web_held_octets"] > 4000 and conn.octets > 1500
conn.app.closed(conn, "done")
n = load(HEAD % (b"GET", b"/leaky/abcdefghijklmnopqrstuvwxyz", b""))
print(taken(lambda: exchange(conn, n)), "leaky")  # must not be 0
