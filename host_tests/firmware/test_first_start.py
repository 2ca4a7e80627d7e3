"""docs/first-start.md: what it shows is what a board prints, and its program runs."""

import gc
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import config
import machine
import main
import pytest
import watchdog
from firmware.test_program import Board
from lab.desk import Desk
from lab.net import Wire

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "first-start.md").read_text()
PICO = "Raspberry Pi Pico with RP2040"


def block(kind, k):
    return re.findall(r"```%s\n(.*?)```" % kind, PAGE, re.S)[k]


def test_the_mistakes_of_the_page_are_told_as_it_says(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys.implementation, "_machine", PICO, raising=False)
    names: dict = {}
    exec(block("python", 0), names)
    mine = {name: value for name, value in names.items() if name[0] != "_"}
    monkeypatch.setattr(config, "gatway", None, raising=False)
    made = Board(monkeypatch, tmp_path, **mine)
    main.main()
    assert capsys.readouterr().out == block("text", 0) and not made.served


def plain(text):
    """Without what differs from one time to the next."""
    return re.sub(r"for \d+ s|in \d+( to \d+)? ms", "-", text)


def test_the_table_is_what_the_doctor_prints(monkeypatch):
    pico = {"name": "micropython", "version": (1, 28, 0, ""), "_mpy": 4 << 10, "_machine": PICO}
    here = SimpleNamespace(**{**vars(sys.implementation), **pico})
    monkeypatch.setattr(sys, "implementation", here)
    monkeypatch.setattr(gc, "mem_free", lambda: 131 << 10, raising=False)
    monkeypatch.setattr(gc, "mem_alloc", lambda: 49 << 10, raising=False)
    rates = [48_000_000 // (2 * n) for n in range(1, 25)]  # a Pico's SPI runs by 48 MHz
    desk = Desk("enc28j60", rates, int_pin=None)
    desk.examine()
    assert plain("\n".join([">>> import uipy.doctor", *desk.lines, ""])) == plain(block("text", 1))


def test_the_program_keeps_its_promise(monkeypatch):
    wire = Wire()
    stack = wire.board(udp=2)
    monkeypatch.setattr(machine.WDT, "clock", lambda: wire.clock.now)
    monkeypatch.setattr(watchdog, "the", None)
    text = block("python", 1)
    exec(text.replace("import time\n", ""), {"time": SimpleNamespace(sleep=lambda s: None)})
    monkeypatch.setattr(watchdog, "the", watchdog.Dog(stack, 8))
    fake = SimpleNamespace(sleep=lambda s: wire.run(1000 * s))
    exec(text.replace("import time\n", ""), {"time": fake})
    assert machine.WDT.the.left() > 7000 and watchdog.the.ms == 0


@pytest.mark.parametrize("name", ["promise", "alive", "stop"])
def test_what_the_page_calls_is_there(name):
    assert "watchdog.%s(" % name in PAGE and callable(getattr(watchdog, name))
