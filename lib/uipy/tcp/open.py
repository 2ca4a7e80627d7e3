"""Connections come to be: listeners, our own opens, ISNs and ports (RFC 9293 3.10.1, RFC 6528, RFC
6056)."""

from micropython import const

from . import congestion as cc
from ..errors import BadAddress, Busy, TableFull
from ..kern import bump, copy, find, mac, put16, put32, sadd, same, sdiff, tadd, tdiff, u16, zero
from .row import KEY, set_state
from .rto import start_rto

_STATE = const(0)
_IDX = const(1)
_F = const(2)
_H = const(4)
_T = const(5)
_SND_UNA = const(8)
_RCV_NXT = const(12)
_SND_WL1 = const(16)
_SND_WND = const(24)
_MAX_WND = const(26)
_RTO = const(38)
_HEARD_AT = const(64)
_SINCE_AT = const(68)
_BUSY_AT = const(72)
_POLL_AT = const(80)
_ADV = const(84)
_ROOM = const(88)
_GEN = const(94)
_USER = const(96)
_TTL = const(101)
_LST = const(103)
_SSHIFT = const(104)
_RSHIFT = const(105)
_SENT_AT = const(106)
_CHAL_AT = const(110)
_BUFF = const(114)
_K_IFACE = const(1)
_K_LPORT = const(2)
_K_RPORT = const(4)
_K_RADDR = const(6)
_F_SEND = const(0x08)
_T_POLL = const(0x08)
_S_SYN_SENT = const(2)
_S_ESTABLISHED = const(4)
_NO_LISTENER = const(255)
_FAR = const(0x10000000)  # 2**28 ms: no deadline lies further ahead
_USER_S = const(300)  # MUST-23
_WND_MAX = const(61440)
_N_TCP_PASSIVE = const(24)
_N_TCP_ACTIVE = const(25)


class Listener:
    """A port that accepts: n application objects, made now, one for each connection at a time."""

    def __init__(self, tcp, port, app, n, idle_ms, spare_ms, idx):
        self.t = tcp
        self.port = port  # -1 once it is closed
        self.idx = idx  # the interface that it listens on, -1 = all
        self.apps = [app() for _ in range(n)]
        for a in self.apps:
            a.conn = tcp.dead  # now, so that no object grows when a connection comes
        self.used = bytearray(n)
        # a connection on which no data moves for so long is aborted; 0 = never
        self.idle_ms = idle_ms
        # the same, when a newcomer finds no row or no application object free
        self.spare_ms = spare_ms

    def close(self):
        """Accepts no more; the connections that it has go on. When they have ended, its number is
        free for another listener."""
        self.port = -1

    def gone(self):
        """Closed, and no application object is in use."""
        return self.port < 0 and not any(self.used)

    def spare(self):
        """Is an application object free? (MicroPython has no `0 in bytearray`.)"""
        for used in self.used:
            if not used:
                return True
        return False

    def take(self):
        """An application object that is free, or None."""
        used = self.used
        for i in range(len(used)):
            if not used[i]:
                used[i] = 1
                return self.apps[i]
        return None

    def give_back(self, app):
        apps = self.apps
        for i in range(len(apps)):
            if apps[i] is app:
                self.used[i] = 0


def iss_into(t, key, buf, i):
    """RFC 6528 3: ISN = M + F(addresses, ports, secret key), M counting 4 us, to buf[i:i+4].

    Where a SYN has just ended a TIME-WAIT, it is moved beyond the old connection's numbers (RFC
    1122 4.2.2.13 (b)).
    """
    d = tdiff(t.stack.now, t.isn_at)
    t.isn_at = t.stack.now
    while d > 0:
        sadd(t.isn, 0, 250 * (d if d < 4000000 else 4000000))  # MUST-8
        d -= 4000000
    mac(t.stack.key, key, 0, KEY, t.hash)  # MUST-9
    copy(buf, i, t.hash, 0, 4)
    sadd(buf, i, u16(t.isn, 2))
    for _ in range(4):
        sadd(buf, i, u16(t.isn, 0) << 14)
    if t.wait.reused:
        t.wait.reused = False
        if sdiff(buf, i, t.wait.iss, 0) <= 0:
            copy(buf, i, t.wait.iss, 0, 4)
            sadd(buf, i, 0x10000 + t.hash[4])


def has_room(t, lst):
    """A row, and an application object of that listener, are free."""
    return t.listeners[lst].spare() and free_row(t) is not None


def free_row(t):
    for c in t.conns:
        if not c.r[_STATE]:
            return c
    return None


def accept(t, keys, k, lst):
    """A row and an application object for the listener's new connection, or None."""
    c = free_row(t)
    app = t.listeners[lst].take() if c else None
    if app is None:
        return None
    bump(t.stat, _N_TCP_PASSIVE)
    claim(t, c, app, keys, k, lst)
    return c


def claim(t, c, app, keys, k, lst):
    """Row c begins a new life: every variable at its start, every timer stopped."""
    r = c.r
    now = t.stack.now
    zero(r, _F, _GEN - _F)
    zero(r, _USER, len(r) - _USER)  # MUST-25
    copy(t.keys, KEY * r[_IDX], keys, k, KEY)
    put16(r, _USER, _USER_S)
    r[_TTL] = 64  # RFC 1122 3.2.1.7
    r[_LST] = lst
    put16(r, _RTO, t.rto_init)
    put32(r, _ROOM, t.default_room)
    put32(r, _BUFF, t.default_room)
    for at in (_HEARD_AT, _SINCE_AT, _BUSY_AT, _SENT_AT, _CHAL_AT):
        put32(r, at, now)
    c.app = app
    c.src = None
    app.conn = c
    if app.poll_ms:
        put32(r, _POLL_AT, tadd(now, app.poll_ms))
        r[_T] = _T_POLL
    t.hurry()


def begin(t, c, wnd, lost):
    """The handshake of a passive open is complete: ESTABLISHED, with the window of the last
    ACK."""
    r = c.r
    wnd <<= r[_SSHIFT]
    wnd = wnd if wnd < _WND_MAX else _WND_MAX
    put16(r, _SND_WND, wnd)
    put16(r, _MAX_WND, wnd)
    copy(r, _SND_WL1, r, _RCV_NXT, 4)
    put32(r, _ADV, t.default_room if t.default_room < 0xFFFF else 0xFFFF)
    cc.start(t, r, lost)
    put16(r, _RTO, start_rto(t, r, lost))
    set_state(t, c, _S_ESTABLISHED)


def listen(t, port, app, n=1, idle_ms=0, spare_ms=5000, local=None):
    """Accepts connections on `port` with n objects made by app(), now. Returns the `Listener`.

    idle_ms: a connection on which no data moves for so long is reset (0 = never); it finds those
    whose peer is gone. spare_ms: the same for a connection that keeps a newcomer out (0 = never);
    5 s, so that the newcomer's fifth try, at 6.2 s (Linux), is heard.
    local: only what comes to this address of ours. Raises `Busy` if the port is taken,
    `BadAddress`, `TableFull` beyond 255 listeners.
    """
    if not 0 < port < 65536:
        raise BadAddress("a port is 1 to 65535")
    idx = -1 if local is None else _iface_of(t, local)  # MUST-43
    if t.listener(port, idx):  # MUST-41
        raise Busy("port %d has a listener" % port)
    if idle_ms > _FAR or spare_ms > _FAR:
        raise ValueError("idle_ms and spare_ms are 2**28 (3 days) at the most")
    i = _number(t)
    li = Listener(t, port, app, n, idle_ms, spare_ms, idx)
    if i < len(t.listeners):
        t.listeners[i] = li
    else:
        t.listeners.append(li)
    return li


def _number(t):
    """The number of the new listener: one that has gone leaves its own, once no handshake is of
    it."""
    for i in range(len(t.listeners)):
        if t.listeners[i].gone() and not t.half.serves(i):
            return i
    if len(t.listeners) >= _NO_LISTENER:
        raise TableFull("255 listeners")
    return len(t.listeners)


def _iface_of(t, local):
    """The number of the interface with this address (RFC 9293 3.9.1.1, MUST-43)."""
    addr = t.stack.ip_of(local)
    for iface in t.stack.ifaces:
        if same(addr, 0, iface.ip, 0, 4):
            return iface.idx
    raise BadAddress("not an address of ours: %r" % local)


def connect(t, app, ip, port, lport=0, local=None):
    """Opens a connection to ip ('192.168.1.9' or 4 octets) and port (RFC 9293 3.10.1); returns the
    `Conn` in SYN-SENT.

    `send` and `finish` may be called at once: the query, and the FIN, leave with the ACK of the
    handshake. lport: our port, 0 = a random one (RFC 6056). local: our address, otherwise that of
    the interface that leads there. Raises `BadAddress`, `TableFull`, `Busy` when lport is in use
    to there.
    """
    addr = t.stack.ip_of(ip)
    idx = t.stack.route(addr, 0) if local is None else _iface_of(t, local)  # MUST-44
    if idx < 0 or not 0 < port < 65536 or _no_host(t, addr):
        raise BadAddress("no host to connect to: %r port %r" % (ip, port))  # MUST-46
    c = free_row(t)
    if c is None:
        raise TableFull("no free connection: Stack(tcp=...)")
    k = t.mine
    k[0] = 1
    k[_K_IFACE] = idx
    put16(k, _K_RPORT, port)
    copy(k, _K_RADDR, addr, 0, 4)
    _local_port(t, k, lport)
    claim(t, c, app, k, 0, _NO_LISTENER)
    _syn_sent(t, c)
    return c


def _no_host(t, addr):
    """A multicast, a broadcast, or an address that never is on a wire (RFC 1122 3.2.1.3)."""
    if addr[0] >= 224 or addr[0] in (0, 127):
        return True
    for iface in t.stack.ifaces:
        if same(addr, 0, iface.bcast, 0, 4):
            return True
    return False


def _syn_sent(t, c):
    r = c.r
    iss_into(t, t.mine, r, _SND_UNA)
    r[_H] = t.offer
    r[_RSHIFT] = 0
    bump(t.stat, _N_TCP_ACTIVE)
    set_state(t, c, _S_SYN_SENT)
    r[_F] |= _F_SEND
    t.hurry()


def _local_port(t, k, lport):
    """Puts our port into the key: the one asked for, or a random one from 49152 on that no row has
    (RFC 6056 3.3.1)."""
    if lport:
        put16(k, _K_LPORT, lport)
        if find(t.keys, KEY, t.rows, k, KEY) >= 0:
            raise Busy("port %d is connected there" % lport)
        t.wait.drop(k)
        return
    p = 49152 + ((t.stack.random8() << 8 | t.stack.random8()) & 0x3FFF)
    for _ in range(0x4000):
        put16(k, _K_LPORT, p)
        if not _port_used(t, k, p):
            return
        p = p + 1 if p < 0xFFFF else 49152
    raise TableFull("every ephemeral port is in use")


def _port_used(t, k, p):
    for c in t.conns:
        if c.r[_STATE] and c.lport == p:
            return True
    return t.listener(p) is not None or t.wait.holds(_K_LPORT, k)
