"""The story of the essay: a server in CLOSE-WAIT, its client long gone, and the same port
again."""

import socket
import time

from interop.lab import BOARD, LINUX, Board, alone, kernel, sysctl
from uipy import App, Bytes

PORT = 33333


class Forgetful(App):
    """The server of the essay: it never closes its side."""

    seen = ()

    def connected(self, conn):
        Forgetful.seen += ("connected",)

    def received(self, conn, buf, start, n):
        conn.send(Bytes(bytes(buf[start : start + n])))

    def peer_closed(self, conn):
        Forgetful.seen += ("peer_closed",)

    def closed(self, conn, reason):
        Forgetful.seen += (reason,)


def client():
    """Connects from the same port as always."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((LINUX, PORT))
    s.settimeout(15)
    s.connect((BOARD, 7))
    s.sendall(b"hello")
    assert s.recv(100) == b"hello"
    return s


def stale():
    """A board whose only row is in CLOSE-WAIT, and a kernel that has forgotten the connection."""
    sysctl("tcp_fin_timeout", 1)
    Forgetful.seen = ()
    board = Board(tcp=2)
    board.stack.listen(7, Forgetful, 2, spare_ms=0)
    s = board.run(kernel(client))
    s.close()  # FIN-WAIT-2 without a reader: the kernel ends it after tcp_fin_timeout
    board.run(lambda: "peer_closed" in Forgetful.seen)
    board.run(seconds=3)
    assert board.stack.tcp.conns[0].state_name == "CLOSE-WAIT"
    del board.dev.log[:]
    return board


def again(board, limit):
    start = time.monotonic()
    board.run(kernel(client))
    assert time.monotonic() - start < limit
    assert Forgetful.seen == ("connected", "peer_closed", "reset", "connected")
    return [(way, seg.flags) for way, seg in board.segments()]


@alone
def test_reused_port_recovers_at_once():
    story = again(stale(), 3)
    assert story[:4] == [("in", "S"), ("out", "A"), ("in", "R"), ("in", "S")]
    assert story[4] == ("out", "SA")


@alone
def test_it_recovers_when_the_challenge_ack_is_lost():
    board = stale()
    lost = []

    def drop(way, frame):
        if way == "out" and frame[12:14] == b"\x08\x00" and frame[23] == 6 and not lost:
            lost.append(frame)
            return True
        return False

    board.dev.drop = drop
    story = again(board, 5)
    assert story[:4] == [("in", "S"), ("out", "A"), ("in", "S"), ("out", "A")]
    assert ("in", "R") in story


@alone
def test_it_recovers_when_the_rst_is_lost():
    board = stale()
    lost = []

    def drop(way, frame):
        if way == "in" and frame[23] == 6 and frame[47] & 4 and not lost:
            lost.append(frame)
            return True
        return False

    board.dev.drop = drop
    story = again(board, 5)
    assert [s for s in story if s == ("in", "R")] == [("in", "R")] * 2


@alone
def test_our_client_recovers_from_a_stale_close_wait_of_the_kernel():
    board = Board()
    server = socket.create_server((LINUX, 9))
    held = []

    def accept():
        held.append(server.accept()[0])

    class Client(App):
        up = False

        def connected(self, conn):
            self.up = True
            conn.shutdown()

        def peer_closed(self, conn):
            pass

    first = Client()
    board.stack.connect(first, LINUX, 9, lport=40000)
    board.run(kernel(accept))
    board.run(lambda: first.conn.state_name == "FIN-WAIT-2")
    # the board is reset: nothing is left of the connection; the kernel is in CLOSE-WAIT
    board.boot()
    del board.dev.log[:]
    second = Client()
    board.stack.connect(second, LINUX, 9, lport=40000)
    start = time.monotonic()
    board.run(lambda: second.up, seconds=5)
    assert time.monotonic() - start < 3
    flags = [(way, seg.flags) for way, seg in board.segments()]
    assert flags[:3] == [("out", "S"), ("in", "A"), ("out", "R")]
    assert ("in", "SA") in flags
    board.run(kernel(accept))
