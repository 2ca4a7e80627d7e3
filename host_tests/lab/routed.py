"""A site with routes on a connection without TCP (apps/fakes.py)."""

from apps.fakes import FakeConn
from apps.test_http import Answer
from uipy.apps.site import Page, Site, Text
from uipy.web.routes import Routes


class _Stack:
    """Takes what a callback raised."""

    def __init__(self):
        self.errors = []

    def failed(self, exc):
        self.errors.append(exc)


class Conn(FakeConn):
    """Keeps what a handler raised in `errors`."""

    def __init__(self, app, room=5840):
        self.tcp = self
        self.stack = _Stack()
        self.errors = self.stack.errors
        FakeConn.__init__(self, app, room)


def routes(**more):
    """(Site with a page at / and a text at /hello, its Routes)."""
    site = Site()
    site.add("/", Page(b"<p>root</p>"))
    site.add("/hello", Text(lambda out: out.put(b"hello ")))
    return site, Routes(site, **more)


def request(target, *fields, method=b"GET", body=None, version=b"1.1"):
    """The octets of a request; a body brings its Content-Length."""
    lines = [method + b" " + target + b" HTTP/" + version, b"Host: board", *fields]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def chunked(body, n):
    """The body in chunks of n octets."""
    parts = [body[i : i + n] for i in range(0, len(body), n)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def answers(conn, methods=(), n=1460):
    """All the answers that come; `methods` tells of HEAD."""
    rest, found = conn.pump(n).take_sent(), []
    while rest:
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        found.append(Answer(rest, method))
        rest = found[-1].rest
    return found


def ask(conn, text, method="GET", n=1460):
    """One request, its answer."""
    assert conn.feed(text) == b""
    (found,) = answers(conn, [method], n)
    return found
