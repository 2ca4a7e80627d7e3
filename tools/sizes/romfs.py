"""Builds a ROMFS image (MicroPython's read-only file system, /rom) from files: `romfs.py image
folder`.

The image is a tree of records: kind, length, payload; the numbers seven bits an octet, highest
first. The code of .mpy files is run where it lies in it.
"""

import sys
from pathlib import Path

_MAGIC = b"\xd2\xcd\x31"
_VERBATIM, _FOLDER, _FILE = 2, 4, 5


def _number(n):
    out = bytes((n & 0x7F,))
    while n > 0x7F:
        n >>= 7
        out = bytes((n & 0x7F | 0x80,)) + out
    return out


def _record(kind, payload):
    return _number(kind) + _number(len(payload)) + payload


def _named(kind, name, payload):
    return _record(kind, _number(len(name)) + name.encode() + payload)


def _entries(folder):
    out = b""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            out += _named(_FOLDER, path.name, _entries(path))
        else:
            out += _named(_FILE, path.name, _record(_VERBATIM, path.read_bytes()))
    return out


def image(folder):
    """The octets of an image with what lies in `folder`."""
    payload = _entries(Path(folder))
    return _MAGIC + _number(len(payload)) + payload


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(image(sys.argv[2]))
