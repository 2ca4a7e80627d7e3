"""Frames of WebSockets, events and their clients take nothing from the heap."""

from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_guests.py")


@pytest.mark.parametrize("which", ["32 bits", "heap lock"])
def test_websockets_and_events_take_no_heap(which):
    if which == "32 bits":
        said = run_wasm(SCRIPT, files=(("joined", "/lib"),))
    else:
        said = run_unix(SCRIPT, "lock", path=("joined",))
    found = [line.split(" ", 1) for line in said.splitlines()]
    assert found[-1][1] == "leaky" and int(found.pop()[0]) > 0, "the count is broken"
    assert len(found) > 29
    assert not [what for octets, what in found if int(octets)], said


@pytest.mark.parametrize("which", ["32 bits", "viper"])
def test_every_python_makes_the_same_of_frames_and_events(which, capsys):
    from host_tests.web import board_streams

    board_streams.TOTAL[0] = 0
    board_streams.main(200)
    wanted = capsys.readouterr().out
    streams = SCRIPT.with_name("board_streams.py")
    said = run_wasm(streams) if which == "32 bits" else run_unix(streams)
    assert said == wanted
