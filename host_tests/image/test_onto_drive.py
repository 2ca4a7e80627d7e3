"""`make flash`: the right image onto the right board, by its drive or with esptool."""

import os
import shutil
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from image import boards, flash, uf2

PICO, PICO2 = (boards.PROCESSORS[name].family for name in ("rp2040", "rp2350"))
LONG = 60  # s, for a machine that is busy


def image(path, family, n=70_000):
    path.write_bytes(uf2.made(family, 0x10000000, os.urandom(n)))
    return path


def drive(folder, said):
    """A boot loader's drive."""
    folder.mkdir(parents=True)
    text = "UF2 Bootloader v3.0\nModel: Raspberry Pi\nBoard-ID: %s\n" % said
    (folder / "INFO_UF2.TXT").write_text(text)
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """-> the status of `make flash`, with drives below tmp_path/media."""
    monkeypatch.setattr(flash, "LABELS", str(tmp_path / "labels"))
    monkeypatch.setattr(flash, "ask", lambda port: None)

    def run(board, image, *more, seconds=0.2):
        words = ["--board", board, "--firmware", str(image), "--seconds", str(seconds)]
        roots = ["--drives", str(tmp_path / "media" / "*")]
        try:
            return flash.main([*words, *more, *roots])
        except SystemExit as end:
            return end.code

    return run


def one_line(capsys, *words):
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("flash: "), said
    for word in words:
        assert word in said, said


def board_that_takes(folder, size, got):
    """A board: when its drive has all of the image, it goes."""

    def watch():
        until = time.monotonic() + LONG
        while time.monotonic() < until:
            files = [p for p in folder.glob("*.uf2") if p.stat().st_size == size]
            if files:
                got.append(files[0].read_bytes())
                shutil.rmtree(folder)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("board", "family", "said"),
    [("RPI_PICO_ENC28J60", PICO, "RPI-RP2"), ("W5500_EVB_PICO2", PICO2, "RP2350")],
)
def test_the_image_is_on_the_drive_and_the_board_restarts(
    run, tmp_path, capsys, board, family, said
):
    path = image(tmp_path / "a.uf2", family)
    got: list = []
    folder = drive(tmp_path / "media" / said, said)
    thread = board_that_takes(folder, path.stat().st_size, got)
    assert run(board, path) == 0
    thread.join(LONG)
    assert got == [path.read_bytes()]
    assert "the board restarts" in capsys.readouterr().out


def test_a_board_that_runs_is_asked_for_its_boot_loader(run, tmp_path, monkeypatch):
    path = image(tmp_path / "a.uf2", PICO)
    got: list = []
    threads = []

    def ask(port):
        assert port == "/dev/ttyACM7"
        folder = drive(tmp_path / "media" / "RPI-RP2", "RPI-RP2")
        threads.append(board_that_takes(folder, path.stat().st_size, got))

    monkeypatch.setattr(flash, "ask", ask)
    assert run("RPI_PICO_ENC28J60", path, "--port", "/dev/ttyACM7", seconds=LONG) == 0
    threads[0].join(LONG)
    assert got == [path.read_bytes()]


MPREMOTE = """
import sys
open({!r}, "w").write(" ".join(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("there", "asked"),
    [(["/dev/a"], "connect /dev/a bootloader"), (["/dev/a", "/dev/b"], None), ([], None)],
)
def test_nobody_is_asked_where_it_is_not_plain_who(tmp_path, monkeypatch, capsys, there, asked):
    ports = pytest.importorskip("install.ports")
    found = [SimpleNamespace(device=name) for name in there]
    monkeypatch.setattr(ports, "attached", lambda: found)
    (tmp_path / "mpremote.py").write_text(MPREMOTE.format(str(tmp_path / "log")))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    flash.ask("")
    log = tmp_path / "log"
    assert (log.read_text() if log.exists() else None) == asked
    assert ("PORT= says which" in capsys.readouterr().out) == (asked is None)


@pytest.mark.parametrize(
    ("board", "family", "what", "has"),
    [
        ("RPI_PICO2_ENC28J60", PICO, "an RP2040 (Pico)", "an RP2350 (Pico 2)"),
        ("RPI_PICO_ENC28J60", PICO2, "an RP2350 (Pico 2)", "an RP2040 (Pico)"),
        ("RPI_PICO_ENC28J60", 0x1234, "another processor", "an RP2040 (Pico)"),
    ],
)
def test_an_image_for_another_processor_is_refused(
    run, tmp_path, capsys, board, family, what, has
):
    drive(tmp_path / "media" / "a", "RPI-RP2")
    drive(tmp_path / "media" / "b", "RP2350")
    assert run(board, image(tmp_path / "a.uf2", family)) == 2
    one_line(capsys, "is for %s, and %s has %s: make firmware" % (what, board, has))
    assert not list((tmp_path / "media").glob("*/*.uf2"))


def test_the_drive_of_another_board_is_refused(run, tmp_path, capsys):
    drive(tmp_path / "media" / "RP2350", "RP2350")
    assert run("RPI_PICO_ENC28J60", image(tmp_path / "a.uf2", PICO)) == 2
    one_line(capsys, "is that of an RP2350 (Pico 2), and RPI_PICO_ENC28J60 has an RP2040 (Pico)")


def test_two_boards_are_refused_in_one_sentence(run, tmp_path, capsys):
    for name in ("RPI-RP2", "RPI-RP21"):
        drive(tmp_path / "media" / name, "RPI-RP2")
    assert run("RPI_PICO_ENC28J60", image(tmp_path / "a.uf2", PICO)) == 2
    one_line(capsys, "two boards are in their boot loader", "RPI-RP21: unplug one")


def test_without_a_board_it_says_which_button(run, tmp_path, capsys):
    assert run("RPI_PICO_ENC28J60", image(tmp_path / "a.uf2", PICO)) == 2
    one_line(capsys, "no drive RPI-RP2 after 0 s: hold BOOTSEL while you plug the board in")


def test_a_drive_that_nobody_has_mounted_is_named(run, tmp_path, capsys):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "RPI-RP2").touch()
    assert run("RPI_PICO_ENC28J60", image(tmp_path / "a.uf2", PICO)) == 2
    one_line(capsys, "not mounted: udisksctl mount -b ")


def test_a_board_that_does_not_take_it_is_no_success(tmp_path, monkeypatch):
    drive(tmp_path / "media" / "RPI-RP2", "RPI-RP2")
    board = boards.find("RPI_PICO_ENC28J60")
    path = image(tmp_path / "a.uf2", PICO)
    with pytest.raises(boards.Refused, match="has not restarted"):
        flash.to_drive(board, path, "", [str(tmp_path / "media" / "*")], 1, taken=0.1)


def test_a_board_that_goes_before_the_last_octet_is_thanked_for_has_taken_it(
    run, tmp_path, monkeypatch
):
    path = image(tmp_path / "a.uf2", PICO)
    folder = drive(tmp_path / "media" / "RPI-RP2", "RPI-RP2")

    def gone(fd):
        shutil.rmtree(folder)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", gone)
    assert run("RPI_PICO_ENC28J60", path) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full, as on macOS")
def test_a_full_drive_is_one_sentence(run, tmp_path, capsys, monkeypatch):
    folder = drive(tmp_path / "media" / "RPI-RP2", "RPI-RP2")
    (folder / "a.uf2").symlink_to("/dev/full")
    assert run("RPI_PICO_ENC28J60", image(tmp_path / "a.uf2", PICO)) == 2
    one_line(capsys, "RPI-RP2: No space left on device")


def test_no_image_is_one_sentence(run, tmp_path, capsys):
    assert run("RPI_PICO_ENC28J60", tmp_path / "no.uf2") == 2
    one_line(capsys, "no.uf2: make firmware BOARD=RPI_PICO_ENC28J60 MICROPYTHON_DIR=")


@pytest.mark.parametrize(
    ("octets", "said"),
    [(b"", "no UF2 image"), (b"x" * 511, "no whole blocks"), (b"x" * 1024, "a broken one")],
)
def test_what_is_no_image_is_refused(run, tmp_path, capsys, octets, said):
    (tmp_path / "a.uf2").write_bytes(octets)
    assert run("RPI_PICO_ENC28J60", tmp_path / "a.uf2") == 2
    one_line(capsys, said)


def test_the_block_in_front_of_an_rp2350_image_is_for_any_chip():
    """Erratum E10: a block of the family 0xE48BFF57 stands before the others."""
    data = uf2.made(0xE48BFF57, 0x10FFFF00, bytes(256)) + uf2.made(PICO2, 0x10000000, bytes(300))
    assert uf2.family(data) == PICO2
    assert uf2.span(data) == (0x10000000, 0x10000200)


def test_two_images_in_one_file_are_counted_as_one():
    one = uf2.made(0xE48BFF57, 0x10FFFF00, bytes(256)) + uf2.made(PICO2, 0x10000000, bytes(600))
    whole = uf2.joined(one, uf2.made(PICO2, 0x100A0000, b"rom" * 100))
    numbers = [
        (int.from_bytes(whole[k + 20 : k + 24], "little"), whole[k + 24])
        for k in range(512, len(whole), 512)
    ]
    assert numbers == [(k, 5) for k in range(5)]
    assert whole[:512] == one[:512]


def test_what_is_no_image_for_an_esp32_is_refused(run, tmp_path, capsys):
    assert run("ESP32_W5500", image(tmp_path / "a.uf2", PICO)) == 2
    one_line(capsys, "a.uf2 is no image for an ESP32")


FAKE = """
import sys
print("esptool " + " ".join(sys.argv[1:]))
sys.exit({status})
"""


@pytest.mark.parametrize("status", [0, 2])
@pytest.mark.parametrize("port", [(), ("--port", "/dev/ttyUSB3")])
def test_an_esp32_is_written_by_esptool(tmp_path, status, port):
    (tmp_path / "esptool.py").write_text(FAKE.format(status=status))
    (tmp_path / "a.bin").write_bytes(b"\xe9" * 100)
    program = str(boards.ROOT / "tools" / "image" / "flash.py")
    words = ["--board", "ESP32_W5500", "--firmware", str(tmp_path / "a.bin"), *port]
    done = subprocess.run(
        [sys.executable, program, *words],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, timeout=LONG * 2,
    )  # fmt: skip
    where = "%s %s " % port if port else ""
    wanted = "esptool --chip esp32 %s--baud 460800 write-flash 0x1000 %s" % (where, tmp_path)
    assert wanted in done.stdout
    assert done.returncode == status
    assert ("hold BOOT while it connects" in done.stderr) == bool(status)
