"""The board that is measured, and a host that has an exchange with it at a time.

MicroPython boots in the emulator with tools/emu/on_board/bench.py, which says when it is about to
poll. A frame is put into the chip then, and all polls count up to the last octet of the answer.
The host holds its acknowledgements back, so that a segment of data and the ACK behind it are two
exchanges.
"""

from emu import boot, content
from emu.client import Client
from emu.meter import Meter

BOARD = "192.168.7.2"
ASK = 26  # GPIO number, as in emu/on_board/bench.py
PAGE = 1024  # octets, port 81
MHZ = 125
TIMES = 15
_START_S = 8  # emulated; it takes about one
_POLLS = 60  # that one exchange may need
_GET = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n"


class Rig:
    """The board, the host, and the exchange at hand.

    rows    name of an exchange -> a tuple for each time it was had: cycles in all, on SPI, in
            kernels, in the rest, and polls
    traces  name -> what its first counted time was made of (emu/trace.py), if `trace`
    said    what the script said before the exchanges: {"heap": "...", ...}
    """

    def __init__(self, image, kind="enc28j60", strict=False, times=TIMES, trace=False, part=None):
        files = content.script("bench", kind, BOARD + "/24", image=image)
        self.mcu, self.bridge = boot.board(image, files, kind, strict)
        self.client = Client(self.bridge.wire_in, BOARD)
        self.client.hold = True
        self.bridge.chip.wire_out = self.client.got
        self.rows: dict[str, list] = {}
        self._times = times
        self._name = None  # of the exchange; None: not counted
        self._sum = [0, 0, 0, 0]
        self._polls = 0
        self._script = self._exchanges()
        self._answered = lambda: True
        self._over = False
        self.meter = Meter(self.mcu, self._window, trace=trace, part=part)
        self.traces = self.meter.traces
        self.mcu.chip.gpio[ASK].add_listener(self._asked)

    def run(self):
        said = boot.until(self.mcu, "go", _START_S)
        self.said = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
        self.meter.know(*(int(x, 16) for x in self.said["code"].split()))
        if not self.meter.run(60, lambda: self._over):
            raise boot.Stuck("the bench is at %r for 60 s" % self._name)
        return self

    # The board asks, polls, and naps

    def _asked(self, state, before):
        if state == 1 and self._answered():
            if self._name and self._polls:
                self.rows.setdefault(self._name, []).append((*self._sum, self._polls))
            self._next()

    def _window(self, window):
        self._sum = [a + b for a, b in zip(self._sum, window, strict=True)]
        self._polls += 1
        if self._polls > _POLLS:
            raise boot.Stuck("%r has had no answer after %d polls" % (self._name, _POLLS))

    def _next(self):
        self._sum, self._polls = [0, 0, 0, 0], 0
        try:
            self._name, self._answered = next(self._script)
        except StopIteration:
            self._over = True
            self.mcu.stop()
        self.meter.name = self._name

    # What is exchanged: (name or None, answered)

    def _exchanges(self):
        c = self.client
        c.arp()
        yield None, lambda: c.met
        yield from self._echoes("ICMP 56", lambda: c.ping(56), lambda: c.echoes)
        yield from self._echoes("UDP 18", lambda: c.datagram(7, 18), lambda: c.datagrams)
        for n in (64, 1460):
            data = bytes(n)
            yield from self._tcp(7, data, "TCP %d" % n, lambda n=n: len(c.data) >= n)
        yield from self._tcp(81, _GET, "HTTP 1 kB", self._page_read)
        yield from self._quiet()
        for _ in range(self._times):
            yield "idle poll", lambda: True

    def _echoes(self, name, say, heard):
        for k in range(self._times + 1):  # the first may have something to learn
            before = heard()
            say()
            yield name if k else None, lambda before=before: heard() > before
            yield from self._quiet(2)

    def _tcp(self, port, data, name, whole):
        """Asks on a connection, and acknowledges the answer in a poll of its own."""
        c = self.client
        c.connect(port)
        yield None, lambda: c.established
        c.ack()
        yield from self._quiet(2)
        for k in range(self._times + 1):
            c.data.clear()
            c.write(data)
            yield name if k else None, whole
            yield from self._quiet(2)
            c.ack()
            yield name + ", ACK" if k else None, lambda: True
            yield from self._quiet(4)
        c.reset()
        yield from self._quiet(2)

    def _page_read(self):
        head, _, body = bytes(self.client.data).partition(b"\r\n\r\n")
        return head.startswith(b"HTTP/1.1 200") and len(body) >= PAGE

    def _quiet(self, polls=8):
        """Polls that nobody counts: the transmitter's end, a window that opens."""
        for _ in range(polls):
            yield None, lambda: True
