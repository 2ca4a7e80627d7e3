"""DHCP messages (RFC 2131 2, RFC 2132): read by kernels, written in order.

    0 op   1 htype   2 hlen   3 hops   4 xid   8 secs   10 flags   12 ciaddr   16 yiaddr
    20 siaddr   24 giaddr   28 chaddr (16)   44 sname (64)   108 file (128)   236 cookie
    240 options: code, length, value; 0 pads, 255 ends

What an answer says is copied into a `lease`, a bytearray of SIZE octets that is also what is kept
over a reboot. Of an option that comes twice the first counts; of what is split over several
(RFC 3396) no option that is read here can be.
"""

from micropython import const

from ..kern import copy, put16, same, u32, zero
from ..kern.ptr import kernel, ptr8, ptr16

_XID = const(4)
_SECS = const(8)
_FLAGS = const(10)
_CIADDR = const(12)
_YIADDR = const(16)
_CHADDR = const(28)
_COOKIE_AT = const(236)
_OPTIONS = const(240)
_LEAST = const(300)  # octets of a message: relays of BOOTP drop shorter ones (RFC 1542 2.1)

DISCOVER = const(1)
OFFER = const(2)
REQUEST = const(3)
DECLINE = const(4)
ACK = const(5)
NAK = const(6)
RELEASE = const(7)

FOREVER = const(0x3FFFFFFF)  # seconds: 34 years and more are for ever, as 0xFFFFFFFF is

# A lease
_VERSION = const(1)  # of this layout, its first octet
ADDRESS = const(1)
SERVER = const(5)
MASK = const(9)
ROUTER = const(13)
DNS = const(17)  # three addresses, and so
NTP = const(29)
SECONDS = const(41)
T1 = const(45)
T2 = const(49)
DOMAIN = const(53)  # its length, and 64 octets for the text
_DOMAIN_MAX = const(64)
ROUTES = const(118)  # how many, and four rows: width, network, router
_ROWS = const(4)
_ROW = const(9)
SIZE = const(155)

# Who we are, `me`: the transaction, our MAC; then as much as a message is to have of options 12
# and 60
XID = const(0)
MAC = const(4)
ME_SIZE = const(10)

_COOKIE = b"\x63\x82\x53\x63"
# The options that are read; `found` has offset and length of each, in this order.
_CODES = b"\x35\x36\x33\x01\x03\x06\x0f\x2a\x3a\x3b\x3d\x79\x34\0"
_MESSAGE = const(0)
_SERVER_ID = const(2)
_LEASE = const(4)
_SUBNET = const(6)
_ROUTERS = const(8)
_DNS = const(10)
_DOMAIN = const(12)
_NTP = const(14)
_T1 = const(16)
_T2 = const(18)
_CLIENT = const(20)
_ROUTES = const(22)
_OVERLOAD = const(24)
FOUND_SIZE = const(26)

# What we ask for: RFC 3442 wants its option before the router's.
_WANTED = b"\x37\x08\x01\x79\x03\x06\x0f\x2a\x3a\x3b"
_VENDOR = b"\x3c\x04uipy"


@kernel
def walk(b: ptr8, at: int, end: int, codes: ptr8, found: ptr16) -> int:
    """Notes where the options at b[at:end] lie. 1; 0: one is longer than what is left."""
    while at < end and b[at] != 255:
        if b[at] == 0:
            at += 1
        else:
            if at + 2 > end or at + 2 + b[at + 1] > end:
                return 0
            k = 0
            while codes[k]:
                if codes[k] == b[at] and found[2 * k + 1] == 0:
                    found[2 * k] = at + 2
                    found[2 * k + 1] = b[at + 1]
                k += 1
            at += 2 + b[at + 1]
    return 1


@kernel
def read(buf, at: int, n: int, me: ptr8, found) -> int:
    """The type of the message of n octets at buf[at:], and in `found` where its options lie. 0: it
    is not for us; -1: malformed."""
    b = ptr8(buf)
    f = ptr16(found)
    if n < 240 or b[at] != 2 or b[at + 1] != 1 or b[at + 2] != 6:
        return 0 - 1
    k = 0
    while k < 6:
        if b[at + 28 + k] != me[4 + k] or (k < 4 and b[at + 4 + k] != me[k]):
            return 0
        k += 1
    if b[at + 236] != 0x63 or b[at + 237] != 0x82 or b[at + 238] != 0x53 or b[at + 239] != 0x63:
        return 0 - 1
    k = 0
    while k < FOUND_SIZE:
        f[k] = 0
        k += 1
    k = int(walk(buf, at + 240, at + n, _CODES, found))
    if k and f[25] == 1:  # option 52: file and sname have options too
        n = b[f[24]]
        if n & 1:
            k = int(walk(buf, at + 108, at + 236, _CODES, found))
        if k and n & 2:
            k = int(walk(buf, at + 44, at + 108, _CODES, found))
    if k == 0 or f[1] != 1 or b[f[0]] == 0:
        return 0 - 1
    return b[f[0]]


def ours(buf, found, me):
    """False if the answer echoes a client identifier that is another's (RFC 6842 3)."""
    n = found[_CLIENT + 1]
    at = found[_CLIENT]
    return not n or (n == 7 and buf[at] == 1 and same(buf, at + 1, me, MAC, 6))


def server_of(buf, found):
    """Where the server's identifier lies; 0: it has none."""
    return found[_SERVER_ID] if found[_SERVER_ID + 1] == 4 else 0


def fill_in(lease, buf, at, found):
    """Copies what the answer at buf[at:] says into `lease`; False if nobody can use that."""
    zero(lease, 0, SIZE)
    lease[0] = _VERSION
    copy(lease, ADDRESS, buf, at + _YIADDR, 4)
    if not server_of(buf, found) or found[_LEASE + 1] != 4:
        return False
    copy(lease, SERVER, buf, server_of(buf, found), 4)
    copy(lease, SECONDS, buf, found[_LEASE], 4)
    _few(lease, MASK, 1, buf, found, _SUBNET)
    _few(lease, ROUTER, 1, buf, found, _ROUTERS)
    _few(lease, DNS, 3, buf, found, _DNS)
    _few(lease, NTP, 3, buf, found, _NTP)
    if found[_T1 + 1] == 4 and found[_T2 + 1] == 4:
        copy(lease, T1, buf, found[_T1], 4)
        copy(lease, T2, buf, found[_T2], 4)
    if found[_ROUTES + 1]:  # RFC 3442: the router's option does not count then
        zero(lease, ROUTER, 4)
        routes(buf, found[_ROUTES], found[_ROUTES] + found[_ROUTES + 1], lease)
    _text(lease, buf, found[_DOMAIN], found[_DOMAIN + 1])
    if not lease[MASK]:
        natural_mask(lease)
    return usable(lease)


def _few(lease, to, most, buf, found, k):
    # The first addresses of a list; one of a wrong length says nothing.
    n = found[k + 1]
    if n & 3 == 0:
        copy(lease, to, buf, found[k], min(n, 4 * most))


def _text(lease, buf, at, n):
    # The domain; what is no name, or too long, is none.
    while n and buf[at + n - 1] == 0:  # some servers end it with a NUL
        n -= 1
    if n > _DOMAIN_MAX:
        return
    for k in range(n):
        c = buf[at + k]
        if not (c in b"-._" or 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122):
            return
    lease[DOMAIN] = n
    copy(lease, DOMAIN + 1, buf, at, n)


@kernel
def routes(b: ptr8, at: int, end: int, lease: ptr8):
    """RFC 3442: width, as many octets of the network as it has, router. The one without a width is
    the default; of the others there is room for four."""
    r = ROUTES + 1
    while at < end:
        width = b[at]
        n = (width + 7) >> 3
        if width > 32 or at + n + 5 > end:
            return
        k = 0
        if width == 0:
            while k < 4:
                lease[ROUTER + k] = b[at + 1 + k]
                k += 1
        elif lease[ROUTES] < _ROWS:
            lease[ROUTES] = lease[ROUTES] + 1
            lease[r] = width
            while k < n:
                lease[r + 1 + k] = b[at + 1 + k]
                k += 1
            if width & 7:  # bits behind the width are zeros
                lease[r + n] = lease[r + n] & (0xFF00 >> (width & 7))
            k = 0
            while k < 4:
                lease[r + 5 + k] = b[at + 1 + n + k]
                k += 1
            r += _ROW
        at += n + 5


def natural_mask(lease):
    """A server that names no mask means that of the address's class."""
    a = lease[ADDRESS]
    lease[MASK] = 255
    lease[MASK + 1] = 0 if a < 128 else 255
    lease[MASK + 2] = 0 if a < 192 else 255
    lease[MASK + 3] = 0


def prefix(lease):
    """The mask's length; 0: it has holes."""
    bits = 0
    over = False
    for k in range(MASK, MASK + 4):
        m = lease[k]
        while m & 0x80:
            if over:
                return 0
            bits += 1
            m = m << 1 & 0xFF
        if m:
            return 0
        over = over or lease[k] != 255
    return bits


def usable(lease):
    """Is it a lease, with an address that a host can have (RFC 1122 3.2.1.3)?"""
    first = lease[ADDRESS]
    bits = prefix(lease)
    if lease[0] != _VERSION or not 0 < first < 224 or first == 127 or not bits:
        return False
    if not u32(lease, SECONDS) or lease[SERVER] == 0:
        return False
    if lease[DOMAIN] > _DOMAIN_MAX or lease[ROUTES] > _ROWS:  # a file that has suffered
        return False
    if bits > 30:
        return True
    zeros = ones = True  # of the host's part
    for k in range(4):
        m = 255 ^ lease[MASK + k]
        zeros = zeros and not lease[ADDRESS + k] & m
        ones = ones and lease[ADDRESS + k] & m == m
    return not zeros and not ones


def write(kind, buf, at, me, secs, ciaddr, wanted, server, name, mtu):
    """A message of ours at buf[at:]; its octets. `ciaddr`, `wanted` and `server` are addresses, or
    None; `name` goes into option 12. RFC 2131 4.3.2 and its Table 5 say which message
    has what."""
    zero(buf, at, _LEAST)
    buf[at] = buf[at + 1] = 1
    buf[at + 2] = 6
    copy(buf, at + _XID, me, XID, 4)
    copy(buf, at + _CHADDR, me, MAC, 6)
    copy(buf, at + _COOKIE_AT, _COOKIE, 0, 4)
    if ciaddr:
        copy(buf, at + _CIADDR, ciaddr, 0, 4)
    k = at + _OPTIONS
    k = _put(buf, k, b"\x35\x01\0")
    buf[k - 1] = kind
    k = _put(buf, k, b"\x3d\x07\x01")
    copy(buf, k, me, MAC, 6)
    k += 6
    if wanted:
        k = _put(buf, k, b"\x32\x04")
        k = _put(buf, k, wanted)
    if server:
        k = _put(buf, k, b"\x36\x04")
        k = _put(buf, k, server)
    if kind == DISCOVER or kind == REQUEST:
        put16(buf, at + _SECS, min(secs, 0xFFFF))
        if not ciaddr:
            buf[at + _FLAGS] = 0x80  # we hear broadcasts only (RFC 2131 4.1)
        k = _put(buf, k, b"\x39\x02\0\0")
        put16(buf, k - 2, mtu)
        k = _put(buf, k, _WANTED)
        k = _put(buf, k, _VENDOR)
        if name:
            k = _put(buf, k, b"\x0c\0")
            buf[k - 1] = len(name)
            k = _put(buf, k, name)
    buf[k] = 255
    return max(k + 1 - at, _LEAST)


def _put(buf, at, data):
    copy(buf, at, data, 0, len(data))
    return at + len(data)
