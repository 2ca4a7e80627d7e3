"""What a callback raised: printed, unless `on_error` takes it, or silence was asked for."""

import pytest
from lab.net import Inbox
from lab.pythons import run_unix


class Raises(Inbox):
    def received(self, port, buf, start, n):
        raise RuntimeError("in the callback")


@pytest.fixture
def raising(stack, peer):
    stack.bind(7, Raises())
    stack.on_error = None
    return stack


def test_what_a_callback_raised_is_printed_with_its_lines(raising, peer, wire, capfd):
    peer.udp(b"x")
    out, err = capfd.readouterr()
    assert err.startswith("Traceback (most recent call last):\n") and not out
    assert err.endswith("RuntimeError: in the callback\n") and 'raise RuntimeError("in' in err
    assert wire.count("app_error") == 1 and peer.ping(b"goes on")


def test_who_takes_it_prints_it_or_does_not(raising, peer, wire, capfd):
    raising.on_error = wire.errors.append
    peer.udp(b"x")
    assert [str(e) for e in wire.errors] == ["in the callback"]
    wire.errors.clear()
    assert capfd.readouterr() == ("", "") and wire.count("app_error") == 1


def test_silence_can_be_asked_for(raising, peer, wire, capfd):
    raising.on_error = False
    peer.udp(b"x")
    assert capfd.readouterr() == ("", "") and wire.count("app_error") == 1
    assert peer.ping(b"goes on")


SCRIPT = """
from uipy import Stack
class Dev:
    l2 = 0
    mtu = 576
    mac = b""
    def link_up(self): return True
    def recv_into(self, buf): return 0
    def can_send(self): return True
    def send(self, buf, n): pass
stack = Stack(Dev(), "10.0.0.1/24", tcp=0)
def fails():
    raise ValueError("on a board")
for stack.on_error in (None, False):
    try:
        fails()
    except ValueError as exc:
        stack.failed(exc)
"""


def test_micropython_prints_it_as_its_console_does(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    lines = run_unix(script).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: on a board" and "in fails" in lines[-2]
    assert len([line for line in lines if "ValueError" in line]) == 1
