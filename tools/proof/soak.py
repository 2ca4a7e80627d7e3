"""Days of a board's life in minutes: driver, chip model and stack on a virtual clock, with faults
at random moments.

    python tools/proof/soak.py --chip w5500 --days 2 --seed 1

A peer keeps one TCP connection to the board's echo service all the time. Every few minutes
something breaks: any fault of tools/proof/faultmatrix.py, in any transaction of an exchange. The
exchange must come through; then, on a line that is left alone, another one, without any counter of
trouble moving. In between the board sleeps a second at a time, as firmware/main.py does, or misses
some minutes altogether. In the end the status page is fetched over HTTP, and the memory is
compared with that of the first hour.
"""

import argparse
import gc
import random
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]

import machine
import main as firmware
from chips.pair import Pair
from chips.rig import kinds
from uipy import App, Bytes

from proof import faultmatrix

assert machine  # gives `time` the ticks_* of MicroPython

MINUTE_MS = 60_000
HARMLESS = {"rx", "tx"}  # counters that move in a healthy exchange


class Failed(AssertionError):
    """What went wrong, and with which seed."""


class Browser(App):
    """Fetches the status page."""

    def __init__(self):
        self.got = bytearray()
        self.done = False

    def connected(self, conn):
        conn.send(Bytes(b"GET / HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n"))

    def received(self, conn, buf, start, n):
        self.got += buf[start : start + n]

    def closed(self, conn, reason):
        self.done = True


class Soak:
    """One board and its peer. `events` counts the faults by name."""

    def __init__(self, kind, seed):
        self.random = random.Random(f"{kind} {seed}")
        self.seed = seed
        self.kind = kind
        self.faults = faultmatrix.COMMON + faultmatrix.OWN.get(kind, [])
        self.pair = Pair(kind)
        self.rig = self.pair.rig
        self.pair.board.listen(80, firmware.site(self.pair.board, "soak"), 1)
        self.events = {}
        self.causes = {}  # counter: the faults after which it moved
        self.name = "start"
        self.octets = 0
        self.patience = 5 * MINUTE_MS  # for an answer after a fault: the RTO backs off

    # The clock

    def sleep(self, ms):
        """An idle board: a poll a second, or none for a while."""
        end = self.rig.clock.ns + ms * 1_000_000
        while self.rig.clock.ns < end:
            self.settle()
            step = 1000 if self.random.random() < 0.5 else self.random.randrange(1000, MINUTE_MS)
            self.rig.clock.advance_ms(step)

    def settle(self):
        """Polls until both sides have nothing to do at once."""
        for _ in range(50):
            before = self.rig.wiring.transactions
            self.pair.turn()
            if self.rig.wiring.transactions == before:
                return

    # What happens

    def exchange(self, ms):
        pair = self.pair
        data = self.random.randbytes(self.random.choice((1, 60, 500, 1460, 4000)))
        self.octets += len(data)
        if not pair.echo(data, ms):
            self.fail("no answer: %s" % (pair.client.reason or "the connection hangs"))
        pair.client.got.clear()
        pair.asked.clear()

    def strike(self):
        """A fault in a random transaction of an exchange."""
        rig = self.rig
        self.name, fault = self.random.choice(self.faults)
        self.events[self.name] = self.events.get(self.name, 0) + 1
        before = self.trouble()
        rig.wiring.at(self.random.randrange(40), fault(rig, self.random))
        rig.later(1_000, self.heal)
        self.exchange(self.patience)
        self.pair.run(2_500)
        rig.wiring.clear()
        self.exchange(MINUTE_MS)
        for counter, value in self.trouble().items():
            if value != before.get(counter, 0):
                self.causes.setdefault(counter, set()).add(self.name)

    def heal(self):
        """What does not end by itself does so after a second."""
        self.rig.chip.fault.int_stuck = None
        self.rig.wiring.lost_edges = 0

    def peace(self):
        """Nothing breaks: no counter of trouble may move."""
        before = self.trouble()
        self.sleep(self.random.randrange(2, 10) * MINUTE_MS)
        self.exchange(MINUTE_MS)
        moved = {k for k, v in self.trouble().items() if v != before.get(k, 0)}
        moved -= {"rx_quiet"}  # a minute of silence is worth a reset to the ENC28J60's driver
        if moved:
            self.fail("%s moved without a cause" % ", ".join(sorted(moved)))

    def trouble(self):
        return {k: v for k, v in self.rig.counters().items() if k not in HARMLESS}

    def fetch(self):
        browser = Browser()
        self.pair.peer.connect(browser, "192.168.1.7", 80)
        if not self.pair.until(lambda: browser.done, MINUTE_MS):
            self.fail("the page did not come")
        return bytes(browser.got)

    def fail(self, text):
        ms = self.rig.clock.ns // 1_000_000
        raise Failed(
            "%s, seed %s, day %.3f, after %s (%d faults): %s"
            % (self.kind, self.seed, ms / 86_400_000, self.name, sum(self.events.values()), text)
        )

    def run(self, days):
        """-> growth of the heap in blocks, from the first hour to the end."""
        end = self.rig.clock.ns + int(days * 86_400e9)
        first = None
        while self.rig.clock.ns < end:
            self.strike()
            self.peace()
            self.rig.got.clear()
            self.rig.sent.clear()
            self.rig.chip.complaints.clear()
            if first is None and self.rig.clock.ns > 3_600e9:
                first = blocks()
        return blocks() - (first or blocks())


def blocks():
    gc.collect()
    return sys.getallocatedblocks()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--chip", choices=kinds(), action="append")
    p.add_argument("--days", type=float, default=1)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    for kind in args.chip or kinds():
        soak = Soak(kind, args.seed)
        grown = soak.run(args.days)
        page = soak.fetch()
        print(
            "%s: %g days, %d faults, %d octets echoed, one connection; heap %+d blocks; %s"
            % (
                kind,
                args.days,
                sum(soak.events.values()),
                soak.octets,
                grown,
                page.split(b"\r\n")[0].decode(),
            )
        )
        for counter in sorted(soak.trouble()):
            print(
                "  %-12s %6d  %s"
                % (
                    counter,
                    soak.trouble()[counter],
                    ", ".join(sorted(soak.causes.get(counter, {"-"}))),
                )
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
