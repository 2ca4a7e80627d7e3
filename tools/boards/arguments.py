"""Arguments of the programs that put a board on a Linux interface: ../tapboard.py, ../runboard.py.

Whatever cannot be is one line that says what to do, and status 2.
"""

import argparse
import re

import check
import place
from boards import board
from chips.rig import KINDS
from uipy.net.iface import ip_of
from wire.recorder import Recorder
from wire.wire import Wire

CHIPS = ("none", *KINDS)


class Parser(argparse.ArgumentParser):
    """An error is one line."""

    def error(self, message):
        self.exit(2, "%s: %s (--help lists the arguments)\n" % (self.prog, message))


def network(p, name, name_help):
    """Adds where the board is, who it is and what is between; `name` is what it is called if the
    user says nothing.
    """
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--tap", metavar="NAME", help="a TAP that exists")
    where.add_argument("--iface", metavar="NAME", help="one end of a veth pair (AF_PACKET)")
    p.add_argument(
        "--ip", metavar="ADDR/LEN", required=True, help="the board's address; or dhcp, or auto"
    )
    p.add_argument("--gateway", metavar="ADDR", help="its gateway (none)")
    p.add_argument("--name", default=name, help=name_help)
    p.add_argument("--mac", type=mac, default=mac("02:00:00:75:69:70"), help="its MAC address")
    p.add_argument("--chip", choices=CHIPS, default="none", help="a chip model and its driver")
    p.add_argument("--pcap", metavar="FILE", help="record what the board sends and receives")
    p.add_argument("--tcp", metavar="N", type=count, default=8, help="connections (8)")
    p.add_argument("--wire", metavar="SPEC", type=wire, default=Wire(), help="loss=5,seed=7 ...")


def mac(text):
    """--mac's argument."""
    if not re.fullmatch("[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", text):
        raise argparse.ArgumentTypeError("%r: write it as 02:00:00:00:00:01" % text)
    octets = bytes(int(x, 16) for x in re.split("[:-]", text))
    if octets[0] & 1 or not any(octets):
        raise argparse.ArgumentTypeError("%s is no host's address: its first octet is even" % text)
    return octets


def count(text):
    """--tcp's argument."""
    if not text.isdigit() or not 1 <= int(text) <= 200:
        raise argparse.ArgumentTypeError("%r: a number from 1 to 200" % text)
    return int(text)


def options(text):
    """--options's argument."""
    try:
        return board.options(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def services(text):
    """--services's argument."""
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


def opened(args):
    """-> the interface, and a Recorder or None. What cannot be is a ValueError, an Error of uipy,
    a NoMedium or an OSError.
    """
    if not place.wanted(args):
        if "/" not in args.ip:
            wanted = "--ip %s: the prefix length is missing, as in %s/24"
            raise ValueError(wanted % (args.ip, args.ip))
        ip_of(args.ip.split("/")[0])  # before anything is opened
        found = check.problems(argparse.Namespace(ip=args.ip, gateway=args.gateway), ())
        if found:
            raise ValueError("; ".join(found))
    elif args.gateway:
        raise ValueError("--gateway goes with an address that is given: leave it out")
    from wire.media import Packet, Tap  # only Linux has them

    recorder = Recorder(args.pcap) if args.pcap else None
    return Tap(args.tap) if args.tap else Packet(args.iface), recorder
