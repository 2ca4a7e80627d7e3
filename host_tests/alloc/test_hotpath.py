"""The hot path takes no heap: not to keep, and not for the length of a call."""

import pytest
from interpreters import ROOT
from lab.pythons import run_unix, run_wasm

SCRIPT = ROOT / "tools" / "proof" / "hotpath.py"
NULL = "tools/wire/null.py"


def on_32_bits(*args):
    return run_wasm(*args, files=(("joined", "/lib"), (NULL, "/lib/wire/null.py")))


def on_64_bits(*args):
    return run_unix(*args, path=("joined", "tools"))


BOTH = pytest.mark.parametrize("run", [on_32_bits, on_64_bits])


def transient(*broken):
    """Octets of garbage that were collected while 10 000 frames came in."""
    inputs, replies, octets = map(int, on_64_bits(SCRIPT, "transient", *broken).split())
    assert inputs >= 10_000
    assert replies > inputs // 2
    return octets


def test_no_transient_frames():
    assert transient() == 0


@pytest.mark.parametrize("broken", ["frame", "heap"])
def test_a_transient_frame_is_seen(broken):
    assert transient(broken) > 90_000


def counted(run, *broken):
    """Octets (unix: faults) of 200 rounds with HTTP on top."""
    inputs, replies, octets = map(int, run(SCRIPT, "count", *broken).split())
    assert broken or inputs >= 2000
    assert broken or replies > inputs
    return octets


@BOTH
def test_requests_take_no_heap(run):
    assert counted(run) == 0


@BOTH
def test_a_copy_is_seen(run):
    assert counted(run, "heap") > 0
