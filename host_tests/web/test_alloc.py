"""Requests for routes, their bodies, and what is refused take nothing from the heap."""

from pathlib import Path

import pytest
from lab.heap import BITS, counted

SCRIPT = Path(__file__).with_name("count.py")


@pytest.mark.parametrize("which", BITS)
def test_routes_take_no_heap(which):
    assert counted(SCRIPT, which) == 41
