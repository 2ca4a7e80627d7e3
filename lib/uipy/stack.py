"""The stack: one packet buffer, the interfaces, the protocols, and the calls that drive them.

    input(n, now_ms)    a frame of n octets lies in the buffer; returns the length of the reply
                        left there, or 0
    output(now_ms)      builds the next frame that is due; called until it returns 0
    poll(now_ms)        moves frames between the devices and these two; returns the ms until there
                        is more to do (poll.py)

Time is a `ticks_ms` value of 30 bits, passed in. Two of them are compared by their difference, so
`poll` (or `output`) is to be called within 2**28 ms (3 days) even when nothing happens.

What is due now is said by env[DUE], the next deadline is env[NEXT_AT]; both may be early and are
never late. When the layers have nothing more to send, `output` asks each of them for its deadline.
"""

import os
from array import array

from .errors import Error, NoEntropy
from .frames import frames_in, next_frame
from .kern import bump, mac, tdiff
from .net.datagram import (
    BUSY,
    CAST,
    CHAIN,
    DUE,
    ENV_SIZE,
    GATEWAY,
    KEY_SIZE,
    LOST,
    NEXT_AT,
    NOW,
    OUT_IFACE,
    OUT_SIZE,
    OUT_TTL,
    OUT_WHOLE,
    SEG_SIZE,
    SRC_AT,
    STILL_AT,
    TCP_AT,
    TTL,
)
from .net.front import head
from .net.icmp import ICMP, Icmp
from .net.iface import SPARE, Iface, ip_of
from .poll import poller, start, tick, ticks_ms
from .stat import N_APP_ERROR, NAMES


class Stack:
    """A TCP/IP stack on a device, with tables that never grow.

    ip           '192.168.1.7/24', or None for an address that comes later (`ifaces[0].configure`)
    gateway      '192.168.1.1', or None
    tcp, udp     connections and UDP ports; 0 leaves the protocol out
    arp          neighbours remembered on an Ethernet
    time_wait    connections in TIME-WAIT, half_open: in the handshake
    key          8 octets or more that nobody can guess; default os.urandom
    tcp_options  a dict of what tcp.Tcp takes besides, such as {'reassembly': 4, 'sack': True}
    now          the time, for a caller whose clock is not ticks_ms
    groups       multicast groups that an interface can be in, 4 octets each

    poll(now_ms=None) receives what the devices have and sends what is due, 16 frames each at most;
    returns the ms until the next deadline, 0 if there is more to do at once. Without `now_ms` it
    reads the clock. Raises `Reentered` inside a callback.

    `wake` is called, if set, when a call from outside the stack makes something due;
    `on_error(exc)` gets what a callback raised; None: it is printed; False: it is only counted.
    What is known of the datagram at hand is in `seg`, what is asked of the one being built in
    `out`, the clock in `env` (net/datagram.py says where).
    """

    def __init__(
        self,
        dev,
        ip=None,
        gateway=None,
        tcp=8,
        udp=8,
        arp=8,
        time_wait=16,
        half_open=8,
        key=None,
        tcp_options=None,
        now=None,
        groups=0,
    ):
        self.buf = bytearray(2 + dev.l2 + dev.mtu + SPARE)
        self.seg = array("i", bytearray(4 * SEG_SIZE))
        self.out = array("i", bytearray(4 * OUT_SIZE))
        self.out[OUT_TTL] = TTL
        self.out[OUT_WHOLE] = 0xFFFF
        self.stat = array("i", bytearray(4 * len(NAMES)))
        self.env = env = array("i", bytearray(4 * ENV_SIZE))
        env[NOW] = env[NEXT_AT] = env[TCP_AT] = ticks_ms() if now is None else now
        env[DUE] = 1
        env[STILL_AT] = -1
        self.key = _key(key)
        self.wake = None
        self.on_error = None
        self.ifaces = []
        self.layers = []  # what has output(now) and deadline(now)
        self.icmp = Icmp(self)
        self.handlers = {}  # by protocol number: who takes its datagrams
        self.udp = self.tcp = None
        self.add_iface(dev, ip, gateway, arp, groups)
        if udp:
            from .net.udp import Udp

            self.udp = Udp(self, udp)
            self.add_protocol(17, self.udp)
            self.layers.insert(0, self.udp)
        if tcp:
            from .tcp.demux import Tcp

            self.tcp = Tcp(self, tcp, half_open, time_wait, **tcp_options or {})
            self.add_protocol(6, self.tcp)
            self.layers.insert(0, self.tcp)  # before ARP: what it asks for leaves at once
        self.poll = poller(self)

    def add_protocol(self, number, handler):
        """`handler` is to take the datagrams of a protocol: its input(iface) finds one described
        in `seg`, and returns the length of the reply written at iface.tx, 0 for none; its
        unreach(iface, at, n) hears that ICMP quotes n octets of one of ours at `at`. If it has a
        start(), that is called now, and after an exception that was none of a callback's. Raises
        `Error` for ICMP's number, which is the stack's own.

        Beyond 255: 257 is for whoever puts fragments together, 512 + type for whoever takes a type
        of ICMP that the stack leaves; these get no reply out of input()."""
        if number == ICMP:
            raise Error("the stack takes ICMP itself: another number than %d" % number)
        self.handlers[number] = handler
        if hasattr(handler, "start"):
            handler.start()

    def add_iface(self, dev, ip=None, gateway=None, arp=8, groups=0):
        """One more device and our address on it; returns the interface, whose `idx` is its number.

        Its frames pass through the same buffer, so that its mtu is at most what the first device's
        left room for. Raises `Error` when that is less than 128 octets.
        """
        iface = Iface(self, dev, len(self.ifaces), arp, groups)
        iface.configure(ip, gateway)
        if iface.arp:
            self.layers.append(iface.arp)
        self.ifaces.append(iface)
        iface.take = frames_in(self, iface).send
        iface.take(None)
        self.env[STILL_AT] = -1
        return iface

    # What an application calls

    def listen(self, port, app, n=1, **options):
        """Accepts connections on a TCP port with n objects of the class `app`, made now."""
        if not callable(app):
            raise Error("listen makes its objects itself: a class is wanted")
        return self._need(self.tcp, "tcp").listen(port, app, n, **options)

    def connect(self, app, ip, port, **options):
        """Opens a TCP connection for the object `app`."""
        return self._need(self.tcp, "tcp", app).connect(app, ip, port, **options)

    def bind(self, port, app):
        """Binds a UDP port (0: one is chosen) to `app`, see udp.py; returns the `UdpPort`."""
        return self._need(self.udp, "udp", app).bind(port, app)

    def every(self, ms, f):
        """Calls f() every `ms` milliseconds (1 to 2**28) from `poll`, the first time in `ms`;
        returns a `Timer` with `cancel()`. Raises `TableFull` (see timers.py)."""
        from .timers import start

        return start(self, ms, f, False)

    def after(self, ms, f):
        """Calls f() once, in `ms` milliseconds (0: with the next poll); otherwise as `every`."""
        from .timers import start

        return start(self, ms, f, True)

    def resolve(self, name, f):
        """Asks for the address of a name: f(ip) is called once, later, from `poll`, with 4 octets,
        or None when there is no answer (host/resolve.py). Raises `Error` when nobody can be
        asked."""
        from .host.resolve import resolve

        resolve(self, name, f)

    def _need(self, layer, name, app=None):
        if layer is None:
            raise Error("the stack was made without it: Stack(%s=8)" % name)
        if isinstance(app, type):
            raise Error("an object is wanted, not its class: %s()" % app.__name__)
        return layer

    def ip_of(self, text):
        """'1.2.3.4' -> 4 octets; raises `BadAddress`."""
        return ip_of(text)

    def route(self, row, off):
        """The number of the interface for the address at row[off:off+4]: whose subnet it is on,
        else which has a gateway; -1: none.

        255.255.255.255 and multicasts leave by the first interface (RFC 1122 3.3.1.6 leaves the
        choice open).
        """
        if row[off] >= 224 or (len(self.ifaces) == 1 and not self.ifaces[0].arp):
            return 0
        for iface in self.ifaces:
            if iface.local(row, off):
                return iface.idx
        for iface in self.ifaces:
            if iface.face[GATEWAY]:
                return iface.idx
        return -1

    def counters(self):
        """Yields (name, value) for each counter in stat.py; a value wraps at 2**30."""
        for i in range(len(NAMES)):
            yield NAMES[i], self.stat[i]

    @property
    def now(self):
        """The time of the last poll, input or output."""
        return self.env[NOW]

    @property
    def out_iface(self):
        """The number of the interface that the frame of the last `output` is for."""
        return self.env[OUT_IFACE]

    @property
    def due(self):
        """True when something is to be sent now."""
        return self.env[DUE] != 0

    @property
    def busy(self):
        """True in poll, input and output, and so in a callback."""
        return self.env[BUSY] != 0

    @property
    def cast(self):
        """True when the datagram at hand is a broadcast or a multicast."""
        return self.seg[CAST] != 0

    @property
    def src_at(self):
        """Where the datagram at hand has its source address: buf[src_at:src_at+4]."""
        return self.seg[SRC_AT]

    # What a layer calls

    def random8(self):
        """0 to 255; who does not know `key` cannot foresee it (HalfSipHash of its own output)."""
        key = self.key
        mac(key, key, CHAIN, 8, CHAIN)
        return key[CHAIN]

    def arm(self, at):
        """A timer runs out at `at`; output() is to be called then."""
        env = self.env
        if tdiff(at, env[NEXT_AT]) < 0:
            env[NEXT_AT] = at
            env[STILL_AT] = -1

    def wake_up(self):
        """Something is due now. Called from outside, it ends the wait for the deadline."""
        env = self.env
        env[DUE] = 1
        env[STILL_AT] = -1
        if self.wake and not env[BUSY]:
            self.wake()

    def failed(self, exc):
        """A callback raised. What `on_error` raises in its turn ends the poll."""
        bump(self.stat, N_APP_ERROR)
        if self.on_error:
            self.on_error(exc)
        elif self.on_error is None:
            import sys

            if hasattr(sys, "print_exception"):
                sys.print_exception(exc)
            else:  # CPython
                import traceback  # type: ignore[import-not-found]

                traceback.print_exception(type(exc), exc, exc.__traceback__)

    def leave(self, iface, n):
        """The frame for n octets of out[OUT_PROTO] at iface.tx, whose destination `aim` has
        written; returns its length."""
        self.env[OUT_IFACE] = iface.idx
        return head(self.buf, n, iface.face, self.out, self.stat)

    # The calls without a device

    def input(self, n, now_ms, iface=0):
        """A frame of n octets is at buf[2:], from interface number `iface`. Returns the length of
        the reply, or 0; it goes out of the same interface. Raises `Reentered` in a callback."""
        env = self.env
        iface = self.ifaces[iface]
        if env[BUSY] | env[LOST]:
            start(self)
        tick(env, now_ms)
        # No jump stands between: that is where MicroPython looks for a KeyboardInterrupt. From
        # here on `frames_in` has an eye on exceptions; its frame is there already.
        n = iface.take(n)
        env[BUSY] = 0
        return n

    def output(self, now_ms):
        """The length of the next frame that is due, for interface number `out_iface`; 0 when there
        is none. Raises `Reentered` inside a callback."""
        env = self.env
        if env[BUSY] | env[LOST]:
            start(self)
        tick(env, now_ms)
        try:
            return next_frame(self)
        except:
            env[LOST] = 1
            raise
        finally:
            env[BUSY] = 0

    def revive(self):
        """An exception that was none of a callback's has gone through: the generators that it has
        ended are made anew. That behind `poll` sees to itself."""
        for handler in self.handlers.values():
            if hasattr(handler, "start"):
                handler.start()
        for iface in self.ifaces:
            iface.take = frames_in(self, iface).send
            iface.take(None)


def _key(key):
    if key is None:
        try:
            key = os.urandom(8)
        except (AttributeError, NotImplementedError, OSError):
            raise NoEntropy("this port has no os.urandom: Stack(key=...)") from None
    if len(key) < 8:
        raise NoEntropy("a key has 8 octets or more")
    secret = bytearray(KEY_SIZE)
    secret[:8] = key[:8]
    return secret
