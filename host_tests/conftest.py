"""For the whole suite: boards and peers as fixtures. With UIPY_RECORD set, what every stack was
given is left in build/frames.bin (lab/framelog.py). With UIPY_CHECKED set, the kernels are those
of tools/proof/checked.py, and a test during which one of them complained has failed.
"""

import os
from pathlib import Path

import pytest
from proof import checked

CHECKED = bool(os.environ.get("UIPY_CHECKED"))
if CHECKED:
    checked.install()

from lab import framelog  # noqa: E402
from lab.net import GATEWAY, GATEWAY_MAC, Station, Wire  # noqa: E402

if CHECKED:

    @pytest.fixture(autouse=True)
    def _no_kernel_complains():
        checked.faults.clear()
        yield
        found, checked.faults[:] = list(checked.faults), []
        assert not found, "\n".join(found[:5])


@pytest.fixture
def wire():
    """A device with no stack on it; what callbacks raised and no test took out of `errors` fails
    the test."""
    w = Wire()
    yield w
    assert not w.errors, w.errors


@pytest.fixture
def stack(wire):
    """A board without TCP whose announcement has been sent."""
    s = wire.board()
    wire.run()
    return s


@pytest.fixture
def peer(wire, stack):
    return Station(wire)


@pytest.fixture
def gateway(wire, stack):
    return Station(wire, GATEWAY, GATEWAY_MAC)


def pytest_configure():
    if os.environ.get("UIPY_RECORD"):
        framelog.begin()


def pytest_unconfigure():
    framelog.end(Path(__file__).resolve().parent.parent / "build" / "frames.bin")
