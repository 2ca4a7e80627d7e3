"""Daytime Protocol (RFC 867), on TCP: one line with date and time, then the end."""

import time

from ..app import App
from ..source import Bytes
from ..writer import Writer


class Daytime(App):
    """Sends "2026-03-01 12:34:56" CR LF, whatever the client says, and closes.

    `clock` gives (year, month, day, hour, minute, second, ...); a board without a clock set counts
    from its own beginning. The tuple that it returns is the one thing that this application takes
    from the heap, once a connection.
    """

    def __init__(self, clock=time.localtime):
        self.clock = clock
        self.line = bytearray(21)
        self.source = Bytes()
        self.out = Writer()

    def connected(self, conn):
        t = self.clock()
        out = self.out
        out.aim(self.line, 0, 0, 21)
        out.num(t[0])
        for i in range(1, 6):
            out.part(b"-- ::", i - 1, 1)
            out.two(t[i])
        out.put(b"\r\n")
        self.source.load(self.line, out.count)
        conn.finish(self.source)
