"""Kernels for the host: what CPython does fastest. See kern.py for what each promises."""

_MASK = 0xFFFFFFFF
_BIG = (1 << 30) - 1
_big = int.from_bytes


def u16(b, i):
    return b[i] << 8 | b[i + 1]


def put16(b, i, v):
    b[i] = v >> 8 & 0xFF
    b[i + 1] = v & 0xFF


def u32(b, i):
    return min(_big(b[i : i + 4], "big"), _BIG)


def put32(b, i, v):
    b[i : i + 4] = v.to_bytes(4, "big")


def csum(b, i, n, acc):
    # 2**16 = 1 (mod 0xFFFF): the remainder of the whole as one number is the sum of its halves.
    acc += _big(b[i : i + n], "big") << 8 * (n & 1)
    return acc % 0xFFFF or (0xFFFF if acc else 0)


def copy(d, i, s, j, n):
    d[i : i + n] = s[j : j + n]


def same(a, i, b, j, n):
    return int(a[i : i + n] == b[j : j + n])


def find(tab, size, rows, key, n):
    key = bytes(key[:n])
    for row in range(rows):
        if tab[row * size : row * size + n] == key:
            return row
    return -1


def zero(b, i, n):
    b[i : i + n] = bytes(n)


def sdiff(a, i, b, j):
    d = _big(a[i : i + 4], "big") - _big(b[j : j + 4], "big")
    d = (d + 0x80000000 & _MASK) - 0x80000000
    return max(-_BIG, min(d, _BIG))


def sadd(b, i, n):
    b[i : i + 4] = (_big(b[i : i + 4], "big") + n & _MASK).to_bytes(4, "big")


def bump(stat, k):
    put32(stat, 4 * k, _big(stat[4 * k : 4 * k + 4], "big") + 1 & _BIG)


def tdiff(a, b):
    return (a - b + 0x20000000 & _BIG) - 0x20000000


def tadd(a, n):
    return a + n & _BIG


def _left(v, r):
    return (v << r | v >> 32 - r) & _MASK


def _rounds(v0, v1, v2, v3, n):
    for _ in range(n):
        v0 = v0 + v1 & _MASK
        v1 = _left(v1, 5) ^ v0
        v0 = _left(v0, 16)
        v2 = v2 + v3 & _MASK
        v3 = _left(v3, 8) ^ v2
        v0 = v0 + v3 & _MASK
        v3 = _left(v3, 7) ^ v0
        v2 = v2 + v1 & _MASK
        v1 = _left(v1, 13) ^ v2
        v2 = _left(v2, 16)
    return v0, v1, v2, v3


def mac(key, b, i, n, out):
    # HalfSipHash-2-4, 64-bit output (Aumasson and Bernstein; the reference's halfsiphash.c).
    k0 = _big(key[:4], "little")
    k1 = _big(key[4:8], "little")
    text = bytes(b[i : i + n]) + bytes(3 - n % 4) + bytes((n & 0xFF,))
    v0, v1, v2, v3 = k0, k1 ^ 0xEE, k0 ^ 0x6C796765, k1 ^ 0x74656462
    for at in range(0, len(text), 4):
        w = _big(text[at : at + 4], "little")
        v0, v1, v2, v3 = _rounds(v0, v1, v2, v3 ^ w, 2)
        v0 ^= w
    v0, v1, v2, v3 = _rounds(v0, v1, v2 ^ 0xEE, v3, 4)
    out[0:4] = (v1 ^ v3).to_bytes(4, "little")
    v0, v1, v2, v3 = _rounds(v0, v1 ^ 0xDD, v2, v3, 4)
    out[4:8] = (v1 ^ v3).to_bytes(4, "little")
