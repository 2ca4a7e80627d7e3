"""A board that is told what to do over HTTP: a form, lamps with an address each, a file that is
taken in piece by piece, and a password for what must not be everybody's.

    .venv/bin/python firmware/examples/control.py             and: http://127.0.0.1:9080/
    on a Pico: mpremote mount firmware/examples run firmware/examples/control.py

    curl -X PUT -d on http://127.0.0.1:9080/lamp/2
    curl http://127.0.0.1:9080/lamp/2
    curl -u admin:secret -T README.md http://127.0.0.1:9080/admin/sum
"""

import example
from uipy.apps import Page, Site
from uipy.web import Basic, Handler, Routes

HOME = b"""<!doctype html>
<title>uipy</title>
<form method=post action=/name>The board's name: <input name=name> <input type=submit></form>
<p><a href="/name">its name</a>, <a href="/lamp/2">lamp 2</a>, <a href="/admin/">admin</a>
"""

site = Site()
site.add("/", Page(HOME))
web = Routes(site)
web.guard("/admin", Basic("admin", "secret"))
lamps = bytearray(4)
board = {"name": "uipy"}


@web.get("/name")
def name(req):
    return board["name"]


@web.post("/name")
def rename(req):
    board["name"] = req.form("name", "uipy")
    return req.redirect("/name", 303)


@web.route("/lamp/{n:int}", methods="GET PUT")
def lamp(req):
    n = req.number("n")
    if not 0 <= n < len(lamps):
        return 404
    if req.method == "PUT":
        lamps[n] = req.text() == "on"
        return 204
    return "on\n" if lamps[n] else "off\n"


class Sum(Handler):
    """Adds up the octets of a file of any length, as they come: none of them is kept."""

    methods = "PUT"
    kept = False
    limit = 1000000

    def begin(self, req):
        req.data = 0

    def received(self, req, buf, start, n):
        for i in range(start, start + n):
            req.data = (req.data + buf[i]) & 0xFFFF

    def answer(self, req):
        return {"sum": req.data}


web.route("/admin/sum", Sum())
web.route("/admin/", lambda req: "what only admin may see\n")


def start(stack):
    stack.listen(80, site, 4)


example.run(start, 80)
