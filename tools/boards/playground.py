"""Where firmware/examples run on a PC: a board on a virtual Ethernet, in this process.

    .venv/bin/python tools/boards/playground.py FILE [--port N] [--pcap FILE] [--drop N]

FILE is an application that ends in `example.run(start, port)`, wherever it lies; see
firmware/examples/example.py. For a server the other end is the gateway of `make run`:
127.0.0.1:PORT leads to the example's port. For a client it is a host with the services of
firmware/main.py, at 192.168.7.1.
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

from boards import board, ends
from uipy import Stack
from wire.gateway import Gateway, PortInUse
from wire.pump import Pump, stop_on_signals
from wire.wire import Wire

BOARD, OTHER = "192.168.7.2", "192.168.7.1"
_MAC = b"\x02\x00\x00uip"
_OTHER_MAC = b"\x02\x00\x00oth"
_USUAL = 9000  # and the example's own port


def _parser(port):
    p = argparse.ArgumentParser(description="An example of uipy.")
    if port:
        p.add_argument("--port", type=int, help="on 127.0.0.1 (%d)" % (_USUAL + port))
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


def main(start, port):
    """Run an example until Ctrl-C, or until it raises SystemExit."""
    parser = _parser(port)
    args = parser.parse_args()
    stop_on_signals()
    try:
        wire = Wire("loss=%g" % args.drop)
        other = _other(args, port)
        dev = ends.QueueDevice(_MAC)
        stack = Stack(dev, BOARD + "/24", OTHER)
        start(stack)
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
    runpy.run_path(str(file), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(launch())
