"""What the connections of a site with routes share: a buffer, and the counters."""

from micropython import const

from ..kern import copy

NAMES = (
    "web_requests",
    "web_body_octets",
    "web_too_large",
    "web_unauthorized",
    "web_failed",
    "web_held_octets",
    "web_left_octets",
)
HELP = (
    "Requests for a route, or for a page behind a guard.",
    "Octets of bodies that were read.",
    "Bodies that were refused, being too large (413).",
    "Requests without the right name and password (401).",
    "Handlers that raised (500).",
    "Octets of requests sent ahead that waited for their turn in the buffer.",
    "Octets that found no room there, or were not taken, and had to be sent again.",
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
