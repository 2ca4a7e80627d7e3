"""Lists the functions in .mpy files with their VM frames: `mpyinfo.py [--over WORDS] file.mpy...`

A function in bytecode needs a frame of n_state + 3 * n_exc words (n_state: locals and the depth
of its stack; n_exc: nesting of try and with). Up to 11 words lie on the C stack; a longer frame is
taken from the heap for the length of the call (py/objfun.c, VM_MAX_STATE_ON_STACK). Native code
has no such frame.

The format is MicroPython's .mpy version 6: a header, the names (qstr), the constants, and a tree
of functions. Names that every firmware has are stored as numbers; `names` (see `static_names`)
turns them back.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

LIMIT = 11
ARCH = ("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")
ARCH += ("xtensa", "xtensawin", "rv32imc", "rv64imc")
KINDS = ("bytecode", "native", "viper", "asm")

_FLAG_ARCH_FLAGS = 0x40  # an extra number behind the header
_SCOPE_RELOC = 0x10 | 0x20 | 0x40  # linked native modules (C), which carry relocations
_STR, _BYTES, _TUPLE = 5, 6, 10
_LAST_WITHOUT_DATA = 4  # the function table, None, False, True, ...


class Function(NamedTuple):
    """One function: dotted name, kind (see KINDS), frame in words (0: native), code in octets."""

    name: str
    kind: str
    frame: int
    size: int


class _Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def octet(self):
        self.at += 1
        return self.data[self.at - 1]

    def octets(self, n):
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self):
        """Seven bits an octet, the highest first, the top bit set on all but the last."""
        value = 0
        while True:
            octet = self.octet()
            value = value << 7 | octet & 0x7F
            if octet < 0x80:
                return value


class Mpy:
    """A .mpy file: `arch` ('' for bytecode only) and `functions`; `bodies`: the code of each."""

    def __init__(self, data, names=None):
        self._r = _Reader(data)
        self._names = names or {}
        self.bodies = []
        self.arch = self._header()
        n_names, n_constants = self._r.number(), self._r.number()
        self.names = [self._name() for _ in range(n_names)]
        for _ in range(n_constants):
            self._constant()
        self.functions = list(self._code(None))
        if self._r.at != len(data):
            raise ValueError(f"{len(data) - self._r.at} octets are left over")

    def _header(self):
        magic, version, features, _small_int_bits = self._r.octets(4)
        if magic != ord("M") or version != 6:
            raise ValueError("not a .mpy file of version 6")
        if features & _FLAG_ARCH_FLAGS:
            self._r.number()
        return ARCH[features >> 2 & 0xF]

    def _name(self):
        n = self._r.number()
        if n & 1:
            return self._names.get(n >> 1, n >> 1)
        text = self._r.octets(n >> 1).decode()
        self._r.octet()  # the closing zero
        return text

    def _constant(self):
        kind = self._r.octet()
        if kind <= _LAST_WITHOUT_DATA:
            return
        n = self._r.number()
        if kind == _TUPLE:
            for _ in range(n):
                self._constant()
        else:
            self._r.octets(n + (kind in (_STR, _BYTES)))  # text has a closing zero

    def _code(self, parent):
        head = self._r.number()
        kind = KINDS[head & 3]
        body = self._r.octets(head >> 3)
        self.bodies.append(body)
        name, frame = self._signature(kind, body)
        path = "<module>" if parent is None else f"{parent}.{name}".lstrip(".")
        yield Function(path, kind, frame, len(body))
        if head & 4:
            for _ in range(self._r.number()):
                yield from self._code("" if parent is None else path)

    def _signature(self, kind, body):
        if kind == "bytecode":
            return self._prelude(body, 0)
        if kind == "native":
            return self._prelude(body, self._r.number())[0], 0
        if self._r.number() & _SCOPE_RELOC:
            raise ValueError("a linked native module")
        if kind == "asm":
            self._r.number(), self._r.number()  # arguments and their types
        return kind, 0  # viper code does not keep its name

    def _prelude(self, body, at):
        """(name, frame in words) from the packed head of a function (py/bc.h)."""
        r = _Reader(body)
        r.at = at
        z = r.octet()  # xSSSSEAA, then any number of xFSSKAED
        n_state, n_exc, n = z >> 3 & 0xF, z >> 2 & 1, 0
        while z & 0x80:
            z = r.octet()
            n_state |= (z & 0x30) << 2 * n
            n_exc |= (z & 2) << n
            n += 1
        while r.octet() & 0x80:  # sizes of the name table and the cells
            pass
        return self.names[r.number()], n_state + 1 + 3 * n_exc


def static_names(words, compile_mpy):
    """{number: word} for those of `words` that .mpy files store as numbers.

    Found by compiling them: the names in a file stand in the order of their first use.
    """
    words, first = sorted(words), "nobody_else_has_this_name"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "words.py"
        source.write_text("".join(f"{w}\n" for w in (first, *words)))
        names = Mpy(compile_mpy(source, source.with_suffix(".mpy"), "-O3").read_bytes()).names
    stored = zip(names[names.index(first) + 1 :], words, strict=True)
    return {n: w for n, w in stored if isinstance(n, int)}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--over", type=int, default=0, help="only frames of more words than this")
    parser.add_argument("files", nargs="+", type=Path)
    args = parser.parse_args(argv)
    for path in args.files:
        for f in Mpy(path.read_bytes()).functions:
            if f.frame > args.over or not args.over:
                print(f"{path.name:24} {f.kind:9} {f.frame:4} words {f.size:6} octets  {f.name}")


if __name__ == "__main__":
    sys.exit(main())
