"""A board that is talked to while its page is open: a chat over WebSockets, the seconds as events,
and the files of a folder.

    .venv/bin/python firmware/examples/live.py                and: http://127.0.0.1:9080/, twice
    on a Pico: mpremote mount firmware/examples run firmware/examples/live.py

    curl -N http://127.0.0.1:9080/seconds
    curl -r 0-99 http://127.0.0.1:9080/files/live.py
"""

import example
from uipy.apps import Page, Site
from uipy.web import Events, Folder, Routes, WebApp, WebSockets

HOME = b"""<!doctype html>
<title>uipy</title>
<p>up for <b id=s>?</b> s; say something: <input id=i autofocus>
<a href="/files/live.py">how it is done</a>
<ul id=said></ul>
<script>
let $ = id => document.getElementById(id), ws = new WebSocket("ws://" + location.host + "/chat")
new EventSource("/seconds").onmessage = m => $("s").textContent = m.data
ws.onmessage = m => $("said").appendChild(document.createElement("li")).textContent = m.data
$("i").onchange = () => { ws.send($("i").value); $("i").value = "" }
</script>
"""


class Chat(WebApp):
    """What one says, everybody hears; who reads too slowly misses it."""

    limit = 200

    def opened(self, ws):
        ws.send("there are %d of us" % len(listeners()))

    def received(self, ws, buf, start, n):
        for other in listeners():
            if other.room >= n:
                other.write(buf, start, n, True, ws.last)


class Seconds:
    """Once a second, while somebody listens."""

    n = 0

    def __call__(self, events):
        self.n += 1
        events.send(str(self.n), id=self.n)


def listeners():
    return [ws for ws in chat.sockets if ws.is_open]


chat = WebSockets(Chat, 3)
site = Site()
site.add("/", Page(HOME))
web = Routes(site)
web.route("/chat", chat)
web.route("/seconds", Events(2, 512, Seconds()))
web.route("/files/{name:path}", Folder(example.__file__.rpartition("/")[0] or "."))


def start(stack):
    stack.listen(80, site, 6)


example.run(start, 80)
