"""A constant has one home.

`NAME = const(...)` stands in one file and is imported by its name where it is needed; `make parts`
puts its value in. So no two files of a part write the same constant: not one public name twice,
and not one private name with the same value twice (two files may call two different things by one
private name).
"""

from pathlib import Path

import pytest
from layering.test_imports import PACKAGE, imports, modules, place
from parts.sources import House, sources
from uipy.stat import NAMES

DRIVERS = PACKAGE / "drivers"
SHARED = sorted(DRIVERS.glob("*.py"))
# What a board has in one piece: {name: its files}.
PIECES = {
    "core": [p for p in modules() if p.parent.name != "compat"],
    "apps": modules("apps"),
    "compat": modules("compat"),
    **{d.name: [*SHARED, *sorted(d.glob("*.py"))] for d in DRIVERS.iterdir() if d.is_dir()},
}
PIECES.pop("__pycache__", None)
# Private names that mean something else in each file, and have the same value by chance.
BY_CHANCE = {"_HEAD", "_SIZE", "_TRIES"}


def consts(paths):
    """{path: {name: value}}: the constants of these files, as `make parts` reads them."""
    by_path = {path: name for name, path in sources().items()}
    house = House(sources(), "cpython").modules
    return {path: house[by_path[path]].consts for path in paths if by_path[path] in house}


def twice(found):
    """One line for each constant that two files write."""
    first, wrong = {}, []
    for path, names in found.items():
        for name, value in names.items():
            key = (name, value) if name.startswith("_") else name
            other = first.setdefault(key, path)
            if other != path and name not in BY_CHANCE:
                wrong.append(f"{name} = {value}: in {other.stem} and in {path.stem}")
    return wrong


@pytest.mark.parametrize("piece", PIECES)
def test_a_constant_has_one_home(piece):
    assert twice(consts(PIECES[piece])) == []


def test_a_constant_that_is_imported_is_not_private():
    found = {place(path): names for path, names in consts(modules(".")).items()}
    for path in modules("."):
        for target, name in imports(path):
            private = (name or "").startswith("_") and name in found.get(target, ())
            assert not private, f"{place(path)}: {name} of {target}"


def test_counters_have_their_names():
    for path, names in consts(PIECES["core"]).items():
        for name, value in names.items():
            if name.startswith(("_N_", "N_")):
                counter = name.lstrip("_")[2:].lower()
                assert counter in NAMES, (path.stem, name)
                assert NAMES.index(counter) == value, (path.stem, name)


def test_names_are_unique():
    assert len(set(NAMES)) == len(NAMES)


def test_every_name_has_its_number_in_stat():
    (numbers,) = consts([PACKAGE / "stat.py"]).values()
    of_counters = {name: n for name, n in numbers.items() if name.startswith("N_")}
    assert {name[2:].lower(): n for name, n in of_counters.items()} == {
        name: n for n, name in enumerate(NAMES)
    }


def test_two_homes_are_seen():
    a, b = Path("a.py"), Path("b.py")
    assert twice({a: {"_X": 8}, b: {"_X": 9}}) == []
    assert twice({a: {"_X": 8}, b: {"_X": 8}}) == ["_X = 8: in a and in b"]
    assert twice({a: {"X": 8}, b: {"X": 9}}) == ["X = 9: in a and in b"]
