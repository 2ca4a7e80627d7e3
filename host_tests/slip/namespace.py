"""Runs inside a network namespace of its own: the kernel's TCP/IP, a TUN, the relay, a board.

    namespace.py cpython|micropython MTU

Ends with status 0 when all that is asserted here held.
"""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

import interpreters  # noqa: E402

PATHS = ("firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
HERE, BOARD = "192.168.7.1", "192.168.7.2"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def start(command, processes, **more):
    """A process that has said `ready`; it ends with us."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
    processes.append(process)
    line = process.stdout.readline()
    assert line == "ready\n", (command, line)
    return process


def board(python, link, mtu, processes):
    script = str(ROOT / "tools" / "boards" / "slipboard.py")
    arguments = [script, link, BOARD + "/24", HERE, mtu]
    if python == "cpython":
        return start([sys.executable, "-u", *arguments], processes)
    places = (ROOT / p for p in PATHS)
    paths = os.pathsep.join([".frozen", str(interpreters.joined()), *map(str, places)])
    command = [interpreters.micropython(), "-X", "heapsize=1M", *arguments]
    return start(command, processes, env={**os.environ, "MICROPYPATH": paths})


def ping(size):
    done = subprocess.run(
        ["ping", "-c", "3", "-i", "0.1", "-W", "2", "-s", str(size), BOARD],
        capture_output=True,
        text=True,
    )
    assert "3 received" in done.stdout, done.stdout


def echo(data):
    """All of it comes back, octet by octet; our FIN goes first."""
    got = bytearray()
    with socket.create_connection((BOARD, 7), timeout=30) as s:

        def read():
            while chunk := s.recv(65536):
                got.extend(chunk)

        reader = threading.Thread(target=read)
        reader.start()
        start_at = time.monotonic()
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        reader.join(60)
        took = time.monotonic() - start_at
    assert bytes(got) == data, (len(got), len(data))
    print("echo of %d octets: %.1f kB/s each way" % (len(data), len(data) / took / 1000))


def page():
    with socket.create_connection((BOARD, 80), timeout=20) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n")
        got = b""
        while chunk := s.recv(65536):
            got += chunk
    assert got.startswith(b"HTTP/1.1 200 "), got[:200]
    head, body = got.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
    assert len(body) == length > 1000, (len(body), head)


def main(python, mtu):
    ip("link", "set", "lo", "up")
    ip("tuntap", "add", "dev", "slip0", "mode", "tun")
    ip("addr", "add", HERE + "/24", "dev", "slip0")
    ip("link", "set", "slip0", "mtu", mtu, "up")
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            talk(folder + "/line", python, mtu, processes)
        finally:
            for process in processes:
                process.kill()


def talk(link, python, mtu, processes):
    script = str(ROOT / "tools" / "wire" / "sliprelay.py")
    command = [sys.executable, "-u", script, "--tun", "slip0", "--pty", link]
    relay = start(command, processes)
    end = board(python, link, mtu, processes)
    for size in (0, 1, 56, int(mtu) - 28):
        ping(size)
    echo(bytes(range(256)) * 16)
    echo(b"\xc0\xdb\xdc\xdd" * 4096)
    echo(random.Random(1).randbytes(1 << 16))
    page()
    assert end.poll() is None, "the board ended by itself"
    relay.send_signal(signal.SIGTERM)
    print(relay.communicate(timeout=10)[0].strip())
    assert relay.returncode == 0


main(*sys.argv[1:])
