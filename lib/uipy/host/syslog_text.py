"""The octets of a log message: what may stand in it, and where it may be cut."""

from ..kern.ptr import kernel, ptr8, ptr32


@kernel
def encoding(b: ptr8, i: int, n: int) -> int:
    """The n octets at b[i:] are 0 ASCII, 1 UTF-8 (RFC 3629) with more than that, 2 neither."""
    n += i
    kind = 0
    while i < n:
        c = b[i]
        i += 1
        if c >= 0x80:
            kind = 1
            low = 0x80
            high = 0xBF
            if c < 0xC2:
                return 2
            elif c < 0xE0:
                k = 1
            elif c < 0xF0:
                k = 2
                if c == 0xE0:
                    low = 0xA0  # shorter is possible
                elif c == 0xED:
                    high = 0x9F  # a surrogate
            elif c < 0xF5:
                k = 3
                if c == 0xF0:
                    low = 0x90
                elif c == 0xF4:
                    high = 0x8F  # beyond 0x10FFFF
            else:
                return 2
            if i + k > n:
                return 2
            while k:
                c = b[i]
                if c < low or c > high:
                    return 2
                low = 0x80
                high = 0xBF
                i += 1
                k -= 1
    return kind


@kernel
def whole(b: ptr8, i: int, n: int) -> int:
    """How many of the n octets at b[i:] are left when no character is cut. b[i + n] is one of the
    text too, the first that is cut off."""
    k = n
    while k > 0 and n - k < 3 and (b[i + k] & 0xC0) == 0x80:
        k -= 1
    if (b[i + k] & 0xC0) == 0x80:  # no UTF-8
        return n
    return k


@kernel
def escape(buf: ptr8, src: ptr8, w: ptr32) -> int:
    """Writes w[1] octets of src[w[0]:] to buf[w[2]:], w[3] at the most; returns how many it wrote,
    and leaves in w[1] how many it did not get to.

    RFC 5424 6.4: what is below 32 becomes \\n, \\r, \\t or \\x1b, and nothing else is changed. A
    character of UTF-8 is written whole or not at all."""
    i = w[0]
    left = w[1]
    at = w[2]
    room = w[3]
    while left > 0:
        c = src[i]
        n = 1
        if c < 32:
            n = 4
            if c == 9 or c == 10 or c == 13:
                n = 2
            if n > room:
                break
            buf[at] = 92
            if n == 2:
                k = 116
                if c == 10:
                    k = 110
                elif c == 13:
                    k = 114
                buf[at + 1] = k
            else:
                buf[at + 1] = 120
                k = c >> 4
                if k > 9:
                    k += 39
                buf[at + 2] = 48 + k
                k = c & 15
                if k > 9:
                    k += 39
                buf[at + 3] = 48 + k
            i += 1
            left -= 1
        else:
            if c >= 0xC0:  # with what follows the first octet of a character
                while n < 4 and n < left and (src[i + n] & 0xC0) == 0x80:
                    n += 1
            if n > room:
                break
            k = 0
            while k < n:
                buf[at + k] = src[i + k]
                k += 1
            i += n
            left -= n
        at += n
        room -= n
    w[1] = left
    return at - w[2]
