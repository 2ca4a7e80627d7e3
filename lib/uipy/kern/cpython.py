"""Kernels for the host: what CPython does fastest. See __init__.py for what each promises."""

_MASK = 0xFFFFFFFF
_BIG = (1 << 30) - 1
_big = int.from_bytes


def csum(b, i, n, acc):
    # 2**16 = 1 (mod 0xFFFF): the remainder of the whole as one number is the sum of its halves.
    acc += _big(b[i : i + n], "big") << 8 * (n & 1)
    return acc % 0xFFFF or (0xFFFF if acc else 0)


def copy(d, i, s, j, n):
    d[i : i + n] = s[j : j + n]


def find(tab, size, rows, b, i):
    key = bytes(b[i : i + 4])
    for row in range(rows):
        if tab[row * size : row * size + 4] == key:
            return row
    return -1


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


def mac(key, b, i, n, to):
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
    b[to : to + 4] = (v1 ^ v3).to_bytes(4, "little")
    v0, v1, v2, v3 = _rounds(v0, v1 ^ 0xDD, v2, v3, 4)
    b[to + 4 : to + 8] = (v1 ^ v3).to_bytes(4, "little")
