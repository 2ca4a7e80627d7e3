"""The device that stands in where only the stack is looked at: it receives nothing, and can send.

For scripts that run under MicroPython too (proof/hotpath.py, proof/replay.py, bench/packets.py):
it imports nothing.
"""


class Null:
    def __init__(self, l2=14, mtu=1500):
        self.l2 = l2
        self.mtu = mtu
        self.mac = b"\x02\x00\x00\x00\x00\x07" if l2 else b""

    def recv_into(self, buf):
        return 0

    def can_send(self):
        return True

    def send(self, buf, n):
        pass

    def link_up(self):
        return True
