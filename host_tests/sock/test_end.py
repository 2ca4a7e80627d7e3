"""How a connection ends: close, shutdown, resets, and what poll and option 20 tell of it."""

from errno import EBADF, ECONNRESET, EINVAL, ENOTCONN, ETIMEDOUT

import pytest
from lab.sockets import Board, flags, number
from lab.tcp import PEER, one
from uipy.sock.numbers import (
    IOCTL_CLOSE,
    IOCTL_FILENO,
    POLL_ERR,
    POLL_HUP,
    POLL_NVAL,
    POLL_RD,
    POLL_WR,
    SHUT_RD,
    SHUT_RDWR,
    SHUT_WR,
    SO_CALLBACK,
    SO_LINGER,
    SOL_SOCKET,
)

LINGER_0 = b"\1\0\0\0\0\0\0\0"  # struct.pack("ii", 1, 0)


@pytest.fixture
def board():
    made = Board()
    yield made
    made.end()


@pytest.fixture
def pair(board):
    return board.pair()


def rows(board):
    return sum(1 for c in board.stack.tcp.conns if c.state)


# close


def test_close_sends_our_end_behind_what_was_written(board, pair):
    s, peer = pair
    s.write(b"last words")
    s.close()
    seg = one(peer.hear(board.taken()))
    assert seg.data == b"last words" and "F" in seg.flags


def test_what_the_peer_has_not_taken_goes_on_behind_the_socket(board, pair):
    s, peer = pair
    peer.send("A", wnd=1000)
    s.write(bytes(2500))
    s.close()
    got = len(board.said(peer))
    for _ in range(5):
        segs = peer.acks(wnd=1000)
        got += sum(len(x.data) for x in segs)
    assert got == 2500 and "F" in segs[-1].flags if segs else got == 2500
    assert peer.ack == (peer.iss + 1 + 2500 + 1) % 2**32


def test_octets_that_were_not_read_make_close_a_reset(board, pair):
    # As lwIP's tcp_close; the peer learns that they are lost.
    s, peer = pair
    peer.send("PA", b"unread")
    s.close()
    assert "R" in one(board.taken()).flags
    assert rows(board) == 0


def test_data_behind_close_is_answered_with_a_reset(board, pair):
    s, peer = pair
    s.close()
    peer.hear(board.taken())
    peer.acks()
    assert "R" in one(peer.send("PA", b"too late")).flags


def test_linger_0_makes_close_a_reset(board, pair):
    s, peer = pair
    s.setsockopt(SOL_SOCKET, SO_LINGER, LINGER_0)
    s.write(b"lost")
    s.close()
    assert "R" in one(board.taken()).flags and not board.said(peer)


def test_close_while_it_connects_ends_that(board):
    s = board.socket(settimeout=0)
    with pytest.raises(OSError):
        s.connect((PEER, 80))
    s.close()
    assert rows(board) == 0 and not board.run(10_000)[1:]


def test_a_closed_connection_lasts_ten_seconds_at_the_most(board, pair):
    # MICROPY_PY_LWIP_TCP_CLOSE_TIMEOUT_MS: a peer that keeps its side open is reset then.
    s, peer = pair
    board.wait(25_000)  # the program has computed meanwhile
    s.close()
    peer.hear(board.taken())
    peer.acks()
    began = board.ms
    reset = one(board.run(30_000))
    assert "R" in reset.flags and reset.at - began == 10_000
    assert rows(board) == 0


def test_a_peer_that_vanishes_behind_close_costs_the_row_for_as_long(board, pair):
    s, _ = pair
    s.write(b"x")
    s.close()
    board.run(9_000)
    assert rows(board) == 1
    board.run(1_000)
    assert rows(board) == 0


def test_linger_of_some_seconds_is_the_bound(board, pair):
    s, peer = pair
    s.setsockopt(SOL_SOCKET, SO_LINGER, b"\1\0\0\0\3\0\0\0")
    s.close()
    peer.hear(board.taken())
    peer.acks()
    began = board.ms
    assert one(board.run(30_000)).at - began == 3_000


def test_linger_is_a_pair_of_numbers(board):
    s = board.socket()
    for bad in (5, b"\1\0\0\0"):
        with pytest.raises(ValueError, match="struct"):
            s.setsockopt(SOL_SOCKET, SO_LINGER, bad)
    s.setsockopt(SOL_SOCKET, SO_LINGER, LINGER_0)
    s.setsockopt(SOL_SOCKET, SO_LINGER, bytes(8))
    assert s._end.linger == -1


def test_close_twice_is_close(pair):
    s, _ = pair
    s.close()
    s.close()
    assert s.fileno() == -1


def test_a_closed_socket_raises_ebadf(board, pair):
    s, _ = pair
    s.close()
    for f in (s.recv, s.send, s.read, s.listen, s.getsockname, s.shutdown):
        assert (
            number(f, *([1] if f in (s.recv, s.read, s.shutdown) else [b"x"] * (f == s.send)))
            == EBADF
        )
    assert number(s.connect, (PEER, 80)) == number(s.sendall, b"x") == EBADF
    assert flags(s) == POLL_NVAL


def test_a_with_statement_closes(board):
    with board.connected()[0] as s:
        assert s.fileno() >= 0
    assert s.fileno() == -1 and "F" in board.taken()[-1].flags


def test_streams_in_c_close_by_ioctl(pair):
    s, _ = pair
    assert s.ioctl(IOCTL_FILENO, 0) == -EINVAL  # select.poll asks it then, as on a board
    assert s.ioctl(IOCTL_CLOSE, 0) == 0 and s.fileno() == -1


# shutdown


def test_a_connection_has_no_source_before_its_first_octets(board):
    """`finish` in the callback needs a kilobyte more of an RP2040's C stack than there is."""
    s, _ = board.connected()
    assert s._end.conn.src is None
    s.send(b"x")
    assert s._end.conn.src is s._end.tx


def test_shutdown_twice_before_anything_was_sent_sends_one_end(board):
    s, peer = board.connected()
    s.shutdown(1)
    s.shutdown(1)
    sent = board.taken()
    assert ["F" in seg.flags for seg in sent].count(True) == 1 and not board.said(peer)


def test_shutdown_of_our_side_keeps_receiving(board, pair):
    # lwIP's sockets on a Pico W have no shutdown.
    s, peer = pair
    s.write(b"question")
    s.shutdown(SHUT_WR)
    seg = one(peer.hear(board.taken()))
    assert seg.data == b"question" and "F" in seg.flags
    board.soon(lambda: peer.send("PA", b"ans"), 10)
    board.soon(lambda: peer.send("FPA", b"wer"), 20)
    assert s.read() == b"answer"
    assert number(s.send, b"x") == ENOTCONN
    s.close()
    assert rows(board) == 0


def test_shutdown_of_the_other_side_reads_nothing_more(board, pair):
    s, peer = pair
    peer.send("PA", b"unread")
    s.shutdown(SHUT_RD)
    assert s.recv(10) == b""
    peer.send("PA", bytes(1000))
    assert s.recv(10) == b""
    s.write(b"still")
    board.loop.step()
    assert board.said(peer) == b"still"
    s.close()
    assert "F" in board.taken()[-1].flags


def test_shutdown_of_both_sides(board, pair):
    s, _ = pair
    s.shutdown(SHUT_RDWR)
    assert s.recv(1) == b"" and number(s.send, b"x") == ENOTCONN
    assert "F" in board.taken()[-1].flags


def test_what_cannot_be_shut_down_says_so(board, pair):
    assert number(board.socket().shutdown, SHUT_WR) == ENOTCONN
    assert number(pair[0].shutdown, 3) == EINVAL


# How the peer ends it


def test_a_reset_is_raised_once_behind_the_data(board, pair):
    # The flags and results of MicroPython's tests/multi_net/tcp_client_rst.py.
    s, peer = pair
    s.setblocking(False)
    peer.send("PA", b"GET / HTTP/1.0\r\n\r\n")
    peer.send("RA")
    all_of = POLL_RD | POLL_ERR | POLL_HUP
    assert flags(s, POLL_RD) == all_of
    assert s.recv(10) == b"GET / HTTP" and flags(s, POLL_RD) == all_of
    assert s.recv(10) == b"/1.0\r\n\r\n" and flags(s, POLL_RD) == all_of
    assert number(s.recv, 10) == ECONNRESET
    assert flags(s, POLL_RD) == POLL_RD | POLL_HUP
    assert s.recv(10) == b"" == s.recv(10)
    assert flags(s) == POLL_RD | POLL_WR | POLL_HUP
    assert number(s.send, b"x") == ENOTCONN
    s.close()
    assert flags(s) == POLL_NVAL and number(s.recv, 1) == EBADF


def test_a_send_that_finds_a_reset_leaves_it_for_recv(pair):
    s, peer = pair
    peer.send("RA")
    assert number(s.send, b"x") == number(s.send, b"x") == ECONNRESET
    assert number(s.recv, 1) == ECONNRESET
    assert s.recv(1) == b""


def test_a_wait_ends_with_a_reset(board, pair):
    s, peer = pair
    board.soon(lambda: peer.send("RA"), 100)
    began = board.ms
    assert number(s.recv, 1) == ECONNRESET and board.ms - began == 100


def test_the_peers_end_makes_it_readable_and_writable(pair):
    s, peer = pair
    assert flags(s) == POLL_WR
    peer.send("FA")
    assert flags(s) == POLL_RD | POLL_WR and flags(s, POLL_RD) == POLL_RD
    assert s.send(b"we may still send") == 17


def test_a_full_ring_is_not_writable(board, pair):
    s, peer = pair
    s.settimeout(0)
    s.write(bytes(9000))
    assert flags(s) == 0
    peer.hear(board.taken())
    peer.acks()
    assert flags(s) == POLL_WR


def test_a_peer_that_answers_nothing_is_given_up_and_said_so(board, pair):
    s, _ = pair
    s.write(b"x")
    s.settimeout(None)
    assert number(s.recv, 1) == ETIMEDOUT
    assert s.recv(1) == b""


def test_a_socket_that_was_dropped_ends_when_its_peer_is_gone(board):
    # Nothing closes it: keep-alives, after 60 s of silence, find that nobody is there.
    board.pair()
    assert rows(board) == 1
    board.run(60_000 + 9 * 75_000)
    assert rows(board) == 0


def test_what_was_closed_tells_the_program_nothing(board, pair):
    s, peer = pair
    told = []
    s.setsockopt(SOL_SOCKET, SO_CALLBACK, told.append)
    s.close()
    peer.hear(board.taken())
    peer.send("FA")
    board.run(100_000)
    assert told == []


# Option 20


def test_the_callback_is_called_with_the_socket_when_the_poll_is_over(board, pair):
    s, peer = pair
    told = []

    def call(sock):
        told.append((sock is s, board.stack.busy, sock.recv(100)))

    s.setsockopt(SOL_SOCKET, SO_CALLBACK, call)
    board.wire.rx.append(peer.segment("PA", b"abc"))
    board.wire.rx.append(peer.segment("PA", b"def"))
    board.loop.step()
    board.loop.step()
    assert told == [(True, False, b"abcdef")]


def test_the_callback_of_a_listener_accepts(board):
    li = board.listener()
    told = []
    li.setsockopt(SOL_SOCKET, SO_CALLBACK, lambda s: told.append(s.accept()[1]))
    peer = board.peer()
    board.wire.rx.append(peer.segment("S"))
    board.loop.step()
    peer.hear(board.taken())
    board.wire.rx.append(peer.segment("A"))
    board.loop.step()
    board.loop.step()
    assert told == [(peer.ip, peer.port)]


def test_the_callback_hears_of_the_end_and_of_a_reset(board, pair):
    s, peer = pair
    told = []
    s.setsockopt(SOL_SOCKET, SO_CALLBACK, lambda s: told.append(flags(s) & POLL_ERR))
    board.wire.rx.append(peer.segment("FA"))
    board.loop.step()
    board.loop.step()
    assert told == [0]
    board.wire.rx.append(peer.segment("R"))
    board.loop.step()
    board.loop.step()
    assert told == [0, POLL_ERR]


def test_a_callback_for_one_that_does_not_wait_comes_when_it_does_not_wait_again(board, pair):
    s, peer = pair
    told = []
    s.setblocking(False)
    s.setsockopt(SOL_SOCKET, SO_CALLBACK, lambda s: told.append(s.read(9)))
    board.wire.rx.append(peer.segment("PA", b"a"))
    board.loop.step()
    board.loop.step()
    assert told == [b"a"]
    s.setblocking(True)  # as MicroPython's `websocket` before it writes
    board.wire.rx.append(peer.segment("PA", b"b"))
    board.loop.step()
    board.loop.step()
    assert told == [b"a"]
    s.setblocking(False)
    board.loop.step()
    assert told == [b"a", b"b"]


def test_none_takes_the_callback_off(board, pair):
    s, peer = pair
    s.setsockopt(SOL_SOCKET, SO_CALLBACK, pytest.fail)
    s.setsockopt(SOL_SOCKET, SO_CALLBACK, None)
    peer.send("PA", b"x")
    board.loop.step()
