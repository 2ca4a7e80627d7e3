"""package.json files for `mip install github:...` or from a checkout: the sources as they are.

    package.json                 the whole
    lib/NAME.json                a piece of the library and all that it needs
    firmware/package.json        what runs at boot, without what it needs
    boards/NAME/package.json     the pins of a board

    .venv/bin/python tools/install/packages.py            writes them
    .venv/bin/python tools/install/packages.py --check    says what is not as it would write it

A package.json names files below its own folder, and another package only by a whole address: so a
piece lists all that it needs. The pieces and their needs are those of tools/parts/table.py. `make
mip` makes an index with .mpy files as well, where a package names those that it needs.
"""

import argparse
import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from parts import pieces
from parts.scopes import ROOT

from install.content import BOARD, CONFIG

VERSION = "0"
# What main.py is called in lib/, where the board's own main.py must not be found instead of it:
#     from uipy.board import main
#     main()
MAIN = "uipy/board"
_OUT = ("uipy/kern/cpython.py",)  # of a PC


def entries(names, folder=ROOT):
    """[[path on the board, path below the folder]] of these pieces, sorted."""
    found = {}
    for name in names:
        for target, path in pieces.pieces()[name].sources.items():
            if target not in _OUT:
                found[target] = path
    if BOARD in names:
        found[MAIN + ".py"] = found.pop("main.py")
        found["config.py"] = CONFIG
    return [[t, found[t].relative_to(folder).as_posix()] for t in sorted(found)]


def package(rows):
    """The text of a package.json with these entries."""
    lines = ",\n".join("    " + json.dumps(row) for row in rows)
    return '{\n  "urls": [\n%s\n  ],\n  "deps": [],\n  "version": "%s"\n}\n' % (lines, VERSION)


def files():
    """{path: text} of all of them."""
    firmware = ROOT / "firmware"
    found = {
        ROOT / "package.json": package(entries(pieces.whole())),
        firmware / "package.json": package(entries([BOARD], firmware)),
    }
    for name in pieces.pieces():
        if name != BOARD:
            rows = entries(pieces.closure([name]), ROOT / "lib")
            found[ROOT / "lib" / (name + ".json")] = package(rows)
    for path in (ROOT / "boards").glob("*/pins.py"):
        found[path.with_name("package.json")] = package([["pins.py", "pins.py"]])
    return found


def stale():
    """The paths of those that are not as they should be, and of those that should not be."""
    wanted = files()
    found = [p for p, text in wanted.items() if not p.exists() or p.read_text() != text]
    return found + [p for p in (ROOT / "lib").glob("*.json") if p not in wanted]


def main(argv=None):
    p = argparse.ArgumentParser(prog="packages", description=__doc__.split("\n")[0])
    p.add_argument("--check", action="store_true", help="write nothing")
    args = p.parse_args(argv)
    wanted = files()
    for path in stale():
        if args.check:
            print("not as tools/install/packages.py makes it: %s" % path.relative_to(ROOT))
        elif path in wanted:
            path.write_text(wanted[path])
            sys.stderr.write("rewritten: %s\n" % path)
        else:
            path.unlink()
            sys.stderr.write("removed: %s\n" % path)
    return 1 if args.check and stale() else 0


if __name__ == "__main__":
    sys.exit(main())
