"""Random octets for the kernels of web/: routes, guards, queries, chunks. Runs on every Python,
and prints what the kernels said, as one number, and of how many.
"""

from array import array

try:
    from uipy.web.auth import differs
    from uipy.web.body import frame, start, took
    from uipy.web.head import (
        decimal,
        find_guard,
        find_route,
        find_value,
        is_word,
        keep_arg,
        keep_field,
        keep_target,
        strays,
        take_apart,
    )
except ImportError:  # the joined form
    from uipy.web.auth import differs
    from uipy.web.routes import (  # type: ignore[no-redef, attr-defined]
        decimal,
        find_guard,
        find_route,
        find_value,
        frame,
        is_word,
        keep_arg,
        keep_field,
        keep_target,
        start,
        strays,
        take_apart,
        took,
    )

TABLE = b"/a/\x01\n/a/\x02/x\n/b\x03\n/a/\x01/\x01\n/\n\0"
MASKS = array("H", [2 | 4, 8, 2, 16, 2])
GUARDED = b"/A\n/b/c\n\n\0"
NAMES = b"if-match\nrange\n\0"
FROM, TO, METHOD, WORD, CUT, STATUS = 16, 17, 7, 15, 14, 5
ROOM, ARG, VAL_N = 4, 16, 15


class Dice:
    """Numbers that are the same on every Python."""

    def __init__(self, seed):
        self.x = seed

    def roll(self, n):
        self.x = (self.x * 75 + 74) % 65537
        return (self.x >> 3) % n

    def some(self, letters, most):
        return bytearray([letters[self.roll(len(letters))] for _ in range(self.roll(most))])


def target(dice):
    """A path and a query, as the head's reader finds them."""
    s = array("H", bytes(2 * 40))
    x = array("H", bytes(2 * 40))
    path = b"/" + dice.some(b"abA/1%2Ff.x", 12)
    line = path + b"?" + dice.some(b"ab=&+%4", 12)
    s[TO] = len(path)
    s[METHOD] = 1 + dice.roll(8)
    s[WORD] = len(path)
    s[CUT] = len(line)
    kept = bytearray(64)
    x[ROOM] = 64
    yield find_route(s, x, line, TABLE, MASKS)
    yield find_guard(s, line, GUARDED)
    keep_target(s, x, line, kept, 2)
    yield keep_arg(x, kept, 0)
    yield strays(kept, x[ARG], x[ARG + 1])
    for _ in range(3):
        name = (b"Range", b"if-MATCH", b"rang", b"ranges")[dice.roll(4)]
        line = bytearray(name + b": " + dice.some(b"abc", 20))
        s[WORD] = len(name)
        s[FROM] = len(name) + 2
        s[TO] = len(line)
        s[CUT] = dice.roll(9) == 0
        keep_field(s, x, line, kept, NAMES)
        yield is_word(line, 0, len(name), b"range\0")
    yield s[STATUS]
    for v in x:
        yield v
    for v in kept:
        yield v


def query(dice):
    """A form, taken apart and searched."""
    x = array("H", bytes(2 * 40))
    buf = dice.some(b"ab=&+%41fF", 30)
    n = take_apart(buf, 0, len(buf))
    yield n
    for name in (b"a", b"b", b"ab", b""):
        x[VAL_N] = len(name)
        yield find_value(x, buf, 0, n, name)
        yield x[VAL_N]
    yield differs(buf, 0, len(buf), b"ab+", 3)
    digits = dice.some(b"0123456789", 12)
    yield decimal(digits, 0, len(digits)) & 0xFFFF


def body(dice):
    """A body, sound or not, in pieces."""
    b = array("i", bytes(4 * 6))
    text = bytearray()
    for _ in range(dice.roll(4)):
        data = dice.some(b"abc\r\n0", 20)
        text += (
            b"%x" % len(data) + (b";e" if dice.roll(3) == 0 else b"") + b"\r\n" + data + b"\r\n"
        )
    text += b"0\r\n" + (b"A: b\r\n" if dice.roll(3) == 0 else b"") + b"\r\n"
    if dice.roll(2):
        text[dice.roll(len(text))] = dice.roll(128)
    start(b, int(dice.roll(8) > 0), dice.roll(30), 60)
    at = 0
    while at < len(text) and b[0] < 10:
        end = min(len(text), at + 1 + dice.roll(9))
        if b[0] == 0:
            n = min(end - at, b[1])
            took(b, n)
            at += n
        else:
            at = frame(b, text, at, end)
        yield at
    yield from b


def main(n):
    dice = Dice(1)
    total = 0
    for _ in range(n):
        for kind in (target, query, body):
            for value in kind(dice):
                total = (total * 31 + value) % 1000003
    print(n, total)


if __name__ == "__main__":
    main(700)
