"""Requests, whole exchanges of the small services, and sources take nothing from the heap."""

from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("count.py")
FAKE = "host_tests/apps/fake_stack.py"
FILES = (("firmware", "/lib"), ("joined", "/lib"), (FAKE, "/lib/fake_stack.py"))


@pytest.mark.parametrize("which", ["32 bits", "heap lock"])
def test_applications_take_no_heap(which):
    if which == "32 bits":
        said = run_wasm(SCRIPT, files=FILES)
    else:
        said = run_unix(SCRIPT, "lock", path=("joined", "firmware", "host_tests/apps"))
    found = [line.split(" ", 1) for line in said.splitlines()]
    assert found[-1][1] == "leaky" and int(found.pop()[0]) > 0, "the count is broken"
    assert len(found) > 17
    assert not [what for octets, what in found if int(octets)], said
