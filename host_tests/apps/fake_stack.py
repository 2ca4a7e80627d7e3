"""A stack with known numbers, for pages that show them. Runs on every Python."""

from array import array

from uipy.stat import NAMES


class Dev:
    l2 = 14
    mac = b"\x02\x00\xca\xfe\x12\x34"
    mtu = 1500
    NAMES = ("rx", "tx", "rx_bad")

    def __init__(self):
        self.stat = [7, 8, 2**30 - 1]


class Iface:
    def __init__(self, idx, dev, ip, up):
        self.idx = idx
        self.dev = dev
        self.ip = bytearray(ip)
        self.up = up


class Row:
    """A connection, as far as the status page looks at it."""

    def __init__(self, state, raddr, rport, lport, state_at):
        self.state = state
        self.raddr = raddr
        self.rport = rport
        self.lport = lport
        self.state_at = state_at

    def raddr_into(self, buf, i):
        for k in range(4):
            buf[i + k] = self.raddr[k]


class Table:
    """Rows of 30 octets, the first two in use."""

    def __init__(self, rows):
        self.rows = rows
        self.tab = bytearray(30 * rows)
        for i in range(min(rows, 2)):
            self.tab[30 * i] = 1


class Tcp:
    rows = 4

    def __init__(self):
        self.half = Table(8)
        self.wait = Table(1)


class FakeStack:
    def __init__(self, now=100_000):
        self.now = now
        self.stat = array("i", [1000 * i for i in range(len(NAMES))])
        self.layers = []
        self.ifaces = [Iface(0, Dev(), b"\xc0\xa8\x01\x07", True)]
        self.tcp = Tcp()
        self.tcp.conns = [
            Row(4, b"\xc0\xa8\x01\x09", 51000, 80, now - 12_345),
            Row(0, b"\0\0\0\0", 0, 0, 0),
            Row(7, b"\x0a\x00\x00\x01", 65535, 7, now - 95_000),
            Row(7, b"\x0a\x00\x00\x02", 1, 7, now - 5_000),
        ]
