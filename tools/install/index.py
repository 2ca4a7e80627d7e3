"""`make mip`: an index for mip in build/mip, .mpy files for a machine in each folder of it.

    make mip ARGS="armv6m xtensawin"                       for these machines (all)
    python3 -m http.server -d build/mip 8000               any web server will do
    mpremote mip install --index http://PC:8000/armv6m uipy
    mip.install("uipy-host", index="http://PC:8000/armv6m")

mip tells an index the version of .mpy files that a board reads and not its machine, so each
machine has an index of its own: armv6m is an RP2040, armv7emsp an RP2350, xtensawin an ESP32; in
`any` is no native code. Packages are called uipy-PIECE; uipy is all, and uipy-BOARD, in small
letters and with dashes, is all with the driver and the pins of a board.
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import interpreters
from parts import cross, pieces
from parts.scopes import ROOT

from install import content
from install.content import Refused
from install.packages import MAIN, VERSION

OUT = ROOT / "build" / "mip"
FORMAT = "6"  # .mpy files; `mpy/VERSION` of an index
ARCHES = ("armv6m", "armv7emsp", "xtensawin", "rv32imc", cross.ANY)
_SHORT = 8  # octets of a SHA-256, in hexadecimal digits twice as many


def board_package(board):
    return "uipy-" + board.lower().replace("_", "-")


def _named(names):
    """These pieces as packages, without those that another of them brings."""
    brought = {n for name in names for n in pieces.closure([name]) if n != name}
    return ["uipy-" + n for n in sorted(names) if n not in brought]


def packages(arch):
    """{package: ({path below lib/: octets}, [packages that it needs])} for a machine."""
    found = {}
    for name, piece in pieces.pieces().items():
        files = content.library([name], "" if arch == cross.ANY else arch)
        if "main.py" in files:
            del files["main.py"]
            folder = cross.package(arch)
            files[MAIN + ".mpy"] = (folder / "main.mpy").read_bytes()
            files["config.py"] = content.CONFIG.read_bytes()
        found["uipy-" + name] = files, _named(piece.needs)
    found["uipy"] = {}, _named(pieces.whole())
    for board in content.boards():
        needs = _named(pieces.whole(content.driver(board)))
        found[board_package(board)] = {"pins.py": content.pins(board)}, needs
    return found


def write(arch, out=OUT):
    """Writes the index of a machine; returns (its folder, how many packages, octets of files)."""
    folder = Path(out) / arch
    shutil.rmtree(folder, ignore_errors=True)
    octets = 0
    made = packages(arch)
    for name, (files, needs) in made.items():
        hashes = []
        for path, data in sorted(files.items()):
            short = hashlib.sha256(data).hexdigest()[: 2 * _SHORT]
            hashes.append([path, short])
            target = folder / "file" / short[:2] / short
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                octets += len(data)
        text = {"hashes": hashes, "deps": [[n, "latest"] for n in needs], "version": VERSION}
        for version in ("latest", VERSION):
            target = folder / "package" / FORMAT / name / (version + ".json")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(text))
    return folder, len(made), octets


def main(argv=None):
    p = argparse.ArgumentParser(prog="mip", description=__doc__.split("\n")[0])
    p.add_argument("--out", metavar="FOLDER", default=str(OUT), help="where to (build/mip)")
    p.add_argument("arches", nargs="*", help="machines: %s" % ", ".join(ARCHES))
    args = p.parse_args(argv)
    try:
        for arch in args.arches or ARCHES:
            folder, count, octets = write(arch, args.out)
            print("%s: %d packages, %d octets" % (folder, count, octets))
    except (Refused, interpreters.Missing) as said:
        p.exit(2, "mip: %s\n" % said)
    print("serve it: python3 -m http.server -d %s 8000" % args.out)
    print("mpremote mip install --index http://PC:8000/%s uipy" % (args.arches or ARCHES)[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
