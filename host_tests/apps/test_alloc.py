"""Requests, whole exchanges of the small services, and sources take nothing from the heap."""

from pathlib import Path

import pytest
from lab.heap import BITS, counted

SCRIPT = Path(__file__).with_name("count.py")
FAKE = "host_tests/apps/fake_stack.py"
FILES = (("firmware", "/lib"), (FAKE, "/lib/fake_stack.py"))


@pytest.mark.parametrize("which", BITS)
def test_applications_take_no_heap(which):
    assert counted(SCRIPT, which, FILES, ("firmware", "host_tests/apps")) > 17
