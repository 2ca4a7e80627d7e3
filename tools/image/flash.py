"""`make flash`: the image of `make firmware` onto a board.

An RP2040 or RP2350 shows a drive while it is in its boot loader; the UF2 is copied there. A board
that runs MicroPython is asked to go there (mpremote), any other wants its BOOTSEL button held
while it is plugged in. An ESP32 is written by esptool.
"""

import argparse
import contextlib
import glob
import os
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from image import boards, child, uf2
from image.boards import BUILD, PROCESSORS, Refused

# Where Linux and macOS put a drive.
ROOTS = ("/media/*", "/media/*/*", "/run/media/*/*", "/mnt/*", "/Volumes/*")
LABELS = "/dev/disk/by-label"
_BOOTED_S = 30  # for a board to show its drive
_TAKEN_S = 15  # for one to restart with what it has got
_OFFSET = "0x1000"  # where an ESP32's image begins (makeimg.py of MicroPython's port)
_FIRST = b"\xe9"  # octet of such an image
_PIECE = 1 << 16


def drives(roots):
    """-> {folder: what its boot loader calls itself} of the drives of all boards."""
    found = {}
    for root in roots:
        for folder in glob.glob(root):
            try:
                text = Path(folder, "INFO_UF2.TXT").read_text(errors="replace")
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith("Board-ID:"):
                    found[folder] = line.partition(":")[2].strip()
    return found


def drive(board, roots):
    """-> the folder of this board's drive, None if there is none; raises Refused where it is not
    plain which."""
    wanted = board.processor.drive
    found = drives(roots)
    ours = sorted(folder for folder, said in found.items() if said == wanted)
    if len(ours) > 1:
        raise Refused("two boards are in their boot loader, %s: unplug one" % " and ".join(ours))
    if ours:
        return ours[0]
    for folder, said in found.items():
        sold = {p.drive: p.sold for p in PROCESSORS.values()}.get(said, said)
        raise Refused(
            "the drive %s is that of %s, and %s has %s: plug that in, or name the other's BOARD="
            % (folder, sold, board.name, board.processor.sold)
        )
    return None


def ask(port):
    """A board that runs MicroPython goes to its boot loader; one that does not, does not hear.
    Without a port it is asked where there is but one: others may be no boards of ours."""
    from install import ports

    there = [port] if port else [p.device for p in ports.attached()]
    if len(there) != 1:
        print("no board is asked for its boot loader (PORT= says which): hold its BOOTSEL button")
        return
    print("asking the board on %s for its boot loader" % there[0], flush=True)
    try:
        subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", there[0], "bootloader"],
            capture_output=True,
            timeout=20,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pass


def wait(board, roots, seconds):
    """-> the board's drive, as soon as it is there."""
    until = time.monotonic() + seconds
    while True:
        found = drive(board, roots)
        if found:
            return found
        if time.monotonic() > until:
            break
        time.sleep(0.3)
    label = board.processor.drive
    if Path(LABELS, label).exists():
        raise Refused(
            "the board's drive is there and not mounted: udisksctl mount -b %s/%s, and make flash"
            " again" % (LABELS, label)
        )
    raise Refused(
        "no drive %s after %d s: hold BOOTSEL while you plug the board in, and make flash again"
        % (label, seconds)
    )


def copy(image, folder):
    """The image onto the drive, all of it on the other side when this returns."""
    data = image.read_bytes()
    try:
        with Path(folder, image.name).open("wb", buffering=0) as file:
            for at in range(0, len(data), _PIECE):
                file.write(data[at : at + _PIECE])
            # The board goes with the last block, often before it has been thanked for it.
            with contextlib.suppress(OSError):
                os.fsync(file.fileno())
    except OSError as exc:
        if Path(folder, "INFO_UF2.TXT").exists():
            raise Refused("%s: %s" % (folder, exc.strerror)) from exc


def restarted(folder, seconds):
    """Whether the drive goes: the board has taken the image, and starts with it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not Path(folder, "INFO_UF2.TXT").exists():
            return True
        time.sleep(0.2)
    return False


def to_drive(board, image, port, roots, seconds=_BOOTED_S, taken=_TAKEN_S):
    """The image onto a board with a drive."""
    uf2.check(image.read_bytes(), board, os.path.relpath(image))
    folder = drive(board, roots)
    if not folder:
        ask(port)
        print("waiting for the drive %s, %d s" % (board.processor.drive, seconds), flush=True)
        folder = wait(board, roots, seconds)
    print("%s -> %s" % (os.path.relpath(image), folder), flush=True)
    copy(image, folder)
    if not restarted(folder, taken):
        raise Refused("the image is on %s, and the board has not restarted: unplug it" % folder)
    print("the board restarts with it")


def esptool(image, port):
    """-> the command that writes an ESP32's flash; without a port it looks for one."""
    where = ["--port", port] if port else []
    command = [sys.executable, "-m", "esptool", "--chip", "esp32", *where, "--baud", "460800"]
    return [*command, "write-flash", _OFFSET, str(image)]


def to_esp32(image, port):
    """The image onto an ESP32."""
    with image.open("rb") as file:
        if file.read(1) != _FIRST:
            raise Refused("%s is no image for an ESP32" % os.path.relpath(image))
    status = subprocess.run(esptool(image, port), env=child.environment(), check=False).returncode
    if status:
        raise Refused(
            "esptool ended with %d: hold BOOT while it connects, and name the PORT= if it has not"
            " found it" % status
        )


def find(board, given, romfs):
    """-> the image to write."""
    if given:
        image = Path(given)
    else:
        end = ".uf2" if board.processor.family else ".bin"
        image = BUILD / "firmware" / (board.name + ("-romfs" if romfs else "") + end)
    if not image.is_file():
        more = " ROMFS=1" if romfs else ""
        raise Refused(
            "there is no %s: make firmware BOARD=%s%s MICROPYTHON_DIR=... makes it, or name an"
            " image with FIRMWARE=" % (os.path.relpath(image), board.name, more)
        )
    return image


def main(argv=None):
    p = argparse.ArgumentParser(prog="make flash", description=__doc__.split("\n")[0])
    p.add_argument("--board", required=True)
    p.add_argument("--firmware", metavar="FILE", help="an image; else that of make firmware")
    p.add_argument("--romfs", action="store_true", help="that of make firmware ROMFS=1")
    p.add_argument("--port", default="", help="the board's serial port")
    p.add_argument("--drives", nargs="*", default=ROOTS, help="where drives are looked for")
    p.add_argument("--seconds", type=float, default=_BOOTED_S, help="to wait for the drive")
    args = p.parse_args(argv)
    try:
        board = boards.find(args.board)
        image = find(board, args.firmware, args.romfs)
        if board.processor.family:
            to_drive(board, image, args.port, args.drives, args.seconds)
        else:
            to_esp32(image, args.port)
    except Refused as said:
        p.exit(2, "flash: %s\n" % said)
    except KeyboardInterrupt:
        p.exit(130, "\nflash: stopped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
