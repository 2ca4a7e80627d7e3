"""TCP: the tables, and which row a segment belongs to (RFC 9293 3.10.7).

A segment is looked for among the connections (`conns`, a packed row each), the half-open
connections (`half`), the connections in TIME-WAIT (`wait`) and the listeners; what is left arrives
in the fictional state CLOSED. The states are in tcp_in.py, what is sent in tcp_out.py, the timers
in tcp_time.py. Options beyond the plain protocol are modules that are imported when they are asked
for: `urg`, `ecn`, `ts`, `sack`, `cookie`, `pool` are None otherwise.
"""

from micropython import const

from .conn import Conn
from ..kern import bump, copy, csum, find, tdiff, u16, u32
from .callbacks import end, tell
from .halfopen import HalfOpen
from .icmp import unreach
from .states import INPUT, ignored_by_stranger
from .open import connect, listen
from .send import segment
from .row import KEY, REASONS, ROW, abort
from .window import opens
from .timers import deadline, hold, release, run
from .timewait import TimeWait

_STATE = const(0)
_IDX = const(1)
_F = const(2)
_G = const(3)
_DUP = const(7)
_ADV = const(84)
_KEY = const(10)
_K_IFACE = const(1)
_K_LPORT = const(2)
_K_RADDR = const(6)
_F_ACK = const(0x01)
_T = const(5)
_ACK_AT = const(60)
_F_RST = const(0x02)
_T_ACK = const(0x04)
_S_SYN_SENT = const(2)
_RST = const(0x04)
_F_WAIT = const(0x40)
_G_TOLD = const(0x80)
_H_TS = const(0x01)
_H_WS = const(0x02)
_H_SACK = const(0x04)
_H_ECN = const(0x08)
_PROTO = const(6)
_ERROR = const(1)
_N_TCP_IN = const(21)
_N_TCP_BAD = const(23)


class Tcp:
    """`rows` connections, `half_open` in the handshake, `time_wait` in TIME-WAIT; nothing grows
    afterwards.

    reassembly: buffers of one segment each for what comes out of order, shared by all connections
    cookies, timestamps, window_scale, sack, urgent: RFC 4987, 7323, 7323, 2018, 6093 ecn: 0 off, 1
    on, 2 on with the fallback of RFC 3360 3.1 room: octets that a connection offers until its
    application says otherwise (4 segments) max_flight: segments in the network at the most,
    whatever the peer's window (0 = no such limit); one goes as two halves, so that it does not
    wait for a delayed ACK rto_min, rto_max, rto_init: ms (RFC 6298 2.4, 2.5, 2.1);
    delayed_ack: ms, under 500 (RFC 9293 3.8.6.3) msl: ms (RFC 9293 3.4.2); linger: ms that a
    FIN-WAIT-2 waits once nobody reads watch: a wrapper put around each source, such as
    debug.Watch, which finds sources that change
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
        self.mine = bytearray(KEY)  # of a connection that we open, or that ICMP quotes
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
        self.window_scale = 0  # Rcv.Wind.Shift (RFC 7323 2.3)
        while self.default_room >> self.window_scale > 0xFFFF:
            self.window_scale += 1
        self.offer = (
            _H_TS * bool(timestamps)
            | _H_WS * bool(window_scale)
            | _H_SACK * bool(sack)
            | _H_ECN * bool(ecn)
        )
        size = self._options(reassembly, cookies, ecn, timestamps, sack, urgent)
        self.conns = [Conn(self, i, size) for i in range(rows)]
        self.dead = Conn(self, 0, ROW)
        self.half = HalfOpen(self, half_open)
        self.wait = TimeWait(self, time_wait)
        self.turn = 0  # the row that output() asks first
        self.next_at = self.fresh_at = stack.now
        self.hash = bytearray(8)
        self._clear()
        self.isn = bytearray(4)  # M of RFC 6528 3: a clock of 4 us
        self.isn_at = stack.now
        copy(self.isn, 0, stack.key, 4, 4)

    def _options(self, reassembly, cookies, ecn, timestamps, sack, urgent):
        """Takes in the modules that were asked for; each adds its octets to the row. Returns the
        row's size."""
        size = ROW
        self.pool = self.cookie = self.ecn = self.ts = self.sack = self.urg = None
        if reassembly:
            from .extra.pool import Pool

            self.pool = Pool(self, reassembly)
        if cookies:
            from .extra.cookie import Cookies

            self.cookie = Cookies(self)
        if ecn:
            from .extra.ecn import Ecn

            self.ecn = Ecn(self, size, ecn == 2)
            size += self.ecn.SIZE
        if timestamps:
            from .extra.timestamps import Timestamps

            self.ts = Timestamps(self, size)
            size += self.ts.SIZE
        if sack:
            from .extra.sack import Sack

            self.sack = Sack(self, size)
            size += self.sack.SIZE
        if urgent:
            from .extra.urgent import Urgent

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
        self.o_rel = self.o_ask = 0
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
        # MUST-3
        if n < 20 or csum(self.buf, at, n, psum) != 0xFFFF or not self._parse(iface, at, n):
            bump(self.stat, _N_TCP_BAD)
            return 0
        return self._demux()

    def _demux(self):
        i = find(self.keys, KEY, self.rows, self.key, KEY)
        return self._to(self.conns[i]) if i >= 0 else self._to_others()

    def _parse(self, iface, at, n):
        """The fixed part of the header (RFC 9293 3.1); the reserved bits are not looked at (RFC
        3360 2.1)."""
        b = self.buf
        doff = b[at + 12] >> 4 << 2
        if doff < 20 or doff > n:
            return False
        self.iface = iface
        self.at = at
        self.data = at + doff  # MUST-5
        self.len = n - doff
        self.flags = b[at + 13]
        self.wnd = u16(b, at + 14)  # MUST-1
        self.reply = 0
        self.p_ts = self.p_nsack = 0
        return self._key(iface, b)

    def _key(self, iface, b):
        k = self.key
        k[0] = 1
        k[1] = iface.idx  # MUST-45
        copy(k, 2, b, self.at + 2, 2)
        copy(k, 4, b, self.at, 2)
        copy(k, 6, b, self.stack.src_at, 4)
        return True

    def _to(self, c):
        """The segment is for connection c: its state answers, and what is due goes out as the
        reply."""
        r = c.r
        self.c = c
        if not r[_F] & _F_RST:
            INPUT[r[_STATE]](self, c)
        # In SYN-SENT it would be an open made in a callback, to somebody else.
        if not self.reply and r[_F] & ~_F_WAIT and r[_STATE] > _S_SYN_SENT:
            if r[_F] & _F_WAIT:  # a reply needs no neighbour
                release(r)
            self.reply = segment(self, c)
            if r[_F] & _F_RST:
                self._reset(c, self.reply)
        if r[_T] & _T_ACK:
            self.arm(u32(r, _ACK_AT))
        if r[_F] & ~_F_WAIT:
            self.stack.due = True
        return self.reply

    def _to_others(self):
        """No connection: half-open, TIME-WAIT, a listener, or nobody."""
        i = self.half.find(self.key)
        if i >= 0:
            c = self.half.input(i)
            return self._to(c) if c else self.reply
        i = self.wait.find(self.key)
        if i >= 0 and not self.wait.input(i):
            return self.reply
        listener = self.listener(u16(self.key, _K_LPORT), self.iface.idx)  # MUST-42
        if not listener:
            return ignored_by_stranger(self)
        c = self.half.listen(listener)
        self.wait.reused = False
        return self._to(c) if c else self.reply

    def listener(self, port, idx=-1):
        """Who listens on the port, on that interface (-1: on any)."""
        for li in self.listeners:
            if li.port == port and (li.idx == idx or li.idx < 0 or idx < 0):
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
        """A frame for c, if its neighbour is known; otherwise the row waits and is asked again
        (RFC 1122 2.3.2.2)."""
        r = c.r
        k = _KEY * r[_IDX] + _K_RADDR
        if r[_F] == _F_WAIT:
            return 0
        self.iface = self.stack.ifaces[self.keys[k - _K_RADDR + _K_IFACE]]
        way = self.iface.reach(self.keys, k)
        if way <= 0:
            return self._no_way(c, way)
        if r[_F] & _F_WAIT:
            release(r)
        n = self._send(segment(self, c), k)
        if r[_F] & _F_RST:
            self._reset(c, n)
        return n

    def _send(self, n, k):
        return self.ip.send(self.iface, _PROTO, self.keys, k, n) if n else 0

    def _reset(self, c, n):
        """c is to be reset. If the segment of n octets is the RST, the row is free; not earlier,
        for `closed` may open another connection there."""
        if n and self.o_flags & _RST:
            end(self, c, REASONS[c.r[_DUP]])

    def _no_way(self, c, way):
        """The segment cannot leave: its marks stay, and R2 runs (RFC 1122 2.3.2.2), though not for
        a mere ACK. Three vain requests are a soft error."""
        r = c.r
        r[_F] |= _F_WAIT
        if r[_F] & ~(_F_WAIT | _F_ACK):
            hold(self, r)
        if r[_F] & _F_RST:
            if way < 0:  # nobody to tell
                end(self, c, REASONS[r[_DUP]])
            return 0
        if way < 0 and not r[_G] & _G_TOLD:
            r[_G] |= _G_TOLD
            self.c = c
            tell(self, c, "unreachable")
        return 0

    # What the application and the layers call

    def listen(self, port, app, n=1, idle_ms=0, spare_ms=5000, local=None):
        """Accepts connections; see `tcp_open.listen`."""
        return listen(self, port, app, n, idle_ms, spare_ms, local)

    def connect(self, app, ip, port, lport=0, local=None):
        """Opens a connection; see `tcp_open.connect`."""
        return connect(self, app, ip, port, lport, local)

    def unreach(self, iface, kind, code, at, n):
        """ICMP quotes a segment of ours; see tcp_icmp.py."""
        unreach(self, iface, kind, code, at, n)

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
        c = self.c
        if c.r[_STATE] == _S_SYN_SENT:  # RFC 9293 3.10.5: nobody to be reset
            end(self, c, REASONS[_ERROR])
        elif c.r[_STATE]:
            abort(c, _ERROR)
        self.stack.failed(exc)
        return True
