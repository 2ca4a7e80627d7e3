"""What one step of a WIZnet chip's generator says and answers: to whom sends, asks or receives,
with and without INT, while a frame leaves and after it."""

import pytest
from chips.faults import FlipMiso
from chips.rig import PEER, MoveRig, frame
from drivers.test_wiznet_said import CLEAR, PHY, POINTERS, SIZES, WATCH
from lab.bus import Elsewhere
from lab.spilog import listened
from uipy.drivers import wiznet
from uipy.drivers.wiznet import state

KINDS = ("w5500", "w5100s", "w6100")
SLOW = 1_000_000  # bits a second: a frame of 60 octets takes half a millisecond
N = 70  # octets of the frames that come in; 72 and the length are read
READ = "rx?74"
TOLD, ENDED, BOTH, ASK, COUNT = "clear 04", "clear 18", "clear 1c", "IR?", "pointers?"
SAID = ["tx=64", "TX_WR", "SEND"]  # of a frame that leaves


def started(kind, **kw):
    """A rig on a slow wire whose chip was looked at just now, and what is said to it."""
    rig, log = listened(MoveRig, kind, before=lambda r: setattr(r.chip, "BIT_RATE", SLOW), **kw)
    rig.run(300)  # a health check, the next one is 250 ms away
    while rig.dev._st[state.CHECK_AT] - rig.time.ticks_ms() < 200:
        rig.run(1)
    log.clear()
    return rig, log


def words(kind, log):
    """What was told, in words that are the same for each chip."""
    out = []
    for line in log.told():
        if line[2:3] == "@":
            line = line[:2] + line[7:]
        elif line.startswith(CLEAR[kind]):
            line = "clear " + line[-2:]
        elif line == POINTERS[kind]:
            line = COUNT
        else:
            line = {"S0.IR?1": ASK, "S0.CR=20": "SEND"}.get(line, line)
            line = "TX_WR" if line.startswith("S0.TX_WR=") else line
        out.append(line)
    return out


# A frame leaves: no, still, not any more. Frames that wait: none, one that nobody has counted yet,
# one that was counted with another. m -> what is said, the answer.
IDLE, BUSY, LEFT = "idle", "busy", "left"
BY_PIN = {
    (IDLE, "none"): {0: ([], 0), -1: ([], 1), -2: ([], 0), 60: (SAID, 0), -60: (SAID, 0)},
    (IDLE, "new"): {
        0: ([TOLD, COUNT, READ], N),
        -1: ([], 1),
        -2: ([TOLD, COUNT, READ], N),
        60: ([*SAID, ASK], -1),
        -60: (SAID, 0),
    },
    (IDLE, "counted"): {
        0: ([READ], N),
        -1: ([], 1),
        -2: ([READ], N),
        60: ([*SAID, ASK], -1),
        -60: (SAID, 0),
    },
    (BUSY, "none"): {0: ([], 0), -1: ([ASK], 0), -2: ([], 0)},
    (BUSY, "new"): {0: ([ASK], -1), -1: ([ASK], 0), -2: ([TOLD, COUNT, READ], N)},
    (BUSY, "counted"): {0: ([ASK], -1), -1: ([ASK], 0), -2: ([READ], N)},
    (LEFT, "none"): {0: ([], 0), -1: ([ASK, ENDED], 1), -2: ([], 0)},
    (LEFT, "new"): {
        0: ([ASK, BOTH, COUNT, READ], N),
        -1: ([ASK, ENDED], 1),
        -2: ([TOLD, COUNT, READ], N),
    },
    (LEFT, "counted"): {0: ([ASK, ENDED, READ], N), -1: ([ASK, ENDED], 1), -2: ([READ], N)},
}
POLLED = {
    (IDLE, "none"): {0: ([COUNT], 0), -1: ([], 1), -2: ([COUNT], 0), 60: ([*SAID, ASK], -1)},
    (IDLE, "new"): {0: ([COUNT, READ], N), -2: ([COUNT, READ], N), 60: ([*SAID, ASK], -1)},
    (IDLE, "counted"): {0: ([READ], N), -1: ([], 1), -2: ([READ], N), -60: (SAID, 0)},
    (BUSY, "none"): {0: ([ASK], -1), -1: ([ASK], 0), -2: ([COUNT], 0)},
    (BUSY, "new"): {0: ([ASK], -1), -1: ([ASK], 0), -2: ([COUNT, READ], N)},
    (BUSY, "counted"): {0: ([ASK], -1), -1: ([ASK], 0), -2: ([READ], N)},
    (LEFT, "none"): {0: ([ASK, ENDED, COUNT], 0), -1: ([ASK, ENDED], 1), -2: ([COUNT], 0)},
    (LEFT, "new"): {0: ([ASK, ENDED, COUNT, READ], N), -1: ([ASK, ENDED], 1)},
    (LEFT, "counted"): {0: ([ASK, ENDED, READ], N), -1: ([ASK, ENDED], 1), -2: ([READ], N)},
}
STEPS = [
    (pins, leaves, waits, m)
    for pins, table in ((True, BY_PIN), (False, POLLED))
    for (leaves, waits), steps in table.items()
    for m in steps
]


@pytest.mark.parametrize(("pins", "leaves", "waits", "m"), STEPS)
def test_step(kind, pins, leaves, waits, m):
    rig, log = started(kind, pins=pins)
    if waits == "counted":
        rig.chip.wire_in(frame(N))
        rig.chip.wire_in(frame(N, fill=1))
        assert rig.move(0) == N
    out = frame(60, dst=PEER)
    rig.buf[2:62] = out
    if leaves != IDLE:
        assert rig.move(-60) == 0
        if leaves == LEFT:
            rig.clock.advance_ms(1)
    if waits == "new":
        rig.chip.wire_in(frame(N, fill=1))
    log.clear()
    answer = rig.move(m)
    assert (words(kind, log), answer) == (BY_PIN if pins else POLLED)[leaves, waits][m]
    if answer == N:
        assert bytes(rig.buf[2 : 2 + N]) == frame(N, fill=1)
    # and whatever that was, the rest goes on as it should
    rig.clock.advance_ms(1)
    assert rig.move(-1) == 1
    assert rig.sent == [out] * (leaves != IDLE or m > 0 or m < -2)
    if waits != "none" and answer != N:
        assert rig.move(0) == N and bytes(rig.buf[2 : 2 + N]) == frame(N, fill=1)
    assert rig.move(0) == 0 and rig.chip.complaints == []
    trouble = {k: v for k, v in rig.counters().items() if k not in ("rx", "tx", "link")}
    assert trouble == {}


def test_health_check_is_one_step_that_goes_on_to_receive(kind):
    rig, log = started(kind)
    rig.clock.advance_ms(260)
    assert rig.move(-1) == 1 and log.told() == []
    assert rig.move(0) == 0
    assert log.told()[-len(WATCH[kind]) - 2 :] == [*WATCH[kind], PHY[kind], POINTERS[kind]]
    # what waits is received in the same step, though INT says nothing
    rig.clock.advance_ms(260)
    rig.chip.fault.int_stuck = 1
    rig.chip.wire_in(frame(N))
    assert rig.move(0) == N and rig.counters()["int_missed"] == 1
    # from then on, INT is not asked; with frames that were counted the check comes later
    rig.chip.fault.int_stuck = None
    rig.chip.wire_in(frame(N))
    rig.chip.wire_in(frame(N))
    assert rig.move(0) == N
    rig.clock.advance_ms(260)
    log.clear()
    assert rig.move(0) == N and [w for w in words(kind, log) if w != "+260 ms"] == [READ]
    assert rig.move(0) == 0 and WATCH[kind][0] in log.told()


def test_one_frame_is_too_long_and_the_next_one_is_not(kind):
    """-1 while something else waits: come back at once. Who receives only is told 0."""
    for m, answer in ((0, -1), (-2, 0)):
        rig, log = started(kind, size=102)
        for n in (101, 100, 1514):
            rig.chip.wire_in(frame(n))
        assert rig.move(m) == answer and rig.counters() == {"rx_long": 1, "link": 1}
        assert rig.move(m) == 100 and bytes(rig.buf[2:]) == frame(100)
        assert rig.move(m) == 0 and rig.counters()["rx_long"] == 2
        log.clear()
        assert rig.move(m) == 0 and log.told() == []


@pytest.mark.parametrize(("n", "moved"), SIZES[1:])
def test_frame_is_read_again_whole(kind, n, moved):
    """When its length, which came with it, cannot be: and then no octet of it was read."""
    rig, log = started(kind, pins=False)
    rig.chip.wire_in(frame(n))
    rig.wiring.at(1, FlipMiso(3, 7))
    rig.buf[:] = bytes(len(rig.buf))
    assert rig.move(0) == n and bytes(rig.buf[2 : 2 + n]) == frame(n)
    assert words(kind, log)[:3] == [COUNT, "rx?2", f"rx?{moved + 2}"]
    assert rig.counters() == {"rx": 1, "link": 1}


def test_length_that_cannot_be_is_read_twice_and_no_frame_behind_it(kind):
    rig, log = started(kind)
    rig.chip.fault.length_wrong, rig.chip.fault.length = 1, 7
    rig.chip.wire_in(frame(N))
    assert rig.move(0) == 0
    assert words(kind, log)[:5] == [TOLD, COUNT, "rx?2", "rx?2", "S0.CR=10"]
    assert rig.counters() == {"rx_bogus": 1, "reopened": 1, "link": 1}
    rig.chip.wire_in(frame(N))
    assert rig.move(0) == N


def test_length_that_cannot_be_is_left_alone_where_nothing_is_put_right(kind):
    rig, log = started(kind, recover=state.R_ALL & ~state.R_BOGUS)
    rig.chip.fault.length_wrong, rig.chip.fault.length = 1, 7
    rig.chip.wire_in(frame(N))
    assert rig.move(0) == 0 and rig.counters() == {"rx_bogus": 1, "link": 1}
    log.clear()
    assert rig.move(0) == 0 and log.told() == []


def test_a_transmission_that_nobody_asked_for_is_not_late_when_it_has_ended(kind):
    """What waits is told by INT then, and asked for with the same clearing."""
    for waits in ([], [READ]):
        rig, log = started(kind)
        rig.buf[2:62] = frame(dst=PEER)
        rig.move(-60)
        rig.clock.advance_ms(state.SEND_MS + 1)
        if waits:
            rig.chip.wire_in(frame(N))
        log.clear()
        assert rig.move(0) == (N if waits else 0)
        told = [w for w in words(kind, log) if w[0] != "+"]
        assert told == [ASK, BOTH, COUNT, *waits] and "tx_timeout" not in rig.counters()


def test_a_transmission_that_does_not_end_is_late_for_half_of_the_clocks_range(kind):
    rig, log = started(kind)
    rig.chip.fault.tx_stuck = 1
    rig.buf[2:62] = frame(dst=PEER)
    rig.move(-60)
    st = rig.dev._st
    for d, late in ((99, 0), (0x20000000, 0), (0x20000001, 0), (0x1FFFFFFF, 1)):
        log.clear()
        st[state.SENT_AT] = (rig.time.ticks_ms() - d) & 0x3FFFFFFF
        assert rig.move(-1) == late
        assert rig.counters().get("tx_timeout", 0) == rig.counters().get("reopened", 0) == late
        assert [ASK, *WATCH[kind]][: 1 + late] == words(kind, log)[: 1 + late]


def test_methods_use_the_buffer_they_are_given(kind):
    """Whichever it is, and behind an interrupt too, which ends the generator."""
    rig, _ = started(kind)
    bufs = [bytearray(1520), bytearray(300), rig.buf]
    for k, buf in enumerate([*bufs, *bufs[:2], *bufs]):
        f = frame(100, fill=k)
        rig.chip.wire_in(f)
        assert rig.dev.recv_into(buf) == 100 and buf[2:102] == f
        if k & 1:
            rig.dev._move = None
        buf[2:14] = PEER + PEER
        rig.dev.send(buf, 100)
        rig.clock.advance_ms(2)
        assert rig.sent[-1] == bytes(buf[2:102])
        if k & 2:
            rig.dev._move = None


def test_without_the_bus_the_chip_is_looked_for_as_soon_as_it_is_there(kind):
    """Behind a broken-off transaction: nobody knows what the chip has heard."""
    bus = Elsewhere()
    rig, log = started(kind, bus=bus)
    rig.dev._torn = bus.taken = True
    assert rig.dev.can_send()  # there is no generator yet, and nothing leaves
    rig.dev.send(rig.buf, 60)
    assert log.told() == [] and rig.counters()["tx_dropped"] == 1 and not rig.dev.link_up()
    bus.taken = False
    assert rig.dev.recv_into(rig.buf) == 0 and log.told()[0] == "RSTn=0"


def test_what_a_broken_off_transaction_may_have_left_is_put_right_once(kind):
    rig, log = started(kind)
    rig.dev._torn = True
    rig.buf = bytearray(1520)  # another generator
    assert rig.move(0) == 0 and rig.counters() == {"reopened": 1, "link": 1}
    log.clear()
    rig.buf = bytearray(1520)
    assert rig.move(0) == 0 and log.told() == []
    rig.chip.fault.absent = 0
    rig.run(600)
    assert not rig.dev.link_up()
    log.clear()
    rig.dev._torn = True
    rig.buf = bytearray(1520)
    assert rig.move(-1) == 1 and log.told() == []  # no chip, nothing to put right


def test_each_class_is_found_by_its_name(kind):
    name = kind.upper()
    found = getattr(wiznet, name)
    assert found.NAME == name
    if hasattr(wiznet, "__getattr__"):  # the sources: it is imported when it is first asked for
        assert wiznet.__getattr__(name) is found
    with pytest.raises(AttributeError, match="W5200"):
        wiznet.W5200  # noqa: B018
