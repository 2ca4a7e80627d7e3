"""The programs of docs/lan.md run as they stand there, one after the other, on one board."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sock.network_lab import Board
from uipy import loop

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lan.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.fixture
def board(monkeypatch):
    made = Board()
    monkeypatch.setitem(sys.modules, "network", made.net)
    asleep = SimpleNamespace(sleep=lambda s: made.wait(1000 * s))
    monkeypatch.setitem(sys.modules, "time", asleep)
    yield made
    loop.detach()


def test_every_program_runs(board, capsys):
    assert len(PROGRAMS) == 5
    for program in PROGRAMS:
        exec(compile(program, "lan.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "('192.168.1.50', '255.255.255.0', '192.168.1.1', '192.168.1.3')"
    assert said[1] == "('192.168.1.50', '255.255.255.0') 192.168.1.1 192.168.1.3"
    assert said[2:] == ["False", "kitchen", "192.168.1.50"]


def test_each_name_in_the_table_is_there(board):
    lan = board.net.LAN()
    for name in re.findall(r"^\| `(\w+)\(", PAGE, re.M):
        assert callable(getattr(lan, name))
