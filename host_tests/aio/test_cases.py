"""Every case of cases_*.py: on CPython with a clock that stands still, on MicroPython as it is."""

import functools
import importlib
from pathlib import Path

import pytest
from aio import cable, still
from lab.pythons import run_unix

HERE = Path(__file__).parent
MODULES = sorted(p.stem for p in HERE.glob("cases_*.py"))
CASES = [
    (module, name)
    for module in MODULES
    for name in sorted(vars(importlib.import_module("aio." + module)))
    if name.startswith("case_")
]


def test_there_are_cases():
    assert len(MODULES) == 4 and len(CASES) > 55


@pytest.mark.parametrize(("module", "name"), CASES)
def test_on_cpython(module, name):
    case = getattr(importlib.import_module("aio." + module), name)
    still.run(lambda loop: cable.play(case, loop.ms))


@functools.cache
def played(module):
    path = ("joined", "host_tests")
    return run_unix(HERE / "on_micropython.py", module, path=path, timeout=120)


@pytest.mark.parametrize(("module", "name"), CASES)
def test_on_micropython(module, name):
    said = played(module)
    assert name + " ok\n" in said, said[said.find(name + " failed") :]
