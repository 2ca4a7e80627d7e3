"""A frame is taken apart, and a datagram gets its headers (RFC 894, RFC 791, RFC 1122 3.2.1).

    Ethernet II   2..7 destination   8..13 source   14..15 EtherType   16.. payload, maybe padded
    IPv4          0 version, IHL   1 TOS   2 total length   4 identification   6 flags, offset
                  8 TTL   9 protocol   10 checksum   12 source   16 destination   20 options

What we send routers must not fragment (DF), so its identification says nothing and is 0 (RFC 6864
4.1). Once one says that it cannot pass what is so long, TCP makes shorter segments; datagrams of
UDP and ICMP, which nobody makes shorter, have no DF beyond that length, and a number that nobody
foresees (`divisible`). Fragments that arrive are dropped and counted unless somebody has taken
them (frames.py), options skipped. An address is ours only on the interface that has it (the strong
model of RFC 1122 3.3.4.2).
"""

from micropython import const

from ..kern import bump, mac
from ..kern.ptr import kernel, ptr8, ptr32
from ..stat import (
    N_ETH_IGNORED,
    N_FRAMES_IN,
    N_FRAMES_OUT,
    N_IP_BAD,
    N_IP_IGNORED,
    N_IP_IN,
    N_IP_OUT,
)
from .datagram import (
    AT,
    BCAST,
    CAST,
    CHAIN,
    DST_AT,
    GROUP,
    GROUPS,
    HOP,
    IDX,
    IFACE,
    IP_AT,
    L2,
    LEN,
    OUR_IP,
    OUR_MAC,
    OUT_ID,
    OUT_PROTO,
    OUT_TOS,
    OUT_TTL,
    PROTO,
    PSUM,
    SRC_AT,
    TTL,
)

_LOOSE = const(131)
_STRICT = const(137)
# What `front` says besides the number of a protocol: of a frame that carries no IP datagram,
ARP = const(256)
FRAGMENT = const(257)  # and of one that carries a part of one


@kernel
def passing(b: ptr8, i: int, end: int) -> int:
    """1 if the IP options at b[i:end] have a source route that is not at its end: its pointer is
    not behind its last address (RFC 791 3.1). A kernel of its own: no jump in frozen code may span
    2 kB."""
    while i + 2 < end and b[i]:
        n = b[i + 1]
        if b[i] == 1:
            n = 1
        elif (b[i] == _LOOSE or b[i] == _STRICT) and b[i + 2] <= n:
            return 1
        if n == 0:
            return 0
        i += n
    return 0


@kernel
def group(b: ptr8, i: int, face: ptr8) -> int:
    """1 if the address at b[i:i+4] is 255.255.255.255, the subnet's broadcast, or a multicast
    group that we are in."""
    all_ones = subnet = 1
    n = 0
    while n < 4:
        if b[i + n] != 0xFF:
            all_ones = 0
        if b[i + n] != face[BCAST + n]:
            subnet = 0
        n += 1
    found = all_ones | subnet
    at = GROUP
    while at < face[GROUPS]:
        n = 0
        while n < 4 and b[i + n] == face[at + n]:
            n += 1
        if n == 4:
            found = 1
        at += 4
    return found


@kernel
def front(buf, n: int, face, seg: ptr32, stat) -> int:
    """A frame of n octets lies at buf[2:]. Returns the protocol number of a datagram for us, which
    `seg` describes then; ARP, with its octets in seg[LEN]; or 0: dropped, and counted."""
    b = ptr8(buf)
    f = ptr8(face)
    s = ptr32(stat)
    c = s[N_FRAMES_IN] - 0x20000000 + 1  # bump, in place
    if c >= 0x20000000:
        c = 0 - 0x20000000
    s[N_FRAMES_IN] = c + 0x20000000
    h = 2  # where the IP header lies
    cast = 0
    if f[L2]:
        h = 16
        n -= 14
        cast = b[2] & 1  # the group bit: broadcast and multicast; no source has it
        k = 0
        while k < 6 and b[k + 2] == f[k + OUR_MAC]:
            k += 1
        kind = (b[14] << 8) | b[15]
        if n < 0 or b[8] & 1 or (cast == 0 and k != 6) or (kind != 0x0800 and kind != 0x0806):
            bump(stat, N_ETH_IGNORED)
            return 0
        if kind == 0x0806:
            seg[LEN] = n
            return ARP
    c = s[N_IP_IN] - 0x20000000 + 1
    if c >= 0x20000000:
        c = 0 - 0x20000000
    s[N_IP_IN] = c + 0x20000000
    # RFC 1122 3.2.1.1, 3.2.1.2: version, lengths and checksum; TTL is not looked at (3.2.1.7)
    k = h + ((b[h] & 15) << 2)  # the header's end
    total = (b[h + 2] << 8) | b[h + 3]
    c = 0
    if b[h] >> 4 == 4 and k >= h + 20 and k <= h + total and total <= n:
        n = h + 12  # the addresses, which the pseudo-header has too
        both = ((b[n] << 8) | b[n + 1]) + ((b[n + 2] << 8) | b[n + 3])
        c = both = both + ((b[n + 4] << 8) | b[n + 5]) + ((b[n + 6] << 8) | b[n + 7])
        n = h
        while n < k:  # c <= 30 * 0xFFFF
            c += (b[n] << 8) | b[n + 1]
            n += 2
            if n == h + 12:
                n += 8
        c = (c & 0xFFFF) + (c >> 16)
    if c != 0xFFFF:
        bump(stat, N_IP_BAD)
        return 0
    ours = 1  # the destination is our address, or a broadcast that reaches us
    us = 1  # the source is our address
    n = 0
    while n < 4:
        if b[h + 12 + n] != f[OUR_IP + n]:
            us = 0
        if b[h + 16 + n] != f[OUR_IP + n]:
            ours = 0
        n += 1
    if ours:  # RFC 1122 3.3.6: nothing for one host comes by a link broadcast
        if cast or b[h + 16] == 0:
            ours = 0
    else:  # 255.255.255.255, the subnet's broadcast, or a group that we are in
        cast = 1
        ours = int(group(buf, h + 16, face))
    if k > h + 20 and int(passing(buf, h + 20, k)):
        ours = 0  # RFC 1122 3.2.1.8 (c): what a source route leads on has not arrived
    n = 0
    while n < 4 and b[h + 12 + n] == f[BCAST + n]:
        n += 1
    c = b[h + 12]
    # RFC 1122 3.2.1.3, MUST-63: no source is in 0/8, 127/8, above class C, or a broadcast, or us;
    # but a switch that has no address may ask for our groups, by IGMP (RFC 4541 2.1.1)
    n = n >> 2 | us | (1 - ours)
    if n or c >= 224 or c == 127 or (c == 0 and (cast == 0 or b[h + 9] != 2)):
        bump(stat, N_IP_IGNORED)
        return 0
    n = h + total - k  # octets behind the header, MUST-50
    c = b[h + 9] + n + both
    seg[IFACE] = f[IDX]
    seg[IP_AT] = h
    seg[SRC_AT] = h + 12
    seg[DST_AT] = h + 16
    seg[CAST] = cast
    seg[AT] = k
    seg[LEN] = n
    seg[PSUM] = (c & 0xFFFF) + (c >> 16)
    seg[PROTO] = b[h + 9]
    if ((b[h + 6] & 0x3F) << 8) | b[h + 7]:  # MF, or an offset
        return FRAGMENT
    if b[h + 9] == 0:
        return 255  # IPv6's hop-by-hop options: as unknown as 255, which is reserved
    return b[h + 9]


@kernel
def aim(b: ptr8, face: ptr8, row: ptr8, off: int):
    """What is built next goes to the IPv4 address at row[off:off+4], by the neighbour whose MAC
    `reach` has left in HOP: as if a frame had come from there, for `head` turns it round."""
    h = 2 + face[L2]
    k = 0
    while k < 4:
        b[h + 12 + k] = row[off + k]
        k += 1
    if h == 16:
        k = 0
        while k < 6:
            b[8 + k] = face[HOP + k]
            k += 1


@kernel
def divisible(key, out: ptr32):
    """The datagram being built is longer than a router has said that it passes, and has nobody who
    would make it shorter: routers may fragment it. So its identification is drawn, that no
    fragment of another is taken for one of its own, and that nobody foresees it (RFC 6864 4.3, RFC
    7739 5.1)."""
    mac(key, key, CHAIN, 8, CHAIN)
    k = ptr8(key)
    out[OUT_ID] = 0x10000 | (k[CHAIN] << 8) | k[CHAIN + 1]


@kernel
def head(b: ptr8, n: int, face: ptr8, out: ptr32, stat: ptr32) -> int:
    """The headers before n octets of OUT_PROTO behind the place of an IP header. The frame goes
    back where the one in the buffer came from, or where `aim` says: what stands as its source
    becomes the destination. A reply so needs no neighbour, and teaches the ARP cache nothing.
    Returns the frame's length."""
    h = 2 + face[L2]
    n += 20
    b[h] = 0x45
    b[h + 1] = out[OUT_TOS]
    b[h + 2] = n >> 8
    b[h + 3] = n & 0xFF
    k = out[OUT_ID] & 0xFFFF
    b[h + 4] = k >> 8
    b[h + 5] = k & 0xFF
    b[h + 6] = 0
    if out[OUT_ID] == 0:
        b[h + 6] = 0x40  # DF
    b[h + 7] = 0
    b[h + 8] = out[OUT_TTL]
    b[h + 9] = out[OUT_PROTO]
    # The sum of these halves, and of the addresses': <= 10 * 0xFFFF
    c = 0x4500 + out[OUT_TOS] + n + k + (b[h + 6] << 8) + (out[OUT_TTL] << 8) + out[OUT_PROTO]
    out[OUT_TTL] = TTL
    out[OUT_TOS] = out[OUT_ID] = 0
    k = h + 12
    while k < h + 16:
        c += (b[k] << 8) | b[k + 1]
        b[k + 4] = b[k]
        b[k + 5] = b[k + 1]
        k += 2
    k = h + 12
    b[k] = face[OUR_IP]
    b[k + 1] = face[OUR_IP + 1]
    b[k + 2] = face[OUR_IP + 2]
    b[k + 3] = face[OUR_IP + 3]
    c += ((b[k] << 8) | b[k + 1]) + ((b[k + 2] << 8) | b[k + 3])
    c = (c & 0xFFFF) + (c >> 16)
    c = 0xFFFF ^ ((c & 0xFFFF) + (c >> 16))
    b[h + 10] = c >> 8
    b[h + 11] = c & 0xFF
    c = stat[N_IP_OUT] - 0x20000000 + 1  # bump, in place
    if c >= 0x20000000:
        c = 0 - 0x20000000
    stat[N_IP_OUT] = c + 0x20000000
    c = stat[N_FRAMES_OUT] - 0x20000000 + 1
    if c >= 0x20000000:
        c = 0 - 0x20000000
    stat[N_FRAMES_OUT] = c + 0x20000000
    if h == 16:
        n += 14
        k = 0
        while k < 6:
            b[2 + k] = b[8 + k]
            b[8 + k] = face[OUR_MAC + k]
            k += 1
        b[14] = 0x08
        b[15] = 0
    return n
