"""A segment that is plain takes a short way through TCP (tcp/arrivals.py). It must come to the
same: every segment that the fuzz fires, and all that leads there, goes through a stack that takes
it and through one that takes every step; so do conversations over a bad network. Rows,
counters, clock and frames are compared after each call, octet by octet. (What the suite recorded:
host_tests/alloc/test_paths.py.)"""

import pytest
from fuzz.judge import Campaign
from fuzz.paths import WHOSE, Way, difference
from fuzz.victim import STATES
from proof import checked
from proof.simtalk import Talk
from uipy.net.datagram import FLAGS, PLAIN

SEED = 77_000_000
CAMPAIGNS = 25
SHOTS = 40
TALKS = (
    {"up": 150000, "down": 150000},
    {"up": 150000, "down": 150000, "conns": 3, "busy": 30},
    {"up": 60000, "loss": 5, "reorder": 10, "dup": 5, "corrupt": 2},
    {"up": 60000, "down": 60000, "reader": "slow", "source": "ring"},
    {"loss": 5, "timestamps": 1, "sack": 1, "reassembly": 4, "window_scale": 1},
    {"reorder": 20, "timestamps": 1, "ecn": 1, "urgent": 1, "reader": "slow"},
    {"max_flight": 1, "dup": 10, "close": "answer", "conns": 2},
)

seen = {"segments": 0, "placed": 0, "plain": 0}


def both(run):
    """Runs it once a way; the differences."""
    ways = Way(False), Way(True)
    for way in ways:
        with way:
            run()
    for name in seen:
        seen[name] += getattr(ways[0], name)
    return difference(ways[0].log, ways[1].log)


@pytest.mark.parametrize("state", STATES)
def test_both_ways_come_to_the_same_in(state):
    for seed in range(SEED, SEED + CAMPAIGNS):
        assert not both(lambda: Campaign(seed, state).run(SHOTS)), seed  # noqa: B023


@pytest.mark.parametrize("how", TALKS, ids=" ".join)
def test_both_ways_come_to_the_same_in_a_conversation(how):
    for seed in (1, 2, 3):
        assert not both(lambda: Talk(seed=seed, **how).run()), seed  # noqa: B023


def test_enough_segments_took_each_way():
    if not seen["segments"]:  # the others were deselected
        test_both_ways_come_to_the_same_in_a_conversation(TALKS[1])
        assert seen["plain"] > 50
    else:
        assert seen["segments"] > 4000
        assert seen["plain"] > 800
        assert seen["placed"] > 400
        assert seen["segments"] - seen["plain"] - seen["placed"] > 800


def hasty(buf, seg, tab, env, stat):
    """A `whose` that also lets segments pass without an ACK."""
    i = WHOSE(buf, seg, tab, env, stat)
    if 0 <= i and not seg[PLAIN]:
        seg[PLAIN] = 2 * (not seg[FLAGS] & 0x17)
    return i


def test_a_way_that_is_too_short_is_noticed():
    try:
        assert any(noticed(seed) for seed in range(SEED, SEED + CAMPAIGNS))
    finally:
        checked.faults.clear()  # if the kernels are checked, they have complained too


def noticed(seed):
    short, long = Way(False, hasty), Way(True)
    for way in (short, long):
        with way:
            try:
                Campaign(seed, "ESTABLISHED").run(SHOTS)
            except AssertionError:
                assert way is short
                return True  # the fuzz itself has seen it
    return difference(short.log, long.log)
