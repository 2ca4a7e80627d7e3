"""For the whole suite: boards and peers as fixtures, and the record of every frame that a stack
was given.

With UIPY_RECORD set, build/frames.bin holds each different frame once, in the order of their first
arrival: now_ms (4 octets), length (2), frame; numbers are big-endian. What came over a link
without link addresses gets an Ethernet header in front, so that all can be replayed on one kind of
device.
"""

import os
import struct
from pathlib import Path

import pytest
from harness import BOARD_MAC, GATEWAY, GATEWAY_MAC, PEER_MAC, Peer, Wire
from uipy.stack import Stack

_ROOT = Path(__file__).resolve().parent.parent
_frames: dict[bytes, int] = {}


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
    return Peer(wire)


@pytest.fixture
def gateway(wire, stack):
    return Peer(wire, GATEWAY, GATEWAY_MAC)


def _record(original):
    def recorded(self, n, iface):
        frame = bytes(self.buf[2 : 2 + n])
        if iface.dev.l2 == 0:
            frame = BOARD_MAC + PEER_MAC + b"\x08\x00" + frame
        _frames.setdefault(frame, self.now)
        return original(self, n, iface)

    return recorded


def pytest_configure():
    if os.environ.get("UIPY_RECORD"):
        Stack._input = _record(Stack._input)


def pytest_unconfigure():
    if _frames:
        path = _ROOT / "build" / "frames.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(
            b"".join(struct.pack("!IH", now, len(f)) + f for f, now in _frames.items())
        )
