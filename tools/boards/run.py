"""`make run`: a simulated board and its status page on http://127.0.0.1:8080.

MicroPython runs firmware/main.py; its SPI and pins lead to a model of the ENC28J60, the model's
Ethernet to gateway.py. Nothing of it wants root.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]

import interpreters
from boards import arguments, board, ends
from wire.gateway import Gateway, PortInUse
from wire.pump import Pump, stop_on_signals
from wire.recorder import Recorder
from wire.wire import Wire

BOARD, GATEWAY = "192.168.7.2", "192.168.7.1"
MAC = bytes((2, 0, 0, 0x75, 0x69, 0x70))

HELLO = """uipy: a simulated board is up; its page, once it has an address: http://127.0.0.1:{port}/

  curl http://127.0.0.1:{port}/status.json       what the page is fed with
  curl http://127.0.0.1:{port}/metrics           the same for Prometheus
  make run PORT=8081 PCAP=wire.pcap              another port; the wire, for Wireshark
  make run WIRE=loss=5,delay=20,seed=1           a bad wire

{board}. Ctrl-C ends it."""

WHAT = {
    "none": "{python}, frames straight to its stack",
    "enc28j60": "{python}, uipy's ENC28J60 driver, a model of the chip on its SPI",
}


def _parser():
    p = argparse.ArgumentParser(prog="run", description=__doc__)
    p.add_argument("--port", type=int, default=8080)
    p.add_argument("--pcap", metavar="FILE")
    p.add_argument("--wire", type=arguments.wire, default=Wire(), metavar="SPEC")
    p.add_argument("--chip", choices=arguments.CHIPS, default="enc28j60")
    p.add_argument("--python", choices=("cpython", "micropython"), default="micropython")
    return p


def make(args):
    """The board, the wire and the gateway."""
    gateway = Gateway(args.port, BOARD, GATEWAY + "/24")
    recorder = Recorder(args.pcap) if args.pcap else None
    settings = board.Settings("dhcp", chip=args.chip, name="uipy, simulated", hostname="uipy")
    end = ends.make(settings, MAC, args.python)
    return Pump(gateway, end, args.wire, recorder)


def main(argv=None):
    parser = _parser()
    args = parser.parse_args(argv)
    stop_on_signals()
    try:
        pump = make(args)
    except (PortInUse, interpreters.Missing, ends.BoardDied) as exc:
        parser.exit(2, "run: %s\n" % exc)
    except OSError as exc:
        parser.exit(2, "run: %s: %s\n" % (exc.filename, exc.strerror))
    except KeyboardInterrupt:
        return 0
    python = {"micropython": "MicroPython", "cpython": "CPython"}[args.python]
    what = WHAT[args.chip].format(python=python)
    try:
        print(HELLO.format(port=pump.net.port, board=what), flush=True)
        pump.run()
    except ends.BoardDied as exc:
        parser.exit(1, "run: %s\n" % exc)
    return 0


if __name__ == "__main__":
    sys.exit(main())
