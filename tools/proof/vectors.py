"""What the kernels are asked; runs on every Python.

`run(kern, say)` calls each kernel and says what came of it: (name, arguments..., result...). What
two implementations say must be equal, and equal to oracle.py. As a script: of `uipy.kern`.
"""

from array import array

OFFSETS = range(4)
LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1459, 1460, 1461)
HALVES = (0, 1, 2, 0x3FFF, 0x4000, 0x4001, 0x7FFF, 0x8000, 0x8001, 0xBFFF, 0xC000, 0xFFFE, 0xFFFF)
BIG = (1 << 30) - 1
EDGES = (b"\x00\x00\x00\x00", b"\x3f\xff\xff\xff", b"\x40\x00\x00\x00", b"\xff\xff\xff\xff")
STEPS = (0, 1, 255, 256, 257, 65535, 65536, 1460, 1 << 24, 1 << 28, 1 << 29, BIG - 65536, BIG)


def small(x):
    """The result of a kernel: None or an int that takes no heap on 32 bits."""
    assert x is None or (isinstance(x, int) and -BIG - 1 < x <= BIG), x
    return x


def noise(n, seed=1):
    """n octets that are the same everywhere (no 32-bit product on the way)."""
    out = bytearray(n)
    for k in range(n):
        seed = (seed * 75 + 74) % 65537
        out[k] = seed >> 3 & 0xFF
    return out


def digest(b):
    """One number for octets and their places."""
    h = 1
    for x in b:
        h = (h * 31 + x) % 65521
    return h


def circle():
    """32-bit numbers all round the sequence circle: corners, then even steps, then noise."""
    for hi in HALVES:
        for lo in (0, 1, 0x7FFF, 0xFFFF):
            yield bytes((hi >> 8, hi & 255, lo >> 8, lo & 255))
    for hi in range(0, 65536, 4096 - 7):
        yield bytes((hi >> 8, hi & 255, 3, hi & 255))
    junk = noise(64, 5)
    for k in range(0, 64, 4):
        yield bytes(junk[k : k + 4])


def numbers(kern, say):
    b = noise(16)
    for i in range(9):
        say("u16", i, small(kern.u16(b, i)))
        say("u32", i, small(kern.u32(b, i)))
    for edge in EDGES:
        say("u32", edge, small(kern.u32(edge, 0)))
    for i in OFFSETS:
        for v in (0, 1, 0xFF, 0x100, 0xABCD, 0xFFFF):
            say("put16", i, v, small(kern.put16(b, i, v)), b)
        for v in (0, 0xFF, 0xFFFF, 0x123456, 0x2BCDEF01, BIG):
            say("put32", i, v, small(kern.put32(b, i, v)), b)


def sums(kern, say):
    for kind, b in (("noise", noise(1480)), ("ones", b"\xff" * 1480), ("zeros", bytes(1480))):
        for i in OFFSETS:
            for n in LENGTHS:
                for acc in (0, 1, 0x1234, 0xFFFF):
                    say("csum", kind, i, n, acc, small(kern.csum(b, i, n, acc)))
    view = memoryview(noise(64))
    for k in range(5):
        say("csum of a view", k, small(kern.csum(view[k:], 1, 40, 0)))


def moves(kern, say):
    source = noise(1480, 3)
    for i in OFFSETS:
        for j in OFFSETS:
            for n in LENGTHS:
                d = bytearray(n + 8)
                say("copy", i, j, n, small(kern.copy(d, i, source, j, n)), digest(d))
                d = noise(n + 8, 9)
                say("copy within", i, j, n, small(kern.copy(d, i, d, j, n)), digest(d))
            for far in (16, 17, 18, 20):
                d = noise(96, 9)
                kern.copy(d, i, d, j + far, 60)
                say("copy down", i, j, far, d)
                kern.copy(d, j + far, d, i, 60)
                say("copy up", i, j, far, d)
    for i in OFFSETS:
        for n in LENGTHS:
            d = noise(n + 8, 11)
            say("zero", i, n, small(kern.zero(d, i, n)), digest(d))


def compares(kern, say):
    for n in LENGTHS:
        a = noise(1480, 13)
        for i in OFFSETS:
            for j in OFFSETS:
                b = bytearray(1480)
                b[j : j + n] = a[i : i + n]
                say("same", i, j, n, small(kern.same(a, i, b, j, n)))
                if n:
                    for at in (j, j + n - 1):  # the first octet and the last one count
                        b[at] ^= 0x80
                        say("same not", i, j, n, at, small(kern.same(a, i, b, j, n)))
                        b[at] ^= 0x80
    table = noise(60, 17)
    for size in (4, 5, 6, 10):
        for row in range(6):
            say("find", size, row, small(kern.find(table, size, 6, table, row * size)))
        for i in range(4):
            other = bytearray(8)
            other[i : i + 4] = table[size : size + 4]
            say("find at", size, i, small(kern.find(table, size, 6, other, i)))
            other[i + 3] ^= 1  # the last octet counts
            say("find none", size, i, small(kern.find(table, size, 6, other, i)))
            say("find in 0", size, i, small(kern.find(table, size, 0, table, 0)))


def sequences(kern, say):
    points = list(circle())
    for a in points:
        for b in points:
            say("sdiff", a, b, small(kern.sdiff(a, 0, b, 0)))
    for i in OFFSETS:
        for a in points[::3]:
            for step in STEPS:
                for n in (step, -step):
                    b = bytearray(b"\xa5" * 8)
                    b[i : i + 4] = a
                    say("sadd", a, i, n, small(kern.sadd(b, i, n)), b)
                    other = b"\x5a" + a
                    say("sdiff back", a, i, n, small(kern.sdiff(b, i, other, 1)))
    at = bytearray(4)
    for k in range(300):  # once round and a bit
        kern.sadd(at, 0, (1 << 24) - 1 + k)
        say("round", k, at)


def counts(kern, say):
    for start in (0, 0xFE, 0xFF, 0xFFFF, 0xFFFFFF, BIG - 2, BIG - 1, BIG):
        for k in range(3):
            b = array("i", [17, 18, 19])
            b[k] = start
            say("bump", start, k, small(kern.bump(b, k)), list(b))


def halves(*numbers):
    """Numbers of 32 bits, each as four octets, in a table of halves, one half in front."""
    r = array("H", [0xA5A5])
    for b in numbers:
        r.append(b[0] << 8 | b[1])
        r.append(b[2] << 8 | b[3])
    return r


def tables(kern, say):
    points = list(circle())
    for a in points:
        r = halves(a, a)
        kern.seq_in(r, 3, b"\x5a" + a, 1)
        say("seq_in", a, list(r))
        for b in points:
            say("ahead", a, b, small(kern.ahead(b"\x5a" + a, 1, halves(b), 1)))
            say("between", a, b, small(kern.between(halves(a, b), 3, halves(a), 1)))
    for a in points[::3]:
        for step in STEPS:
            for n in (step, -step):
                r = halves(a, a)
                b = bytearray(b"\xa5" * 7)
                say("seq_add", a, n, small(kern.seq_add(r, 1, n)), list(r))
                say("seq_out", a, n, small(kern.seq_out(b, 2, r, 3, n)), b)
    for v in (0, 1, 0xFFFF, 0x10000, 0x12345, 0x1FFFFFFF, 0x20000000, BIG - 1, BIG):
        r = halves(b"\1\2\3\4", b"\5\6\7\x08")
        say("pair", v, small(kern.set_pair(r, 2, v)), list(r), small(kern.pair(r, 2)))
    for n in range(6):
        r, q = array("H", range(9)), array("H", range(100, 109))
        say("move", n, small(kern.move(r, 1, q, 3, n)), list(r), list(q))


def rows(kern, say):
    whens = (0, 1, 70000, 0x0FFFFFFF, 0x10000000, 0x1FFFFFFF, 0x20000000, 0x30000001, BIG)
    for now in whens:
        for one in whens:
            for other in (0, 70000, 0x10000000, 0x20000000, BIG):
                for used in range(4):
                    t = array("H", [used & 1, 9, one >> 16, one & 0xFFFF])
                    t.extend(array("H", (used >> 1, 9, other >> 16, other & 0xFFFF)))
                    say("nearest", used, one, other, now, small(kern.nearest(t, 4, 2, 2, now)))
    junk = noise(140, 31)
    t = array("H", [junk[k] << 8 | junk[k + 1] for k in range(0, 140, 2)])
    for size in (5, 7):
        for row in range(10):
            key = array("H", [t[row * size + k] for k in range(5)])
            say("find_row", size, row, small(kern.find_row(t, size, 10, key)))
            for k in range(5):
                key[k] ^= 0x100
                say("find_row not", size, row, k, small(kern.find_row(t, size, 10, key)))
                key[k] ^= 0x100
            say("find_row in less", size, row, small(kern.find_row(t, size, row, key)))


def times(kern, say):
    points = [h << 14 | low for h in range(0, 65536, 4093) for low in (0, 1, 16383)]
    points += [BIG, BIG - 1, 0x1FFFFFFF, 0x20000000, 0x20000001]
    for a in points:
        for b in points:
            say("tdiff", a, b, small(kern.tdiff(a, b)))
        for n in (0, 1, 1000, 65536, (1 << 28) - 1, 1 << 28):
            say("tadd", a, n, small(kern.tadd(a, n)), small(kern.tadd(a, -n)))


def macs(kern, say):
    for n in range(64):  # as in the reference's vectors.h
        b = bytearray(range(72))
        say("mac", n, small(kern.mac(bytes(range(8)), b, 0, n, 64)), b[64:])
    text = noise(300, 23)
    for i in OFFSETS:
        for n in (0, 1, 2, 3, 4, 5, 12, 36, 255, 256, 257):
            kern.mac(noise(8, 29 + i), text, i, n, 290)
            say("mac at", i, n, text[290:])
    for at in (8, 9, 13):  # key, text and hash in one
        b = noise(24, 37)
        kern.mac(b, b, 8, 10, at)
        say("mac in place", at, digest(b))


PARTS = (numbers, sums, moves, compares, sequences, counts, tables, rows, times, macs)


def run(kern, say):
    for part in PARTS:
        part(kern, say)


def line(*words):
    """What was said, spelt alike by every Python."""
    return " ".join(
        "".join("%02x" % x for x in w) if isinstance(w, (bytes, bytearray)) else str(w)
        for w in words
    )


if __name__ == "__main__":
    from uipy import kern

    run(kern, lambda *words: print(line(*words)))
