"""Pings of the board's own, and lines, with the Linux kernel as the peer."""

import socket
import time

from interop.lab import BOARD, LINUX, Board, alone, kernel, sysctl
from uipy.host import Ping
from uipy.lines import Lines

BOUND = 60  # seconds; the machine may be busy


@alone
def test_the_kernel_answers_pings_of_every_size():
    board = Board()
    told = []
    ping = Ping(board.stack)
    for n in (0, 1, 55, 56, 57, 1000, 1471, 1472):
        count = len(told)
        ping.send(LINUX, told.append, n=n, timeout_ms=BOUND * 1000)
        board.run(lambda count=count: len(told) > count, seconds=BOUND)
    assert None not in told and len(told) == 8


@alone
def test_a_router_without_a_way_ends_the_wait_at_once():
    sysctl("ip_forward", 1)
    board = Board(gateway=LINUX)
    told = []
    began = time.monotonic()
    Ping(board.stack).send("10.9.9.9", told.append, timeout_ms=2**28)
    board.run(lambda: told, seconds=BOUND)
    assert told == [None] and time.monotonic() - began < BOUND


class Shout(Lines):
    longest = 30
    ahead = 5840
    replies = 128

    def line(self, conn, text):
        self.say(text.upper())
        if text == "quit":
            self.bye()


LINES = [b"line %d of many" % k for k in range(2000)]


@alone
def test_a_client_that_reads_late_gets_an_answer_to_every_line():
    board = Board()
    board.stack.listen(2323, Shout, 2)

    def client():
        with socket.create_connection((BOARD, 2323), timeout=BOUND) as s:
            sender = kernel(lambda: s.sendall(b"\n".join(LINES) + b"\r\nquit\n"))
            time.sleep(1)  # the windows are full by now
            said = b""
            while chunk := s.recv(4096):
                said += chunk
            sender.join()
            return said

    said = board.run(kernel(client), seconds=4 * BOUND)
    assert said.split(b"\r\n") == [line.upper() for line in LINES] + [b"QUIT", b""]


@alone
def test_a_client_that_closes_its_half_with_its_question_is_answered():
    board = Board()
    board.stack.listen(2323, Shout, 2)

    def client():
        with socket.create_connection((BOARD, 2323), timeout=BOUND) as s:
            s.sendall(b"how many?")
            s.shutdown(socket.SHUT_WR)
            return s.recv(100) + s.recv(100)

    assert board.run(kernel(client), seconds=BOUND) == b"HOW MANY?\r\n"
