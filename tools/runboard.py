"""Runs a Python file as a board's main program, with the board on a Linux TAP or a veth pair.

    sudo ip tuntap add dev tap0 mode tap user $USER
    sudo ip addr add 192.168.9.1/24 dev tap0; sudo ip link set tap0 up
    .venv/bin/python tools/runboard.py --tap tap0 --ip 192.168.9.2/24 FILE [ARG...]

`socket`, `network` and `ssl` are the board's (docs/runboard.md). The console is ours: stdin,
stdout, Ctrl-C; the exit status is the program's. What cannot be is one line that says what to do,
and status 2.
"""

import functools
import os
import re
import signal
import subprocess
import sys
import threading
from argparse import REMAINDER, ArgumentTypeError
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parent.parent
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]

import interpreters
from boards import arguments, board, ends, launch
from uipy import Error
from wire.media import NoMedium
from wire.pump import Medium, Pump

ROOT = interpreters.ROOT
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
_FROM_KERNEL = 0x80  # si_code SI_KERNEL: a key, or a line that was hung up


class _Ended(Exception):
    """The program's process has ended; the status is the argument."""


def _parser():
    p = arguments.Parser(prog="runboard", description="A Python file as a board's main program.")
    arguments.network(p, "uipy", "its name: for DHCP, and NAME.local (uipy)")
    p.add_argument("--dns", metavar="A,B", help="name servers (those that DHCP tells)")
    p.add_argument("--python", choices=("micropython", "cpython"), default="micropython")
    p.add_argument("--heap", metavar="N", type=_heap, help="MicroPython's heap (4M)")
    p.add_argument(
        "--path",
        metavar="DIR",
        type=_folder,
        action="append",
        default=[],
        help="where to look for modules, behind FILE's folder; may be repeated",
    )
    p.add_argument("file", metavar="FILE", type=_file)
    p.add_argument("args", metavar="ARG", nargs=REMAINDER, help="sys.argv[1:]")
    return p


def _heap(text):
    if not re.fullmatch("[1-9][0-9]{0,9}[kKmM]?", text):
        raise ArgumentTypeError("%r: octets, as in 4M, 200k or 200000" % text)
    return text


def _folder(text):
    if not os.path.isdir(text):
        raise ArgumentTypeError("%s is no folder" % text)
    return os.path.abspath(text)


def _file(text):
    try:
        with open(text, "rb"):
            return text
    except OSError as exc:
        raise ArgumentTypeError("%s: %s" % (text, exc.strerror)) from None


class _Program:
    """The process, as ends.py wants one. Its console is ours."""

    def __init__(self, args, fd, settings, mac, fds, env):
        command, more = launch.prepared(
            args.python, args.file, args.path, args.heap or "4M", fd=fd, mac=mac.hex(),
            **{name: getattr(settings, name) for name in launch.SETTINGS},
        )  # fmt: skip
        self._process = subprocess.Popen(
            [*command, args.file, *args.args], pass_fds=fds, env={**os.environ, **env, **more}
        )
        self._pidfd = os.pidfd_open(self._process.pid)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        threading.Thread(target=self._hand_on, daemon=True).start()

    def _hand_on(self):
        """What a key sends reaches the process anyway; what another process sends, only us."""
        while True:
            got = signal.sigwaitinfo(_SIGNALS)
            if got.si_code != _FROM_KERNEL:
                self._process.send_signal(got.si_signo)

    def await_ready(self, serve):
        """There is nothing to wait for."""

    def listen(self):
        """Raises _Ended when it has."""
        if self._process.poll() is not None:
            raise _Ended(self._process.returncode)

    def gone(self):
        """Its end of a pipe is closed: it is about to end."""
        self._process.wait()
        self.listen()

    def fileno(self):
        return self._pidfd  # readable when the process has ended

    def close(self):
        ends.stop(self._process)
        os.close(self._pidfd)


def _pump(args):
    if args.python == "cpython" and args.heap:
        raise ValueError("--heap is for MicroPython: leave it out")
    medium, recorder = arguments.opened(args)
    settings = board.Settings(
        args.ip, args.gateway, args.tcp, [], args.name, args.chip, args.name, args.dns
    )
    start = functools.partial(_Program, args)
    in_chip = args.chip != "none" and args.python == "micropython"
    make = ends.ChipProcessBoard if in_chip else ends.ProcessBoard
    end = make(settings, args.mac, start)
    return Pump(Medium(medium), end, args.wire, recorder)


def main(argv=None):
    parser = _parser()
    args = parser.parse_args(argv)
    # A shell starts what runs in its background deaf to Ctrl-C, and so would the program be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _pump(args).run()
    except _Ended as exc:
        status = exc.args[0]
        return status if status >= 0 else 128 - status  # killed: as shells say it
    except interpreters.Missing as exc:
        parser.exit(2, "runboard: %s, or take --python cpython\n" % exc)
    except (NoMedium, ValueError, Error) as exc:
        parser.exit(2, "runboard: %s\n" % exc)
    except OSError as exc:
        parser.exit(2, "runboard: %s: %s\n" % (exc.filename, exc.strerror))
    return 130  # before the program began


if __name__ == "__main__":
    sys.exit(main())
