"""The body of a request: how much of it is to come, and the chunked transfer coding (RFC 9112 6,
7).

`start` makes a row, an array('i'), ready. Then, as long as row[STEP] is DATA, the next row[LEFT]
octets are the body's, and who has taken some calls `took`; in any other step `frame` reads on in
what lies between the data. Nothing is kept but the row, so the octets may come in pieces of any
length.

Each chunk's line ends in CR LF, and a CR or LF elsewhere is an error: who is lenient here and who
is not would see different requests (RFC 9112 11.2). Extensions are passed over (7.1.1), and so are
trailer fields (7.1.2), both within bounds.
"""

from micropython import const

from ..kern.ptr import kernel, ptr8, ptr32

STEP = const(0)
LEFT = const(1)  # octets of the body, or of the chunk, still to come
COUNT = const(2)  # octets of the body that have come
LIMIT = const(3)  # as many may come
FRAMED = const(4)  # octets of the line, or of the trailer section, under way
SIZES = const(5)  # 1: chunked
WORDS = const(6)

# Steps. Up to DONE more octets are wanted.
DATA = const(0)
SIZE = const(1)  # the digits of a chunk's size
EXT = const(2)  # what may follow them
SIZE_LF = const(3)  # the end of that line
DATA_CR = const(4)  # behind the data
DATA_LF = const(5)
TRAILER = const(6)  # where a line of the trailer section begins
FIELD = const(7)  # in it
FIELD_LF = const(8)  # its end
LAST_LF = const(9)  # the end of all
DONE = const(10)
BAD = const(11)  # not chunked as it should be: 400
LONG = const(12)  # more than LIMIT: 413

_CR = const(13)
_LF = const(10)
_DIGITS = const(7)  # of a size: under 2**28; zeros in front count
_LINE = const(256)  # octets of a chunk's line
_TRAILERS = const(1024)  # octets of the trailer section


@kernel
def start(b: ptr32, chunked: int, n: int, limit: int):
    """A body of n octets, or chunked; `limit` of them are taken."""
    b[LEFT] = n
    b[COUNT] = 0
    b[LIMIT] = limit
    b[FRAMED] = 0
    b[SIZES] = chunked
    b[STEP] = DATA
    if chunked:
        b[LEFT] = 0
        b[STEP] = SIZE
    elif n == 0:
        b[STEP] = DONE
    elif n > limit:
        b[STEP] = LONG


@kernel
def took(b: ptr32, n: int):
    """n octets of the body were taken."""
    b[COUNT] = b[COUNT] + n  # LIMIT at the most
    n = b[LEFT] - n
    b[LEFT] = n
    if n == 0:
        b[STEP] = DONE
        if b[SIZES]:
            b[STEP] = DATA_CR


@kernel
def frame(b: ptr32, buf: ptr8, at: int, end: int) -> int:
    """Read what is no data in buf[at:end]; returns where data begins, the body ends, or the octets
    do.
    """
    step = b[STEP]
    left = b[LEFT]
    n = b[FRAMED]
    while at < end and step > DATA and step < DONE:
        c = buf[at]
        at += 1
        n += 1
        if step == SIZE:
            v = (c | 32) - 87
            if v < 10 or v > 15:
                v = c - 48
                if v < 0 or v > 9:
                    v = 16
            if v < 16:
                if n > _DIGITS:
                    step = BAD
                    if left > 0:
                        step = LONG
                else:
                    left = (left << 4) | v
            elif n == 1:
                step = BAD
            elif c == _CR:
                step = SIZE_LF
            elif c == 59 or c == 32 or c == 9:  # ";", and blanks before it
                step = EXT
            else:
                step = BAD
        elif step == EXT:
            if c == _CR:
                step = SIZE_LF
            elif c == _LF or c == 0 or n > _LINE:
                step = BAD
        elif step == SIZE_LF:
            n = 0
            if c != _LF:
                step = BAD
            elif left == 0:
                step = TRAILER
            elif left > b[LIMIT] - b[COUNT]:
                step = LONG
            else:
                step = DATA
        elif step == DATA_CR:
            step = DATA_LF
            if c != _CR:
                step = BAD
        elif step == DATA_LF:
            n = 0
            step = SIZE
            if c != _LF:
                step = BAD
        elif step == TRAILER:
            step = FIELD
            if c == _CR:
                step = LAST_LF
            elif c == _LF or c == 0:
                step = BAD
        elif step == FIELD:
            if c == _CR:
                step = FIELD_LF
            elif c == _LF or c == 0 or n > _TRAILERS:
                step = BAD
        elif step == FIELD_LF:
            step = TRAILER
            if c != _LF or n > _TRAILERS:
                step = BAD
        else:
            step = DONE
            if c != _LF:
                step = BAD
    b[STEP] = step
    b[LEFT] = left
    b[FRAMED] = n
    return at
