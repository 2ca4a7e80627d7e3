"""A connection begins: connect, and listen with accept."""

from errno import (
    EADDRINUSE,
    EADDRNOTAVAIL,
    EAFNOSUPPORT,
    EAGAIN,
    EALREADY,
    EBADF,
    ECONNREFUSED,
    EHOSTUNREACH,
    EINPROGRESS,
    EINVAL,
    EISCONN,
    ENODEV,
    ENOMEM,
    ENOTCONN,
    EPROTONOSUPPORT,
    ETIMEDOUT,
)

import pytest
from lab.sockets import Board, flags, number
from lab.tcp import BOARD, PEER, is_reset, one
from uipy import loop
from uipy.sock import tcp as tcp_module
from uipy.sock.face import socket
from uipy.sock.numbers import (
    AF_INET,
    AF_INET6,
    IPPROTO_UDP,
    POLL_HUP,
    POLL_RD,
    POLL_WR,
    SOCK_RAW,
    SOCK_STREAM,
)


@pytest.fixture
def board():
    made = Board()
    yield made
    made.end()


# The constructor


@pytest.mark.parametrize("args", [(None,), (AF_INET, None), (AF_INET, SOCK_RAW, None), ("", "")])
def test_what_is_no_number_is_a_type_error(board, args):
    with pytest.raises(TypeError):
        socket(*args)


def test_what_there_is_not_says_so(board):
    assert number(socket, AF_INET6) == EAFNOSUPPORT
    assert number(socket, AF_INET, 123456) == EINVAL  # as the lwIP port
    assert number(socket, AF_INET, SOCK_RAW) == EINVAL
    assert number(socket, AF_INET, SOCK_STREAM, IPPROTO_UDP) == EPROTONOSUPPORT


def test_without_a_network_a_socket_says_what_to_do():
    loop.detach()
    with pytest.raises(OSError, match="network") as caught:
        socket()
    assert caught.value.errno == ENODEV


# connect


def test_connect_comes_back_when_the_peer_has_answered(board):
    s, peer = board.connected()
    assert s.getpeername() == (PEER, 80) and s.getsockname() == (BOARD, peer.to)


def test_connect_to_a_closed_port_is_refused(board):
    s = board.socket()
    board.answers(80, "RA")
    assert number(s.connect, (PEER, 80)) == ECONNREFUSED


def test_after_a_failure_the_same_socket_connects_again(board):
    s = board.socket()
    board.answers(80, "RA")
    assert number(s.connect, (PEER, 80)) == ECONNREFUSED
    peer = board.answers(80)
    s.connect((PEER, 80))
    board.soon(lambda: peer.send("PA", b"x"))
    assert s.recv(1) == b"x"


def test_connect_ends_with_its_timeout(board):
    s = board.socket(settimeout=3)
    began = board.ms
    assert number(s.connect, (PEER, 80)) == ETIMEDOUT
    assert board.ms - began == 3000


def test_connect_without_a_timeout_gives_a_silent_host_up_after_a_minute(board):
    s = board.socket(settimeout=None)
    began = board.ms
    assert number(s.connect, (PEER, 80)) == ETIMEDOUT
    assert 60_000 <= board.ms - began <= 70_000


def test_a_router_that_knows_no_way_makes_it_unreachable(board):
    s = board.socket(settimeout=None)

    def tell():
        syn = board.taken()[-1]
        board.icmp(3, 1, syn.frame)

    board.soon(tell)
    assert number(s.connect, (PEER, 80)) == EHOSTUNREACH


def test_no_way_there_is_unreachable_at_once():
    board = Board(ip=None)
    assert number(board.socket().connect, ("0.0.0.0", 80)) == EHOSTUNREACH
    assert number(board.socket().connect, ("127.0.0.1", 80)) == EHOSTUNREACH
    assert board.ms == 0
    board.end()


def test_a_full_table_is_out_of_memory():
    board = Board(tcp=1)
    board.connected()
    assert number(board.socket().connect, (PEER, 80)) == ENOMEM
    board.end()


def test_no_heap_for_the_rings_is_out_of_memory(board, monkeypatch):
    monkeypatch.setattr(tcp_module, "Ring", no_heap)
    assert number(board.socket().connect, (PEER, 80)) == ENOMEM
    assert not any(c.state for c in board.stack.tcp.conns)


def no_heap(n):
    raise MemoryError


def test_connect_twice_says_how_it_stands(board):
    s = board.socket(settimeout=0)
    assert number(s.connect, (PEER, 80)) == EINPROGRESS
    assert number(s.connect, (PEER, 80)) == EALREADY
    s, _ = board.connected(81)
    assert number(s.connect, (PEER, 81)) == EISCONN


@pytest.mark.parametrize("address", [(PEER,), (PEER, 80, 0), PEER, None])
def test_an_address_is_a_pair(board, address):
    with pytest.raises((TypeError, ValueError)):
        board.socket().connect(address)


def test_a_port_is_a_number_of_sixteen_bits(board):
    for port in (-1, 65536):
        with pytest.raises(ValueError, match="65535"):
            board.socket().connect((PEER, port))
    with pytest.raises(TypeError):
        board.socket().connect((PEER, "80"))
    assert number(board.socket().connect, (PEER, 0)) == EINVAL


def test_an_address_may_be_octets(board):
    s = board.socket()
    board.answers()
    s.connect((PEER.encode(), 80))


def test_our_port_is_the_one_that_was_bound(board):
    s = board.socket()
    s.bind((BOARD, 5555))
    peer = board.answers()
    s.connect((PEER, 80))
    assert peer.to == 5555 and s.getsockname() == (BOARD, 5555)


# connect that does not wait


def test_a_connect_that_does_not_wait_is_in_progress(board):
    s = board.socket(setblocking=False)
    assert number(s.connect, (PEER, 80)) == EINPROGRESS
    assert [x.flags for x in board.taken()] == ["S"]


def test_while_it_connects_nothing_is_there_yet(board):
    s = board.socket(setblocking=False)
    assert number(s.connect, (PEER, 80)) == EINPROGRESS
    assert number(s.recv, 10) == EAGAIN and number(s.send, b"x") == EAGAIN
    assert number(s.sendall, b"x") == EAGAIN and number(s.recv_into, bytearray(2)) == EAGAIN
    assert s.read(10) is None and s.write(b"x") is None and s.readline() is None
    assert s.read() is None and s.readinto(bytearray(5)) is None


def test_poll_tells_before_during_and_after_connecting(board):
    # The numbers that MicroPython's tests/net_hosted/connect_poll.py pins.
    s = board.socket(setblocking=False)
    assert flags(s) == POLL_HUP | POLL_WR == 20
    peer = board.answers()
    assert number(s.connect, (PEER, 80)) == EINPROGRESS
    assert flags(s) == 0
    s.settimeout(5)
    board.soon(lambda: peer.send("PA", b"x"), 5)
    s.recv(1)
    assert flags(s) == POLL_WR


def test_a_wait_for_data_begins_with_the_end_of_connecting(board):
    s = board.socket(setblocking=False)
    peer = board.answers()
    assert number(s.connect, (PEER, 80)) == EINPROGRESS
    board.soon(lambda: peer.send("PA", b"abc"), 10)
    s.settimeout(5)
    assert s.recv(10) == b"abc"


def test_what_is_written_while_it_connects_waits_for_the_end_of_that(board):
    s = board.socket(setblocking=False)
    peer = board.answers()
    assert number(s.connect, (PEER, 80)) == EINPROGRESS
    s.settimeout(5)
    assert s.write(b"hello") == 5
    board.loop.step()
    assert board.said(peer) == b"hello"


# bind and listen


def test_a_port_is_bound_once(board):
    board.listener(8000)
    assert number(board.socket().bind, ("", 8000)) == EADDRINUSE


def test_two_that_were_bound_meet_at_listen(board):
    a, b = board.socket(), board.socket()
    a.bind(("", 8000))
    b.bind(("", 8000))
    a.listen()
    assert number(b.listen) == EADDRINUSE


def test_only_an_address_of_ours_can_be_bound(board):
    assert number(board.socket().bind, ("10.0.0.77", 8000)) == EADDRNOTAVAIL
    s = board.socket()
    s.bind((BOARD, 8000))
    s.listen()
    assert s.getsockname() == (BOARD, 8000)


def test_a_loopback_address_hears_nobody_from_the_wire(board):
    # 127.0.0.1 is for programs that are not to be reached; there is no loopback here.
    s = board.socket()
    s.bind(("127.0.0.1", 8000))
    s.listen()
    assert is_reset(one(board.peer().send("S")), 0, 1001)
    s.settimeout(1)
    assert number(s.accept) == ETIMEDOUT


def test_port_0_is_one_that_is_free(board):
    s = board.socket()
    s.bind(("", 0))
    port = s.getsockname()[1]
    assert port >= 49152
    s.listen()
    peer = board.peer(port)
    board.soon(peer.open)
    s.accept()


def test_listen_without_bind_chooses_a_port(board):
    s = board.socket()
    s.listen()
    assert s.getsockname()[1] >= 49152


def test_a_port_can_be_listened_on_again_at_once(board):
    for _ in range(3):
        li = board.listener()
        s, _ = board.pair(li)
        s.close()
        li.close()


def test_a_listener_neither_sends_nor_receives_nor_connects(board):
    li = board.listener()
    assert number(li.recv, 1) == number(li.send, b"x") == ENOTCONN
    assert number(li.connect, (PEER, 80)) == EALREADY  # as the lwIP port
    assert number(li.listen) == number(li.bind, ("", 1)) == EINVAL
    assert number(board.socket().accept) == EINVAL


# accept


def test_accept_gives_a_socket_and_the_peers_address(board):
    li = board.listener()
    peer = board.peer()
    board.soon(peer.open)
    s, address = li.accept()
    assert address == (PEER, peer.port) == s.getpeername()
    assert s.getsockname() == (BOARD, 8000)


def test_accept_that_does_not_wait_says_so(board):
    li = board.listener()
    li.setblocking(False)
    assert number(li.accept) == EAGAIN


def test_accept_ends_with_its_timeout(board):
    li = board.listener()
    li.settimeout(1)
    began = board.ms
    assert number(li.accept) == ETIMEDOUT
    assert board.ms - began == 1000


def test_an_accepted_socket_has_the_listeners_timeout(board):
    # As the lwIP port; CPython's would wait for ever.
    li = board.listener()
    li.settimeout(3)
    s, _ = board.pair(li)
    assert number(s.recv, 1) == ETIMEDOUT


def test_who_has_waited_longest_is_accepted_first(board):
    li = board.listener(backlog=3)
    peers = [board.peer() for _ in range(5)]
    for p in peers[:3]:
        p.open()
    ports = [li.accept()[1][1], li.accept()[1][1]]
    for p in peers[3:]:
        p.open()
    ports += [li.accept()[1][1] for _ in range(3)]
    assert ports == [p.port for p in peers]


def test_a_listener_is_readable_while_somebody_waits(board):
    li = board.listener()
    assert flags(li) == 0
    board.peer().open()
    assert flags(li) == POLL_RD
    li.accept()
    assert flags(li) == 0


def test_connections_that_were_accepted_do_not_count(board):
    li = board.listener(backlog=1)
    assert len({board.pair(li)[1].port for _ in range(6)}) == 6


def test_beyond_the_backlog_a_handshake_waits_until_there_is_room(board):
    li = board.listener(backlog=1)
    first, second = board.peer(), board.peer()
    first.open()
    second.open()  # its ACK is not answered, and not reset
    assert not second.after
    assert li.accept()[1][1] == first.port
    li.settimeout(2)
    assert li.accept()[1][1] == second.port


def test_a_backlog_of_0_is_1_and_more_than_rows_are_the_rows(board):
    for asked, made in ((0, 1), (-3, 1), (100, 8)):
        li = board.listener(backlog=asked)
        assert len(li._end.listener.apps) == made
        li.close()


def test_a_client_that_resets_while_it_waits_is_forgotten(board):
    li = board.listener()
    gone, stays = board.peer(), board.peer()
    gone.open()
    gone.send("R")
    stays.open()
    assert li.accept()[1][1] == stays.port
    li.settimeout(0)
    assert number(li.accept) == EAGAIN


def test_a_request_that_comes_before_accept_is_kept(board):
    li = board.listener()
    peer = board.peer()
    peer.open()
    peer.send("PA", b"GET / HTTP/1.0\r\n\r\n")
    assert one(board.run(200)).ack == peer.seq
    s, _ = li.accept()
    assert s.recv(100) == b"GET / HTTP/1.0\r\n\r\n"


def test_of_more_than_a_kilobyte_before_accept_the_rest_comes_again(board):
    li = board.listener()
    peer = board.peer()
    peer.open()
    first = peer.seq
    one(peer.send("PA", bytes(range(256)) * 5))
    s, _ = li.accept()
    assert s.read(1024) == bytes(range(256)) * 4
    peer.send("PA", bytes(range(256)), seq=first + 1024)
    assert s.recv(1000) == bytes(range(256))


def test_a_client_that_has_sent_all_and_closed_before_accept_is_served(board):
    li = board.listener()
    peer = board.peer()
    peer.open()
    peer.send("FPA", b"bye")
    s, _ = li.accept()
    assert s.read() == b"bye"
    s.write(b"answer")
    board.loop.step()
    assert board.said(peer) == b"answer"


def test_accept_without_heap_resets_the_client_and_goes_on(board, monkeypatch):
    li = board.listener()
    peer = board.peer()
    peer.open()
    with monkeypatch.context() as m:
        m.setattr(tcp_module, "Ring", no_heap)
        assert number(li.accept) == ENOMEM
    assert "R" in one(board.run(0)).flags
    board.pair(li)


def test_a_listener_that_is_closed_resets_who_waits(board):
    li = board.listener()
    peer = board.peer()
    peer.open()
    li.close()
    assert "R" in board.taken()[-1].flags
    assert number(li.accept) == EBADF


def test_a_handshake_that_ends_behind_close_is_reset(board):
    li = board.listener()
    peer = board.peer()
    peer.send("S")
    li.close()
    assert "R" in one(peer.send("A")).flags
    assert not any(c.state for c in board.stack.tcp.conns)


def test_sockets_and_callbacks_share_a_stack(board):
    from uipy.apps.echo import Echo

    board.stack.listen(7, Echo, 1, idle_ms=5000)
    s, peer = board.pair()
    other = board.peer(7)
    other.open()
    assert one(other.send("PA", b"abc")).data == b"abc"
    s.write(b"x")
    board.loop.step()
    assert board.said(peer) == b"x"


def test_the_idle_limit_of_a_listener_is_none_of_an_accepted_sockets(board):
    # Its number passes on when the socket that listened is closed.
    from uipy.apps.echo import Echo

    s, _ = board.pair()
    board.stack.listen(7, Echo, 1, idle_ms=5000)
    board.run(20_000)
    assert flags(s) == POLL_WR
