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

from ..kern import bump
from ..kern.ptr import kernel, ptr16, ptr32
from ..net.datagram import MAX_FLIGHT, NOW
from ..stat import N_TCP_FAST
from .row import (
    CACC,
    CWND,
    DUP,
    MAX,
    MSS,
    NREX,
    NXT,
    OPT_SACK,
    OPTS,
    OURS,
    OWES,
    OWES_DATA,
    OWES_REXMT,
    RECOVER,
    RECOVERY,
    RTO,
    SENT_AT,
    SND_WND,
    SSTHRESH,
    WND_MAX,
)


def limit(row, env, n):
    """CWND kept to what the row can count, and to max_flight segments. What duplicate ACKs say has
    left the network does not count: with two in flight three of them could never come."""
    most = env[MAX_FLIGHT] * row[MSS]
    if not most or most > WND_MAX:
        most = WND_MAX
    return n if n < most else most


def start(row, env, lost):
    """A connection begins. RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)); one MSS if the SYN was
    lost (RFC 5681 3.1)."""
    mss = row[MSS]
    row[CWND] = limit(row, env, mss if lost else min(10 * mss, max(2 * mss, 14600)))
    row[SSTHRESH] = WND_MAX
    row[RECOVER] = row[CACC] = 0


@kernel
def usable(r: ptr16, env: ptr32) -> int:
    """How many octets may be sent from SND.NXT on, less than 0 perhaps: the peer's window, and
    CWND with one segment for each of the first two duplicate ACKs (RFC 3042)."""
    w = r[CWND]
    mss = r[MSS]
    if r[MAX] == 0:
        d = env[NOW] - ((r[SENT_AT] << 16) | r[SENT_AT + 1])
        if d < 0:
            d += 0x20000000
            d += 0x20000000
        # RFC 5681 4.1: nothing sent for more than an RTO, so the ACK clock has stopped
        if d > r[RTO] and d < 0x20000000 and w > 10 * mss:
            w = 10 * mss
            r[CWND] = w
    d = r[DUP]
    if d and (r[OURS] & RECOVERY) == 0:
        if d > 2:
            d = 2
        w += d * mss
    if w > r[SND_WND]:
        w = r[SND_WND]
    return w - r[NXT]


@kernel
def grow(r: ptr16, n: int, env: ptr32):
    """n new octets were acknowledged; MAX is already less by n."""
    c = r[RECOVER]
    if c > n:
        r[RECOVER] = c - n
    else:
        r[RECOVER] = 0
    r[DUP] = 0
    mss = r[MSS]
    most = env[MAX_FLIGHT] * mss  # see `limit`
    if most == 0 or most > WND_MAX:
        most = WND_MAX
    cwnd = r[CWND]
    if r[OURS] & RECOVERY:
        if r[RECOVER] == 0:  # RFC 6582 3.2 step 3, full acknowledgment
            r[OURS] = r[OURS] & (0xFFFF ^ RECOVERY)
            cwnd = r[MAX]
            if cwnd < mss:
                cwnd = mss
            cwnd += mss
            if cwnd > r[SSTHRESH]:
                cwnd = r[SSTHRESH]
        else:  # partial acknowledgment: the next hole
            r[OWES] = r[OWES] | OWES_REXMT
            if cwnd > n + mss:
                cwnd -= n
            else:
                cwnd = mss
            if n >= mss:
                cwnd += mss
            most = WND_MAX
    elif cwnd < r[SSTHRESH]:  # RFC 5681 3.1 (2)
        if n > mss:
            n = mss
        cwnd += n  # MUST-19
    else:  # RFC 5681 3.1: one segment for each window acknowledged, in octets (RFC 3465)
        c = r[CACC] + n
        if c >= cwnd:
            c -= cwnd
            cwnd += mss  # MUST-19
        if c > 0xFFFF:
            c = 0xFFFF
        r[CACC] = c
    if cwnd > most:
        cwnd = most
    r[CWND] = cwnd


def on_duplicate(tcp, row):
    """RFC 5681 2: an ACK that says nothing new while data is outstanding. With SACK the octets it
    selects count, not the ACK: a peer may say of several segments at once that they came."""
    if row[DUP] < 255:
        row[DUP] += 1
    row[OWES] |= OWES_DATA
    if row[OURS] & RECOVERY:  # RFC 5681 3.2 (4)
        n = tcp.sack.news if row[OPTS] & OPT_SACK else row[MSS]
        row[CWND] = min(row[CWND] + n, WND_MAX)
    elif row[DUP] == 3 and not row[RECOVER]:  # RFC 5681 3.2 (2), (3): fast retransmit
        halve(row)
        row[RECOVER] = row[MAX]
        row[CWND] = min(limit(row, tcp.env, row[SSTHRESH]) + 3 * row[MSS], WND_MAX)
        row[OURS] |= RECOVERY
        row[OWES] |= OWES_REXMT
        if tcp.sack:
            tcp.sack.restart(row)
        bump(tcp.stat, N_TCP_FAST)


def halve(row):
    """RFC 5681 (4): SSTHRESH = max(FlightSize / 2, 2 * SMSS). What the first two duplicate ACKs
    let out beyond CWND does not count (3.2 step 2)."""
    row[SSTHRESH] = max(min(row[MAX], row[CWND]) >> 1, 2 * row[MSS])


def on_timeout(row):
    """RFC 5681 3.1: the loss window is one segment; SSTHRESH is halved at the first timeout of a
    segment only."""
    if not row[NREX]:
        halve(row)
    row[CWND] = row[MSS]
    row[CACC] = row[DUP] = 0
    row[RECOVER] = row[MAX]
    row[OURS] &= ~RECOVERY
