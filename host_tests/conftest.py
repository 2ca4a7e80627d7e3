"""For the whole suite: boards and peers as fixtures. With UIPY_RECORD set, what every stack was
given is left in build/frames.bin (lab/framelog.py).
"""

import os
from pathlib import Path

import pytest
from lab import framelog
from lab.net import GATEWAY, GATEWAY_MAC, Station, Wire


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
