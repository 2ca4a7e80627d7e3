"""What routes must know of a request's head: kernels on the line buffer of apps/http_request.py.

They keep what they find in a row of their own, an array('H'), and the octets in a buffer `kept` of
the connection: the path, behind it the query, then path parameters, decoded, and the values of the
fields that somebody asked for. Positions are counted from the begin of that buffer.

    PATH_N  octets of the path, at 0                       QUERY_AT, QUERY_N  of the query
    USED    octets of `kept` in use                        ROOM    its size
    ROUTE   the number of the route, from 1; 0: there is none for the path or for the method
    ALLOW   the methods that the path has routes for: 1 << METHOD each
    PAGE    the number of the page, from 1; 0: there is none
    METHOD  as in http_request.py                          MINOR   of HTTP/1.x
    CODING  of the content: NONE, LENGTH, CHUNKED or OTHER
    EXPECT  1: 100-continue, 2: something else             GUARD   number of the guard, 0: none
    OPEN    1: the query is taken apart (`take_apart`)
    AT, N   of the value that was looked for last
    ARG     four path parameters: where each begins and its octets
    FIELD   the fields in their order: where each begins and its octets; where: 0, there was none
"""

from micropython import const

from ..apps.http_request import CUT, FROM, STATUS, TO, WORD
from ..apps.http_request import METHOD as ROW_METHOD
from ..kern.ptr import kernel, ptr8, ptr16

PATH_N = const(0)
QUERY_AT = const(1)
QUERY_N = const(2)
USED = const(3)
ROOM = const(4)
ROUTE = const(5)
ALLOW = const(6)
PAGE_NO = const(7)
METHOD_NO = const(8)
MINOR_NO = const(9)
CODING = const(10)
EXPECT = const(11)
GUARD = const(12)
OPEN = const(13)
VAL_AT = const(14)
VAL_N = const(15)
ARG = const(16)
ARGS = const(4)
FIELD = const(24)  # ARG + 2 * ARGS

NONE = const(0)
LENGTH = const(1)
CHUNKED = const(2)
OTHER = const(3)

# In a pattern, octets that no path has
SEGMENT = const(1)  # of one octet at least, up to "/"
NUMBER = const(2)  # likewise, of digits
REST = const(3)  # everything, "/" too, but no "." or ".." and no empty segment
_LF = const(10)
_SLASH = const(47)
_PERCENT = const(37)
_PLUS = const(43)
_COMMA = const(44)
_BLANK = const(32)
NEXT = const(0xFF)  # between the pairs of a query that is taken apart
IS = const(0xFE)  # between a name and its value; UTF-8 has neither of them


@kernel
def hexed(b: ptr8, i: int, end: int) -> int:
    """The octet that the hexadecimal digits at b[i:i+2] mean; 256: there are none."""
    if i + 2 > end:
        return 256
    v = 0
    for k in range(2):
        d = b[i + k]
        c = (d | 32) - 97
        if 0 <= c and c < 6:
            c += 10
        else:
            c = d - 48
            if c < 0 or c > 9:
                return 256
        v = (v << 4) | c
    return v


@kernel
def find_route(s: ptr16, x: ptr16, line: ptr8, table: ptr8, masks: ptr16) -> int:
    """The number of the first route whose pattern in `table` is that of the path and whose mask
    has the method; 0: none, and x[ALLOW] has the methods of those that the path has. Each pattern
    ends in LF, the last one in LF and NUL.
    """
    at = s[FROM]
    end = s[TO]
    bit = 1 << s[ROW_METHOD]
    allow = 0
    route = 0
    c = 0
    while table[c] != 0:
        k = at
        arg = ARG
        fits = 1
        while table[c] != _LF:
            p = table[c]
            c += 1
            if fits == 0:
                pass
            elif p > REST:
                if k < end and line[k] == p:
                    k += 1
                else:
                    fits = 0
            else:
                begin = k
                if p == REST:
                    k = end
                while k < end and line[k] != _SLASH:
                    if p == NUMBER and (line[k] < 48 or line[k] > 57):
                        fits = 0
                    k += 1
                if k == begin and p != REST:
                    fits = 0
                x[arg] = begin - at
                x[arg + 1] = k - begin
                arg += 2
        c += 1
        if fits == 1 and k == end:
            allow |= masks[route]
            if masks[route] & bit:
                x[ALLOW] = allow
                return route + 1
        route += 1
    x[ALLOW] = allow
    return 0


@kernel
def find_guard(s: ptr16, target, table: ptr8) -> int:
    """The number, from 1, of the longest path in `table` that the path is, or lies under; 0: none.
    Whatever is behind a "%" is meant, and small letters are capital ones: a file system may think
    so too.
    """
    line = ptr8(target)
    end = s[TO]
    found = 0
    most = 0
    number = 1
    c = 0
    while table[c] != 0:
        begin = c
        k = s[FROM]
        fits = 1
        while table[c] != _LF:
            v = 0
            if k < end:
                v = line[k]
                k += 1
                if v == _PERCENT:
                    v = int(hexed(target, k, end))
                    k += 2
            d = table[c]
            if d >= 65 and d <= 90:
                d += 32
            if v >= 65 and v <= 90:
                v += 32
            if v != d:
                fits = 0
            c += 1
        if fits == 1 and k < end and line[k] != _SLASH:
            if line[k] != _PERCENT or int(hexed(target, k + 1, end)) != _SLASH:
                fits = 0
        if fits == 1 and c - begin >= most:
            most = c - begin
            found = number
        c += 1
        number += 1
    return found


@kernel
def keep_target(s: ptr16, x: ptr16, line: ptr8, kept: ptr8, fields: int):
    """The path and the query are kept; none of so many fields is there yet."""
    n = 0
    k = s[FROM]
    while k < s[TO]:
        kept[n] = line[k]
        n += 1
        k += 1
    x[PATH_N] = n
    x[QUERY_AT] = n
    k = s[WORD] + 1
    while k < s[CUT]:
        kept[n] = line[k]
        n += 1
        k += 1
    x[QUERY_N] = n - x[QUERY_AT]
    x[USED] = n
    x[OPEN] = 0
    for k in range(fields):
        x[FIELD + 2 * k] = 0


@kernel
def keep_field(s: ptr16, x: ptr16, line: ptr8, kept: ptr8, names: ptr8):
    """A field whose name is in `names`, in small letters, each with LF behind it and the last one
    with LF and NUL: its value is kept. What comes several times is one list (RFC 9110 5.3).
    """
    n = s[WORD]
    i = FIELD
    c = 0
    found = 0
    while names[c] != 0 and found == 0:
        k = 0
        # "|": in a token it makes no other octet a letter or "-"
        while k < n and (line[k] | 32) == names[c + k]:
            k += 1
        if k == n and names[c + k] == _LF:
            found = 1
        else:
            while names[c] != _LF:
                c += 1
            c += 1
            i += 2
    if found == 0:
        return
    used = x[USED]
    old = 0
    if x[i] > 0:
        old = x[i + 1]
    k = s[FROM]
    n = s[TO] - k
    if s[CUT] > 0 or used + old + 2 + n > x[ROOM]:
        if s[STATUS] == 0:
            s[STATUS] = 431
        return
    c = 0
    if x[i] > 0:
        while c < old:
            kept[used + c] = kept[x[i] + c]
            c += 1
        kept[used + c] = _COMMA
        kept[used + c + 1] = _BLANK
        c += 2
    x[i] = used
    used += c
    while n > 0:
        kept[used] = line[k]
        used += 1
        k += 1
        n -= 1
    x[i + 1] = used - x[i]
    x[USED] = used


@kernel
def is_word(line: ptr8, at: int, end: int, word: ptr8) -> int:
    """1: line[at:end] is this word of small letters, in any case; a NUL ends it."""
    k = 0
    while at < end and word[k] != 0 and (line[at] | 32) == word[k]:
        k += 1
        at += 1
    return int(at == end and word[k] == 0)


@kernel
def decimal(line: ptr8, at: int, end: int) -> int:
    """The number at line[at:end], of digits only; 2**30 - 1 for all that are over 10**9."""
    v = 0
    while at < end:
        if v > 0x6000000:  # 10 times that and 9 are under 2**30
            top = 0x3FFF
            return (top << 16) | 0xFFFF
        v = v * 10 + line[at] - 48
        at += 1
    return v


@kernel
def keep_arg(x: ptr16, kept, k: int) -> int:
    """Path parameter k is kept apart from the path, with one octet for each "%" and two
    hexadecimal digits. 0: there is no room for it.
    """
    b = ptr8(kept)
    at = x[ARG + 2 * k]
    end = at + x[ARG + 2 * k + 1]
    n = x[USED]
    if n + end - at > x[ROOM]:
        return 0
    x[ARG + 2 * k] = n
    while at < end:
        c = b[at]
        at += 1
        if c == _PERCENT:
            v = int(hexed(kept, at, end))
            if v < 256:
                c = v
                at += 2
        b[n] = c
        n += 1
    x[ARG + 2 * k + 1] = n - x[USED]
    x[USED] = n
    return 1


@kernel
def strays(b: ptr8, at: int, n: int) -> int:
    """1: buf[at:at+n] is no path that one would write: it has a segment "." or "..", an empty one
    that is not the last, a backslash or a control character.
    """
    end = at + n
    begin = at
    dots = 1
    while at <= end:
        c = _SLASH
        if at < end:
            c = b[at]
        if c < 32 or c == 92:
            return 1
        if c == _SLASH:
            n = at - begin
            if n == 0 and at < end:
                return 1
            if n > 0 and n < 3 and dots == 1:
                return 1
            begin = at + 1
            dots = 1
        elif c != 46:
            dots = 0
        at += 1
    return 0


@kernel
def take_apart(buf, at: int, n: int) -> int:
    """A query or a form (application/x-www-form-urlencoded) at buf[at:at+n], in place: "&" becomes
    NEXT, the first "=" of each pair IS, "+" a blank, and "%" with two digits what it means. Octets
    NEXT and IS in a value become "?". Returns how many octets it has then.
    """
    b = ptr8(buf)
    end = at + n
    k = at
    n = 0
    name = 1
    while k < end:
        c = b[k]
        k += 1
        if c == 38:
            c = NEXT
            name = 1
        elif c == 61 and name == 1:
            c = IS
            name = 0
        else:
            if c == _PLUS:
                c = _BLANK
            elif c == _PERCENT:
                v = int(hexed(buf, k, end))
                if v < 256:
                    c = v
                    k += 2
            if c >= IS:
                c = 63
        b[at + n] = c
        n += 1
    return n


@kernel
def find_value(x: ptr16, buf: ptr8, at: int, end: int, name: ptr8) -> int:
    """1: what is taken apart at buf[at:end] has this name of x[VAL_N] octets, and its first value
    is at x[VAL_AT] and has x[VAL_N] octets.
    """
    n = x[VAL_N]
    while at < end:
        k = 0
        while k < n and at < end and buf[at] == name[k]:
            k += 1
            at += 1
        hit = 0
        if k == n and (at == end or buf[at] >= IS):
            hit = 1
        while at < end and buf[at] < IS:
            at += 1
        k = at
        if at < end and buf[at] == IS:
            at += 1
            k = at
            while at < end and buf[at] != NEXT:
                at += 1
        if hit:
            x[VAL_AT] = k
            x[VAL_N] = at - k
            return 1
        at += 1
    return 0
