"""The header of a segment, its window and its checksum (RFC 9293 3.1, 3.8.6.2.2)."""

from ..kern import bump, csum
from ..kern.ptr import kernel, ptr8, ptr16, ptr32
from ..net.datagram import (
    L2,
    O_FLAGS,
    O_HEAD,
    O_REL,
    O_TEXT,
    O_UP,
    O_WND,
    OUR_IP,
    OUT_PROTO,
    OUT_TOS,
    OUT_TTL,
    OWN_MSS,
)
from ..stat import N_TCP_OUT, N_TCP_RST_OUT
from .header import RST, TCP
from .row import (
    ADV,
    BUFF,
    LPORT,
    OWES,
    OWES_ACK,
    RCV_NXT,
    ROOM,
    RPORT,
    RUNS_ACK,
    SHIFTS,
    SND_UNA,
    TIMERS,
    TTL_TOS,
    UNACKED,
)


@kernel
def seal(buf, key: ptr16, k: int, out: ptr32, face: ptr8) -> int:
    """Completes a segment whose numbers, options and text are in place: the ports of the row at
    key[k], what `out` says, and the checksum (MUST-2). Returns the segment's length."""
    b = ptr8(buf)
    h = face[L2] + 14  # where the address stands that it goes to (`head` in net/front.py)
    at = h + 8
    n = out[O_HEAD] + out[O_TEXT]
    b[at] = key[k + LPORT] >> 8
    b[at + 1] = key[k + LPORT] & 0xFF
    b[at + 2] = key[k + RPORT] >> 8
    b[at + 3] = key[k + RPORT] & 0xFF
    b[at + 12] = out[O_HEAD] << 2  # the reserved bits are zero (RFC 9293 3.1)
    b[at + 13] = out[O_FLAGS]
    b[at + 14] = out[O_WND] >> 8
    b[at + 15] = out[O_WND] & 0xFF
    b[at + 16] = 0
    b[at + 17] = 0
    b[at + 18] = out[O_UP] >> 8
    b[at + 19] = out[O_UP] & 0xFF
    # the pseudo-header: 6 + n + 4 halves < 2**19
    c = TCP + n + ((face[OUR_IP] << 8) | face[OUR_IP + 1])
    c += (face[OUR_IP + 2] << 8) | face[OUR_IP + 3]
    c += (b[h] << 8) | b[h + 1]
    c += (b[h + 2] << 8) | b[h + 3]
    c = (c & 0xFFFF) + (c >> 16)
    c = 0xFFFF ^ int(csum(buf, at, n, c))
    b[at + 16] = c >> 8  # MUST-2
    b[at + 17] = c & 0xFF
    out[OUT_PROTO] = TCP
    return n


@kernel
def emit(buf, row, out, face, env: ptr32) -> int:
    """A segment of a synchronized connection, with O_REL, O_FLAGS, O_UP, O_HEAD and O_TEXT of
    `out`: the numbers, the window, the ACK that is paid with it (MUST-58). Returns its length.

    RFC 9293 3.8.6.2.2 (MUST-39): the right edge moves by a segment or by half of the buffer at the
    least, and never left (SHLD-14).
    """
    b = ptr8(buf)
    r = ptr16(row)
    o = ptr32(out)
    f = ptr8(face)
    at = f[L2] + 22
    k = o[O_REL]
    lo = r[SND_UNA + 1] + (k & 0xFFFF)
    hi = r[SND_UNA] + (k >> 16) + (lo >> 16)
    b[at + 4] = (hi >> 8) & 0xFF
    b[at + 5] = hi & 0xFF
    b[at + 6] = (lo >> 8) & 0xFF
    b[at + 7] = lo & 0xFF
    b[at + 8] = r[RCV_NXT] >> 8
    b[at + 9] = r[RCV_NXT] & 0xFF
    b[at + 10] = r[RCV_NXT + 1] >> 8
    b[at + 11] = r[RCV_NXT + 1] & 0xFF
    room = (r[ROOM] << 16) | r[ROOM + 1]
    adv = (r[ADV] << 16) | r[ADV + 1]
    k = ((r[BUFF] << 16) | r[BUFF + 1]) >> 1
    if k > env[OWN_MSS]:
        k = env[OWN_MSS]
    edge = adv
    if room >= adv + k:  # MUST-39
        edge = room
    k = r[SHIFTS] & 0xFF
    lo = edge >> k
    if (lo << k) < adv:
        lo += 1  # rounding must not move the right edge to the left (RFC 7323 2.4)
    if lo > 0xFFFF:
        lo = 0xFFFF
    o[O_WND] = lo
    lo = lo << k
    r[ADV] = lo >> 16
    r[ADV + 1] = lo & 0xFFFF
    r[OWES] = r[OWES] & (0xFFFF ^ OWES_ACK)
    r[TIMERS] = r[TIMERS] & (0xFFFF ^ RUNS_ACK)  # MUST-58
    r[UNACKED] = 0
    k = r[TTL_TOS]
    o[OUT_TTL] = k >> 8
    o[OUT_TOS] = o[OUT_TOS] | (k & 0xFF)
    return int(seal(buf, row, 0, out, face))


@kernel
def opens(r: ptr16, own_mss: int) -> int:
    """1 if the window that could be offered is worth telling the peer (see `emit`), else 0."""
    room = (r[ROOM] << 16) | r[ROOM + 1]
    adv = (r[ADV] << 16) | r[ADV + 1]
    k = ((r[BUFF] << 16) | r[BUFF + 1]) >> 1
    if k > own_mss:
        k = own_mss
    if room > adv and room >= adv + k:
        return 1
    return 0


def bare(tcp, iface, table, k, flags, n=20):
    """A segment that no connection's row stands behind, with n - 20 octets of options: for the key
    at table[k]. Its numbers are in place, its destination too; out[O_WND] is its window. Returns
    its length."""
    out = tcp.out
    out[O_FLAGS] = flags
    out[O_HEAD] = n
    out[O_UP] = out[O_TEXT] = 0
    if flags & RST:
        out[O_WND] = 0
        bump(tcp.stat, N_TCP_RST_OUT)
    bump(tcp.stat, N_TCP_OUT)
    return seal(tcp.buf, table, k, out, iface.face)
