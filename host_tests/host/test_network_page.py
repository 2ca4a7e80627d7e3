"""The programs of docs/network.md run as they stand there, one after the other."""

import re
from pathlib import Path

from lab.net import Wire

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "network.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def run(wire, names, programs):
    for program in programs:
        exec(compile(program, "network.md", "exec"), names)
        wire.run(1000)
    wire.run(20_000)
    assert any(names["stack"].ifaces[0].ip)


def test_every_program_runs():
    wire = Wire()
    names = {"stack": wire.board(ip=None, gateway=None, groups=3, udp=12)}
    assert len(PROGRAMS) == 7
    run(wire, names, [p for p in PROGRAMS if "Acd" not in p])
    run(wire, {"stack": wire.board(ip=None, gateway=None)}, [p for p in PROGRAMS if "Acd" in p])
