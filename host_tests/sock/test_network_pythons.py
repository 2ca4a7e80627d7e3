"""`network` says the same on every Python."""

import subprocess
import sys
from pathlib import Path

from interpreters import ROOT
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_network.py")


def test_every_python_has_the_same_network():
    path = ":".join(str(ROOT / p) for p in ("lib", "tools/shims"))
    done = subprocess.run(
        [sys.executable, SCRIPT], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 23, done.stdout
    assert run_unix(SCRIPT) == done.stdout
    assert run_wasm(SCRIPT) == done.stdout
