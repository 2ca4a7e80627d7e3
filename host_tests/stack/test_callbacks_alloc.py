"""Timers, polls of ports, answers to pings and pieces of lines take nothing from the heap; and all
of them work on MicroPython."""

from pathlib import Path

import pytest
from lab.heap import BITS, counted

SCRIPT = Path(__file__).with_name("board_callbacks.py")


@pytest.mark.parametrize("which", BITS)
def test_callbacks_take_no_heap(which):
    files = () if which != BITS[0] else (("tools/proof/conn.py", "/lib/proof/conn.py"),)
    assert counted(SCRIPT, which, files=files) == 7
