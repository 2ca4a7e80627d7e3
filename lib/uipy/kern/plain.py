"""Kernels in plain Python, for MicroPython ports without a native emitter. See __init__.py.

On a 32-bit board an int outside -2**30 .. 2**30 - 1 is an object on the heap, so 32 bits are held
as two halves; the bound of each sum stands beside it. (-0x3FFFFFFF - 1 is how -2**30 is spelt
without naming 2**30.) Arguments are reused as locals: a frame over 11 words comes from the heap.
"""


def csum(b, i, n, acc):
    # acc <= 0xFFFF + n / 2 * 0xFFFF, under 2**30 while n < 2**15 - 2.
    if n & 1:
        acc += b[i + n - 1] << 8
    for i in range(i, i + n - 1, 2):  # noqa: B020
        acc += (b[i] << 8) | b[i + 1]
    acc = (acc & 0xFFFF) + (acc >> 16)
    return (acc & 0xFFFF) + (acc >> 16)


def copy(d, i, s, j, n):
    if d is s and j < i:  # the target may lie over the end of the source: from the end
        while n:
            n -= 1
            d[i + n] = s[j + n]
        return
    for j in range(j, j + n):  # noqa: B020
        d[i] = s[j]
        i += 1


def find(tab, size, rows, b, i):
    row = 0
    while row < rows:
        k = 0
        while k < 4 and tab[row * size + k] == b[i + k]:
            k += 1
        if k == 4:
            return row
        row += 1
    return -1


# The state of `mac`: v0 low, v0 high, v1 low, ... Used within one call only.
_v = [0] * 8


def _arx(v, a, b, r):
    # v[a] += v[b]; v[b] = rotated left by r, xor v[a]. Sums and shifts stay under 2**30.
    lo = v[a] + v[b]
    v[a + 1] = (v[a + 1] + v[b + 1] + (lo >> 16)) & 0xFFFF
    v[a] = lo & 0xFFFF
    lo = (v[b] << r) & 0xFFFF | v[b + 1] >> (16 - r)
    v[b + 1] = ((v[b + 1] << r) & 0xFFFF | v[b] >> (16 - r)) ^ v[a + 1]
    v[b] = lo ^ v[a]


def _rounds(v, n):
    while n:
        _arx(v, 0, 2, 5)
        v[0], v[1] = v[1], v[0]
        _arx(v, 4, 6, 8)
        _arx(v, 0, 6, 7)
        _arx(v, 4, 2, 13)
        v[4], v[5] = v[5], v[4]
        n -= 1


def _word(v, lo, hi):
    v[6] ^= lo
    v[7] ^= hi
    _rounds(v, 2)
    v[0] ^= lo
    v[1] ^= hi


def _block(v, b, i):
    _word(v, b[i] | b[i + 1] << 8, b[i + 2] | b[i + 3] << 8)


def _tail(v, b, i, n):
    # The last word: what is left of the message (n mod 4 octets), the length on top.
    a = b[i] if n & 3 else 0
    if n & 2:
        a |= b[i + 1] << 8
    i = b[i + 2] if n & 3 == 3 else 0
    _word(v, a, i | (n & 0xFF) << 8)


def _key(v, key):
    v[0] = key[0] | key[1] << 8
    v[1] = key[2] | key[3] << 8
    v[2] = key[4] | key[5] << 8
    v[3] = key[6] | key[7] << 8
    v[4] = v[0] ^ 0x6765
    v[5] = v[1] ^ 0x6C79
    v[6] = v[2] ^ 0x6462
    v[7] = v[3] ^ 0x7465
    v[2] ^= 0xEE


def _out(v, out, i):
    _rounds(v, 4)
    for k in range(2, 4):
        out[i] = (v[k] ^ v[k + 4]) & 0xFF
        out[i + 1] = (v[k] ^ v[k + 4]) >> 8
        i += 2


def mac(key, b, i, n, at):
    # HalfSipHash-2-4, 64-bit output (Aumasson and Bernstein; the reference's halfsiphash.c).
    _key(_v, key)
    key = i + (n & -4)
    while i < key:
        _block(_v, b, i)
        i += 4
    _tail(_v, b, i, n)
    _v[4] ^= 0xEE
    _out(_v, b, at)
    _v[2] ^= 0xDD
    _out(_v, b, at + 4)
