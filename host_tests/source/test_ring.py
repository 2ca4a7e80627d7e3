"""A ring is a sink and a source; what did not fit was not taken, what is in it is in order."""

import random

from uipy.ring import Ring


def contents(ring):
    buf = bytearray(ring.size)
    return bytes(buf[: ring.fill(0, buf, 0, ring.size)])


def test_it_takes_what_fits_and_says_so():
    ring = Ring(8)
    assert ring.write(b"--abcdef", 2, 6) == 6
    assert ring.room == 2
    assert ring.write(b"ghij", 0, 4) == 2
    assert ring.room == 0
    assert ring.write(b"k", 0, 1) == 0
    assert contents(ring) == b"abcdefgh"


def test_reading_does_not_remove_but_acked_does():
    ring = Ring(8)
    ring.write(b"abc", 0, 3)
    assert contents(ring) == contents(ring) == b"abc"
    ring.acked(2)
    assert contents(ring) == b"c" and ring.room == 7


def test_readinto_removes():
    ring = Ring(8)
    ring.write(b"abc", 0, 3)
    buf = bytearray(4)
    assert ring.readinto(buf, 1, 2) == 2 and buf == b"\0ab\0"
    assert ring.readinto(buf, 0, 4) == 1
    assert ring.readinto(buf, 0, 4) == 0


def test_after_the_end_it_takes_nothing_and_keeps_what_it_has():
    ring = Ring(8)
    ring.write(b"abc", 0, 3)
    ring.end()
    assert ring.ended and ring.write(b"d", 0, 1) == 0
    assert contents(ring) == b"abc"


def test_clear_opens_it_again():
    ring = Ring(8)
    ring.write(b"abc", 0, 3)
    ring.end()
    ring.clear()
    assert not ring.ended and ring.room == 8 and contents(ring) == b""


def test_a_long_life_in_random_steps_keeps_every_octet_in_order():
    rnd = random.Random(5)
    for size in (1, 2, 7, 64):
        ring = Ring(size)
        model = b""
        for turn in range(2000):
            data = bytes(rnd.randrange(256) for _ in range(rnd.randrange(size + 3)))
            took = ring.write(b"!" + data, 1, len(data))
            assert took == min(len(data), size - len(model))
            model += data[:took]
            rel, n = rnd.randrange(size + 1), rnd.randrange(size + 2)
            buf = bytearray(n + 4)
            k = ring.fill(rel, buf, 2, n)
            assert bytes(buf) == b"\0\0" + model[rel : rel + n] + bytes(n + 2 - k)
            k = rnd.randrange(len(model) + 1)
            ring.acked(k)
            model = model[k:]
            assert (ring.left, ring.room) == (len(model), size - len(model))
