"""What a person installs: pieces of the library, and which other pieces each needs.

    for piece in pieces().values(): piece.name, piece.parts, piece.sources, piece.needs

A piece is some parts (table.py: PIECES). It needs another when a module of it imports one of that,
at its top or in a function.
"""

import functools

from parts import join
from parts.scopes import ROOT
from parts.sources import House, sources
from parts.table import DRIVERS, PIECES


class Piece:
    """`parts`: {path on a board without its ending: dotted name of the part} in the joined form;
    `sources`: {path on a board: file of the checkout} of the sources as they are; `needs`: names
    of pieces.
    """

    def __init__(self, name):
        self.name = name
        self.parts = {}
        self.sources = {}
        self.needs = set()


def of(name):
    """The piece that a part or a module belongs to, by its dotted name."""
    found = "board", -1
    for piece, beginnings in PIECES.items():
        for b in beginnings:
            if b and (name == b or name.startswith((b + ".", b + "_"))) and len(b) > found[1]:
                found = piece, len(b)
    return found[0]


@functools.cache
def house():
    """All modules of the library, read once."""
    return House(sources(), "viper")


@functools.cache
def pieces():
    """{name: Piece}, those of the table that have anything in them, in its order."""
    found = {name: Piece(name) for name in PIECES}
    built = join.build("viper")
    for path in sorted(p.relative_to(built).as_posix() for p in built.rglob("*.py")):
        dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        target = path.removesuffix(".py").removeprefix("modules/")
        found[of(dotted)].parts[target] = dotted
    for name, path in sources().items():
        top = "lib" if path.is_relative_to(ROOT / "lib") else "firmware"
        target = path.relative_to(ROOT / top).as_posix().removeprefix("modules/")
        found[of(name)].sources[target] = path
    for name, m in house().modules.items():
        for other in (*house().needs(m), *house().later(m)):
            found[of(name)].needs.add(of(other))
    for piece in found.values():
        piece.needs.add("core")  # the package's __init__.py
        piece.needs.discard(piece.name)
        piece.needs -= set(DRIVERS)  # that of the chip that is there
    found["core"].needs.clear()  # what it loads on use only who uses it needs
    return {name: piece for name, piece in found.items() if piece.sources}


def closure(names):
    """These pieces and all that they need, in the table's order. KeyError: there is none such."""
    all_of_them, wanted = pieces(), list(names)
    for name in wanted:
        wanted += [n for n in sorted(all_of_them[name].needs) if n not in wanted]
    return [name for name in all_of_them if name in wanted]


def whole(driver=None):
    """What a board gets where nobody says otherwise: all but compat, and of the drivers the one
    named (None: all)."""
    out = {"compat", *(d for d in DRIVERS if driver not in (None, d))}
    return closure(name for name in pieces() if name not in out)
