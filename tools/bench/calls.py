"""Calls and look-ups a packet, counted on the emulated RP2040 (emu/trace.py).

    .venv/emu/bin/python tools/bench/calls.py --firmware IMAGE.uf2 [--chip w5500] [--who]

    Python     functions of bytecode that are called
    resumed    turns of a generator
    kernels    functions of machine code
    look-ups   in a table of names or a dictionary, whatever for: globals, attributes, methods,
               keyword arguments. Each entry into the interpreter's mp_map_lookup is one.
    failed     those that found nothing: an attribute looked for in the instance that lies in its
               class, a global that is a built-in

`--who` lists the functions. `make bench-cycles` prints the table, too.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import readme
from emu import boot
from emu.firmware import NoImage, find

from bench.rig import Rig

COSTS = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
HEAD = ("exchange", "Python", "resumed", "kernels", "look-ups", "failed")


def measure(image, chip="enc28j60"):
    """-> {exchange: Trace}."""
    return Rig(image, chip, times=2, trace=True).run().traces


def _rows(traces):
    for name, t in traces.items():
        counts = (sum(x.values()) for x in (t.calls, t.resumes, t.kernels))
        yield (name, *counts, t.found + t.failed, t.failed)


def show(chip, traces):
    print("\ncalls and look-ups, chip %s" % chip)
    for row in (HEAD, *_rows(traces)):
        print("%-15s %7s %8s %8s %9s %7s" % row)


def write(traces):
    """The table of docs/costs.md."""
    readme.put("calls", readme.table(HEAD, list(_rows(traces))), COSTS)


def main(argv=None):
    p = argparse.ArgumentParser(prog="calls", description=__doc__.split("\n")[0])
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--chip", choices=("enc28j60", "w5500", "w5100s"), default="enc28j60")
    p.add_argument("--who", action="store_true", help="the functions by name")
    args = p.parse_args(argv)
    try:
        traces = measure(find(args.firmware), args.chip)
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "calls: %s\n" % exc)
    show(args.chip, traces)
    for name, t in traces.items() if args.who else ():
        for what, table in (("Python", t.calls), ("resumed", t.resumes), ("kernels", t.kernels)):
            said = ", ".join("%s %d" % x for x in sorted(table.items(), key=lambda x: -x[1]))
            print("\n%s, %s: %s" % (name, what, said or "none"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
