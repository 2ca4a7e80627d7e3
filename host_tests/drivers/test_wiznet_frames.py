"""The generator that moves frames between a WIZnet chip and the packet buffer, as a stack drives
it."""

import random
import struct
from array import array

import pytest
from chips.faults import Call, CallAt
from chips.rig import PEER, frame
from proof import faultmatrix
from uipy.drivers.wiznet import state

KINDS = ("w5500", "w5100s", "w6100")
SLOW = 10_000_000  # bits a second: a transmission lasts


def mover(rig):
    move = rig.dev.frames(rig.buf).send
    move(None)
    return move


def put(rig, f):
    rig.buf[2 : 2 + len(f)] = f
    return len(f)


def got(rig, n):
    return bytes(rig.buf[2 : 2 + n])


@pytest.fixture
def slow(make):
    return make(before=lambda r: setattr(r.chip, "BIT_RATE", SLOW))


def test_a_reply_and_the_next_frame_are_one_turn(make):
    rig = make()
    move = mover(rig)
    rig.chip.wire_in(frame(60, fill=1))
    n = move(0)
    assert got(rig, n) == frame(60, fill=1)
    rig.chip.wire_in(frame(300, fill=2))
    while (m := move(n)) < 0:
        n = 0
    assert got(rig, m) == frame(300, fill=2) and rig.sent == [frame(60, fill=1)]


def test_one_generator_serves_a_buffer_however_much_is_sent(make):
    """`send` makes it with the first frame; another buffer has another one."""
    rig = make()
    made = []
    frames = rig.dev.frames
    rig.dev.frames = lambda buf: made.append(buf) or frames(buf)
    for buf in (rig.buf, rig.buf, rig.buf, bytearray(rig.buf)):
        rig.dev.send(buf, put(rig, frame(60)))
        rig.clock.advance_ms(2)
    assert len(made) == 2 and len(rig.sent) == 4


def test_an_answered_frame_takes_seven_transactions(make):
    """SENDOK of the last one, its flag and INT's, the pointers, the frame; frame, TX_WR, SEND. Now
    and then three more give room back."""
    rig = make()
    move = mover(rig)
    costs = []
    for k in range(40):
        before = rig.wiring.transactions
        rig.chip.wire_in(frame(98, fill=k))
        assert move(move(0)) == 0
        costs.append(rig.wiring.transactions - before)
        rig.clock.advance_ms(0.05)
    assert len(rig.sent) == 40
    assert costs[0] == 6 and sorted(costs)[30] == 7 and max(costs) == 10


def test_nothing_is_received_while_the_answer_would_have_no_place(slow):
    move = mover(slow)
    assert move(-put(slow, frame(1514, dst=PEER))) == 0
    assert move(0) == 0  # INT says that nothing came: the transmitter is not asked
    slow.chip.wire_in(frame(60))
    assert move(0) == -1 and move(-1) == 0
    assert move(-2) == 60 and got(slow, 60) == frame(60)
    slow.chip.wire_in(frame(61))
    slow.clock.advance_ms(2)
    assert move(-1) == 1 and move(0) == 61


def test_what_was_counted_is_not_forgotten(slow):
    """The flags are cleared, INT is high, and the board asks for how long it may sleep."""
    move = mover(slow)
    for k in range(3):
        slow.chip.wire_in(frame(200, fill=k))
    n = move(0)
    assert slow.chip.int_level == 1 and slow.dev.still() == 0
    assert move(n) == -1 and slow.dev.still() == 0
    for k in (1, 2):
        slow.clock.advance_ms(1)
        n = move(0)
        assert got(slow, n) == frame(200, fill=k)
        assert move(n) == (-1 if k == 1 else 0)
    assert slow.dev.still() > 0


def test_a_frame_that_comes_behind_the_counted_ones_is_not_forgotten(slow):
    """Its flag stands while SENDOK's is cleared."""
    move = mover(slow)
    slow.chip.wire_in(frame(200, fill=0))
    slow.chip.wire_in(frame(200, fill=1))
    n = move(0)
    slow.chip.wire_in(frame(200, fill=2))
    assert move(n) == -1
    slow.clock.advance_ms(1)
    assert got(slow, move(0)) == frame(200, fill=1)
    assert slow.chip.int_level == 0
    assert got(slow, move(0)) == frame(200, fill=2)


def test_still_is_bounded_by_the_health_check_and_by_a_transmission(slow):
    slow.run(300)
    assert 0 < slow.dev.still() <= 250
    mover(slow)(-put(slow, frame(60, dst=PEER)))
    assert 90 <= slow.dev.still() <= 100
    slow.run(120)
    assert slow.free(0)


@pytest.mark.parametrize("hurt", ["pins", "down"])
def test_without_int_or_chip_there_is_no_being_still(broken, hurt):
    rig = broken(pins=hurt != "pins")
    if hurt == "down":
        rig.chip.fault.absent = 0
        rig.run(300)
    assert rig.dev.still() == 0


def test_a_transmission_that_does_not_end_is_noticed_though_nothing_comes(broken):
    rig = broken()
    assert rig.echo(frame())  # its room is not given back yet
    rig.chip.fault.tx_stuck = 1
    move = mover(rig)
    move(-put(rig, frame(60, dst=PEER)))
    rig.clock.advance_ms(rig.dev.still())
    move(0)
    assert rig.echo(frame())
    assert rig.counters() == {"rx": 2, "tx": 3, "tx_timeout": 1, "reopened": 1, "link": 1}


def test_a_chip_that_vanishes_with_frames_counted_is_looked_for(broken):
    rig = broken(before=lambda r: setattr(r.chip, "BIT_RATE", SLOW))
    move = mover(rig)
    for k in range(3):
        rig.chip.wire_in(frame(200, fill=k))
    assert move(move(0)) == -1
    rig.chip.fault.absent = 0
    rig.clock.advance_ms(100)
    move(0)
    assert rig.counters()["chip_lost"] == 1
    rig.chip.fault.absent = None
    rig.chip.power_on()
    rig.run(1500)
    assert rig.echo(frame()) and "rx_bogus" not in rig.counters()


def test_a_frame_that_does_not_fit_is_no_reason_to_sleep(make):
    rig = make(size=600)
    move = mover(rig)
    rig.chip.wire_in(frame(1514))
    rig.chip.wire_in(frame(100))
    assert move(0) == -1 and move(0) == 100
    assert rig.counters()["rx_long"] == 1


def test_two_generators_and_the_methods_may_run_in_turn(make):
    rig = make()
    one = mover(rig)
    rig.buf, buf = bytearray(1600), rig.buf
    two = mover(rig)
    for k in range(200):
        f = frame(60 + 7 * k, fill=k)
        rig.chip.wire_in(f)
        if k % 3 == 0:
            n = one(0)
            assert bytes(buf[2 : 2 + n]) == f
            one(-n)
        elif k % 3 == 1:
            assert got(rig, two(0)) == f
        else:
            assert rig.recv() == f
        rig.clock.advance_ms(1)


class Lock:
    def __init__(self):
        self.taken = self.elsewhere = False

    def acquire(self, *wait):
        if self.taken or self.elsewhere:
            return False
        self.taken = True
        return True

    def release(self):
        assert self.taken
        self.taken = False


def test_a_bus_that_is_elsewhere_is_come_back_for(make):
    lock = Lock()
    rig = make(bus=lock)
    move = mover(rig)
    lock.elsewhere = True
    assert move(0) == 0 and move(-put(rig, frame())) == 0
    assert rig.counters()["tx_dropped"] == 1
    rig.chip.wire_in(frame())
    assert move(0) == -1 and move(-2) == 0
    lock.elsewhere = False
    assert move(0) == 60 and not lock.taken


class Interrupted(BaseException):
    """Ctrl-C."""


def stop():
    raise Interrupted


@pytest.mark.parametrize("moment", [Call(stop), CallAt(2, stop)], ids=["select", "octet 2"])
@pytest.mark.parametrize("shared", [False, True])
def test_an_interrupted_generator_leaves_nothing_behind(broken, shared, moment):
    """Ctrl-C in each transaction of an exchange: the next generator goes on."""
    tried = 0
    for k in range(12):
        lock = Lock() if shared else None
        rig = broken(bus=lock)
        rig.run(300)
        move = mover(rig)
        for _ in range(3):
            rig.chip.wire_in(frame(90))
        rig.wiring.at(k, moment)
        try:
            n = 0
            for _ in range(9):
                n = max(move(n), 0)
                rig.clock.advance_ms(0.02)
        except Interrupted:
            pass
        else:
            continue
        tried += 1
        with pytest.raises(StopIteration):
            move(0)
        assert rig.wiring.levels[rig.wiring.cs] == 1 and not (lock and lock.taken)
        rig.wiring.clear()
        move = mover(rig)
        assert rig.counters()["reopened"] == 1
        rig.run(5)
        for j in range(30):
            f = frame(60 + 50 * j, fill=j)
            rig.chip.wire_in(f)
            n = move(0)
            assert got(rig, n) == f, k
            assert move(-n) == 0 and rig.sent[-1] == f
            rig.clock.advance_ms(1)
        assert {c.split(":")[0] for c in rig.chip.complaints} <= {"short"}
        assert not (lock and lock.taken)
    assert tried > 9


def test_the_four_methods_survive_an_interrupt_too(broken):
    rig = broken()
    assert rig.echo(frame())
    for k, call in enumerate((rig.dev.can_send, rig.poll, lambda: rig.dev.send(rig.buf, 60))):
        rig.chip.wire_in(frame(200))
        rig.buf[2:62] = frame(dst=PEER)
        rig.dev.send(rig.buf, 60)
        rig.wiring.at(0, Call(stop))
        with pytest.raises(Interrupted):
            call()
        rig.run(5)
        assert rig.echo(frame(fill=k))


def test_pointers_that_take_back_what_was_read_are_not_believed():
    st, stat = array("i", [0] * state.CELLS), array("i", [0] * 16)
    st[state.SIZE], st[state.RD_AT], st[state.WR_AT] = 8192, 5, 7
    st[state.RD], st[state.OWED] = 200, 100
    answer = bytearray(9)
    for held, told in ((100, 0), (160, 60), (99, -1), (0, -1), (8192, 8092), (8193, -1)):
        answer[3:9] = struct.pack("!HHH", held, 100, 100 + held)
        assert state.counted(st, answer, stat) == told
    assert stat[state.N_RX_FULL] == 1


def test_any_fault_while_room_is_given_back(broken, kind):
    """The fault matrix hits an exchange in which no room is given back; here it is."""
    rnd = random.Random(kind)
    names = [name for name, _ in faultmatrix.COMMON[:7]]
    assert "brown-out" in names and "octet lost" in names
    for name, fault in faultmatrix.COMMON[:7]:
        for k in range(8):
            rig = broken()
            rig.run(300)
            eighth = rig.chip.MEMORY // 8
            while (rig.chip.s0["RX_WR"] - rig.chip.read_to) % 65536 + 302 < eighth:
                assert rig.echo(frame(300))
            rig.octets = 4
            for j in range(3):  # so that more waits when room is given back
                rig.chip.wire_in(frame(300, fill=j))
            rig.wiring.at(k, fault(rig, rnd))
            start = rig.clock.ns
            row = []
            while row[-2:] != [True, True]:
                assert rig.clock.ns - start < 3e9, (name, k)
                row.append(faultmatrix.probe(rig, frame(300, fill=len(row))))
            rig.run(1200, step_ms=2)
            rig.wiring.clear()
            assert faultmatrix.steady(rig), (name, k)
