"""A board whose every module comes out of a ROMFS image, and a client beside it; MicroPython runs
this with the image as its argument: test_romfs.py."""

import sys

import vfs

with open(sys.argv[1], "rb") as f:
    image = f.read()
vfs.mount(vfs.VfsRom(memoryview(image)), "/rom")
sys.path[:] = ["/rom"]

import config  # noqa: E402
import main  # noqa: E402
from uipy import App, Stack  # noqa: E402


class End:
    """A device; what one end sends the other receives."""

    l2 = 14
    mtu = 1500

    def __init__(self, mac):
        self.mac = mac
        self.frames = []
        self.peer = None

    def recv_into(self, buf):
        if not self.frames:
            return 0
        frame = self.frames.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        self.peer.frames.append(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


class Ask(App):
    got = b""

    def connected(self, conn):
        conn.finish(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n")

    def received(self, conn, buf, start, n):
        self.got += bytes(buf[start : start + n])


near, far = End(b"\2\0\0\0\0\1"), End(b"\2\0\0\0\0\2")
near.peer, far.peer = far, near
for name, value in (("ip", "10.0.0.1/24"), ("hostname", None), ("ntp", None), ("program", None)):
    setattr(config, name, value)
stack = main.build(near, config, now=0)
client = Stack(far, "10.0.0.2/24", now=0)
ask = Ask()
client.connect(ask, "10.0.0.1", 80)
for now in range(0, 20000, 10):
    stack.poll(now)
    client.poll(now)
head, _, body = ask.got.partition(b"\r\n\r\n")
print(head.split(b"\r\n")[0].decode())
print(len(body))
print({m.__file__ for m in sys.modules.values() if hasattr(m, "__file__")})
