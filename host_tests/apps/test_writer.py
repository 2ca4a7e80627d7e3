"""A Writer keeps exactly what its window shows."""

import pytest
from uipy.writer import Writer

NUMBERS = [0, 1, 9, 10, 99, 100, 12345, 2**30 - 1, -1, -10, -(2**30) + 1]


def page(out):
    out.put(b"HEAD ")
    for n in NUMBERS:
        out.num(n)
        out.put(b" ")
    out.two(3)
    out.two(45)
    out.put(b"")
    out.part(b"xpartx", 1, 4)
    out.ip(b"\xc0\xa8\x01\x07", 0)
    out.mac(b"?\x02\x00\xab\xcd\xef\x01", 1)


WHOLE = b"HEAD " + b"".join(b"%d " % n for n in NUMBERS) + b"0345part192.168.1.702:00:ab:cd:ef:01"


def window(skip, n, pos=2):
    out, buf = Writer(), bytearray(b"\xee" * (n + 9))
    out.aim(buf, pos, skip, n)
    page(out)
    k = n - out.room
    assert buf[:pos] == b"\xee" * pos and set(buf[pos + k :]) <= {0xEE}, "wrote outside"
    assert out.count == len(WHOLE)
    return bytes(buf[pos : pos + k])


def test_the_whole_text():
    assert window(0, 1000) == WHOLE


@pytest.mark.parametrize("n", [0, 1, 2, 7, 50, 500])
def test_any_window_shows_its_part(n):
    for skip in range(len(WHOLE) + 3):
        assert window(skip, n, pos=skip % 4) == WHOLE[skip : skip + n]
