"""The conversation with a board at its serial port, over mpremote's transport.

    with Board("/dev/ttyACM0") as board:
        board.facts.arch, board.facts.free_flash
        board.look(["main.py"], "lib/uipy")
        board.put("main.py", b"...")

Every wait has a bound; what goes wrong is a `Refused`.
"""

import ast
import base64
import contextlib
import io
import struct
import time
from collections import namedtuple

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from install.content import Refused
from install.ports import DOWNLOAD

# sys.implementation._mpy >> 10: py/persistentcode.h of MicroPython.
ARCHES = (
    *("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)
# sys.implementation._mpy, its low octet and the two bits above: the first MicroPython with it.
FORMATS = {(6, 3): "1.23", (6, 2): "1.22", (6, 1): "1.20", (6, 0): "1.19"}
WANTED = (6, 3)
TRIED = (1, 28)
_SILENCE_S = 10  # of a board that was asked something
_CHUNK = 1152  # octets of a file in one message: the board has RAM for its text, base 64

# A watchdog outlives a soft reset.
_CALM = """
import sys
dog = sys.modules.get("watchdog")
if dog:
    dog.stop()
"""
_ASK = """
import sys, os, gc
gc.collect()
i = sys.implementation
lib = [p for p in sys.path if p.endswith("/lib") and not p.startswith("/rom")]
lib = lib[0] if lib else "/lib"
v = os.statvfs(lib[:-4] or "/")
try:
    import uipy
    there = getattr(uipy, "__file__", "") or "frozen"
except Exception:
    there = ""
print(repr((i.name, tuple(i.version[:3]), getattr(i, "_machine", sys.platform),
    getattr(i, "_mpy", 0), gc.mem_free(), gc.mem_alloc(), v[0], v[3], lib, there)))
"""
# For each path: its size and the beginning of its SHA-256. A folder's files come by themselves.
_LOOK = """
import os, hashlib, binascii
b = memoryview(bytearray(512))
def put(text):
    f.write(binascii.a2b_base64(text))
def look(path):
    try:
        mode = os.stat(path)[0]
    except OSError:
        return
    if mode & 0x4000:
        for row in os.ilistdir(path):
            look(path + "/" + row[0])
        print(repr((path, -1, "")))
        return
    h = hashlib.sha256()
    size = 0
    with open(path, "rb") as f:
        while True:
            n = f.readinto(b)
            if not n:
                break
            size += n
            h.update(b[:n])
    print(repr((path, size, binascii.hexlify(h.digest()).decode())))
"""

Facts = namedtuple(
    "Facts", "name version machine mpy free_ram used_ram block free_blocks lib there"
)  # there: where it has uipy already, a path; "" for nowhere


class Board:
    """A board whose program was stopped by a soft reset, until it is closed."""

    def __init__(self, port):
        self.port = port
        self._folders = set()  # that are there
        self._transport = self._open(port)
        try:
            with _in_words(port), contextlib.redirect_stdout(io.StringIO()):
                self._transport.enter_raw_repl(False, timeout_overall=_SILENCE_S)
                self._transport.exec(_CALM)
                self._transport.enter_raw_repl(timeout_overall=_SILENCE_S)
                self.facts = Facts(*self._tell(_ASK)[0])
        except BaseException:
            self.close()
            raise

    def _open(self, port):
        try:
            return SerialTransport(port, timeout=_SILENCE_S)
        except TransportError:
            raise Refused(
                "%s is in use by another program: close it (a terminal, an editor with a board"
                " window, another mpremote)" % port
            ) from None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        with contextlib.suppress(OSError, TransportError):
            self._transport.close()

    # What it is

    @property
    def arch(self):
        """The machine's name for mpy-cross; "" where there is no native code."""
        return ARCHES[min(self.facts.mpy >> 10, len(ARCHES) - 1)]

    @property
    def root(self):
        """The folder that lib lies in, as a beginning of paths."""
        return self.facts.lib[: -len("lib")]

    def check(self):
        """Raises Refused unless it runs what our .mpy files are for."""
        f = self.facts
        version = ".".join(map(str, f.version))
        if f.name != "micropython":
            raise Refused(
                "the board on %s runs %s %s, and uipy wants MicroPython: get it at %s"
                % (self.port, f.name, version, DOWNLOAD)
            )
        has = (f.mpy & 0xFF, f.mpy >> 8 & 3)
        if has != WANTED:
            raise Refused(
                "the board has MicroPython %s, which reads .mpy files of version %d.%d, and uipy's"
                " have %d.%d: put MicroPython %s or newer on it (%s)"
                % (version, *has, *WANTED, FORMATS[WANTED], DOWNLOAD)
            )

    # Its files

    def _tell(self, script):
        """Runs a script; the values that it prints, a line each."""
        with _in_words(self.port):
            said = self._transport.exec(script).decode()
            return [ast.literal_eval(line) for line in said.splitlines() if line.strip()]

    def look(self, paths):
        """{path: (octets, SHA-256)} of those files that there are; (-1, "") for a folder, whose
        files are among them."""
        self._tell(_LOOK)
        found = {}
        for path in paths:
            found.update({p: (n, digest) for p, n, digest in self._tell("look(%r)" % path)})
        return found

    def read(self, path):
        """A file's octets."""
        with _in_words(self.port):
            return bytes(self._transport.fs_readfile(path))

    def put(self, path, data):
        """Writes a file, and the folders that it wants. After `look`."""
        folder = path.rpartition("/")[0]
        for end in [k for k, c in enumerate(folder + "/") if c == "/" and k]:
            if folder[:end] not in self._folders:
                self._tell(
                    "try:\n os.stat(%r)\nexcept OSError:\n os.mkdir(%r)" % ((folder[:end],) * 2)
                )
                self._folders.add(folder[:end])
        script = "f = open(%r, 'wb')\n" % path
        for at in range(0, len(data), _CHUNK):
            if at:
                self._tell(script)
                script = ""
            script += "put(%r)\n" % base64.b64encode(data[at : at + _CHUNK])
        self._tell(script + "f.close()")

    def remove(self, path, folder=False):
        with _in_words(self.port):
            (self._transport.fs_rmdir if folder else self._transport.fs_rmfile)(path)

    def restart(self, seconds, heard, done):
        """A soft reset, after which main.py runs; what it prints goes to `heard`, until `done()`
        or for so long."""
        port = self._transport.serial
        with _in_words(self.port):
            self._transport.exit_raw_repl()
            port.write(b"\x04")
            until = time.monotonic() + seconds
            while time.monotonic() < until and not done():
                data = port.read(port.in_waiting) if port.in_waiting else b""
                if data:
                    heard(data.decode(errors="replace"))
                else:
                    time.sleep(0.02)


@contextlib.contextmanager
def _in_words(port):
    """What a board does that does not work, as one sentence."""
    try:
        yield
    except TransportExecError as wrong:
        last = (wrong.error_output.strip().splitlines() or ["?"])[-1]
        if "ENOSPC" in last or "28" in last.split():
            raise Refused(
                "the board's flash is full: remove files of yours (mpremote fs ls, fs rm), or"
                " install less (PARTS=)"
            ) from None
        raise Refused(
            "the board says %r: unplug it, plug it in and run this again" % last
        ) from None
    except OSError:  # also what pyserial raises
        raise Refused(
            "the board on %s has gone: plug it in and run this again, what is there already is"
            " not copied twice" % port
        ) from None
    except (TransportError, struct.error, ValueError, SyntaxError, IndexError):
        raise Refused(
            "the board on %s does not answer: unplug it, plug it in and try again; if it stays so,"
            " hold BOOTSEL while you plug it in and copy MicroPython's .uf2 onto it (%s)"
            % (port, DOWNLOAD)
        ) from None
