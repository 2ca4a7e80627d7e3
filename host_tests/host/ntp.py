"""A time server on the wire, and what it answers when it is told to be wrong."""

from datetime import datetime

from lab import packets
from lab.net import BOARD, PEER, PEER_MAC, Station, Wire
from uipy.host import Sntp

EPOCH = datetime(1900, 1, 1)
START = (2026, 11, 21, 21, 10, 37)


def since_1900(*when) -> int:
    """ms from 1900 to (year, month, day, ...)."""
    d = datetime(*when) - EPOCH
    return (d.days * 86400 + d.seconds) * 1000 + d.microseconds // 1000


def timestamp(ms: int) -> bytes:
    """A time as an NTP timestamp, of whatever era, and some microseconds of it more."""
    fraction = (ms % 1000 << 32) // 1000 + 0xFFFF
    return (ms // 1000 % 2**32).to_bytes(4, "big") + fraction.to_bytes(4, "big")


def packet(origin, receive, transmit, leap=0, version=4, mode=4, stratum=2, poll=6, **more):
    """An answer; its times are in ms since 1900. `more`: delay and dispersion in 1/65536 s, refid,
    reference."""
    return (
        bytes([leap << 6 | version << 3 | mode, stratum, poll, 0xEC])
        + more.get("delay", 0x100).to_bytes(4, "big")
        + more.get("dispersion", 0x100).to_bytes(4, "big")
        + more.get("refid", b"\x0a\0\0\1")
        + timestamp(more.get("reference", receive - 5000))
        + origin
        + timestamp(receive)
        + timestamp(transmit)
    )


class Server(Station):
    """A time server at `ip`. Its time is `began` and what the clock of the wire has counted since;
    `way` ms lie between it and the board in each direction. `lie` changes what it answers: a dict
    of arguments for `packet`; None: it is silent."""

    def __init__(self, wire: Wire, ip: str = PEER, mac: bytes = PEER_MAC, began=START):
        super().__init__(wire, ip, mac)
        self.began = since_1900(*began) if isinstance(began, tuple) else began
        self.lie: dict | None = {}
        self.asked: list[tuple[int, bytes]] = []  # when, and the request

    @property
    def ms(self) -> int:
        """The true time."""
        return self.began + self.wire.clock.ms

    def hear(self, f):
        super().hear(f)
        if self.heard and self.heard[-1] is f and f.udp and f.udp.dport == 123:
            self.heard.pop()
            self.asked.append((self.wire.clock.ms, f.udp.data))
            self.sport = f.udp.sport
            if self.lie is not None:
                self.wire.rx.append(self.answer(f.udp.data[40:48], **self.lie))

    def answer(self, mark, sport=123, src=None, off=0, **lie) -> bytes:
        """The frame of an answer."""
        lie = {"origin": mark, "receive": self.ms + off, "transmit": self.ms + off, **lie}
        return self.carry(packet(**lie), sport, src)

    def carry(self, data, sport=123, src=None) -> bytes:
        """The frame of any octets to the port that the last request came from."""
        src = src or self.ip
        body = packets.udp(src, BOARD, sport, self.sport, data)
        return self.datagram(17, body, src=src)


class Bench:
    """A board with a client on it, and servers."""

    def __init__(self, count=1, servers=None, began=START, wire=None, ip=BOARD + "/24", **options):
        self.wire = wire or Wire()
        self.stack = self.wire.board(ip, udp=4)
        self.wire.run()
        self.servers = [
            Server(self.wire, "192.168.1.%d" % (20 + k), b"\2\0\0\0\0" + bytes([20 + k]), began)
            for k in range(count)
        ]
        self.said: list[str] = []
        servers = [s.ip for s in self.servers] if servers is None else servers
        self.sntp = Sntp(
            self.stack, servers, say=self.said.append, ticks=lambda: self.wire.clock.now, **options
        )

    def run(self, seconds):
        """So much time goes by. Where no layer has anything to do until then, nor is it polled
        for the links every second: months are to take seconds."""
        wire = self.wire
        end = wire.clock.ms + round(1000 * seconds)
        while wire.clock.ms < end:
            wire.run()
            wire.polls = 0
            wait = min(layer.deadline(wire.clock.now) for layer in self.stack.layers)
            wire.clock.ms += max(0, min(wait, end - wire.clock.ms))
        wire.run()

    @property
    def off(self):
        """ms by which the board is ahead of the first server."""
        t = self.sntp.utc()
        return since_1900(*t[:6]) + t[6] - self.servers[0].ms

    def count(self, name):
        return self.sntp.stat[Sntp.NAMES.index("sntp_" + name)]
