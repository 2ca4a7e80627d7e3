"""What lies on the emulated board's file system: our sources as .mpy, firmware/, a script.

Compiled on this machine (-O3, armv6m) because a board of 264 kB has better things to do; main.py
stays a source, as MicroPython wants it.
"""

import hashlib

import interpreters

ROOT = interpreters.ROOT
ON_BOARD = ROOT / "tools" / "emu" / "on_board"
_CACHE = ROOT / "build" / "emu"
_HOST_ONLY = ("_kern_cpython", "compat_")  # never on a board, or not needed on this one


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


def library():
    """-> {path: octets} of lib/uipy."""
    files = {}
    for source in sorted((ROOT / "lib").rglob("*.py")):
        if not source.name.startswith(_HOST_ONLY):
            name = source.relative_to(ROOT).with_suffix(".mpy").as_posix()
            files[name] = mpy(source)
    return files


def firmware(chip, ip, gateway):
    """-> {path: octets} of a board that serves its page: firmware/ as it is, its config.py with
    these three at the end.
    """
    files = library()
    for source in sorted((ROOT / "firmware").glob("*.py")):
        if source.name not in ("main.py", "config.py"):
            files[source.with_suffix(".mpy").name] = mpy(source)
    files["main.py"] = (ROOT / "firmware" / "main.py").read_bytes()
    files["config.py"] = _config(chip, ip, gateway)
    return files


def script(name, chip="enc28j60", ip="192.168.7.2/24", gateway=None):
    """-> {path: octets} of a board that runs on_board/NAME.py; firmware/ lies in /firmware."""
    files = library()
    for source in sorted((ROOT / "firmware").glob("*.py")):
        if source.name != "config.py":
            files["firmware/" + source.with_suffix(".mpy").name] = mpy(source)
    files["config.py"] = _config(chip, ip, gateway)
    # As main.py, not imported by it: an import inside an import takes of 8 kB of C stack.
    files["main.py"] = (ON_BOARD / (name + ".py")).read_bytes()
    return files


def _config(chip, ip, gateway):
    text = (ROOT / "firmware" / "config.py").read_text()
    for name, value in (("chip", chip), ("ip", ip), ("gateway", gateway)):
        text += "%s = %r\n" % (name, value)
    return text.encode()
