"""An echo server: what a client sends goes back to it. One ring of octets is both where they go in
and where they come out, so the window that the client is offered is the room in it.

    .venv/bin/python firmware/examples/echo.py --drop 5       and: nc 127.0.0.1 9007
    on a Pico: mpremote mount firmware/examples run firmware/examples/echo.py
"""

import example
from uipy import Ring
from uipy.stream import Stream


class Echo(Stream):
    def __init__(self):
        self.rx = self.tx = Ring(5840)


def start(stack):
    stack.listen(7, Echo, 4)


example.run(start, 7)
