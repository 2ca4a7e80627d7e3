"""How long a board with sockets takes for an answer, in the emulator: from a frame's arrival in
the chip to the last octet of the answer on the wire, by what the program does meanwhile.

    .venv/emu/bin/python tools/bench/latency.py --firmware IMAGE.uf2 [--chip w5500] [--update]

`make bench-cycles ARGS=--sockets` does it too. The program is tools/emu/on_board/sockets.py. The
median of fifteen, and the slowest. The peer acknowledges at once and leaves 30 ms between two
exchanges.
"""

import argparse
import statistics
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import readme
from emu import boot, content
from emu.client import Client
from emu.firmware import NoImage, find

COSTS = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
BOARD = "192.168.7.2"
TIMES = 15
CALLBACKS, SOCKETS = 7, 8  # ports
WORKS = {
    "callbacks": "its loop is poll, no sockets",
    "blocking": "blocking sockets",
    "sleeping": "in time.sleep",
    "asyncio": "asyncio streams",
}
HEAD = ("the program", "ping 56", "echo 64 by callbacks", "1460", "echo 64 by sockets", "1460")
_START_S = 8  # emulated
_PATIENCE_S = 3
_BETWEEN_S = 0.03


class Peer:
    """A host, and the time until it has an answer."""

    def __init__(self, image, work, kind):
        files = content.script("sockets", kind, BOARD + "/24", image=image)
        files["config.py"] += ("work = %r\n" % work).encode()
        self.mcu, self.bridge = boot.board(image, files, kind)
        self.client = Client(self.bridge.wire_in, BOARD)
        self.bridge.chip.wire_out = self._got
        self.at = 0
        boot.until(self.mcu, "go", _START_S)
        self._until(lambda: self.client.met, self.client.arp)

    def _got(self, frame):
        self.at = self.mcu.clock.nanos
        self.client.got(frame)

    def _until(self, over, say):
        """Says it; the ms until the frame came with which it was over."""
        begin = self.mcu.clock.nanos
        say()
        seen = []

        def got(frame, hear=self._got):
            hear(frame)
            if not seen and over():
                seen.append(self.at)

        self.bridge.chip.wire_out = got
        if not self.mcu.run_for(_PATIENCE_S, lambda: seen):
            raise boot.Stuck("no answer; the board said:\n%s" % self.mcu.console.text)
        self.mcu.run_for(_BETWEEN_S)
        return (seen[0] - begin) / 1e6

    def ping(self):
        c = self.client
        return self._many(lambda: self._until(lambda n=c.echoes: c.echoes > n, lambda: c.ping(56)))

    def echo(self, port, n):
        c = self.client
        self._until(lambda: c.established, lambda: c.connect(port))

        def once():
            c.data.clear()
            return self._until(lambda: len(c.data) >= n, lambda: c.write(bytes(n)))

        times = self._many(once)
        c.reset()
        self.mcu.run_for(_BETWEEN_S)
        return times

    def _many(self, once):
        once()  # the first may have something to learn
        return [once() for _ in range(TIMES)]


def cell(times):
    return "%.1f (%.1f)" % (statistics.median(times), max(times))


def measure(image, kind="enc28j60"):
    """Yields the rows of the table."""
    for work, what in WORKS.items():
        peer = Peer(image, work, kind)
        row = [what, cell(peer.ping())]
        for port in (CALLBACKS, SOCKETS):
            for n in (64, 1460):
                there = port == CALLBACKS or work in ("blocking", "asyncio")
                row.append(cell(peer.echo(port, n)) if there else "")
        yield tuple(row)


def show(image, kind, update):
    """Prints the table, and writes it if asked to."""
    rows = []
    for row in (HEAD, *measure(image, kind)):
        rows.append(row)
        print("%-30s %13s %21s %13s %20s %13s" % row, flush=True)
    if update:
        readme.put("latency", readme.table(HEAD, rows[1:]), COSTS)


def main(argv=None):
    p = argparse.ArgumentParser(prog="latency", description=__doc__.split("\n")[0])
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--chip", choices=("enc28j60", "w5500", "w5100s"), default="enc28j60")
    p.add_argument("--update", action="store_true", help="write docs/costs.md")
    args = p.parse_args(argv)
    try:
        show(find(args.firmware), args.chip, args.update)
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "latency: %s\n" % exc)
    return 0


if __name__ == "__main__":
    sys.exit(main())
