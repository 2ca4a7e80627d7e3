"""Where the cycles of an exchange go, by Python function, kernel and part of the interpreter.

    .venv/emu/bin/python tools/bench/hot.py --firmware IMAGE.uf2 [--elf firmware.elf] [exchange...]

With --elf, the ELF file that the image was made from (MicroPython's build folder), and an
arm-none-eabi-nm, the second table names the interpreter's own functions.
"""

import argparse
import bisect
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

from emu import boot
from emu.firmware import NoImage, find

from bench.rig import Rig

_LINES = 24


def symbols(elf):
    """-> part(pc): the function of the ELF that an address lies in."""
    said = subprocess.run(
        ["arm-none-eabi-nm", "-n", elf], capture_output=True, text=True, check=True
    ).stdout
    words = [line.split() for line in said.splitlines()]
    table = [(int(w[0], 16), w[2]) for w in words if len(w) == 3 and w[1] in "tTwW"]
    starts = [at for at, _ in table]
    known: dict[int, str] = {}

    def part(pc):
        if pc not in known:
            k = bisect.bisect(starts, pc) - 1
            far = k < 0 or pc - starts[k] > 1 << 16
            known[pc] = "(machine code, ROM)" if far else table[k][1]
        return known[pc]

    return part


def report(name, trace, parts):
    total = sum(trace.cycles.values())
    print("\n%s: %d cycles" % (name, total))
    print("%8s %6s %8s  %s" % ("cycles", "times", "look-ups", "in itself"))
    for who, cycles in sorted(trace.cycles.items(), key=lambda x: -x[1])[:_LINES]:
        times = trace.calls.get(who, 0) + trace.resumes.get(who, 0) + trace.kernels.get(who, 0)
        mark = " [kernel]" if who in trace.kernels else ""
        print("%8d %6d %8d  %s%s" % (cycles, times, trace.seeking.get(who, 0), who, mark))
    if parts:
        print("%8s        of the interpreter" % "cycles")
        for who, cycles in sorted(trace.parts.items(), key=lambda x: -x[1])[:_LINES]:
            print("%8d        %s" % (cycles, who))


def main(argv=None):
    p = argparse.ArgumentParser(prog="hot", description=__doc__.split("\n")[0])
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--elf", metavar="FILE")
    p.add_argument("--chip", default="enc28j60")
    p.add_argument("exchanges", nargs="*")
    args = p.parse_args(argv)
    try:
        part = symbols(args.elf) if args.elf else None
        rig = Rig(find(args.firmware), args.chip, times=2, trace=True, part=part).run()
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "hot: %s\n" % exc)
    for name, trace in rig.traces.items():
        if not args.exchanges or name in args.exchanges:
            report(name, trace, args.elf)
    return 0


if __name__ == "__main__":
    sys.exit(main())
