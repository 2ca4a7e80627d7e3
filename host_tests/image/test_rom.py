"""`make romfs`: a read-only file system with a board's parts, which serves the page; and what is
said where it cannot be put on a board."""

import os
import re
import subprocess
import sys
from pathlib import Path

import page
import pytest
from image import boards, firmware, romfs
from lab.pythons import run_unix

pytest.importorskip("mpremote")
ports = pytest.importorskip("install.ports")
HERE = Path(__file__).resolve().parent
ARCHES = {"armv6m": 4, "armv7emsp": 7, "xtensawin": 10, "x64": 2}  # py/persistentcode.h


@pytest.mark.parametrize("board", boards.names())
def test_every_board_has_an_image_for_its_processor(board):
    board = boards.find(board)
    files = romfs.compiled(board, board.processor.machine)
    assert {"main.mpy", "config.mpy", "pins.mpy", "uipy/core.mpy", "socket.mpy"} <= set(files)
    for name, data in files.items():
        assert data[:2] == b"M\6", name
        assert data[2] >> 2 in (0, ARCHES[board.processor.machine]), name
    assert files["uipy/core.mpy"][2] >> 2 != 0, "kernels are machine code"
    assert len(romfs.image(files)) <= firmware._ROMFS


def test_a_board_serves_its_page_out_of_it(tmp_path):
    """MicroPython on this PC, with nothing to import from but /rom."""
    data = romfs.image(romfs.compiled(boards.find("RPI_PICO_ENC28J60"), "x64"))
    (tmp_path / "rom").write_bytes(data)
    said = run_unix(HERE / "board_rom.py", tmp_path / "rom", path=())
    status, length, files = said.splitlines()
    assert status == "HTTP/1.1 200 OK" and int(length) == len(page.HTML)
    assert set(re.findall(r"'([^']+)'", files)) >= {"/rom/main.mpy", "/rom/uipy/core.mpy"}
    assert all(name.startswith("/rom/") for name in re.findall(r"'([^']+)'", files))


def test_folders_and_files_are_as_they_were(tmp_path):
    (tmp_path / "tree" / "a" / "b").mkdir(parents=True)
    (tmp_path / "tree" / "a-b").mkdir()  # sorts before a/b as a string
    texts = {"a/b/c.py": "A = 1\n" * 40, "a-b/d.txt": "d", "a/e.txt": "", "z.txt": "z" * 300}
    for name, text in texts.items():
        (tmp_path / "tree" / name).write_text(text)
    (tmp_path / "image").write_bytes(romfs.image(romfs.tree(tmp_path / "tree")))
    script = tmp_path / "mount.py"
    script.write_text(
        "import vfs, os, sys\n"
        "vfs.mount(vfs.VfsRom(open('%s/image', 'rb').read()), '/rom')\n"
        "sys.path.append('/rom')\n"
        "import a.b.c\n"
        "print(a.b.c.A, os.listdir('/rom'), os.listdir('/rom/a'))\n"
        "print(len(open('/rom/z.txt').read()))\n"
        "print(open('/rom/a-b/d.txt').read(), repr(open('/rom/a/e.txt').read()))\n" % tmp_path
    )
    said = run_unix(script).splitlines()
    assert said == ["1 ['a', 'a-b', 'z.txt'] ['b', 'e.txt']", "300", "d ''"]


@pytest.mark.parametrize("there", [True, False])
def test_the_frozen_main_starts_that_of_rom_and_not_itself(tmp_path, there):
    """boards/common/rom/main.py, which has the name of what it imports."""
    files = {"main.py": b"def main():\n    print('the one in ROM')\n"} if there else {}
    (tmp_path / "image").write_bytes(romfs.image(files))
    own = boards.BOARDS / "common" / "rom"
    script = tmp_path / "boot.py"
    script.write_text(
        "import vfs, sys\n"
        "vfs.mount(vfs.VfsRom(open('%s/image', 'rb').read()), '/rom')\n"
        "sys.path[:] = ['', '.frozen', '%s', '/rom']\n"
        "exec(open('%s/main.py').read())\n"
        "print(sys.path[0] == '')\n" % (tmp_path, "/nowhere" if there else "/no", own)
    )
    first, last = run_unix(script, path=()).splitlines()
    assert first == "the one in ROM" if there else first.startswith("no parts in /rom")
    assert last == "True"


FAKE = """
import sys
with open({log!r}, "a") as f:
    f.write(" ".join(sys.argv[1:]) + "\\n")
print({said!r})
sys.exit({status})
"""


@pytest.mark.parametrize(
    ("said", "status", "wanted"),
    [
        ("ROMFS image deployed", 0, None),
        ("mpremote: ROMFS is not enabled on this device", 1, "no partition for ROMFS: make firmw"),
        ("ROMFS image is too big for the target partition", 1, "ROMFS image is too big"),
        ("mpremote: failed to access /dev/x (it may be in use", 1, "failed to access /dev/x"),
    ],
)
def test_it_goes_onto_the_board_with_mpremote(tmp_path, said, status, wanted):
    log = tmp_path / "log"
    text = FAKE.format(log=str(log), said=said, status=status)
    (tmp_path / "mpremote.py").write_text(text)
    path = tmp_path / "a.romfs"
    path.write_bytes(b"")
    script = "from image import romfs; from pathlib import Path; romfs.deploy(Path(%r), '/dev/x')"
    done = subprocess.run(
        [sys.executable, "-c", script % str(path)],
        env={**os.environ, "PYTHONPATH": "%s:%s" % (tmp_path, boards.ROOT / "tools")},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    asked = log.read_text().splitlines()
    assert asked[0] == "connect /dev/x romfs deploy %s" % path
    if wanted:
        assert "Refused: " in done.stderr and wanted in done.stderr and len(asked) == 1
    else:
        assert asked[1:] == ["connect /dev/x reset"], done.stderr


@pytest.mark.parametrize(
    ("port", "said"),
    [("auto", "no board: plug one in"), ("/dev/nowhere", "no serial port /dev/no")],
)
def test_without_a_board_there_is_one_sentence(monkeypatch, capsys, tmp_path, port, said):
    monkeypatch.setattr(ports, "attached", list)
    monkeypatch.setattr(romfs, "BUILD", tmp_path)
    monkeypatch.setattr(romfs, "compiled", lambda board, machine: {"main.mpy": b""})
    (tmp_path / "romfs").mkdir()
    with pytest.raises(SystemExit) as end:
        romfs.main(["--board", "W5500_EVB_PICO", "--port", port])
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("romfs: ") and said in err and err.count("\n") == 1
