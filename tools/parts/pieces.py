"""What a person installs: pieces of the library, and which other pieces each needs.

    for piece in pieces().values(): piece.name, piece.parts, piece.sources, piece.needs

A piece is some parts (table.py: PIECES). It needs another when a part of it imports one of that,
at its top or in a function; the core needs none, and a driver is nobody's need: the chip decides.
"""

import functools
import json
import os

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
def imports():
    """{part: (parts that it imports at its top, in its functions)}. Kept beside what `make parts`
    makes: reading all modules takes a second."""
    kept, made_from = join.OUT / "imports.json", join.digest()
    try:
        known = json.loads(kept.read_text())
        if known["made from"] == made_from:
            return known["imports"]
    except (OSError, ValueError, KeyError):
        pass
    house, found = House(sources(), "viper"), {}
    for part, modules in house.parts.items():
        mine = [house.modules[name] for name in modules]
        top = {house.part_of[n] for m in mine for n in house.needs(m)} - {part}
        later = {house.part_of[n] for m in mine for n in house.later(m)} - {part}
        found[part] = sorted(top), sorted(later)
    new = kept.with_name("imports.%d" % os.getpid())
    new.parent.mkdir(parents=True, exist_ok=True)
    new.write_text(json.dumps({"made from": made_from, "imports": found}))
    new.replace(kept)  # at once: another process may be reading
    return found


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
    for part, (top, later) in imports().items():
        found[of(part)].needs.update(of(other) for other in (*top, *later))
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
