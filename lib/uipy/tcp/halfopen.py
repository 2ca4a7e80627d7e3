"""Half-open connections: LISTEN, and SYN-RECEIVED of a passive open (RFC 9293 3.10.7.2, 3.10.7.4),
in 19 halves each, and 2 more where timestamps are on.

A SYN takes a row here and neither a connection nor an application object. The ACK that completes
the handshake moves it to a connection; with none free the row waits, and a connection that has
been idle for the listener's `spare_ms` makes room. Those that wait are served in the order of
their ACKs. After a minute the row is forgotten, and a last SYN-ACK says so, whose ACK earns a RST.
A full table drops the SYN (RFC 3360 2.3: never a RST), or answers with a cookie.
A SYN-ACK offers a window only to as many as there are connections free. The others are told that
there is one when their turn has come; what they had sent before would have been lost.
"""

from array import array

from micropython import const

from ..kern import (
    ahead,
    bump,
    find_row,
    move,
    nearest,
    pair,
    seq_add,
    seq_in,
    seq_out,
    set_pair,
    tadd,
    tdiff,
)
from ..net.datagram import (
    ACKS,
    AT,
    CLOCK_LOW,
    DUE,
    FIRST_ROOM,
    FLAGS,
    IFACE,
    NOW,
    O_HEAD,
    O_WND,
    OFFER,
    OUR_SHIFT,
    P_SHIFT,
    P_TS,
    RTO_INIT,
    RTO_MAX,
    WND,
)
from ..net.front import aim
from ..stat import (
    N_TCP_ACK_DROPPED,
    N_TCP_CHALLENGE,
    N_TCP_MUTED,
    N_TCP_PAWS,
    N_TCP_REXMT,
    N_TCP_RST_IN,
    N_TCP_SYN_DROPPED,
)
from .closed import reset_back
from .emit import bare
from .header import ACK, ECE, RST, SYN
from .listen import accept, begin, evict, short
from .options import agreed, read, send_mss, write_syn
from .row import (
    BUSY_AT,
    MSS,
    NKEY,
    OPT_ECN,
    OPT_TS,
    OPT_WS,
    OPTS,
    OWES,
    OWES_ACK,
    RADDR,
    RCV_NXT,
    SHIFTS,
    SND_UNA,
)
from .states import connected

H_OPTS = const(5)  # what we offer or have agreed on: OPT_*
H_SSHIFT = const(6)
H_TRIES = const(7)  # SYN-ACKs sent again
H_STATE = const(8)
H_LISTENER = const(9)  # the listener's number
H_RCV = const(10)  # pair: RCV.NXT
H_ISS = const(12)  # pair
_H_AT = const(14)  # pair: when the SYN-ACK goes again; when a completed one has waited in vain
H_MSS = const(16)
H_WND = const(17)  # the window of the ACK that completed it
_H_MUTE = const(18)  # when something out of place was answered: the clock's low 16 bits
_SIZE = const(19)
_H_TS = const(19)  # pair: TS.Recent
_SIZE_TS = const(21)

_DUE = const(1)  # the SYN-ACK is to be sent
_DONE = const(2)  # the handshake is complete, no row was free
_SAID = const(4)  # _H_MUTE is set
H_SHUT = const(8)  # the window offered is 0

_TRIES = const(8)  # the last one after 1 + 2 + 4 ... + 60 s, beyond 3 minutes: MUST-23
_OLD = const(3)  # a row that was asked so often may make room for a new SYN
_WAIT_MS = const(60000)  # for a row; the times when it ends are the line
_LOOK_MS = const(500)  # between looks for somebody who has been idle for too long
_GRACE_MS = const(16000)


class HalfOpen:
    """The table, for `rows` handshakes. `row[...]` below is tab[o + ...], o where a row begins."""

    def __init__(self, tcp, rows):
        self.tcp = tcp
        self.rows = rows
        self.size = _SIZE_TS if tcp.ts else _SIZE  # halves of a row
        self.tab = array("H", bytearray(2 * rows * self.size))
        self.due = False  # a row is _DUE
        self.waiting = False  # a row is _DONE

    def find(self, key):
        """The row with this key, or -1."""
        return find_row(self.tab, self.size, self.rows, key)

    def used(self):
        """How many rows are in use."""
        n = 0  # no generator: that takes heap
        for i in range(self.rows):
            n += self.tab[i * self.size] > 0
        return n

    def serves(self, number):
        """Is a handshake under way for the listener of that number?"""
        for i in range(self.rows):
            o = i * self.size
            if self.tab[o] and self.tab[o + H_LISTENER] == number:
                return True
        return False

    def listen(self, listener):
        """LISTEN (3.10.7.2). What `strangers` returns."""
        tcp = self.tcp
        flags = tcp.seg[FLAGS]
        if flags & RST:  # First: nothing here can be reset
            return 0
        if flags & ACK:  # Second: there is nothing yet to acknowledge, unless it is a cookie
            if tcp.cookie and not flags & SYN:
                return tcp.cookie.input(listener)
            return reset_back(tcp)
        if not flags & SYN:  # Third; anything else is dropped
            return 0
        read(tcp.buf, tcp.seg)
        i = self.free()
        if i >= 0:
            self._take(i * self.size, listener)
            return self._say(i * self.size, SYN | ACK)
        bump(tcp.stat, N_TCP_SYN_DROPPED)
        if tcp.cookie:
            tcp.wait.forget(tcp.key, 0)  # its ACK is to find the listener
            return tcp.cookie.answer(short(tcp, listener, 1))
        return 0

    def free(self):
        """A free row, else one whose SYN-ACKs have gone unanswered, else -1."""
        tab = self.tab
        best = -1
        for i in range(self.rows):
            o = i * self.size
            if not tab[o]:
                return i
            if tab[o + H_TRIES] >= _OLD and not tab[o + H_STATE] & _DONE:
                best = i
        return best

    def _take(self, o, listener):
        """SYN-RECEIVED: RCV.NXT = SEG.SEQ + 1, an ISS, and what the options of both sides have in
        common."""
        tcp = self.tcp
        seg = tcp.seg
        tab = self.tab
        opts = agreed(tcp, tcp.env[OFFER])
        move(tab, o, tcp.key, 0, NKEY)
        tab[o + H_OPTS] = opts
        tab[o + H_SSHIFT] = seg[P_SHIFT] if opts & OPT_WS else 0
        tab[o + H_TRIES] = 0
        tab[o + H_STATE] = H_SHUT if short(tcp, listener, 0) else 0
        tab[o + H_LISTENER] = tcp.listeners.index(listener)
        seq_in(tab, o + H_RCV, tcp.buf, seg[AT] + 4)
        seq_add(tab, o + H_RCV, 1)
        tcp.isn.into(tcp.key, tab, o + H_ISS)
        tab[o + H_MSS] = send_mss(seg, tcp.stack.ifaces[seg[IFACE]])
        if opts & OPT_TS:
            seq_in(tab, o + _H_TS, tcp.buf, seg[P_TS])
        self._again_in(o, tcp.env[RTO_INIT])

    def _shift(self, opts):
        """Rcv.Wind.Shift (RFC 7323 2.3)."""
        return self.tcp.env[OUR_SHIFT] if opts & OPT_WS else 0

    def _again_in(self, o, ms):
        at = tadd(self.tcp.env[NOW], ms)
        set_pair(self.tab, o + _H_AT, at)
        self.tcp.arm(at)

    def _say(self, o, flags):
        """As a reply: <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>, or an ACK behind it."""
        tcp = self.tcp
        iface = tcp.stack.ifaces[self.tab[o] - 1]
        return self._write(o, flags, iface)

    def _write(self, o, flags, iface):
        tcp = self.tcp
        tab = self.tab
        opts = tab[o + H_OPTS]
        seq_out(tcp.buf, iface.tx + 4, tab, o + H_ISS, 0 if flags & SYN else 1)
        seq_out(tcp.buf, iface.tx + 8, tab, o + H_RCV, 0)
        n = 20
        if opts & OPT_TS:
            tcp.ts.echo_of(tab, o + _H_TS)
            n = tcp.ts.option(iface)
        wnd = min(tcp.env[FIRST_ROOM], 0xFFFF)
        if flags & SYN:
            write_syn(tcp, iface, opts)
            n = tcp.out[O_HEAD]
            if opts & OPT_ECN:
                flags |= ECE
        else:
            # RFC 7323 2.2: scaled, except in a SYN; no more than the SYN-ACK offered, with which
            # ADV begins
            wnd >>= self._shift(opts)
        tcp.out[O_WND] = 0 if tab[o + H_STATE] & H_SHUT else wnd
        return bare(tcp, iface, tab, o, flags, n)

    def input(self, i):
        """SYN-RECEIVED of a passive open. What `strangers` returns."""
        tcp = self.tcp
        seg = tcp.seg
        tab = self.tab
        o = i * self.size
        flags = seg[FLAGS]
        rel = ahead(tcp.buf, seg[AT] + 4, tab, o + H_RCV)
        inside = 0 <= rel < tcp.env[FIRST_ROOM]
        if flags & RST:
            # RFC 5961 3.2: exactly in place it ends the attempt, and nobody needs to know
            # (3.10.7.4, second)
            if rel == 0:
                bump(tcp.stat, N_TCP_RST_IN)
                tab[o] = 0  # MUST-11
            return self._out_of_place(o) if inside and rel else 0
        if tab[o + H_OPTS] & OPT_TS:
            # RFC 7323 5.3 R1: not older than TS.Recent; 3.2: not without the option.
            read(tcp.buf, seg)
            if not seg[P_TS] or ahead(tcp.buf, seg[P_TS], tab, o + _H_TS) < 0:
                bump(tcp.stat, N_TCP_PAWS)
                return self._out_of_place(o) if seg[P_TS] else 0
        if flags & SYN:
            if rel == -1 and not flags & ACK:  # their SYN again: ours may have been lost
                return self._say(o, SYN | ACK)
            if inside:  # Fourth: a passive open returns to LISTEN
                tab[o] = 0
                return 0
            return self._out_of_place(o)
        if not inside:
            return self._out_of_place(o)
        if not flags & ACK:
            return 0
        # Fifth: the ACK of our SYN; any other is answered with a RST.
        if ahead(tcp.buf, seg[AT] + 8, tab, o + H_ISS) != 1:
            return reset_back(tcp)
        tab[o + H_WND] = seg[WND]
        conn = self.complete(o)
        seg[ACKS] = 0  # SND.UNA is behind our SYN now
        return tcp.to(conn) if conn else 0

    def _out_of_place(self, o):
        """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; at most one in 256 ms, so that two stacks never
        chat."""
        tcp = self.tcp
        tab = self.tab
        now = tcp.env[CLOCK_LOW]
        if tab[o + H_STATE] & _SAID and (now - tab[o + _H_MUTE]) & 0xFFFF < 256:
            bump(tcp.stat, N_TCP_MUTED)
            return 0
        tab[o + _H_MUTE] = now
        tab[o + H_STATE] |= _SAID
        bump(tcp.stat, N_TCP_CHALLENGE)
        return self._say(o, ACK)

    def unreach(self, key, at):
        """A hard ICMP error quotes our SYN-ACK at `at`: back to LISTEN (RFC 5461 4.1)."""
        i = self.find(key)
        if i >= 0 and not ahead(self.tcp.buf, at + 4, self.tab, i * self.size + H_ISS):
            self.tab[i * self.size] = 0

    def complete(self, o):
        """The connection of a handshake that is complete; None without a row and an application
        object for it, or while others have waited longer: then it waits (the ACK is dropped, never
        reset)."""
        tcp = self.tcp
        tab = self.tab
        now = tcp.env[NOW]
        if not tab[o + H_STATE] & _DONE:
            tab[o + H_STATE] = tab[o + H_STATE] & H_SHUT | _DONE
            self._again_in(o, _WAIT_MS)
        conn = None
        if not self.waiting or self._next() == o:
            conn = accept(tcp, tab, o, tab[o + H_LISTENER])
        waited = _WAIT_MS - tdiff(pair(tab, o + _H_AT), now)
        if conn is None:
            if not waited:
                bump(tcp.stat, N_TCP_ACK_DROPPED)
            self.waiting = True
            tcp.arm(tadd(now, _LOOK_MS))
            evict(tcp, tab[o + H_LISTENER])
            return None
        tcp.wait.forget(tab, o)
        tab[o] = 0
        # ESTABLISHED, with what the row knows.
        row = conn.row
        opts = row[OPTS] = tab[o + H_OPTS]
        row[SHIFTS] = tab[o + H_SSHIFT] << 8 | self._shift(opts)
        row[MSS] = tab[o + H_MSS]
        move(row, RCV_NXT, tab, o + H_RCV, 2)
        move(row, SND_UNA, tab, o + H_ISS, 2)
        seq_add(row, SND_UNA, 1)
        if opts & OPT_TS:
            tcp.ts.recall(row, tab, o + _H_TS)
        begin(conn, tab[o + H_WND], tab[o + H_TRIES])
        if tab[o + H_STATE] & H_SHUT:  # now it may send
            row[OWES] |= OWES_ACK
            tcp.env[DUE] = 1
        else:
            # Its timer has backed off while it waited: its data comes after as long again at the
            # latest. Until then it counts as busy.
            set_pair(row, BUSY_AT, tadd(now, min(waited, _GRACE_MS)))
        tcp.call(connected, conn)
        return conn

    def _next(self):
        """Who has waited longest, of those whose listener has an object to spare: where its row
        begins, or -1."""
        tab = self.tab
        best = -1
        for i in range(self.rows):
            o = i * self.size
            if tab[o] and tab[o + H_STATE] & _DONE:
                if best < 0 or tdiff(pair(tab, o + _H_AT), pair(tab, best + _H_AT)) < 0:
                    if self.tcp.listeners[tab[o + H_LISTENER]].spare():
                        best = o
        return best

    def room_again(self):
        """A connection has ended: those that wait are tried at once."""
        if self.waiting:
            self.tcp.hurry()

    def run(self):
        """SYN-ACKs that are due again, and completed handshakes that wait."""
        now = self.tcp.env[NOW]
        if self.waiting or self.nearest(now) <= 0:
            self._run(now)

    def _run(self, now):
        tab = self.tab
        while self.waiting:
            o = self._next()
            if o < 0 or not self.complete(o):
                break
        self.waiting = False
        for i in range(self.rows):
            o = i * self.size
            if tab[o]:
                if tab[o + H_STATE] & _DONE:
                    self.waiting = True
                    evict(self.tcp, tab[o + H_LISTENER])
                if tdiff(now, pair(tab, o + _H_AT)) >= 0:
                    self._expired(o)

    def _expired(self, o):
        tab = self.tab
        tcp = self.tcp
        n = tab[o + H_TRIES] + 1
        if not tab[o + H_STATE] & _DONE:
            if n > _TRIES:
                tab[o] = 0
                return
            tab[o + H_TRIES] = n
            self._again_in(o, min(tcp.env[RTO_INIT] << n, tcp.env[RTO_MAX]))
        tab[o + H_STATE] |= _DUE
        self.due = True
        tcp.env[DUE] = 1

    def output(self):
        """A SYN-ACK that is due again, as a frame; 0 when there is none (`due` is false then)."""
        tab = self.tab
        tcp = self.tcp
        for i in range(self.rows):
            o = i * self.size
            if tab[o] and tab[o + H_STATE] & _DUE:
                tab[o + H_STATE] &= ~_DUE
                iface = tcp.stack.ifaces[tab[o] - 1]
                at = iface.tx - 8  # where the destination stands
                seq_out(tcp.buf, at, tab, o + RADDR, 0)
                n = 0
                if iface.reach(tcp.buf, at) > 0:  # otherwise the next try finds the neighbour
                    bump(tcp.stat, N_TCP_REXMT)
                    aim(tcp.buf, iface.face, tcp.buf, at)
                    n = tcp.stack.leave(iface, self._write(o, SYN | ACK, iface))
                if tab[o + H_STATE] & _DONE:
                    tab[o] = 0
                if n:
                    return n
        self.due = False
        return 0

    def nearest(self, now):
        """The ms until a row has something to do."""
        ms = nearest(self.tab, self.size, self.rows, _H_AT, now)
        return min(ms, _LOOK_MS) if self.waiting else ms
