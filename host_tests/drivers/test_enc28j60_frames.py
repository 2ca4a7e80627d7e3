"""The ENC28J60's generator: what one step does, what an exception in it leaves behind, and bursts
that fill the receive memory at every phase of a transmission.
"""

import pytest
from chips.rig import MAC, PEER, MoveRig, frame

WIRE_NS = 1_230_400  # 1514 octets, preamble, CRC and gap at 10 Mb/s


@pytest.fixture
def rig():
    rig = started()
    yield rig
    assert rig.chip.complaints == []


def started(**kw):
    rig = MoveRig("enc28j60", **kw)
    rig.run(600)
    assert rig.echo(frame())
    return rig


def put(rig, data):
    rig.buf[2 : 2 + len(data)] = data
    return len(data)


def trouble(rig):
    return {k: v for k, v in rig.counters().items() if k not in ("rx", "tx", "link")}


# One step


def test_what_was_received_and_sent_is_counted_and_the_link_is_ethernet(rig):
    before = rig.counters()
    for k in range(3):
        rig.chip.wire_in(frame(100, fill=k))
        assert rig.move(rig.move(0)) == 0
        rig.clock.advance_ms(1)
    after = rig.counters()
    assert [after[k] - before[k] for k in ("rx", "tx")] == [3, 3]
    assert (rig.dev.l2, rig.dev.mtu) == (14, 1500)


def test_one_step_sends_the_answer_and_says_that_nothing_else_came(rig):
    rig.chip.wire_in(frame(100))
    assert rig.move(0) == 100
    rig.sent.clear()
    assert rig.move(100) == 0
    rig.clock.advance_ms(1)
    assert rig.move(0) == 0 and rig.sent == [frame(100)]


def test_nothing_is_received_while_the_answer_would_have_no_place(rig):
    for k in range(3):
        rig.chip.wire_in(frame(1514, fill=k))
    assert rig.move(0) == 1514
    assert rig.move(1514) == -1 and rig.move(0) == -1 and rig.move(-1) == 0
    assert bytes(rig.buf[2:1516]) == frame(1514)
    rig.clock.advance(WIRE_NS)
    assert rig.move(-1) == 1 and rig.move(0) == 1514
    assert bytes(rig.buf[2:1516]) == frame(1514, fill=1)


def test_but_who_asks_for_it_receives_while_it_sends(rig):
    rig.chip.wire_in(frame(200, fill=7))
    rig.move(-put(rig, frame(1514)))
    assert rig.move(-2) == 200 and bytes(rig.buf[2:202]) == frame(200, fill=7)


def test_a_step_that_only_sends_leaves_the_buffer_alone(rig):
    rig.chip.wire_in(frame(200, fill=7))
    assert rig.move(-put(rig, frame(60, dst=PEER))) == 0
    assert bytes(rig.buf[2:62]) == frame(60, dst=PEER)
    rig.clock.advance_ms(1)
    assert rig.move(0) == 200


def test_an_idle_step_looks_at_the_pin_only(rig):
    rig.run(50)
    for _ in range(3):  # past a health check, if one is due
        rig.move(0)
    before = rig.wiring.transactions
    assert [rig.move(0) for _ in range(20)] == [0] * 20
    assert rig.wiring.transactions == before


def test_a_train_of_small_frames_is_three_transactions_each(rig):
    rig.run(300)
    for k in range(9):
        assert rig.chip.wire_in(frame(60, fill=k))
    rig.move(-2)
    before = rig.wiring.transactions
    assert [rig.move(-2) for _ in range(8)] == [60] * 8
    assert rig.wiring.transactions - before <= 8 * 2 + 3  # and room given back, once


def test_another_buffer_takes_over_in_the_middle_of_everything(rig):
    for k in range(3):
        rig.chip.wire_in(frame(300 + k, fill=k))
    assert rig.move(0) == 300
    assert rig.move(300) == -1
    rig.buf = bytearray(1520)
    assert rig.move(-1) == 0
    rig.clock.advance_ms(1)
    assert rig.recv() == frame(301, fill=1)
    assert rig.dev.recv_into(bytearray(900)) == 302
    assert trouble(rig) == {}


@pytest.mark.parametrize("bit", range(5))
@pytest.mark.parametrize("name", ["ERDPTL", "ERDPTH", "EWRPTL", "EWRPTH", "ETXNDL", "ETXNDH"])
def test_a_pointer_that_a_glitch_has_spoilt_does_so_for_100_ms(name, bit):
    """The generator does not write what the chip has already; at each health check it forgets."""
    rig = started()
    rig.chip.reg[name] ^= 1 << bit
    for k in range(12):  # frames of one length, so that nothing else writes ETXND
        rig.echo(frame(60, fill=k), ms=1)
        rig.run(10)
    assert all(rig.echo(frame(60, fill=k)) for k in range(20))
    assert set(trouble(rig)) <= {"rx_reset"} and trouble(rig).get("rx_reset", 0) <= 1


# An exception


class Stop(KeyboardInterrupt):
    """Ctrl-C at a chosen transfer."""


def interrupted(rig, k, work):
    """Raises at the k-th transfer from now -> True if it came to that."""
    transfer = rig.wiring.transfer
    left = [k]

    def break_it(out):
        left[0] -= 1
        if left[0] < 0:
            rig.wiring.transfer = transfer
            raise Stop
        return transfer(out)

    rig.wiring.transfer = break_it
    try:
        work()
    except Stop:
        return True
    rig.wiring.transfer = transfer
    return False


def exchange(rig):
    for k in range(2):
        rig.chip.wire_in(frame(300, fill=k))
    for _ in range(300):
        n = rig.move(0)
        if n > 0:
            rig.move(n)
        rig.clock.advance_ms(2)


@pytest.mark.parametrize("again", ["frames", "methods"])
def test_after_an_exception_the_next_generator_recovers(again):
    """At every transfer of an exchange with health checks in it: by `frames`, or by the methods,
    which ask for a new generator themselves."""
    k = 0
    while True:
        rig = started()
        if not interrupted(rig, k, lambda: exchange(rig)):  # noqa: B023
            break
        with pytest.raises(StopIteration):
            rig.move(0)
        if again == "frames":
            rig.moved = None  # the next step asks for a new one
            assert rig.move(-1) == 1
        else:
            assert rig.dev.can_send() and rig.dev.recv_into(rig.buf) == 0
        assert trouble(rig) == {"reinit": 1}
        rig.moved = None
        assert all(rig.echo(frame(100 + j)) for j in range(5))
        rig.run(500)
        assert trouble(rig) == {"reinit": 1}
        k += 1
    assert k > 100


def test_an_exception_while_the_chip_is_set_up_anew_changes_nothing():
    for k in range(0, 130, 7):
        rig = started()
        assert interrupted(rig, 3, lambda: exchange(rig))  # noqa: B023
        rig.moved = None
        assert interrupted(rig, k, lambda: rig.move(0))  # noqa: B023
        rig.moved = None
        assert rig.move(-1) == 1 and rig.echo(frame(500, fill=k))


def test_a_bus_that_an_exception_left_taken_is_given_back():
    class Bus:
        taken = 0

        def acquire(self):
            self.taken += 1
            assert self.taken == 1
            return True

        def release(self):
            self.taken -= 1
            assert self.taken == 0

    bus = Bus()
    for k in range(12):
        rig = started(bus=bus)
        assert bus.taken == 0
        assert interrupted(rig, k, lambda: exchange(rig))  # noqa: B023
        assert bus.taken == 0
        rig.moved = None
        assert rig.move(-1) == 1 and rig.echo(frame(500, fill=k))


# Bursts


def asleep(rig):
    """A board that sleeps until INT is low, or `still()` has run out."""
    until = rig.clock.ns + max(0, rig.dev.still()) * 1_000_000
    while rig.clock.ns < until and rig.wiring.pin_in(rig.wiring.int_pin):
        rig.clock.advance(50_000)


def served(rig, ms, most=1000):
    """Echoes what comes for so long or so many, sleeping in between -> the frames that came."""
    end = rig.clock.ns + ms * 1_000_000
    got = []
    n = rig.move(0)
    while rig.clock.ns < end and len(got) < most:
        if n > 0:
            got.append(bytes(rig.buf[2 : 2 + n]))
            n = rig.move(n)
            continue
        rig.clock.advance(20_000)
        if n == 0:
            asleep(rig)
        n = rig.move(0)
    return got


@pytest.mark.parametrize("pins", [True, False])
@pytest.mark.parametrize("size", [60, 300, 1514, None])
def test_a_burst_that_fills_the_memory_at_any_phase_of_a_transmission(pins, size):
    """What the chip took is delivered, what it had no room for is counted, and the board answers
    within 50 ms."""
    for phase in range(0, WIRE_NS + 200_000, 130_000):
        rig = started(pins=pins)
        assert rig.move(-put(rig, frame(1514, dst=PEER, src=MAC))) == 0
        rig.clock.advance(phase)
        burst = [frame(size or 60 + 290 * (k % 6), fill=k) for k in range(130)]
        taken = [f for f in burst if rig.chip.wire_in(f)]
        assert 3 < len(taken) < len(burst)
        rig.sent.clear()
        got = served(rig, 250)
        assert got == taken
        assert [f for f in rig.sent if f[:6] == MAC] == taken
        assert trouble(rig) == {"rx_overflow": 1}
        start = rig.clock.ns
        rig.chip.wire_in(frame(98, fill=9))
        assert served(rig, 50, 1) == [frame(98, fill=9)] and rig.free()
        assert rig.clock.ns - start < 50_000_000 and rig.sent[-1] == frame(98, fill=9)
        assert rig.chip.complaints == []


def test_a_burst_that_goes_on_while_it_is_served():
    """More than the wire's way out can carry, for a while; the last of it and a probe arrive."""
    rig = started()
    taken = []
    for k in range(400):
        f = frame(60 + k % 1400, fill=k)
        if rig.chip.wire_in(f):
            taken.append(f)
        n = rig.move(0)
        if n > 0:
            assert bytes(rig.buf[2 : 2 + n]) == taken.pop(0)
            rig.move(n)
        rig.clock.advance(400_000)
        if "rx_overflow" in trouble(rig):
            taken = []
    got = served(rig, 150)
    assert got == taken and set(trouble(rig)) <= {"rx_overflow"}
    rig.chip.wire_in(frame(98, fill=9))
    assert served(rig, 50) == [frame(98, fill=9)]
