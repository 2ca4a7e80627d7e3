"""Making a stack: addresses, keys, what is left out, and what it holds."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uipy
import uipy.stat
from lab.net import BOARD, KEY, Inbox, Wire
from uipy import BadAddress, Error, NoEntropy, Stack
from uipy.stat import NAMES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "ip",
    [
        "192.168.1.7/33",
        "192.168.1.7/-1",
        "192.168.1.7/x",
        "192.168.1/24",
        "192.168.1.256/24",
        "192.168.1.0/24",
        "192.168.1.255/24",
        "172.16.15.255/20",
        "127.0.0.1/8",
        "0.1.2.3/8",
        "224.0.0.5/24",
        "255.255.255.255/32",
        "nonsense",
    ],
)
def test_address_that_no_host_can_have_is_refused(ip):
    with pytest.raises(BadAddress):
        Wire().board(ip)


@pytest.mark.parametrize(
    "ip", ["192.168.0.255/23", "172.16.5.0/20", "192.168.1.8/31", "192.168.1.255/32", "10.0.0.1"]
)
def test_address_in_the_middle_of_its_subnet_is_fine(ip):
    assert bytes(Wire().board(ip).ifaces[0].ip) == uipy.stack.ip_of(ip.split("/")[0])


@pytest.mark.parametrize("l2", [0, 14])
def test_interface_knows_whether_its_link_is_up(l2):
    wire = Wire(l2=l2)
    iface = wire.board().ifaces[0]
    for up in (True, False, True):
        wire.up = up
        wire.run(1000)
        assert iface.up is up


def test_bad_gateway_is_refused_and_nothing_changes(stack):
    with pytest.raises(BadAddress):
        stack.ifaces[0].configure("10.0.0.1/8", "10.0.0")
    assert bytes(stack.ifaces[0].ip) == stack.ip_of(BOARD)


def test_key_is_random_unless_given(monkeypatch):
    assert Stack(Wire(), tcp=0).key != Stack(Wire(), tcp=0).key
    assert Stack(Wire(), tcp=0, key=b"0123456789").key[:8] == b"01234567"


def test_port_without_entropy_must_be_given_a_key(monkeypatch):
    monkeypatch.delattr(os, "urandom")
    with pytest.raises(NoEntropy):
        Stack(Wire(), tcp=0)
    Stack(Wire(), tcp=0, key=KEY)


def test_short_key_is_refused():
    with pytest.raises(NoEntropy):
        Stack(Wire(), tcp=0, key=b"1234567")


def test_random8_depends_on_the_key_and_repeats_with_it():
    def draw(key):
        s = Wire().board(key=key)
        return [s.random8() for _ in range(64)]

    assert draw(b"12345678") == draw(b"12345678") != draw(b"12345679")
    assert len(set(draw(b"12345678"))) > 32


@pytest.mark.parametrize("call", ["listen", "connect", "bind"])
def test_protocol_that_was_left_out_says_so(call):
    stack = Wire().board(tcp=0, udp=0)
    with pytest.raises(Error, match="Stack"):
        getattr(stack, call)(*([7, Inbox] if call != "connect" else [Inbox(), BOARD, 7]))


def test_protocol_that_was_left_out_is_not_imported():
    code = """
import sys
from pathlib import Path
from uipy import Stack

class Line:
    l2, mtu = 0, 296

Stack(Line(), tcp=0, udp=0)
print(*sorted(m for m in sys.modules if m.startswith("uipy.")))
"""
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    out = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == [
        "uipy.errors",
        "uipy.frames",
        "uipy.kern",
        "uipy.kern.cpython",
        "uipy.kern.halves",
        "uipy.kern.octets",
        "uipy.kern.ptr",
        "uipy.net",
        "uipy.net.datagram",
        "uipy.net.front",
        "uipy.net.icmp",
        "uipy.net.iface",
        "uipy.poll",
        "uipy.stack",
        "uipy.stat",
    ]


def test_public_names_are_all_there_and_no_others():
    for name in uipy._HOME:
        assert getattr(uipy, name).__name__ == name
    with pytest.raises(AttributeError):
        uipy.nonsense  # noqa: B018


def test_buffer_has_room_for_the_longest_frame_and_little_more():
    assert 0 <= len(Wire().board().buf) - (2 + 14 + 1500) <= 16
    assert 0 <= len(Wire(l2=0, mtu=296).board().buf) - (2 + 296) <= 16


def test_counters_have_a_name_each(wire, stack):
    assert [name for name, _ in stack.counters()] == list(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    assert wire.count("arp_out") == 1


def test_names_in_stat_py_stand_at_their_numbers():
    numbers = {k[2:].lower(): v for k, v in vars(uipy.stat).items() if k.startswith("N_")}
    assert [numbers[name] for name in NAMES] == list(range(len(NAMES)))
    assert len(numbers) == len(NAMES)


def test_a_class_where_an_object_is_wanted_and_the_other_way_round():
    stack = Wire().board(tcp=1, udp=1)
    with pytest.raises(Error, match=r"^an object is wanted, not its class: App\(\)$"):
        stack.connect(uipy.App, "192.168.1.9", 80)
    with pytest.raises(Error, match=r"^an object is wanted, not its class: Inbox\(\)$"):
        stack.bind(7, Inbox)
    with pytest.raises(Error, match=r"^listen makes its objects itself: a class is wanted$"):
        stack.listen(7, uipy.App())
    assert stack.bind(7, Inbox()) and stack.listen(7, uipy.App)


@pytest.mark.parametrize("form", ["joined", "source"])
def test_a_module_that_is_missing_is_named(form, tmp_path):
    """As on a board to which not everything was copied."""
    from lab.pythons import joined, run_unix

    lib = joined() if form == "joined" else ROOT / "lib"
    shutil.copytree(lib / "uipy", tmp_path / "uipy", ignore=shutil.ignore_patterns("*.pyc"))
    gone = "core" if form == "joined" else "stack"
    (tmp_path / "uipy" / (gone + ".py")).unlink()
    script = tmp_path / "script.py"
    script.write_text(
        "import uipy\n"
        "try:\n    from uipy import Stack\nexcept ImportError as exc:\n    print(exc)\n"
        "try:\n    uipy.Nonsense\nexcept AttributeError as exc:\n    print(exc)\n"
    )
    said = run_unix(script, path=(tmp_path,))
    assert said.splitlines() == ["no module named 'uipy.%s'" % gone, "Nonsense"]
