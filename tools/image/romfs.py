"""`make romfs`: the parts of a board as a read-only file system that they run from.

    make romfs BOARD=RPI_PICO_ENC28J60              build/romfs/RPI_PICO_ENC28J60.romfs
    make romfs BOARD=RPI_PICO_ENC28J60 PORT=a0      and onto the board, with mpremote

What the board's manifest would freeze, each module compiled for its processor. From ROMFS bytecode
and constants are used where they lie in flash; machine code is not: MicroPython copies the kernels
of a module to RAM when it is imported. Only an image with a partition for it takes it (make
firmware ROMFS=1): MicroPython's own for these boards have none.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import interpreters
from parts import cross, join

from image import boards, manifest
from image.boards import BUILD, Refused

_LONG_S = 600  # for all of it, over a serial port of 115,200 baud
# What mpremote says of a board without a partition.
_NONE = ("ROMFS is not enabled", "partition not found")


def image(files):
    """-> the octets of a file system with `files`: {"uipy/core.mpy": octets}."""
    try:
        from mpremote.romfs import VfsRomWriter
    except ImportError as exc:
        raise interpreters.Missing("no mpremote here: make romfs brings it") from exc
    writer = VfsRomWriter()
    open_folders: list[str] = []
    for name in sorted(files, key=lambda name: name.split("/")):
        *folders, leaf = name.split("/")
        while open_folders != folders[: len(open_folders)]:
            writer.closedir()
            open_folders.pop()
        for folder in folders[len(open_folders) :]:
            writer.opendir(folder)
            open_folders.append(folder)
        writer.mkfile(leaf, files[name])
    for _ in open_folders:
        writer.closedir()
    return bytes(writer.finalise())


def tree(folder):
    """-> {path: octets} of what lies in a folder of this PC."""
    files = (p for p in Path(folder).rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def compiled(board, machine):
    """-> {"uipy/core.mpy": octets} of what the board's manifest takes in, for a machine."""
    package = cross.package(machine)
    made = join.OUT / "viper"
    own = BUILD / "romfs" / board.name / machine
    files = {}
    for target, source in manifest.evaluate(board.folder / "manifest.py").files.items():
        if source.is_relative_to(made):
            mpy = package / source.relative_to(made).with_suffix(".mpy")
        else:  # the board's settings
            mpy = own / Path(target).with_suffix(".mpy")
            options = (*cross.OPTIONS, "-march=" + machine, "-s", target)
            interpreters.compile_mpy(source, mpy, *options)
        files[str(Path(target).with_suffix(".mpy"))] = mpy.read_bytes()
    return files


def mpremote(port, *words):
    """Runs a command of mpremote's; -> what it said. Raises Refused with that when it fails."""
    command = [sys.executable, "-m", "mpremote", "connect", port, *words]
    try:
        done = subprocess.run(  # noqa: PLW1510
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_LONG_S
        )
    except subprocess.TimeoutExpired:
        raise Refused(
            "the board on %s has not taken it in %d s: unplug it, plug it in and try again"
            % (port, _LONG_S)
        ) from None
    said = done.stdout.strip()
    if any(words in said for words in _NONE):
        raise Refused(
            "the MicroPython on this board has no partition for ROMFS: make firmware ROMFS=1 makes"
            " one that has, and make flash ROMFS=1 puts it there"
        )
    if done.returncode or "too big for the target" in said:
        last = said.splitlines()[-1] if said else "it said nothing"
        raise Refused("%s (mpremote, %d)" % (last, done.returncode))
    return said


def deploy(path, port):
    """The image into the board's partition; then it restarts."""
    print("%s -> the board's ROMFS, two minutes or so" % os.path.relpath(path), flush=True)
    mpremote(port, "romfs", "deploy", str(path))
    mpremote(port, "reset")
    print("the board restarts with it")


def main(argv=None):
    p = argparse.ArgumentParser(prog="make romfs", description=__doc__.split("\n")[0])
    p.add_argument("--board", required=True)
    p.add_argument("--machine", default="", help="another one: x64, to try it on a PC")
    p.add_argument("--port", default=None, help="put it onto the board there; auto: the only one")
    args = p.parse_args(argv)
    try:
        board = boards.find(args.board)
        machine = args.machine or board.processor.machine
        files = compiled(board, machine)
        data = image(files)
        name = board.name + ("-" + machine if args.machine else "")
        path = BUILD / "romfs" / (name + ".romfs")
        path.write_bytes(data)
        shown = os.path.relpath(path)
        print("%s: %d files for %s, %d octets" % (shown, len(files), machine, len(data)))
        if args.port:
            from install import ports  # here: who makes an image alone does without a serial port

            wanted = None if args.port == "auto" else args.port
            deploy(path, ports.find(wanted, verb="romfs BOARD=%s" % board.name))
    except (Refused, manifest.Wrong, join.Refused, interpreters.Missing, AssertionError) as said:
        p.exit(2, "romfs: %s\n" % said)
    except KeyboardInterrupt:
        p.exit(130, "\nromfs: stopped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
