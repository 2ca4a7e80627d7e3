"""`make run`: a simulated board and its status page on http://127.0.0.1:8080.

MicroPython runs firmware/main.py, or with --app a file of yours; its SPI and pins lead to a model
of the ENC28J60, the model's Ethernet to a gateway on 127.0.0.1. Nothing of it wants root. Where
there is no MicroPython, CPython takes its place.
"""

import os
import sys
from argparse import ArgumentTypeError
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]

import interpreters
from boards import app, arguments, board, browser, ends
from wire.gateway import Gateway, PortInUse
from wire.pump import Pump, stop_on_signals
from wire.recorder import Recorder
from wire.wire import Wire

BOARD, GATEWAY = "192.168.7.2", "192.168.7.1"
MAC = bytes((2, 0, 0, 0x75, 0x69, 0x70))
_BELOW, _SHIFT = 1024, 9000  # port 7 of a program is 9007 here, port 5000 is 5000

HELLO = """uipy: a simulated board is up; its page, once it has an address: http://127.0.0.1:{port}/

  curl http://127.0.0.1:{port}/status.json       what the page is fed with
  curl http://127.0.0.1:{port}/metrics           the same for Prometheus
  make run PORT=8081 PCAP=wire.pcap              another port; the wire, for Wireshark
  make run WIRE=loss=5,delay=20,seed=1           a bad wire
  make run APP=my.py                             a program of yours

{board}. Ctrl-C ends it."""

HELLO_APP = """uipy: a simulated board runs {app}, and starts again whenever you save it.
It is {ip}; at {gateway} it finds the TCP servers of 127.0.0.1.
{board}. Ctrl-C ends it."""

WHAT = {
    "none": "{python}, frames straight to its stack",
    "enc28j60": "{python}, uipy's ENC28J60 driver, a model of the chip on its SPI",
}
_ANY = "{python}, uipy's driver, a model of the chip on its SPI"


def _parser():
    p = arguments.Parser(prog="run", description=__doc__)
    p.add_argument("--port", type=int, default=8080, help="on 127.0.0.1, for the board's port 80")
    p.add_argument("--pcap", metavar="FILE", help="record the wire for Wireshark")
    p.add_argument("--wire", type=arguments.wire, default=Wire(), metavar="SPEC")
    p.add_argument("--chip", choices=arguments.CHIPS, default="enc28j60")
    p.add_argument(
        "--python", choices=("cpython", "micropython"), help="(MicroPython if it is there)"
    )
    p.add_argument("--app", metavar="FILE", help="a program of yours; it has the board for itself")
    p.add_argument("--base", metavar="DIR", default="", help="the folder that FILE is meant from")
    p.add_argument("--forward", type=_doors, default={}, metavar="7:7007,...",
                   help="port 7 of the board is port 7007 of 127.0.0.1, and so on")  # fmt: skip
    p.add_argument("--services", type=arguments.services, metavar="A,B",
                   help="of the firmware (all; none beside a program)")  # fmt: skip
    p.add_argument("--open", action="store_true", help="show the page in a browser")
    return p


def _doors(text):
    """--forward's argument."""
    found = {}
    for part in text.split(","):
        there, _, here = part.strip().partition(":")
        if not (there.isdigit() and here.isdigit() and 0 < int(there) < 65536):
            raise ArgumentTypeError(
                "%r: the board's port and one of 127.0.0.1, as in 7:7007" % part
            )
        found[int(there)] = int(here)
    return found


def _file(args):
    """The program's path, or None; a name is meant from --base, or from where we are."""
    if not args.app:
        return None
    name = os.path.expanduser(args.app)
    tried = [os.path.join(args.base, name), name]
    for path in tried:
        if os.path.isfile(path):
            return os.path.abspath(path)
    raise ValueError("APP=%s: there is no such file" % args.app)


def _python(args):
    """Who runs the board: MicroPython where there is one."""
    if args.python == "cpython":
        return args.python
    try:
        interpreters.micropython()
    except interpreters.Missing as exc:
        if args.python:
            raise
        print("uipy: %s.\nThe board runs on CPython." % exc, flush=True)
        return "cpython"
    return "micropython"


class _Ports:
    """Which ports of the board are to be reached here."""

    def __init__(self, gateway, doors):
        self._gateway = gateway
        self._told = set()
        for there, here in doors.items():
            if there in gateway.doors:
                raise ValueError("FORWARD=%d:%d: PORT= has the board's port 80" % (there, here))
            gateway.forward(there, here)

    def heard(self, there):
        """The program listens on that port."""
        if there in self._told:
            return
        self._told.add(there)
        doors = self._gateway.doors
        if there not in doors:
            here = there if there >= _BELOW else _SHIFT + there
            try:
                self._gateway.forward(there, here)
            except PortInUse:
                app.say("port %d of the board: %d is taken here; choose one with FORWARD=%d:..."
                        % (there, here, there))  # fmt: skip
                return
        here = doors[there].getsockname()[1]
        web = "http://127.0.0.1:%d/" if there == 80 else "127.0.0.1:%d"
        app.say((web + " leads to port %d of the board") % (here, there))


def make(args, python):
    """The board, the wire and the gateway."""
    file = _file(args)
    gateway = Gateway(args.port, BOARD, GATEWAY + "/24", outward=bool(file))
    ports = _Ports(gateway, args.forward)
    recorder = Recorder(args.pcap) if args.pcap else None
    more = {"chip": args.chip, "name": "uipy, simulated", "hostname": "uipy"}
    if file:
        settings = board.Settings(
            BOARD + "/24", GATEWAY, services=args.services or [], dns=GATEWAY, **more
        )
        settings.name, settings.ntp = "uipy", GATEWAY
        end = app.AppBoard(file, settings, MAC, python, ports.heard, gateway.board_is_new)
    else:
        services = args.services or board.main.SERVICES
        settings = board.Settings("dhcp", services=services, **more)
        end = ends.make(settings, MAC, python)
    return Pump(gateway, end, args.wire, recorder)


def main(argv=None):
    parser = _parser()
    args = parser.parse_args(argv)
    stop_on_signals()
    try:
        if args.app and os.name == "nt":
            raise ValueError("APP= wants Linux or macOS; on Windows, its Linux subsystem (WSL)")
        python = _python(args)
        pump = make(args, python)
    except (PortInUse, ValueError, interpreters.Missing, ends.BoardDied) as exc:
        parser.exit(2, "run: %s\n" % exc)
    except OSError as exc:
        parser.exit(2, "run: %s: %s\n" % (exc.filename, exc.strerror))
    except KeyboardInterrupt:
        return 0
    what = WHAT.get(args.chip, _ANY).format(
        python={"micropython": "MicroPython", "cpython": "CPython"}[python]
    )
    try:
        hello = HELLO_APP if args.app else HELLO
        print(
            hello.format(port=pump.net.port, board=what, app=args.app, ip=BOARD, gateway=GATEWAY),
            flush=True,
        )
        if args.open:
            browser.show("http://127.0.0.1:%d/" % pump.net.port)
        pump.run()
    except ends.BoardDied as exc:
        parser.exit(1, "run: %s\n" % exc)
    return 0


if __name__ == "__main__":
    sys.exit(main())
