"""`make run`: a board behind the gateway, as a browser sees it."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import interpreters
import pytest
from boards import board, ends
from wire import recorder
from wire.gateway import RING, Gateway
from wire.pump import Pump

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = [sys.executable, str(ROOT / "tools" / "boards" / "run.py")]
PLACE = b"GET /network.json HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"
GET = b"GET /status.json HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"


@pytest.fixture
def pump():
    """A CPython board behind a gateway to its port 7, turned by hand."""
    settings = board.Settings("192.168.7.2/24", services=["echo", "chargen", "http"])
    p = Pump(
        Gateway(0, "192.168.7.2", "192.168.7.1/24", board_port=7),
        ends.local(settings, b"\x02\0\0\0\0\x02"),
    )
    yield p
    p.close()


def connect(pump):
    s = socket.create_connection(("127.0.0.1", pump.net.port))
    s.setblocking(False)
    return s


def turns(pump, seconds, until=lambda: False):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        pump.turn()


def test_what_is_echoed_comes_back_and_the_end_follows(pump):
    s = connect(pump)
    s.send(b"hello")
    s.shutdown(socket.SHUT_WR)
    got = bytearray()

    def done():
        try:
            piece = s.recv(100)
        except BlockingIOError:
            return False
        got.extend(piece)
        return not piece

    turns(pump, 60, done)
    assert got == b"hello"
    turns(pump, 60, lambda: not pump.net.clients)
    assert pump.net.clients == []


def test_a_browser_that_does_not_read_closes_the_boards_window(pump):
    """Bounded memory: beyond the kernel's buffers and two rings, nothing is taken from anybody."""
    pump.net.doors = {19: pump.net.doors.pop(7)}  # chargen: without end
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", pump.net.port))
    windows = []
    pump.recorder = _Windows(windows)

    def full():  # the kernel may take some more from the ring, and the window opens again
        return windows[-1:] == [0] and pump.net.clients[0].rx.room == 0

    turns(pump, 120, full)
    assert windows[-1] == 0, "the window towards the board never closed"
    client = pump.net.clients[0]
    assert client.rx.left == RING and client.rx.room == 0
    turns(pump, 1)
    assert client.rx.left == RING
    s.setblocking(False)
    seen = len(windows)
    got = bytearray()

    def read():
        try:
            got.extend(s.recv(65536))
        except BlockingIOError:
            pass
        return len(got) > 1 << 20

    turns(pump, 120, read)
    assert len(got) > 1 << 20, "it did not go on when the browser read again"
    assert max(windows[seen:]) > 0
    lines = b"".join(bytes(32 + (k + i) % 95 for i in range(72)) + b"\r\n" for k in range(95))
    assert got == (lines * (len(got) // len(lines) + 1))[: len(got)]
    s.close()
    turns(pump, 60, lambda: not pump.net.clients)
    assert pump.net.clients == []


class _Windows:
    """Stands in for a recorder: the windows that the gateway tells the board."""

    def __init__(self, windows):
        self.windows = windows

    def add(self, frame):
        if frame[23] == 6 and frame[26:30] == bytes((192, 168, 7, 1)):
            self.windows.append(int.from_bytes(frame[48:50], "big"))

    def close(self):
        pass


def test_a_board_that_does_not_take_stops_the_browser(pump):
    """Echo gives nothing back that the browser does not read: both rings fill, then the socket."""
    s = connect(pump)
    sent = 0
    idle = time.monotonic()
    while time.monotonic() - idle < 1:
        try:
            sent += s.send(bytes(65536))
            idle = time.monotonic()
        except BlockingIOError:
            pass
        pump.turn()
    client = pump.net.clients[0]
    assert client.tx.room == 0 and client.rx.room < 1460  # what is less is not sent (MUST-38)
    s.close()
    turns(pump, 60, lambda: not pump.net.clients)


def start(*arguments):
    try:
        interpreters.micropython()
    except interpreters.Missing as lack:
        pytest.skip(str(lack))
    command = [*RUN, "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    match = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
    assert match, line + process.stderr.read()
    return process, int(match[1])


def fetch(port, get=GET):
    """Waits for an address first: a DHCP server is asked, and then the whole network."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(get)
        got = b""
        piece = s.recv(65536)
        while piece:
            got += piece
            piece = s.recv(65536)
    return got


def test_make_run_serves_the_page_records_the_wire_and_ends_on_ctrl_c(tmp_path):
    pcap = tmp_path / "wire.pcap"
    process, port = start("--pcap", str(pcap))
    try:
        got = fetch(port)
        assert got.startswith(b"HTTP/1.1 200 ") and b'"python":"MicroPython' in got
        said = []
        reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
        reader.start()
        until = time.monotonic() + 120
        wanted = "192.168.7.2/24", "uipy.local", "UTC"
        while time.monotonic() < until and not all(w in "".join(said) for w in wanted):
            time.sleep(0.2)
        found = json.loads(fetch(port, PLACE).partition(b"\r\n\r\n")[2])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert process.returncode == 0
    # its address, its name and the time: on the console, and for the page
    assert sorted(w for line in said for w in wanted if w in line) == sorted(wanted), said
    assert (found["from"], found["ip"], found["name"]) == ("dhcp", "192.168.7.2", "uipy.local")
    assert found["clock"] == found["server"] == "192.168.7.1"
    frames = [f for _, f in recorder.read(pcap)]
    assert any(GET in f for f in frames)


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*RUN, "--port", str(port)], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and str(port) in done.stderr and "PORT=" in done.stderr
