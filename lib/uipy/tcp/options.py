"""TCP options (RFC 9293 3.1, 3.2): read from any segment at any alignment, written in ours.

A length that is too small or that runs over the header ends the reading; the segment itself is not
dropped (MUST-7, RFC 3360: an illegal option length is survived).
"""

from ..kern import put16, u16
from ..net.datagram import (
    AT,
    DATA,
    O_HEAD,
    OUR_SHIFT,
    P_MSS,
    P_NSACK,
    P_SACK,
    P_SACK_OK,
    P_SHIFT,
    P_TS,
)
from .header import (
    KIND_END,
    KIND_MSS,
    KIND_NOP,
    KIND_SACK_OK,
    KIND_SACKS,
    KIND_STAMP,
    KIND_WINDOW,
)
from .row import OPT_ECN, OPT_SACK, OPT_TS, OPT_WS, OPTS


def read(b, seg):
    """Notes in `seg` what the options of the segment at hand say."""
    i = seg[AT] + 20
    end = seg[DATA]
    seg[P_MSS] = seg[P_TS] = seg[P_NSACK] = seg[P_SACK_OK] = 0
    seg[P_SHIFT] = -1
    while i < end and b[i] != KIND_END:
        if b[i] == KIND_NOP:  # MUST-4
            i += 1
            continue
        if i + 1 >= end or b[i + 1] < 2 or i + b[i + 1] > end:  # MUST-7
            return
        _one(b, seg, i, b[i + 1])  # MUST-6: what it does not know is skipped by its length
        i += b[i + 1]


def _one(b, seg, i, n):
    kind = b[i]
    if kind == KIND_MSS and n == 4:
        seg[P_MSS] = u16(b, i + 2)  # MUST-14, MUST-64
    elif kind == KIND_WINDOW and n == 3:
        seg[P_SHIFT] = min(b[i + 2], 14)  # RFC 7323 2.3
    elif kind == KIND_SACK_OK and n == 2:
        seg[P_SACK_OK] = 1
    elif kind == KIND_SACKS and n >= 10 and n & 7 == 2:
        seg[P_SACK] = i + 2
        seg[P_NSACK] = n >> 3
    elif kind == KIND_STAMP and n == 10:
        seg[P_TS] = i + 2


def send_mss(seg, iface):
    """Eff.snd.MSS without options (RFC 9293 3.7.1, MUST-16): the peer's MSS, 536 if it named none
    (MUST-15), and what the link takes.

    An MSS under 48 is taken for 48: it would have us send mostly headers.
    """
    m = seg[P_MSS] or 536  # MUST-15
    m = m if m > 48 else 48
    return m if m < iface.mtu - 40 else iface.mtu - 40  # MUST-16


def agreed(tcp, opts):
    """Of the options that we offered (OPT_*), those that the peer's SYN offers too (RFC 7323 2.2,
    3.2; RFC 2018 2)."""
    seg = tcp.seg
    if seg[P_SHIFT] < 0:
        opts &= ~OPT_WS
    if not seg[P_TS]:
        opts &= ~OPT_TS
    if not seg[P_SACK_OK]:
        opts &= ~OPT_SACK
    if opts & OPT_ECN and not tcp.ecn.agreed():
        opts &= ~OPT_ECN
    return opts


def write_syn(tcp, iface, opts):
    """Writes the options of a SYN or SYN-ACK: the MSS (MUST-14), and those of `opts` (OPT_*);
    out[O_HEAD] is the header's length then."""
    b = tcp.buf
    i = iface.tx + 20
    b[i] = KIND_MSS  # MUST-14
    b[i + 1] = 4  # MUST-68
    put16(b, i + 2, iface.mtu - 40)  # MUST-67, SHLD-5: what we can reassemble, less 40
    i += 4
    if opts & OPT_SACK:
        i = _pad(b, i, 2)
        b[i] = KIND_SACK_OK
        b[i + 1] = 2
        i += 2
    if opts & OPT_TS:
        i = _pad(b, i, 2)
        i = tcp.ts.stamp(i)
    if opts & OPT_WS:
        i = _pad(b, i, 1)
        b[i] = KIND_WINDOW
        b[i + 1] = 3
        b[i + 2] = tcp.env[OUR_SHIFT]
        i += 3
    tcp.out[O_HEAD] = i - iface.tx


def _pad(b, i, n):
    for _ in range(n):
        b[i] = KIND_NOP  # MUST-69
        i += 1
    return i


def write(conn, iface):
    """Writes the options of an ordinary segment of the connection."""
    tcp = conn.tcp
    opts = conn.row[OPTS]
    if opts & OPT_TS:
        tcp.ts.write(conn.row, iface)
    if opts & OPT_SACK and tcp.pool:
        tcp.pool.write_sack(conn, iface)
