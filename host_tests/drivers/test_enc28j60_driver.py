"""The ENC28J60 driver against errata and faults: found within a bound, counted, put right; and
with that recovery switched off, not put right.
"""

import pytest
from chips.enc28j60_map import REGS
from chips.rig import MAC, PEER, Rig, frame
from uipy.drivers.enc28j60 import registers
from uipy.drivers.errors import NoChip

CAST = b"\xff" * 6


def rig_up(**kw):
    rig = Rig("enc28j60", **kw)
    rig.run(600)
    assert rig.echo(frame())
    return rig


def events(rig):
    """-> the counters that moved, but for the frames."""
    return {k: v for k, v in rig.counters().items() if k not in ("rx", "tx", "link")}


def alive(rig, within_ms):
    """-> ms until a probe passes in both directions, or None. One comes in each 10 ms."""
    start = rig.clock.ns
    probes = set()
    for k in range(within_ms // 10):
        probe = frame(100, fill=k)
        probes.add(probe)
        rig.chip.wire_in(probe)
        until = rig.clock.ns + 10_000_000
        while rig.clock.ns < until:
            got = rig.poll()
            if got in probes and rig.send(got) and rig.sent[-1:] == [got]:
                return (rig.clock.ns - start) // 1_000_000
            rig.clock.advance(100_000)
    return None


@pytest.mark.parametrize("revision", [2, 4, 5, 6])
@pytest.mark.parametrize("full", [False, True])
def test_every_revision_in_both_duplex_modes(revision, full):
    rig = Rig("enc28j60", model={"revision": revision}, full_duplex=full)
    assert rig.dev.revision == revision
    for n in (60, 61, 590, 1514):
        assert rig.echo(frame(n))
    assert rig.chip.phy.full_duplex is full and rig.chip.complaints == []


def test_half_duplex_does_not_hear_its_own_broadcasts():
    rig = rig_up()
    assert rig.send(frame(dst=CAST, src=MAC))
    assert rig.recv() is None


def test_a_slow_clock_on_an_old_revision_is_an_error_that_says_so():
    def slow(rig):
        rig.hz = 4_000_000

    with pytest.raises(NoChip, match="below 8 MHz"):
        Rig("enc28j60", model={"revision": 4}, before=slow)


def test_a_frame_is_few_transactions():
    """In: EPKTCNT, header and frame, PKTDEC, and now and then two for its room. Out: a bank,
    EWRPT, the frame, TXRTS; then ECON1 and EIR, to know how it fared. Once in 100 ms all pointers
    are written anew."""
    rig = rig_up()
    costs = {"in": [], "out": [], "left": []}
    for k in range(40):
        for name, work in (
            ("in", lambda: rig.poll() == frame(60, fill=k)),  # noqa: B023
            ("out", lambda: rig.dev.send(rig.buf, 60) is None),
            ("left", lambda: rig.clock.advance_ms(1) or rig.dev.can_send()),
        ):
            if name == "in":
                rig.chip.wire_in(frame(60, fill=k))
            before = rig.wiring.transactions
            assert work()
            costs[name].append(rig.wiring.transactions - before)
    usual = {name: sorted(seen)[30] for name, seen in costs.items()}
    assert usual == {"in": 3, "out": 4, "left": 2}
    assert sorted(costs["in"])[-2] <= 6 and max(costs["out"]) <= 7 and max(costs["left"]) == 2


# Recoveries. Each: what goes wrong, the counter that tells, the bit that switches the recovery off


def wrong_next(rig):
    rig.chip.fault.next_wrong = 1
    rig.chip.wire_in(frame(700))


def odd_next(rig):
    rig.chip.fault.next_wrong = 1
    rig.chip.fault.next_delta = 1
    rig.chip.wire_in(frame(700))


def rxen_off(rig):
    rig.chip.reg["ECON1"] &= ~0x04


def brown_out(rig):
    rig.chip.brown_out()


def another_chip(rig):
    rig.chip.brown_out()
    rig.chip.revision = 5


def stuck(rig):
    rig.chip.fault.tx_stuck = 1
    rig.buf[2:62] = frame()
    rig.dev.send(rig.buf, 60)


def overflow(rig):
    while rig.chip.wire_in(frame(1514)):
        pass
    rig.chip.fault.rx_dead = True


def deaf(rig):
    rig.chip.fault.rx_dead = True


def gone(rig):
    rig.chip.fault.absent = 0xFF
    rig.run(700)
    rig.chip.fault.absent = None
    rig.chip.power_on()


def int_cut(rig):
    rig.chip.fault.int_stuck = 1


RECOVERIES = [
    (wrong_next, "rx_reset", registers.R_RX, 200),
    (odd_next, "rx_reset", registers.R_RX, 200),
    (rxen_off, "rxen_off", registers.R_RXEN, 200),
    (brown_out, "reinit", registers.R_CONFIG, 700),
    (another_chip, "reinit", registers.R_CONFIG, 700),
    (stuck, "tx_timeout", registers.R_TX, 300),
    (overflow, "rx_overflow", registers.R_OVERFLOW, 300),
    (deaf, "rx_quiet", registers.R_QUIET, 61_000),
    (gone, "no_chip", registers.R_CHIP, 1000),
    (int_cut, "int_missed", registers.R_INT, 300),
]
IDS = [r[0].__name__ for r in RECOVERIES]


@pytest.mark.parametrize(("hurt", "counter", "bit", "bound"), RECOVERIES, ids=IDS)
def test_recovery(hurt, counter, bit, bound):
    rig = rig_up()
    hurt(rig)
    assert alive(rig, bound) is not None
    assert events(rig)[counter] >= 1
    seen = events(rig)
    rig.run(2000)
    assert all(rig.echo(frame(400, fill=k)) for k in range(30))
    assert events(rig) == seen


@pytest.mark.parametrize(("hurt", "counter", "bit", "bound"), RECOVERIES, ids=IDS)
def test_without_the_recovery_it_stays_broken(hurt, counter, bit, bound):
    spare = 0 if hurt is deaf else registers.R_QUIET
    rig = rig_up(recover=registers.R_ALL & ~bit & ~spare)
    hurt(rig)
    assert alive(rig, 2 * bound) is None


def test_a_packet_count_that_is_wrong_is_put_right():
    """One too many: a header is read where none is; one too few: the last frame is left behind."""
    for wrong in (1, -1):
        rig = rig_up()
        for k in range(3):
            rig.chip.wire_in(frame(fill=k))
        rig.chip.reg["EPKTCNT"] += wrong
        rig.run(300)
        assert len(rig.got) >= 3 and events(rig)["rx_reset"] == 1
        assert rig.echo(frame()) and rig.chip.reg["EPKTCNT"] == 0


@pytest.mark.parametrize("quiet", [True, False])
def test_a_read_pointer_that_leaves_no_room_is_put_right(quiet):
    """Found by the pointers while nothing comes, by the overflow flag when something does."""
    rig = rig_up()
    rig.chip.rx.read_at = rig.chip.get("ERXWRPT") + 1
    rig.chip.put("ERXRDPT", rig.chip.rx.read_at)
    if not quiet:
        assert not rig.chip.wire_in(frame())
    rig.run(200)
    assert events(rig) == {"rx_reset" if quiet else "rx_overflow": 1}
    assert rig.echo(frame())


@pytest.mark.parametrize("delta", [1, 2, -64, 0x1A00])
def test_a_header_that_does_not_follow_is_refused_at_once(delta):
    rig = rig_up()
    rig.chip.fault.next_wrong, rig.chip.fault.next_delta = 1, delta
    rig.chip.wire_in(frame(700))
    assert rig.poll() is None and events(rig) == {"rx_reset": 1}
    assert rig.echo(frame()) and rig.chip.complaints == []


def test_a_frame_that_was_not_received_well_is_dropped():
    rig = rig_up()
    rig.chip.reg["ERXFCON"] = 0x81  # no CRCEN: it passes the filter
    assert rig.chip.wire_in(frame(), crc_ok=False)
    assert rig.poll() is None and events(rig) == {"rx_bad": 1}
    assert rig.echo(frame())


# Configuration


def configured():
    rig = Rig("enc28j60")
    table = rig.dev._cfg
    return [REGS[table[i] >> 5, table[i] & 0x1F].name for i in range(2, len(table), 2)]


@pytest.mark.parametrize("name", configured())
def test_any_register_that_loses_its_value_is_noticed(name):
    rig = rig_up()
    rig.chip.reg[name] ^= 0x02 if name not in ("EIE", "ECON2") else 0x80
    rig.run(600)
    assert events(rig) == {"reinit": 1}
    assert rig.echo(frame())


@pytest.mark.parametrize("bit", [0x80, 0x40, 0x20, 0x10], ids=["TXRST", "RXRST", "DMA", "SUM"])
def test_a_bit_of_econ1_that_a_glitch_has_set_is_noticed(bit):
    """A reset that is held looks like a chip that is well: RXEN can be set, all else is right."""
    rig = rig_up()
    rig.chip.reg["ECON1"] |= bit
    rig.run(200)
    assert events(rig) == {"reinit": 1}
    assert rig.echo(frame())


@pytest.mark.parametrize(("n", "value"), [(0x00, 0x0100), (0x10, 0x0000)])
def test_a_phy_register_that_loses_its_value_is_noticed(n, value):
    rig = rig_up()
    rig.chip.phy.regs[n] = value
    rig.run(600)
    assert events(rig) == {"reinit": 1}
    assert rig.echo(frame(dst=CAST))


@pytest.mark.parametrize("clears", [False, True])
def test_rxrst_may_or_may_not_clear_the_packet_count(clears):
    rig = rig_up()
    if clears:
        original = rig.chip.rx.reset
        rig.chip.rx.reset = lambda: (original(), rig.chip.reg.update(EPKTCNT=0))
    wrong_next(rig)
    rig.chip.wire_in(frame(300))
    assert alive(rig, 300) is not None and rig.chip.complaints == []


def test_a_cable_that_was_out_between_two_looks_is_told():
    rig = rig_up()
    told = []
    rig.dev.on_link = told.append
    rig.chip.link(False)
    rig.run(20)
    rig.chip.link(True)
    rig.run(600)
    assert told == [False, True] and rig.dev.link_up()


# Transmitting


def test_late_collisions_are_tried_again_sixteen_times():
    rig = rig_up()
    for kind in ("false_late", "late"):
        setattr(rig.chip.fault, kind, 16)
        rig.sent.clear()
        assert rig.send(frame(dst=PEER))
        assert rig.sent == [frame(dst=PEER)]
    assert events(rig) == {"tx_late": 32}
    rig.chip.fault.false_late = 17
    rig.sent.clear()
    assert rig.send(frame(dst=PEER)) and rig.sent == []
    assert events(rig) == {"tx_late": 48, "tx_failed": 1}
    assert rig.echo(frame()) and rig.chip.complaints == []


def test_without_the_retry_a_false_late_collision_costs_the_frame():
    rig = rig_up(recover=registers.R_ALL & ~registers.R_LATE)
    rig.chip.fault.false_late = 1
    rig.sent.clear()
    assert rig.send(frame(dst=PEER)) and rig.sent == []


def test_an_aborted_frame_is_given_up_and_the_next_one_goes():
    """Errata 12: without TXRST it would not."""
    rig = rig_up()
    rig.chip.fault.excess = 1
    rig.sent.clear()
    assert rig.send(frame(dst=PEER)) and rig.sent == []
    assert rig.send(frame(dst=PEER)) and len(rig.sent) == 1
    assert events(rig) == {"tx_failed": 1}


def test_a_transmitter_that_sticks_for_ever_never_stops_the_board():
    rig = rig_up()
    rig.chip.fault.tx_stuck = 1 << 30
    for k in range(10):
        start = rig.clock.ns
        assert rig.send(frame(fill=k))
        assert rig.clock.ns - start < 120_000_000
    rig.chip.fault.tx_stuck = 0
    assert rig.echo(frame())


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_chip_that_vanishes_while_sending_never_stops_the_board(level):
    rig = rig_up()
    rig.buf[2:62] = frame()
    rig.dev.send(rig.buf, 60)
    rig.chip.fault.absent = level
    assert rig.free(150)
    rig.run(1000)
    assert not rig.dev.link_up()
    rig.chip.fault.absent = None
    rig.chip.power_on()
    assert alive(rig, 1000) is not None


# INT


def test_int_stuck_low_costs_polls_but_no_frame():
    rig = rig_up()
    rig.chip.fault.int_stuck = 0
    for k in range(10):
        rig.run(20)
        assert rig.echo(frame(fill=k))
    assert events(rig) == {}


def test_int_stuck_high_is_found_out_once_and_trusted_again_when_it_works():
    rig = rig_up()
    rig.chip.fault.int_stuck = 1
    assert rig.echo(frame(), ms=102)
    for k in range(10):
        assert rig.echo(frame(fill=k), ms=1)
    assert events(rig) == {"int_missed": 1}
    rig.chip.fault.int_stuck = None
    for k in range(200):
        rig.clock.advance_ms(7)
        assert rig.echo(frame(fill=k), ms=1)
    before = rig.wiring.transactions
    for _ in range(50):
        rig.poll()
    assert rig.wiring.transactions == before and events(rig) == {"int_missed": 1}
