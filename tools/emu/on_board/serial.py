import io
import os

import machine


class Serial(io.IOBase):
    """print before USB is up: octets to the data register of UART 0."""

    def write(self, text):
        for octet in text:
            machine.mem32[0x40034000] = octet
        return len(text)

    def readinto(self, buf):
        return None


os.dupterm(Serial())
