"""The kernels of DNS messages say the same on every Python: as they are written, as machine code,
and in plain Python of 32 bits."""

import subprocess
import sys
from pathlib import Path

from interpreters import ROOT
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_names.py")


def test_every_python_reads_the_same_names():
    path = ":".join(str(ROOT / p) for p in ("lib", "tools/shims"))
    truth = subprocess.run(
        [sys.executable, SCRIPT],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert len(truth.splitlines()) == 20
    assert run_unix(SCRIPT) == truth
    assert run_wasm(SCRIPT) == truth
