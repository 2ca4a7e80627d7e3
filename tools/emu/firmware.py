"""Finds the MicroPython image to boot: a file, or one that rp2040py fetches and keeps."""

from pathlib import Path

RELEASE = "1.28.0"  # the official image, when none is named
_WHERE = "https://micropython.org/download/RPI_PICO/"


class NoImage(Exception):
    """There is none; the message says what to download and where to put it."""


def find(name=None):
    """-> the path of a UF2 image. `name`: a file; None: the official one, fetched if need be."""
    if name:
        if not Path(name).is_file():
            raise NoImage("%s: no such file; FIRMWARE=file.uf2 names a MicroPython image" % name)
        return Path(name)
    return _fetch()


def _fetch():
    from rp2040py.utils.firmware_retrieve import MICROPYTHON, retrieve

    try:
        path = retrieve(MICROPYTHON, RELEASE)
    except OSError:  # no network, and what urllib makes of it
        path = None
    if path is None:
        raise NoImage(
            "no MicroPython image and no way to fetch one: download RPI_PICO v%s (.uf2) from %s"
            " and say FIRMWARE=file.uf2" % (RELEASE, _WHERE)
        )
    return Path(path)
