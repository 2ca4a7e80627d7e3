"""The endpoint of a datagram socket: the queue of datagrams that came, and the one that is to
leave.

The queue is a `Ring`. A datagram lies in it behind 8 octets: the address that it came from, the
port, its length. There is room for 4 datagrams, or one for each kB if that is more, and for `size`
octets with those in front; what comes when it is full is dropped, and counted in `lost`.

One datagram can be under way, in a copy: it waits for its neighbour's answer to ARP, 3 s at the
most. A socket that may wait waits until the neighbour has answered; the datagram leaves with the
next poll, as what is written to a connection does.

As lwIP does on a Pico W: a datagram that is longer than what it is read into is cut, and the rest
is gone; broadcasts may be sent without SO_BROADCAST; a socket that is bound to an address hears
what is sent to that one; a socket that is bound may be bound again; a call that sends binds one
that is not. Other than lwIP, which tells a socket of no ICMP error: a client, which is a socket
that is connected or has not chosen its port, hears that its peer has no such port (ECONNREFUSED).
A server does not, for any of its clients could end it so.
"""

from micropython import const

from ..errors import TableFull
from ..kern import copy, put16, same, u16
from ..net.datagram import OUT_TTL
from ..net.udp import UdpApp
from ..ring import Ring
from .args import fault, ignored, text_of
from .numbers import (
    EADDRINUSE,
    ECONNREFUSED,
    EHOSTUNREACH,
    EINVAL,
    EMSGSIZE,
    ENOMEM,
    ENOPROTOOPT,
    ENOTCONN,
    EOPNOTSUPP,
    IP_ADD_MEMBERSHIP,
    IP_DROP_MEMBERSHIP,
    IP_MULTICAST_TTL,
    MSG_PEEK,
    POLL_ERR,
    POLL_RD,
    POLL_WR,
    SO_BROADCAST,
    SO_ERROR,
    SO_RCVBUF,
    SO_REUSEADDR,
    SO_TYPE,
    SOCK_DGRAM,
)

SIZE = const(4096)  # octets of a queue, unless SO_RCVBUF says otherwise
_LEAST = const(256)
_HEAD = const(8)  # before each datagram in it:
_PORT = const(4)  # after the address
_LEN = const(6)
_SLOTS = const(4)
_SLOT = const(10)  # and one for each 2**10 octets
_MOST = const(65507)
_IP_UDP = const(28)  # octets of headers

_ANY = b"\0\0\0\0"


class Dgrams(UdpApp):
    """One datagram socket's endpoint (face.py says what that has).

    count   datagrams that wait to be read
    lost    datagrams that found no room
    """

    peer = None  # each datagram has its own: `sender`
    callback = None  # SO_CALLBACK, called with `sock`
    sock = None

    def __init__(self, loop):
        self.loop = loop
        self.size = SIZE
        self.ring = None  # made with the port
        self.port = None
        self.count = self.lost = 0
        self.slots = _SLOTS
        self.head = bytearray(_HEAD)  # of the datagram that goes into the queue,
        self.source = bytearray(_HEAD)  # of the one that was read last
        self.chosen = False  # the port is the caller's choice: this is a server
        self.here = bytearray(4)  # what it is bound to; zeros: all that is for us
        self.there = bytearray(6)  # whom it is connected to, or has sent to last: address, port
        self.to = 0  # the port that it is connected to; 0: to nobody
        self.out = bytearray(0)  # what is to leave,
        self.size_out = -1  # so many octets of it; -1: nothing
        self.sure = False  # its neighbour is known
        self.fault = 0  # what the next call that sends or reads raises
        self.hops = 0  # TTL of what goes to a group; 0: as the stack has it
        self.closed = False
        self.joined = []  # (group, interface's number)

    # What the stack calls

    def received(self, port, buf, start, n):
        """A datagram goes into the queue. Takes no heap."""
        if self._wanted(port, buf, n):
            self.ring.write(self.head, 0, _HEAD)
            self.ring.write(buf, start, n)
            self.count += 1
            self._tell()

    def _wanted(self, port, buf, n):
        # A function of its own: a frame of 11 words takes no heap.
        at = port.stack.src_at
        if self.to and (port.sport != self.to or not same(buf, at, self.there, 0, 4)):
            return False
        if self.here[0] and not same(buf, at + 4, self.here, 0, 4):
            return False
        if self.ring.room < n + _HEAD or self.count >= self.slots:
            self.lost += 1
            return False
        copy(self.head, 0, buf, at, 4)
        put16(self.head, _PORT, port.sport)
        put16(self.head, _LEN, n)
        return True

    def _tell(self):
        if self.callback:
            self.loop.defer(self.callback, self.sock)

    def fill(self, rel, buf, pos, n):
        """The stack sends what waits."""
        n = self.size_out
        if self.hops and 224 <= self.port.to[0] < 240:
            self.port.stack.out[OUT_TTL] = self.hops
        copy(buf, pos, self.out, 0, n)
        self._out(-1)
        return n

    def acked(self, n):
        """It has left."""

    def _out(self, n):
        self.size_out = n
        if n < 0 and self.closed:
            self.loop.defer(_shut, self.port)

    def error(self, port, reason):
        """The neighbour of what waits does not answer; or ICMP tells that something has not
        arrived."""
        if self.size_out >= 0 and port.src is None:
            self.fault = EHOSTUNREACH
            self._out(-1)
        elif reason == "refused" and (self.to or not self.chosen):
            at = port.stack.src_at + 4  # in a quotation: whom it was for
            buf = port.stack.buf
            if same(buf, at, self.there, 0, 4) and same(buf, at + 6, self.there, _PORT, 2):
                self.fault = ECONNREFUSED
                self._tell()

    # What a socket calls

    def bind(self, ip, num):
        """Takes port `num`, or for 0 one that is free. Raises EADDRINUSE, and ENOMEM when the
        stack's table of ports is full: Stack(udp=...)."""
        udp = self.loop.stack.udp
        if udp is None:
            raise fault(ENOMEM)
        if not 0 <= num < 65536:
            raise fault(EINVAL)
        if num and num in list(udp.nums) and (self.port is None or self.port.num != num):
            raise fault(EADDRINUSE)
        if self.ring is None:
            self.ring = Ring(self.size)
            self.slots = max(_SLOTS, self.size >> _SLOT)
        if self.port:
            self.port.close()
            self.port = None
            self.size_out = -1
        try:
            self.port = udp.bind(num, self)
        except TableFull:
            raise fault(ENOMEM)
        copy(self.here, 0, ip, 0, 4)
        self.chosen = num != 0

    def connect(self, ip, num):
        """From now on datagrams go to this peer, and those of others are dropped."""
        self._reach(ip, num)
        if self.port is None:
            self.bind(_ANY, 0)
        self._aim(ip, num)
        self.to = num
        self.fault = 0

    def settled(self):
        """It is done at once."""
        return True

    def _aim(self, ip, num):
        copy(self.there, 0, ip, 0, 4)
        put16(self.there, _PORT, num)

    def _reach(self, ip, num):
        """The interface that leads to this address."""
        if not 0 < num < 65536:
            raise fault(EINVAL)
        idx = self.loop.stack.route(ip, 0)
        if idx < 0 or ip[0] == 0 or ip[0] == 127:  # RFC 1122 3.2.1.3 (a), (g)
            raise fault(EHOSTUNREACH)
        return self.loop.stack.ifaces[idx]

    def send(self, buf, start, n):
        """One datagram to the peer; None while another one is under way. Raises ENOTCONN without a
        peer."""
        if not self.to:
            raise fault(ENOTCONN)
        return self.sendto(buf, start, n, self.there, self.to)

    def sendto(self, buf, start, n, ip, num):
        """The same to anyone. Raises EMSGSIZE for more than a frame takes, EHOSTUNREACH without a
        way, or when the one before has found no neighbour."""
        iface = self._reach(ip, num)
        if n > iface.mtu - _IP_UDP:
            raise fault(EMSGSIZE)
        if self.size_out >= 0:
            return None
        if self.port is None:
            self.bind(_ANY, 0)
        self.gone()
        if len(self.out) < n:
            self.out = bytearray(n)
        copy(self.out, 0, buf, start, n)
        self._out(n)
        if not self.to:
            self._aim(ip, num)
        self.port.send(ip if len(ip) == 4 else bytes(memoryview(ip)[:4]), num, self, iface.idx)
        self.sure = iface.reach(ip, 0) > 0
        return n

    def gone(self):
        """True when nothing is under way, or when nothing can keep it: the next poll sends it.
        Raises EHOSTUNREACH when it has found no neighbour."""
        if self.fault == EHOSTUNREACH:
            self._raise()
        return self.size_out < 0 or self.sure

    def forget(self):
        """What is under way is not to leave any more."""
        if self.size_out >= 0 and not self.sure:
            self.port.done()
            self._out(-1)

    def _raise(self):
        no, self.fault = self.fault, 0
        raise fault(no)

    def recv_into(self, buf, start, n, flags=0):
        """The oldest datagram, n octets of it at the most; None when there is none. Raises
        ECONNREFUSED once if the peer of a client has no such port."""
        if not self.count:
            if self.fault:
                self._raise()
            return None
        ring = self.ring
        ring.fill(0, self.source, 0, _HEAD)
        whole = u16(self.source, _LEN)
        n = min(n, whole)
        ring.fill(_HEAD, buf, start, n)
        if not flags & MSG_PEEK:
            ring.acked(_HEAD + whole)
            self.count -= 1
        return n

    def take(self, n, flags=0):
        """The same as octets."""
        if not self.count:
            return self.recv_into(b"", 0, 0)
        buf = bytearray(min(n, self.left()))
        ring = self.ring
        ring.fill(_HEAD, buf, 0, len(buf))
        if not flags & MSG_PEEK:
            ring.acked(_HEAD + u16(self.source, _LEN))
            self.count -= 1
        return bytes(buf)

    def left(self):
        """Octets of the oldest datagram."""
        if not self.count:
            return 0
        self.ring.fill(0, self.source, 0, _HEAD)
        return u16(self.source, _LEN)

    def line(self, n):
        """Up to a line feed in the oldest datagram, or up to its end."""
        n = self.left() if n < 0 else min(n, self.left())
        octet = bytearray(1)
        for i in range(n):
            self.ring.fill(_HEAD + i, octet, 0, 1)
            if octet[0] == 10:
                return i + 1
        return n

    def readable(self):
        """recv_into would give something, or raise."""
        return self.count != 0 or self.fault != 0

    def writable(self):
        """Nothing is under way."""
        return self.size_out < 0

    def space(self):
        """Octets that can be sent now."""
        return 0 if self.size_out >= 0 else _MOST

    def flags(self, events):
        """As lwIP's; an error that waits to be read is POLL_ERR, and something to read."""
        ready = 0 if self.size_out >= 0 else POLL_WR
        if self.count:
            ready |= POLL_RD
        if self.fault:
            ready |= POLL_RD | POLL_ERR
        return ready & (events | POLL_ERR)

    # Addresses

    def sender(self):
        """Where the datagram that was read last came from."""
        return _pair(self.source)

    def getpeername(self):
        """Whom it is connected to."""
        if not self.to:
            raise fault(ENOTCONN)
        return _pair(self.there)

    def getsockname(self):
        """What it is bound to."""
        num = self.port.num if self.port else 0
        return text_of(self.here), num

    # Options

    def setsockopt(self, opt, value):
        """SO_RCVBUF: octets of the queue, 256 at the least. IP_ADD_MEMBERSHIP and
        IP_DROP_MEMBERSHIP: 8 octets (groups.py). IP_MULTICAST_TTL: of datagrams for a group,
        otherwise 1 (RFC 1112 6.1). SO_BROADCAST and SO_REUSEADDR change nothing."""
        if opt == SO_RCVBUF:
            self._resize(max(value, _LEAST))
        elif opt == IP_ADD_MEMBERSHIP or opt == IP_DROP_MEMBERSHIP:
            from .groups import member

            member(self.loop.stack, self.joined, opt == IP_ADD_MEMBERSHIP, value)
            self.loop.mark()
        elif opt == IP_MULTICAST_TTL:
            if not 1 <= value <= 255:  # RFC 1122 3.2.1.7
                raise fault(EINVAL)
            self.hops = value
        elif opt != SO_BROADCAST and opt != SO_REUSEADDR:
            ignored(opt)

    def getsockopt(self, opt):
        """SO_RCVBUF, SO_TYPE, SO_ERROR."""
        if opt == SO_RCVBUF:
            return self.size
        if opt == SO_TYPE:
            return SOCK_DGRAM
        if opt == SO_ERROR:
            no, self.fault = self.fault, 0
            return no
        raise fault(ENOPROTOOPT)

    def _resize(self, size):
        # What waits stays, as far as it fits.
        if self.ring:
            ring = Ring(size)
            if self.ring.left > size:
                raise fault(EINVAL)
            ring.left = self.ring.readinto(ring.mem, 0, size)
            ring.room = size - ring.left
            self.ring = ring
        self.size = size
        self.slots = max(_SLOTS, size >> _SLOT)

    # What datagrams have not

    def listen(self, n):
        """Raises EOPNOTSUPP."""
        raise fault(EOPNOTSUPP)

    def accept(self):
        """Raises EOPNOTSUPP."""
        raise fault(EOPNOTSUPP)

    def acceptable(self):
        """Raises EOPNOTSUPP."""
        raise fault(EOPNOTSUPP)

    def shutdown(self, how):
        """Raises ENOTCONN without a peer, and does nothing."""
        if not self.to:
            raise fault(ENOTCONN)

    def close(self):
        """Gives up the port and the groups. A datagram that is under way still leaves."""
        self.closed = True
        self.callback = None
        self.count = 0
        self.slots = 0
        if self.joined:
            from .groups import leave_all

            leave_all(self.loop.stack, self.joined)
        if self.port and self.size_out < 0:
            self.port.close()


def _shut(port):
    port.close()


def _pair(b):
    return text_of(b[:4]), u16(b, _PORT)
