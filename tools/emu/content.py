"""What lies on the emulated board's file system: the joined parts as .mpy (parts/cross.py), the
firmware likewise, a script.

Compiled on this machine (-O3, armv6m) because a board of 264 kB has better things to do; main.py
stays a source, as MicroPython wants it.
"""

import hashlib
from pathlib import Path

import interpreters
from parts import cross

from .firmware import NoImage

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
    """-> {path: octets} of uipy, one module a part, and of what programs import beside it."""
    faces = _joined("modules", "")
    return {**_joined("uipy", "lib/"), **{f.replace("modules", "lib"): faces[f] for f in faces}}


def frozen(image):
    """-> the frozen modules of an image (.uf2) that are ours: {"uipy/core.py", "main.py", ...}.
    Found by their names, which lie in the image as they are.
    """
    data = Path(image).read_bytes()
    # A UF2 block is 512 octets: 32 of head, then 256 of what goes to flash.
    flash = b"".join(data[k + 32 : k + 288] for k in range(0, len(data), 512))
    names = [f.relative_to(interpreters.joined()) for f in interpreters.joined().rglob("*.py")]
    there = {name.as_posix() for name in names if b"\0%s\0" % bytes(name) in flash}
    return there if "uipy/core.py" in there else set()


def has_driver(image, chip):
    """Whether the board will find the chip's driver: all are on the file system, not all are in
    an image.
    """
    there = frozen(image)
    return not there or _driver(chip) in there


def _driver(chip):
    return "uipy/drivers/%s.py" % ("enc28j60" if chip == "enc28j60" else "wiznet")


def firmware(chip, ip, gateway, image=None):
    """-> {path: octets} of a board that serves its page: firmware/ and its pins as they are, its
    config.py with these three at the end, without name, time and events. What is frozen in the
    image is not put on the file system.
    """
    there = frozen(image) if image else set()
    config = _config(chip, ip, gateway)
    if there:
        _wants(there, chip, image)
        return config if "main.py" in there else {**config, **_firmware("")}
    return {**library(), **_firmware(""), **config}


def script(name, chip="enc28j60", ip="192.168.7.2/24", gateway=None, image=None):
    """-> {path: octets} of a board that runs on_board/NAME.py; firmware/ lies in /firmware."""
    there = frozen(image) if image else set()
    text = (ON_BOARD / (name + ".py")).read_bytes()
    files = _config(chip, ip, gateway)
    if there:
        _wants(there, chip, image)
    else:
        files.update(library())
    if "main.py" not in there:
        files.update(_firmware("firmware/"))
        # As main.py, not imported by it: an import inside an import takes of 8 kB of C stack.
        files["main.py"] = text
    else:
        # A frozen main.py is run instead of one on the file system, boot.py before it; then USB
        # is not up yet, and print goes to the serial port.
        files["boot.py"] = _SERIAL + text
    return files


_SERIAL = (ON_BOARD / "serial.py").read_bytes()


def _firmware(to):
    files = _joined("", to)
    if not to:
        del files["main.mpy"]
        files["main.py"] = (interpreters.joined() / "main.py").read_bytes()
    return files


def _wants(there, chip, image):
    if _driver(chip) not in there:
        raise NoImage("%s has uipy frozen in, and no driver for %s" % (Path(image).name, chip))


def _config(chip, ip, gateway):
    text = (ROOT / "firmware" / "config.py").read_text()
    given = {"chip": chip, "ip": ip, "gateway": gateway}
    for name, value in {**given, "hostname": None, "ntp": None, "events": 0}.items():
        text += "%s = %r\n" % (name, value)
    pins = (ROOT / "boards" / "RPI_PICO_ENC28J60" / "pins.py").read_bytes()
    return {"config.py": text.encode(), "pins.py": pins}
