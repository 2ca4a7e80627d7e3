"""`import uipy.doctor` on MicroPython, the joined form, with a chip behind a pipe: each fault
turns its row BAD and no other."""

import os
import select
import subprocess
import time
from pathlib import Path

import pytest
from chips import clock
from chips.rig import KINDS, load
from chips.server import BoardLink
from chips.spibus import Wiring
from lab.desk import ROUTER, Router, bad, rows
from lab.pythons import joined, micropython

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TYPED = ("ip='192.168.7.9/24'", "gateway='%s'" % ROUTER, "hostname=None")


@pytest.fixture(params=["enc28j60", "w5500", "w5100s", "w6100"])
def kind(request):
    return request.param


class Board:
    """board_doctor.py in a process; the chip, and a router behind it, in this one."""

    def __init__(self, kind, **wires):
        self.kind = kind
        self.chip = load(KINDS[kind][0])(clock=clock.real, strict=False)
        self.wiring = Wiring(self.chip, **wires)
        self.router = Router(self.chip, self.now())

    def now(self):
        return clock.real() // 1_000_000 & 0x3FFFFFFF

    def examine(self, *settings):
        link = BoardLink(self.wiring)
        paths = [joined(), ROOT / "tools/shims", ROOT / "firmware"]
        paths.append(ROOT / "boards" / "RPI_PICO_ENC28J60")
        env = {**os.environ, **link.env(), "MICROPYPATH": os.pathsep.join(map(str, paths))}
        command = [micropython(), str(HERE / "board_doctor.py"), "chip=%r" % self.kind, *settings]
        process = subprocess.Popen(
            command, env=env, pass_fds=link.fds(), stdout=subprocess.PIPE, text=True
        )
        link.started()
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if select.select([link], [], [], 0.002)[0] and not link.step():
                break
            self.chip.poll()
            self.router.settle(self.now())
            link.push()
        else:
            process.kill()
        out = process.communicate(timeout=60)[0]
        link.close()
        assert process.returncode == 0, out
        *lines, last = out.splitlines()
        said = rows(lines)
        assert last == "bad: %d" % len(bad(said)), out
        return said


def test_a_board_in_order_has_no_bad_row(kind):
    said = Board(kind).examine()
    assert bad(said) == [], said
    assert {what for what, row in said.items() if row[0] == "-"} == set()
    assert "lent by " + ROUTER in said["address"][1] and "x64" in said["board"][1]


def _absent(board):
    board.chip.fault.absent = 0


def _slow(board):
    board.wiring.clean_hz = 9_000_000


def _unplugged(board):
    board.chip.link(False)


def _dead(board):
    board.router.alive = False


@pytest.mark.parametrize(
    ("wires", "fault", "row"),
    [
        ({}, _absent, "chip"),
        ({}, _slow, "SPI clock"),
        ({"reset": None}, None, "RESET"),
        ({"int_pin": None}, None, "INT"),
    ],
)
def test_a_fault_has_its_row(kind, wires, fault, row):
    board = Board(kind, **wires)
    if fault:
        fault(board)
    said = board.examine(*TYPED)
    assert bad(said) == [row], said


@pytest.mark.parametrize(("fault", "row"), [(_unplugged, "link"), (_dead, "gateway")])
def test_a_fault_behind_the_chip_has_its_row(fault, row):
    board = Board("enc28j60" if row == "link" else "w5500")
    fault(board)
    said = board.examine(*TYPED)
    assert bad(said) == [row], said
