"""What firmware/main.py makes of its configuration: a chip, or a board that looks for one."""

import runpy
from pathlib import Path

import machine
import pytest
from chips.clock import VirtualClock
from chips.enc28j60 import Enc28j60
from chips.spibus import Wiring

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"


@pytest.fixture
def board(monkeypatch):
    """-> (chip model, what makes the device)."""
    monkeypatch.syspath_prepend(str(FIRMWARE))
    chip = Enc28j60(VirtualClock(1000), strict=False)
    chip.clock.advance_ms(10)
    machine.wire(Wiring(chip))
    config = runpy.run_path(str(FIRMWARE / "config.py"))
    main = runpy.run_path(str(FIRMWARE / "main.py"), run_name="firmware")
    cfg = type("Config", (), {**config, "chip": "enc28j60", "mac": None})
    yield chip, lambda: main["device"](cfg)
    machine.wire(None)


def test_the_configured_chip_is_set_up(board):
    chip, device = board
    dev, int_pin = device()
    assert dev.revision == chip.revision and int_pin() == 1


def test_without_a_chip_it_says_so_and_looks_on(board, capsys):
    chip, device = board
    chip.fault.absent = 0xFF
    dev, _ = device()
    assert "EREVID read 0xFF" in capsys.readouterr().out
    assert not dev.link_up() and dev.can_send()
