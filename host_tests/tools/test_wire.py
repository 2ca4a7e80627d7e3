"""The bad wire: what it was asked for, and the same again for the same seed."""

from itertools import pairwise

import pytest
from wire.recorder import Recorder, read
from wire.wire import DOWN, UP, Wire, parse

MAC = bytes(range(12))
FRAMES = [MAC + b"\x08\x00" + k.to_bytes(4, "big") + bytes(50) for k in range(4000)]


def through(text, way=UP, frames=FRAMES):
    """What comes out, as (ms, frame), when one frame enters each millisecond."""
    wire = Wire(text)
    out = []
    for now, frame in enumerate(frames):
        wire.push(way, frame, now)
        out += arrived(wire, now)
    at = wire.next()
    while at is not None:
        out += arrived(wire, at)
        at = wire.next()
    return out


def arrived(wire, now):
    out = []
    got = wire.pop(now)
    while got:
        out.append((now, got[1]))
        got = wire.pop(now)
    return out


def test_a_perfect_wire_changes_nothing():
    assert through("") == list(enumerate(FRAMES))


def test_the_same_seed_does_the_same_and_another_one_does_not():
    text = "loss=5,reorder=2,dup=1,corrupt=1,delay=20,jitter=5,seed=%d"
    assert through(text % 7) == through(text % 7)
    assert through(text % 7) != through(text % 8)


def test_the_directions_do_not_disturb_each_other():
    alone = through("loss=10,seed=3")
    wire, out = Wire("loss=10,seed=3"), []
    for now, frame in enumerate(FRAMES):
        wire.push(DOWN, frame, now)
        wire.push(UP, frame, now)
        got = wire.pop(now)
        while got:
            out += [(now, got[1])] if got[0] == UP else []
            got = wire.pop(now)
    assert out == alone
    assert through("down.loss=100", UP) == through("")
    assert through("down.loss=100", DOWN) == []


def test_loss_and_duplication_come_in_the_per_cent_asked_for():
    assert len(through("loss=5")) / len(FRAMES) == pytest.approx(0.95, abs=0.02)
    assert len(through("dup=5")) / len(FRAMES) == pytest.approx(1.05, abs=0.02)
    assert {f for _, f in through("dup=5")} == set(FRAMES)


def test_reordering_keeps_every_frame_and_changes_some_places():
    frames = [f for _, f in through("reorder=5,delay=10")]
    assert sorted(frames) == FRAMES
    late = sum(b < a for a, b in pairwise(frames))
    assert late / len(FRAMES) == pytest.approx(0.05, abs=0.025)


def test_corruption_flips_one_bit_behind_the_ethernet_header_and_never_in_arp():
    out = through("corrupt=5")
    bad = [(a, b) for a, (_, b) in zip(FRAMES, out, strict=True) if a != b]
    assert len(bad) / len(FRAMES) == pytest.approx(0.05, abs=0.02)
    for a, b in bad:
        assert a[:14] == b[:14]
        assert sum((x ^ y).bit_count() for x, y in zip(a, b, strict=True)) == 1
    arp = [MAC + b"\x08\x06" + bytes(28)] * 1000
    assert [f for _, f in through("corrupt=100", frames=arp)] == arp


def test_delay_and_rate_take_their_time():
    assert [at for at, _ in through("delay=20")] == [k + 20 for k in range(len(FRAMES))]
    # 66 octets a frame at 544 kbit/s are one a millisecond; at half of it every second one
    # finds the queue full.
    assert len(through("rate=544")) == len(FRAMES)
    assert len(through("rate=272,buffer=10")) == pytest.approx(len(FRAMES) / 2, rel=0.02)


@pytest.mark.parametrize(
    "text",
    ["los=5", "loss", "loss=x", "loss=101", "left.loss=5", "delay=-1", "delay=1.5", "up.seed=1"],
)
def test_what_it_does_not_know_is_refused_with_what_to_write(text):
    with pytest.raises(ValueError, match=r"number|per cent"):
        parse(text)


def test_a_recording_gives_back_the_frames_and_their_times(tmp_path):
    path = tmp_path / "r.pcap"
    recorder = Recorder(path)
    recorder.add(FRAMES[1], at=1.5)
    recorder.add(FRAMES[2], at=2.25)
    assert [(float(at), f) for at, f in read(path)] == [(1.5, FRAMES[1]), (2.25, FRAMES[2])]
    recorder.close()
