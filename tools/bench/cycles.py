"""`make bench-cycles FIRMWARE=file.uf2`: what a packet costs on an RP2040 at 125 MHz.

MicroPython boots in an emulator, with our stack on its file system and a model of the ENC28J60 on
its SPI (12 MHz: the divisor below 20). Each row is one exchange seen by a host on the wire: all
polls of the board from the frame's arrival to the last octet of the answer. The median of several;
the same image and sources give the same cycles.
"""

import argparse
import statistics
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

from emu import boot, content
from emu.client import Client
from emu.firmware import NoImage, find
from emu.meter import Meter

BOARD = "192.168.7.2"
ASK = 26  # GPIO number, as in emu/on_board/bench.py
TIMES = 15
AIMS = {"ICMP 56": 500, "HTTP GET 1 kB": 15_000, "idle poll": 50}  # microseconds
_PAGE = 1024
_START_S = 8  # emulated; it takes about one
_POLLS = 60  # that one exchange may need
_MHZ = 125


class Bench:
    """The board, the host, and the exchange at hand. `rows`: name -> a list of cycle tuples."""

    def __init__(self, image, kind="enc28j60", strict=False):
        files = content.script("bench", kind, BOARD + "/24")
        self.mcu, self.bridge = boot.board(image, files, kind, strict)
        self.client = Client(self.bridge.wire_in, BOARD)
        self.bridge.chip.wire_out = self.client.got
        self.rows: dict[str, list] = {}
        self._tares = []
        self._name = None  # of the exchange; None: not counted
        self._sum = [0, 0, 0, 0]
        self._polls = 0
        self._script = self._exchanges()
        self._answered = lambda: True
        self._over = False
        self.meter = Meter(self.mcu, self._window)
        self.mcu.chip.gpio[ASK].add_listener(self._asked)

    def run(self):
        """All exchanges; returns what the script said before them: {"heap": "...", ...}."""
        said = boot.until(self.mcu, "go", _START_S)
        words = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
        self.meter.set_heap(int(words["code"], 16))
        if not self.meter.run(60, lambda: self._over):
            raise boot.Stuck("the bench is at %r for 60 s" % self._name)
        return words

    # The board asks, polls, and naps

    def _asked(self, state, before):
        if state == 1 and self._answered():
            self._finish()
            self._next()

    def _window(self, window):
        if len(self._tares) < 4:
            self._tares.append(window)
            if len(self._tares) == 4:
                self.meter.tare(window)
            return
        self._sum = [a + b for a, b in zip(self._sum, window, strict=True)]
        self._polls += 1
        if self._polls > _POLLS:
            raise boot.Stuck("%r has had no answer after %d polls" % (self._name, _POLLS))

    def _finish(self):
        if self._name and self._polls:
            self.rows.setdefault(self._name, []).append((*self._sum, self._polls))

    def _next(self):
        self._sum, self._polls = [0, 0, 0, 0], 0
        try:
            self._name, self._answered = next(self._script)
        except StopIteration:
            self._over = True
            self.mcu.stop()

    # What is exchanged: (name or None, answered)

    def _exchanges(self):
        c = self.client
        c.arp()
        yield None, lambda: c.met
        yield from self._echoes("ICMP 56", lambda: c.ping(56), lambda: c.echoes)
        yield from self._echoes("UDP 18", lambda: c.datagram(7, 18), lambda: c.datagrams)
        yield from self._tcp(64)
        yield from self._tcp(1460)
        yield from self._http()
        yield from self._quiet()
        for _ in range(TIMES):
            yield "idle poll", lambda: True

    def _echoes(self, name, say, heard):
        for k in range(TIMES + 1):  # the first may have something to learn
            before = heard()
            say()
            yield name if k else None, lambda before=before: heard() > before
            yield from self._quiet(2)

    def _tcp(self, n):
        c = self.client
        c.connect(7)
        yield None, lambda: c.established
        yield from self._quiet(2)
        for k in range(TIMES + 1):
            c.data.clear()
            c.write(bytes(n))
            yield "TCP %d" % n if k else None, lambda: len(c.data) >= n
            yield from self._quiet(4)
        c.reset()
        yield from self._quiet(2)

    def _http(self):
        c = self.client
        c.connect(81)
        yield None, lambda: c.established
        yield from self._quiet(2)
        for k in range(TIMES + 1):
            c.data.clear()
            c.write(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n")
            yield "HTTP GET 1 kB" if k else None, self._page_read
            yield from self._quiet(4)
        c.reset()

    def _page_read(self):
        head, _, body = bytes(self.client.data).partition(b"\r\n\r\n")
        return head.startswith(b"HTTP/1.1 200") and len(body) >= _PAGE

    def _quiet(self, polls=8):
        """Polls that nobody counts: acknowledgements, the transmitter's end."""
        for _ in range(polls):
            yield None, lambda: True


def table(rows):
    """-> the lines of the figures: medians."""
    yield "%-14s %9s %9s %9s %9s %9s %6s" % (
        *("exchange", "us", "cycles", "SPI", "kernels", "bytecode"),
        "polls",
    )
    for name, seen in rows.items():
        total, spi, kernels, rest, polls = (int(statistics.median(x)) for x in zip(*seen))  # noqa: B905
        aim = AIMS.get(name)
        note = "" if aim is None else "  (aim: %d us)" % aim
        line = "%-14s %9.1f %9d %9d %9d %9d %6d"
        yield line % (name, total / _MHZ, total, spi, kernels, rest, polls) + note


def main(argv=None):
    p = argparse.ArgumentParser(prog="bench-cycles", description=__doc__)
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--strict", action="store_true", help="misaligned accesses raise; slower")
    p.add_argument("--chip", choices=("enc28j60", "w5500", "w5100s"), default="enc28j60")
    args = p.parse_args(argv)
    try:
        image = find(args.firmware)
        bench = Bench(image, args.chip, args.strict)
        heap = bench.run()["heap"].split()
        ms, page = boot.page(image, args.chip)
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "bench-cycles: %s\n" % exc)
    print("%s: MicroPython on an emulated RP2040, 125 MHz, chip %s" % (image.name, args.chip))
    print("\n".join(table(bench.rows)))
    print("heap in use after boot: %s octets, free: %s" % tuple(heap))
    print("from power to the page: %.1f ms (%d octets)" % (ms, page))
    said = bench.bridge.chip.complaints
    print("the chip model complained %d times%s" % (len(said), ": " + said[0] if said else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
