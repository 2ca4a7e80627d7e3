"""Ten thousand calls of datagram sockets by chance, while the peer and the wire do what they like:
nothing but an OSError is raised, each call ends within its time, and what was closed has given
everything back."""

import random

import pytest
from lab.looped import Nap
from lab.net import PEER, Station
from lab.packets import addr
from uipy import loop as loops
from uipy.sock import numbers as no
from uipy.sock.face import socket

SOCKETS = 12  # on 8 ports
CALLS = 10_000
IPS = [PEER, "192.168.1.10", "192.168.1.255", "255.255.255.255", "10.1.2.3", "239.1.2.3", ""]
PORTS = [1, 7, 53, 5000, 65535]
OPTIONS = [
    (no.SO_RCVBUF, (0, 300, 4096, 9000)),
    (no.SO_BROADCAST, (0, 1)),
    (no.IP_MULTICAST_TTL, (0, 1, 9, 256)),
    (no.IP_ADD_MEMBERSHIP, (addr("239.1.2.3") + bytes(4), addr("239.1.2.4") + bytes(4), bytes(8))),
    (no.IP_DROP_MEMBERSHIP, (addr("239.1.2.3") + bytes(4), addr("192.168.1.7") * 2)),
]


class Play:
    def __init__(self, seed, wire):
        self.dice = random.Random(seed)
        self.wire = wire
        self.stack = wire.board(groups=3)
        wire.run()
        self.nap = Nap(wire)
        self.loop = self.nap.attach(self.stack)
        self.peer = Station(wire)
        self.socks = []
        self.told = 0
        self.errors = {}

    def turn(self):
        """One call, or something that the world does. Raises what is no OSError."""
        self.world()
        if not self.socks or (len(self.socks) < SOCKETS and self.dice.random() < 0.05):
            s = socket(no.AF_INET, no.SOCK_DGRAM)
            s.settimeout(self.dice.choice([0, 0, 0.05, 4]))
            self.socks.append(s)
        s = self.dice.choice(self.socks)
        call = self.dice.choice(CALLS_OF)
        before = self.wire.clock.ms
        try:
            call(self, s)
        except OSError as exc:
            self.errors[exc.args[0]] = self.errors.get(exc.args[0], 0) + 1
        # twice the timeout: a datagram before this one has to leave first
        assert self.wire.clock.ms - before <= 8100

    def world(self):
        if self.dice.random() < 0.5:
            nums = [num for num in self.stack.udp.nums if num] or [7]
            ms = self.dice.choice([0, 1, 100])
            data = bytes(self.dice.choice([0, 1, 100, 1400]))
            where = {"dport": self.dice.choice(nums), "sport": self.dice.choice(PORTS)}
            self.nap.at(ms, lambda: self.peer.udp(data, **where))
        if self.dice.random() < 0.05:
            self.peer.answers_arp = not self.peer.answers_arp
        if self.dice.random() < 0.1:
            mine = [f for f in self.peer.heard if f.udp]
            if mine:
                self.peer.icmp_error(3, self.dice.choice([1, 3]), mine[-1])
        self.peer.heard.clear()
        self.wire.take()
        if self.dice.random() < 0.02:
            self.wire.up = not self.wire.up
        if self.dice.random() < 0.001:
            self.stack.ifaces[0].configure("192.168.1.%d/24" % self.dice.choice([7, 8]))

    # The calls

    def address(self):
        return self.dice.choice(IPS), self.dice.choice(PORTS)

    def octets(self):
        return bytes(self.dice.choice([0, 1, 64, 1472, 1473]))

    def bind(self, s):
        s.bind((self.dice.choice(["", "192.168.1.7"]), self.dice.choice([0, *PORTS])))

    def connect(self, s):
        s.connect(self.address())

    def sendto(self, s):
        data = self.octets()
        assert s.sendto(data, self.address()) == len(data)

    def send(self, s):
        data = self.octets()
        assert s.send(data) == len(data)

    def recv(self, s):
        n = self.dice.choice([0, 1, 2000])
        assert len(s.recv(n, self.dice.choice([0, no.MSG_PEEK, no.MSG_DONTWAIT]))) <= n

    def recvfrom(self, s):
        _, (ip, port) = s.recvfrom(100)
        assert ip == PEER and port in PORTS

    def readinto(self, s):
        s.setblocking(False)
        s.readinto(bytearray(50))

    def poll(self, s):
        flags = s.ioctl(no.IOCTL_POLL, no.POLL_RD | no.POLL_WR)
        assert not flags & ~(no.POLL_RD | no.POLL_WR | no.POLL_ERR)

    def option(self, s):
        opt, values = self.dice.choice(OPTIONS)
        s.setsockopt(0, opt, self.dice.choice(values))

    def callback(self, s):
        s.setsockopt(0, no.SO_CALLBACK, self.dice.choice([None, self.heard]))

    def heard(self, s):
        self.told += 1

    def names(self, s):
        s.getsockname()
        s.getpeername()

    def timeout(self, s):
        s.settimeout(self.dice.choice([0, 0.05, 4]))

    def close(self, s):
        s.close()
        self.socks.remove(s)

    def rest(self):
        """All is closed, and nothing is left after the time of ARP."""
        for s in self.socks:
            s.close()
        self.wire.up = True
        self.loop.until(lambda: False, 8000)
        assert not any(self.stack.udp.nums) and not self.stack.udp.pending
        face = self.stack.ifaces[0].face
        assert face[28] in (0, 33), "a group is left"
        assert not self.loop.held and not self.loop.later


CALLS_OF = (
    Play.bind,
    Play.connect,
    *[Play.sendto] * 4,
    *[Play.send] * 2,
    *[Play.recv] * 4,
    *[Play.recvfrom] * 2,
    Play.readinto,
    Play.poll,
    Play.option,
    Play.callback,
    Play.names,
    Play.timeout,
    Play.close,
)


@pytest.mark.parametrize("seed", range(4))
def test_calls_by_chance_raise_oserror_alone_and_leave_nothing(wire, seed):
    play = Play(seed, wire)
    for _ in range(CALLS // 4):
        play.turn()
    play.rest()
    assert play.told and len(play.errors) >= 8
    loops.detach()
