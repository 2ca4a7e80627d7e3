"""Numbers in the octets of a packet, counters, and times: small kernels, written once.

Numbers in a packet are big-endian, at any alignment. Every result is None or a small int
(-2**30 < x < 2**30), and nothing on the way leaves that range: on a 32-bit board a larger int is
an object on the heap. No literal needs more than 8 bits and a shift, or 16 bits: frozen machine
code of ARMv6-M cannot load others.
"""

from .ptr import kernel, ptr8, ptr32


@kernel
def u16(b: ptr8, i: int) -> int:
    """The 16 bits at b[i:i+2]."""
    return (b[i] << 8) | b[i + 1]


@kernel
def put16(b: ptr8, i: int, v: int):
    """Writes the low 16 bits of v."""
    b[i] = (v >> 8) & 0xFF
    b[i + 1] = v & 0xFF


@kernel
def u32(b: ptr8, i: int) -> int:
    """The 32 bits at b[i:i+4], saturated at 2**30 - 1."""
    v = (b[i] << 8) | b[i + 1]
    if v > 0x3FFF:
        v = 0x3FFF
        return (v << 16) | 0xFFFF
    return (v << 16) | (b[i + 2] << 8) | b[i + 3]


@kernel
def put32(b: ptr8, i: int, v: int):
    """Writes v, 0 <= v < 2**30."""
    b[i] = v >> 24
    b[i + 1] = (v >> 16) & 0xFF
    b[i + 2] = (v >> 8) & 0xFF
    b[i + 3] = v & 0xFF


@kernel
def same(a: ptr8, i: int, b: ptr8, j: int, n: int) -> int:
    """1 if the n octets are equal, else 0."""
    n += i
    while i < n:
        if a[i] != b[j]:
            return 0
        i += 1
        j += 1
    return 1


@kernel
def zero(b: ptr8, i: int, n: int):
    """Writes n zeros."""
    n += i
    while i < n:
        b[i] = 0
        i += 1


@kernel
def sdiff(a: ptr8, i: int, b: ptr8, j: int) -> int:
    """a - b on the 32-bit sequence circle (RFC 9293 3.4), signed, saturated to +-(2**30 - 1)."""
    lo = ((a[i + 2] << 8) | a[i + 3]) - ((b[j + 2] << 8) | b[j + 3])
    hi = ((a[i] << 8) | a[i + 1]) - ((b[j] << 8) | b[j + 1]) + (lo >> 16)
    hi = ((hi + 0x8000) & 0xFFFF) - 0x8000
    lo = lo & 0xFFFF
    big = 0x3FFF
    big = (big << 16) | 0xFFFF
    if hi > 0x3FFF:
        return big
    if hi + 0x4000 < 0 or (hi + 0x4000 == 0 and lo == 0):
        return 0 - big
    return (hi << 16) | lo


@kernel
def sadd(b: ptr8, i: int, n: int):
    """Adds n (-2**30 < n < 2**30) to the 32-bit number in place."""
    v = ((b[i + 2] << 8) | b[i + 3]) + (n & 0xFFFF)
    b[i + 2] = (v >> 8) & 0xFF
    b[i + 3] = v & 0xFF
    v = ((b[i] << 8) | b[i + 1]) + (n >> 16) + (v >> 16)
    b[i] = (v >> 8) & 0xFF
    b[i + 1] = v & 0xFF


@kernel
def bump(stat: ptr32, k: int):
    """Counter k plus one, modulo 2**30."""
    c = stat[k] - 0x20000000 + 1
    if c >= 0x20000000:
        stat[k] = 0
    else:
        stat[k] = c + 0x20000000


@kernel
def tdiff(a: int, b: int) -> int:
    """The time a less the time b, both modulo 2**30: signed."""
    a -= b
    if a >= 0x20000000:
        return a - 0x20000000 - 0x20000000
    if a + 0x20000000 < 0:
        return a + 0x20000000 + 0x20000000
    return a


@kernel
def tadd(a: int, n: int) -> int:
    """The time a plus n ms, -2**28 <= n <= 2**28, modulo 2**30."""
    a -= 0x20000000  # so that no sum reaches 2**30
    a += n
    if a >= 0x20000000:
        return a - 0x20000000
    if a + 0x20000000 < 0:
        return a + 0x20000000 + 0x20000000 + 0x20000000
    return a + 0x20000000
