"""`make run APP=`: a file of the user's on the simulated board."""

import contextlib
import http.server
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser

import pytest
from boards import app, browser
from interpreters import ROOT

RUN = ROOT / "tools" / "boards" / "run.py"
SOON = 120  # s; a busy machine is slow

ECHO = """
from uipy import Ring
from uipy.loop import current
from uipy.stream import Stream

class Echo(Stream):
    def __init__(self):
        self.rx = self.tx = Ring(2048)

with current() as loop:
    loop.stack.listen(7, Echo, 2)
"""
SOCKETS = """
import socket
s = socket.socket()
s.bind(("", 80))
s.listen(1)
while True:
    client, address = s.accept()
    client.recv(100)
    client.send(b"HTTP/1.0 200 OK\\r\\n\\r\\nfrom " + address[0].encode())
    client.close()
"""
STREAMS = """
import asyncio
async def serve(reader, writer):
    writer.write(b"you said " + await reader.read(100))
    await writer.drain()
    await writer.wait_closed()
async def main():
    await asyncio.start_server(serve, "0.0.0.0", 7000)
    while True:
        await asyncio.sleep(1)
asyncio.run(main())
"""


class Board:
    """`make run APP=file`, and what it says."""

    def __init__(self, file, *args, **more):
        command = [sys.executable, str(RUN), "--app", str(file), "--port", "0", *args]
        self.file = file
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more
        )
        self.lines = queue.Queue()
        self.said = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def expect(self, pattern):
        """Waits for a line; returns the match."""
        until = time.monotonic() + SOON
        while True:
            try:
                line = self.lines.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                line = ""
            self.said.append(line)
            assert line, "%r was not said: %s" % (pattern, "".join(self.said))
            found = re.search(pattern, line)
            if found:
                return found

    def port(self, number):
        """Where a port of the board is found."""
        return int(self.expect(r"127\.0\.0\.1:(\d+)/? leads to port %d of" % number)[1])


@pytest.fixture
def start(tmp_path):
    with contextlib.ExitStack() as boards:

        def started(text, *args, **more):
            file = tmp_path / "my.py"
            file.write_text(text)
            board = Board(file, *args, **more)
            boards.callback(board.process.wait)
            boards.callback(board.process.terminate)
            return board

        yield started


def ask(port, data):
    """What comes until the board's FIN."""
    with socket.create_connection(("127.0.0.1", port), timeout=SOON) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        return s.makefile("rb").read()


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(word) for word in f.read().split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("python", ["micropython", "cpython"])
def test_a_file_of_callbacks_starts_again_whenever_it_is_saved(start, python):
    board = start(ECHO, "--python", python, "--forward", "7:0")
    port = board.port(7)
    assert ask(port, b"one") == b"one"
    held = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    held.sendall(b"held")
    assert held.recv(100) == b"held"

    board.file.write_text(ECHO + "print('up')\n1 / 0\n")
    board.expect("my.py was saved")
    board.expect("^up")
    board.expect('my.py", line 13')
    board.expect("ZeroDivisionError")
    with pytest.raises(ConnectionResetError):  # a board that was reset knows nobody
        held.sendall(b"again")
        while held.recv(100):
            pass
    held.close()
    assert ask(port, b"two") == b"two"  # what stood before the error stands

    board.file.write_text("print((\n")
    board.expect("SyntaxError")
    board.file.write_text(ECHO + "raise SystemExit\n")
    board.expect("my.py was saved")
    board.expect("has ended with that")
    assert ask(port, b"three") == b"three"


def test_what_a_callback_raises_names_its_line_and_the_board_goes_on(start):
    text = ECHO.replace("    def", "    def received(self, *a):\n        oh\n    def", 1)
    board = start(text, "--forward", "7:0", "--chip", "none")
    port = board.port(7)
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            ask(port, b"x")
        board.expect('my.py", line 8, in received')
        board.expect("NameError")


def test_an_example_sets_itself_up_on_the_board_s_stack():
    board = Board(ROOT / "firmware" / "examples" / "echo.py", "--forward", "7:0")
    try:
        assert ask(board.port(7), b"hello") == b"hello"
    finally:
        board.process.terminate()
        board.process.wait()


def test_a_program_that_waits_in_sockets_has_port_80(start):
    board = start(SOCKETS)
    assert ask(board.port(80), b"GET / HTTP/1.0\r\n\r\n").endswith(b"from 192.168.7.1")


def test_a_program_with_asyncio_and_a_module_beside_it(start, tmp_path):
    (tmp_path / "helper.py").write_text("WORD = b'you said '\n")
    text = "from helper import WORD\n" + STREAMS.replace('b"you said "', "WORD")
    board = start(text, "--forward", "7000:0", "--wire", "loss=2,seed=3")
    assert ask(board.port(7000), b"hello") == b"you said hello"
    (tmp_path / "helper.py").write_text("WORD = b'now '\n")
    board.expect("was saved")


OUT = """
import socket
def ask(port):
    with socket.socket() as s:
        s.settimeout(60)
        s.connect(("192.168.7.1", port))
        s.send(b"question")
        s.shutdown(socket.SHUT_WR)
        answer = s.read()
    print("got", len(answer), answer[:6], answer[-4:])
for _ in range(3):
    ask(%d)
try:
    ask(%d)
except OSError as exc:
    print("refused", exc.errno)
"""


def test_a_program_finds_the_servers_of_this_machine(start):
    def serve():
        for _ in range(3):
            client, _ = server.accept()
            with client, client.makefile("rb") as file:
                client.sendall(file.read() + bytes(100_000) + b"last")  # more than a ring

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with socket.create_server(("127.0.0.1", 0)) as other:
            nobody = other.getsockname()[1]
        board = start(OUT % (server.getsockname()[1], nobody))
        for _ in range(3):
            board.expect("got 100012 b'questi' b'last'")
        board.expect("refused 111")
        thread.join(SOON)
        assert not thread.is_alive()


def test_a_port_that_is_taken_here_is_said_and_the_board_goes_on(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        board = start(ECHO.replace("listen(7,", "listen(%d," % number) + "print('on')\n")
        board.expect("port %d of the board: .*FORWARD=%d:" % (number, number))
        if "on\n" not in board.said:  # the program says it, the other line is not its own
            board.expect("^on")


def test_ctrl_c_ends_it_and_its_process(start):
    board = start(SOCKETS)
    port = board.port(80)
    mine = children(board.process.pid)
    assert mine
    board.process.send_signal(signal.SIGINT)
    assert board.process.wait(SOON) == 0
    assert not any(alive(pid) for pid in mine)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert "Traceback" not in "".join(iter(lambda: board.lines.get(timeout=SOON), ""))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--app", "nosuch.py"], "APP=nosuch.py: there is no such file"),
        (["--forward", "7"], "as in 7:7007"),
        (["--forward", "80:7080"], "PORT= has the board's port 80"),
        (["--forward", "7:99999"], "1 to 65535"),
        (["--services", "gopher"], "no service 'gopher'"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_line(args, said):
    command = [sys.executable, str(RUN), "--port", "0", *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SOON)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and said in done.stderr, done


def test_a_file_is_new_when_two_looks_have_seen_the_same(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(app.time, "monotonic", lambda: now[0])
    file = tmp_path / "my.py"
    file.write_text("1")
    watch = app.Watch(str(file))

    def looks():
        now[0] += 1
        return watch.changed()

    assert not looks()
    file.write_text("12")
    assert not looks() and looks() and not looks()
    file.write_text("123")
    assert not looks()
    file.write_text("1234")  # an editor was still at it
    assert not looks() and looks() and not looks()
    file.unlink()  # some put another in its place
    assert not looks() and not looks()
    file.write_text("12345")
    assert not looks() and looks()


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_the_browser_is_shown_the_page_once_it_answers(monkeypatch, capsys):
    shown = []

    class Browser:
        def open(self, url):
            shown.append(url)
            return True

    with http.server.HTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "http://127.0.0.1:%d/" % server.server_port
        monkeypatch.setenv("DISPLAY", ":9")
        monkeypatch.setattr(webbrowser, "get", Browser)
        browser._show(url)
        assert shown == [url] and not capsys.readouterr().out
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "platform", "linux")
        browser._show(url)  # without a window there may be a browser for the terminal
        server.shutdown()
    assert shown == [url] and url in capsys.readouterr().out
