"""What Linux does with IPv4 besides whole datagrams for one host: it sends fragments, asks for
groups as a switch and as a router, and redirects."""

import socket
import struct
import subprocess
import sys
import time

from interop.lab import BOARD, LINUX, Board, alone, kernel, shell, sysctl
from uipy import Bytes, Groups, Reassembly, Redirects, UdpApp
from uipy.apps import Echo

GROUP = "239.1.2.3"
SECOND, BEHIND = "192.168.77.3", "10.9.9.9"
SECOND_MAC = "02:00:00:00:00:03"


class Host:
    """Another network namespace, as long as its process sleeps."""

    def __enter__(self):
        command = ["unshare", "-n", "sh", "-c", "echo; exec sleep 300"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout and self.process.stdout.readline()
        self.ip("link set lo up")
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()

    def run(self, *command):
        words = ["nsenter", "-t", str(self.process.pid), "-n", *command]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def ip(self, command):
        return self.run("ip", *command.split())

    def take(self, name, ip, mac=None):
        """An interface of ours becomes this host's."""
        shell("ip link set %s netns %d" % (name, self.process.pid))
        if mac:
            self.ip("link set %s address %s" % (name, mac))
        self.ip("link set %s up" % name)
        self.ip("addr add %s dev %s" % (ip, name))


class Inbox(UdpApp):
    def __init__(self, answers=False):
        self.answers, self.got, self.errors = answers, [], []

    def received(self, port, buf, start, n):
        self.got.append(bytes(buf[start : start + n]))
        return n if self.answers else None

    def error(self, port, reason):
        self.errors.append(reason)


def bridge(*options):
    """tap0 becomes a port of a bridge that has the address."""
    shell("ip link add br0 type bridge forward_delay 0 " + " ".join(options))
    shell("ip addr flush dev tap0")
    shell("ip link set tap0 master br0")
    shell("ip addr add %s/24 dev br0" % LINUX)
    shell("ip link set br0 up")


def count(part, name):
    return dict(part.counters())[name]


def out(board, kind):
    """The frames of this protocol that the board has sent."""
    return [f for way, f, _ in board.dev.log if way == "out" and f[12:14] == b"\x08\0"
            and f[23] == kind]  # fmt: skip


# Fragments


@alone
def test_fragmented_pings_of_the_kernel_are_answered():
    board = Board()
    parts = Reassembly(board.stack)
    shell("ip link set tap0 mtu 576")
    ping = kernel(lambda: shell("ping -c 5 -i 0.2 -W 10 -s 1400 " + BOARD))
    assert "5 received" in board.run(ping, 60)
    assert count(parts, "frag_reassembled") == 5 and count(parts, "frag_in") == 15


@alone
def test_fragmented_datagrams_of_the_kernel_are_echoed():
    board = Board()
    parts = Reassembly(board.stack)
    board.stack.bind(7, Inbox(True))
    shell("ip link set tap0 mtu 300")
    sizes = (272, 273, 280, 600, 1000, 1471, 1472)

    def client():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(20)
        for n in sizes:
            s.sendto(bytes(k & 255 for k in range(n)), (BOARD, 7))
            assert s.recv(2000) == bytes(k & 255 for k in range(n)), n

    board.run(kernel(client), 60)
    assert count(parts, "frag_reassembled") == len(sizes) - 1
    assert count(parts, "frag_overlap") == count(parts, "frag_timeout") == 0


TALK = """
import socket
s = socket.socket()
s.settimeout(30)
s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT
s.connect((%r, 7))
s.sendall(b"x" * 20000)
got = 0
while got < 20000:
    got += len(s.recv(5000))
print(got)
"""


@alone
def test_router_with_a_smaller_mtu_fragments_tcp():
    board = Board(gateway=LINUX, tcp=2)
    parts = Reassembly(board.stack, slots=8)
    board.stack.listen(7, Echo, 2)
    shell("ip link add veth0 type veth peer name veth1")
    shell("ip addr add 10.9.9.1/24 dev veth0")
    shell("ip link set veth0 up")
    shell("ip link set tap0 mtu 600")
    sysctl("ip_forward", 1)
    with Host() as host:
        host.take("veth1", BEHIND + "/24")
        host.ip("route add default via 10.9.9.1")
        client = kernel(lambda: host.run(sys.executable, "-c", TALK % BOARD))
        assert board.run(client, 60).strip() == "20000"
    assert count(parts, "frag_reassembled") > 10


# Groups


@alone
def test_bridge_that_asks_as_a_querier_learns_our_groups():
    """Its queries come from 0.0.0.0, as a switch's do that has no address."""
    board = Board(groups=4)
    bridge("mcast_snooping 1 mcast_querier 1 mcast_igmp_version 2 mcast_query_interval 200",
           "mcast_startup_query_interval 100 mcast_query_response_interval 100",
           "mcast_last_member_interval 50")  # fmt: skip
    groups = Groups(board.stack)

    def known():
        return GROUP in shell("bridge mdb show dev br0")

    board.run(lambda: count(groups, "igmp_queries"), 60)
    queries = [f for way, f, _ in board.dev.log if way == "in" and f[23:24] == b"\2"]
    assert any(f[26:30] == bytes(4) for f in queries)
    assert not known()
    app = Inbox()
    board.stack.bind(5000, app)
    groups.join(GROUP)
    board.run(known, 60)
    sent = count(groups, "igmp_reports")
    board.run(lambda: count(groups, "igmp_reports") >= sent + 3, 60)  # answers to queries
    assert known()

    def talk():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LINUX))
        while not app.got:
            s.sendto(b"to all of you", (GROUP, 5000))
            time.sleep(0.1)

    board.run(kernel(talk), 60)
    assert app.got[0] == b"to all of you"
    groups.leave(GROUP)
    board.run(lambda: not known(), 60)
    assert count(groups, "igmp_leaves") == 1 and count(groups, "igmp_bad") == 0


@alone
def test_kernel_in_a_group_hears_us_and_its_report_silences_ours():
    board = Board(groups=2)
    sysctl("conf/all/force_igmp_version", 2)
    groups = Groups(board.stack)
    port = board.stack.bind(5000, Inbox())
    groups.join(GROUP)
    board.run(lambda: count(groups, "igmp_reports"), 20)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    s.bind((GROUP, 5000))
    s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
    member = socket.inet_aton(GROUP) + socket.inet_aton(LINUX)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    board.run(lambda: count(groups, "igmp_suppressed"), 30)

    class Far(Bytes):
        def fill(self, rel, buf, pos, n):
            groups.hops(255)
            return Bytes.fill(self, rel, buf, pos, n)

    for source in (Bytes(b"near"), Far(b"far")):
        port.send(GROUP, 5000, source)
        data, extra, _, _ = board.run(kernel(lambda: s.recvmsg(100, 100)), 30)
        assert (data, struct.unpack("=i", extra[0][2])[0]) in ((b"near", 1), (b"far", 255))


# Redirects


@alone
def test_linux_router_redirects_us_to_a_better_one():
    board = Board(gateway=LINUX)
    bridge()
    redirects = Redirects(board.stack)
    shell("ip link add veth0 type veth peer name veth1")
    shell("ip link set veth0 master br0 up")
    with Host() as second:
        second.take("veth1", SECOND + "/24", SECOND_MAC)
        second.ip("addr add %s/32 dev lo" % BEHIND)
        sysctl("ip_forward", 1)
        for name in ("all", "br0"):
            sysctl("conf/%s/send_redirects" % name, 1)
            sysctl("conf/%s/rp_filter" % name, 0)
        shell("ip route add %s/32 via %s" % (BEHIND, SECOND))
        app = Inbox()
        port = board.stack.bind(5000, app)
        port.send(BEHIND, 9, Bytes(b"?"))
        board.run(lambda: app.errors and count(redirects, "redirect_taken"), 60)
        port.send(BEHIND, 9, Bytes(b"!"))
        board.run(lambda: len(app.errors) >= 2, 60)
    first, last = out(board, 17)[0], out(board, 17)[-1]
    assert last[:6] == bytes.fromhex(SECOND_MAC.replace(":", "")) != first[:6]
    assert app.errors[:2] == ["refused"] * 2 and count(redirects, "redirect_bad") == 0
