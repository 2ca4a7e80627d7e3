"""Two stacks over every kind of bad wire: each octet arrives once and in order, both ends close,
nothing is left.

A failure names the seed and the parameters and prints the command that replays it
(tools/proof/simtalk.py). UIPY_SIM_RUNS and UIPY_SIM_SEED widen the search.
"""

import itertools
import os
import random

import pytest
from proof.simtalk import Talk

RUNS = int(os.environ.get("UIPY_SIM_RUNS", "200"))
SEED = int(os.environ.get("UIPY_SIM_SEED", "1"))

EVERYTHING = {"reassembly": 4, "sack": 1, "timestamps": 1, "window_scale": 1, "ecn": 1}
WIRES = [
    {"loss": loss, "reorder": reorder, "dup": dup, "delay": delay, **queue}
    for loss, reorder, dup, delay, queue in itertools.product(
        (0, 3, 10), (0, 15), (0, 10), (1, 40), ({}, {"rate": 100, "buffer": 6})
    )
]
SPACE = {
    "loss": (0, 0, 1, 3, 8, 15), "reorder": (0, 0, 5, 30), "dup": (0, 0, 5, 20),
    "corrupt": (0, 0, 0, 3), "delay": (0, 1, 10, 50, 300), "jitter": (0, 0, 5, 40),
    "rate": (0, 0, 20, 200), "buffer": (4, 10, 0), "busy": (0, 0, 0, 30),
    "l2": (0, 14), "mtu": (1500, 1500, 1500, 576, 296), "mtu2": (0, 0, 1500, 576),
    "reassembly": (0, 1, 4), "sack": (0, 1), "timestamps": (0, 1), "window_scale": (0, 1),
    "ecn": (0, 1, 2), "cookies": (0, 0, 1),
    "room": (0, 0, 100, 536, 3000, 30000, 120000), "max_flight": (0, 0, 1, 2),
    "up": (0, 1, 700, 5000, 20000), "down": (0, 1, 700, 5000, 20000), "conns": (1, 1, 1, 3),
    "reader": ("fast", "fast", "partial", "slow"), "source": ("bytes", "ring", "pieces"),
    "close": ("finish", "shutdown", "answer"), "urgent": (0, 0, 0, 1),
    "start": (1000, 1000, 2**30 - 5000, 2**30 - 300),
}  # fmt: skip


def name(how):
    return ",".join("%s=%s" % kv for kv in how.items())


@pytest.mark.parametrize("wire", WIRES, ids=name)
@pytest.mark.parametrize("options", ({}, EVERYTHING), ids=("plain", "everything"))
def test_every_octet_arrives_over(wire, options):
    Talk(seed=SEED, up=8000, down=8000, **wire, **options).run()


def sample(seed):
    """A point of the whole space of wires, stacks and applications."""
    rng = random.Random(seed)
    how = {key: rng.choice(values) for key, values in SPACE.items()}
    how["seed"] = seed
    how["limit"] = (
        3600  # an application that refuses octets on a wire that loses them backs off to minutes
    )
    if how["mtu2"] and how["mtu2"] > how["mtu"]:
        how["mtu2"] = 0
    if not how["rate"]:
        how["buffer"] = 0
    # A window of a few octets, each of which costs a round trip, and a wire of seconds:
    # shorter texts, or hours.
    if how["room"] in (100, 536) or how["reader"] != "fast" or how["delay"] == 300:
        how["up"], how["down"] = min(how["up"], 3000), min(how["down"], 3000)
    return how


@pytest.mark.parametrize("seed", range(SEED * 1000, SEED * 1000 + RUNS))
def test_any_stack_any_application_any_wire(seed):
    Talk(**sample(seed)).run()


def test_the_same_seed_gives_the_same_frames():
    def frames():
        talk = Talk(seed=5, loss=5, reorder=10, dup=5, **EVERYTHING)
        talk.net.record()
        talk.run()
        return talk.net.log

    assert frames() == frames()
