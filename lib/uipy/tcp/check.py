"""The first four steps of a segment on a synchronized connection (RFC 9293 3.10.7.4): sequence
number, RST, security (not there), SYN; with the challenge ACKs of RFC 5961."""

from micropython import const

from ..kern import bump, put32, sdiff, tadd, tdiff, u32
from .callbacks import end
from .options import read

_STATE = const(0)
_F = const(2)
_H = const(4)
_RCV_NXT = const(12)
_HEARD_AT = const(64)
_ADV = const(84)
_KPROBE = const(100)
_CHAL_AT = const(110)

_F_ACK = const(0x01)
_H_TS = const(0x01)

_S_SYN_RECEIVED = const(3)

_FIN = const(0x01)
_SYN = const(0x02)
_RST = const(0x04)
_ACK = const(0x10)

_N_TCP_RST_IN = const(31)
_N_TCP_CHALLENGE = const(33)
_N_TCP_MUTED = const(34)
_N_TCP_OLD = const(35)
_N_TCP_PAWS = const(48)


def check(t, c):
    """First to fourth: sequence number, RST, SYN; and that there is an ACK. True when the segment
    goes on."""
    r = c.r
    t.rel = sdiff(t.buf, t.at + 4, r, _RCV_NXT)
    if t.data - t.at > 20:
        read(t)
    if r[_H] & _H_TS and t.ts.check(r) <= 0:
        return _paws(t, r)
    if t.flags & (_RST | _SYN):
        return _rst_or_syn(t, c)
    if not acceptable(t, r):
        bump(t.stat, _N_TCP_OLD)
        return _unacceptable(t, r)
    if r[_H] & _H_TS:
        t.ts.update(r)
    put32(r, _HEARD_AT, t.stack.now)
    r[_KPROBE] = 0
    return t.flags & _ACK  # Fifth: without ACK it is dropped


def _paws(t, r):
    """RFC 7323 5.3 R1: an old duplicate is acknowledged; 3.2: a segment without the option is
    dropped. A SYN is challenged in any case (RFC 5961 4.2): who started again knows no better."""
    bump(t.stat, _N_TCP_PAWS)
    return _unacceptable(t, r) if t.p_ts or t.flags & _SYN else 0


def acceptable(t, r):
    """3.10.7.4, the table of four cases. With a closed window, an ACK in place is heard all the
    same (MUST-66)."""
    rel = t.rel
    wnd = u32(r, _ADV)
    n = t.len + (t.flags & _FIN)
    if 0 <= rel < wnd or (rel == 0 and not wnd):  # MUST-66
        return True
    return n > 0 and rel < 0 < rel + n and wnd > 0


def _unacceptable(t, r):
    """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, unless it is a RST. One without data is not answered
    faster than a challenge."""
    if t.flags & _RST:
        return 0
    if t.len or t.flags & _FIN:
        r[_F] |= _F_ACK
        return 0
    return challenge(t, r)


def challenge(t, r):
    """A challenge ACK (RFC 5961 3.2, 4.2, 5.2). The limit is one connection's own, and jittered
    (RFC 5961 7):

    a limit that connections share tells an attacker on one of them what happens on the others."""
    now = t.stack.now
    if tdiff(now, u32(r, _CHAL_AT)) < 0:
        bump(t.stat, _N_TCP_MUTED)
        return 0
    put32(r, _CHAL_AT, tadd(now, 250 + t.stack.random8()))
    bump(t.stat, _N_TCP_CHALLENGE)
    r[_F] |= _F_ACK
    return 0


def _rst_or_syn(t, c):
    """Second and fourth: RST and SYN on a synchronized connection (RFC 5961 3.2, 4.2)."""
    r = c.r
    if t.flags & _RST:
        if t.rel == 0:  # exactly RCV.NXT: reset
            return reset(t, c)
        # in the window: the peer, if it is one, will repeat it at the right place
        if 0 < t.rel < u32(r, _ADV):
            return challenge(t, r)
        bump(t.stat, _N_TCP_OLD)
        return 0
    # a SYN, wherever it lies: a peer that has restarted answers with the RST
    return challenge(t, r)


def reset(t, c):
    """The peer has reset the connection."""
    bump(t.stat, _N_TCP_RST_IN)
    if c.r[_STATE] == _S_SYN_RECEIVED:  # MUST-11
        end(t, c, "refused")
    else:
        end(t, c, "reset")
    return 0
