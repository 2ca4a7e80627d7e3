"""Compiles with mpy-cross: every source module for the machines of all boards (`make lint`), and
the joined parts as packages of .mpy files (`make parts`).

armv6m is the RP2040; armv7emsp an RP2350 (a Cortex-M33, whose ARMv8-M has no name of its own in
MicroPython) or an STM32F4; rv32imc an RP2350 that was started with its RISC-V cores; xtensawin an
ESP32; x64 MicroPython on a PC. Prints what failed and ends with 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import interpreters

from parts import join

ROOT = interpreters.ROOT

ARCHES = ("armv6m", "armv7emsp", "rv32imc", "xtensawin", "x64")
MACHINES = ARCHES[:-1]
ANY = "any"  # bytecode alone, every kernel in Python: any machine, at some times the cycles
OPTIONS = ("-O3",)


def package(arch, out=join.OUT):
    """Compiles the joined form for a machine, or for ANY; returns its folder, which goes where
    lib/ would."""
    source = join.build("plain" if arch == ANY else "viper", out)
    folder = Path(out) / arch
    made_from = (source / "made.from").read_text()
    stamp = folder / "made.from"
    if stamp.exists() and stamp.read_text() == made_from:
        return folder
    for path in folder.rglob("*.mpy"):
        path.unlink()
    machine = () if arch == ANY else ("-march=" + arch,)
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source)
        # The name inside is what a traceback on the board shows.
        options = (*OPTIONS, *machine, "-s", name.as_posix())
        interpreters.compile_mpy(path, folder / name.with_suffix(".mpy"), *options)
    # What runs at boot is wanted as a source.
    (folder / "main.py").write_text((source / "main.py").read_text())
    stamp.write_text(made_from)
    return folder


def lint():
    """Compiles every source file and every part for every machine; returns how many failed."""
    sources = sorted(p for top in ("lib", "firmware") for p in (ROOT / top).rglob("*.py"))
    sources += sorted(join.build("viper").rglob("*.py"))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            for arch in MACHINES:
                try:
                    interpreters.compile_mpy(source, Path(folder) / "out.mpy", "-march=" + arch)
                except AssertionError as said:
                    failed += 1
                    print("%s for %s:\n%s" % (source.relative_to(ROOT), arch, said))
    print("mpy-cross: %d modules x %d machines, %d failed" % (len(sources), len(MACHINES), failed))
    return failed


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lint", action="store_true", help="compile everything, keep nothing")
    parser.add_argument("arches", nargs="*", help="machines: %s, any" % ", ".join(ARCHES))
    args = parser.parse_args(argv)
    try:
        if args.lint:
            return 1 if lint() else 0
        for variant in join.VARIANTS:
            join.build(variant)
        for arch in args.arches or ARCHES:
            folder = package(arch)
            files = list(folder.rglob("*.mpy"))
            octets = sum(f.stat().st_size for f in files)
            print("%s: %d files, %d octets" % (join.shown(folder), len(files), octets))
    except (join.Refused, interpreters.Missing, AssertionError) as said:
        sys.exit(str(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
