"""The ring of events (events.py): how one is written, found, let go, and what a client reads."""

from micropython import const

from ..kern import copy
from ..kern.ptr import kernel, ptr8, ptr32

# Where an event is written, an array('i'): the place in the ring, the size of the ring (0: the
# octets are only counted), and their number.
AT = const(0)
SIZE = const(1)
COUNT = const(2)


@kernel
def put_lines(w: ptr32, mem: ptr8, name: ptr8, data: ptr8, n: int):
    """The n octets of data as lines, each behind `name`, which ends in NUL. CR, LF or both end a
    line; what is behind the last one is a line too.
    """
    at = w[AT]
    size = w[SIZE]
    count = 0
    i = 0
    k = 0
    while i <= n:
        c = 10
        if name[k] != 0:
            c = name[k]
            k += 1
        elif i < n and data[i] != 10 and data[i] != 13:
            c = data[i]
            i += 1
        else:
            k = 0
            i += 1
            if i < n and data[i] == 10 and data[i - 1] == 13:
                i += 1
        count += 1
        if size > 0:
            mem[at] = c
            at += 1
            if at == size:
                at = 0
    w[AT] = at
    w[COUNT] = w[COUNT] + count


@kernel
def first_event(mem: ptr8, size: int, at: int, left: int) -> int:
    """Octets of the first event of those in the ring: up to an empty line."""
    n = 0
    feeds = 0
    while n < left and feeds < 2:
        if mem[at] == 10:
            feeds += 1
        else:
            feeds = 0
        n += 1
        at += 1
        if at == size:
            at = 0
    return n


@kernel
def behind_id(w: ptr32, mem: ptr8, left: int, want: ptr8, n: int) -> int:
    """How many of the last `left` octets of the ring, which begin at w[AT], come behind the last
    event that has the line want[0:n]; -1: none has it.
    """
    at = w[AT]
    size = w[SIZE]
    found = 0 - 1
    hit = 0  # this event has the line
    k = 0  # octets of this line that are as wanted; n + 1: it has another
    length = 0  # of this line
    while left > 0:
        c = mem[at]
        at += 1
        left -= 1
        if at == size:
            at = 0
        if k < n and c == want[k]:
            k += 1
        else:
            k = n + 1
        length += 1
        if c == 10:
            if k == n:
                hit = 1
            if length == 1:
                if hit > 0:
                    found = left
                hit = 0
            k = 0
            length = 0
    return found


@kernel
def broken(mem: ptr8, size: int, at: int, n: int) -> int:
    """1: there is a CR or LF in these octets of the ring."""
    while n > 0:
        if mem[at] == 10 or mem[at] == 13:
            return 1
        at += 1
        if at == size:
            at = 0
        n -= 1
    return 0


class Feed:
    """A source: what one client is still to be told, from the ring of all."""

    counted = True

    def __init__(self, events):
        self.events = events
        self.ended = False
        self.left = 0  # octets of the ring, the last ones, that it has not acknowledged
        self.head = 0  # octets of the first line, likewise

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        e = self.events
        k = 0
        if rel < self.head:
            k = min(n, self.head - rel)
            copy(buf, pos, e.hello, len(e.hello) - self.head + rel, k)
        rel += k - self.head
        n = min(n - k, self.left - rel)
        if n <= 0:
            return k
        at = (e.at + e.left - self.left + rel) % e.size
        rel = min(n, e.size - at)
        copy(buf, pos + k, e.mem, at, rel)
        if n > rel:
            copy(buf, pos + k + rel, e.mem, 0, n - rel)
        return k + n

    def acked(self, n):
        """The first n octets have arrived."""
        k = min(n, self.head)
        self.head -= k
        self.left -= n - k
