"""Replies of a name server take nothing from the heap, whatever is in them."""

from pathlib import Path

import pytest
from lab.heap import BITS, counted

SCRIPT = Path(__file__).with_name("board_dns.py")


@pytest.mark.parametrize("which", BITS)
def test_replies_take_no_heap(which):
    assert counted(SCRIPT, which) == 11
