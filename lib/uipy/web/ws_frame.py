"""WebSocket frames from a client (RFC 6455 5), read from whatever pieces arrive: the kernels.

row, an array('i')
AT, END   in the packet: the next octet, and where its data ends
HAVE      octets of the frame's header so far: they lie at store[0:]
NEED      octets that the header has: 2 until its length is known, then 6, 8 or 14
OP, FIN   of the frame at hand                  LEFT    octets of its payload still to come
PHASE     which octet of the mask is next       CONTROL octets of a control frame's payload so
KIND      of the message under way: 1 text, 2 binary, 0 none      far: at store[PAYLOAD:]
TOTAL     octets of the message so far          LIMIT   octets that a message may have
FROM, N   a piece of a message, unmasked: it lies in the packet at FROM
CODE      why the connection has failed         UTF     octets that a character still lacks
LOW, HIGH what the next of them may be          UTF2 .. the same three behind the piece
"""

from micropython import const

from ..kern.ptr import kernel, ptr8, ptr32

AT = const(0)
END = const(1)
HAVE = const(2)
NEED = const(3)
OP = const(4)
FIN = const(5)
LEFT = const(6)
PHASE = const(7)
CONTROL = const(8)
KIND = const(9)
TOTAL = const(10)
LIMIT = const(11)
FROM = const(12)
N = const(13)
CODE = const(14)
UTF = const(15)
_LOW = const(16)
_HIGH = const(17)
UTF2 = const(18)
_LOW2 = const(19)
_HIGH2 = const(20)
WORDS = const(21)

PAYLOAD = const(14)  # in the store
STORE = const(139)  # 14 and the 125 octets of the longest control frame

# What next_frame has found
PIECE = const(1)
CONTROLLED = const(2)
FAILED = const(3)

TEXT = const(1)
BINARY = const(2)
CLOSE = const(8)
PING = const(9)
PONG = const(10)

# RFC 6455 7.4.1
PROTOCOL = const(1002)
NOT_UTF8 = const(1007)
TOO_BIG = const(1009)


@kernel
def next_frame(row, kept, packet) -> int:
    """Read on in the packet. PIECE of a message: `moved` says how much of it was taken;
    CONTROLLED: a control frame is complete; FAILED: row[CODE] says why; 0: the packet is used up.
    """
    r = ptr32(row)
    store = ptr8(kept)
    buf = ptr8(packet)
    at = r[AT]
    end = r[END]
    found = 0
    while found == 0:
        n = r[HAVE]
        if n < r[NEED]:
            if at == end:
                r[AT] = at
                return 0
            store[n] = buf[at]
            at += 1
            n += 1
            r[HAVE] = n
            code = 0
            if n < 3 or n == r[NEED]:
                code = int(header(row, kept, n))
            if code > 0:
                r[CODE] = code
                found = FAILED
        else:
            n = end - at
            if n > r[LEFT]:
                n = r[LEFT]
            phase = r[PHASE]
            mask = r[NEED] - 4
            if r[OP] >= CLOSE:
                to = PAYLOAD + r[CONTROL]
                for k in range(n):
                    store[to + k] = buf[at + k] ^ store[mask + ((phase + k) & 3)]
                at += n
                r[CONTROL] = r[CONTROL] + n
                r[PHASE] = (phase + n) & 3
                r[LEFT] = r[LEFT] - n
                if r[LEFT] == 0:
                    found = CONTROLLED
                    r[HAVE] = 0
                    r[NEED] = 2
            elif n > 0 or r[LEFT] == 0:
                for k in range(n):
                    buf[at + k] = buf[at + k] ^ store[mask + ((phase + k) & 3)]
                r[FROM] = at
                r[N] = n
                found = PIECE
            if found == 0 and at == end:
                r[AT] = at
                return 0
    r[AT] = at
    return found


@kernel
def header(r: ptr32, store: ptr8, n: int) -> int:
    """n octets of a header are there: 0, or the code of what is wrong with them."""
    c = store[n - 1]
    if n == 1:
        op = c & 15
        if c & 0x70:
            return PROTOCOL  # RFC 6455 5.2: no extension was agreed, so RSV1 to RSV3 are 0
        if op > PONG or (op > BINARY and op < CLOSE):
            return PROTOCOL  # RFC 6455 5.2: an unknown opcode
        if op >= CLOSE:
            if c < 0x80:
                return PROTOCOL  # RFC 6455 5.5: a control frame is not fragmented
        elif op == 0:
            if r[KIND] == 0:
                return PROTOCOL  # RFC 6455 5.4: nothing to continue
        elif r[KIND] > 0:
            return PROTOCOL  # RFC 6455 5.4: the message before has not ended
        r[OP] = op
        r[FIN] = c >> 7
        return 0
    if n == 2:
        if c < 0x80:
            return PROTOCOL  # RFC 6455 5.1: a client's frames are masked
        c &= 0x7F
        r[NEED] = 6
        if c > 125:
            if r[OP] >= CLOSE:
                return PROTOCOL  # RFC 6455 5.5
            r[NEED] = 8
            if c == 127:
                r[NEED] = 14
        return 0
    c = store[1] & 0x7F
    if c == 126:
        c = (store[2] << 8) | store[3]
        if c < 126:
            return PROTOCOL  # RFC 6455 5.2: the shortest form is a must
    elif c == 127:
        if store[2] > 127:
            return PROTOCOL  # RFC 6455 5.2
        if (store[2] | store[3] | store[4] | store[5] | (store[6] & 0xC0)) > 0:
            return TOO_BIG
        c = (store[6] << 24) | (store[7] << 16)  # under 2**30
        c |= (store[8] << 8) | store[9]
        if c < 0x10000:
            return PROTOCOL
    if r[OP] >= CLOSE:
        r[CONTROL] = 0
    else:
        if r[OP] > 0:
            r[KIND] = r[OP]
            r[TOTAL] = 0
            r[UTF] = 0
        if c > r[LIMIT] - r[TOTAL]:
            return TOO_BIG
    r[LEFT] = c
    r[PHASE] = 0
    return 0


@kernel
def check(r: ptr32, b: ptr8, i: int, n: int) -> int:
    """How many of the n octets at b[i:] continue the text as UTF-8 (RFC 3629): all, or those in
    front of the first that cannot. What is open behind them goes to UTF2.
    """
    need = r[UTF]
    low = r[_LOW]
    high = r[_HIGH]
    k = 0
    bad = 0
    while k < n and bad == 0:
        c = b[i + k]
        if need > 0:
            if c < low or c > high:
                bad = 1
            need -= 1
            low = 0x80
            high = 0xBF
        elif c > 0x7F:
            low = 0x80
            high = 0xBF
            need = 1
            if c < 0xC2 or c > 0xF4:
                bad = 1
            elif c > 0xDF:
                need = 2
                if c == 0xE0:
                    low = 0xA0  # no longer form than needed
                elif c == 0xED:
                    high = 0x9F  # no surrogates
                elif c > 0xEF:
                    need = 3
                    if c == 0xF0:
                        low = 0x90
                    elif c == 0xF4:
                        high = 0x8F  # nothing above U+10FFFF
        if bad == 0:
            k += 1
    r[UTF2] = need
    r[_LOW2] = low
    r[_HIGH2] = high
    return k


@kernel
def moved(row, kept, packet, k: int):
    """The first k octets of the piece were taken; the others are masked again, and come again."""
    r = ptr32(row)
    store = ptr8(kept)
    buf = ptr8(packet)
    n = r[N]
    at = r[FROM]
    if k < n:
        mask = r[NEED] - 4
        phase = r[PHASE]
        if r[KIND] == TEXT:
            check(row, packet, at, k)
        for i in range(n - k):
            buf[at + k + i] = buf[at + k + i] ^ store[mask + ((phase + k + i) & 3)]
    if r[KIND] == TEXT:
        r[UTF] = r[UTF2]
        r[_LOW] = r[_LOW2]
        r[_HIGH] = r[_HIGH2]
    r[AT] = at + k
    r[TOTAL] = r[TOTAL] + k
    r[PHASE] = (r[PHASE] + k) & 3
    r[LEFT] = r[LEFT] - k
    if r[LEFT] == 0:
        r[HAVE] = 0
        r[NEED] = 2
        if r[FIN] > 0:
            r[KIND] = 0


@kernel
def frame_head(b: ptr8, op: int, fin: int, n: int) -> int:
    """The header of a frame of ours, of n octets (under 2**30), at b[0:]; return its length."""
    b[0] = op | (fin << 7)
    if n < 126:
        b[1] = n
        return 2
    if n < 0x10000:
        b[1] = 126
        b[2] = n >> 8
        b[3] = n & 0xFF
        return 4
    b[1] = 127
    for k in range(4):
        b[2 + k] = 0
    b[6] = n >> 24
    b[7] = (n >> 16) & 0xFF
    b[8] = (n >> 8) & 0xFF
    b[9] = n & 0xFF
    return 10


def may_close(code):
    """Whether a code may stand in a Close frame (RFC 6455 7.4)."""
    return 1000 <= code < 1004 or 1007 <= code < 1015 or 3000 <= code < 5000
