"""Two simulated days of each chip with a fault every few minutes (tools/proof/soak.py);
UIPY_SOAK_DAYS makes it more.
"""

import os

import pytest
from lab import framelog
from proof import soak

DAYS = float(os.environ.get("UIPY_SOAK_DAYS", "2"))


@pytest.mark.slow
def test_the_page_is_served_after_days_of_faults(kind):
    with framelog.silent():
        life = soak.Soak(kind, seed=1)
    grown = life.run(DAYS)  # every exchange came through, no counter moved without a cause
    page = life.fetch()
    assert page.startswith(b"HTTP/1.1 200 ") and len(page) > 1000
    assert life.pair.client.reason is None, "one connection for all the days"
    assert sum(life.events.values()) > 200 * DAYS
    assert len(life.events) == len(life.faults), "each fault came up"
    assert grown < 300, "blocks of heap, a third of them the test's own lists"
    unexplained = set(life.trouble()) - set(life.causes) - {"link", "rx_quiet"}
    assert not unexplained


def test_a_driver_that_does_not_recover_does_not_last(kind):
    """The soak can fail: without recoveries it does, within the first day."""
    life = soak.Soak(kind, seed=1)
    life.rig.dev.recover = 0
    life.patience = 10_000
    with pytest.raises(soak.Failed, match="seed 1, day 0"):
        life.run(1)


def test_a_counter_that_moves_by_itself_is_found(kind):
    life = soak.Soak(kind, seed=1)
    settle = life.settle

    def gremlin():
        settle()
        life.rig.dev.stat[-2] += 1

    life.settle = gremlin
    with pytest.raises(soak.Failed, match="moved without a cause"):
        life.run(1)
