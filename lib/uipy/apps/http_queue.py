"""The queue of HTTP requests that are complete and not answered yet.

It lies in a connection's row, behind what http_request.py keeps of the request under way, and ends
with the row. `enqueue` puts a request there, and makes ready for the next; `dequeue` drops the
first.

    AHEAD   how many there are                             LAST    1: nothing is read behind them
    HELD    for Http: seconds that a snapshot was kept
    QUEUE   the first: its STATUS or, if that is 200, 1023 + PAGE; times 4; 2: it was HEAD;
            1: the client will stay
"""

from micropython import const

from ..kern.ptr import kernel, ptr16
from .http_request import BODY, HEAD, KEEP, METHOD, PAGE, STATUS, TOTAL

AHEAD = const(19)  # WORDS of http_request.py and WANTS come before
LAST = const(20)
HELD = const(21)
QUEUE = const(22)
PAGES = const(1023)  # less are statuses


@kernel
def enqueue(s: ptr16):
    """A request is complete: what is to be answered waits for its turn."""
    n = s[STATUS]
    word = 1
    if s[KEEP] == 0 or s[BODY] > 0 or (n != 200 and n != 404 and n != 405):
        s[LAST] = 1
        word = 0
    if n == 200:
        n = PAGES + s[PAGE]
    if s[METHOD] == HEAD:
        word += 2
    s[QUEUE + s[AHEAD]] = (n << 2) | word
    s[AHEAD] = s[AHEAD] + 1
    s[TOTAL] = 0
    s[STATUS] = 0


@kernel
def dequeue(s: ptr16) -> int:
    """The first request is being answered: it leaves the queue."""
    word = s[QUEUE]
    n = s[AHEAD] - 1
    s[AHEAD] = n
    k = QUEUE
    n += QUEUE
    while k < n:
        s[k] = s[k + 1]
        k += 1
    return word
