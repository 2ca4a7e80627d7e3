"""The first thing that runs in the MicroPython of serialboard.py: a board's file system instead of
the PC's, boot.py and main.py; the prompt comes next.

    on_serial.py FLASH MAIN

FLASH: a file, the board's flash, littlefs 2 in blocks of 4096 octets. MAIN: 1 runs main.py.
"""

# mypy: ignore-errors
import os
import sys

import machine  # of tools/shims, while the path is the PC's
import vfs

RESET = 3  # the process's status when the board asks for a reset


class _Flash:
    """The file as a block device."""

    def __init__(self, path):
        self.file = open(path, "r+b")  # noqa: SIM115
        self.blocks = self.file.seek(0, 2) // 4096

    def readblocks(self, n, buf, at=0):
        self.file.seek(4096 * n + at)
        self.file.readinto(buf)

    def writeblocks(self, n, buf, at=0):
        self.file.seek(4096 * n + at)
        self.file.write(buf)

    def ioctl(self, what, value):
        if what in (4, 5):  # how many blocks, of how many octets
            return self.blocks if what == 4 else 4096
        if what == 3:  # sync
            self.file.flush()
        return 0


def _mount(path):
    flash = _Flash(path)
    try:
        disk = vfs.VfsLfs2(flash)
    except OSError:  # a new one
        vfs.VfsLfs2.mkfs(flash)
        disk = vfs.VfsLfs2(flash)
    vfs.umount("/")
    vfs.mount(disk, "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]


def _run(name):
    try:
        os.stat(name)
    except OSError:
        return
    try:
        execfile(name, globals())  # noqa: F821
    except SystemExit:
        raise
    except BaseException as exc:  # also Ctrl-C: the prompt comes
        sys.print_exception(exc)


def _reset():
    sys.exit(RESET)


machine.reset = _reset
sys.modules["machine"] = machine
_mount(sys.argv[1])
_run("boot.py")
if sys.argv[2] == "1":
    _run("main.py")
