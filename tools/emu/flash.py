"""The board's file system, written before it boots: littlefs 2 at the end of a Pico's flash.

A standard MicroPython for the RPI_PICO keeps 1408 kB for it (MICROPY_HW_FLASH_STORAGE_BYTES).
"""

BLOCK = 4096  # octets, the flash's erase sector
BLOCKS = 352
START = 0x200000 - BLOCK * BLOCKS  # from the beginning of the flash
_PROG = 256  # octets, a flash page
_FORMAT = 0x00020000  # littlefs 2.0: what every MicroPython can mount


class TooBig(Exception):
    """The files do not fit; the message says by how much."""


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
