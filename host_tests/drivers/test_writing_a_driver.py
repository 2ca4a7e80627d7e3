"""The model and the skeleton of docs/writing-a-driver.md work as they stand there, and so do the
commands that the page ends with.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from chips import rig as rigs
from chips.rig import MoveRig, Rig, frame
from uipy.drivers.errors import NoChip

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "writing-a-driver.md"
PARTS = ("boards", "docs", "firmware", "host_tests", "lib", "tools", "pyproject.toml")


def followed(root):
    """A copy of the checkout in which a reader has done what the page says; the commands that it
    ends with."""
    junk = shutil.ignore_patterns("__pycache__", "img", "node_modules")
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=junk)
        else:
            shutil.copy(ROOT / name, root / name)
    for name in (".venv", "tools/wasm/node_modules", "node_modules"):
        if (ROOT / name).exists():
            (root / name).symlink_to(ROOT / name)
    model, driver = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    (root / "tools" / "chips" / "tiny1.py").write_text(model)
    (root / "lib" / "uipy" / "drivers" / "tiny1.py").write_text(driver)
    places = {"KINDS": root / "tools" / "chips" / "rig.py", "CHIPS": root / "firmware" / "main.py"}
    _, _, end = PAGE.read_text().partition("## Trying it")
    lines = re.findall(r"^    (\"tiny1\": .*,) +in (\w+)$", end, re.M)
    assert [table for _, table in lines] == ["KINDS", "CHIPS"]
    for line, table in lines:
        text = places[table].read_text()
        assert f"{table} = {{\n" in text
        places[table].write_text(text.replace(f"{table} = {{\n", f"{table} = {{\n    {line}\n"))
    return re.findall(r"^    (\.venv/bin/python .*)$", end, re.M)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkout")
    return root, followed(root)


SAYS = {  # by a word of the command: the status that it ends with, and what it prints
    "pytest": (1, r"(\d+) failed, (\d+) passed"),
    "faultmatrix.py": (0, r"\| brown-out within a transaction \| \d+ \|"),
    "spi.py": (0, r"\| tiny1 \| 1514 out \| 3 \|"),
}


@pytest.mark.parametrize("word", SAYS)
def test_the_page_s_commands_run_as_written(copy, word):
    root, commands = copy
    (command,) = [c for c in commands if word in c]
    # ends in seconds: nothing waits for what the skeleton lacks
    done = subprocess.run(command.split(), cwd=root, capture_output=True, text=True, timeout=100)
    status, says = SAYS[word]
    assert done.returncode == status, done.stdout + done.stderr
    found = re.search(says, done.stdout)
    assert found and "Traceback" not in done.stderr, done.stdout
    if word == "pytest":
        assert int(found[1]) <= 30 <= int(found[2]) + 10, "half of it fails"


@pytest.fixture
def tiny(monkeypatch):
    names: dict = {"__name__": "uipy.drivers.tiny1"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(block, str(PAGE), "exec"), names)
    monkeypatch.setitem(rigs.KINDS, "tiny1", ("Tiny1", "Tiny1Driver", 10_000_000))
    monkeypatch.setattr(rigs, "load", lambda where: names[where])

    def make(rig=Rig, **kw):
        return rig("tiny1", before=lambda r: (names.update(time=r.time), kw.get("hurt", id)(r)))

    return make


@pytest.mark.parametrize("way", [Rig, MoveRig])
def test_frames_pass_in_both_directions(tiny, way):
    rig = tiny(way)
    for n in range(60, 1515):
        assert rig.echo(frame(n, fill=n)), n
    assert rig.dev.link_up() and rig.chip.complaints == []
    assert rig.counters() == {"rx": 1455, "tx": 1455}


def test_without_a_chip_it_says_so(tiny):
    with pytest.raises(NoChip, match="status 0xFF"):
        tiny(hurt=lambda r: setattr(r.chip.fault, "absent", 0xFF))


def test_an_answer_waits_for_the_transmitter(tiny):
    rig = tiny(MoveRig)
    for k in range(2):
        rig.chip.wire_in(frame(300, fill=k))
    assert rig.move(0) == 300 and rig.move(300) == -1
    assert rig.recv() == frame(300, fill=1) and rig.move(0) == 0


def test_the_model_complains(tiny):
    rig = tiny()
    rig.dev.send(rig.buf, 1514)
    rig.dev.send(rig.buf, 60)
    assert rig.chip.complaints == ["tx-busy: written while a frame is being sent"]


def test_the_transmitter_has_a_bound(tiny):
    rig = tiny()
    rig.dev.send(rig.buf, 60)
    rig.chip.sent_at = 1 << 60
    assert rig.free(25) and rig.counters()["tx_timeout"] == 1
