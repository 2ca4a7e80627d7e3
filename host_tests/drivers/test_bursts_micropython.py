"""The bursts of test_bursts.py on MicroPython: the driver and the whole stack on native kernels,
the chip model behind the pipe, in real time.

The board (board_stack.py) stretches its sleeps, so that a frame that was forgotten shows as
seconds of silence, on a busy machine too.
"""

import os
import select
import subprocess
import time
from pathlib import Path

import pytest
from chips import clock
from chips.faults import Call, FaultyWiring
from chips.rig import KINDS as CHIPS
from chips.rig import load
from chips.server import BoardLink
from drivers.test_bursts import count, datagram, ping
from lab.pythons import joined, micropython

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DEAF_S = 2  # a board that hears answers within milliseconds; a deaf one sleeps for 5 s and more
SOON_S = 0.5
PHASES = 24  # SPI transactions of an exchange, at the most ...
FEWEST = 6  # ... and at the least
LIMIT_S = 60


class Board:
    """board_stack.py in a process, and the chip's network in this one."""

    def __init__(self, kind):
        self.chip = load(CHIPS[kind][0])(clock=clock.real, strict=False)
        # Slow, so that the transmitter is often found busy. (The ENC28J60 has 10 Mb/s anyway.)
        self.chip.BIT_RATE = 4_000_000
        self.wiring = FaultyWiring(self.chip)
        self.link = BoardLink(self.wiring)
        self.sent = []
        self.chip.wire_out = self.sent.append
        self.stored = 0
        env = {**os.environ, **self.link.env()}
        env["MICROPYPATH"] = os.pathsep.join([str(joined()), str(ROOT / "tools/shims")])
        self.process = subprocess.Popen(
            [micropython(), str(HERE / "board_stack.py"), kind],
            env=env,
            pass_fds=self.link.fds(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.link.started()
        self.until(lambda: select.select([self.process.stdout], [], [], 0)[0], LIMIT_S)
        assert self.process.stdout.readline() == b"ready\n", self.process.stdout.read()
        self.until(lambda: self.ping(0), LIMIT_S)

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.link.close()

    def until(self, done, seconds):
        """-> True when `done()` became true in time."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                return False
            at = self.chip.next_at()
            wait = 0.02 if at is None else min(0.02, max(0, at - clock.real()) / 1e9)
            if select.select([self.link], [], [], wait)[0]:
                assert self.link.step(), self.process.stdout.read()
            self.chip.poll()
            self.link.push()
        return True

    def give(self, frames):
        self.stored += sum(self.chip.wire_in(f) is not False for f in frames)
        self.link.push()

    def answers(self, proto):
        return [f for f in self.sent if f[12:14] == b"\x08\x00" and f[23] == proto]

    def ping(self, k):
        """-> True when it was answered at once."""
        self.sent.clear()
        self.give([ping(k)])
        return self.until(lambda: self.answers(1), DEAF_S)


@pytest.fixture
def board(kind):
    b = Board(kind)
    yield b
    b.close()


@pytest.mark.parametrize("around", [-1, 10])
def test_a_burst_at_each_phase_of_a_transmission_deafens_nobody(board, kind, around):
    """It fills the receive memory but for one frame, or is ten frames too much for it."""
    frames = [datagram(300, k) for k in range(count(kind, 300, around))]
    for k in range(PHASES):
        board.sent.clear()
        board.stored = 0
        board.wiring.at(k, Call(lambda: board.give(frames)))
        board.give([datagram(100, 0)])
        if not board.until(lambda: not board.wiring.faults, SOON_S):
            assert k >= FEWEST, k  # the exchange has no more transactions than these
            break
        heard = board.until(lambda: len(board.answers(17)) >= board.stored, DEAF_S + 1)
        assert heard, (k, board.stored, len(board.answers(17)))
        assert len(board.answers(17)) == board.stored, k
        assert all(board.ping(n) for n in range(3)), k
    assert board.chip.complaints == []
