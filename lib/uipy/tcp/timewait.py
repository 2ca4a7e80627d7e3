"""TIME-WAIT: what is left of a connection that we closed first (RFC 9293 3.6.1, 3.10.7.4), in 31
octets.

A row answers the peer's FIN again if our ACK of it was lost. RSTs are ignored (RFC 1337 3: they
would end the wait early). A newer SYN opens the connection anew (MAY-2, RFC 1122 4.2.2.13). A full
table loses its oldest row, never a live connection.
"""

from micropython import const

from ..kern import bump, copy, find, put32, sadd, sdiff, tadd, tdiff, u16, u32
from .options import read
from .window import bare
from .timers import near_at

_KEY = const(10)
_K_LPORT = const(2)
_SIZE = const(31)
_W_SND = const(10)  # SND.NXT, 4 octets
_W_RCV = const(14)  # RCV.NXT, 4 octets
_W_AT = const(18)  # when the row ends (ticks)
_W_TS = const(22)  # TS.Recent, 4 octets
_W_MUTE = const(26)  # until when further ACKs are held back (ticks)
_W_H = const(30)  # the connection's options

_IDX = const(1)
_H = const(4)
_SND_UNA = const(8)
_RCV_NXT = const(12)
_MAX = const(22)
_H_TS = const(0x01)

_FIN = const(0x01)
_SYN = const(0x02)
_RST = const(0x04)
_ACK = const(0x10)

_N_TCP_CHALLENGE = const(33)
_N_TCP_MUTED = const(34)
_N_TCP_TW_EVICTED = const(44)


class TimeWait:
    def __init__(self, tcp, rows):
        self.t = tcp
        self.rows = rows
        self.tab = bytearray(rows * _SIZE)
        # where the sequence numbers of a connection that is opened anew must lie behind
        self.iss = bytearray(4)
        self.reused = False

    def find(self, key):
        return find(self.tab, _SIZE, self.rows, key, _KEY)

    def add(self, c):
        """Takes over from connection c, whose FIN and ours have been acknowledged (RFC 9293 3.3.2:
        2 MSL, MUST-13)."""
        t = self.t
        r = c.r
        i = self._free() if self.rows else -1
        if i < 0:
            return i
        o = i * _SIZE
        w = self.tab
        copy(w, o, t.keys, _KEY * r[_IDX], _KEY)
        copy(w, o + _W_SND, r, _SND_UNA, 4)
        sadd(w, o + _W_SND, r[_MAX] << 8 | r[_MAX + 1])
        copy(w, o + _W_RCV, r, _RCV_NXT, 4)
        w[o + _W_H] = r[_H]
        if r[_H] & _H_TS:
            t.ts.recent_into(r, w, o + _W_TS)
        put32(w, o + _W_MUTE, t.stack.now)
        self._start(o)
        return i

    def _start(self, o):
        t = self.t
        at = tadd(t.stack.now, 2 * t.msl)  # MUST-13
        put32(self.tab, o + _W_AT, at)
        t.arm(at)

    def _free(self):
        """A free row, or the oldest."""
        best = 0
        for i in range(self.rows):
            if not self.tab[i * _SIZE]:
                return i
            if tdiff(u32(self.tab, i * _SIZE + _W_AT), u32(self.tab, best * _SIZE + _W_AT)) < 0:
                best = i
        bump(self.t.stat, _N_TCP_TW_EVICTED)
        return best

    def input(self, i):
        """A segment for row i. True when it is a SYN that opens the connection anew: then it goes
        on to the listener."""
        t = self.t
        o = i * _SIZE
        f = t.flags
        if f & _RST:  # RFC 1337 3
            return False
        rel = sdiff(t.buf, t.at + 4, self.tab, o + _W_RCV)
        if f & _SYN and not f & _ACK and self._newer(rel, o) and self._welcome():
            copy(self.iss, 0, self.tab, o + _W_SND, 4)
            self.reused = True
            return True  # the row stays until the handshake is complete (RFC 9293 3.6.1 (2))
        if f & _FIN and rel + t.len + 1 == 0:  # "restart the 2 MSL time-out"
            self._start(o)
            self.ack(i)
        elif t.len or f & (_FIN | _SYN) or rel:
            self._challenge(i, o)
        return False

    def _welcome(self):
        """Somebody listens; otherwise the SYN is out of place like any other (3.5.2, group 3)."""
        t = self.t
        return t.listener(u16(t.key, _K_LPORT), t.iface.idx) is not None

    def _newer(self, rel, o):
        """RFC 1122 4.2.2.13 (a); with timestamps, RFC 6191 2."""
        t = self.t
        if rel >= 0:
            return True
        read(t)
        return (
            t.p_ts and self.tab[o + _W_H] & _H_TS and sdiff(t.buf, t.p_ts, self.tab, o + _W_TS) > 0
        )

    def _challenge(self, i, o):
        """Out of place: acknowledged, but not faster than a challenge ACK."""
        t = self.t
        now = t.stack.now
        if tdiff(now, u32(self.tab, o + _W_MUTE)) < 0:
            bump(t.stat, _N_TCP_MUTED)
            return
        put32(self.tab, o + _W_MUTE, tadd(now, 250 + t.stack.random8()))
        bump(t.stat, _N_TCP_CHALLENGE)
        self.ack(i)

    def ack(self, i):
        """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> as the reply."""
        if i < 0:
            return 0
        t = self.t
        o = i * _SIZE
        copy(t.num, 0, self.tab, o + _W_SND, 8)
        t.o_wnd = 0
        n = 20
        if self.tab[o + _W_H] & _H_TS:
            copy(t.ts.echo, 0, self.tab, o + _W_TS, 4)
            n = t.ts.option(t.iface)
        return bare(t, t.iface, self.tab, o, _ACK, n)

    def holds(self, port_at, buf):
        """1 if a row has the local port at buf[port_at:port_at+2] (RFC 6056 3: such ports are
        skipped)."""
        w = self.tab
        for i in range(0, self.rows * _SIZE, _SIZE):
            if w[i] and w[i + 2] == buf[port_at] and w[i + 3] == buf[port_at + 1]:
                return 1
        return 0

    def drop(self, key):
        """We open this connection anew ourselves: its row ends (the new ISS lies beyond the old
        numbers)."""
        i = self.find(key)
        if i >= 0:
            copy(self.iss, 0, self.tab, i * _SIZE + _W_SND, 4)
            self.reused = True
            self.tab[i * _SIZE] = 0

    def forget(self, keys, o):
        """The new connection with the key at keys[o:] stands."""
        t = self.t
        copy(t.mine, 0, keys, o, _KEY)
        i = self.find(t.mine)
        if i >= 0:
            self.tab[i * _SIZE] = 0

    def run(self):
        now = self.t.stack.now
        for o in range(0, self.rows * _SIZE, _SIZE):
            if self.tab[o] and tdiff(now, u32(self.tab, o + _W_AT)) >= 0:
                self.tab[o] = 0

    def nearest(self, now):
        for o in range(0, self.rows * _SIZE, _SIZE):
            if self.tab[o]:
                near_at(self.t, self.tab, o + _W_AT, now)
