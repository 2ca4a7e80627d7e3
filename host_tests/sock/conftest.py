"""A board whose program has sockets, on the virtual clock."""

import pytest
from lab.looped import Nap
from uipy import loop as loops
from uipy.sock import numbers as no
from uipy.sock.face import socket


@pytest.fixture
def nap(wire, stack):
    """The board's stack is attached; its waits move the clock."""
    nap = Nap(wire)
    nap.attach(stack)
    yield nap
    loops.detach()


@pytest.fixture
def sock(nap):
    """A datagram socket whose calls wait for 5 s."""
    with socket(no.AF_INET, no.SOCK_DGRAM) as s:
        s.settimeout(5)
        yield s
