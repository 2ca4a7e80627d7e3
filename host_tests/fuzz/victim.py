"""A stack brought into each of the eleven states by real handshakes, and the frames that go in and
out of it."""

import random
from array import array

from fuzz.facts import Tcb
from fuzz.journeys import PORT, Journeys, Reader
from fuzz.shots import BOARD, MAC_BOARD, MAC_PEER, PEER, Shot, pattern
from judge import segment
from judge.segment import MSS, SACK_OK, STAMP, WSCALE, Illegal, option
from judge.tcpcheck import WireCheck
from uipy import Stack

STATES = (
    "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
    "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
)  # fmt: skip
MASK = (1 << 30) - 1
KEY = b"a secret"  # lab.net.KEY: what is recorded can be replayed on MicroPython


class Port:
    """A device that nobody polls: the test calls input and output itself."""

    def __init__(self, l2):
        self.l2 = l2
        self.mac = MAC_BOARD if l2 else b""
        self.mtu = 1500

    def recv_into(self, buf):
        return 0

    def can_send(self):
        return True

    def send(self, buf, n):
        raise AssertionError("nobody polls")

    def link_up(self):
        return True


class Victim(Journeys):
    """One stack, one peer, one connection. Everything follows from the seed."""

    def __init__(self, seed, state):
        self.rng = rng = random.Random(seed)
        self.now = rng.choice((1000, MASK - 300, rng.randrange(MASK)))
        self.l2 = rng.choice((0, 0, 0, 14))
        self.errors = []
        self.sent = []
        self.judge = WireCheck(BOARD, self.l2)
        self.options = self._options()
        self.stack = Stack(
            Port(self.l2),
            ip="10.0.0.1/24",
            key=KEY,
            tcp=2,
            now=self.now & MASK,
            tcp_options=self.options,
        )
        self.stack.on_error = self.errors.append
        served = state != "SYN-SENT" and rng.random() < 0.6
        self.passive = served or state in ("LISTEN", "CLOSED")
        self.apps = []
        self.stamps = None  # (our TSval, the TSval to echo)
        self.late = False
        # in SYN-RECEIVED by a SYN that came in TIME-WAIT: the Side of the connection before
        self.reopened = None
        self.deaf = False
        self.aim = state
        self.app = None
        self.sport, self.dport = rng.randrange(1024, 65536), PORT
        if state != "CLOSED" and self.passive:
            self.stack.listen(PORT, self._app, 2)
        self.seq, self.ack = rng.choice((0, 5, 0xFFFFFFFF, 0x7FFFFFFF, rng.randrange(1 << 32))), 0
        self.tick(0)
        if state not in ("CLOSED", "LISTEN"):
            self.bring(state)

    def _options(self):
        rng = self.rng
        if rng.random() < 0.4:
            return {}
        return {
            "reassembly": rng.choice((0, 4)), "sack": rng.random() < 0.5,
            "timestamps": rng.random() < 0.5, "window_scale": rng.random() < 0.5,
            "ecn": rng.choice((0, 1, 2)), "cookies": rng.random() < 0.3,
            "room": rng.choice((0, 0, 3000, 100000)),
        }  # fmt: skip

    def _app(self):
        self.apps.append(Reader())
        return self.apps[-1]

    # Frames

    def tick(self, ms):
        """Time passes; what is due by itself leaves. Returns the segments."""
        self.now += ms
        self.sent = []
        self._drain()
        return self.sent

    def fire(self, shot):
        """The shot arrives. Returns the segments that it brings about at once."""
        self.sent = []
        self._give(shot.frame(self.l2))
        self._drain()
        return self.sent

    def _give(self, frame):
        buf = self.stack.buf
        buf[2 : 2 + len(frame)] = frame
        n = self.stack.input(len(frame), self.now & MASK)
        if n:
            self._take(bytes(buf[2 : 2 + n]))

    def _drain(self):
        for _ in range(200):
            n = self.stack.output(self.now & MASK)
            if not n:
                return
            self._take(bytes(self.stack.buf[2 : 2 + n]))
        raise Illegal("output() does not come to an end")

    def _take(self, frame):
        if self.l2 and frame[12:14] == b"\x08\x06":
            if frame[21] == 1 and frame[38:42] == PEER:  # who has the peer?
                self._give(
                    MAC_BOARD
                    + MAC_PEER
                    + frame[12:20]
                    + b"\0\2"
                    + MAC_PEER
                    + PEER
                    + MAC_BOARD
                    + BOARD
                )
            return
        seg = self.judge.emitted(frame)
        if seg is None:
            raise Illegal("neither TCP nor ARP: %s" % frame.hex())
        self.sent.append(seg)
        if seg.stamp and self.stamps:
            self.stamps = (self.stamps[0], seg.stamp[0])

    # The peer plays by the rules

    def say(self, flags, size=0, opts=b"", ack=None, wnd=8192):
        """A well-behaved segment of the peer's; returns the answer."""
        if self.stamps:
            self.stamps = (self.stamps[0] + 1 & segment.M32, self.stamps[1])
            if STAMP not in [k for k, _ in segment.parse_options(opts)]:
                opts += b"\1\1" + self._stamp()
        shot = Shot(self.sport, self.dport, self.seq, self.ack if ack is None else ack, flags)
        shot.size, shot.opts, shot.wnd = size, opts, wnd
        side = self.side
        shot.data = pattern((self.seq - side.irs - 1) & segment.M32, size) if size else b""
        self.judge.learn(shot.seg())
        out = self.fire(shot)
        self.seq = self.seq + shot.seg().length & segment.M32
        self.hear(out)
        return out

    def hear(self, segs):
        for s in segs:
            if s.length:
                self.ack = s.seq + s.length & segment.M32

    def _stamp(self):
        return option(STAMP, self.stamps[0].to_bytes(4, "big") + self.stamps[1].to_bytes(4, "big"))

    def _syn_options(self):
        rng = self.rng
        opts = (
            option(MSS, rng.choice((536, 1000, 1460, 9000)).to_bytes(2, "big"))
            if rng.random() < 0.9
            else b""
        )
        if rng.random() < 0.5:
            self.stamps = (rng.randrange(1 << 32), self.stamps[1] if self.stamps else 0)
            opts += self._stamp()
        else:
            self.stamps = None
        if rng.random() < 0.5:
            opts += option(WSCALE, bytes((rng.choice((0, 3, 14)),)))
        if rng.random() < 0.5:
            opts += option(SACK_OK)
        return opts + b"\0" * (-len(opts) % 4)

    @property
    def side(self):
        """What the wire says of this connection (tcpcheck.Side), or None."""
        return self.judge.sides.get((self.dport, PEER, self.sport))

    @side.setter
    def side(self, side):
        key = (self.dport, PEER, self.sport)
        if side is None:
            self.judge.sides.pop(key, None)
        else:
            self.judge.sides[key] = side

    # Where are we?

    @property
    def state(self):
        """The state's name; LISTEN and CLOSED when there is no TCB."""
        t = self.stack.tcp
        for c in t.conns:
            if c.state and (c.lport, c.rport) == (self.dport, self.sport):
                return c.state_name
        high, low = PEER[0] << 8 | PEER[1], PEER[2] << 8 | PEER[3]
        key = array("H", (1, self.dport, self.sport, high, low))
        if t.half.find(key) >= 0:
            return "SYN-RECEIVED"
        if t.wait.find(key) >= 0:
            return "TIME-WAIT"
        return self.nowhere

    @property
    def nowhere(self):
        return "LISTEN" if self.passive and self.aim != "CLOSED" else "CLOSED"

    def tcb(self, state):
        """The variables, as far as the wire and the application tell."""
        side = None if state in ("CLOSED", "LISTEN") else self.side
        app = self.app
        live = app is not None and state not in ("CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED")
        room = 0
        if live and app.reason is None:
            room = app.c.room
        elif state == "SYN-RECEIVED":
            room = self.stack.tcp.default_room
        fin = live and (app.fin or state in ("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"))
        return Tcb(
            side, app.taken if live else 0, int(fin), room, live and app.take is None,
            self.passive,
            self.nowhere == "LISTEN", not self.deaf, self.late, state == "TIME-WAIT",
            self.options.get("ecn") == 2, state in ("SYN-SENT", "SYN-RECEIVED"),
        )  # fmt: skip
