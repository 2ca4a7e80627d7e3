"""Counts what waits and the background take of the heap; runs on MicroPython of 32 and 64 bits.

Prints `what octets` for each. A ping is answered in each poll.
"""

# mypy: ignore-errors
import gc

from uipy import Stack, loop

PING = b"\x45\0\0\x1c\0\x01\0\0\x40\x01\x66\xde\x0a\0\0\2\x0a\0\0\1\x08\0\xf7\xff\0\0\0\0"
TIMES = 200


class Line:
    """A ping lies in it for each poll; what is sent is counted."""

    l2 = 0
    mtu = 1500
    mac = b""
    pings = sent = 0

    def recv_into(self, buf):
        if not self.pings:
            return 0
        self.pings = 0
        for i in range(len(PING)):
            buf[2 + i] = PING[i]
        return len(PING)

    def can_send(self):
        return True

    def send(self, buf, n):
        self.sent += 1

    def link_up(self):
        return True


class Timer:
    """As much of machine.Timer as the loop looks at; it never fires."""

    ONE_SHOT, PERIODIC = 0, 1

    def init(self, mode=0, period=0, callback=None):
        pass


def called(arg):
    pass


line = Line()
stack = Stack(line, "10.0.0.1/24", tcp=2, udp=2, key=b"a board.")
the = loop.attach(stack, wait=called)


def background():
    line.pings = 1
    the.come(None)


def step():
    line.pings = 1
    the.step()


def yes():
    return True


def wait():
    line.pings = 1
    the.until(yes, 100)


def held():
    with the:
        the.come(None)


def deferred():
    the.defer(called, line)
    the.defer(called, None)
    the.step()


def marked():
    the.mark()


def count(f):
    for _ in range(3):
        f()
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(TIMES):
        f()
    print(f.__name__, gc.mem_alloc() - before)


def main():
    for with_timer in (False, True):
        if with_timer:
            the.timer = Timer()
        for f in (background, step, wait, held, deferred, marked):
            count(f)
    print("answered", line.sent >= 6 * TIMES)


main()
