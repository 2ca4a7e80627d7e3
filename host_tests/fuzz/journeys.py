"""How a victim (victim.py) gets into each of the eleven states: by what an honest peer says."""

from fuzz.shots import pattern
from judge import segment
from judge.segment import ACK, FIN, PSH, STAMP, SYN
from uipy import App, Bytes

PORT = 7


class Reader(App):
    """Takes what the peer sends, compares it with what the peer really said, and leaves closing to
    the test."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.taken = 0
        self.fin = False
        self.reason = None
        self.take = None  # a function of n, or None for all
        self.wrong = None
        self.c = None

    def connected(self, conn):
        self.reset()
        self.c = conn

    def received(self, conn, buf, start, n):
        k = n if self.take is None else self.take(n)
        if bytes(buf[start : start + k]) != pattern(self.taken, k):
            self.wrong = "octets at %d that the peer did not send" % self.taken
        self.taken += k
        return k

    def peer_closed(self, conn):
        self.fin = True

    def closed(self, conn, reason):
        self.reason = reason


class Journeys:
    """The part of a Victim that plays by the rules; `bring` is the way in."""

    def bring(self, state):
        """A real handshake, then whatever leads to `state`."""
        if state == "SYN-SENT" or not self.passive:
            self._connect()
        if state == "SYN-SENT":
            return
        if state == "SYN-RECEIVED":
            self.say(SYN, opts=self._syn_options())
            self._settled()
            return
        self._establish()
        getattr(self, "_to_" + state.lower().replace("-", "_"))()

    def _connect(self):
        self.app = Reader()
        self.sport = PORT
        conn = self.stack.connect(self.app, "10.0.0.9", PORT)
        self.dport = conn.lport
        self.app.c = conn
        self.stamps = None
        out = self.tick(0)
        if out and out[-1].stamp:
            self.stamps = (1, out[-1].stamp[0])
        self.hear(out)

    def _establish(self):
        if self.passive:
            self.say(SYN, opts=self._syn_options())
            self._settled()
            self.say(ACK)
        else:
            self.say(SYN | ACK, opts=self._syn_options())
            self._settled()
        if self.passive:
            self.app = next(a for a in self.apps if a.c is not None)
        self.hear(self.tick(0))

    def _settled(self):
        if not self.side.agreed(STAMP):
            self.stamps = None

    def _mess(self):
        # Something in flight, something received, an odd room.
        rng, conn = self.rng, self.app.c
        if rng.random() < 0.3:
            conn.room = rng.choice((0, 1, 700, 5000))
        if rng.random() < 0.5:
            self.say(
                ACK | PSH,
                size=min(rng.choice((1, 300, 1000)), max(self.side.edge - 1 - self.app.taken, 0)),
            )
        if rng.random() < 0.5:
            conn.send(Bytes(rng.randbytes(rng.choice((1, 800, 3000)))))
            self.hear(self.tick(0))
            if rng.random() < 0.3:
                self.say(ACK)

    def _to_established(self):
        self._mess()
        if self.rng.random() < 0.2:
            self.app.take = lambda n: self.rng.choice((0, n // 2, n))

    def _fin(self):
        """Our FIN leaves; all before it fits into the peer's window."""
        if self.rng.random() < 0.3:
            self.deaf = True
            self.app.c.close()
        else:
            self.app.c.shutdown()
        self.hear(self.tick(0))
        for _ in range(20):
            if self.side.fin is not None:
                return
            self.say(ACK)
            self.hear(self.tick(1500))
        raise AssertionError("the FIN does not leave")

    def _to_fin_wait_1(self):
        self._mess()
        self._fin()

    def _to_fin_wait_2(self):
        self._to_fin_wait_1()
        self._acknowledge()

    def _acknowledge(self):
        self.ack = self.side.iss + self.side.fin + 1 & segment.M32
        self.say(ACK)

    def _peer_fin(self, ack=None):
        self._reads_all()
        self.say(FIN | ACK, ack=ack)
        self.hear(self.tick(0))

    def _reads_all(self):
        # A FIN needs a place in the window.
        if self.app.reason is None and self.side.edge <= 1 + self.app.taken:
            self.app.c.room = 3000
            self.app.c.resume()
            self.tick(0)

    def _to_close_wait(self):
        self._mess()
        self._peer_fin()

    def _to_closing(self):
        self._mess()
        self._fin()
        self._peer_fin(ack=self.side.iss + max(self.side.una, 1))

    def _to_last_ack(self):
        self._to_close_wait()
        self._fin()

    def _to_time_wait(self):
        if self.rng.random() < 0.3:
            self._to_closing()
            self._acknowledge()
        else:
            self._to_fin_wait_2()
            self._peer_fin()
