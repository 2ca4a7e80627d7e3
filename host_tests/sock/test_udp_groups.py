"""Multicast on a socket: IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_TTL."""

import pytest
from lab.looped import Nap
from lab.net import BOARD, Station
from lab.packets import addr
from uipy import Groups
from uipy import loop as loops
from uipy.sock import numbers as no
from uipy.sock.face import socket

GROUP = "239.1.2.3"
GROUP_MAC = bytes.fromhex("01005e010203")
ANY = bytes(4)
JOIN, DROP = no.IP_ADD_MEMBERSHIP, no.IP_DROP_MEMBERSHIP


@pytest.fixture
def stack(wire):
    s = wire.board(groups=3)
    wire.run()
    return s


@pytest.fixture
def server(sock):
    sock.bind(("", 5004))
    return sock


def fails(number, call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    assert caught.value.args[0] == number


def to_group(peer, data=b"to all of you", group=GROUP):
    peer.udp(data, dport=5004, dst=group, mac_dst=GROUP_MAC)


def heard(sock):
    try:
        return sock.recv(99, no.MSG_DONTWAIT)
    except OSError:
        return None


def members(stack):
    """The groups that the board is in, 224.0.0.1 aside."""
    groups = stack.handlers.get(2)
    face = stack.ifaces[0].face
    return [bytes(face[at : at + 4]) for at in range(33, face[28], 4)] if groups else []


@pytest.mark.parametrize("face", [ANY, addr(BOARD)])
def test_a_member_hears_its_group(server, stack, peer, face):
    to_group(peer)
    assert heard(server) is None
    server.setsockopt(no.IPPROTO_IP, JOIN, addr(GROUP) + face)
    to_group(peer)
    assert heard(server) == b"to all of you"
    server.setsockopt(no.IPPROTO_IP, DROP, addr(GROUP) + face)
    loops.current().until(lambda: False, 20)
    assert members(stack) == []
    to_group(peer)
    assert heard(server) is None


def test_a_report_leaves_with_the_next_wait(server, wire, peer):
    server.setsockopt(no.IPPROTO_IP, JOIN, addr(GROUP) + ANY)
    assert heard(server) is None
    assert [f.ip_dst for f in wire.take() if f.proto == 2] == [addr(GROUP)]


def test_a_closed_socket_has_left_its_groups(server, stack, wire):
    for k in (3, 4):
        server.setsockopt(no.IPPROTO_IP, JOIN, addr("239.1.2.%d" % k) + ANY)
    assert len(members(stack)) == 2
    server.close()
    loops.current().until(lambda: False, 20)
    assert members(stack) == []


def test_two_sockets_are_in_a_group_until_both_have_left(server, nap, stack):
    with socket(no.AF_INET, no.SOCK_DGRAM) as s:
        for x in (server, s):
            x.setsockopt(no.IPPROTO_IP, JOIN, addr(GROUP) + ANY)
        server.setsockopt(no.IPPROTO_IP, DROP, addr(GROUP) + ANY)
        assert members(stack) == [addr(GROUP)]
    loops.current().until(lambda: False, 20)
    assert members(stack) == []


def test_the_groups_of_others_are_used(stack, sock):
    groups = Groups(stack)
    sock.setsockopt(no.IPPROTO_IP, JOIN, addr(GROUP) + ANY)
    assert stack.handlers[2] is groups and members(stack) == [addr(GROUP)]


def test_a_socket_leaves_no_group_that_it_is_not_in(stack, sock):
    Groups(stack).join(GROUP)
    fails(no.EINVAL, sock.setsockopt, no.IPPROTO_IP, DROP, addr(GROUP) + ANY)
    assert members(stack) == [addr(GROUP)]


def test_what_is_no_group_and_no_interface_is_invalid(sock):
    fails(no.EINVAL, sock.setsockopt, no.IPPROTO_IP, JOIN, addr("192.0.2.1") + ANY)
    fails(no.EINVAL, sock.setsockopt, no.IPPROTO_IP, JOIN, addr(GROUP) + addr("192.0.2.1"))
    with pytest.raises(ValueError, match="4 octets"):
        sock.setsockopt(no.IPPROTO_IP, JOIN, addr(GROUP))


def test_a_full_table_of_groups_is_no_memory(sock, stack):
    for k in (3, 4):
        sock.setsockopt(no.IPPROTO_IP, JOIN, addr("239.1.2.%d" % k) + ANY)
    fails(no.ENOMEM, sock.setsockopt, no.IPPROTO_IP, JOIN, addr("239.1.2.5") + ANY)
    assert len(members(stack)) == 2


def test_a_stack_without_groups_has_no_room_and_says_how(wire):
    Nap(wire).attach(wire.board())
    with socket(no.AF_INET, no.SOCK_DGRAM) as s:
        with pytest.raises(OSError, match=r"Stack\(groups=2\)") as caught:
            s.setsockopt(no.IPPROTO_IP, JOIN, addr(GROUP) + ANY)
        assert caught.value.errno == no.ENOMEM
    loops.detach()


@pytest.mark.parametrize(("hops", "ttl"), [(None, 1), (1, 1), (255, 255)])
def test_a_datagram_for_a_group_has_the_ttl_that_was_set(sock, wire, stack, hops, ttl):
    member = Station(wire, GROUP, GROUP_MAC)
    if hops is not None:
        sock.setsockopt(no.IPPROTO_IP, no.IP_MULTICAST_TTL, hops)
    assert sock.sendto(b"hello", (GROUP, 5004)) == 5
    loops.current().step()
    member.expect(data=b"hello", ttl=ttl)


def test_no_datagram_has_a_ttl_of_zero(sock):
    fails(no.EINVAL, sock.setsockopt, no.IPPROTO_IP, no.IP_MULTICAST_TTL, 0)


def test_the_ttl_of_groups_is_not_that_of_others(sock, peer):
    sock.setsockopt(no.IPPROTO_IP, no.IP_MULTICAST_TTL, 255)
    sock.sendto(b"x", (peer.ip, 9))
    peer.expect(data=b"x", ttl=64)


def test_a_join_is_marked_for_the_background(sock, monkeypatch):
    marked = []
    monkeypatch.setattr(loops.current(), "mark", lambda: marked.append(True))
    sock.setsockopt(no.IPPROTO_IP, JOIN, addr(GROUP) + ANY)
    assert marked
