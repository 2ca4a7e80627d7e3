"""What a WIZnet driver does when registers or INT cannot be believed: each step, each counter."""

import pytest
from chips.rig import PEER, Rig, frame
from drivers.test_wiznet_said import CLEAR, FILTER, PHY, POINTERS, WATCH, opened
from lab.spilog import listened

KINDS = ("w5500", "w5100s", "w6100")
AT = 0x2BCD
EVERY = 31  # all of `recover`


def at_place(kind, **kw):
    """A rig whose pointers begin at AT, and what is said to it."""
    rig, log = listened(Rig, kind, before=lambda r: setattr(r.chip, "open_pointer", AT), **kw)
    rig.poll()
    log.clear()
    return rig, log


def events(rig):
    return {k: v for k, v in rig.counters().items() if k not in ("rx", "tx", "link")}


def packet(kind):
    """The read of 90 octets at AT."""
    return f"rx@{AT & (0x1FFF if kind == 'w5100s' else 0xFFFF):04x}?98"


def anew(kind):
    return ["S0.CR=10", "S0.SR?1", FILTER[kind][False, False][0], *opened(kind)]


def asked(kind, wrong):
    """What is asked and said when so many readings of RX_RSR are wrong."""
    look = [POINTERS[kind]]
    if wrong < 5:
        return look * (wrong + 1)
    give = [f"S0.RX_RD={AT:04x}", "S0.CR=40"]
    if wrong < 9:
        return [*look * 5, *WATCH[kind], *give, *look * (wrong - 4)]
    return [*look * 5, *WATCH[kind], *give, *look * 4, *anew(kind)]


@pytest.mark.parametrize("wrong", range(10))
@pytest.mark.parametrize("waits", [False, True])
def test_pointers_are_read_again_then_written_again_then_made_anew(kind, wrong, waits):
    rig, log = at_place(kind, pins=False)
    if waits:
        rig.chip.wire_in(frame(90))
    rig.chip.fault.rsr_wrong = wrong
    got = rig.poll()
    told = [line for line in log.told() if line[:3] != "rx@"]
    assert told == asked(kind, wrong)
    assert got == (frame(90) if waits and wrong < 9 else None)
    want = {"rx_doubt": 1} if wrong else {}
    want |= {"rx_resync": 1} if wrong > 4 else {}
    want |= {"reopened": 1} if wrong > 8 else {}
    assert events(rig) == want
    assert rig.echo(frame(70))


@pytest.mark.parametrize("wrong", [1, 5, 9])
def test_pointers_are_left_alone_when_that_is_not_wanted(kind, wrong):
    rig, log = at_place(kind, pins=False, recover=EVERY & ~2)
    rig.chip.fault.rsr_wrong = wrong
    for _ in range(wrong):
        assert rig.poll() is None
    assert log.told() == [POINTERS[kind]] * wrong and events(rig) == {"rx_doubt": wrong}


def test_chip_that_was_lost_is_not_resynchronized(kind):
    rig, log = at_place(kind, pins=False)
    rig.chip.s0["IMR"] = 0
    rig.chip.fault.rsr_wrong = 5
    rig.poll()
    looked = WATCH[kind][: WATCH[kind].index("S0.IMR?1") + 1]
    assert log.told() == [POINTERS[kind]] * 5 + looked * 2
    assert events(rig) == {"rx_doubt": 1, "chip_lost": 1} and not rig.dev.link_up()
    rig.run(300)
    assert events(rig) == {"rx_doubt": 1, "chip_lost": 1, "reinit": 1} and rig.echo(frame())


@pytest.mark.parametrize("wrong", [1, 4, 5, 8, 9])
def test_room_is_given_back_by_a_check_that_had_to_ask_again(kind, wrong):
    rig, log = at_place(kind)
    rig.chip.wire_in(frame(90))
    assert rig.poll() == frame(90)
    rig.run(230)
    rig.chip.fault.rsr_wrong = wrong
    log.clear()
    rig.run(30)
    end = AT + 92
    give = [f"S0.RX_RD={end:04x}", "S0.CR=40"]
    told = [line for line in log.told() if line[0] != "+"]
    look = [POINTERS[kind]]
    want = [*WATCH[kind], PHY[kind], *look * min(wrong + 1, 5)]
    if wrong > 4:
        want += [*WATCH[kind], *give, *look * min(wrong - 4, 4)]
    want += anew(kind) if wrong > 8 else give if wrong < 5 else []
    assert told == want
    assert rig.chip.read_to == (AT if wrong > 8 else end)


# INT


def test_pin_that_lies_is_replaced_by_polling_until_it_is_seen_low(kind):
    rig, log = at_place(kind)
    rig.chip.fault.int_stuck = 1
    assert rig.dev.still() > 0
    rig.chip.wire_in(frame(90))
    rig.run(230)
    assert rig.got == [] and log.told() == [] and rig.dev.still() > 0
    rig.run(30)
    clear = CLEAR[kind] + "04"
    told = log.told()
    at = told.index(clear)
    assert told[at - 1 : at + 3] == [POINTERS[kind], clear, POINTERS[kind], packet(kind)]
    assert set(told[at + 3 :]) == {POINTERS[kind]}
    assert rig.got == [frame(90)] and events(rig) == {"int_missed": 1} and rig.dev.still() == 0
    rig.chip.fault.int_stuck = None
    rig.poll()
    assert rig.dev.still() == 0 and log.told() == [POINTERS[kind]]
    rig.chip.s0["IR"] |= 0x04  # low, but nothing came
    rig.poll()
    assert rig.dev.still() == 0
    rig.chip.wire_in(frame(91))
    assert rig.poll() == frame(91)
    log.clear()
    rig.poll()
    assert log.told() == [clear, POINTERS[kind]]  # by the pin, whose flag stood
    assert rig.dev.still() > 0 and events(rig) == {"int_missed": 1}
    rig.run(5)
    assert log.told() == []


def test_pin_that_stays_low_is_counted_at_the_second_look(kind):
    rig, log = at_place(kind)
    look = [CLEAR[kind] + "04", POINTERS[kind]]
    for k in range(3):
        rig.chip.fault.int_stuck = 0
        rig.poll()
        assert events(rig) == ({"int_stuck": k} if k else {})
        rig.poll()
        assert events(rig) == {"int_stuck": k + 1}
        rig.poll()
        rig.poll()
        assert events(rig) == {"int_stuck": k + 1} and log.told() == look * 4
        rig.chip.fault.int_stuck = None
        rig.poll()
        assert log.told() == []
        rig.chip.fault.int_stuck = 0
        rig.poll()
        assert events(rig) == {"int_stuck": k + 1}  # it was not seen to move
        rig.chip.fault.int_stuck = None
        rig.chip.s0["IR"] |= 0x04
        rig.poll()
        assert log.told() == look * 2


def test_frame_between_two_looks_at_a_low_pin_does_not_begin_the_count_anew(kind):
    rig, _ = at_place(kind)
    rig.chip.fault.int_stuck = 0
    rig.poll()
    rig.chip.wire_in(frame(90))
    assert rig.poll() == frame(90) and events(rig) == {}
    rig.poll()
    assert events(rig) == {"int_stuck": 1}


def test_check_that_finds_frames_with_int_low_is_no_miss(kind):
    """They came just then."""
    rig, log = at_place(kind)
    rig.run(100)
    rig.clock.advance_ms(200)
    rig.chip.wire_in(frame(90))
    log.clear()
    assert rig.poll() == frame(90)
    look = [POINTERS[kind], CLEAR[kind] + "04", POINTERS[kind]]
    told = [line for line in log.told() if line[0] != "+"]
    assert told == [*WATCH[kind], PHY[kind], *look, packet(kind)]
    assert events(rig) == {} and rig.chip.int_level == 1 and rig.dev.still() > 0


def test_look_of_its_own_can_be_left_out(kind):
    rig, log = at_place(kind, recover=EVERY & ~16)
    rig.chip.wire_in(frame(90))
    assert rig.poll() == frame(90)
    log.clear()
    rig.run(240)
    rig.run(20)
    assert [line for line in log.told() if line[0] != "+"] == [*WATCH[kind], PHY[kind]]
    assert rig.chip.read_to == AT


# Sending


@pytest.mark.parametrize("recover", [EVERY, EVERY & ~8])
def test_transmission_has_100_ms(kind, recover):
    rig, log = at_place(kind, recover=recover)
    rig.chip.fault.tx_stuck = 1
    rig.buf[2:62] = frame(dst=PEER)
    begun = rig.time.ticks_ms()
    rig.dev.send(rig.buf, 60)
    log.clear()
    while rig.time.ticks_ms() - begun < 99:
        rig.clock.advance(100_000)
    assert not rig.dev.can_send() and log.told()[-1] == "S0.IR?1" and events(rig) == {}
    while rig.time.ticks_ms() - begun < 100:
        rig.clock.advance(100_000)
    late = recover == EVERY
    assert rig.dev.can_send() is late
    assert log.told() == (["S0.IR?1", *WATCH[kind], *anew(kind)] if late else ["S0.IR?1"])
    assert events(rig) == ({"tx_timeout": 1, "reopened": 1} if late else {})


@pytest.mark.parametrize(("flags", "free"), [(0x10, 1), (0x08, 1), (0x18, 1), (0, 0), (0x30, 0)])
@pytest.mark.parametrize("rest", [0, 0x04, 0x07])
def test_transmission_has_ended_with_sendok_or_timeout(kind, flags, free, rest):
    """Bits that a chip that is there never has set say that none is (W5500 4.2, Sn_IR)."""
    for step in (-1, 0):
        rig, log = at_place(kind)
        move = rig.dev.frames(rig.buf).send
        move(None)
        rig.buf[2:62] = frame(dst=PEER)
        rig.chip.fault.tx_stuck = 1
        assert move(-60) == 0
        if step == 0:
            rig.chip.wire_in(frame(90))
        rig.chip.s0["IR"] = flags | rest | (0x04 if step == 0 else 0)
        log.clear()
        told = move(step)
        if step == 0:
            assert told == (90 if free else -1)
            ended = [CLEAR[kind] + "1c", POINTERS[kind], packet(kind)]
        else:
            assert told == free
            ended = [CLEAR[kind] + "18"]
        assert log.told() == ["S0.IR?1", *(ended if free else ())]
        assert events(rig) == {}


def test_pin_of_a_chip_that_was_just_lost_is_not_judged(kind):
    rig, _ = at_place(kind)
    rig.chip.fault.int_stuck = 0
    rig.poll()
    rig.chip.s0["IMR"] = 0
    rig.chip.fault.rsr_wrong = 5
    rig.poll()
    assert events(rig) == {"rx_doubt": 1, "chip_lost": 1}


def test_pin_that_is_not_asked_is_not_stuck(kind):
    rig, _ = at_place(kind)
    rig.chip.fault.int_stuck = 1
    rig.chip.wire_in(frame(90))
    rig.run(260)
    rig.chip.fault.int_stuck = 0
    for _ in range(4):
        rig.poll()
    assert events(rig) == {"int_missed": 1}
