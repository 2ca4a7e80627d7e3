"""Daytime Protocol (RFC 867), on TCP: one line with date and time, then the end."""

import time

from ..app import App
from ..source import Bytes


class Daytime(App):
    """Sends "2026-03-01 12:34:56" CR LF, whatever the client says, and closes.

    `clock` gives (year, month, day, hour, minute, second, ...); a board without a clock set counts
    from its own beginning. The tuple that it returns is the one thing that this application takes
    from the heap, once a connection.
    """

    keepalive_s = 300  # a client that has vanished does not stay for ever

    def __init__(self, clock=time.localtime):
        self.clock = clock
        self.line = bytearray(b"0000-00-00 00:00:00\r\n")
        self.source = Bytes()

    def connected(self, conn):
        t = self.clock()
        for i in range(6):
            # Four digits of the year or two of the others, from the last one on.
            n = t[i]
            at = 3 * i + 3
            for _ in range(2 if i else 4):
                self.line[at] = 48 + n % 10
                n //= 10
                at -= 1
        self.source.load(self.line)
        conn.keepalive_s = self.keepalive_s
        conn.finish(self.source)
