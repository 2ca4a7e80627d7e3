"""A board on a Linux interface that exists already: a TAP, or one end of a veth pair.

    sudo ip tuntap add dev tap0 mode tap user $USER
    sudo ip addr add 192.168.9.1/24 dev tap0; sudo ip link set tap0 up
    .venv/bin/python tools/tapboard.py --tap tap0 --ip 192.168.9.2/24

`--ip dhcp [--name NAME]` takes the address that a DHCP server gives, `--ip auto` a link-local one;
a line says which.
Prints `ready` when it serves; SIGTERM or Ctrl-C ends it with status 0. What cannot be is one line
that says what to do, and status 2. Without root: `unshare -Urn`, a veth pair, `--iface`.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parent.parent
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]

import interpreters
import main as firmware
from boards import arguments, board, ends
from uipy import Error
from wire.media import NoMedium
from wire.pump import Medium, Pump, stop_on_signals


def _parser():
    p = arguments.Parser(prog="tapboard", description="A uipy board on a TAP or a veth.")
    arguments.network(p, None, "its name: on its page, for DHCP, and NAME.local")
    p.add_argument("--python", choices=("cpython", "micropython"), default="cpython")
    p.add_argument(
        "--flight", metavar="N", type=arguments.count, help="segments in flight at the most"
    )
    p.add_argument(
        "--options",
        metavar="A,B=N",
        type=arguments.options,
        default={},
        help="sack,timestamps,window_scale,ecn=1,cookies,reassembly=4,urgent; cookies=0 ...",
    )
    p.add_argument(
        "--services",
        metavar="A,B",
        type=arguments.services,
        default=list(firmware.SERVICES),
        help="of %s (all but the last two)" % ",".join(board.SERVICES),
    )
    return p


def _pump(args):
    medium, recorder = arguments.opened(args)
    settings = board.Settings(
        args.ip, args.gateway, args.tcp, args.services, args.name or "uipy", args.chip, args.name
    )
    settings.tcp_options.update(args.options)
    if args.flight:
        settings.tcp_options["max_flight"] = args.flight
    end = ends.make(settings, args.mac, args.python)
    return Pump(Medium(medium), end, args.wire, recorder)


def main(argv=None):
    parser = _parser()
    args = parser.parse_args(argv)
    stop_on_signals()
    try:
        pump = _pump(args)
    except interpreters.Missing as exc:
        parser.exit(2, "tapboard: %s, or leave --python micropython out\n" % exc)
    except (NoMedium, ValueError, Error, ends.BoardDied) as exc:
        parser.exit(2, "tapboard: %s\n" % exc)
    except OSError as exc:
        parser.exit(2, "tapboard: %s: %s\n" % (exc.filename, exc.strerror))
    except KeyboardInterrupt:
        return 0
    try:
        print("ready", flush=True)
        pump.run()
    except (ends.BoardDied, NoMedium) as exc:
        parser.exit(1, "tapboard: %s\n" % exc)
    return 0


if __name__ == "__main__":
    sys.exit(main())
