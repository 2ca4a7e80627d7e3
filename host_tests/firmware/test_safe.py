"""The prompt stays within reach: what holds a board back at its start, and who counts."""

import sys
import time
from types import SimpleNamespace

import machine
import machine_wdt
import main
import pytest
import safe
from firmware.test_program import Board
from uipy import loop
from uipy.sock import nic


@pytest.fixture
def flash(monkeypatch, tmp_path):
    """The board's file system, and why it was reset."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    machine_wdt.cause[0] = machine.PWRON_RESET


@pytest.fixture
def board(monkeypatch, flash):
    monkeypatch.setitem(sys.modules, "network", nic)
    yield lambda text=None, **settings: Board(monkeypatch, flash, text, **settings)
    loop.detach()


def was_reset(by=machine.WDT_RESET):
    machine_wdt.cause[0] = by


def button(monkeypatch, *presses):
    """A board with BOOTSEL, which is pressed or not at each look."""
    left = list(presses)

    def look():
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setitem(sys.modules, "rp2", SimpleNamespace(bootsel_button=look))


def test_a_file_named_safe_holds_the_board_back_and_says_so(board, flash, capsys):
    made = board()
    (flash / "safe").write_text("")
    main.main()
    assert not made.served
    assert "there is a file 'safe'. os.remove('safe'), then Ctrl-D" in capsys.readouterr().out
    (flash / "safe").unlink()
    main.main()
    assert made.served


def test_the_file_helps_against_a_config_that_cannot_be_read(board, flash, monkeypatch):
    made = board()
    (flash / "safe").write_text("")
    monkeypatch.setitem(sys.modules, "config", None)  # an import raises
    main.main()
    assert not made.served


def test_bootsel_holds_the_board_back(board, monkeypatch, capsys):
    made = board()
    button(monkeypatch, 1)
    main.main()
    assert not made.served and "BOOTSEL is pressed" in capsys.readouterr().out


def test_bootsel_in_the_first_second_skips_the_program_only(board, monkeypatch, capsys):
    made = board("raise SystemExit\n", ip="192.168.1.7/24")
    now = [0]
    monkeypatch.setattr(time, "ticks_ms", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda s: now.__setitem__(0, now[0] + int(1000 * s)))
    button(monkeypatch, 0, 0, 0, 0, 1)
    main.main()
    assert made.shared and "the program is not started" in capsys.readouterr().out
    loop.detach()
    now[0] = 0
    button(monkeypatch, 0)
    with pytest.raises(SystemExit):
        main.main()
    assert 1000 <= now[0] < 1100


def test_the_safe_pin_holds_the_board_back(board, capsys):
    made = board(safe_pin=5)
    machine.Pin(5, machine.Pin.OUT, value=0)
    main.main()
    assert not made.served and "safe_pin = 5 is at GND: take it off" in capsys.readouterr().out
    machine.Pin(5, machine.Pin.OUT, value=1)
    main.main()
    assert made.served


def test_a_mistake_in_config_leads_to_the_prompt(board, capsys):
    made = board(services="htp", tcp="8")
    main.main()
    said = capsys.readouterr().out
    assert not made.served and "did you mean 'http'?" in said and "tcp = '8': a number" in said
    assert "Ctrl-D starts the board again" in said


def crashes(made, monkeypatch, n):
    """Starts that end with a reset before the minute is over: main() never comes back."""

    class Reset(BaseException):
        pass

    def serve(stack, wait):
        raise Reset

    for _ in range(n):
        with monkeypatch.context() as m:
            m.setattr(main, "serve", serve)
            m.setattr(safe, "reached", lambda: None)
            held, _ = safe.held()
            assert held is None
        was_reset()


def test_three_crashes_in_a_row_end_at_the_prompt(board, flash, monkeypatch, capsys):
    made = board()
    was_reset()
    crashes(made, monkeypatch, 3)
    assert (flash / "starts").read_text() == "3"
    main.main()
    assert not made.served and "3 starts in a row ended with a reset" in capsys.readouterr().out
    main.main()  # Ctrl-D
    assert made.served


def test_power_on_writes_nothing_and_forgets(board, flash, monkeypatch):
    made = board()
    there = []
    with monkeypatch.context() as m:
        m.setattr(main, "serve", lambda stack, wait: there.append((flash / "starts").exists()))
        main.main()
        was_reset()
        main.main()
    assert there == [False, True]
    was_reset()
    crashes(made, monkeypatch, 2)
    was_reset(machine.PWRON_RESET)
    main.main()
    assert not (flash / "starts").exists()


def test_the_prompt_makes_the_count_start_anew(board, flash):
    made = board()
    was_reset(machine.HARD_RESET)
    for _ in range(6):  # mpremote reset, again and again
        main.main()
        assert made.served and not (flash / "starts").exists()
        made.served = False


def test_a_minute_of_life_makes_the_count_start_anew(board, flash, monkeypatch):
    made = board()
    was_reset()
    there = []

    def serve(stack, wait):
        for _ in range(620):
            there.append((flash / "starts").exists())
            made.wire.clock.ms += 100
            stack.poll(made.wire.clock.now)

    monkeypatch.setattr(main, "serve", serve)
    main.main()
    assert there[0] and there[590] and not there[-1]


def test_a_board_without_files_counts_nothing(board, flash, monkeypatch):
    made = board()
    was_reset()

    def refuse(*args):
        raise OSError(30)

    monkeypatch.setattr("builtins.open", refuse)
    main.main()
    assert made.served


@pytest.mark.parametrize(
    "text", ["raise ValueError", "while True print", "import nothing_at_all", "raise MemoryError"]
)
def test_a_program_that_cannot_run_leads_to_the_prompt(board, flash, text):
    made = board(text + "\n")
    with pytest.raises(Exception):
        main.main()
    assert made.shared and loop.current()


def test_what_is_wanted_once_is_forgotten(board):
    board()
    main.main()
    assert "safe" not in sys.modules and "check" not in sys.modules
