"""Answers of time servers, and messages of a log that are octets, take nothing from the heap."""

from pathlib import Path

import pytest
from lab.heap import BITS, counted

SCRIPT = Path(__file__).with_name("board_time.py")


@pytest.mark.parametrize("which", BITS)
def test_time_and_log_take_no_heap(which):
    assert counted(SCRIPT, which) > 20
