"""Every call that waits comes to an end: when the peer vanishes, when the cable is pulled, when
the chip loses its supply, and when somebody types Ctrl-C; and then the program goes on."""

import sys
import time

import pytest
from lab.chipped import THERE, Chipped
from uipy import App, Bytes
from uipy.sock.face import socket
from uipy.sock.numbers import AF_INET, SOCK_DGRAM, SOCK_STREAM

INCIDENTS = ["vanish", "unplug", "reset"]
TIMEOUT = 5  # s
LATE = 30  # ms of the clock, after the timeout: a chip is waited for, at the most


class Mute(App):
    """Takes everything and says nothing; no window for more than it has room."""

    def received(self, conn, buf, start, n):
        conn.room = 0
        return n


class Echo(App):
    def received(self, conn, buf, start, n):
        conn.send(Bytes(bytes(buf[start : start + n])))


@pytest.fixture(params=["enc28j60", "w5500"])
def board(request):
    made = Chipped(request.param)
    made.host.listen(7, Mute, 2)
    made.host.listen(8, Echo, 2)
    yield made
    made.end()
    for name in [n for n in sys.modules if n.startswith("uipy.drivers.")]:
        if hasattr(sys.modules[name], "time"):
            vars(sys.modules[name])["time"] = time


def tcp(board, port=7):
    s = socket(AF_INET, SOCK_STREAM)
    s.settimeout(TIMEOUT)
    s.connect((THERE, port))
    return s


def connect(board):
    s = socket(AF_INET, SOCK_STREAM)
    s.settimeout(TIMEOUT)
    board.cable.frames.clear()
    return s, lambda: s.connect((THERE, 9999 if board.cable.cut else 7))


def recv(board):
    s = tcp(board)
    return s, lambda: s.recv(100)


def recv_into(board):
    s = tcp(board)
    return s, lambda: s.recv_into(bytearray(100))


def read(board):
    s = tcp(board)
    return s, lambda: s.read(100)


def readline(board):
    s = tcp(board)
    return s, s.readline


def sendall(board):
    s = tcp(board)
    return s, lambda: s.sendall(bytes(20000))


def write(board):
    s = tcp(board)
    return s, lambda: s.write(bytes(20000))


def accept(board):
    s = socket(AF_INET, SOCK_STREAM)
    s.settimeout(TIMEOUT)
    s.bind(("0.0.0.0", 80))
    s.listen(1)
    return s, s.accept


def recvfrom(board):
    s = socket(AF_INET, SOCK_DGRAM)
    s.settimeout(TIMEOUT)
    s.bind(("0.0.0.0", 5000))
    return s, lambda: s.recvfrom(100)


CALLS = [connect, recv, recv_into, read, readline, sendall, write, accept, recvfrom]


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("call", CALLS, ids=lambda f: f.__name__)
def test_a_call_ends_within_its_timeout(board, call, incident):
    s, wait = call(board)
    if call is connect:
        getattr(board, incident)()  # before the SYN
    else:
        board.soon(40, getattr(board, incident))
    began = board.ms
    if call is connect and incident == "reset":
        wait()  # the SYN is sent again, when the chip is there
    else:
        with pytest.raises(OSError) as caught:
            wait()
        assert caught.value.errno in (110, 113)
    # A wait that finds something begins anew: what was acknowledged before does not count.
    assert board.ms - began <= 1000 * TIMEOUT + 40 + LATE
    s.close()


@pytest.mark.parametrize("call", CALLS, ids=lambda f: f.__name__)
def test_ctrl_c_ends_a_call_without_a_timeout_and_the_program_goes_on(board, call):
    def typed():
        raise KeyboardInterrupt

    s, wait = call(board)
    s.settimeout(None)
    board.vanish()
    board.soon(200, typed)
    began = board.ms
    with pytest.raises(KeyboardInterrupt):
        wait()
    assert board.ms - began <= 200 + LATE
    assert not board.loop.held and not board.stack.busy
    s.close()
    board.back()
    s = tcp(board, 8)
    s.sendall(b"here we are")
    assert s.read(11) == b"here we are"
    s.close()


@pytest.mark.parametrize("incident", ["unplug", "reset"])
def test_a_connection_outlives_what_happened_to_the_cable_and_the_chip(board, incident):
    s = tcp(board, 8)
    getattr(board, incident)()
    board.loop.until(lambda: False, 800)
    board.back()
    s.settimeout(20)
    s.sendall(b"still there")
    assert s.read(11) == b"still there"
    s.close()
