"""Listeners, and how a row becomes the connection of one (RFC 9293 3.10.1)."""

from micropython import const

from ..errors import BadAddress, Busy, TableFull
from ..kern import bump, move, pair, same, set_pair, tadd, tdiff
from ..net.datagram import (
    FAR,
    FIRST_ROOM,
    NOW,
    OUR_IP,
    RTO_INIT,
)
from ..stat import N_TCP_EVICTED, N_TCP_PASSIVE
from . import congestion
from .row import (
    ADV,
    BUFF,
    BUSY_AT,
    CHAL_AT,
    GEN,
    HEARD_AT,
    IDLE,
    LISTENER,
    MAX_WND,
    NKEY,
    NO_LISTENER,
    NUMBER,
    OWES,
    OWES_RST,
    POLL_AT,
    RCV_NXT,
    ROOM,
    RTO,
    RUNS_POLL,
    S_ESTABLISHED,
    SENT_AT,
    SHIFTS,
    SINCE_AT,
    SND_WL1,
    SND_WND,
    STATE,
    TIMERS,
    TTL_TOS,
    USER,
    WND_MAX,
    abort,
    set_state,
)
from .rto import start_rto

USER_S = const(300)  # MUST-23
_TTL = const(64)  # RFC 1122 3.2.1.7


class Listener:
    """A port that accepts: n application objects, made now, one for each connection at a time."""

    def __init__(self, tcp, port, app, n, idle_ms, spare_ms, idx):
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
        """The object's connection has ended."""
        apps = self.apps
        for i in range(len(apps)):
            if apps[i] is app:
                self.used[i] = 0


def free_row(tcp):
    """A connection that is CLOSED, or None."""
    for conn in tcp.conns:
        if not conn.row[STATE]:
            return conn
    return None


def short(tcp, listener, more):
    """Would the last have to wait for a place, if the handshakes under way and so many more came
    through?"""
    free = -tcp.half.used() - more
    for conn in tcp.conns:
        if not conn.row[STATE]:
            free += 1
    return free < 0 or tcp.half.waiting or not listener.spare()


def accept(tcp, table, k, number):
    """A row and an application object for the new connection of listener `number`, whose key is at
    table[k:]; or None."""
    conn = free_row(tcp)
    app = tcp.listeners[number].take() if conn else None
    if app is None:
        return None
    bump(tcp.stat, N_TCP_PASSIVE)
    claim(conn, app, table, k, number)
    return conn


def evict(tcp, number):
    """A newcomer of listener `number` finds no place: the connection that has been idle longest
    goes, if that is longer than its own listener's spare_ms, and if its end would make room. What
    is short are the objects of the newcomer's listener, or the common rows."""
    now = tcp.env[NOW]
    worst = None
    most = 0
    for conn in tcp.conns:
        row = conn.row
        if row[STATE] and row[LISTENER] < len(tcp.listeners):
            li = tcp.listeners[row[LISTENER]]
            idle = tdiff(now, pair(row, BUSY_AT))
            if li.spare_ms and idle >= li.spare_ms and idle >= most:
                if row[LISTENER] == number or tcp.listeners[number].spare():
                    worst = conn
                    most = idle
    if worst and not worst.row[OWES] & OWES_RST:  # else it is on its way out already
        bump(tcp.stat, N_TCP_EVICTED)
        abort(worst, IDLE)


def claim(conn, app, table, k, number):
    """The row begins a new life: every variable at its start, every timer stopped."""
    row = conn.row
    tcp = conn.tcp
    now = tcp.env[NOW]
    for i in range(STATE, len(row)):
        if i != GEN and i != NUMBER:
            row[i] = 0  # MUST-25
    move(row, 0, table, k, NKEY)
    row[USER] = USER_S
    row[TTL_TOS] = _TTL << 8
    row[LISTENER] = number
    row[RTO] = tcp.env[RTO_INIT]
    set_pair(row, ROOM, tcp.env[FIRST_ROOM])
    set_pair(row, BUFF, tcp.env[FIRST_ROOM])
    for at in (HEARD_AT, SINCE_AT, BUSY_AT, SENT_AT, CHAL_AT):
        set_pair(row, at, now)
    conn.app = app
    conn.src = None
    app.conn = conn
    if app.poll_ms:
        set_pair(row, POLL_AT, tadd(now, app.poll_ms))
        row[TIMERS] = RUNS_POLL
    tcp.hurry()


def begin(conn, wnd, lost):
    """The handshake of a passive open is complete: ESTABLISHED, with the window of the last
    ACK."""
    row = conn.row
    tcp = conn.tcp
    row[SND_WND] = row[MAX_WND] = min(wnd << (row[SHIFTS] >> 8), WND_MAX)
    move(row, SND_WL1, row, RCV_NXT, 2)
    set_pair(row, ADV, min(tcp.env[FIRST_ROOM], 0xFFFF))
    congestion.start(row, tcp.env, lost)
    start_rto(row, tcp.env, lost)
    set_state(conn, S_ESTABLISHED)


def listen(tcp, port, app, n=1, idle_ms=0, spare_ms=5000, local=None):
    """Accepts connections on `port` with n objects made by app(), now. Returns the `Listener`.

    idle_ms: a connection on which no data moves for so long is reset (0 = never); it finds those
    whose peer is gone. spare_ms: the same for a connection that keeps a newcomer out (0 = never);
    5 s, so that the newcomer's fifth try, at 6.2 s (Linux), is heard.
    local: only what comes to this address of ours. Raises `Busy` if the port is taken,
    `BadAddress`, `TableFull` beyond 255 listeners.
    """
    if not 0 < port < 65536:
        raise BadAddress("a port is 1 to 65535")
    idx = -1 if local is None else iface_of(tcp, local)  # MUST-43
    if tcp.listener(port, idx):  # MUST-41
        raise Busy("port %d has a listener" % port)
    if idle_ms > FAR or spare_ms > FAR:
        raise ValueError("idle_ms and spare_ms are 2**28 (3 days) at the most")
    # Its number: one that is closed and has no connection left gives up its own, once no handshake
    # is of it.
    listeners = tcp.listeners
    i = 0
    while i < len(listeners):
        old = listeners[i]
        if old.port < 0 and not any(old.used) and not tcp.half.serves(i):
            break
        i += 1
    if i >= NO_LISTENER:
        raise TableFull("255 listeners")
    new = Listener(tcp, port, app, n, idle_ms, spare_ms, idx)
    if i < len(listeners):
        listeners[i] = new
    else:
        listeners.append(new)
    return new


def iface_of(tcp, local):
    """The number of the interface with this address (RFC 9293 3.9.1.1, MUST-43)."""
    addr = tcp.stack.ip_of(local)
    for iface in tcp.stack.ifaces:
        if same(addr, 0, iface.face, OUR_IP, 4):
            return iface.idx
    raise BadAddress("not an address of ours: %r" % local)
