"""Frames at the end of the W5100S's memories, which do not wrap by themselves (data sheet 1.2)."""

import pytest
from chips.faults import FlipMiso
from chips.rig import PEER, Rig, frame
from lab.spilog import listened

SIZE = 8192
# Octets from the end at which the packet, and the frame sent, begin; octets of the frame; how it
# is read and written. 1664 is the first place from which a transfer could run over the end.
PLACES = [
    ((1664, 60), "rx@1980?66", "tx@1980=64"),
    ((1663, 60), "rx@1981?1 rx@1982?1 rx@197f?64", "tx@197d=64"),
    ((1663, 1514), "rx@1981?1 rx@1982?1 rx@1983?1472 rx@1f2d?64", "tx@1981=1472 tx@1f2b=64"),
    ((1600, 100), "rx@19c0?1 rx@19c1?1 rx@19c2?64 rx@19e6?64", "tx@19c0=64 tx@19e4=64"),
    ((1, 60), "rx@1fff?1 rx@0000?1 rx@0001?64", "tx@1fc0=64 tx@0000=64"),
    ((2, 60), "rx@1ffe?1 rx@1fff?1 rx@0000?64", "tx@1fc0=64 tx@0000=64"),
    ((3, 60), "rx@1ffd?1 rx@1ffe?1 rx@1fc0?64 rx@0000?64", "tx@1fc0=64 tx@0000=64"),
    ((66, 64), "rx@1fbe?1 rx@1fbf?1 rx@1fc0?64", "tx@1fbe=64"),
    ((65, 64), "rx@1fbf?1 rx@1fc0?1 rx@1fc0?64 rx@0000?64", "tx@1fbf=64"),
    ((34, 60), "rx@1fde?1 rx@1fdf?1 rx@1fc0?64 rx@0000?64", "tx@1fc0=64 tx@0000=64"),
    ((67, 65), "rx@1fbd?1 rx@1fbe?1 rx@1fbf?64 rx@1fc0?64", "tx@1fbd=64 tx@1fbe=64"),
    ((67, 66), "rx@1fbd?1 rx@1fbe?1 rx@1fbf?64 rx@1fc0?64 rx@0000?64", "tx@1fbd=64 tx@1fbf=64"),
    ((64, 64), "rx@1fc0?1 rx@1fc1?1 rx@1fc0?64 rx@0000?64", "tx@1fc0=64"),
    ((64, 128), "rx@1fc0?1 rx@1fc1?1 rx@1fc0?64 rx@0000?64 rx@0002?64", "tx@1fc0=64 tx@0000=64"),
    (
        (130, 200),
        "rx@1f7e?1 rx@1f7f?1 rx@1f80?128 rx@0000?128",
        "tx@1f7e=128 tx@1fc0=64 tx@0000=64 tx@003e=64",
    ),
    ((130, 129), "rx@1f7e?1 rx@1f7f?1 rx@1f80?128 rx@0000?64", "tx@1f7e=128 tx@1fbf=64"),
    (
        (700, 1514),
        "rx@1d44?1 rx@1d45?1 rx@1d46?640 rx@1fc0?64 rx@0000?64 rx@0006?814",
        "tx@1d44=640 tx@1fc0=64 tx@0000=64 tx@0004=814",
    ),
    (
        (1000, 1000),
        "rx@1c18?1 rx@1c19?1 rx@1c1a?960 rx@1fc0?64 rx@0000?64",
        "tx@1c18=960 tx@1fc0=64",
    ),
    ((1002, 1000), "rx@1c16?1 rx@1c17?1 rx@1c18?960 rx@1fc0?64", "tx@1c16=960 tx@1fbe=64"),
    ((1003, 1000), "rx@1c15?1 rx@1c16?1 rx@1c17?960 rx@1fbf?64", "tx@1c15=960 tx@1fbd=64"),
    ((60, 60), "rx@1fc4?1 rx@1fc5?1 rx@1fc0?64 rx@0000?64", "tx@1fc0=64"),
    ((63, 60), "rx@1fc1?1 rx@1fc2?1 rx@1fbf?64", "tx@1fbd=64"),
    ((61, 61), "rx@1fc3?1 rx@1fc4?1 rx@1fc0?64 rx@0000?64", "tx@1fc0=64"),
    ((1, 1514), "rx@1fff?1 rx@0000?1 rx@0001?1518", "tx@1fc0=64 tx@0000=64 tx@003f=1454"),
    ((65, 63), "rx@1fbf?1 rx@1fc0?1 rx@1fc0?64", "tx@1fbe=64"),
    (
        (66, 1514),
        "rx@1fbe?1 rx@1fbf?1 rx@1fc0?64 rx@0000?1454",
        "tx@1fbe=64 tx@1fc0=64 tx@0000=64 tx@003e=1390",
    ),
]


def begun(back, **kw):
    """A W5100S whose pointers begin so many octets before the end, and what is said to it."""
    place = SIZE - back
    rig, log = listened(
        Rig, "w5100s", before=lambda r: setattr(r.chip, "open_pointer", place), **kw
    )
    log.clear()
    return rig, log


def of(memory, log):
    return " ".join(line for line in log.told() if line.startswith(memory))


@pytest.mark.parametrize(("place", "read", "written"), PLACES)
def test_no_transfer_runs_over_the_end_and_none_is_longer_than_it_must(place, read, written):
    """The chunks are of 64 octets, the one in which the memory ends is read and written alone."""
    back, n = place
    rig, log = begun(back)
    rig.chip.wire_in(frame(n))
    assert rig.poll() == frame(n) and of("rx@", log) == read
    assert rig.send(frame(n, dst=PEER)) and of("tx@", log) == written
    assert rig.sent == [frame(n, dst=PEER)] and rig.chip.complaints == []
    assert rig.counters() == {"rx": 1, "tx": 1, "link": 1}
    assert rig.echo(frame(61))


@pytest.mark.parametrize("n", [60, 65, 300, 1514])
def test_buffers_in_turn_each_have_their_own_chunks(n):
    """The generator of each buffer cuts it again when another one was cut meanwhile."""
    rig, _ = begun(1663)
    bufs = [bytearray(1600), bytearray(1520)]
    moves = [rig.dev.frames(buf).send for buf in bufs]
    for move in moves:
        move(None)
    for k in range(120):
        buf, other = bufs[k & 1], bufs[~k & 1]
        kept = bytes(other)
        rig.chip.wire_in(frame(n, fill=k))
        assert moves[k & 1](0) == n
        assert buf[2 : 2 + n] == frame(n, fill=k) and other == kept
        f = frame(n, dst=PEER, fill=~k & 0xFF)
        buf[2 : 2 + n] = f
        assert moves[k & 1](-n) == 0
        rig.clock.advance_ms(1)
        assert moves[~k & 1](-1) == 1 and rig.sent[-1] == f and other == kept
    assert rig.chip.complaints == []


@pytest.mark.parametrize("back", [1700, 1664, 1663, 1500, 62, 3, 2, 1])
def test_length_read_wrong_once_near_the_end_is_read_again(back):
    for octet, bit in ((3, 7), (4, 0), (4, 3)):
        rig, _ = begun(back, pins=False)
        rig.chip.wire_in(frame(200))
        whole = back >= 1664  # the length comes in one transaction with the frame, else in two
        rig.wiring.at(1 if whole or octet == 3 else 2, FlipMiso(octet if whole else 3, bit))
        rig.run(1)
        assert rig.got == [frame(200)] and rig.counters() == {"rx": 1, "link": 1}


@pytest.mark.parametrize("back", [8000, 1700, 1665, 1664])
def test_frame_read_again_goes_to_the_buffer_that_was_given(back):
    """Not to the one whose chunks were made last."""
    rig, _ = begun(back, pins=False)
    one, two = bytearray(1520), bytearray(1520)
    moves = [rig.dev.frames(buf).send for buf in (one, two)]
    for move in moves:
        move(None)
    rig.chip.wire_in(frame(200))
    rig.wiring.at(1, FlipMiso(3, 7))
    assert moves[0](0) == 200 and one[2:202] == frame(200) and two == bytearray(1520)


@pytest.mark.parametrize("n", [64, 65, 127, 128])
def test_no_more_chunks_are_read_behind_the_end_than_the_frame_has(n):
    for back in (1, 2):
        rig, log = begun(back)
        rig.chip.wire_in(frame(n))
        assert rig.poll() == frame(n)
        assert of("rx@", log).split()[-1] == f"rx@{2 - back:04x}?{-(-n // 64) * 64}"


@pytest.mark.parametrize("n", [128, 1514])
@pytest.mark.parametrize("back", [98, 100, 102, 1498, 1500, 1502])
def test_last_chunk_that_the_end_cuts_is_no_transfer_too_many(back, n):
    rig, log = begun(back)
    rig.chip.wire_in(frame(n))
    assert rig.poll() == frame(n) and rig.send(frame(n, dst=PEER))
    assert rig.sent == [frame(n, dst=PEER)]
    told = log.told()
    assert not [line for line in told if line[:3] in ("rx@", "tx@") and line[8:] == "0"]
    assert not [line for line in told if line[:3] in ("rx@", "tx@") and int(line[8:]) > n + 63]


def test_length_that_cannot_be_at_the_end_reads_no_frame():
    rig, log = begun(1)
    rig.chip.fault.length_wrong, rig.chip.fault.length = 1, 15
    rig.chip.wire_in(frame(100))
    rig.poll()
    assert of("rx@", log) == "rx@1fff?1 rx@0000?1 rx@1fff?1 rx@0000?1"


@pytest.mark.parametrize("back", [1664, 1663, 300, 62, 1])
def test_frame_near_the_end_that_does_not_fit_is_passed_over(back):
    rig, _ = begun(back, size=202)
    rig.chip.wire_in(frame(201))
    rig.chip.wire_in(frame(200, fill=5))
    rig.run(1)
    assert rig.got == [frame(200, fill=5)]
    assert rig.counters() == {"rx": 1, "rx_long": 1, "link": 1}
    assert rig.chip.complaints == []


@pytest.mark.parametrize("back", [1664, 1663, 300, 62, 1])
def test_length_near_the_end_that_cannot_be_opens_the_socket_anew(back):
    rig, _ = begun(back)
    rig.chip.fault.length_wrong, rig.chip.fault.length = 1, 15
    rig.chip.wire_in(frame(100))
    rig.run(1)
    assert rig.counters() == {"rx_bogus": 1, "reopened": 1, "link": 1}
    assert rig.echo(frame(100)) and rig.chip.complaints == []
