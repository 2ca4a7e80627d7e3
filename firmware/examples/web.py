"""A web server with three kinds of page: octets that never change, a small text that a function
writes anew for each request, and a page of any length that is computed as it is sent.

    .venv/bin/python firmware/examples/web.py                 and: curl http://127.0.0.1:9080/
    on a Pico: mpremote mount firmware/examples run firmware/examples/web.py
"""

import example
from uipy.apps import Page, Site, Text, View

HOME = b"""<!doctype html>
<title>uipy</title>
<p>A web server on a board: <a href="/count">how often</a>, <a href="/squares">squares</a>.
"""


class Counter:
    """How often its page was asked for."""

    n = 0

    def write(self, out):
        self.n += 1
        out.put(b"asked for ")
        out.num(self.n)
        out.put(b" times\n")


class Squares(View):
    """16 kB of text from no memory: it is written again for each segment, and only the part that
    the segment holds is kept."""

    def write(self, out, snap):
        for i in range(1000):
            out.num(i)
            out.put(b" * ")
            out.num(i)
            out.put(b" = ")
            out.num(i * i)
            out.put(b"\n")


def start(stack):
    site = Site()
    site.add("/", Page(HOME))
    site.add("/count", Text(Counter().write))
    site.add("/squares", Squares())
    stack.listen(80, site, 4)


example.run(start, 80)
