"""Multicast DNS with Avahi, both ways (RFC 6762, 6763)."""

import contextlib

from interop.avahi import Avahi, needed
from interop.lab import BOARD, LINUX, Board, alone, kernel
from uipy.host.mdns import Mdns

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
