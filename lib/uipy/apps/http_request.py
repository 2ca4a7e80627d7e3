"""An HTTP request, read line by line from whatever pieces arrive (RFC 9112 2 to 5).

One line buffer, overwritten by the next line. What matters is taken out of a line when it is
complete; a field line that is longer than the buffer is cut, which hurts only the few fields that
this server looks at.
"""

from micropython import const

from ..kern import copy, same

GET = 1
HEAD = 2

_SP = const(32)
_TAB = const(9)
_CR = const(13)
_LF = const(10)

_METHODS = (
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"TRACE ",
    b"CONNECT ",
)
_OTHER = const(99)
_DELIMITERS = b'"(),/:;<=>?@[\\]{}'  # RFC 9110 5.6.2: not in a token


def is_token(line, i, end):
    """True when line[i:end] is a token (RFC 9110 5.6.2): visible ASCII without delimiters, and not
    empty.
    """
    if i >= end:
        return False
    for k in range(i, end):
        if not 33 <= line[k] < 127 or line[k] in _DELIMITERS:
            return False
    return True


def is_visible(line, i, end):
    """True when line[i:end] has neither blanks nor control characters."""
    for k in range(i, end):
        if not 33 <= line[k] < 127:
            return False
    return True


def lower(line, i, end):
    """ASCII lower case, in place."""
    for k in range(i, end):
        if 65 <= line[k] <= 90:
            line[k] += 32


class Request:
    """`status` is 0 until the request is complete: then 200, or what is wrong with it."""

    def __init__(self, site):
        self.site = site
        self.line = bytearray(site.line)
        self.reset()

    def reset(self):
        """Wait for the next request."""
        self.status = 0
        self.n = 0  # octets of the line under way, those that did not fit too
        self.total = 0  # octets of the request
        self.method = 0  # GET, HEAD, or another; 0 = the request line is not complete
        self.page = None
        self.minor = 1  # of HTTP/1.x
        self.hosts = 0
        self.keep = True  # the client will stay
        self.body = False  # content follows; we never read it
        self.length = False  # there was a Content-Length

    def feed(self, buf, at, end):
        """Read at most one line of buf[at:end]; return where the rest begins."""
        lf = buf.find(b"\n", at, end)
        if lf >= 0:
            end = lf + 1
        self._store(buf, at, end - at)
        if lf >= 0 and self.status == 0:
            self._complete(min(self.n, len(self.line)))
            self.n = 0
        return end

    def _store(self, buf, at, n):
        room = len(self.line) - self.n
        if room > 0:
            copy(self.line, self.n, buf, at, min(n, room))
        self.n += n
        self.total += n
        if self.method == 0 and n > room:
            self.status = 414 if self.line.find(b" ") > 0 else 400
        elif self.total > self.site.fields:
            self.status = 431

    def _complete(self, end):
        # A line of `end` octets, terminator included if it fitted (RFC 9112 2.2: a lone LF will
        # do).
        line = self.line
        if line[end - 1] == _LF:
            end -= 1
        if end and line[end - 1] == _CR:
            end -= 1
        if line.find(b"\r", 0, end) >= 0 or line.find(b"\0", 0, end) >= 0:
            self.status = 400  # RFC 9112 2.2, RFC 9110 5.5
        elif self.method == 0:
            if end:  # RFC 9112 2.2: empty lines before the request line are ignored
                self._request_line(end)
        elif end:
            self._field(end)
        else:
            self._end()

    # The request line (RFC 9112 3)

    def _request_line(self, end):
        line = self.line
        sp = line.find(b" ", 0, end)
        at = sp + 1
        stop = line.find(b" ", at, end)
        if not is_token(line, 0, sp) or stop <= at or not is_visible(line, at, stop):
            self.status = 400
            return
        self._method()
        self._version(stop + 1, end)
        if self.status == 0:
            self._target(at, stop)

    def _method(self):
        self.method = _OTHER
        for i in range(len(_METHODS)):
            if same(self.line, 0, _METHODS[i], 0, len(_METHODS[i])):
                self.method = i + 1

    def _version(self, i, end):
        line = self.line
        if end - i != 8 or not same(line, i, b"HTTP/", 0, 5) or line[i + 6] != 46:
            self.status = 400
        elif not (48 <= line[i + 5] <= 57 and 48 <= line[i + 7] <= 57):
            self.status = 400
        elif line[i + 5] != 49:
            self.status = 505  # RFC 9110 15.6.6
        else:
            self.minor = line[i + 7] - 48
            self.keep = self.minor > 0  # RFC 9112 9.3

    def _target(self, at, end):
        line = self.line
        if same(line, at, b"http://", 0, 7):  # absolute-form, RFC 9112 3.2.2
            at = line.find(b"/", at + 7, end)
        elif line[at] != 47:  # RFC 9112 3.2.3, 3.2.4: the other forms are not for GET and HEAD
            at = -1
            if self.method <= HEAD:
                self.status = 400
        if at < 0:
            self.page = self.site.find(b"/", 0, 1)
            return
        query = line.find(b"?", at, end)
        if query >= 0:
            end = query
        self.page = self.site.find(line, at, end - at)

    # Field lines (RFC 9112 5)

    def _field(self, end):
        line = self.line
        colon = line.find(b":", 0, end)
        if colon < 0 and self.n > end + 2:
            self.status = 431  # a name alone that is longer than the buffer
        elif not is_token(line, 0, colon):
            self.status = 400  # no name, a blank before the colon, obs-fold: RFC 9112 5.1, 5.2
        else:
            lower(line, 0, colon)
            self._known(colon, end)

    def _known(self, colon, end):
        line = self.line
        at = colon + 1
        while at < end and (line[at] == _SP or line[at] == _TAB):
            at += 1
        while at < end and (line[end - 1] == _SP or line[end - 1] == _TAB):
            end -= 1
        if colon == 4 and same(line, 0, b"host", 0, 4):
            self._host(at, end)
        elif colon == 10 and same(line, 0, b"connection", 0, 10):
            self._connection(at, end)
        elif colon == 14 and same(line, 0, b"content-length", 0, 14):
            self._content_length(at, end)
        elif colon == 17 and same(line, 0, b"transfer-encoding", 0, 17):
            self.body = True
        else:
            return
        if self.n > len(line) and self.status == 0:
            self.status = 431  # a field that matters was cut

    def _host(self, at, end):
        self.hosts += 1
        if self.hosts > 1 or not is_visible(self.line, at, end):
            self.status = 400  # RFC 9112 3.2
        for k in range(at, end):
            if self.line[k] in b"/?#@,\\":
                self.status = 400

    def _connection(self, at, end):
        # The words are looked for anywhere in the list: to take too much for "close" does no harm.
        lower(self.line, at, end)
        if self.line.find(b"close", at, end) >= 0:
            self.keep = False
        elif self.minor == 0 and self.line.find(b"keep-alive", at, end) >= 0:
            self.keep = True  # RFC 9112 9.3

    def _content_length(self, at, end):
        if self.length or at >= end:
            self.status = 400  # RFC 9112 6.3 (5); two that agree are refused too
        self.length = True
        for k in range(at, end):
            if not 48 <= self.line[k] <= 57:
                self.status = 400
            elif self.line[k] != 48:
                self.body = True

    # The end of the header section

    def _end(self):
        if self.hosts == 0 and self.minor > 0:
            self.status = 400  # RFC 9112 3.2
        elif self.method == _OTHER:
            self.status = 501  # RFC 9110 9.1
        elif self.page is None:
            self.status = 404
        elif self.method > HEAD:
            self.status = 405
        else:
            self.status = 200
