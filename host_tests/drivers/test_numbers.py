"""A counter has the number of its name; the recoveries have a bit each."""

import re
from pathlib import Path

import pytest
from chips.rig import KINDS, load
from uipy.drivers.slip import Slip

DRIVERS = Path(__file__).parents[2] / "lib" / "uipy" / "drivers"
FAMILIES = {"enc28j60": "enc28j60", "wiznet": "w5500", "slip": None}


def constants(family, prefix):
    """Yields (file, name, value) for each `PREFIX_NAME = const(value)`, with or without `_`."""
    for path in sorted((DRIVERS / family).glob("*.py")):
        found = re.findall(rf"^_?{prefix}_(\w+) = const\((\d+)\)", path.read_text(), re.M)
        yield from ((path.name, name, int(value)) for name, value in found)


@pytest.mark.parametrize("family", FAMILIES)
def test_counters_have_the_number_of_their_name(family):
    kind = FAMILIES[family]
    names = (load(KINDS[kind][1]) if kind else Slip).NAMES
    found = list(constants(family, "N"))
    assert len({name for _, name, _ in found}) >= len(names) - 1
    for path, name, value in found:
        assert names[value] == name.lower(), path


@pytest.mark.parametrize("family", ["enc28j60", "wiznet"])
def test_the_bits_of_recover_are_told_apart(family):
    bits = {name: value for _, name, value in constants(family, "R") if name != "ALL"}
    every = {value for _, name, value in constants(family, "R") if name == "ALL"}
    assert len(set(bits.values())) == len(bits)
    assert every == {sum(bits.values())}
