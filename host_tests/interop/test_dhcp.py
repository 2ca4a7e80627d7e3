"""Real DHCP servers: dnsmasq and udhcpd lend, renew, refuse and take back an address.

All that passed is judged by tshark: nothing malformed, the messages of RFC 2131 in their order.
"""

import shutil
import signal
import struct
import subprocess
import sys
import time

import pytest
from interop.lab import LINUX, Board, alone, kernel, shell
from uipy import Stack
from uipy.apps import Echo
from uipy.host import Dhcp
from wire.lan import TAPBOARD

SECONDS = 60


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        pytest.skip("no %s here (apt install %s)" % (name, name))
    return found


class Dnsmasq:
    """dnsmasq with one range, in this namespace; its files are in a folder of the test's."""

    def __init__(self, folder, first=100, last=120, options=()):
        self.leases = folder / "dnsmasq.leases"
        command = [program("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"]
        command += ["--interface=tap0", "--bind-interfaces", "--no-ping", "--dhcp-authoritative"]
        command += ["--user=root", "--pid-file=" + str(folder / "dnsmasq.pid")]
        command += ["--dhcp-leasefile=" + str(self.leases), "--log-facility=-", "--log-dhcp"]
        command += ["--domain=lab.example", "--dhcp-option=option:ntp-server,192.168.77.9"]
        command += ["--dhcp-option=option:dns-server,192.168.77.8,192.168.77.9"]
        command += ["--dhcp-range=192.168.77.%d,192.168.77.%d,255.255.255.0,2m" % (first, last)]
        command += ["--dhcp-option=" + option for option in options]
        self.log = open(folder / "dnsmasq.log", "wb")  # noqa: SIM115
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def lent(self):
        """[(address, name)] as its file has it."""
        lines = self.leases.read_text().splitlines() if self.leases.exists() else []
        return [tuple(line.split()[2:4]) for line in lines]

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Udhcpd:
    """BusyBox's server, with leases of so many seconds."""

    def __init__(self, folder, seconds):
        conf = folder / "udhcpd.conf"
        conf.write_text(
            "start 192.168.77.30\nend 192.168.77.40\ninterface tap0\nmin_lease 1\n"
            "lease_file %s\npidfile %s\noption subnet 255.255.255.0\noption router %s\n"
            "option dns 192.168.77.8\noption domain lab.example\noption lease %d\n"
            % (folder / "udhcpd.leases", folder / "udhcpd.pid", LINUX, seconds)
        )
        (folder / "udhcpd.leases").touch()
        self.log = open(folder / "udhcpd.log", "wb")  # noqa: SIM115
        command = [program("udhcpd"), "-f", str(conf)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Client(Board):
    """A stack on tap0 that asks for its address."""

    def boot(self, lease=None, **options):
        self.said = []
        self.kept = []
        self.stack = Stack(self.dev, None, **options)
        self.stack.on_error = self.errors.append
        self.stack.listen(7, lambda: Echo(1024), 2)
        self.dhcp = Dhcp(
            self.stack,
            name="kitchen",
            lease=lease,
            keep=self.kept.append,
            say=self.said.append,
            fallback=False,
        )

    @property
    def ip(self):
        return "%d.%d.%d.%d" % tuple(self.dhcp.address)

    def until(self, state):
        self.run(lambda: self.dhcp.state == state, SECONDS)

    def messages(self, folder):
        """[(type, source, destination)] as tshark reads them; nothing may be malformed."""
        path = folder / "wire.pcap"
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for k, (_, frame, _) in enumerate(self.dev.log):
                f.write(struct.pack("<IIII", k, 0, len(frame), len(frame)) + frame)
        tshark = [program("tshark"), "-r", str(path)]
        bad = [*tshark, "-Y", "_ws.malformed || _ws.expert.severity >= 0x800000"]
        said = subprocess.run(bad, check=True, capture_output=True, text=True).stdout
        assert not said, said
        fields = ("dhcp.option.dhcp", "ip.src", "ip.dst")
        read = [*tshark, "-Y", "dhcp", "-T", "fields"]
        for field in fields:
            read += ["-e", field]
        said = subprocess.run(read, check=True, capture_output=True, text=True).stdout
        return [(int(k), a, b) for k, a, b in (line.split("\t") for line in said.splitlines())]


def kinds(messages):
    """Their types in order; what is asked again because a busy server was slow counts once."""
    types = [m[0] for m in messages]
    return [k for i, k in enumerate(types) if i == 0 or types[i - 1] != k]


def echoed(ip):
    def client():
        import socket

        with socket.create_connection((ip, 7), timeout=20) as s:
            s.sendall(b"who are you?")
            return s.recv(100)

    return client


@alone
def test_dnsmasq_lends_an_address_and_takes_it_back(tmp_path):
    board = Client()
    server = Dnsmasq(tmp_path)
    try:
        board.until("BOUND")
        assert (
            board.ip.startswith("192.168.77.1") and bytes(board.dhcp.router) == b"\xc0\xa8\x4d\1"
        )
        assert bytes(board.dhcp.dns[:8]) == b"\xc0\xa8\x4d\x08\xc0\xa8\x4d\x09"
        assert bytes(board.dhcp.ntp[:4]) == b"\xc0\xa8\x4d\x09"
        assert bytes(board.dhcp.domain[1:12]) == b"lab.example" and 100 < board.dhcp.left <= 120
        assert server.lent() == [(board.ip, "kitchen")]
        assert board.run(kernel(echoed(board.ip))) == b"who are you?"
        ip = board.ip
        board.dhcp.release()
        board.until("RELEASED")
        board.run(lambda: not server.lent(), SECONDS)
        assert kinds(board.messages(tmp_path)) == [1, 2, 3, 5, 7]
        board.dhcp.renew()
        board.until("BOUND")
        assert board.ip == ip and len(board.said) == 2
    finally:
        server.close()


@alone
def test_dnsmasq_knows_the_board_again_after_a_reset(tmp_path):
    board = Client()
    server = Dnsmasq(tmp_path)
    try:
        board.until("BOUND")
        ip = board.ip
        board.dev.log.clear()
        board.boot(lease=board.kept[-1])
        board.until("BOUND")
        assert board.ip == ip
        assert kinds(board.messages(tmp_path)) == [3, 5]
    finally:
        server.close()


@alone
def test_dnsmasq_refuses_what_is_no_longer_in_its_range(tmp_path):
    board = Client()
    early = ("58,4", "59,60")
    server = Dnsmasq(tmp_path, options=early)
    try:
        board.until("BOUND")
        old = board.ip
        assert board.dhcp.lease.t1 <= 4
        server.close()
        server.leases.unlink()
        server = Dnsmasq(tmp_path, 200, 210, early)
        board.run(lambda: board.dhcp.state == "BOUND" and board.ip != old, SECONDS)
        assert board.ip.startswith("192.168.77.2")
        assert any("refuses us " + old in line for line in board.said)
        types = kinds(board.messages(tmp_path))
        assert 6 in types and types[types.index(6) :][:5] == [6, 1, 2, 3, 5]
        assert board.run(kernel(echoed(board.ip))) == b"who are you?"
    finally:
        server.close()


@alone
def test_udhcpd_renews_a_short_lease_and_connections_go_on(tmp_path):
    board = Client()
    server = Udhcpd(tmp_path, 10)
    try:
        board.until("BOUND")
        ip = board.ip
        assert ip.startswith("192.168.77.3")

        def talk():
            import socket

            with socket.create_connection((ip, 7), timeout=30) as s:
                for k in range(25):
                    s.sendall(b"%2d" % k)
                    assert s.recv(10) == b"%2d" % k
                    time.sleep(0.5)
            return "ok"

        assert board.run(kernel(talk), SECONDS) == "ok"
        assert dict(board.dhcp.counters())["dhcp_renewed"] >= 1 and board.ip == ip
        messages = board.messages(tmp_path)
        assert kinds(messages)[:6] == [1, 2, 3, 5, 3, 5]
        renewal = messages.index((3, ip, LINUX))
        assert (5, LINUX, ip) in messages[renewal:]
    finally:
        server.close()


@alone
def test_an_address_that_linux_uses_already_is_declined(tmp_path):
    board = Client()
    server = Dnsmasq(tmp_path, 100, 101)
    try:
        board.until("BOUND")
        mine = board.ip
        board.dhcp.release()
        board.until("RELEASED")
        board.run(lambda: not server.lent(), SECONDS)
        shell("ip addr add %s/32 dev lo" % mine)  # the kernel answers ARP for it
        board.dhcp.renew()
        board.until("BOUND")
        assert {mine, board.ip} == {"192.168.77.100", "192.168.77.101"}
        assert any(mine + " is used by" in line for line in board.said)
        assert 4 in kinds(board.messages(tmp_path))
    finally:
        server.close()


@alone
def test_a_tapboard_says_which_address_it_has(tmp_path):
    shell("ip link set lo up")
    shell("ip tuntap add dev tap0 mode tap")
    shell("ip addr add %s/24 dev tap0" % LINUX)
    shell("ip link set tap0 up")
    server = Dnsmasq(tmp_path)
    command = [sys.executable, str(TAPBOARD), "--tap", "tap0", "--ip", "dhcp", "--name", "Hall 2"]
    for python in ("cpython", "micropython"):
        board = subprocess.Popen(
            [*command, "--python", python],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert board.stdout.readline() == "ready\n"
            line = board.stdout.readline()
            (lent,) = server.lent()
            assert line.startswith("%s/24 is our address" % lent[0]) and lent[1] == "Hall-2"
            assert echoed(lent[0])() == b"who are you?"
        finally:
            board.send_signal(signal.SIGTERM)
            board.wait(20)
    server.close()
