"""The SLIP driver on a line in memory, by a clock that stands still; the console of a board."""

import pytest
from chips.clock import VirtualClock, VirtualTime
from slip.line import Line
from slip.port import Port
from uipy.drivers import slip
from uipy.drivers.slip import Slip


@pytest.fixture
def clock(monkeypatch):
    c = VirtualClock(1_000)
    monkeypatch.setattr(slip, "time", VirtualTime(c))
    return c


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def dev(line):
    return Slip(line, mtu=576)


@pytest.fixture
def buf():
    return bytearray(2 + 576 + 4)


@pytest.fixture
def port(monkeypatch):
    return Port(monkeypatch)
