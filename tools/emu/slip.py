"""A bare Pico in the emulator whose network is its USB port: boards/RPI_PICO_SLIP, with a stack of
ours at the computer's end.

    .venv/emu/bin/python tools/emu/slip.py file.uf2

Boots a MicroPython image, pings the board, fetches its page, and takes the prompt back as mpremote
does. Prints how long each took, in ms of the emulated board, to half a millisecond.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "firmware", "tools", "tools/shims")]
    __import__("machine")  # gives CPython's `time` what MicroPython's has

from uipy import App, Bytes, Stack
from uipy.drivers.slip import Slip
from uipy.host import Ping

from emu import content
from emu.boot import Stuck
from emu.mcu import Mcu

BOARD, HERE = "192.168.7.2", "192.168.7.1"
PATIENCE_S = 30  # emulated
_STEP_S = 0.0005
_PINGS = 4


class Line:
    """The far end of the board's USB port, as a stream. `seen`: all that came."""

    def __init__(self, mcu):
        self._console = mcu.console
        self._console._cdc.on_serial_data = self._said
        self.seen = bytearray()
        self._at = 0

    def _said(self, data):
        self.seen += bytes(data)

    def forget(self):
        """What the board has said was for people."""
        self.seen.clear()
        self._at = 0

    def any(self):
        return len(self.seen) - self._at

    def readinto(self, buf):
        n = min(len(buf), self.any())
        buf[:n] = self.seen[self._at : self._at + n]
        self._at += n
        return n

    def write(self, data):
        self._console._typed += bytes(data)
        self._console._give()
        return len(data)


class Fetch(App):
    """Gets the page; `over` is set when the connection has ended."""

    over = None

    def __init__(self):
        self.text = b""

    def connected(self, conn):
        conn.finish(Bytes(b"GET / HTTP/1.0\r\n\r\n"))

    def received(self, conn, buf, start, n):
        self.text += bytes(buf[start : start + n])

    def closed(self, conn, reason):
        self.over = reason


class Pair:
    """The emulated board and the stack that it talks to, on the board's clock."""

    def __init__(self, image):
        files = content.firmware("enc28j60", BOARD + "/24", None)
        files["config.py"] = (content.ROOT / "firmware" / "config.py").read_bytes()
        files["pins.py"] = (content.ROOT / "boards" / "RPI_PICO_SLIP" / "pins.py").read_bytes()
        self.mcu = Mcu(image, files)
        self.line = Line(self.mcu)
        self.mcu.start()
        self._await(b"the prompt\r\n")
        self.line.forget()
        self.stack = Stack(Slip(self.line, 1500), ip=HERE + "/24", tcp=1, now=self._now())

    def _now(self):
        return int(self.mcu.ms) & 0x3FFFFFFF

    def _await(self, text):
        self.mcu.run_for(PATIENCE_S, lambda: text in self.line.seen)
        if text not in self.line.seen:
            raise Stuck("the board did not say %r, but %r" % (text, bytes(self.line.seen)))

    def until(self, done, what):
        """Runs both until `done()`; -> ms that it took."""
        began = self.mcu.ms
        while not done():
            if self.mcu.ms > began + 1000 * PATIENCE_S:
                raise Stuck("no %s after %d s" % (what, PATIENCE_S))
            for _ in range(_PINGS):  # octets wait in it for a poll each
                self.stack.poll(self._now())
            self.mcu.run_for(_STEP_S)
        return self.mcu.ms - began

    def ping(self, ping):
        came: list = []
        ping.send(BOARD, came.append, 56, 5000)
        ms = self.until(lambda: came, "answer to a ping")
        if came[0] is None:
            raise Stuck("no answer to a ping after 5 s")
        return ms

    def page(self):
        """-> (ms, octets of the answer)"""
        fetch = Fetch()
        self.stack.connect(fetch, BOARD, 80)
        ms = self.until(lambda: fetch.over, "page")
        if fetch.over != "done" or not fetch.text.startswith(b"HTTP/1.1 200"):
            raise Stuck("the page ended with %r: %r" % (fetch.over, fetch.text[:80]))
        return ms, len(fetch.text)

    def prompt(self):
        self.line.forget()
        self.line.write(b"\r\x03")
        self._await(b">>> ")


def main(image):
    pair = Pair(image)
    print("the line is SLIP's %d ms after power" % pair.mcu.ms)
    ping = Ping(pair.stack)
    print("the first ping is answered after %d ms" % pair.ping(ping))
    times = [pair.ping(ping) for _ in range(_PINGS)]
    print("a ping of 56 octets takes %.1f ms" % min(times))
    ms, octets = pair.page()
    print("a page of %d octets takes %d ms" % (octets, ms))
    pair.prompt()
    print("Ctrl-C between two packets gives the prompt back")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("slip: name a MicroPython image for the Pico, such as file.uf2")
    try:
        main(sys.argv[1])
    except (Stuck, OSError) as exc:
        sys.exit("slip: %s" % exc)
