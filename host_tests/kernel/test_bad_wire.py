"""5 % of every evil between the kernel and the board: every byte right, and it ends."""

import random

import pytest
from kernel import capture
from wire.lan import exchange

WIRES = {
    "loss": "loss=5,seed=11",
    "reorder": "reorder=5,delay=2,seed=12",
    "dup": "dup=5,seed=13",
    "corrupt": "corrupt=5,seed=14",
    "delay": "delay=20,seed=15",
    "everything": "loss=5,reorder=5,dup=5,corrupt=5,delay=2,seed=16",
}


RUNS = [(kind, wire) for kind in ("cpython", "micropython-enc28j60") for wire in WIRES]
RUNS += [("micropython-all", wire) for wire in ("loss", "reorder", "everything")]


@pytest.mark.parametrize(("kind", "wire"), RUNS)
def test_every_octet_survives(lan, start, kind, wire):
    size = 50_000 if wire == "everything" else 100_000
    data = random.Random(5).randbytes(size)
    board = start(kind, wire=WIRES[wire])
    with lan.connect(7, timeout=30) as s:
        assert exchange(s, data, limit=120) == data
    flow = capture.flow(board.pcap, lan.board_ip, 7)
    assert flow.unreasonable == [], flow.unreasonable[:5]
