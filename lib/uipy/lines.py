"""Lines of text over TCP, for callbacks: a command server in ten lines.

    class Lamp(Lines):
        def line(self, conn, text):
            if text == "on":
                led.on()
                self.say("it is on")
            elif text == "quit":
                self.bye()
            else:
                self.say("on? quit?")

    stack.listen(2323, Lamp, 2)                 nc 192.168.1.7 2323

What comes is kept in one ring until a line of it is complete, what is answered in another until
the peer has it; the window that the peer is offered is the room in the first. While the answers
take up more than half of the second, because the peer does not read them, no further line is
given, the first ring fills up, and the window closes. Nothing is lost, and nothing grows.
"""

from micropython import const

from .app import App
from .errors import NotConnected, TableFull
from .kern.ptr import kernel, ptr8
from .ring import Ring

_LF = const(10)
_CR = const(13)


@kernel
def newline(mem: ptr8, at: int, n: int, size: int) -> int:
    """How many octets lie before the first LF of n octets from mem[at] on, in a ring of `size`;
    -1: there is no LF."""
    i = 0
    while i < n:
        if mem[at] == _LF:
            return i
        at += 1
        if at == size:
            at = 0
        i += 1
    return 0 - 1


class Lines(App):
    """An application that is given lines, and says lines. Override `line`, and what else you need:
    what a subclass sets is the size of its tables.

    A line ends with LF; a CR before that is dropped, and one elsewhere belongs to the line. What
    stands before the peer's FIN without an LF is a line too.

    A connection takes `longest`, `ahead` and `replies` octets, and the text of each line takes
    heap. The window that is offered before anybody knows the application is four segments: a
    client that fills it, and finds a smaller ring, has to send much of it again, later and later.
    So who is sent many lines at once wants `ahead` to be 5840, or a smaller
    `tcp_options={'room': ...}`.
    """

    longest = 126  # octets of a line at most, without its end; more: `too_long`
    ahead = 256  # octets that the peer can send ahead; `longest` and 2 at the least
    replies = 512  # octets of answers that the peer has not acknowledged yet
    end = b"\r\n"  # what `say` puts behind a line

    def __init__(self):
        self.rx = Ring(max(self.ahead, self.longest + 2))
        self.tx = Ring(self.replies)
        self.text = bytearray(self.longest + 1)
        self.skip = False  # a line is too long: it is not kept
        self.over = False  # `no_more` was called

    # What a subclass has

    def line(self, conn, text):
        """A line came: a str without its end; of octets that are no UTF-8 each one is a character
        (Latin-1). The answers to one line have half of `replies` octets for certain."""

    def too_long(self, conn):
        """A line had more than `longest` octets and is dropped, up to its end. The base class says
        so to the peer."""
        self.say("a line has %d octets at most" % self.longest)

    def no_more(self, conn):
        """The peer has sent its FIN, and has been given all of its lines. The base class says
        `bye`; override it to answer later."""
        self.bye()

    # What it calls

    def say(self, text):
        """Sends a line: str, or bytes. From anywhere: inside a callback, by a timer, or outside
        of `poll`. Raises `TableFull` when the ring has no room for all of it (then none of it is
        sent; `self.tx.room` says how much there is), `NotConnected` when nobody is there or our
        side is closed."""
        if isinstance(text, str):
            text = text.encode()
        conn = self._open()
        if not conn:
            raise NotConnected("nobody is there to be told")
        tx = self.tx
        n = len(text)
        if n + len(self.end) > tx.room:
            raise TableFull(
                "%d octets do not fit, %d are free: a larger `replies`, or fewer lines at once"
                % (n + len(self.end), tx.room)
            )
        tx.write(text, 0, n)
        tx.write(self.end, 0, len(self.end))
        conn.resume()

    def bye(self):
        """That was all: our FIN goes out behind the last answer. No further line is given; what
        still comes is dropped, and earns a RST once the answers have arrived."""
        conn = self._open()
        if conn:
            self.tx.end()
            if self.tx.left:
                conn.shutdown()
            else:
                conn.close()

    def _open(self):
        """The connection, as long as our side of it is open."""
        conn = self.conn
        return conn if conn is not None and conn.can_send else None

    # Callbacks of the stack

    def connected(self, conn):
        """As `App.connected`. Who overrides this, to say hello, calls it first."""
        self.rx.clear()
        self.tx.clear()
        self.skip = self.over = False
        conn.room = self.rx.room
        conn.send(self.tx)

    def received(self, conn, buf, start, n):
        """As `App.received`."""
        left = n
        while left:
            k = self.rx.write(buf, start, left)
            if not k:
                break
            start += k
            left -= k
            self._go(conn)
        return n - left

    def acked(self, conn, n):
        """As `App.acked`."""
        self._go(conn)
        if self.tx.ended and not conn.sending:
            conn.close()

    def peer_closed(self, conn):
        """As `App.peer_closed`."""
        self.rx.end()
        self._go(conn)

    def _go(self, conn):
        """Gives the lines that are complete, as long as there is room for their answers."""
        rx = self.rx
        tx = self.tx
        while conn.can_send and tx.room >= tx.size >> 1 and self._next(conn):
            pass
        if not conn.can_send:  # we have closed: what still comes is dropped
            tx.end()
            rx.acked(rx.left)
        elif rx.ended and not rx.left and not self.over:
            self.over = True
            self.no_more(conn)
        conn.offer(rx.room)

    def _next(self, conn):
        """One line, if one is complete; False when there is nothing more to do."""
        rx = self.rx
        n = newline(rx.mem, rx.at, rx.left, rx.size)
        size = n + 1
        if n < 0:
            n = size = rx.left
            if not (rx.ended and n):
                long = n > self.longest + 1
                if long or self.skip:
                    rx.acked(n)
                if long and not self.skip:
                    self.skip = True
                    self.too_long(conn)
                return False
        if self.skip:  # its end
            self.skip = False
            rx.acked(size)
            return True
        text = self.text
        k = rx.fill(0, text, 0, min(n, len(text)))
        rx.acked(size)  # before the call, which may do anything
        if k and k == n and text[n - 1] == _CR:
            n -= 1
        if n > self.longest:
            self.too_long(conn)
        else:
            self.line(conn, _str(text[:n]))
        return True


def _str(octets):
    try:
        return str(octets, "utf8")
    except UnicodeError:
        return "".join([chr(c) for c in octets])
