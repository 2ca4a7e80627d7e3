"""Exchanges of the parts in web/, and of a board that has all parts with the plain services
(base.py).
"""

from bench import packets
from proof import hotpath
from uipy.apps import Site
from uipy.kern import copy, put16, sadd

from exchanges.base import Case
from exchanges.host import lend

HERE, _, FILE = __file__.rpartition("/")  # any file that there is
MASK = b"\x37\xfa\x21\x3d"
SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 192.168.1.7\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
JSON = b'{"lamp": "kitchen", "level": 150}'


class Client(Case):
    """Asks the same again and again on one connection; each question acknowledges the answer
    before. `text` is what it asks."""

    frames = 1
    answers = True
    text = b""

    def routes(self, web):
        """What is served."""
        raise NotImplementedError

    def make(self):
        from uipy.web import Routes

        site = Site()
        self.web = Routes(site)
        self.routes(self.web)
        self.stack.listen(80, site, 2)
        self.peer = hotpath.Peer(self.stack)
        self.line = hotpath.Line(self.peer, 40000, 80)
        self.hear(hotpath.arp())
        self.line.open()
        self.first()

    def first(self):
        """The answer is as long as that to the first question."""
        f = self.line.f
        text = self.text
        was = bytes(f[hotpath.TCP + 8 : hotpath.TCP + 12])
        self.line.ask(text)
        self.octets = int.from_bytes(f[hotpath.TCP + 8 : hotpath.TCP + 12], "big")
        self.octets -= int.from_bytes(was, "big")
        copy(f, hotpath.TCP + 20, text, 0, len(text))
        f[hotpath.TCP + 13] = hotpath.PSH_ACK
        hotpath.length(f, 20 + len(text))
        self.n = len(text)
        self.f = memoryview(f)[: 54 + self.n]

    def before(self):
        put16(self.f, 50, 0)
        put16(self.f, 50, self.line.sum(self.n))

    def give(self):
        Case.give(self)
        sadd(self.f, hotpath.TCP + 4, self.n)
        sadd(self.f, hotpath.TCP + 8, self.octets)


class Json(Client):
    """A function of the request, which reads JSON and answers with it."""

    text = b"PUT /lamp HTTP/1.1\r\nHost: 192.168.1.7\r\nContent-Type: application/json\r\n"
    text += b"Content-Length: %d\r\n\r\n" % len(JSON) + JSON

    served = -1  # without the first one

    def routes(self, web):
        web.route("/lamp", self.lamp, "PUT")

    def count(self):
        return self.served

    def lamp(self, req):
        if req.json()["level"] == 150:
            self.served += 1
        return {"level": 150}


class Unchanged(Client):
    """A file that the client has already."""

    told = -1  # without the first one

    def routes(self, web):
        from uipy.source import File
        from uipy.web import Folder

        case = self

        class Watched(Folder):
            def judge(self, req, tag, size):
                status = Folder.judge(self, req, tag, size)
                case.told += status == 304
                return status

        folder = Watched(HERE)
        web.route("/{name:path}", folder)
        file = File(HERE + "/" + FILE)
        tag = folder.tag(file, HERE + "/" + FILE, False)
        file.close()
        self.text = b"GET /%s HTTP/1.1\r\nHost: 192.168.1.7\r\nIf-None-Match: %s\r\n\r\n" % (
            FILE.encode(),
            tag.encode(),
        )

    def count(self):
        return self.told


class Guarded(Client):
    """A function behind a name and a password."""

    text = b"GET /lamp HTTP/1.1\r\nHost: 192.168.1.7\r\nAuthorization: Basic "
    text += b"YWRtaW46c2VjcmV0\r\n\r\n"
    served = -1  # without the first one

    def routes(self, web):
        from uipy.web import Basic

        web.guard("/", Basic("admin", "secret"))
        web.route("/lamp", self.lamp)

    def lamp(self, req):
        self.served += 1
        return "on"

    def count(self):
        return self.served


class Told(Client):
    """An event is sent to a client, which acknowledges it."""

    asks, answers = True, False
    text = b"GET /events HTTP/1.1\r\nHost: 192.168.1.7\r\n\r\n"

    def routes(self, web):
        from uipy.web import Events

        self.events = Events(1)
        web.route("/events", self.events)

    def first(self):
        """The others are as long as the first."""
        line = self.line
        line.ask(self.text)
        was = bytes(line.f[hotpath.TCP + 8 : hotpath.TCP + 12])
        self.say()
        line.settle()
        ack = line.f[hotpath.TCP + 8 : hotpath.TCP + 12]
        self.octets = int.from_bytes(ack, "big") - int.from_bytes(was, "big")
        self.n = 0
        self.f = memoryview(line.f)[:54]

    def say(self):
        self.events.send("the tank is at 80 degrees", "heating")

    def before(self):
        sadd(self.f, hotpath.TCP + 8, self.octets)
        Client.before(self)

    def ask(self):
        self.say()
        self.out()

    def give(self):
        Case.give(self)

    def count(self):
        (client,) = self.events.clients
        on_way = client.conn.unacked or client.feed.left
        return 0 if on_way else dict(self.events.counters())["events_sent"] - 1


class WebSocket(Client):
    """A text of 64 octets, which comes back."""

    text = bytes((0x81, 0x80 | 64)) + MASK + bytes([ord("u") ^ MASK[i & 3] for i in range(64)])

    def routes(self, web):
        from uipy.web import WebApp, WebSockets

        class Answers(WebApp):
            heard = -1  # without the first one

            def received(self, ws, buf, start, n):
                self.heard += 1
                return ws.write(buf, start, n, ws.text, ws.last)

        sockets = WebSockets(Answers, 1)
        self.app = sockets.sockets[0].app
        web.route("/ws", sockets)

    def first(self):
        self.line.ask(SHAKE)
        Client.first(self)

    def count(self):
        return self.app.heard


class Echo(Case):
    """What `make bench` counts, here as a yardstick."""

    frames = 1
    kind = "icmp"

    def make(self):
        self.packets = packets.prepare(self.kind, self.stack)
        self.f = memoryview(self.packets.f)[: self.packets.size]

    def give(self):
        self.sent += 1 if self.input(len(self.f), self.now) == self.packets.answer else 0
        self.packets.next()

    def count(self):
        return self.sent


class UdpEcho(Echo):
    kind = "udp"


class TcpEcho(Echo):
    kind = "tcp64"


class Full(Echo):
    """The same on a board where all parts are at work."""

    ip = None

    def make(self):
        from uipy import Groups, Reassembly, Redirects
        from uipy.host import Mdns, Resolver, Sntp, Syslog
        from uipy.web import Folder, Routes

        lend(self)
        stack = self.stack
        self.parts = [Groups(stack), Reassembly(stack), Redirects(stack)]
        self.parts += [Mdns(stack, "board"), Resolver(stack, ["192.168.1.9"])]
        self.parts += [Sntp(stack, ["192.168.1.9"]), Syslog(stack, "192.168.1.9")]
        site = Site()
        Routes(site).route("/{name:path}", Folder(HERE))
        stack.listen(80, site, 2)
        self.wait(12_000)
        Echo.make(self)


class FullUdp(Full):
    kind = "udp"


class FullTcp(Full):
    kind = "tcp64"


CASES = (
    ("http-json", Json),
    ("http-304", Unchanged),
    ("http-basic", Guarded),
    ("events", Told),
    ("websocket", WebSocket),
    ("icmp", Echo),
    ("icmp-all", Full),
    ("udp", UdpEcho),
    ("udp-all", FullUdp),
    ("tcp64", TcpEcho),
    ("tcp64-all", FullTcp),
)
