"""Ctrl-C may come into the middle of a transfer over the pipe to a chip model."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from chips import clock
from chips.enc28j60 import Enc28j60
from chips.server import BoardLink
from chips.spibus import Wiring
from lab.pythons import micropython

SHIMS = Path(__file__).resolve().parents[2] / "tools" / "shims"
BOARD = """
import machine_pipe as pipe
from machine import SPI, Pin

spi, cs = SPI(0), Pin(17, Pin.OUT, value=1)
into = bytearray(2)

def econ2():
    cs(0)
    spi.write_readinto(b"\\x1e\\0", into)
    cs(1)
    return into[1]

assert econ2() == 0x80
cs(0)
pipe._queue.busy = True  # and here
%s
assert econ2() == 0x80, into
print("whole")
"""
BROKEN = {
    "before its end": "pipe._queue.put(3, 200, 0); pipe._queue.flush()",
    "before it was sent": "pipe._queue.put(3, 200, 0)",
    "before its answer": "pipe._queue.put(4, 5, 0); pipe._queue.put1(0); pipe._queue.flush()",
    "in its answer": "pipe._queue.put(4, 5, 0); pipe._queue.put1(0); pipe._queue.flush();"
    "pipe._pipe.readinto(into)",
}


@pytest.mark.parametrize("where", BROKEN)
def test_what_follows_a_transfer_that_was_broken_off_is_whole(tmp_path, where):
    chip = Enc28j60(clock=clock.real, strict=False)
    link = BoardLink(Wiring(chip))
    script = tmp_path / "board.py"
    script.write_text(BOARD % BROKEN[where])
    board = subprocess.Popen(
        [micropython(), str(script)],
        env={**os.environ, **link.env(), "MICROPYPATH": str(SHIMS)},
        pass_fds=link.fds(),
        stdout=subprocess.PIPE,
        text=True,
    )
    link.started()
    alarm = threading.Timer(60, board.kill)
    alarm.start()
    while link.step():
        pass
    out = board.communicate()[0]
    alarm.cancel()
    link.close()
    assert (board.returncode, out) == (0, "whole\n"), out
