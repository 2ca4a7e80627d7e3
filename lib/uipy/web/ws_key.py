"""What a WebSocket's handshake is answered with (RFC 6455 4.2.2): SHA-1 (RFC 3174) in base64.

SHA-1 is written here because a board's hashlib may lack it, and takes heap where it is there. Its
numbers have 32 bits and lie in two halves each, the high one first:

    s, an array('H')    0 the five of the digest   10 a, b, c, d, e   20 the sixteen of a block
"""

from array import array

from micropython import const

from ..kern import copy
from ..kern.ptr import kernel, ptr8, ptr16

_GUID = const(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
_BASE64 = const(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_KEY = const(24)  # octets of a key: 16 in base64
_A = const(10)
_W = const(20)
_WORDS = const(52)


@kernel
def load(s: ptr16, b: ptr8, i: int):
    """The next block, b[i:i+64]; a to e begin with the digest so far."""
    for k in range(32):
        s[_W + k] = (b[i] << 8) | b[i + 1]
        i += 2
    for k in range(10):
        s[_A + k] = s[k]


@kernel
def rounds(s: ptr16, t: int):
    """Sixteen rounds, from round t on."""
    for i in range(16):
        bh = s[12]
        bl = s[13]
        ch = s[14]
        cl = s[15]
        dh = s[16]
        dl = s[17]
        if t < 20:
            fh = (bh & ch) | ((bh ^ 0xFFFF) & dh)
            fl = (bl & cl) | ((bl ^ 0xFFFF) & dl)
            kh = 0x5A82
            kl = 0x7999
        else:
            fh = bh ^ ch ^ dh
            fl = bl ^ cl ^ dl
            kh = 0x6ED9
            kl = 0xEBA1
            if t >= 60:
                kh = 0xCA62
                kl = 0xC1D6
            elif t >= 40:
                fh = (bh & ch) | (bh & dh) | (ch & dh)
                fl = (bl & cl) | (bl & dl) | (cl & dl)
                kh = 0x8F1B
                kl = 0xBCDC
        ah = s[10]
        al = s[11]
        # Five halves and a carry: under 2**19.
        fl += (((al << 5) | (ah >> 11)) & 0xFFFF) + s[19] + kl + s[_W + 1 + 2 * i]
        fh += (((ah << 5) | (al >> 11)) & 0xFFFF) + s[18] + kh + s[_W + 2 * i] + (fl >> 16)
        s[18] = dh
        s[19] = dl
        s[16] = ch
        s[17] = cl
        s[14] = (bh >> 2) | ((bl & 3) << 14)
        s[15] = (bl >> 2) | ((bh & 3) << 14)
        s[12] = ah
        s[13] = al
        s[10] = fh & 0xFFFF
        s[11] = fl & 0xFFFF
        t += 1


@kernel
def expand(s: ptr16):
    """The sixteen words of the next sixteen rounds."""
    for i in range(16):
        j = 20 + 2 * ((i + 13) & 15)
        k = 20 + 2 * ((i + 8) & 15)
        m = 20 + 2 * ((i + 2) & 15)
        n = 20 + 2 * i
        h = s[j] ^ s[k] ^ s[m] ^ s[n]
        v = s[j + 1] ^ s[k + 1] ^ s[m + 1] ^ s[n + 1]
        s[n] = ((h << 1) | (v >> 15)) & 0xFFFF
        s[n + 1] = ((v << 1) | (h >> 15)) & 0xFFFF


@kernel
def add_up(s: ptr16):
    """A block has been read: a to e are added to the digest."""
    k = 0
    while k < 10:
        v = s[k + 1] + s[_A + 1 + k]
        s[k] = (s[k] + s[_A + k] + (v >> 16)) & 0xFFFF
        s[k + 1] = v & 0xFFFF
        k += 2


@kernel
def base64(s: ptr16, b: ptr8, at: int, letters: ptr8):
    """The digest's 20 octets as 28 characters to b[at:]."""
    k = 0
    for i in range(7):
        v = 0
        for j in range(3):
            c = 0
            if k < 20:
                c = (s[k >> 1] >> (8 - 8 * (k & 1))) & 0xFF
            v = (v << 8) | c
            k += 1
        b[at] = letters[v >> 18]
        b[at + 1] = letters[(v >> 12) & 63]
        b[at + 2] = letters[(v >> 6) & 63]
        b[at + 3] = letters[v & 63]
        at += 4
    b[at - 1] = 61  # 20 octets lack one of 21


class Key:
    """Makes Sec-WebSocket-Accept of Sec-WebSocket-Key. One is enough; 300 octets of RAM."""

    def __init__(self):
        self.s = array("H", bytes(2 * _WORDS))
        self.text = bytearray(128)  # two blocks: the key, the GUID, and SHA-1's padding
        self.text[_KEY : _KEY + 36] = _GUID
        self.text[60] = 0x80
        self.text[126] = 480 >> 8
        self.text[127] = 480 & 0xFF

    def digest(self):
        """SHA-1 of the two blocks."""
        s = self.s
        start = (0x6745, 0x2301, 0xEFCD, 0xAB89, 0x98BA, 0xDCFE, 0x1032, 0x5476, 0xC3D2, 0xE1F0)
        for k in range(10):
            s[k] = start[k]
        for i in range(0, 128, 64):
            load(s, self.text, i)
            for t in range(0, 80, 16):
                rounds(s, t)
                expand(s)
            add_up(s)

    def accept(self, key, i, b, at):
        """The 28 characters that answer the key at key[i:i+24], to b[at:]."""
        copy(self.text, 0, key, i, _KEY)
        self.digest()
        base64(self.s, b, at, _BASE64)


@kernel
def is_key(b: ptr8, i: int, n: int) -> int:
    """Whether n octets at b[i:] are 16 in base64, as a key is (RFC 6455 4.2.1 (5))."""
    if n != _KEY or b[i + 22] != 61 or b[i + 23] != 61:
        return 0
    for k in range(22):
        c = b[i + k]
        d = c | 32
        if (d < 97 or d > 122) and (c < 48 or c > 57) and c != 43 and c != 47:
            return 0
    return 1
