"""TCP sockets: what a program sees, and what its peer sees."""

import errno

import pytest
from lab.tcp import PEER
from lab.sockets import Board

ANY = pytest.fixture


@pytest.fixture
def board():
    made = Board()
    yield made
    made.end()


def number(f, *args):
    """The errno of what f raises."""
    with pytest.raises(OSError) as caught:
        f(*args)
    return caught.value.errno


def test_connect_sends_and_receives(board):
    s, peer = board.connected()
    assert s.send("GET /") == 5
    board.soon(lambda: (board.said(peer), peer.send("PA", b"hello")))
    assert s.recv(100) == b"hello"


def test_accept_gives_a_socket_and_the_peers_address(board):
    li = board.listener()
    peer = board.peer()
    board.soon(peer.open)
    s, address = li.accept()
    assert address == (PEER, peer.port)
    assert s.getpeername() == address and s.getsockname()[1] == 8000
    board.soon(lambda: peer.send("PA", b"abc"))
    assert s.recv(2) == b"ab" and s.recv(2) == b"c"
