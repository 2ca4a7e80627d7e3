"""`make emulate`: MicroPython's firmware on an emulated RP2040, and its page on a port of ours.

A Pico boots the image (FIRMWARE=file.uf2, or the official one, fetched once) with lib/uipy and
firmware/ on its file system; its SPI and pins lead to a model of the chip, the model's Ethernet to
gateway.py. The board lives in its own time: never ahead of ours, and behind it while it works.
"""

import argparse
import sys
import time
from collections import deque
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]

from interpreters import Missing
from wire.gateway import Gateway, PortInUse
from wire.pump import LONG, Pump, stop_on_signals
from wire.recorder import Recorder

from emu import boot, content
from emu.firmware import NoImage, find

GATEWAY = "192.168.7.1"
_STEP_NS = 5_000_000  # emulated, in one turn of the pump
_LAG_NS = 20_000_000  # further behind our clock the board does not try to catch up

HELLO = """uipy: an RP2040 boots {image}; in some seconds its page: http://127.0.0.1:{port}/

  curl http://127.0.0.1:{port}/status.json         what the page is fed with
  make emulate PORT=8081 PCAP=wire.pcap          another port; the wire, for Wireshark
  make emulate CHIP=w5500                        another chip on its SPI

The emulator is slower than a Pico while the board works. What it says on its console:"""


class EmulatedBoard:
    """The board as an end of the wire (pump.py)."""

    def __init__(self, image, kind):
        files = content.firmware(kind, boot.BOARD + "/24", GATEWAY, image)
        self.mcu, self._bridge = boot.board(image, files, kind)
        self.mcu.console.heard = self._say
        self._sent: deque[bytes] = deque()
        self._bridge.chip.wire_out = self._sent.append
        self._zero = time.monotonic_ns()

    def _say(self, text):
        sys.stdout.write(text.replace("\r\n", "\n"))
        sys.stdout.flush()

    def give(self, frame):
        self._bridge.wire_in(frame)

    def take(self):
        return self._sent.popleft() if self._sent else None

    def run(self, now):
        """Up to our clock, for a few milliseconds; how long it can wait then."""
        mcu = self.mcu
        ours = time.monotonic_ns() - self._zero
        ahead = mcu.clock.nanos - ours
        if ahead > 0:
            return min(ahead / 1e6, LONG)
        if ahead < -_LAG_NS:
            self._zero -= int(ahead) + _LAG_NS
        mcu.run_batch(_STEP_NS)
        return 0

    def files(self):
        return [], []

    def close(self):
        pass


def _parser():
    p = argparse.ArgumentParser(prog="emulate", description=__doc__)
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--chip", choices=("enc28j60", "w5500", "w5100s"), default="enc28j60")
    p.add_argument("--port", type=int, default=8080)
    p.add_argument("--pcap", metavar="FILE")
    return p


def make(args):
    """The board, the wire and the gateway; and the image's path."""
    image = find(args.firmware)
    gateway = Gateway(args.port, boot.BOARD, GATEWAY + "/24")
    recorder = Recorder(args.pcap) if args.pcap else None
    return Pump(gateway, EmulatedBoard(image, args.chip), recorder=recorder), image


def main(argv=None):
    parser = _parser()
    args = parser.parse_args(argv)
    stop_on_signals()
    try:
        pump, image = make(args)
        print(HELLO.format(image=image.name, port=pump.net.port), flush=True)
        pump.run()
    except (NoImage, PortInUse, Missing) as exc:
        parser.exit(2, "emulate: %s\n" % exc)
    except OSError as exc:
        parser.exit(2, "emulate: %s: %s\n" % (exc.filename, exc.strerror))
    except boot.HardFault as exc:
        parser.exit(1, "emulate: %s\n" % exc)
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
