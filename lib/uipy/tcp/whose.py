"""A segment is checked, and its connection found (RFC 9293 3.1, 3.10.7.4 first)."""

from ..kern import csum
from ..kern.ptr import kernel, ptr8, ptr16, ptr32
from ..net.datagram import (
    ACKS,
    AT,
    DATA,
    FLAGS,
    IFACE,
    LEN,
    NOW,
    P_NSACK,
    P_TS,
    PLAIN,
    PSUM,
    REL,
    ROW,
    ROW_SPAN,
    ROWS,
    SRC_AT,
    TEXT,
    WND,
)
from ..stat import N_TCP_IN
from .header import ACK, FIN, KIND_NOP, KIND_STAMP, RST, SYN, URG
from .row import (
    ADV,
    DEAF,
    HEARD_AT,
    KPROBE,
    LPORT,
    MAX,
    OPT_TS,
    OPTS,
    OURS,
    OWES,
    OWES_RST,
    RADDR,
    RCV_NXT,
    RPORT,
    S_ESTABLISHED,
    S_SYN_RECEIVED,
    SND_UNA,
    SND_WND,
    STATE,
    USED,
    WAITS,
)


@kernel
def whose(buf, seg: ptr32, tab: ptr16, env: ptr32, stat: ptr32) -> int:
    """Checks the segment at hand, and finds the row of its connection in TCP's table. Returns
    seg[ROW], env[ROWS] when there is none; -1: the segment is not sound.

    seg[PLAIN] is 1 when a row was found and `check` would pass the segment: it is in place, within
    the window, has an ACK and neither SYN nor RST, and no options but a timestamp where timestamps
    are in use (which check.py then compares). It is 2 when ESTABLISHED would take only the steps
    for an ACK of something new, or of nothing while nothing is in flight, and for text; see
    arrivals.py. The reserved bits are not looked at (RFC 3360 2.1).
    """
    c = stat[N_TCP_IN] - 0x20000000 + 1  # bump, in place
    if c >= 0x20000000:
        c = 0 - 0x20000000
    stat[N_TCP_IN] = c + 0x20000000
    b = ptr8(buf)
    at = seg[AT]
    n = seg[LEN]
    flags = 0
    head = 0
    if n >= 20:
        head = (b[at + 12] >> 4) << 2
    o = 0
    row = 0 - 1
    # No `return` stands here: in frozen code a jump over 2 kB ends anywhere.
    if head >= 20 and head <= n and int(csum(buf, at, n, seg[PSUM])) == 0xFFFF:  # MUST-3
        flags = b[at + 13]
        seg[DATA] = at + head  # MUST-5
        seg[TEXT] = n - head
        seg[FLAGS] = flags
        seg[WND] = (b[at + 14] << 8) | b[at + 15]  # MUST-1
        seg[PLAIN] = 0
        seg[P_TS] = 0
        seg[P_NSACK] = 0
        used = seg[IFACE] + 1  # MUST-45
        lport = (b[at + 2] << 8) | b[at + 3]
        rport = (b[at] << 8) | b[at + 1]
        n = seg[SRC_AT]
        addr = (b[n] << 8) | b[n + 1]
        low = (b[n + 2] << 8) | b[n + 3]
        size = env[ROW_SPAN]
        row = 0
        while row < env[ROWS]:
            if tab[o + RPORT] == rport and tab[o + LPORT] == lport and tab[o + RADDR + 1] == low:
                if tab[o + RADDR] == addr and tab[o + USED] == used:
                    break
            o += size
            row += 1
        seg[ROW] = row
    if row < 0 or row == env[ROWS]:
        return row
    # SEG.ACK - SND.UNA, as `ahead` has it
    lo = ((b[at + 10] << 8) | b[at + 11]) - tab[o + SND_UNA + 1]
    n = ((b[at + 8] << 8) | b[at + 9]) - tab[o + SND_UNA] + (lo >> 16)
    n = ((n + 0x8000) & 0xFFFF) - 0x8000
    if n > 0x3FFF:
        n = 0x3FFF
    elif n + 0x3FFF < 0:
        n = 0 - 0x3FFF
    acks = (n << 16) | (lo & 0xFFFF)  # seg[ACKS] is not read back: 64 bits would not see its sign
    seg[ACKS] = acks
    # In the window from RCV.NXT on, with the control bits of an ordinary segment. SYN-SENT has no
    # RCV.NXT yet.
    if (
        ((b[at + 4] << 8) | b[at + 5]) != tab[o + RCV_NXT]
        or ((b[at + 6] << 8) | b[at + 7]) != tab[o + RCV_NXT + 1]
        or (flags & (SYN | RST | ACK)) != ACK
        or seg[TEXT] > ((tab[o + ADV] << 16) | tab[o + ADV + 1])
        or tab[o + STATE] < S_SYN_RECEIVED
    ):
        return row
    if tab[o + OPTS] & OPT_TS:
        if head == 32:
            n = (b[at + 20] << 8) | b[at + 21]
            if n == (KIND_NOP << 8 | KIND_NOP) and b[at + 22] == KIND_STAMP and b[at + 23] == 10:
                seg[PLAIN] = 1  # unless the timestamp is an old one
                seg[REL] = 0
                seg[P_TS] = at + 24
        return row
    if head != 20:
        return row
    seg[PLAIN] = 1
    seg[REL] = 0
    n = env[NOW]
    tab[o + HEARD_AT] = n >> 16
    tab[o + HEARD_AT + 1] = n & 0xFFFF
    tab[o + KPROBE] = 0
    lo = tab[o + MAX]
    if (
        tab[o + STATE] == S_ESTABLISHED
        and tab[o + OPTS] == 0
        and (flags & (FIN | URG)) == 0
        and (tab[o + OWES] & (OWES_RST | WAITS)) == 0
        and (tab[o + OURS] & DEAF) == 0
        and 0 <= acks
        and acks <= lo
        # else a duplicate, perhaps
        and (acks != 0 or lo == 0 or (seg[TEXT] != 0 and tab[o + SND_WND] != 0))
    ):
        seg[PLAIN] = 2
    return row
