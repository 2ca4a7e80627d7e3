"""The recoveries of the WIZnet driver, step by step: what each has to put right besides what was
found wrong, and what is a glitch only."""

import pytest
from chips.faults import Call, FlipMiso
from chips.rig import frame
from drivers.test_enc28j60_frames import Stop
from lab.bus import Elsewhere

KINDS = ("w5500", "w5100s", "w6100")
CHECK_MS = 250


def up(make, **kw):
    rig = make(**kw)
    rig.run(300)
    assert rig.echo(frame())
    return rig


def events(rig):
    return {k: v for k, v in rig.counters().items() if k not in ("rx", "tx", "link")}


def before_a_check(rig):
    """All is read and given back; the next health check is due within a millisecond."""
    rig.run(2 * CHECK_MS)
    while rig.dev.still() > 1:
        rig.clock.advance_ms(1)
        assert rig.dev.can_send()
    rig.clock.advance_ms(1)


def transactions_of_a_check(make):
    rig = up(make)
    before_a_check(rig)
    before = rig.wiring.transactions
    rig.poll()
    assert rig.wiring.transactions - before >= 10
    return rig.wiring.transactions - before


def test_pointers_that_moved_are_written_again_and_no_frame_is_lost(broken):
    """RX_RD and RECV: what waits in the memory stays, the socket is not opened anew."""
    rig = up(broken)
    before_a_check(rig)
    for k in range(3):
        rig.chip.wire_in(frame(100, fill=k))
    rig.chip.s0["RX_RD"] = (rig.chip.s0["RX_RD"] + 20) & 0xFFFF
    rig.run(10)
    assert rig.got[-3:] == [frame(100, fill=k) for k in range(3)]
    assert events(rig) == {"rx_doubt": 1, "rx_resync": 1}


def test_a_frame_behind_another_at_any_moment_of_a_health_check_is_found_at_once(make):
    """The flag that it raises may be the one that is cleared for the first: it is counted again
    behind that."""
    for k in range(transactions_of_a_check(make) + 6):
        rig = up(make)
        before_a_check(rig)
        rig.wiring.lost_edges = 2
        rig.wiring.at(k, Call(lambda rig=rig: rig.chip.wire_in(frame(90, fill=2))))
        rig.wiring.at(max(k - 1, 0), Call(lambda rig=rig: rig.chip.wire_in(frame(80, fill=1))))
        rig.run(5)
        if not rig.wiring.faults:
            assert sorted(map(len, rig.got[-2:])) == [80, 90], k
        assert events(rig) == {}, k


def test_a_pin_that_lies_now_and_then_is_not_stuck(make):
    """Low though nothing came: once, then by a flag that goes when it is cleared, then again."""
    rig = up(make)
    for _ in range(4):
        rig.chip.fault.int_stuck = 0
        rig.poll()
        rig.chip.fault.int_stuck = None
        rig.chip.s0["IR"] |= 0x04
        rig.poll()
    assert events(rig) == {}


def test_the_cable_is_looked_at_as_soon_as_the_chip_is_set_up(broken):
    rig = up(broken)
    told = []
    rig.dev.on_link = told.append
    rig.chip.brown_out()
    while not rig.counters().get("reinit"):
        rig.poll()
        rig.clock.advance_ms(0.1)
        if rig.counters().get("chip_lost") and not rig.counters().get("reinit"):
            assert not rig.dev.link_up() and told == [False]
    assert rig.dev.link_up() and told == [False, True]
    assert rig.echo(frame())


def test_a_glitch_in_any_answer_of_a_health_check_is_asked_about_again(make):
    """One wrong reading is no reason to set the chip up anew, nor to say that the cable is out."""
    for k in range(transactions_of_a_check(make)):
        for octet, bit in ((3, 0), (3, 3), (3, 6), (4, 1)):
            rig = up(make)
            before_a_check(rig)
            link = rig.counters()["link"]
            rig.wiring.at(k, FlipMiso(octet, bit))
            rig.run(5)
            assert set(events(rig)) <= {"rx_doubt"}, (k, octet, bit)
            assert rig.counters()["link"] == link, (k, octet, bit)
            assert rig.echo(frame(70)), (k, octet, bit)


def broken_off(rig):
    """Ctrl-C in the middle of a frame."""
    transfer = rig.wiring.transfer

    def stop(out):
        rig.wiring.transfer = transfer
        raise Stop

    rig.chip.wire_in(frame())
    rig.wiring.transfer = stop
    with pytest.raises(Stop):
        for _ in range(200):
            rig.poll()
            rig.clock.advance_ms(1)


@pytest.mark.parametrize("taken", [False, True])
def test_after_an_exception_the_socket_is_opened_anew_or_all_is_set_up(broken, taken):
    """All, when the bus was someone else's then: the chip may have heard half a transaction."""
    bus = Elsewhere()
    rig = up(broken, bus=bus)
    broken_off(rig)
    bus.taken = taken
    rig.poll()
    bus.taken = False
    rig.run(CHECK_MS)
    assert events(rig) == ({"reinit": 1} if taken else {"reopened": 1})
    assert all(rig.echo(frame(60 + k)) for k in range(20))


def test_a_health_check_that_finds_a_frame_leaves_int_high(make):
    """Its flag is cleared before it is counted, as always."""
    rig = up(make)
    before_a_check(rig)
    rig.chip.wire_in(frame(90))
    assert rig.poll() == frame(90) and rig.chip.int_level == 1
    assert events(rig) == {}


def ignored(rig, command):
    """The chip does not hear this command the next time."""
    hear = rig.chip.command
    left = [1]

    def deaf(regs, heard):
        if heard == command and left:
            left.clear()
        else:
            hear(regs, heard)

    rig.chip.command = deaf


def test_a_socket_that_does_not_close_makes_all_be_set_up_anew(broken):
    rig = up(broken)
    ignored(rig, 0x10)
    rig.chip.fault.tx_stuck = 1
    assert rig.send(frame(dst=b"\x02" * 6))
    rig.run(500)
    assert events(rig) == {"tx_timeout": 1, "reopened": 1, "reinit": 1}
    assert all(rig.echo(frame(60 + k)) for k in range(20))


def test_a_setup_that_fails_by_a_glitch_is_tried_again_soon(broken):
    rig = up(broken)
    ignored(rig, 0x01)
    rig.chip.brown_out()
    rig.run(1000)
    assert events(rig) == {"chip_lost": 1, "reinit": 1}
    assert all(rig.echo(frame(60 + k)) for k in range(20))


def test_pointers_that_moved_are_found_when_room_is_given_back(broken):
    """Not only by the next health check: a backlog is read with what is known."""
    rig = up(broken)
    rig.run(2 * CHECK_MS)
    given = []
    while rig.chip.wire_in(frame(300, fill=len(given))):
        given.append(frame(300, fill=len(given)))
    rig.got.clear()
    rig.poll()
    rig.chip.s0["RX_RD"] = (rig.chip.s0["RX_RD"] + 20) & 0xFFFF
    begun = rig.clock.ns
    for _ in range(len(given)):
        rig.poll()
    assert rig.clock.ns - begun < 100_000_000 and rig.got == given
    assert {"rx_doubt": 1, "rx_resync": 1}.items() <= events(rig).items()
