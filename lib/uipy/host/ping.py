"""A ping of our own (RFC 792, RFC 1122 3.2.2.6): is that host there, and how far away?

    ping = Ping(stack)
    ping.send("192.168.1.1", print)         prints 3 (ms), or None: no answer

0 type 8, in the answer 0   1 code   2 checksum   4 identifier   6 sequence number   8 data

An answer is one of the address that was asked, with our identifier, the number of this request and
as many octets of data as were sent. Times are those of the polls that sent the one and received
the other, in whole ms.
"""

from micropython import const

from .. import BadAddress, Error, TableFull
from ..kern import bump, copy, csum, put16, same, tadd, tdiff, u16, zero
from ..net.datagram import AT, CAST, DST_AT, FAR, LEN, OUT_PROTO, OUT_WHOLE, SRC_AT
from ..net.front import aim, divisible
from ..net.icmp import ICMP, OTHER
from ..stat import N_ICMP_OUT

_REPLY = const(0)
_REQUEST = const(8)
_HEAD = const(8)

_FREE = const(0)
_NEW = const(1)  # `send` was called: its time begins with the next poll
_ASK = const(2)  # it has not left yet: its neighbour is asked for
_WAIT = const(3)
_OVER = const(4)  # f is to be told


class _Echo:
    """A request under way."""

    def __init__(self):
        self.state = _FREE
        self.to = bytearray(4)
        self.iface = 0
        self.seq = 0
        self.n = 0  # octets of data
        self.f = None
        self.timeout = 0
        self.at = 0  # when it is given up
        self.sent_at = 0
        self.ms = None  # the answer


class Ping:
    """Sends echo requests, `rows` of them under way at a time (about 140 octets each). One for a
    stack: raises `Error` for a second."""

    def __init__(self, stack, rows=4):
        if ICMP in stack.handlers:
            raise Error("the stack has its Ping: use that one")
        self.stack = stack
        self.ident = stack.random8() << 8 | stack.random8()
        self.seq = stack.random8() << 8 | stack.random8()
        self.rows = [_Echo() for _ in range(rows)]
        self.due = False
        self.asking = False  # one waits for its neighbour: it is tried with every frame
        self.at = stack.now  # when something is due
        stack.handlers[ICMP] = self  # the errors about what we sent: `unreach`
        stack.add_protocol(OTHER | _REPLY, self)
        stack.layers.append(self)

    def send(self, ip, f, n=56, timeout_ms=1000):
        """One echo request with n octets of data to '192.168.1.9', or to 4 octets.

        f(ms) is called once, from `stack.poll` and never before this returns: with the ms until
        the answer, or with None when there was none within `timeout_ms` (1 to 2**28), and at once
        when there is no way to that host. Raises `BadAddress` for what is no host's address,
        `ValueError` when n octets do not fit into a packet (1472 on an Ethernet), `TableFull` when
        all rows are waiting.
        """
        stack = self.stack
        ip = stack.ip_of(ip)
        if not 0 < ip[0] < 224 or ip[0] == 127:
            raise BadAddress("%d.%d.%d.%d is no other host's address" % tuple(ip))
        if not callable(f):
            raise Error("what is to be called with the ms is wanted: ping.send(ip, f)")
        if not 1 <= timeout_ms <= FAR:
            raise ValueError("timeout_ms is 1 to 2**28 (3 days)")
        i = stack.route(ip, 0)
        if not 0 <= n <= stack.ifaces[max(0, i)].mtu - 28:
            raise ValueError("a ping has up to %d octets" % (stack.ifaces[max(0, i)].mtu - 28))
        for row in self.rows:
            if row.state == _FREE:
                copy(row.to, 0, ip, 0, 4)
                self.seq = row.seq = (self.seq + 1) & 0xFFFF
                row.iface = i
                row.n = n
                row.f = f
                row.timeout = timeout_ms
                row.ms = None
                row.state = _NEW if i >= 0 else _OVER
                self.hurry()
                return
        raise TableFull("%d pings wait for their answers: Ping(stack, rows=...)" % len(self.rows))

    def hurry(self):
        """There is something to do at once."""
        self.due = True
        self.stack.wake_up()

    # As a layer of the stack

    def output(self, now):
        """The frame's length of a request that can leave, or 0; tells who is to be told."""
        if self.due or self.asking or tdiff(now, self.at) >= 0:
            return self._run(now)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        return 0 if self.due else max(0, tdiff(self.at, now))

    def _run(self, now):
        self.due = self.asking = False
        left = FAR
        for row in self.rows:
            if row.state == _NEW:
                row.state = _ASK
                row.at = tadd(now, row.timeout)
            if row.state == _ASK or row.state == _WAIT:
                if tdiff(now, row.at) >= 0:
                    row.state = _OVER
            if row.state == _OVER:
                self._tell(row)
            elif row.state == _ASK:
                n = self._leave(row, now)
                if n:
                    self.due = True  # perhaps there is more
                    return n
            if row.state == _ASK or row.state == _WAIT:
                left = min(left, max(0, tdiff(row.at, now)))
            if row.state == _ASK:
                self.asking = True
        self.at = tadd(now, left)
        return 0

    def _tell(self, row):
        f = row.f
        row.f = None
        row.state = _FREE  # before the call: it may send the next one
        try:
            f(row.ms)
        except Exception as exc:
            self.stack.failed(exc)

    def _leave(self, row, now):
        """The frame's length of this request; 0 while its neighbour is asked for."""
        stack = self.stack
        iface = stack.ifaces[row.iface]
        n = iface.reach(row.to, 0)
        if n < 0:
            row.state = _OVER
            self._tell(row)
        if n <= 0:
            return 0
        b = stack.buf
        at = iface.tx
        aim(b, iface.face, row.to, 0)
        zero(b, at, _HEAD)
        b[at] = _REQUEST
        put16(b, at + 4, self.ident)
        put16(b, at + 6, row.seq)
        n = _HEAD + row.n
        for i in range(_HEAD, n):
            b[at + i] = i & 0xFF
        put16(b, at + 2, 0xFFFF ^ csum(b, at, n, 0))
        row.sent_at = now
        row.state = _WAIT
        stack.out[OUT_PROTO] = ICMP
        if n > stack.out[OUT_WHOLE]:
            divisible(stack.key, stack.out)
        bump(stack.stat, N_ICMP_OUT)
        return stack.leave(iface, n)

    # What arrives

    def input(self, iface):
        """An echo reply, sound as an ICMP message and for us alone."""
        stack = self.stack
        seg = stack.seg
        at = seg[AT]
        row = self._row(iface, at, seg[SRC_AT])
        if row and seg[LEN] == _HEAD + row.n and not seg[CAST]:
            row.ms = max(0, tdiff(stack.now, row.sent_at))
            self._over(row)

    def unreach(self, iface, at, n):
        """ICMP quotes n octets of a message of ours at `at`: it did not arrive."""
        row = self._row(iface, at, self.stack.seg[DST_AT])
        if row and self.stack.buf[at] == _REQUEST:
            self._over(row)

    def _row(self, iface, at, peer):
        """The request that a message at buf[at:] is about, of the host at buf[peer:]; or None."""
        b = self.stack.buf
        if u16(b, at + 4) == self.ident:
            for row in self.rows:
                if row.state == _WAIT and row.seq == u16(b, at + 6) and row.iface == iface.idx:
                    if same(b, peer, row.to, 0, 4):
                        return row
        return None

    def _over(self, row):
        # f is called by `output`: what it does finds no packet half read.
        row.state = _OVER
        self.hurry()
