"""Clients of a site with routes, without TCP: each is a connection of apps/fakes.py. `told` reads
a stream of events.
"""

from types import SimpleNamespace

from apps.fakes import FakeConn
from apps.test_http import Answer, get
from uipy.apps.site import Site
from uipy.web.routes import Routes


class Conn(FakeConn):
    """`unacked` as a test sets it: octets that are on their way."""

    unacked = 0
    frozen = False  # nothing that is sent arrives

    def __init__(self, app, errors):
        self.tcp = SimpleNamespace(stack=SimpleNamespace(failed=errors.append))
        FakeConn.__init__(self, app)

    def pump(self, n=1460, turns=10000):
        return self if self.frozen else FakeConn.pump(self, n, turns)


class Web:
    """A site with one route; `ask` sends a request on a connection of its own."""

    def __init__(self, path, handler, **more):
        self.errors = []
        self.site = Site()
        self.routes = Routes(self.site, **more)
        self.routes.route(path, handler)

    def client(self):
        return Conn(self.site(), self.errors)

    def ask(self, path, *fields, method=b"GET", **more):
        path = path if isinstance(path, bytes) else path.encode()
        conn = self.client()
        assert conn.feed(get(path, *fields, method=method, **more)) == b""
        answer = Answer(conn.pump().take_sent(), method.decode())
        conn.reset()
        assert not self.errors, self.errors
        return answer


def told(data):
    """What an EventSource makes of a stream (the HTML standard, 9.2.6): [(type, data, id)]."""
    found, kind, lines, last = [], "", [], ""
    whole, _, rest = data.decode().rpartition("\n\n")
    for line in (whole + "\n\n").replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        name, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if line == "":
            if lines:
                found.append((kind or "message", "\n".join(lines), last))
            kind, lines = "", []
        elif name == "data":
            lines.append(value)
        elif name == "event":
            kind = value
        elif name == "id":
            last = value
        else:
            assert name in ("", "retry"), line
    return found, rest
