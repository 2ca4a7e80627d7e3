"""What a web server serves: a Site of pages, each a small object that writes itself at any offset,
as often as asked.

    site = Site()
    site.add("/", Page(HTML, "text/html; charset=utf-8"))
    site.add("/led", Text(led))                     # def led(out): out.put(b"on\\n")
    stack.listen(80, site, 4)                       # four clients at a time

A page is stateless and serves all connections. What it must remember while one answer is on its
way (a page that changes must send the same octets again) lies in a snapshot buffer, of which a
site has few.
"""

from ..source import File
from ..writer import Writer
from .http import Http
from .http_queue import HELD
from .http_reply import HEAD_ROOM


class Page:
    """Octets in memory or in flash: bytes (sent from where they are) or a str. Also the base of
    the others.

    `kind` is the Content-Type, `more` further header fields, each ending in CR LF.
    """

    need = 0  # octets of snapshot buffer
    held = True  # the octets lie in memory, and are sent from there; if not, `write` gives them

    def __init__(self, data=b"", kind="text/html; charset=utf-8", more=b""):
        self.body = data.encode() if isinstance(data, str) else data
        self.size = len(self.body)  # -1: `write` tells, when a request has come
        self.fields = kind.encode() + b"\r\n" + more + b"\0"


class FilePage(Page):
    """A file in flash, opened once. Its length is the one that it has now."""

    held = False

    def __init__(self, path, kind="application/octet-stream", more=b""):
        Page.__init__(self, b"", kind, more)
        self.body = File(path)
        self.size = self.body.left

    def write(self, out, file):
        """Give the part of the file that the window of `out` shows."""
        out.pull(file)


class View(Page):
    """A page of any length that is computed, and never lies in RAM as a whole.

    `note(snap)` writes what changes into a buffer of `need` octets, once a request; `write(out,
    snap)` writes the whole text, and does so again for each segment: the same snapshot must give
    the same text. `out` is a writer.Writer.
    """

    held = False

    def __init__(self, kind="text/plain; charset=utf-8", more=b"Cache-Control: no-store\r\n"):
        Page.__init__(self, b"", kind, more)
        self.size = -1

    def note(self, snap):
        """Write what the page depends on into snap[0:need]."""

    def write(self, out, snap):
        """Write the whole text, from nothing but `snap` and constants."""


class Text(View):
    """A small page that a function writes: `def led(out): out.put(b"on\n")`. At most `size`
    octets (256), which are kept until they have arrived.
    """

    held = True

    def __init__(self, func, kind="text/plain; charset=utf-8", size=256):
        View.__init__(self, kind)
        self.func = func
        self.need = size

    def write(self, out, snap):
        self.func(out)


class Site:
    """Paths and their pages. Call it to get one connection's `Http`: `stack.listen(80, site, 4)`.

    line      octets for the longest request line, and RAM of each connection (256; 414 above)
    fields    octets of header fields that a client may send (8192; 431 above)
    snaps     computed pages that can be on their way at a time (2). Who finds none free waits;
              after 30 s it gets a 503. Meanwhile that client gives way, with a RST, which has
              stalled longest: three seconds without an ACK, or 20 s in all, are enough
    ahead     requests that a client can send ahead (96: with 60 octets each they fill the first
              window); behind them the connection is closed
    idle_s    seconds that a connection is kept without a request (30)
    """

    def __init__(self, line=256, fields=8192, snaps=2, ahead=96, idle_s=30):
        self.line = max(line, HEAD_ROOM)  # an answer's head is no longer either
        self.fields = min(fields, 60000)  # counted in 16 bits, with a segment more
        self.ahead = ahead
        self.idle_s = idle_s
        self.head = bytearray(self.line)
        self.head_of = None  # the Reply whose head that is
        self.clients = []
        self.turn = 0  # who is asked first whether he waits for a snapshot
        self.paths = b"\0"  # each ends in LF, and a NUL ends them all
        self.pages = []
        self.snaps = [bytearray(0) for _ in range(snaps)]
        self.taken = bytearray(snaps)
        self.out = Writer()
        self.kind = Http  # what serves a client; web/routes.py puts another in its place

    def add(self, path, page):
        """Serve `page` at `path`, a str that begins with "/". Before `listen`."""
        if path[:1] != "/":
            raise ValueError("a path begins with /: " + path)
        if isinstance(page, type):
            raise ValueError("an object is wanted, not its class: %s()" % page.__name__)
        if len(page.fields) + HEAD_ROOM > self.line:
            raise ValueError("the header of " + path + " does not fit: raise Site(line=...)")
        self.paths = self.paths[:-1] + path.encode() + b"\n\0"
        self.pages.append(page)
        if page.need > len(self.snaps[0]):
            self.snaps = [bytearray(page.need) for _ in self.snaps]

    def __call__(self):
        self.clients.append(self.kind(self))
        return self.clients[-1]

    def take(self):
        """The number of a snapshot buffer that was free, or belonged to the client that stalled
        longest; -1: none."""
        k = self.taken.find(b"\0")
        if k < 0:
            most = 21
            worst = None
            i = len(self.clients)
            while i:  # not `for`: it takes four words of the frame
                i -= 1
                http = self.clients[i]
                k = 6 * http.seconds + http.request[HELD]
                if http.snap >= 0 and k >= most:
                    most = k
                    worst = http
            if worst is None:
                return -1
            k = worst.snap
            worst.snap = -1
            worst.stop(worst.conn)
        self.taken[k] = 1
        return k

    def next(self, state):
        """The next client in this state, in turn; or None."""
        n = len(self.clients)
        while n:
            n -= 1
            self.turn = (self.turn + 1) % len(self.clients)
            if self.clients[self.turn].state == state:
                return self.clients[self.turn]
        return None
