"""Congestion control: slow start, congestion avoidance, fast retransmit and fast recovery (RFC
5681, RFC 6582), in octets.

Theory of operation. CWND limits what is in flight beside the peer's window. Below SSTHRESH each
ACK adds what it acknowledged, one segment at the most; above it a window's worth of acknowledged
octets adds one segment. Three duplicate ACKs mean a loss: SSTHRESH becomes half of the flight, the
first segment is sent again, and each further duplicate lets one more segment out (it says that one
has left the network). Until the ACK passes RECOVER, each partial ACK resends the next hole
(NewReno). A timeout starts again from one segment. RECOVER also remains set after a timeout:
duplicates of what was sent before it start nothing (RFC 6582 3.2 step 1).
"""

from micropython import const

from ..kern import bump, put16, tdiff, u16, u32

_F = const(2)
_G = const(3)
_H = const(4)
_NREX = const(6)
_DUP = const(7)
_MAX = const(22)
_MSS = const(28)
_CWND = const(30)
_SSTHRESH = const(32)
_RECOVER = const(34)
_CACC = const(36)
_RTO = const(38)
_SENT_AT = const(106)

_F_REXMT = const(0x04)
_F_SEND = const(0x08)
_G_RECOVERY = const(0x40)
_H_SACK = const(0x04)

_WND_MAX = const(61440)
_N_TCP_FAST = const(28)


def start(t, r, lost):
    """A connection begins. RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)); one MSS if the SYN was
    lost (RFC 5681 3.1)."""
    mss = u16(r, _MSS)
    put16(r, _CWND, limit(t, r, mss if lost else min(10 * mss, max(2 * mss, 14600))))
    put16(r, _SSTHRESH, _WND_MAX)
    put16(r, _RECOVER, 0)
    put16(r, _CACC, 0)


def limit(t, r, n):
    """CWND kept to what the row can count, and to max_flight segments. What duplicate ACKs say has
    left the network does not count: with two in flight three of them could never come."""
    most = t.max_flight * u16(r, _MSS)
    if not most or most > _WND_MAX:
        most = _WND_MAX
    return n if n < most else most


def window(t, r):
    """How much may be in flight: CWND, and one segment for each of the first two duplicates (RFC
    3042)."""
    w = u16(r, _CWND)
    d = r[_DUP]
    if d and not r[_G] & _G_RECOVERY:
        w += (d if d < 2 else 2) * u16(r, _MSS)
    return w


def after_idle(t, r):
    """RFC 5681 4.1: nothing sent for more than an RTO, so the ACK clock has stopped."""
    if not u16(r, _MAX) and tdiff(t.stack.now, u32(r, _SENT_AT)) > u16(r, _RTO):
        mss = u16(r, _MSS)
        put16(r, _CWND, min(u16(r, _CWND), 10 * mss))


def on_ack(t, r, n):
    """n new octets were acknowledged; MAX is already less by n."""
    rec = u16(r, _RECOVER)
    put16(r, _RECOVER, rec - n if rec > n else 0)
    r[_DUP] = 0
    if r[_G] & _G_RECOVERY:
        return _in_recovery(t, r, n)
    cwnd = u16(r, _CWND)
    mss = u16(r, _MSS)
    if cwnd < u16(r, _SSTHRESH):  # RFC 5681 3.1 (2)
        if n > mss:
            n = mss
        grow(t, r, cwnd, n)  # MUST-19
    else:
        _avoid(t, r, cwnd, n)  # MUST-19


def grow(t, r, cwnd, n):
    cwnd = limit(t, r, cwnd + n)
    put16(r, _CWND, cwnd)


def _avoid(t, r, cwnd, n):
    """RFC 5681 3.1: one segment for each window that was acknowledged, counted in octets (RFC
    3465)."""
    acc = u16(r, _CACC) + n
    if acc >= cwnd:
        acc -= cwnd
        n = u16(r, _MSS)
        grow(t, r, cwnd, n)
    put16(r, _CACC, acc if acc < 0xFFFF else 0xFFFF)


def _in_recovery(t, r, n):
    mss = u16(r, _MSS)
    if not u16(r, _RECOVER):  # RFC 6582 3.2 step 3, full acknowledgment
        r[_G] &= ~_G_RECOVERY
        return put16(r, _CWND, limit(t, r, min(u16(r, _SSTHRESH), max(u16(r, _MAX), mss) + mss)))
    r[_F] |= _F_REXMT  # partial acknowledgment: the next hole
    cwnd = u16(r, _CWND)
    cwnd = cwnd - n if cwnd > n + mss else mss
    _inflate(r, cwnd, mss if n >= mss else 0)


def _inflate(r, cwnd, n):
    """Octets that have left the network; max_flight has been seen to."""
    cwnd += n
    put16(r, _CWND, cwnd if cwnd < _WND_MAX else _WND_MAX)


def on_duplicate(t, r):
    """RFC 5681 2: an ACK that says nothing new while data is outstanding. With SACK the octets it
    selects count, not the ACK: a peer may say of several segments at once that they came."""
    if r[_DUP] < 255:
        r[_DUP] += 1
    r[_F] |= _F_SEND
    if r[_G] & _G_RECOVERY:  # RFC 5681 3.2 (4)
        _inflate(r, u16(r, _CWND), t.sack.news if r[_H] & _H_SACK else u16(r, _MSS))
    elif r[_DUP] == 3 and not u16(r, _RECOVER):
        enter_recovery(t, r)


def enter_recovery(t, r):
    """RFC 5681 3.2 (2), (3): fast retransmit."""
    halve(r)
    put16(r, _RECOVER, u16(r, _MAX))
    _inflate(r, limit(t, r, u16(r, _SSTHRESH)), 3 * u16(r, _MSS))
    r[_G] |= _G_RECOVERY
    r[_F] |= _F_REXMT
    if t.sack:
        t.sack.restart(r)
    bump(t.stat, _N_TCP_FAST)


def halve(r):
    """RFC 5681 (4): SSTHRESH = max(FlightSize / 2, 2 * SMSS). What the first two duplicate ACKs
    let out beyond CWND does not count (3.2 step 2)."""
    put16(r, _SSTHRESH, max(min(u16(r, _MAX), u16(r, _CWND)) >> 1, 2 * u16(r, _MSS)))


def on_timeout(t, r):
    """RFC 5681 3.1: the loss window is one segment; SSTHRESH is halved at the first timeout of a
    segment only."""
    if not r[_NREX]:
        halve(r)
    put16(r, _CWND, u16(r, _MSS))
    put16(r, _CACC, 0)
    put16(r, _RECOVER, u16(r, _MAX))
    r[_DUP] = 0
    r[_G] &= ~_G_RECOVERY
