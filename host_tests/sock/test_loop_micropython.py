"""The background by the real clock, on MicroPython: board_loop.py, case by case."""

import ast
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from lab.pythons import joined, micropython, run_unix

SCRIPT = Path(__file__).parent / "board_loop.py"
ROOT = SCRIPT.parents[2]
CASES = [
    node.name
    for node in ast.parse(SCRIPT.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")
]


@pytest.fixture(scope="module")
def outcome():
    try:
        return run_unix(SCRIPT, path=("joined", "tools/shims")).split()
    except AssertionError as exc:
        return str(exc)


@pytest.mark.parametrize("case", CASES)
def test_by_the_real_clock(outcome, case):
    assert case in outcome, outcome


def asleep(pid):
    """Waits until a process computes no more: MicroPython's unix port crashes when a signal falls
    into the start of a thread, which the PC's timer has."""
    before = None
    for _ in range(600):
        stat = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
        now = stat[11:13]  # utime, stime
        if stat[0] == "S" and now == before:
            return
        before = now
        time.sleep(0.1)


@pytest.mark.parametrize("how", ["waits", "sleeps"])
def test_ctrl_c_gives_the_prompt_back(how):
    folders = [".frozen", str(joined()), str(ROOT / "tools/shims")]
    board = subprocess.Popen(
        [micropython(), str(SCRIPT), how],
        env={**os.environ, "MICROPYPATH": os.pathsep.join(folders)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert board.stdout.readline() == "ready\n"
        asleep(board.pid)
        board.send_signal(signal.SIGINT)
        assert board.communicate(timeout=60)[0] == "prompt\n"
    finally:
        board.kill()
