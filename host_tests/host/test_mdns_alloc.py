"""Messages of multicast DNS take nothing from the heap, nor do the answers."""

from pathlib import Path

import pytest
from lab.heap import BITS, counted

SCRIPT = Path(__file__).with_name("board_mdns.py")


@pytest.mark.parametrize("which", BITS)
def test_messages_take_no_heap(which):
    assert counted(SCRIPT, which) == 15
