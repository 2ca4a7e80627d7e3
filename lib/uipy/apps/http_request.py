"""An HTTP request, read line by line from whatever pieces arrive (RFC 9112 2 to 5): the kernels.

One line buffer, overwritten by the next line. What matters is taken out of a line when it is
complete; a field line that is longer than the buffer is cut, which hurts only the few fields that
this server looks at. A connection's Http calls `next_line` for each piece; it passes over the
fields that nobody needs, and stops at the others: first the request line, for `request_line` and
`find_page`, then a field for `field`.

What is known of the request lies in a row, an array('H'); `Site` gives its SIZE and LIMIT:

    AT      where in the packet the next octet is          END     where the packet's data ends
    SIZE    octets of the line buffer                      LIMIT   octets that a request may have
    TOTAL   octets of the request so far; set it to 0, and the next octet begins a new one
    STATUS  0 until the request is complete: then 200, or what is wrong with it
    N       octets of the line under way, those that did not fit too
    METHOD  GET, HEAD, or another; 0: the request line is not complete
    PAGE    number of the page, from 1; 0: there is none
    MINOR   of HTTP/1.x                                    HOSTS   1: there was a Host field
    KEEP    1: the client will stay                        BODY    1: content follows, unread
    LENGTH  1: there was a Content-Length, 2: a Transfer-Encoding
    CUT     1: the field did not fit
    WORD    octets of the token that the line begins with: the method or the field's name; 4, 10,
            14 and 17 tell which of _FIELDS it is
    FROM    where in the line buffer the target or value begins; after find_page: the path
    TO      where it ends, or the line
    WANTS   1: next_line stops at every field, with 2 at those that are not for `field`; it stays

`find_page` also leaves where in the line buffer the query is: from WORD on, its "?" first, to CUT.
"""

from micropython import const

from ..kern.ptr import kernel, ptr8, ptr16

AT = const(0)
END = const(1)
SIZE = const(2)
LIMIT = const(3)
TOTAL = const(4)
STATUS = const(5)
_N = const(6)
METHOD = const(7)
PAGE = const(8)
MINOR = const(9)
_HOSTS = const(10)
KEEP = const(11)
BODY = const(12)
_LENGTH = const(13)
CUT = const(14)
WORD = const(15)
FROM = const(16)
TO = const(17)
WORDS = const(18)  # of a request
WANTS = const(18)  # set by web/server.py

HEAD = const(2)
_OTHER = const(10)  # a method that is not in _METHODS

_SP = const(32)
_TAB = const(9)
_CR = const(13)
_LF = const(10)
_COLON = const(58)
_SLASH = const(47)
_DASH = const(45)
_DOT = const(46)
_PERCENT = const(37)
_QUESTION = const(63)

_METHODS = const(b"GET HEAD POST PUT DELETE OPTIONS PATCH TRACE CONNECT \0")
_FIELDS = const(b"hostconnectioncontent-lengthtransfer-encoding")
_HTTP = const(b"HTTP/http://")
_CLOSE_OR_STAY = const(b"closekeep-alive")
_NOT_IN_HOST = const(b"/?#@,\\")
# With letters, digits and "-" the octets of a token (RFC 9110 5.6.2).
_MARKS = const(b"!#$%&'*+.^_`|~")


@kernel
def next_line(row, piece, buf: ptr8) -> int:
    """Read on in the packet. 1: a line that matters stands in piece[0:row[TO]] (2: to others, see
    WANTS); 0: the packet is used up, or row[STATUS] is set.
    """
    s = ptr16(row)
    line = ptr8(piece)
    at = s[AT]
    end = s[END]
    size = s[SIZE]
    if s[TOTAL] == 0:
        for k in range(STATUS, WORDS):
            s[k] = 0
    found = 0
    while at < end and s[STATUS] == 0 and found == 0:
        n = s[_N]
        start = at
        c = 0
        while at < end and c != _LF:
            c = buf[at]
            at += 1
            if n < size:
                line[n] = c
            n += 1
        s[_N] = n
        s[TOTAL] = s[TOTAL] + (at - start)
        if s[METHOD] == 0 and n > size:
            k = 0
            while k < size and line[k] != _SP:
                k += 1
            s[STATUS] = 400
            if k > 0 and k < size:
                s[STATUS] = 414
        elif s[TOTAL] > s[LIMIT]:
            s[STATUS] = 431
        elif c == _LF:
            s[_N] = 0
            found = int(complete(row, piece, n))
    s[AT] = at
    return found


@kernel
def complete(s: ptr16, line: ptr8, n: int) -> int:
    """A whole line of n octets, terminator included if it fitted (RFC 9112 2.2: a lone LF will
    do). 1: it matters. A kernel of its own: no jump in frozen code may span 2 kB.
    """
    stop = n
    if stop > s[SIZE]:
        stop = s[SIZE]
    if line[stop - 1] == _LF:
        stop -= 1
    if stop > 0 and line[stop - 1] == _CR:
        stop -= 1
    if stop == 0:
        if s[METHOD] == 0:
            pass  # RFC 9112 2.2: empty lines before the request line are ignored
        elif s[_HOSTS] == 0 and s[MINOR] > 0:
            s[STATUS] = 400  # RFC 9112 3.2
        elif s[METHOD] == _OTHER:
            s[STATUS] = 501  # RFC 9110 9.1
        elif s[PAGE] == 0:
            s[STATUS] = 404
        elif s[METHOD] > HEAD:
            s[STATUS] = 405
        else:
            s[STATUS] = 200
        return 0
    # It begins with a token: the method up to a blank, or a name up to its colon.
    # RFC 9112 3.1, 5.1, 5.2: so no blank stands first, nor before the colon.
    mark = _COLON
    if s[METHOD] == 0:
        mark = _SP
    marks = ptr8(_MARKS)
    bad = 0
    word = 0
    while word < stop and line[word] != mark:
        c = line[word]
        k = c | 32
        if (k < 97 or k > 122) and (c < 48 or c > 57) and c != _DASH:
            k = 0
            while k < 14 and marks[k] != c:
                k += 1
            if c == 0 or c == _CR:
                bad = 2
            elif k == 14 and bad == 0:
                bad = 1
        word += 1
    k = word
    while k < stop:
        if line[k] < 14 and (line[k] == _CR or line[k] == 0):
            bad = 2  # RFC 9112 2.2, RFC 9110 5.5
        k += 1
    s[WORD] = word
    s[TO] = stop
    if bad < 2 and word == stop and n > stop + 2:
        s[STATUS] = 431  # a name alone that is longer than the buffer
    elif bad > 0 or word == 0 or word == stop:
        s[STATUS] = 400
    elif s[METHOD] == 0:
        return 1
    else:
        # Is the name one of _FIELDS? Their lengths differ.
        names = ptr8(_FIELDS)
        c = 0
        if word == 10:
            c = 4
        elif word == 14:
            c = 14
        elif word == 17:
            c = 28
        elif word != 4:
            word = 0
        k = 0
        while k < word and line[k] | 32 == names[c + k]:
            k += 1
        c = 1
        if k != word or k == 0:
            if s[WANTS] == 0:
                return 0
            c = 2
            k = s[WORD]
        k += 1  # the blanks around the value are no part of it
        while k < stop and (line[k] == _SP or line[k] == _TAB):
            k += 1
        while k < stop and (line[stop - 1] == _SP or line[stop - 1] == _TAB):
            stop -= 1
        s[FROM] = k
        s[TO] = stop
        s[CUT] = 0
        if n > s[SIZE]:
            s[CUT] = 1
        return c
    return 0


@kernel
def request_line(s: ptr16, line: ptr8):
    """The request line (RFC 9112 3): its method and version; its target stays between s[FROM] and
    s[TO].
    """
    s[STATUS] = 400  # until all of it is right
    n = s[WORD]
    at = n + 1
    end = s[TO]
    k = at
    while k < end and line[k] > _SP and line[k] < 127:
        k += 1
    if k == at or k >= end or line[k] != _SP:
        return
    s[FROM] = at
    s[TO] = k
    at = k + 1  # of the version
    words = ptr8(_METHODS)
    s[METHOD] = _OTHER
    method = 1
    c = 0  # where its word begins
    while method < _OTHER:
        k = 0
        while k < n and line[k] == words[c + k]:
            k += 1
        if k == n and words[c + k] == _SP:
            s[METHOD] = method
        while words[c] != _SP:
            c += 1
        c += 1
        method += 1
    http = ptr8(_HTTP)
    k = 0
    while k < 5 and at + k < end and line[at + k] == http[k]:
        k += 1
    if k < 5 or end - at != 8 or line[at + 6] != _DOT:
        return
    major = line[at + 5]
    minor = line[at + 7]
    if major < 48 or major > 57 or minor < 48 or minor > 57:
        return
    s[STATUS] = 0
    if major != 49:
        s[STATUS] = 505  # RFC 9110 15.6.6
    elif minor > 48:
        s[MINOR] = minor - 48
        s[KEEP] = 1  # RFC 9112 9.3


@kernel
def unreserved(b: ptr8, i: int, end: int) -> int:
    """The octet that the two hexadecimal digits at b[i:end] mean, if it is one that needs no "%"
    before it (RFC 3986 2.3); otherwise 0.
    """
    if i + 2 > end:
        return 0
    v = 0
    for k in range(2):
        d = b[i + k]
        c = (d | 32) - 97
        if 0 <= c and c < 6:
            c += 10
        else:
            c = d - 48
            if c < 0 or c > 9:
                return 0
        v = (v << 4) | c
    c = v | 32
    if (c >= 97 and c <= 122) or (v >= 48 and v < 58) or v == _DASH or v == _DOT:
        return v
    if v == 95 or v == 126:  # "_" and "~"
        return v
    return 0


@kernel
def find_page(s: ptr16, target, paths: ptr8):
    """The number in `paths` of the target (RFC 9112 3.2): each path ends in LF, the last one in LF
    and NUL. Before it is looked for, octets that need no "%" lose it (RFC 3986 6.2.2.2).
    """
    line = ptr8(target)
    if s[STATUS] != 0:
        return
    at = s[FROM]
    end = s[TO]
    http = ptr8(_HTTP)
    k = 0
    while k < 7 and line[at + k] | 32 == http[k + 5]:  # in any case, RFC 3986 3.1
        k += 1
    if k == 7:  # absolute-form, RFC 9112 3.2.2
        at += 7
        while at < end and line[at] != _SLASH:
            if line[at] == _QUESTION:
                at = end
            at += 1
    elif line[at] != _SLASH:  # RFC 9112 3.2.3, 3.2.4: the other forms are not for GET and HEAD
        at = end
        if s[METHOD] <= HEAD:
            s[STATUS] = 400
    if at >= end:
        line[0] = _SLASH
        at = 0
        end = 1
    n = 0  # octets of the path
    k = at
    while k < end and line[k] != _QUESTION:
        c = line[k]
        k += 1
        if c == _PERCENT:
            d = int(unreserved(target, k, end))
            if d > 0:
                c = d
                k += 2
        line[at + n] = c
        n += 1
    s[FROM] = at
    s[TO] = at + n
    s[WORD] = k
    s[CUT] = end
    page = 1
    c = 0
    while paths[c] != 0:
        k = 0
        while k < n and line[at + k] == paths[c + k]:
            k += 1
        if k == n and paths[c + k] == _LF:
            s[PAGE] = page
            return
        while paths[c] != _LF:
            c += 1
        c += 1
        page += 1


@kernel
def field(s: ptr16, line: ptr8):
    """The value of one of _FIELDS."""
    at = s[FROM]
    end = s[TO]
    name = s[WORD]
    if name == 4:  # Host, RFC 9112 3.2
        if s[_HOSTS] > 0:
            s[STATUS] = 400
        s[_HOSTS] = 1
        never = ptr8(_NOT_IN_HOST)
        while at < end:
            c = line[at]
            k = 0
            while k < 6 and never[k] != c:
                k += 1
            if c < 33 or c > 126 or k < 6:
                s[STATUS] = 400
            at += 1
    elif name == 10:
        # Connection, RFC 9112 9.3: a list of words. "enclosed" for "close" does no harm.
        words = ptr8(_CLOSE_OR_STAY)
        close = 0
        while at < end:
            k = 0
            while k < 5 and at + k < end and (line[at + k] | 32) == words[k]:
                k += 1
            if k == 5:
                close = 1
                s[KEEP] = 0
            k = 0
            while k < 10 and at + k < end and (line[at + k] | 32) == words[k + 5]:
                k += 1
            if k == 10 and close == 0 and s[MINOR] == 0:
                s[KEEP] = 1
            at += 1
    elif name == 14:
        if s[_LENGTH] > 0 or at >= end:
            # RFC 9112 6.3 (5), two that agree are refused too; 6.1, no Transfer-Encoding beside it
            s[STATUS] = 400
        s[_LENGTH] = 1
        while at < end:
            if line[at] < 48 or line[at] > 57:
                s[STATUS] = 400
            elif line[at] > 48:
                s[BODY] = 1
            at += 1
    else:
        s[BODY] = 1  # Transfer-Encoding
        if s[_LENGTH] == 1:
            s[STATUS] = 400
        s[_LENGTH] = 2
    if s[CUT] > 0 and s[STATUS] == 0:
        s[STATUS] = 431  # a field that matters was cut
