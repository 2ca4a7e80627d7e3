"""Where firmware/examples run on a PC: a board on a virtual Ethernet, in this process.

    .venv/bin/python tools/boards/playground.py FILE [--port N] [--pcap FILE] [--drop N]

FILE is an application of callbacks, wherever it lies: as a board's `app.py` (docs/app.md), or one
that ends in `example.run(start, port)` (firmware/examples/example.py). For a server the other end
is the gateway of `make run`: 127.0.0.1:PORT leads to the port that it listens on first. For a
client it is a host with the services of firmware/main.py, at 192.168.7.1. A program that waits
wants a process of its own: `make run APP=FILE`.
"""

import argparse
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    _PINS = "boards/RPI_PICO_ENC28J60"
    _PATHS = ("lib", "firmware", "firmware/examples", _PINS, "tools", "tools/shims")
    sys.path[:1] = [str(ROOT / p) for p in _PATHS]

import machine  # noqa: F401 - gives CPython's `time` what MicroPython's has
from boards import board, ends
from uipy import Stack, loop
from wire.gateway import Gateway, PortInUse
from wire.pump import Pump, stop_on_signals
from wire.wire import Wire

BOARD, OTHER = "192.168.7.2", "192.168.7.1"
_MAC = b"\x02\x00\x00uip"
_OTHER_MAC = b"\x02\x00\x00oth"
_USUAL = 9000  # and the example's own port


def _parser():
    p = argparse.ArgumentParser(description="An example of uipy.")
    p.add_argument("--port", type=int, help="on 127.0.0.1 (%d and its own)" % _USUAL)
    p.add_argument("--pcap", metavar="FILE", help="record the Ethernet for Wireshark")
    p.add_argument("--drop", metavar="N", type=float, default=0, help="lose N %% of the frames")
    return p


def _other(args, port):
    """The other end of the wire."""
    if port:
        return _gateway(args.port, port)
    return ends.local(board.Settings(OTHER + "/24"), _OTHER_MAC)


def _gateway(here, port):
    """127.0.0.1:here leads to the board's port. Is the usual one taken, another will do."""
    if here is None:
        try:
            return Gateway(_USUAL + port, BOARD, OTHER + "/24", board_port=port)
        except PortInUse:
            here = 0
    return Gateway(here, BOARD, OTHER + "/24", board_port=port)


def _recorder(path):
    if not path:
        return None
    from wire.recorder import Recorder

    return Recorder(path)


def _first_port(stack):
    """What the application listens on; 0: it is a client."""
    return stack.tcp.listeners[0].port if stack.tcp.listeners else 0


def main(start, port=None):
    """Run an example until Ctrl-C, or until it raises SystemExit. None: the port is the first that
    it listens on."""
    parser = _parser()
    args = parser.parse_args()
    stop_on_signals()
    dev = ends.QueueDevice(_MAC)
    stack = Stack(dev, BOARD + "/24", OTHER)
    start(stack)
    if port is None:
        port = _first_port(stack)
    try:
        wire = Wire("loss=%g" % args.drop)
        other = _other(args, port)
        pump = Pump(other, ends.StackEnd(dev, stack), wire, _recorder(args.pcap))
    except (PortInUse, ValueError, OSError) as exc:
        parser.exit(2, "%s: %s\n" % (sys.argv[0], exc))
    if port:
        print("127.0.0.1:%d is port %d of the example; Ctrl-C ends it" % (other.port, port))
        sys.stdout.flush()
    pump.run()


def launch():
    """Runs the application that the first argument names."""
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "")
    if not file.is_file():
        sys.stderr.write("playground.py APPLICATION.py [--port N] [--pcap FILE] [--drop N]\n")
        return 2
    sys.argv[:1] = []
    sys.path.insert(0, str(file.resolve().parent))

    def start(stack):
        loop.attach(stack)
        runpy.run_path(str(file), run_name="__main__")

    main(start)
    return 0


if __name__ == "__main__":
    sys.exit(launch())
