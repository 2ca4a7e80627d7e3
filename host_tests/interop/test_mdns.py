"""Multicast DNS with Avahi, both ways (RFC 6762, 6763)."""

import contextlib

from interop.avahi import Avahi, needed
from interop.lab import BOARD, LINUX, Board, alone, kernel
from uipy.host import Browser, LocalResolver, Mdns

_SECONDS = 60


@contextlib.contextmanager
def network(folder, name="linux"):
    """(a board, Avahi that has its own name)"""
    needed()
    board = Board(udp=4, tcp=0, groups=3, tcp_options={})
    avahi = Avahi(folder, name)
    try:
        board.run(lambda: avahi.says("Server startup complete"), _SECONDS)
        yield board, avahi
    finally:
        avahi.close()


def asked(board, avahi, *command):
    """What a program says while the board works."""
    return board.run(kernel(lambda: avahi.ask(*command)), _SECONDS)


def up(board, name="uipy"):
    mdns = Mdns(board.stack, name)
    mdns.add("_http._tcp", 80, {"path": "/", "what": "a board"})
    board.run(lambda: mdns.established and mdns.step == 2, _SECONDS)
    return mdns


@alone
def test_avahi_finds_our_name_our_address_and_our_page(tmp_path):
    with network(tmp_path) as (board, avahi):
        up(board)
        said = asked(board, avahi, "avahi-resolve", "-4", "-n", "uipy.local")
        assert said.split() == ["uipy.local", BOARD]
        said = asked(board, avahi, "avahi-resolve", "-a", BOARD)
        assert said.split() == [BOARD, "uipy.local"]
        said = asked(board, avahi, "avahi-browse", "-rtp", "_http._tcp")
        (line,) = [x for x in said.splitlines() if x.startswith("=")]
        fields = line.split(";")
        # interface; protocol; name; type, in words where it knows them; domain; host; ...
        assert fields[1:4] == ["tap0", "IPv4", "uipy"]
        assert fields[5:9] == ["local", "uipy.local", BOARD, "80"]
        assert sorted(fields[9].strip('"').split('" "')) == ["path=/", "what=a board"]
        said = asked(board, avahi, "avahi-browse", "-atp")
        assert "uipy;" in said


@alone
def test_avahi_hears_our_goodbye(tmp_path):
    with network(tmp_path) as (board, avahi):
        mdns = up(board)
        assert "uipy" in asked(board, avahi, "avahi-browse", "-tp", "_http._tcp")
        mdns.close()
        board.run(None, 2)
        assert "uipy" not in asked(board, avahi, "avahi-browse", "-tp", "_http._tcp")


@alone
def test_a_name_that_avahi_has_is_not_ours(tmp_path):
    with network(tmp_path, "uipy") as (board, avahi):
        mdns = up(board)
        assert mdns.name == "uipy-2"
        said = asked(board, avahi, "avahi-resolve", "-4", "-n", "uipy-2.local")
        assert said.split() == ["uipy-2.local", BOARD]
        said = asked(board, avahi, "avahi-resolve", "-4", "-n", "uipy.local")
        assert said.split() == ["uipy.local", LINUX]


@alone
def test_a_name_that_we_have_is_not_avahis(tmp_path):
    with network(tmp_path) as (board, avahi):
        up(board)
        asked(board, avahi, "avahi-set-host-name", "uipy")
        board.run(lambda: avahi.says("Host name is uipy-2.local"), _SECONDS)


@alone
def test_we_find_avahis_host(tmp_path):
    with network(tmp_path) as (board, _):
        local = LocalResolver(up(board))
        got = []
        local.resolve("linux.local", "A", lambda answer: got.append(answer.records()))
        local.resolve(
            "1.77.168.192.in-addr.arpa", "PTR", lambda answer: got.append(answer.records())
        )
        local.resolve("linux.local", "TXT", lambda answer: got.append(answer.error))
        local.resolve("nobody.local", "A", lambda answer: got.append(answer.error))
        board.run(lambda: len(got) == 4, _SECONDS)
        assert [LINUX] in got and ["linux.local"] in got and "not found" in got


@alone
def test_we_find_a_service_of_avahis_and_hear_that_it_is_gone(tmp_path):
    with network(tmp_path) as (board, avahi):
        got = []

        def found(s, there):
            got.append((s.name, s.host, s.address, s.port, s.text, there))

        browser = Browser(up(board), "_http._tcp", found)
        command = ("avahi-publish", "-s", "A page", "_http._tcp", "8080", "path=/x", "y")
        publisher = avahi.start(*command)
        board.run(lambda: got, _SECONDS)
        page = ("A page", "linux.local", LINUX, 8080, {"path": b"/x", "y": True})
        assert got == [(*page, True)] and len(browser.services()) == 1
        publisher.terminate()
        board.run(lambda: len(got) == 2, _SECONDS)
        assert got[1] == (*page, False)
