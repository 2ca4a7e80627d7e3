"""A DHCP server on the laboratory's wire, and messages octet by octet; shares nothing with lib/.

client, server = lent(wire)        a board that has got 192.168.1.50 from 192.168.1.1
server.silent = True               says nothing from now on
server.heard                       the board's messages, as `Message`
server.send(kind, about, ...)      one message, which may be as wrong as it likes
client.until("RENEWING", 1000)     lets time go by, at most so many seconds
sail(client, 86400)                the same for a day and more: without looking at the cable
"""

from lab import packets
from lab.net import GATEWAY, GATEWAY_MAC, WRAP
from lab.packets import BROADCAST, addr
from uipy.host import Dhcp
from uipy.net.datagram import NEXT_AT

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = range(1, 8)
COOKIE = b"\x63\x82\x53\x63"


def pack(options: dict) -> bytes:
    """{code: value} as options with their end."""
    return b"".join(bytes([c, len(v)]) + v for c, v in options.items()) + b"\xff"


def unpack(b: bytes) -> dict:
    out, at = {}, 0
    while b[at] != 255:
        if b[at] == 0:
            at += 1
            continue
        code, n = b[at], b[at + 1]
        assert code not in out, "option %d twice" % code
        out[code] = b[at + 2 : at + 2 + n]
        assert len(out[code]) == n
        at += 2 + n
    assert not any(b[at + 1 :])
    return out


class Message:
    """What the board sent; whatever RFC 2131 wants of every message of a client is judged here."""

    def __init__(self, f):
        b = f.udp.data
        assert (f.udp.sport, f.udp.dport) == (68, 67)
        assert b[:4] == b"\1\1\6\0" and b[236:240] == COOKIE and len(b) >= 300
        assert not any(b[16:28]) and not any(b[34:236])
        self.at = f.at
        self.src, self.dst, self.mac = f.ip_src, f.ip_dst, f.dst
        self.xid, self.secs = b[4:8], int.from_bytes(b[8:10], "big")
        self.flags, self.ciaddr, self.chaddr = b[10:12], b[12:16], b[28:34]
        self.options = unpack(b[240:])
        self.kind = self.options[53][0]
        assert self.options[61] == b"\1" + self.chaddr == b"\1" + f.src
        self.wanted = self.options.get(50)
        self.server = self.options.get(54)
        assert self.flags in (b"\x80\0", b"\0\0")
        assert (self.flags == b"\x80\0") == (self.kind in (DISCOVER, REQUEST) and not self.bound)
        assert (self.dst == addr("255.255.255.255")) == (f.dst == BROADCAST)

    @property
    def bound(self):
        return any(self.ciaddr)

    def __repr__(self):
        names = ("", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE")
        return "%s at %d wanted=%r server=%r ciaddr=%r" % (
            names[self.kind],
            self.at,
            self.wanted,
            self.server,
            self.ciaddr,
        )


def answer(kind, xid, chaddr, yiaddr="0.0.0.0", options=None, op=2, cookie=COOKIE, **fields):
    """A message of a server. fields: sname, file, siaddr, hlen."""
    head = bytes([op, 1, fields.get("hlen", 6), 0]) + xid + bytes(8) + addr(yiaddr) + bytes(8)
    body = head + chaddr.ljust(16, b"\0") + fields.get("sname", b"").ljust(64, b"\0")
    body += fields.get("file", b"").ljust(128, b"\0") + cookie
    return body + pack({53: bytes([kind]), **(options or {})} if kind else options or {})


class Server:
    """Remembers what it has lent by MAC. `options` go into each OFFER and ACK."""

    def __init__(self, wire, ip=GATEWAY, mac=GATEWAY_MAC, first=50, seconds=3600, **options):
        self.wire, self.ip, self.mac = wire, ip, mac
        self.first, self.seconds = first, seconds
        self.options = {
            1: addr("255.255.255.0"),
            3: addr(ip),
            6: addr("192.168.1.3") + addr("192.168.1.4"),
            15: b"example.org",
            42: addr("192.168.1.5"),
        }
        self.options.update({int(k[1:]): v for k, v in options.items()})
        self.lent: dict[bytes, str] = {}
        self.declined: set[str] = set()
        self.heard: list[Message] = []
        self.silent = False
        self.deaf: set[int] = set()  # kinds of messages that are not answered
        self.refuses = False  # NAKs every REQUEST
        wire.peers.append(self)

    def hear(self, f):
        if f.arp:
            if f.arp.op == 1 and f.arp.tpa == addr(self.ip) != f.arp.spa:
                reply = packets.arp(2, self.mac, self.ip, f.arp.sha, f.arp.spa)
                self.give(packets.eth(f.arp.sha, self.mac, 0x0806, reply, pad=60))
        elif f.udp and f.udp.dport == 67 and f.dst in (BROADCAST, self.mac):
            m = Message(f)
            self.heard.append(m)
            if not self.silent and m.kind not in self.deaf:
                self.reply(m)

    def give(self, frame):
        """A frame of ours arrives at every board of this wire."""
        self.wire.rx.append(frame)

    def address_for(self, m):
        if m.chaddr not in self.lent:
            k = self.first
            taken = {*self.lent.values(), *self.declined}
            while "192.168.1.%d" % k in taken:
                k += 1
            self.lent[m.chaddr] = "192.168.1.%d" % k
        return self.lent[m.chaddr]

    def reply(self, m):
        if m.kind == DISCOVER:
            self.send(OFFER, m, self.address_for(m))
        elif m.kind == REQUEST:
            if m.server not in (None, addr(self.ip)):
                self.lent.pop(m.chaddr, None)
                return
            wanted = m.wanted or m.ciaddr
            if self.refuses or wanted != addr(self.lent.get(m.chaddr, "0.0.0.0")):
                self.send(NAK, m)
            else:
                self.send(ACK, m, self.lent[m.chaddr])
        elif m.kind == DECLINE:
            self.declined.add(self.lent.pop(m.chaddr))
        elif m.kind == RELEASE:
            self.lent.pop(m.chaddr, None)

    def send(self, kind, m, yiaddr="0.0.0.0", options=None, seconds=None, **more):
        """Sends an answer to a message of the board's."""
        seconds = self.seconds if seconds is None else seconds
        opts = {54: addr(self.ip)}
        if kind != NAK:
            opts.update({51: seconds.to_bytes(4, "big"), **self.options})
        opts.update(options or {})
        opts = {k: v for k, v in opts.items() if v is not None}
        data = answer(
            kind, more.pop("xid", m.xid), more.pop("chaddr", m.chaddr), yiaddr, opts, **more
        )
        self.raw(data, m)

    def raw(self, data, m, sport=67, src=None):
        """These octets as a datagram to the board: to its address if it has told one."""
        dst = m.ciaddr if m.bound else addr("255.255.255.255")
        mac = m.chaddr if m.bound else BROADCAST
        body = packets.udp(src or self.ip, dst, sport, 68, data)
        self.give(
            packets.eth(mac, self.mac, 0x0800, packets.ip4(src or self.ip, dst, 17, body), pad=60)
        )

    def kinds(self):
        """The types of the messages heard, which are forgotten."""
        out = [m.kind for m in self.heard]
        self.heard.clear()
        return out


class Client:
    """A board with a DHCP client on a wire, and what it says and keeps."""

    def __init__(self, wire, **options):
        self.wire = wire
        self.said: list[str] = []
        self.kept: list[bytes] = []
        self.stack = wire.board(ip=None, gateway=None, udp=4, tcp=options.pop("tcp", 0))
        self.dhcp = Dhcp(self.stack, say=self.said.append, keep=self.kept.append, **options)

    @property
    def ip(self):
        return "%d.%d.%d.%d" % tuple(self.stack.ifaces[0].ip)

    @property
    def state(self):
        return self.dhcp.state

    def count(self, name):
        return dict(self.dhcp.counters())[name]

    def until(self, state, seconds=60):
        """Lets time go by until the client is in this state; what was sent meanwhile."""
        sent = []
        end = self.wire.clock.ms + 1000 * seconds
        while self.state != state:
            assert self.wire.clock.ms < end, "%s, not %s" % (self.state, state)
            sent += self.wire.run(200)
        return sent

    def unplug(self, seconds=5):
        """The cable is out for so long; then it is in, and that was seen."""
        self.wire.up = False
        self.wire.run(1000 * seconds)
        self.wire.up = True
        self.wire.run(1000)


def lent(wire, seconds=3600, tcp=0, **options):
    """A board that has its address, and the server it has it from."""
    server = Server(wire, seconds=seconds, **options)
    client = Client(wire, tcp=tcp)
    client.until("BOUND")
    wire.take()
    server.heard.clear()
    return client, server


def sail(client, seconds):
    """Lets time go by from deadline to deadline; nobody looks at the cable once a second."""
    wire, stack = client.wire, client.stack
    end = wire.clock.ms + 1000 * seconds
    while True:
        now = wire.clock.now
        for _ in range(100):
            n = stack.output(now)
            if n:
                wire.send(stack.buf, n)
            while (k := wire.recv_into(stack.buf)) > 0:
                k = stack.input(k, now)
                if k:
                    wire.send(stack.buf, k)
                n = 1
            if not n:
                break
        else:
            raise AssertionError("always something due at once")
        wire.sent.clear()
        wait = (stack.env[NEXT_AT] - now) % WRAP
        assert 0 < wait <= 1 << 28
        if wire.clock.ms + wait > end:
            wire.clock.ms = max(wire.clock.ms, end)
            return
        wire.clock.ms += wait
