"""UDP (RFC 768; RFC 1122 4.1): a fixed table of ports, and applications as callbacks.

0 source port   2 destination port   4 length   6 checksum, 0 = none   8 data
"""

from micropython import const

from ..errors import BadAddress, Busy, TableFull
from .iface import ip_of
from ..kern import bump, copy, csum, find, put16, u16, zero

_LEN = const(4)
_SUM = const(6)
_HEAD = const(8)
_PROTO = const(17)
_FAR = const(0x10000000)

_EPHEMERAL = const(49152)  # to 65535 (RFC 6335 6)

_REASONS = {0x0303: "refused", 0x0304: "too big"}  # by ICMP type and code

_N_UDP_IN = const(17)
_N_UDP_OUT = const(18)
_N_UDP_BAD = const(19)
_N_UDP_NO_PORT = const(20)


class UdpApp:
    """What listens on a port. Both callbacks run inside `poll`; `port.send` in them marks, and
    `output` builds."""

    def received(self, port, buf, start, n):
        """n octets came and lie at buf[start:], valid during this call; `port.sport` is where
        from.

        Write an answer over them, at most `port.max` octets, and return its length (None or 0: no
        answer; an empty one is sent with `port.send`). `port.stack.cast` is true for a broadcast.
        Called for n = 0 as well.
        """

    def error(self, port, reason):
        """What `port.send` sent, or an answer, did not arrive: 'refused' (no such port there),
        'unreachable' or 'too big'."""


class UdpPort:
    """One bound port, as the application holds it. `num` is its number; 0 after `close`."""

    def __init__(self, udp, idx, num, app):
        self.udp = udp
        self.stack = udp.stack
        self.idx = idx
        self.num = num
        self.app = app
        self.to = bytearray(6)  # address and port of the pending datagram
        self.src = None  # its source; set by send(), cleared by output
        self.iface = 0  # where it leaves
        self.sport = 0  # of the datagram at hand
        self.max = 0  # octets that an answer can have
        self.start = self.len = 0  # of the data at hand

    def send(self, ip, dport, src, iface=-1):
        """Sends one datagram of what `src.fill(0, ...)` gives, up to `max` octets; then
        `src.acked(n)` is called.

        `ip` is '192.168.1.9', or 4 octets; a broadcast address is allowed. `iface` is the
        interface's number; -1: the one that has a route. Raises `Busy` while an earlier datagram
        waits for its neighbour, `BadAddress` without a route.
        """
        if self.src is not None:
            raise Busy("port %d has a datagram waiting" % self.num)
        if not 0 < dport < 65536 or not self.num:
            raise BadAddress("no such port")
        ip = ip_of(ip)
        self.iface = self.stack.route(ip, 0) if iface < 0 else iface
        if self.iface < 0:
            raise BadAddress("no route to %d.%d.%d.%d" % tuple(ip))
        copy(self.to, 0, ip, 0, 4)
        put16(self.to, 4, dport)
        self.src = src
        self.udp.pending += 1
        self.stack.wake_up()

    def close(self):
        """Gives the port up; what is pending is dropped."""
        if self.num:
            self.udp.done(self)
            self.udp.release(self)
            self.num = 0

    # The calls into the application. `with self` is the guard: what a callback raises is counted
    # and goes to stack.on_error. It takes a smaller VM frame than try/except.

    def __enter__(self):
        return self

    def __exit__(self, kind, exc, trace):
        if kind is None or not issubclass(kind, Exception):
            return False
        self.stack.failed(exc)
        return True

    def call(self):
        """Hands over the datagram; the length of the answer, None if the application raised."""
        with self:
            return self._received()

    def _received(self):
        n = self.app.received(self, self.stack.buf, self.start, self.len) or 0
        if 0 <= n <= self.max:
            return n
        raise ValueError("an answer has at most port.max octets")

    def tell(self, reason):
        """A soft error."""
        with self:
            self.app.error(self, reason)

    def fill(self, at, n):
        """Lets the pending source write up to n octets at buf[at:]; how many, or None if it
        raised."""
        self.start = at
        self.len = n
        with self:
            return self._fill(self.src)

    def _fill(self, src):
        # The source is done with before it is told so: in acked() the next may be sent.
        self.udp.done(self)
        n = src.fill(0, self.stack.buf, self.start, self.len)
        src.acked(n)
        return min(n, self.len)


class Udp:
    """Protocol 17, with `rows` ports."""

    def __init__(self, stack, rows):
        self.stack = stack
        self.ip = stack.ip
        self.buf = stack.buf
        self.stat = stack.stat
        self.nums = bytearray(2 * rows)  # the port numbers, 0 = free: what `find` looks through
        self.ports = [None] * rows
        self.want = bytearray(2)  # the number that `find` looks for
        self.key = bytearray(6)  # where the datagram being built goes: address and port
        self.pending = 0  # ports with a datagram to send
        self.turn = 0  # the port that was asked last: each has its turn

    def bind(self, num, app):
        """A port for `app`; number 0 chooses an ephemeral one at random (RFC 6056). Raises
        `TableFull`, or `Busy` when the number is taken."""
        i = self._row(0)
        if i < 0:
            raise TableFull("all %d UDP ports are bound: Stack(udp=...)" % len(self.ports))
        if not 0 <= num < 65536:
            raise BadAddress("a port is a number from 1 to 65535")
        if not num:
            num = self._random()
        elif self._row(num) >= 0:
            raise Busy("port %d is bound" % num)
        put16(self.nums, 2 * i, num)
        self.ports[i] = UdpPort(self, i, num, app)  # type: ignore[call-overload]
        return self.ports[i]

    def release(self, port):
        """Frees the row of a port that was closed."""
        zero(self.nums, 2 * port.idx, 2)
        self.ports[port.idx] = None

    def _row(self, num):
        put16(self.want, 0, num)
        return find(self.nums, 2, len(self.ports), self.want, 2)

    def _random(self):
        # RFC 6056 3.3.2: from a random start the first port that is free.
        num = self.stack.random8() << 8 | self.stack.random8()
        while True:  # a table of ports has fewer rows than there are numbers
            num = _EPHEMERAL | (num + 1) & 0x3FFF
            if self._row(num) < 0:
                return num

    # Input

    def input(self, iface, at, n, psum):
        """A datagram in n octets at `at`; returns the length of the answer at iface.tx, or 0."""
        bump(self.stat, _N_UDP_IN)
        n = self._check(at, n, psum)
        if n:
            return self._serve(iface, at, n)
        bump(self.stat, _N_UDP_BAD)
        return 0

    def _check(self, at, n, psum):
        """The datagram's length; 0 if that or the checksum is wrong. It may be shorter than n."""
        k = u16(self.buf, at + _LEN) if n >= _HEAD else 0
        if not _HEAD <= k <= n:
            return 0
        # psum was taken with n for the length: n comes off again (0xFFFF - n), k goes in.
        if u16(self.buf, at + _SUM) and csum(self.buf, at, k, psum + 0xFFFF - n + k) != 0xFFFF:
            return 0
        return k

    def _serve(self, iface, at, n):
        port = self._port(at + 2)
        if port is None:
            bump(self.stat, _N_UDP_NO_PORT)
            return self.ip.icmp.refuse(iface, 3)  # RFC 1122 4.1.3.1: port unreachable
        port.sport = u16(self.buf, at)
        port.max = iface.mtu - 28
        n = self._call(port, at + _HEAD, n - _HEAD)
        return self._answer(iface, port, at, n) if n else 0

    def _port(self, at):
        """The port whose number is at buf[at:at+2], or None. 0 is nobody's."""
        at = u16(self.buf, at)
        at = self._row(at) if at else -1
        return None if at < 0 else self.ports[at]

    def _call(self, port, start, n):
        """The application's turn; the length of its answer."""
        port.start = start
        port.len = n
        n = len(self.buf) - start  # IP options leave less
        if n < port.max:
            port.max = n
        return port.call() or 0

    def _answer(self, iface, port, at, n):
        # A sender with port 0 wants none (RFC 768); a port that the callback closed gives none.
        if not port.sport or not port.num:
            return 0
        if at != iface.tx:
            at += _HEAD
            copy(self.buf, iface.tx + _HEAD, self.buf, at, n)
        copy(self.key, 0, self.buf, self.stack.src_at, 4)
        put16(self.key, 4, port.sport)
        return self._finish(iface, port.num, n)

    def _finish(self, iface, num, n):
        """The header before n octets of data from port `num` to the address and port in `key`."""
        n += _HEAD
        put16(self.buf, iface.tx, num)
        copy(self.buf, iface.tx + 2, self.key, 4, 2)
        put16(self.buf, iface.tx + _LEN, n)
        put16(self.buf, iface.tx + _SUM, 0)
        num = self.ip.psum(iface, _PROTO, self.key, 0, n)
        num = 0xFFFF ^ csum(self.buf, iface.tx, n, num)
        put16(self.buf, iface.tx + _SUM, num or 0xFFFF)  # RFC 768: 0 would say that there is none
        bump(self.stat, _N_UDP_OUT)
        return n

    def unreach(self, iface, kind, code, at, n):
        """An ICMP error quotes a datagram of ours: told to the application (RFC 1122 4.1.3.3)."""
        code = _REASONS.get(kind << 8 | code, "unreachable")
        self._tell(at, code)

    def _tell(self, at, reason):
        port = self._port(at)
        if port is not None:
            port.tell(reason)

    # Output

    def output(self, now):
        """The frame's length of a pending datagram whose neighbour is known, or 0."""
        n = 0
        if self.pending:
            for _ in range(len(self.ports)):
                self.turn = (self.turn + 1) % len(self.ports)
                port = self.ports[self.turn]
                if port is not None and port.src is not None:
                    n = self._send(port)
                if n:
                    break
        return n

    def deadline(self, now):
        """ms until `output` has something to do. There are no timers; ARP knows its own."""
        return _FAR

    def _send(self, port):
        iface = self.stack.ifaces[port.iface]
        n = iface.reach(port.to, 0)
        if n > 0:
            return self._build(port, iface)
        if n < 0:
            self.done(port)
            port.tell("unreachable")
        return 0

    def _build(self, port, iface):
        copy(self.key, 0, port.to, 0, 6)
        n = port.fill(iface.tx + _HEAD, iface.mtu - 28)
        if n is None or not port.num:  # it raised, or it closed the port
            return 0
        n = self._finish(iface, port.num, n)
        return self.ip.send(iface, _PROTO, self.key, 0, n)

    def done(self, port):
        """The port can send again."""
        if port.src is not None:
            port.src = None
            self.pending -= 1
