"""`make install` onto a board at a serial port: MicroPython with a board's flash and manners."""

import json
import re
import subprocess
import sys

import pytest
from interpreters import ROOT
from lab.serialport import PATIENCE_S, Board

pytestmark = pytest.mark.slow  # once is enough: the joined form is what is installed anyway


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with Board(tmp_path_factory.mktemp("board")) as board:
        yield board


@pytest.fixture(scope="module")
def first(board):
    """What the first installation said."""
    return board.install()


def one_sentence(done):
    """Its complaint, which is one line; with status 2."""
    status, _, complaint = done
    assert status == 2 and complaint.count("\n") == 1, done
    assert complaint.startswith("install: "), complaint
    return complaint


def test_a_board_serves_its_page_after_one_command(board, first):
    status, said, complaint = first
    assert status == 0, said + complaint
    assert (
        re.search(r"is our address", said)
        and "its page: at that address, and http://uipy.local/" in said
    )
    assert b"<title>" in board.fetch()
    assert json.loads(board.fetch("/status.json"))["ifaces"][0]["ip"] == "192.168.7.2"


def test_it_says_what_it_copies_and_what_it_costs(first):
    said = first[1]
    assert "x64, RAM free" in said and "parts: core, enc28j60, apps, " in said
    assert re.search(r"^ +\d+% \+ /lib/uipy/core.mpy \(\d+\)$", said, re.M)
    assert re.search(r"^RAM: about \d+ kB of \d+ kB in use when it serves$", said, re.M)
    assert re.search(r"^100% \+ /main.py", said, re.M), "what runs at boot comes last"


def test_the_parts_are_for_the_board_s_machine(board, first):
    files = board.files()
    arches = {data[2] >> 2 for path, data in files.items() if path.endswith("core.mpy")}
    assert arches == {2}  # x64
    assert "/lib/uipy/drivers/wiznet.mpy" not in files and "/pins.py" in files
    assert files["/config.py"] == (ROOT / "firmware" / "config.py").read_bytes()


def test_a_second_time_copies_nothing(board, first):
    status, said, _ = board.install("--no-start")
    assert status == 0 and re.search(r"^0 files copied, \d\d+ were there already", said, re.M)


def test_a_damaged_file_is_copied_again_and_an_old_one_goes(board, first):
    board.put("/lib/uipy/loop.mpy", "torn")
    board.put("/lib/uipy/stack.py", "old = 1")
    board.put("/status.mpy", "old")
    status, said, _ = board.install("--no-start")
    assert status == 0 and "1 files copied" in said and "100% * /lib/uipy/loop.mpy" in said
    assert "2 of an older kind removed" in said
    files = board.files()
    assert files["/lib/uipy/loop.mpy"][:1] == b"M"
    assert "/lib/uipy/stack.py" not in files and "/status.mpy" not in files


def test_what_the_user_changed_stays_until_he_says_otherwise(board, first, tmp_path):
    app = tmp_path / "my.py"
    app.write_text("print('one')")
    board.put("/config.py", "from pins import *\nservices = 'http'\n")
    board.put("/app.py", "print('mine')")
    status, said, _ = board.install("--no-start", "--app", app)
    assert status == 0 and "kept /config.py" in said and "kept /app.py" in said
    assert board.files()["/app.py"] == b"print('mine')"
    said = board.install("--no-start", "--app", app, "--force")[1]
    assert "kept" not in said and board.files()["/app.py"] == b"print('one')"
    app.write_text("print('two')")  # ours, as it was put: it follows the file
    said = board.install("--no-start", "--app", app)[1]
    assert "1 files copied" in said and board.files()["/app.py"] == b"print('two')"


def test_a_part_brings_what_it_needs_and_nothing_else(tmp_path):
    with Board(tmp_path) as board:
        status, said, _ = board.install("--parts", "apps")
        assert status == 0 and "parts: core, apps\n" in said
        files = board.files()
        assert "/lib/uipy/apps.mpy" in files
        assert not {"/main.py", "/config.py", "/pins.py"} & set(files)
        assert board.mpremote("exec", "from uipy.apps import Echo; print(Echo)").startswith(
            "<class"
        )
        assert not [f for f in files if "host" in f or "drivers/enc" in f]


def test_an_image_with_uipy_in_it_gets_its_configuration_only(tmp_path):
    with Board(tmp_path) as board:
        board.put("/boot.py", "import sys\nsys.path.insert(1, '/rom')\n")
        board.mpremote("fs", "mkdir", ":/rom", "+", "fs", "mkdir", ":/rom/uipy")
        board.put("/rom/uipy/__init__.py", "")
        status, said, _ = board.install("--no-start")
        assert status == 0 and "only configuration is copied" in said
        assert {"/config.py", "/pins.py"} <= set(board.files())
        assert not [f for f in board.files() if f.startswith("/lib/uipy/core")]
        assert "/main.py" not in board.files()


def test_a_user_s_main_stays_and_is_not_run_over(tmp_path):
    with Board(tmp_path) as board:
        board.put("/main.py", "print('hello from mine')")
        status, said, _ = board.install()
        assert status == 0 and "kept /main.py" in said and "main.py is yours" in said
        assert "no address yet: is the cable in?" in said
        assert "hello from mine" in said and board.files()["/main.py"].startswith(b"print")


def test_no_room_says_how_much_is_wanted_and_there(tmp_path):
    with Board(tmp_path, blocks=32) as board:
        complaint = one_sentence(board.install())
        free, wanted = map(int, re.findall(r"\d{5,}", complaint))
        assert free < 32 * 4096 < wanted and "PARTS=" in complaint
        assert not board.files(), "it copies nothing that it cannot finish"


def test_what_the_ram_does_not_hold_is_switched_off_and_said(tmp_path):
    with Board(tmp_path, heap="320K") as board:
        status, said, _ = board.install("--parts", "board,enc28j60", "--no-start")
        assert status == 0 and re.search(r"no more: events.* off in config.py", said)
        assert b"\nevents = 0\n" in board.files()["/config.py"]


def test_too_little_ram_says_how_much_is_wanted_and_there(tmp_path):
    with Board(tmp_path, heap="150K") as board:
        complaint = one_sentence(board.install())
        has, wanted = map(int, re.findall(r"\d{6,}", complaint))
        assert has < 160_000 < wanted and "config.py" in complaint
        assert not board.files()


def test_a_board_that_does_not_answer_is_one_sentence(tmp_path):
    import os
    import pty

    ours, theirs = pty.openpty()
    program = str(ROOT / "tools" / "install" / "install.py")
    command = [sys.executable, program, "--port", os.ttyname(theirs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    os.close(ours)
    os.close(theirs)
    complaint = one_sentence((done.returncode, done.stdout, done.stderr))
    assert "does not answer" in complaint and "BOOTSEL" in complaint


@pytest.mark.parametrize(
    "args, words",
    [
        (("--parts", "cores"), "PARTS= takes core,"),
        (("--board", "PICO"), "BOARD= is one of ESP32_"),
        (("--app", "nowhere.py"), "nowhere.py: No such file"),
        (("--config", "CONFIG"), "config.py, line 2, 'clients = = 4': invalid syntax"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(board, args, words, tmp_path):
    config = tmp_path / "config.py"
    config.write_text("from pins import *\nclients = = 4\n")
    args = [config if a == "CONFIG" else a for a in args]
    assert words in one_sentence(board.install(*args))
