"""Fires frames at a board: `attacker.py INTERFACE SECONDS RATE SEED`, inside a namespace of
tools/wire/lan.py.

So many frames a second, in turn: SYNs from addresses that nobody has, RST and FIN at connections
of the honest client (its address, guessed ports and numbers), and fuzz: every protocol with
lengths, options, fragments and quotations that cannot be. Prints how many of each have left. Then,
for each line on stdin, each SYN is taken back by a RST, as a host does that has sent none: a
half-open row would wait for it for three minutes. Prints a line when that is done.
"""

import json
import random
import socket
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("host_tests", "tools", "lib")]

from lab import packets
from wire.lan import Lan

BOARD, HONEST = Lan.board_ip, Lan.kernel
BOARD_MAC = "02:00:00:75:69:70"  # tools/tapboard.py
PORTS = (7, 9, 13, 19, 80, 9009)
BEHIND_MS = 200  # a machine that is this late is not made up for


class Attacker:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.rsts = []  # one for each SYN
        self.turns = (self.syn, self.storm, self.syn, self.fuzz, self.storm, self.fuzz)
        self.fuzzed = (
            self.noise,
            self.land,
            self.lengths,
            self.fragment,
            self.options,
            self.quotation,
            self.datagram,
            self.arp,
            self.flipped,
            self.no_flags,
        )

    def stranger(self) -> tuple[str, bytes]:
        """An address of the subnet that is nobody's, and its MAC."""
        n = self.rng.randrange(10, 250)
        return f"10.77.0.{n}", bytes((2, 0, 0, 0, 1, n))

    def frame(self, src_mac, body, kind=0x0800):
        return packets.eth(BOARD_MAC, src_mac, kind, body, pad=60)

    def segment(self, src, src_mac, flags, **how):
        rng = self.rng
        ports = rng.randrange(1024, 65536), rng.choice(PORTS)
        seq, ack = rng.getrandbits(32), rng.getrandbits(32)
        if "S" in flags and "A" not in flags:
            rst = packets.tcp(src, BOARD, *ports, seq + 1, 0, "R")
            self.rsts.append(self.frame(src_mac, packets.ip4(src, BOARD, 6, rst)))
        seg = packets.tcp(src, BOARD, *ports, seq, ack, flags, **how)
        return self.frame(src_mac, packets.ip4(src, BOARD, 6, seg))

    def syn(self):
        return "SYN", self.segment(*self.stranger(), "S", opts={"mss": 1460})

    def storm(self):
        """In the honest client's name: ports and numbers are guessed (RFC 5961)."""
        flags = self.rng.choice(("R", "RA", "FA", "F", "S", "SA", "A"))
        data = self.rng.choice((b"", b"", b"x" * 40))
        return "RST, FIN", self.segment(HONEST, self.stranger()[1], flags, data=data)

    def fuzz(self):
        return "fuzz", self.rng.choice(self.fuzzed)()

    # Fuzz

    def ip(self, proto, body, src=None, **how):
        who, mac = self.stranger()
        return self.frame(mac, packets.ip4(src or who, BOARD, proto, body, **how))

    def noise(self):
        kind = self.rng.choice((0x0800, 0x0806, 0x86DD, 0x8100, self.rng.getrandbits(16)))
        return self.frame(self.stranger()[1], self.rng.randbytes(self.rng.randrange(1500)), kind)

    def land(self):
        """From the board to itself."""
        seg = packets.tcp(BOARD, BOARD, 80, 80, 1, 1, self.rng.choice(("S", "A", "FA")))
        return self.ip(6, seg, src=self.rng.choice((BOARD, "127.0.0.1", "255.255.255.255")))

    def lengths(self):
        rng = self.rng
        body = rng.randbytes(rng.randrange(0, 100))
        total = rng.choice((0, 19, 20, 21, 65535, rng.getrandbits(16)))
        return self.ip(rng.choice((1, 6, 17)), body, total=total, ihl=rng.randrange(16))

    def fragment(self):
        """Tiny, overlapping, at the end of the world."""
        at = self.rng.choice((0x2000, 0x2001, 0x2003, 1, 3, 0x1FFF, 0x3FFF, 0x6000))
        body = self.rng.randbytes(self.rng.choice((8, 16, 24, 1400)))
        return self.ip(self.rng.choice((1, 6, 17)), body, frag=at, ident=self.rng.randrange(3))

    def options(self):
        """Of IP and of TCP: lengths of 0 and 1, and those that reach behind the header."""
        rng = self.rng
        bad = rng.choice((b"\2\0", b"\3\1", b"\x83\xff\x04", b"\x44\3\1", b"\5\x29", b"\xfe"))
        opts = (b"\1" * rng.randrange(3) + bad).ljust(rng.choice((8, 12, 40)), b"\1")
        if rng.randrange(2):
            return self.ip(1, packets.icmp(8, 0, bytes(60)), opts=opts)
        flags = rng.choice(("S", "A", "PAU"))
        return self.segment(*self.stranger(), flags, opts=opts, up=rng.getrandbits(16))

    def quotation(self):
        """ICMP errors about what was never sent."""
        rng = self.rng
        inner = packets.tcp(BOARD, HONEST, rng.choice(PORTS), rng.randrange(65536), 1, 1, "A")
        quoted = packets.ip4(BOARD, HONEST, rng.choice((6, 17)), inner)[: rng.choice((8, 20, 28))]
        mtu = rng.choice((0, 1, 68, 296, 576)).to_bytes(4, "big")
        kind, code = rng.choice(((3, 4), (3, 3), (3, 1), (4, 0), (5, 1), (11, 0), (12, 0)))
        return self.ip(1, packets.icmp(kind, code, mtu + quoted))

    def datagram(self):
        rng = self.rng
        who, mac = self.stranger()
        data = rng.randbytes(rng.choice((0, 1, 18, 1400)))
        length = rng.choice((None, 0, 7, 8, 65535))
        datagram = packets.udp(who, BOARD, 7, rng.choice((7, 0, 9, 53, 5353)), data, length=length)
        return self.frame(mac, packets.ip4(who, BOARD, 17, datagram))

    def arp(self):
        """Odd, but not in the honest client's name: that nobody can tell from the truth."""
        who, mac = self.stranger()
        op, hlen = self.rng.choice((1, 1, 2, 0, 9)), self.rng.choice((6, 6, 6, 0, 255))
        body = packets.arp(op, mac, who, bytes(6), BOARD, hlen=hlen)
        return self.frame(mac, body[: self.rng.choice((28, 28, 8, 27))], 0x0806)

    def flipped(self):
        """A good segment with wrong octets in it, past its addresses."""
        frame = bytearray(self.segment(*self.stranger(), "PA", data=bytes(30)))
        for _ in range(3):
            frame[self.rng.randrange(34, len(frame))] ^= 1 << self.rng.randrange(8)
        return bytes(frame)

    def no_flags(self):
        flags = self.rng.choice(("", "FSRPAUEC", "SF", "SR", "U"))
        return self.segment(*self.stranger(), flags, up=self.rng.getrandbits(16))


def main(interface, seconds, rate, seed):
    attacker = Attacker(seed)
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((interface, 0))
    sent = {"SYN": 0, "RST, FIN": 0, "fuzz": 0}
    k = 0
    begun = time.monotonic()
    due = begun
    while time.monotonic() < begun + float(seconds):
        name, frame = attacker.turns[k % len(attacker.turns)]()
        k += 1
        try:
            out.send(frame[:1514])
            sent[name] += 1
        except OSError:  # the interface's queue is full
            pass
        due = max(due + 1 / float(rate), time.monotonic() - BEHIND_MS / 1000)
        time.sleep(max(0, due - time.monotonic()))
    sent["seconds"] = round(time.monotonic() - begun, 1)
    print(json.dumps(sent), flush=True)
    for _ in sys.stdin:
        for rst in attacker.rsts:
            out.send(rst)
            time.sleep(1 / float(rate))
        print("taken back", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
