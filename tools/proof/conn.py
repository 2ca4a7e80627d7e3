"""The least connection that an application needs: no TCP, segments of 536 octets. Runs on every
Python, for scripts that tests start.
"""

BUF = bytearray(6000)  # what is said to the application lies here, from octet 3 on
OUT = bytearray(1600)
FIRST = 64


def load(text):
    """What is to be said; its length."""
    BUF[3 : 3 + len(text)] = text
    return len(text)


class Conn:
    """`octets` counts what was sent, `first` has the beginning of it; `over`: it was aborted.
    Takes no heap once it is made.
    """

    mss = 536
    unacked = 0
    keepalive_s = 0
    crowded = False
    stuck = False  # nothing is sent

    def __init__(self, app):
        self.tcp = self.stack = self
        self.src = None
        self.sending = self.over = False
        self.room = 5840
        self.octets = 0
        self.first = bytearray(FIRST)
        self.app = app
        app.conn = self

    def failed(self, exc):
        print("raised", repr(exc))

    # What an application calls

    def send(self, src):
        self.src = src
        self.sending = True

    finish = send

    def offer(self, n):
        self.room = n

    def resume(self):
        pass

    close = shutdown = resume

    def abort(self):
        self.over = True

    # The other end

    def feed(self, n, step=6000):
        """n octets of what was loaded, `step` in a segment, as far as they are taken."""
        at = 3
        while n > 0:
            k = self.app.received(self, BUF, at, min(n, step))
            if not k:
                break
            at += k
            n -= k

    def pump(self, turns=50):
        """Takes what is sent, in so many segments at the most, and acknowledges it."""
        while self.sending and turns and not self.stuck:
            turns -= 1
            n = self.src.fill(0, OUT, 5, self.mss + 1)
            if n > self.mss:
                n = self.mss
            elif self.src.ended:
                self.sending = False
            elif n == 0:
                return
            self.hear(OUT, 5, n)
            self.octets += n
            self.src.acked(n)
            self.app.acked(self, n)

    def hear(self, buf, pos, n):
        """A segment of n octets is at buf[pos:]."""
        if self.octets == 0:
            for i in range(FIRST):
                self.first[i] = buf[pos + i]
