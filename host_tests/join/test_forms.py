"""The library runs from its sources, for debugging, and in the joined form, which a board gets."""

from pathlib import Path

import pytest
from interpreters import ROOT
from lab.pythons import joined, run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_ping.py")
NULL = ("tools/wire/null.py", "/lib/wire/null.py")
HOTPATH = ("tools/proof/hotpath.py", "/lib/proof/hotpath.py")


def on_64_bits(form):
    return run_unix(SCRIPT, path=(form, "tools"))


def on_32_bits(form):
    return run_wasm(SCRIPT, files=((form, "/lib"), NULL, HOTPATH))


@pytest.mark.parametrize("run", [on_64_bits, on_32_bits])
@pytest.mark.parametrize("form", ["lib", "joined"])
def test_a_board_answers_arp_and_a_ping(run, form):
    *said, modules = run(form).splitlines()
    assert said == ["replied", "replied"]
    if form == "joined":
        assert modules == "uipy.core"
    else:
        assert "uipy.core" not in modules
        kernels = "uipy.kern.viper" if run is on_64_bits else "uipy.kern.plain"
        assert kernels in modules.split()


def test_the_joined_form_of_a_board_is_machine_code_where_the_sources_say_kernel():
    marked = sum(
        line.strip() == "@kernel"
        for path in (ROOT / "lib").rglob("*.py")
        for line in path.read_text().splitlines()
    )
    marked += (ROOT / "firmware/status.py").read_text().count("\n@kernel\n")
    native = [
        line
        for path in joined().rglob("*.py")
        for line in path.read_text().splitlines()
        if line.strip() == "@micropython.viper"
    ]
    wide = (ROOT / "lib/uipy/kern/viper.py").read_text().count("\n@micropython.viper\n")
    assert len(native) == marked + wide > 40
