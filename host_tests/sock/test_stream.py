"""Octets come and go: recv and send, and what a stream of MicroPython's has."""

from array import array
from errno import EAGAIN, ECONNRESET, ENOTCONN, ETIMEDOUT

import pytest
from lab.sockets import Board, number
from lab.tcp import one
from uipy.sock.numbers import MSG_DONTWAIT, MSG_PEEK, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET


@pytest.fixture
def board():
    made = Board()
    yield made
    made.end()


@pytest.fixture
def pair(board):
    return board.pair()


def small(board, rx=64, tx=64):
    """A pair whose rings are so small."""
    li = board.listener()
    li.setsockopt(SOL_SOCKET, SO_RCVBUF, rx)
    li.setsockopt(SOL_SOCKET, SO_SNDBUF, tx)
    return board.pair(li)


# Receiving


def test_recv_on_a_new_socket_is_not_connected(board):
    assert number(board.socket().recv, 1) == ENOTCONN
    assert number(board.socket().send, b"x") == ENOTCONN


def test_recv_gives_what_there_is(pair):
    s, peer = pair
    peer.send("PA", b"abcdef")
    assert s.recv(4) == b"abcd" and s.recv(4) == b"ef"


def test_recv_waits_for_data(board, pair):
    s, peer = pair
    board.soon(lambda: peer.send("PA", b"late"), 700)
    began = board.ms
    assert s.recv(10) == b"late"
    assert board.ms - began == 700


def test_recv_raises_etimedout_when_the_time_is_over(board, pair):
    s, _ = pair
    s.settimeout(0.25)
    began = board.ms
    assert number(s.recv, 1) == ETIMEDOUT
    assert board.ms - began == 250


def test_a_peer_that_has_vanished_ends_no_wait_late(board, pair):
    s, _ = pair
    s.settimeout(2)
    s.write(bytes(2000))
    began = board.ms
    assert number(s.recv, 1) == ETIMEDOUT
    assert number(s.write, bytes(5000)) == ETIMEDOUT
    assert board.ms - began == 4000


def test_recv_that_does_not_wait_looks_at_the_device_once(board, pair):
    s, peer = pair
    s.settimeout(0)
    assert number(s.recv, 1) == EAGAIN
    board.wire.rx.append(peer.segment("PA", b"x"))
    assert s.recv(1) == b"x"


def test_a_flag_makes_one_call_not_wait(board, pair):
    s, _ = pair
    assert number(s.recv, 1, MSG_DONTWAIT) == EAGAIN
    assert number(s.recv_into, bytearray(1), 0, MSG_DONTWAIT) == EAGAIN
    assert board.nap.slept == 0


def test_what_is_peeked_at_is_still_there(pair):
    s, peer = pair
    peer.send("PA", b"abcdefgh")
    assert s.recv(8, MSG_PEEK) == s.recv(8, MSG_PEEK) == b"abcdefgh"
    buf = bytearray(3)
    assert s.recv_into(buf, 0, MSG_PEEK) == 3 and buf == b"abc"
    assert s.recv(8) == b"abcdefgh"


def test_recvfrom_names_the_peer(pair):
    s, peer = pair
    peer.send("PA", b"x")
    assert s.recvfrom(10) == (b"x", (peer.ip, peer.port))


def test_recv_into_takes_as_much_as_is_wanted(pair):
    s, peer = pair
    buf = bytearray(6)
    peer.send("PA", b"abcdefgh")
    assert s.recv_into(buf, 2) == 2 and buf == b"ab\0\0\0\0"
    assert s.recv_into(buf) == 6 and buf == b"cdefgh"
    peer.send("FA")
    assert s.recv_into(buf) == 0


def test_octets_cannot_be_read_into_bytes(pair):
    s, _ = pair
    for f in (s.readinto, s.recv_into):
        with pytest.raises(TypeError):
            f(b"abc")
        with pytest.raises(TypeError):
            f(5)


def test_the_end_is_no_octets_as_often_as_one_asks(pair):
    s, peer = pair
    peer.send("FPA", b"x")
    assert [s.recv(5), s.recv(5), s.recv(5), s.read(), s.readline()] == [b"x", b"", b"", b"", b""]


def test_reading_opens_the_window_again(board, pair):
    s, peer = pair
    for _ in range(4):
        acks = peer.send("PA", bytes(1460))
    assert acks[-1].wnd == 0
    assert len(s.recv(5000)) == 5000
    board.loop.step()
    assert one(board.taken()).wnd == 5000


def test_data_goes_round_the_ring(board):
    s, peer = small(board, rx=100)
    sent = got = b""
    for k in range(40):
        piece = bytes((k + j) & 255 for j in range(37 + k % 5))
        peer.send("PA", piece)
        sent += piece
        got += s.recv(10) + s.recv(100)
    assert got == sent


def test_read_waits_for_all_that_is_asked_for(board, pair):
    s, peer = pair
    board.soon(lambda: peer.send("PA", b"abc"), 10)
    board.soon(lambda: peer.send("PA", b"def"), 20)
    assert s.read(5) == b"abcde" and s.read(1) == b"f"


def test_read_is_short_at_the_end(board, pair):
    s, peer = pair
    peer.send("PA", b"abc")
    board.soon(lambda: peer.send("FA"), 20)
    assert s.read(5) == b"abc" and s.read(5) == b""


def test_read_without_a_number_reads_to_the_end(board, pair):
    s, peer = pair
    data = bytes(range(250)) * 4
    for k in range(9):
        board.soon(lambda: peer.send("PA", data), 10 * k + 1)
    board.soon(lambda: peer.send("FA"), 100)
    assert s.read() == data * 9


def test_read_of_nothing_is_nothing(pair):
    assert pair[0].read(0) == b"" and pair[0].readline(0) == b""


def test_an_error_in_the_middle_of_a_read_loses_what_was_read(board, pair):
    # As MicroPython's streams in C do, and as its own tests demand.
    s, peer = pair
    s.settimeout(1)
    peer.send("PA", b"abc")
    assert number(s.read, 5) == ETIMEDOUT
    peer.send("PA", b"def")
    assert s.recv(10) == b"def"


def test_a_reset_in_the_middle_of_a_read_that_does_not_wait_loses_it_too(pair):
    # What MicroPython's tests/multi_net/asyncio_tcp_client_rst.py pins.
    s, peer = pair
    s.setblocking(False)
    peer.send("PA", b"GET / HTTP/1.0")
    assert s.read(10) == b"GET / HTTP"
    peer.send("RA")
    assert number(s.read, 100) == ECONNRESET
    assert s.read(100) == b""


def test_a_read_that_does_not_wait_gives_the_part(pair):
    s, peer = pair
    s.setblocking(False)
    peer.send("PA", b"abc")
    assert s.read(5) == b"abc" and s.read(5) is None
    peer.send("PA", b"ab")
    assert s.read() == b"ab" and s.read() is None
    buf = bytearray(4)
    peer.send("PA", b"ab")
    assert s.readinto(buf) == 2 and s.readinto(buf) is None


def test_readinto_fills_the_buffer(board, pair):
    s, peer = pair
    buf = bytearray(6)
    board.soon(lambda: peer.send("PA", b"abc"), 10)
    board.soon(lambda: peer.send("PA", b"def"), 20)
    assert s.readinto(buf) == 6 and buf == b"abcdef"
    peer.send("FPA", b"gh")
    assert s.readinto(buf, 1) == 1 and s.readinto(buf) == 1 and buf == b"hbcdef"


def test_readline_gives_a_line(board, pair):
    s, peer = pair
    peer.send("PA", b"one\r\ntwo\nthr")
    board.soon(lambda: peer.send("PA", b"ee\nrest"), 50)
    board.soon(lambda: peer.send("FA"), 60)
    assert [s.readline() for _ in range(5)] == [b"one\r\n", b"two\n", b"three\n", b"rest", b""]


def test_readline_has_a_longest(pair):
    s, peer = pair
    peer.send("PA", b"abcdef\ngh\n")
    assert [s.readline(4), s.readline(4), s.readline(4)] == [b"abcd", b"ef\n", b"gh\n"]


def test_a_line_is_found_across_the_wrap(board):
    s, peer = small(board, rx=64)
    for k in range(30):
        line = bytes(65 + k for _ in range(k % 13 + 20)) + b"\n"
        peer.send("PA", line + b"x\n")
        assert s.readline() == line and s.readline() == b"x\n"


def test_a_line_that_is_longer_than_the_ring_is_read(board):
    s, peer = small(board, rx=64)
    whole = bytes(65 + k % 26 for k in range(200)) + b"\n"
    first = peer.seq

    def more(got=0):  # a peer that sends again what was not acknowledged
        for seg in peer.send("PA", whole[got : got + 64], seq=first + got):
            got = seg.ack - first
        if got < len(whole):
            board.soon(lambda: more(got), 5)

    board.soon(more)
    assert s.readline() == whole


def test_a_line_that_is_not_complete_is_given_without_waiting(pair):
    # asyncio's readline puts the parts together; None would let it turn without end.
    s, peer = pair
    s.setblocking(False)
    assert s.readline() is None
    peer.send("PA", b"ab")
    assert s.readline() == b"ab"


# Sending


def test_what_is_written_leaves_with_the_next_wait(board, pair):
    s, peer = pair
    for piece in (b"\x30", b"\x0a", b"topic", b"message"):  # as umqtt does
        s.write(piece)
    assert not board.wire.sent
    s.setblocking(False)
    assert s.read(1) is None
    seg = one(peer.hear(board.taken()))
    assert seg.data == b"\x30\x0atopicmessage"


def test_closing_sends_what_was_written(board, pair):
    s, peer = pair
    s.write(b"bye")
    s.close()
    seg = one(peer.hear(board.taken()))
    assert seg.data == b"bye" and "F" in seg.flags


def test_what_can_be_sent(board, pair):
    s, peer = pair
    for data in ("grüße", bytearray(b"ab"), memoryview(b"cde")[1:], array("H", [0x4141])):
        s.send(data)
    board.loop.step()
    assert board.said(peer) == "grüße".encode() + b"abdeAA"
    with pytest.raises(TypeError):
        s.send(5)
    with pytest.raises(TypeError):
        s.write(None)


def test_write_takes_a_number_and_an_offset(board, pair):
    s, peer = pair
    assert s.write(b"abcdef", 2) == 2  # umqtt's
    assert s.write(b"abcdef", 3, 2) == 2
    assert s.write(b"abcdef", 4, 9) == 2 and s.write(b"abc", 9) == 3 and s.write(b"") == 0
    board.loop.step()
    assert board.said(peer) == b"ab" + b"de" + b"ef" + b"abc"


def taker(board, peer, every=5):
    """The peer acknowledges all that it is sent."""
    peer.got = b""

    def take():
        segs = peer.hear(board.taken())
        while any(s.data for s in segs):
            peer.got += b"".join(s.data for s in segs)
            segs = peer.acks()
        board.soon(take, every)

    board.soon(take, every)
    return peer


def test_write_sends_more_than_the_ring_holds(board, pair):
    s, peer = pair
    data = bytes(range(256)) * 40
    taker(board, peer)
    assert s.write(data) == len(data)
    s.sendall(data)
    assert board.loop.until(lambda: len(peer.got) == 2 * len(data), 10_000)
    assert peer.got == data * 2


def test_send_gives_as_much_as_finds_room(board):
    s, peer = small(board, tx=100)
    assert s.send(bytes(150)) == 100
    board.soon(lambda: (peer.hear(board.taken()), peer.acks()), 5)
    assert s.send(bytes(150)) == 100


def test_what_does_not_wait_writes_what_finds_room(board):
    s, peer = small(board, tx=100)
    s.settimeout(0)
    assert s.write(bytes(150)) == 100
    assert s.write(b"x") is None and number(s.send, b"x") == EAGAIN
    peer.hear(board.taken())
    peer.acks()
    assert s.write(b"x") == 1


def test_sendall_that_does_not_wait_sends_all_or_nothing(board):
    # As the lwIP port.
    s, peer = small(board, tx=100)
    s.settimeout(0)
    assert number(s.sendall, bytes(101)) == EAGAIN
    s.sendall(b"y" * 100)
    board.loop.step()
    assert board.said(peer) == b"y" * 100


def test_a_write_that_is_cut_short_by_a_reset_raises(board):
    s, peer = small(board, tx=100)
    board.soon(lambda: peer.send("RA"), 5)
    assert number(s.write, bytes(500)) == ECONNRESET


def test_sendto_on_a_connection_sends_to_the_peer(board, pair):
    s, peer = pair
    assert s.sendto(b"abc", ("10.0.0.99", 9)) == 3 and s.sendto(b"d", 0, ("10.0.0.99", 9)) == 1
    board.loop.step()
    assert board.said(peer) == b"abcd"


def test_the_socket_is_its_own_file(pair):
    s, _ = pair
    assert s.makefile() is s and s.makefile("rwb", 0) is s


@pytest.mark.parametrize("bad", [-1, -0.5])
def test_a_timeout_is_not_negative(board, bad):
    with pytest.raises(ValueError):
        board.socket().settimeout(bad)


def test_the_shortest_timeout_is_a_millisecond(board, pair):
    s, _ = pair
    s.settimeout(0.0001)
    assert number(s.recv, 1) == ETIMEDOUT
    s.settimeout(1e12)
    assert s._ms == 1 << 28
