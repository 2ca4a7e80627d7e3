"""firmware/place.py: what config.py asks for is there, kept, shown, and said in one line."""

import json
from types import SimpleNamespace

import main
import place
import pytest
from lab import packets
from lab.net import Wire
from wire.router import Clock, Leases

ROUTER, BOARD = "192.168.7.1", "192.168.7.2"
MAC = b"\x02\0\0gat"


class Router:
    """A home's router on a Wire: leases, ARP for itself, and the time."""

    def __init__(self, wire):
        self.wire = wire
        self.leases = Leases(MAC, BOARD, ROUTER)
        self.heard = []
        wire.peers.append(self)

    def hear(self, f):
        self.heard.append(f)
        reply = self.leases.answer(f.raw)
        if reply:
            self.wire.rx.append(reply)
        elif f.arp and f.arp.op == 1 and f.arp.tpa == packets.addr(ROUTER):
            body = packets.arp(2, MAC, ROUTER, f.arp.sha, f.arp.spa)
            self.wire.rx.append(packets.eth(f.arp.sha, MAC, 0x0806, body, pad=60))
        elif f.udp and f.udp.dport == 123:
            data = bytearray(f.udp.data)
            assert Clock().received(None, data, 0, len(data)) == 48
            body = packets.udp(ROUTER, BOARD, 123, f.udp.sport, bytes(data))
            datagram = packets.ip4(ROUTER, BOARD, 17, body)
            self.wire.rx.append(packets.eth(self.wire.mac, MAC, 0x0800, datagram))


class Board:
    """firmware/main.py on a wire with a router."""

    def __init__(self, **settings):
        self.wire = Wire()
        self.router = Router(self.wire)
        self.said = []
        cfg = SimpleNamespace(**{"ip": "dhcp", "services": "http", **settings})
        self.stack = main.build(self.wire, cfg, self.said.append, self.wire.clock.now)
        self.wire.stack = self.stack

    def fetch(self, path, read=json.loads):
        """What the site serves there, written twice from one snapshot."""
        site = self.stack.tcp.listeners[0].apps[0].site
        number = site.paths[:-1].decode().split("\n").index(path)
        page = site.pages[number]
        snap = bytearray(page.need)
        page.note(snap)
        out = bytearray(65536)
        for _ in range(2):
            site.out.aim(out, 0, 0, 65536)
            page.write(site.out, snap)
        return read(out[: site.out.count].decode())


@pytest.fixture
def kept(tmp_path):
    return str(tmp_path / "lease.bin")


def test_a_board_gets_address_router_and_time(kept):
    board = Board(lease_file=kept, ntp="dhcp")
    assert board.fetch("/network.json")["from"] == "none"
    board.wire.run(60_000)
    assert bytes(board.stack.ifaces[0].ip) == packets.addr(BOARD)
    found = board.fetch("/network.json")
    assert found["from"] == "dhcp" and found["ip"] == BOARD and found["server"] == ROUTER
    assert found["router"] == ROUTER and found["domain"] == "home.arpa"
    assert found["ntp"] == [ROUTER] == [found["clock"]] and found["dns"] == []
    assert 3000 < found["lease"] <= 3600 and found["time"].endswith("Z")
    assert found["counters"]["dhcp_bound"] == 1
    assert "uipy_dhcp_bound_total 1\n" in board.fetch("/metrics", str)


def test_every_change_is_said_once(kept):
    board = Board(lease_file=kept, ntp="dhcp")
    board.wire.run(60_000)
    assert len([line for line in board.said if BOARD in line]) == 1, board.said
    assert len(board.said) == 2  # the address, the time


def test_the_lease_outlives_a_restart(kept):
    Board(lease_file=kept).wire.run(60_000)
    board = Board(lease_file=kept)
    board.wire.run(60_000)
    kinds = [f.udp.data[242] for f in board.router.heard if f.udp and f.udp.dport == 67]
    assert kinds == [3]  # a REQUEST: INIT-REBOOT


def test_a_lease_that_cannot_be_kept_is_said_and_used(tmp_path):
    board = Board(lease_file=str(tmp_path))  # a folder
    board.wire.run(60_000)
    assert bytes(board.stack.ifaces[0].ip) == packets.addr(BOARD)
    assert len([line for line in board.said if "cannot be kept" in line]) == 1


def test_without_a_server_the_board_is_on_its_own(kept):
    board = Board(lease_file=kept)
    board.wire.peers.clear()
    board.wire.run(120_000)
    assert board.fetch("/network.json")["from"] == "link-local"
    assert board.stack.ifaces[0].ip[0] == 169 and board.said


def test_a_static_board_says_so():
    board = Board.__new__(Board)
    board.wire = Wire()
    cfg = SimpleNamespace(ip="192.168.1.7/24", services="http")
    board.stack = main.build(board.wire, cfg)
    assert board.fetch("/network.json") == {
        "from": "static",
        "ip": "192.168.1.7",
        "name": "",
        "counters": {},
    }


def test_a_static_board_has_the_time_of_whom_it_was_told(kept):
    board = Board(ip=BOARD + "/24", ntp=ROUTER + ", 192.168.7.9")
    board.wire.run(20_000)
    found = board.fetch("/network.json")
    assert found["clock"] == ROUTER
    assert "dns_queries" not in str(found["counters"])  # an address needs no resolver, 8 kB


def test_what_is_said_goes_to_the_log_too(kept):
    board = Board(lease_file=kept, syslog=ROUTER, hostname="kitchen")
    board.wire.run(60_000)
    logged = [f.udp.data.decode() for f in board.router.heard if f.udp and f.udp.dport == 514]
    assert any("uipy" in line and line.endswith(board.said[0]) for line in logged), logged


def test_lists_may_have_blanks():
    assert place.listed(" 10.0.0.1 ,10.0.0.2,") == ["10.0.0.1", "10.0.0.2"]
    assert place.listed(None) == []


def test_a_program_can_wait_for_an_address(kept):
    board = Board(services="")
    clock = board.wire.clock

    def wait(ms):
        clock.ms += ms

    poll = board.stack.poll
    board.stack.poll = lambda: poll(clock.now)
    assert main.settle(board.stack, wait)
    lonely = Board(services="")
    lonely.wire.peers.clear()
    lonely.wire.clock = clock
    poll_alone = lonely.stack.poll
    lonely.stack.poll = lambda: poll_alone(clock.now)
    assert not main.settle(lonely.stack, wait, 5)
