"""`make wiring`: writes boards/*/wiring.svg, and the table in each boards/*/README.md, between two
marks.

    make.py [--check]

With --check nothing is written, and what is not as it should be is named; status 1.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import readme

from wiring import board as boards
from wiring import draw


def table(board):
    """The wires as Markdown: of the module or the chip, of the processor's board, which way."""
    module = board.kind.module
    wires = list(board.wires())
    if not wires:
        return "Nothing is wired: a USB cable is all."
    into = module.names if module else "%s, on the board" % board.kind.chip
    rows = ["| %s | %s | |" % (into, board.kind.header.title), "|---|---|---|"]
    ways = {"out": "to the chip", "in": "from the chip", "power": "supply"}
    for wire in wires:
        name = "%s (%s)" % (wire.to, wire.label) if wire.to not in (None, wire.label) else ""
        name = name or wire.label
        pin = "%s, pin %s" % (wire.pin.name, wire.pin.number)
        way = ways[boards.NETS[wire.net][1]]
        if wire.net in boards.MAY_MISS and module:
            way += "; may be left out"
        rows.append("| %s | %s | %s |" % (name, pin, way))
    return "\n".join(rows)


def made(board):
    """{path: text} of what is made from a board's pins.py."""
    page = board.folder / "README.md"
    text = readme.between(page.read_text(), "wiring", table(board), page)
    return {board.folder / "wiring.svg": draw.svg(board), page: text}


def main(argv=None):
    parser = argparse.ArgumentParser(prog="wiring", description="Drawings and tables of boards/.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args(argv)
    stale = 0
    for name in boards.KINDS:
        board = boards.load(name)
        wrong = boards.faults(board)
        if wrong:
            parser.exit(2, "boards/%s/pins.py: %s\n" % (name, "; ".join(wrong)))
        for path, text in made(board).items():
            if path.exists() and path.read_text() == text:
                continue
            stale += 1
            print("%s %s" % ("stale:" if args.check else "wrote", path.relative_to(boards.ROOT)))
            if not args.check:
                path.write_text(text)
    if not stale:
        print("%d boards: drawings and tables are those of their pins.py" % len(boards.KINDS))
    return 1 if stale and args.check else 0


if __name__ == "__main__":
    sys.exit(main())
