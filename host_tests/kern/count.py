"""Counts the octets of heap that each kernel takes, on 32-bit MicroPython; prints `octets name`.

gc.mem_alloc() grows with each allocation there and never falls while a script runs. The numbers
are those whose naive handling would build a 32-bit int.
"""

import gc
from array import array

from uipy import kern

BIG = 0x3FFFFFFF
HIGH = bytearray(b"\xff\xfe\xfd\xfc\x80\x00\x00\x00\x7f\xff\xff\xff\xc0\x00\x00\x00" * 100)
OTHER = bytearray(b"\x7f\xff\xff\xff\x00\x00\x00\x01\xff\xff\xff\xff\x40\x00\x00\x00" * 100)
ZERO = bytes(4)
FULL = array("i", [BIG])
WORDS = array("H", [0xFFFF, 0xFFFE, 0x3FFF, 0xFFFF, 0x8000, 0, 0xC000, 0, 0x7FFF, 0xFFFF] * 4)
LOW = array("H", [0] * 8)
CALLS = (
    ("u16", lambda: kern.u16(HIGH, 1)),
    ("put16", lambda: kern.put16(OTHER, 1, 0xFFFF)),
    ("u32", lambda: kern.u32(HIGH, 0)),
    ("u32 of 2**30-1", lambda: kern.u32(b"\x3f\xff\xff\xff", 0)),
    ("put32", lambda: kern.put32(OTHER, 1, BIG)),
    ("csum", lambda: kern.csum(HIGH, 1, 1461, 0xFFFF)),
    ("csum even", lambda: kern.csum(HIGH, 0, 1460, 0xFFFF)),
    ("copy", lambda: kern.copy(OTHER, 100, HIGH, 3, 900)),
    ("copy within", lambda: kern.copy(OTHER, 100, OTHER, 3, 900)),
    ("same", lambda: kern.same(HIGH, 0, HIGH, 16, 900)),
    ("find", lambda: kern.find(HIGH, 16, 90, b"\x00\x01\x02\x03", 0)),
    ("zero", lambda: kern.zero(OTHER, 801, 99)),
    ("sdiff near", lambda: kern.sdiff(HIGH, 4, OTHER, 0)),
    ("sdiff far", lambda: kern.sdiff(HIGH, 0, OTHER, 4)),
    ("sdiff most", lambda: kern.sdiff(b"\xc0\x00\x00\x00", 0, ZERO, 0)),
    ("sadd", lambda: kern.sadd(HIGH, 0, BIG)),
    ("sadd back", lambda: kern.sadd(HIGH, 4, -BIG)),
    ("bump", lambda: kern.bump(FULL, 0)),
    ("pair", lambda: kern.pair(WORDS, 2)),
    ("set_pair", lambda: kern.set_pair(LOW, 6, BIG)),
    ("seq_in", lambda: kern.seq_in(LOW, 6, HIGH, 0)),
    ("seq_out", lambda: kern.seq_out(OTHER, 0, WORDS, 0, BIG)),
    ("seq_out back", lambda: kern.seq_out(OTHER, 0, WORDS, 4, -BIG)),
    ("seq_add", lambda: kern.seq_add(WORDS, 10, BIG)),
    ("seq_add back", lambda: kern.seq_add(WORDS, 14, -BIG)),
    ("ahead far", lambda: kern.ahead(HIGH, 8, LOW, 0)),
    ("ahead behind", lambda: kern.ahead(HIGH, 4, LOW, 0)),
    ("ahead most", lambda: kern.ahead(b"\xc0\x00\x00\x00", 0, LOW, 0)),
    ("between far", lambda: kern.between(WORDS, 8, LOW, 0)),
    ("between behind", lambda: kern.between(WORDS, 4, LOW, 0)),
    ("between most", lambda: kern.between(WORDS, 6, LOW, 0)),
    ("move", lambda: kern.move(WORDS, 20, WORDS, 0, 9)),
    ("nearest", lambda: kern.nearest(WORDS, 10, 4, 2, 0)),
    ("nearest past", lambda: kern.nearest(WORDS, 10, 4, 2, 0x20000001)),
    ("nearest behind", lambda: kern.nearest(LOW, 8, 1, 2, BIG)),
    ("find_row", lambda: kern.find_row(WORDS, 5, 8, LOW)),
    ("bump to 0", lambda: kern.bump(FULL, 0)),
    ("tdiff", lambda: kern.tdiff(BIG, 0)),
    ("tdiff back", lambda: kern.tdiff(0, BIG)),
    ("tdiff half", lambda: kern.tdiff(0x20000000, 0)),
    ("tadd", lambda: kern.tadd(BIG, 1 << 28)),
    ("tadd by one", lambda: kern.tadd(BIG, 1)),
    ("tadd back", lambda: kern.tadd(0, -(1 << 28))),
    ("mac", lambda: kern.mac(HIGH, OTHER, 1, 47, 50)),
    ("an int of 2**30", lambda: BIG + len(ZERO)),  # must not be 0
)


def taken(call):
    before = gc.mem_alloc()
    call()
    return gc.mem_alloc() - before


for name, call in CALLS:
    print(taken(call), name)
