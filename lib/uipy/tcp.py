"""TCP: the tables, and which row a segment belongs to (RFC 9293 3.10.7).

A segment is looked for among the connections (`conns`, a packed row each), the half-open connections (`half`), the
connections in TIME-WAIT (`wait`) and the listeners; what is left arrives in the fictional state CLOSED. The states are in
tcp_in.py, what is sent in tcp_out.py, the timers in tcp_time.py. Options beyond the plain protocol are modules that are
imported when they are asked for: `urg`, `ecn`, `ts`, `sack`, `cookie`, `pool` are None otherwise.
"""

from micropython import const

from .conn import Conn
from .errors import BadAddress, Busy, TableFull
from .kern import bump, copy, csum, find, mac, put16, put32, sadd, same, sdiff, tadd, tdiff, u16, u32, zero
from .tcp_call import end, tell
from .tcp_cc import start
from .tcp_half import HalfOpen
from .tcp_in import INPUT, ignored_by_stranger
from .tcp_out import opens, segment
from .tcp_row import KEY, REASONS, ROW, abort, set_state
from .tcp_rtt import start_rto
from .tcp_time import deadline, hold, run
from .tcp_wait import TimeWait

_STATE = const(0)
_IDX = const(1)
_F = const(2)
_G = const(3)
_H = const(4)
_T = const(5)
_DUP = const(7)
_SND_UNA = const(8)
_RCV_NXT = const(12)
_SND_WL1 = const(16)
_NXT = const(20)
_MAX = const(22)
_SND_WND = const(24)
_MAX_WND = const(26)
_MSS = const(28)
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

_KEY = const(10)
_K_IFACE = const(1)
_K_LPORT = const(2)
_K_RPORT = const(4)
_K_RADDR = const(6)

_F_RST = const(0x02)
_F_REXMT = const(0x04)
_F_SEND = const(0x08)
_F_WAIT = const(0x40)
_G_TOLD = const(0x80)
_H_TS = const(0x01)
_H_WS = const(0x02)
_H_SACK = const(0x04)
_H_ECN = const(0x08)
_T_POLL = const(0x08)

_S_SYN_SENT = const(2)
_S_SYN_RECEIVED = const(3)
_S_ESTABLISHED = const(4)

_PROTO = const(6)
_NO_LISTENER = const(255)
_ERROR = const(1)
_USER_S = const(300)  # the user timeout of RFC 9293 3.9.1.1; SYN: over the 3 minutes of MUST-23
_WND_MAX = const(61440)

_UNREACH = const(3)  # ICMP types and codes (RFC 792)
_QUENCH = const(4)
_TOO_BIG = const(4)

_N_TCP_IN = const(21)
_N_TCP_BAD = const(23)
_N_TCP_PASSIVE = const(24)
_N_TCP_ACTIVE = const(25)


def _shift_for(room):
    """Rcv.Wind.Shift with which a window of `room` octets can be said (RFC 7323 2.3)."""
    n = 0
    while room >> n > 0xFFFF:
        n += 1
    return n


class Listener:
    """A port that accepts: n application objects, made now, one for each connection at a time."""

    def __init__(self, tcp, port, app, n, idle_ms, spare_ms):
        self.t = tcp
        self.port = port  # 0 once it is closed
        self.apps = [app() for _ in range(n)]
        self.used = bytearray(n)
        self.idle_ms = idle_ms  # a connection on which no data moves for so long is aborted; 0 = never
        self.spare_ms = spare_ms  # the same, when a newcomer finds no row or no application object free

    def close(self):
        """Accepts no more; the connections that it has go on. Its number stays taken."""
        self.port = 0

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


class Tcp:
    """`rows` connections, `half_open` in the handshake, `time_wait` in TIME-WAIT; nothing grows afterwards.

    reassembly: buffers of one segment each for what comes out of order, shared by all connections
    cookies, timestamps, window_scale, sack, urgent: RFC 4987, 7323, 7323, 2018, 6093
    ecn: 0 off, 1 on, 2 on with the fallback of RFC 3360 3.1
    room: octets that a connection offers until its application says otherwise (4 segments)
    max_flight: segments in flight at the most, whatever the peer's window (0 = no such limit)
    rto_min, rto_max, rto_init: ms (RFC 6298 2.4, 2.5, 2.1); delayed_ack: ms, under 500 (RFC 9293 3.8.6.3)
    msl: ms (RFC 9293 3.4.2); linger: ms that a FIN-WAIT-2 waits once nobody reads
    watch: a wrapper put around each source, such as debug.Watch, which finds sources that change
    """

    def __init__(
        self,
        stack,
        rows=8,
        half_open=8,
        time_wait=16,
        reassembly=0,
        cookies=False,
        ecn=0,
        timestamps=False,
        window_scale=False,
        sack=False,
        urgent=True,
        room=0,
        max_flight=0,
        rto_min=1000,
        rto_max=60000,
        rto_init=1000,
        delayed_ack=100,
        msl=30000,
        linger=60000,
        watch=None,
    ):
        self.stack = stack
        self.ip = stack.ip
        self.buf = stack.buf
        self.stat = stack.stat
        self.rows = rows
        self.keys = bytearray(rows * KEY)
        self.key = bytearray(KEY)  # of the segment at hand
        self.num = bytearray(8)  # sequence and acknowledgment number of the segment being built
        self.listeners = []
        self.rto_min = rto_min
        self.rto_max = rto_max
        self.rto_init = rto_init
        self.delayed_ack = delayed_ack
        self.msl = msl
        self.linger = linger
        self.max_flight = max_flight
        self.default_room = room or 4 * (stack.ifaces[0].mtu - 40)
        self.watch = watch
        self.mss = stack.ifaces[0].mtu - 40
        self.window_scale = _shift_for(self.default_room)
        self.offer = _H_TS * bool(timestamps) | _H_WS * bool(window_scale) | _H_SACK * bool(sack) | _H_ECN * bool(ecn)
        size = self._options(reassembly, cookies, ecn, timestamps, sack, urgent)
        self.conns = [Conn(self, i, size) for i in range(rows)]
        self.dead = Conn(self, 0, ROW)
        self.half = HalfOpen(self, half_open)
        self.wait = TimeWait(self, time_wait)
        self.turn = 0  # the row that output() asks first
        self.next_at = stack.now
        self.seed = bytearray(4)
        self.hash = bytearray(8)
        self._clear()
        self.isn = bytearray(4)  # M of RFC 6528 3: a clock of 4 us
        self.isn_at = stack.now
        copy(self.isn, 0, stack.key, 4, 4)

    def _options(self, reassembly, cookies, ecn, timestamps, sack, urgent):
        """Takes in the modules that were asked for; each adds its octets to the row. Returns the row's size."""
        size = ROW
        self.pool = self.cookie = self.ecn = self.ts = self.sack = self.urg = None
        if reassembly:
            from .tcp_pool import Pool

            self.pool = Pool(self, reassembly)
        if cookies:
            from .tcp_cookie import Cookies

            self.cookie = Cookies(self)
        if ecn:
            from .tcp_ecn import Ecn

            self.ecn = Ecn(self, size, ecn == 2)
            size += self.ecn.SIZE
        if timestamps:
            from .tcp_ts import Timestamps

            self.ts = Timestamps(self, size)
            size += self.ts.SIZE
        if sack:
            from .tcp_sack import Sack

            self.sack = Sack(self, size)
            size += self.sack.SIZE
        if urgent:
            from .tcp_urg import Urgent

            self.urg = Urgent(self, size)
            size += self.urg.SIZE
        return size

    def _clear(self):
        """What is known of the segment at hand, and what is said in the one being built."""
        self.at = self.len = self.flags = self.wnd = self.rel = self.data = 0
        self.reply = 0  # length of a reply that stands complete in the buffer
        self.iface = None
        self.o_if = self.o_keys = None
        self.o_k = self.o_hl = self.o_flags = self.o_wnd = self.o_up = self.o_len = self.o_room = 0
        self.o_more = self.o_end = self.o_again = False
        self.d_buf = self.c = None
        self.d_start = self.d_len = self.left = 0
        self.p_mss = self.p_ts = self.p_sack = self.p_nsack = 0
        self.p_shift = -1
        self.p_sack_ok = False

    # Input

    def input(self, iface, at, n, psum):
        """A segment of n octets at `at`; returns the length of the reply at iface.tx."""
        if self.stack.cast:  # RFC 9293 3.9.2.3, MUST-57: not to a broadcast or multicast address
            return 0
        bump(self.stat, _N_TCP_IN)
        if n < 20 or csum(self.buf, at, n, psum) != 0xFFFF or not self._parse(iface, at, n):  # MUST-3
            bump(self.stat, _N_TCP_BAD)
            return 0
        i = find(self.keys, KEY, self.rows, self.key, KEY)
        if i >= 0:
            return self._to(self.conns[i])
        return self._to_others(iface)

    def _parse(self, iface, at, n):
        """The fixed part of the header (RFC 9293 3.1); the reserved bits are not looked at (RFC 3360 2.1)."""
        b = self.buf
        doff = b[at + 12] >> 4 << 2
        if doff < 20 or doff > n:
            return False
        self.iface = iface
        self.at = at
        self.data = at + doff
        self.len = n - doff
        self.flags = b[at + 13]
        self.wnd = u16(b, at + 14)
        self.reply = 0
        self.p_ts = self.p_nsack = 0
        return self._key(iface, b)

    def _key(self, iface, b):
        k = self.key
        k[0] = 1
        k[1] = iface.idx
        copy(k, 2, b, self.at + 2, 2)
        copy(k, 4, b, self.at, 2)
        copy(k, 6, b, self.stack.src_at, 4)
        return True

    def _to(self, c):
        """The segment is for connection c: its state answers, and what is due goes out as the reply."""
        r = c.r
        self.c = c
        if not r[_F] & _F_RST:
            INPUT[r[_STATE]](self, c)
        if not self.reply and r[_F] & ~_F_WAIT and r[_STATE]:
            self.reply = segment(self, c)
        if r[_F] & ~_F_WAIT:
            self.stack.due = True
        return self.reply

    def _to_others(self, iface):
        """No connection: half-open, TIME-WAIT, a listener, or nobody."""
        i = self.half.find(self.key)
        if i >= 0:
            c = self.half.input(i)
            return self._to(c) if c else self.reply
        i = self.wait.find(self.key)
        if i >= 0 and not self.wait.input(i):
            return self.reply
        listener = self.listener(u16(self.key, _K_LPORT))
        if not listener:
            return ignored_by_stranger(self)
        c = self.half.listen(listener)
        self.wait.reused = False
        return self._to(c) if c else self.reply

    def listener(self, port):
        for li in self.listeners:
            if li.port == port:
                return li
        return None

    # Output

    def output(self, now):
        """The next segment that is due, as a frame; its length, 0 for none."""
        if tdiff(now, self.next_at) >= 0:
            run(self)
            self.next_at = deadline(self)
        n = self.half.output()
        if n:
            return n
        for _ in range(self.rows):
            c = self.conns[self.turn]
            if c.r[_F]:
                n = self._from(c)
                if n:
                    return n
            self.turn = self.turn + 1 if self.turn + 1 < self.rows else 0
        return 0

    def deadline(self, now):
        """ms until a timer of ours runs out; 2**28 when none runs."""
        d = tdiff(self.next_at, now)
        return d if d > 0 else 0

    def _from(self, c):
        """A frame for c, if its neighbour is known; otherwise the row waits and is asked again (RFC 1122 2.3.2.2)."""
        r = c.r
        k = _KEY * r[_IDX]
        iface = self.stack.ifaces[self.keys[k + _K_IFACE]]
        if r[_F] == _F_WAIT:
            return 0
        way = iface.reach(self.keys, k + _K_RADDR)
        if way <= 0:
            return self._no_way(c, way)
        r[_F] &= ~_F_WAIT
        self.iface = iface
        n = segment(self, c)
        return self.ip.send(iface, _PROTO, self.keys, k + _K_RADDR, n) if n else 0

    def _no_way(self, c, way):
        """The segment cannot leave: its marks stay, and R2 runs (RFC 1122 2.3.2.2). Three vain requests are a soft error."""
        r = c.r
        r[_F] |= _F_WAIT
        if r[_F] & _F_RST:  # nobody to tell
            end(self, c, REASONS[r[_DUP]])
            return 0
        hold(self, r)
        if way < 0 and not r[_G] & _G_TOLD:
            r[_G] |= _G_TOLD
            self.c = c
            tell(self, c, "unreachable")
        return 0

    # What the states and the application call

    def arm(self, at):
        """A timer of ours runs out at `at`."""
        if tdiff(at, self.next_at) < 0:
            self.next_at = at
            self.stack.arm(at)

    def opens(self, c):
        """True if the window that could be offered is worth telling the peer."""
        return opens(self, c.r) > u32(c.r, _ADV)

    def end(self, c, reason):
        end(self, c, reason)

    def touch(self):
        """Something is due in a row."""
        self.stack.wake_up()

    def hurry(self):
        """Timers are to be looked at now: a setting has changed."""
        self.next_at = self.stack.now
        self.stack.wake_up()

    def __enter__(self):
        """A callback begins."""

    def __exit__(self, kind, exc, trace):
        """A callback has ended. If it raised, its connection is reset; the stack goes on."""
        if exc is None or not isinstance(exc, Exception):
            return False
        if self.c.r[_STATE]:
            abort(self.c, _ERROR)
        self.stack.failed(exc)
        return True

    def random8(self):
        """A number from 0 to 255 that nobody can guess."""
        bump(self.seed, 0)
        mac(self.stack.key, self.seed, 0, 4, self.hash)
        return self.hash[4]

    def iss_into(self, buf, i):
        """RFC 6528 3: ISN = M + F(addresses, ports, key), M counting 4 us; for the key at hand.

        Where a SYN has just ended a TIME-WAIT, it is moved beyond the old connection's numbers (RFC 1122 4.2.2.13 (b)).
        """
        d = tdiff(self.stack.now, self.isn_at)
        self.isn_at = self.stack.now
        while d > 0:
            sadd(self.isn, 0, 250 * (d if d < 4000000 else 4000000))
            d -= 4000000
        mac(self.stack.key, self.key, 0, KEY, self.hash)
        copy(buf, i, self.hash, 0, 4)
        sadd(buf, i, u16(self.isn, 2))
        for _ in range(4):
            sadd(buf, i, u16(self.isn, 0) << 14)
        if self.wait.reused:
            self.wait.reused = False
            if sdiff(buf, i, self.wait.iss, 0) <= 0:
                copy(buf, i, self.wait.iss, 0, 4)
                sadd(buf, i, 0x10000 + self.hash[4])

    def has_room(self, lst):
        """A row, and an application object of that listener, are free."""
        return 0 in self.listeners[lst].used and self._free() is not None

    def _free(self):
        for c in self.conns:
            if not c.r[_STATE]:
                return c
        return None

    def accept(self, keys, k, lst):
        """A row and an application object for the listener's new connection, or None."""
        c = self._free()
        app = self.listeners[lst].take() if c else None
        if app is None:
            return None
        bump(self.stat, _N_TCP_PASSIVE)
        self._claim(c, app, keys, k, lst)
        return c

    def _claim(self, c, app, keys, k, lst):
        """Row c begins a new life: every variable at its start, every timer stopped."""
        r = c.r
        now = self.stack.now
        zero(r, _F, _GEN - _F)
        zero(r, _USER, len(r) - _USER)
        copy(self.keys, KEY * r[_IDX], keys, k, KEY)
        put16(r, _USER, _USER_S)
        r[_TTL] = 64  # RFC 1122 3.2.1.7
        r[_LST] = lst
        put16(r, _RTO, self.rto_init)
        put32(r, _ROOM, self.default_room)
        put32(r, _BUFF, self.default_room)
        for at in (_HEARD_AT, _SINCE_AT, _BUSY_AT, _SENT_AT, _CHAL_AT):
            put32(r, at, now)
        c.app = app
        c.src = None
        app.conn = c
        self.c = c
        if app.poll_ms:
            put32(r, _POLL_AT, tadd(now, app.poll_ms))
            r[_T] = _T_POLL
        self.hurry()

    def begin(self, c, wnd, lost):
        """The handshake of a passive open is complete: ESTABLISHED, with the window of the last ACK."""
        r = c.r
        wnd <<= r[_SSHIFT]
        wnd = wnd if wnd < _WND_MAX else _WND_MAX
        put16(r, _SND_WND, wnd)
        put16(r, _MAX_WND, wnd)
        copy(r, _SND_WL1, r, _RCV_NXT, 4)
        put32(r, _ADV, self.default_room if self.default_room < 0xFFFF else 0xFFFF)
        start(self, r, lost)
        put16(r, _RTO, start_rto(self, r, lost))
        set_state(self, c, _S_ESTABLISHED)

    # Opening

    def listen(self, port, app, n=1, idle_ms=0, spare_ms=8000):
        """Accepts connections on `port` with n objects made by app(), now. Returns the `Listener`.

        idle_ms: a connection on which no data moves for so long is reset (0 = never); it finds those whose peer is gone.
        spare_ms: the same for a connection that keeps a newcomer out (0 = never).
        Raises `Busy` if the port is taken, `TableFull` beyond 254 listeners.
        """
        if not 0 < port < 65536:
            raise BadAddress("a port is 1 to 65535")
        if self.listener(port):
            raise Busy("port %d has a listener" % port)
        if len(self.listeners) >= _NO_LISTENER:
            raise TableFull("254 listeners")
        li = Listener(self, port, app, n, idle_ms, spare_ms)
        self.listeners.append(li)
        return li

    def connect(self, app, ip, port, lport=0, idle_ms=0):
        """Opens a connection to ip ('192.168.1.9' or 4 octets) and port (RFC 9293 3.10.1); returns the `Conn` in SYN-SENT.

        `send` and `finish` may be called at once: the query, and the FIN, leave with the ACK of the handshake.
        lport: our port, 0 = a random one (RFC 6056). Raises `BadAddress`, `TableFull`, `Busy` when lport is in use to there.
        """
        addr = self.stack.ip_of(ip)
        idx = self.stack.route(addr, 0)
        if addr[0] >= 224 or addr[0] == 0 or idx < 0 or not 0 < port < 65536 or self._is_bcast(addr):
            raise BadAddress("no host to connect to: %r port %r" % (ip, port))  # MUST-46
        c = self._free()
        if c is None:
            raise TableFull("no free connection: Stack(tcp=...)")
        k = self.key
        k[0] = 1
        k[_K_IFACE] = idx
        put16(k, _K_RPORT, port)
        copy(k, _K_RADDR, addr, 0, 4)
        self._local_port(k, lport)
        self._claim(c, app, k, 0, _NO_LISTENER)
        self._syn_sent(c)
        return c

    def _is_bcast(self, addr):
        for iface in self.stack.ifaces:
            if same(addr, 0, iface.bcast, 0, 4):
                return True
        return False

    def _syn_sent(self, c):
        r = c.r
        self.iss_into(r, _SND_UNA)
        r[_H] = self.offer
        r[_RSHIFT] = 0
        bump(self.stat, _N_TCP_ACTIVE)
        set_state(self, c, _S_SYN_SENT)
        r[_F] |= _F_SEND
        self.hurry()

    def _local_port(self, k, lport):
        """Puts our port into the key: the one asked for, or a random one from 49152 on that no row has (RFC 6056 3.3.1)."""
        if lport:
            put16(k, _K_LPORT, lport)
            if find(self.keys, KEY, self.rows, k, KEY) >= 0:
                raise Busy("port %d is connected there" % lport)
            self.wait.drop(k)
            return
        p = 49152 + ((self.random8() << 8 | self.hash[5]) & 0x3FFF)
        for _ in range(0x4000):
            put16(k, _K_LPORT, p)
            if not self._port_used(k, p):
                return
            p = p + 1 if p < 0xFFFF else 49152
        raise TableFull("every ephemeral port is in use")

    def _port_used(self, k, p):
        for c in self.conns:
            if c.r[_STATE] and c.lport == p:
                return True
        return self.listener(p) is not None or self.wait.holds(_K_LPORT, k)

    # ICMP (RFC 9293 3.9.2.2, RFC 5461, RFC 5927)

    def unreach(self, iface, kind, code, at, n):
        """An error message quotes n octets of one of our segments at `at`.

        It counts only if the quoted sequence number is in flight (RFC 5927 4.1). Hard errors end a connection that is being opened;
        elsewhere they are soft, unlike SHLD-26 asks (RFC 5461 4.1). Source quench is ignored (MUST-55).
        """
        if n < 8 or kind == _QUENCH:
            return
        k = self.key
        b = self.buf
        k[0] = 1
        k[_K_IFACE] = iface.idx
        copy(k, _K_LPORT, b, at, 4)
        copy(k, _K_RADDR, b, self.stack.dst_at, 4)
        i = find(self.keys, KEY, self.rows, k, KEY)
        if i < 0:
            return
        c = self.conns[i]
        if 0 <= sdiff(b, at + 4, c.r, _SND_UNA) < u16(c.r, _MAX):
            self.c = c
            self._icmp_error(c, kind, code)

    def _icmp_error(self, c, kind, code):
        r = c.r
        if kind == _UNREACH and code == _TOO_BIG:
            return self._too_big(c, u16(self.buf, self.stack.icmp_at + 6))
        if r[_STATE] <= _S_SYN_RECEIVED and kind == _UNREACH and 2 <= code <= 3:
            end(self, c, "unreachable")  # protocol or port: hard (RFC 1122 4.2.3.9)
        else:
            tell(self, c, "unreachable")  # MUST-56: soft errors never end it

    def _too_big(self, c, mtu):
        """RFC 1191 6.4: smaller segments from now on, and the one that was too big at once; never below 536 + 40."""
        r = c.r
        mss = (mtu if mtu > 576 else 576) - 40
        if mss < u16(r, _MSS) and r[_STATE] > _S_SYN_RECEIVED:
            put16(r, _MSS, mss)
            put16(r, _NXT, 0)
            r[_F] |= _F_SEND | _F_REXMT
            self.touch()
            tell(self, c, "too big")
