"""tapboard's arguments: whatever cannot be is one line that says what to do, and status 2."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from boards import board
from boards.ends import QueueDevice
from uipy import Stack
from uipy.tcp.demux import Tcp
from wire import media

TAPBOARD = Path(__file__).resolve().parent.parent.parent / "tools" / "tapboard.py"
TAP = ["--tap", "lo", "--ip", "10.0.0.2/24"]

WRONG = {
    "no interface": (["--ip", "10.0.0.2/24"], "--tap"),
    "no address": (["--tap", "lo"], "--ip"),
    "an unknown argument": ([*TAP, "--zork"], "--zork"),
    "no such interface": (["--tap", "nosuch0", "--ip", "10.0.0.2/24"], "ip tuntap add"),
    "no TAP": (TAP, "lo"),
    "an address without a length": (["--tap", "lo", "--ip", "10.0.0.2"], "/24"),
    "a gateway beside a lease": (["--tap", "lo", "--ip", "dhcp", "--gateway", "10.0.0.1"], "out"),
    "a gateway elsewhere": ([*TAP, "--gateway", "10.0.1.1"], "10.0.1.1' is no neighbour of ip"),
    "a network's address": (["--tap", "lo", "--ip", "10.0.0.0/24"], "between the two ends"),
    "no address at all": ([*TAP[:2], "--ip", "ten/24"], "address"),
    "a MAC of a group": ([*TAP, "--mac", "01:00:00:00:00:01"], "host"),
    "half a MAC": ([*TAP, "--mac", "02:00"], "02:00:00:00:00:01"),
    "an unknown chip": ([*TAP, "--chip", "rtl8139"], "enc28j60"),
    "an unknown service": ([*TAP, "--services", "echo,ftp"], "chargen"),
    "an unknown option": ([*TAP, "--options", "sack,fast"], "timestamps"),
    "an option without its number": ([*TAP, "--options", "reassembly"], "reassembly=4"),
    "an option that is no number": ([*TAP, "--options", "ecn=yes"], "yes"),
    "an unknown evil": ([*TAP, "--wire", "lost=5"], "loss"),
    "no connections": ([*TAP, "--tcp", "0"], "200"),
    "no such Python": ([*TAP, "--python", "perl"], "micropython"),
    "nowhere to record to": ([*TAP, "--pcap", "/nosuch/x.pcap"], "/nosuch/x.pcap"),
}


@pytest.mark.parametrize("what", WRONG)
def test_it_says_in_one_line_what_to_do(what):
    arguments, word = WRONG[what]
    done = subprocess.run(
        [sys.executable, str(TAPBOARD), *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and word in done.stderr, done.stderr


def test_every_option_of_tcp_can_be_switched():
    parameters = list(inspect.signature(Tcp.__init__).parameters.values())[5:]
    names = {p.name for p in parameters} - {"watch"}
    assert names == set(board.SWITCHES + board.NUMBERS)
    switches = {p.name for p in parameters if isinstance(p.default, bool)}
    assert switches | {"ecn"} == set(board.SWITCHES)
    said = board.options(" sack,timestamps, window_scale,ecn=2,cookies=0,reassembly=4,urgent,")
    on = {"sack": 1, "timestamps": 1, "window_scale": 1, "ecn": 2, "reassembly": 4, "urgent": 1}
    assert said == {**on, "cookies": 0}
    assert Stack(QueueDevice(bytes(6)), now=0, tcp_options=said).tcp.pool


def test_a_checksum_left_to_the_card_is_put_in():
    head = bytes(12) + b"\x08\x00"
    ip = bytes.fromhex("4500002100000000401100000a4d00010a4d0002")
    udp = bytes.fromhex("30390007000d") + b"\x14\xac" + b"hello"
    whole = media.finished((head + ip + udp).ljust(60, b"\0"))
    pseudo = ip[12:20] + b"\0\x11\0\x0d"
    assert media._sum(pseudo + whole[34:47]) == 0xFFFF
    assert whole[:40] == head + ip + udp[:6] and len(whole) == 60
    arp = bytes(12) + b"\x08\x06" + bytes(46)
    assert media.finished(arp) == arp
