"""A Linux kernel as the peer: a network namespace with an interface to a board in it.

With root and /dev/net/tun: a namespace of its own for each test, and a TAP. Without: the process
moves into a namespace that any user can make (what `unshare -Urn` does), and the board sits on one
end of a veth pair. UIPY_LAN=veth asks for a veth pair all the same.
"""

import contextlib
import ctypes
import itertools
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_S = 120  # within which a board starts, its library being joined first, on a busy machine
TAPBOARD = ROOT / "tools" / "tapboard.py"
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_numbers = itertools.count(1)
_moved = False  # by _unshare()
_libc = ctypes.CDLL(None, use_errno=True)


class Missing(Exception):
    """This machine lacks what the message names."""


def _call(name, *args):
    if getattr(_libc, name)(*args):
        code = ctypes.get_errno()
        raise OSError(code, "%s: %s" % (name, os.strerror(code)))


def need(program):
    """The path of a program, or Missing."""
    found = shutil.which(program)
    if not found:
        raise Missing("no %s here" % program)
    return found


def root():
    """True when this process may make namespaces and TAPs (CAP_SYS_ADMIN, CAP_NET_ADMIN)."""
    status = Path("/proc/self/status").read_text()
    caps = int(status.split("CapEff:")[1].split()[0], 16)
    return bool(caps >> 21 & caps >> 12 & 1) and not _moved


def has_tap():
    """True when a TAP can be had."""
    return os.environ.get("UIPY_LAN") is None and os.access("/dev/net/tun", os.R_OK | os.W_OK)


def _unshare():
    """Moves this process, once and for good, into a user and a network namespace of its own."""
    global _moved
    if _moved:
        return
    uid, gid = os.geteuid(), os.getegid()
    try:
        _call("unshare", _NEWUSER | _NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text("0 %d 1" % uid)
        Path("/proc/self/gid_map").write_text("0 %d 1" % gid)
    except OSError as exc:
        raise Missing("no root, and no namespace for a user: %s" % exc) from None
    _moved = True


class Lan:
    """A namespace and a subnet: the kernel is 10.77.0.1, a board 10.77.0.2."""

    kernel, board_ip = "10.77.0.1", "10.77.0.2"

    def __init__(self):
        need("ip")
        self.number = next(_numbers)
        self.name = None
        self.boards = []
        self.tap = has_tap() and root()
        if root():
            self.name = "uipy-%d-%d" % (os.getpid(), self.number)
            self._ip("netns", "add", self.name)
        else:
            _unshare()
        self.ifname = "tap0" if self.tap else "net%d" % self.number
        self._interface()

    def _ip(self, *words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def _interface(self):
        self.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        self.run("ip", "link", "set", "lo", "up")
        if self.tap:
            self.run("ip", "tuntap", "add", "dev", self.ifname, "mode", "tap")
        else:
            peer = "dev%d" % self.number
            self.run("ip", "link", "add", self.ifname, "type", "veth", "peer", "name", peer)
            self.run("ip", "link", "set", peer, "up")
        self.run("ip", "addr", "add", self.kernel + "/24", "dev", self.ifname)
        self.run("ip", "link", "set", self.ifname, "up")
        self.sysctl("net.ipv4.tcp_congestion_control", "reno")

    def sysctl(self, name, value):
        """Sets a value of the namespace; a kernel that has no such value has its reasons."""
        path = "/proc/sys/" + name.replace(".", "/")
        self.run("sh", "-c", "echo %s > %s" % (value, path), check=False)

    def inside(self):
        """A context in which this thread is in the namespace: for sockets and children."""
        return _inside(self.name) if self.name else contextlib.nullcontext()

    def run(self, *command, check=True, timeout=60, **more):
        """Runs a command inside; what it printed is in the result."""
        with self.inside():
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=timeout, check=False, **more
            )
        if check and done.returncode:
            raise AssertionError("%s: %s%s" % (command, done.stdout, done.stderr))
        return done

    def start(self, **options):
        """Starts a board; `ready` has been read. See `Board`."""
        board = Board(self, **options)
        self.boards.append(board)
        return board

    def connect(self, port, timeout=10, **options):
        """A TCP socket of the kernel, connected to the board."""
        with self.inside():
            s = socket.socket()
        s.settimeout(timeout)
        for name, value in options.items():
            s.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        s.connect((self.board_ip, port))
        return s

    def close(self):
        """Ends the boards, judges their deaths, and forgets the namespace."""
        try:
            for board in self.boards:
                board.stop()
        finally:
            if self.name:
                self._ip("netns", "del", self.name)
            else:
                self.run("ip", "link", "del", self.ifname, check=False)


@contextlib.contextmanager
def _inside(name):
    with open("/proc/thread-self/ns/net") as back, open("/run/netns/" + name) as there:
        _call("setns", there.fileno(), _NEWNET)
        try:
            yield
        finally:
            _call("setns", back.fileno(), _NEWNET)


class Board:
    """A tapboard process; `pcap` records what the board sends and receives."""

    def __init__(self, lan, python="cpython", chip="none", pcap=None, **options):
        where = "--tap" if lan.tap else "--iface"
        name = lan.ifname if lan.tap else "dev%d" % lan.number
        command = [sys.executable, str(TAPBOARD), where, name, "--ip", lan.board_ip + "/24"]
        command += ["--gateway", lan.kernel, "--python", python, "--chip", chip]
        if pcap:
            command += ["--pcap", str(pcap)]
        for word, value in options.items():
            command += ["--" + word, str(value)]
        self.pcap = pcap
        with lan.inside():
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        if not select.select([self.process.stdout], [], [], START_S)[0]:
            self.process.kill()
        if self.process.stdout.readline() != "ready\n":
            said = self.process.communicate()[1]
            raise AssertionError("the board did not start: " + said)

    def stop(self):
        """SIGTERM; the status is 0 and nothing was said on the way."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            _, said = process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError("the board did not end on SIGTERM") from None
        assert process.returncode == 0, said
        assert not said, said


def exchange(sock, data, limit=60, shut=True):
    """Sends `data` and reads at once until the peer's FIN (or as much again, without `shut`)."""
    got = bytearray()
    view, at = memoryview(data), 0
    until = time.monotonic() + limit
    sock.setblocking(False)
    while time.monotonic() < until:
        r, w, _ = select.select([sock], [sock] if at < len(data) else [], [], 5)
        if w:
            at += sock.send(view[at : at + 65536])
            if at == len(data) and shut:
                sock.shutdown(socket.SHUT_WR)
        if r:
            piece = sock.recv(65536)
            got += piece
            if not piece:
                return bytes(got)
        if not shut and len(got) >= len(data):
            return bytes(got)
    raise AssertionError("%d octets sent, %d received in %d s" % (at, len(got), limit))


def drain(sock, limit=60, most=1 << 30):
    """What comes until the peer's FIN, or `most` octets."""
    got = bytearray()
    until = time.monotonic() + limit
    sock.settimeout(10)
    while len(got) < most:
        piece = sock.recv(min(65536, most - len(got)))
        if not piece:
            break
        got += piece
        assert time.monotonic() < until, "%d octets in %d s" % (len(got), limit)
    return bytes(got)
