"""UDP (RFC 768; RFC 1122 4.1): a fixed table of ports, and applications as callbacks.

0 source port   2 destination port   4 length   6 checksum, 0 = none   8 data
"""

from array import array

from micropython import const

from ..errors import BadAddress, Busy, TableFull
from ..guard import guarded
from ..kern import bump, copy, csum, put16, u16
from ..kern.ptr import kernel, ptr8, ptr16, ptr32
from ..stat import N_UDP_BAD, N_UDP_IN, N_UDP_NO_PORT, N_UDP_OUT
from .datagram import (
    AT,
    CAST,
    FAR,
    ICMP_AT,
    L2,
    LEN,
    OUR_IP,
    OUT_PROTO,
    OUT_TTL,
    OUT_WHOLE,
    PSUM,
    SPORT,
    TTL,
)
from .front import aim, divisible
from .iface import ip_of

_HEAD = const(8)
UDP = const(17)  # the protocol number

_EPHEMERAL = const(49152)  # to 65535 (RFC 6335 6)

_REASONS = {0x0303: "refused", 0x0304: "too big"}  # by ICMP type and code

_BAD = const(-2)


@kernel
def whose_port(buf, seg: ptr32, nums: ptr16, rows: int, stat: ptr32) -> int:
    """Checks the datagram at hand, whose length may be less than IP's (seg[LEN] is it then).
    Returns the row of its destination port; -1: nobody's; -2: length or checksum is wrong."""
    c = stat[N_UDP_IN] - 0x20000000 + 1  # bump, in place
    if c >= 0x20000000:
        c = 0 - 0x20000000
    stat[N_UDP_IN] = c + 0x20000000
    b = ptr8(buf)
    at = seg[AT]
    n = seg[LEN]
    if n < 8:
        return 0 - 2
    k = (b[at + 4] << 8) | b[at + 5]
    if k < 8 or k > n:
        return 0 - 2
    # PSUM was taken with n for the length: n comes off again (0xFFFF - n), k goes in.
    if b[at + 6] | b[at + 7]:
        if int(csum(buf, at, k, seg[PSUM] + 0xFFFF - n + k)) != 0xFFFF:
            return 0 - 2
    seg[LEN] = k
    seg[SPORT] = (b[at] << 8) | b[at + 1]
    num = (b[at + 2] << 8) | b[at + 3]
    i = 0
    while i < rows:
        if nums[i] == num and num != 0:  # port 0 is nobody's
            return i
        i += 1
    return 0 - 1


@kernel
def udp_head(buf, n: int, face: ptr8, out: ptr32, stat: ptr32) -> int:
    """The header and the checksum before n octets of data. The datagram goes back where the one in
    its place came from: the ports are turned round here, the addresses by `head`. Returns its
    length, below 0 when it is to be `divisible`; 0 when it would go to port 0, which wants no
    answer (RFC 768)."""
    b = ptr8(buf)
    h = face[L2] + 14  # 8 before the address that it goes to
    at = h + 8
    n += 8
    if (b[at] | b[at + 1]) == 0:
        return 0
    c = stat[N_UDP_OUT] - 0x20000000 + 1  # bump, in place
    if c >= 0x20000000:
        c = 0 - 0x20000000
    stat[N_UDP_OUT] = c + 0x20000000
    c = b[at]
    b[at] = b[at + 2]
    b[at + 2] = c
    c = b[at + 1]
    b[at + 1] = b[at + 3]
    b[at + 3] = c
    # the pseudo-header: 17 + n + 4 halves < 2**19
    c = 17 + n + ((face[OUR_IP] << 8) | face[OUR_IP + 1])
    c += (face[OUR_IP + 2] << 8) | face[OUR_IP + 3]
    c += (b[h] << 8) | b[h + 1]
    c += (b[h + 2] << 8) | b[h + 3]
    c = (c & 0xFFFF) + (c >> 16)
    b[at + 4] = n >> 8
    b[at + 5] = n & 0xFF
    b[at + 6] = 0
    b[at + 7] = 0
    c = 0xFFFF ^ int(csum(buf, at, n, c))
    if c == 0:
        c = 0xFFFF  # RFC 768: 0 would say that there is none
    b[at + 6] = c >> 8
    b[at + 7] = c & 0xFF
    if n > out[OUT_WHOLE]:
        return 0 - n
    return n


class UdpApp:
    """What listens on a port. Its callbacks run inside `poll`; `port.send` in them marks, and
    `output` builds."""

    poll_ms = 0  # how often `poll` is called, from `bind` on; 0 = never; at most 2**28 (3 days)

    def received(self, port, buf, start, n):
        """n octets came and lie at buf[start:], valid during this call; `port.sport` is the port
        that it came from, `port.cast` true for a broadcast.

        Write an answer over them, at most `port.max` octets, and return its length: None for no
        answer, 0 for an empty one. Called for n = 0 as well.
        """

    def error(self, port, reason):
        """What `port.send` sent, or an answer, did not arrive: 'refused' (no such port there),
        'unreachable' or 'too big'."""

    def poll(self, port):
        """Called every `poll_ms` while the port is bound. What it raises goes to `stack.on_error`;
        the port stays, and is polled on."""


class UdpPort:
    """One bound port, as the application holds it. `num` is its number; 0 after `close`."""

    def __init__(self, udp, idx, num, app):
        self.udp = udp
        self.stack = udp.stack
        self.idx = idx
        self.num = num
        self.app = app
        self.to = bytearray(4)  # the address of the pending datagram,
        self.dport = 0  # its port,
        self.src = None  # and its source; set by send(), cleared by output
        self.iface = 0  # where it leaves
        self.sport = 0  # of the datagram at hand: where it came from,
        self.cast = 0  # and 1 if it came to everyone
        self.max = 0  # octets that an answer can have

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
        self.dport = dport
        self.src = src
        self.udp.pending += 1
        self.stack.wake_up()

    def close(self):
        """Gives the port up; what is pending is dropped."""
        if self.num:
            self.done()
            self.udp.nums[self.idx] = self.num = 0
            self.udp.ports[self.idx] = None

    def done(self):
        """The port can send again."""
        if self.src is not None:
            self.src = None
            self.udp.pending -= 1

    def __enter__(self):
        """A callback begins."""

    def __exit__(self, kind, exc, trace):
        """A callback has ended. If it raised, nothing is sent."""
        if exc is None or not isinstance(exc, Exception):
            return False
        self.stack.failed(exc)
        return True


def datagrams(udp):
    """Takes datagrams, one a turn: `send(iface)` gives the length of the answer to the one that is
    described in `seg`, written behind the place of its IP header; 0 for none.

    A generator: its locals last from one datagram to the next, and need no frame. What a callback
    raises ends here, nothing is answered.
    """
    stack, nums, ports, rows = udp.stack, udp.nums, udp.ports, len(udp.ports)
    buf, seg, stat, out = stack.buf, stack.seg, stack.stat, stack.out
    n = 0
    while True:
        iface = yield n
        n = 0
        i = whose_port(buf, seg, nums, rows, stat)
        if i < 0:
            if i == _BAD:
                bump(stat, N_UDP_BAD)
            else:
                bump(stat, N_UDP_NO_PORT)
                n = stack.icmp.refuse(iface, 3)  # RFC 1122 4.1.3.1: port unreachable
            continue
        port = ports[i]
        at = seg[AT]
        room = iface.mtu - 28
        if at != iface.tx:  # IP options leave less room for an answer
            room = min(room, len(buf) - at - _HEAD)
        port.max = room
        port.sport = seg[SPORT]
        port.cast = seg[CAST]
        try:
            n = port.app.received(port, buf, at + _HEAD, seg[LEN] - _HEAD)
            if n is None:
                n = 0
                continue
            if not 0 <= n <= room:
                raise ValueError("an answer has at most port.max octets")
        except Exception as exc:
            n = 0
            stack.failed(exc)
            continue
        if not port.num:  # a port that the callback closed has no answer
            n = 0
            continue
        if at != iface.tx:  # the answer lies behind IP options, which do not go back
            copy(buf, iface.tx, buf, at, n + _HEAD)
        n = udp_head(buf, n, iface.face, out, stat)
        if n < 0:
            n = -n
            divisible(stack.key, out)


def _fill(port):
    """The octets of the pending datagram, at the place of its data; None if it was given up."""
    stack = port.stack
    iface = stack.ifaces[port.iface]
    src = port.src
    # The source is done with before it is told so: in acked() the next may be sent.
    port.done()
    n = iface.mtu - 28
    n = min(src.fill(0, stack.buf, iface.tx + _HEAD, n), n)
    if n < 0:
        raise ValueError("fill() gives a count of octets, 0 or more")
    src.acked(n)
    return n if port.num else None  # None: it has closed the port


class Udp:
    """Protocol 17, with `rows` ports."""

    def __init__(self, stack, rows):
        self.stack = stack
        self.nums = array("H", bytearray(2 * rows))  # the port numbers, 0 = free
        self.ports = [None] * rows
        self.pending = 0  # ports with a datagram to send
        self.turn = 0  # the port that was asked last: each has its turn

    def bind(self, num, app):
        """A port for `app`; number 0 chooses an ephemeral one at random (RFC 6056). Raises
        `TableFull`, or `Busy` when the number is taken."""
        nums = list(self.nums)
        if 0 not in nums:
            raise TableFull("all %d UDP ports are bound: Stack(udp=...)" % len(nums))
        if not 0 <= num < 65536:
            raise BadAddress("a port is a number from 1 to 65535")
        if not num:
            # RFC 6056 3.3.2: from a random start the first port that is free.
            num = self.stack.random8() << 8 | self.stack.random8()
            while num < _EPHEMERAL or num in nums:  # a table has fewer rows than there are numbers
                num = _EPHEMERAL | (num + 1) & 0x3FFF
        elif num in nums:
            raise Busy("port %d is bound" % num)
        i = nums.index(0)
        self.nums[i] = num
        port = self.ports[i] = UdpPort(self, i, num, app)  # type: ignore[call-overload]
        if getattr(app, "poll_ms", 0):  # any object with the callbacks will do
            from .udp_poll import begin

            begin(self, port)
        return port

    def start(self):
        """Makes `input`, see `datagrams`: now, and again when an exception that is none of a
        callback's (KeyboardInterrupt) has ended it."""
        self.input = datagrams(self).send
        self.input(None)

    def unreach(self, iface, at, n):
        """ICMP quotes n octets of a datagram of ours at `at`: the application of its port is
        told."""
        buf = self.stack.buf
        i = self.stack.seg[ICMP_AT]
        self._tell(u16(buf, at), _REASONS.get(u16(buf, i), "unreachable"))

    def _tell(self, num, reason):
        for port in self.ports:
            if port is not None and port.num == num:
                with port:
                    port.app.error(port, reason)

    def output(self, now):
        """The frame's length of a pending datagram whose neighbour is known, or 0."""
        return self._next() if self.pending else 0

    def _next(self):
        for _ in range(len(self.ports)):
            self.turn = (self.turn + 1) % len(self.ports)
            port = self.ports[self.turn]
            if port is not None and port.src is not None:
                n = self.leave(port, self.stack.ifaces[port.iface])
                if n:
                    return n
        return 0

    def deadline(self, now):
        """ms until `output` has something to do. There are no timers; ARP knows its own."""
        return FAR

    def leave(self, port, iface):
        """The frame's length of a port's pending datagram; 0 while its neighbour is asked for, and
        when there is none."""
        n = iface.reach(port.to, 0)
        if n < 0:
            port.done()
            self._tell(port.num, "unreachable")
        if n <= 0:
            return 0
        stack = self.stack
        # Whom it goes to, as if a datagram had come from there. Before the data: in acked() the
        # application may send the next one, elsewhere.
        aim(stack.buf, iface.face, port.to, 0)
        put16(stack.buf, iface.tx, port.dport)
        put16(stack.buf, iface.tx + 2, port.num)
        out = stack.out
        if 224 <= port.to[0] < 240:
            out[OUT_TTL] = 1  # RFC 1112 6.1; fill() may say otherwise (igmp.py)
        n = guarded(_fill, port)
        if n is None:
            out[OUT_TTL] = TTL
            return 0
        out[OUT_PROTO] = UDP
        n = udp_head(stack.buf, n, iface.face, out, stack.stat)
        if n < 0:
            n = -n
            divisible(stack.key, out)
        return stack.leave(iface, n)
