"""What people write for a board runs on every Python."""

import subprocess
import sys
from pathlib import Path

from interpreters import ROOT
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_clients.py")
CASES = 5


def test_on_cpython():
    path = ":".join(str(ROOT / p) for p in ("lib", "tools/shims"))
    said = subprocess.run(
        [sys.executable, SCRIPT],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert len(said.splitlines()) == CASES


def test_on_64_bits():
    assert len(run_unix(SCRIPT).splitlines()) == CASES


def test_on_32_bits():
    assert len(run_wasm(SCRIPT).splitlines()) == CASES
