"""A board on a serial port of this machine, for whoever copies files to boards: mpremote, `make
install`. Its flash is a file, its chip a model, its page on a port of ours.

    .venv/bin/python tools/boards/serialboard.py --flash /tmp/flash.img

MicroPython is that of the PC, with a board's file system (on_serial.py) and a board's manners at
the prompt: Ctrl-C, the raw REPL, a soft reset that runs main.py. The serial port is a pseudo
terminal, whose name is printed. The flash stays, so that the board can be switched off and on.
While the prompt waits for a key nothing goes on behind it, as it would on a board.
"""

import argparse
import fcntl
import os
import pty
import subprocess
import sys
import termios
import tty
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    PATHS = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[:0] = [str(ROOT / p) for p in PATHS]

import interpreters
from boards import ends
from chips.server import BoardLink
from wire.gateway import Gateway, PortInUse
from wire.pump import Pump, stop_on_signals

BOARD, GATEWAY = "192.168.7.2", "192.168.7.1"
FLASH = 1408 << 10  # octets: the file system of a Pico
_SCRIPT = Path(__file__).with_name("on_serial.py")
_RESET = 3  # on_serial.py: the board asks for a reset
_BACKLOG = 1 << 16  # octets that nobody has read; a board on USB forgets them too
_CTRL_A, _CTRL_B, _CTRL_C = 1, 2, 3
_INT = 1 << 1  # SIGINT in a mask of /proc


def _terminal():
    """A pseudo terminal that changes nothing: (our end, the name and the file of the other)."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    return ours, theirs


def _read(fd):
    try:
        return os.read(fd, 65536)
    except (BlockingIOError, OSError):  # nothing there; or no process behind it
        return b""


def _write(fd, data):
    """Writes of `data` what there is room for, and takes it out."""
    try:
        del data[: os.write(fd, data)]
    except (BlockingIOError, OSError):
        pass


class SerialBoard(ends._Chip):
    """A board as an end of the wire (pump.py). `flash` is the file, `port` the name of its serial
    port, `said` what it printed.
    """

    def __init__(self, flash, chip="enc28j60", blocks=FLASH // 4096, heap="2M"):
        super().__init__(chip)
        self._heap = heap
        self._flash = Path(flash)
        if not self._flash.exists():
            self._flash.write_bytes(b"\xff" * 4096 * blocks)
        self._port, self._other = _terminal()
        self.port = os.ttyname(self._other)
        self._out, self._in = bytearray(), bytearray()
        self._raw = False
        self._start()

    # The process

    def _start(self, raw=False):
        """Power, or a reset. After a soft one in the raw REPL it is the raw REPL that comes."""
        self._link = BoardLink(self.wiring)
        self._console, theirs = _terminal()
        self._raw = raw
        shims = os.pathsep.join([".frozen", str(ends.ROOT / "tools" / "shims")])
        self._process = subprocess.Popen(
            [
                *(interpreters.micropython(), "-X", "heapsize=" + self._heap, "-i"),
                *(str(_SCRIPT), str(self._flash), "0" if raw else "1"),
            ],
            pass_fds=self._link.fds(),
            env={**os.environ, **self._link.env(), "MICROPYPATH": shims},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=_own_terminal,  # noqa: PLW1509
        )
        os.close(theirs)
        self._link.started()
        self._in = bytearray([_CTRL_A] if raw else [])

    def _again(self):
        """The process has ended: by a soft reset, or by machine.reset()."""
        status = self._process.wait()
        self._out += _read(self._console)
        self._link.close()
        os.close(self._console)
        self._out += b"" if status == _RESET else b"MPY: soft reboot\r\n"
        self._start(self._raw and status != _RESET)

    def _listens(self):
        """Whether Ctrl-C breaks off what runs; at the prompt it is a character."""
        try:
            status = Path("/proc/%d/status" % self._process.pid).read_text()
        except OSError:
            return False
        return any(
            int(line.split()[1], 16) & _INT
            for line in status.splitlines()
            if line.startswith("SigCgt:")
        )

    # The serial port

    def _hear(self):
        for octet in _read(self._port):
            if octet in (_CTRL_A, _CTRL_B):
                self._raw = octet == _CTRL_A
            if octet == _CTRL_C and self._listens():
                self._process.send_signal(2)
            else:
                self._in.append(octet)

    def _talk(self):
        self._out += _read(self._console)
        del self._out[:-_BACKLOG]
        _write(self._port, self._out)
        _write(self._console, self._in)

    def run(self, now):
        while True:
            self._hear()
            self._talk()
            readable = ends.select.select([self._link], [], [], 0)[0]
            if not readable:
                break
            if not self._link.step():
                self._again()
        if self._process.poll() is not None:
            self._again()
        wait = ends.due(self.chip)
        self._link.push()
        return wait

    def give(self, frame):
        super().give(frame)
        self._link.push()

    def files(self):
        writable = [self._port] if self._out else []
        writable += [self._console] if self._in else []
        return [self._link, self._port, self._console], writable

    def close(self):
        ends.stop(self._process)
        self._link.close()
        for fd in (self._port, self._other, self._console):
            os.close(fd)


def _own_terminal():
    """In the new process: Ctrl-C in our terminal is ours."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def main(argv=None):
    p = argparse.ArgumentParser(prog="serialboard", description=__doc__.split("\n")[0])
    p.add_argument("--flash", metavar="FILE", required=True, help="made if it is not there")
    p.add_argument("--blocks", type=int, default=FLASH // 4096, help="of a new one, 4096 octets")
    p.add_argument(
        "--heap", default="2M", help="of MicroPython, whose objects are twice a board's"
    )
    p.add_argument("--chip", choices=tuple(ends.KINDS), default="enc28j60")
    p.add_argument("--port", type=int, default=8080, help="of its page (8080; 0: any)")
    args = p.parse_args(argv)
    stop_on_signals()
    try:
        gateway = Gateway(args.port, BOARD, GATEWAY + "/24")
        pump = Pump(gateway, SerialBoard(args.flash, args.chip, args.blocks, args.heap))
    except (PortInUse, interpreters.Missing) as exc:
        p.exit(2, "serialboard: %s\n" % exc)
    print("serial port %s" % pump.board.port)
    print("page http://127.0.0.1:%d/" % pump.net.port, flush=True)
    pump.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
