"""The model and the skeleton of docs/writing-a-driver.md work as they stand there."""

import re
from pathlib import Path

import pytest
from chips import rig as rigs
from chips.rig import MoveRig, Rig, frame
from uipy.drivers.errors import NoChip

PAGE = Path(__file__).resolve().parents[2] / "docs" / "writing-a-driver.md"


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
