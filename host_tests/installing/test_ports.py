"""Which serial port the board is on, and which boards take what we have."""

from types import SimpleNamespace

import pytest

pytest.importorskip("serial")
pytest.importorskip("mpremote")

from image.boards import Refused
from install import content, ports
from install.board import ARCHES, FORMATS, WANTED, Board, Facts


def usb(device):
    return SimpleNamespace(device=device, description="Board in FS mode", vid=0x2E8A)


def board(**more):
    """A board that was asked, without its serial port."""
    facts = Facts(
        "micropython", (1, 28, 0), "Raspberry Pi Pico with RP2040", 4 << 10 | 3 << 8 | 6,
        230000, 15000, 4096, 352, "/lib", "",
    )  # fmt: skip
    found = object.__new__(Board)
    found.port, found.facts = "/dev/ttyACM0", facts._replace(**more)
    return found


def refused(f, *args):
    with pytest.raises(Refused) as said:
        f(*args)
    assert "\n" not in str(said.value)
    return str(said.value)


def test_no_board_says_what_to_plug_in():
    said = refused(ports.find, None, [])
    assert said.startswith("no board: plug one in") and ".uf2" in said


def test_two_boards_are_refused_in_one_sentence_that_lists_them():
    said = refused(ports.find, None, [usb("/dev/ttyACM0"), usb("/dev/ttyACM1")])
    assert said.startswith("two boards: /dev/ttyACM0 (Board in FS mode), /dev/ttyACM1")
    assert said.endswith("make install PORT=/dev/ttyACM0")


def test_a_port_that_is_not_there_is_said():
    assert "there is no serial port /dev/ttyNONE" in refused(ports.find, "/dev/ttyNONE", [])


def test_the_only_board_is_taken(tmp_path):
    (tmp_path / "tty").touch()
    assert ports.find(None, [usb(str(tmp_path / "tty"))]) == str(tmp_path / "tty")


def test_a_pico_is_an_armv6m_and_a_pico_2_an_armv7emsp():
    assert board().arch == "armv6m"
    assert board(mpy=7 << 10 | 3 << 8 | 6).arch == "armv7emsp"
    assert board(mpy=10 << 10 | 3 << 8 | 6).arch == "xtensawin"
    assert board(mpy=11 << 10 | 3 << 8 | 6).arch == "rv32imc" and ARCHES[0] == ""


def test_another_format_of_mpy_files_is_refused():
    board().check()
    said = refused(board(version=(1, 22, 2), mpy=4 << 10 | 2 << 8 | 6).check)
    assert "MicroPython 1.22.2" in said and "6.2" in said and "6.3" in said
    assert "MicroPython 1.23 or newer" in said


def test_another_python_is_refused():
    assert "runs circuitpython 9.2.0" in refused(
        board(name="circuitpython", version=(9, 2, 0)).check
    )


def test_the_format_is_that_of_our_mpy_cross():
    core = content.library(["core"], "armv6m")["uipy/core.mpy"]
    assert (core[1], core[2] & 3) == WANTED and core[2] >> 2 == ARCHES.index("armv6m")
    assert FORMATS[WANTED]


def test_pins_of_another_machine_are_refused_with_those_that_fit():
    content.suits("RPI_PICO_ENC28J60", "armv6m")
    content.suits("RPI_PICO2_ENC28J60", "rv32imc")
    content.suits("RPI_PICO_ENC28J60", "x64")  # none of ours: nothing is known
    said = refused(content.suits, "RPI_PICO_ENC28J60", "xtensawin")
    assert "BOARD=ESP32_ENC28J60 or ESP32_W5500" in said
