"""The messages of IGMP version 2 that a host sends, as whole frames: no other IP header of ours
has an option (RFC 2236 2)."""

from micropython import const

from ..kern import bump, copy, csum, put16, zero
from ..stat import N_FRAMES_OUT, N_IP_OUT
from .datagram import L2, OUR_IP, OUR_MAC, OUT_IFACE

IGMP = const(2)  # the protocol number
REPORT_1 = const(0x12)
REPORT = const(0x16)
LEAVE = const(0x17)

ALL_ROUTERS = b"\xe0\x00\x00\x02"
# Version 4, 24 octets of header, TOS as routers use it; 32 octets; DF; TTL 1
_HEAD = b"\x46\xc0\x00\x20\x00\x00\x40\x00\x01\x02"
_ALERT = b"\x94\x04\x00\x00"  # the Router Alert option (RFC 2113)


def frame(stack, iface, kind, group, to, off):
    """A message about the group at face[group:], to the address at to[off:]. Returns the frame's
    length."""
    b, face = stack.buf, iface.face
    h = 2 + face[L2]
    at = h + 24
    zero(b, h, 32)
    copy(b, h, _HEAD, 0, 10)
    copy(b, h + 12, face, OUR_IP, 4)
    copy(b, h + 16, to, off, 4)
    copy(b, h + 20, _ALERT, 0, 4)
    put16(b, h + 10, 0xFFFF ^ csum(b, h, 24, 0))
    b[at] = kind
    copy(b, at + 4, face, group, 4)
    put16(b, at + 2, 0xFFFF ^ csum(b, at, 8, 0))
    if h > 2:
        copy(b, 2, b"\x01\x00\x5e", 0, 3)  # RFC 1112 6.4
        copy(b, 5, b, h + 17, 3)
        b[5] &= 0x7F
        copy(b, 8, face, OUR_MAC, 6)
        put16(b, 14, 0x0800)
    bump(stack.stat, N_IP_OUT)
    bump(stack.stat, N_FRAMES_OUT)
    stack.env[OUT_IFACE] = iface.idx
    return h + 30  # 32 octets from h on; the frame begins at 2
