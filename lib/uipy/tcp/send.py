"""What TCP sends: `segment` builds the next segment that is due for a connection, `bare` one that
belongs to no row.

Theory of operation. Nothing is sent because something happened; what happened leaves a mark in the
row (F_*), and whoever holds the buffer next asks `segment` until it answers 0: `input` for its
reply, `output` for the rest. There is no send buffer: the source writes its octets straight behind
the header, as often as they are needed.
"""

from micropython import const

from . import congestion as cc
from ..kern import bump, copy, put16, put32, sadd, tadd, u16, u32
from .callbacks import fill
from .flight import account, persist, start_timer
from .options import write, write_syn
from .row import set_state
from .window import bare, emit, window

_STATE = const(0)
_IDX = const(1)
_F = const(2)
_G = const(3)
_H = const(4)
_T = const(5)
_SND_UNA = const(8)
_RCV_NXT = const(12)
_NXT = const(20)
_MAX = const(22)
_SND_WND = const(24)
_MAX_WND = const(26)
_MSS = const(28)
_TIMED = const(48)
_SINCE_AT = const(68)
_ADV = const(84)
_ROOM = const(88)
_UNACKED = const(92)
_TTL = const(101)
_TOS = const(102)

_KEY = const(10)

_F_ACK = const(0x01)
_F_RST = const(0x02)
_F_REXMT = const(0x04)
_F_SEND = const(0x08)
_F_PROBE = const(0x10)
_F_KEEP = const(0x20)

_G_FIN = const(0x01)
_G_FIN_SENT = const(0x02)
_G_END = const(0x04)
_G_DEAF = const(0x08)
_G_NODELAY = const(0x20)

_H_SACK = const(0x04)
_H_ECN = const(0x08)
_H_URG_OUT = const(0x80)

_T_REXMT = const(0x01)
_T_PERSIST = const(0x02)
_T_ACK = const(0x04)
_T_LINGER = const(0x10)

_S_SYN_RECEIVED = const(3)
_S_ESTABLISHED = const(4)
_S_FIN_WAIT_1 = const(5)
_S_FIN_WAIT_2 = const(6)
_S_CLOSE_WAIT = const(7)
_S_LAST_ACK = const(9)

_FIN = const(0x01)
_SYN = const(0x02)
_RST = const(0x04)
_PSH = const(0x08)
_ACK = const(0x10)

_N_TCP_REXMT = const(26)
_N_TCP_PROBE = const(29)
_N_TCP_KEEP = const(30)


def segment(t, c):
    """Builds the next segment due for c at iface.tx; returns its length, 0 when nothing more is
    due."""
    r = c.r
    t.c = c
    if r[_F] & _F_RST:
        return _reset(t, c)
    t.o_if = t.iface
    t.o_keys = t.keys
    t.o_k = _KEY * r[_IDX]
    if r[_STATE] <= _S_SYN_RECEIVED:
        return _syn(t, c)
    n = 0
    if r[_F] & (_F_REXMT | _F_PROBE | _F_SEND):
        n = _data(t, c)
    if not n and r[_F] & (_F_ACK | _F_KEEP):
        n = _ack(t, c)
    return n


def _data(t, c):
    """Old data first, then a probe of a closed window, then new data."""
    r = c.r
    f = r[_F]
    if f & _F_REXMT:
        r[_F] = f & ~_F_REXMT
        n = _resend(t, c)
        if n:
            return n
    if f & _F_PROBE:
        r[_F] &= ~_F_PROBE
        return _probe(t, c)
    if f & _F_SEND:
        return _fresh(t, c) if r[_STATE] != _S_FIN_WAIT_2 else _linger(t, r)
    return 0


def _linger(t, r):
    """FIN-WAIT-2: everything has been sent. It ends by itself only when the application no longer
    reads."""
    r[_F] &= ~_F_SEND
    if r[_G] & _G_DEAF and not r[_T] & _T_LINGER:
        r[_T] |= _T_LINGER
        put32(r, _SINCE_AT, t.stack.now)
        t.arm(tadd(t.stack.now, t.linger))
    return 0


def _resend(t, c):
    """The segment at SND.UNA again (RFC 6298 5.4), or the first hole that SACK shows."""
    r = c.r
    rel = t.sack.hole(r) if r[_H] & _H_SACK else 0
    n = u16(r, _MAX) - rel
    if rel < 0 or n <= 0:
        return 0
    write(t, c)
    t.o_room = max(u16(r, _SND_WND) - rel, 1)
    most = min(_full(t, r), t.o_room)  # a window that shrank (MUST-34)
    if r[_H] & _H_SACK:
        most = t.sack.until(r, rel, most)
    return _build(t, c, rel, n if n < most else most)


def _probe(t, c):
    """The override timer: what the window takes, and one octet if it takes none (RFC 9293 3.8.6.1,
    MUST-35)."""
    r = c.r
    write(t, c)
    n = min(u16(r, _SND_WND), _full(t, r))
    nxt = u16(r, _NXT)
    bump(t.stat, _N_TCP_PROBE)
    t.o_room = u16(r, _SND_WND) or 1
    size = _build(t, c, 0, n or 1)
    if not n:
        # the octet will hardly be taken: it is sent again when the window opens
        put16(r, _NXT, nxt)
    return size


def _fresh(t, c):
    """New data as far as the peer's window and CWND allow."""
    r = c.r
    if not u16(r, _MAX):
        cc.after_idle(t, r)
    nxt = u16(r, _NXT)
    n = _usable(t, r) - nxt
    if n <= 0:
        return _blocked(t, c, nxt)
    write(t, c)
    t.o_room = n
    n = min(n, _full(t, r))
    return _build(t, c, nxt, n, True)


def _usable(t, r):
    w = cc.window(t, r)
    n = u16(r, _SND_WND)
    return n if n < w else w


def _blocked(t, c, nxt):
    """No window: the mark goes, an ACK brings it back. With nothing in flight no ACK will come:
    the persist timer probes."""
    r = c.r
    r[_F] &= ~_F_SEND
    if not nxt and not r[_T] & (_T_REXMT | _T_PERSIST):
        t.o_if = t.iface
        t.o_hl = 20
        t.o_rel = 0
        t.o_ask = 1
        fill(t, c)
        if t.o_len or (r[_G] & _G_FIN and t.o_end):
            persist(t, r)
    return 0


def _build(t, c, rel, n, new=False):
    """A segment with up to n octets from `rel` on, the source and the rules for small segments
    permitting."""
    r = c.r
    t.o_rel = rel
    t.o_ask = _before_fin(r, rel, n)
    fill(t, c)
    t.o_flags = _ACK | _FIN if _fin_rides(t, r, rel) else _ACK
    if new and t.o_len and t.o_len < _full(t, r) and _waits(t, r):
        r[_F] &= ~_F_SEND
        return 0
    if t.o_end:
        r[_G] |= _G_END  # only now: the source is needed until its last octets have been sent
    if not t.o_len and not t.o_flags & _FIN:
        return _nothing(t, c)
    return _send(t, c, rel)


def _full(t, r):
    """Octets of data in a full segment with the options that have been written (Eff.snd.MSS). One
    segment in flight goes as two halves: a lone one would wait for a delayed ACK each time."""
    n = u16(r, _MSS) - t.o_hl + 20
    return n if t.max_flight != 1 else n >> 1


def _before_fin(r, rel, n):
    """n octets at `rel`, but none in the place of a FIN that was sent."""
    if r[_G] & _G_FIN_SENT and n >= u16(r, _MAX) - rel:
        n = u16(r, _MAX) - rel - 1
    return n


def _fin_rides(t, r, rel):
    """Whether the FIN goes with this segment: in the place that it had, or behind the last octet
    if the window has one for it."""
    if r[_G] & _G_FIN_SENT:
        return rel + t.o_len + 1 == u16(r, _MAX)
    return t.o_end and r[_G] & _G_FIN and t.o_len < t.o_room


def _nothing(t, c):
    """The source has nothing now. If it has ended and all of it was ACKed, it is done."""
    r = c.r
    r[_F] &= ~(_F_SEND | _F_PROBE)
    if r[_G] & _G_END and not u16(r, _MAX):
        c.src = None
    return 0


def _waits(t, r):
    """Whether a segment shorter than the MSS is to wait.

    With nothing behind it: Nagle (RFC 9293 3.7.4, SHLD-7), while anything is unacknowledged; a FIN
    does not wait. With more behind it, the window cut it short (RFC 9293 3.8.6.2.1, MUST-38): it
    goes if it is half of the largest window.
    """
    if not t.o_more:
        # MUST-60
        return u16(r, _NXT) and not (t.o_flags & _FIN or r[_G] & _G_NODELAY)
    if 2 * t.o_len >= u16(r, _MAX_WND):
        return False
    if not u16(r, _NXT) and not r[_T] & (_T_REXMT | _T_PERSIST):
        persist(t, r)  # nothing in flight, so no ACK comes: the override timeout
    return True  # MUST-38


def _send(t, c, rel):
    """The segment stands: its number, the timers that it starts, and the state that a FIN
    enters."""
    r = c.r
    n = t.o_len
    if t.o_flags & _FIN:
        n += 1
        if not r[_G] & _G_FIN_SENT:
            r[_G] |= _G_FIN_SENT
            _fin_leaves(t, c)
    if not t.o_more:
        r[_F] &= ~_F_SEND  # whatever gives the source more, and every ACK, sets it again
        if t.o_len:
            t.o_flags |= _PSH  # RFC 9293 3.9.1.2, MUST-61
    copy(t.num, 0, r, _SND_UNA, 4)
    sadd(t.num, 0, rel)
    account(t, r, rel, rel + n)
    return _stamp(t, c, t.o_len)


def _fin_leaves(t, c):
    """Our FIN: from ESTABLISHED to FIN-WAIT-1, from CLOSE-WAIT to LAST-ACK (RFC 9293 3.10.4)."""
    s = c.r[_STATE]
    if s == _S_ESTABLISHED:
        set_state(t, c, _S_FIN_WAIT_1)
    elif s == _S_CLOSE_WAIT:
        set_state(t, c, _S_LAST_ACK)


def _ack(t, c):
    """A segment without data: the ACK that is owed, or a keep-alive that asks for one."""
    r = c.r
    write(t, c)
    t.o_flags = _ACK
    copy(t.num, 0, r, _SND_UNA, 4)
    if r[_F] & _F_KEEP:
        r[_F] &= ~_F_KEEP
        sadd(t.num, 0, -1)  # RFC 9293 3.8.4: SEG.SEQ = SND.NXT - 1
        bump(t.stat, _N_TCP_KEEP)
    else:
        sadd(t.num, 0, u16(r, _MAX))
    return _stamp(t, c, 0)


def _stamp(t, c, n):
    """What all segments of a synchronized connection share: ACK, window, urgent pointer; the owed
    ACK is paid."""
    r = c.r
    copy(t.num, 4, r, _RCV_NXT, 4)
    t.o_wnd = window(t, r)
    r[_F] &= ~_F_ACK
    r[_T] &= ~_T_ACK  # MUST-58
    put16(r, _UNACKED, 0)
    t.ip.ttl = r[_TTL]
    t.ip.tos = r[_TOS]
    t.o_up = 0
    if r[_H] & _H_URG_OUT:
        t.urg.point(r)
    if r[_H] & _H_ECN:
        t.ecn.stamp(r, n)
    return emit(t, t.o_hl + n)


def _syn(t, c):
    """SYN-SENT: our SYN. SYN-RECEIVED by simultaneous open: SYN and ACK (RFC 9293 3.5, figure
    7)."""
    r = c.r
    if not r[_F] & (_F_REXMT | _F_SEND | _F_ACK):
        return 0
    again = u16(r, _MAX)
    if again and not r[_F] & _F_REXMT:
        r[_F] &= ~_F_SEND  # data and FIN wait for the answer
        if r[_STATE] == _S_SYN_RECEIVED and r[_F] & _F_ACK:
            return _ack(t, c)  # of what was out of place (RFC 9293 3.10.7.4, first)
        r[_F] &= ~_F_ACK
        return 0
    r[_F] &= ~(_F_REXMT | _F_SEND | _F_ACK)
    copy(t.num, 0, r, _SND_UNA, 4)
    t.o_flags = _SYN
    if r[_STATE] == _S_SYN_RECEIVED:
        t.o_flags = _SYN | _ACK
        copy(t.num, 4, r, _RCV_NXT, 4)
    else:
        put32(t.num, 4, 0)
    if t.ts:
        t.ts.hold(r)
    write_syn(t, t.iface, r[_H])
    if r[_H] & _H_ECN:
        t.ecn.stamp_syn(r)
    put16(r, _NXT, 0)
    if again:
        bump(t.stat, _N_TCP_REXMT)
        put16(r, _TIMED, 0)
        start_timer(t, r)
    else:
        account(t, r, 0, 1)
    w = u32(r, _ROOM)
    t.o_wnd = w if w < 0xFFFF else 0xFFFF  # never scaled in a SYN (RFC 7323 2.2)
    if t.o_wnd > u32(r, _ADV):  # an edge once offered stays (SHLD-14)
        put32(r, _ADV, t.o_wnd)
    t.ip.ttl = r[_TTL]
    t.ip.tos = r[_TOS]
    t.o_up = 0
    return emit(t, t.o_hl)


def _reset(t, c):
    """ABORT: <SEQ=SND.NXT><CTL=RST> (RFC 9293 3.10.5); who sends it frees the row."""
    r = c.r
    copy(t.num, 0, r, _SND_UNA, 4)
    sadd(t.num, 0, u16(r, _MAX))
    put32(t.num, 4, 0)
    t.ip.ttl = r[_TTL]
    return bare(t, t.iface, t.keys, _KEY * r[_IDX], _RST)
