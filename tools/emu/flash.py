"""The board's file system, written before it boots: littlefs 2 at the end of a Pico's flash.

A standard MicroPython for the RPI_PICO keeps 1408 kB for it (MICROPY_HW_FLASH_STORAGE_BYTES); how
much an image keeps, it says itself, in what `picotool info` shows.
"""

import struct

BLOCK = 4096  # octets, the flash's erase sector
BLOCKS = 352
START = 0x200000 - BLOCK * BLOCKS  # from the beginning of the flash
_XIP = 0x10000000  # where the processor sees the flash
_DEVICE = b"\x07\0MP"  # pico/binary_info/structure.h: a block device, tagged by MicroPython
_PROG = 256  # octets, a flash page
_FORMAT = 0x00020000  # littlefs 2.0: what every MicroPython can mount


class TooBig(Exception):
    """The files do not fit; the message says by how much."""


def place(flash):
    """-> (start, blocks) of the file system of the image in this flash."""
    at = -1
    while (at := flash.find(_DEVICE, at + 1)) >= 0:
        start, size = struct.unpack_from("<II", flash, at + 8)
        start -= _XIP
        if start + size == len(flash) and not size % BLOCK and 0 < size < start + size:
            return start, size // BLOCK
    return START, BLOCKS


def image(files, blocks=BLOCKS):
    """-> the octets of a file system that holds `files`: {"lib/uipy/kern.mpy": octets}."""
    from littlefs import LittleFS, UserContext

    used = sum(len(data) for data in files.values())
    if used > BLOCK * (blocks - 2):
        raise TooBig("%d octets of files; the file system holds %d" % (used, BLOCK * (blocks - 2)))
    context = UserContext(buffsize=BLOCK * blocks)
    fs = LittleFS(
        context=context,
        block_size=BLOCK,
        block_count=blocks,
        prog_size=_PROG,
        disk_version=_FORMAT,
    )
    for name, data in sorted(files.items()):  # sorted: the same files give the same cycles
        folder = name.rpartition("/")[0]
        if folder:
            fs.makedirs(folder, exist_ok=True)
        with fs.open(name, "wb") as f:
            f.write(data)
    fs.unmount()
    return bytes(context.buffer)
