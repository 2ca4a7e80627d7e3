"""A board whose only network is a serial line: firmware/main.py's services over SLIP.

    slipboard.py LINE ADDR/LEN GATEWAY [MTU]

LINE is a pseudo-terminal or a serial device, set to raw by whoever made it
(tools/wire/sliprelay.py).
Runs under CPython and under MicroPython; prints `ready` when it serves.
"""

import sys

if sys.implementation.name != "micropython" and __name__ == "__main__":
    from pathlib import Path

    ROOT = Path(__file__).resolve().parents[2]
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]
    __import__("machine")  # gives CPython's `time` what MicroPython's has

import select

import main as firmware
from boards import board
from uipy.drivers.slip import Slip


class Line:
    """A file as a stream with `any`, `readinto` and `write`, none of which waits."""

    def __init__(self, path):
        self.file = open(path, "r+b", buffering=0)  # noqa: SIM115
        self.readinto = self.file.readinto
        self.reader = select.poll()
        self.reader.register(self.file, select.POLLIN)
        self.writer = select.poll()
        self.writer.register(self.file, select.POLLOUT)

    def any(self):
        """-> 1 when an octet can be read."""
        return 1 if self.reader.poll(0) else 0

    def write(self, buf):
        return self.file.write(buf) if self.writer.poll(0) else None

    def wait(self, ms):
        self.reader.poll(ms)


def run(path, ip, gateway, mtu="576"):
    line = Line(path)
    dev = Slip(line, int(mtu))
    stack = board.build(dev, board.Settings(ip, gateway))
    print("ready")
    firmware.serve(stack, lambda ms: line.wait(ms if dev.can_send() else 1))


if __name__ == "__main__":
    try:
        run(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
