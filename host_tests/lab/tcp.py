"""A board on a virtual clock, and peers played by hand: every test of TCP speaks to the stack
through these frames.

The board (10.0.0.1) sits on an IP-only device, so that a frame is a datagram; `Lab(...)` takes
what `Stack` takes. A `Peer` sends one segment and gets back the segments that the board sends at
once; `lab.run(ms)` lets the clock go from deadline to deadline and collects what is sent
meanwhile. Frames are made and judged by packets.py, on net.py's wire and clock.
"""

from uipy import App

from lab import packets
from lab.end import End
from lab.net import Wire
from lab.packets import addr

BOARD, PEER = "10.0.0.1", "10.0.0.2"


def datagram(src, dst, proto, body, options=b"", **header):
    """An IPv4 datagram as bytes."""
    return packets.ip4(src, dst, proto, body, opts=options, **header)


def tcp(
    src, dst, sport, dport, seq, ack, flags, wnd=8192, data=b"", opts=b"", up=0, bits=0, bad=0
):
    """A TCP segment as bytes, its checksum right unless `bad` is added to it."""
    t = packets.tcp(src, dst, sport, dport, seq, ack, flags, wnd, data, opts, up, bits=bits)
    return t[:16] + (int.from_bytes(t[16:18], "big") ^ bad).to_bytes(2, "big") + t[18:]


class Seg:
    """A segment (or another datagram) that the board sent. `len` counts SYN and FIN; `at` is the
    time in ms since the lab began; `opts` is as packets.py has it. packets.decode has judged every
    length and checksum."""

    def __init__(self, f):
        self.at, self.frame, self.proto = f.at, f.raw, f.proto
        self.tos, self.ttl, self.src, self.dst = f.tos, f.ttl, f.ip_src, f.ip_dst
        if f.tcp:
            self._tcp(f.tcp, f.body)

    def _tcp(self, t, raw):
        self.sport, self.dport, self.seq, self.ack, self.end = (
            t.sport,
            t.dport,
            t.seq,
            t.ack,
            t.end,
        )
        self.flags, self.wnd, self.up, self.opts = t.flags, t.wnd, t.up, t.opts
        self.data, self.len = t.data, t.len
        self.doff = raw[12] >> 4 << 2
        self.bits = raw[12] & 15  # the reserved ones
        self.rawopts = raw[20 : self.doff]

    def __repr__(self):
        told = " %s" % self.opts if self.opts else ""
        return "<%s seq=%d ack=%d wnd=%d len=%d%s at=%d>" % (
            self.flags,
            self.seq,
            self.ack,
            self.wnd,
            len(self.data),
            told,
            self.at,
        )


def mss(n):
    return packets.pack_options({"mss": n})


MSS = mss(1000)


def wscale(n):
    return packets.pack_options({"ws": n})


def stamps(val, ecr=0):
    return b"\1\1" + packets.pack_options({"ts": (val % 2**32, ecr % 2**32)})


SACK_OK = b"\1\1" + packets.pack_options({"sack_ok": True})


def sack(*blocks):
    pairs = [(a % 2**32, b % 2**32) for a, b in blocks]
    return b"\1\1" + packets.pack_options({"sack": pairs})


def blocks(s, base=0):
    """The SACK blocks of a segment, less `base`."""
    return [((a - base) % 2**32, (b - base) % 2**32) for a, b in s.opts.get("sack", ())]


class Log(App):
    """An application that notes what it is told and takes everything, or `take` octets a call."""

    keep_open = False  # True: a peer's FIN does not close our side
    greeting = None  # a source to send at once

    def __init__(self):
        self.events, self.data, self.take, self.c, self.born = [], b"", None, None, 0

    def begun(self):
        """Lab.app is whoever begins last."""
        Log.births += 1
        self.born = Log.births

    births = 0

    def said(self, kind):
        """What was told under this name, in order."""
        return [e[1] for e in self.events if e[0] == kind]

    def connected(self, conn):
        self.c = conn
        self.begun()
        self.events.append(("connected", None))
        if self.greeting:
            conn.send(self.greeting)

    def received(self, conn, buf, start, n):
        k = n if self.take is None else min(n, self.take)
        self.data += bytes(buf[start : start + k])
        self.events.append(("received", k))
        return k

    def acked(self, conn, n):
        self.events.append(("acked", n))

    def peer_closed(self, conn):
        self.events.append(("peer_closed", None))
        if not self.keep_open:
            conn.close()

    def urgent(self, conn, n):
        self.events.append(("urgent", n))

    def error(self, conn, reason):
        self.events.append(("error", reason))

    def closed(self, conn, reason):
        self.events.append(("closed", reason))


class HalfCloser(Log):
    keep_open = True


class Lab:
    """A stack on a wire without link addresses, and its clock. The applications of `port` are in
    `apps`."""

    def __init__(
        self, mtu=1500, ip=BOARD + "/24", app=HalfCloser, port=7, listeners=4, listen=None, **stack
    ):
        self.wire = Wire(l2=0, mtu=mtu)
        self.apps = []
        self.errors = self.wire.errors  # what callbacks raised
        stack.setdefault("tcp", 8)
        self.stack = self.wire.board(ip, None, **stack)
        self.port = port
        if listeners:
            self.stack.listen(port, self._make(app), listeners, **(listen or {}))
        self.wire.settle()

    def _make(self, cls):
        def made():
            app = cls()
            self.apps.append(app)
            return app

        return made

    @property
    def app(self):
        """The application object that was connected last."""
        return max((a for a in self.apps if a.events), key=lambda a: a.born)

    @property
    def ms(self):
        return self.wire.clock.ms

    def give(self, *frames):
        """These frames arrive together; returns what the board sends at once."""
        self.wire.polls = 0
        return [Seg(f) for f in self.wire.give(*frames)]

    def run(self, ms, until=None):
        """`ms` go by; returns what the board sent, each with its time. `until(seg)` true ends it
        early."""
        out, end = [], self.ms + ms
        while True:
            new = [Seg(f) for f in self.wire.run(0)]
            self.wire.polls = 0
            out += new
            if (until and any(until(s) for s in new)) or self.ms >= end:
                return out
            self.wait(min(self.wire.poll(), end - self.ms))

    def poll(self):
        """Whatever is due now is done; see `sent` of the wire."""
        self.wire.settle()

    def wait(self, ms):
        """The clock moves and nobody polls."""
        self.wire.clock.ms += ms

    def icmp(self, type, code, quoted, src="10.0.0.254", rest=0):
        """An ICMP error about a frame of the board's: header and 8 octets of it are quoted (RFC
        792)."""
        body = packets.icmp(type, code, rest.to_bytes(4, "big") + quoted[:28])
        return self.give(datagram(src, BOARD, 1, body))


class BusyAfterOne:
    """A transmitter that takes one frame, until this ends."""

    def __init__(self, wire):
        self.wire = wire
        wire.peers.append(self)

    def hear(self, frame):
        self.wire.free = False

    def ends(self):
        self.wire.peers.remove(self)
        self.wire.free = True


class Peer(End):
    """The other end of a connection."""

    def __init__(self, lab, port=40000, to=None, ip=PEER, isn=1000, wnd=8192):
        super().__init__(ip, port, to or lab.port, isn, wnd)
        self.lab = lab
        self.app = None
        self.fin: Seg | None = None  # with which the board closed first: `closed_first`

    def segment(
        self, flags, data=b"", seq=None, ack=None, wnd=None, opts=b"", up=0, bits=0, bad=0, **ip
    ):
        """The frame; `seq`, `ack` and `wnd` default to where the peer stands. Advances `seq`
        unless one is given."""
        s, a, w = self.numbers(flags, data, seq, ack, wnd)
        dst = ip.pop("dst", BOARD)
        src = ip.pop("src", self.ip)
        body = tcp(src, dst, self.port, self.to, s, a, flags, w, data, opts, up, bits, bad)
        self.wnd = w
        return datagram(src, dst, 6, body, **ip)

    def send(self, flags, data=b"", **k):
        """Sends one segment; returns the board's immediate answers to this peer, and notes what
        they say."""
        return self.hear(self.lab.give(self.segment(flags, data, **k)))

    def hear(self, segs):
        """Those of the segments that are for this peer; in-order data moves `ack`."""
        mine = [
            s
            for s in segs
            if s.proto == 6
            and s.dst == addr(self.ip)
            and (s.dport, s.sport) == (self.port, self.to)
        ]
        for s in mine:
            self.follow(s)
        return mine

    def run(self, ms, until=None):
        return self.hear(self.lab.run(ms, until))

    def acks(self, segs=None, **k):
        """Acknowledges everything heard so far; returns what the board sends next."""
        return self.send("A", **k)

    def open(self, opts=MSS, **k):
        """Three-way handshake: the board is the passive side. Returns its SYN-ACK."""
        third = k.pop("opts3", b"")
        out = self.send("S", opts=opts, **k)
        assert [s.flags for s in out] == ["SA"], out
        assert out[0].ack == self.seq
        self.iss = out[0].seq
        self.after = self.send("A", opts=third)
        self.app = self.lab.app if any(a.events for a in self.lab.apps) else None
        return out[0]

    @property
    def conn(self):
        """The board's end; of the application that began last, if no `open` said whose it is."""
        return (self.app or self.lab.app).c

    @property
    def state(self):
        return self.conn.state_name


def one(segs, flags=None):
    """The only segment of the list."""
    assert len(segs) == 1, segs
    if flags is not None:
        assert segs[0].flags == flags, segs
    return segs[0]


def is_ack(seg, peer, ack=None):
    """A bare ACK that says where both sides stand."""
    assert seg.flags == "A" and not seg.data, seg
    assert seg.ack == (peer.seq if ack is None else ack), (seg, peer.seq)
    return True


def is_reset(seg, seq, ack=None):
    """A RST: <SEQ=seq><CTL=RST>, or with <ACK=ack>."""
    assert "R" in seg.flags and seg.seq == seq % 2**32 and not seg.data, seg
    assert ("A" in seg.flags) == (ack is not None) and (ack is None or seg.ack == ack % 2**32), seg
    return True


def active(lab, app=None, port=80, **connect):
    """The board opens a connection; returns (application, peer, SYN). The SYN has not been
    answered."""
    app = app or HalfCloser()
    conn = lab.stack.connect(app, PEER, port, **connect)
    app.c = conn
    syn = one([s for s in lab.run(0) if s.proto == 6], None)
    assert "S" in syn.flags and "A" not in syn.flags
    peer = Peer(lab, port=port, to=syn.sport, isn=5000)
    peer.ack = syn.end
    peer.iss = syn.seq
    lab.apps.append(app)
    app.begun()
    app.events.append(("syn", None))
    return app, peer, syn


# How much is on its way


def flight(p, una):
    """Octets that the board sent from una on, as far as the peer has heard them in order."""
    return (p.ack - una) % 2**32


def starts(segs):
    """Where the segments with data begin."""
    return [s.seq for s in segs if s.data]


def step(p, una, n):
    """An ACK of n octets more; returns the new left edge, and how much is in flight then."""
    p.send("A", ack=una + n)
    return una + n, flight(p, una + n)


def closed_first(lab, port=40000, **k):
    """A peer whose connection the board has closed first: it is in TIME-WAIT."""
    p = Peer(lab, port=port, **k)
    p.open()
    p.conn.shutdown()
    p.fin = one(p.run(0), "FA")
    one(p.send("FA"), "A")
    return p


class Second:
    """A second interface of the board, without MACs: 192.168.5.1/24, and a host on it, whose
    connection is open."""

    def __init__(self, lab):
        self.lab = lab
        self.wire = Wire(l2=0, clock=lab.wire.clock)
        lab.stack.add_iface(self.wire, "192.168.5.1/24")
        lab.poll()

    def opens(self):
        self.send("A", 101, one(self.send("S", 100, 0), "SA").end)

    def send(self, flags, seq, ack):
        body = tcp("192.168.5.9", "192.168.5.1", 40000, 7, seq, ack, flags)
        self.wire.rx.append(datagram("192.168.5.9", "192.168.5.1", 6, body))
        return self.heard()

    def heard(self):
        self.lab.poll()
        return [Seg(f) for f in self.wire.take()]
