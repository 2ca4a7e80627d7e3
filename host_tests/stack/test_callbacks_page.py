"""The programs of docs/callbacks.md run as they stand there."""

import re
from pathlib import Path

import pytest
from lab import packets
from lab.net import Station
from lab.tcp import Lab, Peer
from uipy import Bytes, UdpApp
from uipy.host import Resolver

PAGE = Path(__file__).resolve().parents[2] / "docs" / "callbacks.md"


class Led:
    def __init__(self):
        self.lit, self.turns = False, 0

    def on(self):
        self.lit = True

    def toggle(self):
        self.turns += 1


def program(title):
    """The code of a section, one string for each block."""
    section = PAGE.read_text().split("\n## %s\n" % title)[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.S)


@pytest.fixture
def names(stack):
    return {"stack": stack, "led": Led(), "UdpApp": UdpApp, "Bytes": Bytes}


def test_every_program_of_the_page_is_played_here():
    sections = re.findall(r"^## (.*)$", PAGE.read_text(), re.M)
    assert [s for s in sections if program(s)] == [
        "An application",  # host_tests/tools/test_readme.py
        "Timers",
        "Lines",
        "Who is there",
    ]


def test_timers(wire, names):
    for text in program("Timers"):
        exec(text, names)
    sent = wire.run(11_000)
    assert names["led"].turns == 6  # until it was cancelled
    assert [f.udp.data for f in sent if f.udp] == [b"I am here"]


def test_lines():
    lab = Lab(listeners=0)
    (text,) = program("Lines")
    names = {"stack": lab.stack, "led": Led()}
    exec(text, names)
    peer = Peer(lab, to=2323)
    peer.open()
    assert [s.data for s in peer.send("A", b"hello\n")] == [b"on? quit?\r\n"]
    assert [s.data for s in peer.send("A", b"on\r\n")] == [b"it is on\r\n"]
    assert names["led"].lit
    assert "F" in peer.send("A", b"quit\n")[-1].flags


def test_who_is_there(wire, stack, names, capsys):
    Resolver(stack, ["192.168.1.53"])
    router = Station(wire, "192.168.1.1", b"\2\0\0\0\0\1")
    (text,) = program("Who is there")
    exec(text, names)
    wire.run(0)
    request = router.expect(type=8)
    wire.run(3)
    wire.give(router.datagram(1, _reply(request)))
    wire.run(60_000)
    assert capsys.readouterr().out == "3\nNone\n"


def _reply(request):
    return packets.icmp(0, 0, request.icmp.rest + request.icmp.data)
