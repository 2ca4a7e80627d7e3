"""Server-Sent Events (the HTML standard, 9.2): one page that many clients hold, each of which is
told what happens from now on.

    events = Events(clients=4, size=2048)
    web = Routes(site)
    web.route("/events", events)
    events.send("the door is open", event="door", id=7)     # at any time, from anywhere

    new EventSource("/events").addEventListener("door", e => alert(e.data))

What was said lies once, in a ring of `size` octets, whoever is listening: each client has a place
in it. A client that says what it heard last (Last-Event-ID) goes on behind it, if the ring still
has it, and otherwise with the oldest. When there is no room for what is said, the oldest event
goes. A client that it was not sent yet has lost it; one to which it is on its way, unacknowledged,
is reset, and comes back by itself (an EventSource does so after `retry_ms`).

The counters: events_sent, by the board; events_lost, by a client each; events_reset, clients that
were too slow; events_refused, clients that found all places taken (503, at which an EventSource
gives up: a page can ask in its own way then).
"""

from array import array

from micropython import const

from ..app import App
from ..errors import NotConnected
from ..kern import bump, copy
from ..writer import Writer
from .answer import UNTIL_END
from .event_ring import AT, COUNT, SIZE, Feed, behind_id, broken, first_event, put_lines
from .routes import Handler

NAMES = ("events_sent", "events_lost", "events_reset", "events_refused")
HELP = (
    "Events that the board has sent.",
    "Events that a client has lost because it was slow.",
    "Clients that were reset because an event on its way to them had to go.",
    "Clients that found all places taken.",
)
_SENT = const(0)
_LOST = const(1)
_RESET = const(2)
_REFUSED = const(3)

_QUIET_S = const(15)  # without an event, then a comment: so it is known who is there
_STALL_S = const(120)  # without an octet being acknowledged
_ID = const(64)  # octets of the longest id


class Listener(App):
    """A client that holds the page."""

    poll_ms = 1000

    def __init__(self, events):
        self.events = events
        self.feed = Feed(events)
        self.conn = None  # now, so that no object grows when a client comes
        self.taken = False  # somebody has it, or is about to
        self.here = False  # he is there
        self.seconds = 0  # since it acknowledged something, or had nothing to

    def connected(self, conn):
        self.conn = conn
        self.here = True
        self.seconds = 0
        e = self.events
        if e.news and not self.feed.left:
            e.news(e)

    def received(self, conn, buf, start, n):
        """It has nothing more to say."""

    def acked(self, conn, n):
        self.seconds = 0

    def peer_closed(self, conn):
        """It says no more, and may listen on; if it does not, a comment earns us its RST."""
        self.events.comment()

    def poll(self, conn):
        e = self.events
        for other in e.clients:
            if other.here:
                if other is self:
                    e.tick()
                break
        self.seconds = self.seconds + 1 if self.feed.left or self.feed.head else 0
        if self.seconds > _STALL_S:
            self.stop()

    def stop(self):
        """It is reset."""
        self.leave()
        try:
            self.conn.abort()  # type: ignore[attr-defined]
        except NotConnected:  # its RST has not left yet
            pass

    def leave(self):
        """Its place is free."""
        self.here = self.taken = False
        self.feed.ended = True
        self.feed.left = self.feed.head = 0

    def closed(self, conn, reason):
        self.leave()

    def behind(self, n):
        """The oldest n octets of the ring, an event, are to go."""
        feed = self.feed
        e = self.events
        if not self.taken or feed.left <= e.left - n:
            return
        on_way = self.conn.unacked  # type: ignore[attr-defined]
        if feed.left == e.left and not on_way:
            feed.left -= n
            bump(e.stat, _LOST)
        else:
            bump(e.stat, _RESET)
            self.stop()


class Events(Handler):
    """A page of events for `clients` (4) at a time, with a ring of `size` octets (2048): that much
    RAM, 700 octets, and 120 for each client.

    news      called once a second, with this object, while a client is there, and when one comes;
              it may `send`. What it raises ends the client in whose name it was called
    retry_ms  after which a client comes back (2000)
    """

    methods = "GET"
    fields = ("Last-Event-ID",)

    def __init__(self, clients=4, size=2048, news=None, retry_ms=2000):
        self.mem = bytearray(size)
        self.size = size
        self.at = 0  # of the oldest event
        self.left = 0  # octets of all of them
        self.hello = b"retry: %d\n\n" % retry_ms
        self.news = news
        self.quiet = 0  # seconds since something was said
        self.w = array("i", bytes(12))
        self.number = bytearray(12)
        self.wanted = bytearray(4 + _ID + 1)
        self.out = Writer()
        self.stat = array("i", bytes(4 * len(NAMES)))
        self.clients = [Listener(self) for _ in range(clients)]

    def counters(self):
        """(name, value) of each."""
        for k in range(len(NAMES)):
            yield NAMES[k], self.stat[k]

    @property
    def held(self):
        """How many clients there are."""
        n = 0
        for client in self.clients:
            n += client.here
        return n

    # What is said

    def send(self, data, event=None, id=None):
        """Tell all clients: `data`, a str or bytes of any number of lines, `event` the name of
        what happened, `id` a str, bytes or number under 2**30. Bytes and numbers take no heap.

        Raises ValueError if the ring could not hold it, or a name or id has a line feed in it.
        """
        data = octets(data)
        event = None if event is None else one_line(octets(event))
        if id is not None:
            id = self._digits(id) if isinstance(id, int) else one_line(octets(id))
        w = self.w
        w[SIZE] = w[COUNT] = 0
        self._write(data, event, id)
        self._room(w[COUNT])
        w[SIZE] = self.size
        w[AT] = (self.at + self.left) % self.size
        w[COUNT] = 0
        self._write(data, event, id)
        self._said(w[COUNT])
        bump(self.stat, _SENT)

    def show(self, view, snap=None, event=None):
        """Tell all clients what a View (site.py) writes of a snapshot: one line, with a line feed
        at its end or without. It is written into the ring where it will lie; takes no heap.
        """
        event = None if event is None else one_line(octets(event))
        out = self.out
        out.aim(self.mem, 0, 0, 0)
        view.write(out, snap)
        n = out.count
        w = self.w
        w[SIZE] = w[COUNT] = 0
        self._lines(b"event: \0", event)
        self._room(w[COUNT] + 6 + n + 2)
        w[SIZE] = self.size
        w[AT] = (self.at + self.left) % self.size
        w[COUNT] = 0
        self._lines(b"event: \0", event)
        # "data: " is put down as a line, and its line feed written over.
        put_lines(w, self.mem, b"data: \0", b"", 0)
        at = (w[AT] - 1) % self.size
        k = min(n, self.size - at)
        out.aim(self.mem, at, 0, k)
        view.write(out, snap)
        if n > k:
            out.aim(self.mem, 0, k, n - k)
            view.write(out, snap)
        end = (at + n - 1) % self.size
        if n and self.mem[end] == 10:
            n -= 1
        if broken(self.mem, self.size, at, n):
            raise ValueError("a View for show() writes one line")
        w[AT] = (at + n) % self.size
        w[COUNT] += n - 1
        put_lines(w, self.mem, b"\0", b"\n", 1)
        self._said(w[COUNT])
        bump(self.stat, _SENT)

    def comment(self):
        """A line that no client hears: it keeps connections alive."""
        w = self.w
        self._room(3)
        w[SIZE] = self.size
        w[AT] = (self.at + self.left) % self.size
        put_lines(w, self.mem, b":\0", b"", 0)
        put_lines(w, self.mem, b"\0", b"", 0)
        self._said(3)

    def tick(self):
        """A second has passed."""
        self.quiet += 1
        if self.news:
            self.news(self)
        if self.quiet >= _QUIET_S:
            self.comment()

    def _write(self, data, event, id):
        self._lines(b"event: \0", event)
        self._lines(b"id: \0", id)
        put_lines(self.w, self.mem, b"data: \0", data, len(data))
        put_lines(self.w, self.mem, b"\0", b"", 0)

    def _lines(self, name, text):
        if text is not None:
            put_lines(self.w, self.mem, name, text, self.n if text is self.number else len(text))

    def _digits(self, v):
        self.out.aim(self.number, 0, 0, 12)
        self.out.num(v)
        self.n = self.out.count
        return self.number

    def _room(self, n):
        # The oldest events go until there is room for n octets.
        if n > self.size:
            raise ValueError("an event of %d octets: raise Events(size=...)" % n)
        while self.size - self.left < n:
            k = first_event(self.mem, self.size, self.at, self.left)
            for client in self.clients:
                client.behind(k)
            self.at = (self.at + k) % self.size
            self.left -= k

    def _said(self, n):
        self.quiet = 0
        self.left += n
        for client in self.clients:
            if client.taken:
                client.feed.left += n
            if client.here:
                try:
                    client.conn.resume()  # type: ignore[attr-defined]
                except NotConnected:  # it is on its way out
                    pass

    # Who listens

    def answer(self, req):
        """A client wants to listen."""
        req.data = None  # another handler's
        client = None
        for other in self.clients:
            if not other.taken:
                client = other
        if client is None:
            bump(self.stat, _REFUSED)
            return 503
        feed = client.feed
        feed.ended = False
        feed.head = len(self.hello)
        feed.left = 0
        if req.find_field(req.routes.names.index("last-event-id")):
            feed.left = self._since(req.buf, req.at, req.n)
        req.add(b"Cache-Control", b"no-store")
        req.answer.kind = b"text/event-stream"
        if req.method == "HEAD":
            req.answer.size = UNTIL_END
            return 200
        client.taken = True
        req.data = client
        return req.hand_over(client, 200, feed)

    def ended(self, req):
        """The connection is gone, perhaps before it was handed over: the place is free."""
        if req.data is not None:
            req.data.leave()
            req.data = None

    def _since(self, buf, at, n):
        # How many octets of the ring a client lacks that says what it heard last.
        w = self.w
        k = -1
        if n <= _ID:
            want = self.wanted
            copy(want, 0, b"id: ", 0, 4)
            copy(want, 4, buf, at, n)
            want[4 + n] = 10
            w[AT] = self.at
            w[SIZE] = self.size
            k = behind_id(w, self.mem, self.left, want, n + 5)
        if k < 0:
            k = self.left
            bump(self.stat, _LOST)
        return k


def octets(text):
    """Bytes of a str; what is bytes stays."""
    return text.encode() if isinstance(text, str) else text


def one_line(text):
    """The same; ValueError if it has more than one line."""
    if b"\n" in text or b"\r" in text or b"\0" in text:
        raise ValueError("the name and the id of an event are one line")
    return text
