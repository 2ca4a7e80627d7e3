"""Kernels as native code (viper). See __init__.py for what each promises.

Viper checks no bounds, and its `int` is the machine's word: 32 bits on a board, 64 on a PC, so
nothing here relies on a wrap at 2**32. Cortex-M0 faults on a 16-bit load at an odd address and on
a 32-bit load off a multiple of four (ARMv6-M ARM A3.2), where a PC only loads more slowly: each
wide load stands behind a test of the address. Little-endian (__init__.py looks).
"""

import micropython


@micropython.viper
def csum(b: ptr8, i: int, n: int, acc: int) -> int:
    # The sum of little-endian halves is the wanted one with its octets swapped (RFC 1071 2(B)).
    # From an odd address the first octet is taken alone; the halves behind it are then the right
    # way round. So one loop serves both, and never loads at an odd address.
    # s <= n / 2 * 0xFFFF + 2 * 0xFF00, under 2**30 while n < 2**15.
    at = int(b) + i
    odd = at & 1
    s = 0
    if odd != 0 and n != 0:
        s = b[i] << 8
        at += 1
        n -= 1
    w = ptr16(at)
    end = at + (n & -8)
    while at != end:
        s += w[0] + w[1] + w[2] + w[3]
        at += 8
        w = ptr16(at)
    end = at + (n & 6)
    while at != end:
        s += w[0]
        at += 2
        w = ptr16(at)
    if n & 1:
        s += ptr8(at)[0]
    s = (s & 0xFFFF) + (s >> 16)  # <= 0xFFFF + 0x3FFF
    s = (s & 0xFFFF) + (s >> 16)
    if odd == 0:
        s = ((s & 0xFF) << 8) | (s >> 8)
    s += acc
    s = (s & 0xFFFF) + (s >> 16)
    return (s & 0xFFFF) + (s >> 16)


@micropython.viper
def copy(d: ptr8, i: int, s: ptr8, j: int, n: int):
    to = int(d) + i
    at = int(s) + j
    if at < to < at + n:  # they overlap and the target is behind: from the end
        while n:
            n -= 1
            ptr8(to)[n] = ptr8(at)[n]
        return
    if n > 15 and (to ^ at) & 3 == 0:
        while to & 3:
            ptr8(to)[0] = ptr8(at)[0]
            to += 1
            at += 1
            n -= 1
        while n > 15:
            t = ptr32(to)
            f = ptr32(at)
            t[0] = f[0]
            t[1] = f[1]
            t[2] = f[2]
            t[3] = f[3]
            to += 16
            at += 16
            n -= 16
    p = ptr8(to)
    q = ptr8(at)
    k = 0
    while k < n:
        p[k] = q[k]
        k += 1


@micropython.viper
def find(tab: ptr8, size: int, rows: int, b: ptr8, i: int) -> int:
    row = 0
    at = 0
    while row < rows:
        k = 0
        while k < 4 and tab[at + k] == b[i + k]:
            k += 1
        if k == 4:
            return row
        row += 1
        at += size
    return -1


@micropython.viper
def mac(key: ptr8, b: ptr8, i: int, n: int, at: int):
    # HalfSipHash-2-4, 64-bit output (Aumasson and Bernstein; the reference's halfsiphash.c). uint,
    # so that `>>` brings in zeros; `& m` drops the carry of 32 bits where a word has 64.
    m = uint(0xFFFF)
    m = (m << 16) | m  # in one piece, 0xFFFFFFFF would be an object on a board
    v0 = uint(key[0] | (key[1] << 8) | (key[2] << 16)) | (uint(key[3]) << 24)
    v1 = uint(key[4] | (key[5] << 8) | (key[6] << 16)) | (uint(key[7]) << 24)
    v2 = v0 ^ ((uint(0x6C79) << 16) | 0x6765)
    v3 = v1 ^ ((uint(0x7465) << 16) | 0x6462)
    v1 ^= 0xEE
    left = n
    while left > -10:
        # left > -1: a word of the message, the last one with the length on top; -2, -6: outputs.
        w = uint(0)
        rounds = 4
        if left > 3:
            w = uint(b[i] | (b[i + 1] << 8) | (b[i + 2] << 16)) | (uint(b[i + 3]) << 24)
            rounds = 2
            i += 4
            left -= 4
        elif left > -1:
            w = (uint(n) << 24) & m
            rounds = 2
            if left > 0:
                w |= b[i]
            if left > 1:
                w |= b[i + 1] << 8
            if left > 2:
                w |= b[i + 2] << 16
            left = -2
        elif left == -2:
            v2 ^= 0xEE
            left = -6
        else:
            v1 ^= 0xDD
            left = -10
        v3 ^= w
        while rounds:
            v0 = (v0 + v1) & m
            v1 = (((v1 << 5) | (v1 >> 27)) & m) ^ v0
            v0 = ((v0 << 16) | (v0 >> 16)) & m
            v2 = (v2 + v3) & m
            v3 = (((v3 << 8) | (v3 >> 24)) & m) ^ v2
            v0 = (v0 + v3) & m
            v3 = (((v3 << 7) | (v3 >> 25)) & m) ^ v0
            v2 = (v2 + v1) & m
            v1 = (((v1 << 13) | (v1 >> 19)) & m) ^ v2
            v2 = ((v2 << 16) | (v2 >> 16)) & m
            rounds -= 1
        v0 ^= w
        if left < -2:
            w = v1 ^ v3
            b[at] = w
            b[at + 1] = w >> 8
            b[at + 2] = w >> 16
            b[at + 3] = w >> 24
            at += 4
