"""Datagram sockets: what is sent, what is read, and what is refused. Where MicroPython's
documentation is silent they do what its lwIP port does; where a test says so."""

import pytest
from lab.looped import Nap
from lab.net import BOARD, PEER, Station
from lab.packets import addr, mac
from uipy import loop as loops
from uipy.sock import numbers as no
from uipy.sock.face import socket

OTHER = "192.168.1.10"
RD, WR, ERR, NVAL = no.POLL_RD, no.POLL_WR, no.POLL_ERR, no.POLL_NVAL
ALL = RD | WR


@pytest.fixture
def other(wire, peer):
    return Station(wire, OTHER, mac("02:00:00:00:00:10"))


@pytest.fixture
def server(sock):
    sock.bind(("", 7))
    return sock


def datagrams():
    return socket(no.AF_INET, no.SOCK_DGRAM)


def fails(number, call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    assert caught.value.args[0] == number


def polled(s, events=ALL):
    return s.ioctl(no.IOCTL_POLL, events)


def wait(ms):
    """The program waits for something else."""
    loops.current().until(lambda: False, ms)


def refused(peer, f):
    """The peer has no such port."""
    peer.icmp_error(3, 3, f)


# Sending


def test_a_datagram_is_sent_and_its_answer_read(sock, nap, peer):
    assert sock.sendto(b"question", (PEER, 53)) == 8
    f = peer.expect(data=b"question", dport=53)
    nap.at(20, lambda: peer.udp(b"answer", sport=53, dport=f.udp.sport))
    assert sock.recvfrom(100) == (b"answer", (PEER, 53))
    assert f.udp.sport >= 49152


@pytest.mark.parametrize(
    "data", [b"", b"x", bytearray(b"abc"), memoryview(b"abcdef")[2:4], "text"]
)
def test_what_has_octets_can_be_sent(sock, peer, data):
    octets = data.encode() if isinstance(data, str) else bytes(data)
    assert sock.sendto(data, (PEER, 9)) == len(octets)
    peer.expect(data=octets, dport=9)


def test_the_longest_datagram_fits_a_frame_and_a_longer_one_is_refused(sock, peer):
    assert sock.sendto(bytes(1472), (PEER, 9)) == 1472
    peer.expect(data=bytes(1472))
    fails(no.EMSGSIZE, sock.sendto, bytes(1473), (PEER, 9))
    assert sock.sendto(b"next", (PEER, 9)) == 4


def test_datagrams_in_a_row_leave_in_order(sock, peer):
    for k in range(20):
        sock.sendto(b"%d" % k, (PEER, 9))
    wait(1)
    for k in range(20):
        peer.expect(data=b"%d" % k)


def test_what_has_a_neighbour_leaves_with_the_next_poll(sock, nap, peer):
    sock.sendto(b"1", (PEER, 9))
    peer.expect(data=b"1")
    polls = loops.current().polls
    sock.sendto(b"2", (PEER, 9))
    assert loops.current().polls == polls and not peer.heard
    fails(no.EAGAIN, sock.recv, 1, no.MSG_DONTWAIT)
    peer.expect(data=b"2")
    sock.sendto(b"3", (PEER, 9))
    sock.close()
    peer.expect(data=b"3")


def test_sendto_waits_for_a_neighbour_that_answers_late(sock, nap, peer):
    peer.answers_arp = False
    nap.at(1500, lambda: setattr(peer, "answers_arp", True))
    assert sock.sendto(b"late", (PEER, 9)) == 4
    peer.expect(data=b"late")
    assert 1500 <= nap.slept <= 2500


def test_a_neighbour_that_does_not_answer_is_unreachable(sock, nap, peer):
    peer.answers_arp = False
    fails(no.EHOSTUNREACH, sock.sendto, b"nobody", (PEER, 9))
    assert 2900 <= nap.slept <= 3100
    assert not polled(sock, RD) and sock.getsockopt(no.SOL_SOCKET, no.SO_ERROR) == 0


def test_what_has_not_left_in_time_never_leaves(sock, nap, wire, peer):
    peer.answers_arp = False
    sock.settimeout(1.5)
    fails(no.ETIMEDOUT, sock.sendto, b"too late", (PEER, 9))
    assert 1500 <= nap.slept <= 1600
    peer.answers_arp = True
    wire.run(5000)
    peer.nothing()
    assert sock.sendto(b"now", (PEER, 9)) == 3
    wait(1)
    peer.expect(data=b"now")


def test_ctrl_c_ends_the_wait_for_a_neighbour(sock, nap, wire, peer):
    def ctrl_c():
        raise KeyboardInterrupt

    peer.answers_arp = False
    nap.at(500, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        sock.sendto(b"x", (PEER, 9))
    peer.answers_arp = True
    wire.run(5000)
    peer.nothing()


def test_without_waiting_one_datagram_is_under_way(sock, wire, peer):
    sock.setblocking(False)
    peer.answers_arp = False
    assert sock.sendto(b"first", (PEER, 9)) == 5
    fails(no.EAGAIN, sock.sendto, b"second", (PEER, 9))
    assert polled(sock) == 0
    peer.answers_arp = True
    wire.run(1100)
    peer.expect(data=b"first")
    assert polled(sock) == WR
    assert sock.sendto(b"second", (PEER, 9)) == 6


def test_without_waiting_the_next_call_hears_that_nobody_answers(sock, wire, peer):
    sock.setblocking(False)
    peer.answers_arp = False
    sock.sendto(b"first", (PEER, 9))
    wire.run(4000)
    assert polled(sock) == ALL | ERR
    fails(no.EHOSTUNREACH, sock.recv, 10)
    fails(no.EAGAIN, sock.recv, 10)


def test_the_next_sendto_hears_it_too(sock, wire, peer):
    sock.setblocking(False)
    peer.answers_arp = False
    sock.sendto(b"first", (PEER, 9))
    wire.run(4000)
    fails(no.EHOSTUNREACH, sock.sendto, b"second", (PEER, 9))


def test_what_was_given_may_change_once_the_call_has_returned(sock, wire, peer):
    sock.setblocking(False)
    peer.answers_arp = False
    data = bytearray(b"before")
    sock.sendto(data, (PEER, 9))
    data[:] = b"behind"
    peer.answers_arp = True
    wire.run(1100)
    peer.expect(data=b"before")


def test_a_broadcast_needs_no_option_as_with_lwip(sock, peer):
    assert sock.sendto(b"all", ("255.255.255.255", 9)) == 3
    wait(1)
    peer.expect(data=b"all", ip_dst=addr("255.255.255.255"))
    sock.setsockopt(no.SOL_SOCKET, no.SO_BROADCAST, 1)
    assert sock.sendto(b"all", ("192.168.1.255", 9)) == 3


def test_no_way_is_unreachable(wire):
    stack = wire.board(gateway=None)
    Nap(wire).attach(stack)
    with datagrams() as s:
        s.settimeout(4)
        fails(no.EHOSTUNREACH, s.sendto, b"x", ("10.0.0.1", 9))
        fails(no.EHOSTUNREACH, s.connect, ("10.0.0.1", 9))
        assert s.getsockname() == ("0.0.0.0", 0)
    loops.detach()


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_nothing_is_sent_to_a_port_that_is_none(sock, port):
    with pytest.raises((OSError, ValueError)):
        sock.sendto(b"x", (PEER, port))


# Receiving


def test_what_does_not_fit_is_cut_and_gone_as_with_lwip(server, peer):
    peer.udp(b"0123456789")
    peer.udp(b"next")
    assert server.recv(4) == b"0123"
    assert server.recv(4) == b"next"


def test_an_empty_datagram_is_one(server, peer):
    peer.udp(b"")
    peer.udp(b"x")
    assert polled(server) == ALL
    assert server.recvfrom(10) == (b"", (PEER, 5000))
    assert server.recv(10) == b"x"


def test_peek_leaves_a_datagram_where_it_is(server, peer):
    peer.udp(b"here")
    for _ in range(3):
        assert server.recv(2, no.MSG_PEEK) == b"he"
    assert server.recvfrom(10) == (b"here", (PEER, 5000))


def test_nothing_in_time_is_a_timeout(server, nap):
    fails(no.ETIMEDOUT, server.recv, 10)
    assert 5000 <= nap.slept <= 5010


@pytest.mark.parametrize("how", ["blocking", "flag"])
def test_who_does_not_wait_is_told_to_come_again(server, nap, how):
    if how == "blocking":
        server.setblocking(False)
        fails(no.EAGAIN, server.recv, 10)
    else:
        fails(no.EAGAIN, server.recv, 10, no.MSG_DONTWAIT)
    assert nap.slept == 0


def test_four_datagrams_wait_and_the_newest_is_dropped(server, peer):
    for k in range(6):
        peer.udp(b"%d" % k)
    assert [server.recv(9) for _ in range(4)] == [b"0", b"1", b"2", b"3"]
    fails(no.EAGAIN, server.recv, 9, no.MSG_DONTWAIT)
    assert server._end.lost == 2
    peer.udp(b"again")
    assert server.recv(9) == b"again"


def test_the_queue_holds_four_kilobytes(server, peer):
    for k in range(4):
        peer.udp(b"%d" % k + bytes(1471))
    assert [server.recv(1) for _ in range(2)] == [b"0", b"1"]
    fails(no.EAGAIN, server.recv, 9, no.MSG_DONTWAIT)


@pytest.mark.parametrize("after", [False, True])
def test_a_larger_queue_holds_more(sock, peer, after):
    if after:
        sock.bind(("", 7))
        peer.udp(b"kept")
    sock.setsockopt(no.SOL_SOCKET, no.SO_RCVBUF, 16000)
    if not after:
        sock.bind(("", 7))
        peer.udp(b"kept")
    assert sock.getsockopt(no.SOL_SOCKET, no.SO_RCVBUF) == 16000
    for k in range(20):
        peer.udp(b"%d" % k)
    got = [sock.recv(9) for _ in range(15)]
    assert got == [b"kept", *[b"%d" % k for k in range(14)]]
    fails(no.EAGAIN, sock.recv, 9, no.MSG_DONTWAIT)


def test_a_queue_does_not_shrink_below_what_waits(server, peer):
    peer.udp(bytes(500))
    fails(no.EINVAL, server.setsockopt, no.SOL_SOCKET, no.SO_RCVBUF, 1)
    assert server.recv(999) == bytes(500)
    server.setsockopt(no.SOL_SOCKET, no.SO_RCVBUF, 1)
    assert server.getsockopt(no.SOL_SOCKET, no.SO_RCVBUF) == 256


def test_the_queue_goes_round_for_ever(server, peer):
    for k in range(300):
        data = bytes([k & 0xFF]) * (k * 37 % 1400)
        peer.udp(data, sport=1000 + k)
        assert server.recvfrom(1500) == (data, (PEER, 1000 + k))


def test_a_datagram_is_read_into_a_buffer(server, peer):
    buf = bytearray(10)
    peer.udp(b"abcdef")
    peer.udp(b"ABCDEF")
    assert server.recv_into(buf) == 6 and buf == b"abcdef\0\0\0\0"
    assert server.recv_into(buf, 3) == 3 and buf == b"ABCdef\0\0\0\0"


def test_streams_read_datagrams_one_after_the_other_as_with_lwip(server, peer):
    peer.udp(b"abc")
    peer.udp(b"def")
    assert server.read(6) == b"abcdef"
    peer.udp(b"one\ntwo")
    assert server.readline() == b"one\n"
    server.connect((PEER, 5000))
    assert server.write(b"answer") == 6
    peer.expect(data=b"answer", dport=5000, sport=7)


def test_a_callback_is_told_of_a_datagram(server, nap, peer):
    told = []
    server.setsockopt(no.SOL_SOCKET, no.SO_CALLBACK, told.append)
    peer.udp(b"x")
    wait(1)
    assert told == [server]
    server.setsockopt(no.SOL_SOCKET, no.SO_CALLBACK, None)
    peer.udp(b"y")
    wait(1)
    assert told == [server] and server.recv(9) + server.recv(9) == b"xy"


# To whom


def test_a_connected_socket_hears_its_peer_alone(sock, peer, other):
    sock.bind(("", 7))
    sock.connect((PEER, 5000))
    other.udp(b"stranger")
    peer.udp(b"another port", sport=5001)
    peer.udp(b"peer")
    assert sock.recvfrom(99) == (b"peer", (PEER, 5000))
    fails(no.EAGAIN, sock.recv, 9, no.MSG_DONTWAIT)
    assert sock.send(b"hello") == 5
    peer.expect(data=b"hello", dport=5000)
    assert sock.getpeername() == (PEER, 5000)
    assert sock.sendto(b"to another", (OTHER, 9)) == 10
    other.expect(data=b"to another", dport=9)


def test_sending_without_a_peer_is_an_error(sock):
    fails(no.ENOTCONN, sock.send, b"x")
    fails(no.ENOTCONN, sock.getpeername)


def test_connecting_takes_a_port(sock):
    sock.connect((PEER, 9))
    assert sock.getsockname()[1] >= 49152


@pytest.mark.parametrize("connected", [True, False])
def test_a_client_hears_that_the_peer_has_no_such_port(sock, peer, connected):
    if connected:
        sock.connect((PEER, 9))
        sock.send(b"x")
    else:
        sock.sendto(b"x", (PEER, 9))
    refused(peer, peer.expect(data=b"x"))
    assert polled(sock) == ALL | ERR and polled(sock, 0) == ERR
    fails(no.ECONNREFUSED, sock.recv, 9)
    fails(no.EAGAIN, sock.recv, 9, no.MSG_DONTWAIT)


def test_a_waiting_client_hears_it_at_once(sock, nap, peer):
    sock.sendto(b"x", (PEER, 9))
    f = peer.expect(data=b"x")
    nap.at(30, lambda: refused(peer, f))
    fails(no.ECONNREFUSED, sock.recv, 9)
    assert nap.slept <= 40


def test_a_server_does_not_hear_that_a_client_is_gone(server, peer):
    server.sendto(b"x", (PEER, 9))
    refused(peer, peer.expect(data=b"x"))
    fails(no.EAGAIN, server.recv, 9, no.MSG_DONTWAIT)


def test_what_came_before_the_refusal_is_read_first(sock, peer):
    sock.connect((PEER, 9))
    sock.send(b"x")
    f = peer.expect(data=b"x")
    peer.udp(b"answer", sport=9, dport=f.udp.sport)
    refused(peer, f)
    assert sock.recv(9) == b"answer"
    fails(no.ECONNREFUSED, sock.recv, 9)


def test_a_refusal_of_another_port_is_not_ours(sock, peer):
    sock.sendto(b"x", (PEER, 9))
    f = peer.expect(data=b"x")
    sock.connect((PEER, 10))
    refused(peer, f)
    fails(no.EAGAIN, sock.recv, 9, no.MSG_DONTWAIT)


def test_connecting_forgets_an_older_refusal(sock, peer):
    sock.sendto(b"x", (PEER, 9))
    refused(peer, peer.expect(data=b"x"))
    sock.connect((PEER, 10))
    fails(no.EAGAIN, sock.recv, 9, no.MSG_DONTWAIT)


def test_what_a_connected_socket_sends_elsewhere_does_not_change_its_peer(sock, peer, other):
    sock.connect((PEER, 9))
    sock.sendto(b"x", (OTHER, 9))
    peer.udp(b"peer", sport=9, dport=sock.getsockname()[1])
    assert sock.recv(9) == b"peer"


def test_a_refusal_from_elsewhere_is_not_ours(sock, peer, other):
    sock.sendto(b"x", (OTHER, 9))
    f = other.expect(data=b"x")
    sock.connect((PEER, 9))
    refused(other, f)
    fails(no.EAGAIN, sock.recv, 9, no.MSG_DONTWAIT)


# Ports


def test_a_port_is_one_sockets(server):
    with datagrams() as s:
        fails(no.EADDRINUSE, s.bind, ("", 7))
        s.bind(("0.0.0.0", 8))
        assert s.getsockname() == ("0.0.0.0", 8)


def test_port_0_is_one_that_is_free(sock):
    sock.bind(("", 0))
    assert sock.getsockname()[1] >= 49152


def test_a_socket_may_be_bound_again_as_with_lwip(server, peer):
    server.bind(("", 8))
    peer.udp(b"old", dport=7)
    peer.expect(type=3, code=3)
    peer.udp(b"new", dport=8)
    assert server.recv(9) == b"new"
    server.bind(("", 8))


def test_a_full_table_is_no_memory_and_what_is_closed_comes_back(nap, stack):
    all_of_them = [datagrams() for _ in range(9)]
    for s in all_of_them[:8]:
        s.bind(("", 0))
    fails(no.ENOMEM, all_of_them[8].bind, ("", 0))
    fails(no.ENOMEM, all_of_them[8].sendto, b"x", (PEER, 9))
    all_of_them[0].close()
    all_of_them[8].bind(("", 0))
    for s in all_of_them:
        s.close()
    assert list(stack.udp.nums) == [0] * 8


def test_a_socket_bound_to_an_address_hears_what_is_for_it(sock, peer):
    sock.bind((BOARD, 7))
    assert sock.getsockname() == (BOARD, 7)
    peer.udp(b"broadcast", dst="255.255.255.255", mac_dst=b"\xff" * 6)
    peer.udp(b"ours")
    assert sock.recv(99) == b"ours"


def test_a_stack_without_udp_has_no_room(wire):
    Nap(wire).attach(wire.board(udp=0))
    with datagrams() as s:
        fails(no.ENOMEM, s.bind, ("", 7))
        fails(no.ENOMEM, s.sendto, b"x", (PEER, 9))
    loops.detach()


# Closing


def test_a_closed_socket_is_no_descriptor(server, peer):
    server.close()
    server.close()
    fails(no.EBADF, server.recv, 9)
    fails(no.EBADF, server.sendto, b"x", (PEER, 9))
    assert polled(server) == NVAL
    peer.udp(b"late")
    peer.expect(type=3, code=3)


def test_what_is_under_way_leaves_behind_close(sock, stack, wire, peer):
    sock.setblocking(False)
    peer.answers_arp = False
    sock.sendto(b"last", (PEER, 9))
    sock.close()
    peer.answers_arp = True
    wait(1100)
    peer.expect(data=b"last")
    assert not any(stack.udp.nums) and not stack.udp.pending


def test_nobody_answers_and_the_port_of_a_closed_socket_is_free(sock, stack, wire, peer):
    sock.setblocking(False)
    peer.answers_arp = False
    sock.sendto(b"last", (PEER, 9))
    sock.close()
    wait(4000)
    assert not any(stack.udp.nums) and not stack.udp.pending


# What is not for datagrams


def test_listening_is_not_supported(sock):
    fails(no.EOPNOTSUPP, sock.listen, 1)
    fails(no.EOPNOTSUPP, sock.accept)


def test_an_unknown_option_is_a_line_for_people_as_with_lwip(sock, capsys):
    sock.setsockopt(no.SOL_SOCKET, 12345, 1)
    assert "12345" in capsys.readouterr().out
    fails(no.ENOPROTOOPT, sock.getsockopt, no.SOL_SOCKET, 12345)
    sock.setsockopt(no.SOL_SOCKET, no.SO_REUSEADDR, 1)
    assert sock.getsockopt(no.SOL_SOCKET, no.SO_TYPE) == no.SOCK_DGRAM


def test_a_callback_that_was_taken_away_while_the_socket_waited_is_not_called(sock, peer):
    told = []
    sock.bind(("", 7))
    sock.setblocking(False)
    sock.setsockopt(no.SOL_SOCKET, no.SO_CALLBACK, told.append)
    sock.setblocking(True)
    peer.udp(b"x")
    wait(1)
    sock.setsockopt(no.SOL_SOCKET, no.SO_CALLBACK, None)
    sock.setblocking(False)
    wait(1)
    assert not told and sock.recv(9) == b"x"


def test_what_is_to_be_sent_is_marked_for_the_background(sock, nap, monkeypatch, peer):
    marked = []
    monkeypatch.setattr(loops.current().stack, "wake", lambda: marked.append(True))
    sock.sendto(b"x", (PEER, 9))
    assert len(marked) == 1


def test_no_heap_for_another_port_leaves_a_socket_without_one(server, stack, peer, monkeypatch):
    def full(num, app):
        raise MemoryError

    monkeypatch.setattr(stack.udp, "bind", full)
    with pytest.raises(MemoryError):
        server.bind(("", 8))
    monkeypatch.undo()
    assert server.getsockname() == ("0.0.0.0", 0)
    server.sendto(b"x", (PEER, 9))
    assert server.getsockname()[1] >= 49152


def test_two_clients_in_turns_are_told_apart_and_each_gets_its_own_answer(server, peer, other):
    """What an address was as text and as octets the last time is kept; the next one is another."""
    for k in range(3):
        for who, ip in ((peer, PEER), (other, OTHER)):
            who.udp(b"%d" % k, sport=5000 + k)
            data, address = server.recvfrom(9)
            assert address == (ip, 5000 + k)
            server.sendto(data, address)
            wait(1)
            who.expect(data=b"%d" % k, dport=5000 + k)
    for ip in (PEER.encode(), OTHER.encode()):
        server.sendto(b"octets", (ip, 9))
        wait(1)
    peer.expect(data=b"octets")
    other.expect(data=b"octets")
