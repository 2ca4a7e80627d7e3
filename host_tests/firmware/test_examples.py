"""The examples do what their first paragraph says, as a reader starts them."""

import http.client
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab.pythons import joined, run_unix

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "firmware" / "examples"
PLAYGROUND = ROOT / "tools" / "boards" / "playground.py"


@contextmanager
def talking(*command, cwd=None):
    """A server that was started by the playground; gives a connection to it."""
    with running(PLAYGROUND, *command, "--port", "0", cwd=cwd) as port:
        s = socket.create_connection(("127.0.0.1", port), timeout=20)
        with s, s.makefile("rwb", buffering=0) as file:
            yield file


@contextmanager
def running(*command, cwd=None):
    """A server; gives its port on 127.0.0.1."""
    if str(command[0]) in ("echo.py", "web.py", "control.py", "live.py"):
        command = (EXAMPLES / command[0], "--port", "0", *command[1:])
    command = [sys.executable, *map(str, command)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=cwd)
    try:
        yield int(re.match(r"127\.0\.0\.1:(\d+) ", process.stdout.readline())[1])
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("options", [(), ("--drop", "3")])
def test_echo(options):
    data = bytes(i % 251 for i in range(50_000))
    got = b""
    with running("echo.py", *options) as port, socket.create_connection(("127.0.0.1", port)) as s:
        s.settimeout(60)
        for at in range(0, len(data), 5000):
            s.sendall(data[at : at + 5000])
            while len(got) < at + 5000:
                got += s.recv(5000)
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1) == b""
    assert got == data


def test_web():
    with running("web.py") as port:
        assert "/count" in get(port, "/")
        assert get(port, "/count") == "asked for 1 times\n"
        assert get(port, "/count") == "asked for 2 times\n"
        squares = get(port, "/squares").splitlines()
    assert squares == [f"{i} * {i} = {i * i}" for i in range(1000)]


def test_control():
    def ask(method, path, body=None, **fields):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        client.request(method, path, body, fields)
        answer = client.getresponse()
        return answer.status, answer.read().decode()

    with running("control.py") as port:
        assert "<form" in get(port, "/")
        assert ask("POST", "/name", "name=lamp+board") == (303, "")
        assert ask("GET", "/name") == (200, "lamp board")
        assert ask("GET", "/lamp/2") == (200, "off\n")
        assert ask("PUT", "/lamp/2", "on") == (204, "")
        assert ask("GET", "/lamp/2") == (200, "on\n") and ask("GET", "/lamp/9")[0] == 404
        assert ask("GET", "/admin/")[0] == 401
        key = {"Authorization": "Basic YWRtaW46c2VjcmV0"}
        assert ask("GET", "/admin/", **key)[0] == 200
        data = bytes(range(256)) * 100
        assert ask("PUT", "/admin/sum", data, **key) == (
            200,
            '{"sum": %d}' % (sum(data) % 65536),
        )


def test_live():
    connect = pytest.importorskip("websockets.sync.client").connect
    with running("live.py") as port:
        assert "EventSource" in get(port, "/")
        assert get(port, "/files/live.py") == (EXAMPLES / "live.py").read_text()
        seconds = socket.create_connection(("127.0.0.1", port), timeout=30)
        with seconds, connect(f"ws://127.0.0.1:{port}/chat", open_timeout=30) as one:
            seconds.sendall(b"GET /seconds HTTP/1.1\r\nHost: h\r\n\r\n")
            assert one.recv(30) == "there are 1 of us"
            with connect(f"ws://127.0.0.1:{port}/chat", open_timeout=30) as two:
                assert two.recv(30) == "there are 2 of us"
                two.send("hello, ünï")
                assert one.recv(30) == two.recv(30) == "hello, ünï"
            got = b""
            while b"data: 2\n" not in got:
                got += seconds.recv(4096)
        assert b"id: 1\ndata: 1\n" in got


def test_query_and_its_recording(tmp_path):
    pcap = tmp_path / "q.pcap"
    command = [sys.executable, str(EXAMPLES / "query.py"), "--pcap", str(pcap)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.endswith("\n[done]\n")
    assert '"state":"ESTABLISHED"' in done.stdout or '"state":"CLOSE-WAIT"' in done.stdout
    assert b"GET /status.json" in pcap.read_bytes()


def test_the_echo_server_has_under_ten_lines():
    text = (EXAMPLES / "echo.py").read_text().split('"""')[2]
    assert len([line for line in text.splitlines() if line.strip()]) < 10


def test_a_port_in_use_is_one_line():
    with running("echo.py") as port:
        command = [sys.executable, str(EXAMPLES / "echo.py"), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_two_examples_and_a_board_do_not_fight_for_a_port():
    """`make run` has 8080; an example whose usual port is taken chooses another."""
    with running(EXAMPLES / "web.py") as one, running(EXAMPLES / "web.py") as two:
        assert 8080 not in (one, two) and one != two
        assert "/count" in get(one, "/") and "/count" in get(two, "/")


APPLICATION = """
import example
from helper import LINE
from uipy import App, Bytes


class Greet(App):
    def connected(self, conn):
        conn.finish(Bytes(LINE))


example.run(lambda stack: stack.listen(4000, Greet, 2), 4000)
"""


def test_an_application_may_lie_anywhere(tmp_path):
    (tmp_path / "greet.py").write_text(APPLICATION)
    (tmp_path / "helper.py").write_text("LINE = b'good day\\r\\n'\n")
    with talking("greet.py", cwd=tmp_path) as client:
        assert client.read() == b"good day\r\n"


LIKE_APP_PY = """
from uipy import App
from uipy.loop import current

class Greet(App):
    def connected(self, conn):
        conn.finish(b"good day")

with current() as loop:
    loop.stack.listen(4001, Greet, 2)
"""


def test_the_playground_takes_what_is_app_py_on_a_board(tmp_path):
    (tmp_path / "app.py").write_text(LIKE_APP_PY)
    with talking("app.py", cwd=tmp_path) as client:
        assert client.read() == b"good day"


@pytest.mark.parametrize("arguments", [[], ["nothing.py"], ["--port", "1"]])
def test_the_playground_without_an_application_is_one_line(arguments):
    command = [sys.executable, str(PLAYGROUND), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and ".py" in done.stderr


def test_uip_s_hello_world_and_telnetd():
    with talking(EXAMPLES / "uip" / "hello_world.py") as client:
        assert client.readline().startswith(b"Hello")
        client.write(b"Ada\n")
        assert b"Ada" in client.read()
    with talking(EXAMPLES / "uip" / "telnetd.py") as client:
        client.write(b"exit\r\n")
        assert b"command shell" in client.read()


def test_uip_s_smtp_says_how_it_went():
    command = [sys.executable, str(PLAYGROUND), str(EXAMPLES / "uip" / "smtp.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "192.168.7.1" in done.stdout, "nobody takes mail there"


ON_A_PICO = """
import os, sys, vfs
vfs.umount("/")
vfs.mount(vfs.VfsPosix(sys.argv[1]), "/")
vfs.mount(vfs.VfsPosix(sys.argv[2]), "/remote")
os.chdir("/remote")  # as `mpremote mount` does
sys.path[:] = ["", ".frozen", "/lib"]  # as on an RP2040
with open(sys.argv[3]) as f:
    exec(f.read(), {"__name__": "__main__"})
"""

BOOT = """
class Null:
    l2, mtu, mac = 14, 1500, bytes(6)
    def recv_into(self, buf): return 0
    def can_send(self): return True
    def send(self, buf, n): pass
    def link_up(self): return False
def device(cfg): return Null(), None
class Nap:
    def __init__(self, pin): pass
def serve(stack, wait): print("serving at", stack.ifaces[0].ip[3], len(stack.tcp.listeners))
"""


@pytest.mark.parametrize(
    ("name", "listeners"),
    [
        ("echo.py", 1),
        ("web.py", 1),
        ("control.py", 1),
        ("live.py", 1),
        ("query.py", 0),
        ("uip/hello_world.py", 1),
        ("uip/telnetd.py", 1),
    ],
)
def test_on_a_board_with_the_examples_mounted(tmp_path, name, listeners):
    """mpremote mount firmware/examples run firmware/examples/NAME"""
    flash = tmp_path / "flash"
    (flash / "lib").mkdir(parents=True)
    (flash / "remote").mkdir()
    shutil.copytree(joined() / "uipy", flash / "lib" / "uipy")
    (flash / "main.py").write_text((joined() / "main.py").read_text() + BOOT)
    config = (ROOT / "firmware" / "config.py").read_text()
    shutil.copy(joined() / "check.py", flash)
    shutil.copy(ROOT / "boards" / "RPI_PICO_ENC28J60" / "pins.py", flash)
    (flash / "config.py").write_text(config + 'ip, gateway = "192.168.1.7/24", "192.168.1.1"\n')
    script = tmp_path / "pico.py"
    script.write_text(ON_A_PICO)
    said = run_unix(script, flash, EXAMPLES, name)
    assert said.splitlines()[-1] == f"serving at 7 {listeners}"


def test_each_example_says_what_it_is_and_how_to_run_it():
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text()
        assert text.startswith('"""'), path
        if path.name != "example.py":
            assert f".venv/bin/python firmware/examples/{path.name}" in text
            assert "on a Pico" in text
    for path in (EXAMPLES / "uip").glob("[a-z]*.py"):
        run = f".venv/bin/python tools/boards/playground.py firmware/examples/uip/{path.name}"
        assert run in path.read_text()
