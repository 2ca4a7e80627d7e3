"""No frame that the host suite ever gave to a stack takes heap.

The suite leaves them in build/frames.bin (UIPY_RECORD=1, see lab/framelog.py; `make test` does
it); here they are replayed on MicroPython.
"""

import pytest
from interpreters import ROOT
from lab import framelog
from lab.pythons import run_unix, run_wasm

FRAMES = ROOT / "build" / "frames.bin"
SCRIPT = ROOT / "tools" / "proof" / "replay.py"
NULL = "tools/wire/null.py"
COUNT = "tools/proof/heap.py"


def on_32_bits(frames, *more):
    files = (("joined", "/lib"), (NULL, "/lib/wire/null.py"), (COUNT, "/lib/proof/heap.py"))
    files += ((frames, "/frames.bin"),)
    return run_wasm(SCRIPT, "/frames.bin", *more, files=files, heap=1 << 20, timeout=900)


def on_64_bits(frames, *more):
    return run_unix(SCRIPT, frames, *more, path=("joined", "tools"), heap="8M", timeout=900)


BOTH = pytest.mark.parametrize("play", [on_32_bits, on_64_bits])


@pytest.fixture(scope="module")
def frames():
    if not FRAMES.exists():
        pytest.skip("no build/frames.bin here: run UIPY_RECORD=1 pytest host_tests first")
    return FRAMES


@pytest.fixture(scope="module")
def few(frames, tmp_path_factory):
    """Some stacks that listened: enough to go wrong in."""
    path = tmp_path_factory.mktemp("alloc") / "few.bin"
    listened = [stack for stack in stacks(frames.read_bytes()) if b'"listen": []' not in stack]
    path.write_bytes(b"".join(listened[:: len(listened) // 100 + 1]))
    return path


def stacks(data):
    """The records of each stack."""
    at = start = 0
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 6], "big")
        if size == framelog.NEW_STACK and at:
            yield data[start:at]
            start = at
        if size >= framelog.CONNECT:
            at += 2
            size = int.from_bytes(data[at + 4 : at + 6], "big")
        at += 6 + size
    yield data[start:]


@BOTH
@pytest.mark.slow
def test_no_recorded_frame_takes_heap(play, frames):
    *faults, summary = play(frames).splitlines()
    played, stacks, passive, active, replies, faulty = map(int, summary.split())
    print(f"{played} frames, {stacks} stacks, {passive} + {active} connections, {replies} replies")
    assert not faults
    assert faulty == 0
    # The replay meets what the recording met: it shakes hands and answers.
    assert played > 1000
    assert passive > 100
    assert active > 10
    assert replies > played // 4


@BOTH
@pytest.mark.slow
def test_no_frame_takes_heap_where_the_board_ends_its_connections(play, frames):
    *faults, summary = play(frames, "first").splitlines()
    played, _, passive, active, replies, faulty = map(int, summary.split())
    assert not faults
    assert faulty == 0
    assert played > 1000 and passive > 100 and active > 10 and replies > played // 4


@BOTH
def test_an_application_that_takes_heap_is_found(play, few):
    *faults, summary = play(few, "break").splitlines()
    assert faults
    assert int(summary.split()[-1]) > 0
