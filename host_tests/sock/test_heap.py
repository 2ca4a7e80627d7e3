"""What sockets do to the heap: board_heap.py."""

from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).parent / "board_heap.py"


def told(text):
    return {k: int(v) for k, v in (line.split() for line in text.splitlines())}


@pytest.mark.parametrize("run", [run_unix, run_wasm])
def test_no_segment_takes_heap_however_connections_begin_and_end(run):
    assert told(run(SCRIPT, "64"))["taken"] == 0


def test_the_heap_does_not_grow():
    # By hand with 10000: the same.
    assert told(run_unix(SCRIPT, "200"))["more"] < 200
