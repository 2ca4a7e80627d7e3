"""The emulated board's USB serial port as one of this PC, for programs such as mpremote.

    port = Port(mcu)
    port.run(["mpremote", "connect", port.name, "fs", "ls"], 60)

The board runs while the program does.
"""

import os
import pty
import subprocess
import time
import tty

_TURN_NS = 5_000_000  # emulated, between two looks at the port
_PIECE = 256  # octets; the board takes 64 at a time
_BACKLOG = 1 << 16  # of what the board says and nobody reads


class Port:
    def __init__(self, mcu):
        self._mcu = mcu
        self._said = bytearray()
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self.name = os.ttyname(slave)
        mcu.console.octets = self._hear

    def _hear(self, octets):
        self._said += octets
        del self._said[:-_BACKLOG]

    def turn(self):
        """The board runs for some milliseconds; then both hear what the other has said."""
        self._mcu.run_batch(_TURN_NS)
        try:
            self._mcu.console.type(os.read(self._master, _PIECE).decode())
        except BlockingIOError:
            pass
        if self._said:
            try:
                del self._said[: os.write(self._master, self._said)]
            except BlockingIOError:
                pass

    def run(self, command, seconds):
        """-> (status, what it said) of a program, which is ended after so many of our seconds."""
        until = time.monotonic() + seconds
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while process.poll() is None:
            self.turn()
            if time.monotonic() > until:
                process.terminate()
        return process.returncode, process.communicate()[0].decode()
