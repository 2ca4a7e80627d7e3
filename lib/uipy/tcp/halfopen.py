"""Half-open connections: LISTEN, and SYN-RECEIVED of a passive open (RFC 9293 3.10.7.2, 3.10.7.4),
in 38 octets each.

A SYN takes a row here and neither a connection nor an application object. The ACK that completes
the handshake moves it to a connection; with none free the row waits, and a connection that has
been idle for the listener's `spare_ms` makes room. A full table drops the SYN (RFC 3360 2.3: never
a RST), or answers with a cookie.
"""

from micropython import const

from ..kern import bump, copy, find, put16, put32, sadd, sdiff, tadd, tdiff, u16, u32
from .callbacks import connected
from .states import ignored_by_stranger
from .open import accept, begin, has_room, iss_into
from .options import read, send_mss, settle, write_syn
from .row import abort
from .window import bare
from .timers import near_at

_KEY = const(10)
_K_RADDR = const(6)
_SIZE = const(38)
_P_H = const(10)  # what we offer or have agreed on: H_*
_P_SSHIFT = const(11)
_P_RSHIFT = const(12)
_P_TRIES = const(13)  # SYN-ACKs sent again
_P_STATE = const(14)  # P_*
_P_LST = const(15)  # the listener's number
_P_RCV = const(16)  # RCV.NXT, 4 octets
_P_ISS = const(20)  # 4 octets
_P_AT = const(24)  # when the SYN-ACK goes again, or a completed one is tried again
_P_MSS = const(28)
_P_WND = const(30)  # the window of the ACK that completed it
_P_TS = const(32)  # TS.Recent, 4 octets
# when the last answer to something out of place went out: the clock's low 16 bits
_P_MUTE = const(36)

_P_DUE = const(1)  # the SYN-ACK is to be sent
_P_DONE = const(2)  # the handshake is complete, no row was free
_P_SAID = const(4)  # P_MUTE is set

_H = const(4)
_SND_UNA = const(8)
_RCV_NXT = const(12)
_MSS = const(28)
_BUSY_AT = const(72)
_SSHIFT = const(104)
_RSHIFT = const(105)
_STATE = const(0)
_LST = const(103)

_H_TS = const(0x01)
_H_ECN = const(0x08)
_IDLE = const(2)

_SYN = const(0x02)
_RST = const(0x04)
_ACK = const(0x10)
_ECE = const(0x40)

_TRIES = const(8)  # the last one after 1 + 2 + 4 ... + 60 s, beyond 3 minutes: MUST-23
_OLD = const(3)  # a row that was asked so often may make room for a new SYN
_RETRY_MS = const(500)
_PROTO = const(6)

_N_TCP_REXMT = const(26)
_N_TCP_RST_IN = const(31)
_N_TCP_CHALLENGE = const(33)
_N_TCP_MUTED = const(34)
_N_TCP_SYN_DROPPED = const(40)
_N_TCP_ACK_DROPPED = const(41)
_N_TCP_EVICTED = const(42)
_N_TCP_PAWS = const(48)


class HalfOpen:
    def __init__(self, tcp, rows):
        self.t = tcp
        self.rows = rows
        self.tab = bytearray(rows * _SIZE)
        self.row = bytearray(106)  # as much of a connection's row as `settle` works on
        self.due = False
        self.waiting = False  # rows in P_DONE

    def find(self, key):
        return find(self.tab, _SIZE, self.rows, key, _KEY)

    def serves(self, lst):
        """Is a handshake under way for the listener of that number?"""
        for o in range(0, self.rows * _SIZE, _SIZE):
            if self.tab[o] and self.tab[o + _P_LST] == lst:
                return True
        return False

    def listen(self, li):
        """LISTEN (3.10.7.2). Returns a connection when an ACK carries a valid cookie, otherwise
        None."""
        t = self.t
        f = t.flags
        if f & _RST:  # First: nothing here can be reset
            return None
        if f & _ACK:  # Second: there is nothing yet to acknowledge, unless it is a cookie
            if t.cookie and not f & _SYN:
                return t.cookie.input(li)
            ignored_by_stranger(t)
            return None
        if f & _SYN:  # Third; anything else is dropped
            self._syn(li)
        return None

    def _syn(self, li):
        t = self.t
        read(t)
        i = self._free()
        if i >= 0:
            self._take(i, li)
            self.syn_ack(i * _SIZE)
            return
        bump(t.stat, _N_TCP_SYN_DROPPED)
        if t.cookie:
            t.wait.forget(t.key, 0)  # its ACK is to find the listener
            t.cookie.answer()

    def _free(self):
        """A free row, else one whose SYN-ACKs have gone unanswered, else -1."""
        w = self.tab
        best = -1
        for i in range(self.rows):
            o = i * _SIZE
            if not w[o]:
                return i
            if w[o + _P_TRIES] >= _OLD and not w[o + _P_STATE] & _P_DONE:
                best = i
        return best

    def _take(self, i, li):
        """SYN-RECEIVED: RCV.NXT = SEG.SEQ + 1, an ISS, and what the options of both sides have in
        common."""
        t = self.t
        w = self.tab
        o = i * _SIZE
        r = self.row
        r[_H] = t.offer
        settle(t, r)
        copy(w, o, t.key, 0, _KEY)
        w[o + _P_H] = r[_H]
        w[o + _P_SSHIFT] = r[_SSHIFT]
        w[o + _P_RSHIFT] = r[_RSHIFT]
        w[o + _P_TRIES] = 0
        w[o + _P_STATE] = 0
        w[o + _P_LST] = t.listeners.index(li)
        copy(w, o + _P_RCV, t.buf, t.at + 4, 4)
        sadd(w, o + _P_RCV, 1)
        iss_into(t, t.key, w, o + _P_ISS)
        put16(w, o + _P_MSS, send_mss(t, t.iface))
        if r[_H] & _H_TS:
            copy(w, o + _P_TS, t.buf, t.p_ts, 4)
        self._again_in(o, t.rto_init)

    def _again_in(self, o, ms):
        at = tadd(self.t.stack.now, ms)
        put32(self.tab, o + _P_AT, at)
        self.t.arm(at)

    def syn_ack(self, o):
        """<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> at iface.tx; its length."""
        t = self.t
        w = self.tab
        copy(t.num, 0, w, o + _P_ISS, 4)
        return self._say(o, _SYN | _ACK | (_ECE if w[o + _P_H] & _H_ECN else 0))

    def _say(self, o, flags):
        t = self.t
        w = self.tab
        copy(t.num, 4, w, o + _P_RCV, 4)
        n = 20
        if w[o + _P_H] & _H_TS:
            copy(t.ts.echo, 0, w, o + _P_TS, 4)
            n = t.ts.option(t.iface)
        if flags & _SYN:
            write_syn(t, t.iface, w[o + _P_H])
            n = t.o_hl
        wnd = t.default_room if t.default_room < 0xFFFF else 0xFFFF
        # RFC 7323 2.2: scaled, except in a SYN; no more than the SYN-ACK offered, with which ADV
        # begins
        t.o_wnd = wnd if flags & _SYN else wnd >> w[o + _P_RSHIFT]
        return bare(t, t.iface, w, o, flags, n)

    def input(self, i):
        """SYN-RECEIVED of a passive open. Returns the connection when the handshake is complete,
        otherwise None."""
        t = self.t
        w = self.tab
        o = i * _SIZE
        f = t.flags
        rel = sdiff(t.buf, t.at + 4, w, o + _P_RCV)
        inside = 0 <= rel < t.default_room
        if f & _RST:
            self._rst(o, rel, inside)
        elif w[o + _P_H] & _H_TS and not self._in_time(o):
            return None
        elif f & _SYN and rel == -1 and not f & _ACK:  # their SYN again: ours may have been lost
            self.syn_ack(o)
        elif f & _SYN and inside:  # Fourth: a passive open returns to LISTEN
            w[o] = 0
        elif not inside or f & _SYN:
            self._out_of_place(o)
        elif f & _ACK:
            return self._ack(o)
        return None

    def _in_time(self, o):
        """RFC 7323 5.3 R1: not older than TS.Recent; 3.2: not without the option."""
        t = self.t
        read(t)
        if t.p_ts and sdiff(t.buf, t.p_ts, self.tab, o + _P_TS) >= 0:
            return True
        bump(t.stat, _N_TCP_PAWS)
        if t.p_ts:
            self._out_of_place(o)
        return False

    def _rst(self, o, rel, inside):
        """RFC 5961 3.2: exactly in place it ends the attempt, and nobody needs to know (3.10.7.4,
        second)."""
        if rel == 0:
            bump(self.t.stat, _N_TCP_RST_IN)
            self.tab[o] = 0  # MUST-11
        elif inside:
            self._out_of_place(o)

    def _out_of_place(self, o):
        """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; at most one in 256 ms, so that two stacks never
        chat."""
        t = self.t
        w = self.tab
        now = u16(t.stack.clock, 2)
        if w[o + _P_STATE] & _P_SAID and (now - u16(w, o + _P_MUTE)) & 0xFFFF < 256:
            bump(t.stat, _N_TCP_MUTED)
            return
        put16(w, o + _P_MUTE, now)
        w[o + _P_STATE] |= _P_SAID
        copy(t.num, 0, w, o + _P_ISS, 4)
        sadd(t.num, 0, 1)
        bump(t.stat, _N_TCP_CHALLENGE)
        self._say(o, _ACK)

    def _ack(self, o):
        """Fifth: the ACK of our SYN; any other is answered with a RST."""
        t = self.t
        if sdiff(t.buf, t.at + 8, self.tab, o + _P_ISS) != 1:
            ignored_by_stranger(t)
            return None
        put16(self.tab, o + _P_WND, t.wnd)
        return self.complete(o)

    def unreach(self, key, at):
        """A hard ICMP error quotes our SYN-ACK at `at`: back to LISTEN (RFC 5461 4.1)."""
        i = self.find(key)
        if i >= 0 and not sdiff(self.t.buf, at + 4, self.tab, i * _SIZE + _P_ISS):
            self.tab[i * _SIZE] = 0

    def complete(self, o):
        """A row and an application object for it; without them it waits (the ACK is dropped, never
        reset)."""
        t = self.t
        w = self.tab
        c = accept(t, w, o, w[o + _P_LST])
        if c is None:
            if not w[o + _P_STATE] & _P_DONE:
                bump(t.stat, _N_TCP_ACK_DROPPED)
            w[o + _P_STATE] |= _P_DONE
            self.waiting = True
            self._again_in(o, _RETRY_MS)
            self._evict(w[o + _P_LST])
            return None
        t.wait.forget(w, o)
        w[o] = 0
        self._promote(c, w, o)
        return c

    def _promote(self, c, w, o):
        """ESTABLISHED, with what the row knows."""
        t = self.t
        r = c.r
        r[_H] = w[o + _P_H]
        r[_SSHIFT] = w[o + _P_SSHIFT]
        r[_RSHIFT] = w[o + _P_RSHIFT]
        copy(r, _RCV_NXT, w, o + _P_RCV, 4)
        copy(r, _SND_UNA, w, o + _P_ISS, 4)
        sadd(r, _SND_UNA, 1)
        put16(r, _MSS, u16(w, o + _P_MSS))
        if r[_H] & _H_TS:
            t.ts.recall(r, w, o + _P_TS)
        begin(t, c, u16(w, o + _P_WND), w[o + _P_TRIES])
        t.c = c
        connected(t, c)

    def _evict(self, lst):
        """The connection that has been idle longest goes, if that is longer than the listener's
        spare_ms."""
        t = self.t
        now = t.stack.now
        worst = None
        most = 0
        for c in t.conns:
            if c.r[_STATE] and c.r[_LST] < len(t.listeners):
                li = t.listeners[c.r[_LST]]
                idle = tdiff(now, u32(c.r, _BUSY_AT))
                if li.spare_ms and idle >= li.spare_ms and idle >= most and self._helps(c, lst):
                    worst = c
                    most = idle
        if worst:
            bump(t.stat, _N_TCP_EVICTED)
            abort(worst, _IDLE)

    def _helps(self, c, lst):
        """Whether the end of c would make room: its own listener's objects, or the common rows,
        are what is short."""
        return c.r[_LST] == lst or self.t.listeners[lst].spare()

    def room_again(self):
        """A connection has ended: those that wait are tried at once."""
        if self.waiting:
            self.t.hurry()

    def run(self):
        """SYN-ACKs that are due again, and completed handshakes that wait."""
        self.waiting = False
        for o in range(0, self.rows * _SIZE, _SIZE):
            if self.tab[o]:
                self._run(o)

    def _run(self, o):
        w = self.tab
        now = self.t.stack.now
        if w[o + _P_STATE] & _P_DONE:
            self._wait(o, now)
            if w[o]:
                self.waiting = True
        elif tdiff(now, u32(w, o + _P_AT)) >= 0:
            self._expired(o)

    def _wait(self, o, now):
        w = self.tab
        late = tdiff(now, u32(w, o + _P_AT)) >= 0
        if late:
            w[o + _P_TRIES] += 1
        if w[o + _P_TRIES] > 120:  # a minute of half seconds
            w[o] = 0
        elif late or has_room(self.t, w[o + _P_LST]):
            self.complete(o)

    def _expired(self, o):
        w = self.tab
        n = w[o + _P_TRIES]
        if n >= _TRIES:
            w[o] = 0
            return
        w[o + _P_TRIES] += 1
        w[o + _P_STATE] |= _P_DUE
        self.due = True
        wait = self.t.rto_init << (n + 1)
        self._again_in(o, wait if wait < self.t.rto_max else self.t.rto_max)

    def output(self):
        """A SYN-ACK that is due again, as a frame; 0 when there is none."""
        if not self.due:
            return 0
        for o in range(0, self.rows * _SIZE, _SIZE):
            n = self._again(o)
            if n:
                return n
        self.due = False
        return 0

    def _again(self, o):
        t = self.t
        w = self.tab
        if not w[o] or not w[o + _P_STATE] & _P_DUE:
            return 0
        iface = t.stack.ifaces[w[o + 1]]
        w[o + _P_STATE] &= ~_P_DUE
        if iface.reach(w, o + _K_RADDR) <= 0:  # the next try finds the neighbour
            return 0
        t.iface = iface
        bump(t.stat, _N_TCP_REXMT)
        return t.ip.send(iface, _PROTO, w, o + _K_RADDR, self.syn_ack(o))

    def nearest(self, now):
        for o in range(0, self.rows * _SIZE, _SIZE):
            if self.tab[o]:
                near_at(self.t, self.tab, o + _P_AT, now)
