"""The stack: one packet buffer, the interfaces, the protocols, and the calls that drive them.

    input(n, now_ms)    a frame of n octets lies in the buffer; returns the length of the reply
                        left there, or 0
    output(now_ms)      builds the next frame that is due; called until it returns 0
    poll(now_ms)        moves frames between the devices and these two; returns the ms until there
                        is more to do

Time is a `ticks_ms` value of 30 bits, passed in. Two of them are compared by their difference, so
`poll` (or `output`) is to be called within 2**28 ms (3 days) even when nothing happens.

What is due now is said by `due`, the next deadline is `next_at`; both may be early and are never
late. When the layers have nothing more to send, `output` asks each of them for its deadline.
"""

import os

from micropython import const

from .errors import Error, NoEntropy, Reentered
from .net.icmp import Icmp
from .net.iface import Iface, ip_of
from .net.ipv4 import IPv4
from .kern import bump, mac, sadd, tadd, tdiff, u32
from .stat import NAMES

try:
    from time import ticks_ms
except ImportError:  # CPython
    from time import monotonic_ns  # type: ignore[attr-defined]

    def ticks_ms():
        """Milliseconds from an unspecified start."""
        return monotonic_ns() // 1_000_000


_MASK = const(0x3FFFFFFF)
_FAR = const(0x10000000)  # 2**28 ms: no deadline lies further ahead
_FRAMES = const(16)  # in, and again out, in one poll
_ROUNDS = const(4)  # over the layers in one output
_LINK_MS = const(1000)  # between looks at the links
_SPARE = const(4)  # the buffer's octets behind the longest frame

_N_FRAMES_IN = const(0)
_N_FRAMES_OUT = const(1)
_N_APP_ERROR = const(51)


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

    `wake` is called, if set, when a call from outside the stack makes something due;
    `on_error(exc)` gets what a callback raised. A layer reads where the datagram at hand lies:
    `ip_at`, `src_at`, `dst_at` (of the quoted one in `unreach`, with the ICMP message at
    `icmp_at`), and `cast`, true for a broadcast or a multicast.
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
    ):
        self.buf = bytearray(2 + dev.l2 + dev.mtu + _SPARE)
        self.stat = bytearray(4 * len(NAMES))
        self.key = _key(key)
        self.chain = bytearray(self.key)
        self.clock = bytearray(4)  # ms, 32 bits: for ISN, timestamps and cookies
        self.now = _ticks() if now is None else now
        self.link_at = self.now
        self.due = True
        self.next_at = self.now
        self.look = None  # while it returns true, nothing happens until still_at; see _leave
        self.still_at = self.now
        self.wake = None
        self.on_error = None
        self.busy = False  # in poll, input or output, hence in a callback; set and cleared by them
        self.in_iface = None  # where the frame of the last input() came from
        self.out_iface = 0  # where the frame of the last output() goes
        self.ip_at = self.src_at = self.dst_at = self.icmp_at = 0
        self.cast = False
        self.ifaces = []
        self.layers = []  # what has output(now) and deadline(now)
        self.ip = IPv4(self)
        self.icmp = self.ip.icmp = self.ip.handlers[1] = Icmp(self)
        self.add_iface(dev, ip, gateway, arp)
        self.udp = self._udp(udp)
        self.tcp = self._tcp(tcp, half_open, time_wait, tcp_options or {})

    def _udp(self, rows):
        if not rows:
            return None
        from .net.udp import Udp

        return self._transport(17, Udp(self, rows))

    def _tcp(self, rows, half_open, time_wait, options):
        if not rows:
            return None
        from .tcp.demux import Tcp

        return self._transport(6, Tcp(self, rows, half_open, time_wait, **options))

    def _transport(self, proto, layer):
        self.ip.handlers[proto] = layer
        self.layers.insert(0, layer)  # before ARP: what it asks for leaves in the same output
        return layer

    def add_iface(self, dev, ip=None, gateway=None, arp=8):
        """One more device and our address on it; returns the interface, whose `idx` is its number.

        Its frames pass through the same buffer, so that its mtu is at most what the first device's
        left room for.
        """
        if dev.l2:
            from .net.eth import Ethernet

            iface = Ethernet(self, dev, len(self.ifaces), arp)
            self.layers.append(iface.arp)
        else:
            iface = Iface(self, dev, len(self.ifaces))
        iface.net = self.ip
        iface.configure(ip, gateway)
        self.ifaces.append(iface)
        return iface

    # What an application calls

    def listen(self, port, app, n=1, **options):
        """Accepts connections on a TCP port with n objects of the class `app`, made now."""
        return self._need(self.tcp, "tcp").listen(port, app, n, **options)

    def connect(self, app, ip, port, **options):
        """Opens a TCP connection for the object `app`."""
        return self._need(self.tcp, "tcp").connect(app, ip, port, **options)

    def bind(self, port, app):
        """Binds a UDP port (0: one is chosen) to `app`, see udp.py; returns the `UdpPort`."""
        return self._need(self.udp, "udp").bind(port, app)

    def _need(self, layer, name):
        if layer is None:
            raise Error("the stack was made without it: Stack(%s=8)" % name)
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
            if iface.gateway[0]:
                return iface.idx
        return -1

    def counters(self):
        """Yields (name, value) for each counter in stat.py; a value wraps at 2**30."""
        for i in range(len(NAMES)):
            yield NAMES[i], u32(self.stat, 4 * i)

    # What a layer calls

    def random8(self):
        """0 to 255; who does not know `key` cannot foresee it (HalfSipHash of its own output)."""
        mac(self.key, self.chain, 0, 8, self.chain)
        return self.chain[0]

    def arm(self, at):
        """A timer runs out at `at`; output() is to be called then."""
        if tdiff(at, self.next_at) < 0:
            self.next_at = at
            self.look = None  # still_at may be later

    def wake_up(self):
        """Something is due now. Called from outside, it ends the wait for the deadline."""
        self.due = True
        if self.wake and not self.busy:
            self.wake()

    def failed(self, exc):
        """A callback raised. What `on_error` raises in its turn ends the poll."""
        bump(self.stat, _N_APP_ERROR)
        if self.on_error:
            self.on_error(exc)

    # The three calls. `with self` marks the stack as busy; it takes a smaller VM frame than
    # try/finally would, and the hot path may not exceed 11 words.

    def input(self, n, now_ms, iface=0):
        """A frame of n octets is at buf[2:], from interface number `iface`. Returns the length of
        the reply, or 0; it goes out of the same interface. Raises `Reentered` in a callback."""
        self._begin(now_ms)
        self.in_iface = self.ifaces[iface]
        return self._one(n)

    def output(self, now_ms):
        """The length of the next frame that is due, for interface number `out_iface`; 0 when there
        is none. Raises `Reentered` inside a callback."""
        self._begin(now_ms)
        with self:
            return self._output(now_ms)

    def poll(self, now_ms=None):
        """Receives what the devices have and sends what is due, 16 frames each at most; returns
        the ms until the next deadline, 0 if there is more to do at once. Without `now_ms` it reads
        the clock. Raises `Reentered` inside a callback."""
        if now_ms is None:
            now_ms = ticks_ms() & _MASK  # type: ignore[operator]
        # An idle poll is to cost little: no call of a method, and `now` waits for the next one.
        if self.look and not self.due and self.look():
            if tdiff(self.still_at, now_ms) > 0:
                return tdiff(self.still_at, now_ms)
        self._begin(now_ms)
        with self:
            return self._poll(now_ms)

    def __enter__(self):
        self.busy = True

    def __exit__(self, kind, exc, trace):
        self.busy = False

    def _begin(self, now):
        if self.busy:
            raise Reentered("in a callback or an interrupt: set a flag, and call poll outside")
        self.look = None
        self._tick(now)

    def _one(self, n):
        with self:
            return self._input(n, self.in_iface)

    def _tick(self, now):
        """Time has passed. A clock that goes back moves nothing."""
        d = tdiff(now, self.now)
        if d:
            self.now = now
            if d > 0:
                sadd(self.clock, 0, d)

    def _input(self, n, iface):
        bump(self.stat, _N_FRAMES_IN)
        n = iface.input(n)
        if n:
            bump(self.stat, _N_FRAMES_OUT)
        return n

    def _output(self, now):
        if not self.due and tdiff(self.next_at, now) > 0:
            return 0
        for _ in range(_ROUNDS):
            self.due = False
            n = self._layers(now)
            if n:
                self.due = True  # perhaps there is more
                bump(self.stat, _N_FRAMES_OUT)
                return n
            if not self.due:  # else a layer made another one due on the way
                break
        self._rest(now)
        return 0

    def _layers(self, now):
        for layer in self.layers:
            n = layer.output(now)
            if n:
                return n
        return 0

    def _rest(self, now):
        # Nothing is due: when is something?
        self.next_at = tadd(now, _FAR)
        for layer in self.layers:
            self._ask(layer, now)

    def _ask(self, layer, now):
        self.arm(tadd(now, layer.deadline(now)))

    # Moving frames

    def _poll(self, now):
        more = False
        for iface in self.ifaces:
            if self._receive(iface):
                more = True
        if self.due or tdiff(self.next_at, now) <= 0:
            self._send(now)
        if more or self.due:
            return 0
        if self.look is None:  # no frame came
            self._leave(now)
        return max(tdiff(self.next_at, now), 0)

    def _leave(self, now):
        """Nothing is due. A device that says for how long it can be left alone, and has an INT
        pin to look at meanwhile, makes the next polls cheap."""
        if len(self.ifaces) == 1 and self.ifaces[0].still:
            d = min(self.ifaces[0].still(), tdiff(self.next_at, now))
            if d > 0:
                self.still_at = tadd(now, d)
                self.look = self.ifaces[0].dev.look

    def _receive(self, iface):
        """Takes frames while a reply would have its place; true when there may be more."""
        dev = iface.dev
        for _ in range(_FRAMES):
            if not dev.can_send():
                return False
            n = dev.recv_into(self.buf)
            if not n:
                return False
            self.look = False  # more may follow: the next poll is a whole one
            n = self._input(n, iface)
            if n:
                dev.send(self.buf, n)
        return True

    def _send(self, now):
        """Sends what is due, and looks at the links once a second."""
        if tdiff(now, self.link_at) >= 0:
            self.link_at = tadd(now, _LINK_MS)
            for iface in self.ifaces:
                iface.watch()
        for _ in range(_FRAMES):
            if not self._ready():
                break
            n = self._output(now)
            if not n:
                break
            self.ifaces[self.out_iface].dev.send(self.buf, n)
        self.arm(self.link_at)

    def _ready(self):
        # Whose frame is the next is known when it is built: all devices are to be free.
        for iface in self.ifaces:
            if not iface.dev.can_send():
                return False
        return True


def _ticks():
    return ticks_ms() & _MASK  # type: ignore[operator]


def _key(key):
    if key is None:
        try:
            return os.urandom(8)
        except (AttributeError, NotImplementedError, OSError):
            raise NoEntropy("this port has no os.urandom: Stack(key=...)") from None
    if len(key) < 8:
        raise NoEntropy("a key has 8 octets or more")
    return bytes(key[:8])
