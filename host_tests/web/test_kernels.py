"""The kernels of web/ come to the same on every Python."""

import runpy
from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm

SCRIPT = Path(__file__).with_name("kernels.py")


@pytest.mark.parametrize("which", ["32 bits", "viper"])
def test_every_python_gives_the_same_answers(which, capsys):
    runpy.run_path(str(SCRIPT), run_name="__main__")
    wanted = capsys.readouterr().out
    said = run_wasm(SCRIPT) if which == "32 bits" else run_unix(SCRIPT)
    assert said == wanted
