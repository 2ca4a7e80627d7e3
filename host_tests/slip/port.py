"""The console of a board in memory."""

from types import SimpleNamespace

from uipy.drivers.slip import console


class Port:
    """stdin and stdout of a board, in memory, and what is told of Ctrl-C."""

    def __init__(self, monkeypatch):
        self.comes, self.went, self.keys = bytearray(), bytearray(), []
        self.watched = 0
        self.buffer = self
        monkeypatch.setattr(console, "sys", SimpleNamespace(stdin=self, stdout=self))
        monkeypatch.setattr(console, "select", SimpleNamespace(poll=lambda: self, POLLIN=1))
        monkeypatch.setattr(console, "micropython", SimpleNamespace(kbd_intr=self.keys.append))

    def readinto(self, buf):
        n = len(buf)
        buf[:] = self.comes[:n]
        del self.comes[:n]
        return n

    def write(self, buf):
        self.went += buf
        return len(buf)

    def register(self, file, events):
        assert file is self and events == 1
        self.watched = 1

    def unregister(self, file):
        self.watched = 0

    def ipoll(self, ms):
        assert ms == 0
        return iter([1] * bool(self.comes and self.watched))
