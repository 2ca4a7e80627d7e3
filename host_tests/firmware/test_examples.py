"""The examples do what their first paragraph says, as a reader starts them."""

import re
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "firmware" / "examples"


@contextmanager
def running(name, *args):
    """A server; gives its port on 127.0.0.1."""
    command = [sys.executable, str(EXAMPLES / name), "--port", "0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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


def test_each_example_says_what_it_is_and_how_to_run_it():
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text()
        assert text.startswith('"""'), path
        if path.name != "example.py":
            assert f".venv/bin/python firmware/examples/{path.name}" in text
            assert "on a Pico" in text
