"""The SLIP driver takes nothing from the heap, on 64 bits with the heap locked and on 32 bits."""

from pathlib import Path

from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).parent / "board_slip.py"


def test_nothing_is_allocated_on_64_bits():
    assert run_unix(SCRIPT).strip() == "allocated 0 packets 100"


def test_nothing_is_allocated_on_32_bits():
    assert run_wasm(SCRIPT).strip() == "allocated 0 packets 100"
