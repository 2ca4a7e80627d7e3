"""The kernels: what is done octet by octet. `make parts` makes machine code of them for a board.

Four that go over many octets are written three times, each in the fastest form of its Python:

    csum(b, i, n, acc)              ones' complement sum of n octets, folded with acc to 16 bits
    copy(d, i, s, j, n)             memmove
    find(tab, size, rows, b, i)     the row that begins with the 4 octets at b[i:], or -1
    mac(key, b, i, n, at)           HalfSipHash-2-4 of b[i:i+n], 8 octets to b[at:]

    viper.py     machine code (viper): boards, and MicroPython on a PC
    plain.py     MicroPython ports without a native emitter
    cpython.py   the host

The others are written once (ptr.py says how): numbers, counters and times in octets.py,
tables of halves in halves.py, the steps of a packet beside their subjects. Offsets are trusted: a
caller checks lengths at the edge; a checksum is of less than 32764 octets. No call takes heap.
"""

# ruff: noqa: F401 (what is imported here is what the others import)
import sys

from .halves import (
    ahead,
    between,
    find_row,
    move,
    nearest,
    pair,
    seq_add,
    seq_in,
    seq_out,
    set_pair,
)
from .octets import bump, put16, put32, sadd, same, sdiff, tadd, tdiff, u16, u32, zero

if sys.implementation.name == "cpython":
    from .cpython import copy, csum, find, mac
else:
    try:
        if sys.byteorder != "little":
            raise ValueError  # the viper kernels load 16 and 32 bits at a time
        from .viper import copy, csum, find, mac
    except (ImportError, SyntaxError, ValueError):
        # No file, or no emitter in this port.
        from .plain import copy, csum, find, mac
