"""MicroPython's own asyncio, select and streams on our sockets: board_streams.py, case by case."""

import ast
from pathlib import Path

import pytest
from lab.pythons import run_unix

SCRIPT = Path(__file__).parent / "board_streams.py"
PAGE = SCRIPT.parents[2] / "docs" / "socket.md"
CASES = [
    node.name
    for node in ast.parse(SCRIPT.read_text()).body
    if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("case_")
]


@pytest.fixture(scope="module")
def outcome():
    return run_unix(SCRIPT, PAGE, path=("lib/modules", "joined"))


@pytest.mark.parametrize("case", CASES)
def test_on_micropython(outcome, case):
    assert case + " ok" in outcome, outcome
