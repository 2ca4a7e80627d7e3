"""The ENC28J60's health check and recoveries: when they come, by the clock, and what they tell the
chip, instruction for instruction."""

import itertools

import pytest
from chips.faults import Call
from chips.rig import frame
from drivers.test_enc28j60_octets import arrive, fresh, put, told, trouble
from uipy.drivers.enc28j60 import registers

ALL = registers.R_ALL
POINTERS = ["bf01", "0e00", "0f00", "0c00", "0d00"]  # ERXWRPT, ERXRDPT
EMPTY = ["9f01", "1900", "1c00"]  # EPKTCNT, EIR
RING = ["4800", "4900", "4aff", "4b19", "4cff", "4d19"]  # ERXST, ERXND, ERXRDPT
STOP, START = ["bf04", "9f40", "bf40"], ["bc01", "9f04"]  # RXEN off, RXRST; RXERIF, RXEN
NEW_TX = ["9f80", "bf88", "bc0a"]  # TXRST, TXRST and TXRTS off, then the flags it raises


def at(rig, ms):
    """A step at this ms of the clock, or as soon as may be -> what it told the chip."""
    rig.clock.ns = max(rig.clock.ns, ms * 1_000_000)
    return told(rig, lambda: rig.move(0))


def now(rig):
    return rig.clock.ns // 1_000_000


def due(rig):
    """-> what the next health check tells the chip."""
    return at(rig, rig.dev._check_at)


def looks(log):
    """-> what follows on the registers of the table, which chip.py reads."""
    assert log[0] == "1f00"
    return log[log.index("1900") - 1 :]


# When


def test_a_check_each_100_ms_and_the_cable_each_500():
    rig = fresh()
    begun = now(rig) + 1
    checks, cable = [], []
    for ms in range(begun, begun + 2100):
        log = at(rig, ms)
        if log:
            checks.append(ms)
            if log.count("5401"):  # MIREGADR: PHSTAT1
                cable.append(ms)
                assert log[-2:] == ["180000", "bf03"]  # and bank 0 in the end
    assert {b - a for a, b in itertools.pairwise(checks)} == {100} and len(checks) == 21
    assert {b - a for a, b in itertools.pairwise(cable)} == {500} and len(cable) >= 4
    assert trouble(rig) == {}


def test_a_chip_that_is_lost_is_looked_for_each_500_ms():
    """Three times at once, then once each time; the cable is out meanwhile."""
    rig = fresh()
    cable = []
    rig.dev.on_link = cable.append
    rig.chip.fault.absent = 0
    begun = rig.dev._check_at
    found = {}
    for ms in range(begun - 1, begun + 2600):
        if now(rig) <= ms:
            resets = at(rig, ms).count("ff")
            if resets:
                found[ms] = resets
    times = sorted(found)
    assert [found[t] for t in times] == [3] + [1] * (len(times) - 1)
    assert times[0] == begun and times[1] - begun <= 500
    assert [b - a for a, b in itertools.pairwise(times[1:])] == [500] * (len(times) - 2)
    assert trouble(rig) == {"reinit": 1, "no_chip": len(times)} and len(times) >= 6
    assert cable == [False] and rig.counters()["link"] == 2
    rig.chip.fault.absent = None
    rig.chip.power_on()
    back = times[-1] + 500
    for ms in range(begun + 2600, back + 130):
        if now(rig) <= ms:
            at(rig, ms)
            assert rig.dev._up == (ms >= back)
            assert rig.dev._link == (ms >= back + 100)
    assert cable == [False, True] and rig.counters()["no_chip"] == len(times)
    arrive(rig, 80)
    assert rig.move(0) == 80


@pytest.mark.parametrize(("attempt", "counts"), [(1, {}), (2, {}), (3, {}), (4, {"no_chip": 1})])
def test_setting_up_anew_is_tried_three_times(attempt, counts):
    rig = fresh()
    rig.chip.reg["ERXFCON"] ^= 1
    rig.chip.fault.absent = 0xFF
    left = [attempt]
    transfer = rig.wiring.transfer

    def answers(out):
        if bytes(out) == b"\xff":
            left[0] -= 1
            if left[0] == 0:
                rig.chip.fault.absent = None
        return transfer(out)

    rig.wiring.transfer = answers
    for _ in range(5):
        rig.clock.ns = rig.dev._check_at * 1_000_000
        rig.move(0)
        if trouble(rig):
            break
    assert trouble(rig) == {"reinit": 1, **counts}
    assert rig.dev._up == (attempt < 4)


@pytest.mark.parametrize("cable", [True, False])
def test_a_minute_of_silence_counts_from_the_last_check_with_a_frame(cable):
    rig = fresh()
    arrive(rig, 60)
    assert rig.move(0) == 60
    due(rig)
    since = rig.dev._check_at - 100
    if not cable:
        rig.chip.link(False)
    for ms in range(since + 100, since + 60_000, 100):
        at(rig, ms)
    assert trouble(rig) == {} and rig.dev.link_up() is cable
    assert at(rig, since + 59_999) == []
    log = at(rig, since + 60_000)
    if not cable:
        assert trouble(rig) == {}
        return
    assert trouble(rig) == {"rx_quiet": 1}
    assert [*EMPTY, *POINTERS, *STOP, "9f01", "1900", "bf01", *RING, *START] == looks(log)[:22]
    for ms in range(since + 60_100, since + 120_000, 100):
        at(rig, ms)
    assert trouble(rig) == {"rx_quiet": 1}
    at(rig, since + 120_000)
    assert trouble(rig) == {"rx_quiet": 2}


# What a check looks at


@pytest.mark.parametrize("begun", [0, 1024])
def test_pointers_are_looked_at_in_each_check(begun):
    rig = fresh()
    if begun:
        arrive(rig, begun - 10)
        rig.move(0)
    for _ in range(8):
        log = due(rig)
        assert looks(log)[: len(EMPTY + POINTERS)] == [*EMPTY, *POINTERS]
    assert trouble(rig) == {}


@pytest.mark.parametrize("begun", [0, 1024])
@pytest.mark.parametrize("name", ["ERXWRPTL", "ERXWRPTH", "ERXRDPTL", "ERXRDPTH"])
def test_a_pointer_that_is_astray_resets_the_receiver(name, begun):
    rig = fresh()
    if begun:
        arrive(rig, begun - 10)
        rig.move(0)
    rig.chip.reg[name] ^= 2
    log = looks(due(rig))
    read = POINTERS if name[3] == "R" and name[4:6] == "DP" else POINTERS[:3]
    assert log == [*EMPTY, *read, "9f01", "1900", *STOP, "1900", "bf01", *RING, *START]
    assert trouble(rig) == {"rx_reset": 1}
    due(rig)
    arrive(rig, 60)
    assert rig.move(0) == 60 and trouble(rig) == {"rx_reset": 1}


def test_an_overflow_resets_the_receiver_once_it_is_drained():
    rig = fresh()
    arrive(rig, 60)
    rig.chip.reg["EIR"] |= registers.RXERIF
    assert looks(due(rig))[:2] == EMPTY[:2] and trouble(rig) == {}
    log = looks(due(rig))
    assert log == [*EMPTY, *STOP, "1900", "bf01", *RING, *START]
    assert trouble(rig) == {"rx_overflow": 1} and not rig.chip.reg["EIR"] & registers.RXERIF
    assert looks(due(rig))[:8] == [*EMPTY, *POINTERS]


def test_rxen_that_was_cleared_is_set_after_a_look_at_all_registers():
    rig = fresh()
    rig.chip.reg["ECON1"] &= ~registers.RXEN
    log = due(rig)
    assert log.count("9f04") == 1 and trouble(rig) == {"rxen_off": 1}
    read = [o for o in log[1 : log.index("9f04")] if o[:2] not in ("bf", "9f")]
    assert len(read) == len(rig.dev._cfg) // 2
    assert log[log.index("9f04") :][:10] == ["9f04", "bf03", *EMPTY, *POINTERS]
    assert len(due(rig)) < len(log) and trouble(rig) == {"rxen_off": 1}


def test_frames_that_int_does_not_tell_are_found_by_the_check():
    rig = fresh()
    rig.chip.fault.int_stuck = 1
    arrive(rig, 60, 61)
    assert rig.move(0) == 0
    rig.clock.ns = rig.dev._check_at * 1_000_000
    assert rig.move(0) == 60 and trouble(rig) == {"int_missed": 1}
    assert rig.dev.still() == 0
    assert rig.move(0) == 61
    assert told(rig, lambda: rig.move(0)) in (["1900"], ["9f01", "1900"])
    rig.chip.fault.int_stuck = None
    arrive(rig, 60)
    rig.clock.ns = rig.dev._check_at * 1_000_000
    assert rig.move(0) == 60 and rig.dev.still() > 90
    assert told(rig, lambda: rig.move(0)) == []


# Recoveries


def test_octets_of_a_receiver_reset():
    """DS39662E 7.2.4, 3.2.1, errata 14. The next step begins with a health check."""
    rig = fresh()
    rig.chip.fault.next_wrong = 1
    arrive(rig, 60)
    log = told(rig, lambda: rig.move(0))
    header = ["9f01", "1900", "bf01", "4000", "4100", "3a*5"]
    assert log == [*header, *STOP, "9f01", "1900", "9e40", "1900", "bf01", *RING, *START]
    assert rig.dev.still() <= 0
    assert told(rig, lambda: rig.move(0))[0] == "1f00"
    assert told(rig, lambda: rig.move(0)) == []


@pytest.mark.parametrize("count", [1, 2, 254, 255])
def test_the_packet_count_is_brought_down_to_0(count):
    rig = fresh()
    rig.chip.fault.next_wrong = 1
    arrive(rig, 60)
    rig.chip.reg["EPKTCNT"] = count
    log = told(rig, lambda: rig.move(0))
    assert log.count("9e40") == count and rig.chip.reg["EPKTCNT"] == 0
    assert log.count("1900") == 1 + min(count + 1, 255)


@pytest.mark.parametrize("failure", ["late", "false_late", "excess"])
@pytest.mark.parametrize("n", [60, 255, 1514])
def test_octets_after_a_transmit_error(failure, n):
    """Errata 12, 13, 15: the status vector behind the frame tells, TXRST sets the logic free."""
    rig = fresh()
    setattr(rig.chip.fault, failure, 1)
    rig.move(-put(rig, frame(n, dst=b"\x01\0\x5e\0\0\xfb")))  # which the vector tells too
    rig.clock.advance_ms(2)
    low, high = f"40{n + 1 & 0xFF:02x}", f"41{0x1A00 + n + 1 >> 8:02x}"
    vector = ["1f00", "1c00", "bf01", low, high, "3a*8", *NEW_TX]
    again = ["9f08", "1f00"] if "late" in failure else []
    assert told(rig, lambda: rig.move(-1)) == [*vector, *again]
    assert trouble(rig) == {"tx_late" if again else "tx_failed": 1}
    assert not rig.chip.reg["EIR"] & registers.TXERIF
    assert rig.dev._sending == (1 if again else 0)


@pytest.mark.parametrize("spare", [registers.R_TX, registers.R_LATE])
def test_octets_after_a_late_collision_without_a_recovery(spare):
    rig = fresh(recover=ALL & ~spare)
    rig.chip.fault.late = 1
    rig.move(-put(rig, frame(60)))
    rig.clock.advance_ms(1)
    log = told(rig, lambda: rig.move(-1))[5:]
    if spare == registers.R_LATE:
        assert log == ["3a*8", *NEW_TX]
    else:
        assert log[:3] == ["3a*8", "9f08", "1f00"]


def test_each_frame_has_sixteen_attempts_more():
    rig = fresh()
    for k, (late, told_of) in enumerate([(16, 16), (16, 32), (17, 48), (16, 64)]):
        rig.chip.fault.late = late
        rig.sent.clear()
        assert rig.send(frame(60, fill=k))
        assert rig.counters()["tx_late"] == told_of
        assert rig.sent == ([frame(60, fill=k)] if late == 16 else [])
    assert trouble(rig) == {"tx_late": 64, "tx_failed": 1}


def test_octets_after_a_transmission_that_did_not_end():
    """The next step looks at the chip's health."""
    rig = fresh()
    begun = now(rig) + 1
    rig.clock.ns = begun * 1_000_000
    rig.chip.fault.tx_stuck = 1
    rig.move(-put(rig, frame(60)))
    rig.clock.ns = (begun + 50) * 1_000_000
    rig.dev._check_at = begun + 150
    rig.clock.ns = (begun + 100) * 1_000_000
    assert told(rig, lambda: rig.move(-1)) == ["1f00", *NEW_TX]
    assert trouble(rig) == {"tx_timeout": 1} and rig.dev._check_at == begun + 100
    assert told(rig, lambda: rig.move(0))[0] == "1f00"


# The cable


def test_the_cable_is_told_each_time_it_changes():
    """LLSTAT is low until it is read: an outage between two looks is told too."""
    rig = fresh()
    heard = []
    rig.dev.on_link = heard.append
    changes = rig.counters()["link"]
    for up, both in [(False, [False]), (True, [True]), (None, [False, True]), (True, [])]:
        if up is None:
            rig.chip.link(False)
        rig.chip.link(up is not False)
        heard.clear()
        rig.run(505)
        assert heard == both and rig.dev.link_up() is (up is not False)
        changes += len(both)
        assert rig.counters()["link"] == changes
    assert trouble(rig) == {}


def test_a_phy_that_falls_silent_has_no_cable():
    rig = fresh()
    heard = []
    rig.dev.on_link = heard.append
    rig.clock.ns = max(rig.dev._link_at, rig.dev._check_at) * 1_000_000
    read = rig.chip.phy.read

    def silent(n):
        if n == 1:
            rig.chip.phy.job = ("read", 1)
            rig.chip.phy.busy_until = 1 << 60
        return read(n)

    rig.chip.phy.read = silent
    rig.move(0)
    assert heard == [False]


def test_what_comes_while_the_pointers_are_read_is_no_reason_to_reset():
    rig = fresh()
    places = []
    for k in range(40):
        rig.clock.ns = rig.dev._check_at * 1_000_000
        rig.wiring.at(k, Call(lambda: arrive(rig, 60)))
        got = told(rig, lambda: rig.move(0))
        rig.wiring.clear()
        if "0e00" in got:
            places.append(k)
        while rig.move(0):
            pass
        assert trouble(rig) == {}
    assert places


@pytest.mark.parametrize("status", [0, 1, 0x1801, 0x1803, 0x0002])
def test_a_link_is_what_llstat_says(status):
    """PHSTAT1 bit 2 and no other (DS39662E 3.3.4)."""
    rig = fresh()
    read = rig.chip.phy.read
    rig.chip.phy.read = lambda n: status if n == 1 else read(n)
    rig.run(505)
    assert not rig.dev.link_up() and trouble(rig) == {}
    rig.chip.phy.read = lambda n: 4 if n == 1 else read(n)
    rig.run(505)
    assert rig.dev.link_up() and trouble(rig) == {}


# Without a recovery


def test_a_header_that_is_wrong_is_looked_into_even_without_a_reset():
    rig = fresh(recover=ALL & ~registers.R_RX)
    rig.chip.fault.next_wrong = 1
    arrive(rig, 60, 60)
    assert rig.move(0) == 0 and rig.dev._left == 0
    assert told(rig, lambda: rig.move(0))[0] == "1f00" and trouble(rig) == {}


def test_registers_and_phy_stay_as_they_are_without_that_recovery():
    rig = fresh(recover=ALL & ~registers.R_CONFIG)
    rig.chip.reg["ERXFCON"] ^= 2
    rig.chip.phy.regs[0x10] = 0
    rig.run(1200)
    assert trouble(rig) == {} and rig.dev.link_up()
    assert rig.chip.phy.regs[0x10] == 0 and rig.chip.reg["ERXFCON"] == 0xA3


def test_a_chip_that_is_lost_is_not_looked_for_without_that_recovery():
    rig = fresh(recover=ALL & ~registers.R_CHIP)
    rig.chip.fault.absent = 0
    rig.run(3000)
    assert trouble(rig) == {"reinit": 1, "no_chip": 1}


@pytest.mark.parametrize(
    ("spare", "name", "value"),
    [("R_RX", "ERXWRPTL", 2), ("R_OVERFLOW", "EIR", 1), ("R_RXEN", "ECON1", 0)],
)
def test_the_receiver_stays_as_it_is_without_that_recovery(spare, name, value):
    rig = fresh(recover=ALL & ~getattr(registers, spare))
    rig.chip.reg[name] = value
    for _ in range(4):
        rig.clock.ns = rig.dev._check_at * 1_000_000
        assert rig.move(0) == 0
    assert trouble(rig) == {} and rig.chip.reg[name] & 0x3F == value


def test_frames_that_int_does_not_tell_stay_without_that_recovery():
    rig = fresh(recover=ALL & ~registers.R_INT)
    rig.chip.fault.int_stuck = 1
    arrive(rig, 60)
    for _ in range(4):
        rig.clock.ns = rig.dev._check_at * 1_000_000
        assert rig.move(0) == 0 and rig.dev._trust
    assert trouble(rig) == {}
    rig.chip.fault.int_stuck = None
    assert rig.move(0) == 60
