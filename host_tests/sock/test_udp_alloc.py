"""A datagram for a socket takes nothing from the heap."""

from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_udp.py")
NULL = "tools/wire/null.py"


@pytest.mark.parametrize("which", ["32 bits", "heap lock"])
def test_datagrams_take_no_heap(which):
    if which == "32 bits":
        said = run_wasm(
            SCRIPT, files=(("joined", "/lib"), (NULL, "/lib/wire/null.py")), heap=2 << 20
        )
    else:
        said = run_unix(SCRIPT, "lock", path=("joined", "tools"))
    found = [line.split(" ", 1) for line in said.splitlines()]
    assert found[-1][1] == "leaky" and int(found.pop()[0]) > 0, "the count is broken"
    assert len(found) == 10
    assert not [what for octets, what in found if int(octets)], said
