"""The fault matrix of docs/DRIVERS.md: every chip, every fault, every SPI transaction of one frame
in and one out.
"""

import random

import pytest
from chips.faults import FlipMiso, FlipMosi
from chips.rig import Rig, frame
from proof import faultmatrix

pytestmark = pytest.mark.slow


def test_the_matrix(broken, kind):
    """All recover, no connection is lost, and the page says so. If only the page is stale:
    faultmatrix.py --write.
    """
    rows = faultmatrix.run(kind)
    assert [(row.fault, row.failed) for row in rows if row.failed] == []
    assert sum(row.connections for row in rows) == 0
    assert faultmatrix.table(kind, rows) == faultmatrix.stored()[kind]


def passes(rig, ms):
    """-> True when two probes in a row pass within so long, and all do a second later."""
    row = [faultmatrix.probe(rig, frame(300, fill=k)) for k in range(2)]
    for k in range(ms // 10):
        if row[-2:] == [True, True]:
            break
        row.append(faultmatrix.probe(rig, frame(300, fill=k)))
    rig.run(1200, step_ms=2)
    return row[-2:] == [True, True] and faultmatrix.steady(rig)


@pytest.mark.parametrize("flip", [FlipMosi, FlipMiso])
def test_a_flipped_bit_while_it_is_set_up(broken, kind, flip):
    rnd = random.Random(kind)
    for k in range(broken().wiring.transactions):
        fault = flip(*faultmatrix.place(rnd))
        rig = broken(wait=True, before=lambda r: r.wiring.at(k, fault))  # noqa: B023
        rig.run(20, step_ms=1)
        assert passes(rig, 3000), (k, fault.octet, fault.bit)


@pytest.mark.parametrize("flip", [FlipMosi, FlipMiso])
def test_a_flipped_bit_while_it_is_idle(broken, kind, flip):
    """In every transaction of a second: health checks, looks at the cable."""
    rnd = random.Random(kind)
    rig = faultmatrix.start(kind)
    before = rig.wiring.transactions
    rig.run(1000, step_ms=1)
    for k in range(rig.wiring.transactions - before):
        fault = flip(*faultmatrix.place(rnd))
        rig = faultmatrix.start(kind)
        rig.wiring.at(k, fault)
        rig.run(1100, step_ms=1)
        assert passes(rig, 3000), (k, fault.octet, fault.bit)


def test_without_any_recovery_the_matrix_finds_the_board_deaf(monkeypatch):
    """The matrix can fail: with every recovery switched off the ENC28J60 stays broken."""
    monkeypatch.setattr(faultmatrix, "Rig", lambda kind: Rig(kind, recover=0))
    monkeypatch.setattr(faultmatrix, "moments", lambda kind: ([2, 2], []))
    monkeypatch.setattr(faultmatrix, "BOUND_MS", 1000)
    for name in ("brown-out", "RXEN cleared", "wrong next packet pointer", "TXRTS stuck"):
        rows = faultmatrix.run("enc28j60", only=name)
        assert rows and all(row.failed for row in rows)
