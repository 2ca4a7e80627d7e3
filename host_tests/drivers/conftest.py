"""Every chip that has a model and a driver runs the tests of test_suite.py; a module with `KINDS`
names its own."""

import sys
import time

import machine  # gives `time` the ticks_* and sleep_* of MicroPython
import pytest
from chips.rig import Rig, kinds

assert machine


def pytest_generate_tests(metafunc):
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", getattr(metafunc.module, "KINDS", kinds()))


@pytest.fixture
def make(kind):
    """Makes rigs of this kind; in the end no model may have anything to complain about."""
    made = []

    def rig(**kw):
        made.append(Rig(kind, **kw))
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
    yield lambda **kw: Rig(kind, **kw)
    _real_time()


def _real_time():
    for name, module in list(sys.modules.items()):
        if name.startswith("uipy.drivers.") and hasattr(module, "time"):
            module.time = time
