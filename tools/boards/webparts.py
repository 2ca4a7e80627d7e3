"""What a web server has besides pages (lib/uipy/web/), on one port, for tests.

/www/...   the folder that UIPY_WWW names      /events   the number of a second, once in it
/echo      a WebSocket that sends back         /close    one that closes with 4001 "enough"
"""

import os

from uipy.apps import Site
from uipy.web import Events, Folder, Routes, WebApp, WebSockets

PORT = 8081
_RING = 8192


class Echo(WebApp):
    """What comes goes back. The client may send as much as there is room for."""

    def received(self, ws, buf, start, n):
        k = ws.write(buf, start, n, ws.text, ws.last)
        ws.conn.room = max(0, ws.room - 256)
        return k

    def sent(self, ws):
        ws.conn.offer(max(0, ws.room - 256))


class Closes(WebApp):
    """A word, and the end."""

    def opened(self, ws):
        ws.send("until here")
        ws.close(4001, b"enough")


class Seconds:
    """News: the number of a second. Every fifth is called "five", and has two lines."""

    n = 0

    def __call__(self, events):
        self.n += 1
        if self.n % 5:
            events.send(str(self.n), id=self.n)
        else:
            events.send(str(self.n) + "\nand a line", "five", self.n)


def start(stack, clients):
    """Listens."""
    site = Site()
    web = Routes(site, head=512)
    web.route("/www/{name:path}", Folder(os.getenv("UIPY_WWW") or "."))
    web.route("/events", Events(2, 1024, Seconds(), 500))
    web.route("/echo", WebSockets(Echo, 3, _RING, protocol="echo"))
    web.route("/close", WebSockets(Closes, 1))
    stack.listen(PORT, site, clients)
