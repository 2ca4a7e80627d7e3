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

from ..kern import copy, same
from ..source import Bytes, File
from ..writer import Writer
from .http import Http


class Page:
    """Octets in memory or in flash: bytes (sent from where they are) or a str. Also the base of
    the others.

    `kind` is the Content-Type, `more` further header fields, each ending in CR LF.
    """

    need = 0  # octets of snapshot buffer

    def __init__(self, data=b"", kind="text/html; charset=utf-8", more=b""):
        self.body = Bytes(data)
        self.kind = kind.encode()
        self.more = more

    def take(self, snap):
        """A request has come: note in `snap` what changes. Return the length of the page, -1 if it
        cannot be had.
        """
        return self.body.left

    def read(self, snap, rel, buf, pos, n):
        """Write up to n octets from offset rel of the page to buf[pos:]; return how many.
        Allocates nothing.
        """
        return self.body.fill(rel, buf, pos, n)


class FilePage(Page):
    """A file in flash, opened once. Its length is the one that it has now."""

    def __init__(self, path, kind="application/octet-stream", more=b""):
        Page.__init__(self, b"", kind, more)
        self.body = File(path)


class View(Page):
    """A page of any length that is computed, and never lies in RAM as a whole.

    `note(snap)` writes what changes into a buffer of `need` octets, once a request; `write(out,
    snap)` writes the whole text, and does so again for each segment: the same snapshot must give
    the same text. `out` is a writer.Writer.
    """

    def __init__(self, kind="text/plain; charset=utf-8", more=b"Cache-Control: no-store\r\n"):
        Page.__init__(self, b"", kind, more)
        self.out = Writer()

    def note(self, snap):
        """Write what the page depends on into snap[0:need]."""

    def write(self, out, snap):
        """Write the whole text, from nothing but `snap` and constants."""

    def take(self, snap):
        self.note(snap)
        self.out.aim(snap, 0, 0, 0)
        self.write(self.out, snap)
        return self.out.count

    def read(self, snap, rel, buf, pos, n):
        out = self.out
        out.aim(buf, pos, rel, n)
        self.write(out, snap)
        return n - out.room


class Text(View):
    """A small page that a function writes: `def led(out): out.put(b"on\\n")`. At most `size`
    octets (256).
    """

    def __init__(self, func, kind="text/plain; charset=utf-8", size=256):
        View.__init__(self, kind)
        self.func = func
        self.need = size

    def take(self, snap):
        self.out.aim(snap, 0, 0, self.need)
        self.func(self.out)
        return self.out.count if self.out.count <= self.need else -1

    def read(self, snap, rel, buf, pos, n):
        copy(buf, pos, snap, rel, n)
        return n


class Site:
    """Paths and their pages. Call it to get one connection's `Http`: `stack.listen(80, site, 4)`.

    line      octets for the longest request line, and RAM of each connection (256; 414 above)
    fields    octets of header fields that a client may send (8192; 431 above)
    snaps     computed pages that can be on their way at a time (2; 503 above)
    idle_s    seconds that a connection is kept without a request (30)
    """

    def __init__(self, line=256, fields=8192, snaps=2, idle_s=30):
        self.line = line
        self.fields = fields
        self.idle_s = idle_s
        self.paths = []
        self.pages = []
        self.snaps = [bytearray(0) for _ in range(snaps)]
        self.taken = bytearray(snaps)

    def add(self, path, page):
        """Serve `page` at `path`, a str that begins with "/". Before `listen`."""
        if path[:1] != "/":
            raise ValueError("a path begins with /: " + path)
        if len(page.kind) + len(page.more) + 130 > self.line:
            raise ValueError("the header of " + path + " does not fit: raise Site(line=...)")
        self.paths.append(path.encode())
        self.pages.append(page)
        if page.need > len(self.snaps[0]):
            self.snaps = [bytearray(page.need) for _ in self.snaps]

    def find(self, buf, at, n):
        """The page for the path in the n octets at buf[at:], or None."""
        for i in range(len(self.paths)):
            if len(self.paths[i]) == n and same(self.paths[i], 0, buf, at, n):
                return self.pages[i]
        return None

    def take(self):
        """The number of a free snapshot buffer, now taken; -1: all are on their way."""
        i = self.taken.find(b"\0")
        if i >= 0:
            self.taken[i] = 1
        return i

    def give_back(self, i):
        """The answer has arrived, or will never."""
        if i >= 0:
            self.taken[i] = 0

    def __call__(self):
        return Http(self)
