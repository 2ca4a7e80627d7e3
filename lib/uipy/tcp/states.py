"""RFC 9293 3.10.7: what a segment does, state by state.

Theory of operation. `INPUT[state](t, c)` is called with the segment at hand described in `t`
(flags, len, wnd, data; its numbers stay where they lie, at t.at + 4 and t.at + 8). Each state
takes the steps in the order of 3.10.7.4: sequence number, RST, SYN, ACK, URG, text, FIN. A step
that ends the processing returns a false value. Nothing is sent from here: a step leaves a mark
(F_ACK, F_SEND, ...) and tcp_out builds what is due.

    CLOSED      -> SYN-SENT by connect (tcp.py)             LISTEN -> SYN-RECEIVED -> ESTABLISHED
                in tcp_half.py
    SYN-SENT    -> ESTABLISHED, SYN-RECEIVED                 here
    SYN-RECEIVED-> ESTABLISHED (simultaneous open)           here
    ESTABLISHED -> CLOSE-WAIT by the peer's FIN              here;   -> FIN-WAIT-1 by ours, in
        tcp_out.py
    FIN-WAIT-1  -> FIN-WAIT-2, CLOSING, TIME-WAIT            here
    FIN-WAIT-2  -> TIME-WAIT                                 here
    CLOSE-WAIT  -> LAST-ACK by our FIN, in tcp_out.py
    CLOSING     -> TIME-WAIT;  LAST-ACK -> CLOSED            here
    TIME-WAIT   -> CLOSED                                    tcp_wait.py
"""

from micropython import const

from . import congestion as cc
from ..kern import bump, copy, put16, put32, sadd, sdiff, u16, u32
from .ack import acked, duplicate, update_window
from .callbacks import connected, end, peer_closed
from .check import challenge, check
from .options import read, send_mss, settle
from .row import set_state
from .rto import sample, start_rto
from .window import bare
from .text import text

_STATE = const(0)
_F = const(2)
_G = const(3)
_H = const(4)
_T = const(5)
_NREX = const(6)
_SND_UNA = const(8)
_RCV_NXT = const(12)
_SND_WL1 = const(16)
_NXT = const(20)
_MAX = const(22)
_SND_WND = const(24)
_MAX_WND = const(26)
_MSS = const(28)
_RTO = const(38)
_TIMED = const(48)
_TIMED_AT = const(52)
_ADV = const(84)

_F_ACK = const(0x01)
_F_RST = const(0x02)
_F_SEND = const(0x08)
_F_REXMT = const(0x04)
_G_FIN_SENT = const(0x02)
_G_DEAF = const(0x08)
_H_TS = const(0x01)
_H_ECN = const(0x08)
_T_REXMT = const(0x01)

_S_SYN_RECEIVED = const(3)
_S_ESTABLISHED = const(4)
_S_FIN_WAIT_2 = const(6)
_S_CLOSE_WAIT = const(7)
_S_CLOSING = const(8)

_FIN = const(0x01)
_SYN = const(0x02)
_RST = const(0x04)
_ACK = const(0x10)
_URG = const(0x20)

_N_TCP_RST_IN = const(31)


def ignored_by_stranger(t):
    """CLOSED (3.10.7.1): a segment that no connection and no listener wants; also an ACK to LISTEN
    (3.10.7.2)."""
    if t.flags & _RST:
        return 0
    if t.flags & _ACK:
        copy(t.num, 0, t.buf, t.at + 8, 4)  # <SEQ=SEG.ACK><CTL=RST>
        put32(t.num, 4, 0)
        return bare(t, t.iface, t.key, 0, _RST)
    n = t.len + (t.flags & _FIN) + (t.flags >> 1 & 1)
    copy(t.num, 4, t.buf, t.at + 4, 4)  # <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
    sadd(t.num, 4, n)
    put32(t.num, 0, 0)
    return bare(t, t.iface, t.key, 0, _RST | _ACK)


def _nowhere(t, c):
    """A row in CLOSED or LISTEN is never found by a segment."""


def syn_sent(t, c):
    """SYN-SENT (3.10.7.3)."""
    r = c.r
    f = t.flags
    read(t)
    good = 0
    if f & _ACK:  # First: an ACK that is not of our SYN is answered with a RST
        good = sdiff(t.buf, t.at + 8, r, _SND_UNA) == 1 and u16(r, _MAX)
        if not good:
            return ignored_by_stranger(t)  # SEG.ACK =< ISS or SEG.ACK > SND.NXT
    if f & _RST:  # Second: a RST counts only with the ACK of our SYN (RFC 5961 3.2)
        if good:
            _refused(t, c)
        return None
    if not f & _SYN:  # Fifth: neither SYN nor RST
        return None
    _agree(t, c)  # Fourth: their SYN
    if good:
        return _open(t, c)
    # Simultaneous open (3.5, figure 7): SYN-RECEIVED, our SYN again with the ACK
    set_state(t, c, _S_SYN_RECEIVED)
    r[_F] |= _F_REXMT  # MUST-10
    return None


def _refused(t, c):
    """A RST answers our SYN. Where ECN asked for it and the user wants it so, the SYN goes again
    without (RFC 3360 3.1)."""
    bump(t.stat, _N_TCP_RST_IN)
    if c.r[_H] & _H_ECN and t.ecn.fall_back(c.r):
        c.r[_F] |= _F_REXMT
    else:
        end(t, c, "refused")


def _agree(t, c):
    """The peer's SYN: IRS, its MSS and what options both sides want."""
    r = c.r
    copy(r, _RCV_NXT, t.buf, t.at + 4, 4)
    copy(r, _SND_WL1, t.buf, t.at + 4, 4)
    sadd(r, _RCV_NXT, 1)
    settle(t, r)
    put16(r, _MSS, send_mss(t, t.iface))
    put16(r, _SND_WND, t.wnd if t.wnd < 61440 else 61440)  # never scaled in a SYN (RFC 7323 2.2)
    put16(r, _MAX_WND, u16(r, _SND_WND))
    if r[_H] & _H_TS:
        t.ts.remember(r)


def _open(t, c):
    """SYN-SENT to ESTABLISHED: their SYN,ACK. The ACK, the query and a FIN may leave in one
    segment."""
    r = c.r
    _syn_acked(t, c)
    set_state(t, c, _S_ESTABLISHED)
    r[_F] |= _F_ACK | _F_SEND
    connected(t, c)
    if t.len or t.flags & _FIN:
        t.rel = 0  # data behind a SYN is legal; the SYN's own octet has been counted
        _rest(t, c)
    return None


def _syn_acked(t, c):
    """Our SYN has arrived: SND.UNA = ISS + 1."""
    r = c.r
    lost = r[_NREX]
    sadd(r, _SND_UNA, 1)
    if u16(r, _TIMED):
        sample(t, r, u32(r, _TIMED_AT))
    put16(r, _TIMED, 0)
    put16(r, _NXT, 0)
    put16(r, _MAX, 0)
    r[_NREX] = 0
    r[_T] &= ~_T_REXMT
    cc.start(t, r, lost)
    put16(r, _RTO, start_rto(t, r, lost))


def ack(t, c):
    """Fifth, in ESTABLISHED and beyond: SND.UNA < SEG.ACK =< SND.NXT moves on (3.10.7.4)."""
    r = c.r
    a = sdiff(t.buf, t.at + 8, r, _SND_UNA)
    # never sent, or older than any window (RFC 5961 5.2)
    if a > u16(r, _MAX) or a < -u16(r, _MAX_WND):
        return challenge(t, r)
    if a < 0:
        return 1
    if r[_H] & _H_ECN:
        t.ecn.echo(r, a)
    if a:
        acked(t, c, a)
    else:
        duplicate(t, c)
    update_window(t, r)
    return not r[_F] & _F_RST  # `acked` may have called abort


def syn_received(t, c):
    """SYN-RECEIVED after a simultaneous open."""
    r = c.r
    t.rel = sdiff(t.buf, t.at + 4, r, _RCV_NXT)
    if t.flags & _SYN and t.rel == -1 and not t.flags & _RST:
        if not t.flags & _ACK:  # their SYN again: ours, with the ACK
            r[_F] |= _F_REXMT
            return
        t.rel = 0  # SYN,ACK: the SYN is known, the ACK is what we wait for
        read(t)
    elif not check(t, c):
        return
    a = sdiff(t.buf, t.at + 8, r, _SND_UNA)
    if a != 1:  # SND.UNA < SEG.ACK =< SND.NXT, or a RST
        ignored_by_stranger(t)
        return
    _syn_acked(t, c)
    set_state(t, c, _S_ESTABLISHED)
    r[_F] |= _F_SEND
    if t.flags & _SYN:
        r[_F] |= _F_ACK
        t.flags &= ~_SYN
    else:
        update_window(t, r)
    connected(t, c)
    _rest(t, c)


def _rest(t, c):
    """Sixth to eighth: URG, text and FIN."""
    r = c.r
    if r[_F] & _F_RST:  # the callback before raised, or called abort
        return
    if t.flags & _URG and t.urg:  # MUST-30
        t.urg.input(c)
    if r[_H] & _H_ECN:
        t.ecn.input(r)
    if t.len:
        text(t, c)
    if t.flags & _FIN and not r[_F] & _F_RST:
        fin(t, c)


def established(t, c):
    """ESTABLISHED: everything."""
    if check(t, c) and ack(t, c):
        _rest(t, c)


def fin_wait_1(t, c):
    """FIN-WAIT-1: the ACK of our FIN leads to FIN-WAIT-2; text and the peer's FIN are taken as
    before."""
    if check(t, c) and ack(t, c):
        if _fin_acked(c.r):
            fin_wait_2_begins(t, c)
        _rest(t, c)


def fin_wait_2(t, c):
    """FIN-WAIT-2: receives for as long as the application reads (RFC 9293 3.6)."""
    if check(t, c) and ack(t, c):
        _rest(t, c)


def close_wait(t, c):
    """CLOSE-WAIT: we may send on; URG, text and FIN are ignored, the peer has said that it was
    all."""
    if check(t, c):
        ack(t, c)
        _again(t, c)


def closing(t, c):
    """CLOSING: both FINs have been sent; the ACK of ours leads to TIME-WAIT."""
    if check(t, c) and ack(t, c):
        if _fin_acked(c.r):
            time_wait(t, c)
        else:
            _again(t, c)


def last_ack(t, c):
    """LAST-ACK: the ACK of our FIN is the end."""
    if check(t, c) and ack(t, c):
        if _fin_acked(c.r):
            end(t, c, "done")
        else:
            _again(t, c)


def _again(t, c):
    """Text or FIN behind the peer's FIN: our ACK must have been lost."""
    if t.len or t.flags & _FIN:
        c.r[_F] |= _F_ACK


def _fin_acked(r):
    return r[_G] & _G_FIN_SENT and not u16(r, _MAX)


def fin_wait_2_begins(t, c):
    set_state(t, c, _S_FIN_WAIT_2)
    c.r[_F] |= _F_SEND  # tcp_out looks whether anybody reads


def fin(t, c):
    """Eighth: the peer's FIN, once everything before it was taken (the text step moves t.rel to
    its end)."""
    r = c.r
    if t.rel != 0 or not u32(r, _ADV):
        r[_F] |= _F_ACK
        return
    sadd(r, _RCV_NXT, 1)
    put32(r, _ADV, u32(r, _ADV) - 1)
    r[_F] |= _F_ACK
    if t.pool:
        t.pool.forget(c)
    peer_fin(t, c)


def peer_fin(t, c):
    """RCV.NXT has moved over the FIN: the state, and the application, learn of it."""
    r = c.r
    s = r[_STATE]
    if s == _S_ESTABLISHED:
        set_state(t, c, _S_CLOSE_WAIT)
        peer_closed(t, c)
    elif s == _S_FIN_WAIT_2:
        peer_closed_after_us(t, c)
        time_wait(t, c)
    else:  # FIN-WAIT-1, our FIN not acknowledged: simultaneous close (3.6, figure 13)
        set_state(t, c, _S_CLOSING)
        peer_closed_after_us(t, c)


def peer_closed_after_us(t, c):
    if not c.r[_G] & _G_DEAF:
        peer_closed(t, c)


def time_wait(t, c):
    """TIME-WAIT: the row shrinks to what answers a FIN again; the ACK of this one goes out from
    there."""
    owed = c.r[_F] & _F_ACK
    i = t.wait.add(c)
    end(t, c, "done")
    if owed:
        t.wait.ack(i)


INPUT = (
    _nowhere,
    _nowhere,
    syn_sent,
    syn_received,
    established,
    fin_wait_1,
    fin_wait_2,
    close_wait,
    closing,
    last_ack,
)
