"""Every chip that has a model and a driver runs the tests of test_suite.py; a module with `KINDS`
names its own. One with `BOTH_WAYS` drives each chip by its four methods and, as "w5500 moved", by
its generator."""

import sys
import time

import machine  # gives `time` the ticks_* and sleep_* of MicroPython
import pytest
from chips.rig import KINDS, MoveRig, Rig, kinds, load

assert machine
MOVED = " moved"


def pytest_generate_tests(metafunc):
    if "kind" in metafunc.fixturenames:
        names = getattr(metafunc.module, "KINDS", kinds())
        if hasattr(metafunc.module, "BOTH_WAYS"):
            names = [*names, *(k + MOVED for k in names if hasattr(load(KINDS[k][1]), "frames"))]
        metafunc.parametrize("kind", names)


def _rig(kind, **kw):
    return MoveRig(kind.removesuffix(MOVED), **kw) if kind.endswith(MOVED) else Rig(kind, **kw)


@pytest.fixture
def make(kind):
    """Makes rigs of this kind; in the end no model may have anything to complain about."""
    made = []

    def rig(**kw):
        made.append(_rig(kind, **kw))
        return made[-1]

    yield rig
    _real_time()
    for r in made:
        assert r.chip.complaints == []


@pytest.fixture
def rig(make):
    return make()


@pytest.fixture
def broken(kind):
    """Makes rigs whose chip may complain, because the test breaks something."""
    yield lambda **kw: _rig(kind, **kw)
    _real_time()


def _real_time():
    for name, module in list(sys.modules.items()):
        if name.startswith("uipy.drivers.") and hasattr(module, "time"):
            module.time = time
