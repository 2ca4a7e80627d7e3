"""The chip of docs/writing-a-driver.md as a board that the Linux kernel talks to."""

import pytest
from drivers.test_writing_a_driver import followed
from wire import lan as lans
from wire.lan import exchange


@pytest.mark.parametrize("python", ["cpython", "micropython"])
def test_tapboard_takes_the_page_s_own_chip(lan, tmp_path, monkeypatch, python):
    commands = followed(tmp_path)
    assert "tools/tapboard.py --chip tiny1 --python micropython --tap " in commands[-1]
    monkeypatch.setattr(lans, "TAPBOARD", tmp_path / "tools" / "tapboard.py")
    lan.start(chip="tiny1", python=python)
    said = lan.run("ping", "-c", "3", "-i", "0.1", "-W", "5", lan.board_ip).stdout
    assert "3 received" in said
    with lan.connect(7) as s:
        assert exchange(s, bytes(range(256)) * 40) == bytes(range(256)) * 40
