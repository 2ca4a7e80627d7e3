"""Datagram sockets of ours and of Linux's, multicasts and broadcasts among them, and names from
dnsmasq."""

import select
import shutil
import socket
import subprocess
import time

import pytest
from interop.lab import BOARD, LINUX, Board, alone, kernel, shell
from uipy import loop as loops
from uipy.host import Resolver
from uipy.sock import face
from uipy.sock import numbers as no
from uipy.sock.names import NO_NAME, getaddrinfo

GROUP = "239.1.2.3"
LONG_S = 60  # a wait that ends before on any machine


class Program:
    """A board whose program is the test, with sockets."""

    def __init__(self, **options):
        self.board = Board(tcp=0, **options)
        self.loop = loops.attach(self.board.stack, self.wait, resolver=self.resolver)
        self.servers = [LINUX]

    def wait(self, ms):
        select.select([self.board.dev.tap], [], [], ms / 1000)

    def resolver(self):
        return Resolver(self.board.stack, self.servers)

    def socket(self):
        s = face.socket(no.AF_INET, no.SOCK_DGRAM)
        s.settimeout(LONG_S)
        return s

    def until(self, thread):
        """The board goes on until the thread has returned; what it has returned."""
        assert self.loop.until(thread.done, LONG_S * 1000)
        return thread.result


def linux(port=0):
    """A socket of the kernel's."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(LONG_S)
    s.bind((LINUX, port))
    return s


def fails(number, call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    assert caught.value.args[0] == number, caught.value


def sizes():
    return [0, 1, 2, 63, 512, 1471, 1472] * 20


@alone
def test_our_server_echoes_what_a_client_of_linux_sends():
    program = Program()

    def client():
        s = linux()
        for k, n in enumerate(sizes()):
            data = bytes([k]) * n
            s.sendto(data, (BOARD, 7))
            assert s.recvfrom(2000) == (data, (BOARD, 7))
        return s.getsockname()[1]

    with program.socket() as server:
        server.bind(("", 7))
        thread = kernel(client)
        ports = set()
        for _ in sizes():
            data, address = server.recvfrom(1500)
            server.sendto(data, address)
            ports.add(address)
        assert ports == {(LINUX, program.until(thread))}


@alone
def test_our_client_reads_what_a_server_of_linux_echoes():
    program = Program()
    s = linux(7)

    def serve():
        for _ in sizes():
            data, address = s.recvfrom(2000)
            s.sendto(data, address)

    thread = kernel(serve)
    with program.socket() as client:
        client.connect((LINUX, 7))
        for k, n in enumerate(sizes()):
            data = bytes([k]) * n
            assert client.send(data) == n
            assert client.recv(1500) == data
    program.until(thread)


@alone
def test_a_port_that_linux_has_not_is_refused_and_a_host_that_is_not_there_unreachable():
    program = Program()
    with program.socket() as s:
        s.sendto(b"x", (LINUX, 9))
        fails(no.ECONNREFUSED, s.recv, 9)
        fails(no.EHOSTUNREACH, s.sendto, b"x", ("192.168.77.99", 9))
        s.settimeout(0.2)
        fails(no.ETIMEDOUT, s.recv, 9)


@alone
def test_multicasts_reach_whoever_has_joined():
    program = Program(groups=2)
    shell("ip route add 224.0.0.0/4 dev tap0")
    with program.socket() as s:
        s.bind(("", 5004))
        member = socket.inet_aton(GROUP) + bytes(4)
        s.setsockopt(no.IPPROTO_IP, no.IP_ADD_MEMBERSHIP, member)
        sender = linux()
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LINUX))
        sender.sendto(b"to the group", (GROUP, 5004))
        assert s.recvfrom(99) == (b"to the group", sender.getsockname())
        s.setsockopt(no.IPPROTO_IP, no.IP_DROP_MEMBERSHIP, member)
        program.loop.step()
        sender.sendto(b"nobody hears this", (GROUP, 5004))
        sender.sendto(b"but this", (BOARD, 5004))
        assert s.recv(99) == b"but this"


@alone
def test_linux_hears_our_multicasts_and_broadcasts():
    program = Program()
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("", 5004))
    heard.setsockopt(
        socket.IPPROTO_IP,
        socket.IP_ADD_MEMBERSHIP,
        socket.inet_aton(GROUP) + socket.inet_aton(LINUX),
    )
    heard.settimeout(LONG_S)
    with program.socket() as s:
        for address in (GROUP, "192.168.77.255", "255.255.255.255"):
            s.sendto(address, (address, 5004))
            program.loop.step()
            assert heard.recvfrom(99) == (address.encode(), (BOARD, s.getsockname()[1]))


@alone
def test_broadcasts_of_linux_reach_a_socket():
    program = Program()
    with program.socket() as s:
        s.bind(("", 5004))
        sender = linux()
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(b"all", ("192.168.77.255", 5004))
        assert s.recvfrom(9) == (b"all", sender.getsockname())


class Dnsmasq:
    """A name server of this namespace that knows www.example.test."""

    def __init__(self):
        program = shutil.which("dnsmasq")
        if not program:
            pytest.skip("needs dnsmasq, of the package dnsmasq-base")
        command = "--no-daemon --no-resolv --no-hosts --conf-file=/dev/null --bind-interfaces"
        command += " --listen-address=%s --local=/test/ --local-ttl=600" % LINUX
        command += " --address=/www.example.test/192.0.2.1 --user=root --pid-file"
        self.process = subprocess.Popen(
            [program, *command.split()], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.said = b""
        while b"started" not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(LONG_S)


@alone
def test_dnsmasq_knows_a_name_and_that_another_is_none():
    program = Program()
    with Dnsmasq():
        assert getaddrinfo("www.example.test", 80) == [(2, 1, 0, "", ("192.0.2.1", 80))]
        fails(NO_NAME, getaddrinfo, "nobody.example.test", 80)
    # It is gone: what is known is still told, and the rest is refused by the kernel.
    assert getaddrinfo("WWW.example.test", 81)[0][-1] == ("192.0.2.1", 81)
    before = time.monotonic()
    with pytest.raises(OSError, match=r"other\.example\.test"):
        getaddrinfo("other.example.test", 80)
    assert time.monotonic() - before < LONG_S
    assert not any(program.board.stack.udp.nums)


@alone
def test_a_name_server_that_is_silent_is_a_timeout():
    Program()
    silent = linux(53)
    fails(no.ETIMEDOUT, getaddrinfo, "www.example.test", 80)
    silent.close()
