"""What one step of the ENC28J60's generator answers: to whom sends, asks or receives, with and
without INT, while a frame leaves and after it."""

import pytest
from chips.rig import PEER, frame
from drivers.test_enc28j60_octets import arrive, fresh, put, told, trouble
from uipy.drivers.enc28j60 import registers

MOST = 0x3FFFFFFF


def sending(n=60, **kw):
    """-> a rig with a frame on its way."""
    rig = fresh(**kw)
    assert rig.move(-put(rig, frame(n, dst=PEER))) == 0
    return rig


# To whom sends


@pytest.mark.parametrize("m", [60, -60, 1, -4])
@pytest.mark.parametrize(
    ("pins", "waiting", "known", "level", "answer"),
    [
        (True, 0, 0, None, 0),
        (True, 1, 0, None, -1),
        (True, 2, 1, None, -1),
        (True, 2, 1, 1, -1),
        (True, 0, 0, 0, -1),
        (False, 0, 0, None, -1),
        (False, 1, 0, None, -1),
    ],
)
def test_answer_to_a_frame_says_whether_something_may_wait(m, pins, waiting, known, level, answer):
    """-1: a frame waits, or may wait, that this step cannot take. Who gives a negative length does
    not ask."""
    rig = fresh(pins=pins)
    arrive(rig, *[70] * waiting)
    if known:
        assert rig.move(0) == 70
    rig.chip.fault.int_stuck = level
    sent = frame(60, dst=PEER, fill=9)
    put(rig, sent)
    assert rig.move(m) == (answer if m > 0 else 0)
    rig.chip.fault.int_stuck = None
    rig.clock.advance_ms(1)
    assert rig.move(-1) == 1 and rig.counters()["tx"] == 1
    assert rig.sent == [sent[: abs(m)].ljust(60, b"\0")]
    left = waiting - known
    assert [rig.move(-2) for _ in range(left + 1)] == [70] * left + [0]


@pytest.mark.parametrize("m", [60, -60])
def test_a_frame_for_a_chip_that_is_not_there_is_counted(m):
    rig = fresh_without_chip()
    for k in range(3):
        assert rig.move(-1) == 1
        assert told(rig, lambda: rig.move(m)) == []
        assert trouble(rig)["tx_dropped"] == k + 1 and "tx" not in rig.counters()
    rig.dev.stat[registers.N_TX_DROPPED] = MOST
    assert rig.move(-60) == 0 and "tx_dropped" not in trouble(rig)


def fresh_without_chip():
    rig = fresh()
    rig.chip.fault.absent = 0
    rig.clock.advance_ms(100)
    assert rig.move(0) == 0 and not rig.dev._up
    return rig


# To whom asks, and to whom receives


@pytest.mark.parametrize(
    ("m", "waiting", "answer", "octets"),
    [
        (-1, 0, 0, ["1f00"]),
        (-1, 1, 0, ["1f00"]),
        (0, 0, 0, ["1f00"]),
        (0, 1, -1, ["1900", "1f00"]),
        (-2, 0, 0, []),
        (-2, 1, 70, ["1900", "bf01", "4000", "4100", "3a*87", "9e40"]),
    ],
)
def test_answer_while_a_frame_leaves(m, waiting, answer, octets):
    rig = sending()
    arrive(rig, *[70] * waiting)
    got = []
    assert told(rig, lambda: got.append(rig.move(m))) == octets and got == [answer]
    if m == 0 and waiting:
        assert told(rig, lambda: got.append(rig.move(-1))) == ["1f00"] and got[-1] == 0
        assert told(rig, lambda: got.append(rig.move(0))) == ["1f00"] and got[-1] == -1


@pytest.mark.parametrize(
    ("m", "waiting", "answer", "octets"),
    [
        (-1, 0, 1, ["1f00", "1c00"]),
        (-1, 1, 1, ["1f00", "1c00"]),
        (0, 0, 0, ["1f00", "1c00"]),
        (0, 1, 70, ["1900", "1f00", "1c00", "bf01", "4000", "4100", "3a*87", "9e40"]),
        (-2, 0, 0, []),
    ],
)
def test_answer_when_a_frame_has_left(m, waiting, answer, octets):
    rig = sending()
    arrive(rig, *[70] * waiting)
    rig.clock.advance_ms(1)
    got = []
    assert told(rig, lambda: got.append(rig.move(m))) == octets and got == [answer]
    rig.move(-1)
    assert told(rig, lambda: got.append(rig.move(-1))) == [] and got[-1] == 1


def test_answers_of_an_idle_chip():
    rig = fresh()
    for m, answer in ((0, 0), (-1, 1), (-2, 0), (-3, 0), (0, 0)):
        got = []
        assert told(rig, lambda: got.append(rig.move(m))) == [] and got == [answer]  # noqa: B023


def test_without_int_each_look_is_one_question():
    rig = fresh(pins=False)
    rig.move(0)
    assert told(rig, lambda: rig.move(0)) == ["1900"] == told(rig, lambda: rig.move(-2))
    assert told(rig, lambda: rig.move(-1)) == []


def test_what_is_known_of_the_chip_is_handed_over():
    rig = fresh()
    arrive(rig, 1014, 60, 60)
    assert rig.move(0) == 1014
    rig.move(-put(rig, frame(300)))
    assert rig.move(registers.HAND_OVER) == 0 and rig.counters()["tx"] == 1
    dev = rig.dev
    assert (dev._left, dev._next, dev._freed, dev._selected) == (2, 1024, 1024, 1)
    assert (dev._sending, dev._end) == (1, registers.TX_START + 300)
    assert rig.time.ticks_diff(rig.time.ticks_ms(), dev._sent_at) <= 1


@pytest.mark.parametrize("name", ["rx", "tx", "rx_long", "rx_bad"])
def test_counters_begin_anew_after_30_bits(name):
    rig = fresh(size=302)
    place = rig.dev.NAMES.index(name)
    rig.dev.stat[place] = MOST - 1
    for k, expected in enumerate((MOST, 0, 1)):
        at = rig.chip.rx.write_at
        arrive(rig, 400 if name == "rx_long" else 60)
        if name == "rx_bad":
            rig.chip.ram[at + 4] &= 0x7F
        rig.move(0)
        if name == "tx":
            rig.clock.advance_ms(1)
            assert rig.move(-1) == 1
            rig.move(-put(rig, frame(60, fill=k)))
        assert rig.dev.stat[place] == expected


# A transmission that does not end, or badly


@pytest.mark.parametrize("now", [0, 0x3FFFFFFF - 50, 0x1FFFFFFF - 50, 0x3FFFFFFF - 99])
@pytest.mark.parametrize("m", [-1, 0])
def test_a_transmission_is_given_up_after_100_ms(now, m):
    """At any time of the clock, which begins anew after 30 bits."""
    rig = fresh()
    ms = rig.clock.ns // 1_000_000
    ms += (now - ms) % (1 << 30) if now else 1
    rig.clock.ns = ms * 1_000_000
    rig.dev._check_at = rig.dev._heard_at = ms & MOST
    rig.move(0)
    rig.move(registers.HAND_OVER)
    rig.chip.fault.tx_stuck = 1
    rig.move(-put(rig, frame(60)))
    for after in (1, 49, 98, 99):
        rig.clock.ns = (ms + after) * 1_000_000
        assert rig.move(m) == 0 and rig.move(-1) == 0, after
        assert trouble(rig) == {}
    rig.clock.ns = (ms + 100) * 1_000_000
    assert rig.move(m) == (1 if m else 0)
    assert trouble(rig) == {"tx_timeout": 1} and rig.move(-1) == 1


def test_without_that_recovery_it_waits_for_the_chip():
    rig = fresh(recover=registers.R_ALL & ~registers.R_TX)
    rig.chip.fault.tx_stuck = 1
    rig.move(-put(rig, frame(60)))
    for _ in range(50):
        rig.clock.advance_ms(10)
        assert rig.move(-1) == 0
    rig.chip.reg["ECON1"] &= ~registers.TXRTS
    assert rig.move(-1) == 1 and trouble(rig) == {}


@pytest.mark.parametrize(
    ("fault", "m", "answers", "counter"),
    [
        ("late", -1, [0, 1], "tx_late"),
        ("late", 0, [0, 0], "tx_late"),
        ("excess", -1, [1, 1], "tx_failed"),
        ("excess", 0, [0, 0], "tx_failed"),
    ],
)
def test_answers_after_a_transmission_that_failed(fault, m, answers, counter):
    rig = fresh()
    setattr(rig.chip.fault, fault, 1)
    rig.move(-put(rig, frame(60, dst=PEER)))
    for answer in answers:
        rig.clock.advance_ms(1)
        assert rig.move(m) == answer
    assert trouble(rig) == {counter: 1}
    assert rig.sent == ([frame(60, dst=PEER)] if fault == "late" else [])
