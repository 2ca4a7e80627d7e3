"""`make firmware`: an image of MicroPython with uipy in it, for one board.

    make firmware BOARD=RPI_PICO_ENC28J60 MICROPYTHON_DIR=../micropython

MicroPython's own build of the port, with the board's folder of ours: what is missing for it is
said in a sentence, before anything is done. The image is build/firmware/BOARD.uf2 (.bin for an
ESP32). ROMFS=1: the parts are not frozen, they run from a partition that `make romfs` can fill
anew without another image.
"""

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import interpreters
from parts import join

from image import boards, child, manifest, uf2
from image import romfs as rom
from image.boards import BUILD, Refused

WANTED = (1, 28)  # the oldest MicroPython, and the one that uipy is tested with
SOURCE = "https://github.com/micropython/micropython"
# What a port's build needs of MicroPython's submodules, and a file that shows that it is there.
SUBMODULES = {
    "rp2": {
        "lib/pico-sdk": "pico_sdk_init.cmake",
        "lib/tinyusb": "src/tusb.h",
        "lib/mbedtls": "library/ssl_tls.c",
        "lib/micropython-lib": "README.md",
    },
    "esp32": {
        "lib/berkeley-db-1.xx": "README",
        "lib/micropython-lib": "README.md",
    },
}
# Programs that a port's build calls, and how to come by them.
PROGRAMS = {
    "rp2": {
        "cmake": "apt install cmake, or brew install cmake",
        "arm-none-eabi-gcc": "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi,"
        " or brew install --cask gcc-arm-embedded",
        "c++": "apt install build-essential, or xcode-select --install",
    },
    "esp32": {
        "idf.py": "ports/esp32/README.md in MicroPython's checkout says how ESP-IDF is installed;"
        " then `. esp-idf/export.sh`",
    },
}
COSTS = boards.ROOT / "docs" / "costs.md"  # measured, by make bench-cycles
_XIP = 0x10000000  # where an RP2's flash begins
_MEGABYTE = 1 << 20
_ROMFS = 384 << 10  # boards/common/rp2.h


def tree(folder, board):
    """-> (MicroPython's checkout, its version); raises Refused, with the remedy, for one that
    cannot be built."""
    if not folder:
        raise Refused(
            "MICROPYTHON_DIR= is to name a checkout of MicroPython: git clone -b v%d.%d.0 %s,"
            " then make firmware BOARD=%s MICROPYTHON_DIR=micropython"
            % (*WANTED, SOURCE, board.name)
        )
    top = Path(folder).expanduser().resolve()
    config = top / "py" / "mpconfig.h"
    if not config.is_file():
        raise Refused("%s is no checkout of MicroPython: it has no py/mpconfig.h" % folder)
    text = config.read_text()
    version = tuple(
        int(re.search(r"^#define MICROPY_VERSION_%s (\d+)" % part, text, re.M)[1])  # type: ignore[index]
        for part in ("MAJOR", "MINOR", "MICRO")
    )
    if version < WANTED:
        raise Refused(
            "%s is MicroPython %d.%d.%d, and uipy wants %d.%d or newer:"
            " git -C %s checkout v%d.%d.0" % (folder, *version, *WANTED, folder, *WANTED)
        )
    missing = [
        name
        for name, file in SUBMODULES[board.processor.port].items()
        if not (top / name / file).exists()
    ]
    if missing:
        raise Refused(
            "MicroPython's submodules are not all there: git -C %s submodule update --init %s"
            % (folder, " ".join(missing))
        )
    return top, version


def programs(port):
    """Raises Refused for the first program that is missing."""
    for name, remedy in PROGRAMS[port].items():
        if not shutil.which(name):
            raise Refused("no %s on this machine's PATH: %s" % (name, remedy))
    if port == "esp32" and not os.environ.get("IDF_PATH"):
        raise Refused("IDF_PATH is not set: . esp-idf/export.sh, in this shell")


def cross(top, version):
    """-> the path of a mpy-cross of the checkout's version."""
    said = os.environ.get("MICROPY_MPYCROSS")
    if said:
        return said
    ours = interpreters.mpy_cross()
    words = interpreters.run([ours, "--version"])
    if "v%d.%d." % version[:2] in words:
        return ours
    theirs = top / "mpy-cross" / "build" / "mpy-cross"
    if not theirs.exists():
        message = "MicroPython %d.%d.%d wants its own mpy-cross: make -C %s"
        raise Refused(message % (*version, theirs.parents[1]))
    return str(theirs)


def build(board, top, version, romfs, jobs):
    """MicroPython's own make; -> the image that it has made."""
    name = board.name + ("-romfs" if romfs else "")
    work = BUILD / "firmware" / name
    log = work.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    # What is to be frozen is looked at by its time alone, which is not that of its making.
    shutil.rmtree(work / "frozen_mpy", ignore_errors=True)
    (work / "frozen_content.c").unlink(missing_ok=True)
    env = child.environment(
        MICROPY_MPYCROSS=cross(top, version),
        CMAKE_ARGS="-DUIPY_ROMFS=%d" % romfs if board.processor.port == "rp2" else "",
    )
    port = top / "ports" / board.processor.port
    command = ["make", "-C", str(port), "-j%d" % jobs, "BUILD=%s" % work]
    command += ["BOARD=%s" % board.name, "BOARD_DIR=%s" % board.folder]
    what = "MicroPython %d.%d.%d for %s: some minutes the first time" % (*version, name)
    child.run(command, log, what, env)
    made = work / ("firmware.uf2" if board.processor.family else "firmware.bin")
    target = BUILD / "firmware" / (name + made.suffix)
    if board.processor.family:
        room(made, romfs)
    data = made.read_bytes()
    target.write_bytes(with_parts(data, board) if romfs else data)
    return target


def with_parts(data, board):
    """-> the image with the board's parts in its partition for ROMFS."""
    parts = rom.image(rom.compiled(board, board.processor.machine))
    if len(parts) > _ROMFS:
        raise Refused("the parts have %d octets, their partition %d" % (len(parts), _ROMFS))
    at = _XIP + _MEGABYTE - _ROMFS
    return uf2.joined(data, uf2.made(board.processor.family, at, parts))


def room(image, romfs):
    """-> (octets of flash in use, octets there are for MicroPython); raises Refused when it has
    grown into what lies behind it, which its build does not notice."""
    _, end = uf2.span(image.read_bytes(), image.name)
    there = _MEGABYTE - (_ROMFS if romfs else 0)
    if end - _XIP > there:
        raise Refused(
            "the image has %d octets, and there is room for %d in front of the files: freeze less"
            " (boards/common/manifest.py)" % (end - _XIP, there)
        )
    return end - _XIP, there


def memory(elf):
    """-> (octets of heap when the board starts, octets of C stack) of an RP2's image."""
    said = interpreters.run(["arm-none-eabi-nm", str(elf)])
    at = {name: int(value, 16) for value, _, name in re.findall(r"^(\w+) (\w) (\w+)$", said, re.M)}
    return at["__GcHeapEnd"] - at["__GcHeapStart"], at["__StackTop"] - at["__StackBottom"]


def in_use():
    """-> octets of heap in use when a frozen board serves all that config.py has switched on."""
    row = r"\| with name, time and events, after boot \| (\d+) \|"
    return int(re.search(row, COSTS.read_text())[1])  # type: ignore[index]


def report(board, image, romfs):
    """What has been made, and what it takes."""
    shown = os.path.relpath(image)
    if not board.processor.family:
        print("%s: %d octets" % (shown, image.stat().st_size))
    else:
        work = BUILD / "firmware" / image.stem
        used, there = room(work / "firmware.uf2", romfs)
        heap, stack = memory(work / "firmware.elf")
        parts = ", and its parts in %d for ROMFS" % _ROMFS if romfs else ""
        print("%s: %d octets of flash, of %d%s" % (shown, used, there, parts))
        print("RAM: a heap of %d octets when the board starts, %d of C stack" % (heap, stack))
        if not romfs:
            print("of the heap config.py, as it comes, takes about %d (docs/costs.md)" % in_use())
    more = " ROMFS=1" if romfs else ""
    print("onto the board: make flash BOARD=%s%s" % (board.name, more))
    if romfs:
        print("other parts, later: make romfs BOARD=%s PORT=auto" % board.name)


def main(argv=None):
    p = argparse.ArgumentParser(prog="make firmware", description=__doc__.split("\n")[0])
    p.add_argument("--board", required=True)
    p.add_argument("--micropython", metavar="DIR", default="")
    p.add_argument("--romfs", action="store_true", help="freeze no part, keep a partition")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = p.parse_args(argv)
    try:
        board = boards.find(args.board)
        if args.romfs and board.processor.port != "rp2":
            raise Refused("ROMFS=1 is for an RP2040 or RP2350: leave it out, the parts are frozen")
        top, version = tree(args.micropython, board)
        programs(board.processor.port)
        print("the parts: %s" % join.shown(join.build("viper")), flush=True)
        manifest.evaluate(board.folder / "manifest.py")
        image = build(board, top, version, args.romfs, args.jobs)
        report(board, image, args.romfs)
    except (Refused, manifest.Wrong, join.Refused, interpreters.Missing, AssertionError) as said:
        p.exit(2, "firmware: %s\n" % said)
    except KeyboardInterrupt:
        p.exit(130, "\nfirmware: stopped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
