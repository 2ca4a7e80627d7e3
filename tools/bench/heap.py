"""Heap in use of the board that firmware/ makes, and the largest free block, in the emulator.

    .venv/emu/bin/python tools/bench/heap.py --firmware IMAGE.uf2 [--chip w5500] [--update]

After boot, collected, and again after a visitor has read the status page. A few lines behind the
board's config.py let a timer say it; what they take themselves, about 300 octets, is included.
"""

import argparse
import re
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import readme
from emu import boot, content
from emu.firmware import NoImage, find

COSTS = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
AIM = 45 * 1024
HEAD = ("heap of the status page board", "octets in use", "free", "largest free block")
_SAY = b"""
def _say(timer):
    import gc, micropython
    gc.collect()
    micropython.mem_info()
    print("said")
from machine import Timer
_timer = Timer(-1, period=1500, callback=_say)
"""
_SAID = re.compile(r"GC: total: (\d+), used: (\d+), free: (\d+)\s.*?max free sz: (\d+)", re.S)
_BLOCK = 16  # octets


_BOARDS = {  # what stands behind config.py
    "the page alone": b"",
    "with name, time and events": b"hostname, ntp, events = 'uipy', '192.168.7.9', 2\n",
}


def measure(image, chip="enc28j60"):
    """-> the rows of the table."""
    return [row for name in _BOARDS for row in _measure(image, chip, name)]


def _measure(image, chip, name):
    files = content.firmware(chip, boot.BOARD + "/24", None, image)
    files["config.py"] += _BOARDS[name] + _SAY
    mcu, bridge = boot.board(image, files, chip)
    rows = []
    for when in ("after boot", "after the page was read"):
        mcu.console.text = ""
        said = boot.until(mcu, "said", 8)
        _, used, free, largest = map(int, _SAID.search(said).groups())
        rows.append((name + ", " + when, used, free, largest * _BLOCK))
        visitor = boot.Visitor(mcu, bridge)
        mcu.run_for(3, lambda v=visitor: v.at)
    return rows


def main(argv=None):
    p = argparse.ArgumentParser(prog="heap", description=__doc__.split("\n")[0])
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--chip", choices=("enc28j60", "w5500", "w5100s"), default="enc28j60")
    p.add_argument("--update", action="store_true", help="write docs/costs.md")
    args = p.parse_args(argv)
    try:
        image = find(args.firmware)
        rows = measure(image, args.chip)
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "heap: %s\n" % exc)
    how = "frozen" if content.frozen(image) else "from the file system"
    for row in (HEAD, *rows):
        print("%-48s %14s %8s %20s" % row)
    print("%s, chip %s; aim: %d octets in use, frozen" % (how, args.chip, AIM))
    if args.update:
        readme.put("heap", readme.table(HEAD, rows) + "\n\nThe library %s." % how, COSTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
