"""At least 10^5 segments at connections in all eleven states, judged by rules.py: nothing illegal
comes back.

UIPY_FUZZ_SHOTS (per state) and UIPY_FUZZ_SEED widen the search. A failure prints what was fired,
what was legal and the command that repeats it.
"""

import os

import pytest
from fuzz.judge import Campaign
from fuzz.rules import ALL, CONNECTED, TABLE
from fuzz.victim import STATES

SHOTS = int(os.environ.get("UIPY_FUZZ_SHOTS", "9200"))
SEED = int(os.environ.get("UIPY_FUZZ_SEED", "1"))
AT_ONCE = 40  # shots at one connection, if it lives

fired: dict[str, int] = {}
hits: dict[int, int] = {}


def barrage(state, shots, seed):
    """Campaigns at `state` until so many shots were fired."""
    count = 0
    while count < shots:
        count += Campaign(seed, state, hits).run(min(AT_ONCE, shots - count))
        seed += 1
    return count


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_no_segment_gets_an_illegal_answer_in(state):
    fired[state] = barrage(state, SHOTS, SEED * 1_000_000)


@pytest.mark.slow
def test_the_whole_table_was_used_by_100_000_segments():
    """A row that nothing reaches proves nothing. (Runs what was deselected.)"""
    for state in STATES:
        if state not in fired:
            fired[state] = barrage(state, SHOTS, SEED * 1_000_000)
    assert sum(fired.values()) >= min(100_000, SHOTS * len(STATES))
    unused = [TABLE[k] for k in range(len(TABLE)) if not hits.get(k)]
    assert not unused, "\n".join(map(str, unused))


@pytest.mark.parametrize("state", STATES)
def test_a_short_barrage_in(state):
    """The fast suite's share."""
    barrage(state, 120, SEED * 1_000_000 + 500_000)


def test_the_table_knows_every_state():
    assert set(ALL.split()) == set(STATES) and len(STATES) == 11


def test_no_row_lets_a_blind_segment_kill_a_connection():
    """Of the table itself: who leaves a live connection for CLOSED is a RST at RCV.NXT exactly,
    the ACK of our FIN, or text behind a valid ACK that nobody reads any more."""
    for row in TABLE:
        if "CLOSED" in row.then and set(row.states) & set(CONNECTED.split()):
            assert row.segment in ("rst", "acks-our-fin", "new-text no-reader"), row
            if row.segment == "rst":
                earlier = [
                    r.segment
                    for r in TABLE[: TABLE.index(row)]
                    if set(row.states) <= set(r.states)
                ]
                assert "rst !exact" in earlier and "rst number-outside" in earlier
