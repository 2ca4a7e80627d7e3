"""Neither waits nor the background take heap of their own."""

from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).parent / "heap_loop.py"
WHAT = ["background", "step", "wait", "held", "deferred", "marked"]


@pytest.mark.parametrize("run", [run_wasm, run_unix], ids=["32", "64"])
def test_polls_of_waits_and_of_the_background_take_no_heap(run):
    said = run(SCRIPT).split("\n")
    assert said[:-1] == [f"{name} 0" for name in WHAT * 2] + ["answered True"]
