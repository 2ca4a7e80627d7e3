"""A board on a wire with a virtual clock, and peers that craft and read its frames octet by octet.

    wire = Wire()                        the device: two queues and a clock
    stack = wire.board(udp=2)            a Stack on it: 192.168.1.7/24, gateway 192.168.1.1
    peer = Station(wire)                 192.168.1.9; answers ARP
    peer.ping(b"abc")
    peer.expect(type=0, data=b"abc")     all that the stack sends is judged by packets.py

Time stands still except in `wire.run(ms)`, which goes from deadline to deadline. It starts at
UIPY_T0, the counters at UIPY_C0, so that the suite can also be run across the wrap of both.
`count` tells how often a counter was bumped; those of frames are compared with the wire after each
poll. The stack's buffer is never found empty: what a frame leaves out would be seen; nor is it
longer or shorter than it was made.
"""

import os
from collections import Counter, deque

from uipy import Stack, UdpApp
from uipy.stat import NAMES

from lab import packets
from lab.end import End
from lab.packets import BROADCAST, Frame, addr, decode, mac

T0 = int(os.environ.get("UIPY_T0", "1000"))
C0 = int(os.environ.get("UIPY_C0", "0"))
WRAP = 1 << 30

BOARD, PEER, GATEWAY = "192.168.1.7", "192.168.1.9", "192.168.1.1"
BOARD_MAC, PEER_MAC, GATEWAY_MAC = (mac("02:00:00:00:00:%02x" % k) for k in (7, 9, 1))
KEY = b"a secret"
INDEX = {name: k for k, name in enumerate(NAMES)}
LITTER = 0xA5  # in a buffer that nobody may rely on
KINDS = ("arp", "icmp", "udp", "tcp")  # of a Frame, with counters of their own


class Clock:
    """Milliseconds as `ticks_ms` counts them, and `ms` without the wrap."""

    def __init__(self, start: int = T0):
        self.start = start
        self.ms = 0

    @property
    def now(self) -> int:
        return (self.start + self.ms) % WRAP


class Wire:
    """The device. Frames in `rx` arrive with the next poll; `sent` keeps what the stack sent,
    decoded, until `take`."""

    def __init__(
        self, l2: int = 14, mac: bytes = BOARD_MAC, mtu: int = 1500, clock: Clock | None = None
    ):
        self.l2 = l2
        self.mac = mac if l2 else b""
        self.mtu = mtu
        self.clock = clock or Clock()
        self.rx: deque[bytes] = deque()
        self.sent: list[Frame] = []
        self.up = True
        self.free = True  # can_send()
        self.peers: list[Station] = []
        self.far: Wire | None = None  # the other end of a cable, see join()
        self.errors: list[Exception] = []
        self.polls = 0
        self.seen: Counter[str] = Counter()  # frames, under the names of their counters
        self.first: dict[str, int] = {}  # what these began with

    # What a device has

    def recv_into(self, buf) -> int:
        while self.rx:
            frame = self.rx.popleft()
            if len(frame) <= len(buf) - 2:
                buf[2 : 2 + len(frame)] = frame
                self.seen["frames_in"] += bool(frame)
                return len(frame)
        return 0

    def can_send(self) -> bool:
        return self.free

    def send(self, buf, n: int):
        assert self.free, "send() without can_send()"
        assert n <= self.l2 + self.mtu, "a frame of %d octets" % n
        raw = bytes(buf[2 : 2 + n])
        buf[:] = bytes((LITTER,)) * len(buf)
        frame = decode(raw, self.l2, self.clock.ms)
        assert frame.src == self.mac, "from %s" % frame.src.hex(":")
        self.seen.update(
            ["frames_out"] + [k + "_out" for k in KINDS if getattr(frame, k)],
            ip_out=not frame.arp,
            tcp_rst_out=bool(frame.tcp and "R" in frame.tcp.flags),
        )
        self.sent.append(frame)
        if self.far is not None:
            self.far.rx.append(raw)
        for peer in self.peers:
            peer.hear(self.sent[-1])

    def link_up(self) -> bool:
        return self.up

    # What a test does with it

    def board(
        self, ip: str | None = BOARD + "/24", gateway: str | None = GATEWAY, **options
    ) -> Stack:
        """A stack on this device. What its callbacks raise fails the test unless it is taken out
        of `errors`."""
        options.setdefault("tcp", 0)
        options.setdefault("key", KEY)
        self.stack = Stack(self, ip=ip, gateway=gateway, now=self.clock.now, **options)
        self.stack.on_error = self.errors.append
        for name in NAMES:
            self.counts_from(name, C0)
        self.stack.buf[:] = bytes((LITTER,)) * len(self.stack.buf)
        self.seen.clear()
        return self.stack

    def poll(self) -> int:
        """One poll; the ms until the next deadline."""
        self.polls += 1
        assert self.polls < 100_000, "the stack finds no rest"
        frames, octets = self.seen.total(), len(self.stack.buf)
        wait = self.stack.poll(self.clock.now)
        assert len(self.stack.buf) == octets, "of %d octets" % octets
        if self.seen.total() > frames and len(self.stack.ifaces) == 1:
            for name, n in self.seen.items():
                assert self.count(name) == n, "%s: %d of %d" % (name, self.count(name), n)
        return wait

    def settle(self):
        """Polls until nothing more is due at this instant."""
        for _ in range(1000):
            if self.poll() and not self.rx:
                return
        raise AssertionError("always something due at once")

    def run(self, ms: int = 0) -> list[Frame]:
        """ms go by; returns what was sent meanwhile, and forgets it."""
        end = self.clock.ms + ms
        while True:
            self.settle()
            step = min(self.poll(), end - self.clock.ms)
            if step <= 0:
                return self.take()
            self.clock.ms += step

    def give(self, *frames: bytes) -> list[Frame]:
        """These frames arrive; returns what is sent at once."""
        self.rx.extend(frames)
        self.settle()
        return self.take()

    def take(self) -> list[Frame]:
        out, self.sent = self.sent, []
        return out

    def counts_from(self, name: str, n: int):
        """The counter begins anew, at n."""
        self.stack.stat[INDEX[name]] = self.first[name] = n
        del self.seen[name]

    def count(self, name: str) -> int:
        """How often a counter was bumped since the board was made."""
        return (self.stack.stat[INDEX[name]] - self.first.get(name, 0)) % WRAP


def join(a: Wire, b: Wire):
    """A cable between two devices on one clock."""
    b.clock = a.clock
    a.far, b.far = b, a


def run_all(wires, ms: int):
    """ms go by for several boards on one clock; each is polled at each deadline of any."""
    clock = wires[0].clock
    end = clock.ms + ms
    while True:
        for _ in range(10_000):
            waits = [w.poll() for w in wires]
            if min(waits) and not any(w.rx for w in wires):
                break
        else:
            raise AssertionError("always something due at once")
        if clock.ms >= end:
            return
        clock.ms += min(*waits, end - clock.ms)


class Inbox(UdpApp):
    """A UDP application that keeps what it is told. It answers with `answer`; True echoes."""

    def __init__(self, answer=None):
        self.answer = answer
        self.got: list[bytes] = []
        self.casts: list[bool] = []
        self.errors: list[str] = []

    def received(self, port, buf, start, n):
        self.got.append(bytes(buf[start : start + n]))
        self.casts.append(bool(port.cast))
        if self.answer is True:
            return n
        if self.answer is not None:
            buf[start : start + len(self.answer)] = self.answer
            return len(self.answer)
        return None

    def error(self, port, reason):
        self.errors.append(reason)


class Station(End):
    """A host on the wire. `heard` keeps the frames for its address (or for everyone) until
    `expect` takes them.

    It is one end of a connection too (`seg`, `establish`), where TCP is not what is tested;
    otherwise see tcp.py.
    """

    def __init__(
        self, wire: Wire, ip: str = PEER, mac: bytes = PEER_MAC, port: int = 40000, to: int = 7
    ):
        super().__init__(ip, port, to, isn=1000, wnd=8192)
        self.wire, self.mac = wire, mac
        self.answers_arp = True
        self.heard: list[Frame] = []
        wire.peers.append(self)

    # Receiving

    def hear(self, f: Frame):
        """A frame on the wire: ours are kept; a request for our address is answered."""
        if f.arp:
            if self.answers_arp and f.arp.op == 1 and f.arp.tpa == addr(self.ip) != f.arp.spa:
                self.wire.rx.append(self.arp_reply(f.arp.sha, f.arp.spa))
        elif f.ip_dst == addr(self.ip) or f.dst == BROADCAST:
            self.heard.append(f)
            if f.tcp:
                self.follow(f.tcp)

    def expect(self, flags: str | None = None, **fields) -> Frame:
        """The oldest frame heard, which must have these fields (of Frame, or of its icmp, udp or
        tcp part)."""
        assert self.heard, "nothing was sent"
        f = self.heard.pop(0)
        part = f.tcp or f.udp or f.icmp
        if flags is not None:
            fields["flags"] = "".join(sorted(flags, key=packets.FLAGS.index))
        for name, want in fields.items():
            got = getattr(part, name) if hasattr(part, name) else getattr(f, name)
            assert got == want, "%s is %r, expected %r: %r" % (name, got, want, f)
        return f

    def nothing(self):
        """Nothing was sent to us since the last `expect`."""
        assert not self.heard, self.heard

    # Sending

    def frame(self, body: bytes, dst=None, kind: int = 0x0800) -> bytes:
        """The link's header before `body`, from our MAC to the board's."""
        if not self.wire.l2:
            return body
        return packets.eth(self.wire.mac if dst is None else dst, self.mac, kind, body, pad=60)

    def datagram(
        self, proto: int, body: bytes, src=None, dst=None, mac_dst=None, **header
    ) -> bytes:
        return self.frame(
            packets.ip4(src or self.ip, dst or BOARD, proto, body, **header), mac_dst
        )

    def ping(self, data: bytes = b"", ident: int = 1, seq: int = 1, **header) -> list[Frame]:
        """An echo request."""
        rest = ident.to_bytes(2, "big") + seq.to_bytes(2, "big") + data
        return self.wire.give(self.datagram(1, packets.icmp(8, 0, rest), **header))

    def udp(
        self,
        data: bytes = b"",
        dport: int = 7,
        sport: int = 5000,
        length=None,
        csum=None,
        **header,
    ) -> list[Frame]:
        src, dst = header.get("src") or self.ip, header.get("dst") or BOARD
        body = packets.udp(src, dst, sport, dport, data, length, csum)
        return self.wire.give(self.datagram(17, body, **header))

    def icmp_error(
        self,
        kind: int,
        code: int,
        about: Frame,
        rest: bytes = bytes(4),
        octets: int = 28,
        **header,
    ) -> list[Frame]:
        """An ICMP error that quotes a datagram of the board's."""
        quoted = about.raw[self.wire.l2 :][:octets]
        return self.wire.give(self.datagram(1, packets.icmp(kind, code, rest + quoted), **header))

    def arp_reply(self, tha=BOARD_MAC, tpa=BOARD) -> bytes:
        return self.frame(packets.arp(2, self.mac, self.ip, tha, tpa), tha, 0x0806)

    def arp_request(self, tpa=BOARD, dst=BROADCAST, **fields) -> bytes:
        body = packets.arp(
            1, fields.pop("sha", self.mac), fields.pop("spa", self.ip), bytes(6), tpa, **fields
        )
        return self.frame(body, dst, 0x0806)

    # TCP

    def segment(
        self,
        flags: str,
        seq=None,
        ack=None,
        data: bytes = b"",
        wnd=None,
        opts=b"",
        up: int = 0,
        header=None,
        **fields,
    ):
        """The frame of a segment; numbers that are not given say where we stand. An own `seq` does
        not advance ours."""
        s, a, w = self.numbers(flags, data, seq, ack, wnd)
        body = packets.tcp(
            self.ip, BOARD, self.port, self.to, s, a, flags, w, data, opts, up, **fields
        )
        return self.datagram(6, body, **(header or {}))

    def seg(self, flags: str, **fields) -> list[Frame]:
        """Sends one segment; returns what the board sends at once."""
        return self.wire.give(self.segment(flags, **fields))

    def syn(self, dport: int | None = None, seq: int = 1000, opts=None) -> list[Frame]:
        self.to = self.to if dport is None else dport
        self.seq = self.isn = seq
        return self.seg("S", opts={"mss": 1460} if opts is None else opts)

    def establish(self, dport: int | None = None, seq: int = 1000, opts=None) -> Frame:
        """The three-way handshake; returns the SYN-ACK."""
        self.syn(dport, seq, opts)
        f = self.expect("SA", ack=self.seq)
        self.iss = f.tcp.seq
        self.seg("A")
        return f
