"""The programs of docs/socket.md run as they stand there (that of asyncio in board_streams.py);
its table has no name too many."""

import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from lab.pythons import micropython
from lab.sockets import Board
from lab.tcp import PEER
from modules import socket as offered
from uipy.sock import numbers
from uipy.sock.face import socket

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "socket.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


class Enough(Exception):
    """A server that never ends has served whom it should."""


@pytest.fixture
def board(monkeypatch):
    made = Board()
    monkeypatch.setitem(sys.modules, "socket", offered)
    yield made
    made.end()


def run(program):
    said = io.StringIO()
    with redirect_stdout(said):
        try:
            exec(compile(program, "socket.md", "exec"), {})
        except Enough:
            pass
    return said.getvalue()


def test_the_client_prints_what_it_gets(board, monkeypatch):
    found = [(2, 1, 0, "", (PEER, 80))]
    monkeypatch.setattr(offered, "getaddrinfo", lambda host, port: found)
    peer = board.answers()
    asked = []

    def answer():
        asked.append(board.said(peer))
        peer.send("PA", b"HTTP/1.0 200 OK\r\n\r\nhello")
        peer.send("FA")

    board.soon(answer, 20)
    assert run(PROGRAMS[0]) == "HTTP/1.0 200 OK\r\n\r\nhello"
    assert asked == [b"GET / HTTP/1.0\r\nHost: www.example.org\r\n\r\n"]
    assert not any(c.state in (4, 7) for c in board.stack.tcp.conns)


def test_the_server_answers(board):
    peer = board.peer(8080)
    got = []

    def ask():
        peer.open()
        peer.send("PA", b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n")

    def enough():
        got.append(board.said(peer))
        raise Enough

    board.soon(ask, 5)
    board.soon(enough, 50)
    assert run(PROGRAMS[1]) == "from %s\n" % PEER
    assert got == [b"HTTP/1.0 200 OK\r\n\r\nYou asked: GET /x HTTP/1.0\r\n"]


def test_the_question_ends_its_half_and_reads_on(board):
    peer = board.answers(port=7000)
    asked = []

    def answer():
        heard = peer.hear(board.taken())
        asked.append((b"".join(s.data for s in heard), heard[-1].flags))
        peer.send("PA", b"forty")
        peer.send("FPA", b"two")

    board.soon(answer, 20)
    assert run(PROGRAMS[2].replace("192.168.1.20", PEER)) == "fortytwo\n"
    assert asked == [(b"how many?\n", "FPA")]


def test_the_table_names_what_there_is():
    names = re.findall(r"^\| `([a-z_ ]+)(?:\(.*?\))?` \|", PAGE, re.M)
    methods = [name for group in names for name in group.split()]
    assert len(methods) > 20
    for name in methods:
        assert hasattr(socket, name) or hasattr(offered, name), name


def test_the_module_has_the_numbers_of_the_library():
    for name, value in vars(offered).items():
        if name.isupper():
            assert getattr(numbers, name) == value, name
    missing = {n for n in dir(numbers) if n.startswith(("SO", "IP", "TCP", "MSG", "SHUT", "AF"))}
    assert missing - set(dir(offered)) == {"SO_CALLBACK"}


CLOSES = """
import asyncio
class Closed:
    n = 0
    def close(self):
        self.n += 1
s = Closed()
stream = asyncio.StreamWriter(s)
stream.close()
print(s.n)
asyncio.run(stream.wait_closed())
print(s.n)
"""


def test_in_micropython_it_is_wait_closed_that_closes():
    done = subprocess.run(
        [str(micropython()), "-c", CLOSES], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["0", "1"], done.stderr
