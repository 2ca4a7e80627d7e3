"""ARP (RFC 826) with a fixed cache.

A row is 20 octets: IP address 4, MAC 6, state, requests sent, when something is to be done (4),
when `reach` last wanted it (4). What happens at `at`:

    ASKED   no MAC yet. Ask again, a second later; after three requests -> FAILED
    FAILED  `reach` says so. Every ten seconds: ask again if it was wanted meanwhile, else forget
    KNOWN   a minute after the last word from the neighbour: -> POLLED if it was wanted
            meanwhile, else forget
    POLLED  the MAC serves on while it is asked point to point, three times a second apart
            (RFC 1122 2.3.2.1 (2)); then forget

A request is never repeated within a second (RFC 1122 2.3.2.1), whatever the size of the table: a
row that asked less than a second ago gives its place to nobody. When the table is full the row
that was wanted least recently goes.

No frame waits here. Who wanted the address keeps its mark and calls `reach` again in the next
`output`, which the answer brings about (env[DUE]).
"""

from micropython import const

from ..kern import bump, copy, find, put16, put32, same, tadd, tdiff, u32, zero
from ..stat import N_ARP_BAD, N_ARP_CONFLICT, N_ARP_EVICTED, N_ARP_IN, N_ARP_OUT, N_FRAMES_OUT
from .datagram import BCAST, DUE, FAR, HOP, NOW, OUR_IP, OUR_MAC, OUT_IFACE

_ROW = const(20)
_MAC = const(4)
_STATE = const(10)
_TRIES = const(11)
_AT = const(12)
_USED = const(16)

_FREE = const(0)
_ASKED = const(1)
_FAILED = const(2)
_KNOWN = const(3)  # from here on the MAC is good
_POLLED = const(4)

_TRY_MS = const(1000)
_SLOW_MS = const(10_000)
_LIFE_MS = const(60_000)
_MAX_TRIES = const(3)
_PERIOD = (0, _TRY_MS, _SLOW_MS, _LIFE_MS, _TRY_MS)  # by state: how far ahead `at` was set

# The packet, behind 14 octets of Ethernet
_ETH_DST = const(2)
_ETH_SRC = const(8)
_ETH_TYPE = const(14)
_P = const(16)
ARP_OP = const(22)
SHA = const(24)
SPA = const(30)
_THA = const(34)
TPA = const(40)
_LEN = const(28)
_FRAME = const(42)  # with the Ethernet header
_HEAD = b"\x00\x01\x08\x00\x06\x04"  # Ethernet, IPv4, 6 and 4 octets
_ARP = const(0x0806)
_ALL = b"\xff\xff\xff\xff\xff\xff"


class Arp:
    """The cache of one Ethernet interface: `rows` neighbours at a time."""

    def __init__(self, iface, rows):
        self.iface = iface
        self.stack = iface.stack
        self.env = iface.stack.env
        self.buf = iface.stack.buf
        self.rows = rows
        self.tab = bytearray(_ROW * rows)
        self.telling = False  # set by announce(), cleared by output()
        self.starved = False  # reach() found no row to ask with; cleared by deadline()

    def clear(self):
        """Forgets everything."""
        zero(self.tab, 0, len(self.tab))
        self.telling = self.starved = False

    def announce(self):
        """Tells the neighbours our address and MAC with the next output (gratuitous ARP)."""
        if self.iface.face[OUR_IP]:
            self.telling = True
            self.stack.wake_up()

    # What the layers above ask

    def reach(self, row, off):
        """1: the MAC for the neighbour at row[off:off+4] is in HOP of `face`. 0: asked for. -1: it
        does not answer."""
        o = find(self.tab, _ROW, self.rows, row, off) * _ROW
        if o < 0:
            return self._ask(row, off)
        put32(self.tab, o + _USED, self.env[NOW])
        if self.tab[o + _STATE] >= _KNOWN:
            copy(self.iface.face, HOP, self.tab, o + _MAC, 6)
            return 1
        return -1 if self.tab[o + _STATE] == _FAILED else 0

    def doubt(self, row, off):
        """The neighbour at row[off:off+4] seems not to receive: it is polled now, not in its
        time, unless it spoke within the last second."""
        o = find(self.tab, _ROW, self.rows, row, off) * _ROW
        if o >= 0 and self.tab[o + _STATE] == _KNOWN and self._since(o) >= _TRY_MS:
            put32(self.tab, o + _AT, self.env[NOW])
            self.env[DUE] = 1

    def _ask(self, row, off):
        # A new row for the address at row[off:], due at once. Nobody answers for our own.
        if same(row, off, self.iface.face, OUR_IP, 4):
            return -1
        o = self._take(row, off, 0)
        if o < 0:
            self.starved = True
            return 0
        self._set(o, _ASKED)
        put32(self.tab, o + _AT, self.env[NOW])
        self.env[DUE] = 1
        return 0

    def _set(self, o, state):
        # Enters a state; the time for doing something about it is counted from now.
        at = tadd(self.env[NOW], _PERIOD[state])
        self.tab[o + _STATE] = state
        put32(self.tab, o + _AT, at)
        self.stack.arm(at)

    def _take(self, row, off, idle):
        """A row for the address at row[off:]: a free one, else the one that was not wanted for
        longest, and for `idle` ms at least. Its offset, or -1."""
        o = self._oldest(idle)
        if o >= 0:
            if self.tab[o + _STATE]:
                bump(self.stack.stat, N_ARP_EVICTED)
            zero(self.tab, o, _ROW)
            copy(self.tab, o, row, off, 4)
            put32(self.tab, o + _USED, self.env[NOW])
        return o

    def _oldest(self, idle):
        best = -1
        for o in range(0, len(self.tab), _ROW):
            if not self.tab[o + _STATE]:
                return o
            age = self._age(o)
            if age >= idle:
                idle = age
                best = o
        return best

    def _age(self, o):
        # How long nobody wanted this row; -1 while its request is about to go, or is less than a
        # second old.
        t = self.tab
        if t[o + _STATE] == _ASKED and not t[o + _TRIES]:
            return -1
        if t[o + _TRIES] and self._since(o) < _TRY_MS:
            return -1
        return tdiff(self.env[NOW], u32(t, o + _USED))

    def _since(self, o):
        # ms since the row entered its state
        return tdiff(self.env[NOW], u32(self.tab, o + _AT)) + _PERIOD[self.tab[o + _STATE]]

    # What arrives

    def input(self, n):
        """An ARP packet (RFC 826, "Packet Reception"); returns the length of the reply, or 0."""
        b = self.buf
        bump(self.stack.stat, N_ARP_IN)
        if n < _LEN or not same(b, _P, _HEAD, 0, 6) or not self._sane(b):
            bump(self.stack.stat, N_ARP_BAD)
            return 0
        if b[SPA] and same(b, SPA, self.iface.face, OUR_IP, 4):
            return self._conflict(b)
        if same(b, SHA, self.iface.face, OUR_MAC, 6):  # that is nobody else's
            bump(self.stack.stat, N_ARP_BAD)
            return 0
        for_us = b[TPA] and same(b, TPA, self.iface.face, OUR_IP, 4)
        # 0.0.0.0 asks before it has an address (RFC 5227 2.1.1): answered, but nothing is learnt
        if b[SPA]:
            self._merge(b, for_us)
        return self._answer(b) if for_us and b[ARP_OP + 1] == 1 else 0

    def _sane(self, b):
        # A MAC that a station can have, and an address that is nobody's group.
        if b[SHA] & 1 or b[ARP_OP] or not 1 <= b[ARP_OP + 1] <= 2:
            return False
        if b[SPA] >= 224 or b[SPA] == 127 or same(b, SPA, self.iface.face, BCAST, 4):
            return False
        return not same(b, SHA, b"\0\0\0\0\0\0", 0, 6)

    def _conflict(self, b):
        # Somebody else uses our address (RFC 5227 2.4); our own frame come back is none.
        if not same(b, SHA, self.iface.face, OUR_MAC, 6):
            bump(self.stack.stat, N_ARP_CONFLICT)
        return 0

    def _merge(self, b, for_us):
        # RFC 826: an entry that exists is brought up to date whoever was asked; a new one only if
        # we were.
        o = find(self.tab, _ROW, self.rows, b, SPA) * _ROW
        if o < 0 and for_us and self.iface.local(b, SPA):
            o = self._take(b, SPA, _TRY_MS)  # a stranger takes no place that is in use
        if o >= 0:
            self._learn(o)

    def _learn(self, o):
        t = self.tab
        copy(t, o + _MAC, self.buf, SHA, 6)
        if t[o + _STATE] < _KNOWN:
            self.env[DUE] = 1  # whoever waits for it
        # A row may be refreshed for years and never used: keeps the difference within its range.
        if tdiff(self.env[NOW], u32(t, o + _USED)) > _LIFE_MS:
            put32(t, o + _USED, tadd(self.env[NOW], -_LIFE_MS - 1))
        self._set(o, _KNOWN)

    def _answer(self, b):
        # In place: the fields are swapped, and the frame goes back to the MAC it came from.
        b[ARP_OP + 1] = 2
        copy(b, _THA, b, SHA, 10)
        copy(b, SHA, self.iface.face, OUR_MAC, 6)
        copy(b, SPA, self.iface.face, OUR_IP, 4)
        copy(b, _ETH_DST, b, _ETH_SRC, 6)
        copy(b, _ETH_SRC, self.iface.face, OUR_MAC, 6)
        bump(self.stack.stat, N_ARP_OUT)
        bump(self.stack.stat, N_FRAMES_OUT)
        return _FRAME

    # What is due

    def output(self, now):
        """The next announcement or request that is due: its frame's length, or 0."""
        if self.telling:
            self.telling = False
            return self.request(self.iface.face, OUR_IP, _ALL, 0)
        for o in range(0, len(self.tab), _ROW):
            if self.tab[o + _STATE] and tdiff(now, u32(self.tab, o + _AT)) >= 0:
                o = self._act(o)
                if o:
                    return o
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        best = 0 if self.telling else _TRY_MS if self.starved else FAR
        self.starved = False
        for o in range(0, len(self.tab), _ROW):
            if self.tab[o + _STATE]:
                best = self._sooner(o, best)
        return best

    def _sooner(self, o, best):
        o = tdiff(u32(self.tab, o + _AT), self.env[NOW])
        return max(0, min(o, best))

    def _act(self, o):
        # The time of one row has come; the length of a request, or 0.
        t = self.tab
        state = t[o + _STATE]
        if state == _ASKED or state == _POLLED:
            if t[o + _TRIES] < _MAX_TRIES:
                return self._try(o, state)
            self.env[DUE] = 1  # whoever waits for it learns that it does not answer
            if state == _ASKED:
                self._set(o, _FAILED)
                return 0
        elif tdiff(self.env[NOW], u32(t, o + _USED)) < _PERIOD[state]:
            if state == _KNOWN:
                t[o + _TRIES] = 0
                state = _POLLED
            return self._try(o, state)
        zero(t, o, _ROW)
        return 0

    def _try(self, o, state):
        # One request, and the state that waits for its answer.
        if self.tab[o + _TRIES] < 255:
            self.tab[o + _TRIES] += 1
        self._set(o, state)
        if state == _POLLED:
            return self.request(self.tab, o, self.tab, o + _MAC)
        return self.request(self.tab, o, _ALL, 0)

    def request(self, row, off, mac, at):
        """Asks the MAC at mac[at:at+6] who has row[off:off+4]; returns the frame's length."""
        copy(self.buf, _ETH_DST, mac, at, 6)
        copy(self.buf, TPA, row, off, 4)
        row = self.buf
        put16(row, _ETH_TYPE, _ARP)
        copy(row, _P, _HEAD, 0, 6)
        put16(row, ARP_OP, 1)
        copy(row, SHA, self.iface.face, OUR_MAC, 6)
        copy(row, _ETH_SRC, self.iface.face, OUR_MAC, 6)
        copy(row, SPA, self.iface.face, OUR_IP, 4)
        zero(row, _THA, 6)
        bump(self.stack.stat, N_ARP_OUT)
        bump(self.stack.stat, N_FRAMES_OUT)
        self.env[OUT_IFACE] = self.iface.idx
        return _FRAME
