"""Frames through a stream that a process inherited, each with its length in 2 octets (big-endian)
in front. Runs on MicroPython; ends.py is the other end.
"""

# mypy: ignore-errors
import select
import sys


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
        self.due = 0  # octets of a frame whose length has been read
        self.buf = None
        self.view = None

    def recv_into(self, buf):
        if not self.due:
            if not self.wait(0):
                return 0
            # Ctrl-C comes at a jump: none lies between what is read and the note of it.
            got = self.file.readinto(self.head)
            self.due = self.head[0] << 8 | self.head[1]
            if got != 2:
                sys.exit(0)  # the parent is gone
        n = self.due
        if n > len(buf) - 2:
            self.file.read(n)
            self.due = 0
            return 0
        self._see(buf)
        self.file.readinto(self.view, n)
        self.due = 0
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
