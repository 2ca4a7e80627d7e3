"""Each board starts with its own pins.py and the one config.py: the settings are sound, and the
chip's model answers at the pins of the drawing and at no others."""

import runpy
import sys
from types import ModuleType, SimpleNamespace

import check
import machine
import main
import pytest
from chips.clock import VirtualClock
from chips.rig import KINDS, load
from chips.spibus import Wiring
from wiring import board as boards

NAMES = sorted(boards.KINDS)
WITH_CHIP = [name for name in NAMES if boards.KINDS[name].chip]


@pytest.fixture
def settings(monkeypatch):
    """-> what makes a board's settings: its pins.py, and config.py over it."""

    def made(name):
        pins = ModuleType("pins")
        vars(pins).update(runpy.run_path(str(boards.BOARDS / name / "pins.py")))
        monkeypatch.setitem(sys.modules, "pins", pins)
        config = runpy.run_path(str(boards.ROOT / "firmware" / "config.py"))
        return SimpleNamespace(**{k: v for k, v in config.items() if not k.startswith("_")})

    return made


def model(chip):
    found = load(KINDS[chip][0])(clock=VirtualClock(1000), strict=False)
    found.clock.advance_ms(500)  # its supply is stable
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_of_a_new_board_are_sound(name, settings):
    cfg = settings(name)
    assert check.problems(cfg) == []
    assert cfg.name.startswith("uipy on a") and cfg.ip == "dhcp"


@pytest.mark.parametrize("name", WITH_CHIP)
def test_the_chip_answers_at_the_pins_of_the_drawing(name, settings, capsys):
    cfg = settings(name)
    cfg.mac = b"\x02\0\0\0\0\x01"
    wires = {wire.net: wire.pin.gpio for wire in boards.load(name).wires()}
    chip = model(cfg.chip)
    machine.wire(Wiring(chip, wires["cs"], wires["int_pin"], wires["reset"]))
    try:
        dev, int_pin = main.device(cfg)
    finally:
        machine.wire(None)
    assert capsys.readouterr().out == ""  # else it says that there is no chip
    assert type(dev).__name__ == boards.KINDS[name].chip
    assert int_pin() == chip.int_level == 1


@pytest.mark.parametrize("name", WITH_CHIP)
def test_a_chip_select_elsewhere_finds_no_chip(name, settings, capsys):
    cfg = settings(name)
    cfg.mac = b"\x02\0\0\0\0\x01"
    machine.wire(Wiring(model(cfg.chip), cs=cfg.cs + 1, int_pin=cfg.int_pin, reset=cfg.reset))
    try:
        main.device(cfg)
    finally:
        machine.wire(None)
    assert capsys.readouterr().out.startswith("no %s" % boards.KINDS[name].chip)
