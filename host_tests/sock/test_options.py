"""setsockopt and getsockopt of TCP sockets."""

from errno import ECONNREFUSED, EISCONN, ENOPROTOOPT

import pytest
from lab.sockets import Board, number
from lab.tcp import PEER, one
from uipy.sock import numbers as no
from uipy.sock import tcp as tcp_module


@pytest.fixture
def board():
    made = Board()
    yield made
    made.end()


def option(s, opt):
    return s.getsockopt(no.SOL_SOCKET, opt)


def test_the_rings_have_the_sizes_that_were_asked_for(board):
    s = board.socket()
    s.setsockopt(no.SOL_SOCKET, no.SO_RCVBUF, 3000)
    s.setsockopt(no.SOL_SOCKET, no.SO_SNDBUF, 700)
    peer = board.answers()
    s.connect((PEER, 80))
    assert (option(s, no.SO_RCVBUF), option(s, no.SO_SNDBUF)) == (3000, 700)
    s.settimeout(0)
    assert s.write(bytes(5000)) == 700 and peer.port == 80


def test_unless_asked_they_are_four_and_two_segments(board):
    s, _ = board.pair()
    assert (option(s, no.SO_RCVBUF), option(s, no.SO_SNDBUF)) == (4 * 1460, 2 * 1460)


def test_a_setting_holds_for_all(board, monkeypatch):
    for name, value in (("rx", 2000), ("tx", 1000), ("keepalive_s", 30)):
        monkeypatch.setitem(tcp_module.defaults, name, value)
    s, _ = board.pair()
    assert (option(s, no.SO_RCVBUF), option(s, no.SO_SNDBUF)) == (2000, 1000)
    assert s._end.conn.keepalive_s == 30


def test_a_ring_that_is_in_use_keeps_its_size(board):
    s, _ = board.pair()
    assert number(s.setsockopt, no.SOL_SOCKET, no.SO_RCVBUF, 100) == EISCONN


@pytest.mark.parametrize("size", [0, 63, -1, 1 << 25])
def test_a_ring_has_64_octets_at_least(board, size):
    with pytest.raises(ValueError, match="64"):
        board.socket().setsockopt(no.SOL_SOCKET, no.SO_RCVBUF, size)


def test_an_accepted_socket_is_kept_alive_and_another_when_asked(board):
    s, _ = board.pair()
    assert s._end.conn.keepalive_s == 60 and option(s, no.SO_KEEPALIVE) == 1
    s.setsockopt(no.SOL_SOCKET, no.SO_KEEPALIVE, 0)
    assert s._end.conn.keepalive_s == 0 and option(s, no.SO_KEEPALIVE) == 0
    s, _ = board.connected()
    assert s._end.conn.keepalive_s == 0
    s.setsockopt(no.SOL_SOCKET, no.SO_KEEPALIVE, 1)
    assert s._end.conn.keepalive_s == 60


def test_without_nagle_small_segments_leave_at_once(board):
    for on in (0, 1):
        s, peer = board.pair()
        s.setsockopt(no.IPPROTO_TCP, no.TCP_NODELAY, on)
        assert option(s, no.TCP_NODELAY) == on
        for piece in (b"a", b"b"):
            s.write(piece)
            board.loop.step()
        assert [x.data for x in peer.hear(board.taken())] == [b"a", b"b"][: 1 + on]


def test_the_options_of_a_listener_are_those_of_what_it_accepts(board):
    li = board.listener()
    li.setsockopt(no.SOL_SOCKET, no.SO_SNDBUF, 500)
    li.setsockopt(no.IPPROTO_TCP, no.TCP_NODELAY, 1)
    s, _ = board.pair(li)
    assert option(s, no.SO_SNDBUF) == 500 and s._end.conn.nodelay


def test_what_a_connect_has_come_to_can_be_asked(board):
    s = board.socket(settimeout=0)
    board.answers(80, "RA")
    with pytest.raises(OSError):
        s.connect((PEER, 80))
    board.loop.until(lambda: option(s, no.SO_ERROR) == ECONNREFUSED, 1000)
    assert board.ms < 100 and option(s, no.SO_ERROR) == 0
    assert option(s, no.SO_TYPE) == no.SOCK_STREAM
    assert number(s.getsockopt, no.SOL_SOCKET, 9999) == ENOPROTOOPT


def test_an_option_that_there_is_not_is_a_line(board, capsys):
    # As MicroPython's ports do: a program that sets one goes on.
    s = board.socket()
    s.setsockopt(no.SOL_SOCKET, no.SO_REUSEADDR, 1)
    s.setsockopt(no.SOL_SOCKET, no.SO_BROADCAST, 1)
    assert capsys.readouterr().out == ""
    s.setsockopt(no.SOL_SOCKET, 9999, 1)
    assert capsys.readouterr().out == "socket: option 9999 is ignored\n"


def test_a_smaller_ring_takes_what_was_offered_piece_by_piece(board):
    li = board.listener()
    li.setsockopt(no.SOL_SOCKET, no.SO_RCVBUF, 200)
    s, peer = board.pair(li)
    first = peer.seq
    ack = one(peer.send("PA", bytes(range(250)))).ack
    assert ack == first + 200
    assert s.recv(300) == bytes(range(200))
    peer.send("PA", bytes(range(200, 250)), seq=ack)
    assert s.recv(300) == bytes(range(200, 250))
