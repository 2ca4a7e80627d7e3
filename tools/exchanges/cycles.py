"""`make bench-cycles FIRMWARE=file.uf2 ARGS=--parts`: cycles of an exchange of each part.

    .venv/emu/bin/python tools/exchanges/cycles.py --firmware IMAGE.uf2 [CASE...]

A board that has nothing but the stack and the part has the exchange on the emulated RP2040
(board.py; it boots once, and each case has a copy of it) and says by a pin when it works; between
two edges of the pin the emulator's cycles are counted, no driver among them. The exchanges are
warm, the heap is collected before each window, so that no collection is in one. The row is the
median of ten. --twice has all of them twice, from power on, and compares to the cycle; --update
writes docs/cycles.tsv.

What differs from board to board is the search for heap. A function whose VM frame is over 11
words, an open file and the like ask for some blocks in a row, and MicroPython looks for them from
the front of the heap, past all that is taken: up to 100,000 cycles each in a heap that is full of
code, where a few thousand do when there is room at the front. So each is counted twice, with 16 kB
free there and without ("heap full"). Without the search the two differ by one in a thousand.
"""

import argparse
import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

from emu import boot, content
from emu.firmware import NoImage, find

from exchanges import PINS, book, host, web
from exchanges.edges import Count, Edges

TOOLS = Path(__file__).resolve().parents[1]
MODULES = (
    *("exchanges/%s.py" % name for name in ("__init__", "base", "board", "host", "web")),
    *("proof/__init__.py", "proof/hotpath.py", "bench/__init__.py", "bench/packets.py"),
    *("wire/__init__.py", "wire/null.py"),
)
_PATIENCE_S = 120  # emulated


def start(image):
    """-> (mcu, what the board says that it is): about to learn which case is wanted."""
    found = content.script("exchanges", image=image)
    for name in MODULES:
        found[name.replace(".py", ".mpy")] = content.mpy(TOOLS / name)
    mcu, _ = boot.board(image, found)
    said = boot.until(mcu, "go", _PATIENCE_S)
    (machine,) = [line[8:] for line in said.splitlines() if line.startswith("machine ")]
    return mcu, machine


def measure(mcu, case):
    """-> Count. The board that has started is copied, and the copy has the exchange."""
    reads, writes = os.pipe()
    child = os.fork()
    if child:
        os.close(writes)
        with os.fdopen(reads) as f:
            said = f.read()
        os.waitpid(child, 0)
        if not said.startswith("["):
            raise boot.Stuck(said)
        return Count(*json.loads(said))
    try:
        said = json.dumps(_had(mcu, case))
    except (ValueError, boot.Stuck, boot.HardFault) as exc:
        said = "%s: %s" % (case, exc)
    os.write(writes, said.encode())
    os._exit(0)


def _had(mcu, case):
    number = [name for name, _ in host.CASES + web.CASES].index(case)
    for k, pin in enumerate(PINS):
        mcu.chip.gpio[pin].set_input_value(bool(number >> k & 1))
    edges = Edges(mcu)
    boot.until(mcu, "done", _PATIENCE_S)
    return edges.count()


def main(argv=None):
    p = argparse.ArgumentParser(prog="bench-cycles --parts", description=__doc__)
    p.add_argument("case", nargs="*", help="all of them, if none is named")
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--twice", action="store_true", help="twice, and compare to the cycle")
    p.add_argument("--update", action="store_true", help="write docs/cycles.tsv")
    args = p.parse_args(argv)
    form = "%-12s %10s %8s %10s"
    found = {}
    try:
        image = find(args.firmware)
        mcu, machine = start(image)
        print(form % ("exchange", "cycles", "spread", "heap full"))
        for case in args.case or book.CASES:
            found[case] = measure(mcu, case)
            print(form % (case, *(format(n, ",") for n in found[case])), flush=True)
            if args.twice and measure(start(image)[0], case) != found[case]:
                p.exit(1, "bench-cycles: the second run of %s differs\n" % case)
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "bench-cycles: %s\n" % exc)
    if args.twice:
        print("a second run: the same to the cycle")
    print(machine)
    if args.update:
        book.write("frozen" if content.frozen(image) else "files", machine, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
