"""What the connections of a site with routes share: a buffer, and the counters."""

from micropython import const

from ..kern import copy

COUNTERS = (
    "web_requests",  # for a route
    "web_body_octets",  # of bodies that were read
    "web_too_large",  # bodies refused: 413
    "web_unauthorized",  # 401
    "web_failed",  # a handler raised: 500
    "web_held",  # octets that waited in the buffer for what is sent ahead
    "web_left",  # octets left to be sent again
)
N_REQUESTS = const(0)
N_OCTETS = const(1)
N_TOO_LARGE = const(2)
N_UNAUTHORIZED = const(3)
N_FAILED = const(4)
N_HELD = const(5)
N_LEFT = const(6)


class Held:
    """The buffer for what cannot be read before its turn; one connection has it at a time."""

    def __init__(self, size):
        self.buf = bytearray(size)
        self.owner = None
        self.at = self.n = 0

    def room(self):
        return len(self.buf) - self.n

    def put(self, buf, start, n):
        """Append what there is room for; returns how many."""
        mem = self.buf
        if n > len(mem) - self.n:
            n = len(mem) - self.n
        if self.at + self.n + n > len(mem):
            copy(mem, 0, mem, self.at, self.n)
            self.at = 0
        copy(mem, self.at + self.n, buf, start, n)
        self.n += n
        return n
