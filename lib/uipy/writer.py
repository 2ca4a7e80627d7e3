"""Text without the heap: a Writer puts octets and small numbers into a window of a buffer.

A page is a function that writes the whole text each time it is called. The window decides which
part of it is kept: `aim(buf, pos, skip, n)` keeps the octets from `skip` to `skip + n`, and
`count` says afterwards how long the whole text is. So a page of any length is sent, and sent
again, without ever lying in RAM as a whole.
"""

from array import array

from micropython import const

from .kern.ptr import kernel, ptr8, ptr32

# The window, an array('i')
_POS = const(0)  # where in the buffer the next octet goes
_SKIP = const(1)  # octets still to come before the window begins
_ROOM = const(2)  # octets that the window can still take
_COUNT = const(3)  # octets written, kept or not
_VALUES = const(4)  # of rows(): where the number of the next row lies

_HEX = b"0123456789abcdef"


@kernel
def emit(w: ptr32, buf: ptr8, data: ptr8, i: int, n: int):
    """n octets of data[i:]."""
    w[_COUNT] = w[_COUNT] + n
    if n <= w[_SKIP]:
        w[_SKIP] = w[_SKIP] - n
        return
    i += w[_SKIP]
    n -= w[_SKIP]
    w[_SKIP] = 0
    if n > w[_ROOM]:
        n = w[_ROOM]
    at = w[_POS]
    w[_POS] = at + n
    w[_ROOM] = w[_ROOM] - n
    n += i
    while i < n:
        buf[at] = data[i]
        at += 1
        i += 1


@kernel
def emit_number(w: ptr32, buf: ptr8, v: int, ten: int):
    """An int in decimal. `ten`: the power of ten of the first digit, if it has no more of them."""
    at = w[_POS]
    skip = w[_SKIP]
    room = w[_ROOM]
    n = 0
    sign = 0
    if v < 0:
        sign = 1
        v = 0 - v  # `-v` of viper may change v where it lies
    while ten <= v // 10:
        ten *= 10
    while ten > 0:
        c = 45
        if sign:
            sign = 0
        else:
            c = 48 + v // ten
            v = v % ten
            ten = ten // 10
        n += 1
        if skip > 0:
            skip -= 1
        elif room > 0:
            buf[at] = c
            at += 1
            room -= 1
    w[_POS] = at
    w[_SKIP] = skip
    w[_ROOM] = room
    w[_COUNT] = w[_COUNT] + n


@kernel
def emit_rows(w: ptr32, buf: ptr8, row: ptr8, names: ptr8, values: ptr8):
    """A table: Writer.rows says of what."""
    value = w[_VALUES]
    at = w[_POS]
    skip = w[_SKIP]
    room = w[_ROOM]
    begin = 1  # the first row has no separator
    name = 0
    while names[name] != 0:
        end = name
        while names[end] != 10:
            end += 1
        v = (values[value] << 24) | (values[value + 1] << 16)  # under 2**30
        v |= (values[value + 2] << 8) | values[value + 3]
        value += 4
        ten = 1
        digits = 1
        while ten <= v // 10:
            ten *= 10
            digits += 1
        k = begin
        if row[0] == 44 and v == 0:
            k = -1
        while k >= 0 and row[k] != 0:
            begin = 0
            if row[k] == 2:
                k += 1
                w[_COUNT] = w[_COUNT] + digits
                while ten > 0:
                    if skip > 0:
                        skip -= 1
                    elif room > 0:
                        buf[at] = 48 + v // ten
                        at += 1
                        room -= 1
                    v = v % ten
                    ten = ten // 10
            else:
                # The name, or what stands in the row up to its next mark.
                data = row
                i = k
                if row[k] == 1:
                    data = names
                    i = name
                    n = end - name
                    k += 1
                else:
                    while row[k] > 2:
                        k += 1
                    n = k - i
                w[_COUNT] = w[_COUNT] + n
                if n <= skip:
                    skip -= n
                else:
                    i += skip
                    n -= skip
                    skip = 0
                    if n > room:
                        n = room
                    room -= n
                    n += i
                    while i < n:
                        buf[at] = data[i]
                        at += 1
                        i += 1
        name = end + 1
    w[_POS] = at
    w[_SKIP] = skip
    w[_ROOM] = room


class Writer:
    """Writes through a window. Numbers are small ints (|x| < 2**30); nothing here allocates."""

    def __init__(self):
        self.window = array("i", [0, 0, 0, 0, 0])
        self.buf = b""

    def aim(self, buf, pos, skip, n):
        """Keep the octets skip to skip + n of what is written from now on, at buf[pos:]."""
        self.buf = buf
        self.window[_POS] = pos
        self.window[_SKIP] = skip
        self.window[_ROOM] = n
        self.window[_COUNT] = 0

    @property
    def count(self):
        """Octets written, kept or not."""
        return self.window[_COUNT]

    @property
    def room(self):
        """Octets that the window can still take."""
        return self.window[_ROOM]

    def put(self, data):
        """Write bytes."""
        emit(self.window, self.buf, data, 0, len(data))

    def part(self, data, i, n):
        """Write n octets of data[i:]."""
        emit(self.window, self.buf, data, i, n)

    def num(self, v):
        """Write an int in decimal."""
        emit_number(self.window, self.buf, v, 1)

    def two(self, v):
        """Write an int from 0 to 99 with two digits."""
        emit_number(self.window, self.buf, v, 10)

    def ip(self, b, i):
        """Write the IPv4 address at b[i:i+4], dotted."""
        for k in range(4):
            if k:
                emit(self.window, self.buf, b".", 0, 1)
            emit_number(self.window, self.buf, b[i + k], 1)

    def mac(self, b, i):
        """Write the MAC address at b[i:i+6], with colons."""
        for k in range(6):
            if k:
                emit(self.window, self.buf, b":", 0, 1)
            emit(self.window, self.buf, _HEX, b[i + k] >> 4, 1)
            emit(self.window, self.buf, _HEX, b[i + k] & 15, 1)

    def rows(self, row, names, values, at):
        """Write a table. `names` are words, each with LF behind it and a NUL behind the last; each
        has a number below 2**30 in four octets of `values`, from values[at] on. `row` is what is
        written for one of them, with \\1 for its name, \\2 for its number and a NUL behind; its
        first octet stands between the rows, and if that is a comma, those with 0 are left out.
        """
        self.window[_VALUES] = at
        emit_rows(self.window, self.buf, row, names, values)

    def word(self, names, k):
        """Write word k (0 is the first) of such names."""
        i = 0
        while k:
            i = names.find(b"\n", i) + 1
            k -= 1
        emit(self.window, self.buf, names, i, names.find(b"\n", i) - i)

    def pull(self, source):
        """Write what the window shows of a source, and nothing else."""
        w = self.window
        w[_COUNT] = w[_SKIP] + source.fill(w[_SKIP], self.buf, w[_POS], w[_ROOM])
        w[_ROOM] -= w[_COUNT] - w[_SKIP]
