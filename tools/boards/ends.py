"""Boards as an end of the wire (pump.py): in this process or in a MicroPython one, with a chip or
bare.

    StackBoard          our stack in this process, frames from a queue
    ChipBoard           the same behind a driver and a chip model
    ProcessBoard        MicroPython, frames through a pipe (child.py)
    ChipProcessBoard    MicroPython; SPI octets and pin levels through pipes, the chip model here
"""

import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import interpreters
import machine
import main
from boards import board
from chips import clock
from chips.rig import KINDS, load
from chips.server import BoardLink
from chips.spibus import Wiring
from wire.pump import LONG

ROOT = Path(__file__).resolve().parents[2]
# Behind the joined library and firmware.
PATHS = ("firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
_QUEUE = 256  # frames that wait for a board that is busy; more are lost, as in a switch
_PIPE = 1 << 18  # octets that wait for a process that is busy


class QueueDevice:
    """A device (docs/architecture.md) of two queues."""

    l2 = 14
    mtu = 1500

    def __init__(self, mac):
        self.mac = bytes(mac)
        self.rx: deque[bytes] = deque()
        self.tx: deque[bytes] = deque()

    def recv_into(self, buf):
        while self.rx:
            frame = self.rx.popleft()
            n = len(frame)
            if n <= len(buf) - 2:
                buf[2 : 2 + n] = frame
                return n
        return 0

    def can_send(self):
        return True

    def send(self, buf, n):
        self.tx.append(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


class StackEnd:
    """A stack on a QueueDevice as an end of the wire; also the gateway's."""

    def __init__(self, dev, stack):
        self.dev = dev
        self.stack = stack

    def give(self, frame):
        if len(self.dev.rx) < _QUEUE:
            self.dev.rx.append(frame)

    def take(self):
        return self.dev.tx.popleft() if self.dev.tx else None

    def run(self, now):
        return self.stack.poll(now & 0x3FFFFFFF)

    def files(self):
        return [], []

    def close(self):
        pass


def local(settings, mac):
    """Our stack in this process; `settings.chip` may be "none"."""
    if settings.chip != "none":
        return ChipBoard(settings, mac)
    dev = QueueDevice(mac)
    return StackEnd(dev, board.build(dev, settings))


def make(settings, mac, python):
    """The board that `settings` (board.py) describe, under "cpython" or "micropython"."""
    if python == "cpython":
        return local(settings, mac)
    return (ProcessBoard if settings.chip == "none" else ChipProcessBoard)(settings, mac)


def model(name):
    """A chip model on the real clock, and its wiring to the board's pins."""
    if name not in KINDS:
        raise ValueError("no chip model %r" % name)
    chip = load(KINDS[name][0])(clock=clock.real, strict=False)
    return chip, Wiring(chip)


def due(chip):
    """Lets happen what is due in the model; ms until the next thing."""
    chip.poll()
    at = chip.next_at()
    return LONG if at is None else max(at - clock.real(), 0) / 1e6


class _Chip:
    """The network's side of a chip model."""

    def __init__(self, name):
        self.chip, self.wiring = model(name)
        self.sent: deque[bytes] = deque()
        self.chip.wire_out = self.sent.append
        self.chip.link(True)

    def give(self, frame):
        self.chip.wire_in(frame)

    def take(self):
        return self.sent.popleft() if self.sent else None


class ChipBoard(_Chip):
    """Our stack, the driver and the chip model in one process."""

    def __init__(self, settings, mac):
        super().__init__(settings.chip)
        machine.wire(self.wiring)
        settings.mac = mac
        dev, _ = main.device(settings)
        self.stack = board.build(dev, settings)

    def run(self, now):
        wait = self.stack.poll(now & 0x3FFFFFFF)
        wait = min(wait, due(self.chip))
        return 0 if self.chip.int_level == 0 else wait

    def files(self):
        return [], []

    def close(self):
        pass


class BoardDied(Exception):
    """The board's process has ended by itself; what it said is on stderr."""


def _arguments(settings, mac):
    return [
        settings.ip,
        settings.gateway or "",
        bytes(mac).hex(),
        str(settings.tcp),
        settings.name,
        settings.services + (",sink" if settings.sink else "") + (",web" if settings.web else ""),
        settings.chip,
        ",".join("%s=%d" % (name, n) for name, n in settings.tcp_options.items()),
        settings.hostname or "",
    ]


def stop(process):
    """Ends a process, if it has not ended."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Child:
    """A MicroPython process that runs child.py. Its first line is `ready`; the rest is for
    whoever reads our stderr.
    """

    def __init__(self, first, settings, mac, fds, env):
        script = str(ROOT / "tools" / "boards" / "child.py")
        places = [interpreters.joined(), *(ROOT / p for p in PATHS)]
        paths = os.pathsep.join([".frozen", *map(str, places)])
        self._process = subprocess.Popen(
            [interpreters.micropython(), "-X", "heapsize=2M", script, first]
            + _arguments(settings, mac),
            pass_fds=fds,
            env={**os.environ, **env, "MICROPYPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; it ends when we do
        )
        assert self._process.stdout is not None
        self._stdout = self._process.stdout
        self._said = b""  # of a line that has not ended
        self._ready = False

    def await_ready(self, serve):
        """`serve()` is called meanwhile, whenever there may be something to do."""
        until = time.monotonic() + 20
        while not self._ready:
            serve()
            if time.monotonic() > until:
                raise BoardDied("the board did not start within 20 s")
            self.listen()

    def listen(self):
        """Takes in what the process says."""
        if not select.select([self._stdout], [], [], 0)[0]:
            return
        said = os.read(self._stdout.fileno(), 65536)
        if not said:
            self.gone()
        *lines, self._said = (self._said + said).split(b"\n")  # print() may write in two pieces
        for line in lines:
            if line == b"ready" and not self._ready:
                self._ready = True
            else:
                sys.stderr.write(line.decode(errors="replace") + "\n")

    def gone(self):
        """Its end of a pipe is closed."""
        raise BoardDied("the board's process has ended")

    def fileno(self):
        return self._stdout.fileno()

    def close(self):
        stop(self._process)
        self._stdout.close()


class ProcessBoard:
    """MicroPython's stack; each frame with its length in 2 octets in front, both ways. `start`
    makes the process.
    """

    def __init__(self, settings, mac, start=_Child):
        self._sock, theirs = socket.socketpair()
        self._sock.setblocking(False)
        self._in, self._out = bytearray(), bytearray()
        fd = theirs.fileno()
        self._child = start(str(fd), settings, mac, (fd,), {})
        theirs.close()
        self._child.await_ready(lambda: time.sleep(0.01))

    def give(self, frame):
        if len(self._out) < _PIPE:
            self._out += len(frame).to_bytes(2, "big") + frame

    def take(self):
        if len(self._in) < 2:
            return None
        n = int.from_bytes(self._in[:2], "big")
        if len(self._in) < 2 + n:
            return None
        frame = bytes(self._in[2 : 2 + n])
        del self._in[: 2 + n]
        return frame

    def run(self, now):
        self._flush()
        try:
            got = self._sock.recv(65536)
        except (BlockingIOError, ConnectionError):
            got = b""
        self._in += got
        if not got:  # what it sent before it ended comes first
            self._child.listen()
        return LONG

    def _flush(self):
        if self._out:
            try:
                del self._out[: self._sock.send(self._out)]
            except BlockingIOError:
                pass
            except ConnectionError:  # it has ended; `run` says so
                self._out.clear()

    def files(self):
        self._flush()  # what was given in this turn
        return [self._sock, self._child], [self._sock] if self._out else []

    def close(self):
        self._child.close()
        self._sock.close()


class ChipProcessBoard(_Chip):
    """MicroPython with firmware/main.py; its SPI and its pins lead to the chip model here."""

    def __init__(self, settings, mac, start=_Child):
        super().__init__(settings.chip)
        self._link = BoardLink(self.wiring)
        self._child = start("-", settings, mac, self._link.fds(), self._link.env())
        self._link.started()
        self._child.await_ready(self._serve)

    def _serve(self, ms=10):
        # The bus first, all of it: the board waits for every answer.
        while select.select([self._link], [], [], ms / 1000)[0]:
            if not self._link.step():
                self._child.gone()
            ms = 0

    def run(self, now):
        self._serve(0)
        self._child.listen()
        wait = due(self.chip)
        self._link.push()
        return wait

    def files(self):
        return [self._link, self._child], []

    def give(self, frame):
        super().give(frame)
        self._link.push()

    def close(self):
        self._child.close()
        self._link.close()
