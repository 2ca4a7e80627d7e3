"""The MicroPython process of a board; started by ends.py, never by hand.

    child.py FD IP GATEWAY MAC TCP NAME SERVICES CHIP OPTIONS HOSTNAME

FD: frames come and go through this stream, each with its length in 2 octets (big-endian) in front.
"-": frames come from the chip on machine.SPI. Prints `ready` when it serves.
"""

import select
import sys

import main
from boards import board


class FrameDevice:
    """A device (docs/architecture.md) on an inherited stream."""

    l2 = 14
    mtu = 1500

    def __init__(self, fd, mac):
        self.mac = mac
        self.file = open(fd, "r+b")  # noqa: SIM115
        self.poller = select.poll()
        self.poller.register(self.file, select.POLLIN)
        self.head = bytearray(2)
        self.buf = None
        self.view = None

    def recv_into(self, buf):
        if not self.wait(0):
            return 0
        if self.file.readinto(self.head) != 2:
            sys.exit(0)  # the parent is gone
        n = self.head[0] << 8 | self.head[1]
        if n > len(buf) - 2:
            self.file.read(n)
            return 0
        self._see(buf)
        self.file.readinto(self.view, n)
        return n

    def _see(self, buf):
        if self.buf is not buf:
            self.buf = buf
            self.view = memoryview(buf)[2:]

    def can_send(self):
        return True

    def send(self, buf, n):
        self._see(buf)
        self.head[0] = n >> 8
        self.head[1] = n & 0xFF
        self.file.write(self.head)
        self.file.write(self.view, n)

    def link_up(self):
        return True

    def wait(self, ms):
        """True when a frame is there; waits up to `ms` for it."""
        for _ in self.poller.ipoll(ms):
            return True
        return False


def frames(fd, mac, settings):
    """A board without a chip."""
    dev = FrameDevice(fd, mac)
    stack = board.build(dev, settings)
    print("ready")
    main.serve(stack, dev.wait)


def chip(mac, settings):
    """A board with a driver and a chip, as on a Pico."""
    settings.mac = mac
    dev, pin = main.device(settings)
    stack = board.build(dev, settings)
    print("ready")
    main.serve(stack, main.Nap(pin))


def run(fd, ip, gateway, mac, tcp, name, services, kind, options, host):
    mac = bytes([int(mac[k : k + 2], 16) for k in range(0, 12, 2)])
    settings = board.Settings(ip, gateway, int(tcp), services.split(","), name, kind, host)
    settings.tcp_options = board.options(options)
    try:
        if fd == "-":
            chip(mac, settings)
        else:
            frames(int(fd), mac, settings)
    except KeyboardInterrupt:
        pass


run(*sys.argv[1:])
