"""Routes: what a web server does besides showing pages.

    from uipy.web import Routes

    site = Site()
    site.add("/", Page(HTML))
    web = Routes(site)

    @web.route("/led/{n:int}", methods="GET PUT")
    def led(req):
        n = req.number("n")
        if req.method == "PUT":
            pins[n].value(req.text() == "on")
            return 204
        return "on" if pins[n].value() else "off"

    @web.post("/name")
    def name(req):                              # <form method=post action=/name>
        board.name = req.form("name", "uipy")
        return req.redirect("/")

    stack.listen(80, site, 4)

A path is text and parameters: `{n}` is what lies between two "/", `{n:int}` if it is digits, and
a last `{rest:path}` is everything to the end, "/" too; it has no "..", no empty segment and
nothing that hides one. The first route that fits serves; if only routes of other methods fit, the
answer is 405 and names them, and OPTIONS asks for them.

A handler returns its answer:

    a str, bytes, or dict or list (JSON)    200 with this text
    a number                                this status; from 400 on with its words as the text
    None                                    200 with what it wrote to `req.out`, or 204
    (text, status) or (text, status, {"Location": "/x"})
    a source (source.py) or a Page          200; what it gives
    req.redirect("/x"), req.hand_over(app)  likewise

What it raises is told to the stack, and the client gets a 500. What it returns is sent from where
it lies: a bytearray must stay as it is until `ended`.

**A part of web/ is a Handler**, and this is all that the server asks of it:

    class Files(Handler):
        methods = "GET"
        fields = ("If-None-Match", "Range")     # header fields that it wants to read
        limit = 0                               # octets of a body; more is refused, 413

        def begin(self, req): ...               # the head is complete; None, or an answer at once
        def received(self, req, buf, start, n): ...  # a piece of the body, where it lies
        def answer(self, req): ...              # all of it is there: returns as above
        def ended(self, req): ...               # the answer has arrived, or the connection is gone

    web.route("/files/{name:path}", Files("/www"))

In all of these the request is at hand: `req.find_path()`, `req.find_arg(0)`,
`req.find_query(b"a")` and `req.find_field("Range")` leave where the value lies (`req.n` octets of
`req.buf` at `req.at`); `req.arg`, `req.query` and `req.field` make a str of it. `answer` may fill
in `req.answer` itself (kind, size, and body or source or page: answer.py) and return the status;
`req.add(b"ETag", tag)` adds a field. `return req.hand_over(app)` gives the connection away behind
the head: an App is called from then on as if it had the connection for itself (101, or 200 for
events without end). 404 and others alone come with their words.
"""

from array import array

from .head import ARGS, NUMBER, REST, SEGMENT
from .held import N_FAILED, NAMES, Held
from .request import METHODS
from .server import Server

_KINDS = {"": SEGMENT, "int": NUMBER, "path": REST}


class Handler:
    """What serves a route; the base class refuses. One object serves all connections."""

    methods = "GET"
    fields = ()  # names of header fields
    limit = 0  # octets of a body; a longer one is refused (413)
    kept = True  # the body is kept whole in `req.body`, and `received` is not called
    sized = False  # a body must say its length first (411)
    guard = None  # who may (auth.py); None: whoever the guard of the path lets pass

    def begin(self, req):
        """The head is there; of the body perhaps nothing. None: go on. Anything else is the
        answer, and a body is not read."""

    def received(self, req, buf, start, n):
        """n octets of the body lie at buf[start:]. Returns how many were taken, None for all; the
        client sends the others again."""

    def answer(self, req):
        """The request is complete: returns the answer."""
        return 404

    def ended(self, req):
        """The last call of a request that `begin` was called for."""


class Function(Handler):
    """A function as a handler; `Routes.route` makes it."""

    def __init__(self, func, limit):
        self.answer = func
        self.limit = limit


class Routes:
    """The routes of a site. Made, and filled, before `stack.listen(80, site, 4)`.

    Each connection has, in octets:

    head    for the header fields that handlers ask for (256); behind a path and query as long as
            the site's `line`. 431 above
    text    for the text that a handler writes to `req.out` (256)
    fields  for the header fields that it adds (128)

    and for a body as many as the largest `limit` of a handler that has it kept. All of them share

    ahead   for what a client sends behind a request whose turn has not come (5840: the first
            window). What finds no room there is not lost, but the client has to send it again
    """

    def __init__(self, site, head=256, text=256, fields=128, ahead=5840):
        self.site = site
        self.head = head
        self.text = text
        self.fields = fields
        self.body = 0
        self.table = b"\0"  # the patterns, see head.py
        self.masks = array("H")
        self.handlers = []
        self.args = []  # the names of each one's parameters
        self.rests = []  # whether the last of them is {n:path}
        self.names = []  # of the fields
        self.places = {}  # the number of each in `names`
        self.wanted = b"\0"  # the same, for the kernel
        self.guarded = b"\0"  # the paths that have a guard, for the kernel
        self.guards = []
        self.held = Held(ahead)
        self.clients = 0
        self.stat = array("i", bytes(4 * len(NAMES)))
        site.kind = self.client

    def client(self, site):
        """One connection's application, for `stack.listen`."""
        self.clients += 1
        return Server(site, self)

    def route(self, path, handler=None, methods=None, limit=256):
        """Serve `path` with a Handler, or with a function of the request, which may have a body of
        `limit` octets. Without `handler`: a decorator. `methods`: "GET PUT", or a list; GET also
        serves HEAD.
        """
        if handler is None:
            return lambda func: self.route(path, func, methods, limit)
        if isinstance(handler, type):
            raise ValueError("an object is wanted, not its class: %s()" % handler.__name__)
        if self.clients:
            raise ValueError("a route comes before listen(): " + path)
        made = handler if hasattr(handler, "begin") else Function(handler, limit)
        pattern, args = compiled(path)
        self.masks.append(mask(methods or made.methods))
        self.table = self.table[:-1] + pattern + b"\n\0"
        self.args.append(args)
        self.rests.append(pattern[-1] == REST)
        self.handlers.append(made)
        if made.kept:
            self.body = max(self.body, made.limit)
        self.want(made.fields)
        if made.guard is not None:
            self.want(made.guard.fields)
        return handler

    def get(self, path):
        """A decorator: the function answers GET."""
        return self.route(path, None, "GET")

    def post(self, path, limit=256):
        """A decorator: the function answers POST."""
        return self.route(path, None, "POST", limit)

    def put(self, path, limit=256):
        """A decorator: the function answers PUT."""
        return self.route(path, None, "PUT", limit)

    def patch(self, path, limit=256):
        """A decorator: the function answers PATCH."""
        return self.route(path, None, "PATCH", limit)

    def delete(self, path, limit=256):
        """A decorator: the function answers DELETE."""
        return self.route(path, None, "DELETE", limit)

    def want(self, fields):
        """Header fields with these names are kept of each request for a route."""
        for name in fields:
            small = name.lower()
            if small not in self.names:
                self.names.append(small)
                self.wanted = self.wanted[:-1] + small.encode() + b"\n\0"
            # as it is written, and in small letters: looked up without making another str
            self.places[name] = self.places[small] = self.names.index(small)

    def guard(self, path, guard):
        """Who asks for `path`, or for anything under it ("/": anything at all), must satisfy
        `guard` (auth.py); of several paths the longest counts."""
        if path[:1] != "/":
            raise ValueError("a path begins with /: " + path)
        self.guarded = self.guarded[:-1] + path.rstrip("/").encode() + b"\n\0"
        self.guards.append(guard)
        self.want(guard.fields)

    def told(self, conn, exc):
        """A handler has raised."""
        self.count(N_FAILED, 1)
        conn.tcp.stack.failed(exc)

    def count(self, k, n):
        """Counter k goes up by n, modulo 2**30."""
        stat = self.stat
        stat[k] = (stat[k] - 0x3FFFFFFF - 1 + n) & 0x3FFFFFFF

    def counters(self):
        """(name, value) of each."""
        for k in range(len(NAMES)):
            yield NAMES[k], self.stat[k]


def mask(methods):
    """1 << its number in METHODS for each of "GET PUT", "GET,PUT" or ["GET", "PUT"]."""
    if isinstance(methods, str):
        methods = methods.replace(",", " ").split()
    bits = 0
    for name in methods:
        if name.upper() not in METHODS[1:8]:
            raise ValueError("no method that a route can have: %s" % name)
        bits |= 1 << METHODS.index(name.upper())
    return bits | (bits & 2) << 1  # HEAD is GET without the body


def compiled(path):
    """("/led/" SEGMENT, ("n",)) of "/led/{n}"."""
    if path[:1] != "/":
        raise ValueError("a path begins with /: " + path)
    pattern = b""
    args = []
    rest = path
    while rest:
        text, brace, rest = rest.partition("{")
        for c in text:
            if not " " < c < "\x7f" or c in "%?#}":
                raise ValueError(
                    "a path has no blank, %%, ? or # here, and no letter that is none "
                    "of ASCII: %r" % path
                )
        pattern += text.encode()
        if brace:
            name, brace, rest = rest.partition("}")
            name, _, kind = name.partition(":")
            if not brace or kind not in _KINDS or not name:
                raise ValueError("a parameter is {n}, {n:int} or {n:path}: " + path)
            if rest and (rest[0] != "/" or kind == "path"):
                raise ValueError(
                    "behind a parameter comes / or, behind {n:path}, nothing: " + path
                )
            pattern += bytes([_KINDS[kind]])
            args.append(name)
    if len(args) > ARGS:
        raise ValueError("a path has %d parameters at the most: %s" % (ARGS, path))
    return pattern, args
