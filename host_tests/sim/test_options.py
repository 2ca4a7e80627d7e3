"""Each option earns its place on a bad wire: the claims of docs/tcp-options.md."""

import statistics

import pytest
from proof.simtalk import Talk

SEEDS = range(1, 12)
WIRE = {"up": 200_000, "down": 0, "loss": 3, "delay": 10, "room": 16 * 1460}


def runs(**options):
    """(ms, counters of the sender) of a transfer for each seed."""
    out = []
    for seed in SEEDS:
        talk = Talk(seed=seed, **{**WIRE, **options}).run()
        took = talk.pairs[0][1].at_end - talk.net.start
        out.append((took, dict(talk.client.stack.counters()), talk))
    return out


def ms(results):
    return statistics.median(r[0] for r in results)


def total(results, name):
    return sum(r[1][name] for r in results)


@pytest.fixture(scope="module")
def bare():
    return runs()


@pytest.fixture(scope="module")
def pooled():
    return runs(reassembly=16)


@pytest.fixture(scope="module")
def selective():
    return runs(reassembly=16, sack=1)


def test_reassembly_saves_most_of_the_time(bare, pooled):
    assert 3 * ms(pooled) < ms(bare)


def test_a_pool_for_a_quarter_of_the_window_is_better_than_none(bare):
    assert ms(runs(reassembly=4)) < ms(bare)


def test_what_arrived_out_of_order_is_not_sent_again(bare, pooled):
    assert 3 * total(pooled, "tcp_rexmt") < total(bare, "tcp_rexmt")


def test_sack_helps_where_the_window_is_larger_than_the_pool():
    """Several losses in a window: without SACK one hole is closed in a round trip (RFC 6582)."""
    long = {"loss": 1, "delay": 100, "room": 41 * 1460, "reassembly": 16}
    assert ms(runs(sack=1, **long)) < 0.8 * ms(runs(**long))


def test_sack_sends_again_only_what_was_lost(selective):
    """In all, little more than the wire lost of the sender's frames."""
    lost = sum(r[2].net.wires[0][0].lost for r in selective)
    assert total(selective, "tcp_rexmt") < 1.25 * lost
