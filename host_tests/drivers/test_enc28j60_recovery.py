"""The recoveries of the ENC28J60 driver, step by step: what each has to put right besides what was
found wrong, or else the next fault comes of the recovery itself."""

import pytest
from chips.faults import Call
from chips.rig import MoveRig, Rig, frame
from drivers.test_enc28j60_frames import Stop
from lab.bus import Elsewhere
from uipy.drivers.enc28j60 import registers

WCR, BFS, BFC = 0x40, 0x80, 0xA0
ECON1, ERXST, ERXND, ERXRDPT = 0x1F, 0x08, 0x0A, 0x0C
RXRST, RXEN = 0x40, 0x04


def rig_up(make=Rig, **kw):
    rig = make("enc28j60", **kw)
    rig.run(600)
    assert rig.echo(frame())
    return rig


def events(rig):
    return {k: v for k, v in rig.counters().items() if k not in ("rx", "tx", "link")}


def writes(rig, what):
    """The instructions of two octets that the driver sends meanwhile."""
    rig.wiring.log = []
    what()
    log, rig.wiring.log = rig.wiring.log, None
    return [octets for _, octets, size in log if size == 2]


def next_is_wrong(rig):
    rig.chip.fault.next_wrong = 1
    rig.chip.wire_in(frame(200))


def test_a_receiver_reset_stops_it_first_and_writes_the_whole_ring_anew():
    """DS39662E 7.2.4, 3.2.1: the write pointer goes to ERXST when that is written."""
    rig = rig_up()
    next_is_wrong(rig)
    log = writes(rig, rig.poll)
    assert events(rig) == {"rx_reset": 1}
    first = log.index(bytes((BFC | ECON1, RXEN)))
    reset = log.index(bytes((BFS | ECON1, RXRST)))
    again = log.index(bytes((BFS | ECON1, RXEN)))
    assert first < reset < log.index(bytes((BFC | ECON1, RXRST))) < again
    ring = log[reset:again]
    for at, v in ((ERXST, 0), (ERXND, registers.RX_END), (ERXRDPT, registers.RX_END)):
        low, high = bytes((WCR | at, v & 0xFF)), bytes((WCR | at + 1, v >> 8))
        assert low in ring and ring.index(high) > ring.index(low)


@pytest.mark.parametrize("name", ["ERXSTL", "ERXSTH", "ERXNDL", "ERXNDH"])
def test_a_ring_that_was_spoilt_is_whole_after_a_receiver_reset(name):
    rig = rig_up()
    good = rig.chip.reg[name]
    next_is_wrong(rig)
    rig.chip.reg[name] ^= 0x04
    rig.poll()
    assert events(rig) == {"rx_reset": 1} and rig.chip.reg[name] == good


def rxen_is_found_cleared_soon(rig):
    """A health check comes at once, though the last one was just now."""
    rig.chip.reg["ECON1"] &= ~RXEN
    rig.run(2)
    return events(rig).get("rxen_off") == 1


def test_a_health_check_follows_a_receiver_reset():
    for wait in range(5, 100, 10):
        rig = rig_up()
        rig.run(wait)
        next_is_wrong(rig)
        rig.poll()
        assert events(rig) == {"rx_reset": 1}
        assert rxen_is_found_cleared_soon(rig)


def test_a_health_check_follows_a_transmission_that_did_not_end():
    for wait in range(5, 100, 10):
        rig = rig_up(MoveRig)
        rig.run(wait)
        rig.chip.fault.tx_stuck = 1
        rig.buf[2:62] = frame()
        assert rig.move(-60) == 0
        rig.run(98.5)  # with health checks in between, the last one a while ago
        rig.chip.reg["ECON1"] &= ~RXEN
        rig.run(3)
        assert events(rig) == {"tx_timeout": 1, "rxen_off": 1}, wait


def test_a_bank_that_is_not_known_is_selected_whole():
    """Nothing is set up anew, so that the bits that nobody expected go one by one."""
    for bank in (1, 2, 3):
        rig = rig_up(recover=registers.R_ALL & ~registers.R_CONFIG)
        rig.chip.reg["ECON1"] = rig.chip.reg["ECON1"] & ~3 | bank
        rig.run(300)
        assert rig.echo(frame(100)) and events(rig) == {}


def test_each_attempt_has_its_own_time():
    """Ten late collisions at a slow bit rate: 200 ms together, none overdue."""
    rig = rig_up()
    rig.chip.bit_rate = 50_000
    rig.chip.fault.late = 10
    begun = rig.clock.ns
    assert rig.send(frame(100)) and rig.sent[-1] == frame(100)
    assert events(rig) == {"tx_late": 10} and rig.clock.ns - begun > 150_000_000


def test_a_frame_that_comes_in_at_any_moment_of_a_health_check_is_no_reason_to_reset():
    k = 0
    while True:
        rig = rig_up()
        while rig.dev.still() > 1:
            rig.clock.advance_ms(1)
        before = rig.wiring.transactions
        given = frame(300, fill=k)
        rig.wiring.at(k, Call(lambda: rig.chip.wire_in(given)))  # noqa: B023
        rig.clock.advance_ms(1)
        rig.run(20)
        assert events(rig) == {}, k
        if rig.wiring.faults:
            assert k > 20 and rig.wiring.transactions - before >= k - 1
            return
        assert rig.got[-1] == given, k
        k += 1


def broken_off(rig):
    """Ctrl-C in the next step."""
    transfer = rig.wiring.transfer

    def stop(out):
        rig.wiring.transfer = transfer
        raise Stop

    rig.wiring.transfer = stop
    with pytest.raises(Stop):
        for _ in range(200):
            rig.move(0)
            rig.clock.advance_ms(1)
    rig.moved = None


def test_a_new_start_forgets_the_frames_that_waited():
    """They were counted by a health check, and are not there any more."""
    rig = rig_up(MoveRig, pins=False)
    rig.wiring.lost_edges = 1
    rig.clock.advance_ms(200)  # a check is due, and finds them
    for k in range(3):
        rig.chip.wire_in(frame(100, fill=k))
    assert rig.poll() == frame(100)
    broken_off(rig)
    rig.run(300)
    assert events(rig) == {"reinit": 1} and rig.echo(frame(77))


def test_a_new_start_begins_at_the_beginning_of_the_ring():
    """Where room was given back before has no meaning in a chip that is set up anew."""
    rig = rig_up()
    for k in range(25):
        assert rig.echo(frame(100 + k))
    rig.run(150)
    rig.chip.brown_out()
    rig.run(500)
    assert events(rig) == {"reinit": 1}
    assert all(rig.echo(frame(200 + k)) for k in range(40))
    assert events(rig) == {"reinit": 1}


def test_a_chip_that_could_not_be_set_up_because_of_the_bus_is_so_as_soon_as_it_is_free():
    for wait in range(5, 100, 10):
        bus = Elsewhere()
        rig = rig_up(MoveRig, bus=bus)
        rig.run(wait)
        rig.chip.wire_in(frame())
        broken_off(rig)
        bus.taken = True
        rig.move(0)
        assert not rig.dev._up  # nobody knows where it was left
        bus.taken = False
        rig.clock.advance_ms(1)
        rig.run(1)
        assert rig.echo(frame(99)), wait


def test_the_cable_of_a_chip_that_came_back_is_looked_at_at_once():
    for wait in range(0, 500, 60):
        rig = Rig("enc28j60", before=lambda r: setattr(r.chip.fault, "absent", 0), wait=True)
        rig.run(600 + wait)
        rig.chip.fault.absent = None
        rig.chip.power_on()
        rig.chip.link(True)
        rig.run(250)
        while not rig.dev._up:
            rig.run(1)
        rig.run(250)
        assert rig.dev.link_up(), wait


def test_silence_is_counted_once_a_minute():
    rig = rig_up()
    for _ in range(1300):
        rig.poll()
        rig.clock.advance_ms(100)
    assert events(rig) == {"rx_quiet": 2}


@pytest.mark.parametrize("name", ["MABBIPG", "MAMXFLH", "MAADR3", "ERXFCON", "EIE"])
def test_rxen_cleared_makes_the_whole_table_be_looked_at(name):
    """A brown-out, perhaps: RXEN is not just set again in a chip that has lost more."""
    for wait in range(10, 400, 60):
        rig = rig_up()
        rig.run(wait)
        rig.chip.reg["ECON1"] &= ~RXEN
        rig.chip.reg[name] ^= 0x10
        rig.run(150)
        assert events(rig) == {"reinit": 1}, wait
