"""Each driver on MicroPython: over the pipe with the heap locked, and on 32 bits by a
recorded session.
"""

import os
import select
import subprocess
import time
from pathlib import Path

import pytest
from chips import clock
from chips.rig import KINDS as CHIPS
from chips.rig import Rig, frame, load
from chips.server import BoardLink
from chips.spibus import Wiring
from lab.pythons import joined, micropython, run_unix, run_wasm

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class Board:
    """board_echo.py in a process, and a network that gives it a frame as soon as one has come
    back.
    """

    def __init__(self, kind, *args):
        self.chip = load(CHIPS[kind][0])(clock=clock.real, strict=False)
        self.link = BoardLink(Wiring(self.chip))
        self.back = []
        self.chip.wire_out = self.back.append
        env = {**os.environ, **self.link.env()}
        env["MICROPYPATH"] = os.pathsep.join([str(joined()), str(ROOT / "tools/shims")])
        self.process = subprocess.Popen(
            [micropython(), str(HERE / "board_echo.py"), kind, *args],
            env=env,
            pass_fds=self.link.fds(),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.link.started()

    def turn(self):
        """-> False when the board has ended."""
        at = self.chip.next_at()
        wait = 0.1 if at is None else min(0.1, max(0, at - clock.real()) / 1e9)
        if select.select([self.link], [], [], wait)[0] and not self.link.step():
            return False
        self.chip.poll()
        self.link.push()
        return True

    def echo(self, frames, window=3):
        until = time.monotonic() + 30
        given = 0
        while self.turn() and time.monotonic() < until:
            most = min(len(frames), len(self.back) + window)
            while given < most and self.chip.wire_in(frames[given]):
                given += 1
            self.link.push()
        if time.monotonic() >= until:
            self.process.kill()
        out = self.process.communicate(timeout=10)[0]
        self.link.close()
        assert self.process.returncode == 0, out
        return {k: int(v) for k, v in (line.split() for line in out.splitlines()) if v != "0"}


@pytest.mark.parametrize("polled", [(), ("polled",)], ids=["int", "polled"])
def test_frames_pass_through_the_pipe_with_the_heap_locked(kind, polled):
    frames = [frame(n, fill=n) for n in range(60, 1515, 3)]
    board = Board(kind, str(len(frames)), *polled)
    counters = board.echo(frames)
    assert board.back == frames
    assert counters == {"rx": len(frames), "tx": len(frames), "link": 1}
    assert board.chip.complaints == []
    assert board.link.rounds < 60 * len(frames)


class Recorder:
    """Keeps what a driver gets back, and what its board asks."""

    def __init__(self, kind):
        self.rig = Rig(kind, before=self._tap)
        self.calls = []

    def _tap(self, rig):
        self.octets, self.ticks, self.levels = bytearray(), [], bytearray()
        wiring, clockwork = rig.wiring, rig.time
        spi = wiring.spi
        ticks_ms = clockwork.ticks_ms
        pin_in = wiring.pin_in

        def tapped(*a):
            bus = spi(*a)
            readinto, exchange = bus.readinto, bus.write_readinto
            bus.readinto = lambda b, w=0: (readinto(b, w), self.octets.extend(b))
            bus.write_readinto = lambda o, b: (exchange(o, b), self.octets.extend(b))
            return bus

        def ticks():
            self.ticks.append(ticks_ms())
            return self.ticks[-1]

        def level(n):
            self.levels.append(pin_in(n))
            return self.levels[-1]

        wiring.spi, clockwork.ticks_ms, wiring.pin_in = tapped, ticks, level

    def call(self, n, buf):
        self.calls.append(n)
        dev = self.rig.dev
        self.rig.clock.advance(50_000)
        if n == 0:
            return dev.recv_into(buf)
        return dev.can_send() if n == 1 else dev.send(buf, n)

    def session(self, sizes):
        """Echoes frames of these sizes, with idle polls between -> frames received."""
        buf = self.rig.buf
        got = 0
        for size in sizes:
            if size:
                self.rig.chip.wire_in(frame(size))
            n = self.call(0, buf)
            if n:
                got += 1
                self.call(n, buf)
            while not self.call(1, buf):
                pass
        return got


def trouble(kind, rig):
    """Faults that the driver has to recover from on the way -> the counters that will tell."""
    if kind == "enc28j60":
        rig.chip.fault.false_late = 3
        rig.chip.fault.next_wrong = 1
        return {"rx_reset": 1, "tx_late": 3}
    rig.chip.torn = 0.5
    rig.chip.fault.length_wrong = 1
    rig.chip.fault.rsr_wrong = 6
    rig.chip.fault.tx_stuck = 1
    return {"rx_bogus": 1, "rx_resync": 1, "tx_timeout": 1}


def record(kind, path):
    r = Recorder(kind)
    r.session([60, 1514])
    warm, r.calls = r.calls, []
    sizes = [n for k in range(60, 1515, 11) for n in (k, 0, 0)] + [0] * 3000
    frames = r.session(sizes)
    told = trouble(kind, r.rig)
    frames += r.session([500, 0, 700, 0, 0, 900, 0, 60] + [0] * 200)
    if kind != "enc28j60":
        r.rig.chip.brown_out()
        told["reinit"] = 1
        frames += r.session([0] * 12000 + [70, 0])
    assert told.items() <= r.rig.counters().items(), r.rig.counters()
    text = [kind, r.octets.hex(), " ".join(map(str, r.ticks)), r.levels.hex()]
    text += [" ".join(map(str, warm)), " ".join(map(str, r.calls)), str(frames)]
    path.write_text("\n".join(text))


def test_a_session_allocates_nothing_on_32_bits(kind, tmp_path):
    """Frames of all sizes, idle polls with health checks, and recoveries."""
    tape = tmp_path / "tape.txt"
    record(kind, tape)
    out = run_wasm(HERE / "board_replay.py", files=[("joined", "/lib"), (tape, "/tape.txt")])
    assert out.strip() == "allocated 0"


def test_the_recorded_session_runs_on_the_unix_port_too(kind, tmp_path):
    tape = tmp_path / "tape.txt"
    record(kind, tape)
    assert run_unix(HERE / "board_replay.py", tape, heap=16 << 20).strip() == "allocated 0"
