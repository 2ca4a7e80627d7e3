"""How much of the C stack is left while each shipped application is at work, in the emulator.

    .venv/emu/bin/python tools/bench/stack.py --firmware IMAGE.uf2 [--chip w5500] [--update]

MicroPython has 8 kB of C stack on an RP2040 and keeps 256 octets of them for itself: a call below
that is "maximum recursion depth exceeded". The board runs firmware/main.py, so every depth is the
one that a user has. Each instruction of an exchange is looked at, from the connection's SYN to its
end; what is left is counted at the entry of the deepest callback of the application, which may use
that much, and at the deepest point of all, in whatever C function that is.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import readme
from emu import boot, content
from emu.client import Client
from emu.firmware import NoImage, find
from emu.meter import MARK
from emu.objects import Objects
from emu.trace import Trace, Tracer

COSTS = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
BOTTOM = 0x20040000 + 256  # of a stack that begins 8 kB above; MICROPY_STACK_CHECK_MARGIN
LEAST = 2048  # octets that a callback must find
HEAD = (
    "application",
    "deepest callback",
    "octets left there",
    "left at the deepest point",
    "where",
)
CALLBACKS = {  # of App, UdpApp, Source and the pages of a site
    *("connected", "received", "acked", "peer_closed", "urgent", "error", "poll", "closed"),
    *("fill", "write", "note", "read"),
}
_SECONDS = 5  # emulated, for one application
_AFTER_MS = 30  # the end of a connection, and what is due behind it


class Visits:
    """The board, and a host that goes from application to application."""

    def __init__(self, image, kind):
        files = content.script("serve", kind, boot.BOARD + "/24", image=image)
        self.mcu, self.bridge = boot.board(image, files, kind)
        self.client = Client(self.bridge.wire_in, boot.BOARD)
        self.bridge.chip.wire_out = self.client.got
        said = boot.until(self.mcu, "go", 8)
        words = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
        self.tracer = Tracer(self.mcu, Objects(self.mcu.chip))
        self._learn([int(x, 16) for x in words["code"].split()][2:])
        boot.until(self.mcu, "serving http://%s/" % boot.BOARD, 8)
        self.client.arp()
        self.mcu.run_for(0.1, lambda: self.client.met)

    def _learn(self, known):
        pin, edges = self.mcu.chip.gpio[MARK], []

        def edge(state, before):
            edges.append(state)
            self.mcu.stop()

        pin.add_listener(edge)
        while 1 not in edges:
            self.mcu.run_batch(1e9)
        start = len(edges)
        self.tracer.learn(*known)(lambda: len(edges) == start)

    def watch(self, over, ms=0):
        """Steps the board until over(), and some ms behind it -> Trace."""
        clock, trace = self.mcu.clock, Trace()
        end = clock.nanos + _SECONDS * 1e9
        self.tracer.run(lambda: not over() and clock.nanos < end, trace)
        if clock.nanos >= end:
            raise boot.Stuck("no answer; the board said:\n%s" % self.mcu.console.text)
        end = clock.nanos + ms * 1e6
        self.tracer.run(lambda: clock.nanos < end, trace)
        return trace

    def tcp(self, port, data, over):
        """Twice: the second time a FIN comes with the data, which is not the plain case of a
        segment, and the state machine calls from further down.
        """
        c, traces = self.client, []
        for last in (False, True):
            c.connect(port)
            if data:
                traces.append(self.watch(lambda: c.established))
                c.write(data, last)
            traces.append(self.watch(lambda: over(bytes(c.data)), _AFTER_MS))
            c.reset()
            traces.append(self.watch(lambda: True, _AFTER_MS))
        return traces

    def udp(self):
        before = self.client.datagrams
        self.client.datagram(7, 18)
        return [self.watch(lambda: self.client.datagrams > before, _AFTER_MS)]

    def all(self):
        """-> (application, its traces)."""
        yield "echo", self.tcp(7, b"echo" * 300, lambda d: len(d) >= 1200)
        yield "discard", self.tcp(9, b"away" * 300, lambda d: True)
        yield "daytime", self.tcp(13, b"", lambda d: d.endswith(b"\n"))
        yield "chargen", self.tcp(19, b"", lambda d: len(d) >= 5000)
        for path in ("/", "/status.json", "/metrics", "/none"):
            ask = b"GET %s HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n" % path.encode()
            yield "http " + path, self.tcp(80, ask, whole)
        yield "UDP echo", self.udp()


def whole(data):
    """An HTTP answer is there, to its last octet."""
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line[15:])
    return body.endswith(b"0\r\n\r\n")


def measure(image, chip="enc28j60"):
    """-> the rows of the table."""
    rows = []
    for name, traces in Visits(image, chip).all():
        entered = {}
        for t in traces:
            for who, sp in t.entered.items():
                if who in CALLBACKS:
                    entered[who] = min(sp, entered.get(who, sp))
        who, sp = min(entered.items(), key=lambda x: x[1])
        deep = min(traces, key=lambda t: t.depth)
        rows.append((name, who, sp - BOTTOM, deep.depth - BOTTOM, " ".join(deep.deepest[-3:])))
    return rows


def main(argv=None):
    p = argparse.ArgumentParser(prog="stack", description=__doc__.split("\n")[0])
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--chip", choices=("enc28j60", "w5500", "w5100s"), default="enc28j60")
    p.add_argument("--update", action="store_true", help="write docs/costs.md")
    args = p.parse_args(argv)
    try:
        rows = measure(find(args.firmware), args.chip)
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "stack: %s\n" % exc)
    for row in (HEAD, *rows):
        print("%-18s %-17s %17s %26s  %s" % row)
    if args.update:
        readme.put("stack", readme.table(HEAD[:-1], [row[:-1] for row in rows]), COSTS)
    if min(row[2] for row in rows) < LEAST:
        p.exit(1, "stack: less than %d octets are left to a callback\n" % LEAST)
    return 0


if __name__ == "__main__":
    sys.exit(main())
