"""A network namespace with the Linux kernel on one side of a TAP and a uipy stack on the other, in
one process: the scenario's own.

    @alone
    def test_something():
        board = Board()
        client = kernel(lambda: socket.create_connection((BOARD, 7)))     a thread
        board.run(client)                                                 until it has returned

`alone` forks; the child makes its namespace, and what it raises is raised here. `board.drop` may
refuse a frame: it is called with ('in' or 'out', frame) and returns true for what is lost on the
way.
"""

import ctypes
import functools
import os
import select
import subprocess
import sys
import threading
import time
import traceback

import pytest
from uipy import Stack
from wire.media import Tap

BOARD = "192.168.77.2"
LINUX = "192.168.77.1"
OPTIONS: dict = {}  # what TCP is asked for where a test says nothing (conftest.py)

_CLONE_NEWNET = 0x40000000
_MASK = 0x3FFFFFFF


def ticks_ms():
    return time.monotonic_ns() // 1_000_000 & _MASK


def alone(test):
    """Runs the test in a forked child with a network namespace of its own."""

    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        if os.geteuid() or not os.path.exists("/dev/net/tun"):
            pytest.skip("needs root and /dev/net/tun: the kernel's TCP is reached over a TAP")
        sys.stdout.flush()
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            _child(write, functools.partial(test, *args, **kwargs))
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            text = pipe.read().decode()
        os.waitpid(pid, 0)
        if text.startswith("skip "):
            pytest.skip(text[5:])
        if text != "ok":
            pytest.fail(text or "the child died", pytrace=False)

    return wrapper


def _child(write, test):
    text = "ok"
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        test()
    except pytest.skip.Exception as exc:
        text = "skip %s" % exc
    except BaseException:
        text = traceback.format_exc()
    os.write(write, text.encode()[-60000:])
    os._exit(0)


def shell(command):
    """Runs a command; its output."""
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout


def carried():
    """Waits until the kernel sends through tap0. It drops what it is given before it has seen that
    somebody reads there, which takes it a while when other namespaces are made or ended."""
    end = time.monotonic() + 60
    while " state UP " not in shell("ip -o link show tap0"):
        assert time.monotonic() < end, "tap0 does not come up"
        time.sleep(0.001)


def sysctl(name, value):
    """net.ipv4.NAME in this namespace."""
    with open("/proc/sys/net/ipv4/" + name, "w") as f:
        f.write(str(value))


class kernel(threading.Thread):
    """A function with blocking sockets, in a thread. `result` is what it returned; `join` raises
    what it raised."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function = function
        self.result = self.raised = None
        self.start()

    def run(self):
        try:
            self.result = self.function()
        except BaseException as exc:
            self.raised = exc

    def done(self):
        if not self.is_alive() and self.raised:
            raise self.raised
        return not self.is_alive()


class Device:
    """A TAP as the stack wants it, with a memory of what passed."""

    l2 = 14
    mtu = 1500
    mac = bytes.fromhex("020000757069")

    def __init__(self, tap):
        self.tap = tap
        self.drop = lambda way, frame: False
        self.log = []

    def recv_into(self, buf):
        frame = self.tap.read()
        while frame and self._lost("in", frame):
            frame = self.tap.read()
        if not frame:
            return 0
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        frame = bytes(buf[2 : 2 + n])
        if not self._lost("out", frame):
            self.tap.write(frame)

    def _lost(self, way, frame):
        lost = self.drop(way, frame)
        self.log.append((way, frame, lost))
        return lost

    def link_up(self):
        return True


class Board:
    """A stack on tap0, with the kernel at the other end."""

    def __init__(self, **options):
        shell("ip link set lo up")
        shell("ip tuntap add dev tap0 mode tap")
        shell("ip addr add %s/24 dev tap0" % LINUX)
        shell("ip link set tap0 up")
        self.dev = Device(Tap("tap0"))
        carried()
        self.errors = []
        self.boot(**options)

    def boot(self, **options):
        """A stack that knows nothing of the one before: the board has been reset."""
        options.setdefault("tcp_options", OPTIONS)
        self.stack = Stack(self.dev, ip=BOARD + "/24", **options)
        self.stack.on_error = self.errors.append

    def run(self, until=None, seconds=20):
        """Lets the stack work until the thread has returned, or the function returns true."""
        done = until.done if isinstance(until, kernel) else until
        end = time.monotonic() + seconds
        while not (done and done()):
            if time.monotonic() > end:
                if done is None:
                    return None
                raise TimeoutError("not within %d s" % seconds)
            wait = min(self.stack.poll(ticks_ms()), 5)
            if wait:
                select.select([self.dev.tap], [], [], wait / 1000)
        assert not self.errors, self.errors
        return until.result if isinstance(until, kernel) else None

    def segments(self, way=None):
        """The TCP segments that passed, as (way, Segment), those that were lost among them."""
        out = []
        for w, frame, _ in self.dev.log:
            if way in (None, w) and frame[12:14] == b"\x08\x00" and frame[23] == 6:
                out.append((w, Segment(frame)))
        return out


class Segment:
    """What a test asks of a TCP segment."""

    def __init__(self, frame):
        ip = 14
        at = ip + 4 * (frame[ip] & 15)
        total = int.from_bytes(frame[ip + 2 : ip + 4], "big")
        self.ecn = frame[ip + 1] & 3
        self.src, self.dst = frame[ip + 12 : ip + 16], frame[ip + 16 : ip + 20]
        self.sport = int.from_bytes(frame[at : at + 2], "big")
        self.dport = int.from_bytes(frame[at + 2 : at + 4], "big")
        self.seq = int.from_bytes(frame[at + 4 : at + 8], "big")
        self.ack = int.from_bytes(frame[at + 8 : at + 12], "big")
        head = 4 * (frame[at + 12] >> 4)
        self.bits = frame[at + 13]
        self.flags = "".join(c for i, c in enumerate("FSRPAUEC") if self.bits >> i & 1)
        self.wnd = int.from_bytes(frame[at + 14 : at + 16], "big")
        self.up = int.from_bytes(frame[at + 18 : at + 20], "big")
        self.data = frame[at + head : ip + total]

    def __repr__(self):
        return "%s %d>%d seq=%d ack=%d len=%d" % (
            self.flags,
            self.sport,
            self.dport,
            self.seq,
            self.ack,
            len(self.data),
        )
