"""What lies on the emulated board's file system: the joined parts as .mpy (parts/cross.py), the
firmware likewise, a script.

Compiled on this machine (-O3, armv6m) because a board of 264 kB has better things to do; main.py
stays a source, as MicroPython wants it.
"""

import hashlib

import interpreters
from parts import cross

ROOT = interpreters.ROOT
ON_BOARD = ROOT / "tools" / "emu" / "on_board"
_CACHE = ROOT / "build" / "emu"


def mpy(source):
    """-> a source file compiled for the RP2040. Kept in build/ under the hash of what it was."""
    text = source.read_bytes()
    name = hashlib.sha256(str(source).encode() + text).hexdigest()[:32] + ".mpy"
    target = _CACHE / name
    if not target.exists():
        # The name inside is the source's own: it is what a traceback on the board shows.
        options = ("-O3", "-march=armv6m", "-s", source.name)
        interpreters.compile_mpy(source, target, *options)
    return target.read_bytes()


def _joined(below, to):
    """-> {path in the folder `to`: octets} of the parts that lie below a path."""
    folder = cross.package("armv6m")
    found = sorted((folder / below).rglob("*.mpy") if below else folder.glob("*.mpy"))
    return {to + f.relative_to(folder).as_posix(): f.read_bytes() for f in found}


def library():
    """-> {path: octets} of uipy, one module a part."""
    return _joined("uipy", "lib/")


def firmware(chip, ip, gateway):
    """-> {path: octets} of a board that serves its page: firmware/ as it is, its config.py with
    these three at the end.
    """
    files = {**library(), **_joined("", "")}
    del files["main.mpy"]
    files["main.py"] = (cross.package("armv6m") / "main.py").read_bytes()
    files["config.py"] = _config(chip, ip, gateway)
    return files


def script(name, chip="enc28j60", ip="192.168.7.2/24", gateway=None):
    """-> {path: octets} of a board that runs on_board/NAME.py; firmware/ lies in /firmware."""
    files = {**library(), **_joined("", "firmware/")}
    files["config.py"] = _config(chip, ip, gateway)
    # As main.py, not imported by it: an import inside an import takes of 8 kB of C stack.
    files["main.py"] = (ON_BOARD / (name + ".py")).read_bytes()
    return files


def _config(chip, ip, gateway):
    text = (ROOT / "firmware" / "config.py").read_text()
    for name, value in (("chip", chip), ("ip", ip), ("gateway", gateway)):
        text += "%s = %r\n" % (name, value)
    return text.encode()
