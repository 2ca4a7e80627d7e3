"""What a handler of a route (routes.py) is given: the request, and where to write the answer.

    def led(req):                               # "/led/{n:int}"
        n = req.int("n")
        if req.method == "PUT":
            pins[n].value(req.text() == "on")
            return 204
        return "on" if pins[n].value() else "off"

What comes from the client lies in fixed buffers of the connection and is read there. What makes a
str or bytes of it says so; the others (`find_...`) leave where it lies: `req.n` octets of
`req.buf` at `req.at`. All of it is good until the handler returns.
"""

from array import array

from micropython import const

from ..writer import Writer
from .answer import KIND, UNTIL_END, Answer, reason
from .head import (
    ARG,
    FIELD,
    METHOD_NO,
    OPEN,
    PATH_N,
    QUERY_AT,
    QUERY_N,
    ROOM,
    ROUTE,
    VAL_AT,
    VAL_N,
    find_value,
    take_apart,
)

METHODS = ("", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT")
_MEMORY = (bytes, bytearray, memoryview)
_JSON = (dict, list)
_MANY = const(9)  # digits of a number that is under 2**30


class Request:
    """One for each connection, made with it. `routes` is the Routes that it belongs to.

    server  the connection's Server                        conn    the connection
    handler what serves the request                        body    where its body is kept: `size`
                                                                   octets of it have come
    buf, at, n  of the value that was found last           out     a Writer for the text of the
                                                                   answer (writer.py)
    answer  the Answer: its status, kind, size, body, source
    data    for the handler: whatever it wants to remember, until `ended`
    """

    def __init__(self, server, routes):
        self.server = server
        self.routes = routes
        self.handler = None
        self.row = array("H", bytes(2 * FIELD + 4 * len(routes.names)))
        self.kept = bytearray(server.site.line + routes.head)
        self.row[ROOM] = len(self.kept)
        self.body = bytearray(routes.body)
        self.wrote = bytearray(routes.text)
        self.out = Writer()
        self.answer = Answer(server.site, routes.fields)
        self.buf = self.kept
        self.at = self.n = self.size = 0
        self.opened = False  # the form in the body is taken apart
        self.data = None

    def begin(self):
        """Its turn has come."""
        self.size = 0
        self.opened = False
        self.clear()

    def clear(self):
        """Forget what there is of an answer."""
        self.answer.clear()
        self.out.aim(self.wrote, 0, 0, len(self.wrote))

    @property
    def conn(self):
        """The connection that it came by."""
        return self.server.conn

    @property
    def method(self):
        """The method: "GET", "PUT", ... A HEAD is answered as GET would be, and the body left
        out."""
        return METHODS[self.row[METHOD_NO]]

    # Where the values lie

    def find_arg(self, k):
        """Path parameter k, by its place or its name; percent-decoded. True."""
        if isinstance(k, str):
            k = self.routes.args[self.row[ROUTE] - 1].index(k)
        self.buf = self.kept
        self.at = self.row[ARG + 2 * k]
        self.n = self.row[ARG + 2 * k + 1]
        return True

    def find_path(self):
        """The path, as it was sent. True."""
        self.buf = self.kept
        self.at = 0
        self.n = self.row[PATH_N]
        return True

    def find_query(self, name):
        """`name` (bytes) in "?name=value&...": True if it is there."""
        x = self.row
        self.buf = self.kept
        if not x[OPEN]:
            x[OPEN] = 1
            x[QUERY_N] = take_apart(self.kept, x[QUERY_AT], x[QUERY_N])
        return self._find(x[QUERY_AT], x[QUERY_N], name)

    def find_form(self, name):
        """`name` (bytes) in a body of application/x-www-form-urlencoded: True if it is there."""
        self.buf = self.body
        if not self.opened:
            self.opened = True
            self.size = take_apart(self.body, 0, self.size)
        return self._find(0, self.size, name)

    def _find(self, at, n, name):
        x = self.row
        x[VAL_N] = len(name)
        n = find_value(x, self.buf, at, at + n, name)
        self.at = x[VAL_AT]
        self.n = x[VAL_N] if n else 0
        return n != 0

    def find_field(self, k):
        """A header field that the handler has in its `fields`, by its name written as there:
        True if it came."""
        if isinstance(k, str):
            k = self.routes.places[k]
        self.buf = self.kept
        self.at = self.row[FIELD + 2 * k]
        self.n = self.row[FIELD + 2 * k + 1]
        return self.at > 0

    def as_number(self, least=0, most=0x3FFFFFFF):
        """The value that was found, as an int of this range; -1: it is none."""
        n = self.n
        if not 0 < n <= _MANY:
            return -1
        v = 0
        at = self.at
        while n:
            c = self.buf[at] - 48
            if not 0 <= c <= 9:
                return -1
            v = 10 * v + c
            at += 1
            n -= 1
        return v if least <= v <= most else -1

    def value_is(self, word):
        """True if the value that was found is `word` (bytes)."""
        n = self.n
        if n != len(word):
            return False
        while n:
            n -= 1
            if self.buf[self.at + n] != word[n]:
                return False
        return True

    # The same as str; all of these allocate

    def value(self):
        """The value that was found, as a str; what is no UTF-8 is shown as it can be."""
        data = bytes(self.buf[self.at : self.at + self.n])
        try:
            return data.decode()
        except ValueError:  # UnicodeError
            return "".join([chr(c) for c in data])

    def arg(self, name):
        """A path parameter. Allocates."""
        self.find_arg(name)
        return self.value()

    def query(self, name, default=None):
        """A value of the query string. Allocates."""
        return self.value() if self.find_query(name.encode()) else default

    def form(self, name, default=None):
        """A value of a form. Allocates."""
        return self.value() if self.find_form(name.encode()) else default

    def field(self, name, default=None):
        """A header field that the handler asked for in its `fields`. Allocates."""
        return self.value() if self.find_field(name) else default

    def path(self):
        """The path. Allocates."""
        self.find_path()
        return self.value()

    def text(self):
        """The body. Allocates."""
        self.buf = self.body
        self.at = 0
        self.n = self.size
        return self.value()

    def json(self):
        """The body, which is JSON; None if it is not. Allocates."""
        import json

        try:
            return json.loads(self.text())
        except ValueError:
            return None

    def number(self, name):
        """A path parameter as a number, -1 for what is none. Allocates nothing."""
        self.find_arg(name)
        return self.as_number()

    # The answer

    def add(self, name, value):
        """Add a header field to the answer; bytes, str or a small int."""
        more = self.answer.more
        if isinstance(value, int):
            more.put(name if isinstance(name, bytes) else name.encode())
            more.put(b": ")
            more.num(value)
        else:
            if not isinstance(value, _MEMORY):
                value = value.encode()
            if b"\r" in value or b"\n" in value:
                raise ValueError("a header field is one line")
            more.put(name if isinstance(name, bytes) else name.encode())
            more.put(b": ")
            more.put(value)
        more.put(b"\r\n")

    def redirect(self, where, status=302):
        """`return req.redirect("/")`"""
        self.add(b"Location", where)
        return status

    def hand_over(self, app, status=101, source=None):
        """The connection is `app`'s (an App) from now on: what comes behind this request goes to
        it, and each callback. First the head is sent, with `status` and the fields that were
        added, and behind it what `source` gives (None: nothing; `app.acked` comes when the head
        has arrived, and it can send then).

            return req.hand_over(socket)

        `app.connected(conn)` is called at once. `app.conn` is set: it should be there before, so
        that nothing grows.
        """
        self.server.heir = app
        self.answer.source = source
        self.answer.size = UNTIL_END
        return status

    def resolve(self, value):
        """Make the Answer of what a handler returned (routes.py says what that can be)."""
        a = self.answer
        if isinstance(value, tuple):
            for k in range(1, len(value)):
                if isinstance(value[k], int):
                    a.status = value[k]
                else:
                    for name in value[k]:
                        if name.lower() == "content-type":
                            a.kind = value[k][name].encode()
                        else:
                            self.add(name, value[k][name])
            value = value[0]
        if isinstance(value, int):
            a.status = value
            value = None
        self._content(value)
        if not a.status:
            a.status = 200 if a.size or value is not None else 204
        if not 100 < a.status < 600:
            raise ValueError("no status: %d" % a.status)
        if len(a.kind) > KIND:
            raise ValueError("a Content-Type has %d octets at the most" % KIND)
        if a.more.count > a.room:
            raise ValueError("the fields of the answer are longer than Routes(fields=...)")

    def _content(self, value):
        a = self.answer
        if isinstance(value, _JSON):
            import json

            a.kind = b"application/json"
            value = json.dumps(value)
        if isinstance(value, str):
            value = value.encode()
        if value is None:
            if a.size:
                pass  # the handler has made it
            elif self.out.count:
                a.body = self.wrote
                a.size = self.out.count
                if a.size > len(self.wrote):
                    raise ValueError("the text of the answer is longer than Routes(text=...)")
            elif a.status >= 400:
                a.body = reason(a.status)
                a.size = len(a.body)
        elif isinstance(value, _MEMORY):
            a.body = value
            a.size = len(value)
        elif hasattr(value, "fill"):
            a.source = value
            a.size = value.left if value.ended else UNTIL_END
        elif getattr(value, "size", -1) >= 0:  # a Page
            a.more.put(b"Content-Type: ")
            a.more.part(value.fields, 0, len(value.fields) - 1)
            a.kind = b""
            a.size = value.size
            a.body = value.body
            a.page = None if value.held else value
        else:
            raise ValueError("no answer: %r" % (value,))
