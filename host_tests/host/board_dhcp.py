"""Runs under MicroPython: answers of a DHCP server, mutated ones and ARP packets, and how many
octets of heap the stack took while it was given them. Prints `what octets`."""

import gc

from uipy import Stack
from uipy.host import Dhcp
from wire.null import Null

MAC = b"\2\0\0\0\0\7"
OTHER = b"\2\0\0\0\0\xaa"
ALL = b"\xff" * 6


def total(data):
    s = sum((data[i] << 8) | data[i + 1] for i in range(0, len(data), 2))
    s = (s & 0xFFFF) + (s >> 16)
    return 0xFFFF ^ ((s & 0xFFFF) + (s >> 16))


def datagram(body):
    udp = b"\0\x43\0\x44" + (8 + len(body)).to_bytes(2, "big") + b"\0\0" + body
    head = bytearray(b"\x45\0\0\0\0\0\0\0\x40\x11\0\0\xc0\xa8\1\1\xff\xff\xff\xff")
    head[2:4] = (20 + len(udp)).to_bytes(2, "big")
    head[10:12] = total(head).to_bytes(2, "big")
    return ALL + OTHER + b"\x08\0" + bytes(head) + udp


def answer(kind, xid, options=b""):
    body = b"\2\1\6\0" + xid + bytes(8) + b"\xc0\xa8\1\x32" + bytes(8) + MAC + bytes(10 + 192)
    body += b"\x63\x82\x53\x63\x35\1" + bytes([kind]) + options
    body += b"\x36\4\xc0\xa8\1\1\x33\4\0\0\x0e\x10\1\4\xff\xff\xff\0\x0f\3abc\x79\5\0\xc0\xa8\1\1"
    return body + b"\x03\4\xc0\xa8\1\1\x06\x0c" + b"\xc0\xa8\1\3" * 3 + b"\xff"


def arp(op, spa, tpa):
    body = b"\0\1\x08\0\6\4\0" + bytes([op]) + OTHER + spa + bytes(6) + tpa
    return ALL + OTHER + b"\x08\6" + body


class Board:
    def __init__(self, fallback=False):
        self.now = 1000
        self.dev = Null()
        self.stack = Stack(self.dev, None, udp=2, tcp=0, key=b"a board.", now=self.now)
        self.dhcp = Dhcp(self.stack, fallback=fallback)
        self.taken = 0
        self.messages = 0

    def give(self, frame):
        stack = self.stack
        stack.buf[2 : 2 + len(frame)] = frame
        n = len(frame)
        now = self.now
        take = stack.input
        gc.collect()
        before = gc.mem_alloc()
        take(n, now)
        self.taken += gc.mem_alloc() - before
        self.messages += 1

    def turn(self, ms):
        while ms > 0:
            while self.stack.output(self.now):
                pass
            self.now += 100
            ms -= 100

    def until(self, state):
        for _ in range(1000):
            if self.dhcp.state == state:
                return
            self.turn(100)
        raise AssertionError("%s, not %s" % (self.dhcp.state, state))

    def xid(self):
        return bytes(self.dhcp.me[:4])


def report(name, board):
    print(name, board.taken)
    board.taken = 0


board = Board()
give = board.give
board.until("SELECTING")
give(datagram(answer(2, b"none")))
report("another's", board)
give(datagram(answer(2, board.xid())))
report("offer", board)
board.until("REQUESTING")
give(datagram(answer(5, board.xid())))
report("ack", board)
board.until("PROBING")
give(arp(1, b"\xc0\xa8\1\7", b"\xc0\xa8\1\x08"))
report("arp", board)
board.until("BOUND")
give(arp(1, b"\xc0\xa8\1\x32", b"\xc0\xa8\1\x32"))
report("conflict", board)
seed = 1
board.dhcp.renew()
board.turn(100)
whole = answer(5, board.xid())
for k in range(500):
    seed = (seed * 12869 + 6925) & 0xFFFF
    b = bytearray(whole)
    b[240 + seed % (len(b) - 240)] = seed >> 8
    give(datagram(bytes(b[: len(b) - seed % 7])))
    board.dhcp.heard = 0
report("mutated", board)
give(datagram(answer(5, board.xid())))
report("renewal", board)
board.turn(200)
print("state", board.dhcp.state)
alone = Board(True)
alone.turn(40_000)
print("alone", "%d.%d" % tuple(alone.stack.ifaces[0].ip[:2]))
alone.give(arp(1, bytes(alone.stack.ifaces[0].ip), b"\xc0\xa8\1\x08"))
report("claim", alone)
alone.dhcp.release()
alone.turn(1000)
print("messages", board.messages)
gc.collect()
before = gc.mem_alloc()
leak = bytearray(99)
print("leaky", gc.mem_alloc() - before)
