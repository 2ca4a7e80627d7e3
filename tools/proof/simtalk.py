"""Two applications talk over a simulated network (netsim.py): seeded octets each way, then a close
of a chosen kind.

    python tools/proof/simtalk.py seed=7 loss=5 reorder=10 ...
                                    runs one conversation; tests print this line when one fails
    python tools/proof/simtalk.py --trace --pcap f.pcap seed=7
                                    the same, every segment printed or kept for Wireshark

A conversation holds when every octet arrived in order exactly once, both applications were told
'done', no callback raised, the judges of both wires had nothing to say, and nothing is left of the
connection: what TIME-WAIT kept is drained, and a stray ACK is answered with a RST, as in CLOSED
(RFC 9293 3.10.7.1).
"""

import random
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

from judge import segment
from uipy import App, Bytes, Ring, Stack
from wire.netsim import MASK, Link, Net, Stuck

DEFAULTS = {
    "seed": 1,
    # the wire, both ways
    "loss": 0, "reorder": 0, "dup": 0, "corrupt": 0, "delay": 5, "jitter": 0,
    "rate": 0, "buffer": 0, "l2": 14, "mtu": 1500, "mtu2": 0, "busy": 0,
    # the stacks
    "reassembly": 0, "sack": 0, "timestamps": 0, "window_scale": 0, "ecn": 0,
    "cookies": 0, "room": 0, "max_flight": 0, "rto_min": 1000,
    # the applications: octets each way, conversations at once, how they read, send and close
    "up": 20000, "down": 20000, "conns": 1, "reader": "fast", "source": "bytes",
    "close": "finish", "urgent": 0, "start": 1000, "limit": 900,
    "patience": 3000,  # s: R2
}  # fmt: skip

PORT = 7
KEY = b"a secret"  # as in host_tests/lab/net.py: what is recorded can be replayed on MicroPython
# ms. TIME-WAIT outlasts eight of the longest timeouts, so that a last ACK lost again and again is
# not answered by a RST.
MSL = 240_000
OPTIONS = (
    "reassembly", "sack", "timestamps", "window_scale", "ecn", "cookies", "room", "max_flight",
    "rto_min",
)  # fmt: skip


class Generated:
    """A source that makes its octets when they are asked for, and has them only in pieces (`step`
    more at a time).
    """

    def __init__(self, data, step):
        self.data = data
        self.step = step
        self.at = 0
        self.ready = step

    @property
    def ended(self):
        return self.ready >= len(self.data)

    def fill(self, rel, buf, pos, n):
        n = max(0, min(n, self.ready - self.at - rel, len(self.data) - self.at - rel))
        buf[pos : pos + n] = self.data[self.at + rel : self.at + rel + n]
        return n

    def acked(self, n):
        self.at += n
        if self.at + 2 * self.step > self.ready:
            self.ready += self.step


class Talker(App):
    """Sends `out`, expects `want`; `how` is the run's parameters."""

    poll_ms = 40

    def __init__(self, name, out, want, how, rng):
        self.name = name
        self.out = out
        self.want = want
        self.how = how
        self.rng = rng
        self.got = 0
        self.fin = False
        self.reason = None
        self.faults = []
        self.ring = None
        self.fed = 0
        self.deaf = False
        self.opened = False
        self.refused = 0
        self.urgent_seen = 0
        self.urgent_end = 0  # what we said is urgent ends here
        self.partner = self
        self.sent_acked = 0
        self.at_end = 0  # the virtual time of the peer's FIN, for measurements
        self.clock = None

    def fault(self, text):
        self.faults.append("%s: %s" % (self.name, text))

    # Sending

    def connected(self, conn):
        if self.opened:
            self.fault("connected twice")
        self.opened = True
        conn.user_timeout_s = self.how["patience"]
        if self.how["reader"] == "slow":
            conn.room = self.rng.choice((0, 1, 300, 2000))
        if self.how["close"] == "answer" and self.name.startswith("server"):
            return  # speaks when the client has finished: half-close (RFC 9293 3.6.1)
        self._speak(conn)

    def _speak(self, conn):
        src = self._source()
        if self.how["close"] == "finish" and not self.how["urgent"]:
            conn.finish(src)
            return
        conn.send(src)
        if self.how["urgent"] and self.out:
            self.urgent_end = min(len(self.out), self.rng.choice((1, 1, 10, 3000)))
            conn.push_urgent(self.urgent_end)
        conn.shutdown()

    def _source(self):
        kind = self.how["source"]
        if kind == "ring":
            self.ring = Ring(3000)
            return self.ring
        if kind == "pieces":
            return Generated(self.out, self.rng.choice((1 + len(self.out) // 40, 700, 5000)))
        return Bytes(self.out)

    def _feed(self, conn):
        if self.ring is None or self.ring.ended:
            return
        n = self.ring.write(
            self.out, self.fed, min(len(self.out) - self.fed, self.rng.randint(1, 3000))
        )
        self.fed += n
        if self.fed == len(self.out):
            self.ring.end()
        conn.resume()

    def acked(self, conn, n):
        self.sent_acked += n
        if self.sent_acked > len(self.out):
            self.fault("acked %d of %d octets" % (self.sent_acked, len(self.out)))
        self._feed(conn)

    # Receiving

    def received(self, conn, buf, start, n):
        take = n
        if self.how["reader"] == "partial":
            take = self._some(n)
        elif self.how["reader"] == "slow":
            conn.room = max(
                conn.room - n, 0
            )  # what was offered is taken; the window closes behind it
        if self.fin:
            self.fault("octets behind the FIN")
        if bytes(buf[start : start + take]) != self.want[self.got : self.got + take]:
            self.fault("other octets than were sent at %d" % self.got)
        self.got += take
        return take

    def _some(self, n):
        # Some, or nothing, but not nothing three times in a row: the peer gives up after R2.
        take = self.rng.choice((0, n // 2, n, n, n))
        self.refused = 0 if take else self.refused + 1
        return n if self.refused > 2 else take

    def poll(self, conn):
        self._feed(conn)
        if self.how["reader"] == "slow" and self.rng.random() < 0.2:
            conn.room = max(conn.room, self.rng.choice((0, 100, 1460, 4000, 9000)))
            conn.resume()

    def urgent(self, conn, n):
        self.urgent_seen += 1
        end = self.partner.urgent_end
        if self.got + n != end if n else self.got < end:
            self.fault("urgent up to %d, the partner said %d (RFC 6093 4)" % (self.got + n, end))

    def peer_closed(self, conn):
        if self.fin:
            self.fault("peer_closed twice")
        self.fin = True
        if self.clock:
            self.at_end = self.clock()
        if self.how["close"] == "answer" and self.name.startswith("server"):
            self._speak(conn)

    def closed(self, conn, reason):
        if self.reason is not None:
            self.fault("closed twice")
        self.reason = reason

    def verdict(self):
        if self.reason != "done":
            self.fault("closed with %r" % self.reason)
        if self.got != len(self.want):
            self.fault("%d of %d octets arrived" % (self.got, len(self.want)))
        if not self.fin:
            self.fault("never told that the peer closed")
        if self.sent_acked != len(self.out):
            self.fault("told of %d of %d octets acknowledged" % (self.sent_acked, len(self.out)))
        if self.how["urgent"] and self.want and not self.urgent_seen:
            self.fault("never told of urgent data")
        return self.faults


class Talk:
    """One run. `how` overrides DEFAULTS; `run()` raises AssertionError with the line that replays
    it.
    """

    def __init__(self, **how):
        unknown = set(how) - set(DEFAULTS)
        if unknown:
            raise ValueError("no such parameter: %s" % ", ".join(sorted(unknown)))
        self.changed = how
        self.how = dict(DEFAULTS, **how)
        h = self.how
        self.net = Net(h["seed"], h["start"])
        self.rng = random.Random(h["seed"] ^ 0x5EED)
        self.errors = []
        self.ms = 0  # how long the conversations took
        wire = {
            k: h[k]
            for k in ("loss", "reorder", "dup", "corrupt", "delay", "jitter", "rate", "buffer")
        }
        ends = self.net.pair(
            Link(self.net.rng, **wire), Link(self.net.rng, **wire), h["l2"], h["mtu"]
        )
        self.client, self.server = ends
        if h["mtu2"]:
            self.server.port.mtu = h["mtu2"]
        self.client.port.busy = self.server.port.busy = h["busy"]
        for host in ends:
            host.boot(lambda dev, host=host: self._stack(dev, host))
        self.pairs = [self._pair(k) for k in range(h["conns"])]
        self.ports = []

    def _stack(self, dev, host):
        h = self.how
        stack = Stack(
            dev,
            ip="10.0.0.%d/24" % host.address[3],
            tcp=max(2, h["conns"]),
            now=self.net.now & MASK,
            key=KEY,
            tcp_options=dict({name: h[name] for name in OPTIONS}, urgent=True, msl=MSL),
        )
        stack.on_error = self.errors.append
        return stack

    def _pair(self, k):
        h = self.how
        up = random.Random(h["seed"] * 1000 + k).randbytes(h["up"])
        down = random.Random(h["seed"] * 1000 + k + 500).randbytes(h["down"])
        client = Talker("client%d" % k, up, down, h, random.Random(self.rng.random()))
        server = Talker("server%d" % k, down, up, h, random.Random(self.rng.random()))
        client.clock = server.clock = lambda: self.net.now
        client.partner, server.partner = server, client
        self.server.stack.listen(PORT + k, lambda: server, 1)
        return client, server

    @property
    def replay(self):
        """The command that runs this conversation again."""
        return "python tools/proof/simtalk.py --trace " + " ".join(
            "%s=%s" % kv for kv in sorted(self.changed.items())
        )

    def run(self):
        """Talks to the end and judges. Returns self."""
        try:
            self._talk()
            faults = [f for pair in self.pairs for app in pair for f in app.verdict()]
            faults += ["a callback raised %r" % e for e in self.errors]
            assert not faults, "; ".join(faults)
            self._leaves_nothing()
        except Exception as e:
            text = "%s\n  at %d ms; replay: %s" % (e, self.net.now - self.net.start, self.replay)
            raise AssertionError(text) from e
        return self

    def _talk(self):
        for k, (client, _) in enumerate(self.pairs):
            conn = self.client.stack.connect(client, "10.0.0.2", PORT + k)
            self.ports.append((conn.lport, PORT + k))
        self.client.kick()
        apps = [app for pair in self.pairs for app in pair]
        self.ms = self.net.run(lambda: all(app.reason for app in apps), self.how["limit"] * 1000)
        for host in (self.client, self.server):
            host.port.judge.finished()

    def _leaves_nothing(self):
        self.net.idle(2 * MSL + 5000)  # TIME-WAIT, and what is still on its way
        for link, _ in self.net.wires:
            link.loss = link.corrupt = link.dup = link.reorder = 0
        for here, there in self.ports:
            self._stray(self.server, self.client, here, there)
            self._stray(self.client, self.server, there, here)

    def _stray(self, host, peer, sport, dport):
        # An ACK of no connection must be answered with <SEQ=SEG.ACK><CTL=RST>: nothing is left of
        # the row.
        seen = []
        host.port.tap, peer.port.tap = lambda way, frame: seen.append((way, frame)), None
        body = segment.tcp(peer.address, host.address, sport, dport, 111, 222, segment.ACK)
        frame = segment.ipv4(peer.address, host.address, body)
        if host.port.l2:
            frame = host.port.mac + peer.port.mac + segment.ETHERTYPE + frame
        host.port.rx.append(frame)
        self.net.idle(10)
        out = [
            segment.parse(f, host.port.l2)
            for way, f in seen
            if way == "out" and segment.is_tcp(f, host.port.l2)
        ]
        assert [(s.flags, s.seq) for s in out] == [(segment.RST, 222)], "left on %d>%d: %s" % (
            sport,
            dport,
            [str(s) for s in out],
        )


def parameters(words):
    """'loss=5 seed=7' as a dict, numbers as ints."""
    how = {}
    for word in words:
        key, _, value = word.partition("=")
        how[key] = int(value) if isinstance(DEFAULTS.get(key), int) else value
    return how


def trace(net):
    """Prints every segment sent: ms, host, text."""
    l2 = net.hosts[0].port.l2
    for ms, name, frame in net.log:
        if segment.is_tcp(frame, l2):
            try:
                print("%9d  .%d  %s" % (ms - net.start, name, segment.parse(frame, l2)))
            except segment.Illegal as e:
                print("%9d  .%d  %s" % (ms - net.start, name, e))


def main(argv):
    options = [a for a in argv if a.startswith("--")]
    words = [a for a in argv if "=" in a]
    path = argv[argv.index("--pcap") + 1] if "--pcap" in options else None
    talk = Talk(**parameters(words))
    talk.net.record()
    try:
        talk.run()
        print("done after %d ms, %d frames" % (talk.ms, talk.net.frames))
        return 0
    except (AssertionError, Stuck) as e:
        print(e)
        return 1
    finally:
        if "--trace" in options:
            trace(talk.net)
        if path:
            talk.net.pcap(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
