"""What program.py needs under CPython: frames through a stream, a chip model behind it, and the
host's own modules out of the program's sight.
"""

import importlib.abc
import importlib.machinery
import select
import socket
import sys

import machine
import main
from boards import ends
from chips.spibus import Wiring

_LONGEST = 2048
_NO_ASYNCIO = (
    "CPython's asyncio waits for file descriptors, and a board's sockets are none: run this"
    " program with --python micropython"
)


class Frames:
    """A device (docs/architecture.md) on an inherited stream: each frame with its length in 2
    octets (big-endian) in front.
    """

    l2 = 14
    mtu = 1500

    def __init__(self, fd, mac):
        self.mac = mac
        self._sock = socket.socket(fileno=fd)

    def frame(self):
        """The next frame, or None. A KeyboardInterrupt takes away a whole frame or none."""
        try:
            head = self._sock.recv(_LONGEST, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not head:
            sys.exit(0)  # the parent is gone
        n = 2 + int.from_bytes(head[:2], "big")
        return self._sock.recv(n)[2:] if 2 < n <= len(head) else None

    def put(self, frame):
        """Sends it: in one piece, which a KeyboardInterrupt does not divide."""
        self._sock.send(len(frame).to_bytes(2, "big") + frame)

    def recv_into(self, buf):
        frame = self.frame()
        while frame and len(frame) > len(buf) - 2:
            frame = self.frame()
        if not frame:
            return 0
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        self.put(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True

    def wait(self, ms):
        select.select([self._sock], [], [], ms / 1000)


class _Bus(Wiring):
    """The wiring of a chip whose Ethernet is `frames`: they come in whenever the driver looks."""

    def __init__(self, chip, frames):
        super().__init__(chip)
        self._frames = frames

    def come_in(self):
        frame = self._frames.frame()
        while frame:
            self.chip.wire_in(frame)
            frame = self._frames.frame()

    def transfer(self, out):
        self.come_in()
        return super().transfer(out)

    def pin_in(self, n):
        self.come_in()
        return super().pin_in(n)


def chip_on(fd, cfg):
    """-> the driver for a model of the chip that `cfg` names, and how to wait for it."""
    frames = Frames(fd, cfg.mac)
    chip, _ = ends.model(cfg.chip)
    bus = _Bus(chip, frames)
    chip.wire_out = frames.put
    chip.link(True)
    machine.wire(bus)
    dev, _ = main.device(cfg)

    def wait(ms):
        bus.come_in()
        due = ends.due(chip)
        if chip.int_level:
            frames.wait(min(ms, due))
        bus.come_in()

    return dev, wait


class _NoAsyncio(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname == "asyncio":
            raise ImportError(_NO_ASYNCIO)


def hide_modules():
    """From now on `import socket` and the like find ours on sys.path."""
    for name in ("socket", "network", "ssl", "tls", "selectors", "asyncio"):
        for full in [m for m in sys.modules if m.split(".")[0] == name]:
            del sys.modules[full]
    sys.meta_path.insert(0, _NoAsyncio())
