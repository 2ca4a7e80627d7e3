"""A serial line in memory, and what its tests do with the driver on it."""

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
PACKET = bytes(range(0x40, 0x40 + 24))


class Line:
    """A stream with `any`, `readinto` and `write`. `room` is what a write takes; None: all."""

    def __init__(self):
        self.inbound = bytearray()
        self.sent = bytearray()
        self.room = None

    def any(self):
        return len(self.inbound)

    def readinto(self, buf):
        assert len(buf) <= len(self.inbound), "this read would have waited"
        buf[:] = self.inbound[: len(buf)]
        del self.inbound[: len(buf)]
        return len(buf)

    def write(self, buf):
        n = len(buf) if self.room is None else min(len(buf), self.room)
        self.sent += buf[:n]
        if self.room is not None:
            self.room -= n
        return n or None  # as a UART says that it is full


def received(dev, buf):
    n = dev.recv_into(buf)
    return bytes(buf[2 : 2 + n])


def everything(dev, buf):
    got = []
    for _ in range(1000):
        packet = received(dev, buf)
        if packet:
            got.append(packet)
        elif not dev._any():
            return got
    raise AssertionError("no end")


def put(dev, buf, packet):
    buf[2 : 2 + len(packet)] = packet
    dev.send(buf, len(packet))


def count(dev, name):
    return dict(dev.counters())[name]


def drained(dev):
    return any(dev.can_send() for _ in range(100))
