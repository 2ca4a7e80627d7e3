"""Chip x fault x moment: every SPI transaction of one frame received and one sent is hit once with
each fault.

    python tools/proof/faultmatrix.py [--chip enc28j60] [--fault name] [--seed 1] [--each 1]
                                      [--write]

For each fault and moment a fresh board runs twice on a virtual clock: with bare frames, to see
what is lost and how long it takes until frames pass again in both directions, and with a TCP
connection that is in the middle of an exchange, to see that it lives through it. `--each` tries so
many random places (octet and bit) in each transaction. `--write` puts the tables into
docs/DRIVERS.md; host_tests/drivers/test_faults.py runs the same and compares.

A new chip is a line in `OWN`; a new fault one in `COMMON`.
"""

import argparse
import random
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import machine
from chips import faults as spi
from chips import page
from chips.pair import Pair
from chips.rig import Rig, frame, kinds

assert machine  # gives `time` the ticks_* of MicroPython
PROBE_MS = 10
BOUND_MS = 3000  # until frames pass again; the driver's worst is the search for a lost chip
ANSWER_MS = 30_000  # TCP may have to wait for its retransmission timer


def place(rnd, octets=3):
    """-> one of the first octets of a transaction, with instruction and pointers; and a bit."""
    return rnd.randrange(min(octets, 3)), rnd.randrange(8)


# Faults of any chip: (rig, random) -> what happens in the transaction


def flip_to(rig, rnd):
    return spi.FlipMosi(*place(rnd, rig.octets))


def flip_from(rig, rnd):
    return spi.FlipMiso(rnd.randrange(rig.octets), rnd.randrange(8))


def flip_in_frame(rig, rnd):
    return spi.FlipMosi(rnd.randrange(3, 60), rnd.randrange(8))


def lose_clock(rig, rnd):
    return spi.LoseClock(*place(rnd, rig.octets))


def lose_octet(rig, rnd):
    return spi.LoseOctet(rnd.randrange(min(rig.octets, 3)))


def brown_out(rig, rnd):
    return spi.Call(rig.chip.brown_out)


def brown_out_inside(rig, rnd):
    return spi.CallAt(1, rig.chip.brown_out)


def cable_out(rig, rnd):
    def pull():
        rig.chip.link(False)
        rig.later(300, lambda: rig.chip.link(True))

    return spi.Call(pull)


def silent(level):
    def fault(rig, rnd):
        def back():
            rig.chip.fault.absent = None
            rig.chip.power_on()

        def go():
            rig.chip.fault.absent = level
            rig.later(700, back)

        return spi.Call(go)

    return fault


def int_edge_lost(rig, rnd):
    return spi.Call(lambda: setattr(rig.wiring, "lost_edges", 1))


def int_stuck(level):
    def fault(rig, rnd):
        return spi.Call(lambda: setattr(rig.chip.fault, "int_stuck", level))

    return fault


COMMON = [
    ("bit flipped to the chip", flip_to),
    ("bit flipped from the chip", flip_from),
    ("bit flipped within the frame", flip_in_frame),
    ("clock lost", lose_clock),
    ("octet lost", lose_octet),
    ("brown-out", brown_out),
    ("brown-out within a transaction", brown_out_inside),
    ("cable out for 300 ms", cable_out),
    ("chip gone for 700 ms, reads 0x00", silent(0x00)),
    ("chip gone for 700 ms, reads 0xFF", silent(0xFF)),
    ("INT edge lost", int_edge_lost),
    ("INT stuck low", int_stuck(0)),
    ("INT stuck high", int_stuck(1)),
]


def knob(name, value):
    """A fault that the model plays when the attribute of its `fault` is set."""

    def fault(rig, rnd):
        return spi.Call(lambda: setattr(rig.chip.fault, name, value))

    return fault


def rxen_off(rig, rnd):
    return spi.Call(lambda: rig.chip.reg.update(ECON1=rig.chip.reg["ECON1"] & ~4))


def flooded(rig, rnd):
    """The receive memory fills up in an instant."""

    def flood():
        for k in range(200):
            rig.chip.wire_in(frame(1514, fill=k))

    return spi.Call(flood)


def flooded_and_dead(rig, rnd):
    def flood():
        flooded(rig, rnd).begin(rig.wiring)
        rig.chip.fault.rx_dead = True

    return spi.Call(flood)


WIZNET = [
    ("receive overflow", flooded),
    ("SENDOK never comes", knob("tx_stuck", 1)),
    ("bogus length", knob("length_wrong", 1)),
    ("receive size misread", knob("rsr_wrong", 1)),
]
OWN = {
    "enc28j60": [
        ("RXEN cleared", rxen_off),
        ("receive overflow", flooded),
        ("receive overflow, receiver dead", flooded_and_dead),
        ("wrong next packet pointer", knob("next_wrong", 1)),
        ("TXRTS stuck", knob("tx_stuck", 1)),
        ("late collision", knob("late", 1)),
        ("false late collision, 3 times", knob("false_late", 3)),
        ("too many collisions", knob("excess", 1)),
    ],
    "w5500": WIZNET,
    "w5100s": WIZNET,
    "w6100": WIZNET,
}


class Row:
    """What one fault did to one chip, over all moments."""

    def __init__(self, chip, fault):
        self.chip, self.fault = chip, fault
        self.runs = self.lost = self.ms = self.connections = 0
        self.seen = set()  # counters that moved
        self.failed = []  # (moment, why)

    def cells(self):
        seen = ", ".join(sorted(self.seen)) or "-"
        return (self.fault, self.runs, seen, self.ms, self.lost, self.connections)


def moments(kind):
    """-> the octets of each transaction: of a frame in and one out, of a segment in and out."""
    rig, pair = start(kind), connect(kind)
    rig.wiring.log, pair.rig.wiring.log = [], []
    assert rig.echo(frame(300)) and pair.echo(bytes(200))
    return [[size for _, _, size in r.wiring.log] for r in (rig, pair.rig)]


def start(kind):
    rig = Rig(kind)
    rig.run(650, step_ms=5)
    assert rig.echo(frame(200))
    return rig


def connect(kind):
    pair = Pair(kind)
    pair.run(200)
    assert pair.echo(bytes(100))
    pair.run(50)
    return pair


def with_frames(row, kind, fault, k, octets, rnd):
    """One frame in, one out, the fault in transaction k; then probes until two pass in a row."""
    rig = start(kind)
    rig.octets = octets
    known = set(rig.counters().items())
    rig.wiring.at(k, fault(rig, rnd))
    before = rig.clock.ns
    probes, passed = [], []
    while passed[-2:] != [True, True]:
        if rig.clock.ns - before > BOUND_MS * 1_000_000:
            row.failed.append((k, "no frame passes"))
            return
        probes.append(frame(300, fill=len(probes)))
        passed.append(probe(rig, probes[-1]))
    if False in passed:
        row.ms = max(row.ms, PROBE_MS * (len(passed) - passed[::-1].index(False)))
    rig.run(1200, step_ms=2)
    rig.wiring.clear()
    if not steady(rig):
        row.failed.append((k, "frames are lost after the recovery"))
    row.lost = max(row.lost, len(probes) - sum(p in rig.sent for p in probes))
    row.seen |= {n for n, v in set(rig.counters().items()) - known if n not in ("rx", "tx")}


def probe(rig, sent):
    """A frame comes in and is echoed with all others for PROBE_MS -> True when it went through."""
    rig.chip.wire_in(sent)
    until = rig.clock.ns + PROBE_MS * 1_000_000
    passed = False
    while rig.clock.ns < until:
        got = rig.poll()
        if got is not None:
            rig.send(got, ms=300)
            passed = passed or rig.sent[-1:] == [sent]
        rig.clock.advance(100_000)
    return passed


def steady(rig):
    """-> True when the next frames all pass. A broken INT line may cost each a health check."""
    for k in range(5):
        f = frame(200 + 100 * k, fill=100 + k)
        if not rig.echo(f, ms=300):
            return False
    return True


def with_connection(row, kind, fault, k, octets, rnd):
    """An exchange over TCP with the fault in transaction k, and another one after it."""
    pair = connect(kind)
    pair.rig.octets = octets
    pair.rig.wiring.at(k, fault(pair.rig, rnd))
    if not pair.echo(bytes(rnd.randrange(256) for _ in range(200)), ANSWER_MS):
        row.connections += 1
        row.failed.append((k, f"connection: {pair.client.reason or 'no answer'}"))
        return
    pair.rig.wiring.clear()
    if not pair.echo(bytes(3000), ANSWER_MS):
        row.connections += 1
        row.failed.append((k, "connection: no second answer"))


def run(kind, seed=1, each=1, only=None):
    """-> the rows of a chip."""
    frames, segments = moments(kind)
    rows = []
    for name, fault in COMMON + OWN.get(kind, []):
        if only and only not in name:
            continue
        rnd = random.Random(f"{seed} {kind} {name}")
        row = Row(kind, name)
        for _ in range(each):
            for k, octets in enumerate(frames):
                with_frames(row, kind, fault, k, octets, rnd)
            for k, octets in enumerate(segments):
                with_connection(row, kind, fault, k, octets, rnd)
            row.runs += len(frames) + len(segments)
        rows.append(row)
    return rows


HEAD = ("fault", "runs", "counted as", "recovered, ms", "frames lost", "connections lost")


def table(kind, rows):
    return f"### {kind}\n\n" + page.table(HEAD, [r.cells() for r in rows], right=(1, 3, 4, 5))


def stored():
    """-> the tables that docs/DRIVERS.md has, by chip."""
    parts = page.between("faults").split("### ")[1:]
    return {part.split("\n", 1)[0]: "### " + part.strip() for part in parts}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--chip", choices=kinds(), action="append")
    p.add_argument("--fault", help="only faults whose name has this in it")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--each", type=int, default=1)
    p.add_argument("--write", action="store_true")
    args = p.parse_args()
    tables, bad = stored(), 0
    for kind in args.chip or kinds():
        rows = run(kind, args.seed, args.each, args.fault)
        tables[kind] = table(kind, rows)
        print(tables[kind])
        for row in rows:
            for moment, why in row.failed:
                bad += 1
                print(f"{kind}: {row.fault}, transaction {moment}: {why}")
    if args.write and not bad:
        page.put("faults", "\n\n".join(tables[k] for k in kinds() if k in tables))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
