"""Frames of WebSockets, events and their clients take nothing from the heap."""

from pathlib import Path

import pytest
from lab.heap import BITS, counted
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_guests.py")
CONN = "tools/proof/conn.py"


@pytest.mark.parametrize("which", BITS)
def test_websockets_and_events_take_no_heap(which):
    assert counted(SCRIPT, which) > 29


@pytest.mark.parametrize("which", ["32 bits", "viper"])
def test_every_python_makes_the_same_of_frames_and_events(which, capsys):
    from host_tests.web import board_streams

    board_streams.TOTAL[0] = 0
    board_streams.main(200)
    wanted = capsys.readouterr().out
    streams = SCRIPT.with_name("board_streams.py")
    if which == "32 bits":
        said = run_wasm(streams, files=(("joined", "/lib"), (CONN, "/lib/proof/conn.py")))
    else:
        said = run_unix(streams, path=("joined", "tools"))
    assert said == wanted
