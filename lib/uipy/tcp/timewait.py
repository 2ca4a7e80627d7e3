"""TIME-WAIT: what is left of a connection that we closed first (RFC 9293 3.6.1, 3.10.7.4), in 12
halves, and 3 more where timestamps are on.

A row answers the peer's FIN again if our ACK of it was lost. RSTs are ignored (RFC 1337 3: they
would end the wait early). A newer SYN opens the connection anew (MAY-2, RFC 1122 4.2.2.13). A full
table loses its oldest row, never a live connection.
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
    seq_out,
    set_pair,
    tadd,
    tdiff,
)
from ..net.datagram import AT, CLOCK_LOW, FLAGS, IFACE, MSL, NOW, O_WND, P_TS, TEXT
from ..stat import N_TCP_CHALLENGE, N_TCP_MUTED, N_TCP_TW_EVICTED
from .emit import bare
from .header import ACK, FIN, RST, SYN
from .options import read
from .row import LPORT, MAX, NKEY, OPT_TS, OPTS, RCV_NXT, SND_UNA

_W_SND = const(5)  # pair: SND.NXT
_W_RCV = const(7)  # pair: RCV.NXT
_W_AT = const(9)  # pair: when the row ends
_W_MUTE = const(11)  # until when further ACKs are held back: the clock's low 16 bits
_SIZE = const(12)
_W_OPTS = const(12)  # OPT_TS if it was agreed on
_W_TS = const(13)  # pair: TS.Recent
_SIZE_TS = const(15)

_MUTE_MS = const(250)  # and up to 255 more, so that two stacks never answer each other for ever


class TimeWait:
    """The table, for `rows` connections."""

    def __init__(self, tcp, rows):
        self.tcp = tcp
        self.rows = rows
        self.size = _SIZE_TS if tcp.ts else _SIZE  # halves of a row
        self.tab = array("H", bytearray(2 * rows * self.size))

    def find(self, key):
        """The row with this key, or -1."""
        return find_row(self.tab, self.size, self.rows, key)

    def used(self):
        """How many rows are in use."""
        return sum(1 for i in range(self.rows) if self.tab[i * self.size])

    def add(self, conn):
        """Takes over from a connection whose FIN and ours have been acknowledged (RFC 9293 3.3.2:
        2 MSL, MUST-13): the row's number, -1 in a table without rows."""
        tcp = self.tcp
        row = conn.row
        tab = self.tab
        if not self.rows:
            return -1
        i = self._free()
        o = i * self.size
        move(tab, o, row, 0, NKEY)
        move(tab, o + _W_SND, row, SND_UNA, 2)
        seq_add(tab, o + _W_SND, row[MAX])
        move(tab, o + _W_RCV, row, RCV_NXT, 2)
        if tcp.ts:
            tab[o + _W_OPTS] = row[OPTS] & OPT_TS
            move(tab, o + _W_TS, row, tcp.ts.at, 2)
        tab[o + _W_MUTE] = tcp.env[CLOCK_LOW]
        self._start(o)
        return i

    def _start(self, o):
        tcp = self.tcp
        at = tadd(tcp.env[NOW], 2 * tcp.env[MSL])  # MUST-13
        set_pair(self.tab, o + _W_AT, at)
        tcp.arm(at)

    def _free(self):
        """A free row, or the oldest."""
        tab = self.tab
        best = 0
        for i in range(self.rows):
            o = i * self.size
            if not tab[o]:
                return i
            if tdiff(pair(tab, o + _W_AT), pair(tab, best * self.size + _W_AT)) < 0:
                best = i
        bump(self.tcp.stat, N_TCP_TW_EVICTED)
        return best

    def input(self, i):
        """A segment for row i. Returns the length of the reply; -1: a SYN opens the connection
        anew, and goes on to the listener."""
        tcp = self.tcp
        seg = tcp.seg
        tab = self.tab
        o = i * self.size
        flags = seg[FLAGS]
        if flags & RST:  # RFC 1337 3
            return 0
        rel = ahead(tcp.buf, seg[AT] + 4, tab, o + _W_RCV)
        if flags & SYN and not flags & ACK and self._newer(rel, o):
            # Somebody listens; otherwise the SYN is out of place like any other (3.5.2, group 3).
            if tcp.listener(tcp.key[LPORT], seg[IFACE]):
                tcp.isn.beyond(tab, o + _W_SND)
                return -1  # the row stays until the handshake is complete (RFC 9293 3.6.1 (2))
        if flags & FIN and rel + seg[TEXT] + 1 == 0:  # "restart the 2 MSL time-out"
            self._start(o)
            return self.ack(i)
        if seg[TEXT] or flags & (FIN | SYN) or rel:
            # Out of place: acknowledged, but not faster than a challenge ACK.
            now = tcp.env[CLOCK_LOW]
            if 0 < (tab[o + _W_MUTE] - now) & 0xFFFF < 2 * _MUTE_MS + 6:
                bump(tcp.stat, N_TCP_MUTED)
                return 0
            tab[o + _W_MUTE] = (now + _MUTE_MS + tcp.stack.random8()) & 0xFFFF
            bump(tcp.stat, N_TCP_CHALLENGE)
            return self.ack(i)
        return 0

    def _newer(self, rel, o):
        """RFC 1122 4.2.2.13 (a); with timestamps, RFC 6191 2."""
        tcp = self.tcp
        seg = tcp.seg
        if rel >= 0:
            return True
        read(tcp.buf, seg)
        if not seg[P_TS] or not tcp.ts or not self.tab[o + _W_OPTS]:
            return False
        return ahead(tcp.buf, seg[P_TS], self.tab, o + _W_TS) > 0

    def ack(self, i):
        """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> as the reply; its length."""
        tcp = self.tcp
        tab = self.tab
        o = i * self.size
        iface = tcp.stack.ifaces[tab[o] - 1]
        seq_out(tcp.buf, iface.tx + 4, tab, o + _W_SND, 0)
        seq_out(tcp.buf, iface.tx + 8, tab, o + _W_RCV, 0)
        tcp.out[O_WND] = 0
        n = 20
        if tcp.ts and tab[o + _W_OPTS]:
            tcp.ts.echo_of(tab, o + _W_TS)
            n = tcp.ts.option(iface)
        return bare(tcp, iface, tab, o, ACK, n)

    def holds(self, port):
        """True if a row has the local port (RFC 6056 3: such ports are skipped)."""
        for i in range(self.rows):
            o = i * self.size
            if self.tab[o] and self.tab[o + LPORT] == port:
                return True
        return False

    def drop(self, key):
        """We open this connection anew ourselves: its row ends (the new ISS lies beyond the old
        numbers)."""
        i = self.find(key)
        if i >= 0:
            self.tcp.isn.beyond(self.tab, i * self.size + _W_SND)
            self.tab[i * self.size] = 0

    def forget(self, table, o):
        """The new connection with the key at table[o:] stands."""
        key = self.tcp.key
        move(key, 0, table, o, NKEY)
        i = self.find(key)
        if i >= 0:
            self.tab[i * self.size] = 0

    def run(self):
        """Rows whose time is over end."""
        now = self.tcp.env[NOW]
        if self.nearest(now) <= 0:
            self._run(now)

    def _run(self, now):
        # A function of its own: the frame of `run`, which each timer calls, has 11 words.
        for i in range(self.rows):
            o = i * self.size
            if tdiff(now, pair(self.tab, o + _W_AT)) >= 0:
                self.tab[o] = 0

    def nearest(self, now):
        """The ms until a row ends."""
        return nearest(self.tab, self.size, self.rows, _W_AT, now)
