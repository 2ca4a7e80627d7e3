"""Numbers of 32 bits in a table of halves: array('H'), the high half first.

A sequence number takes two elements, and so does a time or a count beyond 16 bits: no int over
2**30 is ever built of them.
"""

from .ptr import kernel, ptr8, ptr16


@kernel
def pair(r: ptr16, k: int) -> int:
    """The number in r[k] and r[k+1], which is under 2**30."""
    return (r[k] << 16) | r[k + 1]


@kernel
def set_pair(r: ptr16, k: int, v: int):
    """Keeps v, 0 <= v < 2**30, in r[k] and r[k+1]."""
    r[k] = v >> 16
    r[k + 1] = v & 0xFFFF


@kernel
def seq_in(r: ptr16, k: int, b: ptr8, i: int):
    """The 32-bit number at b[i:i+4] goes to r[k]."""
    r[k] = (b[i] << 8) | b[i + 1]
    r[k + 1] = (b[i + 2] << 8) | b[i + 3]


@kernel
def seq_out(b: ptr8, i: int, r: ptr16, k: int, n: int):
    """The number at r[k] plus n (-2**30 < n < 2**30) goes to b[i:i+4]."""
    lo = r[k + 1] + (n & 0xFFFF)
    hi = r[k] + (n >> 16) + (lo >> 16)
    b[i] = (hi >> 8) & 0xFF
    b[i + 1] = hi & 0xFF
    b[i + 2] = (lo >> 8) & 0xFF
    b[i + 3] = lo & 0xFF


@kernel
def seq_add(r: ptr16, k: int, n: int):
    """Adds n (-2**30 < n < 2**30) to the number at r[k], modulo 2**32."""
    lo = r[k + 1] + (n & 0xFFFF)
    r[k] = (r[k] + (n >> 16) + (lo >> 16)) & 0xFFFF
    r[k + 1] = lo & 0xFFFF


@kernel
def ahead(b: ptr8, i: int, r: ptr16, k: int) -> int:
    """The number at b[i:i+4] less the one at r[k], on the sequence circle (RFC 9293 3.4): signed,
    saturated to +-(2**30 - 1)."""
    lo = ((b[i + 2] << 8) | b[i + 3]) - r[k + 1]
    hi = ((b[i] << 8) | b[i + 1]) - r[k] + (lo >> 16)
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
def between(r: ptr16, k: int, q: ptr16, j: int) -> int:
    """The number at r[k] less the one at q[j], as `ahead`."""
    lo = r[k + 1] - q[j + 1]
    hi = r[k] - q[j] + (lo >> 16)
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
def move(r: ptr16, k: int, q: ptr16, j: int, n: int):
    """n halves from q[j] to r[k]; the two do not overlap."""
    n += k
    while k < n:
        r[k] = q[j]
        k += 1
        j += 1


@kernel
def nearest(tab: ptr16, size: int, rows: int, at: int, now: int) -> int:
    """The ms until the nearest of the times that the used rows have at `at`, less than 0 when it
    is past; 2**28 when no row is used."""
    least = 0x10000000
    at_end = size * rows
    o = 0
    while o < at_end:
        if tab[o]:
            d = ((tab[o + at] << 16) | tab[o + at + 1]) - now
            if d >= 0x20000000:
                d = d - 0x20000000 - 0x20000000
            elif d + 0x20000000 < 0:
                d = d + 0x20000000 + 0x20000000
            if d < least:
                least = d
        o += size
    return least


@kernel
def find_row(tab: ptr16, size: int, rows: int, key: ptr16) -> int:
    """The first of `rows` rows, `size` halves each, that begins with the five halves of `key`; -1
    if none does."""
    at = 0
    row = 0
    while row < rows:
        if tab[at + 1] == key[1] and tab[at + 2] == key[2] and tab[at + 4] == key[4]:
            if tab[at] == key[0] and tab[at + 3] == key[3]:
                return row
        at += size
        row += 1
    return 0 - 1
