"""Applications in the structure of uIP's own, against the kernel's sockets and a real mail
server."""

import socket

import pytest
from interop.lab import BOARD, LINUX, Board, alone, kernel
from uip.hello_world import hello_world_init
from uip.smtp import Smtp
from uip.telnetd import Telnetd


def lossy(board):
    """Every fifth segment of ours is lost, so that uip_rexmit() is asked for."""
    count = [0]

    def drop(way, frame):
        if way == "out" and frame[12:14] == b"\x08\x00" and frame[23] == 6:
            count[0] += 1
            return count[0] % 5 == 0
        return False

    board.dev.drop = drop


@pytest.mark.parametrize("wire", ["good", "lossy"])
@alone
def test_hello_world(wire):
    board = Board(tcp_options={"rto_min": 200, "rto_init": 300})
    hello_world_init(board.stack)
    if wire == "lossy":
        lossy(board)

    def client():
        with socket.create_connection((BOARD, 1000), timeout=15) as s:
            f = s.makefile("rw")
            first = f.readline()
            f.write("Adam\n")
            f.flush()
            return first + f.readline() + f.read()

    for _ in range(3):
        answer = board.run(kernel(client))
        assert answer == "Hello. What is your name?\nHello Adam\n"


@alone
def test_telnetd():
    board = Board(tcp_options={"rto_min": 200})
    Telnetd(board.stack)

    def client():
        with socket.create_connection((BOARD, 23), timeout=15) as s:
            talk = []
            for line in (None, b"\xff\xfd\x03help", b"what", b"conn", b"stats"):
                if line:
                    s.sendall(line + b"\r\n")
                text = b""
                while not text.endswith(b"uipy> "):
                    text += s.recv(1000)
                talk.append(text.decode())
            s.sendall(b"exit\r\n")
            assert s.recv(100) == b""
            return talk

    start, helped, what, conn, stats = board.run(kernel(client))
    assert start.startswith("uipy command shell")
    assert "stats - counters" in helped
    assert "Unknown command" in what
    assert "23 ESTABLISHED" in conn
    assert "tcp_in" in stats


@alone
def test_smtp():
    from aiosmtpd.controller import Controller

    mails = []

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 OK"

    board = Board(tcp_options={"rto_min": 200})
    controller = Controller(Handler(), hostname=LINUX, port=2525)
    board.run(kernel(controller.start))
    errors = []
    smtp = Smtp(board.stack, LINUX, b"board.local", 2525)
    smtp.send(
        b"to@example.org",
        b"cc@example.org",
        b"board@example.org",
        b"Alarm",
        b"The door is open.",
        errors.append,
    )
    board.run(lambda: errors)
    assert errors == [0]
    sender, to, content = mails[0]
    assert (sender, to) == ("board@example.org", ["to@example.org", "cc@example.org"])
    assert b"Subject: Alarm\r\n\r\nThe door is open.\r\n" in content
    controller.stop()
