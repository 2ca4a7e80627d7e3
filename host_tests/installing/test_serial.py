"""mpremote at the serial port of a board (tools/boards/serialboard.py): files, scripts, resets."""

import time

import pytest
from lab.serialport import PATIENCE_S, Board

pytestmark = pytest.mark.slow  # once is enough


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with Board(tmp_path_factory.mktemp("board")) as board:
        yield board


def test_files_go_there_and_back(board, tmp_path):
    here = tmp_path / "here"
    (here / "deep").mkdir(parents=True)
    (here / "deep" / "a.bin").write_bytes(bytes(range(256)) * 20)
    board.mpremote("fs", "cp", "-r", str(here), ":")
    assert board.files()["/here/deep/a.bin"] == bytes(range(256)) * 20
    board.mpremote("fs", "cp", ":here/deep/a.bin", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == bytes(range(256)) * 20
    board.mpremote("fs", "rm", "-r", ":here")
    assert not [path for path in board.files() if path.startswith("/here")]


def test_a_script_runs_with_the_board_s_file_system(board, tmp_path):
    script = tmp_path / "look.py"
    script.write_text("import os, sys\nprint(os.listdir('/'), sys.path[2], 1 / 4)\n")
    board.put("/one.txt", "1")
    assert "'one.txt'" in board.mpremote("run", str(script))
    assert "'/lib' 0.25" in board.mpremote("run", str(script)).replace("/lib 0", "'/lib' 0")


MAIN = "order.append('main')\nopen('began', 'w').close()\nwhile True:\n    pass\n"


def test_a_reset_runs_boot_and_main_and_ctrl_c_breaks_off_an_endless_one(board):
    board.put("/boot.py", "order = ['boot']\n")
    board.put("/main.py", MAIN)
    board.mpremote("reset")
    until = time.monotonic() + PATIENCE_S
    while "/began" not in board.files() and time.monotonic() < until:
        time.sleep(0.1)
    assert "['boot', 'main']" in board.mpremote("resume", "exec", "print(order)")
    assert "['boot']" in board.mpremote("exec", "print(order)"), "the raw REPL's runs no main.py"
    board.mpremote("fs", "rm", ":boot.py", "+", "fs", "rm", ":main.py")
    board.mpremote("soft-reset")  # done when it returns, as "reset" is not


def test_an_error_on_the_board_is_told(board):
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        board.mpremote("exec", "1 / 0")
