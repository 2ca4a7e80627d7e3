"""A board on a Linux interface that exists already: a TAP, or one end of a veth pair.

    sudo ip tuntap add dev tap0 mode tap user $USER
    sudo ip addr add 192.168.9.1/24 dev tap0; sudo ip link set tap0 up
    .venv/bin/python tools/tapboard.py --tap tap0 --ip 192.168.9.2/24

`--ip dhcp [--name NAME]` takes the address that a DHCP server gives, `--ip auto` a link-local one;
a line says which.
Prints `ready` when it serves; SIGTERM or Ctrl-C ends it with status 0. What cannot be is one line
that says what to do, and status 2. Without root: `unshare -Urn`, a veth pair, `--iface`.
"""

import argparse
import re
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "firmware", "tools", "tools/shims")]

import interpreters
import main as firmware
from boards import board, ends
from chips.rig import KINDS
from uipy import Error
from uipy.net.iface import ip_of
from wire.media import NoMedium, Packet, Tap
from wire.pump import Medium, Pump, stop_on_signals
from wire.recorder import Recorder
from wire.wire import Wire

CHIPS = ("none", *KINDS)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, "%s: %s (--help lists the arguments)\n" % (self.prog, message))


def _parser():
    p = _Parser(prog="tapboard", description="A uipy board on a TAP or a veth.")
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--tap", metavar="NAME", help="a TAP that exists")
    where.add_argument("--iface", metavar="NAME", help="one end of a veth pair (AF_PACKET)")
    p.add_argument(
        "--ip", metavar="ADDR/LEN", required=True, help="the board's address; or dhcp, or auto"
    )
    p.add_argument("--gateway", metavar="ADDR", help="its gateway (none)")
    p.add_argument("--name", help="its name: on its page, for DHCP, and NAME.local")
    p.add_argument("--mac", type=_mac, default=_mac("02:00:00:75:69:70"), help="its MAC address")
    p.add_argument("--chip", choices=CHIPS, default="none", help="a chip model and its driver")
    p.add_argument("--python", choices=("cpython", "micropython"), default="cpython")
    p.add_argument("--pcap", metavar="FILE", help="record what the board sends and receives")
    p.add_argument("--tcp", metavar="N", type=_count, default=8, help="connections (8)")
    p.add_argument("--flight", metavar="N", type=_count, help="segments in flight at the most")
    p.add_argument(
        "--options",
        metavar="A,B=N",
        type=_options,
        default={},
        help="sack,timestamps,window_scale,ecn=1,cookies,reassembly=4,urgent; cookies=0 ...",
    )
    p.add_argument(
        "--services",
        metavar="A,B",
        type=_services,
        default=list(firmware.SERVICES),
        help="of %s (all but the last two)" % ",".join(board.SERVICES),
    )
    p.add_argument("--wire", metavar="SPEC", type=wire, default=Wire(), help="loss=5,seed=7 ...")
    return p


def _mac(text):
    if not re.fullmatch("[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", text):
        raise argparse.ArgumentTypeError("%r: write it as 02:00:00:00:00:01" % text)
    mac = bytes(int(x, 16) for x in re.split("[:-]", text))
    if mac[0] & 1 or not any(mac):
        raise argparse.ArgumentTypeError("%s is no host's address: its first octet is even" % text)
    return mac


def _count(text):
    if not text.isdigit() or not 1 <= int(text) <= 200:
        raise argparse.ArgumentTypeError("%r: a number from 1 to 200" % text)
    return int(text)


def _options(text):
    try:
        return board.options(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def _services(text):
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in board.SERVICES:
            raise argparse.ArgumentTypeError(
                "no service %r: there are %s" % (name, ", ".join(board.SERVICES))
            )
    return names


def wire(text):
    """--wire's argument."""
    try:
        return Wire(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def _pump(args):
    if args.ip not in board.AUTOMATIC:
        if "/" not in args.ip:
            wanted = "--ip %s: the prefix length is missing, as in %s/24"
            raise ValueError(wanted % (args.ip, args.ip))
        ip_of(args.ip.split("/")[0])  # before anything is opened
    elif args.gateway:
        raise ValueError("--gateway goes with an address that is given: leave it out")
    recorder = Recorder(args.pcap) if args.pcap else None
    medium = Tap(args.tap) if args.tap else Packet(args.iface)
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
    except (NoMedium, ValueError, Error, interpreters.Missing, ends.BoardDied) as exc:
        parser.exit(2, "tapboard: %s\n" % exc)
    except OSError as exc:
        parser.exit(2, "tapboard: %s: %s\n" % (exc.filename, exc.strerror))
    except KeyboardInterrupt:
        return 0
    try:
        print("ready", flush=True)
        pump.run()
    except ends.BoardDied as exc:
        parser.exit(1, "tapboard: %s\n" % exc)
    return 0


if __name__ == "__main__":
    sys.exit(main())
